/* language_node.c - node: the function by which it prints JavaScript's stack when it aborts.
 *
 * It makes objects on V8's heap, so it is asked only when V8 says that JavaScript has called out of it and waits: then the
 * callee might do the same. A sampling profiler asks V8 for that state by the same function, from signal handlers. Else, and
 * where node does not export it (Debian's), the frames are read as they are from outside. The trap it exists for: a question in
 * the middle of a collection, which waits for its own threads more often than programs sleep. */
#include <stdint.h>
#include <stdio.h>

#include "grader/blocking/inside/find.h"
#include "grader/blocking/inside/language.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/interpreter_inside.h"

enum { STATE_EXTERNAL = 6, STATE_ATOMICS_WAIT = 7 };    /* v8::StateTag, the same since V8 7.5 */
enum { FRAMES_IN_PLACE = 4, STACK = 32768 };            /* bytes of it that are searched: node's threads have megabytes */

/* v8::SampleInfo: first the number of frames; then the state and pointers (before V8 10), or three pointers and the state. */
enum { SAMPLE_WORDS = 16, SAMPLE_STATE_OLD = 2, SAMPLE_STATE = 8 };     /* where it is, in ints */

struct machine {                    /* v8::RegisterState: pc, sp, fp, lr; the rest likewise */
    void *pc, *sp, *fp, *lr;
    void *rest[4];
};

static void *(*current_isolate)(void);
static void (*stack_sample)(void *isolate, const struct machine *, void **frames, size_t limit, int *sample);
static void (*dump)(FILE *);
static struct interpreter itself;
static bool is_read;                /* `itself` is whole */

static bool numbers_find(void)
{
    for (int i = 0; i < V8_NUMBERS; i++) {
        const int32_t *at = find_anywhere(v8_names[i]);
        if (!at)
            return false;
        itself.v8[i] = *at;
    }
    return v8_is_known(&itself);
}

static bool node_is_here(void)
{
    is_read = numbers_find();
    *(void **)&current_isolate = find_anywhere("_ZN2v87Isolate13TryGetCurrentEv");
    *(void **)&stack_sample = find_anywhere("_ZN2v87Isolate14GetStackSampleERKNS_13RegisterStateEPPvmPNS_10SampleInfoE");
    *(void **)&dump = find_anywhere("_ZN4node23DumpJavaScriptBacktraceEP8_IO_FILE");
    return is_read || (current_isolate && stack_sample && dump);
}

/* -1: it cannot be known. What V8 does not write stays as it was: so the two layouts differ. */
static int vm_state(void *isolate, void *frames[FRAMES_IN_PLACE])
{
    void *here = __builtin_frame_address(0);
    struct machine machine = { .pc = (void *)vm_state, .sp = here, .fp = here };
    _Alignas(8) int sample[2 * SAMPLE_WORDS];
    for (int i = 0; i < 2 * SAMPLE_WORDS; i++)
        sample[i] = -1;
    stack_sample(isolate, &machine, frames, FRAMES_IN_PLACE, sample);
    return sample[SAMPLE_STATE_OLD + 1] == -1 ? sample[SAMPLE_STATE_OLD] : sample[SAMPLE_STATE];
}

/* Whether JavaScript has called out, from where. */
static bool has_called_out(void *frames[FRAMES_IN_PLACE])
{
    void *isolate = current_isolate && stack_sample ? current_isolate() : NULL;
    int state = isolate ? vm_state(isolate, frames) : -1;
    return state == STATE_EXTERNAL || state == STATE_ATOMICS_WAIT;
}

static uint64_t node_place(void)
{
    void *frames[FRAMES_IN_PLACE] = {0};
    uint64_t place = 0;
    if (has_called_out(frames))
        for (int i = 0; i < FRAMES_IN_PLACE; i++)
            place = place * 31 + (uint64_t)frames[i];
    return place;
}

static void node_read(void)
{
    char text[LANGUAGE_TEXT];
    uint8_t stack[STACK];
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    struct snapshot sample = { .at = { .sp = here, .bp = here }, .stack = stack, .stack_len = sizeof stack };
    itself.pid = raw_pid();
    while (sample.stack_len && !memory_read(itself.pid, here, stack, sample.stack_len))
        sample.stack_len -= STACK / 64;
    language_take(text, v8_lines(&itself, &sample, text, sizeof text));
}

static void node_print(void)
{
    void *frames[FRAMES_IN_PLACE];
    if (dump && has_called_out(frames))
        dump(stderr);
    else if (is_read)
        node_read();
}

const struct interpreter_kind language_node = { LANGUAGE_JAVASCRIPT, node_is_here, node_print, node_place };
