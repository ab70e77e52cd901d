/* test_tls_start.c - the way from plain text to TLS (case 115), and what is begun before both sides have agreed. */
#include "stream/tests/tls_world.h"

START_TEST(nothing_is_readable_on_the_wire)
{
    struct future fa = {0};
    char in[4096];
    usual_identities();
    stream_start_tls(a, client, "example.org", &fa);
    stream_write(a, text("a secret"), NULL);
    pass();
    ssize_t n = w.sys->read(w.sys, peer, in, sizeof in);
    ck_assert_int_gt(n, 100);
    ck_assert_ptr_null(memmem(in, (size_t)n, "secret", 6));
    ck_assert_uint_eq(stream_unsent(a), 8);
    ck_assert(!stream_tls(a, &(struct tls_facts){0}));
    end_stream(&a);
}
END_TEST

START_TEST(reads_and_writes_begun_during_the_handshake_wait_for_it)
{
    struct future fa = {0}, fb = {0}, line = {0}, sent = {0}, down = {0}, back = {0};
    usual_identities();
    shake("example.org", &fa, &fb);
    stream_read_until(b, "\n", 0, &line);
    stream_write(a, text("early\n"), &sent);
    stream_shutdown(a, &down);
    stream_read_until_close(a, 0, &back);
    ck_assert(!future_done(&line) && !future_done(&sent) && !future_done(&down));
    reads(&line, "early\n");
    ck_assert(await(&fa) == 0 && await(&fb) == 0);
    ck_assert_int_eq(await(&sent), 6);
    ck_assert_int_eq(await(&down), 0);
    fails(stream_read_some(b, 0, &line), -EPIPE);
    writes(b, "late");
    end_stream(&b);
    reads(&back, "late");
    ck_assert_int_eq(stream_error(a), -EPIPE);
}
END_TEST

START_TEST(a_half_close_begun_during_the_handshake_waits_for_it)
{
    struct future fa = {0}, fb = {0}, f = {0}, down = {0};
    usual_identities();
    shake("example.org", &fa, &fb);
    stream_shutdown(a, &down);
    fails(stream_read_some(b, 0, &f), -EPIPE);
    ck_assert(await(&down) == 0 && await(&fa) == 0 && await(&fb) == 0);
}
END_TEST

START_TEST(a_write_refused_during_the_handshake_ends_only_the_writing)
{
    struct future fa = {0}, fb = {0}, f = {0}, line = {0};
    usual_identities();
    shake("example.org", &fa, &fb);
    stream_read_some(a, 0, &line);
    sim_fail(w.sim, CALL_MEMORY, 1, -ENOMEM);
    stream_write(a, text("refused"), NULL);
    pass();
    fails(stream_write(a, text("more"), &f), -ENOMEM);
    writes(b, "all the same");
    reads(&line, "all the same");
    ck_assert(await(&fa) == 0 && await(&fb) == 0);
}
END_TEST

/* ---- from plain text to TLS -------------------------------------------------------------------------------------- */

static int smtp_server(void *self)
{
    struct future f = {0};
    (void)self;
    stream_write(b, text("220 ready\r\n"), NULL);
    reads(stream_read_until(b, "\r\n", 0, &f), "EHLO me\r\n");
    stream_write(b, text("250-you\r\n250 STARTTLS\r\n"), NULL);
    reads(stream_read_until(b, "\r\n", 0, &f), "STARTTLS\r\n");
    writes(b, "220 go on\r\n");
    ck_assert_int_eq(await(stream_start_tls(b, server, NULL, &f)), 0);
    reads(stream_read_until(b, "\r\n", 0, &f), "EHLO me again\r\n");
    writes(b, "250 you again\r\n");
    return 0;
}

START_TEST(case_115_a_plain_dialogue_goes_on_in_tls)
{
    struct future f = {0}, served = {0};
    usual_identities();
    join();
    co_spawn(w.loop, smtp_server, NULL, &served);
    reads(stream_read_until(a, "\r\n", 0, &f), "220 ready\r\n");
    writes(a, "EHLO me\r\n");
    reads(stream_read_until(a, "250 STARTTLS\r\n", 0, &f), "250-you\r\n250 STARTTLS\r\n");
    writes(a, "STARTTLS\r\n");
    reads(stream_read_until(a, "\r\n", 0, &f), "220 go on\r\n");
    ck_assert_int_eq(await(stream_start_tls(a, client, "localhost", &f)), 0);
    writes(a, "EHLO me again\r\n");
    reads(stream_read_until(a, "\r\n", 0, &f), "250 you again\r\n");
    ck_assert_int_eq(await(&served), 0);
}
END_TEST

START_TEST(case_115_the_client_of_the_dialogue_may_be_the_server_of_tls)
{
    struct future fa = {0}, fb = {0}, f = {0};
    usual_identities();
    join();
    writes(a, "you call me\n");
    reads(stream_read_until(b, "\n", 0, &f), "you call me\n");
    stream_start_tls(a, server, NULL, &fa);
    ck_assert_int_eq(await(stream_start_tls(b, client, "example.org", &fb)), 0);
    ck_assert_int_eq(await(&fa), 0);
    writes(b, "hello");
    reads(stream_read_some(a, 0, &f), "hello");
}
END_TEST

START_TEST(text_sent_behind_starttls_is_never_read_as_text)
{
    struct future f = {0}, line = {0};
    usual_identities();
    say("STARTTLS\nRCPT TO: evil\n");
    reads(stream_read_until(a, "\n", 0, &f), "STARTTLS\n");
    fails(stream_start_tls(a, server, NULL, &f), -EPROTO);
    ck_assert_ptr_nonnull(strstr(f.why, "does not speak TLS"));
    ck_assert_uint_eq(stream_unread(a).len, 0);
    fails(stream_read_until(a, "\n", 0, &line), -EPROTO);
    fails(stream_write(a, text("x"), &line), -EPROTO);
}
END_TEST

START_TEST(a_handshake_that_was_read_ahead_goes_on_and_the_last_answer_stays)
{
    struct future fa = {0}, fb = {0}, line = {0};
    usual_identities();
    join();
    writes(b, "begin\n");
    stream_start_tls(b, client, "example.org", &fb);
    pass();
    reads(stream_read_until(a, "\n", 0, &line), "begin\n");
    ck_assert_uint_gt(stream_unread(a).len, 100);
    stream_start_tls(a, server, NULL, &fa);
    gave(&line, "begin\n");
    ck_assert_uint_eq(stream_unread(a).len, 0);
    ck_assert_int_eq(await(&fa), 0);
    gave(&line, "begin\n");
    ck_assert_int_eq(await(&fb), 0);
}
END_TEST

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

START_TEST(tls_may_not_begin_while_a_read_waits)
{
    struct future f = {0}, g = {0};
    usual_identities();
    stream_read_some(a, 0, &f);
    stream_start_tls(a, client, "example.org", &g);
}
END_TEST

START_TEST(tls_may_not_begin_twice)
{
    struct future f = {0}, g = {0};
    usual_identities();
    stream_start_tls(a, client, "example.org", &f);
    stream_start_tls(a, client, "example.org", &g);
}
END_TEST

START_TEST(tls_may_not_begin_with_bytes_unsent)
{
    struct future f = {0};
    usual_identities();
    static char much[400000];
    stream_write(a, (struct bytes){ much, sizeof much }, NULL);
    stream_start_tls(a, client, "example.org", &f);
}
END_TEST

START_TEST(a_client_that_verifies_must_say_whom_it_calls)
{
    struct future f = {0};
    usual_identities();
    stream_start_tls(a, client, NULL, &f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nothing_is_readable_on_the_wire,
        reads_and_writes_begun_during_the_handshake_wait_for_it,
        a_half_close_begun_during_the_handshake_waits_for_it,
        a_write_refused_during_the_handshake_ends_only_the_writing,
        case_115_a_plain_dialogue_goes_on_in_tls,
        case_115_the_client_of_the_dialogue_may_be_the_server_of_tls,
        text_sent_behind_starttls_is_never_read_as_text,
        a_handshake_that_was_read_ahead_goes_on_and_the_last_answer_stays,
        NULL
    };
    const TTest *const aborting[] = {
        tls_may_not_begin_while_a_read_waits,
        tls_may_not_begin_twice,
        tls_may_not_begin_with_bytes_unsent,
        a_client_that_verifies_must_say_whom_it_calls,
        NULL
    };
    return run_tls("tls start", tests, aborting);
}
