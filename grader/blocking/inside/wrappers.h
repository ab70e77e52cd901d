/* wrappers.h - what the generated wrappers include: the types of libc's prototypes, and no macro of libc's in the way.
 *
 * The trap it exists for: with fortification or large files asked for, <fcntl.h> makes open another function. */
#ifndef EDDY_GRADER_BLOCKING_INSIDE_WRAPPERS_H
#define EDDY_GRADER_BLOCKING_INSIDE_WRAPPERS_H

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <locale.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <semaphore.h>
#include <shadow.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <wchar.h>

#include "grader/blocking/calls_names.h"
#include "grader/blocking/calls_tell.h"
#include "grader/blocking/inside/language.h"
#include "grader/blocking/inside/wrap.h"

#endif
