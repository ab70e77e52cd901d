/* doctor_sandbox_main.c - which level of the sandbox grading would have on this machine, found out by going all the way. The
 * part of make doctor that needs libseccomp. Says a record for doctor.sh, as doctor_main.c does.
 *
 * Trap: that namespaces can be made does not mean that a root can be put together in them. */
#include <stdio.h>

#include "grader/sandbox.h"

int main(void)
{
    static const char *const has[] = { "rlimits alone", "seccomp, rlimits", "namespaces, seccomp, rlimits",
                                       "namespaces, seccomp, rlimits, another uid" };
    const char *why = "";
    int level = sandbox_level(&why);
    printf("%s\tsandbox\tlevel %d of 3: %s\n", level >= 2 ? "ok" : "note", level, has[level]);
    if (level < 2)
        printf("note\tsandbox\tgrades are made all the same; missing: %s\n", why);
    return fflush(stdout) == 0 ? 0 : 1;
}
