/* interpreter.c - finds CPython in another process: by two symbols that it exports in every build.
 *
 * The trap it exists for: a library that is called so, and is another's. */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "grader/blocking/interpreter_inside.h"

bool memory_read(int pid, uint64_t at, void *to, size_t len)
{
    struct iovec here = { to, len }, there = { (void *)at, len };
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)len;
}

struct module {                     /* a file that is mapped */
    uint64_t begin, offset;
    char path[512];
};

/* The addresses that a file's dynamic symbols give to these two, and where its segment with that offset begins. */
static bool symbols_find(Elf *elf, uint64_t offset, uint64_t *runtime, uint64_t *version, uint64_t *segment)
{
    size_t headers = 0;
    GElf_Phdr header;
    *runtime = *version = *segment = UINT64_MAX;
    if (elf_getphdrnum(elf, &headers) < 0)
        return false;
    for (size_t i = 0; i < headers && gelf_getphdr(elf, (int)i, &header); i++)
        if (header.p_type == PT_LOAD && (header.p_offset & ~UINT64_C(4095)) == offset)
            *segment = header.p_vaddr & ~UINT64_C(4095);
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        GElf_Shdr head;
        GElf_Sym symbol;
        Elf_Data *data = elf_getdata(section, NULL);
        if (!data || !gelf_getshdr(section, &head) || head.sh_type != SHT_DYNSYM)
            continue;
        for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
            const char *name = elf_strptr(elf, head.sh_link, symbol.st_name);
            if (name && symbol.st_shndx != SHN_UNDEF && !strcmp(name, "_PyRuntime"))
                *runtime = symbol.st_value;
            else if (name && symbol.st_shndx != SHN_UNDEF && !strcmp(name, "Py_Version"))
                *version = symbol.st_value;
        }
    }
    return *runtime != UINT64_MAX && *version != UINT64_MAX && *segment != UINT64_MAX;
}

/* Whether CPython is in that file: then *out is it. */
static bool module_look(int pid, const struct module *module, struct interpreter *out)
{
    char path[600];
    uint64_t runtime, version, segment;
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, module->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool found = elf && symbols_find(elf, module->offset, &runtime, &version, &segment);
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    if (!found)
        return false;
    uint64_t moved = module->begin - segment, number = 0;
    *out = (struct interpreter){ .pid = pid, .runtime = moved + runtime };
    if (memory_read(pid, moved + version, &number, sizeof number))
        out->layout = layout_of(number);
    return out->layout != NULL;
}

/* By its name: of others the symbols, which may be a hundred thousand, are not looked through. */
static bool may_be_python(const struct module *module)
{
    const char *name = strrchr(module->path, '/');
    return name && (!strncmp(name, "/python", 7) || !strncmp(name, "/libpython3", 11));
}

struct interpreter *interpreter_open(int pid)
{
    char path[64], line[1024];
    struct interpreter found = {0}, *interpreter = NULL;
    elf_version(EV_CURRENT);
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    while (maps && !found.layout && fgets(line, sizeof line, maps)) {
        struct module module;
        unsigned long begin, offset;
        if (sscanf(line, "%lx-%*x %*s %lx %*s %*s %511[^\n]", &begin, &offset, module.path) == 3 && may_be_python(&module)) {
            module.begin = begin;
            module.offset = offset;
            if (!module_look(pid, &module, &found))
                found.layout = NULL;
        }
    }
    if (maps)
        fclose(maps);
    if (found.layout && (interpreter = malloc(sizeof *interpreter)))
        *interpreter = found;
    return interpreter;
}

void interpreter_close(struct interpreter *interpreter)
{
    free(interpreter);
}
