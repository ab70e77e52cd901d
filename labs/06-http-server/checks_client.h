/* checks_client.h - clients of the server on the judge's side: nobody in the sandbox touches what they say and hear.
 *
 * They act at times, while the loop waits, and listen all the time, unless they are told not to: what a client heard is
 * known with the moment in which the kernel got it. It is written in words (replies.h): "200,hello@10 400/close@20 end@20".
 *
 * The trap it exists for: a reply that is right, and is lost because the connection was cut behind it. */
#ifndef EDDY_LABS_06_CHECKS_CLIENT_H
#define EDDY_LABS_06_CHECKS_CLIENT_H

#include "labs/06-http-server/checks.h"

enum { CLIENTS = 640, CLIENT_MARKS = 256, CLIENT_TEXT = 4096 };

struct client {
    struct judge *judge;
    char name[16];
    int fd, server_fd;          /* -1: gone */
    bool deaf;                  /* it listens only when it is told to */
    bool head;                  /* all its requests are HEADs */
    char *heard;                /* ends with a zero */
    size_t len, size;
    struct { int64_t at; size_t len; } marks[CLIENT_MARKS];     /* so much had been heard by then */
    int mark_count;
    const char *over;           /* "end", "reset"; NULL: it still hears */
    int64_t over_at;
};

/* A new world has begun: those of the last one are gone. */
void clients_begin(struct judge *);
/* Connected. Its name, as printf writes it. */
struct client *client_new(struct judge *, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* ms after the beginning; `bytes` is copied. */
void client_sends(struct client *, int ms, const char *bytes, size_t len);
/* The same of a string, in pieces of so many bytes, one each ms (0: at once), and noted in the history. */
void client_says(struct client *, int ms, const char *text, size_t piece);
void client_ends(struct client *, int ms);          /* has said all, and still listens */
void client_leaves(struct client *, int ms);
void client_listens(struct client *, int ms);       /* a deaf one, to what there is then */

/* What it heard; without the moments, what it is a matter of order alone. Lent until the next. */
const char *client_words(const struct client *, bool moments);
void client_expect(const struct client *, const char *expected, const char *cause);
void client_expect_order(const struct client *, const char *expected, const char *cause);
/* How many bytes it heard, by that moment. */
size_t client_heard_by(const struct client *, int64_t ms);

/* As orders write bytes; the runs in it made short. */
char *order_text(const char *bytes, size_t len, char *out, size_t size);

#endif
