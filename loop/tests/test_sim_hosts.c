/* test_sim_hosts.c - the twin's name servers, asked at the door; and paths of sockets, which the twin must see removed as the
 * kernel does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "loop/tests/sim_small.h"

/* ---- look-ups -------------------------------------------------------------------------------------------------------- */

struct question {
    struct small *world;
    struct job job;
    const char *host;
    int port, family, max, times, rc;
    char found[256];                /* "192.0.2.1:80 ..." */
    int64_t ended;
};

static void ask(void *self)
{
    struct question *q = self;
    struct address at[4];
    size_t len = 0;
    for (int i = 0; i < q->times; i++)
        q->rc = q->world->sys->lookup(q->world->sys, q->host, q->port, q->family, at, q->max);
    for (int i = 0; i < q->rc; i++) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&at[i].at;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&at[i].at;
        bool old = at[i].at.ss_family == AF_INET;
        char text[INET6_ADDRSTRLEN];
        inet_ntop(at[i].at.ss_family, old ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, text, sizeof text);
        ck_assert_uint_eq(at[i].len, old ? sizeof *in : sizeof *in6);
        len += (size_t)sprintf(q->found + len, "%s%s:%d", i ? " " : "", text, ntohs(old ? in->sin_port : in6->sin6_port));
    }
}

static void note_end(void *self)
{
    struct question *q = self;
    q->ended = sim_now(q->world->sim);
}

static void submit(struct small *w, struct question *q, const char *host, int family)
{
    *q = (struct question){ .world = w, .host = host, .port = 80, .family = family, .max = 4, .times = 1 };
    q->job = (struct job){ .run = ask, .ended = note_end, .self = q };
    ck_assert_int_eq(w->sys->submit(w->sys, &q->job), 0);
}

static const char *found(struct small *w, const char *host, int family)
{
    static struct question q;
    submit(w, &q, host, family);
    ck_assert_int_eq(wait_for(w, 1000 * SECOND), 0);
    ck_assert_int_gt(q.ended, 0);
    if (q.rc < 0)
        sprintf(q.found, "%d", q.rc);
    return q.found;
}

START_TEST(a_host_has_the_addresses_it_was_given_in_their_order)
{
    struct small w;
    small_begin(&w, 0);
    sim_host_add(w.sim, "a.example", "2001:db8::1 192.0.2.1  192.0.2.2", 0);
    ck_assert_str_eq(found(&w, "a.example", AF_UNSPEC), "2001:db8::1:80 192.0.2.1:80 192.0.2.2:80");
    ck_assert_str_eq(found(&w, "A.Example", AF_INET), "192.0.2.1:80 192.0.2.2:80");
    ck_assert_str_eq(found(&w, "a.example", AF_INET6), "2001:db8::1:80");
    sim_host_add(w.sim, "a.example", "192.0.2.9", 0);
    ck_assert_str_eq(found(&w, "a.example", AF_UNSPEC), "192.0.2.9:80");
    small_end(&w);
}
END_TEST

START_TEST(what_nobody_has_told_of_is_unknown_but_literals_and_localhost)
{
    struct small w;
    small_begin(&w, 0);
    ck_assert_str_eq(found(&w, "b.example", AF_UNSPEC), "-2");
    ck_assert_str_eq(found(&w, "192.0.2.1", AF_UNSPEC), "192.0.2.1:80");
    ck_assert_str_eq(found(&w, "192.0.2.1", AF_INET6), "-61");
    ck_assert_str_eq(found(&w, "localhost", AF_UNSPEC), "::1:80 127.0.0.1:80");
    small_end(&w);
}
END_TEST

START_TEST(a_host_may_fail_or_have_no_address)
{
    struct small w;
    small_begin(&w, 0);
    sim_host_fail(w.sim, "a.example", -EAGAIN, 0);
    sim_host_add(w.sim, "b.example", "", 0);
    ck_assert_str_eq(found(&w, "a.example", AF_UNSPEC), "-11");
    ck_assert_str_eq(found(&w, "b.example", AF_UNSPEC), "-61");
    sim_fail(w.sim, CALL_LOOKUP, 1, -EIO);
    ck_assert_str_eq(found(&w, "localhost", AF_UNSPEC), "-5");
    small_end(&w);
}
END_TEST

START_TEST(no_more_is_written_than_there_is_room_for)
{
    struct small w;
    struct question q;
    small_begin(&w, 0);
    sim_host_add(w.sim, "a.example", "192.0.2.1 192.0.2.2 192.0.2.3", 0);
    submit(&w, &q, "a.example", AF_UNSPEC);
    q.max = 2;
    wait_for(&w, SECOND);
    ck_assert_str_eq(q.found, "192.0.2.1:80 192.0.2.2:80");
    small_end(&w);
}
END_TEST

START_TEST(a_look_up_takes_its_time_beside_all_others)
{
    struct small w;
    struct question a, b, c;
    small_begin(&w, 0);
    sim_host_add(w.sim, "a.example", "192.0.2.1", 2 * SECOND);
    sim_host_fail(w.sim, "b.example", -ENOENT, SECOND);
    submit(&w, &a, "a.example", AF_UNSPEC);
    submit(&w, &b, "b.example", AF_UNSPEC);
    submit(&w, &c, "a.example", AF_UNSPEC);
    c.times = 2;                                /* one after the other */
    int64_t start = sim_now(w.sim);
    wait_for(&w, 10 * SECOND);
    ck_assert_int_eq(a.ended - start, 2 * SECOND);
    ck_assert_int_eq(b.ended - start, SECOND);
    ck_assert_int_eq(c.ended - start, 4 * SECOND);
    small_end(&w);
}
END_TEST

START_TEST(its_time_comes_on_top_of_that_of_its_job_and_it_cannot_be_withdrawn)
{
    struct small w;
    struct question q;
    small_begin(&w, 0);
    sim_job_time(w.sim, SECOND, SECOND);
    sim_host_add(w.sim, "a.example", "192.0.2.1", 2 * SECOND);
    submit(&w, &q, "a.example", AF_UNSPEC);
    int64_t start = sim_now(w.sim);
    wait_for(&w, 2 * SECOND);
    ck_assert_int_eq(w.sys->withdraw(w.sys, &q.job), -EALREADY);
    wait_for(&w, 2 * SECOND);
    ck_assert_int_eq(q.ended - start, 3 * SECOND);
    small_end(&w);
}
END_TEST

START_TEST(outside_of_jobs_nobody_may_sleep)
{
    struct small w;
    struct address out;
    small_begin(&w, 0);
    ck_assert_int_eq(w.sys->lookup(w.sys, "192.0.2.1", 80, AF_UNSPEC, &out, 1), -EDEADLK);
    small_end(&w);
}
END_TEST

START_TEST(a_world_may_end_while_somebody_looks_up)
{
    struct small w;
    struct question q;
    small_begin(&w, 0);
    sim_host_add(w.sim, "a.example", "192.0.2.1", SECOND);
    submit(&w, &q, "a.example", AF_UNSPEC);
    wait_for(&w, 0);
    ck_assert_int_eq(q.ended, 0);
    small_end(&w);
}
END_TEST

/* ---- paths ------------------------------------------------------------------------------------------------------------ */

static char script[512];

static void play(const char *what, int rc)
{
    size_t len = strlen(script);
    snprintf(script + len, sizeof script - len, "%s %d; ", what, rc);
}

static int at_path(struct sys *sys, int fd, const char *path, bool connects)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    strcpy(un.sun_path, path);
    return (connects ? sys->connect : sys->bind)(sys, fd, (const struct sockaddr *)&un, sizeof un);
}

/* One socket has a path, loses it, and another one takes it; a file is in the way. */
static const char *paths_in(struct sys *sys, const char *path, const char *file)
{
    int a = sys->socket(sys, AF_UNIX, SOCK_STREAM), b = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    int c = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    struct address name;
    script[0] = '\0';
    play("nothing there", sys->unlink_socket(sys, path));
    play("mode", sys->set_mode(sys, a, 0600));
    play("mode of nothing", sys->set_mode(sys, -1, 0600));
    play("bind", at_path(sys, a, path, false));
    play("listen", sys->listen(sys, a, 1));
    play("in use", at_path(sys, b, path, false));
    play("unlink", sys->unlink_socket(sys, path));
    play("again", sys->unlink_socket(sys, path));
    play("unreachable", at_path(sys, c, path, true));
    play("its name stays", sys->sockname(sys, a, &name) == 0 && strcmp(((struct sockaddr_un *)&name.at)->sun_path, path) == 0);
    play("free", at_path(sys, b, path, false));
    play("nobody listens", at_path(sys, c, path, true));
    play("close", sys->close(sys, a));
    play("the other's stays", at_path(sys, c, path, true));
    play("close", sys->close(sys, b));
    play("left behind", at_path(sys, c, path, false));
    play("unlink", sys->unlink_socket(sys, path));
    play("a file", sys->unlink_socket(sys, file));
    play("in the way", at_path(sys, c, file, false));
    play("no socket", at_path(sys, c, file, true));
    play("close", sys->close(sys, c));
    return script;
}

START_TEST(paths_of_sockets_come_and_go_as_in_the_kernel)
{
    struct small w;
    char folder[] = "/tmp/eddy-paths-XXXXXX", path[64], file[64], kernel[sizeof script];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sock", folder);
    snprintf(file, sizeof file, "%s/file", folder);
    fclose(fopen(file, "w"));
    strcpy(kernel, paths_in(sys_linux(), path, file));
    unlink(file);
    ck_assert_int_eq(rmdir(folder), 0);
    small_begin(&w, 0);
    sim_disk_add(w.sim, file, "", 0);
    ck_assert_str_eq(paths_in(w.sys, path, file), kernel);
    small_end(&w);
}
END_TEST

int main(void)
{
    const TTest *const hosts[] = {
        a_host_has_the_addresses_it_was_given_in_their_order,
        what_nobody_has_told_of_is_unknown_but_literals_and_localhost,
        a_host_may_fail_or_have_no_address,
        no_more_is_written_than_there_is_room_for,
        a_look_up_takes_its_time_beside_all_others,
        its_time_comes_on_top_of_that_of_its_job_and_it_cannot_be_withdrawn,
        outside_of_jobs_nobody_may_sleep,
        a_world_may_end_while_somebody_looks_up,
        NULL
    };
    const TTest *const paths[] = { paths_of_sockets_come_and_go_as_in_the_kernel, NULL };
    Suite *suite = suite_create("sim: hosts");
    add_tests(suite, "hosts", hosts, 0);
    add_tests(suite, "paths", paths, 0);
    return run_suite(suite);
}
