/* find.c - functions by their names: in the tables that the dynamic linker itself reads.
 *
 * Traps: (a) a name of several versions: pthread_cond_wait of 2002 is another function than that of today.
 *        (b) a function that is chosen when it is linked (ifunc): what the table has is who chooses. */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "grader/blocking/inside/find.h"

struct tables {                     /* of a library */
    const ElfW(Sym) *symbols;
    const char *names;
    const uint32_t *gnu_hash, *hash;
    const ElfW(Versym) *versions;
};

struct wanted {
    const char *name;
    bool behind_us;                 /* not before we were passed */
    bool passed;
    void *found, *hidden;           /* hidden: an old version of it, for want of a better one */
};

/* Relocated in place by the linker, but where the table is read-only. */
static const void *table_at(ElfW(Addr) base, ElfW(Addr) at)
{
    return (const void *)(at < base ? base + at : at);
}

static bool tables_read(const struct dl_phdr_info *info, struct tables *tables)
{
    const ElfW(Dyn) *entry = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    *tables = (struct tables){0};
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        const void *at = table_at(info->dlpi_addr, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            tables->symbols = at;
        else if (entry->d_tag == DT_STRTAB)
            tables->names = at;
        else if (entry->d_tag == DT_GNU_HASH)
            tables->gnu_hash = at;
        else if (entry->d_tag == DT_HASH)
            tables->hash = at;
        else if (entry->d_tag == DT_VERSYM)
            tables->versions = at;
    }
    return tables->symbols && tables->names && (tables->gnu_hash || tables->hash);
}

static void *symbol_address(ElfW(Addr) base, const ElfW(Sym) *symbol)
{
    void *at = (void *)(base + symbol->st_value);
    if (ELF64_ST_TYPE(symbol->st_info) != STT_GNU_IFUNC)
        return at;
    void *(*choose)(void) = (void *(*)(void))at;
    return choose();
}

/* Whether it is what is wanted, and defined here. */
static void symbol_try(const struct tables *tables, ElfW(Addr) base, uint32_t index, struct wanted *wanted)
{
    const ElfW(Sym) *symbol = &tables->symbols[index];
    if (wanted->found || symbol->st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
        strcmp(tables->names + symbol->st_name, wanted->name))
        return;
    if (tables->versions && tables->versions[index] & 0x8000)
        wanted->hidden = wanted->hidden ? wanted->hidden : symbol_address(base, symbol);
    else
        wanted->found = symbol_address(base, symbol);
}

static uint32_t gnu_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static void gnu_look(const struct tables *tables, ElfW(Addr) base, struct wanted *wanted)
{
    uint32_t buckets = tables->gnu_hash[0], first = tables->gnu_hash[1], words = tables->gnu_hash[2];
    const uint32_t *bucket = tables->gnu_hash + 4 + words * (sizeof(ElfW(Addr)) / 4), *chain = bucket + buckets;
    uint32_t hash = gnu_hash(wanted->name), index = buckets ? bucket[hash % buckets] : 0;
    if (index < first)
        return;
    do
        if ((chain[index - first] | 1) == (hash | 1))
            symbol_try(tables, base, index, wanted);
    while (!(chain[index++ - first] & 1));
}

static int library_look(struct dl_phdr_info *info, size_t size, void *self)
{
    struct wanted *wanted = self;
    struct tables tables;
    (void)size;
    bool are_we = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, here = (uintptr_t)library_look;
        are_we |= info->dlpi_phdr[i].p_type == PT_LOAD && here >= begin && here - begin < info->dlpi_phdr[i].p_memsz;
    }
    wanted->passed |= are_we;
    if (are_we || (wanted->behind_us && !wanted->passed) || !tables_read(info, &tables))
        return 0;
    if (tables.gnu_hash)
        gnu_look(&tables, info->dlpi_addr, wanted);
    else
        for (uint32_t index = 1; index < tables.hash[1]; index++)
            symbol_try(&tables, info->dlpi_addr, index, wanted);
    return wanted->found != NULL;
}

static void *find(const char *name, bool behind_us)
{
    struct wanted wanted = { .name = name, .behind_us = behind_us };
    dl_iterate_phdr(library_look, &wanted);
    return wanted.found ? wanted.found : wanted.hidden;
}

void *find_anywhere(const char *name)
{
    return find(name, false);
}

void *find_behind_us(const char *name)
{
    return find(name, true);
}
