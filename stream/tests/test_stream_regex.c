/* test_stream_regex.c - patterns, wherever the bytes are cut, and however wicked the pattern or the text. */
#include "stream/stream_regex.h"

#include "stream/stream_inside.h"
#include "stream/tests/stream_world.h"

static struct stream_pattern *compiled(const char *pattern)
{
    struct stream_pattern *p = stream_pattern_new(w.loop, pattern);
    ck_assert_msg(p != NULL, "%s: %s", pattern, strerror(errno));
    return p;
}

static void renew(void)
{
    int fds[2];
    end_stream(&a);
    end_peer();
    ck_assert_int_eq(w.sys->socketpair(w.sys, fds), 0);
    a = stream_of(fds[0]);
    peer = fds[1];
}

static void cut_everywhere(const char *pattern, const char *said, const char *gives)
{
    struct stream_pattern *p = compiled(pattern);
    for (size_t cut = 0; cut <= strlen(said); cut++) {
        struct future f = {0}, rest = {0};
        renew();
        stream_read_regex(a, p, 0, &f);
        w.sys->write(w.sys, peer, said, cut);
        pass();
        w.sys->write(w.sys, peer, said + cut, strlen(said) - cut);
        end_peer();
        reads(&f, gives);
        reads(stream_read_until_close(a, 0, &rest), said + strlen(gives));
    }
    stream_pattern_close(p);
}

START_TEST(a_pattern_gives_the_same_wherever_its_bytes_are_cut)
{
    cut_everywhere("\r?\n\r?\n", "head\r\nmore\r\n\r\nrest", "head\r\nmore\r\n\r\n");
    cut_everywhere("[0-9]{3}", "ab12cd345ef", "ab12cd345");
    cut_everywhere("(?<=b)c", "acbcd", "acbc");
    cut_everywhere("cd?e", "cdcde", "cdcde");
    cut_everywhere("t$", "text that", "text that");
    sim_shorten(w.sim, CALL_READ, 1);
    cut_everywhere("abc|bd", "aababdx", "aababd");
}
END_TEST

START_TEST(case_108_a_pattern_must_match_within_the_limit)
{
    struct stream_pattern *p = compiled("def");
    struct future f = {0};
    say("abcdef");
    fails(stream_read_regex(a, p, 5, &f), -EMSGSIZE);
    reads(stream_read_regex(a, p, 6, &f), "abcdef");
    end_peer();
    fails(stream_read_regex(a, p, 6, &f), -EPIPE);
    stream_pattern_close(p);
}
END_TEST

START_TEST(a_wicked_pattern_fails_and_the_stream_goes_on)
{
    struct stream_pattern *p = compiled("(a+)+b");
    struct future f = {0};
    say("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac");
    fails(stream_read_regex(a, p, 0, &f), -E2BIG);
    reads(stream_read_bytes(a, 2, &f), "aa");
    stream_pattern_close(p);
}
END_TEST

START_TEST(where_no_match_can_begin_nothing_is_searched_again)
{
    struct stream_pattern *p = compiled("xyz");
    struct future f = {0};
    stream_read_regex(a, p, 0, &f);
    say("nothing of the kind");
    pass();
    ck_assert_uint_eq(a->read.wanted.from, 19);
    say(", or x");
    pass();
    ck_assert_uint_eq(a->read.wanted.from, 24);
    say("yz");
    reads(&f, "nothing of the kind, or xyz");
    stream_pattern_close(p);
}
END_TEST

START_TEST(a_wrong_pattern_is_EINVAL_and_says_where)
{
    ck_assert_ptr_null(stream_pattern_new(w.loop, "a(b"));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_nonnull(strstr(sim_log(w.sim), "\"a(b\" is wrong at byte 3"));
}
END_TEST

START_TEST(a_pattern_without_memory_is_ENOMEM)
{
    struct stream_pattern *p = NULL;
    for (unsigned n = 1; !p; n++) {
        size_t before = sim_live(w.sim).blocks;
        sim_fail(w.sim, CALL_MEMORY, n, 0);
        p = stream_pattern_new(w.loop, "a+b");
        ck_assert(p || (errno == ENOMEM && sim_live(w.sim).blocks == before));
        ck_assert_uint_lt(n, 20);
    }
    sim_fail(w.sim, CALL_MEMORY, 0, 0);
    stream_pattern_close(p);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pattern_gives_the_same_wherever_its_bytes_are_cut,
        case_108_a_pattern_must_match_within_the_limit,
        a_wicked_pattern_fails_and_the_stream_goes_on,
        where_no_match_can_begin_nothing_is_searched_again,
        a_wrong_pattern_is_EINVAL_and_says_where,
        a_pattern_without_memory_is_ENOMEM,
        NULL
    };
    return run_streams("stream patterns", tests, NULL);
}
