/* disks.c - flushes, and reads of what is not in the page cache, on the disk that the work folder is on.
 *
 * The trap it exists for: a page that was read ahead. A file is forgotten by the cache before it is read, and one page in it
 * is asked for. Whether the disk was really waited for the case's own counters say. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, FILE_SIZE = 4 << 20 };

static void make_dirty(struct trial *t)
{
    make_file(t, FILE_SIZE);
    must(pwrite(t->fd[0], bytes, MANY, 0), "pwrite");
}

static void make_small_dirty(struct trial *t)
{
    make_file(t, PAGE);
    must(pwrite(t->fd[0], "x", 1, 0), "pwrite");
}

static void make_cold(struct trial *t)
{
    make_file(t, FILE_SIZE);
}

static void *aligned(void)
{
    static char *block;
    if (!block)
        block = aligned_alloc(PAGE, FILE_SIZE);
    return block;
}

static void make_direct(struct trial *t)
{
    make_file(t, FILE_SIZE);
    t->fd[1] = open(t->path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (t->fd[1] < 0 || !aligned())
        t->absent = "the file system of the work folder has no O_DIRECT";
}

static void make_synchronous(struct trial *t)
{
    make_file(t, PAGE);
    t->fd[1] = (int)must(open(t->path, O_RDWR | O_DSYNC | O_CLOEXEC), t->path);
}

static void make_mapped(struct trial *t)
{
    make_file(t, FILE_SIZE);
    t->size = FILE_SIZE;
    t->memory = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd[0], 0);
    must(t->memory == MAP_FAILED ? -1 : 0, "mmap");
    madvise(t->memory, t->size, MADV_RANDOM);
}

static void make_mapped_dirty(struct trial *t)
{
    make_mapped(t);
    for (size_t i = 0; i < MANY; i += PAGE)
        ((char *)t->memory)[i] = 1;
}

static void make_pair_and_cold(struct trial *t)
{
    make_pair(t);
    t->fd[2] = t->fd[0];
    make_file(t, FILE_SIZE);
}

static void make_two_files(struct trial *t)
{
    make_cold(t);
    t->fd[1] = (int)must(open(work_folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), "O_TMPFILE");
}

static void make_new_name(struct trial *t)
{
    make_file(t, PAGE);
    t->fd[1] = (int)must(open(work_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), work_folder);
}


static void flushes(struct trial *t)
{
    OPERATION(t, t->result = fsync(t->fd[0]));
}

static void flushes_data(struct trial *t)
{
    OPERATION(t, t->result = fdatasync(t->fd[0]));
}

static void flushes_everything(struct trial *t)
{
    OPERATION(t, sync());
}

static void flushes_the_file_system(struct trial *t)
{
    OPERATION(t, t->result = syncfs(t->fd[0]));
}

static void flushes_the_folder(struct trial *t)
{
    OPERATION(t, t->result = fsync(t->fd[1]));
}

static void flushes_memory(struct trial *t)
{
    OPERATION(t, t->result = msync(t->memory, t->size, MS_SYNC));
}

static void flushes_a_range(struct trial *t)
{
    const unsigned how = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    OPERATION(t, t->result = sync_file_range(t->fd[0], 0, 0, how));
}

static void writes_through(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[1], bytes, PAGE, 0));
}

static void writes_directly(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[1], aligned(), PAGE, 0));
}

static void reads_directly(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[1], aligned(), PAGE, MANY));
}

static void reads_cold(struct trial *t)
{
    OPERATION(t, t->result = read(t->fd[0], bytes, PAGE));
}

static void reads_cold_there(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[0], bytes, PAGE, 2 * MANY));
}

static void reads_cold_vectors(struct trial *t)
{
    const struct iovec vector = { bytes, PAGE };
    OPERATION(t, t->result = preadv(t->fd[0], &vector, 1, MANY));
}

static void reads_a_cold_million(struct trial *t)
{
    OPERATION(t, t->result = pread(t->fd[0], bytes, MANY, 0));
}

static void touches_cold(struct trial *t)
{
    OPERATION(t, t->result = ((volatile char *)t->memory)[2 * MANY]);
}

static void copies_cold_memory(struct trial *t)
{
    OPERATION(t, memcpy(bytes, (char *)t->memory + 3 * MANY, PAGE));
}

static void fetches_cold_memory(struct trial *t)
{
    OPERATION(t, t->result = madvise(t->memory, MANY, MADV_POPULATE_READ));
}

static void locks_cold_memory(struct trial *t)
{
    OPERATION(t, t->result = mlock(t->memory, 4 * PAGE));
}

static void maps_all_of_it(struct trial *t)
{
    t->size = MANY;
    OPERATION(t, t->memory = mmap(NULL, MANY, PROT_READ, MAP_PRIVATE | MAP_POPULATE, t->fd[0], 0));
}

static void writes_into_cold(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[0], "x", 1, 2 * MANY + 7));
}

static void splices_cold(struct trial *t)
{
    int ends[2];
    must(pipe(ends), "pipe");
    OPERATION(t, t->result = splice(t->fd[0], NULL, ends[1], NULL, PAGE, 0));
    close(ends[0]);
    close(ends[1]);
}

static void writes_from_cold_memory(struct trial *t)
{
    OPERATION(t, t->result = pwrite(t->fd[0], (char *)t->memory + MANY, PAGE, 0));
}

static void sends_cold(struct trial *t)
{
    off_t at = MANY;
    OPERATION(t, t->result = sendfile(t->fd[2], t->fd[0], &at, PAGE));
}

static void copies_cold(struct trial *t)
{
    OPERATION(t, t->result = copy_file_range(t->fd[0], NULL, t->fd[1], NULL, MANY, 0));
}

static void reads_a_cold_stream(struct trial *t)
{
    FILE *stream = fdopen(t->fd[0], "r");
    OPERATION(t, t->result = fgetc(stream));
    fclose(stream);
    t->fd[0] = -1;
}

const struct behaviour disks[] = {
    { "fsync-dirty", BLOCKS, "fsync", flushes, make_dirty, NULL, NULL },
    { "fsync-clean", BLOCKS, "fsync", flushes, make_cold, NULL, NULL },
    { "fdatasync", BLOCKS, "fdatasync", flushes_data, make_small_dirty, NULL, NULL },
    { "sync-all", BLOCKS, "sync", flushes_everything, make_small_dirty, NULL, NULL },
    { "syncfs", BLOCKS, "syncfs", flushes_the_file_system, make_small_dirty, NULL, NULL },
    { "fsync-folder", BLOCKS, "fsync", flushes_the_folder, make_new_name, NULL, NULL },
    { "msync", BLOCKS, "msync", flushes_memory, make_mapped_dirty, NULL, NULL },
    { "sync_file_range", BLOCKS, "sync_file_range", flushes_a_range, make_dirty, NULL, NULL },
    { "write-dsync", BLOCKS, "pwrite", writes_through, make_synchronous, NULL, NULL },
    { "write-direct", BLOCKS, "pwrite", writes_directly, make_direct, NULL, NULL },
    { "read-direct", BLOCKS, "pread", reads_directly, make_direct, NULL, NULL },
    { "read-cold", BLOCKS, "read", reads_cold, make_cold, NULL, NULL },
    { "pread-cold", BLOCKS, "pread", reads_cold_there, make_cold, NULL, NULL },
    { "preadv-cold", BLOCKS, "preadv", reads_cold_vectors, make_cold, NULL, NULL },
    { "pread-cold-million", BLOCKS, "pread", reads_a_cold_million, make_cold, NULL, NULL },
    { "mapped-cold", FAULTS, NULL, touches_cold, make_mapped, NULL, NULL },
    { "memcpy-cold", FAULTS, NULL, copies_cold_memory, make_mapped, NULL, NULL },
    { "populate-cold", BLOCKS, "madvise", fetches_cold_memory, make_mapped, NULL, NULL },
    { "mlock-cold", BLOCKS, "mlock", locks_cold_memory, make_mapped, NULL, NULL },
    { "mmap-populate-cold", BLOCKS, "mmap", maps_all_of_it, make_cold, NULL, NULL },
    { "pwrite-into-cold", BLOCKS, "pwrite", writes_into_cold, make_cold, NULL, NULL },
    { "splice-cold", BLOCKS, "splice", splices_cold, make_cold, NULL, NULL },
    { "write-from-cold-memory", BLOCKS, "pwrite", writes_from_cold_memory, make_mapped, NULL, NULL },
    { "sendfile-cold", BLOCKS, "sendfile", sends_cold, make_pair_and_cold, NULL, NULL },
    { "copy_file_range-cold", BLOCKS, "copy_file_range", copies_cold, make_two_files, NULL, NULL },
    { "fgetc-cold", BLOCKS, "fgetc", reads_a_cold_stream, make_cold, NULL, NULL },
    { 0 },
};
