/* tell.h - what a call was asked, in words: "fd 7 (TCP to 127.0.0.1:6379), 4096 bytes".
 *
 * Made from a call that is over, and only if it is told of. A pointer of the program's is read by way of the kernel: it may be
 * wrong, or gone by now. Raw system calls only. The trap it exists for: a crash in the words about somebody else's mistake. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_TELL_H
#define EDDY_GRADER_BLOCKING_INSIDE_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grader/blocking/calls_names.h"
#include "grader/blocking/calls_tell.h"
#include "grader/blocking/inside/filter.h"
#include "grader/blocking/journal.h"

struct saying {
    char *text;                     /* JOURNAL_TEXT bytes; what does not fit is cut, and ends with ... */
    size_t len;
};

/* Words, numbers and times at its end; a zero follows always. */
void say(struct saying *, const char *words);
void say_bytes_of(struct saying *, const char *bytes, size_t len);     /* a control byte becomes ? */
void say_decimal(struct saying *, int64_t);
void say_hexadecimal(struct saying *, uint64_t);
void say_span(struct saying *, int64_t ns);                            /* 1.5 s, 20 ms, 50 us */
/* A piece follows: separates it from what is there. */
void say_next(struct saying *);
/* Copies from the program's memory, as much as is there. How many bytes. */
size_t peek(void *to, long from, size_t len);

/* Each of a parameter, or two, that calls.tab names so. */
void say_fd(struct saying *, long fd);
void say_from_fd(struct saying *, long fd);
void say_to_fd(struct saying *, long fd);
void say_file(struct saying *, long file);
void say_address_len(struct saying *, long address, long len);
void say_path(struct saying *, long path);
void say_to_path(struct saying *, long path);
void say_text(struct saying *, long text);
void say_host(struct saying *, long host);
void say_service(struct saying *, long service);
void say_command(struct saying *, long command);
void say_bytes(struct saying *, long bytes);
void say_bytes_times(struct saying *, long bytes, long times);
void say_times_bytes(struct saying *, long times, long bytes);
void say_vectors_count(struct saying *, long vectors, long count);
void say_message(struct saying *, long message);
void say_messages_count(struct saying *, long messages, long count);
void say_fds_count(struct saying *, long fds, long count);
void say_ms(struct saying *, long ms);
void say_us(struct saying *, long us);
void say_s(struct saying *, long s);
void say_timespec(struct saying *, long timespec);
void say_absolute_timespec(struct saying *, long absolute, long timespec);
void say_timeval(struct saying *, long timeval);
void say_until(struct saying *, long until);
void say_pid(struct saying *, long pid);
void say_number(struct saying *, long number);
void say_request(struct saying *, long request);
void say_object(struct saying *, long object);
void say_count_operations(struct saying *, long count);
void say_lock_how(struct saying *, long how);
void say_lock_command(struct saying *, long command);
void say_fcntl_command(struct saying *, long command);
void say_flags_wait(struct saying *, long flags);
void say_flags_now(struct saying *, long flags);
void say_flags_ipc(struct saying *, long flags);

/* Whether a call with that argument may wait at all. */
bool waits_fd(long fd);
bool waits_from_fd(long fd);
bool waits_to_fd(long fd);
bool waits_lock_how(long how);
bool waits_lock_command(long command);
bool waits_fcntl_command(long command);
bool waits_flags_wait(long flags);
bool waits_flags_now(long flags);
bool waits_flags_ipc(long flags);

#endif
