/* require.h - preconditions that are sentences.
 *
 * A broken precondition is a mistake in the program, never in its input: the sentence says what was wrong and what to do,
 * and the process ends. Nothing that comes from outside (bytes, files, errors of the kernel) may reach a REQUIRE. */
#ifndef EDDY_LOOP_REQUIRE_H
#define EDDY_LOOP_REQUIRE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Ends the process with SIGABRT after logging "file:line: function: sentence" at LOG_ERROR. `sentence` is printf's format. */
__attribute__((noreturn)) void require_failed(const char *file, int line, const char *function, const char *sentence, ...)
    __attribute__((format(printf, 4, 5), cold));

#define REQUIRE(condition, ...) ((condition) ? (void)0 : require_failed(__FILE__, __LINE__, __func__, __VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
