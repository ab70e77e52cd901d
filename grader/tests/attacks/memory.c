/* Takes all the memory it can get, and touches it. */
#include <stdlib.h>
#include <string.h>

#include "grader/tests/attacks/attack.h"

int main(void)
{
    int mb = 0;
    for (void *p; mb < 1024 && (p = malloc(1 << 20)); mb++)
        memset(p, 1, 1 << 20);
    escaped_if(mb >= 128, "more memory than the limit");
    printf("refused\n");
    return 0;
}
