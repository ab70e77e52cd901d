/* symbols_world.h - a process that never ran, and the files that it has mapped: built by the compilers at hand, in a folder of
 * the test's own. */
#ifndef EDDY_GRADER_TESTS_BLOCKING_SYMBOLS_WORLD_H
#define EDDY_GRADER_TESTS_BLOCKING_SYMBOLS_WORLD_H

#include <check.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/symbols_inside.h"

enum { PID = 0x3fffffff, CHILD = PID - 1, BASE = 0x10000000 };   /* no such processes run */

static char folder[] = "/tmp/symbols-XXXXXX";
static struct symbols *symbols;
static struct frame frames[16];
static int count;

static inline int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static inline int attempt(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    return system(command);
}

#define RUN(...) ck_assert_int_eq(attempt(__VA_ARGS__), 0)

static inline void write_file(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(name, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
}

static inline void begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    symbols = symbols_new();
    ck_assert_ptr_nonnull(symbols);
    elf_version(EV_CURRENT);
}

static inline void end(void)
{
    frames_free(frames, count);
    count = 0;
    symbols_free(symbols);
    ck_assert_int_eq(chdir("/"), 0);
    attempt("rm -rf '%s'", folder);
    strcpy(folder + sizeof folder - 7, "XXXXXX");
}

/* ---- a process that has mapped a file -------------------------------------------------------------------------------- */

/* Where a file's code begins in it, and as which address; how long it is. */
static inline GElf_Phdr code_of(const char *name)
{
    GElf_Phdr segment = {0};
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    for (int i = 0; gelf_getphdr(elf, i, &segment) && !(segment.p_type == PT_LOAD && segment.p_flags & PF_X);)
        i++;
    elf_end(elf);
    close(fd);
    return segment;
}

/* The address of a function in a file that has a symbol table. */
static inline uint64_t value_of(const char *name, const char *function)
{
    uint64_t value = 0;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    GElf_Shdr head;
    GElf_Sym symbol;
    for (Elf_Scn *s = NULL; (s = elf_nextscn(elf, s));) {
        Elf_Data *data = gelf_getshdr(s, &head) && head.sh_type == SHT_SYMTAB ? elf_getdata(s, NULL) : NULL;
        for (int i = 0; data && gelf_getsym(data, i, &symbol); i++)
            if (!strcmp(elf_strptr(elf, head.sh_link, symbol.st_name), function))
                value = symbol.st_value;
    }
    elf_end(elf);
    close(fd);
    ck_assert_msg(value, "%s has no %s", name, function);
    return value;
}

static inline uint64_t maps_at(const char *name, int64_t when)
{
    union {
        struct record_module module;
        char room[512];
    } record = {0};
    GElf_Phdr code = code_of(name);
    record.module.head.pid = PID;
    record.module.head.time = when;
    record.module.begin = BASE;
    record.module.end = BASE + code.p_memsz;
    record.module.offset = code.p_offset;
    sprintf(record.module.path, "%s/%s", folder, name);
    symbols_map(symbols, &record.module);
    return BASE - code.p_vaddr;
}

static inline uint64_t maps(const char *name)
{
    return maps_at(name, now() + 1000000000);
}

static inline const struct frame *look_as(int pid, uint64_t pc)
{
    frames_free(frames, count);
    count = symbols_frames(symbols, pid, pc, false, frames, 16);
    ck_assert_int_ge(count, 1);
    return frames;
}

static inline const struct frame *look(uint64_t pc)
{
    return look_as(PID, pc);
}

static inline bool is_noted(const char *words)
{
    for (int i = 0; symbols_note(symbols, i); i++)
        if (strstr(symbols_note(symbols, i), words))
            return true;
    return false;
}

static const char plain[] =
    "volatile int n;\n"
    "void exported(void) { n++; n *= 3; }\n"
    "__attribute__((noinline)) static void hidden(int m) { for (int i = 0; i < m; i++) n += i * n; }\n"
    "void asks(void) {\n"
    "    hidden(n);   /* asks hidden */\n"
    "}\n";

static inline void build_plain(const char *options)
{
    write_file("plain.c", plain, sizeof plain - 1);
    RUN("gcc -O1 -fPIC -shared -Wl,--build-id %s ./plain.c -o plain.so", options);
}

#endif
