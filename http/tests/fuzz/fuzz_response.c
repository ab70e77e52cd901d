/* fuzz_response.c - the head of a response, whose first byte is the initial of the method that it answers: without that nobody
 * can tell whether a body follows. See fuzz_head.h for what must hold. */
#include "http/tests/fuzz/fuzz_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len)
        fuzz_check_head(data[0] == 'H' ? "HEAD" : data[0] == 'C' ? "CONNECT" : "GET", data + 1, len - 1);
    return 0;
}
