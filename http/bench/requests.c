/* requests.c - what is asked for: files among it; and one head of it read alone. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "http/bench/servers.h"
#include "http/parse.h"

const char plain_request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

const char small_request[] = "GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n";
const char large_request[] = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";

const char browser_request[] =
    "GET / HTTP/1.1\r\n"
    "Host: www.example.com:8080\r\n"
    "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7\r\n"
    "Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: http://www.example.com:8080/shelves/42/books?sort=author&page=3\r\n"
    "Cookie: session=4f1d2c3b5a69788796a5b4c3d2e1f00f; theme=dark; last=%2Fshelves%2F42; consent=analytics.no.marketing.no; "
    "seen=2026-11-23T06%3A17%3A33Z.basket.non\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Connection: keep-alive\r\n\r\n";

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void write_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "w");
    for (size_t i = strlen(visitors_text); f && i < size; i++)
        putc((int)(i % 251), f);
    if (!f || fputs(visitors_text, f) < 0 || fclose(f) != 0)
        bench_die("%s could not be written", path);
}

const char *bench_files(void)
{
    static bool written;
    if (!written) {
        mkdir(UNDER "/files", 0777);
        write_file(UNDER "/files/small", SMALL_FILE);
        write_file(UNDER "/files/large", LARGE_FILE);
    }
    written = true;
    return UNDER "/files";
}

/* ---- one head ---------------------------------------------------------------------------------------------------- */

enum { ROOM = 100 };

struct desk {
    struct head head;
    struct header fields[ROOM];
};

static void *desk_open(void)
{
    return bench_array(1, sizeof(struct desk));
}

static void desk_run(void *self, long ops)
{
    struct desk *d = self;
    struct bytes request = { browser_request, sizeof browser_request - 1 };
    struct problem problem;
    d->head.headers = (struct headers){ .at = d->fields, .room = ROOM };
    for (long i = 0; i < ops; i++)
        if (parse_request(request, NULL, &d->head, &problem) != (ssize_t)request.len)
            bench_die("the browser's request was refused: %s", problem.why);
}

static void desk_close(void *self)
{
    free(self);
}

const struct lane eddy_parse_one = { "eddy", desk_open, desk_run, desk_close };
