/* keys.h - keys, as a terminal sends them: bytes, and sequences that begin with Escape.
 *
 * The trap it exists for: an arrow key is "ESC [ A". Read byte by byte it is three keys, and one of them may be a command. */
#ifndef EDDY_GRADER_WATCH_KEYS_H
#define EDDY_GRADER_WATCH_KEYS_H

#include <stddef.h>

/* A key below KEY_UP is its byte. */
enum key { KEY_CTRL_C = 3, KEY_CTRL_L = 12, KEY_CTRL_Z = 26, KEY_ESCAPE = 27,
           KEY_UP = 256, KEY_DOWN, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END, KEY_OTHER,
           KEY_REDRAW };        /* no key: the screen is to be drawn again */

/* The first key of `len` > 0 bytes that came at once, and how many of them it takes. An Escape that ends them is the key
 * itself. */
int key_take(const char *bytes, size_t len, size_t *used);

#endif
