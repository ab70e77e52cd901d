/* process.c - programs of others, as processes. See process.h. */
#include "http/bench/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/bench/servers.h"

int process_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        bench_die("no port of 127.0.0.1 is free");
    close(fd);
    return ntohs(address.sin_port);
}

__attribute__((noreturn)) static void become(const char *command, int orders)
{
    int log = open(UNDER "/peer.log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (orders >= 0)
        dup2(orders, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

pid_t process_start(const char *command, int orders)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        bench_die("no process could be made");
    if (pid == 0)
        become(command, orders);
    return pid;
}

bool process_succeeds(const char *command)
{
    int status;
    pid_t pid = process_start(command, -1);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The second figure of each thread's schedstat is how long it waited; the first how long it ran, in ns. */
int64_t peer_cpu(void *self)
{
    const pid_t *pid = self;
    char pattern[64];
    int64_t sum = 0;
    glob_t threads;
    snprintf(pattern, sizeof pattern, "/proc/%d/task/*/schedstat", (int)*pid);
    if (glob(pattern, 0, NULL, &threads) != 0)
        bench_die("the peer has ended: " UNDER "/peer.log may say why");
    for (size_t i = 0; i < threads.gl_pathc; i++) {
        long long ran = 0;
        FILE *f = fopen(threads.gl_pathv[i], "r");
        if (f && fscanf(f, "%lld", &ran) == 1)
            sum += ran;
        if (f)
            fclose(f);
    }
    globfree(&threads);
    return sum;
}

void process_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
