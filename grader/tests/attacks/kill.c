/* Kills whomever it can: everybody, its parent, its group. */
#include <signal.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(void)
{
    signal(SIGTERM, SIG_IGN);
    kill(-1, SIGKILL);
    kill(getppid(), SIGKILL);
    for (int pid = 1; pid < 64; pid++)
        if (pid != getpid())
            kill(pid, SIGKILL);
    kill(0, SIGTERM);
    escaped_if(getppid() == 0 || getpid() == 1, "its parent is gone");
    printf("alive\n");
    return 0;
}
