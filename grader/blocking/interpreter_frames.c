/* interpreter_frames.c - walks CPython's frames: in another process, and in the watched one where CPython does not show its own
 * dumper.
 *
 * Traps: a version that moved its structs: those whose offsets are not known are left alone; a frame that ends while it is read
 * points to anything: every length is bounded, and what is not whole is nothing. */
#include <stdio.h>
#include <string.h>

#include "grader/blocking/interpreter_inside.h"

enum { FRAMES_AT_MOST = 1024, INNERMOST = 24, OUTERMOST = 16,     /* those between are passed over */
       FRAMES_IN_PLACE = 6, WORDS_OF_FRAME = 16, MOST_THREADS = 1024, NAME_SHOWN = 200, TABLE_AT_MOST = 1 << 20,
       TYPE_SIZE = 16,              /* ob_size, and a text's length */
       BYTES = 32,                  /* of a bytes object: where they begin; of a text: its state */
       TEXT_KIND = 0x1c, TEXT_COMPACT = 0x20, TEXT_ASCII = 0x40 };

static const struct layout layouts[] = {
    { 0x0309, TABLE_STEPS, 32, 0, 8, 8, 176, 24, -1, 32, 24, 104, 0, -1, 40, 104, 112, 120, 0, 48, 72 },
    { 0x030a, TABLE_PAIRS, 32, 0, 8, 8, 176, 24, -1, 32, 24, 96, 0, -1, 40, 104, 112, 120, 0, 48, 72 },
    { 0x030b, TABLE_SPANS, 40, 0, 16, 8, 160, 56, 8, 32, 48, 56, 69, -1, 72, 112, 120, 136, 184, 48, 72 },
    { 0x030c, TABLE_SPANS, 40, 0, 72, 8, 144, 56, 0, 0, 8, 56, 70, 3, 68, 112, 120, 136, 192, 40, 56 },
    { 0x030d, TABLE_SPANS, 632, 7264, 7344, 8, 160, 72, -1, 0, 8, 56, 70, 3, 68, 112, 120, 136, 200, 40, 56 },
};

/* In what pthread_self points to, in glibc since 2.4: the kernel's number of the thread. */
#if defined(__x86_64__)
enum { PTHREAD_TID = 720 };
#else
enum { PTHREAD_TID = 208 };
#endif

const struct layout *layout_of(uint64_t version)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].version == version >> 16)
            return &layouts[i];
    return NULL;
}

static uint64_t word(const struct interpreter *in, uint64_t at)
{
    uint64_t value = 0;
    return at && memory_read(in->pid, at, &value, sizeof value) ? value : 0;
}

/* ---- threads ------------------------------------------------------------------------------------------------------------ */

static uint64_t frame_current(const struct interpreter *in, uint64_t thread)
{
    uint64_t frames = word(in, thread + in->layout->thread_frames);
    return in->layout->frames_current < 0 ? frames : word(in, frames + (uint64_t)in->layout->frames_current);
}

uint64_t interpreter_place(const struct interpreter *in, uint64_t thread)
{
    const struct layout *l = in->layout;
    uint64_t frame = frame_current(in, thread), place = 0, words[WORDS_OF_FRAME];
    size_t size = (size_t)(l->frame_at / 8 + 1) * 8;
    for (int depth = 0; depth < FRAMES_IN_PLACE && frame && memory_read(in->pid, frame, words, size); depth++) {
        place = (place * 31 + words[l->frame_code / 8]) * 31 + words[l->frame_at / 8];
        frame = words[l->frame_previous / 8];
    }
    return place;
}

static bool thread_is(const struct interpreter *in, uint64_t thread, int tid)
{
    int32_t number = 0;
    uint64_t id = word(in, thread + in->layout->thread_id);
    if (in->layout->table == TABLE_SPANS)
        return id == (uint64_t)tid;
    return id && memory_read(in->pid, id + PTHREAD_TID, &number, sizeof number) && number == tid;
}

/* The innermost frame of that thread; 0: it has none. */
static uint64_t frame_of(const struct interpreter *in, int tid)
{
    const struct layout *l = in->layout;
    int threads = 0;
    uint64_t i = word(in, in->runtime + l->runtime_interpreters);
    for (; i && threads < MOST_THREADS; i = word(in, i + l->interpreter_next))
        for (uint64_t t = word(in, i + l->interpreter_threads); t && threads++ < MOST_THREADS; t = word(in, t + l->thread_next))
            if (thread_is(in, t, tid))
                return frame_current(in, t);
    return 0;
}

/* ---- lines ---------------------------------------------------------------------------------------------------------------- */

struct table {                      /* co_linetable, as far as it was read */
    const struct interpreter *in;
    uint64_t at;
    size_t left, have, next;
    uint8_t bytes[256];
};

/* -1: it is over. */
static int table_next(struct table *t)
{
    if (t->next == t->have) {
        t->have = t->left < sizeof t->bytes ? t->left : sizeof t->bytes;
        t->next = 0;
        if (t->have == 0 || !memory_read(t->in->pid, t->at, t->bytes, t->have))
            return -1;
        t->at += t->have;
        t->left -= t->have;
    }
    return t->bytes[t->next++];
}

/* How far an entry of that kind moves the line. */
static int line_moves(unsigned kind, unsigned value)
{
    if (kind >= 10 && kind <= 12)
        return (int)kind - 10;
    if (kind != 13 && kind != 14)
        return 0;
    return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

/* The line of a byte of code; 0: it has none. An entry begins with a byte whose highest bit is set, and with a number in sixes
 * of bits. */
static int line_at(struct table *t, int line, int64_t at)
{
    int64_t end = 0;
    for (int first = table_next(t), byte; first >= 0; first = byte) {
        unsigned kind = (unsigned)first >> 3 & 15, value = 0, shift = 0;
        bool more = true;
        end += ((first & 7) + 1) * 2;
        while ((byte = table_next(t)) >= 0 && !(byte & 0x80)) {
            if (more && shift < 30)
                value |= (unsigned)(byte & 63) << shift;
            shift += 6;
            more = more && byte & 64;
        }
        line += line_moves(kind, value);
        if (at < end)
            return kind == 15 ? 0 : line;
    }
    return 0;
}

/* The same of a table of pairs: so many bytes further, and the line moves so. In pairs it holds for those bytes, and -128 is
 * none; in steps from there on. */
static int line_stepped(struct table *t, enum line_table kind, int line, int64_t at)
{
    int64_t end = 0;
    for (int bytes; (bytes = table_next(t)) >= 0;) {
        int moves = (int8_t)table_next(t);
        end += bytes;
        if (kind == TABLE_STEPS && end > at)
            return line;
        line += moves == -128 && kind == TABLE_PAIRS ? 0 : moves;
        if (kind == TABLE_PAIRS && end > at)
            return moves == -128 ? 0 : line;
    }
    return kind == TABLE_STEPS ? line : 0;
}

/* How many bytes of its code a frame has behind it. */
static int64_t frame_at(const struct interpreter *in, uint64_t frame, uint64_t code)
{
    uint64_t at = word(in, frame + in->layout->frame_at);
    int64_t bytes = in->layout->table == TABLE_SPANS   ? (int64_t)(at - (code + in->layout->code_bytes))
                    : in->layout->table == TABLE_PAIRS ? 2 * (int64_t)(int32_t)at
                                                       : (int32_t)at;
    return bytes < 0 ? 0 : bytes;
}

static int frame_line(const struct interpreter *in, uint64_t frame, uint64_t code)
{
    const struct layout *l = in->layout;
    int32_t first_line = 0;
    uint64_t lines = word(in, code + l->code_table);
    struct table table = { .in = in, .at = lines + BYTES, .left = (size_t)word(in, lines + TYPE_SIZE) };
    if (!lines || table.left > TABLE_AT_MOST || !memory_read(in->pid, code + l->code_first_line, &first_line, sizeof first_line))
        return 0;
    int64_t at = frame_at(in, frame, code);
    return l->table == TABLE_SPANS ? line_at(&table, first_line, at) : line_stepped(&table, l->table, first_line, at);
}

/* ---- texts ---------------------------------------------------------------------------------------------------------------- */

static size_t unit_put(char *to, uint32_t code)
{
    if (code >= ' ' && code < 0x7f) {
        *to = (char)code;
        return 1;
    }
    return (size_t)sprintf(to, code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)code);
}

/* A str, as the dumper writes it. False: it is none. */
static bool text_read(const struct interpreter *in, uint64_t at, char out[10 * NAME_SHOWN + 1])
{
    uint8_t units[4 * NAME_SHOWN];
    uint32_t state = 0;
    uint64_t len = word(in, at + TYPE_SIZE);
    if (!at || !memory_read(in->pid, at + BYTES, &state, sizeof state) || !(state & TEXT_COMPACT))
        return false;
    unsigned kind = (state & TEXT_KIND) >> 2;
    size_t shown = len < NAME_SHOWN ? (size_t)len : NAME_SHOWN;
    uint64_t begin = at + (state & TEXT_ASCII ? in->layout->ascii_size : in->layout->text_size);
    if (len == 0 || len > 4096 || (kind != 1 && kind != 2 && kind != 4) || !memory_read(in->pid, begin, units, shown * kind))
        return false;
    size_t put = 0;
    for (size_t i = 0; i < shown; i++) {
        uint32_t code = 0;
        memcpy(&code, units + i * kind, kind);
        put += unit_put(out + put, code);
    }
    out[put] = 0;
    return true;
}

/* ---- frames --------------------------------------------------------------------------------------------------------------- */

static bool frame_is_code(const struct interpreter *in, uint64_t frame)
{
    uint8_t owner = 0;
    return in->layout->owner_none < 0 || (memory_read(in->pid, frame + in->layout->frame_owner, &owner, 1) &&
                                          owner != in->layout->owner_none);
}

/* False: it makes no sense. */
static bool frame_tell(const struct interpreter *in, uint64_t frame, char *text, size_t size, size_t *len)
{
    char file[10 * NAME_SHOWN + 1], name[10 * NAME_SHOWN + 1], number[16] = "???";
    uint64_t code = word(in, frame + in->layout->frame_code);
    if (!text_read(in, word(in, code + in->layout->code_file), file) ||
        !text_read(in, word(in, code + in->layout->code_name), name))
        return false;
    int line = frame_line(in, frame, code);
    if (line > 0)
        snprintf(number, sizeof number, "%d", line);
    int put = snprintf(text + *len, size - *len, "  File \"%s\", line %s in %s\n", file, number, name);
    if (put > 0 && (size_t)put < size - *len)
        *len += (size_t)put;
    return true;
}

size_t python_lines(const struct interpreter *in, int tid, char *text, size_t size)
{
    uint64_t frames[FRAMES_AT_MOST];
    size_t len = 0;
    int count = 0;
    for (uint64_t f = frame_of(in, tid); f && count < FRAMES_AT_MOST; f = word(in, f + in->layout->frame_previous))
        if (frame_is_code(in, f))
            frames[count++] = f;
    for (int i = 0; i < count; i++)
        if ((i < INNERMOST || i >= count - OUTERMOST) && !frame_tell(in, frames[i], text, size, &len))
            return 0;
    return len;
}
