/* descriptors.c - pipes and sockets that nobody made non-blocking.
 *
 * The trap it exists for: a read that has always found something, until the day on which the peer is slow. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static struct iovec vector = { bytes, 4096 };
static struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

static void reads(struct trial *t)
{
    OPERATION(t, t->result = read(t->fd[0], bytes, 4096));
}

static void readvs(struct trial *t)
{
    OPERATION(t, t->result = readv(t->fd[0], &vector, 1));
}

static void writes(struct trial *t)
{
    OPERATION(t, t->result = write(t->fd[0], bytes, 4096));
}

static void writevs(struct trial *t)
{
    OPERATION(t, t->result = writev(t->fd[0], &vector, 1));
}

static void receives(struct trial *t)
{
    OPERATION(t, t->result = recv(t->fd[0], bytes, 4096, 0));
}

static void peeks(struct trial *t)
{
    OPERATION(t, t->result = recv(t->fd[0], bytes, 4096, MSG_PEEK));
}

static void make_impatient(struct trial *t)
{
    struct timeval patience = { .tv_usec = 3000 };
    make_tcp(t);
    must(setsockopt(t->fd[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
}

static void receives_from(struct trial *t)
{
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    OPERATION(t, t->result = recvfrom(t->fd[0], bytes, 4096, 0, (struct sockaddr *)&from, &len));
}

static void receives_messages(struct trial *t)
{
    OPERATION(t, t->result = recvmsg(t->fd[0], &message, 0));
}

static void receives_many(struct trial *t)
{
    struct mmsghdr many[2] = { { .msg_hdr = message }, { .msg_hdr = message } };
    OPERATION(t, t->result = recvmmsg(t->fd[0], many, 2, MSG_WAITFORONE, NULL));
}

static void receives_all_of_it(struct trial *t)
{
    OPERATION(t, t->result = recv(t->fd[0], bytes, 4, MSG_WAITALL));
}

static void make_half_of_it(struct trial *t)
{
    make_tcp(t);
    send_byte(t);
}

static void sends(struct trial *t)
{
    OPERATION(t, t->result = send(t->fd[0], bytes, 4096, 0));
}

static void sends_to(struct trial *t)
{
    OPERATION(t, t->result = sendto(t->fd[0], bytes, 4096, 0, NULL, 0));
}

static void sends_a_message(struct trial *t)
{
    OPERATION(t, t->result = sendmsg(t->fd[0], &message, 0));
}

static void sends_many(struct trial *t)
{
    struct mmsghdr many[1] = { { .msg_hdr = message } };
    OPERATION(t, t->result = sendmmsg(t->fd[0], many, 1, 0));
}

static void sends_more_than_fits(struct trial *t)
{
    OPERATION(t, t->result = send(t->fd[0], bytes, MANY, 0));
}

/* Nobody accepts, the queue is full, and the kernel asks the other side again and again. */
static void make_queue_full(struct trial *t)
{
    const struct timeval bound = { .tv_usec = 4000 };
    make_listener(t);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)listener_port(t->fd[0])) };
    must(listen(t->fd[0], 0), "listen");
    for (int i = 1; i < 3; i++) {
        t->fd[i] = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
        connect(t->fd[i], (struct sockaddr *)&to, sizeof to);
    }
    t->fd[3] = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    must(setsockopt(t->fd[3], SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound), "SO_SNDTIMEO");
}

static void connects_where_the_queue_is_full(struct trial *t)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)listener_port(t->fd[0])) };
    OPERATION(t, t->result = connect(t->fd[3], (struct sockaddr *)&to, sizeof to));
}

static struct sockaddr_un unix_name(const struct trial *t)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "eddy-catalogue.%d.%d", (int)getpid(), t->number);
    return name;
}

static void make_unix_queue_full(struct trial *t)
{
    struct sockaddr_un name = unix_name(t);
    t->fd[1] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    must(bind(t->fd[1], (struct sockaddr *)&name, sizeof name), "bind");
    must(listen(t->fd[1], 0), "listen");
    t->fd[2] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    must(connect(t->fd[2], (struct sockaddr *)&name, sizeof name), "connect");
    t->fd[0] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
}

static void connects_by_unix(struct trial *t)
{
    struct sockaddr_un name = unix_name(t);
    OPERATION(t, t->result = connect(t->fd[0], (struct sockaddr *)&name, sizeof name));
}

static void accept_one(struct trial *t)
{
    close((int)must(accept(t->fd[1], NULL, NULL), "accept"));
}

static void connect_one(struct trial *t)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)listener_port(t->fd[0])) };
    if (t->fd[1] < 0)
        t->fd[1] = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    connect(t->fd[1], (struct sockaddr *)&to, sizeof to);
}

static void accepts(struct trial *t)
{
    OPERATION(t, t->fd[2] = accept(t->fd[0], NULL, NULL));
}

static void accepts_with_flags(struct trial *t)
{
    OPERATION(t, t->fd[2] = accept4(t->fd[0], NULL, NULL, SOCK_CLOEXEC));
}

static void make_two_pipes(struct trial *t)
{
    must(pipe2(t->fd + 2, O_CLOEXEC), "pipe2");
    make_pipe(t);
}

static void splices(struct trial *t)
{
    OPERATION(t, t->result = splice(t->fd[0], NULL, t->fd[3], NULL, 4096, 0));
}

static void tees(struct trial *t)
{
    OPERATION(t, t->result = tee(t->fd[0], t->fd[3], 4096, 0));
}

static void vmsplices(struct trial *t)
{
    OPERATION(t, t->result = vmsplice(t->fd[0], &vector, 1, 0));
}

static void make_file_for_full_pair(struct trial *t)
{
    make_file(t, 65536);
    must(read(t->fd[0], bytes, 65536), "read");
    t->fd[2] = t->fd[0];
    make_full_pair(t);
}

static void sends_a_file(struct trial *t)
{
    off_t at = 0;
    OPERATION(t, t->result = sendfile(t->fd[0], t->fd[2], &at, 4096));
}

static void make_lingering(struct trial *t)
{
    const struct linger linger = { 1, 5 };
    make_full_tcp(t);
    must(setsockopt(t->fd[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger), "SO_LINGER");
}

static void closes(struct trial *t)
{
    OPERATION(t, t->result = close(t->fd[0]));
    t->fd[0] = -1;
}

const struct behaviour descriptors[] = {
    { "read-empty-pipe", BLOCKS, "read", reads, make_pipe, send_byte, NULL },
    { "readv-empty-pipe", BLOCKS, "readv", readvs, make_pipe, send_byte, NULL },
    { "write-full-pipe", BLOCKS, "write", writes, make_full_pipe, take_all, NULL },
    { "writev-full-pipe", BLOCKS, "writev", writevs, make_full_pipe, take_all, NULL },
    { "recv", BLOCKS, "recv", receives, make_pair, send_byte, NULL },
    { "recv-peek", BLOCKS, "recv", peeks, make_pair, send_byte, NULL },
    { "recv-impatient", BLOCKS, "recv", receives, make_impatient, NULL, NULL },
    { "recvfrom", BLOCKS, "recvfrom", receives_from, make_pair, send_byte, NULL },
    { "recvmsg", BLOCKS, "recvmsg", receives_messages, make_pair, send_byte, NULL },
    { "recvmmsg", BLOCKS, "recvmmsg", receives_many, make_pair, send_byte, NULL },
    { "read-tcp", BLOCKS, "read", reads, make_tcp, send_byte, NULL },
    { "recv-tcp", BLOCKS, "recv", receives, make_tcp, send_byte, NULL },
    { "recv-waitall", BLOCKS, "recv", receives_all_of_it, make_half_of_it, send_byte, NULL },
    { "send-full", BLOCKS, "send", sends, make_full_pair, take_all, NULL },
    { "sendto-full", BLOCKS, "sendto", sends_to, make_full_pair, take_all, NULL },
    { "sendmsg-full", BLOCKS, "sendmsg", sends_a_message, make_full_pair, take_all, NULL },
    { "sendmmsg-full", BLOCKS, "sendmmsg", sends_many, make_full_pair, take_all, NULL },
    { "send-tcp-full", BLOCKS, "send", sends_more_than_fits, make_full_tcp, take_all, NULL },
    { "write-tcp-full", BLOCKS, "write", writes, make_full_tcp, take_all, NULL },
    { "connect-queue-full", BLOCKS, "connect", connects_where_the_queue_is_full, make_queue_full, NULL, NULL },
    { "connect-unix-full", BLOCKS, "connect", connects_by_unix, make_unix_queue_full, accept_one, NULL },
    { "accept", BLOCKS, "accept", accepts, make_listener, connect_one, NULL },
    { "accept4", BLOCKS, "accept4", accepts_with_flags, make_listener, connect_one, NULL },
    { "splice", BLOCKS, "splice", splices, make_two_pipes, send_byte, NULL },
    { "tee", BLOCKS, "tee", tees, make_two_pipes, send_byte, NULL },
    { "vmsplice-full", BLOCKS, "vmsplice", vmsplices, make_full_pipe, take_all, NULL },
    { "sendfile-full", BLOCKS, "sendfile", sends_a_file, make_file_for_full_pair, take_all, NULL },
    { "close-lingering", BLOCKS, "close", closes, make_lingering, take_all, NULL },
    { 0 },
};
