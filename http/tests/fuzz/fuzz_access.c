/* fuzz_access.c - lines of an access log: whatever strangers say, a line is one line, of visible bytes, and no longer than it
 * may be. The input's lines are a method, a target, a referer and a browser. */
#include "http/access_line.h"
#include "http/tests/fuzz/fuzz.h"

/* Quotes that begin and end what is shown: of the common form 2, of the combined one 6. */
static int bare_quotes(struct bytes line)
{
    int count = 0;
    for (size_t i = 0; i < line.len; i++) {
        count += line.data[i] == '"';
        if (line.data[i] == '\\')
            i++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const int quotes[] = { [ACCESS_COMMON] = 2, [ACCESS_COMBINED] = 6 };
    char *block = fuzz_copy(data, len), out[ACCESS_LINE];
    struct bytes rest = { block, len };
    struct access_line line = { .remote = text_of("192.0.2.1"), .time = (int64_t)len * SECOND, .version = 11, .status = 200,
                                .bytes = len & 1 ? (int64_t)len : 0, .complete = len & 2 };
    line.method = fuzz_cut(&rest, '\n');
    line.target = fuzz_cut(&rest, '\n');
    struct bytes referer = fuzz_cut(&rest, '\n');
    struct header fields[] = { { text_of("Referer"), referer }, { text_of("User-Agent"), rest } };
    line.headers = &(struct headers){ .at = fields, .count = 2, .room = 2 };
    for (int format = ACCESS_COMMON; format <= ACCESS_JSON; format++) {
        struct access_clock clock = {0};
        size_t n = access_line_write(&line, (enum access_format)format, &clock, out);
        MUST(n > 0 && n <= ACCESS_LINE && out[n - 1] == '\n');
        for (size_t i = 0; i + 1 < n; i++)
            MUST(out[i] >= ' ' && out[i] < 127);
        MUST(format == ACCESS_JSON ? out[0] == '{' && out[n - 2] == '}'
                                   : bare_quotes((struct bytes){ out, n }) == quotes[format]);
    }
    free(block);
    return 0;
}
