/* Chunks, taken apart byte after byte. */
#include "http/chunked.h"

#include <string.h>

#include "http/text_class.h"

enum { MOST_LINE = 1024 };

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static ssize_t understand(struct chunked *c, const char *line, size_t len, int64_t most, struct problem *problem)
{
    size_t i = 0, spaces;
    bool large = false;
    for (c->left = 0; i < len && digit_of(line[i]) >= 0; i++) {
        large = large || c->left > (INT64_MAX >> 4);
        c->left = large ? 0 : c->left * 16 + digit_of(line[i]);
    }
    for (spaces = i; spaces < len && (line[spaces] == ' ' || line[spaces] == '\t'); spaces++)
        ;
    if (i == 0 || (i < len && (spaces == len || line[spaces] != ';')))
        return problem_say(problem, 400, "a size, and perhaps extensions");
    c->extensions += len - i;
    if (c->extensions > CHUNK_EXTENSIONS)
        return problem_say(problem, 400, "too many extensions");
    if (large || c->left > most - c->total)
        return problem_say(problem, 413, "too much");
    c->state = c->left ? CHUNK_DATA : CHUNK_TRAILERS;
    return 1;
}

static ssize_t line(struct chunked *c, struct bytes seen, int64_t most, struct problem *problem)
{
    for (size_t i = 0; i < seen.len; i++) {
        if (i == MOST_LINE)
            return problem_say(problem, 400, "a line without end");
        if (seen.data[i] == '\r') {
            if (i + 1 == seen.len)
                return 0;
            if (seen.data[i + 1] != '\n')
                return problem_say(problem, 400, "CR alone");
            ssize_t rc = understand(c, seen.data, i, most, problem);
            return rc < 0 ? rc : (ssize_t)i + 2;
        }
        if (!(text_class(seen.data[i]) & VALUE))
            return problem_say(problem, 400, "a byte that may not stand here");
    }
    return seen.len >= MOST_LINE ? problem_say(problem, 400, "a line without end") : 0;
}

ssize_t chunked_take(struct chunked *c, struct bytes seen, int64_t most, struct bytes *data, struct problem *problem)
{
    *data = (struct bytes){0};
    if (c->state == CHUNK_LINE)
        return line(c, seen, most, problem);
    if (c->state == CHUNK_END) {
        if (seen.len == 0)
            return 0;
        if (seen.data[0] != '\r' || (seen.len > 1 && seen.data[1] != '\n'))
            return problem_say(problem, 400, "the data goes on behind its end");
        if (seen.len == 1)
            return 0;
        c->state = CHUNK_LINE;
        return 2;
    }
    if (c->state != CHUNK_DATA)
        return 0;
    int64_t n = (int64_t)seen.len < c->left ? (int64_t)seen.len : c->left;
    *data = (struct bytes){ seen.data, (size_t)n };
    c->total += n;
    if ((c->left -= n) == 0)
        c->state = CHUNK_END;
    return n;
}

size_t chunked_begin(size_t len, char out[CHUNK_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0, shift = 60;
    while (shift > 0 && len >> shift == 0)
        shift -= 4;
    for (;; shift -= 4) {
        out[used++] = digits[len >> shift & 15];
        if (shift == 0)
            break;
    }
    memcpy(out + used, "\r\n", 2);
    return used + 2;
}
