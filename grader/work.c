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

static int is_work(const struct dirent *e)
{
    char folder[1024], error[8];
    return isdigit((unsigned char)e->d_name[0]) &&
           lab_find("labs", e->d_name, folder, sizeof folder, error, sizeof error);
}

void work_lab(char *id, size_t size)
{
    struct dirent **entries;
    int n = scandir("work", &entries, is_work, alphasort);
    snprintf(id, size, "%s", n == 1 ? entries[0]->d_name : "02");
    for (int i = 0; i < n; i++)
        free(entries[i]);
    if (n >= 0)
        free(entries);
}
