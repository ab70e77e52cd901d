/* checks_redirect.c - where an answer sends us, without a client. R1, R2. */
#include <stdio.h>
#include <string.h>

#include "labs/08-async-client/checks.h"

/* ---- R1: where to ask next, and how --------------------------------------------------------------------------------- */

struct first {
    const char *url, *said, *expected;
};

static void expect_said(struct judge *j, const char *expected, const char *cause)
{
    EXPECT_TEXT("what the hop says of itself", expected, judge_said(j), cause);
}

static void first_hops(struct judge *j)
{
    static const struct first all[] = {
        { "http://a.example/x?y=1", "http://a.example/x?y=1 host=a.example port=80 secure=0", "H=0,GET,trusted@0" },
        { "https://A.Example:8443", "https://A.Example:8443 host=a.example port=8443 secure=1", "H=0,GET,trusted@0" },
        { "http://[2001:db8::1]/", "http://[2001:db8::1]/ host=2001:db8::1 port=80 secure=0", "H=0,GET,trusted@0" },
        { "http:///path", "", "H=-EINVAL@0" },
        { "ftp://a.example/x", "", "H=-EPROTONOSUPPORT@0" },
        { "http://a.example:99999/", "", "H=-EINVAL@0" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bare_scene(j, "the first hop of a fetch");
        judge_order(j, "hop H %s GET", all[i].url);
        expect_said(j, all[i].said, "url_parse and url_http read the URL; the host's letters become small");
        expect_trace(j, all[i].expected, "what cannot be asked for is refused at once, with a sentence");
        judge_order(j, "loop_close");
    }
}

struct step {
    const char *method, *location;
    int status;
    const char *expected, *said;
};

static void steps(struct judge *j, const struct step *all, size_t count, const char *cause)
{
    char title[100];
    for (size_t i = 0; i < count; i++) {
        const struct step *s = &all[i];
        bool body = strcmp(s->method, "POST") == 0 || strcmp(s->method, "PUT") == 0;
        snprintf(title, sizeof title, "%s, answered with %d and Location %s", s->method, s->status, s->location);
        bare_scene(j, title);
        judge_order(j, "hop H http://a.example/one/two?q %s%s", s->method, body ? " body" : "");
        judge_order(j, "follow H %d %s G", s->status, s->location);
        const char *second = strchr(judge_trace(j), ' ');
        EXPECT_TEXT("the next hop", s->expected, second ? second + 1 : "none", cause);
        if (s->said)
            expect_said(j, s->said, cause);
        expect_nothing_left(j, "hop_end gives back all that a hop has; one that could not be made has nothing");
    }
}

static void methods(struct judge *j)
{
    static const struct step all[] = {
        { "GET", "/x", 301, "G=0,GET,trusted@0", NULL }, { "GET", "/x", 302, "G=0,GET,trusted@0", NULL },
        { "HEAD", "/x", 301, "G=0,HEAD,trusted@0", NULL }, { "HEAD", "/x", 303, "G=0,HEAD,trusted@0", NULL },
        { "POST", "/x", 301, "G=0,GET,trusted@0", NULL }, { "POST", "/x", 302, "G=0,GET,trusted@0", NULL },
        { "POST", "/x", 303, "G=0,GET,trusted@0", NULL }, { "POST", "/x", 307, "G=0,POST,body,trusted@0", NULL },
        { "POST", "/x", 308, "G=0,POST,body,trusted@0", NULL }, { "PUT", "/x", 301, "G=0,PUT,body,trusted@0", NULL },
        { "PUT", "/x", 302, "G=0,PUT,body,trusted@0", NULL }, { "PUT", "/x", 303, "G=0,GET,trusted@0", NULL },
        { "PUT", "/x", 307, "G=0,PUT,body,trusted@0", NULL }, { "GET", "/x", 304, "G=0,stays@0", NULL },
        { "GET", "/x", 300, "G=0,stays@0", NULL }, { "GET", "/x", 200, "G=0,stays@0", NULL },
        { "GET", "-", 302, "G=0,stays@0", NULL },
    };
    steps(j, all, sizeof all / sizeof *all,
          "RFC 9110, 15.4: 303 asks for a GET (of HEAD: HEAD); 301 and 302 only behind a POST; 307 "
                                            "and 308 ask for the same again, with its body");
}

static void locations(struct judge *j)
{
    static const struct step all[] = {
        { "GET", "three", 302, "G=0,GET,trusted@0", "http://a.example/one/three host=a.example port=80 secure=0" },
        { "GET", "../up", 302, "G=0,GET,trusted@0", "http://a.example/up host=a.example port=80 secure=0" },
        { "GET", "?z", 302, "G=0,GET,trusted@0", "http://a.example/one/two?z host=a.example port=80 secure=0" },
        { "GET", "//B.example/x", 302, "G=0,GET,stranger@0", "http://B.example/x host=b.example port=80 secure=0" },
        { "GET", "http://a.example:80/x", 302, "G=0,GET,trusted@0", NULL },
        { "GET", "http:/%zz", 302, "G=-EINVAL@0", NULL },
        { "GET", "http://a.example:0x50/", 302, "G=-EINVAL@0", NULL },
    };
    steps(j, all, sizeof all / sizeof *all, "a Location is read as a reference from where we are: url_resolve does that");
}

START_TEST(r1)
{
    struct judge *j = judge_new(NULL, 0);
    first_hops(j);
    methods(j);
    locations(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

/* ---- R2: what is meant for one origin -------------------------------------------------------------------------------- */

static void strangers(struct judge *j)
{
    static const struct step all[] = {
        { "POST", "http://b.example/x", 307, "G=0,POST,body,stranger@0", NULL },
        { "GET", "http://a.example:8080/x", 302, "G=0,GET,stranger@0", NULL },
        { "GET", "https://a.example/x", 302, "G=0,GET,stranger@0", NULL },
        { "GET", "http://A.EXAMPLE/x", 302, "G=0,GET,trusted@0", NULL },
        { "GET", "http://a.example.evil.example/", 302, "G=0,GET,stranger@0", NULL },
        { "GET", "file:///etc/passwd", 302, "G=-EPROTONOSUPPORT@0", NULL },
        { "GET", "ftp://a.example/x", 302, "G=-EPROTONOSUPPORT@0", NULL },
        { "GET", "javascript:alert(1)", 302, "G=-EPROTONOSUPPORT@0", NULL },
    };
    steps(j, all, sizeof all / sizeof *all, "an origin is scheme, host and port, all three; and only http and https are spoken");
}

static void back_again(struct judge *j)
{
    bare_scene(j, "to a stranger, and back again");
    judge_order(j, "hop H http://a.example/ GET");
    judge_order(j, "follow H 302 http://b.example/ G");
    judge_order(j, "follow G 302 http://a.example/ I");
    judge_order(j, "follow I 302 /x K");
    expect_trace(j, "H=0,GET,trusted@0 G=0,GET,stranger@0 I=0,GET,stranger@0 K=0,GET,stranger@0",
                 "the way back was a stranger's to say: what was meant for the first origin stays behind for good");
    expect_nothing_left(j, "each hop is ended");
}

static void passwords(struct judge *j)
{
    static const char cause[] = "a name and a password are cut out before anything else is done with the URL: no log and no Host "
                                "has them";
    bare_scene(j, "a user and a password in the URL");
    judge_order(j, "hop H http://me:secret@a.example:8080/x?a@b GET");
    expect_said(j, "http://a.example:8080/x?a@b host=a.example port=8080 secure=0", cause);
    judge_order(j, "follow H 302 http://you:hidden@a.example:8080/y G");
    expect_said(j, "http://a.example:8080/y host=a.example port=8080 secure=0", cause);
    expect_trace(j, "H=0,GET,trusted@0 G=0,GET,trusted@0", "it is the same origin, whoever asks");
    expect_nothing_left(j, "each hop is ended");
}

START_TEST(r2)
{
    struct judge *j = judge_new(NULL, 0);
    strangers(j);
    back_again(j);
    passwords(j);
    judge_close(j);
    verdict_pass();
}
END_TEST

void check_redirect_items(Suite *s)
{
    add_item(s, "R1", r1);
    add_item(s, "R2", r2);
}
