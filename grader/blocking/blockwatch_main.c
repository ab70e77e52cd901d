/* blockwatch_main.c - the program blockwatch: runs a command, or attaches to a process, and tells what blocks its event loops.
 *
 * The trap it exists for: "implicit blocking": a call that nobody thought of as one that sleeps. */
#include <stdio.h>

#include "grader/blocking/watch.h"

int main(int argc, char **argv)
{
    struct watch_options options;
    char why[256];
    if (watch_options_read(&options, argc, argv, why) < 0) {
        watch_say("%s", why);
        return EXIT_USAGE;
    }
    if (options.help)
        return fputs(watch_options_help, stdout) < 0 || fflush(stdout) != 0 ? EXIT_OURS : 0;
    int status = watch_check_files(&options);
    if (status)
        return status;
    return options.attach ? watch_attach(&options) : watch_command(&options);
}
