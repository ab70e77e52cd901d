/* checks_hidden.c - random sequences of operations against the model. H1, H2. */
#include <string.h>

#include "labs/01-selector/checks.h"
#include "labs/01-selector/checks_model.h"

enum { SEQUENCES = 200, SMALLEST = 12, LARGEST = 60 };

struct current {
    bool disturbed;
    struct sequence sequence;
};

static void make_sequence(void *self, int i)
{
    struct current *c = self;
    int size = SMALLEST + (LARGEST - SMALLEST) * i / SEQUENCES;
    sequence_make(&c->sequence, c->disturbed, size, judge_get()->seed * 1000 + c->disturbed * 7919 + (uint64_t)i * 31);
}

static void judge_current(void *self, struct judge *j)
{
    sequence_judge(&((struct current *)self)->sequence, j);
}

static int count_steps(const void *self)
{
    return ((const struct current *)self)->sequence.count;
}

static void leave_out(void *self, int first, int count)
{
    struct sequence *s = &((struct current *)self)->sequence;
    memmove(&s->steps[first], &s->steps[first + count], (size_t)(s->count - first - count) * sizeof s->steps[0]);
    s->count -= count;
}

static void check_sequences(bool disturbed)
{
    struct current c = { .disturbed = disturbed };
    judge_trials(&(struct trials){ .count = SEQUENCES, .make = make_sequence, .judge = judge_current, .steps = count_steps,
                                   .leave_out = leave_out, .current = &c.sequence, .size = sizeof c.sequence, .self = &c });
    verdict_pass();
}

START_TEST(h1)
{
    check_sequences(false);
}
END_TEST

START_TEST(h2)
{
    check_sequences(true);
}
END_TEST

void check_hidden_items(Suite *s)
{
    add_item(s, "H1", h1);
    add_item(s, "H2", h2);
}
