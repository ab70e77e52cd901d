/* scan.c - an object's sections, symbols and instructions, against what a lab allows. See scan.h.
 *
 * Sections are allowed by name: one that the linker or the kernel would give a meaning of its own (.init_array,
 * .interp, __libc_atexit) is refused without a list of them all. Trap: data in .text disassembles into anything, so a
 * system call can be hidden from the disassembler; seccomp stops that one. */
#include "grader/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/sandbox.h"

struct object {
    int fd;
    Elf *elf;
    Elf_Data *symbols;
    size_t count, names;        /* how many; the section of their names */
};

struct scan {
    const char *name;           /* "timeouts.c" */
    const struct scan_rules *rules;
    struct object own, reference;
    char *error;
    size_t size;
};

static bool refuse(const struct scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(const struct scan *s, const char *format, ...)
{
    va_list args;
    int used = snprintf(s->error, s->size, "your %s ", s->name);
    va_start(args, format);
    if (used >= 0 && (size_t)used < s->size)
        vsnprintf(s->error + used, s->size - (size_t)used, format, args);
    va_end(args);
    return false;
}

/* ---- objects ----------------------------------------------------------------------------------------------------- */

static void object_close(struct object *o)
{
    if (o->elf)
        elf_end(o->elf);
    if (o->fd >= 0)
        close(o->fd);
}

/* A relocatable object with a symbol table. */
static bool object_open(struct object *o, const char *path)
{
    GElf_Ehdr head;
    GElf_Shdr section;
    *o = (struct object){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
    elf_version(EV_CURRENT);
    o->elf = o->fd < 0 ? NULL : elf_begin(o->fd, ELF_C_READ, NULL);
    if (!o->elf || elf_kind(o->elf) != ELF_K_ELF || !gelf_getehdr(o->elf, &head) || head.e_type != ET_REL)
        return false;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(o->elf, s)); )
        if (gelf_getshdr(s, &section) && section.sh_type == SHT_SYMTAB && section.sh_entsize) {
            o->symbols = elf_getdata(s, NULL);
            o->count = section.sh_size / section.sh_entsize;
            o->names = section.sh_link;
        }
    return o->symbols != NULL;
}

static const char *symbol_at(const struct object *o, size_t i, GElf_Sym *symbol)
{
    const char *name = gelf_getsym(o->symbols, (int)i, symbol) ? elf_strptr(o->elf, o->names, symbol->st_name) : NULL;
    return name ? name : "";
}

static bool is_global(const GElf_Sym *symbol)
{
    return GELF_ST_BIND(symbol->st_info) != STB_LOCAL;
}

static bool is_defined_global(const GElf_Sym *symbol)
{
    return is_global(symbol) && symbol->st_shndx != SHN_UNDEF;
}

static bool defines(const struct object *o, const char *name)
{
    GElf_Sym symbol;
    for (size_t i = 0; i < o->count; i++)
        if (!strcmp(symbol_at(o, i, &symbol), name) && is_defined_global(&symbol))
            return true;
    return false;
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool any_begins(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (begins(text, *list))
            return true;
    return false;
}

static bool section_fits(const struct scan *s, const char *name)
{
    static const char *const before[] = { ".init_array", ".preinit_array", ".ctors", ".init", NULL };
    static const char *const after[] = { ".fini_array", ".dtors", ".fini", NULL };
    static const char *const ordinary[] = { ".text", ".data", ".bss", ".rodata", ".tdata", ".tbss", ".symtab",
        ".strtab", ".shstrtab", ".comment", ".note.", ".eh_frame", ".gcc_except_table", ".debug_", ".group", NULL };
    const char *plain = begins(name, ".rela.") ? name + 5 : begins(name, ".rel.") ? name + 4 : name;
    if (any_begins(plain, before))
        return refuse(s, "has a constructor (section %s): code must not run before it is called; remove it", plain);
    if (any_begins(plain, after))
        return refuse(s, "has a destructor (section %s): code must not run when nobody calls it; remove it", plain);
    if (*plain && !any_begins(plain, ordinary))
        return refuse(s, "has a section %.60s, which has no place in a lab: remove the attribute or assembly behind it",
                      plain);
    return true;
}

/* The instructions by which a program speaks to valgrind: four rotations that add up to nothing. */
static bool speaks_to_valgrind(const Elf_Data *data)
{
    static const unsigned char x86_64[] = { 0x48, 0xc1, 0xc7, 0x03, 0x48, 0xc1, 0xc7, 0x0d,
                                            0x48, 0xc1, 0xc7, 0x3d, 0x48, 0xc1, 0xc7, 0x33 };
    static const unsigned char aarch64[] = { 0x8c, 0x0d, 0xcc, 0x93, 0x8c, 0x35, 0xcc, 0x93,
                                             0x8c, 0xcd, 0xcc, 0x93, 0x8c, 0xf5, 0xcc, 0x93 };
    return data && data->d_buf && (memmem(data->d_buf, data->d_size, x86_64, sizeof x86_64) ||
                                   memmem(data->d_buf, data->d_size, aarch64, sizeof aarch64));
}

static bool sections_fit(const struct scan *s)
{
    size_t names;
    GElf_Shdr section;
    if (elf_getshdrstrndx(s->own.elf, &names) != 0)
        return refuse(s, "did not become an object file that can be read");
    for (Elf_Scn *at = NULL; (at = elf_nextscn(s->own.elf, at)); ) {
        const char *name = gelf_getshdr(at, &section) ? elf_strptr(s->own.elf, names, section.sh_name) : NULL;
        if (!section_fits(s, name ? name : "(without a name)"))
            return false;
        if (section.sh_flags & SHF_EXECINSTR && speaks_to_valgrind(elf_getdata(at, NULL)))
            return refuse(s, "speaks to valgrind: remove the client requests (valgrind/*.h)");
    }
    return true;
}

/* ---- what it defines --------------------------------------------------------------------------------------------- */

/* "loop/loop.h" for build/release/plain/loop/loop.o */
static void header_of(const char *object, char *out, size_t size)
{
    const char *plain = strstr(object, "/plain/"), *from = plain ? plain + strlen("/plain/") : strrchr(object, '/');
    while (!plain && from && from > object && from[-1] != '/')
        from--;
    snprintf(out, size, "%s", from ? from : object);
    size_t len = strlen(out);
    if (len > 2 && out[len - 2] == '.')
        out[len - 1] = 'h';
}

static bool switches_a_tool(const char *name)
{
    static const char *const tools[] = { "__asan_",      "__lsan_", "__ubsan_", "__tsan_",  "__msan_", "__hwasan_",
                                         "__sanitizer_", "__gcov_", "__llvm_",  "vgPlain_", NULL };
    return any_begins(name, tools);
}

static bool definition_fits(const struct scan *s, const char *name, const GElf_Sym *symbol)
{
    char header[256];
    if (GELF_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
        return refuse(s, "makes %s an ifunc, whose resolver runs before anybody calls it: make it an ordinary function",
                      name);
    if (!is_defined_global(symbol))
        return true;
    if (switches_a_tool(name))
        return refuse(s, "defines %s, a switch of the tools that look for mistakes: remove it", name);
    if (defines(&s->reference, name))
        return GELF_ST_BIND(symbol->st_info) == STB_GLOBAL ||
               refuse(s, "defines %s as weak: make it an ordinary function", name);
    header_of(s->rules->reference, header, sizeof header);
    return refuse(s, "defines %s, which is not a function of %s: make it static", name, header);
}

static bool definitions_fit(const struct scan *s)
{
    GElf_Sym symbol;
    for (size_t i = 0; i < s->own.count; i++)
        if (!definition_fits(s, symbol_at(&s->own, i, &symbol), &symbol))
            return false;
    for (size_t i = 0; i < s->reference.count; i++) {
        const char *name = symbol_at(&s->reference, i, &symbol);
        if (is_defined_global(&symbol) && !defines(&s->own, name))
            return refuse(s, "does not define %s", name);
    }
    return true;
}

/* ---- what it calls ----------------------------------------------------------------------------------------------- */

static bool in_words(const char *words, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = words; at && (at = strstr(at, name)); at += len)
        if ((at == words || strchr(" \t\n,", at[-1])) && (!at[len] || strchr(" \t\n,", at[len])))
            return true;
    return false;
}

static bool any_is(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(name, *list))
            return true;
    return false;
}

/* By the archive's own index. */
static bool archive_defines(Elf *archive, const char *name)
{
    size_t count = 0;
    const Elf_Arsym *index = archive ? elf_getarsym(archive, &count) : NULL;
    for (size_t i = 0; index && i < count; i++)
        if (index[i].as_name && !strcmp(index[i].as_name, name))
            return true;
    return false;
}

static bool call_fits(const struct scan *s, Elf *provided, const char *name)
{
    /* What a compiler may ask for by itself, and errno. */
    static const char *const always[] = { "memcpy", "memset", "memmove", "memcmp", "__stack_chk_fail",
                                          "_GLOBAL_OFFSET_TABLE_", "__errno_location", NULL };
    static const char *const memory[] = { "malloc", "calloc", "realloc", "free", "strdup", "aligned_alloc",
                                          "posix_memalign", NULL };
    if (any_is(name, always) || in_words(s->rules->allow, name))
        return true;
    if (!strcmp(name, "sys_linux"))
        return refuse(s, "calls sys_linux: use the struct sys that it is given");
    if (archive_defines(provided, name))
        return true;
    if (any_is(name, memory))
        return refuse(s, "calls %s: memory comes from struct sys too (sys_new, sys_free, sys->memory)", name);
    if (switches_a_tool(name))
        return refuse(s, "calls %s, a switch of the tools that look for mistakes: remove it", name);
    return refuse(s, "calls %s: go through struct sys (loop/sys.h), or do without it", name);
}

static bool calls_fit(const struct scan *s)
{
    GElf_Sym symbol;
    bool fit = true;
    int fd = s->rules->provided ? open(s->rules->provided, O_RDONLY | O_CLOEXEC) : -1;
    Elf *provided = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    for (size_t i = 1; i < s->own.count && fit; i++) {
        const char *name = symbol_at(&s->own, i, &symbol);
        if (is_global(&symbol) && symbol.st_shndx == SHN_UNDEF)
            fit = call_fits(s, provided, name);
    }
    if (provided)
        elf_end(provided);
    if (fd >= 0)
        close(fd);
    return fit;
}

/* ---- what its instructions do ------------------------------------------------------------------------------------ */

static bool is_kernel_call(const char *instruction)
{
    static const char *const calls[] = { "syscall", "sysenter", "svc", NULL };
    char name[16] = "";
    sscanf(instruction, "%15s", name);
    return any_is(name, calls) || (!strcmp(name, "int") && strstr(instruction, "$0x80"));
}

/* Lines are "0000000000000010 <name>:" and "  14:\tinstruction". */
static bool disassembly_fits(const struct scan *s, char *text)
{
    char function[128] = "";
    for (char *line, *rest = text; (line = strsep(&rest, "\n")); ) {
        char *tab = strchr(line, '\t');
        if (tab && is_kernel_call(tab + 1))
            return refuse(s, "calls the kernel by itself (%s in %s): go through struct sys (loop/sys.h)", tab + 1,
                          function);
        if (!tab && strchr(line, '<'))
            sscanf(strchr(line, '<') + 1, "%127[^>]", function);
    }
    return true;
}

/* What cannot be disassembled because of us is not the student's loss: seccomp looks as well. */
static bool instructions_fit(const struct scan *s)
{
    char *argv[] = { "sh", "-c", "cat <&3 >object && exec objdump -d --no-show-raw-insn object", NULL };
    char unused[256];
    char *folder = sandbox_folder(unused, sizeof unused);
    struct sandbox_job job = { .folder = folder, .program = "/bin/sh", .argv = argv, .wire = s->own.fd, .tools = true,
                               .wall_ms = 60000, .cpu_s = 20, .output_kb = 32 << 10, .file_kb = 64 << 10 };
    lseek(s->own.fd, 0, SEEK_SET);
    struct sandbox *run = folder ? sandbox_start(&job, unused, sizeof unused) : NULL;
    const struct sandbox_end *end = run ? sandbox_wait(run) : NULL;
    bool fit = true;
    if (end && end->how != SANDBOX_FAULT) {
        bool whole = end->how == SANDBOX_EXITED && end->code == 0 && end->output_len <= (size_t)job.output_kb << 10;
        fit = whole ? disassembly_fits(s, end->output) : refuse(s, "became an object that cannot be disassembled");
    }
    if (run)
        sandbox_close(run);
    if (folder)
        sandbox_folder_remove(folder);
    return fit;
}

bool scan_object(const char *object, const char *name, const struct scan_rules *rules, char *error, size_t size)
{
    struct scan s = { .name = name, .rules = rules, .error = error, .size = size };
    bool own = object_open(&s.own, object), reference = object_open(&s.reference, rules->reference);
    bool fit = true;
    if (!own)
        fit = refuse(&s, "did not become an object file that can be read");
    else if (!reference)
        fit = refuse(&s, "cannot be compared: our own %s cannot be read", rules->reference);
    fit = fit && sections_fit(&s) && definitions_fit(&s) && calls_fit(&s) && instructions_fit(&s);
    object_close(&s.own);
    object_close(&s.reference);
    return fit;
}
