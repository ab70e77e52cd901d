/* cookie.c - cookies. See cookie.h. */
#include "http/cookie.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "http/date.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

bool cookie_next(struct bytes *rest, struct bytes *name, struct bytes *value)
{
    while (rest->len) {
        const char *semicolon = memchr(rest->data, ';', rest->len);
        size_t end = semicolon ? (size_t)(semicolon - rest->data) : rest->len, behind = end + (semicolon != NULL);
        struct bytes one = text_trim((struct bytes){ rest->data, end });
        const char *equals = one.len ? memchr(one.data, '=', one.len) : NULL;
        *rest = (struct bytes){ rest->data + behind, rest->len - behind };
        if (!equals)
            continue;
        *name = text_trim((struct bytes){ one.data, (size_t)(equals - one.data) });
        *value = text_trim((struct bytes){ equals + 1, (size_t)(one.data + one.len - equals - 1) });
        if (name->len)
            return true;
    }
    return false;
}

/* "\054": the byte, or -1. */
static int octal(const char *digits, const char *end)
{
    if (end - digits < 3 || digits[0] < '0' || digits[0] > '3')
        return -1;
    for (int i = 1; i < 3; i++)
        if (digits[i] < '0' || digits[i] > '7')
            return -1;
    return (digits[0] - '0') << 6 | (digits[1] - '0') << 3 | (digits[2] - '0');
}

size_t cookie_value(struct bytes value, char *out)
{
    size_t len = 0;
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"') {
        if (value.len)
            memmove(out, value.data, value.len);
        return value.len;
    }
    const char *end = value.data + value.len - 1;
    for (const char *p = value.data + 1; p < end; p++) {
        int byte = *p == '\\' ? octal(p + 1, end) : -1;
        if (byte >= 0)
            p += 3;
        else if (*p == '\\' && p + 1 < end)
            p++;
        out[len++] = byte >= 0 ? (char)byte : *p;
    }
    return len;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_string(struct text_room *r, const char *string)
{
    text_put(r, text_of(string));
}

/* cookie-octet (RFC 6265, section 4.1.1). */
static bool is_octet(char c)
{
    return c > ' ' && c != '"' && c != ',' && c != ';' && c != '\\' && c != 127;
}

static bool is_attribute(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == ';' || text.data[i] == ' ' || text.data[i] == 127 || (unsigned char)text.data[i] < ' ')
            return false;
    return true;
}

static void put_quoted(struct text_room *r, struct bytes value)
{
    put_string(r, "\"");
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        char escape[] = { '\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)), (char)('0' + (c & 7)) };
        bool plain = is_octet((char)c) || c == ' ';
        text_put(r, plain ? (struct bytes){ &value.data[i], 1 } : (struct bytes){ escape, sizeof escape });
    }
    put_string(r, "\"");
}

static void put_value(struct text_room *r, struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_octet(value.data[i])) {
            put_quoted(r, value);
            return;
        }
    text_put(r, value);
}

static void put_attribute(struct text_room *r, const char *name, struct bytes value)
{
    if (value.len == 0)
        return;
    put_string(r, name);
    text_put(r, value);
}

ssize_t cookie_write(const struct cookie *c, char *out, size_t size)
{
    struct text_room r = { .out = out, .size = size };
    char date[DATE_TEXT], age[32];
    struct bytes site = text_of(c->same_site), path = c->path.len ? c->path : text_of("/");
    if (!text_is_token(c->name) || !is_attribute(path) || !is_attribute(c->domain) || !is_attribute(site))
        return -EINVAL;
    text_put(&r, c->name);
    put_string(&r, "=");
    put_value(&r, c->value);
    put_attribute(&r, "; Path=", path);
    put_attribute(&r, "; Domain=", c->domain);
    if (c->expires)
        put_attribute(&r, "; Expires=", text_of(date_write(c->expires, date)));
    snprintf(age, sizeof age, "%" PRId64, c->max_age < 0 ? 0 : c->max_age);
    if (c->max_age)
        put_attribute(&r, "; Max-Age=", text_of(age));
    put_string(&r, c->secure ? "; Secure" : "");
    put_string(&r, c->http_only ? "; HttpOnly" : "");
    put_attribute(&r, "; SameSite=", site);
    return r.len <= size ? (ssize_t)r.len : -ENOSPC;
}
