/* headers.c - the fields of a message. See headers.h. */
#include "http/headers.h"

#include <errno.h>
#include <string.h>

int headers_add(struct headers *h, struct bytes name, struct bytes value)
{
    if (!text_is_token(name) || !text_is_value(value))
        return -EINVAL;
    if (h->count == h->room)
        return -ENOSPC;
    h->at[h->count++] = (struct header){ name, text_trim(value) };
    return 0;
}

bool headers_next(const struct headers *h, const char *name, int *at, struct bytes *value)
{
    while (*at < h->count) {
        const struct header *each = &h->at[(*at)++];
        if (text_alike(each->name, name)) {
            *value = each->value;
            return true;
        }
    }
    return false;
}

struct bytes headers_get(const struct headers *h, const char *name)
{
    struct bytes value = {0};
    int at = 0;
    headers_next(h, name, &at, &value);
    return value;
}

int headers_count(const struct headers *h, const char *name)
{
    struct bytes value;
    int at = 0, count = 0;
    while (headers_next(h, name, &at, &value))
        count++;
    return count;
}

bool headers_list(const struct headers *h, const char *name, const char *item)
{
    struct bytes value;
    int at = 0;
    while (headers_next(h, name, &at, &value))
        if (text_lists(value, item))
            return true;
    return false;
}

int headers_remove(struct headers *h, const char *name)
{
    int kept = 0, count = h->count;
    for (int i = 0; i < count; i++)
        if (!text_alike(h->at[i].name, name))
            h->at[kept++] = h->at[i];
    h->count = kept;
    return count - kept;
}

static size_t put(struct bytes text, char *out, size_t size, size_t at)
{
    if (text.len && at < size)
        memcpy(out + at, text.data, text.len < size - at ? text.len : size - at);
    return at + text.len;
}

size_t headers_write(const struct headers *h, char *out, size_t size)
{
    size_t len = 0;
    for (int i = 0; i < h->count; i++) {
        len = put(h->at[i].name, out, size, len);
        len = put(text_of(": "), out, size, len);
        len = put(h->at[i].value, out, size, len);
        len = put(text_of("\r\n"), out, size, len);
    }
    return len;
}
