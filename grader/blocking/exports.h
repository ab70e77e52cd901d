/* exports.h - what a file that is mapped in another process exports, and where that is: found as the dynamic linker finds it.
 *
 * The trap it exists for: a program with a hundred thousand names: none is looked at that was not asked for. */
#ifndef EDDY_GRADER_BLOCKING_EXPORTS_H
#define EDDY_GRADER_BLOCKING_EXPORTS_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mapped {                     /* a piece of a file */
    uint64_t begin, offset;         /* where it is; where in the file it begins */
    char path[512];
};

/* The next piece that /proc/PID/maps tells of; false: there is none. */
bool mapped_next(FILE *maps, struct mapped *);
/* The last part of its path. */
const char *mapped_name(const struct mapped *);

struct exports {
    int fd;
    Elf *elf;
    uint64_t moved;                 /* addresses in the process are by so much higher than in the file */
    const Elf64_Sym *all;
    const char *names;
    const uint32_t *hashes;         /* .gnu.hash: four numbers, a filter in words of 64 bits, buckets, a chain of hashes */
    size_t count, names_size, hashes_size;      /* hashes_size: in numbers */
};

/* False: it cannot be read, or exports nothing. To be closed in any case. */
bool exports_open(struct exports *, int pid, const struct mapped *);
void exports_close(struct exports *);
/* An address in the process; 0: there is no such name. */
uint64_t exports_find(const struct exports *, const char *name);

#endif
