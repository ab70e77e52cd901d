/* checks_texts.c - what the reader wrote besides code: tests that must tell a right program from wrong ones, and
 * predictions. See checks.h. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grader/checks.h"
#include "grader/lab.h"
#include "grader/submission.h"

enum { MUTANTS = 64, WORDS = 5 };

const char *judge_text(const char *name)
{
    const struct judged *judged = judge_get();
    for (int i = 0; i < judged->lab->file_count; i++)
        if (strcmp(judged->lab->files[i].name, name) == 0 && judged->hand_in)
            return judged->hand_in->data[i];
    return NULL;
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool same_text(const char *path, const char *other)
{
    char *texts[2] = { NULL, NULL };
    size_t sizes[2] = { 0, 0 };
    FILE *files[2] = { fopen(path, "re"), fopen(other, "re") };
    bool same = files[0] && files[1];
    for (int i = 0; i < 2 && same; i++)
        same = getdelim(&texts[i], &sizes[i], 0, files[i]) >= 0;
    same = same && strcmp(texts[0], texts[1]) == 0;
    for (int i = 0; i < 2; i++) {
        if (files[i])
            fclose(files[i]);
        free(texts[i]);
    }
    return same;
}

/* Whether it is one of that file: of others no test could tell. */
static bool is_about(const char *mutant, const char *file)
{
    char own[1024], right[1024];
    snprintf(own, sizeof own, "%s/%s.src/%s", judge_get()->mutants, mutant, file);
    snprintf(right, sizeof right, "%s/../reference.src/%s", judge_get()->mutants, file);
    return !same_text(own, right);
}

/* The programs in the folder of mutants, sorted; how many. */
static int list_mutants(const char *about, char **names)
{
    DIR *folder = opendir(judge_get()->mutants);
    int n = 0;
    for (struct dirent *e; folder && n < MUTANTS && (e = readdir(folder)); ) {
        char path[1024];
        struct stat s;
        snprintf(path, sizeof path, "%s/%s", judge_get()->mutants, e->d_name);
        if (stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_mode & S_IXUSR && (!about || is_about(e->d_name, about)))
            names[n++] = strdup(e->d_name);
    }
    if (folder)
        closedir(folder);
    qsort(names, (size_t)n, sizeof *names, by_name);
    return n;
}

/* The tests must hold for the production files. */
static void expect_right(const struct reader_tests *tests, const char *right, const char *contract)
{
    struct reader_result r = reader_tests_run(tests, judge_get()->reference);
    if (r.outcome == READER_FAULT)
        verdict_fault("%s", r.text);
    char cause[200];
    snprintf(cause, sizeof cause, "the test fails on %s, which is right: what does %s say about it?", right, contract);
    if (r.outcome == READER_FAILED)
        verdict_fail(cause, "your test \"%s\": %s", r.test, r.text);
    history_add(ENTRY_EXPECT, -1, "%d tests, all hold for %s", reader_tests_count(tests), right);
}

/* How many mutants at least one test tells from the right program. The others are named in `left`. */
static int count_told(const struct reader_tests *tests, const char *about, int enough, char *left, size_t size)
{
    char *names[MUTANTS], path[1024];
    int n = list_mutants(about, names), told = 0;
    if (n < enough)
        verdict_fault("there are %d mutants in %s, too few", n, judge_get()->mutants);
    left[0] = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", judge_get()->mutants, names[i]);
        struct reader_result r = reader_tests_run(tests, path);
        if (r.outcome == READER_FAULT)
            verdict_fault("%s: %s", names[i], r.text);
        bool is_told = r.outcome == READER_FAILED;
        told += is_told;
        if (is_told)
            history_add(ENTRY_EXPECT, -1, "%s is told by \"%s\": %.200s", names[i], r.test, r.text);
        else
            snprintf(left + strlen(left), size - strlen(left), "%s%s", *left ? ", " : "", names[i]);
        free(names[i]);
    }
    metric("mutants", n);
    metric("told", told);
    return told;
}

void judge_tests_text(const struct reader_rules *rules, const char *about, int enough, const char *right, const char *contract)
{
    char error[700], left[400];
    const char *text = judge_text("tests.txt");
    if (!text)
        verdict_fail("hand in a file tests.txt; start/tests.txt is an example", "there is no tests.txt");
    struct reader_tests *tests = reader_tests_read(text, rules, error, sizeof error);
    if (!tests)
        verdict_fail("a slip in tests.txt; the handout describes the language", "%s", error);
    EXPECT_AT_MOST("tests that are missing", 0, reader_tests_count(tests) == 0, "write at least one test");
    expect_right(tests, right, contract);
    int told = count_told(tests, about, enough, left, sizeof left);
    struct verdict *v = verdict_current();
    if (told < enough) {
        snprintf(v->expected, sizeof v->expected, "at least %d mutants told from what is right", enough);
        char cause[512];
        snprintf(cause, sizeof cause, "no test fails on: %s", left);
        verdict_fail(cause, "%d mutants told", told);
    }
    history_add(ENTRY_EXPECT, -1, "%d mutants are told from what is right, at least %d", told, enough);
    reader_tests_free(tests);
}

/* ---- predictions ------------------------------------------------------------------------------------------------ */

/* The rest of the line that begins with `label`, without spaces around; its length. */
static size_t line_of(const char *text, const char *label, const char **rest)
{
    size_t len = strlen(label);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, label, len) == 0) {
            *rest = line + len + strspn(line + len, " \t");
            size_t n = strcspn(*rest, "\r\n");
            while (n > 0 && isspace((unsigned char)(*rest)[n - 1]))
                n--;
            return n;
        }
    return 0;
}

static int words_in(const char *text, size_t len)
{
    int words = 0;
    for (size_t i = 0; i < len; i++)
        words += !isspace((unsigned char)text[i]) && (i == 0 || isspace((unsigned char)text[i - 1]));
    return words;
}

void judge_predictions(const char *const *answers)
{
    const char *text = judge_text("predictions.md"), *rest = "";
    if (!text)
        verdict_fail("hand in predictions.md; start/predictions.md has the questions", "there is no predictions.md");
    for (int i = 1; answers[i - 1]; i++) {
        char label[24];
        snprintf(label, sizeof label, "prediction %d:", i);
        size_t len = line_of(text, label, &rest);
        if (len == 0)
            verdict_fail("say what you expect, before you run it: being wrong costs nothing",
                         "no answer behind \"%s\"", label);
        history_add(ENTRY_EVENT, -1, "%s %.*s", label, len < 200 ? (int)len : 200, rest);
        history_add(ENTRY_EXPECT, -1, "the library: %s", answers[i - 1]);
    }
    size_t len = line_of(text, "seen:", &rest);
    EXPECT_INT("a sentence of five words or more behind \"seen:\"", 1, words_in(rest, len) >= WORDS,
               "after you ran it: which prediction was wrong, and why?");
}
