/* watch_left.c - who is left when the command has ended: see watch_left.h.
 *
 * Traps: (a) a process that has ended and was not waited for still answers to kill.
 *        (b) all processes of a machine are many: only those that are younger than we are opened. */
#include "grader/blocking/watch_left.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/blocking/stuck_thread.h"

static const int64_t SCAN = 1000000000;

static bool alive(int pid)
{
    char letter = thread_letter(pid, pid);
    return letter && letter != 'Z' && letter != 'X';
}

/* When it began, in ticks since the machine did; 0: it is gone. */
static uint64_t began(int pid)
{
    char path[64], text[1024] = "";
    uint64_t ticks = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "re");
    const char *at = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
    if (at)
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64, &ticks);
    if (f)
        fclose(f);
    return ticks;
}

static bool has_mapped(int pid, ino_t inode)
{
    char path[64], wanted[64], *line = NULL;
    size_t room = 0;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    snprintf(wanted, sizeof wanted, " %llu ", (unsigned long long)inode);
    FILE *maps = fopen(path, "re");
    while (maps && !found && getline(&line, &room, maps) > 0)
        found = strstr(line, "/memfd:blockwatch-journal") && strstr(line, wanted);
    free(line);
    if (maps)
        fclose(maps);
    return found;
}

static void scan(struct watch_left *left, int journal_fd)
{
    struct stat journal;
    uint64_t ours = began(getpid());
    DIR *all = opendir("/proc");
    left->count = 0;
    if (fstat(journal_fd, &journal) < 0)
        journal.st_ino = 0;
    for (struct dirent *entry; all && (entry = readdir(all)) && left->count < LEFT_AT_MOST;) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && pid != getpid() && pid != left->looker && began(pid) >= ours && alive(pid) &&
            has_mapped(pid, journal.st_ino))
            left->pids[left->count++] = pid;
    }
    if (all)
        closedir(all);
}

static bool runs_loops(const struct journal *journal, int pid)
{
    uint32_t slots = atomic_load(&journal->head->slots);
    for (uint32_t i = 0; i < slots && i < JOURNAL_SLOTS; i++) {
        uint32_t state = atomic_load(&journal->slots[i].state);
        if (journal->slots[i].pid == pid && state != SLOT_FREE && state != SLOT_ENDED)
            return true;
    }
    return false;
}

void left_look(struct watch_left *left, const struct journal *journal, int journal_fd, int64_t now)
{
    int kept = 0;
    if (!left->scanned || now - left->scanned > SCAN) {
        scan(left, journal_fd);
        left->scanned = now;
    }
    left->loops = 0;
    for (int i = 0; i < left->count; i++)
        if (alive(left->pids[i])) {
            left->loops += runs_loops(journal, left->pids[i]);
            left->pids[kept++] = left->pids[i];
        }
    left->count = kept;
}

void left_name(const struct watch_left *left, const struct journal *journal, char text[128])
{
    size_t len = 0;
    text[0] = 0;
    for (int i = 0; i < left->count && len < 110; i++)
        if (runs_loops(journal, left->pids[i]))
            len += (size_t)snprintf(text + len, 128 - len, "%s%d", len ? ", " : "", left->pids[i]);
}
