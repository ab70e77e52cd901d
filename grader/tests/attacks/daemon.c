/* Leaves a process behind that no process group and no parent knows: setsid, twice forked. It keeps the output open. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int ready[2];
    char byte;
    if (argc < 2 || pipe(ready) < 0)
        return 2;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            prctl(PR_SET_NAME, argv[1]);
            for (int signo = 1; signo < NSIG; signo++)
                signal(signo, SIG_IGN);
            if (write(ready[1], "r", 1) != 1)
                return 2;
            for (;;)
                pause();
        }
        _exit(0);
    }
    close(ready[1]);
    wait(NULL);
    return read(ready[0], &byte, 1) == 1 ? 0 : 2;
}
