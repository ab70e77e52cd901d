/* fuzz_date.c - a date: what is one, written and read again, is the same second; and any second can be written. */
#include "http/date.h"
#include "http/tests/fuzz/fuzz.h"

enum { NOW = 1000000000 };
static const int64_t first = -62135596800, last = 253402300799;         /* of years 1 to 9999 */

static void write_again(int64_t seconds)
{
    char text[DATE_TEXT];
    int64_t again, cut = seconds < first ? first : seconds > last ? last : seconds;
    MUST(strlen(date_write(seconds, text)) == DATE_TEXT - 1);
    MUST(date_read(text_of(text), NOW, &again) == 0 && again == cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *block = fuzz_copy(data, len);
    int64_t seconds = 0;
    int rc = date_read((struct bytes){ block, len }, NOW, &seconds);
    MUST(rc == 0 || rc == -EINVAL);
    if (rc == 0) {
        MUST(seconds >= first && seconds <= last);
        write_again(seconds);
    }
    for (size_t i = 0; i < len && i < sizeof seconds; i++)
        seconds = (int64_t)((uint64_t)seconds << 8 | data[i]);
    write_again(seconds);
    free(block);
    return 0;
}
