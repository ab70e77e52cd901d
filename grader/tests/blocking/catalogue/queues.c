/* queues.c - message queues and semaphores of the system, and asynchronous operations that are waited for.
 *
 * The trap it exists for: an asynchronous interface that is used as a synchronous one. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 64 };

static struct { long kind; char text[TEXT]; } message = { 1, "" };
static mqd_t queue = (mqd_t)-1;
static struct aiocb operation;
static aio_context_t context;
static const struct timespec two_ms = { .tv_nsec = 2000000 };

static void make_messages(struct trial *t)
{
    t->size = 0;
    t->result = must(msgget(IPC_PRIVATE, 0600), "msgget");
}

static void make_full_messages(struct trial *t)
{
    make_messages(t);
    while (msgsnd((int)t->result, &message, TEXT, IPC_NOWAIT) == 0)
        ;
}

static void end_messages(struct trial *t)
{
    msgctl((int)t->result, IPC_RMID, NULL);
}

static void put_message(struct trial *t)
{
    msgsnd((int)t->result, &message, TEXT, IPC_NOWAIT);
}

static void get_message(struct trial *t)
{
    msgrcv((int)t->result, &message, TEXT, 0, IPC_NOWAIT);
}

static void receives_a_message(struct trial *t)
{
    OPERATION(t, msgrcv((int)t->result, &message, TEXT, 0, 0));
}

static void sends_a_message(struct trial *t)
{
    OPERATION(t, msgsnd((int)t->result, &message, TEXT, 0));
}

static void make_semaphores(struct trial *t)
{
    t->result = must(semget(IPC_PRIVATE, 1, 0600), "semget");
}

static void end_semaphores(struct trial *t)
{
    semctl((int)t->result, 0, IPC_RMID);
}

static void raise_semaphore(struct trial *t)
{
    struct sembuf up = { 0, 1, 0 };
    semop((int)t->result, &up, 1);
}

static void lowers_semaphore(struct trial *t)
{
    struct sembuf down = { 0, -1, 0 };
    OPERATION(t, semop((int)t->result, &down, 1));
}

static void lowers_semaphore_in_time(struct trial *t)
{
    struct sembuf down = { 0, -1, 0 };
    OPERATION(t, semtimedop((int)t->result, &down, 1, &two_ms));
}

static void make_queue(struct trial *t)
{
    struct mq_attr size = { .mq_maxmsg = 2, .mq_msgsize = TEXT };
    char name[64];
    snprintf(name, sizeof name, "/eddy-catalogue-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &size);
    if (queue == (mqd_t)-1)
        t->absent = "there are no POSIX message queues here";
    mq_unlink(name);
}

static void make_full_queue(struct trial *t)
{
    make_queue(t);
    for (int i = 0; i < 2 && !t->absent; i++)
        mq_send(queue, bytes, TEXT, 0);
}

static void end_queue(struct trial *t)
{
    if (!t->absent)
        mq_close(queue);
}

static void put_in_queue(struct trial *t)
{
    const struct timespec now = { 0 };
    (void)t;
    mq_timedsend(queue, bytes, TEXT, 0, &now);
}

static void get_from_queue(struct trial *t)
{
    const struct timespec now = { 0 };
    (void)t;
    mq_timedreceive(queue, bytes, TEXT, NULL, &now);
}

static void receives_from_queue(struct trial *t)
{
    OPERATION(t, t->result = mq_receive(queue, bytes, TEXT, NULL));
}

static void sends_to_queue(struct trial *t)
{
    OPERATION(t, t->result = mq_send(queue, bytes, TEXT, 0));
}

static void make_ring(struct trial *t)
{
    struct io_uring_params parameters = { 0 };
    t->fd[0] = (int)syscall(SYS_io_uring_setup, 4, &parameters);
    if (t->fd[0] < 0 || !(parameters.features & IORING_FEAT_EXT_ARG))
        t->absent = t->fd[0] < 0 ? "io_uring is not allowed here" : "this kernel's io_uring has no time-outs";
}

static void waits_for_completion(struct trial *t)
{
    struct __kernel_timespec time = { .tv_nsec = 2000000 };
    struct io_uring_getevents_arg how = { .ts = (uint64_t)(uintptr_t)&time };
    const unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    OPERATION(t, t->result = syscall(SYS_io_uring_enter, t->fd[0], 0, 1, flags, &how, sizeof how));
}

static void make_context(struct trial *t)
{
    context = 0;
    if (syscall(SYS_io_setup, 4, &context) < 0)
        t->absent = "the kernel's asynchronous operations are not allowed here";
}

static void end_context(struct trial *t)
{
    if (!t->absent)
        syscall(SYS_io_destroy, context);
}

static void waits_for_events(struct trial *t)
{
    struct io_event event;
    struct timespec time = two_ms;
    OPERATION(t, t->result = syscall(SYS_io_getevents, context, 1, 1, &event, &time));
}

static void make_read(struct trial *t)
{
    make_pipe(t);
    operation = (struct aiocb){ .aio_fildes = t->fd[0], .aio_buf = bytes, .aio_nbytes = 1 };
    must(aio_read(&operation), "aio_read");
}

static void waits_for_read(struct trial *t)
{
    const struct aiocb *list[] = { &operation };
    OPERATION(t, t->result = aio_suspend(list, 1, NULL));
}

static void make_request(struct trial *t)
{
    make_pipe(t);
    operation = (struct aiocb){ .aio_fildes = t->fd[0], .aio_buf = bytes, .aio_nbytes = 1, .aio_lio_opcode = LIO_READ };
}

static void lists_and_waits(struct trial *t)
{
    struct aiocb *list[] = { &operation };
    OPERATION(t, t->result = lio_listio(LIO_WAIT, list, 1, NULL));
}

const struct behaviour queues[] = {
    { "msgrcv-empty", BLOCKS, "msgrcv", receives_a_message, make_messages, put_message, end_messages },
    { "msgsnd-full", BLOCKS, "msgsnd", sends_a_message, make_full_messages, get_message, end_messages },
    { "semop", BLOCKS, "semop", lowers_semaphore, make_semaphores, raise_semaphore, end_semaphores },
    { "semtimedop", BLOCKS, "semtimedop", lowers_semaphore_in_time, make_semaphores, NULL, end_semaphores },
    { "mq_receive-empty", BLOCKS, "mq_receive", receives_from_queue, make_queue, put_in_queue, end_queue },
    { "mq_send-full", BLOCKS, "mq_send", sends_to_queue, make_full_queue, get_from_queue, end_queue },
    { 0 },
};

const struct behaviour completions[] = {
    { "io_uring-wait", BLOCKS, "syscall io_uring_enter", waits_for_completion, make_ring, NULL, NULL },
    { "io_getevents", BLOCKS, "syscall io_getevents", waits_for_events, make_context, NULL, end_context },
    { "aio_suspend", BLOCKS, "aio_suspend", waits_for_read, make_read, send_byte, NULL },
    { "lio_listio", BLOCKS, "lio_listio", lists_and_waits, make_request, send_byte, NULL },
    { 0 },
};
