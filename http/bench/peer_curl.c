/* peer_curl.c - libcurl's multi interface, where it is to be had (build/peers, see loop/bench/peers.sh).
 *
 * As somebody would write it who knows it: easy handles that are used again, curl_multi_socket_action, and an epoll set of one's
 * own. It is loaded when it is needed, so that the bench runs without it. */
#include "http/bench/fetches.h"

#if __has_include(<curl/curl.h>)

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop/sys.h"

enum { URL = 64, EVENTS = 64, TIME_OUT = 20000 };      /* ms, as ours */

static struct api {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    void (*easy_cleanup)(CURL *);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *, CURLMoption, ...);
    CURLMcode (*multi_add_handle)(CURLM *, CURL *);
    CURLMcode (*multi_remove_handle)(CURLM *, CURL *);
    CURLMcode (*multi_socket_action)(CURLM *, curl_socket_t, int bits, int *running);
    CURLMsg *(*multi_info_read)(CURLM *, int *left);
    CURLMcode (*multi_cleanup)(CURLM *);
} api;

static const struct name {
    const char *name;
    size_t at;
} names[] = {
    { "curl_global_init", offsetof(struct api, global_init) },
    { "curl_easy_init", offsetof(struct api, easy_init) },
    { "curl_easy_setopt", offsetof(struct api, easy_setopt) },
    { "curl_easy_getinfo", offsetof(struct api, easy_getinfo) },
    { "curl_easy_cleanup", offsetof(struct api, easy_cleanup) },
    { "curl_multi_init", offsetof(struct api, multi_init) },
    { "curl_multi_setopt", offsetof(struct api, multi_setopt) },
    { "curl_multi_add_handle", offsetof(struct api, multi_add_handle) },
    { "curl_multi_remove_handle", offsetof(struct api, multi_remove_handle) },
    { "curl_multi_socket_action", offsetof(struct api, multi_socket_action) },
    { "curl_multi_info_read", offsetof(struct api, multi_info_read) },
    { "curl_multi_cleanup", offsetof(struct api, multi_cleanup) },
};

/* What it needs of others is found there, too: bench.mk says so to the linker. NULL, or why not. */
static const char *load(void)
{
    static char why[160];
    void *library = api.multi_init ? NULL : dlopen("libcurl.so.4", RTLD_LAZY);
    if (!library && !api.multi_init) {
        snprintf(why, sizeof why, "libcurl is unpacked, but cannot be loaded: %s", dlerror());
        return why;
    }
    for (size_t i = 0; library && i < sizeof names / sizeof *names; i++) {
        void *found = dlsym(library, names[i].name);
        if (!found)
            bench_die("libcurl has no %s", names[i].name);
        memcpy((char *)&api + names[i].at, &found, sizeof found);
    }
    return NULL;
}

const char *curl_unfit(void)
{
    static const char mark[] = "build/peers/deb/libcurl.unpacked";
    return access(mark, F_OK) < 0 ? bench_absent("libcurl") : load();
}

/* ---- fetching ---------------------------------------------------------------------------------------------------- */

struct caller {
    CURLM *multi;
    int epfd;
    int64_t due;                        /* when libcurl wants to be called; FOREVER: not */
    struct host *host;
    size_t body;
    bool pieces;
    long left, running;
    int count;
    struct seat {
        struct caller *caller;
        CURL *easy;
        char *body;
        size_t len;
    } seats[FEW];
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
    struct caller *c = self;
    struct epoll_event event = { .data.fd = fd };
    (void)easy, (void)known;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (what == CURL_POLL_REMOVE)
        epoll_ctl(c->epfd, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(c->epfd, EPOLL_CTL_MOD, fd, &event) < 0 && epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("libcurl's socket could not be watched");
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *self)
{
    struct caller *c = self;
    (void)multi;
    c->due = ms < 0 ? FOREVER : sys_linux()->now(sys_linux()) + ms * MILLISECOND;
    return 0;
}

static size_t on_bytes(char *data, size_t size, size_t count, void *self)
{
    struct seat *s = self;
    if (!s->caller->pieces && s->len + size * count <= s->caller->body)
        memcpy(s->body + s->len, data, size * count);
    s->len += size * count;
    return size * count;
}

static void ask(struct seat *s)
{
    struct caller *c = s->caller;
    c->left--;
    s->len = 0;
    if (api.multi_add_handle(c->multi, s->easy) != CURLM_OK)
        bench_die("libcurl does not take a fetch");
}

static void had(struct caller *c, CURL *easy, CURLcode rc)
{
    struct seat *s = NULL;
    long status = 0;
    api.easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s);
    api.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (rc != CURLE_OK || status != 200 || s->len != c->body)
        bench_die("libcurl: a fetch has come to %d, %ld and %zu bytes", (int)rc, status, s->len);
    api.multi_remove_handle(c->multi, easy);
    if (c->left > 0)
        ask(s);
    else
        c->running--;
}

static void look(struct caller *c)
{
    int left;
    for (CURLMsg *m; (m = api.multi_info_read(c->multi, &left));)
        if (m->msg == CURLMSG_DONE)
            had(c, m->easy_handle, m->data.result);
}

static void act(struct caller *c, int fd, int bits)
{
    int running;
    if (api.multi_socket_action(c->multi, fd, bits, &running) != CURLM_OK)
        bench_die("libcurl does not go on");
}

/* The time is only looked at where libcurl waits for some, and not where that is at once. */
static int patience(const struct caller *c)
{
    int64_t left = c->due == FOREVER ? FOREVER : c->due - sys_linux()->now(sys_linux());
    if (left == FOREVER)
        return -1;
    return left <= 0 ? 0 : (int)((left + MILLISECOND - 1) / MILLISECOND);
}

static void turn(struct caller *c)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(c->epfd, events, EVENTS, patience(c));
    for (int i = 0; i < n; i++) {
        int bits = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
        act(c, events[i].data.fd, bits | (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
    }
    if (n == 0) {
        c->due = FOREVER;
        act(c, CURL_SOCKET_TIMEOUT, 0);
    }
    look(c);
}

static void caller_run(void *self, long ops)
{
    struct caller *c = self;
    c->left = ops;
    for (c->running = 0; c->running < c->count && c->left > 0; c->running++)
        ask(&c->seats[c->running]);
    while (c->running > 0)
        turn(c);
}

/* ---- the lanes --------------------------------------------------------------------------------------------------- */

static void seat_begin(struct seat *s, struct caller *c, const char *url)
{
    s->caller = c;
    s->easy = api.easy_init();
    s->body = bench_array(1, c->body);
    if (!s->easy)
        bench_die("libcurl gives no handle");
    api.easy_setopt(s->easy, CURLOPT_URL, url);
    api.easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    api.easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    api.easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    api.easy_setopt(s->easy, CURLOPT_PROXY, "");
    api.easy_setopt(s->easy, CURLOPT_USERAGENT, "curl");
    api.easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)TIME_OUT);
    if (!c->pieces)
        api.easy_setopt(s->easy, CURLOPT_BUFFERSIZE, 65536L);
}

static void *caller_open(int count, size_t body, bool pieces)
{
    struct caller *c = bench_array(1, sizeof *c);
    char url[URL];
    c->host = host_new(body);
    c->due = FOREVER;
    c->count = count;
    c->body = body;
    c->pieces = pieces;
    c->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (load() || api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->multi = api.multi_init()))
        bench_die("libcurl does not begin");
    api.multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    api.multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    api.multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    api.multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    api.multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 2L * FEW);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", host_port(c->host));
    for (int i = 0; i < count; i++)
        seat_begin(&c->seats[i], c, url);
    caller_run(c, 10 * count);
    return c;
}

static void caller_close(void *self)
{
    struct caller *c = self;
    for (int i = 0; i < c->count; i++) {
        api.easy_cleanup(c->seats[i].easy);
        free(c->seats[i].body);
    }
    api.multi_cleanup(c->multi);
    close(c->epfd);
    host_close(c->host);
    free(c);
}

static void *one_open(void)
{
    return caller_open(1, strlen(visitors_text), false);
}

static void *few_open(void)
{
    return caller_open(FEW, strlen(visitors_text), false);
}

static void *page_open(void)
{
    return caller_open(FEW, PAGE_BODY, false);
}

static void *long_open(void)
{
    return caller_open(LONG_AT_ONCE, LONG_BODY, true);
}

const struct lane curl_fetch_one = { "libcurl", one_open, caller_run, caller_close };
const struct lane curl_fetch = { "libcurl", few_open, caller_run, caller_close };
const struct lane curl_fetch_page = { "libcurl", page_open, caller_run, caller_close };
const struct lane curl_fetch_long = { "libcurl", long_open, caller_run, caller_close };

#else

const struct lane curl_fetch_one = { .name = "libcurl" };
const struct lane curl_fetch = { .name = "libcurl" };
const struct lane curl_fetch_page = { .name = "libcurl" };
const struct lane curl_fetch_long = { .name = "libcurl" };

const char *curl_unfit(void)
{
    return bench_absent("libcurl");
}

#endif
