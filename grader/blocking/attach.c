/* attach.c - a process that runs already is watched from outside: see attach.h.
 *
 * A thread whose system call is a wait for events, at any look, is a loop thread; so is one that calls such a wait and is never
 * seen in it. New threads are looked for every few milliseconds.
 *
 * Traps: (a) a busy loop hardly ever waits: its threads are looked at often at first, and go on being looked at.
 *        (b) a process with a thousand threads: only so many are looked at in a round. */
#include "grader/blocking/attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "grader/blocking/attach_late.h"
#include "grader/blocking/attach_modules.h"
#include "grader/blocking/attach_thread.h"
#include "grader/blocking/watch_program.h"

enum {
    THREADS = 1024,                 /* of one process at most */
    CANDIDATES = 64,                /* looked at in a round */
    LATE = 32, LATE_AFTER = 10      /* so many may be loops that are always late, if so many looks have not seen them wait */
};
static const int64_t LOOK = 1000000, ROUND = 10000000, EVERY = 200000000, MODULES = 5000000000;

struct candidate {
    int tid, fd;                    /* of its /proc file */
    int looks, ran;                 /* how many there were; which found it running */
    struct late_thread late;
};

struct attach {
    struct attach_process process;
    struct attach_thread *threads[THREADS];
    int thread_count;
    struct candidate candidates[THREADS];
    int candidate_count, next_candidate, late_count;
    struct late_calls late;
    int64_t next_list, next_round, next_modules;    /* when it is time for */
    uint64_t mapped;                /* what was told of its modules */
    bool over, refused, blind;      /* blind: to loops that are always late */
};

struct attach *attach_new(int pid, struct journal *journal, struct gather *gather)
{
    struct attach *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    *a = (struct attach){ .process = { .pid = pid, .journal = journal, .gather = gather } };
    late_calls_find(&a->late, pid);
    return a;
}

/* ---- its threads ----------------------------------------------------------------------------------------------------------- */

static bool is_known(const struct attach *a, int tid)
{
    for (int i = 0; i < a->thread_count; i++)
        if (attach_thread_tid(a->threads[i]) == tid)
            return true;
    for (int i = 0; i < a->candidate_count; i++)
        if (a->candidates[i].tid == tid)
            return true;
    return false;
}

static void list_threads(struct attach *a)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", a->process.pid);
    DIR *tasks = opendir(path);
    a->over = !tasks && errno == ENOENT;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        int tid = atoi(entry->d_name);
        if (tid <= 0 || a->candidate_count + a->thread_count == THREADS || is_known(a, tid))
            continue;
        int fd = thread_open(a->process.pid, tid, "syscall");
        if (fd >= 0)
            a->candidates[a->candidate_count++] = (struct candidate){ .tid = tid, .fd = fd };
    }
    if (tasks)
        closedir(tasks);
}

static void candidate_remove(struct attach *a, int at)
{
    close(a->candidates[at].fd);
    late_close(&a->candidates[at].late);
    a->candidates[at] = a->candidates[--a->candidate_count];
}

static bool is_go(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    return program_is_go(path);
}

static void adopt(struct attach *a, int at, const struct thread_state *state, int64_t now)
{
    struct attach_thread *thread;
    if (!a->thread_count && !a->mapped) {
        modules_introduce(a->process.gather, a->process.pid, now);
        a->process.interpreter = interpreter_open(a->process.pid);
        a->process.go = is_go(a->process.pid);
    }
    modules_look(a->process.gather, a->process.pid, now, &a->mapped);
    late_close(&a->candidates[at].late);
    thread = attach_thread_new(&a->process, a->candidates[at].tid, state, now);
    if (thread)
        a->threads[a->thread_count++] = thread;
    candidate_remove(a, at);
}

/* It asks for events, and never sleeps until there are some. */
static bool is_late(struct attach *a, struct candidate *candidate, const struct thread_state *state)
{
    candidate->ran += state->runs;
    if (++candidate->looks == LATE_AFTER && a->late_count++ < LATE)
        a->blind |= !late_open(&candidate->late, &a->late, candidate->tid) && a->late.at[0];
    return late_has_waited(&candidate->late);
}

/* Who of them waits for events? */
static void look_for_loops(struct attach *a, int64_t now)
{
    for (int i = 0; i < CANDIDATES && a->candidate_count; i++) {
        int at = a->next_candidate++ % a->candidate_count;
        struct thread_state state = thread_look(a->candidates[at].fd);
        a->refused |= state.refused;
        if (state.gone)
            candidate_remove(a, at);
        else if (!state.runs && attach_waits(&state, &a->process.journal->head->wishes))
            adopt(a, at, &state, now);
        else if (is_late(a, &a->candidates[at], &state))
            adopt(a, at, &(struct thread_state){ .runs = state.runs }, now);
        if (i >= a->candidate_count)
            break;
    }
}

int64_t attach_look(struct attach *a, int64_t now)
{
    if (now >= a->next_list) {
        list_threads(a);
        a->next_list = now + (a->thread_count ? EVERY : ROUND);
    }
    if (now >= a->next_round) {
        look_for_loops(a, now);
        a->next_round = now + (a->thread_count ? ROUND : LOOK);
    }
    if (a->mapped && now >= a->next_modules) {
        modules_look(a->process.gather, a->process.pid, now, &a->mapped);
        a->next_modules = now + MODULES;
    }
    for (int i = 0; i < a->thread_count; i++)
        if (!attach_thread_look(a->threads[i], now)) {
            attach_thread_close(a->threads[i]);
            a->threads[i--] = a->threads[--a->thread_count];
        }
    return now + LOOK;
}

bool attach_over(const struct attach *a)
{
    return a->over;
}

/* ---- the end --------------------------------------------------------------------------------------------------------------- */

static void note_doubts(const struct attach_process *process)
{
    const struct attach_doubts *d = &process->doubts;
    struct gather *gather = process->gather;
    gather_note(gather, "Process %d was watched from outside: its callbacks, its page faults and what it calls in libc are not "
                "seen.", process->pid);
    if (process->go)
        gather_note(gather, "It is a Go program: a thread of it that has nothing to run sleeps in futex, which counts as "
                    "waiting, and a goroutine that blocks holds no loop up. Iterations are not told (go tool trace tells of "
                    "goroutines).");
    if (d->no_ring)
        gather_note(gather, "Perf events are refused here, so only sleeps that two looks at /proc saw (2 ms) are told, and no "
                    "iterations.");
    else if (d->no_breaks)
        gather_note(gather, "Breakpoints are refused here: iterations cannot be told, and sleeps only if a look at /proc (1 ms) "
                    "saw them.");
    if (d->breaks_paused)
        gather_note(gather, "The loop turned too often to be followed each time: %llu times the rest of a tenth of a second was "
                    "only looked at by /proc.", (unsigned long long)d->breaks_paused);
    if (d->sleeps)
        gather_note(gather, "%llu sleeps, %.3f ms in all, were too short to be told from waiting for events.",
                    (unsigned long long)d->sleeps, (double)d->slept / 1e6);
    if (d->stops)
        gather_note(gather, "It was stopped %llu times (SIGSTOP, a debugger), for %.3f ms in all: that is no block of its own.",
                    (unsigned long long)d->stops, (double)d->stopped / 1e6);
    if (d->lost)
        gather_note(gather, "%llu times the kernel had more to say than was read in time.", (unsigned long long)d->lost);
}

/* A loop that hangs all the time is not seen to be one; one that is always late neither, where there are no breakpoints. */
static void note_main_thread(const struct attach *a)
{
    struct gather *gather = a->process.gather;
    for (int i = 0; i < a->candidate_count; i++) {
        const struct candidate *c = &a->candidates[i];
        if (c->tid != a->process.pid || c->looks < LATE_AFTER)
            continue;
        if (c->ran > c->looks / 2)
            gather_note(gather, "The main thread, %d, ran at %d of %d looks and never waited for events: if it runs a loop, that "
                        "hangs all the time.", c->tid, c->ran, c->looks);
        else if (a->blind)
            gather_note(gather, "The main thread, %d, was never seen to wait for events. A loop that is always late, and so "
                        "never sleeps there, is seen with perf events only, and those are refused here.", c->tid);
    }
}

void attach_end(struct attach *a, int64_t now)
{
    struct attach_process *process = &a->process;
    for (int i = 0; i < a->thread_count; i++)
        attach_thread_look(a->threads[i], now);
    if (thread_letter(process->pid, process->pid) == 'T')
        gather_note(process->gather, "Process %d is stopped (SIGSTOP): nothing of it runs until SIGCONT.", process->pid);
    note_main_thread(a);
    if (process->journal->head->slots)
        note_doubts(process);
    else if (a->refused)
        gather_note(process->gather, "Process %d may not be looked at: it is another user's, or has gained rights.",
                    process->pid);
    else
        gather_note(process->gather, "No thread of process %d was seen to wait in epoll: is its loop one of poll or select "
                    "(--polls)?", process->pid);
}

void attach_free(struct attach *a)
{
    for (int i = 0; a && i < a->thread_count; i++)
        attach_thread_close(a->threads[i]);
    while (a && a->candidate_count)
        candidate_remove(a, 0);
    if (a)
        interpreter_close(a->process.interpreter);
    free(a);
}
