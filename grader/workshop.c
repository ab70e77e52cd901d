/* workshop.c - compile, scan, link: two runs in the sandbox with a look between them. See workshop.h.
 *
 * Traps: (a) `#include "/home/.../solution.c"` and .incbin read whatever the compiler can read: so it runs where only
 *            the student's files and our headers are.
 *        (b) what lies in that folder afterwards was made by a process that we do not trust: it is copied out like a
 *            hand-in, no link, no device, no more than a limit.
 *        (c) a linker that finds a function in an archive as well takes the object's: objects come first, and
 *            production twins of them are never named. */
#include "grader/workshop.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/sandbox.h"
#include "grader/scan.h"

enum { FINE, STUDENT, OURS };       /* what workshop_build returns */
enum { LARGEST = 64 << 20 };        /* bytes of a file that is copied */

struct workshop {
    const struct lab *lab;
    const struct submission *hand_in;
    const char *build, *optimize;
    char *compiling, *linking;      /* folders of the two runs */
    char *message;
    size_t size;
};

static int say(struct workshop *w, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int say(struct workshop *w, int result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->message, w->size, format, args);
    va_end(args);
    return result;
}

/* Appends a tool's words; bytes that could steer a terminal, or are no text, become '?'. */
static void append(struct workshop *w, const char *text)
{
    size_t used = strlen(w->message);
    for (; *text && used + 1 < w->size; text++) {
        bool fine = isprint((unsigned char)*text) || *text == '\n' || *text == '\t';
        w->message[used++] = fine ? *text : '?';
    }
    w->message[used] = '\0';
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, data + done, len - done);
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Makes a new file; a link that waits there under its name is not followed. */
static int make_file(const char *path, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    fchmod(fd, mode);
    return fd;
}

static int save(const char *folder, const char *name, const char *data, size_t len)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = make_file(path, 0644);
    if (fd < 0)
        return fd;
    int rc = write_all(fd, data, len);
    close(fd);
    return rc;
}

/* Copies a regular file of a limited size. 0 or -errno. */
static int copy(const char *from, const char *to, mode_t mode)
{
    char data[65536];
    struct stat st;
    int rc = 0, in = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (in < 0)
        return -errno;
    int out = fstat(in, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LARGEST ? make_file(to, mode) : -EINVAL;
    for (ssize_t n, all = 0; out >= 0 && rc == 0 && (n = read(in, data, sizeof data)) != 0; ) {
        all += n;
        rc = n < 0 ? -errno : all > LARGEST ? -EFBIG : write_all(out, data, (size_t)n);
    }
    close(in);
    if (out < 0)
        return out;
    close(out);
    return rc;
}

/* ---- what goes in ------------------------------------------------------------------------------------------------ */

static bool compiled(const struct workshop *w, int i)
{
    return w->lab->files[i].source && w->hand_in->data[i];
}

/* "timeouts.o" for "timeouts.c" */
static void object_name(const char *source, char *out, size_t size)
{
    snprintf(out, size, "%s", source);
    size_t len = strlen(out);
    if (len > 2 && out[len - 2] == '.')
        out[len - 1] = 'o';
}

/* The headers of one layer. */
static int bring_headers(const struct workshop *w, const char *layer)
{
    char from[PATH_MAX], to[PATH_MAX];
    int rc = 0;
    snprintf(from, sizeof from, "%s/../../%s", w->build, layer);
    snprintf(to, sizeof to, "%s/%s", w->compiling, layer);
    DIR *dir = opendir(from);
    if (!dir)
        return -errno;
    if (mkdir(to, 0755) < 0)
        rc = -errno;
    for (struct dirent *e; rc == 0 && (e = readdir(dir)); ) {
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".h"))
            continue;
        snprintf(from, sizeof from, "%s/../../%s/%s", w->build, layer, e->d_name);
        snprintf(to, sizeof to, "%s/%s/%s", w->compiling, layer, e->d_name);
        rc = copy(from, to, 0644);
    }
    closedir(dir);
    return rc;
}

static const char *const layers[] = { "loop", "stream", "http" };      /* each stands on those before it */

/* How many layers the lab's files may include. */
static int layer_count(const struct lab *lab)
{
    int count = 1;
    for (int i = 0; i < lab->file_count; i++)
        for (int layer = count; lab->files[i].source && layer < (int)(sizeof layers / sizeof *layers); layer++)
            if (!strncmp(lab->files[i].source, layers[layer], strlen(layers[layer])))
                count = layer + 1;
    return count;
}

static bool in_a_layer(const char *source)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (!strncmp(source, layers[i], strlen(layers[i])) && source[strlen(layers[i])] == '/')
            return true;
    return false;
}

/* The header beside a source that is in no layer but in the lab's folder: that one alone, what the judge has stays away. */
static int bring_header_of(const struct workshop *w, const char *source)
{
    char header[256], from[PATH_MAX], to[PATH_MAX];
    snprintf(header, sizeof header, "%s", source);
    header[strlen(header) - 1] = 'h';
    snprintf(from, sizeof from, "%s/../../%s", w->build, header);
    snprintf(to, sizeof to, "%s/%s", w->compiling, header);
    for (char *slash = to + strlen(w->compiling) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        if (mkdir(to, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return copy(from, to, 0644);
}

static int bring_sources(struct workshop *w)
{
    int rc = 0;
    for (int i = 0; i < layer_count(w->lab) && rc == 0; i++)
        rc = bring_headers(w, layers[i]);
    for (int i = 0; i < w->lab->file_count && rc == 0; i++)
        if (w->lab->files[i].source && !in_a_layer(w->lab->files[i].source))
            rc = bring_header_of(w, w->lab->files[i].source);
    if (rc)
        return say(w, OURS, "The headers beside %s cannot be copied: %s.", w->build, strerror(-rc));
    for (int i = 0; i < w->lab->file_count && rc == 0; i++)
        if (compiled(w, i))
            rc = save(w->compiling, w->lab->files[i].name, w->hand_in->data[i], w->hand_in->len[i]);
    return rc ? say(w, OURS, "The files cannot be put in a folder for compiling: %s.", strerror(-rc)) : FINE;
}

/* ---- tools in the sandbox ---------------------------------------------------------------------------------------- */

static struct sandbox *run_script(struct workshop *w, const char *folder, char *script)
{
    char *argv[] = { "sh", "-c", script, NULL };
    struct sandbox_job job = { .folder = folder, .program = "/bin/sh", .argv = argv, .wire = -1, .tools = true,
                               .wall_ms = 60000, .cpu_s = 20, .memory_mb = 1024, .output_kb = 64, .file_kb = 32 << 10 };
    struct sandbox *run = sandbox_start(&job, w->message, w->size);
    if (run && sandbox_wait(run)->how == SANDBOX_FAULT) {
        say(w, OURS, "%s", sandbox_wait(run)->text);
        sandbox_close(run);
        return NULL;
    }
    return run;
}

static bool hit_a_limit(const struct sandbox_end *end)
{
    static const char *const words[] = { "internal compiler error", "out of memory", "virtual memory exhausted",
        "cannot allocate memory", "File size limit", "File too large", "Killed signal", "CPU time limit" };
    if (end->how != SANDBOX_EXITED)
        return true;
    for (size_t i = 0; end->code && i < sizeof words / sizeof *words; i++)
        if (strcasestr(end->output, words[i]))
            return true;
    return false;
}

/* All at once: each compiler writes to a log of its own, so that their words are not mixed. */
static int compile_script(const struct workshop *w, char **script)
{
    size_t len;
    FILE *f = open_memstream(script, &len);
    if (!f)
        return -ENOMEM;
    for (int i = 0; i < w->lab->file_count; i++) {
        char object[256];
        object_name(w->lab->files[i].name, object, sizeof object);
        if (compiled(w, i))
            fprintf(f, "gcc -std=c17 -D_GNU_SOURCE %s -g -fno-common -Wall -Wextra -fdiagnostics-color=never -I. -c "
                    "'%s' -o '%s' >log.%d 2>&1 & pid%d=$!\n", w->optimize, w->lab->files[i].name, object, i, i);
    }
    fprintf(f, "bad=0\n");
    for (int i = 0; i < w->lab->file_count; i++)
        if (compiled(w, i))
            fprintf(f, "wait $pid%d || bad=1\ncat log.%d\n", i, i);
    fprintf(f, "exit $bad\n");
    return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* On success `message` has the warnings. */
static int compile(struct workshop *w)
{
    char *script = NULL;
    if (compile_script(w, &script) < 0)
        return say(w, OURS, "No memory for the compiler's command.");
    struct sandbox *run = run_script(w, w->compiling, script);
    free(script);
    if (!run)
        return OURS;
    const struct sandbox_end *end = sandbox_wait(run);
    int result = end->how == SANDBOX_EXITED && end->code == 0 ? FINE : STUDENT;
    if (result == STUDENT && hit_a_limit(end))
        say(w, result, "The compiler hit its limit: it %s. Look for something huge in your files.\n", end->text);
    else
        say(w, result, "%s", result == FINE ? "" : "Your files do not compile:\n");
    append(w, end->output);
    sandbox_close(run);
    return result;
}

/* ---- between the runs -------------------------------------------------------------------------------------------- */

/* Of the object that the lab's file replaces: "build/release/plain/loop/timeouts.o". */
static void production_object(const struct workshop *w, int i, char *out, size_t size)
{
    char object[256];
    object_name(w->lab->files[i].source, object, sizeof object);
    snprintf(out, size, "%s/plain/%s", w->build, object);
}

static int scan(struct workshop *w, int i, const char *object)
{
    char reference[PATH_MAX], library[PATH_MAX], allow[4096], error[512];
    production_object(w, i, reference, sizeof reference);
    snprintf(library, sizeof library, "%s/libeddy.a", w->build);
    snprintf(allow, sizeof allow, "%s %s", w->lab->allow ? w->lab->allow : "", w->lab->judged ? w->lab->judged : "");
    if (access(reference, R_OK) < 0 || access(library, R_OK) < 0)
        return say(w, OURS, "%s or %s is missing: run make grader-build.", reference, library);
    struct scan_rules rules = { .reference = reference, .allow = allow, .provided = library };
    if (scan_object(object, w->lab->files[i].name, &rules, error, sizeof error))
        return FINE;
    say(w, STUDENT, "%s", "");
    append(w, error);
    append(w, ".");
    *w->message = (char)toupper((unsigned char)*w->message);
    return STUDENT;
}

/* Copies the student's object, and looks at the copy; or ours, for an optional file that was not handed in. */
static int bring_object(struct workshop *w, int i)
{
    char object[256], from[PATH_MAX], to[PATH_MAX];
    object_name(w->lab->files[i].name, object, sizeof object);
    snprintf(to, sizeof to, "%s/%s", w->linking, object);
    if (compiled(w, i))
        snprintf(from, sizeof from, "%s/%s", w->compiling, object);
    else
        production_object(w, i, from, sizeof from);
    int rc = copy(from, to, 0644);
    if (rc < 0)
        return say(w, compiled(w, i) ? STUDENT : OURS, "The object of %s cannot be used: %s.", w->lab->files[i].name,
                   strerror(-rc));
    return compiled(w, i) ? scan(w, i, to) : FINE;
}

static int bring_objects(struct workshop *w)
{
    char from[PATH_MAX], to[PATH_MAX];
    int result = FINE;
    for (int i = 0; i < w->lab->file_count && result == FINE; i++)
        if (w->lab->files[i].source)
            result = bring_object(w, i);
    if (result != FINE)
        return result;
    snprintf(from, sizeof from, "%s/labs/%s/probe-parts.a", w->build, w->lab->name);
    snprintf(to, sizeof to, "%s/probe-parts.a", w->linking);
    int rc = copy(from, to, 0644);
    return rc < 0 ? say(w, OURS, "%s cannot be copied: %s. Run make grader-build.", from, strerror(-rc)) : FINE;
}

/* FINE, STUDENT when the linker refuses, OURS when it could not be run. */
static int run_linker(struct workshop *w)
{
    char script[4096] = "exec gcc -static -pthread -o probe", object[256];
    for (int i = 0; i < w->lab->file_count; i++)
        if (w->lab->files[i].source) {
            object_name(w->lab->files[i].name, object, sizeof object);
            size_t used = strlen(script);
            snprintf(script + used, sizeof script - used, " '%s'", object);
        }
    strncat(script, " probe-parts.a", sizeof script - strlen(script) - 1);
    struct sandbox *run = run_script(w, w->linking, script);
    if (!run)
        return OURS;
    const struct sandbox_end *end = sandbox_wait(run);
    int result = end->how == SANDBOX_EXITED && end->code == 0 ? FINE : STUDENT;
    if (result == STUDENT) {
        say(w, result, "Your files cannot be linked (the linker %s):\n", end->text);
        append(w, end->output);
    }
    sandbox_close(run);
    return result;
}

/* What cannot be linked with the production files either is no student's mistake. */
static int blame(struct workshop *w)
{
    char object[256], from[PATH_MAX], to[PATH_MAX];
    char *words = strdup(w->message);
    int rc = 0;
    for (int i = 0; i < w->lab->file_count && rc == 0; i++)
        if (w->lab->files[i].source) {
            object_name(w->lab->files[i].name, object, sizeof object);
            production_object(w, i, from, sizeof from);
            snprintf(to, sizeof to, "%s/%s", w->linking, object);
            rc = copy(from, to, 0644);
        }
    int result = rc == 0 && run_linker(w) == FINE ? STUDENT : OURS;
    say(w, result, "%s%s", result == OURS ? "Our own files cannot be linked either. " : "", words ? words : "");
    free(words);
    return result;
}

static int link_probe(struct workshop *w, const char *probe)
{
    char made[PATH_MAX];
    int result = run_linker(w);
    if (result != FINE)
        return result == STUDENT ? blame(w) : result;
    snprintf(made, sizeof made, "%s/probe", w->linking);
    int rc = copy(made, probe, 0755);
    return rc < 0 ? say(w, OURS, "The probe cannot be written to %s: %s.", probe, strerror(-rc)) : FINE;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int build_probe(struct workshop *w, const char *probe)
{
    int result = bring_sources(w);
    if (result == FINE)
        result = compile(w);
    char *warnings = result == FINE ? strdup(w->message) : NULL;
    if (result == FINE)
        result = bring_objects(w);
    if (result == FINE)
        result = link_probe(w, probe);
    if (result == FINE)
        say(w, FINE, "%s", warnings ? warnings : "");
    free(warnings);
    return result;
}

static int build_in_folders(struct workshop *w, const char *probe)
{
    *w->message = '\0';
    w->compiling = sandbox_folder(w->message, w->size);
    w->linking = w->compiling ? sandbox_folder(w->message, w->size) : NULL;
    int result = w->linking ? build_probe(w, probe) : OURS;
    if (w->compiling)
        sandbox_folder_remove(w->compiling);
    if (w->linking)
        sandbox_folder_remove(w->linking);
    return result;
}

int workshop_build(const struct lab *lab, const struct submission *hand_in, const char *build, const char *probe,
                   char *message, size_t size)
{
    struct workshop w = { lab, hand_in, build, "-O2 -fno-optimize-sibling-calls", .message = message, .size = size };
    return build_in_folders(&w, probe);
}

int workshop_build_debug(const struct lab *lab, const struct submission *hand_in, const char *build, const char *probe,
                         char *message, size_t size)
{
    struct workshop w = { lab, hand_in, build, "-Og -fno-inline -fno-omit-frame-pointer", .message = message, .size = size };
    return build_in_folders(&w, probe);
}
