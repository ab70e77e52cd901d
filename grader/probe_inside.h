/* probe_inside.h - what the files of the probe share. Nobody else includes it.
 *
 * Records are too large for a coroutine's stack, from which the student's code may well call: there is one that is
 * sent and one that is received, and each is good only until the next. */
#ifndef EDDY_GRADER_PROBE_INSIDE_H
#define EDDY_GRADER_PROBE_INSIDE_H

#include <stdbool.h>

#include "grader/probe.h"
#include "grader/wire.h"
#include "loop/sys.h"

/* An empty record to be filled and sent with probe_ask. */
struct wire *probe_record(enum wire_kind);
/* Sends it and carries out what is ordered until a record of the kind `until` comes, which is returned. Does not
 * return when the judge is gone. */
const struct wire *probe_ask(struct wire *, enum wire_kind until);

/* probe_door.c: the judge's door. Whether the code behind it, that asked to (on_fault), has words for this address. */
struct sys *door_judge(void);
bool door_explains(const void *address, char *words, size_t size);
/* A call's record; a call whose answer is a number; and one that gives data, of which `size` bytes have room. */
struct wire *door_call(enum sys_call, int64_t arg, int64_t arg2, int64_t arg3);
int64_t door_ask(enum sys_call, int64_t arg, int64_t arg2, int64_t arg3);
int64_t door_ask_data(struct wire *, void *data, size_t size);

/* probe_net.c: the entries for sockets, names and jobs; a job of that number runs, or is over; all of them are forgotten. */
void door_net(struct sys *);
int64_t door_job(int64_t number, bool over);
void door_forget_jobs(void);

/* probe_real.c: the kernel's, counted. An order begins and ends; at its end what was noted is told. */
struct sys *door_real(void);
void real_begin(void);
void real_end(void);
void real_note(const char *name, int what);
void real_tell(void);

/* probe_replay.c: the probe without its judge. From now on the wire's other end says what the judge said in that
 * recording (recording.h). `steps`, if not NULL, is a file with the number of each order since the last world began, as
 * a student knows it. Ends the process where it cannot. */
void replay_begin(const char *path, const char *steps);
/* The order with which the recording's last world begins; 0 without a recording. */
extern int64_t replay_world;
/* An order is about to be carried out. Calls replay_scene with the world's first, replay_step with each that follows:
 * they do nothing, and are there for a debugger to stop at. */
void replay_order(int64_t id);
void replay_scene(void);
void replay_step(int number);

#endif
