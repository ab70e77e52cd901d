/* sandbox_view.c - all that a job can see of the file system. See sandbox_parts.h.
 *
 * An empty root of its own, read-only: the job's folder as /work, a /proc of its own, and with tools the system's /usr.
 * Traps: what is bound here keeps the restrictions it has outside, so attributes may only be added (mount_setattr);
 * proc can only be mounted while another one is in sight. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grader/sandbox_parts.h"

static const char base[] = "/tmp";      /* where the new root is put together; what lies there is hidden by it */

static bool restrict_mount(const char *path, unsigned long long attributes)
{
    struct mount_attr attr = { .attr_set = attributes };
    return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof attr) == 0;
}

/* Makes PATH (absolute, outside) appear at the same place inside: a link as a link, anything else bound read-only. */
static bool show(const char *path)
{
    char at[PATH_MAX], link[PATH_MAX];
    struct stat st;
    snprintf(at, sizeof at, "%s%s", base, path);
    if (lstat(path, &st) < 0)
        return errno == ENOENT;
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(path, link, sizeof link - 1);
        link[n > 0 ? n : 0] = '\0';
        return n > 0 && symlink(link, at) == 0;
    }
    int fd = S_ISDIR(st.st_mode) ? -1 : open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd >= 0)
        close(fd);
    if (S_ISDIR(st.st_mode) ? mkdir(at, 0755) < 0 : fd < 0)
        return false;
    unsigned long long attributes =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | (S_ISCHR(st.st_mode) ? 0 : MOUNT_ATTR_NODEV);
    return mount(path, at, NULL, MS_BIND | MS_REC, NULL) == 0 && restrict_mount(at, attributes);
}

static const char *show_tools(const struct sandbox_plan *plan)
{
    static const char *const seen[] = { "/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives",
                                        "/etc/ld.so.cache", "/dev/null" };
    char options[64];
    snprintf(options, sizeof options, "size=%dm,nr_inodes=4096,mode=700",
             plan->job.memory_mb < 256 ? plan->job.memory_mb : 256);
    if (mkdir("/tmp/etc", 0755) < 0 || mkdir("/tmp/dev", 0755) < 0 || mkdir("/tmp/tmp", 0700) < 0)
        return "make the root's folders";
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        if (!show(seen[i]))
            return "bind the system's folders";
    if (mount("tmpfs", "/tmp/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
        return "mount a small /tmp";
    return NULL;
}

static const char *show_folder(const struct sandbox_plan *plan)
{
    unsigned long long attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (plan->job.tools ? 0 : MOUNT_ATTR_NOEXEC);
    if (mkdir("/tmp/work", 0755) < 0)
        return "make /work";
    if (plan->folder >= 0 &&
        (mount(".", "/tmp/work", NULL, MS_BIND | MS_REC, NULL) < 0 || !restrict_mount("/tmp/work", attributes)))
        return "bind the job's folder";
    return NULL;
}

/* Where a container hides parts of its /proc no other can be mounted: then the job has none. */
static const char *show_proc(void)
{
    if (mkdir("/tmp/proc", 0555) < 0)
        return "make /proc";
    if (mount("proc", "/tmp/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 && errno != EPERM)
        return "mount a /proc";
    return NULL;
}

const char *sandbox_view(const struct sandbox_plan *plan)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return "make its mounts private";
    if (mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k,nr_inodes=64,mode=755") < 0)
        return "mount its root";
    const char *failed = show_folder(plan);
    if (!failed)
        failed = show_proc();
    if (!failed && plan->job.tools)
        failed = show_tools(plan);
    if (failed)
        return failed;
    if (chdir(base) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/work") < 0)
        return "change its root";
    if (mount(NULL, "/", NULL,
              MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | (plan->job.tools ? 0 : MS_NOEXEC), NULL) < 0)
        return "make its root read-only";
    return NULL;
}
