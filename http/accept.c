/* accept.c - what a client takes. See accept.h. */
#include "http/accept.h"

/* ---- weights ----------------------------------------------------------------------------------------------------------- */

enum { FULL = 1000, UNNAMED = -1 };

/* "0.5" in thousandths (RFC 9110, section 12.4.2); what is no weight is none. */
static int weight(struct bytes text)
{
    int whole = text.len ? text.data[0] - '0' : -1, part = 0, digit = FULL / 10;
    if (whole < 0 || whole > 1 || text.len > 5 || (text.len > 1 && text.data[1] != '.'))
        return 0;
    for (size_t i = 2; i < text.len; i++, digit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        part += (text.data[i] - '0') * digit;
    }
    return whole == 0 ? part : part == 0 ? FULL : 0;
}

/* Takes the parameters off an item: its weight. */
static int take_weight(struct bytes *item)
{
    const char *end = item->len ? memchr(item->data, ';', item->len) : NULL;
    size_t len = end ? (size_t)(end - item->data) : item->len;
    struct bytes rest = { item->data + len, item->len - len }, name, value;
    int q = FULL, rc;
    *item = text_trim((struct bytes){ item->data, len });
    while ((rc = text_parameter(&rest, &name, &value)) > 0)
        if (text_alike(name, "q"))
            q = weight(value);
    return rc < 0 ? 0 : q;
}

enum coding_wish accept_coding(const struct headers *request, const char *coding)
{
    struct bytes list, item;
    int packed = UNNAMED, plain = UNNAMED, others = UNNAMED;
    for (int at = 0; headers_next(request, "accept-encoding", &at, &list);)
        while (text_next(&list, &item)) {
            int q = take_weight(&item);
            bool old = item.len > 2 && text_alike_bytes(item.data, "x-", 2);
            struct bytes name = old ? (struct bytes){ item.data + 2, item.len - 2 } : item;
            int *of = text_alike(name, coding) ? &packed : text_alike(item, "identity") ? &plain : &others;
            if ((of != &others || text_is(item, "*")) && *of < q)
                *of = q;
        }
    if (packed == UNNAMED)
        packed = others;
    if (plain == UNNAMED && others == 0)
        plain = 0;
    if (packed <= 0 || packed < plain)
        return CODING_REFUSED;
    return plain == 0 ? CODING_DEMANDED : CODING_TAKEN;
}

/* ---- types ------------------------------------------------------------------------------------------------------------- */

static bool begins(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len > len && text_alike_bytes(text.data, with, len);
}

static bool ends(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len > len && text_alike_bytes(text.data + text.len - len, with, len);
}

bool type_packs(struct bytes type)
{
    static const char *const types[] = {
        "application/javascript", "application/x-javascript", "application/ecmascript", "application/json", "application/json5",
        "application/x-ndjson", "application/jsonl", "application/xml", "application/graphql", "application/wasm",
        "application/yaml", "application/toml", "application/rtf", "application/sql", "application/x-sh",
        "application/x-www-form-urlencoded", "application/vnd.ms-fontobject", "font/ttf", "font/otf", "font/collection",
        "image/bmp", "image/x-icon", "image/vnd.microsoft.icon",
    };
    const char *end = type.len ? memchr(type.data, ';', type.len) : NULL;
    struct bytes essence = text_trim((struct bytes){ type.data, end ? (size_t)(end - type.data) : type.len });
    if (begins(essence, "text/"))
        return !text_alike(essence, "text/event-stream");
    if (ends(essence, "+json") || ends(essence, "+xml") || ends(essence, "+yaml"))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_alike(essence, types[i]))
            return true;
    return false;
}
