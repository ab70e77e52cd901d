/* fuzz_cookie.c - what a browser sends, and what it is told: a cookie that was written is read back as it was, with no attribute
 * that nobody gave it. The input is a Cookie field; or lines: name, value, path and domain of one to write. */
#include "http/cookie.h"
#include "http/tests/fuzz/fuzz.h"

static void read_all(struct bytes text)
{
    struct bytes rest = text, name, value;
    char *plain = malloc(text.len + 1);
    size_t before = rest.len + 1;
    while (cookie_next(&rest, &name, &value)) {
        MUST(fuzz_inside(name, text.data, text.len) && fuzz_inside(value, text.data, text.len) && rest.len < before);
        before = rest.len;
        MUST(cookie_value(value, plain) <= value.len);
    }
    free(plain);
}

/* One more attribute than were given, and somebody has smuggled it in. */
static size_t attributes(struct bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        MUST((unsigned char)text.data[i] >= ' ' && text.data[i] != 127);
        count += text.data[i] == ';';
    }
    return count;
}

static void write_and_read(struct cookie c)
{
    static char out[16384];
    struct bytes name, value, rest;
    ssize_t len = cookie_write(&c, out, sizeof out);
    MUST(len == -EINVAL || len == -ENOSPC || (len > 0 && (size_t)len <= sizeof out));
    if (len < 0)
        return;
    size_t most = 1 + (c.domain.len > 0) + (c.expires != 0) + (c.max_age != 0) + c.secure + c.http_only + (c.same_site != NULL);
    MUST(attributes((struct bytes){ out, (size_t)len }) == most);
    rest = (struct bytes){ out, (size_t)len };
    MUST(cookie_next(&rest, &name, &value) && text_equal(name, c.name));
    char *plain = malloc(value.len + 1);
    MUST(cookie_value(value, plain) == c.value.len && (c.value.len == 0 || memcmp(plain, c.value.data, c.value.len) == 0));
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *block = fuzz_copy(data, len);
    struct bytes rest = { block, len };
    read_all(rest);
    struct cookie c = { .secure = len & 1, .http_only = len & 2, .same_site = len & 4 ? "Lax" : NULL,
                        .max_age = (int64_t)len - 20, .expires = (int64_t)len * 1000000 };
    c.name = fuzz_cut(&rest, '\n');
    c.value = fuzz_cut(&rest, '\n');
    c.path = fuzz_cut(&rest, '\n');
    c.domain = fuzz_cut(&rest, '\n');
    write_and_read(c);
    free(block);
    return 0;
}
