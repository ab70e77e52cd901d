/* sandbox.h - running what one does not trust, and leaving nothing of it behind.
 *
 * A job runs in namespaces of its own (user, pid, net, mount, ipc) where the kernel allows it, under rlimits, seccomp and
 * no_new_privs, never as root, with an empty environment and no descriptor but those it is given. Its supervisor, a process of
 * ours outside, drains its output with a cap, holds it to its limits by pidfd and clock, and kills whatever is left of it
 * (subreaper) before it reports. If the caller dies, the supervisor ends the job.
 *
 * Traps: a process-group kill misses a setsid daemon; a full pipe blocks the one that is judged; RLIMIT_NPROC does not hold
 * root; a wall limit says nothing about who was at fault on a loaded machine, so the CPU used is reported beside it. */
#ifndef EDDY_GRADER_SANDBOX_H
#define EDDY_GRADER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox_job {
    const char *folder;         /* becomes the working directory, the only one that can be written; must be the caller's own
                                   temporary folder; NULL: none. With `tools`, /usr and the like are there too, read-only */
    const char *program;        /* an absolute path with `tools`, else a path outside of the sandbox, to a static executable */
    char *const *argv;
    int wire;                   /* a descriptor the job gets as 3, or -1. Stays the caller's */
    int listener;               /* one that it gets as 4, beside a wire; 0: none. A listening socket made by the caller keeps
                                   the caller's network, whatever the job's own is */
    bool tools;                 /* compilers are visible, and may start processes */
    int wall_ms, cpu_s, memory_mb, output_kb, file_kb, processes;   /* 0: 10 s, 10 s, 1024, 64, 1024, 64. CPU: a process */
};

enum sandbox_how {
    SANDBOX_EXITED,             /* code: its exit status */
    SANDBOX_KILLED,             /* code: the signal */
    SANDBOX_WALL, SANDBOX_CPU,  /* a limit was reached */
    SANDBOX_OUTPUT,             /* it wrote 64 times its output_kb: it would not have stopped */
    SANDBOX_FAULT               /* ours: it could not be run; `text` says why. Never the student's loss */
};

struct sandbox_end {
    enum sandbox_how how;
    int code;
    int strays;                 /* processes that had to be killed beside it, or after it */
    int64_t wall_ns, cpu_ns;
    int64_t major_faults;
    char text[256];             /* a sentence: "was killed by signal 11 (Segmentation fault)" */
    char *output;               /* stdout and stderr, the first part up to the cap; zero-terminated; freed by sandbox_close */
    size_t output_len;          /* all that was written, also beyond the cap */
};

struct sandbox;

/* Starts the job and returns at once. NULL with a sentence (that is our fault, never the student's). */
struct sandbox *sandbox_start(const struct sandbox_job *, char *error, size_t size);
/* The process of the job's program, once that runs, as the caller sees it; 0: it cannot be found in /proc. */
int sandbox_program(const struct sandbox *);
/* Waits for its end. Lent until sandbox_close. */
const struct sandbox_end *sandbox_wait(struct sandbox *);
/* Ends it if it still runs, and forgets it. */
void sandbox_close(struct sandbox *);

/* What can be had on this machine, found out once by trying: 3 namespaces, seccomp, rlimits and another uid; 2 the same with
 * the caller's uid; 1 no namespaces: seccomp, rlimits and the subreaper; 0 rlimits and the subreaper alone. `why` names what
 * is missing. */
int sandbox_level(const char **why);

/* Makes an empty folder under TMPDIR for a job to work in, owned by whom the job runs as; NULL with a sentence. Removed with
 * all that is in it, by sandbox_folder_remove, which also frees the name. */
char *sandbox_folder(char *error, size_t size);
void sandbox_folder_remove(char *folder);

#endif
