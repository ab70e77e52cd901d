/* log.h - words to a human: one sink for the whole process.
 *
 * The trap it exists for: an error that nobody can receive (a detached coroutine's, a write's without a future) is lost
 * unless somebody says it. It is said here, once, with a name. */
#ifndef EDDY_LOOP_LOG_H
#define EDDY_LOOP_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Where a line goes. `line` has no newline and is lent for the call. Called from whatever thread logs. */
typedef void log_sink(void *self, int level, const char *line);

/* Sends all later lines to sink(self, ...); NULL restores the default, which writes "level: line" to standard error. */
void log_to(log_sink *sink, void *self);

/* Drops lines below `level`. The default is LOG_INFO. */
void log_level(int level);

/* Logs one line of at most 1,023 bytes; a longer one is cut and ends in "...". Never fails, never allocates. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs "WHAT NAME failed: MESSAGE (why)" at LOG_ERROR: a failure (rc, -errno) of which nobody else could learn. `function` is
 * what failed; why may be NULL. */
void log_failure(const char *what, const void *function, int rc, const char *why);

/* Writes behind what stands in `text` already, which has `size` bytes in all; what finds no room is cut. */
void log_append(char *text, unsigned size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The name of a function for a human: "on_line" where a symbol table has it, static ones too, else "0x55...". Writes at most
 * `size` bytes into `out`, with a terminating zero, and returns out. */
const char *log_symbol(const void *function, char *out, unsigned size);

#ifdef __cplusplus
}
#endif
#endif
