/* What a probe does: threads, a pipe, its wire, its arguments. Then exits with its second argument, or raises that
 * signal. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

extern char **environ;

static void *answer(void *self)
{
    return self;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *got = NULL;
    int fds[2];
    if (pthread_create(&thread, NULL, answer, argv) == 0)
        pthread_join(thread, &got);
    int works = got == argv && pipe(fds) == 0 && eventfd(0, 0) >= 0;
    printf("%s root=%d env=%d stdin=%zd\n", works ? "works" : "broken", getuid() == 0, *environ != NULL,
           read(0, fds, 1));
    fflush(stdout);
    if (write(3, "wire", 4) == 4)
        printf("wired\n");
    fflush(stdout);
    if (argc == 3)
        raise(atoi(argv[2]));
    if (argc == 4)
        abort();
    return argc > 1 ? atoi(argv[1]) : 0;
}
