/* symbols_inside.h - what the files of symbols.h share.
 *
 * An image is a file that processes have mapped. It is opened when the first of its addresses is asked for, once for all
 * processes; its tables are read when something in them is asked for. All addresses here are those that the file itself uses.
 *
 * The trap it exists for: a table of a hundred megabytes that is read anew for each of a hundred children. */
#ifndef EDDY_GRADER_BLOCKING_SYMBOLS_INSIDE_H
#define EDDY_GRADER_BLOCKING_SYMBOLS_INSIDE_H

#include <elfutils/libdw.h>
#include <sys/stat.h>

#include "grader/blocking/symbols.h"

/* ---- symbols_image.c: the file --------------------------------------------------------------------------------------- */

struct name {                       /* of a function */
    uint64_t begin, end;
    const char *text;               /* as it is in the table */
    int rank;                       /* of several names of one place: the least is the one to show */
};

struct range {                      /* of addresses, and whose they are */
    uint64_t begin, end;
    Dwarf_Off unit;
};

struct image {
    struct image *next;
    char *path;                     /* as the process knows it */
    struct stat is;                 /* what it was when it was opened */
    int fd, debug_fd;               /* < 0: none */
    Elf *elf, *debug_elf;           /* the latter: a separate file with debug information */
    int machine;                    /* EM_X86_64, EM_AARCH64 */
    size_t segments;                /* program headers */
    Dwarf *dwarf;
    Dwarf_CFI *unwind;              /* .eh_frame */
    struct name *names;
    struct range *ranges;           /* of units, where .debug_aranges does not say */
    size_t name_count, range_count;
    bool asked_dwarf, asked_unwind, asked_names, asked_ranges;
    bool has_loop, has_libc;        /* of names: eddy's own library, the C library is linked into it */
};

/* NULL: there is none, or it is none: `why` is a sentence. `file` is where it is now, `path` its name. */
struct image *image_open(const char *file, const char *path, char why[512]);
/* The code that the kernel puts into each process, as it is in ours. */
struct image *image_vdso(void);
void image_free(struct image *);
/* From where it is in the file to the address that its tables use; false: nothing of it is mapped. */
bool image_address(const struct image *, uint64_t offset, uint64_t *address);
/* Where its build id is, as an address, and its bytes; false: it has none. */
bool image_build_id(const struct image *, uint64_t *address, const uint8_t **bytes, size_t *len);
/* Its debug information, of a separate file if it is there; NULL: none. */
Dwarf *image_dwarf(struct image *);

/* ---- symbols_names.c, symbols_demangle.c ----------------------------------------------------------------------------- */

/* The function at that address, by its symbol tables; NULL: none is known to be there. malloc'd, for people. */
char *image_function(struct image *, uint64_t address);
/* Reads its symbol tables, if they have not been. */
void image_names(struct image *);
/* As its author wrote it: C++ and Rust without their codes and their arguments, no versions, no ".constprop.0". malloc'd. */
char *name_for_people(const char *);

/* ---- symbols_lines.c: debug information ------------------------------------------------------------------------------ */

/* The frames at that address, those inlined there first: functions, files, lines. How many; 0: nothing is known. malloc'd. */
int image_frames(struct image *, uint64_t address, struct frame *out, int max);

/* ---- symbols_source.c: the text of lines ----------------------------------------------------------------------------- */

struct sources;

struct sources *sources_new(void);
void sources_free(struct sources *);
/* That line, without the space around it; malloc'd. NULL: it is not there, or is newer than `built`: then `why` is a sentence. */
char *source_line(struct sources *, const char *path, int line, const struct timespec *built, char why[512]);

/* ---- symbols_jit.c: code that no file holds -------------------------------------------------------------------------- */

struct jit;

/* What a program says of its compiled code in /tmp/perf-PID.map; NULL: nothing, or memory is refused. */
struct jit *jit_read(int pid);
void jit_free(struct jit *);
/* Fills in what is known of it, malloc'd; false: nothing. */
bool jit_frame(const struct jit *, uint64_t pc, struct frame *);

/* ---- symbols_own.c: whose it is -------------------------------------------------------------------------------------- */

/* Of the program itself: neither of a system's library, nor of an interpreter, nor of a loop. */
bool frame_is_own(const struct frame *, struct image *);

/* ---- symbols_space.c: what is mapped --------------------------------------------------------------------------------- */

struct map {
    uint64_t begin, end, offset;
    int64_t time;                   /* when it was seen: CLOCK_MONOTONIC, ns */
    char *path;
    struct image *image;            /* NULL: not asked for yet, or not to be had */
    bool asked;
};

struct space {                      /* of one process, or of a family as long as nobody changes it */
    int users;
    struct map *maps;               /* by address */
    size_t count, room;
};

/* The first map that ends behind that address. */
size_t space_find(const struct space *, uint64_t address);
bool space_has(const struct space *, const struct map *);
/* It takes the place of what it covers; its path is handed over. */
void space_put(struct space *, const struct map *);
/* One that nobody else uses, of which the other was a user; NULL: memory is refused, and that one stays. */
struct space *space_own(struct space *);
void space_leave(struct space *);

/* ---- symbols.c, unwind.c --------------------------------------------------------------------------------------------- */

/* The image at that address of a process, and its own address; NULL: none, or none that can be read. */
struct image *symbols_at(struct symbols *, int pid, uint64_t pc, uint64_t *address);
/* For which machine the process' code is: EM_X86_64 or EM_AARCH64. */
int symbols_machine(struct symbols *, int pid);

#endif
