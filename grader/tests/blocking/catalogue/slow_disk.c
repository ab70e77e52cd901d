/* slow_disk.c - FUSE by hand: requests are read from /dev/fuse, and answered a millisecond later. See slow_disk.h.
 *
 * Trap: an answer that the kernel keeps. Nothing may be remembered (all time-outs are zero), or the second look is fast. */
#include "grader/tests/blocking/catalogue/slow_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "grader/tests/blocking/catalogue/catalogue.h"

enum { REQUEST = 1 << 20, ANSWER_NS = 1000000, ROOT = 1, A_FILE, A_FOLDER, A_LINK, A_PROGRAM, A_LIBRARY };

static int door = -1, program = -1, library = -1;

static const struct { const char *begins; uint64_t node; uint32_t mode; } kinds[] = {
    { "file", A_FILE, S_IFREG | 0644 }, { "dir", A_FOLDER, S_IFDIR | 0755 }, { "link", A_LINK, S_IFLNK | 0777 },
    { "program", A_PROGRAM, S_IFREG | 0755 }, { "library", A_LIBRARY, S_IFREG | 0755 },
};

static void reply(uint64_t unique, int error, const void *data, size_t len)
{
    struct fuse_out_header head = { .len = (uint32_t)(sizeof head + len), .error = error, .unique = unique };
    const struct iovec parts[] = { { &head, sizeof head }, { (void *)data, len } };
    if (writev(door, parts, 2) < 0 && errno != ENOENT)
        fprintf(stderr, "catalogue: an answer of the slow disk is not taken: %s.\n", strerror(errno));
}

static uint64_t size_of(uint64_t node)
{
    struct stat s = { 0 };
    if (node == A_PROGRAM || node == A_LIBRARY)
        fstat(node == A_PROGRAM ? program : library, &s);
    return node == A_FILE ? 8192 : (uint64_t)s.st_size;
}

static struct fuse_attr attributes(uint64_t node)
{
    struct fuse_attr a = { .ino = node, .mode = S_IFDIR | 0755, .nlink = 1, .size = size_of(node), .blksize = 4096,
                           .uid = getuid(), .gid = getgid() };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].node == node)
            a.mode = kinds[i].mode;
    return a;
}

static void reply_entry(uint64_t unique, uint64_t node)
{
    struct fuse_entry_out entry = { .nodeid = node, .attr = attributes(node) };
    reply(unique, 0, &entry, sizeof entry);
}

static void reply_attributes(uint64_t unique, uint64_t node)
{
    struct fuse_attr_out out = { .attr = attributes(node) };
    reply(unique, 0, &out, sizeof out);
}

static void look_up(uint64_t unique, const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strncmp(name, kinds[i].begins, strlen(kinds[i].begins))) {
            reply_entry(unique, kinds[i].node);
            return;
        }
    reply(unique, -ENOENT, NULL, 0);
}

static void reply_bytes(const struct fuse_in_header *in, const struct fuse_read_in *asked)
{
    static char out[REQUEST];
    uint64_t size = size_of(in->nodeid);
    size_t len = asked->offset >= size ? 0 : size - asked->offset < asked->size ? (size_t)(size - asked->offset) : asked->size;
    memset(out, '\n', len);
    if (in->nodeid == A_PROGRAM || in->nodeid == A_LIBRARY)
        len = (size_t)must(pread(in->nodeid == A_PROGRAM ? program : library, out, len, (off_t)asked->offset), "pread");
    reply(in->unique, 0, out, len);
}

/* Each time one entry, so that a folder is many questions. */
static void reply_entries(const struct fuse_in_header *in, const struct fuse_read_in *asked)
{
    char out[FUSE_NAME_OFFSET + 8] = "";
    struct fuse_dirent entry = { .ino = A_FILE, .off = asked->offset + 1, .namelen = 5, .type = DT_REG };
    char name[] = "file0";
    name[4] = (char)('0' + asked->offset);
    memcpy(out, &entry, FUSE_NAME_OFFSET);
    memcpy(out + FUSE_NAME_OFFSET, name, 5);
    reply(in->unique, 0, out, asked->offset < 3 ? sizeof out : 0);
}

static void answer_open(const struct fuse_in_header *in)
{
    const struct fuse_open_out out = { .open_flags = in->nodeid == A_FILE ? FOPEN_DIRECT_IO : 0 };
    reply(in->unique, 0, &out, sizeof out);
}

static void answer_create(const struct fuse_in_header *in)
{
    struct { struct fuse_entry_out entry; struct fuse_open_out open; } out = {
        { .nodeid = A_FILE, .attr = attributes(A_FILE) }, { .open_flags = FOPEN_DIRECT_IO },
    };
    reply(in->unique, 0, &out, sizeof out);
}

static void answer_init(const struct fuse_in_header *in, const struct fuse_init_in *asked)
{
    const struct fuse_init_out out = { .major = 7, .minor = 31, .max_readahead = asked->max_readahead, .max_write = 65536,
                                       .max_background = 16 };
    reply(in->unique, 0, &out, sizeof out);
}

static void answer(const struct fuse_in_header *in, const void *body)
{
    const struct fuse_write_out written = { .size = in->opcode == FUSE_WRITE ? ((const struct fuse_write_in *)body)->size : 0 };
    const struct fuse_statfs_out space = { .st = { .bsize = 4096, .namelen = 255 } };
    switch (in->opcode) {
    case FUSE_INIT: answer_init(in, body); break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: break;
    case FUSE_LOOKUP: look_up(in->unique, body); break;
    case FUSE_GETATTR:
    case FUSE_SETATTR: reply_attributes(in->unique, in->nodeid); break;
    case FUSE_READLINK: reply(in->unique, 0, "file", 4); break;
    case FUSE_SYMLINK: reply_entry(in->unique, A_LINK); break;
    case FUSE_MKDIR: reply_entry(in->unique, A_FOLDER); break;
    case FUSE_MKNOD:
    case FUSE_LINK: reply_entry(in->unique, A_FILE); break;
    case FUSE_OPEN:
    case FUSE_OPENDIR: answer_open(in); break;
    case FUSE_CREATE: answer_create(in); break;
    case FUSE_READ: reply_bytes(in, body); break;
    case FUSE_READDIR: reply_entries(in, body); break;
    case FUSE_WRITE: reply(in->unique, 0, &written, sizeof written); break;
    case FUSE_STATFS: reply(in->unique, 0, &space, sizeof space); break;
    case FUSE_ACCESS:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_FLUSH:
    case FUSE_SETXATTR:
    case FUSE_FALLOCATE: reply(in->unique, 0, NULL, 0); break;
    default: reply(in->unique, -ENOSYS, NULL, 0);
    }
}

static void *serve(void *none)
{
    static char request[REQUEST + 4096] __attribute__((aligned(8)));
    const struct timespec pause = { .tv_nsec = ANSWER_NS };
    for (ssize_t got; (got = read(door, request, sizeof request)) > 0 || errno == EINTR || errno == ENOENT;)
        if (got > 0) {
            nanosleep(&pause, NULL);
            answer((const struct fuse_in_header *)(void *)request, request + sizeof(struct fuse_in_header));
        }
    return none;
}

static bool file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

const char *slow_disk_mount(const char *folder)
{
    char map[64], options[96];
    unsigned uid = getuid(), gid = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return "user namespaces are not allowed here";
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    file_write("/proc/self/setgroups", "deny");
    bool mapped = file_write("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    if (!mapped || !file_write("/proc/self/gid_map", map))
        return "a user namespace cannot be given its users here";
    door = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (door < 0)
        return "there is no /dev/fuse here";
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u", door, uid, gid);
    if (mount("slow", folder, "fuse.slow", MS_NOSUID | MS_NODEV, options) < 0)
        return "file systems of a user's own cannot be mounted here";
    program = open("/bin/true", O_RDONLY | O_CLOEXEC);
    library = open("/lib/x86_64-linux-gnu/libz.so.1", O_RDONLY | O_CLOEXEC);
    return NULL;
}

void slow_disk_start(void)
{
    pthread_t thread;
    must(-pthread_create(&thread, NULL, serve, NULL), "pthread_create");
    pthread_detach(thread);
}
