/* Reads what is none of its business: the machine's files, the grader's, those of the paths it is given. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(int argc, char **argv)
{
    static const char *const paths[] = { "/etc/shadow", "/etc/passwd", "/etc/hostname", "/root", "/home", "/var",
        "/sys", "/dev/mem", "/dev/sda", "/proc/1/environ", "/proc/1/mem", "/proc/1/root", "/proc/1/cwd/", "/proc/1/fd",
        "/proc/self/root/etc/passwd",
        "/proc/kcore", "../etc/passwd", "../../../../../../etc/passwd", "/tmp/..//etc/passwd", "/run", "/boot" };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        escaped_if(open(paths[i], O_RDONLY) >= 0, paths[i]);
    for (int i = 1; i < argc; i++)
        escaped_if(open(argv[i], O_RDONLY) >= 0, argv[i]);
    escaped_if(open("/proc/self/mem", O_RDWR) >= 0 && argc > 3, "its own memory, by file");
    escaped_if(creat("/escaped", 0600) >= 0 || creat("/work/../escaped", 0600) >= 0, "wrote to the root");
    printf("end\n");
    return 0;
}
