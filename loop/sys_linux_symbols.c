/* sys_linux_symbols.c - the name of a function, static ones too: what a notice or a listing calls it.
 *
 * The dynamic symbol table, which dladdr reads, has only what is exported, and callbacks hardly ever are. The full one is in
 * the program's file, unless it was stripped. Trap: this is also called in a handler of SIGSEGV, so it takes no lock and
 * allocates nothing: the file is mapped, read and unmapped each time. */
#include "loop/sys_linux.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const char *data;
    size_t size;
};

static struct image map_file(const char *path)
{
    struct image image = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return image;
    if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(ElfW(Ehdr))) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED)
            image = (struct image){ data, (size_t)st.st_size };
    }
    close(fd);
    return image;
}

static bool inside(const struct image *image, size_t offset, size_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

static const ElfW(Shdr) *section(const struct image *image, size_t number)
{
    const ElfW(Ehdr) *head = (const void *)image->data;
    size_t offset = head->e_shoff + number * sizeof(ElfW(Shdr));
    if (number >= head->e_shnum || head->e_shentsize != sizeof(ElfW(Shdr)) || !inside(image, offset, sizeof(ElfW(Shdr))))
        return NULL;
    const ElfW(Shdr) *s = (const void *)(image->data + offset);
    return s->sh_type == SHT_NOBITS || inside(image, s->sh_offset, s->sh_size) ? s : NULL;
}

/* Writes the name of the function that has `address`, an address as the file has them. */
static bool find_name(const struct image *image, size_t address, char *out, size_t size)
{
    const ElfW(Ehdr) *head = (const void *)image->data;
    const ElfW(Shdr) *table = NULL;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return false;
    for (size_t i = 0; i < head->e_shnum && (!table || table->sh_type != SHT_SYMTAB); i++)
        table = section(image, i);
    const ElfW(Shdr) *names = table && table->sh_type == SHT_SYMTAB ? section(image, table->sh_link) : NULL;
    for (size_t i = 0; names && i < table->sh_size / sizeof(ElfW(Sym)); i++) {
        const ElfW(Sym) *s = (const ElfW(Sym) *)(const void *)(image->data + table->sh_offset) + i;
        if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || address < s->st_value || address - s->st_value >= s->st_size)
            continue;
        if (s->st_name >= names->sh_size)
            return false;
        size_t room = names->sh_size - s->st_name;
        snprintf(out, size, "%.*s", (int)(room < 256 ? room : 256), image->data + names->sh_offset + s->st_name);
        return true;
    }
    return false;
}

bool linux_symbol(const void *function, char *out, size_t size)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1(function, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return false;
    if (info.dli_sname) {
        snprintf(out, size, "%s", info.dli_sname);
        return true;
    }
    struct image image = map_file(map->l_name[0] ? map->l_name : "/proc/self/exe");
    bool found = image.data && find_name(&image, (size_t)function - map->l_addr, out, size);
    if (image.data)
        munmap((void *)image.data, image.size);
    return found;
}
