/* keys.c - keys, as a terminal sends them: see keys.h. */
#include "grader/watch/keys.h"

#include <string.h>

/* ESC [ parameters letter, or ESC O letter: by what stands behind ESC and the second byte. */
static int key_named(const char *name, size_t len)
{
    static const struct {
        const char *name;
        enum key key;
    } names[] = {
        { "A", KEY_UP }, { "B", KEY_DOWN }, { "H", KEY_HOME }, { "F", KEY_END }, { "5~", KEY_PAGE_UP },
        { "6~", KEY_PAGE_DOWN }, { "1~", KEY_HOME }, { "7~", KEY_HOME }, { "4~", KEY_END }, { "8~", KEY_END },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
            return names[i].key;
    return KEY_OTHER;
}

int key_take(const char *bytes, size_t len, size_t *used)
{
    *used = 1;
    if (bytes[0] != KEY_ESCAPE || len == 1)
        return (unsigned char)bytes[0];
    *used = 2;
    if (bytes[1] != '[' && bytes[1] != 'O')
        return KEY_OTHER;
    while (*used < len && (unsigned char)bytes[*used] >= 0x20 && (unsigned char)bytes[*used] < 0x40)
        ++*used;
    *used += *used < len;
    return key_named(bytes + 2, *used - 2);
}
