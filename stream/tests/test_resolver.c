/* test_resolver.c - names to addresses in virtual time: what never leaves the loop, what is asked once, what is remembered, what
 * is given another name, and every state in which nobody wants the answer any more. */
#include "stream/resolver.h"

#include "loop/tests/co_world.h"

static struct resolver *resolver;

static void begin(void)
{
    setup();
    resolver = resolver_new(loop);
    ck_assert_ptr_nonnull(resolver);
}

static void end(void)
{
    resolver_close(resolver);
    teardown();
}

/* Adds "[host=rc addresses]" to the story; the addresses without their port unless it is odd. */
struct question {
    const char *host;
    int port, family;
    struct future f;
};

static void heard_addresses(void *self, int rc)
{
    struct question *q = self;
    struct addresses *a = q->f.value;
    char text[ADDRESS_TEXT];
    size_t len = strlen(story);
    len += (size_t)snprintf(story + len, sizeof story - len, "[%d", rc);
    for (int i = 0; i < rc; i++)
        len += (size_t)snprintf(story + len, sizeof story - len, " %s", address_text(&a->at[i], text));
    snprintf(story + len, sizeof story - len, "]");
    ck_assert(rc > 0 || q->f.why);
    if (rc > 0)
        addresses_free(a);
}

static void find_in(struct question *q, int family)
{
    resolver_find(resolver, q->host, q->port, family, future_then(&q->f, heard_addresses, q));
}

/* Finds it, and runs until all is done. */
static const char *found(const char *host, int port, int family)
{
    struct question q = { .host = host, .port = port };
    story[0] = '\0';
    find_in(&q, family);
    ck_assert_str_eq(story, "");            /* callbacks come only from the loop */
    loop_start(loop);
    return story;
}

static int lookups(void)
{
    return (int)sim_calls(sim, CALL_LOOKUP);
}

static int64_t now_ms(void)
{
    return (sim_now(sim) - SECOND) / MILLISECOND;
}

/* ---- what stays on the loop ------------------------------------------------------------------------------------------ */

START_TEST(literals_never_leave_the_loop)
{
    ck_assert_str_eq(found("192.0.2.1", 80, AF_UNSPEC), "[1 192.0.2.1:80]");
    ck_assert_str_eq(found("2001:db8::1", 80, AF_INET6), "[1 [2001:db8::1]:80]");
    ck_assert_str_eq(found("unix:/a/b", 80, AF_INET), "[1 unix:/a/b]");
    ck_assert_str_eq(found("unix:@b", 0, AF_UNSPEC), "[1 unix:@b]");
    ck_assert_uint_eq(sim_calls(sim, CALL_SUBMIT), 0);
}
END_TEST

START_TEST(localhost_never_leaves_the_loop)
{
    ck_assert_str_eq(found("localhost", 80, AF_UNSPEC), "[2 [::1]:80 127.0.0.1:80]");
    ck_assert_str_eq(found("LocalHost.", 80, AF_INET), "[1 127.0.0.1:80]");
    ck_assert_str_eq(found("a.b.localhost", 80, AF_INET6), "[1 [::1]:80]");
    ck_assert_uint_eq(sim_calls(sim, CALL_SUBMIT), 0);
    ck_assert_str_eq(found("mylocalhost", 80, AF_UNSPEC), "[-2]");
    ck_assert_int_eq(lookups(), 1);
}
END_TEST

START_TEST(what_cannot_be_a_name_is_refused_at_once)
{
    static char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    ck_assert_str_eq(found("", 80, AF_UNSPEC), "[-22]");
    ck_assert_str_eq(found(longest, 80, AF_UNSPEC), "[-36]");
    ck_assert_str_eq(found("unix:", 80, AF_UNSPEC), "[-22]");
    ck_assert_str_eq(found("example.org", 65536, AF_UNSPEC), "[-22]");
    ck_assert_str_eq(found("127.0.0.1", -1, AF_UNSPEC), "[-22]");
    ck_assert_str_eq(found("127.0.0.1", 80, AF_INET6), "[-61]");
    ck_assert_uint_eq(sim_calls(sim, CALL_SUBMIT), 0);
}
END_TEST

/* ---- what is looked up ----------------------------------------------------------------------------------------------- */

START_TEST(a_name_is_looked_up_off_the_loop_in_its_own_time)
{
    sim_host_add(sim, "example.org", "2001:db8::7 192.0.2.7 192.0.2.8", 50 * MILLISECOND);
    ck_assert_str_eq(found("example.org", 443, AF_UNSPEC), "[3 [2001:db8::7]:443 192.0.2.7:443 192.0.2.8:443]");
    ck_assert_int_eq(now_ms(), 50);
    ck_assert_str_eq(found("Example.ORG", 443, AF_INET), "[2 192.0.2.7:443 192.0.2.8:443]");
    ck_assert_str_eq(found("example.org", 443, AF_INET6), "[1 [2001:db8::7]:443]");
    ck_assert_int_eq(lookups(), 3);
}
END_TEST

START_TEST(each_failure_has_its_sentence_and_the_name_before_it)
{
    static const int errors[] = { -ENOENT, -ENODATA, -EAGAIN, -EREMOTEIO, -EINVAL, -EAFNOSUPPORT, -ENOMEM, -EIO, -ENAMETOOLONG };
    char text[300], expected[400];
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct question q = { .host = "bad.example" };
        sim_host_fail(sim, "bad.example", errors[i], MILLISECOND);
        find_in(&q, AF_UNSPEC);
        loop_start(loop);
        ck_assert_int_eq(q.f.rc, errors[i]);
        snprintf(expected, sizeof expected, "bad.example: %s (%s)", q.f.why, strerror(-errors[i]));
        ck_assert_str_eq(resolver_explain("bad.example", errors[i], text, sizeof text), expected);
        ck_assert_ptr_nonnull(strchr(q.f.why, errors[i] == -ENOMEM ? ' ' : ':'));
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(strchr(resolver_explain("x", errors[j], text, sizeof text), ' '), strchr(expected, ' '));
    }
    ck_assert_str_eq(resolver_explain("", -ENOENT, text, 5), "\"\": ");
}
END_TEST

START_TEST(a_name_without_addresses_is_no_data)
{
    sim_host_add(sim, "empty.example", "", 0);
    sim_host_add(sim, "four.example", "192.0.2.4", 0);
    ck_assert_str_eq(found("empty.example", 1, AF_UNSPEC), "[-61]");
    ck_assert_str_eq(found("four.example", 1, AF_INET6), "[-61]");
    ck_assert_str_eq(found("nobody.example", 1, AF_UNSPEC), "[-2]");
}
END_TEST

START_TEST(of_very_many_addresses_the_first_are_seen)
{
    char many[40 * 12] = "", *at = many;
    for (int i = 0; i < 40; i++)
        at += sprintf(at, "10.0.0.%d ", i);
    sim_host_add(sim, "many.example", many, 0);
    struct question q = { .host = "many.example" };
    find_in(&q, AF_UNSPEC);
    loop_start(loop);
    ck_assert_int_eq(q.f.rc, MOST_ADDRESSES);
}
END_TEST

/* ---- one question ---------------------------------------------------------------------------------------------------- */

START_TEST(many_questions_for_one_name_are_one_look_up)
{
    enum { MANY = 1000 };
    static struct question all[MANY];
    memset(all, 0, sizeof all);
    sim_host_add(sim, "busy.example", "192.0.2.1", 20 * MILLISECOND);
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct question){ .host = i % 2 ? "busy.example" : "BUSY.example", .port = i };
        resolver_find(resolver, all[i].host, i, AF_UNSPEC, &all[i].f);
    }
    loop_start(loop);
    for (int i = 0; i < MANY; i++) {
        ck_assert(future_done(&all[i].f) && all[i].f.rc == 1);
        ck_assert_int_eq(address_port(((struct addresses *)all[i].f.value)->at), i);
        future_cancel(&all[i].f);           /* never delivered: it frees its copy */
    }
    ck_assert_int_eq(lookups(), 1);
    ck_assert_int_eq(now_ms(), 20);
}
END_TEST

START_TEST(a_thousand_slow_names_hold_up_no_turn)
{
    enum { MANY = 1000 };
    static struct question all[MANY];
    static char names[MANY][32];
    memset(all, 0, sizeof all);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "h%d.example", i);
        sim_host_add(sim, names[i], "192.0.2.1", 50 * MILLISECOND);
        resolver_find(resolver, names[i], 1, AF_UNSPEC, &all[i].f);
    }
    struct future tick = {0};
    int ticks = 0;
    while (future_name(&all[MANY - 1].f)[0] == 'r') {       /* each sleep ends when it should: nothing slept on the loop */
        int64_t due = sim_now(sim) + MILLISECOND;
        future_sleep(loop, MILLISECOND, future_then(&tick, stop, NULL));
        loop_start(loop);
        ck_assert_int_eq(sim_now(sim), due);
        ticks++;
    }
    ck_assert_int_eq(ticks, (MANY + 5) / 6 * 50);           /* six at a time: two processors and four */
    for (int i = 0; i < MANY; i++)
        future_cancel(&all[i].f);
}
END_TEST

START_TEST(questions_of_different_families_are_different)
{
    struct question a = { .host = "both.example" }, b = { .host = "both.example" };
    sim_host_add(sim, "both.example", "192.0.2.1 2001:db8::1", MILLISECOND);
    find_in(&a, AF_INET);
    find_in(&b, AF_INET6);
    loop_start(loop);
    ck_assert_str_eq(story, "[1 192.0.2.1:0][1 [2001:db8::1]:0]");
    ck_assert_int_eq(lookups(), 2);
}
END_TEST

/* ---- what is remembered ---------------------------------------------------------------------------------------------- */

static void wait_ms(int64_t ms)
{
    struct future f = {0};
    future_sleep(loop, ms * MILLISECOND, future_then(&f, stop, NULL));
    loop_start(loop);
}

START_TEST(nothing_is_remembered_unless_it_is_told_to)
{
    sim_host_add(sim, "a.example", "192.0.2.1", 0);
    found("a.example", 1, AF_UNSPEC);
    found("a.example", 1, AF_UNSPEC);
    ck_assert_int_eq(lookups(), 2);
}
END_TEST

START_TEST(an_answer_is_remembered_for_its_time_and_not_longer)
{
    resolver_remember(resolver, 10 * SECOND, SECOND, 100);
    sim_host_add(sim, "a.example", "192.0.2.1", 0);
    ck_assert_str_eq(found("a.example", 1, AF_UNSPEC), "[1 192.0.2.1:1]");
    sim_host_add(sim, "a.example", "192.0.2.2", 0);
    wait_ms(9999);
    ck_assert_str_eq(found("A.example", 2, AF_UNSPEC), "[1 192.0.2.1:2]");
    wait_ms(1);
    ck_assert_str_eq(found("a.example", 3, AF_UNSPEC), "[1 192.0.2.2:3]");
    ck_assert_int_eq(lookups(), 2);
}
END_TEST

START_TEST(that_there_is_no_such_name_is_remembered_briefly_and_other_failures_never)
{
    resolver_remember(resolver, 10 * SECOND, SECOND, 100);
    ck_assert_str_eq(found("none.example", 1, AF_UNSPEC), "[-2]");
    sim_host_add(sim, "none.example", "192.0.2.2", 0);
    wait_ms(999);
    ck_assert_str_eq(found("none.example", 1, AF_UNSPEC), "[-2]");
    wait_ms(1);
    ck_assert_str_eq(found("none.example", 1, AF_UNSPEC), "[1 192.0.2.2:1]");
    ck_assert_int_eq(lookups(), 2);
    sim_host_fail(sim, "sick.example", -EAGAIN, 0);
    ck_assert_str_eq(found("sick.example", 1, AF_UNSPEC), "[-11]");
    ck_assert_str_eq(found("sick.example", 1, AF_UNSPEC), "[-11]");
    ck_assert_int_eq(lookups(), 4);
}
END_TEST

START_TEST(the_memory_is_bounded_and_drops_what_was_asked_for_least_recently)
{
    resolver_remember(resolver, FOREVER, 0, 2);
    sim_host_add(sim, "a.example", "192.0.2.1", 0);
    sim_host_add(sim, "b.example", "192.0.2.2", 0);
    sim_host_add(sim, "c.example", "192.0.2.3", 0);
    found("a.example", 1, AF_UNSPEC);
    found("b.example", 1, AF_UNSPEC);
    found("a.example", 1, AF_UNSPEC);
    found("c.example", 1, AF_UNSPEC);           /* b goes */
    ck_assert_int_eq(lookups(), 3);
    found("a.example", 1, AF_UNSPEC);
    ck_assert_int_eq(lookups(), 3);
    found("b.example", 1, AF_UNSPEC);
    ck_assert_int_eq(lookups(), 4);
}
END_TEST

START_TEST(what_is_remembered_can_be_forgotten)
{
    resolver_remember(resolver, SECOND, SECOND, 9);
    found("a.example", 1, AF_UNSPEC);
    resolver_forget(resolver);
    found("a.example", 1, AF_UNSPEC);
    ck_assert_int_eq(lookups(), 2);
    resolver_remember(resolver, SECOND, SECOND, -1);        /* none: forgets, too */
    for (int i = 3; i <= 4; i++) {
        found("a.example", 1, AF_UNSPEC);
        ck_assert_int_eq(lookups(), i);
    }
}
END_TEST

/* ---- what is given another name --------------------------------------------------------------------------------------- */

START_TEST(the_most_specific_override_holds_as_in_tornado)
{
    sim_host_add(sim, "real.example", "192.0.2.9", 0);
    ck_assert_int_eq(resolver_override(resolver, "google.com", 0, 0, "127.0.0.1", 0), 0);
    ck_assert_int_eq(resolver_override(resolver, "foo.bar", 80, 0, "127.0.0.1", 81), 0);
    ck_assert_int_eq(resolver_override(resolver, "foo.bar", 80, AF_INET6, "::1", 82), 0);
    ck_assert_int_eq(resolver_override(resolver, "foo.bar", 0, 0, "real.example", 0), 0);
    ck_assert_str_eq(found("google.com", 80, AF_INET), "[1 127.0.0.1:80]");
    ck_assert_str_eq(found("GOOGLE.com", 81, AF_UNSPEC), "[1 127.0.0.1:81]");
    ck_assert_str_eq(found("foo.bar", 80, AF_INET), "[1 127.0.0.1:81]");
    ck_assert_str_eq(found("foo.bar", 80, AF_INET6), "[1 [::1]:82]");
    ck_assert_str_eq(found("foo.bar", 443, AF_INET), "[1 192.0.2.9:443]");
    ck_assert_str_eq(found("foo.baz", 443, AF_INET), "[-2]");
}
END_TEST

START_TEST(a_later_override_takes_the_place_of_an_earlier_and_none_is_followed_twice)
{
    ck_assert_int_eq(resolver_override(resolver, "a.example", 0, 0, "b.example", 0), 0);
    ck_assert_int_eq(resolver_override(resolver, "b.example", 0, 0, "a.example", 0), 0);
    ck_assert_str_eq(found("a.example", 1, AF_UNSPEC), "[-2]");
    ck_assert_int_eq(resolver_override(resolver, "a.example", 0, 0, "10.0.0.1", 0), 0);
    ck_assert_str_eq(found("a.example", 1, AF_UNSPEC), "[1 10.0.0.1:1]");
}
END_TEST

START_TEST(an_override_without_memory_leaves_nothing)
{
    for (unsigned n = 1; n <= 3; n++) {
        sim_fail(sim, CALL_MEMORY, n, 0);
        ck_assert_int_eq(resolver_override(resolver, "a.example", 0, 0, "b.example", 0), -ENOMEM);
    }
}
END_TEST

/* ---- nobody wants it any more ----------------------------------------------------------------------------------------- */

START_TEST(the_last_one_to_leave_takes_the_look_up_back)
{
    struct question a = { .host = "slow.example" }, b = { .host = "slow.example" };
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    find_in(&a, AF_UNSPEC);
    find_in(&b, AF_UNSPEC);
    future_cancel(&a.f);
    future_cancel(&b.f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
    ck_assert_int_eq(lookups(), 0);
}
END_TEST

START_TEST(one_that_leaves_does_not_disturb_the_others)
{
    struct question a = { .host = "slow.example" }, b = { .host = "slow.example", .port = 7 };
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    find_in(&a, AF_UNSPEC);
    find_in(&b, AF_UNSPEC);
    wait_ms(500);
    future_cancel(&a.f);
    loop_start(loop);
    ck_assert_str_eq(story, "[1 192.0.2.1:7]");
}
END_TEST

START_TEST(a_look_up_that_runs_and_is_not_wanted_ends_unheard)
{
    struct question a = { .host = "slow.example" };
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    find_in(&a, AF_UNSPEC);
    wait_ms(500);
    future_cancel(&a.f);
    ck_assert_str_eq(found("slow.example", 1, AF_UNSPEC), "[1 192.0.2.1:1]");      /* asked again */
    ck_assert_int_eq(lookups(), 2);
}
END_TEST

START_TEST(an_answer_that_was_not_delivered_is_freed)
{
    struct question a = { .host = "127.0.0.1" };
    find_in(&a, AF_UNSPEC);
    ck_assert(future_done(&a.f));
    future_cancel(&a.f);
    find_in(&a, AF_INET6);
    future_cancel(&a.f);
    loop_start(loop);
    ck_assert_str_eq(story, "");
}
END_TEST

static int ask_and_tell(void *self)
{
    struct future f = {0};
    int rc = await(resolver_find(resolver, self, 1, AF_UNSPEC, &f));
    tell("await", rc);
    if (rc > 0)
        addresses_free(f.value);
    return 0;
}

START_TEST(closing_tells_coroutines_and_is_silent_for_callbacks)
{
    struct question pending = { .host = "slow.example" }, answered = { .host = "127.0.0.1" };
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    co_spawn(loop, ask_and_tell, "slow.example", NULL);
    find_in(&pending, AF_UNSPEC);
    wait_ms(1);
    find_in(&answered, AF_UNSPEC);
    resolver_close(resolver);
    loop_start(loop);
    ck_assert_str_eq(story, "await-125 ");
    resolver = resolver_new(loop);
}
END_TEST

START_TEST(the_loops_own_is_closed_with_it_whatever_is_pending)
{
    static struct question q = { .host = "slow.example" };
    static struct future answered;          /* both outlive the loop, which is closed with them pending */
    sim_host_add(sim, "slow.example", "192.0.2.1", SECOND);
    ck_assert_ptr_eq(loop_resolver(loop), loop_resolver(loop));
    resolver_find(loop_resolver(loop), q.host, 1, AF_UNSPEC, future_then(&q.f, heard_addresses, &q));
    resolver_remember(loop_resolver(loop), SECOND, SECOND, 9);
    resolver_find(loop_resolver(loop), "localhost", 1, AF_UNSPEC, &answered);
    wait_ms(1);
}
END_TEST

START_TEST(a_look_up_that_is_interrupted_is_made_again)
{
    sim_host_add(sim, "a.example", "192.0.2.1", 0);
    sim_fail(sim, CALL_LOOKUP, 1, -EINTR);
    ck_assert_str_eq(found("a.example", 1, AF_UNSPEC), "[1 192.0.2.1:1]");
    ck_assert_int_eq(lookups(), 2);
}
END_TEST

START_TEST(a_look_up_on_the_loops_thread_is_told_so)
{
    struct address out;
    ck_assert_int_eq(sim_sys(sim)->lookup(sim_sys(sim), "localhost", 1, AF_UNSPEC, &out, 1), -EDEADLK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        literals_never_leave_the_loop,
        localhost_never_leaves_the_loop,
        what_cannot_be_a_name_is_refused_at_once,
        a_name_is_looked_up_off_the_loop_in_its_own_time,
        each_failure_has_its_sentence_and_the_name_before_it,
        a_name_without_addresses_is_no_data,
        of_very_many_addresses_the_first_are_seen,
        many_questions_for_one_name_are_one_look_up,
        a_thousand_slow_names_hold_up_no_turn,
        questions_of_different_families_are_different,
        nothing_is_remembered_unless_it_is_told_to,
        an_answer_is_remembered_for_its_time_and_not_longer,
        that_there_is_no_such_name_is_remembered_briefly_and_other_failures_never,
        the_memory_is_bounded_and_drops_what_was_asked_for_least_recently,
        what_is_remembered_can_be_forgotten,
        the_most_specific_override_holds_as_in_tornado,
        a_later_override_takes_the_place_of_an_earlier_and_none_is_followed_twice,
        an_override_without_memory_leaves_nothing,
        the_last_one_to_leave_takes_the_look_up_back,
        one_that_leaves_does_not_disturb_the_others,
        a_look_up_that_runs_and_is_not_wanted_ends_unheard,
        an_answer_that_was_not_delivered_is_freed,
        closing_tells_coroutines_and_is_silent_for_callbacks,
        the_loops_own_is_closed_with_it_whatever_is_pending,
        a_look_up_that_is_interrupted_is_made_again,
        a_look_up_on_the_loops_thread_is_told_so,
        NULL
    };
    TCase *group = tcase_create("resolver");
    tcase_add_checked_fixture(group, begin, end);
    for (int i = 0; tests[i]; i++)
        tcase_add_test(group, tests[i]);
    return run_suite(suite_create("resolver"), group);
}
