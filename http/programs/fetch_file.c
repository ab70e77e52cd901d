/* fetch_file.c - where a page goes: never over a file that is there, never out of this folder, and behind what had come before.
 *
 * What goes on must be the same page: for that a file's time is set to what the server says in Last-Modified, also where only a
 * half has come, and -C asks for the rest "if it is still of that time" (Range, If-Range: RFC 9110, section 14). Traps:
 *   (a) whoever writes to the file, we included, gives it a time of his own, with a fraction of a second; the server's has none.
 *       Without that proof nothing is asked for, and nothing written: the rest of another page would be glued to it.
 *   (b) a page that has changed within the second of its Last-Modified may change once more within it: that time proves nothing.
 *   (c) a link at the place of the file leads anywhere. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/date.h"
#include "http/programs/fetch.h"
#include "http/url.h"

static int says(struct sentence *said, int rc, const char *name, const char *words)
{
    sentence_write(said, "%.200s: %s", name, words);
    return rc;
}

char *target_name(const char *url)
{
    struct url parts;
    if (url_parse(text_of(url), &parts) < 0)
        return NULL;
    const char *slash = parts.path.len ? memrchr(parts.path.data, '/', parts.path.len) : NULL;
    const char *name = slash ? slash + 1 : parts.path.data;
    size_t len = (size_t)(parts.path.data + parts.path.len - name);
    bool dots = (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
    return len == 0 || dots ? NULL : strndup(name, len);
}

/* ---- before ---------------------------------------------------------------------------------------------------------- */

static bool is_file(const struct target *t)
{
    return t->name && strcmp(t->name, "-") != 0;
}

static int plan_to_go_on(struct target *t, const struct stat *is, struct sentence *said)
{
    char date[DATE_TEXT];
    if (is->st_size == 0)
        return 0;
    if (is->st_mtim.tv_nsec != 0)
        return t->force ? 0 : says(said, -EEXIST, t->name, "its time is not one that a server has said, so nothing proves that "
                                   "it is the beginning of this page: -f fetches all of it");
    t->from = is->st_size;
    t->since = is->st_mtim.tv_sec;
    snprintf(t->range, sizeof t->range, "bytes=%" PRId64 "-", t->from);
    snprintf(t->date, sizeof t->date, "%s", date_write(t->since, date));
    return 0;
}

int target_plan(struct target *t, struct sentence *said)
{
    struct stat is;
    t->fd = -1;
    t->since = -1;
    if (!is_file(t) || (t->named ? lstat(t->name, &is) : stat(t->name, &is)) < 0)
        return 0;
    if (S_ISDIR(is.st_mode))
        return says(said, -EISDIR, t->name, "it is a folder: say another name with -o");
    if (!S_ISREG(is.st_mode))
        return t->named ? says(said, -EEXIST, t->name, "it is there, and no file: say another name with -o") : 0;
    if (t->resume)
        return plan_to_go_on(t, &is, said);
    return t->force ? 0 : says(said, -EEXIST, t->name, "it is there already: -f writes over it, -C - goes on with it");
}

/* ---- its beginning --------------------------------------------------------------------------------------------------- */

/* The time that proves later that it is the same. */
static int64_t proof(const struct http_response *page)
{
    int64_t now = time(NULL), sent, modified;
    if (date_read(headers_get(&page->headers, "last-modified"), now, &modified) < 0)
        return -1;
    if (date_read(headers_get(&page->headers, "date"), now, &sent) < 0)
        sent = now;
    return modified < sent ? modified : -1;
}

static bool take_number(struct bytes *text, char end, int64_t *out)
{
    const char *at = text->len ? memchr(text->data, end, text->len) : NULL;
    size_t len = at ? (size_t)(at - text->data) : 0;
    if (!at || text_number((struct bytes){ text->data, len }, INT64_MAX - 1, out) < 0)
        return false;
    *text = (struct bytes){ at + 1, text->len - len - 1 };
    return true;
}

static bool is_in_bytes(struct bytes *text)
{
    bool is = text->len > 6 && text_alike_bytes(text->data, "bytes ", 6);
    if (is)
        *text = (struct bytes){ text->data + 6, text->len - 6 };
    return is;
}

/* It says that it is of another time, and sends a part all the same. */
static bool modified_since(const struct target *t, const struct http_response *page)
{
    int64_t modified;
    return date_read(headers_get(&page->headers, "last-modified"), time(NULL), &modified) == 0 && modified != t->since;
}

/* Whether that part is the rest that was asked for: "bytes 5-9/10". */
static bool is_the_rest(const struct target *t, const struct http_response *page)
{
    struct bytes part = headers_get(&page->headers, "content-range");
    int64_t first, last, all = -1;
    if (!t->from || modified_since(t, page) || !is_in_bytes(&part))
        return false;
    if (!take_number(&part, '-', &first) || !take_number(&part, '/', &last))
        return false;
    bool known = text_number(part, INT64_MAX - 1, &all) == 0;
    return first == t->from && last >= first && (known ? last == all - 1 : text_is(part, "*"));
}

/* 1: there is no rest, it is all there. */
static int behind_the_end(const struct target *t, const struct http_response *page, struct sentence *said)
{
    struct bytes part = headers_get(&page->headers, "content-range");
    int64_t all = -1;
    bool known = is_in_bytes(&part) && part.len > 2 && memcmp(part.data, "*/", 2) == 0 &&
                 text_number((struct bytes){ part.data + 2, part.len - 2 }, INT64_MAX - 1, &all) == 0;
    if (known && all == t->from)
        return 1;
    return says(said, -ERANGE, t->name, "it is not the beginning of this page: it has more bytes: -f fetches all of it");
}

static int open_target(struct target *t, struct sentence *said)
{
    struct stat is;
    int how = O_WRONLY | O_CREAT | O_CLOEXEC | (t->named ? O_NOFOLLOW : 0);
    bool fresh = !t->force && !t->resume;
    t->fd = open(t->name, how | (fresh ? O_EXCL : 0), 0666);
    if (t->fd < 0 && errno == EEXIST && !t->named && stat(t->name, &is) == 0 && !S_ISREG(is.st_mode))
        t->fd = open(t->name, how, 0666);                   /* /dev/null, a pipe: there is nothing to write over */
    if (t->fd < 0)
        return says(said, -errno, t->name, strerror(errno));
    bool regular = fstat(t->fd, &is) == 0 && S_ISREG(is.st_mode);
    t->begun = true;
    if (regular && t->from && is.st_size != t->from)
        return says(said, -EBUSY, t->name, "somebody else writes to it");
    if (regular && (ftruncate(t->fd, t->from) < 0 || lseek(t->fd, t->from, SEEK_SET) < 0))
        return says(said, -errno, t->name, strerror(errno));
    return 0;
}

int target_begin(struct target *t, const struct http_response *page, struct sentence *said)
{
    if (!is_file(t)) {
        t->fd = t->name ? STDOUT_FILENO : -1;
        return 0;
    }
    if (page->status == 416 && t->from)
        return behind_the_end(t, page, said);
    if (page->status >= 400) {
        sentence_write(said, "%.200s: nothing is kept: the server answers %d %.*s", page->url, page->status,
                       page->reason.len < 60 ? (int)page->reason.len : 60, page->reason.data);
        return -EREMOTEIO;
    }
    if (page->status == 206 && !t->part && !is_the_rest(t, page))
        return says(said, -EPROTO, page->url, "nothing is written: the server sends a part that was not asked for");
    if (page->status != 206) {
        t->from = 0;
        t->since = proof(page);
    }
    t->since = t->part ? -1 : t->since;
    return open_target(t, said);
}

/* ---- and its end ----------------------------------------------------------------------------------------------------- */

int target_write(struct target *t, const void *data, size_t len, struct sentence *said)
{
    const char *at = data;
    while (t->fd >= 0 && len) {
        ssize_t n = write(t->fd, at, len);
        if (n < 0 && errno != EINTR)
            return says(said, -errno, strcmp(t->name, "-") == 0 ? "standard output" : t->name, strerror(errno));
        at += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

int target_end(struct target *t, struct sentence *said)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = t->since } };
    int fd = t->fd;
    t->fd = -1;
    if (!is_file(t) || fd < 0)
        return 0;
    if (t->since >= 0)
        futimens(fd, times);                /* where it cannot be set there is no proof, and all is fetched again */
    return close(fd) < 0 ? says(said, -errno, t->name, strerror(errno)) : 0;
}

bool target_resumable(const struct target *t)
{
    struct stat is;
    return t->begun && t->since >= 0 && stat(t->name, &is) == 0 && is.st_size > 0;
}
