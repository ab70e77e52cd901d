/* probe.c - the program that carries the student's code: it carries out orders. See probe.h.
 *
 * Orders nest: while an order waits for an answer, or has told of a callback, others may come. Trap: the student's
 * code runs in this very process, so nothing said here is believed; what matters is which calls reach the judge. The
 * crash handler is only for words. */
#include "grader/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "grader/fence.h"
#include "grader/probe_inside.h"

enum { WORDS = 32, NOT_UNDERSTOOD = 1, ALT_STACK = 65536 };

struct order {                      /* one that runs now */
    struct order *outer;
    int64_t id;
    char *said;
    size_t said_len;
};

static struct order *running;
static struct sys *door;

int main(int argc, char **argv);

/* ---- records ---------------------------------------------------------------------------------------------------- */

static void run_order(const char *text, int64_t id);

struct wire *probe_record(enum wire_kind kind)
{
    static struct wire out;
    wire_clear(&out, kind);
    return &out;
}

/* Without the judge there is nothing left to do. */
static void send_record(const struct wire *w)
{
    if (wire_send(WIRE_FD, w) < 0)
        _exit(0);
}

/* Carries out orders until a record of that kind comes. */
static const struct wire *receive(enum wire_kind until)
{
    static struct wire in;
    for (;;) {
        if (wire_receive(WIRE_FD, &in) < 0)
            _exit(0);
        if (in.kind == until)
            return &in;
        if (in.kind != WIRE_ORDER)
            _exit(0);
        run_order(in.data, in.args[0]);
    }
}

const struct wire *probe_ask(struct wire *w, enum wire_kind until)
{
    send_record(w);
    return receive(until);
}

/* ---- for verbs -------------------------------------------------------------------------------------------------- */

struct sys *probe_sys(void)
{
    return door;
}

void probe_event(const char *name, int what)
{
    if (door == door_real()) {
        real_note(name, what);
        return;
    }
    struct wire *w = probe_record(WIRE_EVENT);
    w->result = what;
    wire_put(w, name, strlen(name));
    probe_ask(w, WIRE_RETURN);
}

void probe_say(const char *format, ...)
{
    char text[4096];
    va_list args;
    if (!running)
        return;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t add = len < (int)sizeof text ? (size_t)len : sizeof text - 1;
    char *said = realloc(running->said, running->said_len + add);
    if (!said)
        return;
    memcpy(said + running->said_len, text, add);
    running->said = said;
    running->said_len += add;
}

int64_t probe_time(const char *text)
{
    static const struct { const char *unit; int64_t ns; } units[] = {
        { "ns", 1 }, { "us", MICROSECOND }, { "ms", MILLISECOND }, { "s", SECOND },
    };
    char *rest;
    double number = strtod(text, &rest);
    if (strcmp(text, "forever") == 0)
        return FOREVER;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i].unit) == 0)
            return (int64_t)(number * (double)units[i].ns + (number < 0 ? -0.5 : 0.5));
    probe_say("'%s' is no time: write it with a unit, 50ms", text);
    return 0;
}

/* ---- the verbs of every lab ------------------------------------------------------------------------------------- */

static int64_t verb_reset(int count, char **words)
{
    (void)count, (void)words;
    lab_reset();
    door_forget_jobs();
    fence_abandon();
    return 0;
}

static int64_t verb_door(int count, char **words)
{
    (void)count;
    bool real = strcmp(words[1], "real") == 0;
    if (!real && strcmp(words[1], "judge") != 0)
        return -EINVAL;
    lab_reset();
    door = real ? door_real() : door_judge();
    return 0;
}

static int64_t verb_report(int count, char **words)
{
    struct probe_cost c = probe_cost();
    (void)count, (void)words;
    probe_say("waits=%" PRIu64 " wakeups=%" PRIu64 " switches=%" PRIu64, c.waits, c.wakeups, c.switches);
    probe_say(" major_faults=%" PRIu64 " cpu_ns=%" PRId64 " in=%s", c.major_faults, c.cpu_ns, c.slept);
    return 0;
}

static int64_t verb_live(int count, char **words)
{
    struct fence_usage u = fence_usage();
    (void)count, (void)words;
    probe_say("blocks=%zu bytes=%zu crowded=%zu", u.blocks, u.bytes, u.crowded);
    return (int64_t)u.blocks;
}

/* The judge's kernel runs it, as another thread would; and then tells its owner. */
static int64_t verb_job(int count, char **words)
{
    (void)count;
    return door_job(strtoll(words[1], NULL, 10), strcmp(words[0], "job_over") == 0);
}

static const struct verb common_verbs[] = {
    { "reset", "reset", 1, verb_reset },
    { "door", "door NAME", 2, verb_door },
    { "report", "report", 1, verb_report },
    { "live", "live", 1, verb_live },
    { "job_run", "job_run NUMBER", 2, verb_job },
    { "job_over", "job_over NUMBER", 2, verb_job },
    { 0 }
};

/* ---- orders ----------------------------------------------------------------------------------------------------- */

static const struct verb *find_verb(const struct verb *v, const char *name)
{
    while (v->name && strcmp(v->name, name) != 0)
        v++;
    return v->name ? v : NULL;
}

static int split(char *text, char **words)
{
    int count = 0;
    for (char *rest = text, *word; count < WORDS && (word = strtok_r(rest, " ", &rest)); )
        words[count++] = word;
    words[count] = NULL;
    return count;
}

/* A lab's verb counts its costs with the real door; those of every lab are for looking at them. */
static int64_t run_verb(const struct verb *v, bool labs, int count, char **words)
{
    bool counted = labs && door == door_real() && !running->outer;
    if (counted)
        real_begin();
    int64_t result = v->fn(count, words);
    if (counted) {
        real_end();
        real_tell();
    }
    return result;
}

static void done(const struct order *order, uint32_t number, int64_t result)
{
    struct wire *w = probe_record(WIRE_DONE);
    w->number = number;
    w->result = result;
    w->args[0] = order->id;
    wire_put(w, order->said, order->said_len < WIRE_DATA ? order->said_len : WIRE_DATA - 1);
    send_record(w);
}

static void refuse(const struct order *order, const char *format, const char *detail)
{
    probe_say(format, detail);
    done(order, NOT_UNDERSTOOD, -EPROTO);
}

static void run_order(const char *text, int64_t id)
{
    char *copy = strdup(text), *words[WORDS + 1];
    int count = copy ? split(copy, words) : 0;
    const struct verb *labs = count ? find_verb(lab_verbs, words[0]) : NULL;
    const struct verb *v = labs || !count ? labs : find_verb(common_verbs, words[0]);
    struct order order = { .outer = running, .id = id };
    running = &order;
    if (replay_world)
        replay_order(id);
    if (!v) {
        refuse(&order, "this probe has no verb \"%.100s\"", count ? words[0] : "");
    } else if (count < v->words) {
        refuse(&order, "the form of this verb is \"%.200s\"", v->form);
    } else {
        int64_t result = run_verb(v, labs != NULL, count, words);
        done(&order, 0, result);
    }
    running = order.outer;
    free(order.said);
    free(copy);
}

/* ---- the end of it ---------------------------------------------------------------------------------------------- */

static void send_crash(const char *words, int signo, uintptr_t counter)
{
    static struct wire crash;
    wire_clear(&crash, WIRE_CRASH);
    crash.args[0] = signo;
    crash.args[1] = (int64_t)counter;
    crash.args[2] = (int64_t)(uintptr_t)main;
    wire_put(&crash, words, strlen(words));
    wire_send(WIRE_FD, &crash);
}

static void on_damage(const char *sentence)
{
    send_crash(sentence, SIGABRT, 0);
    abort();
}

/* Dies by the same signal when the instruction is tried again. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    char words[256];
#if defined(__x86_64__)
    uintptr_t counter = (uintptr_t)u->uc_mcontext.gregs[REG_RIP], stack = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    uintptr_t counter = (uintptr_t)u->uc_mcontext.pc, stack = (uintptr_t)u->uc_mcontext.sp;
#else
    uintptr_t counter = 0, stack = UINTPTR_MAX;
    (void)u;
#endif
    uintptr_t address = (uintptr_t)info->si_addr;
    if (door_explains(info->si_addr, words, sizeof words))
        ;
    else if (info->si_code == SI_KERNEL)
        snprintf(words, sizeof words, "followed a pointer that is none: never set, or read from memory that was freed");
    else if (address > stack - ALT_STACK && address < stack + ALT_STACK)
        snprintf(words, sizeof words, "used more stack than there is");
    else
        fence_words(info->si_addr, words, sizeof words);
    send_crash(words, signo, counter);
    signal(signo, SIG_DFL);
}

static void watch_for_faults(void)
{
    static char stack[ALT_STACK];
    stack_t alt = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    fence_on_damage(on_damage);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        replay_begin(argv[1], argv[2]);
    door = door_judge();
    setvbuf(stdout, NULL, _IONBF, 0);
    watch_for_faults();
    receive(WIRE_RETURN);
    return 0;
}
