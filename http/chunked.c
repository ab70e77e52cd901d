/* chunked.c - a body in chunks. See chunked.h. */
#include "http/chunked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/text_class.h"

enum { SIZE_DIGITS = 16, LINE_MAX_BYTES = 1024 };      /* of a chunk's first line */

/* "1f;name=value": the size; what is behind it may be anything that a field may hold. */
static ssize_t understand_line(struct chunked *c, struct bytes line, int64_t most, struct problem *problem)
{
    size_t digits = 0;
    while (digits < line.len && text_hex(line.data[digits]) >= 0)
        digits++;
    struct bytes size = { line.data, digits }, rest = { line.data + digits, line.len - digits };
    struct bytes behind = text_trim(rest);
    if (digits == 0 || (rest.len && (behind.len == 0 || behind.data[0] != ';')) || !text_is_value(rest))
        return problem_say(problem, 400, "a chunk begins with its size in hexadecimal digits, and nothing else but extensions");
    c->extensions += rest.len;
    if (c->extensions > CHUNK_EXTENSIONS)
        return problem_say(problem, 400, "the extensions of the chunks are larger than is taken");
    if (digits > SIZE_DIGITS * 4 || text_hex_number(size, INT64_MAX, &c->left) < 0 || c->left > most - c->total)
        return problem_say(problem, 413, "the body is larger than is taken");
    return 1;
}

static ssize_t take_line(struct chunked *c, struct bytes seen, int64_t most, struct problem *problem)
{
    size_t looked = seen.len < LINE_MAX_BYTES ? seen.len : LINE_MAX_BYTES;
    const char *end = looked ? memchr(seen.data, '\n', looked) : NULL;
    if (!end && looked == LINE_MAX_BYTES)
        return problem_say(problem, 400, "the first line of a chunk is longer than is taken");
    size_t len = end ? (size_t)(end - seen.data) : looked;
    for (size_t i = 0; i < len; i++)
        if (!(text_class(seen.data[i]) & VALUE) && !(seen.data[i] == '\r' && i + 1 == len))
            return problem_say(problem, 400, "a control byte in the first line of a chunk");
    if (!end)
        return 0;
    if (len == 0 || end[-1] != '\r')
        return problem_say(problem, 400, "a line ends with CR LF, and neither may stand anywhere else");
    ssize_t rc = understand_line(c, (struct bytes){ seen.data, len - 1 }, most, problem);
    if (rc < 0)
        return rc;
    c->state = c->left ? CHUNK_DATA : CHUNK_TRAILERS;
    return (ssize_t)len + 1;
}

static ssize_t take_data(struct chunked *c, struct bytes seen, struct bytes *data)
{
    *data = seen;
    if ((int64_t)seen.len > c->left)
        data->len = (size_t)c->left;
    c->left -= (int64_t)data->len;
    c->total += (int64_t)data->len;
    if (c->left == 0)
        c->state = CHUNK_END;
    return (ssize_t)data->len;
}

static ssize_t take_end(struct chunked *c, struct bytes seen, struct problem *problem)
{
    if ((seen.len && seen.data[0] != '\r') || (seen.len > 1 && seen.data[1] != '\n'))
        return problem_say(problem, 400, "the data of a chunk does not end where its size says");
    if (seen.len < 2)
        return 0;
    c->state = CHUNK_LINE;
    return 2;
}

ssize_t chunked_take(struct chunked *c, struct bytes seen, int64_t most, struct bytes *data, struct problem *problem)
{
    *data = (struct bytes){0};
    if (c->state == CHUNK_LINE)
        return take_line(c, seen, most, problem);
    if (c->state == CHUNK_DATA)
        return take_data(c, seen, data);
    return c->state == CHUNK_END ? take_end(c, seen, problem) : 0;
}

size_t chunked_begin(size_t len, char out[CHUNK_TEXT])
{
    return (size_t)snprintf(out, CHUNK_TEXT, "%zx\r\n", len);
}
