/* gather_stack.c - the frames of a stack, and what the loop had called: each address is looked up once.
 *
 * Where an interpreter has told its lines, they stand in the place of the frames of its evaluator.
 *
 * Traps: (a) an address means something else after a dlopen or an execve.
 *        (b) the evaluator calls C, and C calls the evaluator again: what is between its first and its last frame is the
 *            interpreter's own affair. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grader/blocking/gather_inside.h"
#include "grader/blocking/lines.h"

enum { PCS = 96, INLINED = 16 };

struct name {
    uint64_t generation, pc;
    int pid, count;
    bool behind;
    struct frame *frames;           /* NULL: free */
};

/* ---- names that were looked up ---------------------------------------------------------------------------------------- */

static struct name *name_find(struct name *names, size_t room, const struct name *key)
{
    uint64_t hash = (key->pc * 31 + (uint64_t)key->pid) * 31 + key->generation * 2 + key->behind;
    size_t at = (size_t)(hash * 0x9e3779b97f4a7c15u >> 20) & (room - 1);
    while (names[at].frames && (names[at].pc != key->pc || names[at].pid != key->pid ||
                                names[at].generation != key->generation || names[at].behind != key->behind))
        at = (at + 1) & (room - 1);
    return &names[at];
}

static bool names_grow(struct gather *g)
{
    if (g->name_count * 2 < g->name_room)
        return true;
    size_t room = g->name_room ? 2 * g->name_room : 256;
    struct name *names = calloc(room, sizeof *names);
    if (!names)
        return false;
    for (size_t i = 0; i < g->name_room; i++)
        if (g->names[i].frames)
            *name_find(names, room, &g->names[i]) = g->names[i];
    free(g->names);
    g->names = names;
    g->name_room = room;
    return true;
}

/* NULL: memory is refused. */
static const struct name *name_of(struct gather *g, int pid, uint64_t pc, bool behind)
{
    struct name key = { .generation = g->generation, .pc = pc, .pid = pid, .behind = behind };
    struct frame frames[INLINED] = {0};
    if (!names_grow(g))
        return NULL;
    struct name *name = name_find(g->names, g->name_room, &key);
    if (name->frames)
        return name;
    key.count = symbols_frames(g->symbols, pid, pc, behind, frames, INLINED);
    key.frames = malloc((size_t)key.count * sizeof *key.frames + 1);
    if (!key.frames) {
        frames_free(frames, key.count);
        return NULL;
    }
    memcpy(key.frames, frames, (size_t)key.count * sizeof *key.frames);
    g->name_count++;
    *name = key;
    return name;
}

static bool keep(struct gather *g, struct frame *frames, int count)
{
    if (!gather_grow(&g->kept, &g->kept_room, g->kept_count, sizeof *g->kept) ||
        !gather_grow(&g->kept_counts, &g->kept_counts_room, g->kept_count, sizeof *g->kept_counts))
        return false;
    g->kept[g->kept_count] = frames;
    g->kept_counts[g->kept_count++] = count;
    return true;
}

void names_free(struct gather *g)
{
    for (size_t i = 0; i < g->name_room; i++) {
        frames_free(g->names[i].frames, g->names[i].count);
        free(g->names[i].frames);
    }
    for (size_t i = 0; i < g->kept_count; i++) {
        frames_free(g->kept[i], g->kept_counts[i]);
        free(g->kept[i]);
    }
    free(g->names);
    free(g->kept);
    free(g->kept_counts);
}

/* ---- an interpreter's lines ------------------------------------------------------------------------------------------- */

/* Of the evaluator, or code that it has made: that has lines of its own already, or is in no file. */
static bool evaluates(const struct frame *frame)
{
    if (frame->language || (!frame->file && !frame->module))
        return true;
    static const char *const evaluators[] = { "_PyEval_", "PyEval_", "Builtins_", "v8::", "_ZN2v8", "node::", "_ZN4node" };
    for (size_t i = 0; i < sizeof evaluators / sizeof *evaluators && frame->function; i++)
        if (!strncmp(frame->function, evaluators[i], strlen(evaluators[i])))
            return true;
    return false;
}

/* In the place of all from the evaluator's first frame on to its last; what has started the interpreter is told if it is the
 * program's own. */
static void stack_splice(struct stack *stack, const struct frame *frames, int count)
{
    int from = 0, to = stack->count, own = stack->count;
    while (from < stack->count && !evaluates(&stack->frames[from]))
        from++;
    while (to > from && !evaluates(&stack->frames[to - 1]))
        to--;
    if (from == stack->count)
        from = to = 0;
    while (own > to && !stack->frames[own - 1].own)
        own--;
    int behind = own - to, most = DEEPEST - from;
    count = count < most ? count : most;
    behind = behind < most - count ? behind : most - count;
    memmove(&stack->frames[from + count], &stack->frames[to], (size_t)behind * sizeof *frames);
    memcpy(&stack->frames[from], frames, (size_t)count * sizeof *frames);
    stack->count = from + count + behind;
}

static void lines_take(struct gather *g, const struct record_lines *lines, struct stack *stack)
{
    struct frame *frames = calloc(PCS, sizeof *frames);
    int count = frames ? lines_frames(lines->language, lines->text, strlen(lines->text), frames, PCS) : 0;
    if (count > 0 && keep(g, frames, count)) {
        stack_splice(stack, frames, count);
        return;
    }
    frames_free(frames, count);
    free(frames);
}

/* Those of the library that we have loaded into it say nothing about the program. */
static bool is_ours(const struct frame *frame)
{
    return frame->module && !strcmp(path_base(frame->module), "libblockwatch.so");
}

/* ---- stacks -------------------------------------------------------------------------------------------------------------- */

static void stack_name(struct gather *g, int pid, uint64_t pc, bool behind, struct stack *stack)
{
    const struct name *name = name_of(g, pid, pc, behind);
    for (int i = 0; name && i < name->count && stack->count < DEEPEST; i++)
        if (!is_ours(&name->frames[i]))
            stack->frames[stack->count++] = name->frames[i];
}

static void stack_own(struct stack *stack)
{
    stack->first_own = 0;
    while (stack->first_own < stack->count && !stack->frames[stack->first_own].own)
        stack->first_own++;
    if (stack->first_own == stack->count)
        stack->first_own = -1;
}

void stack_read(struct gather *g, const struct place *place, struct stack *stack)
{
    uint64_t pcs[PCS];
    stack->count = 0;
    int count = place->at->pc ? symbols_unwind(g->symbols, place->pid, place->at, place->bytes, place->len, pcs, PCS) : 0;
    for (int i = 0; i < count; i++)
        stack_name(g, place->pid, pcs[i], i > 0 || place->behind, stack);
    if (place->lines)
        lines_take(g, place->lines, stack);
    stack_own(stack);
}

void stack_of_callback(struct gather *g, int pid, uint64_t address, struct stack *stack)
{
    stack->count = 0;
    if (address)
        stack_name(g, pid, address, false, stack);
    stack_own(stack);
}

/* The text of an interpreter's line; not of a file that has changed since. */
static char *source_read(const struct gather *g, const struct frame *frame)
{
    struct stat is;
    char *text = NULL;
    size_t room = 0;
    ssize_t len = -1;
    int fd = open(frame->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (!file)
        return NULL;
    bool same = fstat(fileno(file), &is) == 0 && S_ISREG(is.st_mode) && is.st_mtime <= g->began_time;
    for (int line = 0; same && line < frame->line && (len = getline(&text, &room, file)) >= 0; line++)
        continue;
    fclose(file);
    if (same && len > 0) {
        text[strcspn(text, "\r\n")] = 0;
        return text;
    }
    free(text);
    return NULL;
}

void frames_source(const struct gather *g, struct frame *frames, int count)
{
    for (int i = 0; i < count; i++)
        if (frames[i].language && frames[i].own && !frames[i].source && frames[i].file && frames[i].line > 0)
            frames[i].source = source_read(g, &frames[i]);
}

struct frame *frames_copy(const struct frame *frames, int count)
{
    struct frame *copy = calloc((size_t)count + 1, sizeof *copy);
    for (int i = 0; copy && i < count; i++) {
        copy[i] = frames[i];
        copy[i].function = frames[i].function ? strdup(frames[i].function) : NULL;
        copy[i].file = frames[i].file ? strdup(frames[i].file) : NULL;
        copy[i].module = frames[i].module ? strdup(frames[i].module) : NULL;
        copy[i].source = frames[i].source ? strdup(frames[i].source) : NULL;
    }
    return copy;
}

/* ---- what the loop had called -------------------------------------------------------------------------------------------- */

static char *frame_say(const struct frame *frame)
{
    char *text = NULL;
    int len = frame->file ? asprintf(&text, "%s (%s:%d)", frame_function(frame), path_base(frame->file), frame->line)
                          : asprintf(&text, "%s", frame_function(frame));
    return len < 0 ? NULL : text;
}

/* asyncio's door to callbacks. */
static bool runs_handles(const struct frame *frame)
{
    return frame->language && frame->file && frame->function && !strcmp(frame->function, "_run") &&
           strstr(frame->file, "asyncio/events.py");
}

/* The own frame which somebody else's code has called, which was itself called from own code: a loop's library. */
static const struct frame *callback_frame(const struct stack *stack)
{
    for (int i = 1; i < stack->count; i++)
        if (runs_handles(&stack->frames[i]))
            return &stack->frames[i - 1];
    int outer = stack->count - 1;
    while (outer > 0 && !stack->frames[outer].own)
        outer--;
    while (outer > 0 && stack->frames[outer].own)
        outer--;
    while (outer > 0 && !stack->frames[outer].own)
        outer--;
    if (stack->count < 2 || outer + 1 >= stack->count || !stack->frames[outer].own || stack->frames[outer + 1].own)
        return NULL;
    const char *by = stack->frames[outer + 1].module;
    return by && !strncmp(path_base(by), "libc.", 5) ? NULL : &stack->frames[outer];
}

void stack_to_callback(struct stack *stack)
{
    const struct frame *frame = callback_frame(stack);
    stack->count = frame ? 1 : 0;
    if (frame)
        stack->frames[0] = *frame;
    stack_own(stack);
}

char *callback_name(struct gather *g, int pid, uint64_t address, const struct stack *stack)
{
    const struct name *name = address ? name_of(g, pid, address, false) : NULL;
    if (name && name->count > 0)
        return frame_say(&name->frames[name->count - 1]);
    const struct frame *frame = address ? NULL : callback_frame(stack);
    return frame ? frame_say(frame) : NULL;
}
