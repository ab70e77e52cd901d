/* makers.c - pipes, sockets, files and helpers for the cases. See catalogue.h.
 *
 * The trap it exists for: a file that is still in the page cache, and a socket that has more room than was thought. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

char bytes[MANY];
const char *work_folder = ".";
pthread_t loop_thread;

long must(long result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "catalogue: %s: %s.\n", what, strerror(result == -1 ? errno : (int)-result));
        _exit(1);
    }
    return result;
}

int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

void spin(int64_t ns)
{
    for (int64_t end = clock_ns() + ns; clock_ns() < end;)
        ;
}

static void swap_ends(struct trial *t)
{
    int first = t->fd[0];
    t->fd[0] = t->fd[1];
    t->fd[1] = first;
}

void fill(int fd)
{
    int flags = (int)must(fcntl(fd, F_GETFL), "fcntl");
    must(fcntl(fd, F_SETFL, flags | O_NONBLOCK), "fcntl");
    for (size_t size = MANY; size; size /= 2)
        while (write(fd, bytes, size) > 0)
            ;
    must(fcntl(fd, F_SETFL, flags), "fcntl");
}

void make_pipe(struct trial *t)
{
    must(pipe2(t->fd, O_CLOEXEC), "pipe2");
}

void make_full_pipe(struct trial *t)
{
    make_pipe(t);
    swap_ends(t);
    fill(t->fd[0]);
}

void make_pair(struct trial *t)
{
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t->fd), "socketpair");
}

void make_full_pair(struct trial *t)
{
    make_pair(t);
    fill(t->fd[0]);
}

void make_listener(struct trial *t)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    t->fd[0] = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    must(bind(t->fd[0], (struct sockaddr *)&any, sizeof any), "bind");
    must(listen(t->fd[0], 16), "listen");
}

int listener_port(int fd)
{
    struct sockaddr_in name;
    socklen_t len = sizeof name;
    must(getsockname(fd, (struct sockaddr *)&name, &len), "getsockname");
    return ntohs(name.sin_port);
}

void make_tcp(struct trial *t)
{
    make_listener(t);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)listener_port(t->fd[0])) };
    int listener = t->fd[0];
    t->fd[0] = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    must(connect(t->fd[0], (struct sockaddr *)&to, sizeof to), "connect");
    t->fd[1] = (int)must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
    close(listener);
}

void make_full_tcp(struct trial *t)
{
    make_tcp(t);
    fill(t->fd[0]);
}

void make_nothing_in_cache(int fd)
{
    must(fsync(fd), "fsync");
    must(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
}

void make_file(struct trial *t, size_t size)
{
    snprintf(t->path, sizeof t->path, "%s/file.%d.%d", work_folder, (int)getpid(), t->number);
    t->fd[0] = (int)must(open(t->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), t->path);
    for (size_t left = size; left;) {
        size_t part = left < MANY ? left : MANY;
        left -= (size_t)must(write(t->fd[0], bytes, part), "write");
    }
    make_nothing_in_cache(t->fd[0]);
    must(lseek(t->fd[0], 0, SEEK_SET), "lseek");
}

void send_byte(struct trial *t)
{
    if (write(t->fd[1], "x\n", 2) < 0 && errno != EPIPE)
        must(-1, "write");
}

void take_all(struct trial *t)
{
    static char sink[MANY];
    must(fcntl(t->fd[1], F_SETFL, O_RDWR | O_NONBLOCK), "fcntl");
    while (read(t->fd[1], sink, sizeof sink) > 0)
        ;
}

void poke(struct trial *t)
{
    (void)t;
    pthread_kill(loop_thread, SIGUSR1);
}

void make_rival(struct trial *t, void *(*run)(void *))
{
    must(-pthread_create(&t->thread, NULL, run, t), "pthread_create");
    t->has_thread = true;
}
