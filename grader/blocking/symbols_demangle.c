/* symbols_demangle.c - names as their authors wrote them.
 *
 * C++'s and Rust's codes are read by the C++ library's own __cxa_demangle, which is loaded when the first such name comes by;
 * where it is not installed they stay as they are. The trap it exists for: a name of four lines, of which the arguments' types
 * are three. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols_inside.h"

enum { LONGEST = 4000 };

typedef char *demangle(const char *name, char *buffer, size_t *size, int *status);

static demangle *demangler(void)
{
    static demangle *found;
    static bool asked;
    if (!asked) {
        asked = true;
        void *library = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
        if (library)
            *(void **)&found = dlsym(library, "__cxa_demangle");
    }
    return found;
}

/* "a::b(int, char) const [clone .cold]" -> "a::b". A name of none but brackets stays. */
static void arguments_cut(char *name)
{
    char *clone = strstr(name, " [clone");
    if (clone)
        *clone = 0;
    char *last = strrchr(name, ')');
    if (!last || strpbrk(last, ":>}"))
        return;
    int depth = 0;
    for (char *at = last; at > name; at--) {
        depth += *at == ')' ? 1 : *at == '(' ? -1 : 0;
        if (depth)
            continue;
        if (at - name < 8 || strncmp(at - 8, "operator", 8))
            *at = 0;
        return;
    }
}

/* "void a::b<int>" -> "a::b<int>": only templates say what they return. */
static void result_cut(char *name)
{
    int depth = 0;
    for (char *at = name + strlen(name); at > name; at--) {
        depth += at[-1] == '>' || at[-1] == ')' ? 1 : at[-1] == '<' || at[-1] == '(' ? -1 : 0;
        if (depth || at[-1] != ' ')
            continue;
        memmove(name, at, strlen(at) + 1);
        return;
    }
}

/* "crate::function::h0123456789abcdef": Rust's sum. */
static void sum_cut(char *name)
{
    size_t len = strlen(name);
    char *sum = len > 19 ? name + len - 19 : NULL;
    if (sum && !strncmp(sum, "::h", 3) && strspn(sum + 3, "0123456789abcdef") == 16)
        *sum = 0;
}

/* What a compiler has made of one function: "f.constprop.0", "f.isra.3.cold"; and "f@@GLIBC_2.2.5". */
static void suffixes_cut(char *name)
{
    static const char *const suffixes[] = { ".constprop.", ".isra.", ".part.", ".cold", ".lto_priv.", ".llvm.", "@" };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *at = strstr(name, suffixes[i]);
        if (at && at != name)
            *at = 0;
    }
}

char *name_for_people(const char *raw)
{
    char *name = NULL;
    int status;
    if (!strncmp(raw, "_Z", 2) && strnlen(raw, LONGEST) < LONGEST && demangler())
        name = demangler()(raw, NULL, NULL, &status);
    if (name) {
        arguments_cut(name);
        if (name[strlen(name) - 1] == '>' && !strstr(name, "operator"))
            result_cut(name);
        sum_cut(name);
        return name;
    }
    if ((name = strndup(raw, LONGEST)))
        suffixes_cut(name);
    return name;
}
