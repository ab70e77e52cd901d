/* tell.c - what a call was asked: words, numbers, sizes and times. Descriptors are in tell_fd.c.
 *
 * The trap it exists for: snprintf may take a lock, or call what is wrapped. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "grader/blocking/inside/raw.h"
#include "grader/blocking/inside/tell.h"

enum { TEXT_SHOWN = 100, PIECES_SHOWN = 64 };

size_t peek(void *to, long from, size_t len)
{
    size_t to_page_end = 4096 - (size_t)from % 4096;
    size_t first = len < to_page_end ? len : to_page_end;
    struct iovec here = { to, len };
    struct iovec there[] = { { (void *)from, first }, { (char *)from + first, len - first } };
    if (!from || !kernel_may_be_asked())
        return 0;
    long got = raw6(SYS_process_vm_readv, raw_pid(), (long)&here, 1, (long)there, first < len ? 2 : 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

/* ---- words ----------------------------------------------------------------------------------------------------------- */

void say_bytes_of(struct saying *t, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (t->len + 1 >= JOURNAL_TEXT) {
            memcpy(t->text + JOURNAL_TEXT - 4, "...", 4);
            return;
        }
        unsigned char byte = (unsigned char)bytes[i];
        t->text[t->len++] = byte < ' ' || byte == 0x7f ? '?' : (char)byte;
    }
    t->text[t->len] = 0;
}

void say(struct saying *t, const char *words)
{
    say_bytes_of(t, words, strlen(words));
}

static void say_digits(struct saying *t, uint64_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while (number /= base);
    say_bytes_of(t, digits + at, sizeof digits - at);
}

void say_decimal(struct saying *t, int64_t number)
{
    if (number < 0)
        say(t, "-");
    say_digits(t, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
}

void say_hexadecimal(struct saying *t, uint64_t number)
{
    say(t, "0x");
    say_digits(t, number, 16);
}

void say_span(struct saying *t, int64_t ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = { { " s", 1000000000 }, { " ms", 1000000 }, { " us", 1000 }, { " ns", 1 } };
    size_t u = 0;
    while (u < 3 && ns < units[u].ns)
        u++;
    say_decimal(t, ns / units[u].ns);
    int64_t thousandths = units[u].ns < 1000 ? 0 : ns % units[u].ns / (units[u].ns / 1000);
    if (thousandths > 0) {
        int64_t digit = 100;
        say(t, ".");
        for (; thousandths > 0; thousandths %= digit, digit /= 10)
            say_decimal(t, thousandths / digit);
    }
    say(t, units[u].name);
}

void say_next(struct saying *t)
{
    if (t->len > 0)
        say(t, ", ");
}

/* ---- names ----------------------------------------------------------------------------------------------------------- */

static void say_quoted(struct saying *t, const char *label, long from)
{
    char text[TEXT_SHOWN + 1];
    size_t got = peek(text, from, sizeof text);
    if (got == 0)
        return;
    size_t len = strnlen(text, got < TEXT_SHOWN ? got : TEXT_SHOWN);
    say_next(t);
    say(t, label);
    say(t, "\"");
    say_bytes_of(t, text, len);
    say(t, len < got && text[len] ? "...\"" : "\"");
}

void say_path(struct saying *t, long path)
{
    say_quoted(t, "", path);
}

void say_to_path(struct saying *t, long path)
{
    say_quoted(t, "to ", path);
}

void say_text(struct saying *t, long text)
{
    say_quoted(t, "", text);
}

void say_host(struct saying *t, long host)
{
    say_quoted(t, "", host);
}

void say_service(struct saying *t, long service)
{
    say_quoted(t, "service ", service);
}

void say_command(struct saying *t, long command)
{
    say_quoted(t, "", command);
}

/* ---- sizes ----------------------------------------------------------------------------------------------------------- */

static void say_count(struct saying *t, int64_t count, const char *one, const char *many)
{
    say_next(t);
    say_decimal(t, count);
    say(t, count == 1 ? one : many);
}

void say_bytes(struct saying *t, long bytes)
{
    say_count(t, bytes, " byte", " bytes");
}

void say_bytes_times(struct saying *t, long bytes, long times)
{
    say_bytes(t, (long)((unsigned long)bytes * (unsigned long)times));
}

void say_times_bytes(struct saying *t, long times, long bytes)
{
    say_bytes_times(t, bytes, times);
}

void say_vectors_count(struct saying *t, long vectors, long count)
{
    struct iovec pieces[PIECES_SHOWN];
    size_t size = (size_t)count * sizeof *pieces;
    if (count <= 0 || count > PIECES_SHOWN || peek(pieces, vectors, size) < size) {
        say_count(t, count, " piece", " pieces");
        return;
    }
    size_t sum = 0;
    for (long i = 0; i < count; i++)
        sum += pieces[i].iov_len;
    say_count(t, (int64_t)sum, " byte", " bytes");
    if (count > 1) {
        say(t, " in ");
        say_decimal(t, count);
        say(t, " pieces");
    }
}

void say_message(struct saying *t, long message)
{
    struct msghdr header;
    if (peek(&header, message, sizeof header) == sizeof header)
        say_vectors_count(t, (long)header.msg_iov, (long)header.msg_iovlen);
}

void say_messages_count(struct saying *t, long messages, long count)
{
    (void)messages;
    say_count(t, count, " message", " messages");
}

void say_count_operations(struct saying *t, long count)
{
    say_count(t, count, " operation", " operations");
}

/* ---- times ----------------------------------------------------------------------------------------------------------- */

static void say_time_out(struct saying *t, int64_t ns)
{
    say_next(t);
    if (ns < 0)
        say(t, "no time-out");
    else
        say_span(t, ns);
}

void say_ms(struct saying *t, long ms)
{
    say_time_out(t, (int)ms * INT64_C(1000000));
}

void say_us(struct saying *t, long us)
{
    say_time_out(t, us * 1000);
}

void say_s(struct saying *t, long s)
{
    say_time_out(t, s * INT64_C(1000000000));
}

void say_timespec(struct saying *t, long timespec)
{
    struct timespec time;
    if (!timespec)
        say_time_out(t, -1);
    else if (peek(&time, timespec, sizeof time) == sizeof time && time.tv_sec >= 0 && time.tv_sec < INT_MAX)
        say_time_out(t, time.tv_sec * INT64_C(1000000000) + time.tv_nsec);
}

void say_absolute_timespec(struct saying *t, long absolute, long timespec)
{
    if (absolute & TIMER_ABSTIME)
        say_until(t, timespec);
    else
        say_timespec(t, timespec);
}

void say_timeval(struct saying *t, long timeval)
{
    struct timeval time;
    if (!timeval)
        say_time_out(t, -1);
    else if (peek(&time, timeval, sizeof time) == sizeof time && time.tv_sec >= 0 && time.tv_sec < INT_MAX)
        say_time_out(t, time.tv_sec * INT64_C(1000000000) + time.tv_usec * 1000);
}

void say_until(struct saying *t, long until)
{
    say_next(t);
    say(t, until ? "with a deadline" : "no time-out");
}

/* ---- numbers that mean something --------------------------------------------------------------------------------------- */

void say_pid(struct saying *t, long pid)
{
    int id = (int)pid;
    say_next(t);
    if (id == -1 || id == 0) {
        say(t, id ? "any child" : "any child of its group");
        return;
    }
    say(t, id > 0 ? "process " : "process group ");
    say_decimal(t, id > 0 ? id : -(int64_t)id);
}

void say_number(struct saying *t, long number)
{
    say_next(t);
    say_decimal(t, number);
}

void say_request(struct saying *t, long request)
{
    say_next(t);
    say(t, "request ");
    say_hexadecimal(t, (unsigned)request);
}

void say_object(struct saying *t, long object)
{
    if (!object)
        return;
    say_next(t);
    say(t, "at ");
    say_hexadecimal(t, (uint64_t)object);
}

void say_lock_how(struct saying *t, long how)
{
    say_next(t);
    say(t, how & LOCK_UN ? "LOCK_UN" : how & LOCK_EX ? "LOCK_EX" : "LOCK_SH");
    if (how & LOCK_NB)
        say(t, "|LOCK_NB");
}

void say_lock_command(struct saying *t, long command)
{
    static const char *const names[] = { [F_ULOCK] = "F_ULOCK", [F_LOCK] = "F_LOCK", [F_TLOCK] = "F_TLOCK", [F_TEST] = "F_TEST" };
    say_next(t);
    say(t, command >= 0 && command < 4 ? names[command] : "an unknown command");
}

void say_fcntl_command(struct saying *t, long command)
{
    say_next(t);
    if (waits_fcntl_command(command)) {
        say(t, command == F_SETLKW ? "F_SETLKW" : "F_OFD_SETLKW");
        return;
    }
    say(t, "command ");
    say_decimal(t, command);
}

static void say_without_waiting(struct saying *t, bool waits)
{
    if (waits)
        return;
    say_next(t);
    say(t, "without waiting");
}

void say_flags_wait(struct saying *t, long flags)
{
    say_without_waiting(t, waits_flags_wait(flags));
}

void say_flags_now(struct saying *t, long flags)
{
    say_without_waiting(t, waits_flags_now(flags));
    if (flags & MSG_WAITALL) {
        say_next(t);
        say(t, "until all is there");
    }
}

void say_flags_ipc(struct saying *t, long flags)
{
    say_without_waiting(t, waits_flags_ipc(flags));
}

bool waits_lock_how(long how)
{
    return !(how & (LOCK_NB | LOCK_UN));
}

bool waits_lock_command(long command)
{
    return command == F_LOCK;
}

bool waits_fcntl_command(long command)
{
    return command == F_SETLKW || command == F_OFD_SETLKW;
}

bool waits_flags_wait(long flags)
{
    return !(flags & WNOHANG);
}

bool waits_flags_now(long flags)
{
    return !(flags & MSG_DONTWAIT);
}

bool waits_flags_ipc(long flags)
{
    return !(flags & IPC_NOWAIT);
}
