/* checks_sequence.c - random sequences: see checks_model.h. */
#include "grader/checks.h"
#include "labs/01-selector/checks_model.h"
#include "loop/selector.h"

/* What goes wrong most: a file that is known and ready is closed while a copy of it lives, and its number given away. */
static int begin_with_a_ghost(struct step *steps, uint64_t *dice)
{
    bool file = dice_roll(dice, 2);
    int next = file ? FILE_NAME : 4, n = 4;
    steps[n++] = (struct step){ GHOST, 0, dice_roll(dice, 2) ? WRITABLE : READABLE, 1 };
    steps[n++] = (struct step){ file ? OPEN_FILE : OPEN, next, 0, 1 };
    steps[n++] = (struct step){ SET, next, READABLE, 1 };
    steps[n++] = (struct step){ WRITE, 1, 0, 1 };
    steps[n++] = (struct step){ REFUSE, 0, 0, 1 + 4 * dice_roll(dice, 2) };
    steps[n++] = (struct step){ ASK, 0, 0, 1 };
    steps[n++] = (struct step){ WRITE, 3, 0, 1 };
    steps[n++] = (struct step){ ASK, 0, 0, 1 };
    return n;
}

void sequence_make(struct sequence *s, bool disturbed, int size, uint64_t seed)
{
    static const enum act acts[] = {
        OPEN, OPEN, OPEN, OPEN_FILE, SET, SET, SET, SET, SET, FORGET, CLOSE, CLOSE_KNOWN, CLOSE_KNOWN, DUP, WRITE, WRITE, WRITE,
        READ, FILL, EMPTY, SHUTDOWN, GHOST, GHOST, ASK, ASK, ASK, WAIT, WAIT,
    };
    static const int masks[] = { READABLE, READABLE, WRITABLE, READABLE | WRITABLE, READABLE | EDGE, WRITABLE | EDGE,
                                 READABLE | WRITABLE | EDGE };
    uint64_t dice = dice_mixed(seed);
    *s = (struct sequence){ .disturbed = disturbed, .world = dice_mixed(seed + 1) >> 1 | 1 };
    s->count = size < STEPS ? size : STEPS;
    for (int i = 0; i < 4; i++)
        s->steps[i] = (struct step){ i % 2 ? SET : OPEN, i / 2 * 2, READABLE, 1 };
    for (int i = dice_roll(&dice, 3) ? 4 : begin_with_a_ghost(s->steps, &dice); i < s->count; i++) {
        struct step *step = &s->steps[i];
        *step = (struct step){ acts[dice_roll(&dice, sizeof acts / sizeof *acts)], dice_roll(&dice, NAMES),
                               masks[dice_roll(&dice, sizeof masks / sizeof *masks)], 1 + dice_roll(&dice, 20) };
        if (disturbed && s->steps[i - 1].act == REFUSE)
            step->act = dice_roll(&dice, 2) ? ASK : SET;
        else if (disturbed && dice_roll(&dice, 6) == 0)
            step->act = REFUSE;
    }
}
