/* Chunks as a tutorial takes them apart: a number, the data, and on to the next line. */
#include "http/chunked.h"

#include <stdio.h>
#include <string.h>

ssize_t chunked_take(struct chunked *c, struct bytes seen, int64_t most, struct bytes *data, struct problem *problem)
{
    *data = (struct bytes){0};
    if (c->state == CHUNK_DATA) {
        data->data = seen.data;
        data->len = (int64_t)seen.len < c->left ? seen.len : (size_t)c->left;
        c->left -= (int64_t)data->len;
        c->total += (int64_t)data->len;
        if (c->left == 0)
            c->state = CHUNK_END;
        return (ssize_t)data->len;
    }
    if (c->state == CHUNK_END) {
        if (seen.len < 2)
            return 0;
        c->state = CHUNK_LINE;
        return 2;
    }
    const char *end = c->state == CHUNK_LINE && seen.len ? memchr(seen.data, '\n', seen.len) : NULL;
    if (!end)
        return 0;
    c->left = 0;
    for (const char *at = seen.data; at < end && text_hex(*at) >= 0; at++)
        c->left = c->left * 16 + text_hex(*at);
    if (c->left > most)
        return problem_say(problem, 413, "too large");
    c->state = c->left ? CHUNK_DATA : CHUNK_TRAILERS;
    return end + 1 - seen.data;
}

size_t chunked_begin(size_t len, char out[CHUNK_TEXT])
{
    return (size_t)snprintf(out, CHUNK_TEXT, "%zx\r\n", len);
}
