/* access_log.c - lines, and the job that writes them. See access_log.h.
 *
 * Two portions: `filling` is the loop's; `writing`, and with it the descriptor, is the job's while one runs, and the loop's
 * otherwise. Traps: (a) a job that waits for a pipe's reader would keep the close waiting; so it waits a little, and is begun
 *            again later. (b) A descriptor of somebody else's may block: so it is asked first, and given no more than a pipe has
 *            room for when it says that it has. (c) A disk that is full takes half a line: what comes behind it is a line of its
 *            own all the same. */
#include "http/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "loop/executor.h"
#include "loop/log.h"
#include "loop/require.h"

enum { USUAL_BYTES = 512 << 10, ENOUGH_BYTES = 64 << 10, NEW_FILE_MODE = 0640, STANDARD_OUTPUT = 1 };
#define FLUSH (1 * SECOND)              /* a line waits so long at most */
#define AGAIN (100 * MILLISECOND)       /* a slow reader is asked again */
#define LAST_PATIENCE (1 * SECOND)      /* with each portion of the last ones */

struct portion {
    char *data;
    size_t len, done;                   /* done: so much of it is written */
};

struct access_log {
    struct loop *loop;
    struct sys *sys;
    struct executor *executor;
    enum access_format format;
    size_t size, enough;                /* of a portion; when it is handed over */
    const char *name;                   /* of what it is written to, for people */

    struct access_clock clock;
    int64_t to_wall, until;             /* what makes wall_time of the loop's clock; and until when that holds */
    struct portion filling;
    bool due, reopens;                  /* filling is to be written, the path opened anew, as soon as no job runs */
    struct timeout timer;
    uint64_t lost, unsaid;              /* lines; those of them of which nobody was told */
    int64_t said;                       /* when somebody was */
    bool failing;                       /* the last of what was written was not, and that was said */
    struct future job;
    bool runs;

    struct portion writing;             /* from here on it is the job's while it runs */
    int fd;
    bool torn;                          /* what was written last is a part of a line */
    bool reopen;                        /* do that first */
    int reopen_error;                   /* what became of that */

    char path[];                        /* empty: a descriptor of somebody else's */
};

/* ---- writing: in the job, or at the end -------------------------------------------------------------------------- */

static int open_file(struct sys *sys, const char *path)
{
    int fd;
    do
        fd = sys->open(sys, path, O_WRONLY | O_APPEND | O_CREAT, NEW_FILE_MODE);
    while (fd == -EINTR);
    return fd;
}

static void open_anew(struct access_log *log)
{
    struct portion *p = &log->writing;
    int fd = open_file(log->sys, log->path);
    log->reopen = false;
    log->reopen_error = fd < 0 ? fd : 0;
    if (fd < 0)
        return;
    log->sys->close(log->sys, log->fd);
    log->fd = fd;
    log->torn = false;
    while (p->done && p->data[p->done - 1] != '\n')
        p->done--;                      /* a line stands in the new file as a whole */
}

/* Whether a portion finds room, at once or within that time. In the sim a job cannot wait: then it finds none. */
static bool has_room(struct access_log *log, int64_t patience)
{
    struct pollfd asked = { .fd = log->fd, .events = POLLOUT };
    int n;
    do
        n = log->sys->poll(log->sys, &asked, 1, patience);
    while (n == -EINTR);
    return n > 0;
}

/* Whole lines, as many as fit into a pipe in one piece; the rest of one that was not taken whole. */
static size_t next_lines(struct bytes rest)
{
    if (rest.len <= ACCESS_LINE)
        return rest.len;
    const char *end = memrchr(rest.data, '\n', ACCESS_LINE);
    return end ? (size_t)(end + 1 - rest.data) : ACCESS_LINE;
}

static ssize_t write_some(struct access_log *log, struct bytes bytes)
{
    ssize_t n;
    do
        n = log->sys->write(log->sys, log->fd, bytes.data, bytes.len);
    while (n == -EINTR);
    if (n > 0)
        log->torn = bytes.data[n - 1] != '\n';
    return n;
}

/* 0: all of it is written; -EAGAIN: nobody takes it now; -errno. */
static int write_out(struct access_log *log, struct portion *p, int64_t patience)
{
    while (p->done < p->len) {
        bool new_line = log->torn && p->done == 0;
        struct bytes rest = { p->data + p->done, p->len - p->done };
        if (!has_room(log, patience))
            return -EAGAIN;
        rest.len = next_lines(rest);
        ssize_t n = write_some(log, new_line ? text_of("\n") : rest);
        if (n < 0)
            return (int)n;
        p->done += new_line ? 0 : (size_t)n;
    }
    return 0;
}

static int job(void *self)
{
    struct access_log *log = self;
    if (log->reopen)
        open_anew(log);
    return write_out(log, &log->writing, AGAIN);
}

/* ---- what is said of it ------------------------------------------------------------------------------------------ */

static void lose(struct access_log *log, uint64_t lines)
{
    log->lost += lines;
    log->unsaid += lines;
}

static void say_lost(struct access_log *log)
{
    if (!log->unsaid)
        return;
    log_line(LOG_WARNING, "the access log %s has lost %" PRIu64 " lines, which could not be written in time: see whether its "
             "disk is full or slow, or its reader", log->name, log->unsaid);
    log->unsaid = 0;
    log->said = loop_time(log->loop);
}

static void say_failed(struct access_log *log, int rc)
{
    if (!log->failing)
        log_line(LOG_ERROR, "the access log %s cannot be written (%s): its lines are lost until it can; free its disk, or "
                 "restart its reader", log->name, strerror(-rc));
    log->failing = true;
}

/* It cannot be written: what is left of it is lost. */
static void give_up(struct access_log *log, struct portion *p, int rc)
{
    uint64_t lines = 0;
    for (size_t i = p->done; i < p->len; i++)
        lines += p->data[i] == '\n';
    lose(log, lines);
    p->len = p->done = 0;
    if (rc != -EAGAIN)
        say_failed(log, rc);
}

/* All of it is written: it flows again. */
static void look_well(struct access_log *log)
{
    log->writing.len = log->writing.done = 0;
    if (log->failing || loop_time(log->loop) - log->said >= FLUSH)
        say_lost(log);
    log->failing = false;
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

static void on_time(void *self, int what);

static void hand_over(struct access_log *log);

static void on_job_over(void *self, int rc)
{
    struct access_log *log = self;
    bool later = rc == -EAGAIN || rc == -ENOMEM;    /* also: no thread, or no memory for the job */
    log->runs = false;
    if (log->reopen_error)
        log_line(LOG_ERROR, "the access log %s cannot be opened anew (%s): it goes on in the old file", log->name,
                 strerror(-log->reopen_error));
    log->reopen_error = 0;
    if (rc >= 0)
        look_well(log);
    else if (!later)
        give_up(log, &log->writing, rc);
    if (log->writing.len || log->reopen)
        loop_call_at(log->loop, loop_time(log->loop) + AGAIN, &log->timer, on_time, log);
    else if (log->due || log->reopens)
        hand_over(log);
}

/* No job runs. What is left of the last portion goes first. */
static void hand_over(struct access_log *log)
{
    if (log->writing.len == 0) {
        struct portion empty = log->writing;
        log->writing = log->filling;
        log->filling = empty;
        log->due = false;
        loop_remove_timeout(log->loop, &log->timer);
    }
    log->reopen |= log->reopens;
    log->reopens = false;
    log->runs = true;
    executor_run(log->executor, job, log, NULL, future_then(&log->job, on_job_over, log));
}

static void on_time(void *self, int what)
{
    struct access_log *log = self;
    (void)what;
    log->due = true;
    if (!log->runs)
        hand_over(log);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The clock of the world is asked once a second. */
static int64_t wall(struct access_log *log, int64_t now)
{
    if (now >= log->until) {
        log->to_wall = log->sys->wall_time(log->sys) - now;
        log->until = now + SECOND;
    }
    return log->to_wall;
}

void access_log_put(struct access_log *log, struct access_line *line)
{
    struct portion *p = &log->filling;
    int64_t now = log->sys->now(log->sys);
    if (log->size - p->len < ACCESS_LINE) {
        lose(log, 1);
        return;
    }
    line->duration = now - line->time;
    line->time += wall(log, now);
    if (p->len == 0 && !log->timer.armed)
        loop_call_at(log->loop, now + FLUSH, &log->timer, on_time, log);
    p->len += access_line_write(line, log->format, &log->clock, p->data + p->len);
    if (p->len < log->enough)
        return;
    log->due = true;
    if (!log->runs && log->writing.len == 0)
        hand_over(log);
}

void access_log_reopen(struct access_log *log)
{
    log->reopens = log->path[0] != '\0';
    if (log->reopens && !log->runs)
        hand_over(log);
}

uint64_t access_log_lost(const struct access_log *log)
{
    return log->lost;
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static void log_free(struct access_log *log)
{
    if (log->path[0] && log->fd >= 0)
        log->sys->close(log->sys, log->fd);
    if (log->executor)
        executor_close(log->executor);
    sys_free(log->sys, log->filling.data);
    sys_free(log->sys, log->writing.data);
    sys_free(log->sys, log);
}

/* Where it writes to: 0 or -errno. */
static int open_first(struct access_log *log, const struct access_log_options *options)
{
    bool output = options->path && strcmp(options->path, "-") == 0;
    log->name = output || !options->path ? "on a descriptor" : log->path;
    log->fd = output ? STANDARD_OUTPUT : options->fd;
    if (options->path && !output) {
        strcpy(log->path, options->path);
        log->fd = open_file(log->sys, log->path);
    }
    return log->fd >= 0 ? 0 : log->path[0] ? log->fd : -EBADF;
}

static int make_parts(struct access_log *log)
{
    log->filling.data = log->sys->memory(log->sys, NULL, log->size);
    log->writing.data = log->sys->memory(log->sys, NULL, log->size);
    if (!log->filling.data || !log->writing.data)
        return -ENOMEM;
    log->executor = executor_new(log->loop, 1);
    return log->executor ? 0 : -errno;
}

struct access_log *access_log_open(struct loop *loop, const struct access_log_options *options)
{
    struct sys *sys = loop_sys(loop);
    const char *path = options->path ? options->path : "";
    REQUIRE(!options->buffer || options->buffer >= ACCESS_LINE, "access_log_open: a buffer of %zu bytes: a line may have %d",
            options->buffer, ACCESS_LINE);
    struct access_log *log = sys_new(sys, sizeof *log + strlen(path) + 1);
    int rc = -ENOMEM;
    if (log) {
        *log = (struct access_log){ .loop = loop, .sys = sys, .format = options->format,
                                    .size = options->buffer ? options->buffer : USUAL_BYTES };
        size_t full = log->size - ACCESS_LINE + 1;
        log->enough = full < ENOUGH_BYTES ? full : ENOUGH_BYTES;
        rc = open_first(log, options);
        rc = rc < 0 ? rc : make_parts(log);
    }
    if (rc == 0)
        return log;
    log_line(LOG_ERROR, "the access log %s cannot be opened: %s", *path ? path : "on a descriptor", strerror(-rc));
    if (log)
        log_free(log);
    errno = -rc;
    return NULL;
}

/* The last of it. */
static int end_portion(struct access_log *log, struct portion *p, int64_t patience)
{
    int rc = write_out(log, p, patience);
    if (rc < 0)
        give_up(log, p, rc);
    return rc;
}

void access_log_close(struct access_log *log)
{
    loop_remove_timeout(log->loop, &log->timer);
    executor_close(log->executor);
    log->executor = NULL;
    int rc = end_portion(log, &log->writing, LAST_PATIENCE);
    end_portion(log, &log->filling, rc < 0 ? 0 : LAST_PATIENCE);
    say_lost(log);
    log_free(log);
}
