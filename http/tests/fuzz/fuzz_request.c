/* fuzz_request.c - the head of a request. See fuzz_head.h for what must hold. */
#include "http/tests/fuzz/fuzz_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_check_head(NULL, data, len);
    return 0;
}
