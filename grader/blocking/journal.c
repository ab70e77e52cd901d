/* journal.c - the watcher's half of the journal: it makes it, and reads what the watched have written.
 *
 * Traps: (a) a record's size is written by somebody else's process, which may have gone astray: nothing is read past the end.
 *        (b) a writer that died within a record leaves one without a kind: waited for while somebody may still write it, passed
 *            over when nobody can. */
#include "grader/blocking/journal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t records_begin(void)
{
    size_t slots = sizeof(struct journal_head) + JOURNAL_SLOTS * sizeof(struct slot);
    return (slots + 4095) / 4096 * 4096;
}

static int journal_map(struct journal *journal, int fd, size_t size)
{
    void *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (all == MAP_FAILED)
        return -errno;
    journal->head = all;
    journal->slots = (struct slot *)(journal->head + 1);
    journal->records = (uint8_t *)all + records_begin();
    journal->room = size - records_begin();
    return 0;
}

int journal_new(struct journal *journal, const struct journal_wishes *wishes, size_t bytes, int *fd)
{
    size_t size = records_begin() + (bytes + 4095) / 4096 * 4096;
    *fd = memfd_create("blockwatch-journal", MFD_CLOEXEC);
    if (*fd < 0)
        return -errno;
    int rc = ftruncate(*fd, (off_t)size) < 0 ? -errno : journal_map(journal, *fd, size);
    if (rc < 0) {
        close(*fd);
        *fd = -1;
        return rc;
    }
    journal->head->version = JOURNAL_VERSION;
    journal->head->size = (uint32_t)(size / 4096);
    journal->head->wishes = *wishes;
    memcpy(journal->head->magic, "blkwatch", 8);
    return 0;
}

/* How much of the room is taken: the cursor runs on when it is full. */
static uint64_t journal_end(const struct journal *journal)
{
    uint64_t cursor = atomic_load_explicit(&journal->head->cursor, memory_order_acquire);
    return cursor < journal->room ? cursor : journal->room;
}

const struct record *journal_next(const struct journal *journal, uint64_t *at, bool dead)
{
    for (uint64_t end = journal_end(journal); *at + sizeof(struct record) <= end;) {
        const struct record *record = (const struct record *)(journal->records + *at);
        uint32_t size = *(const volatile uint32_t *)&record->size;
        bool sound = size >= sizeof *record && size % 8 == 0 && size <= end - *at;
        uint32_t kind = atomic_load_explicit(&record->kind, memory_order_acquire);
        if (sound && kind) {
            *at += size;
            return record;
        }
        if (!dead)
            return NULL;
        *at = sound ? *at + size : end;
    }
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (journal->head)
        munmap(journal->head, (size_t)journal->head->size * 4096);
    *journal = (struct journal){0};
}
