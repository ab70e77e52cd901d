/* Uses the CPU, and ignores every signal that can be ignored. With an argument it sleeps instead. */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_IGN);
    if (argc > 1) {
        prctl(PR_SET_NAME, argv[1]);
        (void)!write(3, "r", 1);
    }
    for (;;)
        if (argc > 1)
            pause();
}
