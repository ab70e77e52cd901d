/* checks.c - lab 00 from the judge's side: the suite. */
#include "labs/00-look/checks.h"

Suite *checks_00_look(void);

Suite *checks_00_look(void)
{
    Suite *s = suite_create("00-look");
    check_answer_items(s);
    check_look_items(s);
    return s;
}
