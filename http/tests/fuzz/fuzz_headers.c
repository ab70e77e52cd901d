/* fuzz_headers.c - the values of fields: lists, parameters, quoted strings; and fields that are put together. The input's first
 * line is a name, the second a value, the others are fields.
 *
 * What headers_add takes is one field to whoever reads what was written, and the same. */
#include "http/forwarded.h"
#include "http/tests/fuzz/fuzz.h"

enum { ROOM = 6, MOST = 1024, WRITTEN = 2 * MOST };

static void check_list(struct bytes text)
{
    struct bytes rest = text, item;
    size_t before = rest.len + 1;
    while (text_next(&rest, &item)) {
        MUST(item.len && fuzz_inside(item, text.data, text.len) && rest.len < before && text_equal(item, text_trim(item)));
        before = rest.len;
    }
    MUST(rest.len == 0);
}

static void check_parameters(struct bytes text)
{
    struct bytes rest = text, name, value;
    size_t before = rest.len + 1;
    char *plain = malloc(text.len + 1);
    int rc;
    while ((rc = text_parameter(&rest, &name, &value)) > 0) {
        MUST(text_is_token(name) && fuzz_inside(value, text.data, text.len) && rest.len < before);
        MUST(text_unquote(value, plain) <= value.len);
        before = rest.len;
    }
    MUST(rc == 0 || rc == -EINVAL);
    MUST(text_unquote(text, plain) <= text.len);
    free(plain);
}

static void check_numbers(struct bytes text)
{
    char again[32];
    int64_t n;
    int rc = text_number(text, INT64_MAX, &n);
    MUST(rc == 0 || rc == -EINVAL || rc == -ERANGE);
    if (rc == 0)
        MUST(n >= 0 && (size_t)snprintf(again, sizeof again, "%lld", (long long)n) <= text.len);
    rc = text_hex_number(text, 4096, &n);
    MUST(rc == 0 ? n >= 0 && n <= 4096 : rc == -EINVAL || rc == -ERANGE);
}

/* Whoever is not trusted says nothing; who is says an address, or nothing. */
static void check_forwarded(struct bytes name, struct bytes value)
{
    struct header field = { name, value };
    struct headers h = { .at = &field, .count = 1, .room = 1 };
    struct trusted all = {0}, none = {0}, listed = {0};
    struct bytes wrong = {0};
    struct address peer, remote, said;
    bool secure = false;
    MUST(trusted_add(&all, text_of("0.0.0.0/0, ::/0"), &wrong) == 0);
    MUST(forwarded_address(text_of("10.0.0.1"), &peer) == 0);
    remote = peer;
    forwarded_read(&none, &h, &remote, &secure);
    MUST(!secure && memcmp(&remote, &peer, sizeof peer) == 0);
    forwarded_read(&all, &h, &remote, &secure);
    MUST(trusted_has(&all, &remote));
    MUST(forwarded_address(value, &said) == -EINVAL || trusted_has(&all, &said));
    int rc = trusted_add(&listed, value, &wrong);
    MUST(rc == 0 || ((rc == -EINVAL || rc == -ENOSPC) && fuzz_inside(wrong, value.data, value.len)));
    MUST(listed.count >= 0 && listed.count <= TRUSTED_BLOCKS);
}

static void check_written(const struct headers *h)
{
    static char out[WRITTEN + 2];
    struct header fields[ROOM];
    struct headers again = { .at = fields, .room = ROOM };
    struct problem problem;
    size_t len = headers_write(h, out, WRITTEN);
    if (len > WRITTEN)
        return;
    memcpy(out + len, "\r\n", 2);
    MUST(parse_fields((struct bytes){ out, len + 2 }, NULL, &again, &problem) == (ssize_t)len + 2);
    MUST(again.count == h->count);
    for (int i = 0; i < h->count; i++)
        MUST(text_equal(again.at[i].name, h->at[i].name) && text_equal(again.at[i].value, h->at[i].value));
}

static void check_fields(struct bytes rest, struct bytes name, struct bytes value)
{
    struct header fields[ROOM];
    struct headers h = { .at = fields, .room = ROOM };
    char asked[MOST + 1];
    int rc = headers_add(&h, name, value);
    MUST(rc == -EINVAL || (rc == 0 && h.count == 1));
    MUST(rc < 0 || (text_is_token(name) && text_is_value(value)));
    while (rest.len) {
        struct bytes field = fuzz_cut(&rest, '\n'), each = fuzz_cut(&field, ':');
        headers_add(&h, each, field);
    }
    MUST(h.count <= ROOM);
    check_written(&h);
    if (rc < 0)
        return;
    snprintf(asked, sizeof asked, "%.*s", (int)name.len, name.data);
    int count = headers_count(&h, asked);
    MUST(count >= 1 && text_equal(headers_get(&h, asked), text_trim(value)) && headers_remove(&h, asked) == count);
    MUST(headers_get(&h, asked).data == NULL && !headers_list(&h, asked, "a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len > MOST)
        len = MOST;
    char *block = fuzz_copy(data, len);
    struct bytes rest = { block, len }, name = fuzz_cut(&rest, '\n'), value = fuzz_cut(&rest, '\n');
    check_list(value);
    check_parameters(value);
    check_numbers(value);
    check_forwarded(name, value);
    check_fields(rest, name, value);
    free(block);
    return 0;
}
