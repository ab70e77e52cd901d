/* modules.c - what is mapped in this process, told once, and again when it has changed: the watcher needs it to name what it
 * finds, also when the process is long gone.
 *
 * Traps: (a) asking the dynamic linker would wait for its lock, which another thread may hold for long.
 *        (b) a process that cannot ask any more: one without descriptors, or that has changed its root. So it is told at once.
 *        (c) /proc/self is empty when the main thread has ended and others go on.
 *        (d) a child that is forked while another thread reads: there nobody reads on, and it must not wait for that. */
#include <fcntl.h>
#include <string.h>

#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/own.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/tell.h"

enum { SETTLES = 1000000000 };      /* ns after a dlopen began in which mappings are looked at again */

static _Atomic int64_t changing = 1;    /* until when; 1: nothing was told yet */
static _Atomic uint64_t told;       /* a sum over what was told last */
static _Atomic int32_t reader;      /* the process of which a thread is reading; 0: none */
static char text[8192];             /* of whoever is reading: the stack may be a coroutine's, and small */

struct map {                        /* a line of /proc/thread-self/maps, of what can be executed */
    uint64_t begin, end, offset;
    char path[512];
};

static const char *hex(const char *at, uint64_t *value)
{
    for (*value = 0;; at++) {
        int digit = *at >= '0' && *at <= '9' ? *at - '0' : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10 : -1;
        if (digit < 0)
            return at;
        *value = *value * 16 + (uint64_t)digit;
    }
}

/* "begin-end r-xp offset device inode path". Whether it is of a file, and code. */
static bool map_parse(const char *line, struct map *map)
{
    const char *at = hex(line, &map->begin);
    at = hex(at + 1, &map->end);
    bool code = at[0] == ' ' && at[3] == 'x';
    hex(at + (strlen(at) > 6 ? 6 : 0), &map->offset);
    const char *path = strchr(line, '/');
    if (!path)
        path = strstr(line, "[vdso]");
    if (!code || !path || strlen(path) >= sizeof map->path)
        return false;
    strcpy(map->path, path);
    return true;
}

static void map_tell(struct journal *journal, const struct map *map)
{
    size_t len = strlen(map->path) + 1;
    struct record_module *record = (struct record_module *)journal_reserve(journal, sizeof *record + len);
    if (!record)
        return;
    record->begin = map->begin;
    record->end = map->end;
    record->offset = map->offset;
    memcpy(record->path, map->path, len);
    journal_publish(&record->head, RECORD_MODULE);
}

/* Each line to `map_tell`, or to none if journal is NULL. The sum over all; 0: they cannot be read. */
static uint64_t maps_read(struct journal *journal)
{
    static struct map map;
    uint64_t sum = 1;
    size_t have = 0;
    long fd = kernel_may_be_asked() ? raw4(SYS_openat, AT_FDCWD, (long)"/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0) : -1;
    if (fd < 0)
        return 0;
    for (long n; (n = raw3(SYS_read, fd, (long)(text + have), (long)(sizeof text - have - 1))) > 0;) {
        char *line = text, *end;
        text[have + (size_t)n] = 0;
        for (; (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            if (!map_parse(line, &map))
                continue;
            sum = (sum * 31 + map.begin) * 31 + map.end;
            if (journal)
                map_tell(journal, &map);
        }
        have = strlen(line);
        have = have < sizeof text - 1 ? have : 0;
        memmove(text, line, have);
    }
    raw1(SYS_close, fd);
    return sum;
}

void modules_changed(void)
{
    atomic_store_explicit(&changing, time_now() + SETTLES, memory_order_relaxed);
}

void modules_forget(void)
{
    atomic_store(&told, 0);
    atomic_store(&changing, 1);
}

bool modules_look(struct journal *journal)
{
    int32_t pid = raw_pid(), other = atomic_load(&reader);
    if (other == pid || !atomic_compare_exchange_strong(&reader, &other, pid))
        return false;
    uint64_t sum = maps_read(NULL);
    if (sum && atomic_exchange(&told, sum) != sum)
        maps_read(journal);
    atomic_store(&reader, 0);
    return true;
}

void modules_tell(struct journal *journal, int64_t now)
{
    int64_t until = atomic_load_explicit(&changing, memory_order_relaxed);
    if (until && modules_look(journal) && now > until)
        atomic_compare_exchange_strong(&changing, &until, 0);
}
