/* report_file.c - a report that is there whole or not at all: see report_file.h. */
#include "grader/report_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folders(const char *path)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(folder, 0777) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

int report_file_open(struct report_file *r, const char *path)
{
    *r = (struct report_file){0};
    if (strlen(path) >= sizeof r->path)
        return -ENAMETOOLONG;
    snprintf(r->path, sizeof r->path, "%s", path);
    snprintf(r->draft, sizeof r->draft, "%s.%d", path, (int)getpid());
    int rc = make_folders(path);
    if (rc < 0)
        return rc;
    r->f = fopen(r->draft, "we");
    return r->f ? 0 : -errno;
}

int report_file_close(struct report_file *r)
{
    if (fflush(r->f) != 0 && !r->failed)
        r->failed = -errno;         /* what could not be written is tried again: so it is known why */
    if (ferror(r->f) && !r->failed)
        r->failed = -EIO;
    if (fclose(r->f) != 0 && !r->failed)
        r->failed = -errno;
    if (!r->failed && rename(r->draft, r->path) < 0)
        r->failed = -errno;
    if (r->failed)
        unlink(r->draft);
    return r->failed;
}
