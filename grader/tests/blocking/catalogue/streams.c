/* streams.c - stdio on descriptors that are full or empty: the log that stops the server.
 *
 * The trap it exists for: a stream that buffers, so that not this line blocks but a later one. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>
#include <wchar.h>

static FILE *stream;
static char line[] = "a line\n";    /* of a constant gcc makes another call */
static int kept = -1;               /* what standard output or error was */

static void make_sink(struct trial *t)
{
    make_full_pipe(t);
    stream = fdopen(t->fd[0], "w");
    setvbuf(stream, NULL, _IONBF, 0);
}

static void make_buffered_sink(struct trial *t)
{
    make_full_pipe(t);
    stream = fdopen(t->fd[0], "w");
    fputs("kept back\n", stream);
}

static void make_source(struct trial *t)
{
    make_pipe(t);
    stream = fdopen(t->fd[0], "r");
}

static void end_stream(struct trial *t)
{
    if (stream)
        fclose(stream);
    t->fd[0] = -1;
}

static void replace(struct trial *t, int fd)
{
    kept = (int)must(fcntl(fd, F_DUPFD_CLOEXEC, 10), "fcntl");
    must(dup2(t->fd[0], fd), "dup2");
}

static void give_back(int fd)
{
    must(dup2(kept, fd), "dup2");
    close(kept);
}

static void make_full_output(struct trial *t)
{
    make_full_pipe(t);
    fflush(stdout);
    setvbuf(stdout, NULL, _IONBF, 0);
    replace(t, STDOUT_FILENO);
}

static void make_full_error(struct trial *t)
{
    make_full_pipe(t);
    replace(t, STDERR_FILENO);
}

static void end_output(struct trial *t)
{
    (void)t;
    give_back(STDOUT_FILENO);
}

static void end_error(struct trial *t)
{
    (void)t;
    give_back(STDERR_FILENO);
}

static void prints(struct trial *t)
{
    OPERATION(t, fprintf(stream, "%d lines\n", t->number));
}

static void prints_to_output(struct trial *t)
{
    OPERATION(t, printf("%d lines\n", t->number));
}

static void prints_to_descriptor(struct trial *t)
{
    OPERATION(t, dprintf(t->fd[0], "%d lines\n", t->number));
}

static void puts_a_line(struct trial *t)
{
    OPERATION(t, puts(line));
}

static void puts_to_a_stream(struct trial *t)
{
    OPERATION(t, fputs(line, stream));
}

static void puts_a_byte(struct trial *t)
{
    OPERATION(t, fputc('x', stream));
}

static void writes(struct trial *t)
{
    OPERATION(t, t->result = (long)fwrite(bytes, 1, 512, stream));
}

static void flushes(struct trial *t)
{
    OPERATION(t, fflush(stream));
}

static void closes(struct trial *t)
{
    OPERATION(t, fclose(stream));
    stream = NULL;
}

static void complains(struct trial *t)
{
    errno = ENOENT;
    OPERATION(t, perror("catalogue"));
}

static void logs(struct trial *t)
{
    openlog("catalogue", LOG_PERROR, LOG_USER);
    OPERATION(t, syslog(LOG_DEBUG, "%d lines", t->number));
}

static void gets_a_byte(struct trial *t)
{
    OPERATION(t, t->result = fgetc(stream));
}

static void gets_a_byte_by_macro(struct trial *t)
{
    OPERATION(t, t->result = getc(stream));
}

static void gets_a_string(struct trial *t)
{
    OPERATION(t, t->result = fgets(bytes, 512, stream) != NULL);
}

static void gets_a_line(struct trial *t)
{
    char *got = NULL;
    size_t size = 0;
    OPERATION(t, t->result = getline(&got, &size, stream));
    free(got);
}

static void gets_up_to_a_byte(struct trial *t)
{
    char *got = NULL;
    size_t size = 0;
    OPERATION(t, t->result = getdelim(&got, &size, '\n', stream));
    free(got);
}

static void gets_a_byte_without_lock(struct trial *t)
{
    OPERATION(t, t->result = getc_unlocked(stream));
}

static void gets_a_wide_character(struct trial *t)
{
    OPERATION(t, t->result = (long)fgetwc(stream));
}

static void reads(struct trial *t)
{
    OPERATION(t, t->result = (long)fread(bytes, 1, 1, stream));
}

static void scans(struct trial *t)
{
    char word[32];
    OPERATION(t, t->result = fscanf(stream, "%31s", word));
}

const struct behaviour streams[] = {
    { "fprintf-full", BLOCKS, "fprintf", prints, make_sink, take_all, end_stream },
    { "printf-full", BLOCKS, "printf", prints_to_output, make_full_output, take_all, end_output },
    { "dprintf-full", BLOCKS, "dprintf", prints_to_descriptor, make_full_pipe, take_all, NULL },
    { "puts-full", BLOCKS, "puts", puts_a_line, make_full_output, take_all, end_output },
    { "fputs-full", BLOCKS, "fputs", puts_to_a_stream, make_sink, take_all, end_stream },
    { "fputc-full", BLOCKS, "fputc putc", puts_a_byte, make_sink, take_all, end_stream },
    { "fwrite-full", BLOCKS, "fwrite", writes, make_sink, take_all, end_stream },
    { "fflush-full", BLOCKS, "fflush", flushes, make_buffered_sink, take_all, end_stream },
    { "fclose-full", BLOCKS, "fclose", closes, make_buffered_sink, take_all, end_stream },
    { "perror-full", BLOCKS, "perror", complains, make_full_error, take_all, end_error },
    { "syslog-full", BLOCKS, "syslog", logs, make_full_error, take_all, end_error },
    { "fgetc-empty", BLOCKS, "fgetc getc", gets_a_byte, make_source, send_byte, end_stream },
    { "getc-empty", BLOCKS, "getc fgetc", gets_a_byte_by_macro, make_source, send_byte, end_stream },
    { "fgets-empty", BLOCKS, "fgets", gets_a_string, make_source, send_byte, end_stream },
    { "getline-empty", BLOCKS, "getline", gets_a_line, make_source, send_byte, end_stream },
    { "getdelim-empty", BLOCKS, "getdelim", gets_up_to_a_byte, make_source, send_byte, end_stream },
    { "getc_unlocked-empty", BLOCKS, "getc", gets_a_byte_without_lock, make_source, send_byte, end_stream },
    { "fgetwc-empty", BLOCKS, "fgetwc", gets_a_wide_character, make_source, send_byte, end_stream },
    { "fread-empty", BLOCKS, "fread", reads, make_source, send_byte, end_stream },
    { "fscanf-empty", BLOCKS, "fscanf", scans, make_source, send_byte, end_stream },
    { 0 },
};
