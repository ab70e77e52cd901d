/* test_tcp_kernel.c - TCP and names once over the real kernel: loopback sockets, paths in a folder of its own, and getaddrinfo
 * for what /etc/hosts knows. What this machine lacks (IPv6) is left out. Nothing here waits for longer than the kernel takes. */
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/co.h"
#include "loop/executor.h"
#include "loop/log.h"
#include "loop/run_sync.h"
#include "loop/tests/support.h"
#include "stream/ends.h"
#include "stream/tcp.h"

enum { LIMIT_SECONDS = 60 };        /* then something hangs */

static struct sys *sys;
static struct loop *loop;
static char folder[64], path[96], host[112], last_line[1024];

static void keep_line(void *self, int level, const char *line)
{
    (void)self, (void)level;
    snprintf(last_line, sizeof last_line, "%s", line);
}

static void setup(void)
{
    log_to(keep_line, NULL);
    last_line[0] = '\0';
    sys = sys_linux();
    loop = loop_new(sys);
    ck_assert_ptr_nonnull(loop);
    ck_assert_ptr_nonnull(loop_executor(loop));     /* so that no test is the one that makes it */
    snprintf(folder, sizeof folder, "/tmp/eddy-tcp-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sock", folder);
    snprintf(host, sizeof host, "unix:%s", path);
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void teardown(void)
{
    loop_close(loop);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void runs(co_fn *fn, void *self)
{
    int before = open_descriptors();
    int rc = loop_run_sync_until(loop, fn, self, loop_time(loop) + LIMIT_SECONDS * SECOND);
    ck_assert_msg(rc == 0, "it ended with %s", strerror(-rc));
    ck_assert_int_eq(open_descriptors(), before);
}

static bool has_ipv6(void)
{
    struct address a;
    int fd = sys->socket(sys, AF_INET6, SOCK_STREAM);
    if (fd < 0)
        return false;
    address_parse("::1", 0, &a);
    int rc = sys->bind(sys, fd, (const struct sockaddr *)&a.at, a.len);
    sys->close(sys, fd);
    return rc == 0;
}

static struct stream *connected(const char *to, int port, const char *source, int source_port)
{
    struct future f = {0};
    struct sentence said = { "" };
    struct tcp_connect how = { .host = to, .port = port, .source = source, .source_port = source_port, .failure = &said };
    int rc = await(tcp_connect(loop, &how, &f));
    ck_assert_msg(rc == 0, "%s", said.text);
    return f.value;
}

/* Asks for one line, and ends. */
static void ask(const char *to, int port)
{
    struct stream *s = connected(to, port, NULL, 0);
    struct future f = {0};
    ck_assert_int_eq(await(stream_write(s, (struct bytes){ "hello\n", 6 }, &f)), 6);
    ck_assert_int_eq(await(stream_read_until(s, "\n", 100, &f)), 6);
    ck_assert_int_eq(memcmp(f.value, "hello\n", 6), 0);
    stream_close(s);
}

static int echo(void *self)
{
    struct stream *s = self;
    struct future line = {0}, sent = {0};
    int n;
    while ((n = await(stream_read_until(s, "\n", 100, &line))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ line.value, (size_t)n }, &sent))) < 0)
            break;
    stream_close(s);
    return n == -EPIPE ? 0 : n;
}

/* ---- listening -------------------------------------------------------------------------------------------------------- */

static int serve_all_addresses(void *self)
{
    struct future serving = {0};
    struct listener *l = tcp_listen(loop, NULL, 0);
    (void)self;
    ck_assert_ptr_nonnull(l);
    ck_assert_int_gt(tcp_port(l), 0);
    ck_assert_int_eq(tcp_addresses(l), has_ipv6() ? 2 : 1);
    for (int i = 0; i < tcp_addresses(l); i++)
        ck_assert_int_eq(address_port(tcp_address(l, i)), tcp_port(l));     /* the same for all families */
    tcp_serve(l, echo, &serving);
    ask("127.0.0.1", tcp_port(l));
    ask("localhost", tcp_port(l));
    if (has_ipv6())
        ask("::1", tcp_port(l));
    tcp_stop(l, FOREVER);
    ck_assert_int_eq(await(&serving), 0);
    tcp_close(l);
    return 0;
}

static int nodelay_of(const struct stream *s)
{
    int on = -1;
    socklen_t len = sizeof on;
    ck_assert_int_eq(getsockopt(stream_fd(s), IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    return on != 0;
}

static int send_at_once(void *self)
{
    struct listener *l = tcp_listen(loop, "127.0.0.1", 0);
    struct stream *s = connected("127.0.0.1", tcp_port(l), NULL, 0), *pair[2], *pipe[2];
    (void)self;
    ck_assert_int_eq(nodelay_of(s), 0);
    ck_assert_int_eq(stream_set_nodelay(s, true), 0);
    ck_assert_int_eq(nodelay_of(s), 1);
    ck_assert_int_eq(stream_set_nodelay(s, false), 0);
    ck_assert_int_eq(nodelay_of(s), 0);
    ck_assert_int_eq(stream_pair(loop, pair), 0);
    ck_assert_int_eq(stream_set_nodelay(pair[0], true), -EOPNOTSUPP);
    ck_assert_int_eq(stream_pipe(loop, &pipe[0], &pipe[1]), 0);
    ck_assert_int_eq(stream_set_nodelay(pipe[1], true), -ENOTSOCK);
    struct stream *all[] = { s, pair[0], pair[1], pipe[0], pipe[1] };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        stream_close(all[i]);
    tcp_close(l);
    return 0;
}

START_TEST(small_writes_are_sent_at_once_when_asked_for)
{
    runs(send_at_once, NULL);
}
END_TEST

START_TEST(all_addresses_have_the_same_port_and_answer)
{
    runs(serve_all_addresses, NULL);
}
END_TEST

START_TEST(the_same_port_twice_is_in_use_and_a_closed_ones_is_free)
{
    struct listener *l = tcp_listen(loop, "localhost", 0);
    ck_assert_ptr_nonnull(l);
    int port = tcp_port(l);
    ck_assert_ptr_null(tcp_listen(loop, "localhost", port));
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(last_line, "cannot listen at 127.0.0.1:"));
    tcp_close(l);
    l = tcp_listen(loop, "localhost", port);
    ck_assert_ptr_nonnull(l);
    tcp_close(l);
}
END_TEST

START_TEST(a_port_may_be_shared_when_all_agree)
{
    struct tcp_listen how = { .host = "127.0.0.1", .reuse_port = true };
    struct listener *a = tcp_listen_with(loop, &how);
    ck_assert_ptr_nonnull(a);
    how.port = tcp_port(a);
    struct listener *b = tcp_listen_with(loop, &how);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(tcp_listen(loop, "127.0.0.1", how.port));
    tcp_close(a);
    tcp_close(b);
}
END_TEST

START_TEST(an_address_of_another_machine_cannot_be_listened_at)
{
    ck_assert_ptr_null(tcp_listen(loop, "192.0.2.1", 0));
    ck_assert_int_eq(errno, EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(last_line, "cannot listen at 192.0.2.1:0: that address is not one of this machine's"));
}
END_TEST

/* ---- unix sockets ----------------------------------------------------------------------------------------------------- */

static int serve_path(void *self)
{
    struct future serving = {0};
    struct listener *l = tcp_listen(loop, host, 0);
    struct stat st;
    (void)self;
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_ptr_null(tcp_listen(loop, host, 0));          /* which connects, and leaves */
    ck_assert_int_eq(errno, EADDRINUSE);
    tcp_serve(l, echo, &serving);
    ask(host, 0);
    tcp_stop(l, FOREVER);
    ck_assert_int_eq(await(&serving), 0);
    tcp_close(l);
    ck_assert_int_lt(stat(path, &st), 0);
    return 0;
}

START_TEST(a_path_has_its_mode_serves_and_is_removed)
{
    runs(serve_path, NULL);
}
END_TEST

START_TEST(a_path_left_behind_is_taken_over)
{
    struct address a;
    int dead = sys->socket(sys, AF_UNIX, SOCK_STREAM);
    ck_assert_int_eq(address_parse(host, 0, &a), 0);
    ck_assert_int_eq(sys->bind(sys, dead, (const struct sockaddr *)&a.at, a.len), 0);
    sys->close(sys, dead);
    struct listener *l = tcp_listen_with(loop, &(struct tcp_listen){ .host = host, .mode = 0660 });
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    ck_assert_ptr_nonnull(l);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660 & ~mask);
    tcp_close(l);
}
END_TEST

START_TEST(a_file_that_is_no_socket_survives)
{
    FILE *file = fopen(path, "w");
    fputs("precious", file);
    fclose(file);
    ck_assert_ptr_null(tcp_listen(loop, host, 0));
    ck_assert_int_eq(errno, ENOTSOCK);
    ck_assert_ptr_nonnull(strstr(last_line, "is a file that is no socket"));
    ck_assert_int_eq(access(path, R_OK), 0);
}
END_TEST

/* ---- connecting ------------------------------------------------------------------------------------------------------- */

static int connect_to_nobody(void *self)
{
    struct future f = {0};
    struct sentence said = { "" };
    struct listener *l = tcp_listen(loop, "127.0.0.1", 0);
    char start[64];
    (void)self;
    int port = tcp_port(l);
    tcp_close(l);
    snprintf(start, sizeof start, "cannot connect to 127.0.0.1:%d: nobody listens there", port);
    ck_assert_int_eq(await(tcp_connect(loop, &(struct tcp_connect){ .host = "127.0.0.1", .port = port, .failure = &said }, &f)),
                     -ECONNREFUSED);
    ck_assert_msg(strncmp(said.text, start, strlen(start)) == 0, "%s", said.text);
    ck_assert_int_eq(await(tcp_connect(loop, &(struct tcp_connect){ .host = "localhost", .port = port, .failure = &said }, &f)),
                     -ECONNREFUSED);
    ck_assert_ptr_nonnull(strstr(said.text, "localhost at 127.0.0.1:"));
    return 0;
}

START_TEST(a_refusal_names_the_address)
{
    runs(connect_to_nobody, NULL);
}
END_TEST

static int connect_from_elsewhere(void *self)
{
    struct future f = {0};
    struct sentence said = { "" };
    struct listener *l = tcp_listen(loop, "127.0.0.1", 0);
    struct tcp_connect how = { .host = "127.0.0.1", .port = tcp_port(l), .source = "8.8.8.8", .failure = &said };
    (void)self;
    ck_assert_int_eq(await(tcp_connect(loop, &how, &f)), -EADDRNOTAVAIL);
    ck_assert_ptr_nonnull(strstr(said.text, "that address is not one of this machine's"));
    tcp_close(l);
    return 0;
}

START_TEST(case_125_a_source_of_another_machine_fails)
{
    runs(connect_from_elsewhere, NULL);
}
END_TEST

static int connect_from_port_1(void *self)
{
    struct future f = {0};
    struct sentence said = { "" };
    struct listener *l = tcp_listen(loop, "127.0.0.1", 0);
    struct tcp_connect how = { .host = "127.0.0.1", .port = tcp_port(l), .source_port = 1, .failure = &said };
    int rc = await(tcp_connect(loop, &how, &f));
    (void)self;
    ck_assert(rc == -EACCES || rc == 0);            /* 0: root, or a kernel without ports of its own for root */
    if (rc == 0) {
        struct address a;
        ck_assert_int_eq(sys->sockname(sys, stream_fd(f.value), &a), 0);
        ck_assert_int_eq(address_port(&a), 1);
        stream_close(f.value);
    } else {
        ck_assert_ptr_nonnull(strstr(said.text, "ports below 1024 need root"));
    }
    tcp_close(l);
    return 0;
}

START_TEST(case_125_a_source_port_of_roots_is_roots)
{
    runs(connect_from_port_1, NULL);
}
END_TEST

static int connect_from_here(void *self)
{
    struct listener *l = tcp_listen(loop, "127.0.0.1", 0);
    struct stream *s = connected("127.0.0.1", tcp_port(l), "127.0.0.7", 0), *taken;
    struct future f = {0};
    struct address a, b;
    char text[ADDRESS_TEXT];
    (void)self;
    ck_assert_int_eq(await(tcp_accept(l, &f)), 0);
    taken = f.value;
    ck_assert_int_eq(sys->sockname(sys, stream_fd(s), &a), 0);
    ck_assert_int_eq(sys->peername(sys, stream_fd(taken), &b), 0);
    ck_assert(strncmp(address_text(&a, text), "127.0.0.7:", 10) == 0);
    ck_assert_int_eq(address_port(&a), address_port(&b));
    stream_close(s);
    stream_close(taken);
    tcp_close(l);
    return 0;
}

START_TEST(case_125_a_source_of_this_machine_is_whom_the_server_sees)
{
    runs(connect_from_here, NULL);
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static int look_up_localhost(void *self)
{
    struct address out[8];
    char text[ADDRESS_TEXT];
    (void)self;
    int n = sys->lookup(sys, "localhost", 80, AF_INET, out, 8);     /* in a test the loop may sleep: /etc/hosts knows it */
    ck_assert_int_gt(n, 0);
    ck_assert_str_eq(address_text(out, text), "127.0.0.1:80");
    ck_assert_int_eq(sys->lookup(sys, "127.0.0.1", 80, AF_INET6, out, 8), -ENODATA);
    ck_assert_int_eq(sys->lookup(sys, "127.0.0.1", 80, AF_INET, out, 0), 0);
    ck_assert_int_eq(sys->lookup(sys, "127.0.0.1", 80, 12345, out, 8), -EAFNOSUPPORT);
    return 0;
}

START_TEST(the_real_look_up_answers_in_our_errors)
{
    look_up_localhost(NULL);
}
END_TEST

static int find_on_the_executor(void *self)
{
    struct future f = {0};
    char text[ADDRESS_TEXT];
    (void)self;
    int rc = await(resolver_find(loop_resolver(loop), "127.1", 1, AF_UNSPEC, &f));
    ck_assert_int_eq(rc, 1);                /* a name to us, and an address to getaddrinfo, which needs nobody for it */
    ck_assert_str_eq(address_text(((struct addresses *)f.value)->at, text), "127.0.0.1:1");
    addresses_free(f.value);
    return 0;
}

START_TEST(a_name_is_looked_up_on_a_thread)
{
    runs(find_on_the_executor, NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_addresses_have_the_same_port_and_answer,
        small_writes_are_sent_at_once_when_asked_for,
        the_same_port_twice_is_in_use_and_a_closed_ones_is_free,
        a_port_may_be_shared_when_all_agree,
        an_address_of_another_machine_cannot_be_listened_at,
        a_path_has_its_mode_serves_and_is_removed,
        a_path_left_behind_is_taken_over,
        a_file_that_is_no_socket_survives,
        a_refusal_names_the_address,
        case_125_a_source_of_another_machine_fails,
        case_125_a_source_port_of_roots_is_roots,
        case_125_a_source_of_this_machine_is_whom_the_server_sees,
        the_real_look_up_answers_in_our_errors,
        a_name_is_looked_up_on_a_thread,
        NULL
    };
    TCase *group = tcase_create("kernel");
    Suite *suite = suite_create("tcp: kernel");
    tcase_add_checked_fixture(group, setup, teardown);
    tcase_set_timeout(group, 240);
    for (int i = 0; tests[i]; i++)
        tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
