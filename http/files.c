/* files.c - answers with what was found on the disk. See files.h.
 *
 * Trap: a handler that waits may be cancelled there, and the client may have left. What a thread holds then is the executor's to
 * end; what the handler holds it ends itself; never both. */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/accept.h"
#include "http/date.h"
#include "http/files_inside.h"
#include "http/url.h"
#include "loop/co.h"
#include "loop/log.h"

enum { AT_ONCE = 8, SHOWN = 200 };  /* files that are opened or read at the same time; bytes of a path in the log */

/* ---- without a file -------------------------------------------------------------------------------------------------- */

/* What the disk said, as a status; what is not the client's doing is logged. */
static int status_of(const struct exchange *x, int rc)
{
    struct bytes path = exchange_head(x)->path;
    switch (rc) {
    case -ENOENT: case -ENOTDIR: case -ENAMETOOLONG: case -ELOOP: case -ENXIO:
        return 404;
    case -EACCES: case -EPERM: case -EXDEV:
        return 403;
    case -EINVAL:
        return 400;
    }
    log_line(LOG_WARNING, "%.*s could not be read: %s", path.len < SHOWN ? (int)path.len : SHOWN, path.data, strerror(-rc));
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EAGAIN ? 503 : 500;
}

/* The same path with a slash, said from here ("./name/"): no host can come of it, and no prefix is needed for it. */
static int redirect(struct files *files, struct exchange *x)
{
    const struct head *head = exchange_head(x);
    struct bytes path = head->path, query = head->query;
    size_t begin = path.len;
    while (begin > 0 && path.data[begin - 1] != '/')
        begin--;
    size_t name = path.len - begin, size = name + query.len + 5;
    char *where = files->sys->memory(files->sys, NULL, size);
    if (!where)
        return status_of(x, -ENOMEM);
    int len = snprintf(where, size, "./%.*s/%s%.*s", (int)name, path.data + begin, query.data ? "?" : "", (int)query.len,
                       query.data ? query.data : "");
    int rc = exchange_set(x, "Location", (struct bytes){ where, (size_t)len });
    sys_free(files->sys, where);
    return rc < 0 ? rc : 301;
}

/* ---- with one -------------------------------------------------------------------------------------------------------- */

/* Hands it to a thread and takes it back; NULL, if it did not come back. */
static int open_file(struct files *files, struct found **found)
{
    struct future f = {0};
    int rc = await(executor_run(files->executor, found_open, *found, found_free, &f));
    if (rc < 0)
        *found = NULL;
    return rc < 0 ? rc : (*found)->source.error;
}

/* What has been taken of it, and then the rest. */
static int send_body(struct files *files, struct exchange *x, struct found **found)
{
    struct bytes path = exchange_head(x)->path;
    struct source *source = &(*found)->source;
    int rc = source_send(&source, x, files->executor, found_free);
    if (!source)
        *found = NULL;
    else if (rc < 0 && rc == source->error)
        log_line(LOG_WARNING, "%.*s could not be read to its end (%s): the connection is closed",
                 path.len < SHOWN ? (int)path.len : SHOWN, path.data, rc == -ENODATA ? "it has become shorter" : strerror(-rc));
    return rc;
}

static int set_range(struct exchange *x, int status, const struct found *found)
{
    char text[80];
    if (status == 416)
        snprintf(text, sizeof text, "bytes */%" PRId64, found->status.size);
    else
        snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, found->source.at, found->source.end - 1,
                 found->status.size);
    return exchange_set(x, "Content-Range", text_of(text));
}

/* "?v=..." names a version: what comes after it has another name, so this one may be kept for ten years. */
static int set_lifetime(struct exchange *x)
{
    struct bytes query = exchange_head(x)->query, name, value;
    while (url_next_argument(&query, &name, &value))
        if (text_is(name, "v") && value.len)
            return exchange_set(x, "Cache-Control", text_of("max-age=315360000"));
    return 0;
}

static int set_fields(struct exchange *x, int status, const struct found *found)
{
    char tag[TAG_TEXT], date[DATE_TEXT];
    int rc = exchange_set(x, "ETag", text_of(tag_write(&found->status, tag)));
    if (rc == 0)
        rc = exchange_set(x, "Last-Modified", text_of(date_write(second_of(&found->status), date)));
    if (rc == 0)
        rc = exchange_set(x, "Accept-Ranges", text_of("bytes"));
    if (rc == 0 && found->packed)
        rc = exchange_set(x, "Content-Encoding", text_of("gzip"));
    if (rc == 0 && found->files->packed && type_packs(text_of(type_of(found->name))))
        rc = exchange_set(x, "Vary", text_of("Accept-Encoding"));
    if (rc == 0 && status < 400)
        rc = set_lifetime(x);
    if (rc == 0 && (status == 206 || status == 416))
        rc = set_range(x, status, found);
    return rc;
}

static int send_all(struct files *files, struct exchange *x, int status, const char *type, struct found **found)
{
    const struct source *source = &(*found)->source;
    size_t taken = source->conduit ? source->conduit->held : 0;
    int rc = exchange_set(x, "Content-Type", text_of(type));
    if (rc == 0 && source->at == source->end && source->len <= SOURCE_SMALL && !taken)
        return exchange_reply(x, status, NULL, (struct bytes){ source->data, source->len });
    if (rc == 0)
        rc = exchange_begin(x, status, (int64_t)(source->len + taken) + source->end - source->at);
    return rc < 0 ? rc : send_body(files, x, found);
}

static int reply_file(struct files *files, struct exchange *x, struct found **found)
{
    const struct head *head = exchange_head(x);
    struct found *it = *found;
    int64_t first, end;
    int status = wants_status(head, &it->status, files->sys->wall_time(files->sys) / SECOND);
    if (status == 200)
        status = wants_range(head, &it->status, &first, &end);
    if (status == 206) {
        it->source.at = first;
        it->source.end = end;
    }
    int rc = set_fields(x, status, it);
    if (rc < 0)
        return rc;
    if (status > 206)
        return status;
    return send_all(files, x, status, type_of(it->name), found);
}

static int reply_page(struct files *files, struct exchange *x, struct found **found)
{
    int rc = exchange_set(x, "Content-Security-Policy", text_of("default-src 'none'; style-src 'unsafe-inline'"));
    return rc < 0 ? rc : send_all(files, x, 200, "text/html; charset=utf-8", found);
}

/* Whether nothing but a file in its full length can be the answer. */
static bool is_eager(const struct head *head)
{
    static const char *const fields[] = { "Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since" };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (headers_count(&head->headers, fields[i]))
            return false;
    return text_is(head->method, "GET");
}

/* What is no text is not packed again, neither now nor beforehand. */
static void may_be_packed(const struct files *files, struct exchange *x, struct found *found)
{
    const struct head *head = exchange_head(x);
    if (!type_packs(text_of(type_of(found->slash ? files->index : found->name))))
        exchange_pack(x, false);
    else
        found->takes_gzip = files->packed && accept_coding(&head->headers, "gzip") != CODING_REFUSED;
}

int files_reply(struct files *files, struct exchange *x, struct bytes path)
{
    const struct head *head = exchange_head(x);
    if (!text_is(head->method, "GET") && !text_is(head->method, "HEAD")) {
        int refused = exchange_set(x, "Allow", text_of("GET, HEAD"));
        return refused < 0 ? refused : 405;
    }
    struct found *found = found_new(files, path);
    if (!found)
        return status_of(x, -errno);
    found->eager = is_eager(head);
    may_be_packed(files, x, found);
    source_begin(&found->source, x);
    int rc = open_file(files, &found);
    if (rc < 0)
        rc = rc == -ECANCELED ? rc : status_of(x, rc);
    else if (found->kind == FOUND_FOLDER)
        rc = redirect(files, x);
    else
        rc = (found->kind == FOUND_FILE ? reply_file : reply_page)(files, x, &found);
    found_free(found);
    return rc;
}

/* ---- beginning and end ----------------------------------------------------------------------------------------------- */

struct files *files_new(struct loop *loop, const struct files_options *options)
{
    struct sys *sys = loop_sys(loop);
    const char *index = options->index ? options->index : "index.html";
    struct files *files = sys_new(sys, sizeof *files + strlen(index) + 1);
    if (!files)
        return NULL;
    *files = (struct files){ .loop = loop, .sys = sys, .listing = options->listing, .packed = options->packed };
    strcpy(files->index, index);
    files->root = sys->open(sys, options->root, O_RDONLY | O_DIRECTORY, 0);
    if (files->root >= 0 && (files->executor = executor_new(loop, AT_ONCE)))
        return files;
    int rc = files->root < 0 ? files->root : -errno;
    if (files->root >= 0)
        sys->close(sys, files->root);
    sys_free(sys, files);
    errno = -rc;
    return NULL;
}

void files_close(struct files *files)
{
    executor_close(files->executor);
    files->sys->close(files->sys, files->root);
    sys_free(files->sys, files);
}
