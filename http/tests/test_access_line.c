/* test_access_line.c - a line of an access log: its bytes, and that nobody else can make one.
 *
 * What a line says is read back here by readers of its own, and must be what was put in; in between there is nothing that a
 * terminal obeys. EDDY_SEEDS: how many random lines, and fewer of the others. */
#include "http/access_line.h"

#include <stdio.h>

#include "loop/tests/support.h"

#define NOON (INT64_C(784111777) * SECOND)

static char out[ACCESS_LINE + 1];
static struct header fields[2];         /* what the line has of them */
static struct headers headers = { .at = fields, .room = 2 };

static void says_of_itself(struct bytes referer, struct bytes agent)
{
    headers.count = 0;
    if (referer.data)
        fields[headers.count++] = (struct header){ text_of("Referer"), referer };
    if (agent.data)
        fields[headers.count++] = (struct header){ text_of("user-agent"), agent };
}

static const char *line_of(struct access_line line, enum access_format format)
{
    struct access_clock clock = {0};
    size_t len = access_line_write(&line, format, &clock, out);
    ck_assert_uint_le(len, ACCESS_LINE);
    out[len] = '\0';
    return out;
}

static struct access_line usual(void)
{
    says_of_itself((struct bytes){0}, text_of("curl/8.5 (x)"));
    return (struct access_line){ .remote = text_of("192.0.2.7"), .time = NOON + 123 * MILLISECOND, .duration = 240999,
                                 .method = text_of("GET"), .target = text_of("/a?b=c"), .version = 11, .status = 200, .bytes = 13,
                                 .headers = &headers, .complete = true };
}

/* ---- what it looks like ---------------------------------------------------------------------------------------------- */

START_TEST(common_and_combined_are_apaches_to_the_byte)
{
    struct access_line line = usual();
    ck_assert_str_eq(line_of(line, ACCESS_COMMON),
                     "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 13\n");
    ck_assert_str_eq(line_of(line, ACCESS_COMBINED),
                     "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 13 \"-\" \"curl/8.5 (x)\"\n");
    line.bytes = 0;
    line.version = 10;
    line.status = 304;
    says_of_itself((struct bytes){ "", 0 }, text_of("curl/8.5 (x)"));
    ck_assert_str_eq(line_of(line, ACCESS_COMBINED),
                     "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.0\" 304 - \"\" \"curl/8.5 (x)\"\n");
}
END_TEST

START_TEST(json_has_its_keys_in_one_order)
{
    struct access_line line = usual();
    ck_assert_str_eq(line_of(line, ACCESS_JSON),
                     "{\"time\":\"1994-11-06T08:49:37.123Z\",\"remote\":\"192.0.2.7\",\"method\":\"GET\",\"target\":\"/a?b=c\","
                     "\"status\":200,\"bytes\":13,\"duration_us\":240,\"referer\":null,\"agent\":\"curl/8.5 (x)\","
                     "\"complete\":true}\n");
    line.bytes = 0;
    line.complete = false;
    ck_assert_ptr_nonnull(strstr(line_of(line, ACCESS_JSON), "\"bytes\":0,"));
    ck_assert_ptr_nonnull(strstr(out, "\"complete\":false}\n"));
}
END_TEST

START_TEST(what_could_not_be_read_is_shown_as_far_as_its_first_line_goes)
{
    struct access_line line = { .remote = text_of("::1"), .time = NOON, .target = text_of("GET  / HTTP/1.1"), .status = 400 };
    ck_assert_str_eq(line_of(line, ACCESS_COMMON), "::1 - - [06/Nov/1994:08:49:37 +0000] \"GET  / HTTP/1.1\" 400 -\n");
    ck_assert_ptr_nonnull(strstr(line_of(line, ACCESS_JSON), "\"method\":null,\"target\":\"GET  / HTTP/1.1\","));
    line.target = line.remote = (struct bytes){ "", 0 };
    ck_assert_str_eq(line_of(line, ACCESS_COMMON), "- - - [06/Nov/1994:08:49:37 +0000] \"-\" 400 -\n");
    ck_assert_ptr_nonnull(strstr(line_of(line, ACCESS_JSON), "\"remote\":null,\"method\":null,\"target\":null,"));
}
END_TEST

START_TEST(a_second_is_written_once_and_is_the_right_one)
{
    static const struct { int64_t time; const char *common, *json; } moments[] = {
        { 0, "[01/Jan/1970:00:00:00 +0000]", "\"1970-01-01T00:00:00.000Z\"" },
        { SECOND - 1, "[01/Jan/1970:00:00:00 +0000]", "\"1970-01-01T00:00:00.999Z\"" },
        { SECOND, "[01/Jan/1970:00:00:01 +0000]", "\"1970-01-01T00:00:01.000Z\"" },
        { -1, "[31/Dec/1969:23:59:59 +0000]", "\"1969-12-31T23:59:59.999Z\"" },
        { NOON, "[06/Nov/1994:08:49:37 +0000]", "\"1994-11-06T08:49:37.000Z\"" },
        { INT64_C(951782400) * SECOND, "[29/Feb/2000:00:00:00 +0000]", "\"2000-02-29T00:00:00.000Z\"" },
        { INT64_C(1764547199) * SECOND, "[30/Nov/2025:23:59:59 +0000]", "\"2025-11-30T23:59:59.000Z\"" },
    };
    struct access_clock common = {0}, json = {0};
    struct access_line line = usual();
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        line.time = moments[i].time;
        out[access_line_write(&line, ACCESS_COMMON, &common, out)] = '\0';
        ck_assert_msg(strstr(out, moments[i].common) != NULL, "%s", out);
        out[access_line_write(&line, ACCESS_JSON, &json, out)] = '\0';
        ck_assert_msg(strstr(out, moments[i].json) != NULL, "%s", out);
    }
}
END_TEST

/* ---- strangers ------------------------------------------------------------------------------------------------------- */

static int hex(const char *at)
{
    char digits[3] = { at[0], at[1], '\0' };
    return (int)strtol(digits, NULL, 16);
}

/* Reads one written text up to its closing quote: what was put in. */
static void read_back(const char *at, bool json, char *text, size_t *len)
{
    for (*len = 0; *at != '"'; (*len)++) {
        MUST(*at >= ' ' && *at < 127);
        if (*at != '\\') {
            text[*len] = *at++;
        } else if (json && at[1] != 'u') {
            MUST(at[1] == '"' || at[1] == '\\');
            text[*len] = at[1];
            at += 2;
        } else {
            MUST(json ? memcmp(at, "\\u00", 4) == 0 : at[1] == 'x');
            text[*len] = (char)hex(at + (json ? 4 : 2));
            at += json ? 6 : 4;
        }
    }
}

/* As read_back, of what stands behind `key`. */
static void says(const char *key, struct bytes expected, bool json)
{
    char text[ACCESS_LINE];
    size_t len;
    const char *at = strstr(out, key);
    MUST(at);
    read_back(at + strlen(key), json, text, &len);
    if (len != expected.len || memcmp(text, expected.data, len) != 0)
        ck_abort_msg("%s: not what was put in", out);
}

/* It is one line, whatever is in it. */
static void is_one_line(void)
{
    size_t len = strlen(out);
    MUST(len && strchr(out, '\n') == out + len - 1);
}

static void all_formats_say(struct bytes text)
{
    struct access_line line = usual();
    line.target = text;
    says_of_itself(text, text);
    line_of(line, ACCESS_JSON);
    is_one_line();
    says("\"target\":\"", text, true);
    says("\"referer\":\"", text, true);
    says("\"agent\":\"", text, true);
    line_of(line, ACCESS_COMBINED);
    is_one_line();
    says("200 13 \"", text, false);
    line.method = (struct bytes){0};
    line_of(line, ACCESS_COMMON);
    is_one_line();
    says("+0000] \"", text, false);
}

START_TEST(no_byte_anywhere_ends_a_field_or_a_line)
{
    char text[20];
    int step = getenv("EDDY_SEEDS") ? 13 : 1;
    for (int c = 0; c < 256; c += c < 128 ? 1 : step)
        for (size_t len = 1; len <= sizeof text; len += 1 + (size_t)(c % step)) {
            memset(text, 'a', sizeof text);
            text[len - 1] = (char)c;
            all_formats_say((struct bytes){ text, len });
            text[0] = (char)c;
            all_formats_say((struct bytes){ text, len });
        }
}
END_TEST

START_TEST(a_method_and_an_address_are_looked_at_too)
{
    struct access_line line = usual();
    line.method = text_of("G\"\n");
    line.remote = text_of("unix:\x1b[2J");
    ck_assert_str_eq(line_of(line, ACCESS_COMMON),
                     "unix:\\x1B[2J - - [06/Nov/1994:08:49:37 +0000] \"G\\x22\\x0A /a?b=c HTTP/1.1\" 200 13\n");
    ck_assert_ptr_nonnull(strstr(line_of(line, ACCESS_JSON), "\"remote\":\"unix:\\u001B[2J\",\"method\":\"G\\\"\\u000A\","));
}
END_TEST

START_TEST(what_is_long_is_cut_and_the_line_fits)
{
    static char text[70000];
    static const char fills[] = { 'a', '\x01', '"', '\xff' };
    size_t step = getenv("EDDY_SEEDS") ? 37 : 1;
    for (size_t i = 0; i < sizeof fills; i++)
        for (size_t len = 1; len <= sizeof text; len += len < 2000 ? step : 30000) {
            memset(text, fills[i], len);
            struct access_line line = usual();
            line.remote = line.method = line.target = (struct bytes){ text, len };
            says_of_itself(line.target, line.target);
            line.status = 999;
            line.bytes = line.duration = INT64_MAX;
            for (enum access_format format = ACCESS_COMMON; format <= ACCESS_JSON; format++) {
                line_of(line, format);
                is_one_line();
                MUST(len < 2000 || strstr(out, "..."));
            }
        }
}
END_TEST

START_TEST(a_text_is_cut_between_what_stands_for_its_bytes)
{
    char text[900];
    struct access_line line = usual();
    for (size_t a = 0; a < 8; a++) {
        memset(text, 'a', a);
        memset(text + a, '\x02', sizeof text - a);
        says_of_itself((struct bytes){0}, (struct bytes){ text, sizeof text });
        line_of(line, ACCESS_JSON);
        char *at = strstr(out, "...\",\"complete\"");
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(memcmp(at - 6, "\\u0002", 6), 0);
        line_of(line, ACCESS_COMBINED);
        at = strstr(out, "...\"\n");
        ck_assert_ptr_nonnull(at);
        ck_assert_int_eq(memcmp(at - 4, "\\x02", 4), 0);
    }
}
END_TEST

START_TEST(random_texts_are_read_back_as_they_were)
{
    const char *asked = getenv("EDDY_SEEDS");
    int times = asked ? atoi(asked) : 20000;
    uint64_t seed = 88172645463325252;
    char text[120];
    for (int i = 0; i < times; i++) {
        size_t len = 1 + seed % (sizeof text - 1);
        for (size_t k = 0; k < len; k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            text[k] = (char)(seed % 8 ? ' ' + seed / 8 % 95 : seed / 8);
        }
        char *exact = malloc(len);      /* who looks behind it is caught */
        memcpy(exact, text, len);
        all_formats_say((struct bytes){ exact, len });
        free(exact);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        common_and_combined_are_apaches_to_the_byte,
        json_has_its_keys_in_one_order,
        what_could_not_be_read_is_shown_as_far_as_its_first_line_goes,
        a_second_is_written_once_and_is_the_right_one,
        no_byte_anywhere_ends_a_field_or_a_line,
        a_method_and_an_address_are_looked_at_too,
        what_is_long_is_cut_and_the_line_fits,
        a_text_is_cut_between_what_stands_for_its_bytes,
        random_texts_are_read_back_as_they_were,
        NULL
    };
    Suite *suite = suite_create("access line");
    add_tests(suite, "access line", tests, 0);
    return run_suite(suite);
}
