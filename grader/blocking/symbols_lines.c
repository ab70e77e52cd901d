/* symbols_lines.c - debug information: at an address, the functions that were inlined there, and the files and lines of each.
 *
 * The traps it exists for: a compiler that writes no .debug_aranges (clang), so that units must be asked themselves; a tree of
 * entries that somebody has damaged, whose next entry lies before the last. */
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/symbols_inside.h"

enum { DEEPEST = 64, CHAIN = 32, ENTRIES = 4000000 };

struct chain {                      /* from the function down to what is inlined innermost */
    uint64_t address;
    Dwarf_Die entries[CHAIN];
    int count;
    int seen;                       /* entries on the way: in a damaged tree one may be met again and again */
};

/* ---- the unit an address belongs to ---------------------------------------------------------------------------------- */

static void ranges_of_unit(struct image *image, Dwarf_Die *unit, size_t *room)
{
    Dwarf_Addr base, begin, end;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &begin, &end)) > 0;) {
        if (begin >= end)
            continue;
        if (image->range_count == *room) {
            size_t more = *room ? 2 * *room : 256;
            struct range *ranges = realloc(image->ranges, more * sizeof *ranges);
            if (!ranges)
                return;
            image->ranges = ranges;
            *room = more;
        }
        image->ranges[image->range_count++] = (struct range){ begin, end, dwarf_dieoffset(unit) };
    }
}

static int by_begin(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1) : 0;
}

static void ranges_read(struct image *image)
{
    if (image->asked_ranges)
        return;
    image->asked_ranges = true;
    Dwarf_CU *at = NULL, *next;
    Dwarf_Die unit;
    size_t room = 0;
    while (dwarf_get_units(image->dwarf, at, &next, NULL, NULL, &unit, NULL) == 0) {
        ranges_of_unit(image, &unit, &room);
        at = next;
    }
    if (image->ranges)
        qsort(image->ranges, image->range_count, sizeof *image->ranges, by_begin);
}

static bool unit_find(struct image *image, uint64_t address, Dwarf_Die *unit)
{
    if (dwarf_addrdie(image->dwarf, address, unit))
        return true;
    ranges_read(image);
    size_t low = 0, high = image->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (image->ranges[middle].begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct range *range = low ? &image->ranges[low - 1] : NULL;
    return range && address < range->end && dwarf_offdie(image->dwarf, range->unit, unit);
}

/* What a unit says of itself may be in another file (.dwo). */
static Dwarf_Die unit_content(Dwarf_Die *unit)
{
    Dwarf_Die content;
    uint8_t type;
    bool told = dwarf_cu_info(unit->cu, NULL, &type, NULL, &content, NULL, NULL, NULL) == 0;
    return told && type == DW_UT_skeleton && dwarf_tag(&content) ? content : *unit;
}

/* ---- the functions --------------------------------------------------------------------------------------------------- */

static bool has_code(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
           tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static bool has_functions(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

/* Adds what is at the address below that entry. Whether there is anything. */
static bool chain_descend(struct chain *chain, Dwarf_Die *above, int depth)
{
    Dwarf_Die entry;
    Dwarf_Off last = 0;
    if (depth == DEEPEST || dwarf_child(above, &entry) != 0)
        return false;
    do {
        if (dwarf_dieoffset(&entry) <= last || ++chain->seen > ENTRIES)
            return false;
        last = dwarf_dieoffset(&entry);
        int tag = dwarf_tag(&entry);
        if (has_functions(tag) && chain_descend(chain, &entry, depth + 1))
            return true;
        if (!has_code(tag) || dwarf_haspc(&entry, chain->address) <= 0)
            continue;
        if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) && chain->count < CHAIN)
            chain->entries[chain->count++] = entry;
        chain_descend(chain, &entry, depth + 1);
        return true;
    } while (dwarf_siblingof(&entry, &entry) == 0);
    return false;
}

static char *entry_name(Dwarf_Die *entry)
{
    Dwarf_Attribute room;
    const char *linkage = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_linkage_name, &room));
    if (!linkage)
        linkage = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_MIPS_linkage_name, &room));
    if (linkage && !strncmp(linkage, "_Z", 2))
        return name_for_people(linkage);
    const char *name = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_name, &room));
    return name ? strdup(name) : linkage ? name_for_people(linkage) : NULL;
}

/* What is no whole path begins where the compiler was started, if that is told. malloc'd. */
static char *whole_path(Dwarf_Die *unit, const char *path)
{
    Dwarf_Attribute room;
    char *whole = NULL;
    const char *folder = path[0] == '/' ? NULL : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &room));
    if (!folder || folder[0] != '/')
        return strdup(path);
    return asprintf(&whole, "%s/%s", folder, path) < 0 ? NULL : whole;
}

/* Where an inlined function was called. */
static void entry_call(Dwarf_Die *entry, Dwarf_Die *unit, struct frame *frame)
{
    Dwarf_Attribute room;
    Dwarf_Word file, line;
    Dwarf_Files *files;
    size_t count;
    if (dwarf_formudata(dwarf_attr(entry, DW_AT_call_line, &room), &line) == 0)
        frame->line = (int)line;
    if (dwarf_formudata(dwarf_attr(entry, DW_AT_call_file, &room), &file) < 0 || dwarf_getsrcfiles(unit, &files, &count) < 0)
        return;
    const char *path = file < count ? dwarf_filesrc(files, file, NULL, NULL) : NULL;
    frame->file = path ? whole_path(unit, path) : NULL;
}

static void line_at(Dwarf_Die *unit, uint64_t address, struct frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    const char *path = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    if (path && dwarf_lineno(line, &frame->line) == 0 && frame->line > 0)
        frame->file = whole_path(unit, path);
}

int image_frames(struct image *image, uint64_t address, struct frame *out, int max)
{
    Dwarf_Die unit;
    if (max < 1 || !image_dwarf(image) || !unit_find(image, address, &unit))
        return 0;
    struct chain chain = { .address = address };
    Dwarf_Die content = unit_content(&unit);
    chain_descend(&chain, &content, 0);
    out[0] = (struct frame){0};
    line_at(&unit, address, &out[0]);
    int count = 0;
    for (int i = chain.count - 1; i >= 0 && count < max; i--) {
        struct frame *frame = &out[count++];
        frame->function = entry_name(&chain.entries[i]);
        frame->inlined = i > 0;
        if (i > 0 && count < max) {
            out[count] = (struct frame){0};
            entry_call(&chain.entries[i], &unit, &out[count]);
        }
    }
    return count ? count : 1;
}
