/* recording.h - what was said between the judge and a probe, kept in a file: records as they went over the wire.
 *
 * A probe that hears the same again does the same again, without the judge, and so without its limits: under a
 * debugger, as slowly as one likes. The trap it exists for: a failure that can only be looked at while the clock of
 * the sandbox runs. */
#ifndef EDDY_GRADER_RECORDING_H
#define EDDY_GRADER_RECORDING_H

#include <stdio.h>

#include "grader/wire.h"

enum speaker { SPEAKER_JUDGE = 'J', SPEAKER_PROBE = 'P' };

/* Appends a record. False if it could not be written. */
bool recording_add(FILE *, enum speaker, const struct wire *);
/* Reads the next one; false at the end, and where the file is cut off or none of ours. */
bool recording_next(FILE *, enum speaker *, struct wire *);
/* The number of the order that began the last world of the recording ("reset"), or 0. Reads from the beginning, and
 * goes back there. */
int64_t recording_last_world(FILE *);

#endif
