/* submission.c - the files of a hand-in, opened so that nothing else can be read by their names. See submission.h.
 *
 * Trap: a folder that a student made can hold a link to somebody else's solution, or a FIFO that blocks whoever opens
 * it. */
#include "grader/submission.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct reading {
    const struct lab *lab;
    const char *folder;
    int fd;                     /* of the folder */
    char *error;
    size_t size;
};

static bool refuse(const struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(const struct reading *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, r->size, format, args);
    va_end(args);
    return false;
}

/* ---- a file that is not there ------------------------------------------------------------------------------------ */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* How many letters must be changed, added or left out, upper and lower case being the same; many for long names. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    int row[LONGEST + 1];
    size_t len = strlen(b);
    if (len > LONGEST || strlen(a) > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= len; j++)
        row[j] = (int)j;
    for (size_t i = 0; a[i]; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < len; j++) {
            int above = row[j + 1];
            int change = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
            row[j + 1] = least(change, least(above, row[j]) + 1);
            diagonal = above;
        }
    }
    return row[len];
}

static bool named_by_lab(const struct lab *lab, const char *name)
{
    for (int i = 0; i < lab->file_count; i++)
        if (!strcmp(lab->files[i].name, name))
            return true;
    return false;
}

static bool has_file(int folder, const char *sub, const char *name)
{
    struct stat st;
    int fd = openat(folder, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool has = fd >= 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

/* A name that goes into a sentence must not bring control bytes with it. */
static void printable(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s", name);
    for (; *out; out++)
        if (!isprint((unsigned char)*out))
            *out = '?';
}

struct found {
    int entries;
    char similar[128], below[128];      /* a file of nearly that name; a folder that has the file */
};

static void look_around(const struct reading *r, const char *name, struct found *found)
{
    int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), best = 3;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; dir && (e = readdir(dir)); ) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        found->entries++;
        int far = distance(name, e->d_name);
        if (far < best && !named_by_lab(r->lab, e->d_name)) {
            best = far;
            printable(e->d_name, found->similar, sizeof found->similar);
        }
        if (has_file(r->fd, e->d_name, name))
            printable(e->d_name, found->below, sizeof found->below);
    }
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
}

static bool missing(const struct reading *r, const char *name)
{
    struct found found = {0};
    look_around(r, name, &found);
    if (found.entries == 0)
        return refuse(r, "The folder %s is empty: put your %s there.", r->folder, name);
    if (*found.similar)
        return refuse(r, "There is no %s in %s, but there is a file %s: rename it.", name, r->folder, found.similar);
    if (*found.below)
        return refuse(r, "There is no %s in %s, but there is one in its folder %s: hand in that folder.", name,
                      r->folder, found.below);
    return refuse(r, "There is no %s in %s: put your file there.", name, r->folder);
}

/* ---- a file that is there ---------------------------------------------------------------------------------------- */

static const char *kind(mode_t mode)
{
    return S_ISLNK(mode) ? "a link" : S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket" : "a device";
}

/* -errno. Where openat2 is not to be had (before 5.6, or filtered) the name must be one without folders. */
static int open_beneath(int folder, const char *name)
{
    struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
    int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM) && !strchr(name, '/'))
        fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Reads to the end, or to one byte more than the limit: the file may grow while it is read. */
static char *read_up_to(int fd, size_t limit, size_t *len)
{
    char *data = malloc(limit + 2);
    *len = 0;
    while (data && *len <= limit) {
        ssize_t n = read(fd, data + *len, limit + 1 - *len);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR) {
            free(data);
            return NULL;
        }
        *len += n > 0 ? (size_t)n : 0;
    }
    if (data)
        data[*len] = '\0';
    return data;
}

static bool read_file(const struct reading *r, const struct lab_file *file, char **data, size_t *len)
{
    size_t limit = (size_t)r->lab->budget.file_kb * 1024;
    struct stat st;
    if (fstatat(r->fd, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return file->optional || missing(r, file->name);
        return refuse(r, "%s in %s cannot be looked at: %s.", file->name, r->folder, strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return refuse(r, "%s in %s is %s: hand in the file itself.", file->name, r->folder, kind(st.st_mode));
    int fd = open_beneath(r->fd, file->name);
    if (fd < 0)
        return refuse(r, "%s in %s cannot be read: %s.", file->name, r->folder, strerror(-fd));
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    *data = regular ? read_up_to(fd, limit, len) : NULL;
    int error = errno;
    close(fd);
    if (!*data)
        return refuse(r, "%s in %s cannot be read: %s.", file->name, r->folder,
                      regular ? strerror(error) : "it is no file");
    if (*len > limit)
        return refuse(r, "%s in %s is larger than %d KB: hand in the source file only.", file->name, r->folder,
                      r->lab->budget.file_kb);
    return true;
}

static bool open_folder(struct reading *r)
{
    const char *first = r->lab->file_count ? r->lab->files[0].name : "your files";
    r->fd = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->fd >= 0)
        return true;
    if (errno == ENOENT)
        return refuse(r, "There is no folder %s: give the folder that holds %s.", r->folder, first);
    if (errno == ENOTDIR)
        return refuse(r, "%s is a file: give the folder that holds %s.", r->folder, first);
    return refuse(r, "The folder %s cannot be opened: %s.", r->folder, strerror(errno));
}

struct submission *submission_read(const struct lab *lab, const char *folder, char *error, size_t size)
{
    struct reading r = { .lab = lab, .folder = folder, .fd = -1, .error = error, .size = size };
    if (!open_folder(&r))
        return NULL;
    struct submission *s = calloc(1, sizeof *s);
    bool read = s ? true : refuse(&r, "No memory for the files of %s.", folder);
    for (int i = 0; i < lab->file_count && read; i++)
        read = read_file(&r, &lab->files[i], &s->data[i], &s->len[i]);
    close(r.fd);
    if (read)
        return s;
    submission_free(s);
    return NULL;
}

void submission_free(struct submission *s)
{
    for (int i = 0; s && i < LAB_FILES; i++)
        free(s->data[i]);
    free(s);
}
