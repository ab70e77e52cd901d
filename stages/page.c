/* page.c - what the stages share because it is no step of theirs. See page.h.
 *
 * Traps: (a) bytes come in any pieces: the end of a head may be split anywhere, so it is looked for across them.
 *        (b) a peer that never ends its head, or is no HTTP server at all, must not be believed for long.
 *        (c) a connection that was closed is no page yet: fewer bytes than were announced are an error. */
#include "stages/page.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

#define BODY "<!doctype html><title>a page</title><p>Every request gets this page.\n"
const char page_reply[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 69\r\nConnection: close\r\n\r\n" BODY;
const size_t page_reply_len = sizeof page_reply - 1;
const char page_body[] = BODY;
_Static_assert(sizeof BODY - 1 == 69, "Content-Length says how long BODY is");

/* ---- URLs and the request ------------------------------------------------------------------------------------------ */

/* Copies what stands before `end` to `out`. False if it is nothing, or too much. */
static bool copy_until(const char *from, const char *end, char *out, size_t size)
{
    size_t len = (size_t)(end - from);
    if (len == 0 || len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= 5 && !text[digits] && atoi(text) <= 65535;
}

/* Takes a URL apart and writes the request: 0, or -EINVAL for what is no "http://host[:port][/path]". */
static int page_aim(struct page *p, const char *url)
{
    p->url = p->path = url;
    if (strncasecmp(url, "http://", 7) != 0)
        return -EINVAL;
    const char *host = url + 7, *end = host + strcspn(host, "/?#");
    const char *colon = memchr(host, ':', (size_t)(end - host));
    p->path = *end == '/' ? end : "/";
    snprintf(p->name.port, sizeof p->name.port, "80");
    if (!copy_until(host, colon ? colon : end, p->name.host, sizeof p->name.host))
        return -EINVAL;
    if (colon && !copy_until(colon + 1, end, p->name.port, sizeof p->name.port))
        return -EINVAL;
    if (!is_port(p->name.port))
        return -EINVAL;
    if ((*end && *end != '/') || url[strcspn(url, "\r\n #")])
        return -EINVAL;
    int n = snprintf(p->request, sizeof p->request, "GET %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n\r\n", p->path,
                     (int)(end - host), host);
    p->request_len = (size_t)n;
    return n < (int)sizeof p->request ? 0 : -EINVAL;
}

int name_look_up(struct name *n)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
    int rc = getaddrinfo(n->host, n->port, &hints, &found);
    if (rc != 0) {
        n->why = gai_strerror(rc);
        return -ENOENT;
    }
    memcpy(&n->address, found->ai_addr, sizeof n->address);
    freeaddrinfo(found);
    return 0;
}

/* ---- the reply ----------------------------------------------------------------------------------------------------- */

/* The value of a header in the head, or NULL. */
static const char *header(const struct page *p, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = p->head; (line = strstr(line, "\r\n")) && line[2] != '\r';) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
    }
    return NULL;
}

/* The head is whole, and a string. */
static int read_head(struct page *p)
{
    const char *length = header(p, "Content-Length");
    p->announced = length ? strtoll(length, NULL, 10) : -1;
    if (sscanf(p->head, "HTTP/1.%*1[01] %3d", &p->status) != 1 || p->status < 100)
        return -EPROTO;
    return header(p, "Transfer-Encoding") ? -ENOTSUP : 0;
}

int page_take(struct page *p, const char *data, size_t len)
{
    if (p->status) {
        p->body += (int64_t)len;
        return 0;
    }
    size_t had = p->head_len, room = sizeof p->head - 1 - had, n = len < room ? len : room;
    memcpy(p->head + had, data, n);
    p->head_len += n;
    p->head[p->head_len] = '\0';
    if (strncmp(p->head, "HTTP/1.", p->head_len < 7 ? p->head_len : 7) != 0)
        return -EPROTO;
    size_t from = had > 3 ? had - 3 : 0;
    char *end = memmem(p->head + from, p->head_len - from, "\r\n\r\n", 4);
    if (!end)
        return n < len ? -EMSGSIZE : 0;
    size_t head = (size_t)(end + 4 - p->head);
    p->body = (int64_t)(had + len - head);
    end[4] = '\0';
    return read_head(p);
}

int page_take_head(struct page *p, const char *head, size_t len)
{
    if (len == 0 || len >= sizeof p->head)
        return len ? -EMSGSIZE : -ENODATA;
    memcpy(p->head, head, len);
    p->head[p->head_len = len] = '\0';
    if (strncmp(p->head, "HTTP/1.", len < 7 ? len : 7) != 0)
        return -EPROTO;
    return len >= 4 && memcmp(p->head + len - 4, "\r\n\r\n", 4) == 0 ? read_head(p) : -ENODATA;
}

void page_take_status(struct page *p, int status)
{
    p->status = status;
    p->announced = -1;
}

void page_take_body(struct page *p, int len)
{
    p->body += len;
}

/* ---- what became of it --------------------------------------------------------------------------------------------- */

/* The connection was closed in order; did the whole page come? */
static int judge(const struct page *p)
{
    if (!p->status)
        return -ENODATA;
    return p->announced < 0 || p->announced == p->body ? 0 : -EBADMSG;
}

static void say(const struct page *p, int rc)
{
    if (p->why) {
        fprintf(stderr, "%s\n", p->why);
        return;
    }
    fprintf(stderr, "%s: ", p->url);
    switch (-rc) {
    case ENOENT: fprintf(stderr, "no address is known for %s (%s)\n", p->name.host, p->name.why); break;
    case ECONNREFUSED: fprintf(stderr, "nobody listens there (connection refused): is the server running?\n"); break;
    case ECONNRESET:
    case EPIPE: fprintf(stderr, "the server reset the connection before the page was whole\n"); break;
    case ETIMEDOUT:
        if (p->doing)
            fprintf(stderr, "timed out while %s (-t gives it more time)\n", p->doing);
        else
            fprintf(stderr, "timed out: no whole page in the time it was given (-t gives it more)\n");
        break;
    case ENODATA: fprintf(stderr, "closed early: the server hung up before the head of its reply was whole\n"); break;
    case EBADMSG:
        fprintf(stderr, "closed early: %lld bytes came, %lld were announced\n", (long long)p->body, (long long)p->announced);
        break;
    case EPROTO: fprintf(stderr, "this is no HTTP/1 reply: is it a web server?\n"); break;
    case EMSGSIZE: fprintf(stderr, "the head of the reply does not end within %d bytes\n", HEAD_LIMIT); break;
    case ENOTSUP: fprintf(stderr, "the page comes in chunks, which this stage cannot read\n"); break;
    case EMFILE: fprintf(stderr, "no descriptor is left: fetch fewer at once (-c), or raise ulimit -n\n"); break;
    default: fprintf(stderr, "%s\n", strerror(-rc));
    }
}

void page_done(struct page *p, int rc)
{
    if (rc == 0)
        rc = judge(p);
    if (rc == 0) {
        printf("%d %8lld %s\n", p->status, (long long)p->body, p->path);
        p->run->done++;
        p->run->bytes += p->body;
    } else {
        if (rc != -ECANCELED)
            say(p, rc);
        p->run->given_up += rc == -ECANCELED;
        p->run->failed++;
    }
    free(p);
}

void *page_memory(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory) {
        fprintf(stderr, "no memory is left: fetch fewer at once (-c)\n");
        exit(1);
    }
    return memory;
}

/* ---- the run ------------------------------------------------------------------------------------------------------- */

int pages_wanted(const struct run *run)
{
    return run->url_count * run->times;
}

int pages_done(const struct run *run)
{
    return run->done;
}

int pages_under_way(const struct run *run)
{
    return run->begun - run->done - run->failed;
}

int pages_given_up(const struct run *run)
{
    return run->given_up;
}

int pages_left(const struct run *run)
{
    return pages_wanted(run) - run->begun;
}

struct page *page_next(struct run *run)
{
    if (run->begun == pages_wanted(run))
        return NULL;
    struct page *p = page_memory(sizeof *p);
    p->run = run;
    page_aim(p, run->urls[run->begun++ % run->url_count]);      /* fetch has tried all of them, or tries each */
    return p;
}

static int fetch(struct run *run, const struct stage *stage, char **urls, int count)
{
    struct page trial;
    for (int i = 0; i < count; i++)
        if (!stage->any_url && page_aim(&trial, urls[i]) < 0) {
            fprintf(stderr, "%s: this is no http://host[:port][/path]\n", urls[i]);
            return 2;
        }
    run->urls = urls;
    run->url_count = count;
    int rc = stage->fetch(run);
    if (rc < 0)
        fprintf(stderr, "%s: the run failed: %s\n", stage->name, strerror(-rc));
    printf("Fetched %lld bytes in %d pages\n", (long long)run->bytes, run->done);
    return rc < 0 || run->done < pages_wanted(run);
}

/* ---- the server's side --------------------------------------------------------------------------------------------- */

int page_asked(struct asked *a, const char *data, size_t len)
{
    static const char end[] = "\r\n\r\n";
    for (size_t i = 0; i < len && a->matched < 4; i++, a->len++)
        a->matched = data[i] == end[a->matched] ? a->matched + 1 : data[i] == '\r';
    a->whole = a->matched == 4;
    if (a->whole)
        return 1;
    return a->len < REQUEST_LIMIT ? 0 : -EMSGSIZE;
}

void page_listening(int port)
{
    printf("listening on 127.0.0.1:%d\n", port);
}

/* A listening socket, and its port in run; -1: it has said why. */
static int open_listener(struct run *run, bool blocks)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int on = 1, type = SOCK_STREAM | SOCK_CLOEXEC | (blocks ? 0 : SOCK_NONBLOCK);
    int fd = socket(AF_INET, type, 0);
    at.sin_port = htons((uint16_t)run->port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 511) < 0) {
        fprintf(stderr, "127.0.0.1:%d: cannot listen there: %s (0 takes any port)\n", run->port, strerror(errno));
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&at, &size);
    run->port = ntohs(at.sin_port);
    return fd;
}

static int serve(struct run *run, const struct stage *stage, const char *port)
{
    run->port = atoi(port);
    if (!stage->listens) {
        run->listener = open_listener(run, stage->blocks);
        if (run->listener < 0)
            return 1;
        page_listening(run->port);
    }
    int rc = stage->serve(run);
    if (rc < 0)
        fprintf(stderr, "%s: the server failed: %s\n", stage->name, strerror(-rc));
    if (!stage->listens)
        close(run->listener);
    return rc < 0;
}

/* ---- the command line ---------------------------------------------------------------------------------------------- */

static int usage(const struct stage *stage)
{
    const char *time_out = strchr(stage->options, 't') ? " [-t SECONDS]" : "";
    const char *more = strchr(stage->options, 'd') ? " [-d SECONDS] [-p]" : "";
    fprintf(stderr, "usage: %s fetch [-c AT_ONCE] [-n TIMES]%s%s URL...\n", stage->name, time_out, more);
    const char *limits = stage->listens ? " [-c AT_ONCE] [-d SECONDS]" : "";
    fprintf(stderr, "       %s serve%s%s PORT\n", stage->name, limits, time_out);
    return 2;
}

static bool read_options(struct run *run, const struct stage *stage, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, stage->options)) != -1;)
        switch (option) {
        case 'c': run->at_once = atoi(optarg); break;
        case 'n': run->times = atoi(optarg); break;
        case 't': run->time_out = (int64_t)(atof(optarg) * (double)SECOND); break;
        case 'p': run->progress = true; break;
        case 'd': run->deadline = (int64_t)(atof(optarg) * (double)SECOND); break;
        default: return false;
        }
    return run->at_once > 0 && run->times > 0 && run->time_out > 0 && run->deadline >= 0;
}

int page_main(int argc, char **argv, const struct stage *stage)
{
    bool serves = argc > 1 && strcmp(argv[1], "serve") == 0;
    struct run run = { .at_once = serves ? 1000 : 10, .times = 1, .time_out = 10 * SECOND, .deadline = serves ? 5 * SECOND : 0 };
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3 || !read_options(&run, stage, argc - 1, argv + 1) || ++optind >= argc)
        return usage(stage);
    if (strcmp(argv[1], "fetch") == 0)
        return fetch(&run, stage, argv + optind, argc - optind);
    if (serves && optind == argc - 1 && is_port(argv[optind]))
        return serve(&run, stage, argv[optind]);
    return usage(stage);
}
