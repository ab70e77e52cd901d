/* test_sys_process.c - children of the real kernel: what they are given, and how they end. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "loop/signals.h"
#include "loop/tests/sys_process_world.h"

/* ---- ends ----------------------------------------------------------------------------------------------------------------- */

static int ends(void *self)
{
    (void)self;
    ck_assert_int_eq(ran(&(struct process_spec){ .argv = ARGV("/bin/true") }), 0);
    ck_assert_int_eq(ran(&(struct process_spec){ .argv = ARGV("false") }), 1);
    ck_assert_int_eq(ran(&(struct process_spec){ .argv = SH("exit 255") }), 255);
    ck_assert_int_eq(ran(&(struct process_spec){ .argv = SH("kill -9 $$") }), PROCESS_KILLED + SIGKILL);
    ck_assert_int_eq(ran(&(struct process_spec){ .argv = SH("kill -TERM $$") }), PROCESS_KILLED + SIGTERM);
    return 0;
}

START_TEST(a_child_ends_by_its_status_or_a_signal)
{
    play(ends);
}
END_TEST

static void refused(const struct process_spec *spec, int rc)
{
    struct future f = {0};
    ck_assert_int_eq(await(process_spawn(loop, spec, &f)), rc);
    ck_assert_ptr_nonnull(f.why);
}

static int refusals(void *self)
{
    char path[] = "/tmp/eddy-no-program-XXXXXX";
    int fd = mkstemp(path);
    (void)self;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "neither ELF nor #!\n", 19), 19);
    close(fd);
    refused(&(struct process_spec){ .argv = ARGV("/nowhere/nothing"), .in = PROCESS_PIPE, .out = PROCESS_PIPE }, -ENOENT);
    refused(&(struct process_spec){ .argv = ARGV("eddy-has-no-such-program") }, -ENOENT);
    refused(&(struct process_spec){ .argv = ARGV("true"), .dir = "/nowhere" }, -ENOENT);
    refused(&(struct process_spec){ .argv = ARGV(path) }, -EACCES);
    chmod(path, 0700);
    refused(&(struct process_spec){ .argv = ARGV(path) }, -ENOEXEC);
    unlink(path);
    return 0;
}

START_TEST(what_cannot_begin_says_why)
{
    play(refusals);
}
END_TEST

/* ---- streams, places, environments ---------------------------------------------------------------------------------------- */

static int streams(void *self)
{
    struct text t;
    (void)self;
    struct process *p = spawned(&(struct process_spec){ .argv = ARGV("cat"), .in = PROCESS_PIPE, .out = PROCESS_PIPE });
    int in = process_take_fd(p, 0);
    ck_assert_int_eq(sys->write(sys, in, "hello", 5), 5);
    sys->close(sys, in);
    ck_assert_str_eq(read_all(&t, process_fd(p, 1)), "hello");
    ck_assert_int_eq(waited(p), 0);
    process_close(p);
    const char *const *both = SH("echo out; echo err >&2");
    ck_assert_str_eq(said(&t, &(struct process_spec){ .argv = both, .err = PROCESS_STDOUT }), "out\nerr\n");
    ck_assert_str_eq(said(&t, &(struct process_spec){ .argv = both, .err = PROCESS_NULL }), "out\n");
    ck_assert_str_eq(said(&t, &(struct process_spec){ .argv = ARGV("cat"), .in = PROCESS_NULL }), "");
    return 0;
}

START_TEST(streams_go_where_they_were_told)
{
    play(streams);
}
END_TEST

static int surroundings(void *self)
{
    struct text t;
    (void)self;
    setenv("WHO", "we", 1);
    struct process_spec spec = { .argv = SH("pwd; echo $WHO"), .dir = "/usr" };
    ck_assert_str_eq(said(&t, &spec), "/usr\nwe\n");
    spec.env = ARGV("WHO=they");
    ck_assert_str_eq(said(&t, &spec), "/usr\nthey\n");
    spec = (struct process_spec){ .argv = ARGV("./sh", "-c", "pwd"), .dir = "/bin/." };
    ck_assert_ptr_nonnull(strstr(said(&t, &spec), "/bin\n"));
    return 0;
}

START_TEST(a_child_begins_in_its_directory_with_its_environment)
{
    play(surroundings);
}
END_TEST

static void nothing(void *self, int what)
{
    (void)self, (void)what;
}

/* What we have of our own parent is no business of ours; this keeps it out of the picture. */
static void mark_inherited(void)
{
    for (int fd = 3; fd < 1024; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int purity(void *self)
{
    struct text t;
    (void)self;
    ck_assert_int_eq(loop_add_signal(loop, SIGTERM, nothing, NULL), 0);
    ck_assert_str_eq(said(&t, &(struct process_spec){ .argv = SH("ls /proc/$$/fd; :") }), "0\n1\n2\n");
    ck_assert_str_eq(said(&t, &(struct process_spec){ .argv = ARGV("grep", "SigBlk", "/proc/self/status") }),
                     "SigBlk:\t0000000000000000\n");
    said(&t, &(struct process_spec){ .argv = ARGV("grep", "SigIgn", "/proc/self/status") });
    ck_assert_uint_eq(strtoull(strchr(t.bytes, '\t'), NULL, 16) >> (SIGPIPE - 1) & 1, 0);
    said(&t, &(struct process_spec){ .argv = ARGV("grep", "flags", "/proc/self/fdinfo/1") });
    ck_assert_uint_eq(strtoul(strchr(t.bytes, '\t'), NULL, 8) & O_NONBLOCK, 0);
    said(&t, &(struct process_spec){ .argv = SH("echo $$; cut -d' ' -f5 /proc/$$/stat") });
    ck_assert_int_eq(atoi(t.bytes), atoi(strchr(t.bytes, '\n')));     /* leads its group */
    loop_remove_signal(loop, SIGTERM);
    return 0;
}

START_TEST(nothing_of_ours_leaks_into_a_child)
{
    mark_inherited();
    play(purity);
}
END_TEST

/* Four descriptors, each a file with a name of its own: 0, 1, 2 and a high one, all to be closed by exec. */
static int make_named(void)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++) {
        int fd = memfd_create(names[i], MFD_CLOEXEC), place = i < 3 ? i : 50;
        ck_assert_int_ge(fd, 3);
        ck_assert_int_eq(dup3(fd, place, i == 1 ? 0 : O_CLOEXEC), place);
        close(fd);
    }
    return 50;
}

static void check_places(const int fds[3], const char *path)
{
    static const char *const links[] = { "/memfd:a (deleted)\n", "/memfd:b (deleted)\n", "/memfd:c (deleted)\n" };
    char expected[256] = "", text[256] = "";
    int pidfd;
    struct child child = { .argv = SH("x=$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2); echo \"$x\" >$OUT"),
                           .env = ARGV(path, "PATH=/usr/bin:/bin"), .fds = { fds[0], fds[1], fds[2] } };
    for (int i = 0; i < 3; i++)
        strcat(expected, fds[i] < 0 ? "/dev/null\n" : fds[i] < 3 ? links[fds[i]] : "/memfd:d (deleted)\n");
    ck_assert_int_gt(sys->spawn(sys, &child, &pidfd), 0);
    ck_assert_int_eq(sys->reap(sys, pidfd, true), 0);
    sys->close(sys, pidfd);
    int fd = open(path + 4, O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    ck_assert_str_eq(text, expected);
}

START_TEST(whatever_stands_at_0_1_and_2_comes_to_its_place)
{
    char out[] = "OUT=/tmp/eddy-places-XXXXXX";
    int sources[5] = { -1, 0, 1, 2 };
    sys = sys_linux();
    close(mkstemp(out + 4));
    sources[4] = make_named();
    int before = count_descriptors();
    for (int n = 0; n < 125; n++)
        check_places((int[]){ sources[n % 5], sources[n / 5 % 5], sources[n / 25] }, out);
    ck_assert_int_eq(count_descriptors(), before);
    unlink(out + 4);
}
END_TEST

START_TEST(what_is_only_inherited_is_left_as_it_is)
{
    int fds[2], pidfd;
    ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
    ck_assert_int_eq(dup2(fds[0], 0), 0);
    sys = sys_linux();
    struct child child = { .argv = ARGV("true"), .fds = { 0, 1, 2 } };
    ck_assert_int_gt(sys->spawn(sys, &child, &pidfd), 0);
    ck_assert_int_eq(sys->reap(sys, pidfd, true), 0);
    ck_assert(fcntl(0, F_GETFL) & O_NONBLOCK);
}
END_TEST

START_TEST(closed_standard_descriptors_are_filled_and_stay_what_they_are)
{
    close(0);
    close(2);
    sys = sys_linux();
    int fds[2], pidfd;
    ck_assert_int_eq(sys->pipe(sys, fds), 0);
    ck_assert_int_ge(fds[0], 3);
    struct child child = { .argv = SH("cat; [ /dev/null -ef /proc/$$/fd/2 ]"), .fds = { 0, 1, 2 } };
    ck_assert_int_gt(sys->spawn(sys, &child, &pidfd), 0);
    ck_assert_int_eq(sys->reap(sys, pidfd, true), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_child_ends_by_its_status_or_a_signal,
        what_cannot_begin_says_why,
        streams_go_where_they_were_told,
        a_child_begins_in_its_directory_with_its_environment,
        nothing_of_ours_leaks_into_a_child,
        whatever_stands_at_0_1_and_2_comes_to_its_place,
        what_is_only_inherited_is_left_as_it_is,
        closed_standard_descriptors_are_filled_and_stay_what_they_are,
        NULL
    };
    return run_real("sys process", tests);
}
