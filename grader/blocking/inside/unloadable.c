/* unloadable.c - a program that is executed, and into which nothing can be loaded: that is said before it begins, since from
 * then on nobody is there to say it.
 *
 * Trap: this runs in the child of a vfork, too: nothing is allocated. */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "grader/blocking/inside/filter.h"
#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/threads.h"
#include "grader/blocking/inside/wrap.h"

enum { PATH_SHOWN = 256 };

struct beginning {                  /* of a file */
    Elf64_Ehdr elf;
    char rest[1024 - sizeof(Elf64_Ehdr)];
};

/* Without somebody who loads its libraries it loads ours neither; but the dynamic linker itself has none. */
static bool is_static(const struct beginning *file, const char *path)
{
    size_t end = file->elf.e_phoff + (size_t)file->elf.e_phnum * sizeof(Elf64_Phdr);
    if (file->elf.e_phentsize != sizeof(Elf64_Phdr) || end > sizeof *file || strstr(path, "/ld-"))
        return false;
    for (int i = 0; i < file->elf.e_phnum; i++) {
        Elf64_Phdr part;
        memcpy(&part, (const char *)file + file->elf.e_phoff + (size_t)i * sizeof part, sizeof part);
        if (part.p_type == PT_INTERP)
            return false;
    }
    return true;
}

static bool read_beginning(const char *path, struct beginning *file)
{
    long fd = raw4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0)
        return false;
    *file = (struct beginning){0};
    raw3(SYS_read, fd, (long)file, sizeof *file);
    raw1(SYS_close, fd);
    return !memcmp(file->elf.e_ident, ELFMAG, SELFMAG);
}

/* NULL: our library is loaded into it, or it cannot be executed at all. */
static const char *why_not(const char *path)
{
    struct beginning file;
    struct statx is;
    if (raw6(SYS_statx, AT_FDCWD, (long)path, 0, STATX_BASIC_STATS, (long)&is, 0) < 0)
        return NULL;
    if (!S_ISREG(is.stx_mode) || !(is.stx_mode & 0111))
        return NULL;
    if (is.stx_mode & S_ISUID && is.stx_uid != (uint32_t)raw0(SYS_geteuid))
        return " runs with another user's rights, so the dynamic linker loads nothing of ours into it";
    if (!read_beginning(path, &file))
        return NULL;
    if (file.elf.e_ident[EI_CLASS] == ELFCLASS32)
        return " is a 32-bit program, and libblockwatch.so is none";
    return is_static(&file, path) ? " is linked statically, so nothing can be loaded into it" : NULL;
}

void unloadable_tell(const char *path)
{
    char text[PATH_SHOWN + 200];
    const char *reason = path && strchr(path, '/') && kernel_may_be_asked() && process_journal() ? why_not(path) : NULL;
    if (!reason)
        return;
    char *end = stpncpy(text, path, PATH_SHOWN);
    strcpy(stpcpy(end, reason), ": what it did was not seen; blockwatch --attach looks at it from outside");
    note_tell(text);
}
