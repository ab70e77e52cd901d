/* attack.h - what the attack programs share. An attempt that gets through is printed as "ESCAPED"; the tests look for
 * that word only where the attempt is not visible from outside. Every program is static and knows nothing of the
 * sandbox. */
#ifndef EDDY_GRADER_ATTACK_H
#define EDDY_GRADER_ATTACK_H

#include <stdio.h>

static inline void escaped_if(int got_through, const char *what)
{
    if (got_through)
        printf("ESCAPED: %s\n", what);
}

#endif
