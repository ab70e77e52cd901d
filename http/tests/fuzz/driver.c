/* driver.c - runs a target without libFuzzer: the texts of its corpus, then texts made of them, the same ones each time. As TAP.
 *
 *     fuzz_url                         so many inputs as FUZZ_INPUTS says (5000)
 *     fuzz_url -unpack DIR             writes its corpus into files, and the words into DIR.dict: for libFuzzer
 *     fuzz_url -input FILE             one input, as libFuzzer leaves it
 *
 * A corpus is corpus/NAME.txt: a text a line, with \r \n \t \0 \\ \xHH; lines that begin with # are for the reader. When
 * something does not hold, the input is printed as such a line, to be added there. The trap it exists for: a fuzzer that needs
 * what is not installed is never run. */
#include <signal.h>
#include <unistd.h>

#include "http/tests/fuzz/fuzz.h"

enum { MOST_TEXTS = 256, MOST_LEN = 1024 };

struct text {
    uint8_t data[MOST_LEN];
    size_t len;
};

struct texts {
    struct text at[MOST_TEXTS];
    int count;
};

static struct texts corpus, words;
static struct text now;                 /* what the target has */
static long number;
static uint64_t chance;

/* The sanitizers end as abort() does, so that on_abort has its say. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

/* ---- texts ----------------------------------------------------------------------------------------------------------- */

static const char escape_names[] = "rnt\\0", escape_bytes[] = "\r\n\t\\";

static uint8_t read_escape(const char **at)
{
    const char *name = strchr(escape_names, *(*at)++);
    unsigned n;
    if (name && *name)
        return (uint8_t)escape_bytes[name - escape_names];
    MUST((*at)[-1] == 'x' && sscanf(*at, "%2x", &n) == 1);
    *at += 2;
    return (uint8_t)n;
}

static void read_line(struct text *t, const char *at)
{
    for (t->len = 0; *at && *at != '\n'; t->len++) {
        MUST(t->len < MOST_LEN);
        bool escape = *at == '\\';
        at += escape;
        t->data[t->len] = escape ? read_escape(&at) : (uint8_t)*at++;
    }
}

static void print_line(const struct text *t)
{
    for (size_t i = 0; i < t->len; i++) {
        uint8_t c = t->data[i];
        const char *escape = c ? strchr(escape_bytes, c) : NULL;
        if (escape)
            fprintf(stderr, "\\%c", escape_names[escape - escape_bytes]);
        else
            fprintf(stderr, c >= ' ' && c < 127 ? "%c" : "\\x%02x", c);
    }
    fputc('\n', stderr);
}

static void read_texts(struct texts *all, const char *name)
{
    char path[256], line[4 * MOST_LEN];
    snprintf(path, sizeof path, "http/tests/fuzz/corpus/%s.txt", name);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "%s cannot be read: run it from the top of the tree\n", path);
        exit(2);
    }
    while (fgets(line, sizeof line, f))
        if (line[0] != '#' && line[0] != '\n') {
            MUST(all->count < MOST_TEXTS);
            read_line(&all->at[all->count++], line);
        }
    fclose(f);
}

static void unpack(const char *dir)
{
    char path[512];
    for (int i = 0; i < corpus.count; i++) {
        snprintf(path, sizeof path, "%s/%03d", dir, i);
        FILE *f = fopen(path, "w");
        MUST(f && fwrite(corpus.at[i].data, 1, corpus.at[i].len, f) == corpus.at[i].len && fclose(f) == 0);
    }
    snprintf(path, sizeof path, "%s.dict", dir);
    FILE *f = fopen(path, "w");
    MUST(f != NULL);
    for (int i = 0; i < words.count; i++) {
        fputc('"', f);
        for (size_t at = 0; at < words.at[i].len; at++)
            fprintf(f, "\\x%02X", words.at[i].data[at]);
        fputs("\"\n", f);
    }
    MUST(fclose(f) == 0);
}

/* ---- inputs ---------------------------------------------------------------------------------------------------------- */

static size_t below(size_t n)
{
    return fuzz_below(&chance, n);
}

/* `len` bytes at `at` make room for others, as far as there is room. */
static void replace(struct text *t, size_t at, size_t len, const uint8_t *data, size_t count)
{
    if (t->len - len + count > MOST_LEN)
        return;
    memmove(t->data + at + count, t->data + at + len, t->len - at - len);
    if (count)
        memcpy(t->data + at, data, count);
    t->len = t->len - len + count;
}

static void mutate(struct text *t)
{
    uint8_t piece[16], byte;
    size_t at = below(t->len + 1), len = 1 + below(sizeof piece);
    const struct text *word = &words.at[below((size_t)words.count)], *other = &corpus.at[below((size_t)corpus.count)];
    if (len > t->len - at)
        len = t->len - at;
    memcpy(piece, t->data + at, len);
    switch (below(6)) {
    case 0:
        replace(t, at, len, NULL, 0);
        break;
    case 1:
        replace(t, below(t->len + 1), 0, piece, len);
        break;
    case 2:
        replace(t, at, 0, word->data, word->len);
        break;
    case 3:
        replace(t, at, len, word->data, word->len);
        break;
    case 4:                             /* goes on as another does */
        len = below(other->len + 1);
        replace(t, at, t->len - at, other->data + len, other->len - len);
        break;
    default:
        byte = (uint8_t)below(256);
        replace(t, at, len > 0, &byte, 1);
    }
}

static void run(const struct text *t)
{
    uint8_t *exactly = (uint8_t *)fuzz_copy(t->data, t->len);
    now = *t;
    LLVMFuzzerTestOneInput(exactly, t->len);
    free(exactly);
}

static void run_all(long inputs)
{
    for (number = 0; number < inputs; number++) {
        chance = (uint64_t)number * 2654435761u + 1;
        struct text t = corpus.at[number < corpus.count ? (size_t)number : below((size_t)corpus.count)];
        for (size_t i = number < corpus.count ? 0 : 1 + below(4); i > 0; i--)
            mutate(&t);
        run(&t);
    }
}

static void on_abort(int signo)
{
    (void)signo;
    fprintf(stderr, "input %ld:\n", number);
    print_line(&now);
    _exit(1);
}

/* The program's name, without folders and `fuzz_`. */
static const char *target_name(const char *program)
{
    const char *name = strrchr(program, '/');
    name = name ? name + 1 : program;
    return strncmp(name, "fuzz_", 5) == 0 ? name + 5 : name;
}

int main(int argc, char **argv)
{
    const char *given = getenv("FUZZ_INPUTS"), *name = target_name(argv[0]);
    read_texts(&corpus, name);
    read_texts(&words, "words");
    signal(SIGABRT, on_abort);
    if (argc == 3 && strcmp(argv[1], "-unpack") == 0) {
        unpack(argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "-input") == 0) {
        struct text t = {0};
        FILE *f = fopen(argv[2], "r");
        MUST(f != NULL);
        t.len = fread(t.data, 1, MOST_LEN, f);
        fclose(f);
        print_line(&t);
        run(&t);
        return 0;
    }
    run_all(given ? atol(given) : 5000);
    printf("1..1\nok 1 - %s: what must hold holds, of %ld inputs\n", name, number);
    return 0;
}
