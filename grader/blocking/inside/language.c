/* language.c - asks the interpreters, and takes what they print.
 *
 * Traps: (a) a flood: an answer takes an interpreter tens of microseconds, so a thread gets no more than a few in a while.
 *        (b) an interpreter that sleeps while it is asked, and is asked about that. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "grader/blocking/inside/inside.h"
#include "grader/blocking/inside/language.h"

enum { ANSWERS = 100, PERIOD = 100000000 };      /* so many answers in so many ns */

struct taking {
    char *text;                     /* NULL: this thread prints for itself */
    size_t len;
};

_Atomic int language_takers;
static const struct interpreter_kind *const languages[] = { &language_python, &language_node };
static _Atomic(const struct interpreter_kind *) spoken;
static _Atomic bool looked;
static __thread struct taking taking __attribute__((tls_model("initial-exec")));
static __thread struct { int64_t began; int count; } asked __attribute__((tls_model("initial-exec")));

void language_look_again(void)
{
    if (!spoken)
        looked = false;
}

static const struct interpreter_kind *language_here(void)
{
    if (looked)
        return spoken;
    looked = true;
    const struct interpreter_kind *found = NULL;
    for (size_t i = 0; i < sizeof languages / sizeof *languages && !found; i++)
        if (languages[i]->is_here())
            found = languages[i];
    spoken = found;
    return found;
}

/* While nobody else holds the dynamic linker's lock: a later look may have to wait for it. */
static __attribute__((constructor)) void language_begin(void)
{
    language_here();
}

static bool may_ask(void)
{
    int64_t now = time_now();
    if (now - asked.began > PERIOD) {
        asked.began = now;
        asked.count = 0;
    }
    return asked.count++ < ANSWERS;
}

uint64_t language_place(void)
{
    const struct interpreter_kind *language = language_here();
    return language ? language->place() : 0;
}

static void lines_write(struct journal *journal, int32_t language, const char *text, size_t len, int64_t time)
{
    struct record_lines *record = len ? (struct record_lines *)journal_reserve(journal, sizeof *record + len + 1) : NULL;
    if (!record)
        return;
    record->head.time = time;
    record->language = language;
    memcpy(record->text, text, len);
    record->text[len] = 0;
    journal_publish(&record->head, RECORD_LINES);
}

/* Apart from who calls it: it takes a page of the stack, and a coroutine of a program in C may have no more than that. */
static __attribute__((noinline)) void lines_tell(const struct interpreter_kind *language, struct journal *journal, int64_t time)
{
    char text[LANGUAGE_TEXT];
    taking = (struct taking){ .text = text };
    language_takers++;
    language->print();
    language_takers--;
    size_t len = taking.len;
    taking = (struct taking){0};
    lines_write(journal, language->number, text, len, time);
}

void language_tell(struct journal *journal, int64_t time)
{
    const struct interpreter_kind *language = language_here();
    if (language && !taking.text && may_ask())
        lines_tell(language, journal, time);
}

void language_tell_again(struct journal *journal, const struct record *before, int64_t time)
{
    const struct record_lines *lines = (const struct record_lines *)((const uint8_t *)before + before->size);
    if ((const uint8_t *)(lines + 1) > journal->records + journal->room ||
        atomic_load_explicit(&lines->head.kind, memory_order_acquire) != RECORD_LINES || lines->head.tid != before->tid)
        return;
    lines_write(journal, lines->language, lines->text, strlen(lines->text), time);
}

void language_forget(void)
{
    if (!taking.text)
        return;
    taking = (struct taking){0};
    language_takers--;
}

bool language_take(const void *bytes, size_t len)
{
    if (!taking.text)
        return false;
    size_t room = LANGUAGE_TEXT - 1 - taking.len;
    len = len < room ? len : room;
    memcpy(taking.text + taking.len, bytes, len);
    taking.len += len;
    return true;
}

bool language_take_format(const char *format, va_list list)
{
    char text[512];
    if (!taking.text)
        return false;
    va_list copy;
    va_copy(copy, list);
    int len = vsnprintf(text, sizeof text, format, copy);
    va_end(copy);
    return language_take(text, len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}
