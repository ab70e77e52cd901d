/* Writes to every descriptor it was given by mistake. 1 and 2 are its output, 3 its wire if it has one. */
#include <stdlib.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(int argc, char **argv)
{
    char what[32];
    for (int fd = 0; fd < 4096; fd++) {
        snprintf(what, sizeof what, "descriptor %d", fd);
        if (fd != 1 && fd != 2 && (fd != 3 || argc < 2))
            escaped_if(write(fd, "forged", 6) > 0, what);
    }
    printf("end\n");
    return argc > 2 ? atoi(argv[2]) : 0;
}
