/* saves.h - learning that a file of the student's was saved, once a save.
 *
 * OWNERSHIP  struct saves, and what it is opened with, stay in place until saves_close.
 * ERRORS     None: where inotify cannot be had, or proves deaf (a network folder, a folder shared with a container's host),
 *            the files are looked at every half second instead, and saves_polling says why.
 *
 * Traps: (a) editors save by writing over the file, by truncating it first, or by renaming a new one to its name, with swap
 *            and backup files around it. Only the lab's own files count, and a save is told when they have been quiet for a
 *            moment: else a half-written file is graded, or one save is graded thrice.
 *        (b) inotify watches the folder, never the files: a watch on a file stays with the inode that was renamed away. */
#ifndef EDDY_GRADER_WATCH_SAVES_H
#define EDDY_GRADER_WATCH_SAVES_H

#include "grader/lab.h"
#include "loop/loop.h"

struct stamp {
    ino_t inode;                        /* 0: there is no such file */
    off_t size;
    int64_t modified;                   /* ns */
};

struct stamps {
    struct stamp of[LAB_FILES];
};

struct saves {
    struct loop *loop;
    const struct lab *lab;
    const char *folder;
    callback *fn;
    void *self;
    int fd;                             /* inotify's, or -1 */
    char polling[160];                  /* why there is none; "" */
    struct timeout settle, look;
    struct stamps told, last, doubted;  /* when a save was told last; when they were looked at last; at a silent change */
};

/* From now on fn(self, 0) is called after each save of a file of the lab in `folder`, also when one vanishes.
 * `poll`: without inotify. */
void saves_open(struct saves *, struct loop *, const struct lab *, const char *folder, bool poll, callback *fn, void *self);
void saves_close(struct saves *);

/* A sentence that says why the files are polled; NULL while inotify tells of them. */
const char *saves_polling(const struct saves *);

#endif
