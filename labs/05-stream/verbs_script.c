/* verbs_script.c - many reads or writes with one order, and streams for costs.
 *
 * A script is reads of one stream, one after the other, each begun when the one before it was answered: ten thousand schedules
 * cannot have an order for each. Trap: a script's stream may close in the middle of it. */
#include "labs/05-stream/verbs.h"

enum { STEPS = 16, STEP_BYTES = 40, WORDS = 6, PIECE = 1024, BEHIND = 1 << 20 };

/* ---- scripts ------------------------------------------------------------------------------------------------------ */

struct script {
    struct stream **stream;         /* NULL there: it was closed */
    struct thing *reader;
    struct timeout timeout;
    int count, at;
    char steps[STEPS][STEP_BYTES];
};

static void next_step(struct script *);

static bool is_step(const struct script *c, int i, const char *verb)
{
    return i < c->count && strncmp(c->steps[i], verb, strlen(verb)) == 0;
}

static void on_pause_over(void *self, int what)
{
    struct script *c = self;
    (void)what;
    c->at++;
    next_step(c);
}

static void on_answer(void *self, int rc)
{
    struct script *c = self;
    const struct thing *t = c->reader;
    loop_remove_timeout(lab_loop(), &c->timeout);
    if (rc > 0)
        tell_bytes(t->name, "", t->future->value, (size_t)rc);
    else
        tell_rc(t->name, "", rc);
    c->at++;
    next_step(c);
}

static void on_enough(void *self, int what)
{
    struct script *c = self;
    (void)what;
    if (!*c->stream)
        return;
    future_cancel(c->reader->future);
    tell_rc(c->reader->name, ".cancelled", 0);
    c->at++;
    next_step(c);
}

/* "until,\n,20" as the words of an order. */
static void read_step(struct script *c)
{
    char copy[STEP_BYTES], *words[WORDS], *rest = copy;
    int count = 0;
    memcpy(copy, c->steps[c->at], sizeof copy);
    for (char *word; count < WORDS && (word = strtok_r(rest, ",", &rest));) {
        words[count++] = word;
        if (count == 1)
            words[count++] = c->reader->name;
    }
    future_then(begin_read(*c->stream, c->reader, count, words), on_answer, c);
    if (is_step(c, c->at + 1, "cancel,") && moment_of(c->steps[c->at + 1] + 7) > loop_time(lab_loop()))
        loop_call_at(lab_loop(), moment_of(c->steps[c->at + 1] + 7), &c->timeout, on_enough, c);
}

static void next_step(struct script *c)
{
    while (is_step(c, c->at, "cancel,"))
        c->at++;
    if (c->at == c->count || !*c->stream)
        return;
    if (is_step(c, c->at, "at,"))
        loop_call_at(lab_loop(), moment_of(c->steps[c->at] + 3), &c->timeout, on_pause_over, c);
    else
        read_step(c);
}

int64_t verb_reads(int count, char **words)
{
    struct script *c = fence_new(sizeof *c, "a script");
    if (!c)
        abort();
    c->stream = &thing_of(words[1])->stream;
    c->reader = thing_of(words[2]);
    c->reader->script = c;
    for (int i = 3; i < count && c->count < STEPS; i++)
        snprintf(c->steps[c->count++], STEP_BYTES, "%s", words[i]);
    next_step(c);
    return 0;
}

void script_end(struct thing *t)
{
    if (t->script)
        fence_free(t->script);
    t->script = NULL;
}

/* ---- for costs ---------------------------------------------------------------------------------------------------- */

/* Handed over, and the same bytes each time: nobody waits for them. */
int64_t verb_write_many(int count, char **words)
{
    int times = atoi(words[2]);
    struct thing *t = thing_of(words[1]);
    struct bytes bytes = { .len = strtoul(words[3], NULL, 10) };
    (void)count;
    t->lent = fence_new(bytes.len, "what was handed over");
    if (!t->lent)
        abort();
    memset(t->lent, 'm', bytes.len);
    bytes.data = t->lent;
    for (int i = 0; i < times; i++)
        stream_write_owned(t->stream, bytes, NULL, NULL, NULL);
    return (int64_t)stream_unsent(t->stream);
}

struct pour {                       /* a line that comes in pieces */
    struct stream *stream;
    struct future line;
    struct timeout next;
    int peer, left;
};

static void on_line(void *self, int rc)
{
    (void)self, (void)rc;
    loop_stop(lab_loop());
}

static void on_next_piece(void *self, int what)
{
    struct pour *p = self;
    char piece[PIECE];
    (void)what;
    memset(piece, 'p', sizeof piece);
    if (--p->left == 0)
        memcpy(piece + PIECE - 2, "\r\n", 2);
    probe_sys()->write(probe_sys(), p->peer, piece, sizeof piece);
    if (p->left > 0)
        loop_call_at(lab_loop(), 0, &p->next, on_next_piece, p);
}

/* So many pieces of 1 KiB, one each time the loop asks the kernel, read as one line or as so many bytes. Beside it stands a
 * stream whose other side does not read what was written. What the read answered. */
int64_t verb_pour(int count, char **words)
{
    static struct pour p;
    int fds[2], slow[2];
    (void)count;
    p = (struct pour){ .left = atoi(words[1]) };
    int len = p.left * PIECE;
    if (probe_sys()->socketpair(probe_sys(), fds) < 0 || probe_sys()->socketpair(probe_sys(), slow) < 0)
        abort();
    struct stream *behind = stream_new(lab_loop(), slow[0]);
    p.stream = stream_new(lab_loop(), fds[0]);
    p.peer = fds[1];
    if (!p.stream || !behind)
        abort();
    char *much = fence_new(BEHIND, "what waits to be sent");
    stream_write_owned(behind, (struct bytes){ much, much ? BEHIND : 0 }, NULL, NULL, NULL);
    if (strcmp(words[2], "until") == 0)
        stream_read_until(p.stream, "\r\n", 0, future_then(&p.line, on_line, &p));
    else
        stream_read_bytes(p.stream, (size_t)len, future_then(&p.line, on_line, &p));
    loop_call_at(lab_loop(), 0, &p.next, on_next_piece, &p);
    loop_start(lab_loop());
    stream_close(p.stream);
    stream_close(behind);
    fence_free(much);
    probe_sys()->close(probe_sys(), p.peer);
    probe_sys()->close(probe_sys(), slow[1]);
    return p.line.rc;
}

/* ---- streams that wait -------------------------------------------------------------------------------------------- */

struct waiter {
    struct stream *stream;
    struct future line;
};

static void on_message(void *self, int rc)
{
    struct waiter *w = self;
    if (rc > 0)
        stream_read_until(w->stream, "\n", 0, future_then(&w->line, on_message, w));
}

/* So many more streams that have got a message, and wait for the next one. */
int64_t verb_idle_streams(int count, char **words)
{
    int n = atoi(words[1]), fds[2];
    struct waiter *all = fence_new((size_t)n * sizeof *all, "the futures of streams that wait");
    (void)count;
    for (int i = 0; i < n; i++) {
        if (!all || probe_sys()->socketpair(probe_sys(), fds) < 0)
            abort();
        probe_sys()->write(probe_sys(), fds[1], "hello\n", 6);
        all[i].stream = stream_new(lab_loop(), fds[0]);
        if (!all[i].stream)
            return -1;
        on_message(&all[i], 1);
    }
    return n;
}
