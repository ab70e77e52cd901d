/* journal_inside.c - the journal in the watched process: it is joined once, and then written without a lock.
 *
 * A record is taken by writing its size, which was 0, where the cursor stands; then the cursor moves over it, and whoever finds
 * it not moved yet moves it for the other. Its kind is written last. So a writer that is killed at any point leaves something
 * that can be passed over, and nobody waits for anybody.
 *
 * Traps: (a) the descriptor must be gone before the program looks at its own.
 *        (b) a process that has become another user's may not open the watcher's files: it asks the watcher itself.
 *        (c) a journal of another build, or one that has been cut short: it is not joined. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/raw.h"

static size_t records_begin(void)
{
    size_t slots = sizeof(struct journal_head) + JOURNAL_SLOTS * sizeof(struct slot);
    return (slots + 4095) / 4096 * 4096;
}

static int journal_map(struct journal *journal, int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0 || (size_t)stat.st_size <= records_begin())
        return -EINVAL;
    long all = raw6(SYS_mmap, 0, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (all < 0 && all > -4096)
        return (int)all;
    journal->head = (struct journal_head *)all;
    journal->slots = (struct slot *)(journal->head + 1);
    journal->records = (uint8_t *)all + records_begin();
    journal->room = (size_t)stat.st_size - records_begin();
    if (!memcmp(journal->head->magic, "blkwatch", 8) && journal->head->version == JOURNAL_VERSION)
        return 0;
    raw2(SYS_munmap, all, stat.st_size);
    *journal = (struct journal){0};
    return -EINVAL;
}

/* The descriptor that the watcher sends; or -errno. */
static long door_receive(long fd)
{
    char one;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    int journal_fd;
    struct iovec part = { &one, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    long got = raw3(SYS_recvmsg, fd, (long)&message, MSG_CMSG_CLOEXEC);
    if (got != 1 || message.msg_controllen != CMSG_SPACE(sizeof(int)) || control.head.cmsg_type != SCM_RIGHTS)
        return got < 0 ? got : -EPERM;
    memcpy(&journal_fd, CMSG_DATA(&control.head), sizeof journal_fd);
    return journal_fd;
}

/* Of who may not open it, or sees another /proc: see watch_door.h. */
static long journal_ask(const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = 1 };
    size_t len = strlen(name);
    long fd = raw3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || len >= sizeof address.sun_path)
        return fd < 0 ? fd : -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name, len);
    raw6(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof patience, 0);
    long rc = raw3(SYS_connect, fd, (long)&address, (long)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
    if (rc == 0)
        rc = door_receive(fd);
    raw1(SYS_close, fd);
    return rc;
}

static int journal_take(struct journal *journal, long fd)
{
    int rc = fd < 0 ? (int)fd : journal_map(journal, (int)fd);
    if (fd >= 0)
        raw1(SYS_close, fd);
    return rc;
}

int journal_join(struct journal *journal)
{
    const char *path = getenv(JOURNAL_ENV);
    if (!path || !*path)
        return -ENOENT;
    int rc = journal_take(journal, raw4(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0));
    return rc < 0 && rc != -ENOMEM ? journal_take(journal, journal_ask(path)) : rc;
}

/* Takes so many bytes where the cursor stands: 1; 0: somebody else did; -1: there is no room. */
static int record_take(struct journal *journal, uint32_t size, struct record **out)
{
    uint64_t at = atomic_load_explicit(&journal->head->cursor, memory_order_acquire);
    if (at + size > journal->room)
        return -1;
    struct record *record = (struct record *)(journal->records + at);
    uint32_t taken = 0;
    bool ours = __atomic_compare_exchange_n(&record->size, &taken, size, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    uint64_t behind = at + (ours ? size : taken);
    atomic_compare_exchange_strong_explicit(&journal->head->cursor, &at, behind, memory_order_acq_rel, memory_order_relaxed);
    *out = record;
    return ours;
}

struct record *journal_reserve(struct journal *journal, size_t size)
{
    struct record *record = NULL;
    int taken;
    do
        taken = record_take(journal, (uint32_t)((size + 7) / 8 * 8), &record);
    while (!taken);
    if (taken < 0) {
        atomic_fetch_add_explicit(&journal->head->dropped, 1, memory_order_relaxed);
        return NULL;
    }
    record->pid = raw_pid();
    record->tid = raw_tid();
    record->time = time_now();
    return record;
}

void journal_publish(struct record *record, enum record_kind kind)
{
    atomic_store_explicit(&record->kind, kind, memory_order_release);
}

struct slot *journal_slot(struct journal *journal)
{
    uint32_t number = atomic_fetch_add_explicit(&journal->head->slots, 1, memory_order_relaxed);
    if (number < JOURNAL_SLOTS)
        return &journal->slots[number];
    atomic_fetch_sub_explicit(&journal->head->slots, 1, memory_order_relaxed);
    return NULL;
}
