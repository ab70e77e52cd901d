/* exports.c - what a mapped file exports: see exports.h.
 *
 * Trap: the file is somebody else's: no number in it is believed to be within its table. */
#include "grader/blocking/exports.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

bool mapped_next(FILE *maps, struct mapped *mapped)
{
    char line[1024];
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64 " %*s %*s %511[^\n]", &mapped->begin, &mapped->offset, mapped->path) == 3)
            return true;
    return false;
}

const char *mapped_name(const struct mapped *mapped)
{
    const char *slash = strrchr(mapped->path, '/');
    return slash ? slash + 1 : mapped->path;
}

/* Where its segment with that offset begins; UINT64_MAX: it has none. */
static uint64_t segment_find(Elf *elf, uint64_t offset)
{
    size_t headers = 0;
    GElf_Phdr header;
    if (elf_getphdrnum(elf, &headers) < 0)
        return UINT64_MAX;
    for (size_t i = 0; i < headers && gelf_getphdr(elf, (int)i, &header); i++)
        if (header.p_type == PT_LOAD && (header.p_offset & ~UINT64_C(4095)) == offset)
            return header.p_vaddr & ~UINT64_C(4095);
    return UINT64_MAX;
}

static void tables_find(struct exports *e)
{
    for (Elf_Scn *section = NULL; (section = elf_nextscn(e->elf, section));) {
        GElf_Shdr head;
        if (!gelf_getshdr(section, &head) || (head.sh_type != SHT_GNU_HASH && head.sh_type != SHT_DYNSYM))
            continue;
        Elf_Data *data = elf_rawdata(section, NULL), *names = elf_rawdata(elf_getscn(e->elf, head.sh_link), NULL);
        if (data && head.sh_type == SHT_GNU_HASH) {
            e->hashes = data->d_buf;
            e->hashes_size = data->d_size / 4;
        } else if (data) {
            e->all = data->d_buf;
            e->count = data->d_size / sizeof *e->all;
            e->names = names ? names->d_buf : NULL;
            e->names_size = names ? names->d_size : 0;
        }
    }
}

bool exports_open(struct exports *e, int pid, const struct mapped *mapped)
{
    char path[600];
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, mapped->path);
    elf_version(EV_CURRENT);
    *e = (struct exports){ .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    e->elf = e->fd < 0 ? NULL : elf_begin(e->fd, ELF_C_READ_MMAP, NULL);
    uint64_t segment = e->elf && gelf_getclass(e->elf) == ELFCLASS64 ? segment_find(e->elf, mapped->offset) : UINT64_MAX;
    if (segment == UINT64_MAX)
        return false;
    e->moved = mapped->begin - segment;
    tables_find(e);
    return e->all && e->names && e->hashes && e->hashes_size >= 4;
}

void exports_close(struct exports *e)
{
    elf_end(e->elf);
    if (e->fd >= 0)
        close(e->fd);
}

static bool symbol_is(const struct exports *e, size_t i, const char *name)
{
    size_t at = e->all[i].st_name, len = strlen(name) + 1;
    bool there = e->all[i].st_shndx != SHN_UNDEF && at < e->names_size && len <= e->names_size - at;
    return there && !memcmp(e->names + at, name, len);
}

uint64_t exports_find(const struct exports *e, const char *name)
{
    uint64_t buckets = e->hashes[0], first = e->hashes[1], begin = 4 + 2 * (uint64_t)e->hashes[2], chain = begin + buckets;
    uint32_t hash = 5381;
    for (const char *at = name; *at; at++)
        hash = hash * 33 + (uint8_t)*at;
    if (buckets == 0 || chain > e->hashes_size)
        return 0;
    for (uint64_t i = e->hashes[begin + hash % buckets]; i >= first && i < e->count && chain + i - first < e->hashes_size; i++) {
        uint32_t other = e->hashes[chain + i - first];
        if ((other | 1) == (hash | 1) && symbol_is(e, i, name))
            return e->moved + e->all[i].st_value;
        if (other & 1)
            break;
    }
    return 0;
}
