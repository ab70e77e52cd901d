/* checks_trace.h - traces that can be compared where the order of events is left open. */
#ifndef EDDY_LABS_04_CHECKS_TRACE_H
#define EDDY_LABS_04_CHECKS_TRACE_H

enum { TRACE_BYTES = 8192 };

/* Adds "WORD@MS". */
void trace_add(char trace[TRACE_BYTES], int ms, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "3", or "-EIO". */
const char *rc_text(int rc, char out[24]);

/* The same trace in an order that depends on nothing that is left open: between two marks, words that begin with T ("T2",
 * "T2.end"), the events of one name keep their order, and names stand in that of the alphabet. */
void trace_sort(const char *trace, char out[TRACE_BYTES]);

#endif
