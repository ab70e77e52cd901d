/* sim_inside.h - what the files of the sim share. Nobody else includes it.
 *
 * A `struct file` is what Linux calls an open file description: what descriptors name, what dup shares, and what epoll
 * watches. A file has one wait queue, its ring of watches, and everything that happens to it is a file_wake: an edge. The
 * trap it exists for: readiness is a state, an edge is an event, and a twin that derives one from the other is no twin. */
#ifndef EDDY_LOOP_SIM_INSIDE_H
#define EDDY_LOOP_SIM_INSIDE_H

#include <stddef.h>

#include "loop/sim.h"

/* ---- rings: doubly linked lists through their head ----------------------------------------------------------------- */

struct ring {                   /* a head, or a member; a member with next NULL stands in no ring */
    struct ring *next, *prev;
};

#define OWNER(ring, type, member) ((type *)((char *)(ring) - offsetof(type, member)))

static inline void ring_init(struct ring *head)
{
    head->next = head->prev = head;
}

static inline bool ring_empty(const struct ring *head)
{
    return head->next == head;
}

/* Puts `member` behind `place`: behind the head is first. */
static inline void ring_insert(struct ring *place, struct ring *member)
{
    member->next = place->next;
    member->prev = place;
    place->next->prev = member;
    place->next = member;
}

static inline void ring_push(struct ring *head, struct ring *member)
{
    ring_insert(head->prev, member);
}

static inline void ring_remove(struct ring *member)
{
    member->next->prev = member->prev;
    member->prev->next = member->next;
    member->next = member->prev = NULL;
}

/* Moves all of `from` before the first of `to`, in order. */
static inline void ring_prepend(struct ring *to, struct ring *from)
{
    if (ring_empty(from))
        return;
    from->prev->next = to->next;
    to->next->prev = from->prev;
    to->next = from->next;
    from->next->prev = to;
    ring_init(from);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

struct file;

struct socket_calls {                       /* the file is one of theirs, and the descriptor's */
    int (*bind)(struct sim *, struct file *, const struct sockaddr *, socklen_t len);
    int (*listen)(struct file *, int backlog);
    int (*accept)(struct file *, struct file **out);        /* *out: whoever waited longest, still without a descriptor */
    int (*connect)(struct sim *, struct file *, const struct sockaddr *, socklen_t len);
    int (*error)(struct file *);
    int (*set_option)(struct file *, int level, int option, int value);
    int (*sockname)(struct file *, struct address *out);
    int (*peername)(struct file *, bool accepted, struct address *out);     /* accepted: who it was, even if it is gone */
};

struct file_kind {
    ssize_t (*read)(struct file *, void *data, size_t len);             /* NULL: -EINVAL */
    ssize_t (*write)(struct file *, const void *data, size_t len);      /* NULL: -EINVAL */
    int (*shutdown)(struct file *, int how);                            /* NULL: -ENOTSOCK */
    uint32_t (*ready)(struct file *);       /* EPOLLIN ...; NULL: always ready, and no business of epoll's */
    void (*release)(struct file *);         /* frees it; nobody watches it any more */
    bool atomic;                            /* reads and writes cannot be shortened */
    const struct socket_calls *calls;       /* NULL: it is no socket */
};

enum { NO_READING = 1, NO_WRITING = 2 };

struct file {
    const struct file_kind *kind;
    int denied;                             /* bits of these: it was opened for the other */
    unsigned refs;                          /* descriptors that name it, and waits that use it */
    struct ring own, *watches;              /* its wait queue, of struct watch; the newest first, as in Linux. Mostly its own */
    struct ring listeners;                  /* of struct listener */
};

struct listener {                           /* one of the world's, who hears of each file_wake */
    struct ring of_file;
    void (*heard)(struct listener *);
};

/* A run of bytes in a queue: a pipe's page, a socket's packet. */
struct chunk {
    struct chunk *next;
    size_t begin, end, size;                /* unread are data[begin..end-1] */
    int cost;                               /* what it counts for in its sender's buffer */
    int64_t arrives;                        /* when it is where it was sent to */
    char data[];
};

struct chunks {                             /* a FIFO; {0} is empty */
    struct chunk *first, *last;
    size_t count;
};

/* ---- sockets ------------------------------------------------------------------------------------------------------- */

enum { RECEIVE = 1, SEND = 2 };

struct sock {
    struct file file;                       /* no descriptor names it while it stands in a backlog */
    enum { ALONE, LISTENING, CONNECTED } state;
    struct sock *peer;                      /* NULL: closed, or never there */
    struct address name, peer_name;         /* peer_name: of one that is closed */
    struct name *bound;                     /* its own in sim_names.c; an accepted one only has its listener's name */
    struct chunks received;
    int charged;                            /* the cost of what was sent and not yet read */
    int shut;                               /* bits of RECEIVE, SEND: no more of that */
    int error;                              /* told once, by a read or socket_error */
    struct ring backlog, in_backlog;        /* a listener's, oldest first; its members' */
    unsigned waiting, most_waiting;         /* how many are in it; Linux takes one more than it was told */
};

/* ---- the world ----------------------------------------------------------------------------------------------------- */

struct event {
    int64_t when;
    uint64_t order;
    callback *fn;
    void *self;
    struct timer *timer;                    /* NULL: nobody can take it back */
};

struct timer {                              /* an event that can be moved and taken back */
    size_t place;                           /* in the heap, from 1; 0: it is not set */
    callback *fn;
    void *self;
};

struct fault {
    unsigned left;                          /* the call that makes it 0 fails; 0: none */
    int error;
    bool delivered;
};

struct storm {
    unsigned percent, run;                  /* `run` calls in a row have failed */
    int error;
};

enum { RULE_SLOTS = 256, PIPE_BYTES = 65536 };

struct net {
    struct ring sockets;                    /* all that are not freed */
    struct rule *rules[RULE_SLOTS];         /* what becomes of what is sent to an address: by its last bytes */
    struct ring waits;                      /* ports in TIME_WAIT, the oldest first */
    struct port **ports[256];               /* by number: 256 pages of 256; NULL: nobody there */
    unsigned next_port;
    int64_t latency_min, latency_max;
    size_t send_bytes, receive_bytes;       /* the buffers of sockets made from now on */
};

struct sim {
    struct sys sys;                         /* first: the door's address is the world's */

    uint64_t seed, chance;

    int64_t now;                            /* sim_clock.c */
    struct event *events;                   /* a binary heap */
    size_t event_count, event_capacity, event_promised;
    uint64_t event_orders;
    bool busy;                              /* an event runs, inside a wait: nobody can wait */
    bool outside;                           /* it is the world's, and so are the calls made now, not the program's */
    unsigned idle_limit, idle;
    int64_t idle_since;

    uint64_t calls[CALL_COUNT];             /* sim_faults.c */
    struct fault faults[CALL_COUNT + 1];    /* the last one is of any kind */
    int asked;                              /* which fault was asked for last */
    struct storm storms[CALL_COUNT];
    size_t limits[CALL_COUNT];              /* bytes; 0: none */
    sim_witness *witness;
    void *witness_self;

    struct file **files;                    /* sim_files.c: by descriptor */
    uint64_t *used;                         /* a bit for each */
    int file_capacity, lowest;              /* none below `lowest` is free */
    size_t open;
    int most_files;                         /* 0: as many as there are numbers */

    struct ring names;                      /* sim_names.c */
    struct net net;                         /* sim_net.c */

    size_t pipe_capacity;

    struct ring disk;                       /* sim_disk.c */
    uint64_t inodes;
    struct ring jobs;                       /* sim_jobs.c: those that have not run */
    int64_t job_min, job_max;
    bool job_runs;
    int64_t job_slept;                      /* by the one that runs, so far */
    struct ring hosts;                      /* sim_hosts.c */

    sigset_t blocked, pending;              /* sim_signals.c */
    struct ring signal_watches;             /* all signalfds have this wait queue */
    int killed;
    bool dies;                              /* the next wait fails */

    struct ring programs, children;         /* sim_process.c */
    pid_t last_pid;
    size_t processes;                       /* that run, or are not reaped */

    struct ring blocks;                     /* sim_memory.c */
    size_t block_count, block_bytes, mapped;

    char *log;                              /* sim.c */
    size_t log_len, log_capacity;
};

/* sim.c */
uint64_t sim_chance(struct sim *);

/* sim_clock.c. Runs what is due, then asks scan(sim, self) again and again while time jumps, until it says other than 0 or
 * the timeout is over. `counts`: this is a wait that may be a busy one. */
typedef int sim_scan(struct sim *, void *self);
int sim_wait(struct sim *, int64_t timeout, sim_scan *scan, void *self, bool counts);
/* A timer is begun once, 0 or -ENOMEM, and ended once; between them it can be set and stopped as often as you like. */
int timer_begin(struct sim *, struct timer *, callback *fn, void *self);
void timer_set(struct sim *, struct timer *, int64_t when);
void timer_stop(struct sim *, struct timer *);
void timer_end(struct sim *, struct timer *);

/* sim_faults.c. Counts the call; 0, or the error it must fail with. */
int sim_fault(struct sim *, enum sys_call);
/* How many of `len` bytes that call may move. */
size_t sim_shortened(const struct sim *, enum sys_call, const struct file *, size_t len);
/* Tells the witness; returns result. */
int64_t sim_told(struct sim *, enum sys_call, int64_t arg, int64_t arg2, int64_t result);

/* sim_files.c. The file behind a descriptor, or NULL. */
struct file *sim_file_of(const struct sim *, int fd);
/* Whether one more descriptor can be had: 0 or -EMFILE. */
int sim_room(const struct sim *);
void file_init(struct file *, const struct file_kind *);
/* Gives a new file the lowest free descriptor; takes the reference. -errno: then the file has been released. */
int sim_open(struct sim *, struct file *);
/* The same for two; 0 or -errno. */
int sim_open_pair(struct sim *, struct file *, struct file *, int fds[2]);
int sim_dup(struct sim *, int fd);
int sim_close_descriptor(struct sim *, int fd);
void file_unref(struct file *);
void sim_files_close(struct sim *);

/* sim_epoll.c. Something happened to the file: whoever watches it for one of the events in `key` (0: any) looks again. */
void file_wake(struct file *, uint32_t key);
/* The same for all files with that wait queue. */
void watches_wake(struct ring *watches, uint32_t key);
/* Ends all watches of a file that nobody names any more. */
void file_unwatch(struct file *);
int sim_epoll_create(struct sim *);
int sim_epoll_ctl(struct sim *, int epfd, int op, int fd, struct epoll_event *);
int sim_epoll_wait(struct sim *, int epfd, struct epoll_event *, int max, int64_t timeout);
int sim_poll(struct sim *, struct pollfd *, int count, int64_t timeout);

/* sim_pipe.c, sim_socket.c, sim_eventfd.c */
int sim_pipe(struct sim *, int fds[2], size_t capacity);
int sim_socketpair(struct sim *, int fds[2]);
int sim_eventfd(struct sim *);

/* sim_pipe.c. Whether it is an end of a pipe: the one to write to, or the other. */
bool pipe_is(const struct file *, bool writer);
/* Puts pages of a file in, from `offset` of it on, as many as there is room for: how many bytes; -EAGAIN, -EPIPE, -ENOMEM. */
ssize_t pipe_put_pages(struct file *, const char *data, size_t len, int64_t offset);
/* How many bytes it holds, at most `len`; copies them, unless data is NULL. They stay. */
size_t pipe_look(const struct file *, char *data, size_t len);

/* sim_splice.c: the door's entries */
ssize_t pipe_splice(struct sys *, int from, int64_t offset, int to, size_t len);
ssize_t pipe_wide(struct sys *, int fds[2], size_t bytes);

/* sim_socket.c. A socket that no descriptor names yet, or NULL. */
struct sock *sock_new(void);
/* NULL if the file is none. */
struct sock *sock_of(struct file *);
void sock_connect(struct sock *, struct sock *);

/* sim_names.c: what AF_UNIX sockets are called. Another domain would have its own two. */
void sim_names_init(struct sim *);
void sim_names_close(struct sim *);
int sim_name_take(struct sim *, struct sock *, const struct sockaddr *, socklen_t len);
/* Who has that name; -errno for connect if nobody has. */
int sim_name_find(struct sim *, const struct sockaddr *, socklen_t len, struct sock **);
/* Removes the path; its socket stays. 0, -ENOENT or -ENOTSOCK. */
int sim_name_unlink(struct sim *, const char *path);
/* The socket is about to end. */
void sim_name_give_up(struct sock *);

/* sim_listener.c: AF_UNIX sockets that are made one by one */
extern const struct socket_calls unix_calls;
int sim_unix_socket(struct sim *);

/* sim_net.c and sim_net_*.c: TCP */
int sim_net_socket(struct sim *, int domain);
void sim_net_begin(struct sim *);
void sim_net_end(struct sim *);

/* sim_sockets.c: sockets of any domain */
int sim_socket(struct sim *, int domain, int type);
int sim_bind(struct sim *, int fd, const struct sockaddr *, socklen_t len);
int sim_listen(struct sim *, int fd, int backlog);
int sim_accept(struct sim *, int fd, struct sockaddr *, socklen_t *len);
int sim_connect(struct sim *, int fd, const struct sockaddr *, socklen_t len);
int sim_socket_error(struct sim *, int fd);
int sim_set_option(struct sim *, int fd, int level, int option, int value);
int sim_sockname(struct sim *, int fd, struct address *out);
int sim_peername(struct sim *, int fd, struct address *out);

/* sim_hosts.c: addresses by name */
int sim_lookup(struct sim *, const char *host, int port, int family, struct address *out, int max);
void sim_hosts_close(struct sim *);

/* sim_disk.c: files by name; and the door's entries for them */
bool sim_disk_has(const struct sim *, const char *path);
int disk_open(struct sys *, const char *path, int flags, mode_t mode);
int disk_open_beneath(struct sys *, int dir, const char *path);
int disk_status(struct sys *, int fd, const char *name, struct file_status *out);
ssize_t disk_read_at(struct sys *, int fd, void *data, size_t len, int64_t offset);
ssize_t disk_read_names(struct sys *, int fd, char *out, size_t size);
/* What a file has from `offset` on: *data and how many bytes; -EBADF, or -EINVAL: it is no regular one. */
ssize_t disk_content(const struct sim *, int fd, int64_t offset, const char **data);
void sim_disk_close(struct sim *);

/* sim_signals.c */
void sim_signals_init(struct sim *);
/* What it does by default: kill, or nothing. */
bool sim_signal_kills(int signo);
int sim_sigprocmask(struct sim *, int how, const sigset_t *, sigset_t *old);
int sim_signalfd(struct sim *, int fd, const sigset_t *);

/* sim_process.c */
pid_t sim_spawn(struct sim *, const struct child *, int *pidfd);
pid_t sim_fork(struct sim *, int *pidfd);
int sim_kill(struct sim *, pid_t pid, int signo);
int sim_reap(struct sim *, int pidfd, bool wait);
void sim_processes_init(struct sim *);
void sim_processes_close(struct sim *);

/* sim_jobs.c */
int sim_submit(struct sim *, struct job *);
int sim_withdraw(struct sim *, struct job *);
/* The job that runs goes to sleep: it ends that much later. */
void sim_job_sleep(struct sim *, int64_t ns);
void sim_jobs_close(struct sim *);

/* sim_chunks.c. An empty chunk at the end of the queue, or NULL. */
struct chunk *chunks_add(struct chunks *, size_t size);
/* Takes the first out; puts one that stands in no queue at the end. */
struct chunk *chunks_pop(struct chunks *);
void chunks_push(struct chunks *, struct chunk *);
/* Drops the first; all. */
void chunks_drop(struct chunks *);
void chunks_clear(struct chunks *);
/* Moves at most `len` bytes out of the first chunk, which stays even if it is empty then. */
size_t chunks_take(struct chunks *, void *data, size_t len);

/* sim_memory.c */
void *sim_memory(struct sim *, void *old, size_t size);
void sim_memory_close(struct sim *);

#endif
