/* symbols_names.c - functions by the symbol tables of a file: .symtab, .dynsym, and the one of its debug file.
 *
 * The traps it exists for: the nearest symbol before an address, which in a stripped file is that of another function; the many
 * names of one function, of which people know one. */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols_inside.h"

enum { REACH = 4096, NESTED = 16 }; /* how far a symbol without a size goes at most; how many symbols may overlap */

/* ---- reading them ---------------------------------------------------------------------------------------------------- */

static int name_rank(const GElf_Sym *symbol, const char *text)
{
    size_t lines = strspn(text, "_");
    int bind = GELF_ST_BIND(symbol->st_info);
    return (int)(lines < 4 ? lines : 4) * 8 + (GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE ? 4 : 0) +
           (bind == STB_GLOBAL ? 0 : bind == STB_WEAK ? 1 : 2);
}

static bool is_code(Elf *elf, const GElf_Sym *symbol, const char *text)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF || !symbol->st_value || !text || !text[0])
        return false;
    if (type == STT_FUNC || type == STT_GNU_IFUNC)
        return true;
    GElf_Shdr head;
    Elf_Scn *section = type == STT_NOTYPE && symbol->st_shndx < SHN_LORESERVE ? elf_getscn(elf, symbol->st_shndx) : NULL;
    return section && gelf_getshdr(section, &head) && head.sh_flags & SHF_EXECINSTR && text[0] != '$' && text[0] != '.';
}

static void table_add(struct image *image, Elf *elf, Elf_Scn *section, const GElf_Shdr *head)
{
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = data && head->sh_entsize ? data->d_size / head->sh_entsize : 0;
    struct name *names = realloc(image->names, (image->name_count + count) * sizeof *names + 1);
    if (!names)
        return;
    image->names = names;
    GElf_Sym symbol;
    for (size_t i = 0; i < count; i++) {
        const char *text = gelf_getsym(data, (int)i, &symbol) ? elf_strptr(elf, head->sh_link, symbol.st_name) : NULL;
        if (text && is_code(elf, &symbol, text))
            names[image->name_count++] = (struct name){ symbol.st_value, symbol.st_value + symbol.st_size, text,
                                                        name_rank(&symbol, text) };
    }
}

static void names_add(struct image *image, Elf *elf)
{
    GElf_Shdr head;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));)
        if (gelf_getshdr(section, &head) && (head.sh_type == SHT_SYMTAB || head.sh_type == SHT_DYNSYM))
            table_add(image, elf, section, &head);
}

static int by_place(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    size_t a_len = strlen(x->text), b_len = strlen(y->text);
    return a_len != b_len ? (a_len < b_len ? -1 : 1) : strcmp(x->text, y->text);
}

/* Of each place the best name; one without a size reaches to the next. */
static void names_settle(struct image *image)
{
    struct name *names = image->names;
    size_t kept = 0;
    qsort(names, image->name_count, sizeof *names, by_place);
    for (size_t i = 0; i < image->name_count; i++) {
        if (kept && names[kept - 1].begin == names[i].begin) {
            if (names[kept - 1].end < names[i].end)
                names[kept - 1].end = names[i].end;
            continue;
        }
        names[kept++] = names[i];
    }
    for (size_t i = 0; i < kept; i++) {
        uint64_t end = i + 1 < kept && names[i + 1].begin - names[i].begin < REACH ? names[i + 1].begin : names[i].begin + REACH;
        if (names[i].end <= names[i].begin)
            names[i].end = end;
    }
    image->name_count = kept;
}

static bool has_name(const struct image *image, const char *text)
{
    for (size_t i = 0; i < image->name_count; i++)
        if (!strcmp(image->names[i].text, text))
            return true;
    return false;
}

void image_names(struct image *image)
{
    if (image->asked_names)
        return;
    image->asked_names = true;
    names_add(image, image->elf);
    if (image_dwarf(image) && image->debug_elf)
        names_add(image, image->debug_elf);
    if (image->names)
        names_settle(image);
    image->has_loop = has_name(image, "loop_start") && has_name(image, "future_resolve");
    image->has_libc = has_name(image, "__libc_start_main");
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

char *image_function(struct image *image, uint64_t address)
{
    image_names(image);
    size_t low = 0, high = image->name_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (image->names[middle].begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t back = 0; back < NESTED && back < low; back++) {
        const struct name *name = &image->names[low - 1 - back];
        if (address < name->end)
            return name_for_people(name->text);
    }
    return NULL;
}
