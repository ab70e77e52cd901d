/* calls.h - the calls that may sleep: their names and what is to be done about them, from one table (calls.tab).
 *
 * The trap it exists for: a name in the report that is not the one of the call that was made. */
#ifndef EDDY_GRADER_BLOCKING_CALLS_H
#define EDDY_GRADER_BLOCKING_CALLS_H

/* Numbers from 1 on, CALL_<name>, generated into build/ as calls_names.h from calls.tab. */
struct call_kind {
    const char *name;               /* "getaddrinfo" */
    const char *family;             /* "names": sleep descriptor sync process lock disk names stdio ipc async memory */
    const char *advice;             /* "move it to the resolver: resolver_lookup, loop_run_in_executor or c-ares" */
};

/* What that call is; of 0, and of what is not known, one whose name is "UNATTRIBUTED". */
const struct call_kind *call_kind(int call);
/* By its name; 0: there is none. */
int call_number(const char *name);
/* The name of a system call of this machine; NULL: not known. */
const char *system_call_name(int number);

#endif
