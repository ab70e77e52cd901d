/* sim_splice.c - bytes that go through a pipe without being copied: out of a file into it, out of it into a pipe or a socket.
 *
 * The trap it exists for: a page of a file takes a page of the pipe, however little of it is wanted; so a pipe is full sooner
 * than its bytes say. And what the other side does not take stays in the pipe, in its place. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Into a pipe, from that place in the file on. */
static ssize_t pages_in(const struct sim *sim, int from, int64_t offset, struct file *to, size_t len)
{
    const char *data;
    ssize_t left = disk_content(sim, from, offset, &data);
    if (left <= 0)
        return left;
    size_t most = sim_shortened(sim, CALL_SPLICE, to, (size_t)left < len ? (size_t)left : len);
    return pipe_put_pages(to, data, most, offset);
}

/* What went out of the pipe is what was taken. */
static ssize_t pages_out(struct sim *sim, struct file *from, struct file *to, size_t len)
{
    size_t most = sim_shortened(sim, CALL_SPLICE, to, len), held = pipe_look(from, NULL, most);
    if (!to->kind->write)
        return -EINVAL;
    if (held == 0)
        return from->kind->read(from, NULL, 1);
    char *data = malloc(held);
    if (!data)
        return -ENOMEM;
    pipe_look(from, data, held);
    ssize_t n = to->kind->write(to, data, held);
    if (n > 0)
        from->kind->read(from, data, (size_t)n);
    if (most < len && n == (ssize_t)most)
        file_wake(to, EPOLLOUT | EPOLLWRNORM);
    free(data);
    return n;
}

static ssize_t splice_any(struct sim *sim, int from, int64_t offset, int to, size_t len)
{
    struct file *in = sim_file_of(sim, from), *out = sim_file_of(sim, to);
    if (len == 0)
        return 0;
    if (!in || in->denied & NO_READING || pipe_is(in, true) || !out || out->denied & NO_WRITING || pipe_is(out, false))
        return -EBADF;
    if (pipe_is(in, false))
        return offset >= 0 ? -ESPIPE : pages_out(sim, in, out, len);
    if (!pipe_is(out, true))
        return -EINVAL;
    return offset < 0 ? -EINVAL : pages_in(sim, from, offset, out, len);
}

ssize_t pipe_splice(struct sys *sys, int from, int64_t offset, int to, size_t len)
{
    struct sim *sim = (struct sim *)sys;
    struct file *out = sim_file_of(sim, to);
    ssize_t n = sim_fault(sim, CALL_SPLICE);
    if (n && offset < 0 && out)
        file_wake(out, EPOLLOUT | EPOLLWRNORM);
    return sim_told(sim, CALL_SPLICE, from, (int64_t)len, n ? n : splice_any(sim, from, offset, to, len));
}

ssize_t pipe_wide(struct sys *sys, int fds[2], size_t bytes)
{
    struct sim *sim = (struct sim *)sys;
    int rc = sim_fault(sim, CALL_PIPE);
    size_t room = sim->pipe_capacity < PIPE_BYTES ? sim->pipe_capacity : bytes;
    rc = rc ? rc : sim_pipe(sim, fds, room);
    return sim_told(sim, CALL_PIPE, rc ? -1 : fds[0], rc ? -1 : fds[1], rc ? rc : (ssize_t)room);
}
