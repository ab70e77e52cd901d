/* view.h - what a watch shows: a session as a page, for any width and height.
 *
 * It only draws: what is to be seen is all in struct scene. The trap it exists for: a screen that is right at 80x24 and
 * loses the one line that matters in a smaller one. What matters most comes first, and the history takes what is left. */
#ifndef EDDY_GRADER_WATCH_VIEW_H
#define EDDY_GRADER_WATCH_VIEW_H

#include "grader/watch/page.h"
#include "grader/watch/session.h"

enum view { VIEW_ITEM, VIEW_LIST, VIEW_WHY, VIEW_BLOCKING, VIEW_HELP };

struct scene {
    const struct session *session;
    enum view view;
    int scroll;                     /* rows of the body that are above the screen; drawing corrects it */
    const char *folder;             /* "work/02-loop" */
    bool folder_gone;
    const char *polling;            /* why files are polled, or NULL */
    const char *why;                /* the text of VIEW_WHY; NULL until it came */
    struct task running;            /* TASK_NONE: nothing runs */
    struct task last;               /* what ran last; TASK_NONE: nothing has */
    int seconds, turn;              /* of the run, so far; the spinner's */
    char when[16];                  /* the last run's end, "12:31:07" */
    int tenths;                     /* how long it took */
};

/* The page was begun. */
void view_draw(struct page *, struct scene *);

#endif
