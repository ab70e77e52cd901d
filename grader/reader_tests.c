/* reader_tests.c - tests that a reader wrote: reading and running them. See reader_tests.h.
 *
 * Trap: the reader's text is input like any other. What it orders is checked here, with the line's number, so that a
 * slip in it is never mistaken for a probe that failed. */
#include "grader/reader_tests.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "grader/apart.h"
#include "grader/judge.h"

enum { TESTS = 64, LINES = 64, ORDER_BYTES = 200, IDLE_WAITS = 300, MOST_CALLS = 2000 };

enum line_kind { ORDER, IN, AT, ANSWERS, EXPECT };

struct line {
    enum line_kind kind;
    int number;
    char name[16];              /* IN */
    int nth;
    int64_t value;              /* AT: when; ANSWERS */
    char text[ORDER_BYTES];     /* orders, or the expected trace */
};

struct test {
    char name[96];
    int number, count;
    struct line lines[LINES];
};

struct reader_tests {
    struct reader_rules rules;
    int count, number;          /* the line that is read */
    char *error;
    size_t size;
    struct test tests[TESTS];
};

/* ---- reading ---------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool wrong(struct reader_tests *r, const char *format, ...)
{
    char words[400];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(r->error, r->size, "tests.txt, line %d: %s", r->number, words);
    return false;
}

static const char *skip_space(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

static size_t word_length(const char *s)
{
    return strcspn(s, " \t:;");
}

/* Copies `from`, with single spaces and none at the ends. */
static bool squeeze(char *to, size_t size, const char *from)
{
    size_t n = 0;
    for (from = skip_space(from); *from && n + 2 < size; from = skip_space(from)) {
        if (n > 0)
            to[n++] = ' ';
        while (*from && !isspace((unsigned char)*from) && n + 1 < size)
            to[n++] = *from++;
    }
    to[n] = 0;
    return *from == 0;
}

/* "50ms" as ns; false if it is none. */
static bool read_time(const char *text, size_t len, int64_t *ns)
{
    static const struct { const char *unit; int64_t ns; } units[] = {
        { "ns", 1 }, { "us", MICROSECOND }, { "ms", MILLISECOND }, { "s", SECOND },
    };
    char *rest;
    double number = strtod(text, &rest);
    size_t left = rest > text && rest <= text + len ? (size_t)(text + len - rest) : 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (number >= 0 && number < 1e9 && left == strlen(units[i].unit) && memcmp(rest, units[i].unit, left) == 0) {
            *ns = (int64_t)(number * (double)units[i].ns + 0.5);
            return true;
        }
    return false;
}

static int words_in(const char *s, const char *end)
{
    int n = 0;
    for (s = skip_space(s); s < end; s = skip_space(s), n++)
        s += strcspn(s, " \t;");
    return n;
}

/* Whether an order of this form may have any number of words more. */
static bool is_open(const char *form, const char *end)
{
    return end - form > 3 && memcmp(end - 3, "...", 3) == 0;
}

static bool check_order(struct reader_tests *r, const char *order, const char *end)
{
    size_t len = word_length(order);
    const char *form = r->rules.orders, *form_end;
    for (; *form; form = skip_space(*form_end ? form_end + 1 : form_end)) {
        form_end = form + strcspn(form, ";");
        if (word_length(form) != len || strncmp(form, order, len) != 0)
            continue;
        const char *optional = memchr(form, '[', (size_t)(form_end - form));
        bool open = is_open(form, form_end);
        int has = words_in(order, end), least = words_in(form, optional ? optional : open ? form_end - 3 : form_end),
            most = open ? INT_MAX : words_in(form, form_end);
        if (has < least || has > most)
            return wrong(r, "write it as '%.*s'", (int)(form_end - form), form);
        return true;
    }
    return wrong(r, "'%.*s' is no order; there are: %s", (int)len, order, r->rules.orders);
}

/* Orders separated by ';'. */
static bool read_orders(struct reader_tests *r, struct line *line, const char *text)
{
    if (!squeeze(line->text, sizeof line->text, text))
        return wrong(r, "this line is too long");
    for (const char *order = line->text; *order; ) {
        const char *end = order + strcspn(order, ";");
        if (!check_order(r, order, end))
            return false;
        order = skip_space(*end ? end + 1 : end);
    }
    return *line->text || wrong(r, "an order belongs behind the colon");
}

static bool read_in(struct reader_tests *r, struct line *line, const char *text)
{
    size_t len = word_length(text);
    const char *colon = strchr(text, ':');
    if (!colon || len == 0 || len >= sizeof line->name)
        return wrong(r, "write it as 'in NAME: order' or 'in NAME 2: order; order'");
    memcpy(line->name, text, len);
    line->nth = atoi(text + len);
    return read_orders(r, line, colon + 1);
}

static bool read_at(struct reader_tests *r, struct line *line, const char *text)
{
    size_t len = word_length(text);
    const char *colon = strchr(text, ':');
    if (!colon || !read_time(text, len, &line->value))
        return wrong(r, "write it as 'at 30ms: order'");
    return read_orders(r, line, colon + 1);
}

static bool read_answers(struct reader_tests *r, struct line *line, const char *text)
{
    char *end;
    line->value = strtoll(text, &end, 10);
    if (end > text && !*skip_space(end))
        return true;
    for (int error = 1; error < 134 && *text == '-'; error++) {
        const char *name = strerrorname_np(error);
        if (name && strncmp(text + 1, name, strlen(name)) == 0 && !*skip_space(text + 1 + strlen(name))) {
            line->value = -error;
            return true;
        }
    }
    return wrong(r, "write it as 'answers 0' or 'answers -EEXIST'");
}

static bool read_expect(struct reader_tests *r, struct line *line, const char *text)
{
    if (!squeeze(line->text, sizeof line->text, text))
        return wrong(r, "this line is too long");
    if (!*line->text)
        return wrong(r, "write what was called: 'expect A@50 B@60', or 'expect nothing'");
    if (strcmp(line->text, "nothing") == 0)
        *line->text = 0;
    return true;
}

static bool begin_test(struct reader_tests *r, const char *name)
{
    if (r->count == TESTS)
        return wrong(r, "there are more than %d tests", TESTS);
    struct test *t = &r->tests[r->count++];
    t->number = r->number;
    squeeze(t->name, sizeof t->name, name);
    return *t->name || wrong(r, "say what is true: 'test a removed timeout does not fire'");
}

static bool read_line(struct reader_tests *r, const char *text)
{
    static const struct { const char *word; enum line_kind kind; bool (*read)(struct reader_tests *, struct line *,
                                                                              const char *); }
        kinds[] = { { "in", IN, read_in }, { "at", AT, read_at }, { "answers", ANSWERS, read_answers },
                    { "expect", EXPECT, read_expect } };
    size_t len = word_length(text);
    if (len == 4 && memcmp(text, "test", 4) == 0)
        return begin_test(r, text + 4);
    if (r->count == 0)
        return wrong(r, "a test begins with a line 'test ...' that says what is true");
    struct test *t = &r->tests[r->count - 1];
    if (t->count == LINES)
        return wrong(r, "this test has more than %d lines", LINES);
    struct line *line = &t->lines[t->count++];
    line->number = r->number;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].word) == len && memcmp(text, kinds[i].word, len) == 0) {
            line->kind = kinds[i].kind;
            return kinds[i].read(r, line, skip_space(text + len));
        }
    line->kind = ORDER;
    return read_orders(r, line, text);
}

/* A test that expects nothing cannot fail. */
static bool check_test(struct reader_tests *r, const struct test *t)
{
    r->number = t->number;
    for (int i = 0; i < t->count; i++)
        if (t->lines[i].kind == EXPECT || t->lines[i].kind == ANSWERS)
            return true;
    return wrong(r, "this test has no line 'expect' or 'answers', so it could not fail");
}

static bool read_all(struct reader_tests *r, const char *text)
{
    char line[512];
    while (*text) {
        size_t len = strcspn(text, "\n");
        r->number++;
        if (len >= sizeof line)
            return wrong(r, "this line is too long");
        memcpy(line, text, len);
        line[len] = 0;
        line[strcspn(line, "#")] = 0;
        const char *begin = skip_space(line);
        if (*begin && !read_line(r, begin))
            return false;
        text += text[len] ? len + 1 : len;
    }
    for (int i = 0; i < r->count; i++)
        if (!check_test(r, &r->tests[i]))
            return false;
    return true;
}

struct reader_tests *reader_tests_read(const char *text, const struct reader_rules *rules, char *error, size_t size)
{
    struct reader_tests *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(error, size, "tests.txt: out of memory");
        return NULL;
    }
    r->rules = *rules;
    r->error = error;
    r->size = size;
    if (read_all(r, text))
        return r;
    free(r);
    return NULL;
}

void reader_tests_free(struct reader_tests *r)
{
    free(r);
}

int reader_tests_count(const struct reader_tests *r)
{
    return r->count;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

struct run {
    const struct reader_tests *tests;
    const char *probe;
    int *at;                    /* the test that runs: seen from both sides */
};

/* Orders separated by ';'; what the last of them answered. */
static int64_t give_orders(struct judge *j, const char *orders)
{
    int64_t answer = 0;
    for (const char *order = orders; *order; ) {
        int len = (int)strcspn(order, ";");
        answer = judge_order(j, "%.*s", len, order);
        order = skip_space(order[len] ? order + len + 1 : order + len);
    }
    return answer;
}

static void run_line(struct judge *j, const struct line *line, int64_t beginning, int64_t *answer)
{
    switch (line->kind) {
    case ORDER:
        *answer = give_orders(j, line->text);
        break;
    case IN:
        judge_in(j, line->name, line->nth, line->text);
        break;
    case AT:
        judge_meanwhile(j, beginning + line->value, line->text);
        break;
    case ANSWERS:
        expect_int("tests.txt", line->number, "answer", line->value, *answer, "");
        break;
    case EXPECT:
        expect_text("tests.txt", line->number, "trace", line->text, judge_trace(j), "");
        break;
    }
}

/* It costs more than a test may, whatever the machine. */
static void too_many(void *self)
{
    const struct test *t = self;
    expect_at_most("tests.txt", t->lines[t->count - 1].number, "calls of the kernel and of callbacks in one test", MOST_CALLS,
                   MOST_CALLS + 1, "");
}

static void run_test(struct judge *j, const struct reader_tests *r, const struct test *t)
{
    int64_t answer = 0;
    judge_reset(j, 0);
    history_clear();
    sim_limit_idle_waits(judge_sim(j), IDLE_WAITS);
    if (r->rules.world)
        r->rules.world(j);
    judge_limit(j, MOST_CALLS, too_many, (void *)t);
    int64_t beginning = sim_now(judge_sim(j));
    give_orders(j, r->rules.before);
    for (int i = 0; i < t->count; i++)
        run_line(j, &t->lines[i], beginning, &answer);
    give_orders(j, r->rules.after);
}

static void run_all(void *self)
{
    struct run *run = self;
    struct judge *j = judge_new(run->probe, 0);
    for (int i = 0; i < run->tests->count; i++) {
        *run->at = i;
        run_test(j, run->tests, &run->tests->tests[i]);
    }
    judge_close(j);
}

static struct reader_result result_of(const struct verdict *v, const struct test *t)
{
    struct reader_result result = { .outcome = READER_FAILED };
    snprintf(result.test, sizeof result.test, "%s", t->name);
    if (v->state == VERDICT_PASS)
        result.outcome = READER_PASSED;
    else if (v->state != VERDICT_FAIL)
        result.outcome = READER_FAULT;
    const char *line = strchr(v->where, ':');
    if (result.outcome == READER_FAILED && strncmp(v->where, "tests.txt:", 10) == 0)
        snprintf(result.text, sizeof result.text, "line %s: expected %.300s, seen %.300s", line + 1, v->expected,
                 v->seen);
    else
        snprintf(result.text, sizeof result.text, "%.300s %.300s", v->seen, v->cause);
    return result;
}

struct reader_result reader_tests_run(const struct reader_tests *r, const char *probe)
{
    struct reader_result result = { .outcome = READER_FAULT, .text = "out of memory" };
    struct verdict *v = apart_new();
    int *at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (v && at != MAP_FAILED) {
        struct run run = { r, probe, at };
        apart_run(v, run_all, &run);
        result = result_of(v, &r->tests[*at]);
    }
    if (v)
        apart_free(v);
    if (at != MAP_FAILED)
        munmap(at, sizeof *at);
    return result;
}
