/* page.h - what the stages share because it is no step of theirs: the command line, URLs, the request, judging a reply, the
 * canned page, and the lines that are printed. So each stage's main.c shows only how it waits.
 *
 * OWNERSHIP  A struct page is page_next's until page_done, which frees it.
 * ERRORS     -errno; page_done makes a sentence of it. Nothing here waits, but name_look_up.
 *
 * Shortcuts, each on purpose: IPv4 only; a page is counted, not kept; "Connection: close" marks its end; no chunks. */
#ifndef EDDY_STAGES_PAGE_H
#define EDDY_STAGES_PAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_LIMIT = 16384, REQUEST_LIMIT = 8192, CHUNK = 65536 };

struct run {                        /* what the command line asks for */
    int at_once;                    /* -c: how many pages are fetched at a time, at most; from 09 on also how many are served */
    int64_t time_out;               /* -t: ns a page, or a client's request, may take; from 07 on each step of it */
    int64_t deadline;               /* -d: ns the whole run may take; 0: no limit. serve, from 09 on: to end when it is told to */
    bool progress;                  /* -p: tell how far it is */
    int listener;                   /* serve: the listening socket, */
    int port;                       /* or where to listen, for those who do so themselves; 0: any */

    /* the rest is page.c's */
    char **urls;
    int url_count, times, begun, done, failed, given_up;
    int64_t bytes;
};

struct name {                       /* whom to ask */
    char host[256], port[6];
    struct sockaddr_in address;     /* set by name_look_up */
    const char *why;                /* it could not be found */
};

struct page {                       /* a page on its way here */
    const char *url;                /* as it was written */
    struct name name;
    char request[1024];             /* what to send */
    size_t request_len;
    const char *doing;              /* "connecting": for the sentence of a time-out; NULL: it was for all of it */
    const char *why;                /* what went wrong, by somebody who has a sentence of his own; NULL: page_done finds one */

    /* the rest is page.c's */
    struct run *run;
    const char *path;
    char head[HEAD_LIMIT];
    size_t head_len;
    int status;                     /* 0 until the head is whole */
    int64_t announced, body;        /* bytes; announced < 0: not said */
};

struct asked {                      /* how much of a request has come; {0} at first */
    size_t len, matched;
    bool whole;
};

struct stage {
    const char *name, *options;     /* options as getopt's, of "c:n:t:d:p" */
    int (*fetch)(struct run *);     /* 0 or -errno, where the whole run fails */
    int (*serve)(struct run *);
    bool blocks;                    /* serve's listener does */
    bool listens;                   /* serve listens itself, and says so: page_listening */
    bool any_url;                   /* fetch judges URLs itself */
};

/* Reads the command line, does what it says, and returns main's status. */
int page_main(int argc, char **argv, const struct stage *stage);

/* Zeroed memory; where there is none, the program ends with a sentence. */
void *page_memory(size_t size);

/* The next page to fetch, or NULL when all have been given out. */
struct page *page_next(struct run *);
/* How many pages of the run are here, are given out and not done yet, have not been given out yet, were given up (-ECANCELED),
 * and were wanted in all. */
int pages_done(const struct run *);
int pages_under_way(const struct run *);
int pages_left(const struct run *);
int pages_given_up(const struct run *);
int pages_wanted(const struct run *);

/* Sets the address. SLEEPS while a server of names is asked. 0 or -ENOENT. Any thread. */
int name_look_up(struct name *);
/* Takes bytes of the reply. 0; -EPROTO: it is no HTTP; -EMSGSIZE: its head does not end; -ENOTSUP: it comes in chunks. */
int page_take(struct page *p, const char *data, size_t len);
/* The same for those who are given the head in one piece (from 06 on), and then so many bytes of the body. -ENODATA: this is only
 * the beginning of a head. */
int page_take_head(struct page *p, const char *head, size_t len);
void page_take_body(struct page *p, int len);
/* The same for those for whom somebody else reads heads, and knows when all has come (from 11 on). */
void page_take_status(struct page *p, int status);
/* The page has come to its end (rc 0), or to grief: prints its line or its sentence, and frees it. -ECANCELED is silent:
 * we gave up ourselves. */
void page_done(struct page *p, int rc);

/* Whether a request is whole, now that these bytes have come: 1, 0, or -EMSGSIZE. */
int page_asked(struct asked *, const char *data, size_t len);
/* Says where a stage listens. */
void page_listening(int port);
/* The answer to all requests. */
extern const char page_reply[];
extern const size_t page_reply_len;
extern const char page_body[];      /* without its head, for those to whom others write one */

#endif
