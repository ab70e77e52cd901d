/* by_hand.c - see by_hand.h.
 *
 * A stack in a record is here a row of return addresses, and nothing between them. */
#include "grader/tests/blocking/by_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/calls.h"

enum { NAMES = 64, DEEP = 32 };

struct journal hand_journal;
struct gather *hand_gather;
int hand_pid, hand_tid, hand_slot, hand_lookups;

static struct findings *found;
static struct {
    uint64_t pc;
    bool behind;
    struct frame frame;
} names[NAMES];
static int name_count, forgotten;

/* ---- symbols ------------------------------------------------------------------------------------------------------------- */

void hand_name(uint64_t pc, const char *function, const char *file, int line, const char *module, bool own)
{
    ck_assert_int_lt(name_count, NAMES);
    names[name_count].pc = pc;
    names[name_count++].frame = (struct frame){ .function = (char *)function, .file = (char *)file, .line = line,
                                                .module = (char *)module, .own = own };
}

void symbols_map(struct symbols *symbols, const struct record_module *module)
{
    (void)symbols;
    (void)module;
}

void symbols_forget(struct symbols *symbols, int pid)
{
    (void)symbols;
    forgotten += pid == hand_pid;
}

void symbols_fork(struct symbols *symbols, int parent, int child)
{
    (void)symbols;
    (void)parent;
    (void)child;
}

int symbols_unwind(struct symbols *symbols, int pid, const struct registers *at, const uint8_t *stack, size_t len, uint64_t *pcs,
                   int max)
{
    (void)symbols;
    (void)pid;
    int count = 1;
    pcs[0] = at->pc;
    for (size_t i = 0; i + 8 <= len && count < max; i += 8)
        memcpy(&pcs[count++], stack + i, 8);
    return count;
}

const char *symbols_note(const struct symbols *symbols, int i)
{
    (void)symbols;
    (void)i;
    return NULL;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* In another program, which was executed since, it is another function. */
int symbols_frames(struct symbols *symbols, int pid, uint64_t pc, bool behind, struct frame *out, int max)
{
    static const struct frame unknown = {0};
    const struct frame *frame = &unknown;
    char function[64];
    (void)symbols;
    (void)pid;
    ck_assert_int_ge(max, 1);
    hand_lookups++;
    for (int i = 0; i < name_count; i++)
        if (names[i].pc == pc) {
            frame = &names[i].frame;
            names[i].behind = behind;
        }
    *out = *frame;
    snprintf(function, sizeof function, "%s_of_%d", frame->function ? frame->function : "", forgotten);
    out->function = copy(frame->function && forgotten > 1 ? function : frame->function);
    out->file = copy(frame->file);
    out->module = copy(frame->module);
    out->source = copy(frame->source);
    out->pc = pc;
    return 1;
}

bool hand_was_behind(uint64_t pc)
{
    for (int i = 0; i < name_count; i++)
        if (names[i].pc == pc)
            return names[i].behind;
    ck_abort_msg("nothing is called so");
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

/* ---- records ------------------------------------------------------------------------------------------------------------- */

static void *put(enum record_kind kind, size_t size, int64_t time)
{
    uint64_t at = atomic_load(&hand_journal.head->cursor);
    size = (size + 7) / 8 * 8;
    ck_assert_uint_le(at + size, hand_journal.room);
    struct record *record = (struct record *)(hand_journal.records + at);
    record->size = (uint32_t)size;
    record->kind = kind;
    record->pid = hand_pid;
    record->tid = hand_tid;
    record->time = time;
    atomic_store(&hand_journal.head->cursor, at + size);
    return record;
}

static size_t stack_put(uint8_t *to, const uint64_t *pcs)
{
    size_t len = 0;
    for (; pcs && *pcs && pcs[1]; pcs++, len += 8)
        memcpy(to + len, pcs + 1, 8);
    return len;
}

struct record_blocked *hand_blocked(const char *call, int64_t ended, int64_t blocked, const uint64_t *pcs)
{
    struct record_blocked *r = put(RECORD_BLOCKED, sizeof *r + DEEP * 8, ended);
    r->slot = hand_slot;
    r->call = call ? call_number(call) : 0;
    r->began = ended - blocked;
    r->blocked = blocked;
    r->switches = 1;
    r->system_call = -1;
    r->at.pc = pcs ? *pcs : 0;
    r->stack_len = (uint32_t)stack_put(r->stack, pcs);
    return r;
}

struct record_iteration *hand_iteration(uint64_t iteration, int64_t began, int64_t cpu, int64_t delayed, int64_t blocked)
{
    struct record_iteration *r = put(RECORD_ITERATION, sizeof *r, began + cpu + delayed + blocked);
    r->slot = hand_slot;
    r->iteration = iteration;
    r->began = began;
    r->cpu = cpu;
    r->delayed = delayed;
    r->blocked = blocked;
    return r;
}

static void put_text(enum record_kind kind, int language, const char *text)
{
    struct record_lines *r = put(kind, sizeof *r + strlen(text) + 1, 0);
    r->language = language;
    strcpy(r->text, text);
}

void hand_lines(enum language language, const char *text)
{
    put_text(RECORD_LINES, language, text);
}

void hand_note(const char *text)
{
    put_text(RECORD_NOTE, LANGUAGE_NONE, text);
}

void hand_process(const char *program, const char *argument)
{
    size_t len = strlen(program) + 1;
    struct record_process *r = put(RECORD_PROCESS, sizeof *r + 2 * len + strlen(argument) + 1, 0);
    strcpy(r->text, program);
    strcpy(r->text + len, program);
    strcpy(r->text + 2 * len, argument);
}

void hand_seen(uint64_t iteration, int64_t began, int64_t time, int state, const char *call, int system_call, const uint64_t *pcs)
{
    struct record_seen *r = calloc(1, sizeof *r + DEEP * 8);
    ck_assert_ptr_nonnull(r);
    r->head = (struct record){ .size = (uint32_t)(sizeof *r + DEEP * 8), .kind = RECORD_SEEN, .pid = hand_pid, .tid = hand_tid,
                               .time = time };
    r->slot = hand_slot;
    r->call = call ? call_number(call) : 0;
    r->system_call = system_call;
    r->state = state;
    r->iteration = iteration;
    r->began = began;
    r->at.pc = pcs ? *pcs : 0;
    r->stack_len = (uint32_t)stack_put(r->stack, pcs);
    gather_record(hand_gather, &r->head);
    free(r);
}

struct slot *hand_loop(void)
{
    struct slot *slot = &hand_journal.slots[atomic_fetch_add(&hand_journal.head->slots, 1)];
    atomic_store(&slot->state, SLOT_WAITS);
    slot->pid = hand_pid;
    slot->tid = hand_tid;
    slot->tier = TIER_RING;
    return slot;
}

/* ---- the world ----------------------------------------------------------------------------------------------------------- */

void hand_begin(void)
{
    struct journal_wishes wishes = { .budget = 1000000, .least = 50000, .stuck = 5000000 };
    int fd;
    ck_assert_int_eq(journal_new(&hand_journal, &wishes, 1 << 20, &fd), 0);
    close(fd);
    hand_gather = gather_new(&hand_journal, NULL);
    ck_assert_ptr_nonnull(hand_gather);
    hand_pid = hand_tid = 100;
    hand_slot = hand_lookups = name_count = forgotten = 0;
    found = NULL;
}

struct findings *hand_findings(void)
{
    gather_read(hand_gather, true);
    found = gather_end(hand_gather);
    ck_assert_ptr_nonnull(found);
    return found;
}

void hand_end(void)
{
    findings_free(found);
    gather_free(hand_gather);
    journal_close(&hand_journal);
}

int hand_run(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *group = tcase_create(name);
    tcase_add_checked_fixture(group, hand_begin, hand_end);
    for (; *tests; tests++)
        tcase_add_test(group, *tests);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
