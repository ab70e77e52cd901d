/* fetch.c - pages of the web, many at once: `fetch [-w] [-c N] [-t SECONDS] [-o FILE] URL...`.
 *
 * A line for each on standard output: its status, its bytes, its URL. -w says how long each phase has taken, -o keeps the page
 * (of one URL; "-" is standard output, and then the line goes to standard error), -t how long each may take. What fails is a
 * sentence on standard error, and the exit status is 1. The trap it exists for: a tool that draws its progress into a pipe, or
 * says nothing when it fails. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/client.h"
#include "loop/run_sync.h"
#if __has_include(<openssl/ssl.h>)
#include "stream/tls.h"
#define HAS_TLS 1
#else
#define HAS_TLS 0
#endif

#define QUIET (30 * SECOND)             /* that a server may be, however long all of it may take */

static struct options {
    bool timing;
    int at_once;
    int64_t patience;
    const char *file, *authorities;
    char **urls;
    int count;
} options = { .at_once = 20 };

static struct loop *loop;
static struct http_client *client;
static FILE *out, *words;               /* the page, NULL: nowhere; and what is said of it */
static int64_t bytes;
static int next, done, failed;

/* ---- what is said ---------------------------------------------------------------------------------------------------- */

/* On a terminal alone: how far it is. */
static void show_progress(void)
{
    static int64_t shown;
    if (!isatty(STDERR_FILENO) || (loop_time(loop) - shown < 100 * MILLISECOND && done < options.count))
        return;
    shown = loop_time(loop);
    fprintf(stderr, "\r%d of %d, %" PRId64 " bytes%s", done, options.count, bytes, done == options.count ? "\n" : "   ");
}

static void clear_progress(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static void say_timing(const struct http_response *page, int64_t began)
{
    int64_t total = loop_time(loop) - began;
    for (int i = 0; i < HTTP_ANSWER; i++)
        if (i != HTTP_QUEUE || page->spent[i])
            fprintf(words, "  %s %.3f ms", http_phase_name(i), (double)page->spent[i] / MILLISECOND);
    fprintf(words, "  total %.3f ms%s%s", (double)total / MILLISECOND, page->reused ? "  on a kept connection" : "",
            page->redirects ? "  behind redirects" : "");
}

static void say_page(const struct http_response *page, int64_t len, int64_t began)
{
    clear_progress();
    fprintf(words, "%d %9" PRId64 " %s", page->status, len, page->url);
    if (options.timing)
        say_timing(page, began);
    fprintf(words, "\n");
    fflush(words);
}

static void say_failure(const char *sentence)
{
    clear_progress();
    fprintf(stderr, "fetch: %s\n", sentence);
    failed++;
}

/* ---- one page -------------------------------------------------------------------------------------------------------- */

/* Its length, or -errno. */
static int64_t take_page(struct http_response *page, const char **why)
{
    struct future f = {0};
    int64_t len = 0;
    int n;
    while ((n = await(http_body(page, &f))) > 0) {
        len += n;
        bytes += n;
        show_progress();
        if (out && fwrite(f.value, 1, (size_t)n, out) != (size_t)n) {
            *why = "the file could not be written: is the disk full?";
            return -EIO;
        }
    }
    *why = f.why;
    return n < 0 ? n : len;
}

static void fetch_page(const char *url)
{
    struct sentence failure = { "" };
    struct http_fetch what = { .url = url, .failure = &failure };
    what.patience.total = options.patience ? options.patience : -1;
    what.patience.first_byte = what.patience.piece = QUIET;
    struct future f = {0};
    int64_t began = loop_time(loop);
    if (await(http_open(client, &what, &f)) < 0) {
        say_failure(failure.text);
        return;
    }
    struct http_response *page = f.value;
    const char *why;
    int64_t len = take_page(page, &why);
    if (len >= 0) {
        say_page(page, len, began);
    } else {
        sentence_write(&failure, "GET %.100s: answer: %s", page->url, why ? why : strerror((int)-len));
        say_failure(failure.text);
    }
    http_response_free(page);
}

static int fetch_in_turn(void *self)
{
    (void)self;
    while (next < options.count) {
        fetch_page(options.urls[next++]);
        done++;
        show_progress();
    }
    return 0;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

#if HAS_TLS
static struct tls *begin_tls(void)
{
    struct sentence failure;
    struct tls *tls = tls_client_new(loop_sys(loop), &(struct tls_options){ .authorities = options.authorities }, &failure);
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

static int usage(void)
{
    fprintf(stderr, "usage: fetch [-w] [-c AT_ONCE] [-t SECONDS] [-o FILE] [-a AUTHORITIES.pem] URL...\n");
    return 2;
}

static bool understand(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "wc:t:o:a:")) != -1;) {
        if (c == 'w')
            options.timing = true;
        else if (c == 'c')
            options.at_once = atoi(optarg);
        else if (c == 't')
            options.patience = (int64_t)(atof(optarg) * SECOND);
        else if (c == 'o')
            options.file = optarg;
        else if (c == 'a')
            options.authorities = optarg;
        else
            return false;
    }
    options.urls = argv + optind;
    options.count = argc - optind;
    return options.count > 0 && options.at_once > 0 && options.patience >= 0 && (!options.file || options.count == 1);
}

static bool open_file(void)
{
    bool standard = options.file && strcmp(options.file, "-") == 0;
    words = standard ? stderr : stdout;
    out = standard ? stdout : options.file ? fopen(options.file, "wb") : NULL;
    if (options.file && !out)
        fprintf(stderr, "fetch: %s: %s\n", options.file, strerror(errno));
    return !options.file || out;
}

static int fetch_all(void *self)
{
    int most = options.at_once < options.count ? options.at_once : options.count;
    struct future *each = calloc((size_t)most, sizeof *each), **all = calloc((size_t)most, sizeof *all), together = {0};
    (void)self;
    if (!each || !all)
        return -ENOMEM;
    for (int i = 0; i < most; i++)
        all[i] = co_spawn(loop, fetch_in_turn, NULL, &each[i]);
    int rc = await(future_all(loop, all, (size_t)most, &together));
    for (int i = 0; i < most; i++)              /* if one had no memory to begin, the others are still under way */
        future_cancel(all[i]);
    free(all);
    free(each);
    return rc;
}

static int run(void)
{
    struct tls *tls = begin_tls();
    client = http_client_new(loop, &(struct http_client_options){ .most = options.at_once, .tls = tls });
    int rc = client ? loop_run_sync(loop, fetch_all, NULL) : -ENOMEM;
    if (rc < 0)
        fprintf(stderr, "fetch: %s\n", strerror(-rc));
    if (client)
        http_client_close(client);
    end_tls(tls);
    return rc < 0 || failed;
}

int main(int argc, char **argv)
{
    if (!understand(argc, argv))
        return usage();
    loop = loop_new(sys_linux());
    if (!loop || !open_file())
        return 1;
    int status = run();
    if (out && fclose(out) != 0) {
        fprintf(stderr, "fetch: %s: %s\n", options.file, strerror(errno));
        status = 1;
    }
    loop_close(loop);
    return status;
}
