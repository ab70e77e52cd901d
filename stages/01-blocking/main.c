/* 01-blocking - one at a time: every call waits until it is done.
 *
 * It reads as it is thought: connect, write, read, close. The pain: while it waits for one peer it is deaf to all others, and
 * a peer that says nothing stops it for good. No signal handler is installed, so no call is interrupted (EINTR). */
#include "stages/page.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

static int read_reply(int fd, struct page *p)
{
    static char chunk[CHUNK];
    ssize_t n;
    int rc = 0;
    while (rc == 0 && (n = recv(fd, chunk, sizeof chunk, 0)) != 0)
        rc = n < 0 ? -errno : page_take(p, chunk, (size_t)n);
    return rc;
}

static int fetch_page(struct page *p)
{
    int rc = name_look_up(&p->name);
    if (rc < 0)
        return rc;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = connect(fd, (struct sockaddr *)&p->name.address, sizeof p->name.address) < 0 ? -errno : 0;
    if (rc == 0)
        rc = send_all(fd, p->request, p->request_len);
    if (rc == 0)
        rc = read_reply(fd, p);
    close(fd);
    return rc;
}

static int fetch(struct run *run)
{
    for (struct page *p; (p = page_next(run));)
        page_done(p, fetch_page(p));
    return 0;
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

static void answer(int fd)
{
    struct asked asked = {0};
    char chunk[4096];
    int whole = 0;
    while (whole == 0) {
        ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return;                                 /* the client left, or was cut off: nobody is there to answer */
        whole = page_asked(&asked, chunk, (size_t)n);
    }
    if (whole > 0)
        send_all(fd, page_reply, page_reply_len);
}

static int serve(struct run *run)
{
    for (;;) {
        int fd = accept4(run->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno != ECONNABORTED)
            return -errno;
        if (fd >= 0) {
            answer(fd);
            close(fd);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct stage stage = { .name = "01-blocking", .options = "c:n:",
                                        .fetch = fetch, .serve = serve, .blocks = true };
    return page_main(argc, argv, &stage);
}
