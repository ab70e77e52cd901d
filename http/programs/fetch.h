/* fetch.h - what the parts of fetch know of each other: fetch.c (the pages), fetch_options.c (what was asked for), fetch_file.c
 * (where a page goes), fetch_progress.c (how far they are), fetch_proxy.c (who is asked in their place).
 *
 * The trap it exists for: a download that writes over what somebody needs, or outside of the folder, because a server, or the end
 * of a URL, says so. */
#ifndef EDDY_HTTP_PROGRAMS_FETCH_H
#define EDDY_HTTP_PROGRAMS_FETCH_H

#include "http/client.h"

/* ---- what was asked for ---------------------------------------------------------------------------------------------- */

enum { MOST_HEADERS = 100 };

struct options {
    bool timing, head, head_only, by_name, force, resume, quiet, trusting, packed;
    int at_once, redirects;                 /* as http_fetch's max_redirects */
    int64_t patience;                       /* ns; 0: any */
    const char *method, *authorities, *proxy, *agent, *socket;
    char *user, *password;
    struct header headers[MOST_HEADERS];
    int header_count;
    char *data;                             /* NULL: none */
    size_t data_len;
    char **files;                           /* of -o, for the first URLs */
    int file_count;
    char **urls;
    int count;
};

/* 0, or what main returns: then all has been said. < 0: it is to go on. */
int options_read(struct options *, int argc, char **argv);
void options_end(struct options *);

/* ---- where a page goes ----------------------------------------------------------------------------------------------- */

struct target {
    const char *name;                       /* a file's; "-": standard output; NULL: nowhere */
    bool named;                             /* by the end of a URL: it stays within this folder, whatever lies there */
    bool force, resume;
    bool part;                              /* a part was asked for by -H: it is taken as it comes, and proves nothing */
    int fd;                                 /* -1: not open */
    bool begun;                             /* it has been written to */
    int64_t from;                           /* where it goes on; 0: from the beginning */
    int64_t since;                          /* what is to be kept as the file's time: seconds, < 0: nobody knows */
    char range[40], date[40];               /* the values of Range and If-Range; "": of none */
};

/* The end of a URL's path as a file's name, to be freed; NULL: it has none. */
char *target_name(const char *url);
/* Before anything is asked: 0, or -errno and a sentence. */
int target_plan(struct target *, struct sentence *);
/* A head has come: 0, and its body is to be written; 1: all of it is there already; or -errno and a sentence. */
int target_begin(struct target *, const struct http_response *, struct sentence *);
int target_write(struct target *, const void *data, size_t len, struct sentence *);
/* Whatever has come of it. 0, or -errno and a sentence. */
int target_end(struct target *, struct sentence *);
/* Whether what is there can be gone on with. */
bool target_resumable(const struct target *);

/* ---- how far they are ------------------------------------------------------------------------------------------------ */

struct row {                                /* one page that is under way */
    const char *name;
    int64_t got, total;                     /* bytes; total < 0: nobody knows */
    int64_t seen;                           /* at the last look */
    double speed;                           /* bytes per second */
    struct call link;
};

/* On a terminal (standard error), unless `quiet`; `count`: of all pages. */
void progress_begin(struct loop *, int count, bool quiet);
void progress_add(struct row *);
/* It is over: well, or not. */
void progress_remove(struct row *, bool well);
/* A line for `to`, above what is drawn. */
void progress_say(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "1.5 MiB". Returns out. */
const char *progress_bytes(double n, char out[16]);
void progress_end(void);

/* ---- who is asked in their place ------------------------------------------------------------------------------------- */

/* `given` is -x's; NULL: none was. False: no memory. */
bool proxies_begin(const char *given);
/* An http_choose_proxy. */
const char *proxies_choose(void *self, bool secure, const char *host);
void proxies_end(void);

#endif
