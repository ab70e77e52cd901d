/* fetch.c - pages of the web, many at once: `fetch [OPTION]... URL...`; `fetch --help` says which options there are.
 *
 * A line for each on standard output; what fails is one sentence on standard error, and the exit status is 1. What is
 * interrupted, by Ctrl-C too, leaves files that -C goes on with. The trap it exists for: a tool that draws its progress into a
 * pipe, or says nothing when it fails. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/programs/fetch.h"
#include "loop/run_sync.h"
#include "loop/signals.h"
#if __has_include(<openssl/ssl.h>)
#include "http/parse.h"
#include "stream/tls.h"
#define HAS_TLS 1
#else
#define HAS_TLS 0
#endif
#if __has_include(<zlib.h>)
#define CODING coding_gzip()
#else
#define CODING NULL
#endif

#define QUIET (30 * SECOND)             /* that a server may be, however long all of it may take */

static struct options options;
static struct loop *loop;
static struct http_client *client;
static FILE *words;                     /* what is said of pages: where none of them is */
static char **names;                    /* -O: one for each URL */
static int next, failed;

struct page {
    const char *url;
    struct target target;
    struct row row;
    int64_t began;
    struct sentence failure;
    struct header headers[MOST_HEADERS + 3];
};

/* ---- what is said ---------------------------------------------------------------------------------------------------- */

static void say_failure(const struct page *p, int rc)
{
    failed++;
    if (rc == -ECANCELED)
        progress_say(stderr, "fetch: GET %.200s: interrupted", p->url);
    else
        progress_say(stderr, "fetch: %s", p->failure.text[0] ? p->failure.text : strerror(-rc));
    progress_say(stderr, target_resumable(&p->target) ? " (-C - goes on with what has come)\n" : "\n");
}

/* A row of the table: one phase may have come again behind a redirect. */
static void say_timing(const struct http_response *r, int64_t len, int64_t total)
{
    static bool begun;
    char line[256] = "";
    int64_t rest = total;
    if (!begun)
        progress_say(words, "%6s %11s %8s %8s %8s %8s %8s %8s %10s %8s %9s  %s\n", "status", "bytes", "queue", "name", "connect",
                     "proxy", "tls", "send", "first byte", "answer", "total ms", "url");
    begun = true;
    for (int i = 0; i < HTTP_ANSWER; i++) {
        size_t at = strlen(line);
        rest -= r->spent[i];
        snprintf(line + at, sizeof line - at, " %*.2f", i == HTTP_FIRST_BYTE ? 10 : 8, (double)r->spent[i] / MILLISECOND);
    }
    progress_say(words, "%6d %11" PRId64 "%s %8.2f %9.2f  %s\n", r->status, len, line, (double)rest / MILLISECOND,
                 (double)total / MILLISECOND, r->url);
}

static void say_page(const struct page *p, const struct http_response *r, bool whole)
{
    int64_t len = p->row.got - p->target.from;
    if (options.timing)
        say_timing(r, len, loop_time(loop) - p->began);
    else
        progress_say(words, "%d %9" PRId64 " %s%s\n", r->status, len, r->url, whole ? " (all of it was there)" : "");
}

/* ---- one page -------------------------------------------------------------------------------------------------------- */

static int write_head(struct page *p, const struct http_response *r)
{
    char line[64];
    int n = snprintf(line, sizeof line, "HTTP/1.1 %d ", r->status);
    size_t len = headers_write(&r->headers, NULL, 0);
    char *head = malloc(len + r->reason.len + 5);
    if (!head)
        return -ENOMEM;
    memcpy(head, r->reason.data, r->reason.len);
    memcpy(head + r->reason.len, "\r\n", 2);
    headers_write(&r->headers, head + r->reason.len + 2, len);
    memcpy(head + r->reason.len + 2 + len, "\r\n", 2);
    int rc = target_write(&p->target, line, (size_t)n, &p->failure);
    if (rc == 0)
        rc = target_write(&p->target, head, r->reason.len + len + 4, &p->failure);
    free(head);
    return rc;
}

static int take_body(struct page *p, struct http_response *r)
{
    struct future f = {0};
    int n, rc = 0;
    while (rc == 0 && (n = await(http_body(r, &f))) > 0) {
        p->row.got += n;
        rc = target_write(&p->target, f.value, (size_t)n, &p->failure);
    }
    if (rc == 0 && n < 0)
        sentence_write(&p->failure, "GET %.100s: answer: %s", r->url, f.why ? f.why : strerror(-n));
    return rc < 0 ? rc : n;
}

/* What is known of its length. */
static int64_t length_of(const struct page *p, const struct http_response *r)
{
    int64_t len;
    bool packed = headers_count(&r->headers, "content-encoding") > 0 && options.packed;
    if (packed || text_number(headers_get(&r->headers, "content-length"), INT64_MAX / 2, &len) < 0)
        return -1;
    return p->target.from + len;
}

static int take_page(struct page *p, struct http_response *r)
{
    struct sentence late;
    int rc = target_begin(&p->target, r, &p->failure);
    bool whole = rc > 0;
    p->row.got = p->row.seen = p->target.from;
    p->row.total = length_of(p, r);
    if (rc == 0 && (options.head || options.head_only))
        rc = write_head(p, r);
    if (rc == 0)
        rc = take_body(p, r);
    int ended = target_end(&p->target, rc < 0 ? &late : &p->failure);
    rc = rc < 0 || whole ? rc : ended;
    if (rc >= 0)
        say_page(p, r, whole);
    return rc;
}

static void add_header(struct page *p, struct http_fetch *what, const char *name, const char *value)
{
    p->headers[what->header_count++] = (struct header){ text_of(name), text_of(value) };
}

static void put_request(struct page *p, struct http_fetch *what)
{
    struct headers given = { options.headers, options.header_count, options.header_count };
    *what = (struct http_fetch){ .url = p->url, .failure = &p->failure, .max_redirects = options.redirects };
    what->method = options.method ? options.method : options.data ? "POST" : options.head_only ? "HEAD" : "GET";
    what->body = (struct bytes){ options.data, options.data_len };
    what->user = options.user;
    what->password = options.password;
    what->via = options.socket;
    what->patience.total = options.patience ? options.patience : -1;
    what->patience.first_byte = what->patience.piece = QUIET;
    what->headers = p->headers;
    memcpy(p->headers, options.headers, (size_t)options.header_count * sizeof *options.headers);
    what->header_count = options.header_count;
    if (options.data && headers_count(&given, "content-type") == 0)
        add_header(p, what, "Content-Type", "application/x-www-form-urlencoded");
    if (p->target.range[0]) {
        add_header(p, what, "Range", p->target.range);
        add_header(p, what, "If-Range", p->target.date);
    }
}

static int ask(struct page *p)
{
    struct http_fetch what;
    struct future f = {0};
    put_request(p, &what);
    p->began = loop_time(loop);
    int rc = await(http_open(client, &what, &f));
    if (rc < 0)
        return rc;
    rc = take_page(p, f.value);
    http_response_free(f.value);
    return rc;
}

/* Standard output gets all of it where nothing else is said, and the head is wanted. */
static const char *name_of(int i)
{
    if (i < options.file_count)
        return options.files[i];
    return names[i] ? names[i] : options.head || options.head_only ? "-" : NULL;
}

static int fetch_page(struct page *p, int i)
{
    bool named = i >= options.file_count && names[i];
    const char *name = name_of(i);
    struct headers given = { options.headers, options.header_count, options.header_count };
    *p = (struct page){ .url = options.urls[i], .row = { .name = options.urls[i], .total = -1 } };
    p->target = (struct target){ .name = name, .named = named, .force = options.force, .resume = options.resume };
    p->target.part = headers_count(&given, "range") > 0;
    if (name && strcmp(name, "-") != 0)
        p->row.name = name;
    progress_add(&p->row);
    int rc = target_plan(&p->target, &p->failure);
    if (rc == 0)
        rc = ask(p);
    progress_remove(&p->row, rc >= 0);
    return rc;
}

static int fetch_in_turn(void *self)
{
    struct page *p = calloc(1, sizeof *p);
    int rc = p ? 0 : -ENOMEM;
    (void)self;
    while (p && next < options.count && rc != -ECANCELED) {
        rc = fetch_page(p, next++);
        if (rc < 0)
            say_failure(p, rc);
    }
    free(p);
    return p || !rc ? 0 : rc;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

#if HAS_TLS
static struct tls *begin_tls(void)
{
    struct sentence failure;
    const struct tls_options how = {
        .authorities = options.authorities, .trust = options.trusting ? TLS_BELIEVE_ANYBODY : TLS_VERIFY, .alpn = http_alpn
    };
    struct tls *tls = tls_client_new(loop_sys(loop), &how, &failure);
    if (!tls)
        fprintf(stderr, "fetch: https: %s\n", failure.text);
    return tls;
}

static void end_tls(struct tls *tls)
{
    if (tls)
        tls_close(tls);
}
#else
static struct tls *begin_tls(void)
{
    return NULL;
}

static void end_tls(struct tls *tls)
{
    (void)tls;
}
#endif

/* Pages that go to standard output go there one behind the other. */
static bool writes_to_output(void)
{
    for (int i = 0; i < options.count; i++)
        if (name_of(i) && strcmp(name_of(i), "-") == 0)
            return true;
    return false;
}

static int fetch_all(void *self)
{
    int most = writes_to_output() ? 1 : options.at_once < options.count ? options.at_once : options.count;
    struct future *each = calloc((size_t)most, sizeof *each), **all = calloc((size_t)most, sizeof *all), together = {0};
    int rc = each && all ? 0 : -ENOMEM;
    (void)self;
    for (int i = 0; rc == 0 && i < most; i++)
        all[i] = co_spawn(loop, fetch_in_turn, NULL, &each[i]);
    if (rc == 0)
        rc = await(future_all(loop, all, (size_t)most, &together));
    for (int i = 0; each && all && i < most; i++)       /* where one has failed the others are still under way */
        future_cancel(all[i]);
    free(all);
    free(each);
    return rc;
}

static int run(void)
{
    struct tls *tls = begin_tls();
    struct http_client_options how = { .most = options.at_once, .tls = tls, .agent = options.agent };
    how.choose_proxy = proxies_choose;
    how.coding = options.packed ? CODING : NULL;
    client = proxies_begin(options.proxy) ? http_client_new(loop, &how) : NULL;
    progress_begin(loop, options.count, options.quiet);
    int rc = client ? loop_run_sync(loop, fetch_all, NULL) : -ENOMEM;
    progress_end();
    if (rc < 0 && !loop_stopped_by(loop))
        fprintf(stderr, "fetch: %s\n", strerror(-rc));
    if (client)
        http_client_close(client);
    end_tls(tls);
    proxies_end();
    bool said = !ferror(words);
    if (!said)
        fprintf(stderr, "fetch: the lines of pages could not be written: %s\n", strerror(errno));
    return rc < 0 || failed || !said;
}

/* ---- before and after ------------------------------------------------------------------------------------------------ */

static bool is_taken(int i)
{
    for (int k = 0; k < i; k++)
        if (names[k] && strcmp(names[k], names[i]) == 0)
            return true;
    return false;
}

/* The files of -O: each URL has one, and none has another's. */
static bool find_names(void)
{
    names = calloc((size_t)options.count, sizeof *names);
    for (int i = options.file_count; names && options.by_name && i < options.count; i++) {
        names[i] = target_name(options.urls[i]);
        const char *wrong = !names[i] ? "there is no name for a file at the end of it"
                            : is_taken(i) ? "another URL has the same name" : NULL;
        if (wrong)
            fprintf(stderr, "fetch: -O: %s: %s: say one with -o\n", options.urls[i], wrong);
        if (wrong)
            return false;
    }
    return names != NULL;
}

static int begin_loop(void)
{
    loop = loop_new(sys_linux());
    return loop ? loop_stop_on_signals(loop) : -ENOMEM;
}

int main(int argc, char **argv)
{
    int status = options_read(&options, argc, argv);
    if (status < 0)
        status = find_names() ? -1 : 2;
    int rc = status < 0 ? begin_loop() : 0;
    if (rc < 0)
        fprintf(stderr, "fetch: it could not begin: %s\n", strerror(-rc));
    if (status < 0) {
        words = writes_to_output() ? stderr : stdout;
        status = rc < 0 ? 1 : run();
    }
    int signo = loop ? loop_stopped_by(loop) : 0;
    if (loop)
        loop_close(loop);
    for (int i = 0; names && i < options.count; i++)
        free(names[i]);
    free(names);
    options_end(&options);
    return signo ? 128 + signo : status;
}
