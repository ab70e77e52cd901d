/* replies.h - what a client hears, as words: for the probe and for the judge, each of which has its own copy.
 *
 *     200,hello               a reply and its body, as data.h writes bytes; 204 or a reply to HEAD: 204, 200
 *     200/close,hello         it says that the connection ends behind it; /keep: it says that it stays
 *     403                     of 400 and above only the status: what its text says is nobody's contract
 *     end, reset              the connection
 *     rubbish                 no reply
 *
 * The trap it exists for: a client that is more patient than those of the world. A reply that is one byte too long is the
 * beginning of the next one here, too. */
#ifndef EDDY_LABS_06_REPLIES_H
#define EDDY_LABS_06_REPLIES_H

#include <strings.h>

#include "grader/data.h"

enum { REPLY_WORD = 96 };

struct reply_head {
    int status;
    size_t len, length;             /* of the head; of the body */
    bool has_length, chunked, close, keep;
};

/* The value of that field, in a head that ends with an empty line; NULL: it has none. */
static inline const char *reply_field(const char *head, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
            return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
    return NULL;
}

/* Whether a whole head is there: 1, 0, or -1 for rubbish. `bytes` ends with a zero. */
static inline int reply_head_read(const char *bytes, size_t len, struct reply_head *h)
{
    const char *end = strstr(bytes, "\r\n\r\n"), *value;
    *h = (struct reply_head){0};
    if (strncmp(bytes, "HTTP/1.1 ", len < 9 ? len : 9) != 0)
        return -1;
    if (!end)
        return 0;
    h->len = (size_t)(end - bytes) + 4;
    h->status = atoi(bytes + 9);
    value = reply_field(bytes, "Content-Length");
    h->has_length = value != NULL;
    h->length = value ? strtoul(value, NULL, 10) : 0;
    value = reply_field(bytes, "Transfer-Encoding");
    h->chunked = value && strncmp(value, "chunked\r", 8) == 0;
    value = reply_field(bytes, "Connection");
    h->close = value && strncmp(value, "close\r", 6) == 0;
    h->keep = value && strncmp(value, "keep-alive\r", 11) == 0;
    return h->status >= 100 && h->status <= 999 ? 1 : -1;
}

/* Takes chunks apart, into `out`, which has room for len bytes: how many bytes they have, 0: more must come, -1 for rubbish. */
static inline int64_t reply_chunks(const char *bytes, size_t len, char *out, size_t *body)
{
    size_t at = 0;
    *body = 0;
    for (;;) {
        const char *line = memmem(bytes + at, len - at, "\r\n", 2);
        if (!line)
            return 0;
        size_t size = strtoul(bytes + at, NULL, 16);
        at = (size_t)(line - bytes) + 2;
        if (size > len || len - at < size + 2)
            return 0;
        if (memcmp(bytes + at + size, "\r\n", 2) != 0)
            return -1;
        memcpy(out + *body, bytes + at, size);
        *body += size;
        at += size + 2;
        if (size == 0)
            return (int64_t)at;
    }
}

static inline void reply_word(const struct reply_head *h, const char *body, size_t len, char out[REPLY_WORD])
{
    char text[DATA_TEXT];
    int used = snprintf(out, REPLY_WORD, "%d%s", h->status, h->close ? "/close" : h->keep ? "/keep" : "");
    if (len && h->status < 400)
        snprintf(out + used, REPLY_WORD - (size_t)used, ",%s", data_text(body, len, text));
}

/* The first reply of what was heard, which ends with a zero: how many bytes it has, and its word; 0: more must come. `head`: it
 * answers a HEAD. `ended`: no more will come. */
static inline size_t reply_read(const char *bytes, size_t len, bool head, bool ended, char word[REPLY_WORD])
{
    struct reply_head h;
    size_t body = 0;
    int rc = len ? reply_head_read(bytes, len, &h) : 0;
    bool bare = rc > 0 && (head || h.status < 200 || h.status == 204 || h.status == 304);
    if (rc < 0) {
        strcpy(word, "rubbish");
        return len;
    }
    if (rc == 0)
        return 0;
    if (bare) {
        reply_word(&h, NULL, 0, word);
        return h.len;
    }
    if (h.chunked) {
        char *out = malloc(len + 1);
        int64_t n = out ? reply_chunks(bytes + h.len, len - h.len, out, &body) : -1;
        if (n > 0)
            reply_word(&h, out, body, word);
        else if (n < 0)
            strcpy(word, "rubbish");
        free(out);
        return n > 0 ? h.len + (size_t)n : n < 0 ? len : 0;
    }
    body = h.has_length ? h.length : len - h.len;
    if (len - h.len < body || (!h.has_length && !ended))
        return 0;
    reply_word(&h, bytes + h.len, body, word);
    return h.len + body;
}

#endif
