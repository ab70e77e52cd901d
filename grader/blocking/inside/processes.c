/* processes.c - the watched process: what it says of itself when it begins and ends, what is mapped in it, and the functions
 * behind our wrappers.
 *
 * The trap it exists for: a process that comes into being by any of the ways there are, with or without libc's knowledge. What is
 * true of one process only lies in a page that its children find empty; so the first use in a child tells of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "grader/blocking/inside/filter.h"
#include "grader/blocking/inside/find.h"
#include "grader/blocking/inside/own.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrap.h"

static struct journal journal;
static _Atomic int32_t *this_pid;       /* 0: a forked child, of which nothing was told yet */
static int32_t last_pid;                /* of this process, or of the one that it was forked from */

/* ---- who we are -------------------------------------------------------------------------------------------------------- */

static void fork_tell(int32_t parent, int32_t child)
{
    struct record_fork *record = (struct record_fork *)journal_reserve(&journal, sizeof *record);
    if (!record)
        return;
    record->head.pid = parent;
    record->child = child;
    journal_publish(&record->head, RECORD_FORK);
}

struct journal *process_journal(void)
{
    int32_t none = 0;
    if (!filter_allows())
        return NULL;
    if (!journal.head || atomic_load_explicit(this_pid, memory_order_relaxed))
        return journal.head ? &journal : NULL;
    int32_t pid = raw_pid(), parent = last_pid;
    if (atomic_compare_exchange_strong(this_pid, &none, pid)) {
        last_pid = pid;
        fork_tell(parent, pid);
    }
    return &journal;
}

const struct journal_wishes *process_wishes(void)
{
    return journal.head ? &journal.head->wishes : NULL;
}

void note_tell(const char *text)
{
    struct journal *to = process_journal();
    size_t len = strlen(text) + 1;
    struct record_lines *record = to ? (struct record_lines *)journal_reserve(to, sizeof *record + len) : NULL;
    if (!record)
        return;
    memcpy(record->text, text, len);
    journal_publish(&record->head, RECORD_NOTE);
}

/* ---- begin and end ------------------------------------------------------------------------------------------------------- */

static void process_tell(int argc, char **argv)
{
    char path[1024];
    long len = raw4(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)path, sizeof path);
    size_t size = len > 0 ? (size_t)len : 0, all = size + 1;
    for (int i = 0; i < argc; i++)
        all += strlen(argv[i]) + 1;
    struct record_process *record = (struct record_process *)journal_reserve(&journal, sizeof *record + all);
    if (!record)
        return;
    record->parent = (int32_t)raw0(SYS_getppid);
    memcpy(record->text, path, size);
    char *at = record->text + size + 1;
    for (int i = 0; i < argc; i++)
        at = stpcpy(at, argv[i]) + 1;
    journal_publish(&record->head, RECORD_PROCESS);
}

/* What this process was before it executed this program has ended. */
static void slots_end(int32_t pid)
{
    uint32_t slots = atomic_load(&journal.head->slots);
    for (uint32_t i = 0; i < slots && i < JOURNAL_SLOTS; i++)
        if (journal.slots[i].pid == pid)
            atomic_store(&journal.slots[i].state, SLOT_ENDED);
}

void process_end(int status, void *none)
{
    (void)none;
    if (!this_pid || !filter_allows() || atomic_load(this_pid) != raw_pid())
        return;
    if (watched_here())
        loop_over(watched_here());
    struct record_exit *record = (struct record_exit *)journal_reserve(&journal, sizeof *record);
    if (!record)
        return;
    record->status = status;
    journal_publish(&record->head, RECORD_EXIT);
}

static _Atomic int32_t *pid_page(void)
{
    long at = raw6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096)
        return NULL;
    if (raw3(SYS_madvise, at, 4096, MADV_WIPEONFORK) == 0)
        return (_Atomic int32_t *)at;
    raw2(SYS_munmap, at, 4096);
    return NULL;
}

bool process_watch(const struct journal *found, int argc, char **argv)
{
    this_pid = pid_page();
    if (!this_pid)
        return false;
    journal = *found;
    last_pid = raw_pid();
    atomic_store(this_pid, last_pid);
    threads_begin();
    slots_end(last_pid);
    process_tell(argc, argv);
    modules_look(&journal);
    return true;
}

void process_leave(void)
{
    thread_leave();
    modules_forget();
    journal = (struct journal){0};
    raw2(SYS_munmap, (long)this_pid, 4096);
    this_pid = NULL;
}

/* ---- what is behind us --------------------------------------------------------------------------------------------------- */

void real_find(void *real, const char *name)
{
    *(void **)real = find_behind_us(name);
}
