/* Fills the disk: one large file, and many small ones. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(void)
{
    char block[65536], name[32];
    long wrote = 0;
    int files = 0;
    memset(block, 1, sizeof block);
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("large", O_CREAT | O_WRONLY, 0600);
    for (ssize_t n; fd >= 0 && wrote < 1 << 24 && (n = write(fd, block, sizeof block)) > 0; )
        wrote += n;
    for (; files < 64; files++) {
        snprintf(name, sizeof name, "/tmp/small%d", files);
        if (open(name, O_CREAT | O_EXCL | O_WRONLY, 0600) < 0)
            break;
        unlink(name);
    }
    printf("%ld bytes\n", wrote);
    return 0;
}
