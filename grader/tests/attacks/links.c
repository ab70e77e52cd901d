/* Leaves links, FIFOs and closed folders where its results are looked for. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2 || symlink(argv[1], "out.o") < 0 || symlink(argv[1], "folder") < 0 || mkfifo("fifo", 0600) < 0)
        return 2;
    if (mkdir("closed", 0700) < 0 || mkdir("closed/inner", 0700) < 0 || symlink(argv[1], "closed/inner/link") < 0)
        return 2;
    return chmod("closed/inner", 0) < 0 || chmod("closed", 0) < 0 ? 2 : 0;
}
