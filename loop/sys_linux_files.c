/* sys_linux_files.c - the real door's files below a directory, and what is moved out of them without being copied.
 *
 * The trap it exists for: a path that was looked at and then opened is two paths, because a link may have taken the place of a
 * folder between. So the kernel itself keeps what it opens beneath the directory (openat2, Linux 5.6); where it cannot, no link
 * is followed at all. */
#include "loop/sys_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FLAGS = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, MOST_TRIES = 16 };

/* A link is -EXDEV: nobody here knows where it leads. */
static int open_step(int dir, const char *name)
{
    if (strcmp(name, "..") == 0)
        return -EXDEV;
    int fd = openat(dir, name, FLAGS | O_NOFOLLOW);
    if (fd < 0)
        return errno == ELOOP ? -EXDEV : -errno;
    return fd;
}

/* Name by name. */
static int open_stepwise(int dir, const char *path)
{
    char name[NAME_MAX + 1];
    int at = dir;
    do {
        size_t len = strcspn(path, "/");
        snprintf(name, sizeof name, "%.*s", (int)len, path);
        int fd = len > NAME_MAX ? -ENAMETOOLONG : open_step(at, name);
        if (at != dir)
            close(at);
        at = fd;
        path += len + (path[len] == '/');
    } while (at >= 0 && *path);
    return at;
}

int linux_open_beneath(struct sys *sys, int dir, const char *path)
{
    static atomic_bool missing;
    struct open_how how = { .flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
    long fd = -1;
    (void)sys;
    if (path[0] == '/')
        return -EXDEV;
    errno = EAGAIN;                     /* and so says the kernel when something was renamed meanwhile */
    for (int i = 0; i < MOST_TRIES && fd < 0 && errno == EAGAIN && !atomic_load(&missing); i++)
        fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd < 0 && errno == ENOSYS)
        atomic_store(&missing, true);
    if (atomic_load(&missing))
        return open_stepwise(dir, path);
    return fd < 0 ? -errno : (int)fd;
}

int linux_file_status(struct sys *sys, int fd, const char *name, struct file_status *out)
{
    struct stat s;
    (void)sys;
    if ((*name ? fstatat(fd, name, &s, AT_SYMLINK_NOFOLLOW) : fstat(fd, &s)) < 0)
        return -errno;
    *out = (struct file_status){ .size = s.st_size, .inode = s.st_ino,
                                 .kind = S_ISREG(s.st_mode) ? FILE_REGULAR : S_ISDIR(s.st_mode) ? FILE_DIRECTORY
                                         : S_ISLNK(s.st_mode) ? FILE_LINK : FILE_OTHER,
                                 .modified = s.st_mtim.tv_sec * SECOND + s.st_mtim.tv_nsec };
    return 0;
}

ssize_t linux_read_at(struct sys *sys, int fd, void *data, size_t len, int64_t offset)
{
    ssize_t n = pread(fd, data, len, offset);
    (void)sys;
    return n < 0 ? -errno : n;
}

/* What getdents64 writes, made shorter in place: a name alone is never longer than its entry. */
ssize_t linux_read_names(struct sys *sys, int fd, char *out, size_t size)
{
    size_t len = 0;
    long got;
    (void)sys;
    do {
        got = syscall(SYS_getdents64, fd, out, size);
        for (long at = 0; at < got;) {
            unsigned short entry;
            memcpy(&entry, out + at + offsetof(struct dirent64, d_reclen), sizeof entry);
            const char *name = out + at + offsetof(struct dirent64, d_name);
            size_t name_len = strlen(name) + 1;
            at += entry;
            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
                memmove(out + len, name, name_len);
                len += name_len;
            }
        }
    } while (got > 0 && len == 0);
    return got < 0 ? -errno : (ssize_t)len;
}

/* A pipe with nothing in it, or without room, is -EAGAIN whatever its flags. */
ssize_t linux_splice(struct sys *sys, int from, int64_t offset, int to, size_t len)
{
    ssize_t n = splice(from, offset < 0 ? NULL : &offset, to, NULL, len, SPLICE_F_NONBLOCK);
    (void)sys;
    return n < 0 ? -errno : n;
}

/* Who has too many already keeps what there is. */
ssize_t linux_wide_pipe(struct sys *sys, int fds[2], size_t bytes)
{
    int rc = sys->pipe(sys, fds);
    if (rc < 0)
        return rc;
    int room = fcntl(fds[1], F_SETPIPE_SZ, (int)bytes);
    return room < 0 ? fcntl(fds[1], F_GETPIPE_SZ) : room;
}
