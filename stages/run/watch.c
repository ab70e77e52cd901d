/* watch.c - preloaded into a stage (LD_PRELOAD): names each call in which its main thread slept, outside of the selector.
 *
 * The kernel counts each time a thread goes to sleep of itself (voluntary switches, getrusage); a thread that is merely made to
 * wait for a processor is not counted. So we compare that count before and after the calls that may block: what moved it has
 * slept, whatever the clock says. A count that moved between two of our calls is kept as "(unseen)", with the call before it.
 *
 * The results are in a file that is mapped (STAGE_WATCH), so they outlive the program however it ends: also by SIGKILL, in the
 * middle of a call, which is then in `now`. Only what happens while main runs is counted. STAGE_SLOW_NAMES=ms stands in for a
 * slow server of names. run/stage_run.py reads this layout. Traps: what the C library calls within itself is not seen, only the
 * call that the program made; our own measuring must not be measured (depth); and errno must be left as it was. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 64, FRAMES = 2 };

struct row {                        /* a call, at a place, that slept */
    char call[24];
    uint64_t frames[FRAMES];        /* return addresses in the program, innermost first, less where it was loaded */
    uint64_t times, ns;
};

static struct table {
    struct row selector, now;       /* selector: of all its calls, those that slept; now: the call that is running */
    uint64_t calls, lost;           /* selector calls; sleeps for which there was no row */
    struct row rows[ROWS];
} *table;

struct mark {
    const char *call;
    bool selector, on;
    void *from;
    uint64_t ns;
    long switches;
};

static pthread_t main_thread;
static uintptr_t base, end;         /* of the program, not of its libraries */
static int depth;
static struct mark last;            /* when and where we were last */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

/* Where in the program we are: those who called, without the libraries in between. */
static void find_frames(uint64_t *frames)
{
    void *stack[32];
    int n = backtrace(stack, 32);
    for (int i = 0, found = 0; i < n && found < FRAMES; i++)
        if ((uintptr_t)stack[i] >= base && (uintptr_t)stack[i] < end)
            frames[found++] = (uintptr_t)stack[i] - base;
}

static void add_to(struct row *r, uint64_t times, uint64_t ns)
{
    r->times += times;
    r->ns += ns;
}

static void note(const struct row *slept, uint64_t times, uint64_t ns)
{
    for (struct row *r = table->rows; r < table->rows + ROWS; r++) {
        if (!r->call[0])
            *r = *slept;
        if (strcmp(r->call, slept->call) == 0 && memcmp(r->frames, slept->frames, sizeof r->frames) == 0) {
            add_to(r, times, ns);
            return;
        }
    }
    table->lost += times;
}

static void note_unseen(long count, uint64_t ns)
{
    struct row r = { .call = "(unseen)" };
    r.frames[0] = last.from ? (uintptr_t)last.from - base : 0;
    if (count > last.switches)
        note(&r, (uint64_t)(count - last.switches), ns - last.ns);
}

/* Before a call: finds the real one, and looks at the count. */
static struct mark enter(const char *call, bool selector, void *from, void **real)
{
    struct mark m = { .call = call, .selector = selector, .from = from };
    if (!*real)
        *real = dlsym(RTLD_NEXT, call);
    m.on = table && pthread_equal(pthread_self(), main_thread) && depth++ == 0;
    if (!m.on)
        return m;
    m.switches = switches();
    m.ns = now();
    note_unseen(m.switches, m.ns);
    strcpy(table->now.call, call);
    table->now.frames[0] = (uintptr_t)from - base;
    return m;
}

static void leave(const struct mark *m)
{
    int error = errno;
    if (table && pthread_equal(pthread_self(), main_thread))
        depth--;
    if (!m->on)
        return;
    long count = switches();
    uint64_t ns = now();
    struct row r = {0};
    strcpy(r.call, m->call);
    table->calls += m->selector;
    if (count > m->switches && m->selector)
        add_to(&table->selector, 1, ns - m->ns);
    else if (count > m->switches) {
        find_frames(r.frames);
        note(&r, 1, ns - m->ns);
    }
    table->now.call[0] = '\0';
    last = *m;
    last.switches = switches();
    last.ns = now();
    errno = error;
}

static int find_program(struct dl_phdr_info *info, size_t size, void *self)
{
    (void)size, (void)self;
    base = end = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && end < base + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz)
            end = base + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    return 1;                       /* the program itself comes first */
}

static void watch_begin(void)
{
    const char *path = getenv("STAGE_WATCH");
    void *warm[2];
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || ftruncate(fd, sizeof *table) < 0)
        return;
    struct table *map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map == MAP_FAILED)
        return;
    memset(map, 0, sizeof *map);
    dl_iterate_phdr(find_program, NULL);
    backtrace(warm, 2);             /* the first one loads a library */
    main_thread = pthread_self();
    last = (struct mark){ .ns = now(), .switches = switches() };
    table = map;
}

static int (*real_main)(int, char **, char **);

/* While main runs: what sleeps before or after it holds up nobody. */
static int watched_main(int argc, char **argv, char **environment)
{
    watch_begin();
    int status = real_main(argc, argv, environment);
    if (table)
        note_unseen(switches(), now());
    table = NULL;
    return status;
}

/* The C library's way into main, which we go first. */
int __libc_start_main(int (*program)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*linker_fini)(void), void *stack_end)
{
    __typeof__(__libc_start_main) *real = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = program;
    return real(watched_main, argc, argv, init, fini, linker_fini, stack_end);
}

/* ---- the calls ----------------------------------------------------------------------------------------------------- */

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
    static __typeof__(epoll_wait) *real;
    struct mark m = enter("epoll_wait", true, __builtin_return_address(0), (void **)&real);
    int rc = real(epfd, events, max, timeout);
    leave(&m);
    return rc;
}

int epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask)
{
    static __typeof__(epoll_pwait2) *real;
    struct mark m = enter("epoll_pwait2", true, __builtin_return_address(0), (void **)&real);
    int rc = real(epfd, events, max, timeout, mask);
    leave(&m);
    return rc;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    static __typeof__(poll) *real;
    struct mark m = enter("poll", true, __builtin_return_address(0), (void **)&real);
    int rc = real(fds, count, timeout);
    leave(&m);
    return rc;
}

int select(int count, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
    static __typeof__(select) *real;
    struct mark m = enter("select", true, __builtin_return_address(0), (void **)&real);
    int rc = real(count, r, w, e, timeout);
    leave(&m);
    return rc;
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    static __typeof__(connect) *real;
    struct mark m = enter("connect", false, __builtin_return_address(0), (void **)&real);
    int rc = real(fd, address, len);
    leave(&m);
    return rc;
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *len)
{
    static __typeof__(accept) *real;
    struct mark m = enter("accept", false, __builtin_return_address(0), (void **)&real);
    int rc = real(fd, address, len);
    leave(&m);
    return rc;
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    static __typeof__(accept4) *real;
    struct mark m = enter("accept4", false, __builtin_return_address(0), (void **)&real);
    int rc = real(fd, address, len, flags);
    leave(&m);
    return rc;
}

ssize_t read(int fd, void *data, size_t len)
{
    static __typeof__(read) *real;
    struct mark m = enter("read", false, __builtin_return_address(0), (void **)&real);
    ssize_t n = real(fd, data, len);
    leave(&m);
    return n;
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    static __typeof__(recv) *real;
    struct mark m = enter("recv", false, __builtin_return_address(0), (void **)&real);
    ssize_t n = real(fd, data, len, flags);
    leave(&m);
    return n;
}

ssize_t write(int fd, const void *data, size_t len)
{
    static __typeof__(write) *real;
    struct mark m = enter("write", false, __builtin_return_address(0), (void **)&real);
    ssize_t n = real(fd, data, len);
    leave(&m);
    return n;
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    static __typeof__(send) *real;
    struct mark m = enter("send", false, __builtin_return_address(0), (void **)&real);
    ssize_t n = real(fd, data, len, flags);
    leave(&m);
    return n;
}

int close(int fd)
{
    static __typeof__(close) *real;
    struct mark m = enter("close", false, __builtin_return_address(0), (void **)&real);
    int rc = real(fd);
    leave(&m);
    return rc;
}

int nanosleep(const struct timespec *delay, struct timespec *left)
{
    static __typeof__(nanosleep) *real;
    struct mark m = enter("nanosleep", false, __builtin_return_address(0), (void **)&real);
    int rc = real(delay, left);
    leave(&m);
    return rc;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *when, struct timespec *left)
{
    static __typeof__(clock_nanosleep) *real;
    struct mark m = enter("clock_nanosleep", false, __builtin_return_address(0), (void **)&real);
    int rc = real(clock, flags, when, left);
    leave(&m);
    return rc;
}

int usleep(useconds_t delay)
{
    static __typeof__(usleep) *real;
    struct mark m = enter("usleep", false, __builtin_return_address(0), (void **)&real);
    int rc = real(delay);
    leave(&m);
    return rc;
}

int pthread_join(pthread_t thread, void **value)
{
    static __typeof__(pthread_join) *real;
    struct mark m = enter("pthread_join", false, __builtin_return_address(0), (void **)&real);
    int rc = real(thread, value);
    leave(&m);
    return rc;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static __typeof__(pthread_mutex_lock) *real;
    struct mark m = enter("pthread_mutex_lock", false, __builtin_return_address(0), (void **)&real);
    int rc = real(mutex);
    leave(&m);
    return rc;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    static __typeof__(pthread_cond_wait) *real;
    struct mark m = enter("pthread_cond_wait", false, __builtin_return_address(0), (void **)&real);
    int rc = real(condition, mutex);
    leave(&m);
    return rc;
}

static void ask_slowly(const char *host)
{
    const char *set = getenv("STAGE_SLOW_NAMES");
    long ms = set ? atol(set) : 0;
    struct timespec delay = { ms / 1000, ms % 1000 * 1000000 };
    struct in_addr number;
    if (host && inet_pton(AF_INET, host, &number) != 1)
        syscall(SYS_nanosleep, &delay, NULL);
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    static __typeof__(getaddrinfo) *real;
    struct mark m = enter("getaddrinfo", false, __builtin_return_address(0), (void **)&real);
    ask_slowly(host);
    int rc = real(host, port, hints, found);
    leave(&m);
    return rc;
}
