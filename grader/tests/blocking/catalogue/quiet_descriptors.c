/* quiet_descriptors.c - calls on descriptors that look as if they could block, and do not.
 *
 * A case here is prepared once and called many times, so its callback brings about itself what it needs. The trap it exists
 * for: a detector that tells of calls instead of sleeps. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

static void nonblocking(int fd)
{
    must(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
}

static void make_nonblocking_tcp(struct trial *t)
{
    make_tcp(t);
    nonblocking(t->fd[0]);
}

static void receives_nothing(struct trial *t)
{
    OPERATION(t, t->result = recv(t->fd[0], bytes, 64, 0));
}

static void receives_without_waiting(struct trial *t)
{
    OPERATION(t, t->result = recv(t->fd[0], bytes, 64, MSG_DONTWAIT));
}

static void receives_what_is_there(struct trial *t)
{
    send_byte(t);
    OPERATION(t, t->result = recv(t->fd[0], bytes, 64, 0));
}

static void sends_with_room(struct trial *t)
{
    OPERATION(t, t->result = send(t->fd[0], bytes, 64, 0));
    must(recv(t->fd[1], bytes, 64, MSG_DONTWAIT), "recv");
}

static void sends_where_it_is_full(struct trial *t)
{
    OPERATION(t, t->result = send(t->fd[0], bytes, 64, MSG_DONTWAIT));
}

static void *read_all(void *self)
{
    struct trial *t = self;
    char byte[256];
    while (read(t->fd[1], byte, sizeof byte) > 0)
        ;
    return NULL;
}

static void make_reader(struct trial *t)
{
    make_pair(t);
    make_rival(t, read_all);
}

static void end_reader(struct trial *t)
{
    shutdown(t->fd[0], SHUT_RDWR);
}

static void wakes_a_peer(struct trial *t)
{
    OPERATION(t, t->result = send(t->fd[0], bytes, 64, MSG_DONTWAIT));
}

static void writes_to_pipe_with_room(struct trial *t)
{
    OPERATION(t, t->result = write(t->fd[1], bytes, 64));
    must(read(t->fd[0], bytes, 64), "read");
}

static void make_cached(struct trial *t)
{
    make_file(t, MANY);
    must(pread(t->fd[0], bytes, MANY, 0), "pread");
    t->size = MANY;
    t->memory = mmap(NULL, MANY, PROT_READ, MAP_SHARED, t->fd[0], 0);
}

static void reads_cached(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[0], bytes, 4096, 65536));
}

static void touches_cached(struct trial *t)
{
    OPERATION(t, t->result = ((volatile char *)t->memory)[65536]);
}

static void writes_buffered(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[0], bytes, 64, 0));
}

static void make_log(struct trial *t)
{
    make_file(t, 1);
    t->fd[1] = (int)must(open(t->path, O_WRONLY | O_APPEND | O_CLOEXEC), t->path);
}

static void appends_to_log(struct trial *t)
{
    OPERATION(t, t->result = write(t->fd[1], bytes, 80));
}

static void make_epoll(struct trial *t)
{
    t->fd[0] = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    t->fd[1] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
}

static void polls_epoll(struct trial *t)
{
    struct epoll_event event;
    OPERATION(t, t->result = epoll_wait(t->fd[0], &event, 1, 0));
}

static void registers(struct trial *t)
{
    struct epoll_event event = { .events = EPOLLIN };
    OPERATION(t, t->result = epoll_ctl(t->fd[0], EPOLL_CTL_ADD, t->fd[1], &event));
    epoll_ctl(t->fd[0], EPOLL_CTL_DEL, t->fd[1], NULL);
}

static void polls(struct trial *t)
{
    struct pollfd in = { .fd = t->fd[0], .events = POLLIN };
    OPERATION(t, t->result = poll(&in, 1, 0));
}

static void ppolls(struct trial *t)
{
    const struct timespec none = { 0 };
    struct pollfd in = { .fd = t->fd[0], .events = POLLIN };
    OPERATION(t, t->result = ppoll(&in, 1, &none, NULL));
}

static void selects(struct trial *t)
{
    struct timeval none = { 0 };
    fd_set in;
    FD_ZERO(&in);
    FD_SET(t->fd[0], &in);
    OPERATION(t, t->result = select(t->fd[0] + 1, &in, NULL, NULL, &none));
}

static void polls_what_is_ready(struct trial *t)
{
    struct pollfd out = { .fd = t->fd[1], .events = POLLOUT };
    OPERATION(t, t->result = poll(&out, 1, -1));
}

static void writes_nowhere(struct trial *t)
{
    OPERATION(t, t->result = write(t->fd[0], bytes, 4096));
}

static void make_nowhere(struct trial *t)
{
    t->fd[0] = (int)must(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
}

static void make_eventfd(struct trial *t)
{
    t->fd[0] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
}

static void reads_ready_eventfd(struct trial *t)
{
    eventfd_t count;
    eventfd_write(t->fd[0], 1);
    OPERATION(t, t->result = read(t->fd[0], &count, sizeof count));
}

static void make_nonblocking_listener(struct trial *t)
{
    make_listener(t);
    nonblocking(t->fd[0]);
}

static void accepts_nobody(struct trial *t)
{
    OPERATION(t, t->result = accept(t->fd[0], NULL, NULL));
}

static struct sockaddr_in name_of(const struct trial *t)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)listener_port(t->fd[0])) };
}

static void connect_to(struct trial *t, int flags, int line)
{
    const struct linger at_once = { 1, 0 };
    struct sockaddr_in to = name_of(t);
    int fd = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "socket");
    trial_begin(t, line);
    t->result = connect(fd, (struct sockaddr *)&to, sizeof to);
    trial_end(t);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    close(accept(t->fd[0], NULL, NULL));
}

static void connects_later(struct trial *t)
{
    connect_to(t, SOCK_NONBLOCK, __LINE__);
}

static void connects_on_loopback(struct trial *t)
{
    connect_to(t, 0, __LINE__);
}

static void make_file_here(struct trial *t)
{
    make_file(t, 4096);
    t->fd[1] = (int)must(open(t->path, O_RDWR | O_CLOEXEC), t->path);
    must(flock(t->fd[1], LOCK_EX), "flock");
}

static void tries_flock(struct trial *t)
{
    OPERATION(t, t->result = flock(t->fd[0], LOCK_EX | LOCK_NB));
}

static void tries_record(struct trial *t)
{
    struct flock all = { .l_type = F_WRLCK };
    OPERATION(t, t->result = fcntl(t->fd[0], F_SETLK, &all));
}

static void reads_flags(struct trial *t)
{
    OPERATION(t, t->result = fcntl(t->fd[0], F_GETFL));
}

static void reads_cold_without_waiting(struct trial *t)
{
    const struct iovec vector = { bytes, 4096 };
    OPERATION(t, t->result = preadv2(t->fd[0], &vector, 1, 0, RWF_NOWAIT));
}

static void duplicates(struct trial *t)
{
    OPERATION(t, t->result = dup(t->fd[0]));
    close((int)t->result);
}

static void closes(struct trial *t)
{
    int fd = dup(t->fd[0]);
    OPERATION(t, t->result = close(fd));
}

static void makes_a_pipe(struct trial *t)
{
    int ends[2];
    OPERATION(t, t->result = pipe(ends));
    close(ends[0]);
    close(ends[1]);
}

static void seeks(struct trial *t)
{
    OPERATION(t, t->result = lseek(t->fd[0], 0, SEEK_SET));
}

static void stats_open(struct trial *t)
{
    struct stat s;
    OPERATION(t, t->result = fstat(t->fd[0], &s));
}

static void sends_file_with_room(struct trial *t)
{
    off_t at = 0;
    OPERATION(t, t->result = sendfile(t->fd[2], t->fd[0], &at, 64));
    must(recv(t->fd[3], bytes, 64, MSG_DONTWAIT), "recv");
}

static void make_cached_and_pair(struct trial *t)
{
    make_cached(t);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t->fd + 2), "socketpair");
}

static void make_timer(struct trial *t)
{
    t->fd[0] = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
}

static void sets_timer(struct trial *t)
{
    const struct itimerspec later = { .it_value.tv_sec = 1000 };
    OPERATION(t, t->result = timerfd_settime(t->fd[0], 0, &later, NULL));
}

static void sets_option(struct trial *t)
{
    const int on = 1;
    OPERATION(t, t->result = setsockopt(t->fd[0], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
}

static void splices_without_waiting(struct trial *t)
{
    OPERATION(t, t->result = splice(t->fd[0], NULL, t->fd[3], NULL, 64, SPLICE_F_NONBLOCK));
}

static void make_two_pipes(struct trial *t)
{
    must(pipe2(t->fd + 2, O_CLOEXEC), "pipe2");
    make_pipe(t);
}

const struct behaviour quiet_descriptors[] = {
    { "recv-nothing", SILENT, NULL, receives_nothing, make_nonblocking_tcp, NULL, NULL },
    { "recv-dontwait", SILENT, NULL, receives_without_waiting, make_tcp, NULL, NULL },
    { "recv-ready", SILENT, NULL, receives_what_is_there, make_pair, NULL, NULL },
    { "send-room-tcp", SILENT, NULL, sends_with_room, make_tcp, NULL, NULL },
    { "send-room-unix", SILENT, NULL, sends_with_room, make_pair, NULL, NULL },
    { "send-full-dontwait", SILENT, NULL, sends_where_it_is_full, make_full_pair, NULL, NULL },
    { "send-wakes-peer", SILENT, NULL, wakes_a_peer, make_reader, NULL, end_reader },
    { "write-room-pipe", SILENT, NULL, writes_to_pipe_with_room, make_pipe, NULL, NULL },
    { "pread-cached", SILENT, NULL, reads_cached, make_cached, NULL, NULL },
    { "touch-cached", SILENT, NULL, touches_cached, make_cached, NULL, NULL },
    { "pwrite-buffered", SILENT, NULL, writes_buffered, make_cached, NULL, NULL },
    { "append", SILENT, NULL, appends_to_log, make_log, NULL, NULL },
    { "epoll_wait-now", SILENT, NULL, polls_epoll, make_epoll, NULL, NULL },
    { "epoll_ctl", SILENT, NULL, registers, make_epoll, NULL, NULL },
    { "poll-now", SILENT, NULL, polls, make_pipe, NULL, NULL },
    { "ppoll-now", SILENT, NULL, ppolls, make_pipe, NULL, NULL },
    { "select-now", SILENT, NULL, selects, make_pipe, NULL, NULL },
    { "poll-ready", SILENT, NULL, polls_what_is_ready, make_pipe, NULL, NULL },
    { "write-nowhere", SILENT, NULL, writes_nowhere, make_nowhere, NULL, NULL },
    { "eventfd-ready", SILENT, NULL, reads_ready_eventfd, make_eventfd, NULL, NULL },
    { "accept-nobody", SILENT, NULL, accepts_nobody, make_nonblocking_listener, NULL, NULL },
    { "connect-later", SILENT, NULL, connects_later, make_nonblocking_listener, NULL, NULL },
    { "connect-loopback", SILENT, NULL, connects_on_loopback, make_nonblocking_listener, NULL, NULL },
    { "flock-try", SILENT, NULL, tries_flock, make_file_here, NULL, NULL },
    { "setlk", SILENT, NULL, tries_record, make_file_here, NULL, NULL },
    { "getfl", SILENT, NULL, reads_flags, make_file_here, NULL, NULL },
    { "preadv2-cold-nowait", SILENT, NULL, reads_cold_without_waiting, make_file_here, NULL, NULL },
    { "dup", SILENT, NULL, duplicates, make_pipe, NULL, NULL },
    { "close", SILENT, NULL, closes, make_pipe, NULL, NULL },
    { "pipe", SILENT, NULL, makes_a_pipe, NULL, NULL, NULL },
    { "lseek", SILENT, NULL, seeks, make_file_here, NULL, NULL },
    { "fstat", SILENT, NULL, stats_open, make_file_here, NULL, NULL },
    { "sendfile-room", SILENT, NULL, sends_file_with_room, make_cached_and_pair, NULL, NULL },
    { "timerfd_settime", SILENT, NULL, sets_timer, make_timer, NULL, NULL },
    { "setsockopt", SILENT, NULL, sets_option, make_tcp, NULL, NULL },
    { "splice-nonblock", SILENT, NULL, splices_without_waiting, make_two_pipes, NULL, NULL },
    { 0 },
};
