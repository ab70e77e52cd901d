/* ends.c - streams over what is no TCP. See ends.h.
 *
 * Trap: stream_new closes the descriptor that it could not take, so a pair of which one end has failed is half closed already. */
#include "stream/ends.h"

#include <errno.h>

#include "loop/require.h"

/* Both, or none: then the descriptors are closed. 0 or -errno. */
static int both(struct loop *loop, const int fds[2], struct stream *ends[2])
{
    struct sys *sys = loop_sys(loop);
    ends[0] = stream_new(loop, fds[0]);
    if (!ends[0]) {
        int rc = -errno;
        sys->close(sys, fds[1]);
        return rc;
    }
    ends[1] = stream_new(loop, fds[1]);
    if (ends[1])
        return 0;
    int rc = -errno;
    stream_close(ends[0]);
    return rc;
}

int stream_pair(struct loop *loop, struct stream *ends[2])
{
    struct sys *sys = loop_sys(loop);
    int fds[2], rc = sys->socketpair(sys, fds);
    return rc < 0 ? rc : both(loop, fds, ends);
}

int stream_pipe(struct loop *loop, struct stream **reader, struct stream **writer)
{
    struct sys *sys = loop_sys(loop);
    struct stream *ends[2];
    int fds[2], rc = sys->pipe(sys, fds);
    if (rc < 0 || (rc = both(loop, fds, ends)) < 0)
        return rc;
    *reader = ends[0];
    *writer = ends[1];
    return 0;
}

struct stream *stream_of_process(struct process *p, int which)
{
    int fd = process_take_fd(p, which);
    REQUIRE(fd >= 0, "stream_of_process: there is no pipe at standard stream %d of this child, or it was taken: spawn it with "
            "PROCESS_PIPE there, and take it once", which);
    return stream_new(process_loop(p), fd);
}
