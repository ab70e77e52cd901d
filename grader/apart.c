/* apart.c - a test inside a test. See apart.h.
 *
 * Trap: libcheck's assertions write to the pipe of the test that forked us, so a failing expectation must end this
 * process before libcheck hears of it. */
#include "grader/apart.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct verdict *apart_new(void)
{
    struct verdict *v = mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return v == MAP_FAILED ? NULL : v;
}

void apart_free(struct verdict *v)
{
    munmap(v, sizeof *v);
}

static void end(void)
{
    _exit(0);
}

__attribute__((noreturn)) static void run_here(struct verdict *v, uint64_t seed, void (*fn)(void *), void *self)
{
    verdict_begin(v, seed);
    verdict_end_by(end);
    fn(self);
    verdict_pass();
    _exit(0);
}

void apart_run(struct verdict *v, void (*fn)(void *self), void *self)
{
    uint64_t seed = verdict_current()->seed;
    pid_t parent = getpid(), ended;
    v->state = VERDICT_NONE;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(0);
        run_here(v, seed, fn, self);
    }
    do
        ended = pid > 0 ? waitpid(pid, NULL, 0) : -1;
    while (ended < 0 && pid > 0 && errno == EINTR);
    if (v->state != VERDICT_NONE)
        return;
    v->state = VERDICT_FAULT;
    strcpy(v->cause, pid > 0 ? "the process that judged it died" : "no process could be started to judge it");
}

void apart_follow(const struct verdict *v)
{
    *verdict_current() = *v;
    verdict_fail(v->cause, "%s", v->seen);      /* the first decision stands, whatever it was */
}
