/* judge_end.c - what the probe's end was, in a sentence. See judge.h.
 *
 * The probe says what it touched when it crashes, and where; the sandbox says what killed it. The first are only
 * words of a process that nobody trusts, so they are shown and never believed. */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grader/judge_inside.h"
#include "grader/lab.h"
#include "grader/sandbox.h"

/* ---- the function behind an address ----------------------------------------------------------------------------- */

static Elf_Data *symbols(Elf *elf, GElf_Shdr *header)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section)); )
        if (gelf_getshdr(section, header) && header->sh_type == SHT_SYMTAB && header->sh_entsize)
            return elf_getdata(section, NULL);
    return NULL;
}

static const char *find_function(Elf *elf, int64_t counter, int64_t runs_main, int64_t *into)
{
    GElf_Shdr header;
    GElf_Sym s;
    const char *found = NULL;
    int64_t moved = 0;
    Elf_Data *data = symbols(elf, &header);
    int count = data ? (int)(header.sh_size / header.sh_entsize) : 0;
    for (int i = 0; i < count; i++) {
        const char *name = gelf_getsym(data, i, &s) ? elf_strptr(elf, header.sh_link, s.st_name) : NULL;
        if (name && strcmp(name, "main") == 0)
            moved = runs_main - (int64_t)s.st_value;
    }
    for (int i = 0; i < count; i++) {
        if (!gelf_getsym(data, i, &s) || GELF_ST_TYPE(s.st_info) != STT_FUNC)
            continue;
        *into = counter - moved - (int64_t)s.st_value;
        if (*into >= 0 && *into < (int64_t)s.st_size && (found = elf_strptr(elf, header.sh_link, s.st_name)))
            break;
    }
    return found;
}

/* " in heap_up+0x12", or nothing. */
static void where_text(const struct judge *j, char *out, size_t size)
{
    int64_t into = 0;
    out[0] = 0;
    int fd = j->crash_counter ? open(j->probe, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    const char *name = elf ? find_function(elf, j->crash_counter, j->crash_main, &into) : NULL;
    if (name)
        snprintf(out, size, " in %.80s+0x%llx", name, (unsigned long long)into);
    elf_end(elf);
    close(fd);
}

/* ---- sentences -------------------------------------------------------------------------------------------------- */

/* The last line that the probe wrote, without what a terminal would obey. */
static void last_words(const struct sandbox_end *end, char *out, size_t size)
{
    const char *text = end->output ? end->output : "";
    size_t stop = strlen(text);
    while (stop > 0 && text[stop - 1] == '\n')
        stop--;
    size_t start = stop;
    while (start > 0 && text[start - 1] != '\n')
        start--;
    size_t len = stop - start < size - 1 ? stop - start : size - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)text[start + i] < 32 || text[start + i] == 127 ? '?' : text[start + i];
    out[len] = 0;
}

static const char *likely_cause(const struct judge *j, const struct sandbox_end *end)
{
    if (j->crash[0])
        return "memory was used that is not, or no longer, what the code took it for";
    switch (end->how) {
    case SANDBOX_EXITED:
        return "the code ended the process: exit, _exit or the like";
    case SANDBOX_KILLED:
        return "a REQUIRE or assertion that did not hold, damaged memory, or a system call past the door (struct sys)";
    case SANDBOX_WALL:
        return "a loop without end, or a call that sleeps past the door (struct sys)";
    case SANDBOX_CPU:
        return "a loop without end";
    case SANDBOX_OUTPUT:
        return "it prints without end";
    default:
        return "";
    }
}

void judge_probe_gone(struct judge *j)
{
    char where[128], said[256];
    close(j->fd);
    j->fd = -1;
    const struct sandbox_end *end = sandbox_wait(j->sandbox);
    if (end->how == SANDBOX_FAULT)
        verdict_fault("the sandbox: %s", end->text);
    where_text(j, where, sizeof where);
    last_words(end, said, sizeof said);
    judge_fail(j, likely_cause(j, end), "it %s%s%s%s%s%s", j->crash, where, j->crash[0] ? ", and " : "", end->text,
               said[0] ? "; its last words: " : "", said);
}

void judge_nonsense(struct judge *j, const char *what)
{
    judge_fail(j, "the code wrote to descriptor 3 itself, or damaged the memory of the probe around it", "%s", what);
}
