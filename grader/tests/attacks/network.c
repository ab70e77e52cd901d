/* Connects to a port of this machine's loopback, and to an abstract socket, that the tests listen on. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "grader/tests/attacks/attack.h"

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[2]));
    memcpy(un.sun_path + 1, argv[2], strlen(argv[2]));
    escaped_if(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&in, sizeof in) == 0, "the loopback");
    escaped_if(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&un, len) == 0, "an abstract socket");
    printf("end\n");
    return 0;
}
