/* work.c - work/NN-name, where the reader writes: see work.h. */
#include "grader/work.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_data(int from, int to)
{
    char data[1 << 14];
    ssize_t n;
    while ((n = read(from, data, sizeof data)) > 0)
        for (ssize_t done = 0, w; done < n; done += w)
            if ((w = write(to, data + done, (size_t)(n - done))) < 0)
                return -errno;
    return n < 0 ? -errno : 0;
}

static int copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return -errno;
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int rc = out < 0 ? -errno : copy_data(in, out);
    if (out >= 0 && close(out) < 0 && rc == 0)
        rc = -errno;
    if (out >= 0 && rc < 0)
        unlink(to);
    close(in);
    return rc;
}

int work_refill(const struct lab *lab, const char *folder, bool put[LAB_FILES], char *error, size_t size)
{
    char from[1024], to[1024];
    for (int i = 0; i < lab->file_count; i++) {
        snprintf(from, sizeof from, "%s/start/%s", lab->folder, lab->files[i].name);
        snprintf(to, sizeof to, "%s/%s", folder, lab->files[i].name);
        int rc = copy(from, to);
        put[i] = rc == 0;
        if (rc == 0 || rc == -EEXIST || (rc == -ENOENT && lab->files[i].optional))
            continue;
        snprintf(error, size, "%s cannot be copied to %s: %s", from, to, strerror(-rc));
        return -1;
    }
    return 0;
}

int work_open(const struct lab *lab, char *folder, size_t folder_size, bool *fresh, char *error, size_t size)
{
    bool put[LAB_FILES];
    snprintf(folder, folder_size, "work/%s", lab->name);
    *fresh = false;
    if (mkdir("work", 0777) < 0 && errno != EEXIST) {
        snprintf(error, size, "work/ cannot be made: %s", strerror(errno));
        return -1;
    }
    if (mkdir(folder, 0777) < 0) {
        if (errno == EEXIST)
            return 0;
        snprintf(error, size, "%s cannot be made: %s", folder, strerror(errno));
        return -1;
    }
    *fresh = true;
    return work_refill(lab, folder, put, error, size);
}

/* ---- which lab is meant -------------------------------------------------------------------------------------------- */

/* Not as scandir's own filter: lab_find calls scandir, which need not be ready for that. */
static bool is_lab(const char *name)
{
    char folder[1024], error[8];
    return isdigit((unsigned char)*name) && lab_find("labs", name, folder, sizeof folder, error, sizeof error);
}

static int is_open(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static struct timespec later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec) ? a : b;
}

/* When the reader last wrote to one of its files. What we leave there ourselves begins with a dot. */
static struct timespec last_written(const char *name)
{
    struct dirent **entries;
    struct timespec last = {0};
    char path[1024];
    snprintf(path, sizeof path, "work/%s", name);
    int n = scandir(path, &entries, is_open, alphasort);
    for (int i = 0; i < n; i++) {
        struct stat st;
        snprintf(path, sizeof path, "work/%s/%s", name, entries[i]->d_name);
        if (stat(path, &st) == 0)
            last = later(st.st_mtim, last);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return last;
}

/* The first of these folders; of those under work/, the one that was written to last. */
static void choose(const char *where, char *id, size_t size)
{
    struct dirent **names;
    struct timespec best = {0};
    int n = scandir(where, &names, is_open, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        struct timespec t = is_lab(name) ? later(last_written(name), best) : best;
        if (is_lab(name) && (!*id || t.tv_sec != best.tv_sec || t.tv_nsec != best.tv_nsec))
            snprintf(id, size, "%s", name);
        best = t;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

void work_lab(char *id, size_t size)
{
    *id = '\0';
    choose("work", id, size);
    if (!*id)
        choose("labs", id, size);
}
