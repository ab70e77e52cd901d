/* symbols_image.c - a file with code in it: its segments, its build id, and where its debug information is.
 *
 * The traps it exists for: a file that is not what it says (all of it comes from outside: nothing in it is believed before
 * libelf has looked); debug information of another build, which gives lines that look right. */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "grader/blocking/symbols_inside.h"

#define DEBUG_ROOT "/usr/lib/debug"

/* ---- the file -------------------------------------------------------------------------------------------------------- */

static bool elf_take(struct image *image, char why[512])
{
    GElf_Ehdr head;
    if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &head))
        snprintf(why, 512, "%s is no ELF file: its code stays without names.", image->path);
    else if (head.e_ident[EI_CLASS] != ELFCLASS64 || (head.e_machine != EM_X86_64 && head.e_machine != EM_AARCH64))
        snprintf(why, 512, "%s is not for x86-64 or aarch64: its code stays without names.", image->path);
    else if (elf_getphdrnum(image->elf, &image->segments) < 0)
        snprintf(why, 512, "%s is damaged (%s): its code stays without names.", image->path, elf_errmsg(-1));
    else {
        image->machine = head.e_machine;
        return true;
    }
    return false;
}

static struct image *image_new(const char *path)
{
    elf_version(EV_CURRENT);
    struct image *image = calloc(1, sizeof *image);
    if (!image || !(image->path = strdup(path))) {
        free(image);
        return NULL;
    }
    image->fd = image->debug_fd = -1;
    return image;
}

struct image *image_open(const char *file, const char *path, char why[512])
{
    why[0] = 0;
    struct image *image = image_new(path);
    if (!image)
        return NULL;
    image->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (image->fd < 0 || fstat(image->fd, &image->is) < 0 || !S_ISREG(image->is.st_mode)) {
        snprintf(why, 512, "%s cannot be read (%s): its code stays without names.", path,
                 image->fd < 0 ? strerror(errno) : "it is no file");
        goto fail;
    }
    image->elf = elf_begin(image->fd, ELF_C_READ_MMAP, NULL);
    if (elf_take(image, why))
        return image;
fail:
    image_free(image);
    return NULL;
}

struct image *image_vdso(void)
{
    char why[512];
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
    struct image *image = head ? image_new("[vdso]") : NULL;
    if (!image)
        return NULL;
    image->elf = elf_memory((char *)head, head->e_shoff + (size_t)head->e_shnum * head->e_shentsize);
    if (elf_take(image, why))
        return image;
    image_free(image);
    return NULL;
}

void image_free(struct image *image)
{
    if (!image)
        return;
    dwarf_cfi_end(image->unwind);
    dwarf_end(image->dwarf);
    elf_end(image->debug_elf);
    elf_end(image->elf);
    if (image->fd >= 0)
        close(image->fd);
    if (image->debug_fd >= 0)
        close(image->debug_fd);
    free(image->names);
    free(image->ranges);
    free(image->path);
    free(image);
}

bool image_address(const struct image *image, uint64_t offset, uint64_t *address)
{
    GElf_Phdr segment;
    for (size_t i = 0; i < image->segments; i++) {
        if (!gelf_getphdr(image->elf, (int)i, &segment) || segment.p_type != PT_LOAD)
            continue;
        if (offset < segment.p_offset || offset - segment.p_offset >= segment.p_filesz)
            continue;
        *address = offset - segment.p_offset + segment.p_vaddr;
        return true;
    }
    return false;
}

bool image_build_id(const struct image *image, uint64_t *address, const uint8_t **bytes, size_t *len)
{
    GElf_Phdr segment;
    GElf_Nhdr note;
    size_t name, value;
    for (size_t i = 0; i < image->segments; i++) {
        if (!gelf_getphdr(image->elf, (int)i, &segment) || segment.p_type != PT_NOTE)
            continue;
        Elf_Data *data = elf_getdata_rawchunk(image->elf, (int64_t)segment.p_offset, segment.p_filesz, ELF_T_NHDR);
        for (size_t at = 0; data && (at = gelf_getnote(data, at, &note, &name, &value));) {
            if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 || memcmp((char *)data->d_buf + name, "GNU", 4))
                continue;
            *address = segment.p_vaddr + value;
            *bytes = (const uint8_t *)data->d_buf + value;
            *len = note.n_descsz;
            return true;
        }
    }
    return false;
}

/* ---- separate debug information -------------------------------------------------------------------------------------- */

static bool same_build(const struct image *image, Elf *other)
{
    const void *theirs;
    const uint8_t *ours;
    uint64_t address;
    size_t len;
    ssize_t n = dwelf_elf_gnu_build_id(other, &theirs);
    return image_build_id(image, &address, &ours, &len) && n > 0 && (size_t)n == len && !memcmp(ours, theirs, len);
}

/* By its build id alone: without one nobody knows. */
static bool debug_try(struct image *image, const char *format, ...)
{
    char path[1024];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(path, sizeof path, format, list);
    va_end(list);
    int fd = len < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    if (elf && elf_kind(elf) == ELF_K_ELF && same_build(image, elf)) {
        image->debug_elf = elf;
        image->debug_fd = fd;
        return true;
    }
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return false;
}

static void debug_find(struct image *image)
{
    enum { LONGEST = 64 };
    const uint8_t *id;
    uint64_t address;
    size_t len;
    if (!image_build_id(image, &address, &id, &len) || len < 2 || len > LONGEST)
        return;
    char hex[2 * LONGEST + 1];
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    if (debug_try(image, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2))
        return;
    GElf_Word sum;
    const char *link = dwelf_elf_gnu_debuglink(image->elf, &sum);
    const char *slash = strrchr(image->path, '/');
    if (!link || !slash || strchr(link, '/'))
        return;
    int folder = (int)(slash - image->path);
    if (!debug_try(image, "%.*s/%s", folder, image->path, link) &&
        !debug_try(image, "%.*s/.debug/%s", folder, image->path, link))
        debug_try(image, DEBUG_ROOT "%.*s/%s", folder, image->path, link);
}

static bool has_section(Elf *elf, const char *wanted)
{
    size_t names;
    GElf_Shdr head;
    if (elf_getshdrstrndx(elf, &names) < 0)
        return false;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        const char *name = gelf_getshdr(section, &head) ? elf_strptr(elf, names, head.sh_name) : NULL;
        if (name && !strcmp(name, wanted) && head.sh_type != SHT_NOBITS)
            return true;
    }
    return false;
}

Dwarf *image_dwarf(struct image *image)
{
    if (image->asked_dwarf)
        return image->dwarf;
    image->asked_dwarf = true;
    Elf *elf = image->elf;
    if (!has_section(elf, ".debug_info") && !has_section(elf, ".zdebug_info")) {
        debug_find(image);
        elf = image->debug_elf ? image->debug_elf : elf;
    }
    image->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    return image->dwarf;
}
