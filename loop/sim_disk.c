/* sim_disk.c - files by name, on a disk that can only be read.
 *
 * The trap it exists for: opening a directory works, and only reading it fails; and a file that was opened stays what it was,
 * whatever takes its name. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "loop/require.h"

struct entry {
    struct ring of_sim;
    struct file_status status;
    void *data;                     /* NULL: a directory */
    size_t len;
    char path[];
};

struct opened {
    struct file file;
    struct file_status status;
    size_t at, len;                 /* at: in the data, or in the directory */
    char data[];                    /* a directory's: its path */
};

/* ---- what there is --------------------------------------------------------------------------------------------------- */

static void entry_free(struct entry *e)
{
    ring_remove(&e->of_sim);
    free(e->data);
    free(e);
}

static struct entry *find(const struct sim *sim, const char *path)
{
    for (struct ring *r = sim->disk.next; r != &sim->disk; r = r->next) {
        struct entry *e = OWNER(r, struct entry, of_sim);
        if (strcmp(e->path, path) == 0)
            return e;
    }
    return NULL;
}

bool sim_disk_has(const struct sim *sim, const char *path)
{
    return find(sim, path) != NULL;
}

int sim_disk_add(struct sim *sim, const char *path, const void *data, size_t len)
{
    struct entry *old = find(sim, path), *e = malloc(sizeof *e + strlen(path) + 1);
    void *copy = data ? malloc(len + 1) : NULL;
    if (!e || (data && !copy)) {
        free(e);
        free(copy);
        return -ENOMEM;
    }
    if (old)
        entry_free(old);
    if (data)
        memcpy(copy, data, len);
    e->status = (struct file_status){ .kind = data ? FILE_REGULAR : FILE_DIRECTORY, .size = (int64_t)len,
                                      .modified = sim->sys.wall_time(&sim->sys), .inode = ++sim->inodes };
    e->data = copy;
    e->len = len;
    strcpy(e->path, path);
    ring_push(&sim->disk, &e->of_sim);
    return 0;
}

void sim_disk_says(struct sim *sim, const char *path, const struct file_status *status)
{
    struct entry *e = find(sim, path);
    REQUIRE(e, "sim_disk_says: there is no %s: sim_disk_add comes first", path);
    e->status = *status;
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static ssize_t regular_read(struct file *file, void *data, size_t len)
{
    struct opened *o = (struct opened *)file;
    size_t n = o->len - o->at < len ? o->len - o->at : len;
    memcpy(data, o->data + o->at, n);
    o->at += n;
    return (ssize_t)n;
}

static ssize_t directory_read(struct file *file, void *data, size_t len)
{
    (void)file, (void)data, (void)len;
    return -EISDIR;
}

static ssize_t null_read(struct file *file, void *data, size_t len)
{
    (void)file, (void)data, (void)len;
    return 0;
}

static ssize_t null_write(struct file *file, const void *data, size_t len)
{
    (void)file, (void)data;
    return (ssize_t)len;
}

static void release(struct file *file)
{
    free(file);
}

static const struct file_kind regular = { .read = regular_read, .release = release };
static const struct file_kind directory = { .read = directory_read, .release = release };
static const struct file_kind null = { .read = null_read, .write = null_write, .release = release };

static int open_as(struct sim *sim, const struct file_kind *kind, const struct file_status *status, const void *data, size_t len)
{
    struct opened *o = malloc(sizeof *o + len);
    if (!o)
        return -ENOMEM;
    file_init(&o->file, kind);
    o->status = *status;
    o->at = 0;
    o->len = len;
    if (len)
        memcpy(o->data, data, len);
    return sim_open(sim, &o->file);
}

static int open_entry(struct sim *sim, const char *path, int flags)
{
    const struct entry *e = find(sim, path);
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!e && strcmp(path, "/dev/null") == 0)
        return open_as(sim, &null, &(struct file_status){ .kind = FILE_OTHER }, NULL, 0);
    if (!e)
        return flags & O_CREAT ? -EROFS : -ENOENT;
    if (!e->data)
        return writes ? -EISDIR : open_as(sim, &directory, &e->status, path, strlen(path) + 1);
    return writes || flags & O_TRUNC ? -EROFS : open_as(sim, &regular, &e->status, e->data, e->len);
}

static int open_path(struct sim *sim, const char *path, int flags)
{
    static const int denied[] = { [O_RDONLY] = NO_WRITING, [O_WRONLY] = NO_READING };
    int access = flags & O_ACCMODE, fd = sim_room(sim) < 0 ? -EMFILE : open_entry(sim, path, flags);
    if (fd >= 0 && access < O_RDWR)
        sim_file_of(sim, fd)->denied = denied[access];
    return fd;
}

/* ---- the door's entries ---------------------------------------------------------------------------------------------- */

/* NULL: it is no file of this disk. */
static struct opened *opened_of(const struct sim *sim, int fd)
{
    struct file *file = sim_file_of(sim, fd);
    bool ours = file && (file->kind == &regular || file->kind == &directory || file->kind == &null);
    return ours ? (struct opened *)file : NULL;
}

/* The directory behind a descriptor; NULL and *rc: it is none. */
static struct opened *directory_of(const struct sim *sim, int fd, int *rc)
{
    struct opened *o = opened_of(sim, fd);
    bool is = o && o->file.kind == &directory;
    *rc = is ? 0 : sim_file_of(sim, fd) ? -ENOTDIR : -EBADF;
    return is ? o : NULL;
}

/* "/dir/name", freed by the caller; NULL: no memory. */
static char *joined(const char *dir, const char *name)
{
    size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
    char *path = malloc(len + strlen(name) + 2);
    if (path) {
        memcpy(path, dir, len);
        path[len] = '/';
        strcpy(path + len + 1, name);
    }
    return path;
}

int disk_open(struct sys *sys, const char *path, int flags, mode_t mode)
{
    struct sim *sim = (struct sim *)sys;
    int rc = sim_fault(sim, CALL_OPEN);
    return (int)sim_told(sim, CALL_OPEN, flags, mode, rc ? rc : open_path(sim, path, flags));
}

/* Whether one of its names is "..". */
static bool climbs(const char *path)
{
    for (; path; path = strchr(path, '/')) {
        path += *path == '/';
        if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'))
            return true;
    }
    return false;
}

/* What is not there: because one of the folders it would be in is a file? Cuts the path. */
static int why_missing(const struct sim *sim, char *path)
{
    for (char *slash; (slash = strrchr(path, '/')) && slash > path;) {
        *slash = '\0';
        const struct entry *e = find(sim, path);
        if (e)
            return e->data ? -ENOTDIR : -ENOENT;
    }
    return -ENOENT;
}

static int open_beneath(struct sim *sim, int dir, const char *path)
{
    int rc;
    const struct opened *from = directory_of(sim, dir, &rc);
    if (!from)
        return rc;
    if (path[0] == '/' || climbs(path))
        return -EXDEV;
    if (strcmp(path, ".") == 0)
        return open_path(sim, from->data, O_RDONLY);
    char *whole = joined(from->data, path);
    rc = whole ? open_path(sim, whole, O_RDONLY) : -ENOMEM;
    if (rc == -ENOENT)
        rc = why_missing(sim, whole);
    free(whole);
    return rc;
}

int disk_open_beneath(struct sys *sys, int dir, const char *path)
{
    struct sim *sim = (struct sim *)sys;
    int rc = sim_fault(sim, CALL_OPEN_BENEATH);
    return (int)sim_told(sim, CALL_OPEN_BENEATH, dir, 0, rc ? rc : open_beneath(sim, dir, path));
}

static int status_of_name(const struct sim *sim, int fd, const char *name, struct file_status *out)
{
    int rc;
    const struct opened *from = directory_of(sim, fd, &rc);
    if (!from)
        return rc;
    char *path = joined(from->data, name);
    const struct entry *e = path ? find(sim, path) : NULL;
    rc = e ? 0 : path ? -ENOENT : -ENOMEM;
    if (e)
        *out = e->status;
    free(path);
    return rc;
}

int disk_status(struct sys *sys, int fd, const char *name, struct file_status *out)
{
    struct sim *sim = (struct sim *)sys;
    const struct opened *o = opened_of(sim, fd);
    int rc = sim_fault(sim, CALL_FILE_STATUS);
    if (rc == 0 && *name)
        rc = status_of_name(sim, fd, name, out);
    else if (rc == 0 && !sim_file_of(sim, fd))
        rc = -EBADF;
    else if (rc == 0)
        *out = o ? o->status : (struct file_status){ .kind = FILE_OTHER };
    return (int)sim_told(sim, CALL_FILE_STATUS, fd, 0, rc);
}

static ssize_t read_at(const struct sim *sim, int fd, void *data, size_t len, int64_t offset)
{
    const struct opened *o = opened_of(sim, fd);
    if (!o)
        return sim_file_of(sim, fd) ? -ESPIPE : -EBADF;
    if (o->file.kind == &directory)
        return -EISDIR;
    size_t left = offset < (int64_t)o->len ? o->len - (size_t)offset : 0;
    size_t n = sim_shortened(sim, CALL_READ, &o->file, left < len ? left : len);
    memcpy(data, o->data + (left ? offset : 0), n);
    return (ssize_t)n;
}

ssize_t disk_read_at(struct sys *sys, int fd, void *data, size_t len, int64_t offset)
{
    struct sim *sim = (struct sim *)sys;
    ssize_t n = sim_fault(sim, CALL_READ);
    return sim_told(sim, CALL_READ, fd, (int64_t)len, n ? n : read_at(sim, fd, data, len, offset));
}

ssize_t disk_content(const struct sim *sim, int fd, int64_t offset, const char **data)
{
    const struct opened *o = opened_of(sim, fd);
    if (!o || o->file.kind != &regular)
        return sim_file_of(sim, fd) ? -EINVAL : -EBADF;
    size_t left = offset < (int64_t)o->len ? o->len - (size_t)offset : 0;
    *data = o->data + (left ? offset : 0);
    return (ssize_t)left;
}

/* The name of an entry that stands in that directory itself; NULL: it does not. */
static const char *name_in(const struct entry *e, const char *dir)
{
    size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
    bool below = strncmp(e->path, dir, len) == 0 && e->path[len] == '/' && e->path[len + 1];
    return below && !strchr(e->path + len + 1, '/') ? e->path + len + 1 : NULL;
}

static ssize_t read_names(struct sim *sim, int fd, char *out, size_t size)
{
    int rc;
    struct opened *dir = directory_of(sim, fd, &rc);
    size_t len = 0, at = 0;
    if (!dir)
        return rc;
    for (struct ring *r = sim->disk.next; r != &sim->disk; r = r->next) {
        const char *name = name_in(OWNER(r, struct entry, of_sim), dir->data);
        if (!name || at++ < dir->at)
            continue;
        if (len + strlen(name) + 1 > size)
            return len ? (ssize_t)len : -EINVAL;
        strcpy(out + len, name);
        len += strlen(name) + 1;
        dir->at++;
    }
    return (ssize_t)len;
}

ssize_t disk_read_names(struct sys *sys, int fd, char *out, size_t size)
{
    struct sim *sim = (struct sim *)sys;
    ssize_t n = sim_fault(sim, CALL_READ_NAMES);
    return sim_told(sim, CALL_READ_NAMES, fd, (int64_t)size, n ? n : read_names(sim, fd, out, size));
}

void sim_disk_close(struct sim *sim)
{
    while (!ring_empty(&sim->disk))
        entry_free(OWNER(sim->disk.next, struct entry, of_sim));
}
