/* begin.c - the library is loaded into a program that is to be watched: this is what runs before all of the program's own.
 *
 * The trap it exists for: a constructor in a program that is only linked with the rest of inside/, and watches itself. */
#include <stdlib.h>

#include "grader/blocking/inside/own.h"
#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrap.h"

__attribute__((constructor(101))) static void begin(int argc, char **argv, char **environment)
{
    struct journal found = {0};
    free(malloc(1));                /* found before there is a second thread */
    environment_remember(environment);
    if (journal_join(&found) < 0 || !process_watch(&found, argc, argv))
        return;
    named_begin(found.head->wishes.wait);
    on_exit(process_end, NULL);
}

WRAPPER const struct own_door *blockwatch_door_1(void);
const struct own_door *blockwatch_door_1(void)
{
    return process_journal() ? &own_door : NULL;
}
