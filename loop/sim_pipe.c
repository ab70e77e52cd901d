/* sim_pipe.c - pipes: sixteen pages, one reader, one writer.
 *
 * The trap it exists for: a pipe's room is counted in pages. A write goes behind the last one's bytes if its odd part fits
 * there, else it takes a new page; so a pipe can be full with sixteen bytes in it, and a write of up to a page goes in
 * whole or not at all. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READER, WRITER, PAGE = 4096 };

struct pipe_end {
    struct file file;
    struct pipe *pipe;
    int side;
};

struct pipe {
    struct pipe_end *ends[2];       /* NULL: closed */
    struct chunks pages;
    size_t page, slots;             /* bytes of one, and how many there may be */
};

static bool pipe_full(const struct pipe *p)
{
    return p->pages.count >= p->slots;
}

static ssize_t pipe_read(struct file *file, void *data, size_t len)
{
    struct pipe_end *end = (struct pipe_end *)file;
    struct pipe *p = end->pipe;
    size_t done = 0;
    bool freed = false;
    if (end->side != READER)
        return -EBADF;
    if (len == 0)
        return 0;
    while (done < len && p->pages.count) {
        done += chunks_take(&p->pages, (char *)data + done, len - done);
        if (p->pages.first->begin == p->pages.first->end) {
            freed |= pipe_full(p);
            chunks_drop(&p->pages);
        }
    }
    if (freed && p->ends[WRITER])
        file_wake(&p->ends[WRITER]->file, EPOLLOUT | EPOLLWRNORM);
    if (done == 0 && p->ends[WRITER])
        return -EAGAIN;
    return (ssize_t)done;
}

static size_t append(struct chunk *c, const char *data, size_t len)
{
    size_t n = len < c->size - c->end ? len : c->size - c->end;
    memcpy(c->data + c->end, data, n);
    c->end += n;
    return n;
}

static ssize_t pipe_write(struct file *file, const void *data, size_t len)
{
    struct pipe_end *end = (struct pipe_end *)file;
    struct pipe *p = end->pipe;
    size_t odd = len % p->page, done = 0;
    if (end->side != WRITER)
        return -EBADF;
    if (len == 0)
        return 0;
    if (!p->ends[READER])
        return -EPIPE;
    struct chunk *last = p->pages.last;
    if (odd && last && last->end + odd <= last->size)
        done = append(last, data, odd);
    while (done < len && !pipe_full(p)) {
        struct chunk *page = chunks_add(&p->pages, p->page);
        if (!page)
            return done ? (ssize_t)done : -ENOMEM;
        done += append(page, (const char *)data + done, len - done);
    }
    file_wake(&p->ends[READER]->file, EPOLLIN | EPOLLRDNORM);   /* even if nothing went in, as Linux does */
    return done ? (ssize_t)done : -EAGAIN;
}

ssize_t pipe_put_pages(struct file *file, const char *data, size_t len, int64_t offset)
{
    struct pipe *p = ((struct pipe_end *)file)->pipe;
    size_t done = 0;
    if (!p->ends[READER])
        return -EPIPE;
    while (done < len && !pipe_full(p)) {
        size_t rest = p->page - (size_t)(offset + (int64_t)done) % p->page;
        struct chunk *page = chunks_add(&p->pages, rest < len - done ? rest : len - done);
        if (!page)
            return done ? (ssize_t)done : -ENOMEM;
        done += append(page, data + done, len - done);
    }
    file_wake(&p->ends[READER]->file, EPOLLIN | EPOLLRDNORM);
    return done ? (ssize_t)done : -EAGAIN;
}

size_t pipe_look(const struct file *file, char *data, size_t len)
{
    const struct pipe *p = ((const struct pipe_end *)file)->pipe;
    size_t done = 0;
    for (const struct chunk *c = p->pages.first; c && done < len; c = c->next) {
        size_t n = c->end - c->begin < len - done ? c->end - c->begin : len - done;
        if (data)
            memcpy(data + done, c->data + c->begin, n);
        done += n;
    }
    return done;
}

static uint32_t reader_ready(struct file *file)
{
    struct pipe *p = ((struct pipe_end *)file)->pipe;
    return (p->pages.count ? EPOLLIN | EPOLLRDNORM : 0) | (p->ends[WRITER] ? 0 : EPOLLHUP);
}

static uint32_t writer_ready(struct file *file)
{
    struct pipe *p = ((struct pipe_end *)file)->pipe;
    return (pipe_full(p) ? 0 : EPOLLOUT | EPOLLWRNORM) | (p->ends[READER] ? 0 : EPOLLERR);
}

static void pipe_release(struct file *file)
{
    struct pipe_end *end = (struct pipe_end *)file;
    struct pipe *p = end->pipe;
    struct pipe_end *other = p->ends[!end->side];
    p->ends[end->side] = NULL;
    free(end);
    if (other) {
        file_wake(&other->file, 0);
        return;
    }
    while (p->pages.count)
        chunks_drop(&p->pages);
    free(p);
}

static const struct file_kind kinds[] = {
    [READER] = { .read = pipe_read, .write = pipe_write, .ready = reader_ready, .release = pipe_release },
    [WRITER] = { .read = pipe_read, .write = pipe_write, .ready = writer_ready, .release = pipe_release },
};

bool pipe_is(const struct file *file, bool writer)
{
    return file->kind == &kinds[writer ? WRITER : READER];
}

int sim_pipe(struct sim *sim, int fds[2], size_t capacity)
{
    struct pipe *p = calloc(1, sizeof *p);
    struct pipe_end *ends[2] = { calloc(1, sizeof **ends), calloc(1, sizeof **ends) };
    if (!p || !ends[READER] || !ends[WRITER]) {
        free(p);
        free(ends[READER]);
        free(ends[WRITER]);
        return -ENOMEM;
    }
    p->page = capacity < PAGE ? capacity : PAGE;
    p->slots = (capacity + p->page - 1) / p->page;
    for (int side = READER; side <= WRITER; side++) {
        file_init(&ends[side]->file, &kinds[side]);
        ends[side]->pipe = p;
        ends[side]->side = side;
        p->ends[side] = ends[side];
    }
    return sim_open_pair(sim, &ends[READER]->file, &ends[WRITER]->file, fds);
}
