/* test_sys_files.c - what the door says of files below a directory: the real kernel and its twin say the same; links, which the
 * twin does not have; and the door where the kernel cannot keep what it opens beneath (before Linux 5.6). */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop/tests/support.h"

static char folder[64];
static struct sys *sys;
static int root;

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void make_folder(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void make_link(const char *name, const char *target)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_int_eq(symlink(target, path), 0);
}

static void setup(void)
{
    strcpy(folder, "/tmp/eddy-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file("outside", "secret");
    make_folder("root");
    make_folder("root/sub");
    write_file("root/a", "hello");
    write_file("root/sub/b", "hello, you");
    make_link("root/in", "sub/b");
    make_link("root/up", "sub/../a");
    make_link("root/out", "../outside");
    make_link("root/absolute", "/etc/passwd");
    make_link("root/away", "..");
    make_link("root/ring", "ring");
    sys = sys_linux();
    char path[128];
    snprintf(path, sizeof path, "%s/root", folder);
    root = sys->open(sys, path, O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_ge(root, 0);
}

static void teardown(void)
{
    char command[128];
    sys->close(sys, root);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* 0, or why it cannot be opened. */
static int opens(const char *path)
{
    int fd = sys->open_beneath(sys, root, path);
    if (fd < 0)
        return fd;
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    sys->close(sys, fd);
    return 0;
}

/* Emulators and valgrind may not have it. */
static bool kernel_keeps_beneath(void)
{
    struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };
    int fd = (int)syscall(SYS_openat2, root, ".", &how, sizeof how);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void nothing_leads_out(void)
{
    static const char *const out[] = { "..", "../outside", "sub/../../outside", "/etc/passwd", "out", "absolute",
        "away/outside" };
    for (size_t i = 0; i < sizeof out / sizeof *out; i++)
        ck_assert_msg(opens(out[i]) == -EXDEV, "%s: %s", out[i], strerror(-opens(out[i])));
    ck_assert_int_eq(opens("a"), 0);
    ck_assert_int_eq(opens("sub/b"), 0);
    ck_assert_int_eq(opens("."), 0);
    ck_assert_int_eq(opens("nothing"), -ENOENT);
    ck_assert_int_eq(opens(""), -ENOENT);
    ck_assert_int_eq(opens("a/b"), -ENOTDIR);
    ck_assert_int_lt(opens("ring"), 0);
}

START_TEST(what_leads_out_of_a_directory_is_EXDEV)
{
    nothing_leads_out();
    if (kernel_keeps_beneath()) {
        ck_assert_int_eq(opens("in"), 0);
        ck_assert_int_eq(opens("up"), 0);
        ck_assert_int_eq(opens("ring"), -ELOOP);
    }
}
END_TEST

START_TEST(the_status_of_a_name_is_its_own_and_a_links_is_not_followed)
{
    struct file_status s, of_fd;
    ck_assert_int_eq(sys->file_status(sys, root, "a", &s), 0);
    ck_assert_int_eq(s.kind, FILE_REGULAR);
    ck_assert_int_eq(s.size, 5);
    ck_assert(s.modified > SECOND && s.modified <= sys->wall_time(sys) + SECOND);
    int fd = sys->open_beneath(sys, root, "a");
    ck_assert_int_eq(sys->file_status(sys, fd, "", &of_fd), 0);
    ck_assert(of_fd.inode == s.inode && of_fd.modified == s.modified && of_fd.size == s.size && of_fd.kind == s.kind);
    sys->close(sys, fd);
    ck_assert_int_eq(sys->file_status(sys, root, "", &s), 0);
    ck_assert_int_eq(s.kind, FILE_DIRECTORY);
    ck_assert_int_eq(sys->file_status(sys, root, "out", &s), 0);
    ck_assert_int_eq(s.kind, FILE_LINK);
    int null = sys->open(sys, "/dev/null", O_RDONLY, 0);
    ck_assert_int_eq(sys->file_status(sys, null, "", &s), 0);
    ck_assert_int_eq(s.kind, FILE_OTHER);
    sys->close(sys, null);
    ck_assert_int_eq(sys->file_status(sys, root, "nothing", &s), -ENOENT);
    ck_assert_int_eq(sys->file_status(sys, -1, "", &s), -EBADF);
}
END_TEST

/* All names of the directory, sorted, with a blank behind each. */
static const char *names_of(int fd, size_t room, char out[512])
{
    char part[4096], *names[32];
    int count = 0;
    ssize_t n;
    out[0] = '\0';
    while ((n = sys->read_names(sys, fd, part, room)) > 0)
        for (ssize_t at = 0; at < n; at += (ssize_t)strlen(part + at) + 1) {
            int i = count++;
            for (; i > 0 && strcmp(names[i - 1], part + at) > 0; i--)
                names[i] = names[i - 1];
            names[i] = strdup(part + at);
        }
    ck_assert_int_eq((int)n, 0);
    for (int i = 0; i < count; i++) {
        strcat(strcat(out, names[i]), " ");
        free(names[i]);
    }
    return out;
}

START_TEST(the_names_of_a_directory_come_in_portions_without_the_dots)
{
    static const size_t rooms[] = { 4096, 100, 40 };
    char text[512];
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        int fd = sys->open_beneath(sys, root, ".");
        ck_assert_str_eq(names_of(fd, rooms[i], text), "a absolute away in out ring sub up ");
        sys->close(sys, fd);
    }
    make_folder("root/empty");
    int fd = sys->open_beneath(sys, root, "empty");
    ck_assert_str_eq(names_of(fd, 100, text), "");
    sys->close(sys, fd);
    fd = sys->open_beneath(sys, root, ".");
    ck_assert_int_eq((int)sys->read_names(sys, fd, text, 1), -EINVAL);
    sys->close(sys, fd);
    fd = sys->open_beneath(sys, root, "a");
    ck_assert_int_eq((int)sys->read_names(sys, fd, text, 100), -ENOTDIR);
    sys->close(sys, fd);
    ck_assert_int_eq((int)sys->read_names(sys, -1, text, 100), -EBADF);
}
END_TEST

/* What it is, or why that is not known. */
static int kind_of(int fd, const char *name)
{
    struct file_status s;
    int rc = sys->file_status(sys, fd, name, &s);
    return rc < 0 ? rc : (int)s.kind;
}

/* All that can be asked of a descriptor, into `answers`: its end. */
static char *ask_of(int fd, char *answers)
{
    char data[16] = "", text[512];
    int n = (int)sys->read_at(sys, fd, data, 4, 2);
    answers += sprintf(answers, "kind %d read %d %s behind %d ", kind_of(fd, ""), n, data, (int)sys->read_at(sys, fd,
        data, 4, 50));
    if (kind_of(fd, "") == FILE_DIRECTORY)
        answers += sprintf(answers, "names %s ", names_of(fd, 300, text));
    else
        answers += sprintf(answers, "names %d ", (int)sys->read_names(sys, fd, text, 300));
    int below = sys->open_beneath(sys, fd, "a");
    answers += sprintf(answers, "a: %d below %d\n", kind_of(fd, "a"), below < 0 ? below : 0);
    if (below >= 0)
        sys->close(sys, below);
    return answers;
}

/* The same questions to a root with "a" ("hello"), "sub" and "sub/b" in it: whatever the world, the same answers. */
static void ask(char *answers)
{
    static const char *const paths[] = { ".", "a", "sub", "sub/b", "b", "", "/a", "..", "sub/../..", "a/b", "nothing/b" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int fd = sys->open_beneath(sys, root, paths[i]);
        answers += sprintf(answers, "%s: %d ", paths[i], fd < 0 ? fd : 0);
        answers = ask_of(fd < 0 ? -1 : fd, answers);
        if (fd >= 0)
            sys->close(sys, fd);
    }
    int fds[3] = { sys->open(sys, "/dev/null", O_RDONLY, 0) };
    ck_assert_int_eq(sys->pipe(sys, fds + 1), 0);
    for (int i = 0; i < 3; i++) {
        answers = ask_of(fds[i], answers);
        sys->close(sys, fds[i]);
    }
}

START_TEST(the_twin_answers_as_the_kernel_does)
{
    char real[4096], twin[4096];
    struct sim *sim = sim_new(0);
    int real_root = root;
    root = sys->open_beneath(sys, real_root, "plain");
    ck_assert_int_lt(root, 0);
    make_folder("root/plain");
    make_folder("root/plain/sub");
    write_file("root/plain/a", "hello");
    write_file("root/plain/sub/b", "hello, you");
    root = sys->open_beneath(sys, real_root, "plain");
    ask(real);
    sys->close(sys, root);
    sys = sim_sys(sim);
    sim_disk_add(sim, "/plain", NULL, 0);
    sim_disk_add(sim, "/plain/sub", NULL, 0);
    sim_disk_add(sim, "/plain/a", "hello", 5);
    sim_disk_add(sim, "/plain/sub/b", "hello, you", 10);
    root = sys->open(sys, "/plain", O_RDONLY | O_DIRECTORY, 0);
    ask(twin);
    sys->close(sys, root);
    sim_end_empty(sim);
    ck_assert_str_eq(twin, real);
    sys = sys_linux();
    root = real_root;
}
END_TEST

/* On a thread of its own, for which this kernel is an old one. The door remembers that: last of all tests. */
static void *on_an_old_kernel(void *self)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof code / sizeof *code, code };
    bool *made = self;
    *made = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
    if (!*made && kernel_keeps_beneath())
        return NULL;
    nothing_leads_out();
    ck_assert_int_eq(opens("in"), -EXDEV);
    ck_assert_int_eq(opens("ring"), -EXDEV);
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_int_eq(opens(name), -ENAMETOOLONG);
    return NULL;
}

START_TEST(where_the_kernel_cannot_keep_it_beneath_no_link_is_followed)
{
    pthread_t thread;
    bool made = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, on_an_old_kernel, &made), 0);
    pthread_join(thread, NULL);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        what_leads_out_of_a_directory_is_EXDEV,
        the_status_of_a_name_is_its_own_and_a_links_is_not_followed,
        the_names_of_a_directory_come_in_portions_without_the_dots,
        the_twin_answers_as_the_kernel_does,
        where_the_kernel_cannot_keep_it_beneath_no_link_is_followed,
        NULL
    };
    Suite *suite = suite_create("sys: files");
    TCase *group = tcase_create("sys: files");
    tcase_add_checked_fixture(group, setup, teardown);
    for (const TTest **test = tests; *test; test++)
        tcase_add_test(group, *test);
    suite_add_tcase(suite, group);
    return run_suite(suite);
}
