/* verdict.c - what our parsers find in what stands on standard input, for test_differential.py: cases one behind the other, each
 * a letter ('r' requests, 'a' an answer), its length in decimal, a line's end, and its bytes. A line for each on standard
 * output:
 *
 *     END<tab>WHY<tab>MESSAGE<tab>MESSAGE...     END: ok, more (must come), refused; a message: its line, '|', its body in hex
 *
 * The trap it exists for: a comparison of servers compares their applications. */
#include "http/tests/fuzz/fuzz.h"
#include "http/tests/fuzz/model.h"

enum { FIELDS = 100, MOST = 1 << 20 };

struct verdict {
    const char *end, *why;
    struct said messages;
};

static void add_message(struct verdict *v, const char *line, struct bytes body)
{
    char hex[4];
    said_add(&v->messages, "\t", 1);
    said_add(&v->messages, line, strlen(line));
    said_add(&v->messages, "|", 1);
    for (size_t i = 0; i < body.len; i++)
        said_add(&v->messages, hex, (size_t)snprintf(hex, sizeof hex, "%02x", (unsigned char)body.data[i]));
}

/* A body behind its head: its length with all that is around it, or -1, and the verdict says why. */
static ssize_t take_body(struct verdict *v, const struct head *head, struct bytes rest, struct said *body)
{
    struct problem problem = {0};
    ssize_t n = model_body(head, rest, MOST, body, &problem);
    if (n < 0 && problem.why) {
        v->end = "refused";
        v->why = problem.why;
    } else if (n < 0) {
        v->end = "more";
    }
    return n;
}

/* The next message: its length, or -1: it is the last. */
static ssize_t take_message(struct verdict *v, char letter, struct bytes rest, bool *more)
{
    static struct said body;
    struct header fields[FIELDS];
    struct head head = { .headers = { .at = fields, .room = FIELDS } };
    struct problem problem = {0};
    char *block = fuzz_copy(rest.data, rest.len), line[1024];
    ssize_t length = -1, n = letter == 'r' ? parse_request((struct bytes){ block, rest.len }, NULL, &head, &problem)
                                           : parse_response(block, rest.len, text_of("GET"), NULL, &head, &problem);
    v->end = n < 0 ? "refused" : n == 0 ? "more" : "ok";
    v->why = problem.why ? problem.why : "";
    bool interim = letter == 'a' && head.status < 200;
    if (n > 0)
        length = take_body(v, &head, (struct bytes){ block + n, rest.len - (size_t)n }, &body);
    if (letter == 'r')
        snprintf(line, sizeof line, "%.*s %.*s", (int)head.method.len, head.method.data, (int)head.target.len, head.target.data);
    else
        snprintf(line, sizeof line, "%d", head.status);
    if (length >= 0 && !interim)
        add_message(v, line, (struct bytes){ body.text, body.len });
    *more = length >= 0 && (letter == 'r' ? head.keep_alive : interim && head.status != 101);
    free(block);
    return length < 0 ? -1 : n + length;
}

static void judge(char letter, struct bytes rest)
{
    static struct verdict v;
    v = (struct verdict){ .end = "ok", .why = "" };
    for (bool more = true; more && rest.len;) {
        ssize_t n = take_message(&v, letter, rest, &more);
        if (n > 0)
            rest = (struct bytes){ rest.data + n, rest.len - (size_t)n };
    }
    printf("%s\t%s%s\n", v.end, v.why, v.messages.text);
}

int main(void)
{
    char letter;
    size_t len;
    while (scanf("%c%zu", &letter, &len) == 2) {
        char *text = malloc(len + 1);
        MUST(getchar() == '\n' && fread(text, 1, len, stdin) == len);
        judge(letter, (struct bytes){ text, len });
        free(text);
    }
    return 0;
}
