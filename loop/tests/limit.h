/* limit.h - a process that may have but a few descriptors, on the real kernel.
 *
 * The trap it exists for: under valgrind the limit is not the kernel's, and comes too late: a connection has been accepted, and
 * is closed again. Where limit_is_the_kernels says no, there is nothing to test. */
#ifndef EDDY_LOOP_TESTS_LIMIT_H
#define EDDY_LOOP_TESTS_LIMIT_H

#include <sys/resource.h>

#include "loop/tests/support.h"

/* From now on no descriptor gets a number of `most` or more; < 0: as it was at first. */
static inline void limit_descriptors(int most)
{
    static struct rlimit first;
    if (!first.rlim_cur)
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &first), 0);
    struct rlimit now = first;
    now.rlim_cur = most < 0 ? first.rlim_cur : (rlim_t)most;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static inline bool limit_is_the_kernels(void)
{
    struct sys *sys = sys_linux();
    int fds[2];
    limit_descriptors(0);
    int rc = sys->socketpair(sys, fds);
    limit_descriptors(-1);
    if (rc == -EMFILE)
        return true;
    sys->close(sys, fds[0]);
    sys->close(sys, fds[1]);
    return false;
}

#endif
