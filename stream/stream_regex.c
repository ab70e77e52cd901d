/* stream_regex.c - reading up to where a pattern matches. See stream_regex.h.
 *
 * What has come is searched once, and once more at the end: after a search the next one begins where a match had begun and
 * wants more, or else behind it all. Trap: PCRE2's own limit of steps is ten million, which is the better part of a second
 * of everybody's time. */
#include "stream/stream_regex.h"

#include <errno.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "loop/log.h"
#include "stream/stream_inside.h"

enum { STEPS = 1000000, KIBIBYTES = 4096 };

struct stream_pattern {
    struct sys *sys;
    pcre2_general_context *memory;
    pcre2_match_context *limits;
    pcre2_code *code;
    pcre2_match_data *match;
};

static void *get_memory(PCRE2_SIZE size, void *sys)
{
    return ((struct sys *)sys)->memory(sys, NULL, size);
}

static void free_memory(void *memory, void *sys)
{
    sys_free(sys, memory);
}

/* Why there is no pattern: errno. */
static void explain(const char *pattern, int error, size_t at)
{
    char words[160];
    if (error == PCRE2_ERROR_HEAP_FAILED || error == PCRE2_ERROR_NOMEMORY) {
        errno = ENOMEM;
        return;
    }
    pcre2_get_error_message(error, (PCRE2_UCHAR *)words, sizeof words);
    log_line(LOG_ERROR, "the pattern \"%s\" is wrong at byte %zu: %s", pattern, at, words);
    errno = EINVAL;
}

struct stream_pattern *stream_pattern_new(struct loop *loop, const char *pattern)
{
    struct sys *sys = loop_sys(loop);
    struct stream_pattern *p = sys_new(sys, sizeof *p);
    pcre2_compile_context *compiling = NULL;
    int error = PCRE2_ERROR_NOMEMORY;
    PCRE2_SIZE at = 0;
    if (!p)
        return NULL;
    p->sys = sys;
    p->memory = pcre2_general_context_create(get_memory, free_memory, sys);
    if (p->memory)
        compiling = pcre2_compile_context_create(p->memory);
    if (compiling)
        p->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &error, &at, compiling);
    pcre2_compile_context_free(compiling);
    if (p->code) {
        error = PCRE2_ERROR_NOMEMORY;
        p->match = pcre2_match_data_create_from_pattern(p->code, p->memory);
        p->limits = pcre2_match_context_create(p->memory);
    }
    if (!p->match || !p->limits) {
        explain(pattern, error, at);
        int reason = errno;
        stream_pattern_close(p);
        errno = reason;
        return NULL;
    }
    pcre2_set_match_limit(p->limits, STEPS);
    pcre2_set_heap_limit(p->limits, KIBIBYTES);
    return p;
}

void stream_pattern_close(struct stream_pattern *p)
{
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->match);
    pcre2_code_free(p->code);
    pcre2_general_context_free(p->memory);
    sys_free(p->sys, p);
}

static ssize_t matches(void *self, struct bytes seen, bool ended)
{
    struct stream *s = self;
    struct stream_pattern *p = s->read.wanted.pattern;
    size_t *from = &s->read.wanted.from;
    uint32_t options = PCRE2_NOTEMPTY | (ended ? 0 : PCRE2_PARTIAL_SOFT | PCRE2_NOTEOL);
    if (seen.len == 0)
        return 0;
    if (ended)
        *from = 0;                  /* what the end matches was no beginning before */
    int rc = pcre2_match(p->code, (PCRE2_SPTR)seen.data, seen.len, *from, options, p->match, p->limits);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->match);
    if (rc > 0)
        return (ssize_t)at[1];
    if (rc != PCRE2_ERROR_PARTIAL && rc != PCRE2_ERROR_NOMATCH)
        return rc == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -E2BIG;
    *from = rc == PCRE2_ERROR_PARTIAL ? at[0] : seen.len;
    return 0;
}

struct future *stream_read_regex(struct stream *s, struct stream_pattern *p, size_t limit, struct future *f)
{
    stream_read_begin(s);
    s->read.wanted.pattern = p;
    return stream_read_start(s, matches, s, limit, f);
}
