/* checks_clients.c - the echo's peers: see checks_clients.h. */
#include "labs/01-selector/checks_clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 2000, CHUNK = 16384, BACKLOG = 512, NAPS = 5000, NAP_US = 1000 };

/* What client i sends at that place: no two neighbours are alike, no two clients. */
static char byte_at(int i, int64_t place)
{
    return (char)((place * 7 + place / 251 + i * 37) & 0xff);
}

__attribute__((format(printf, 2, 3))) static void note(int i, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    history_add(ENTRY_STEP, -1, "client %d %s", i, text);
}

/* ---- the server ------------------------------------------------------------------------------------------------- */

static void make_listener(struct server *s)
{
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    sa_family_t local = AF_UNIX;        /* without a path: the kernel finds an abstract name */
    socklen_t len = sizeof s->address;
    const int small = 32768;            /* queues that are full soon */
    s->listener = socket(s->tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listener < 0 ||
        bind(s->listener, s->tcp ? (void *)&inet : (void *)&local, s->tcp ? sizeof inet : sizeof local) < 0 ||
        listen(s->listener, BACKLOG) < 0 || getsockname(s->listener, (void *)s->address, &len) < 0)
        verdict_fault("no listening socket: %s", strerror(errno));
    s->address_len = (int)len;
    setsockopt(s->listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(s->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

/* Many clients are many descriptors. */
static void raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2 * CLIENTS) {
        files.rlim_cur = files.rlim_max < 2 * CLIENTS ? files.rlim_max : 2 * CLIENTS;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

void server_open(struct server *s, bool tcp)
{
    memset(s, 0, sizeof *s);
    s->tcp = tcp;
    raise_limit();
    make_listener(s);
    s->judge = judge_new_listening(NULL, 0, s->listener);
}

void server_scene(struct server *s, const char *title)
{
    judge_reset(s->judge, 0);
    history_clear();
    history_add(ENTRY_STEP, -1, "# %s, over %s", title, s->tcp ? "TCP" : "unix sockets");
    judge_order(s->judge, "door real");
    s->count = 0;
}

void server_begin(struct server *s, const char *title)
{
    server_scene(s, title);
    EXPECT_INT("echo_new", 0, judge_order(s->judge, "echo_new"),
               "echo_new has the selector watch the listener for READABLE");
}

void server_end(struct server *s)
{
    for (int i = 0; i < s->count; i++)
        if (s->clients[i].fd >= 0)
            client_leave(s, i);
    judge_order(s->judge, "echo_close");
}

void server_close(struct server *s)
{
    judge_close(s->judge);
    close(s->listener);
}

/* "...; read 7, 4096 bytes = 5; ...": each call becomes an entry of the history. */
static void note_calls(const char *said)
{
    for (const char *at = strchr(said, ';'); at; at = strchr(at, ';')) {
        at += strspn(at, "; ");
        char call[120];
        size_t len = strcspn(at, ";");
        snprintf(call, sizeof call, "%.*s", (int)(len < sizeof call ? len : sizeof call - 1), at);
        for (char *c = call; *c; c++)
            if ((unsigned char)*c < 32 || *c == 127)
                *c = '?';
        history_add(ENTRY_CALL, -1, "%s", call);
    }
}

int server_turns(struct server *s, int most)
{
    int64_t turns = judge_order(s->judge, "turns %d", most + 1);
    note_calls(judge_said(s->judge));
    if (turns < 0)
        verdict_fail("selector_wait failed: first make the selector's items pass", "selector_wait = %lld",
                     (long long)turns);
    EXPECT_AT_MOST("turns until nothing is ready", most, turns,
                   "something is ready again and again and nothing comes of it: is WRITABLE watched while nothing waits to be "
                   "sent, READABLE while nothing is received, the listener while nobody can be accepted?");
    return (int)turns;
}

/* ---- clients ---------------------------------------------------------------------------------------------------- */

int client_new(struct server *s)
{
    int i = s->count, fd = socket(s->tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || i == CLIENTS || connect(fd, (void *)s->address, (socklen_t)s->address_len) < 0)
        verdict_fault("client %d cannot connect: %s", i, strerror(errno));
    s->clients[i] = (struct client){ .fd = fd };
    s->count++;
    note(i, "connects");
    return i;
}

int64_t client_send(struct server *s, int i, int64_t bytes)
{
    struct client *c = &s->clients[i];
    char chunk[CHUNK];
    int64_t done = 0;
    while (done < bytes) {
        size_t len = bytes - done < CHUNK ? (size_t)(bytes - done) : CHUNK;
        for (size_t k = 0; k < len; k++)
            chunk[k] = byte_at(i, c->sent + (int64_t)k);
        ssize_t n = send(c->fd, chunk, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            verdict_fail("a connection is closed when its peer has said all, or is gone; not before",
                         "client %d sends, and is told: %s", i, strerror(errno));
        if (n < 0)
            break;
        done += n;
        c->sent += n;
    }
    note(i, "sends %lld bytes", (long long)done);
    return done;
}

void client_said_all(struct server *s, int i)
{
    shutdown(s->clients[i].fd, SHUT_WR);
    s->clients[i].said_all = true;
    note(i, "has said all (shutdown)");
}

void client_leave(struct server *s, int i)
{
    close(s->clients[i].fd);
    s->clients[i].fd = -1;
    note(i, "closes");
}

/* A unix socket that is closed with bytes in it tells its peer of an error; a TCP one if it may not linger. */
void client_cut(struct server *s, int i)
{
    struct linger at_once = { 1, 0 };
    setsockopt(s->clients[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(s->clients[i].fd);
    s->clients[i].fd = -1;
    note(i, "cuts the connection");
}

static void check_bytes(int i, int64_t place, const char *bytes, size_t len)
{
    for (size_t k = 0; k < len; k++)
        if (bytes[k] != byte_at(i, place + (int64_t)k))
            verdict_fail("what comes back is what was sent, byte for byte, to whom it came from: where does on_writable go on?",
                         "client %d receives a wrong byte at place %lld", i, (long long)(place + (int64_t)k));
}

/* Reads all there is; whether there was anything. */
static bool receive(struct server *s, int i)
{
    struct client *c = &s->clients[i];
    char chunk[CHUNK];
    int64_t before = c->received;
    bool told = c->ended || c->reset;
    while (!c->ended && !c->reset) {
        ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            break;
        c->ended = n == 0;
        c->reset = n < 0;
        if (n > 0 && c->received + n > c->sent)
            verdict_fail("bytes were sent twice, or to the wrong client", "client %d receives more than it sent", i);
        if (n > 0)
            check_bytes(i, c->received, chunk, (size_t)n);
        c->received += n > 0 ? n : 0;
    }
    if (c->received > before)
        history_add(ENTRY_EVENT, -1, "client %d receives %lld bytes", i, (long long)(c->received - before));
    if (!told && (c->ended || c->reset))
        history_add(ENTRY_EVENT, -1, "client %d is told %s", i, c->ended ? "of the end" : "of an error");
    return c->received > before || told != (c->ended || c->reset);
}

static bool is_owed(const struct client *c)
{
    if (c->fd < 0 || c->silent || c->ended || c->reset)
        return false;
    return c->received < c->sent || c->said_all;
}

static bool anybody_owed(const struct server *s)
{
    for (int i = 0; i < s->count; i++)
        if (is_owed(&s->clients[i]))
            return true;
    return false;
}

void server_exchange(struct server *s)
{
    for (int naps = s->tcp ? NAPS : 0; ; ) {
        bool moved = server_turns(s, TURNS) > 0;
        for (int i = 0; i < s->count; i++)
            if (s->clients[i].fd >= 0 && !s->clients[i].silent)
                moved |= receive(s, i);
        if (moved)
            continue;
        if (naps == 0 || !anybody_owed(s))
            return;
        naps--;
        usleep(NAP_US);
    }
}

/* ---- what is expected ------------------------------------------------------------------------------------------- */

static const char *why_not_answered(const struct client *c)
{
    if (c->ended || c->reset)
        return "the connection was closed before the last byte was sent back";
    if (c->received == 0)
        return "nothing came back at all: was it accepted, watched for READABLE, read, and was what was read written back?";
    return "bytes wait, and nobody will send them: is WRITABLE watched while they do, and READABLE after them?";
}

void expect_answered(const struct server *s, int i)
{
    const struct client *c = &s->clients[i];
    char what[80];
    snprintf(what, sizeof what, "bytes that came back to client %d", i);
    EXPECT_INT(what, c->sent, c->received, why_not_answered(c));
    snprintf(what, sizeof what, "the end, as client %d was told", i);
    EXPECT_INT(what, c->said_all, c->ended, c->said_all ? "a peer that has said all is closed when the last byte is sent"
                                                        : "it was closed, and had not said all");
}

void expect_connections(struct server *s, int64_t expected, const char *cause)
{
    server_turns(s, TURNS);
    int64_t open = judge_said_number(s->judge, "open");
    for (int naps = s->tcp ? NAPS : 0; naps > 0 && open != expected; naps--) {
        usleep(NAP_US);
        judge_order(s->judge, "turns %d", TURNS);
        open = judge_said_number(s->judge, "open");
    }
    EXPECT_INT("open connections", expected, open, cause);
}
