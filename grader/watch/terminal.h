/* terminal.h - the terminal as a screen of our own: drawn in place, read key by key, and given back as it was.
 *
 * OWNERSHIP  struct terminal stays in place from terminal_open to terminal_close.
 * ERRORS     -errno.
 *
 * It needs a terminal that knows the common sequences of ECMA-48 and the alternate screen (xterm, the Linux console, tmux,
 * screen): what it writes is in one place, and nothing is asked of the terminal. Traps: (a) a program that dies with the
 * terminal in raw mode leaves a shell in which nothing can be seen: it is given back on every way out but SIGKILL.
 * (b) Writing to a slow terminal blocks, and so would the loop: the terminal is opened once more, since the shell's own
 * descriptor must not become non-blocking, and what it does not take waits for the loop. */
#ifndef EDDY_GRADER_WATCH_TERMINAL_H
#define EDDY_GRADER_WATCH_TERMINAL_H

#include <termios.h>

#include "grader/watch/keys.h"
#include "grader/watch/page.h"
#include "loop/loop.h"

struct terminal {
    struct loop *loop;
    callback *fn;
    void *self;
    int fd;                             /* -1 when closed */
    struct termios before;
    int width, height;
    bool known, again;                  /* `last` is what the terminal shows; a newer page waits to be drawn */
    struct page last;
    size_t len, done;
    char out[PAGE_BYTES + PAGE_ROWS * 24];
};

/* Takes the controlling terminal over: fn(self, key) is called for each key (keys.h), with KEY_REDRAW when a page has
 * to be drawn anew, and with -EIO when the terminal is gone. One screen a process. */
int terminal_open(struct terminal *, struct loop *, callback *fn, void *self);
/* Gives it back. Harmless when it is not open. */
void terminal_close(struct terminal *);

/* Shows a page of width x height: only the rows that differ are written. */
void terminal_draw(struct terminal *, const struct page *);
/* The size may have changed, or the terminal was somebody else's for a while: KEY_REDRAW follows. */
void terminal_resume(struct terminal *);
/* Gives the terminal back, stops the process group as Ctrl-Z does, and takes the terminal over when it goes on. */
void terminal_suspend(struct terminal *);

#endif
