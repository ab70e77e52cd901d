/* test_client_redirect.c - where an answer sends us: redirect.h alone, without a network. */
#include <stdio.h>

#include "http/redirect.h"
#include "loop/tests/support.h"

static struct sim *sim;
static struct hop first, next;
static const char *why;

static void begin(void)
{
    sim = sim_new(0);
    first = next = (struct hop){0};
}

static void end(void)
{
    sim_end_empty(sim);
}

/* Sent from there by that status: what comes of it; ends with done(). */
static int sent(const char *method, const char *url, int status, const char *location)
{
    ck_assert_int_eq(hop_first(sim_sys(sim), url, method, true, &first, &why), 0);
    ck_assert(redirect_asked(status, text_of(location)));
    return redirect_follow(sim_sys(sim), &first, status, text_of(location), &next, &why);
}

static void done(void)
{
    hop_end(sim_sys(sim), &first);
    hop_end(sim_sys(sim), &next);
}

static void leads(const char *url, const char *location, const char *to, bool trusted)
{
    ck_assert_int_eq(sent("GET", url, 302, location), 0);
    ck_assert_str_eq(next.text, to);
    ck_assert_msg(next.trusted == trusted, "%s to %s", url, location);
    done();
}

static void refuses(const char *location, int rc)
{
    ck_assert_int_eq(sent("GET", "http://a.example/b", 302, location), rc);
    ck_assert_ptr_nonnull(why);
    ck_assert_ptr_null(next.text);
    done();
}

START_TEST(a_url_is_taken_apart)
{
    begin();
    ck_assert_int_eq(hop_first(sim_sys(sim), "HTTPS://Me:Secret@A.Example:8443/b?c#d", "PUT", true, &first, &why), 0);
    ck_assert_str_eq(first.text, "HTTPS://A.Example:8443/b?c#d");
    ck_assert_str_eq(first.host, "a.example");
    ck_assert(first.secure && first.port == 8443 && first.body && first.trusted);
    ck_assert(text_is(first.url.query, "c"));
    hop_end(sim_sys(sim), &first);
    ck_assert_int_eq(hop_first(sim_sys(sim), "http://[2001:DB8::1]", "GET", false, &first, &why), 0);
    ck_assert_str_eq(first.host, "2001:db8::1");
    ck_assert_int_eq(first.port, 80);
    hop_end(sim_sys(sim), &first);
    ck_assert_int_eq(hop_first(sim_sys(sim), "mailto:me@a.example", "GET", false, &first, &why), -EPROTONOSUPPORT);
    hop_end(sim_sys(sim), &first);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(hop_first(sim_sys(sim), "http://a/", "GET", false, &first, &why), -ENOMEM);
    end();
}
END_TEST

START_TEST(references_lead_where_they_should)
{
    begin();
    leads("http://a.example/b/c?d#e", "f", "http://a.example/b/f#e", true);
    leads("http://a.example/b/c?d#e", "../../f#g", "http://a.example/f#g", true);
    leads("http://a.example/b/c?d#e", "?f", "http://a.example/b/c?f#e", true);
    leads("http://a.example/b/c?d", "", "http://a.example/b/c?d", true);
    leads("http://me:secret@a.example/b", "/c", "http://a.example/c", true);
    leads("http://a.example/", "http://you:there@a.example/c", "http://a.example/c", true);
    leads("http://a.example/", "//evil.example/c", "http://evil.example/c", false);
    leads("http://a.example/", "https://a.example/", "https://a.example/", false);
    leads("https://a.example/", "http://a.example/", "http://a.example/", false);
    leads("https://a.example/", "https://A.EXAMPLE:443/", "https://A.EXAMPLE:443/", true);
    leads("http://a.example/", "http://a.example:81/", "http://a.example:81/", false);
    leads("http://[::1]/", "/x", "http://[::1]/x", true);
    end();
}
END_TEST

START_TEST(where_nobody_can_go_is_refused)
{
    begin();
    refuses("ftp://a.example/", -EPROTONOSUPPORT);
    refuses("javascript:alert(1)", -EPROTONOSUPPORT);
    refuses("http://", -EINVAL);
    refuses("http://a b/", -EINVAL);
    refuses("/%zz", -EINVAL);
    refuses("http://a@b@c/", -EINVAL);
    refuses("http://a:99999/", -EINVAL);
    refuses("/\x01", -EINVAL);
    end();
}
END_TEST

START_TEST(only_five_statuses_with_a_location_lead_anywhere)
{
    for (int status = 100; status < 1000; status++) {
        bool leading = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        ck_assert_int_eq(redirect_asked(status, text_of("/")), leading);
        ck_assert(!redirect_asked(status, (struct bytes){0}));
    }
}
END_TEST

START_TEST(what_was_left_behind_stays_behind)
{
    struct hop back;
    begin();
    ck_assert_int_eq(sent("POST", "http://a.example/", 307, "http://b.example/"), 0);
    ck_assert(next.body && strcmp(next.method, "POST") == 0 && !next.trusted);
    ck_assert_int_eq(redirect_follow(sim_sys(sim), &next, 303, text_of("http://a.example/"), &back, &why), 0);
    ck_assert(!back.body && strcmp(back.method, "GET") == 0 && !back.trusted);
    hop_end(sim_sys(sim), &back);
    ck_assert_int_eq(redirect_follow(sim_sys(sim), &next, 307, text_of("/there"), &back, &why), 0);
    ck_assert(back.body && !back.trusted);
    hop_end(sim_sys(sim), &back);
    sim_fail(sim, CALL_MEMORY, 1, 0);
    ck_assert_int_eq(redirect_follow(sim_sys(sim), &next, 303, text_of("/"), &back, &why), -ENOMEM);
    done();
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_url_is_taken_apart,
        references_lead_where_they_should,
        where_nobody_can_go_is_refused,
        only_five_statuses_with_a_location_lead_anywhere,
        what_was_left_behind_stays_behind,
        NULL
    };
    Suite *suite = suite_create("redirects");
    add_tests(suite, "redirects", tests, 0);
    return run_suite(suite);
}
