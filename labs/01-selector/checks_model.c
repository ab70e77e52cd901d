/* checks_model.c - random sequences of operations: see checks_model.h. */
#include "labs/01-selector/checks_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "labs/01-selector/checks.h"
#include "loop/selector.h"

enum state { UNKNOWN, KNOWN, LIMBO };       /* limbo: closed while it was known, and not set since */
enum { STORM = 30, PATIENCE = 8, ALL = 64 };

struct number {
    enum state state;
    int mask;
    int armed;                  /* EDGE: what must be told when it is ready */
    bool touched;               /* EDGE: something happened to the file: it may be told again */
};

struct name {
    int fd;                     /* -1: closed */
    int link;                   /* names with the same one are ends of the same thing */
    bool file;
};

struct model {
    struct judge *judge;
    const struct sequence *sequence;
    struct number numbers[NUMBERS];
    struct name names[NAMES];
    int links;
    struct meanwhile {          /* a write to come, by another thread */
        int name;
        int64_t when;
    } meanwhile[STEPS];
    int meanwhile_count;
    bool ghosts;                /* a file may be registered that nobody can forget: its events are dropped, and end waits */
};

static const char *const words[NAMES] = { "A", "B", "C", "D", "E", "F", "S", "T", "K", "L", "Z" };

/* ---- the kernel's side ------------------------------------------------------------------------------------------ */

/* What is ready at that number, in the selector's words. */
static int ready_now(const struct model *m, int fd, int mask)
{
    struct sys *sys = sim_sys(judge_sim(m->judge));
    struct pollfd p = { .fd = fd, .events = (short)((mask & READABLE ? POLLIN : 0) | (mask & WRITABLE ? POLLOUT : 0)) };
    p.events |= mask & EDGE ? POLLRDHUP : 0;
    int rc = -EINTR;
    while (rc == -EINTR)
        rc = sys->poll(sys, &p, 1, 0);
    int ready = (p.revents & (POLLIN | POLLHUP) ? READABLE : 0) | (p.revents & POLLOUT ? WRITABLE : 0);
    return (ready & mask) | (p.revents & (POLLERR | POLLHUP | POLLRDHUP) ? BROKEN : 0);
}

/* Something happened to what this name is an end of. */
static void touch(struct model *m, int name)
{
    for (int i = 0; i < NAMES; i++)
        if (m->names[i].fd >= 0 && m->names[i].link == m->names[name].link)
            m->numbers[m->names[i].fd].touched = true;
}

/* What was to come by now has come, in the wait that reached it or in the next one. */
static void touch_what_came(struct model *m)
{
    for (int i = 0; i < m->meanwhile_count; i++)
        if (m->meanwhile[i].when <= sim_now(judge_sim(m->judge))) {
            touch(m, m->meanwhile[i].name);
            m->meanwhile[i--] = m->meanwhile[--m->meanwhile_count];
        }
}

static void opened(struct model *m, int name, int link)
{
    m->names[name].fd = (int)judge_order(m->judge, "number %s", words[name]);
    m->names[name].link = link;
    if (m->names[name].fd >= NUMBERS)
        verdict_fault("the world gave the number %d", m->names[name].fd);
}

static void open_pair(struct model *m, int name)
{
    int first = name / 2 * 2;
    if (name >= COPY || m->names[first].fd >= 0 || m->names[first + 1].fd >= 0)
        return;
    judge_order(m->judge, "%s %s %s", first < 4 ? "pipe" : "socketpair", words[first], words[first + 1]);
    m->links++;
    opened(m, first, m->links);
    opened(m, first + 1, m->links);
}

static void open_file(struct model *m)
{
    if (m->names[FILE_NAME].fd >= 0)
        return;
    give_file(m->judge, words[FILE_NAME]);
    opened(m, FILE_NAME, ++m->links);
    m->names[FILE_NAME].file = true;
}

static void duplicate(struct model *m, int name, int copy)
{
    if (m->names[name].fd < 0 || m->names[copy].fd >= 0 || name == FILE_NAME)
        return;
    judge_order(m->judge, "dup %s %s", words[name], words[copy]);
    opened(m, copy, m->names[name].link);
}

static bool has_copy(const struct model *m, int name)
{
    for (int i = 0; i < NAMES; i++)
        if (i != name && m->names[i].fd >= 0 && m->names[i].link == m->names[name].link)
            return true;
    return false;
}

/* ---- the selector's side ---------------------------------------------------------------------------------------- */

static const char *mask_text(int mask)
{
    static const char *const texts[] = { "-", "r", "w", "rw", "-", "-", "-", "-", "e", "re", "we", "rwe" };
    return texts[mask & 11];
}

/* With a refusal on its way it may answer that; a closed descriptor is EBADF. */
static bool may_answer(const struct model *m, int64_t rc, bool open)
{
    if (!open && rc == -EBADF)
        return true;
    if (m->sequence->disturbed && (rc == -ENOMEM || rc == -ENOSPC || rc == -EMFILE))
        return true;
    return open && rc == 0;
}

static void set_mask(struct model *m, int name, int mask)
{
    int fd = m->names[name].fd;
    mask &= m->names[name].file ? ~EDGE : ~0;
    int64_t rc = judge_order(m->judge, "set %s %s", words[name], mask_text(mask));
    if (!may_answer(m, rc, fd >= 0))
        EXPECT_INT("selector_set", fd >= 0 ? 0 : -EBADF, rc, fd >= 0 ? "nothing was refused" : "it is closed");
    if (rc == 0)
        m->numbers[fd] = (struct number){ KNOWN, mask, (mask & (READABLE | WRITABLE)) | BROKEN, true };
}

static void forget(struct model *m, int fd)
{
    if (fd < 0)
        return;
    EXPECT_INT("selector_set(fd, 0)", 0, judge_order(m->judge, "set_number %d -", fd), "forgetting cannot fail");
    m->ghosts |= m->numbers[fd].state == LIMBO || m->sequence->disturbed;
    m->numbers[fd] = (struct number){0};
}

/* `known`: without forgetting it first. */
static void close_name(struct model *m, int name, bool known)
{
    struct name *n = &m->names[name];
    if (n->fd < 0)
        return;
    if (!known)
        forget(m, n->fd);
    touch(m, name);
    if (m->numbers[n->fd].state != UNKNOWN) {
        m->numbers[n->fd].state = LIMBO;
        m->ghosts |= has_copy(m, name);
    }
    judge_order(m->judge, "close %s", words[name]);
    *n = (struct name){ .fd = -1 };
}

static void found_drained(struct model *m, int name, int bit)
{
    judge_order(m->judge, "drained %s %s", words[name], mask_text(bit));
    struct number *n = &m->numbers[m->names[name].fd];
    n->armed |= n->mask & bit;
}

static void use(struct model *m, const struct step *s)
{
    const char *word = words[s->name];
    if (m->names[s->name].fd < 0 || m->names[s->name].file)
        return;
    touch(m, s->name);
    int64_t rc = 0;
    if (s->act == WRITE)
        rc = judge_order(m->judge, "write %s %d", word, s->amount);
    else if (s->act == READ)
        rc = judge_order(m->judge, "read %s %d", word, s->amount);
    else
        rc = judge_order(m->judge, "%s %s", s->act == FILL ? "fill" : "empty", word);
    bool writes = s->act == WRITE || s->act == FILL;
    if (rc == -EAGAIN)
        found_drained(m, s->name, writes ? WRITABLE : READABLE);
}

/* ---- what was told ---------------------------------------------------------------------------------------------- */

static int number_of(const struct model *m, const char *word, size_t len)
{
    for (int i = 0; i < NAMES; i++)
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
            return m->names[i].fd;
    return -1;
}

/* Takes the trace from `from` apart: what was told of each number; -1: twice. What is in limbo is passed over. */
static void read_told(const struct model *m, size_t from, int told[NUMBERS])
{
    const char *trace = judge_trace(m->judge) + from;
    memset(told, 0, NUMBERS * sizeof *told);
    for (const char *at = trace + strspn(trace, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, ":");
        int fd = number_of(m, at, len), mask = 0;
        bool closed = *at == '?';
        for (at += len; *at && *at != '@' && *at != ' '; at++)
            mask |= *at == 'r' ? READABLE : *at == 'w' ? WRITABLE : *at == 'b' ? BROKEN : *at == '?' ? EDGE : 0;
        at += strcspn(at, " ");
        if (closed || fd < 0 || m->numbers[fd].state == LIMBO)
            continue;
        told[fd] = told[fd] || mask == 0 ? -1 : mask;
    }
}

static const char *name_of(const struct model *m, int fd)
{
    for (int i = 0; i < NAMES; i++)
        if (m->names[i].fd == fd)
            return words[i];
    return "?";
}

static const char *told_text(int mask, char out[8])
{
    snprintf(out, 8, "%s%s%s", mask & READABLE ? "r" : "", mask & WRITABLE ? "w" : "", mask & BROKEN ? "b" : "");
    return *out ? out : "nothing";
}

__attribute__((noreturn)) static void wrong(const struct model *m, int fd, int expected, int told, const char *cause)
{
    char e[8], t[8];
    struct verdict *v = verdict_current();
    snprintf(v->expected, sizeof v->expected, "of %s is told: %s", name_of(m, fd), told_text(expected, e));
    verdict_fail(cause, "of %s is told: %s", name_of(m, fd), told == -1 ? "two entries, or an empty one" : told_text(told, t));
}

/* What must be told of a number, and what may. */
static int must_tell(const struct model *m, int fd, int *may)
{
    const struct number *n = &m->numbers[fd];
    *may = n->state == KNOWN ? ready_now(m, fd, n->mask) : 0;
    if (!(n->mask & EDGE))
        return *may;
    int must = *may & n->armed;
    if (!must && !n->touched && !m->ghosts)
        *may = 0;
    return must;
}

/* Nothing is told that may not be, and what is told of a number is complete. How many must be told. */
static int check_told(struct model *m, const int told[NUMBERS])
{
    int must_count = 0;
    for (int fd = 0; fd < NUMBERS; fd++) {
        struct number *n = &m->numbers[fd];
        int may, must = must_tell(m, fd, &may);
        must_count += must != 0;
        if (told[fd] & ~may)
            wrong(m, fd, may, told[fd], n->state != KNOWN ? "it is not known, or it is an event of a file whose number it got"
                                                          : "it is not ready for that, did not ask for it, or (EDGE) was told of "
                                                            "it already");
        if (told[fd] && must & ~told[fd])
            wrong(m, fd, must, told[fd], "it is ready for that too, and asked for it");
        if (told[fd]) {
            n->armed &= ~told[fd];
            n->touched = false;
        }
    }
    return must_count;
}

/* There was room for everybody, and time. */
static void check_heard(const struct model *m, const int heard[NUMBERS])
{
    for (int fd = 0; fd < NUMBERS; fd++) {
        int may, must = must_tell(m, fd, &may);
        if (must & ~heard[fd])
            wrong(m, fd, must, heard[fd], "it is ready for that, asked for it, and must be told");
    }
}

/* ---- waits ------------------------------------------------------------------------------------------------------ */

static bool anything_ready(const struct model *m, bool *limbo)
{
    bool ready = false;
    *limbo = m->ghosts;
    for (int fd = 0; fd < NUMBERS; fd++) {
        int may;
        ready |= must_tell(m, fd, &may) != 0;
        *limbo |= m->numbers[fd].state == LIMBO || (may && m->numbers[fd].mask & EDGE);
    }
    return ready;
}

/* One question; what was told is added to `heard`. Returns what selector_wait did. */
static int64_t ask(struct model *m, int max, int64_t until, int heard[NUMBERS], bool exact)
{
    struct judge *j = m->judge;
    size_t from = strlen(judge_trace(j));
    int told[NUMBERS];
    int64_t n = until < 0 ? judge_order(j, "ask %d", max)
                          : judge_order(j, "wait %lldns %d", (long long)(until - moment(0)), max);
    if (n < 0)
        EXPECT_INT("selector_wait", 0, n, judge_trouble(j) ? judge_trouble(j) : "nothing was refused");
    touch_what_came(m);
    read_told(m, from, told);
    int must = check_told(m, told);
    if (exact && n < (must < max ? must : max))
        EXPECT_INT("entries", must < max ? must : max, n, "there was room for more, and more were ready");
    for (int fd = 0; fd < NUMBERS; fd++)
        heard[fd] |= told[fd];
    return n;
}

/* Asks, or waits until `until`; again, where a signal or an event that is nobody's may have ended it. */
static void wait_for(struct model *m, int max, int64_t until)
{
    int heard[NUMBERS] = {0};
    int64_t n = 0, before = sim_now(judge_sim(m->judge)), now = before;
    bool unsure, ready = anything_ready(m, &unsure), disturbed = m->sequence->disturbed;
    for (int tries = disturbed || unsure ? PATIENCE : 1; tries > 0 && (n == 0 || disturbed); tries--) {
        n += ask(m, max, n ? -1 : until, heard, !unsure && !disturbed);
        now = sim_now(judge_sim(m->judge));
        if (until >= 0 && now >= until && !disturbed)
            break;
    }
    if (max == ALL)
        check_heard(m, heard);
    if (ready && now != before)
        EXPECT_INT("ns that passed while something was ready", 0, now - before, "who is ready is told at once");
    if (n == 0 && until > before && (!unsure || now > until))
        EXPECT_INT("ns from the deadline", 0, now - until, "a wait in which nothing becomes ready ends at its deadline");
}

static void wait_step(struct model *m, const struct step *s)
{
    int64_t now = sim_now(judge_sim(m->judge));
    if (s->act == ASK) {
        wait_for(m, s->amount > 16 ? s->amount - 16 : ALL, -1);
        return;
    }
    if (m->names[s->name].fd >= 0 && !m->names[s->name].file && s->amount % 2) {
        char order[32];
        snprintf(order, sizeof order, "write %s", words[s->name]);
        int64_t when = now + s->amount * MILLISECOND / 2;
        judge_meanwhile(m->judge, when, order);
        m->meanwhile[m->meanwhile_count++] = (struct meanwhile){ s->name, when };
    }
    wait_for(m, ALL, now + s->amount * MILLISECOND);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static void refuse(const struct model *m, const struct step *s)
{
    static const struct { enum sys_call call; int error; } faults[] = {
        { CALL_MEMORY, -ENOMEM }, { CALL_EPOLL_CTL, -ENOSPC }, { CALL_EPOLL_CTL, -ENOMEM }, { CALL_EPOLL_CREATE, -EMFILE },
    };
    int which = s->amount % 4, nth = 1 + s->amount / 4 % 3;
    history_add(ENTRY_STEP, -1, "%s number %d from now is refused", sim_call_name(faults[which].call), nth);
    sim_fail(judge_sim(m->judge), faults[which].call, (unsigned)nth, faults[which].error);
}

static void take_step(struct model *m, const struct step *s)
{
    switch (s->act) {
    case OPEN: open_pair(m, s->name); break;
    case OPEN_FILE: open_file(m); break;
    case SET: set_mask(m, s->name, s->mask); break;
    case FORGET: forget(m, m->names[s->name].fd); break;
    case CLOSE: close_name(m, s->name, false); break;
    case CLOSE_KNOWN: close_name(m, s->name, true); break;
    case DUP: duplicate(m, s->name, COPY + s->amount % 2); break;
    case WRITE: case READ: case FILL: case EMPTY: use(m, s); break;
    case SHUTDOWN:
        if (s->name >= 4 && s->name < COPY && m->names[s->name].fd >= 0) {
            touch(m, s->name);
            judge_order(m->judge, "shutdown %s", words[s->name]);
        }
        break;
    case GHOST:
        duplicate(m, s->name, COPY + s->amount % 2);
        close_name(m, s->name, s->mask & WRITABLE);
        break;
    case REFUSE:
        if (m->sequence->disturbed)
            refuse(m, s);
        break;
    default: wait_step(m, s);
    }
}

void sequence_judge(const struct sequence *s, struct judge *j)
{
    static struct model m;
    m = (struct model){ .judge = j, .sequence = s };
    judge_reset(j, s->world);
    history_clear();
    sim_limit_idle_waits(judge_sim(j), 0);
    EXPECT_INT("selector_new", 0, judge_order(j, "selector_new"), "nothing was refused");
    for (int i = 0; i < NAMES; i++)
        m.names[i].fd = -1;
    if (s->disturbed) {
        sim_storm(judge_sim(j), CALL_EPOLL_WAIT, STORM, -EINTR);
        sim_storm(judge_sim(j), CALL_POLL, STORM, -EINTR);
    }
    for (int i = 0; i < s->count; i++)
        take_step(&m, &s->steps[i]);
    wait_for(&m, ALL, -1);
    judge_order(j, "selector_close");
}
