/* text_clean.h - a stranger's words made harmless, for all that writes reports.
 *
 * The trap it exists for: what a student's program, a compiler or a watched process said reaches a terminal, a JSON file and a
 * page. An escape sequence, half a UTF-8 character or a tag in it must not. */
#ifndef EDDY_GRADER_TEXT_CLEAN_H
#define EDDY_GRADER_TEXT_CLEAN_H

#include <stddef.h>
#include <stdint.h>

/* How much room text_clean needs for a text of `len` bytes. */
#define CLEAN_ROOM(len) (3 * (len) + 1)
/* Copies `text` as valid UTF-8 without control characters but line ends; each byte that was wrong becomes U+FFFD.
 * What does not fit is cut at a character's end. */
void text_clean(char *out, size_t size, const char *text);

/* How many columns `len` bytes of valid UTF-8 take. */
size_t text_columns(const char *text, size_t len);

/* "50 ms", "50.000001 ms". */
void text_time(char *out, size_t size, int64_t ns);

#endif
