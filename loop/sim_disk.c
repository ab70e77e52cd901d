/* sim_disk.c - files by name, on a disk that can only be read.
 *
 * The trap it exists for: opening a directory works, and only reading it fails. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct ring of_sim;
    void *data;                     /* NULL: a directory */
    size_t len;
    char path[];
};

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
    e->data = copy;
    e->len = len;
    strcpy(e->path, path);
    ring_push(&sim->disk, &e->of_sim);
    return 0;
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

static void plain_release(struct file *file)
{
    free(file);
}

static const struct file_kind directory = { .read = directory_read, .release = plain_release };
static const struct file_kind null = { .read = null_read, .write = null_write, .release = plain_release };

static int open_plain(struct sim *sim, const struct file_kind *kind)
{
    struct file *file = calloc(1, sizeof *file);
    if (!file)
        return -ENOMEM;
    file_init(file, kind);
    return sim_open(sim, file);
}

static int open_entry(struct sim *sim, const char *path, int flags)
{
    const struct entry *e = find(sim, path);
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!e && strcmp(path, "/dev/null") == 0)
        return open_plain(sim, &null);
    if (!e)
        return flags & O_CREAT ? -EROFS : -ENOENT;
    if (!e->data)
        return writes ? -EISDIR : open_plain(sim, &directory);
    return writes || flags & O_TRUNC ? -EROFS : sim_file(sim, e->data, e->len);
}

int sim_open_path(struct sim *sim, const char *path, int flags)
{
    static const int denied[] = { [O_RDONLY] = NO_WRITING, [O_WRONLY] = NO_READING };
    int access = flags & O_ACCMODE, fd = sim_room(sim) < 0 ? -EMFILE : open_entry(sim, path, flags);
    if (fd >= 0 && access < O_RDWR)
        sim_file_of(sim, fd)->denied = denied[access];
    return fd;
}

void sim_disk_close(struct sim *sim)
{
    while (!ring_empty(&sim->disk))
        entry_free(OWNER(sim->disk.next, struct entry, of_sim));
}
