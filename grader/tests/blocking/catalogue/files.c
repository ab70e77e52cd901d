/* files.c - names and folders on a disk that is slow: each question to it is a wait. See slow_disk.h.
 *
 * The trap it exists for: a stat, which everybody thinks costs nothing. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "grader/tests/blocking/catalogue/slow_disk.h"

static const char *absent;          /* why there is no slow disk */
static char here[4][128];           /* names on it: a file, a folder, a link, and one that is not there */
static void *library;
static DIR *folder;

/* Before there is any other thread. */
void files_begin(void)
{
    static const char *const names[] = { "file", "dir", "link", "new" };
    char point[96];
    snprintf(point, sizeof point, "%s/slow", work_folder);
    mkdir(point, 0755);
    absent = slow_disk_mount(point);
    for (int i = 0; i < 4; i++)
        snprintf(here[i], sizeof here[i], "%s/%s", point, names[i]);
    if (!absent)
        slow_disk_start();
}

static void make(struct trial *t)
{
    t->absent = absent;
}

static void make_open(struct trial *t)
{
    t->absent = absent;
    if (!absent)
        t->fd[0] = (int)must(open(here[0], O_RDWR | O_CLOEXEC), here[0]);
}

static void make_open_folder(struct trial *t)
{
    t->absent = absent;
    if (!absent)
        folder = opendir(here[1]);
}

static void end_folder(struct trial *t)
{
    if (!t->absent)
        closedir(folder);
}

static void opens(struct trial *t)
{
    OPERATION(t, t->fd[0] = open(here[0], O_RDONLY | O_CLOEXEC));
}

static void opens_at(struct trial *t)
{
    OPERATION(t, t->fd[0] = openat(AT_FDCWD, here[0], O_RDONLY | O_CLOEXEC));
}

static void creates(struct trial *t)
{
    OPERATION(t, t->fd[0] = creat(here[3], 0600));
}

static void reads(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[0], bytes, 4096, 0));
}

static void writes(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[0], bytes, 4096, 0));
}

static void closes(struct trial *t)
{
    OPERATION(t, t->result = close(t->fd[0]));
    t->fd[0] = -1;
}

static void stats(struct trial *t)
{
    struct stat s;
    OPERATION(t, t->result = stat(here[0], &s));
}

static void lstats(struct trial *t)
{
    struct stat s;
    OPERATION(t, t->result = lstat(here[2], &s));
}

static void fstats(struct trial *t)
{
    struct stat s;
    OPERATION(t, t->result = fstat(t->fd[0], &s));
}

static void statxs(struct trial *t)
{
    struct statx s;
    OPERATION(t, t->result = statx(AT_FDCWD, here[0], 0, STATX_BASIC_STATS, &s));
}

static void statfses(struct trial *t)
{
    struct statfs s;
    OPERATION(t, t->result = statfs(here[0], &s));
}

static void asks_for_access(struct trial *t)
{
    OPERATION(t, t->result = access(here[0], R_OK));
}

static void reads_link(struct trial *t)
{
    OPERATION(t, t->result = readlink(here[2], bytes, 64));
}

static void resolves(struct trial *t)
{
    char real[4096];
    OPERATION(t, t->result = realpath(here[0], real) != NULL);
}

static void unlinks(struct trial *t)
{
    OPERATION(t, t->result = unlink(here[0]));
}

static void removes(struct trial *t)
{
    OPERATION(t, t->result = remove(here[0]));
}

static void renames(struct trial *t)
{
    OPERATION(t, t->result = rename(here[0], here[3]));
}

static void makes_folder(struct trial *t)
{
    OPERATION(t, t->result = mkdir(here[3], 0755));
}

static void removes_folder(struct trial *t)
{
    OPERATION(t, t->result = rmdir(here[1]));
}

static void makes_link(struct trial *t)
{
    OPERATION(t, t->result = symlink("file", here[3]));
}

static void changes_mode(struct trial *t)
{
    OPERATION(t, t->result = chmod(here[0], 0600));
}

static void truncates(struct trial *t)
{
    OPERATION(t, t->result = truncate(here[0], 0));
}

static void changes_times(struct trial *t)
{
    OPERATION(t, t->result = utimensat(AT_FDCWD, here[0], NULL, 0));
}

static void allocates(struct trial *t)
{
    OPERATION(t, t->result = posix_fallocate(t->fd[0], 0, 4096));
}

static void changes_folder(struct trial *t)
{
    OPERATION(t, t->result = chdir(here[1]));
}

static void make_way_back(struct trial *t)
{
    t->absent = absent;
    t->fd[0] = (int)must(open(".", O_RDONLY | O_CLOEXEC), "the current folder");
}

static void go_back(struct trial *t)
{
    must(fchdir(t->fd[0]), "fchdir");
}

static void opens_folder(struct trial *t)
{
    OPERATION(t, folder = opendir(here[1]));
}

static void reads_folder(struct trial *t)
{
    OPERATION(t, t->result = readdir(folder) != NULL);
}

static void scans_folder(struct trial *t)
{
    struct dirent **list = NULL;
    OPERATION(t, t->result = scandir(here[1], &list, NULL, NULL));
    for (long i = 0; i < t->result; i++)
        free(list[i]);
    free(list);
}

static void opens_stream(struct trial *t)
{
    FILE *stream;
    OPERATION(t, stream = fopen(here[0], "re"));
    t->fd[0] = dup(fileno(stream));
    fclose(stream);
}

static void loads_library(struct trial *t)
{
    char path[160];
    snprintf(path, sizeof path, "%.*slibrary%d.so", (int)(strrchr(here[0], '/') - here[0] + 1), here[0], t->number);
    OPERATION(t, library = dlopen(path, RTLD_NOW));
}


static void spawns_program(struct trial *t)
{
    char path[160], *arguments[] = { "program", NULL };
    snprintf(path, sizeof path, "%.*sprogram", (int)(strrchr(here[0], '/') - here[0] + 1), here[0]);
    OPERATION(t, t->result = posix_spawn(&t->child, path, NULL, NULL, arguments, (char *[]){ NULL }));
}

const struct behaviour files[] = {
    { "slow-open", BLOCKS, "open", opens, make, NULL, NULL },
    { "slow-openat", BLOCKS, "openat", opens_at, make, NULL, NULL },
    { "slow-creat", BLOCKS, "creat", creates, make, NULL, NULL },
    { "slow-read", BLOCKS, "pread", reads, make_open, NULL, NULL },
    { "slow-write", BLOCKS, "pwrite", writes, make_open, NULL, NULL },
    { "slow-close", BLOCKS, "close", closes, make_open, NULL, NULL },
    { "slow-stat", BLOCKS, "stat", stats, make, NULL, NULL },
    { "slow-lstat", BLOCKS, "lstat", lstats, make, NULL, NULL },
    { "slow-fstat", BLOCKS, "fstat", fstats, make_open, NULL, NULL },
    { "slow-statx", BLOCKS, "statx", statxs, make, NULL, NULL },
    { "slow-statfs", BLOCKS, "statfs", statfses, make, NULL, NULL },
    { "slow-access", BLOCKS, "access", asks_for_access, make, NULL, NULL },
    { "slow-readlink", BLOCKS, "readlink", reads_link, make, NULL, NULL },
    { "slow-realpath", BLOCKS, "realpath", resolves, make, NULL, NULL },
    { "slow-unlink", BLOCKS, "unlink", unlinks, make, NULL, NULL },
    { "slow-remove", BLOCKS, "remove", removes, make, NULL, NULL },
    { "slow-rename", BLOCKS, "rename", renames, make, NULL, NULL },
    { "slow-mkdir", BLOCKS, "mkdir", makes_folder, make, NULL, NULL },
    { "slow-rmdir", BLOCKS, "rmdir", removes_folder, make, NULL, NULL },
    { "slow-symlink", BLOCKS, "symlink", makes_link, make, NULL, NULL },
    { "slow-chmod", BLOCKS, "chmod", changes_mode, make, NULL, NULL },
    { "slow-truncate", BLOCKS, "truncate", truncates, make, NULL, NULL },
    { "slow-utimensat", BLOCKS, "utimensat", changes_times, make, NULL, NULL },
    { "slow-fallocate", BLOCKS, "posix_fallocate", allocates, make_open, NULL, NULL },
    { "slow-chdir", BLOCKS, "chdir", changes_folder, make_way_back, NULL, go_back },
    { "slow-opendir", BLOCKS, "opendir", opens_folder, make, NULL, end_folder },
    { "slow-readdir", BLOCKS, "readdir", reads_folder, make_open_folder, NULL, end_folder },
    { "slow-scandir", BLOCKS, "scandir", scans_folder, make, NULL, NULL },
    { "slow-fopen", BLOCKS, "fopen", opens_stream, make, NULL, NULL },
    { "slow-dlopen", BLOCKS, "dlopen", loads_library, make, NULL, NULL },
    { "slow-posix_spawn", BLOCKS, "posix_spawn", spawns_program, make, NULL, NULL },
    { 0 },
};
