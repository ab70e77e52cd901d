/* files_inside.h - what the files of files.c share: what was found on the disk, and what a request wants of it. Nobody else
 * includes it.
 *
 * files.c answers, on the loop; files_open.c opens, on other threads; files_listing.c writes a folder's page, there, too;
 * files_wants.c reads conditions and ranges. The trap it exists for: what a thread may touch is handed over to it whole,
 * and is nobody's until it comes back. */
#ifndef EDDY_HTTP_FILES_INSIDE_H
#define EDDY_HTTP_FILES_INSIDE_H

#include "http/file_source.h"
#include "http/files.h"

enum { TAG_TEXT = 64 };

struct files {
    struct loop *loop;
    struct sys *sys;
    struct executor *executor;
    int root;
    bool listing, packed;
    char index[];
};

/* ---- on the disk ----------------------------------------------------------------------------------------------------- */

enum found_kind { FOUND_FILE, FOUND_PAGE, FOUND_FOLDER };   /* FOUND_FOLDER: asked for without its slash */

struct found {                      /* handed to a job, and back: then it is found_free's */
    struct source source;           /* first: what is sent. Of a page its data are all */
    const struct files *files;      /* a job reads root, listing and index */
    enum found_kind kind;
    struct file_status status;
    bool slash;                     /* the path ended with one */
    bool takes_gzip;                /* who asks; and `packed`: it is NAME.gz that was opened */
    bool packed;
    bool eager;                     /* the first piece will be wanted at once */
    char *name;                     /* in path: of the file itself */
    char path[];                    /* relative to the root, "." is that; room for "/", the index and ".gz" behind it */
};

/* NULL with errno: -EACCES leads out, -ENOENT can be no name, -EINVAL a broken percent sign, -ENOMEM. */
struct found *found_new(const struct files *, struct bytes path);
/* A release_fn, too. NULL is fine. */
void found_free(void *found);
/* A job, which says in found->source.error whether it could: it must come back to be named. */
int found_open(void *found);

/* files_listing.c. The page of the folder that is open, into data and len. 0 or -errno. */
int found_list(struct found *);

/* ---- what a request wants -------------------------------------------------------------------------------------------- */

/* When it was modified, in seconds since 1970. */
int64_t second_of(const struct file_status *);
/* The entity tag, quotes and all. Returns out. */
const char *tag_write(const struct file_status *, char out[TAG_TEXT]);
/* 200; 304; 412: the conditions of the request are met, or not (RFC 9110, section 13.2.2). */
int wants_status(const struct head *, const struct file_status *, int64_t now);
/* 200: all of it; 206: from *first to before *end; 416. Both are set in any case. */
int wants_range(const struct head *, const struct file_status *, int64_t *first, int64_t *end);
/* "text/html; charset=utf-8", by the name's end. Static. */
const char *type_of(const char *name);

#endif
