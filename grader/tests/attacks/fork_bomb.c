/* Forks until it is refused and says how often it was not; with a second argument every child goes on, without end. */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int count = 0;
    if (argc < 2)
        return 2;
    prctl(PR_SET_NAME, argv[1]);
    for (;;) {
        int pid = fork();
        if (pid > 0)
            count++;
        if (argc > 2)
            continue;
        if (pid == 0)
            for (;;)
                pause();
        if (pid < 0 || count == 1000)
            break;
    }
    printf("%d\n", count);
    return 0;
}
