/* Serves one who connected to the listening socket it was given, which is of another network; then wants one of its own. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(void)
{
    char byte = 0;
    escaped_if(write(3, "w", 1) == 1, "a wire that was not given");
    int fd = accept4(4, NULL, NULL, SOCK_CLOEXEC);
    int served = fd >= 0 && read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1;
    printf("%s %c\n", served ? "served" : "not served", byte);
    escaped_if(socket(AF_INET, SOCK_STREAM, 0) >= 0, "a socket of its own");
    escaped_if(listen(4, 7) == 0, "listening anew");
    printf("end\n");
    return 0;
}
