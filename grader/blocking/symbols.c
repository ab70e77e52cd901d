/* symbols.c - what each process has mapped, and what is at its addresses. See symbols.h.
 *
 * The trap it exists for: a file that was replaced after a process had mapped it. The names of the new one at the addresses of
 * the old one look right, and are wrong; so a build id is compared with what the process has in memory, or else the file must
 * be older than the mapping. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/symbols_inside.h"

enum { NOTES = 64 };

struct process {
    struct process *next;
    int pid;
    struct space *space;
    struct jit *jit;
    bool asked_jit;
};

struct symbols {
    struct process *processes;
    struct image *images, *vdso;
    bool asked_vdso;
    struct sources *sources;
    char *notes[NOTES];
    int note_count;
};

/* ---- notes ----------------------------------------------------------------------------------------------------------- */

static void note(struct symbols *symbols, const char *text)
{
    if (!text[0] || symbols->note_count == NOTES)
        return;
    for (int i = 0; i < symbols->note_count; i++)
        if (!strcmp(symbols->notes[i], text))
            return;
    if ((symbols->notes[symbols->note_count] = strdup(text)))
        symbols->note_count++;
}

const char *symbols_note(const struct symbols *symbols, int i)
{
    return i < symbols->note_count ? symbols->notes[i] : NULL;
}

/* ---- processes ------------------------------------------------------------------------------------------------------- */

static struct process *process_find(struct symbols *symbols, int pid)
{
    struct process *p = symbols->processes;
    while (p && p->pid != pid)
        p = p->next;
    return p;
}

static struct process *process_have(struct symbols *symbols, int pid)
{
    struct process *p = process_find(symbols, pid);
    if (p || !(p = calloc(1, sizeof *p)))
        return p;
    p->pid = pid;
    p->next = symbols->processes;
    return symbols->processes = p;
}

static void process_clear(struct process *p)
{
    space_leave(p->space);
    jit_free(p->jit);
    p->space = NULL;
    p->jit = NULL;
    p->asked_jit = false;
}

static void process_map(struct symbols *symbols, int pid, struct map map, const char *path)
{
    struct process *p = process_have(symbols, pid);
    map.path = (char *)path;
    if (!p || map.begin >= map.end || space_has(p->space, &map))
        return;
    struct space *own = space_own(p->space);
    if (!own)
        return;
    p->space = own;
    if ((map.path = strdup(path)))
        space_put(own, &map);
}

void symbols_map(struct symbols *symbols, const struct record_module *module)
{
    struct map map = { .begin = module->begin, .end = module->end, .offset = module->offset, .time = module->head.time };
    process_map(symbols, module->head.pid, map, module->path);
}

void symbols_forget(struct symbols *symbols, int pid)
{
    struct process *p = process_find(symbols, pid);
    if (p)
        process_clear(p);
}

void symbols_fork(struct symbols *symbols, int parent, int child)
{
    const struct process *from = process_find(symbols, parent);
    struct process *to = from && parent != child ? process_have(symbols, child) : NULL;
    if (!to)
        return;
    process_clear(to);
    to->space = from->space;
    if (to->space)
        to->space->users++;
}

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

int symbols_look(struct symbols *symbols, int pid)
{
    char path[64], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return -errno;
    while (getline(&line, &room, maps) > 0) {
        struct map map = { .time = now(CLOCK_MONOTONIC) };
        char rights[8] = "";
        int name = 0;
        line[strcspn(line, "\n")] = 0;
        int read = sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %n", &map.begin, &map.end, rights, &map.offset,
                          &name);
        if (read == 4 && rights[2] == 'x' && name && (line[name] == '/' || !strcmp(line + name, "[vdso]")))
            process_map(symbols, pid, map, line + name);
    }
    free(line);
    fclose(maps);
    return 0;
}

/* ---- images ---------------------------------------------------------------------------------------------------------- */

/* Whether the process has that file in memory: 1, 0, or -1: it cannot be seen. */
static int image_is_there(const struct image *image, int pid, const struct map *map)
{
    enum { LONGEST = 64 };
    uint8_t there[LONGEST];
    const uint8_t *bytes;
    uint64_t at, code;
    size_t len;
    if (!image_build_id(image, &at, &bytes, &len) || len > LONGEST || !image_address(image, map->offset, &code))
        return -1;
    struct iovec local = { there, len }, remote = { (void *)(map->begin - code + at), len };
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != (ssize_t)len)
        return -1;
    return memcmp(there, bytes, len) == 0;
}

static bool image_fits(struct symbols *symbols, const struct image *image, int pid, const struct map *map)
{
    char text[512];
    int64_t changed = image->is.st_ctim.tv_sec * (int64_t)1000000000 + image->is.st_ctim.tv_nsec;
    int64_t mapped = map->time + now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
    int there = image_is_there(image, pid, map);
    if (there == 1 || (there < 0 && changed <= mapped))
        return true;
    snprintf(text, sizeof text, "%.400s was replaced while it ran: its code stays without names; run the program again.",
             map->path);
    note(symbols, text);
    return false;
}

static struct image *image_have(struct symbols *symbols, const char *file, const char *path)
{
    struct stat is;
    char why[512];
    bool here = stat(file, &is) == 0;
    for (struct image *i = symbols->images; here && i; i = i->next)
        if (i->is.st_dev == is.st_dev && i->is.st_ino == is.st_ino && i->is.st_ctim.tv_sec == is.st_ctim.tv_sec &&
            i->is.st_ctim.tv_nsec == is.st_ctim.tv_nsec && !strcmp(i->path, path))
            return i;
    struct image *image = image_open(file, path, why);
    note(symbols, why);
    if (!image)
        return NULL;
    image->next = symbols->images;
    return symbols->images = image;
}

/* A file that has no name any more: the process' own program is still to be had, as long as that runs. */
static struct image *image_of_deleted(struct symbols *symbols, int pid, const struct map *map)
{
    char exe[64], is[4200], text[512];
    snprintf(exe, sizeof exe, "/proc/%d/exe", pid);
    ssize_t len = readlink(exe, is, sizeof is - 1);
    is[len < 0 ? 0 : len] = 0;
    if (!strcmp(is, map->path))
        return image_have(symbols, exe, map->path);
    snprintf(text, sizeof text, "%.400s: its code stays without names.", map->path);
    if (strncmp(map->path, "/memfd:", 7))
        note(symbols, text);
    return NULL;
}

/* As the process itself would open it, if it is still there. */
static struct image *image_look(struct symbols *symbols, int pid, const struct map *map)
{
    static const char deleted[] = " (deleted)";
    char file[4200];
    struct stat is;
    size_t len = strlen(map->path), end = sizeof deleted - 1;
    if (len > end && !strcmp(map->path + len - end, deleted))
        return image_of_deleted(symbols, pid, map);
    snprintf(file, sizeof file, "/proc/%d/root%s", pid, map->path);
    return image_have(symbols, stat(file, &is) == 0 ? file : map->path, map->path);
}

static struct image *image_of(struct symbols *symbols, int pid, struct map *map)
{
    if (map->asked)
        return map->image;
    map->asked = true;
    if (map->path[0] == '[') {
        if (!symbols->asked_vdso)
            symbols->vdso = image_vdso();
        symbols->asked_vdso = true;
        return map->image = symbols->vdso;
    }
    struct image *image = image_look(symbols, pid, map);
    return map->image = image && image_fits(symbols, image, pid, map) ? image : NULL;
}

static struct map *map_at(struct symbols *symbols, int pid, uint64_t pc)
{
    const struct process *p = process_find(symbols, pid);
    size_t at = space_find(p ? p->space : NULL, pc);
    if (!p || !p->space || at == p->space->count || pc < p->space->maps[at].begin)
        return NULL;
    return &p->space->maps[at];
}

struct image *symbols_at(struct symbols *symbols, int pid, uint64_t pc, uint64_t *address)
{
    struct map *map = map_at(symbols, pid, pc);
    struct image *image = map ? image_of(symbols, pid, map) : NULL;
    return image && image_address(image, pc - map->begin + map->offset, address) ? image : NULL;
}

int symbols_machine(struct symbols *symbols, int pid)
{
    const struct process *p = process_find(symbols, pid);
    for (size_t i = 0; p && p->space && i < p->space->count; i++) {
        const struct image *image = image_of(symbols, pid, &p->space->maps[i]);
        if (image)
            return image->machine;
    }
#if defined(__aarch64__)
    return EM_AARCH64;
#else
    return EM_X86_64;
#endif
}

/* ---- the whole ------------------------------------------------------------------------------------------------------- */

struct symbols *symbols_new(void)
{
    struct symbols *symbols = calloc(1, sizeof *symbols);
    if (symbols && (symbols->sources = sources_new()))
        return symbols;
    free(symbols);
    return NULL;
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols)
        return;
    for (struct process *p = symbols->processes, *next; p; p = next) {
        next = p->next;
        process_clear(p);
        free(p);
    }
    for (struct image *i = symbols->images, *next; i; i = next) {
        next = i->next;
        image_free(i);
    }
    image_free(symbols->vdso);
    sources_free(symbols->sources);
    for (int i = 0; i < symbols->note_count; i++)
        free(symbols->notes[i]);
    free(symbols);
}

/* "/a/./b/../c" -> "/a/c", in its place. */
static void path_tidy(char *path)
{
    for (char *at; (at = strstr(path, "/./"));)
        memmove(at, at + 2, strlen(at + 2) + 1);
    for (char *at; (at = strstr(path, "/../"));) {
        char *up = at > path ? memrchr(path, '/', (size_t)(at - path)) : NULL;
        if (!up || !strncmp(up, "/../", 4))
            return;
        memmove(up, at + 3, strlen(at + 3) + 1);
    }
}

/* What people know of a place without a name: the module and where in it, so that addr2line finds it later. */
static char *place_name(const struct map *map, uint64_t address)
{
    char *text = NULL;
    const char *slash = map ? strrchr(map->path, '/') : NULL;
    int len = map ? asprintf(&text, "%s+0x%" PRIx64, slash ? slash + 1 : map->path, address)
                  : asprintf(&text, "0x%" PRIx64, address);
    return len < 0 ? NULL : text;
}

static void frame_of_jit(struct symbols *symbols, int pid, uint64_t pc, struct frame *frame)
{
    struct process *p = process_find(symbols, pid);
    if (!p)
        return;
    if (!p->asked_jit)
        p->jit = jit_read(pid);
    p->asked_jit = true;
    jit_frame(p->jit, pc, frame);
}

static void frame_finish(struct symbols *symbols, const struct map *map, struct frame *frame)
{
    char why[512];
    frame->module = strdup(map->path);
    frame->own = frame_is_own(frame, map->image);
    if (!frame->file)
        return;
    path_tidy(frame->file);
    if (frame->line < 1)
        return;
    frame->source = source_line(symbols->sources, frame->file, frame->line, &map->image->is.st_mtim, why);
    if (frame->own)
        note(symbols, why);
}

/* The innermost name of the symbol table, where that is what people call it: nanosleep, not __GI___nanosleep. */
static void function_choose(struct frame *frame, char *symbol)
{
    bool hidden = frame->function && frame->function[0] == '_' && symbol && symbol[0] != '_';
    if (frame->function && !hidden) {
        free(symbol);
        return;
    }
    free(frame->function);
    frame->function = symbol;
}

int symbols_frames(struct symbols *symbols, int pid, uint64_t pc, bool behind, struct frame *out, int max)
{
    uint64_t at = pc - behind, address = at;
    struct map *map = map_at(symbols, pid, at);
    struct image *image = symbols_at(symbols, pid, at, &address);
    int count = image ? image_frames(image, address, out, max) : 0;
    if (!count)
        out[count++] = (struct frame){0};
    if (image)
        function_choose(&out[count - 1], image_function(image, address));
    else
        frame_of_jit(symbols, pid, at, &out[0]);
    for (int i = 0; i < count; i++) {
        out[i].pc = pc;
        if (!out[i].function)
            out[i].function = place_name(map, map && !image ? at - map->begin + map->offset : address);
        if (map && !out[i].language)
            frame_finish(symbols, map, &out[i]);
    }
    return count;
}

void frames_free(struct frame *frames, int count)
{
    for (int i = 0; i < count; i++) {
        free(frames[i].function);
        free(frames[i].file);
        free(frames[i].module);
        free(frames[i].source);
    }
}
