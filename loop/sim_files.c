/* sim_files.c - descriptors: numbers for files, the lowest free one first.
 *
 * The trap it exists for: a number is not a file. dup gives a file a second number, close takes one number away, and the
 * file with all that watches it lives until the last is gone: that is how epoll comes to report a closed descriptor. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 3, MOST = 1 << 20 };     /* 0, 1 and 2 belong to nobody here */

struct file *sim_file_of(const struct sim *sim, int fd)
{
    return fd >= 0 && fd < sim->file_capacity ? sim->files[fd] : NULL;
}

void file_init(struct file *file, const struct file_kind *kind)
{
    file->kind = kind;
    file->denied = 0;
    file->refs = 0;
    ring_init(&file->own);
    file->watches = &file->own;
    ring_init(&file->listeners);
}

void file_unref(struct file *file)
{
    if (file->refs > 1) {
        file->refs--;
        return;
    }
    file_unwatch(file);
    file->kind->release(file);
}

static int grow(struct sim *sim)
{
    int old = sim->file_capacity, capacity = old ? 2 * old : 64;
    struct file **files = realloc(sim->files, (size_t)capacity * sizeof *files);
    if (!files)
        return -ENOMEM;
    sim->files = files;
    uint64_t *used = realloc(sim->used, (size_t)capacity / 8);
    if (!used)
        return -ENOMEM;
    sim->used = used;
    memset(files + old, 0, (size_t)(capacity - old) * sizeof *files);
    memset((char *)used + old / 8, 0, (size_t)(capacity - old) / 8);
    if (old == 0)
        used[0] = (1 << FIRST) - 1;
    sim->file_capacity = capacity;
    return 0;
}

/* May be one that there is no room for yet. */
static int lowest_free(const struct sim *sim)
{
    int word = sim->lowest / 64;
    while (word < sim->file_capacity / 64 && sim->used[word] == UINT64_MAX)
        word++;
    if (word == sim->file_capacity / 64)
        return word ? word * 64 : FIRST;
    return word * 64 + __builtin_ctzll(~sim->used[word]);
}

int sim_room(const struct sim *sim)
{
    return lowest_free(sim) < (sim->most_files ? sim->most_files : MOST) ? 0 : -EMFILE;
}

/* The lowest free descriptor, now taken; -errno. */
static int take_number(struct sim *sim)
{
    int fd = lowest_free(sim), rc = sim_room(sim);
    if (rc == 0 && fd >= sim->file_capacity)
        rc = grow(sim);
    if (rc < 0)
        return rc;
    sim->used[fd / 64] |= UINT64_C(1) << fd % 64;
    sim->lowest = fd + 1;
    sim->open++;
    return fd;
}

int sim_open(struct sim *sim, struct file *file)
{
    int fd = take_number(sim);
    file->refs++;
    if (fd < 0)
        file_unref(file);
    else
        sim->files[fd] = file;
    return fd;
}

int sim_open_pair(struct sim *sim, struct file *a, struct file *b, int fds[2])
{
    int first = sim_open(sim, a), second = sim_open(sim, b);
    if (first >= 0 && second >= 0) {
        fds[0] = first;
        fds[1] = second;
        return 0;
    }
    sim_close_descriptor(sim, first);
    sim_close_descriptor(sim, second);
    return first < 0 ? first : second;
}

int sim_dup(struct sim *sim, int fd)
{
    struct file *file = sim_file_of(sim, fd);
    return file ? sim_open(sim, file) : -EBADF;
}

int sim_close_descriptor(struct sim *sim, int fd)
{
    struct file *file = sim_file_of(sim, fd);
    if (!file)
        return -EBADF;
    sim->files[fd] = NULL;
    sim->used[fd / 64] &= ~(UINT64_C(1) << fd % 64);
    if (fd < sim->lowest)
        sim->lowest = fd;
    sim->open--;
    file_unref(file);
    return 0;
}

void sim_files_close(struct sim *sim)
{
    for (int fd = 0; fd < sim->file_capacity; fd++)
        sim_close_descriptor(sim, fd);
    free(sim->files);
    free(sim->used);
}
