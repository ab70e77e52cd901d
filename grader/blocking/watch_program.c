/* watch_program.c - can libblockwatch.so be loaded into that program? See watch_program.h.
 *
 * Trap: all in the file is somebody else's: no offset of it is believed before it was read within the file's end. */
#include "grader/blocking/watch_program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OUR_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OUR_MACHINE = EM_AARCH64 };
#else
#error "watch_program.c knows x86-64 and aarch64 only: add this machine's ELF number"
#endif

enum { SCRIPTS_AT_MOST = 5 };           /* as many as the kernel follows */

static enum program_way outside(char why[512], const char *path, const char *reason)
{
    snprintf(why, 512, "%.300s %s", path, reason);
    return PROGRAM_FROM_OUTSIDE;
}

/* LD_PRELOAD is ignored when a program gains rights as it starts. */
static bool gains_rights(int fd, const char **reason)
{
    struct stat stat;
    struct statvfs fs;
    if (fstat(fd, &stat) < 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 || (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_NOSUID))
        return false;
    bool sets_group = (stat.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    if (((stat.st_mode & S_ISUID) && stat.st_uid != getuid()) || (sets_group && stat.st_gid != getgid())) {
        *reason = "runs with another user's rights (setuid, setgid), so the dynamic linker ignores LD_PRELOAD";
        return true;
    }
    *reason = "has capabilities of its own, so the dynamic linker ignores LD_PRELOAD";
    return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static bool read_part(int fd, const Elf64_Ehdr *elf, int number, Elf64_Phdr *part)
{
    off_t at = (off_t)(elf->e_phoff + (uint64_t)number * sizeof *part);
    return pread(fd, part, sizeof *part, at) == sizeof *part;
}

/* The dynamic linker that an ELF file asks for: "" when it asks for none. */
static bool read_linker(int fd, const Elf64_Ehdr *elf, char linker[PATH_MAX])
{
    linker[0] = 0;
    for (int i = 0; i < elf->e_phnum; i++) {
        Elf64_Phdr part;
        if (!read_part(fd, elf, i, &part))
            return false;
        if (part.p_type != PT_INTERP)
            continue;
        size_t len = part.p_filesz < PATH_MAX ? part.p_filesz : PATH_MAX - 1;
        if (pread(fd, linker, len, (off_t)part.p_offset) != (ssize_t)len)
            return false;
        linker[len] = 0;
    }
    return true;
}

/* Where in the file that address is. */
static off_t place_of(int fd, const Elf64_Ehdr *elf, uint64_t address)
{
    for (int i = 0; i < elf->e_phnum; i++) {
        Elf64_Phdr part;
        if (read_part(fd, elf, i, &part) && part.p_type == PT_LOAD && address - part.p_vaddr < part.p_filesz)
            return (off_t)(address - part.p_vaddr + part.p_offset);
    }
    return -1;
}

/* Whether it is linked with a library whose name begins so. */
static bool needs(int fd, const Elf64_Ehdr *elf, const char *library)
{
    Elf64_Dyn entries[256] = {0};
    Elf64_Phdr part = {0};
    uint64_t names = 0;
    char name[64] = "";
    for (int i = 0; i < elf->e_phnum && part.p_type != PT_DYNAMIC; i++)
        read_part(fd, elf, i, &part);
    size_t size = part.p_filesz < sizeof entries ? part.p_filesz : sizeof entries;
    if (part.p_type != PT_DYNAMIC || pread(fd, entries, size, (off_t)part.p_offset) != (ssize_t)size)
        return false;
    for (size_t i = 0; i < size / sizeof *entries; i++)
        names = entries[i].d_tag == DT_STRTAB ? entries[i].d_un.d_ptr : names;
    for (size_t i = 0; i < size / sizeof *entries; i++) {
        off_t at = entries[i].d_tag == DT_NEEDED ? place_of(fd, elf, names + entries[i].d_un.d_val) : -1;
        if (at >= 0 && pread(fd, name, sizeof name - 1, at) > 0 && !strncmp(name, library, strlen(library)))
            return true;
    }
    return false;
}

/* Whether it has a note of that owner: a name of three letters at most. */
static bool has_note(int fd, const Elf64_Ehdr *elf, const char *owner)
{
    enum { ROOM = 4096 };
    uint8_t notes[ROOM];
    for (int i = 0; i < elf->e_phnum; i++) {
        Elf64_Phdr part;
        if (!read_part(fd, elf, i, &part) || part.p_type != PT_NOTE)
            continue;
        ssize_t len = pread(fd, notes, part.p_filesz < ROOM ? part.p_filesz : ROOM, (off_t)part.p_offset);
        Elf64_Nhdr note;
        for (size_t at = 0; len > 0 && at + sizeof note + 4 <= (size_t)len;) {
            memcpy(&note, notes + at, sizeof note);
            if (note.n_namesz >= strlen(owner) + 1 && !strncmp((char *)notes + at + sizeof note, owner, 4))
                return true;
            at += sizeof note + ((uint64_t)note.n_namesz + 3) / 4 * 4 + ((uint64_t)note.n_descsz + 3) / 4 * 4;
        }
    }
    return false;
}

bool program_is_go(const char *path)
{
    Elf64_Ehdr elf;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && pread(fd, &elf, sizeof elf, 0) == sizeof elf && !memcmp(elf.e_ident, ELFMAG, SELFMAG) &&
              elf.e_ident[EI_CLASS] == ELFCLASS64 && elf.e_phentsize == sizeof(Elf64_Phdr) && has_note(fd, &elf, "Go");
    if (fd >= 0)
        close(fd);
    return is;
}

static enum program_way look_elf(int fd, const char *path, char why[512])
{
    Elf64_Ehdr elf;
    char linker[PATH_MAX];
    if (pread(fd, &elf, sizeof elf, 0) != sizeof elf)
        return PROGRAM_UNKNOWN;
    if (elf.e_ident[EI_CLASS] == ELFCLASS32)
        return outside(why, path, "is a 32-bit program, and libblockwatch.so is none");
    if (elf.e_machine != OUR_MACHINE)
        return outside(why, path, "is a program of another kind of machine");
    if (elf.e_phentsize != sizeof(Elf64_Phdr) || !read_linker(fd, &elf, linker))
        return PROGRAM_UNKNOWN;
    if (!linker[0])
        return outside(why, path, "is linked statically, so nothing can be loaded into it");
    if (!strstr(linker, "/ld-linux"))
        return outside(why, path, "does not use the GNU C library, which libblockwatch.so is made for");
    if (has_note(fd, &elf, "Go"))
        return outside(why, path, "is a Go program, whose runtime calls the kernel itself and not the C library");
    if (needs(fd, &elf, "libasan.so") || needs(fd, &elf, "libtsan.so"))
        return outside(why, path, "is built with a sanitizer, whose library would no longer be the first");
    const char *reason;
    return gains_rights(fd, &reason) ? outside(why, path, reason) : PROGRAM_PRELOAD;
}

/* "#! /usr/bin/env -S x": the first word. */
static bool read_interpreter(int fd, char path[PATH_MAX])
{
    char line[PATH_MAX];
    ssize_t len = pread(fd, line, sizeof line - 1, 0);
    if (len < 3 || memcmp(line, "#!", 2))
        return false;
    line[len] = 0;
    char *word = line + 2 + strspn(line + 2, " \t");
    word[strcspn(word, " \t\r\n")] = 0;
    strcpy(path, word);
    return *path;
}

enum program_way program_look_at(const char *path, char why[512])
{
    char at[PATH_MAX];
    enum program_way way = PROGRAM_UNKNOWN;
    snprintf(at, sizeof at, "%s", path);
    for (int i = 0; i < SCRIPTS_AT_MOST; i++) {
        char magic[4] = "";
        int fd = open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return PROGRAM_UNKNOWN;
        bool elf = pread(fd, magic, 4, 0) == 4 && !memcmp(magic, ELFMAG, 4);
        if (elf)
            way = look_elf(fd, at, why);
        bool script = !elf && read_interpreter(fd, at);
        close(fd);
        if (!script)
            break;
    }
    return way;
}

/* The file that execvp takes. */
static bool find_in_path(const char *command, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    if (strchr(command, '/')) {
        snprintf(path, PATH_MAX, "%s", command);
        return true;
    }
    for (const char *at = folders ? folders : "/bin:/usr/bin";; at++) {
        int len = (int)strcspn(at, ":");
        struct stat stat_of;
        int needs = snprintf(path, PATH_MAX, "%.*s%s%s", len, at, len ? "/" : "", command);
        if (needs < PATH_MAX && access(path, X_OK) == 0 && stat(path, &stat_of) == 0 && S_ISREG(stat_of.st_mode))
            return true;
        at += len;
        if (!*at)
            return false;
    }
}

enum program_way program_look(const char *command, char why[512])
{
    char path[PATH_MAX];
    return find_in_path(command, path) ? program_look_at(path, why) : PROGRAM_UNKNOWN;
}
