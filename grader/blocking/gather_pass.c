/* gather_pass.c - what one process has gathered goes to another: see gather_pass.h.
 *
 * Trap: a size that was read from a socket is believed only within bounds. */
#include "grader/blocking/gather_pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/blocking/gather_inside.h"

enum { RECORD_AT_MOST = 1 << 20 };

/* ---- sending ------------------------------------------------------------------------------------------------------------- */

static int send_all(int fd, const void *bytes, size_t len)
{
    for (const char *at = bytes; len;) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int send_note(int fd, const char *note)
{
    size_t size = sizeof(struct record_lines) + strlen(note) + 1;
    struct record_lines *record = calloc(1, size);
    if (!record)
        return -ENOMEM;
    record->head = (struct record){ .size = (uint32_t)size, .kind = RECORD_NOTE };
    strcpy(record->text, note);
    int rc = send_all(fd, record, size);
    free(record);
    return rc;
}

int gather_send(const struct gather *g, int fd)
{
    int rc = 0;
    for (size_t i = 0; i < g->count && rc == 0; i++)
        rc = send_all(fd, g->entries[i].record, g->entries[i].record->size);
    for (int i = 0; i < g->out->note_count && rc == 0; i++)
        rc = send_note(fd, g->out->notes[i]);
    return rc;
}

/* ---- receiving ----------------------------------------------------------------------------------------------------------- */

/* So many, or those there were before the other side closed. */
static ssize_t receive_all(int fd, void *bytes, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = recv(fd, (char *)bytes + got, len - got, 0);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        got += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)got;
}

/* 1: one came; 0: there are no more; -errno. */
static int receive_one(struct gather *g, int fd)
{
    struct record head;
    ssize_t n = receive_all(fd, &head, sizeof head);
    if (n <= 0)
        return (int)n;
    if (n < (ssize_t)sizeof head || head.size < sizeof head || head.size > RECORD_AT_MOST)
        return -EPROTO;
    struct record *record = malloc(head.size);
    if (!record)
        return -ENOMEM;
    memcpy(record, &head, sizeof head);
    n = receive_all(fd, record + 1, head.size - sizeof head);
    if (n == (ssize_t)(head.size - sizeof head))
        gather_record(g, record);
    free(record);
    return n < 0 ? (int)n : n == (ssize_t)(head.size - sizeof head) ? 1 : -EPROTO;
}

int gather_receive(struct gather *g, int fd)
{
    int rc;
    do
        rc = receive_one(g, fd);
    while (rc > 0);
    return rc;
}
