/* wire.h - what the judge and the probe say to each other, over one SEQPACKET socket (descriptor 3 in the probe).
 *
 * The probe never speaks first: the judge sends an order; until the probe has done it, it asks the judge for every
 * system call it wants (the judge is the kernel) and tells it of every callback that was called, and the judge may
 * give it more orders at each of these moments. So all of a schedule, inputs and answers, exists in the judge alone.
 * The probe's side is plain C: it must not be built on the loop, since the student's loop is what is linked. */
#ifndef EDDY_GRADER_WIRE_H
#define EDDY_GRADER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_FD = 3, WIRE_DATA = 60000 };

enum wire_kind {
    WIRE_ORDER = 1,     /* judge: data is the order's text, "call_at A 50000000"; args[0] its number, for DONE */
    WIRE_ANSWER,        /* judge: a call's result; data is what it gave (bytes read, events) */
    WIRE_RETURN,        /* judge: no more orders for this event, go on */
    WIRE_CALL,          /* probe: number is an enum sys_call, args its arguments, data what it was given (to write) */
    WIRE_EVENT,         /* probe: data is a callback's name, result its `what` */
    WIRE_DONE,          /* probe: the order was carried out; result, and data a text if there is more to say. With a
                           number that is not 0: it was not understood, and data says why */
    WIRE_CRASH          /* probe: it is about to die. data: a sentence; args: signal, program counter, main's address */
};

struct wire {
    uint32_t kind, number, len;     /* len: bytes of data */
    int64_t result;
    int64_t args[4];
    char data[WIRE_DATA];
};

/* Makes *w an empty record of that kind. Does not touch the data: 60 KB a call would be felt. */
void wire_clear(struct wire *w, enum wire_kind);
/* Appends to the record's data; false when it does not fit (a record carries WIRE_DATA - 1 bytes). */
bool wire_put(struct wire *, const void *data, size_t len);

/* Sends one record. 0, or -errno (-EPIPE: the other side is gone; -EMSGSIZE: too much data). */
int wire_send(int fd, const struct wire *);
/* Receives one record, waiting for it. 0, or -errno; -EPIPE at the end; -EPROTO for what is no record: a wrong length,
 * an unknown kind. The record's data is zero-terminated. */
int wire_receive(int fd, struct wire *);

#endif
