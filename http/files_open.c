/* files_open.c - finds a file, and opens it, on other threads. See files.h.
 *
 * Traps: (a) a percent sign is taken away once, name by name: so that "%2f" can be no separator, and "%252e" no dot.
 *        (b) what is open stays handed over while a thread may use it: a handler that is cancelled closes nothing.
 *        (c) a folder's page is opened from the root, not from the folder: a link in it may lead elsewhere below the root. */
#include <errno.h>
#include <string.h>

#include "http/files_inside.h"
#include "http/url.h"

/* ---- the path -------------------------------------------------------------------------------------------------------- */

/* Puts one name of the request behind the path; `out` is all of it so far, each name with a slash behind. The new length. */
static ssize_t add_name(char *out, size_t len, struct bytes name)
{
    ssize_t n = url_decode(name, false, out + len);
    if (n < 0)
        return n;
    struct bytes plain = { out + len, (size_t)n };
    if (n == 0 || text_is(plain, "."))
        return (ssize_t)len;
    if (memchr(plain.data, '\0', plain.len) || memchr(plain.data, '/', plain.len))
        return -ENOENT;
    if (!text_is(plain, "..")) {
        out[len + plain.len] = '/';
        return (ssize_t)(len + plain.len + 1);
    }
    if (len == 0)
        return -EACCES;
    do
        len--;
    while (len > 0 && out[len - 1] != '/');
    return (ssize_t)len;
}

/* "/a//b/%2e%2e/c/" is "a/c", and has a slash. Its length. */
static ssize_t clean(struct bytes path, char *out, bool *slash)
{
    ssize_t len = 0;
    *slash = path.len > 0;
    for (size_t at = 0; at < path.len && len >= 0;) {
        const char *end = memchr(path.data + at, '/', path.len - at);
        size_t name = end ? (size_t)(end - path.data) - at : path.len - at;
        ssize_t before = len;
        len = add_name(out, (size_t)len, (struct bytes){ path.data + at, name });
        *slash = end || len <= before;
        at += name + 1;
    }
    if (len > 0)
        out[--len] = '\0';
    return len;
}

struct found *found_new(const struct files *files, struct bytes path)
{
    struct found *found = sys_new(files->sys, sizeof *found + path.len + strlen(files->index) + sizeof "/.gz" + 3);
    if (!found)
        return NULL;
    found->files = files;
    found->source = (struct source){ .loop = files->loop, .sys = files->sys, .fd = -1 };
    ssize_t len = clean(path, found->path, &found->slash);
    if (len < 0) {
        found_free(found);
        errno = (int)-len;
        return NULL;
    }
    if (len == 0)
        strcpy(found->path, ".");
    char *last = strrchr(found->path, '/');
    found->name = last ? last + 1 : found->path;
    return found;
}

void found_free(void *self)
{
    struct found *found = self;
    if (!found)
        return;
    source_end(&found->source);
    sys_free(found->source.sys, found);
}

/* ---- jobs ------------------------------------------------------------------------------------------------------------ */

static int open_path(struct found *found)
{
    struct sys *sys = found->source.sys;
    int fd;
    do
        fd = sys->open_beneath(sys, found->files->root, found->path);
    while (fd == -EINTR);
    found->source.fd = fd;
    return fd < 0 ? fd : sys->file_status(sys, fd, "", &found->status);
}

/* A folder with its slash: its page, or a list of what is in it. */
static int open_folder(struct found *found)
{
    int folder = found->source.fd;
    size_t len = strlen(found->path);
    found->path[len] = '/';
    strcpy(found->path + len + 1, found->files->index);
    found->name = found->path + len + 1;
    int rc = open_path(found);
    bool page = rc == 0 && found->status.kind == FILE_REGULAR;
    if (!page) {
        source_close(&found->source);
        found->source.fd = folder;
        found->path[len] = '\0';
        found->kind = FOUND_PAGE;
        if (rc == 0 || rc == -ENOENT)
            rc = found->files->listing ? found_list(found) : -EACCES;
        source_close(&found->source);
        return rc;
    }
    found->source.sys->close(found->source.sys, folder);
    found->kind = FOUND_FILE;
    return 0;
}

/* The same, packed, if somebody has put that beside it, and no older. */
static void open_packed(struct found *found)
{
    struct file_status plain = found->status;
    int fd = found->source.fd;
    size_t len = strlen(found->path);
    strcpy(found->path + len, ".gz");
    int rc = open_path(found);
    found->path[len] = '\0';
    found->packed = rc == 0 && found->status.kind == FILE_REGULAR && found->status.modified >= plain.modified;
    if (found->packed) {
        found->source.sys->close(found->source.sys, fd);
        return;
    }
    source_close(&found->source);
    found->source.fd = fd;
    found->status = plain;
}

static int open_found(struct found *found)
{
    int rc = open_path(found);
    if (rc < 0)
        return rc;
    bool folder = found->status.kind == FILE_DIRECTORY;
    found->kind = folder ? FOUND_FOLDER : FOUND_FILE;
    if (folder && found->slash)
        rc = open_folder(found);
    else if (!folder && (found->slash || found->status.kind != FILE_REGULAR))
        rc = -ENOENT;
    if (rc < 0 || found->kind != FOUND_FILE)
        return rc;
    if (found->takes_gzip)
        open_packed(found);
    found->source.end = found->status.size;
    return found->eager && source_is_ready(&found->source) ? source_next(&found->source) : 0;
}

int found_open(void *self)
{
    struct found *found = self;
    found->source.error = open_found(found);
    return 0;
}
