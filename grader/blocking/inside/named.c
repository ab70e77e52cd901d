/* named.c - a function of the program's own choice as the wait of its loop (--wait NAME).
 *
 * Our library cannot define what it does not know the name of. But a call from one module to another goes through a table of
 * addresses in the caller; those of that name are changed to lead here. What calls a function within the same module goes past
 * them, and then that is said.
 *
 * The function may take six integers or pointers and eight floating-point numbers, and return one of either: what is passed in
 * registers is passed on, whatever it means.
 *
 * The trap it exists for: the tables are read-only by now, and are made so again. */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "grader/blocking/inside/find.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrap.h"

struct both {                       /* in the two registers that results are returned in */
    long integer;
    double number;
};

typedef struct both anything(long, long, long, long, long, long, double, double, double, double, double, double, double, double);

static anything *real;

static struct both named_wait(long a, long b, long c, long d, long e, long f, double s, double t, double u, double v, double w,
                              double x, double y, double z)
{
    struct wait wait;
    if (!wait_enter(&wait, WAIT_NAMED, -1))
        return real(a, b, c, d, e, f, s, t, u, v, w, x, y, z);
    struct both result = real(a, b, c, d, e, f, s, t, u, v, w, x, y, z);
    wait_leave(&wait, (int)result.integer);
    return result;
}

/* ---- the tables ---------------------------------------------------------------------------------------------------------- */

struct relocations {
    const ElfW(Rela) *at;
    size_t size;
};

struct module {
    ElfW(Addr) base;
    const ElfW(Sym) *symbols;
    const char *names;
    struct relocations calls, data;
};

struct search {
    const char *name;
    int changed;
};

static void module_read(const ElfW(Dyn) *entry, struct module *module)
{
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        ElfW(Addr) value = entry->d_un.d_ptr, at = value < module->base ? module->base + value : value;
        if (entry->d_tag == DT_SYMTAB)
            module->symbols = (const void *)at;
        else if (entry->d_tag == DT_STRTAB)
            module->names = (const void *)at;
        else if (entry->d_tag == DT_JMPREL)
            module->calls.at = (const void *)at;
        else if (entry->d_tag == DT_PLTRELSZ)
            module->calls.size = entry->d_un.d_val;
        else if (entry->d_tag == DT_RELA)
            module->data.at = (const void *)at;
        else if (entry->d_tag == DT_RELASZ)
            module->data.size = entry->d_un.d_val;
    }
}

/* The page may be read-only: it is writable for that moment. */
static void address_change(void **where)
{
    long page = (long)((uintptr_t)where & ~(uintptr_t)4095);
    if (raw3(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE) < 0)
        return;
    *where = (void *)named_wait;
}

static void relocations_look(const struct module *module, const struct relocations *relocations, struct search *search)
{
    for (size_t i = 0; relocations->at && i < relocations->size / sizeof(ElfW(Rela)); i++) {
        const ElfW(Rela) *rela = &relocations->at[i];
        unsigned long type = ELF64_R_TYPE(rela->r_info);
#if defined(__x86_64__)
        bool calls = type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
#else
        bool calls = type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
#endif
        const ElfW(Sym) *symbol = &module->symbols[ELF64_R_SYM(rela->r_info)];
        if (!calls || strcmp(module->names + symbol->st_name, search->name))
            continue;
        address_change((void **)(module->base + rela->r_offset));
        search->changed++;
    }
}

/* What was read-only once it was relocated is so again. */
static void module_seal(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t begin = (info->dlpi_addr + part->p_vaddr) & ~(uintptr_t)4095;
        uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz) & ~(uintptr_t)4095;
        if (part->p_type == PT_GNU_RELRO && end > begin)
            raw3(SYS_mprotect, (long)begin, (long)(end - begin), PROT_READ);
    }
}

static int module_look(struct dl_phdr_info *info, size_t size, void *self)
{
    struct search *search = self;
    struct module module = { .base = info->dlpi_addr };
    int before = search->changed;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            module_read((const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr), &module);
    if (!module.symbols || !module.names)
        return 0;
    relocations_look(&module, &module.calls, search);
    relocations_look(&module, &module.data, search);
    if (search->changed != before)
        module_seal(info);
    return 0;
}

void named_begin(const char *name)
{
    char why[JOURNAL_TEXT];
    struct search search = { .name = name };
    if (!*name)
        return;
    real = (anything *)find_anywhere(name);
    if (real)
        dl_iterate_phdr(module_look, &search);
    if (search.changed)
        return;
    snprintf(why, sizeof why, real ? "--wait %s: it is called within its own module only, past all tables: that cannot be seen"
                                   : "--wait %s: there is no such function that is visible to other modules", name);
    note_tell(why);
}
