/* calls.c - the table of calls, as the reports ask it: made from calls.tab.
 *
 * The trap it exists for: a number in a damaged journal that points behind the table. */
#include <stddef.h>
#include <string.h>

#include "grader/blocking/calls.h"
#include "grader/blocking/calls_names.h"
#include "grader/blocking/calls_system.h"
#include "grader/blocking/calls_table.h"

static const struct call_kind unknown = {
    "UNATTRIBUTED", "unknown",
    "no call of the C library's was seen: look at its system call, fault address or stack, and take that off the loop's thread"
};

const struct call_kind *call_kind(int call)
{
    return call > 0 && call < CALL_COUNT ? &kinds[call] : &unknown;
}

int call_number(const char *name)
{
    for (int call = 1; call < CALL_COUNT; call++)
        if (!strcmp(kinds[call].name, name))
            return call;
    return 0;
}

const char *system_call_name(int number)
{
    return number >= 0 && (size_t)number < sizeof system_calls / sizeof *system_calls ? system_calls[number] : NULL;
}
