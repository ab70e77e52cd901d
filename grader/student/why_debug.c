/* why_debug.c - what a debugger needs to see an item's last world again: see why.h.
 *
 *     build/why/02-A3/failed.wire   what was said (recording.h); passed.wire where the item passes
 *     build/why/02-A3/probe         the student's code for a debugger; `probe failed.wire steps` runs it without the judge
 *     build/why/02-A3/steps         the number of each step in it, as make why showed them
 *     build/why/02-A3/gdb           gdb's commands
 *
 * Trap: it runs outside of the sandbox, on purpose. So it is only written here, never run by us. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/recording.h"
#include "grader/report_file.h"
#include "grader/student/why.h"
#include "grader/workshop.h"

enum { STEPS = 4096 };                  /* whose numbers the probe remembers (probe_replay.c) */

static void empty(const char *folder)
{
    char path[1400];
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir)); ) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    if (dir)
        closedir(dir);
}

int why_debug_open(const struct lab *lab, const char *item, char *folder, size_t folder_size, char *error, size_t size)
{
    char cwd[700];
    snprintf(folder, folder_size, "build/why");
    if (getcwd(cwd, sizeof cwd) && (mkdir("build", 0777) == 0 || errno == EEXIST) &&
        (mkdir(folder, 0777) == 0 || errno == EEXIST)) {
        snprintf(folder, folder_size, "%s/build/why/%s-%s", cwd, lab->id, item);
        if (mkdir(folder, 0777) == 0 || errno == EEXIST) {
            empty(folder);
            return 0;
        }
    }
    snprintf(error, size, "%s cannot be made, so nothing is kept for a debugger: %s", folder, strerror(errno));
    *folder = 0;
    return -1;
}

bool why_debug_recording(const char *folder, char *path, size_t size)
{
    snprintf(path, size, "%s/failed.wire", folder);
    if (access(path, R_OK) == 0)
        return true;
    snprintf(path, size, "%s/passed.wire", folder);
    return access(path, R_OK) == 0;
}

/* ---- the steps --------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* The number of the next step that tells of this order, or 0: there are steps that are no orders, and orders of which a
 * history that was cut tells nothing. */
static int step_of(struct lines *lines, const char *order)
{
    struct lines ahead = *lines;
    struct line l;
    while (lines_next(&ahead, &l))
        if (l.kind == ENTRY_STEP && !l.title && ends_with(l.text, order)) {
            *lines = ahead;
            return l.number;
        }
    return 0;
}

/* A line for each order since the last world began. The last step's number. */
static int write_steps(FILE *to, FILE *recording, const struct history *h)
{
    static struct wire w;
    enum speaker who;
    struct lines lines = { .history = h };
    int64_t world = recording_last_world(recording);
    int last = 0;
    for (int count = 0; count < STEPS && recording_next(recording, &who, &w); ) {
        if (w.kind != WIRE_ORDER || w.args[0] <= world)
            continue;
        int step = step_of(&lines, w.data);
        last = step ? step : last;
        fprintf(to, "%d\n", step);
        count++;
    }
    return last;
}

/* ---- the script -------------------------------------------------------------------------------------------------- */

/* Whether the program died: then the debugger stops there by itself. */
static bool ends_in_crash(const char *recording)
{
    static struct wire w;
    enum speaker who;
    FILE *f = fopen(recording, "re");
    bool crash = false;
    while (f && recording_next(f, &who, &w))
        crash = w.kind == WIRE_CRASH;
    if (f)
        fclose(f);
    return crash;
}

static void write_words(FILE *f, const struct lab *lab, bool crash, int last)
{
    fprintf(f, "define step_to\ntbreak replay_step if number == $arg0\nrun\nend\n");
    fprintf(f, "document step_to\nstep_to N: begins again, and stops before step N of make why\nend\n");
    if (crash) {
        fprintf(f, "run\nbacktrace\n");
        fprintf(f, "echo \\nThis is where it dies. up and down walk the frames, print shows what is in them, and\\n\n");
        fprintf(f, "echo step_to %d begins again, and stops before the last step.\\n\n", last);
        return;
    }
    fprintf(f, "tbreak replay_scene\nrun\n");
    fprintf(f, "echo \\nThe steps that make why shows begin here; each is named as it comes. For example:\\n\n");
    fprintf(f, "echo \\ \\ step_to %-11d stops before the last step; so with any other\\n\n", last);
    fprintf(f, "echo \\ \\ rbreak %s:.     stops in each function of yours\\n\n", first_file(lab));
    fprintf(f, "echo \\ \\ continue, next, step, finish, backtrace, print, and run to begin again;\\n\n");
    fprintf(f, "echo \\ \\ Ctrl-C stops a loop that does not end\\n\n");
}

static int write_script(const struct grading *c, const char *folder, const char *recording, int last)
{
    struct report_file file;
    char cwd[700] = ".", path[1200], sources[1800];
    snprintf(path, sizeof path, "%s/gdb", folder);
    int rc = report_file_open(&file, path);
    if (rc < 0)
        return rc;
    if (!getcwd(cwd, sizeof cwd))
        snprintf(cwd, sizeof cwd, ".");
    snprintf(sources, sizeof sources, "%s%s%s", *c->folder == '/' ? "" : cwd, *c->folder == '/' ? "" : "/", c->folder);
    fprintf(file.f, "# The steps of make why LAB=%s%s T=%s again, without the judge and its limits.\n", c->lab->id, c->again,
            c->options.item);
    fprintf(file.f, "set confirm off\nset breakpoint pending on\nset print inferior-events off\n");
    fprintf(file.f, "file \"%s/probe\"\nset args '%s' '%s/steps'\n", folder, recording, folder);
    fprintf(file.f, "directory \"%s\"\ndirectory \"%s\"\n", cwd, sources);
    write_words(file.f, c->lab, ends_in_crash(recording), last);
    return report_file_close(&file);
}

/* Both files. 0 or -errno. */
static int write_files(const struct grading *c, const struct history *h, const char *folder)
{
    char recording[1200], path[1200];
    struct report_file steps;
    why_debug_recording(folder, recording, sizeof recording);
    snprintf(path, sizeof path, "%s/steps", folder);
    FILE *f = fopen(recording, "re");
    int rc = f ? report_file_open(&steps, path) : -errno;
    int last = rc == 0 ? write_steps(steps.f, f, h) : 0;
    if (rc == 0)
        rc = report_file_close(&steps);
    if (f)
        fclose(f);
    return rc == 0 ? write_script(c, folder, recording, last) : rc;
}

int why_debug_write(const struct grading *c, const struct history *h, const char *folder, char *command,
                    size_t command_size, char *error, size_t size)
{
    char probe[1200];
    snprintf(probe, sizeof probe, "%s/probe", folder);
    if (workshop_build_debug(c->lab, c->hand_in, grade_build, probe, error, size) != 0)
        return -1;
    int rc = write_files(c, h, folder);
    if (rc < 0) {
        snprintf(error, size, "what a debugger needs cannot be written to %s: %s", folder, strerror(-rc));
        return -1;
    }
    snprintf(command, command_size, "gdb -q -x build/why/%s-%s/gdb", c->lab->id, c->options.item);
    if (system("command -v gdb >/dev/null 2>&1") != 0)
        strncat(command, "   (gdb is not installed: apt-get install gdb)", command_size - strlen(command) - 1);
    return 0;
}
