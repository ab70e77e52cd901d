/* watch.c - the companion of a student at work: see watch.h.
 *
 * All of it hangs on one loop: the terminal, inotify, the pipe and the end of the running grade, signals, and timeouts.
 * What is to be run follows from the session alone (session.h); here it is only started, cancelled and read. The trap
 * it exists for: a grade that is late. What a cancelled run still says is about a file that is no more, and is dropped. */
#include "grader/watch/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "grader/student/hint.h"
#include "grader/watch/program.h"
#include "grader/watch/saves.h"
#include "grader/watch/terminal.h"
#include "grader/watch/view.h"
#include "loop/signals.h"

static const int64_t SPIN = 100 * MILLISECOND;

struct watch {
    const struct watch_options *options;
    const struct lab *lab;
    struct loop *loop;
    struct session session;
    struct saves saves;
    struct program program;
    struct terminal terminal;
    struct scene scene;
    struct page page;
    bool on_screen;
    struct task wished;                 /* by a key; TASK_NONE: what the session says */
    bool cancelled;                     /* the running one counts no more */
    int ended_by;                       /* the signal that ends it all, or 0 */
    struct timeout spin;
    int64_t since;
    char grade_json[1200];              /* what the running one will write */
    struct stat former;                 /* and what lay there before */
};

/* ---- showing ------------------------------------------------------------------------------------------------------ */

static void draw(struct watch *w)
{
    if (!w->on_screen)
        return;
    w->scene.polling = saves_polling(&w->saves);
    w->scene.seconds = (int)((loop_time(w->loop) - w->since) / SECOND);
    page_begin(&w->page, w->terminal.width, w->terminal.height, w->options->colour, w->options->utf8);
    view_draw(&w->page, &w->scene);
    terminal_draw(&w->terminal, &w->page);
}

static void on_spin(void *self, int what)
{
    struct watch *w = self;
    (void)what;
    w->scene.turn++;
    draw(w);
    loop_call_at(w->loop, loop_time(w->loop) + SPIN, &w->spin, on_spin, w);
}

/* Nobody reads on: nothing is left to do. */
static void say(struct watch *w, const char *when, const char *line)
{
    if (!w->on_screen && (printf("%s%s%s\n", when, *when ? "  " : "", line) < 0 || fflush(stdout) != 0))
        loop_stop(w->loop);
}

/* ---- a run -------------------------------------------------------------------------------------------------------- */

static void proceed(struct watch *);

/* The grade that the run wrote; NULL if it wrote none. */
static json_t *read_grade(const struct watch *w)
{
    struct stat st;
    if (stat(w->grade_json, &st) < 0 || (st.st_ino == w->former.st_ino && st.st_size == w->former.st_size &&
        st.st_mtim.tv_sec == w->former.st_mtim.tv_sec && st.st_mtim.tv_nsec == w->former.st_mtim.tv_nsec)) {
        return NULL;
    }
    return json_load_file(w->grade_json, 0, NULL);
}

static void learn(struct watch *w, int status)
{
    char words[2048];
    json_t *grade = read_grade(w);
    if (grade && session_learn(&w->session, grade))
        return;
    json_decref(grade);
    snprintf(words, sizeof words, "%s%.1800s", *w->program.output ? "" : "the grader ended without a word: ",
             w->program.output);
    if (!*w->program.output)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s %d", status > 128 ? "signal" : "status",
                 status > 128 ? status - 128 : status);
    session_fail(&w->session, words);
}

static void note_end(struct watch *w, struct task task)
{
    char line[1024];
    struct tm tm;
    time_t now = time(NULL);
    strftime(w->scene.when, sizeof w->scene.when, "%H:%M:%S", localtime_r(&now, &tm));
    w->scene.tenths = (int)((loop_time(w->loop) - w->since) / (SECOND / 10));
    w->scene.last = task;
    session_line(&w->session, task, line, sizeof line);
    say(w, w->scene.when, line);
}

static void on_end(void *self, int status)
{
    struct watch *w = self;
    struct task task = w->scene.running;
    w->scene.running = (struct task){0};
    loop_remove_timeout(w->loop, &w->spin);
    if (!w->cancelled) {
        if (task.kind == TASK_WHY)
            w->scene.why = w->program.output;
        else
            learn(w, status);
        note_end(w, task);
    }
    w->cancelled = false;
    proceed(w);
}

/* A failing item is run with the seed with which it failed: the same case, until it passes. */
static void start(struct watch *w, struct task task)
{
    char out[1100], seed[32];
    const struct known *k = &w->session.known[task.item];
    const char *argv[16] = { w->options->grade, "--lab", w->lab->name, "--out", out };
    int n = 5;
    snprintf(out, sizeof out, "%s%s", w->options->out, task.kind == TASK_ALL ? "" : "/watch");
    if (task.kind != TASK_ALL) {
        argv[n++] = "--item";
        argv[n++] = w->lab->items[task.item].id;
    }
    if (task.kind == TASK_WHY)
        argv[n++] = "why";
    if (task.kind != TASK_ALL && k->state == KNOWN_FAIL) {
        snprintf(seed, sizeof seed, "%" JSON_INTEGER_FORMAT, k->seed);
        argv[n++] = "--seed";
        argv[n++] = seed;
    }
    snprintf(w->grade_json, sizeof w->grade_json, "%s/grade.json", out);
    if (stat(w->grade_json, &w->former) < 0)
        w->former = (struct stat){0};
    w->scene.why = NULL;
    w->scene.running = task;
    w->since = loop_time(w->loop);
    int rc = program_start(&w->program, w->loop, (char *const *)argv, on_end, w);
    if (rc == 0) {
        loop_call_at(w->loop, w->since + SPIN, &w->spin, on_spin, w);
        return;
    }
    snprintf(w->program.output, sizeof w->program.output, "%s cannot be run: %s; make grade builds it", w->options->grade,
             strerror(-rc));
    w->scene.running = (struct task){0};
    session_fail(&w->session, w->program.output);
    note_end(w, task);
}

/* Runs what is to be run now, once what runs has ended. */
static void proceed(struct watch *w)
{
    if (program_runs(&w->program)) {
        w->cancelled = true;
        program_cancel(&w->program);
        return;
    }
    struct task task = w->wished.kind ? w->wished : session_next(&w->session);
    w->wished = (struct task){0};
    w->scene.folder_gone = access(w->options->folder, F_OK) < 0;
    if (w->scene.folder_gone)
        say(w, "", "the folder is gone: make lab puts the starter there");
    else if (task.kind)
        start(w, task);
    draw(w);
}

/* A run of all items that a save interrupts is begun anew as such. */
static void on_save(void *self, int what)
{
    struct watch *w = self;
    (void)what;
    session_saved(&w->session);
    if (w->scene.running.kind == TASK_ALL)
        w->wished = w->scene.running;
    if (w->scene.view == VIEW_WHY)
        w->scene.view = VIEW_ITEM;
    w->scene.why = NULL;
    proceed(w);
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

static void show(struct watch *w, enum view view)
{
    w->scene.view = w->scene.view == view ? VIEW_ITEM : view;
    w->scene.scroll = 0;
}

static void wish(struct watch *w, enum task_kind kind)
{
    int item = session_current(&w->session);
    if (item < 0)
        item = w->session.only;
    if (item < 0 && kind == TASK_ITEM)
        kind = TASK_ALL;
    if (item < 0 && kind != TASK_ALL)
        return;
    w->wished = (struct task){ kind, kind == TASK_ALL ? 0 : item };
    w->scene.scroll = 0;
    w->scene.view = kind == TASK_WHY ? VIEW_WHY : VIEW_ITEM;
    proceed(w);
}

/* The count is shared with make hint. One that cannot be remembered is at least shown. */
static void hint(struct watch *w)
{
    int item = session_current(&w->session);
    w->scene.view = VIEW_ITEM;
    w->scene.scroll = 0;
    if (item < 0)
        return;
    const char *id = w->lab->items[item].id;
    int *shown = &w->session.known[item].hints, elsewhere = hints_shown(w->options->folder, id);
    *shown = elsewhere > *shown ? elsewhere : *shown;
    if (*shown < LAB_HINTS)
        hints_remember(w->lab, w->options->folder, id, ++*shown);
}

static void scroll(struct watch *w, int rows)
{
    w->scene.scroll = w->scene.scroll + rows > 0 ? w->scene.scroll + rows : 0;
}

static void on_key(void *self, int key)
{
    struct watch *w = self;
    int page = w->terminal.height > 8 ? w->terminal.height - 6 : 2;
    switch (key) {
    case -EIO:
    case 'q':
    case KEY_CTRL_C: loop_stop(w->loop); return;
    case 'h': hint(w); break;
    case 'l': show(w, VIEW_LIST); break;
    case 'b': show(w, VIEW_BLOCKING); break;
    case '?': show(w, VIEW_HELP); break;
    case KEY_ESCAPE: show(w, VIEW_ITEM); break;
    case 'r': wish(w, TASK_ITEM); break;
    case 'a': wish(w, TASK_ALL); break;
    case 'v': wish(w, TASK_WHY); break;
    case KEY_UP: scroll(w, -1); break;
    case KEY_DOWN: scroll(w, 1); break;
    case KEY_PAGE_UP: scroll(w, -page); break;
    case ' ':
    case KEY_PAGE_DOWN: scroll(w, page); break;
    case KEY_HOME: scroll(w, -w->scene.scroll); break;
    case KEY_END: scroll(w, 1 << 24); break;
    case KEY_CTRL_L: terminal_resume(&w->terminal); return;
    case KEY_CTRL_Z: terminal_suspend(&w->terminal); return;
    default: break;
    }
    draw(w);
}

/* ---- signals ------------------------------------------------------------------------------------------------------ */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
enum { SIGNALS = sizeof signals / sizeof *signals };

static void on_signal(void *self, int signo)
{
    struct watch *w = self;
    if (signo == SIGWINCH || signo == SIGCONT) {
        terminal_resume(&w->terminal);
        return;
    }
    w->ended_by = signo;
    loop_stop(w->loop);
}

static int listen_to_signals(struct watch *w)
{
    int rc = 0;
    for (int i = 0; i < SIGNALS && rc == 0; i++)
        rc = loop_add_signal(w->loop, signals[i], on_signal, w);
    return rc;
}

/* ---- from beginning to end ---------------------------------------------------------------------------------------- */

static void watch_close(struct watch *w)
{
    terminal_close(&w->terminal);
    program_close(&w->program);
    loop_remove_timeout(w->loop, &w->spin);
    saves_close(&w->saves);
    for (int i = 0; i < SIGNALS; i++)
        loop_remove_signal(w->loop, signals[i]);
    session_close(&w->session);
    loop_close(w->loop);
}

/* A terminal that cannot be taken over still shows lines. */
static void watch_open(struct watch *w, const struct watch_options *options, const struct lab *lab)
{
    w->options = options;
    w->lab = lab;
    session_open(&w->session, lab, options->item);
    for (int i = 0; i < lab->item_count; i++)
        w->session.known[i].hints = hints_shown(options->folder, lab->items[i].id);
    w->scene = (struct scene){ .session = &w->session, .folder = options->folder };
    saves_open(&w->saves, w->loop, lab, options->folder, options->poll, on_save, w);
    w->on_screen = options->screen && terminal_open(&w->terminal, w->loop, on_key, w) == 0;
}

int watch_run(const struct watch_options *options, const struct lab *lab)
{
    static struct watch w = { .terminal.fd = -1 };
    char words[1200];
    w.loop = loop_new(sys_linux());
    if (!w.loop)
        return -errno;
    int rc = listen_to_signals(&w);
    watch_open(&w, options, lab);
    if (rc == 0) {
        snprintf(words, sizeof words, "watching %s%s%s", options->folder, saves_polling(&w.saves) ? "; " : "",
                 saves_polling(&w.saves) ? saves_polling(&w.saves) : "");
        say(&w, "", words);
        proceed(&w);
        rc = loop_start(w.loop);
    }
    watch_close(&w);
    return rc < 0 ? rc : w.ended_by;
}
