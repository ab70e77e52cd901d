/* language_node.c - node: the function by which it prints JavaScript's stack when it aborts.
 *
 * It makes objects on V8's heap, so it is asked only when V8 says that JavaScript has called out of it and waits: then the
 * callee might do the same. A sampling profiler asks V8 for that state by the same function, from signal handlers. The trap it
 * exists for: a question in the middle of a collection, which waits for its own threads more often than programs sleep. */
#include <stdint.h>
#include <stdio.h>

#include "grader/blocking/inside/find.h"
#include "grader/blocking/inside/language.h"

enum { STATE_EXTERNAL = 6, STATE_ATOMICS_WAIT = 7 };    /* v8::StateTag, the same since V8 7.5 */
enum { FRAMES_IN_PLACE = 4 };

/* v8::SampleInfo: first the number of frames; then the state and pointers (before V8 10), or three pointers and the state. */
enum { SAMPLE_WORDS = 16, SAMPLE_STATE_OLD = 2, SAMPLE_STATE = 8 };     /* where it is, in ints */

struct machine {                    /* v8::RegisterState: pc, sp, fp, lr; the rest likewise */
    void *pc, *sp, *fp, *lr;
    void *rest[4];
};

static void *(*current_isolate)(void);
static void (*stack_sample)(void *isolate, const struct machine *, void **frames, size_t limit, int *sample);
static void (*dump)(FILE *);

static bool node_is_here(void)
{
    *(void **)&current_isolate = find_anywhere("_ZN2v87Isolate13TryGetCurrentEv");
    *(void **)&stack_sample = find_anywhere("_ZN2v87Isolate14GetStackSampleERKNS_13RegisterStateEPPvmPNS_10SampleInfoE");
    *(void **)&dump = find_anywhere("_ZN4node23DumpJavaScriptBacktraceEP8_IO_FILE");
    return current_isolate && stack_sample && dump;
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
    void *isolate = current_isolate();
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

static void node_print(void)
{
    void *frames[FRAMES_IN_PLACE];
    if (has_called_out(frames))
        dump(stderr);
}

const struct interpreter_kind language_node = { LANGUAGE_JAVASCRIPT, node_is_here, node_print, node_place };
