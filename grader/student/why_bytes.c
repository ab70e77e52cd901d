/* why_bytes.c - what went through read and write, byte by byte: see why.h.
 *
 * Trap: the bytes are the student's, so nothing of them reaches the terminal but as hexadecimal, or a printable
 * character. */
#include <ctype.h>
#include <string.h>

#include "grader/recording.h"
#include "grader/student/why.h"
#include "loop/sys.h"

enum { TRANSFERS = 24, SHOWN = 256, ROW = 16 };

static void put_row(FILE *f, const unsigned char *data, size_t at, size_t len)
{
    fprintf(f, "        %04zx  ", at);
    for (size_t i = 0; i < ROW; i++)
        if (i < len)
            fprintf(f, "%02x%s", data[at + i], i == ROW / 2 - 1 ? "  " : " ");
        else
            fprintf(f, "  %s", i == ROW / 2 - 1 ? "  " : " ");
    fputc(' ', f);
    for (size_t i = 0; i < len; i++)
        fputc(data[at + i] < 128 && isprint(data[at + i]) ? data[at + i] : '.', f);
    fputc('\n', f);
}

static void put_transfer(FILE *f, const char *verb, int fd, const struct wire *w)
{
    fprintf(f, "      %s %d, %u byte%s\n", verb, fd, w->len, w->len == 1 ? "" : "s");
    for (size_t at = 0; at < w->len && at < SHOWN; at += ROW)
        put_row(f, (const unsigned char *)w->data, at, w->len - at < ROW ? w->len - at : ROW);
    if (w->len > SHOWN)
        fprintf(f, "        ... and %u bytes more\n", w->len - SHOWN);
}

/* Shows them when f is not NULL. How many there are. */
static int transfers(FILE *recording, int64_t world, FILE *f, int from)
{
    static struct wire w;
    enum speaker who;
    int count = 0, fd = -1;
    bool begun = world == 0, reading = false;
    while (recording_next(recording, &who, &w)) {
        begun = begun || (w.kind == WIRE_ORDER && w.args[0] == world);
        bool writes = w.kind == WIRE_CALL && w.number == CALL_WRITE;
        bool read = w.kind == WIRE_ANSWER && reading;
        if (w.kind == WIRE_CALL)
            fd = (int)w.args[0];
        reading = w.kind == WIRE_CALL && w.number == CALL_READ;
        if (!begun || !(writes || read) || w.len == 0)
            continue;
        if (f && count >= from)
            put_transfer(f, writes ? "write to" : "read from", fd, &w);
        count++;
    }
    rewind(recording);
    return count;
}

void why_bytes(const struct screen *s, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    int64_t world = recording_last_world(f);
    int count = transfers(f, world, NULL, 0);
    if (count > 0) {
        fprintf(s->f, "\n  ");
        put(s, BOLD, "the bytes");
        fprintf(s->f, "\n\n");
        if (count > TRANSFERS)
            fprintf(s->f, "      ... %d transfers before ...\n", count - TRANSFERS);
        transfers(f, world, s->f, count - TRANSFERS);
    }
    fclose(f);
}
