/* locks.c - what other threads hold, and what the loop's thread waits for.
 *
 * The helper takes in the preparation what it gives back in the relief: the same thread does both, as a lock demands. The trap it
 * exists for: a lock that is free again before anybody wanted it. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once;
static mtx_t c_mutex;
static cnd_t c_condition;
static sem_t semaphore;
static _Atomic uint32_t futex_word;
static bool held;
static FILE *stream;
static char line[] = "a line\n";    /* of a constant gcc makes another call */

static struct timespec in_ms(clockid_t clock, int ms)
{
    struct timespec until;
    clock_gettime(clock, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static void hold_mutex(struct trial *t)
{
    (void)t;
    pthread_mutex_lock(&mutex);
    held = true;
}

static void give_mutex(struct trial *t)
{
    (void)t;
    if (held)
        pthread_mutex_unlock(&mutex);
    held = false;
}

static void locks_mutex(struct trial *t)
{
    OPERATION(t, pthread_mutex_lock(&mutex));
    pthread_mutex_unlock(&mutex);
}

static void hold_inheriting(struct trial *t)
{
    pthread_mutexattr_t how;
    pthread_mutexattr_init(&how);
    pthread_mutexattr_setprotocol(&how, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex, &how);
    hold_mutex(t);
}

static void end_inheriting(struct trial *t)
{
    (void)t;
    pthread_mutex_init(&mutex, NULL);
}

static void locks_mutex_in_time(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 2);
    OPERATION(t, t->result = pthread_mutex_timedlock(&second, &until));
}

static void locks_mutex_by_clock(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_MONOTONIC, 2);
    OPERATION(t, t->result = pthread_mutex_clocklock(&second, CLOCK_MONOTONIC, &until));
}

static void hold_second(struct trial *t)
{
    (void)t;
    pthread_mutex_lock(&second);
}

static void give_second(struct trial *t)
{
    (void)t;
    pthread_mutex_unlock(&second);
}

static void hold_rwlock(struct trial *t)
{
    (void)t;
    pthread_rwlock_wrlock(&rwlock);
    held = true;
}

static void give_rwlock(struct trial *t)
{
    (void)t;
    if (held)
        pthread_rwlock_unlock(&rwlock);
    held = false;
}

static void locks_to_read(struct trial *t)
{
    OPERATION(t, pthread_rwlock_rdlock(&rwlock));
    pthread_rwlock_unlock(&rwlock);
}

static void locks_to_write(struct trial *t)
{
    OPERATION(t, pthread_rwlock_wrlock(&rwlock));
    pthread_rwlock_unlock(&rwlock);
}

static void wake_condition(struct trial *t)
{
    (void)t;
    pthread_cond_signal(&condition);
}

static void waits_for_condition(struct trial *t)
{
    pthread_mutex_lock(&second);
    OPERATION(t, pthread_cond_wait(&condition, &second));
    pthread_mutex_unlock(&second);
}

static void waits_for_condition_in_time(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 2);
    pthread_mutex_lock(&second);
    OPERATION(t, t->result = pthread_cond_timedwait(&condition, &second, &until));
    pthread_mutex_unlock(&second);
}

static void waits_for_condition_by_clock(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_MONOTONIC, 2);
    pthread_mutex_lock(&second);
    OPERATION(t, t->result = pthread_cond_clockwait(&condition, &second, CLOCK_MONOTONIC, &until));
    pthread_mutex_unlock(&second);
}

static void make_semaphore(struct trial *t)
{
    (void)t;
    must(sem_init(&semaphore, 0, 0), "sem_init");
}

static void post(struct trial *t)
{
    (void)t;
    must(sem_post(&semaphore), "sem_post");
}

static void waits_for_semaphore(struct trial *t)
{
    OPERATION(t, sem_wait(&semaphore));
}

static void waits_for_semaphore_in_time(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 2);
    OPERATION(t, t->result = sem_timedwait(&semaphore, &until));
}

static void waits_for_semaphore_by_clock(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_MONOTONIC, 2);
    OPERATION(t, t->result = sem_clockwait(&semaphore, CLOCK_MONOTONIC, &until));
}

static void *sleep_a_little(void *none)
{
    const struct timespec time = { .tv_nsec = 2000000 };
    nanosleep(&time, NULL);
    return none;
}

static int sleep_a_little_too(void *none)
{
    return sleep_a_little(none) != NULL;
}

static void make_thread(struct trial *t)
{
    must(-pthread_create(&t->thread, NULL, sleep_a_little, NULL), "pthread_create");
}

static void joins(struct trial *t)
{
    OPERATION(t, pthread_join(t->thread, NULL));
}

static void joins_in_time(struct trial *t)
{
    struct timespec until = in_ms(CLOCK_REALTIME, 500);
    OPERATION(t, pthread_timedjoin_np(t->thread, NULL, &until));
}

static void make_c_thread(struct trial *t)
{
    must(thrd_create(&t->thread, sleep_a_little_too, NULL) == thrd_success ? 0 : -1, "thrd_create");
}

static void joins_c_thread(struct trial *t)
{
    OPERATION(t, thrd_join(t->thread, NULL));
}

static void make_barrier(struct trial *t)
{
    (void)t;
    pthread_barrier_init(&barrier, NULL, 2);
    held = true;
}

static void meet(struct trial *t)
{
    (void)t;
    if (held)
        pthread_barrier_wait(&barrier);
    held = false;
}

static void waits_at_barrier(struct trial *t)
{
    OPERATION(t, pthread_barrier_wait(&barrier));
}

static void make_futex(struct trial *t)
{
    (void)t;
    futex_word = 0;
}

static void wake_futex(struct trial *t)
{
    (void)t;
    futex_word = 1;
    syscall(SYS_futex, &futex_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void waits_for_futex(struct trial *t)
{
    OPERATION(t, syscall(SYS_futex, &futex_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
}

static void once_slowly(void)
{
    sleep_a_little(NULL);
}

static void *do_once(void *none)
{
    pthread_once(&once, once_slowly);
    return none;
}

/* Another thread is in the routine, so that the sleep is the waiting for it. */
static void make_once(struct trial *t)
{
    once = PTHREAD_ONCE_INIT;
    make_rival(t, do_once);
    while (*(volatile pthread_once_t *)&once == PTHREAD_ONCE_INIT)
        ;
}

static void waits_for_once(struct trial *t)
{
    OPERATION(t, pthread_once(&once, once_slowly));
}

static void hold_c_mutex(struct trial *t)
{
    if (t->number == 0)
        mtx_init(&c_mutex, mtx_plain);
    mtx_lock(&c_mutex);
    held = true;
}

static void give_c_mutex(struct trial *t)
{
    (void)t;
    if (held)
        mtx_unlock(&c_mutex);
    held = false;
}

static void locks_c_mutex(struct trial *t)
{
    OPERATION(t, mtx_lock(&c_mutex));
    mtx_unlock(&c_mutex);
}

static void make_c_condition(struct trial *t)
{
    if (t->number == 0) {
        mtx_init(&c_mutex, mtx_plain);
        cnd_init(&c_condition);
    }
}

static void wake_c_condition(struct trial *t)
{
    (void)t;
    cnd_signal(&c_condition);
}

static void waits_for_c_condition(struct trial *t)
{
    mtx_lock(&c_mutex);
    OPERATION(t, cnd_wait(&c_condition, &c_mutex));
    mtx_unlock(&c_mutex);
}

static void hold_stream(struct trial *t)
{
    (void)t;
    if (!stream)
        stream = fopen("/dev/null", "we");
    flockfile(stream);
    held = true;
}

static void give_stream(struct trial *t)
{
    (void)t;
    if (held)
        funlockfile(stream);
    held = false;
}

static void puts_to_a_locked_stream(struct trial *t)
{
    OPERATION(t, fputs(line, stream));
}

static void locks_a_stream(struct trial *t)
{
    OPERATION(t, flockfile(stream));
    funlockfile(stream);
}

/* A thread that has vforked answers when its child has gone. */
static void *vfork_slowly(void *self)
{
    struct trial *t = self;
    held = true;
    t->child = vfork();
    if (t->child == 0) {
        sleep_a_little(NULL);
        _exit(0);
    }
    return NULL;
}

static void make_vforked(struct trial *t)
{
    held = false;
    make_rival(t, vfork_slowly);
    while (!*(volatile bool *)&held)
        ;
}

static void changes_users(struct trial *t)
{
    OPERATION(t, t->result = setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
}

static void waits_for_all_processors(struct trial *t)
{
    OPERATION(t, t->result = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
}

const struct behaviour locks[] = {
    { "mutex", BLOCKS, "pthread_mutex_lock", locks_mutex, hold_mutex, give_mutex, NULL },
    { "mutex-inheriting", BLOCKS, "pthread_mutex_lock", locks_mutex, hold_inheriting, give_mutex, end_inheriting },
    { "mutex-timed", BLOCKS, "pthread_mutex_timedlock", locks_mutex_in_time, hold_second, NULL, give_second },
    { "mutex-clock", BLOCKS, "pthread_mutex_clocklock", locks_mutex_by_clock, hold_second, NULL, give_second },
    { "rwlock-to-read", BLOCKS, "pthread_rwlock_rdlock", locks_to_read, hold_rwlock, give_rwlock, NULL },
    { "rwlock-to-write", BLOCKS, "pthread_rwlock_wrlock", locks_to_write, hold_rwlock, give_rwlock, NULL },
    { "condition", BLOCKS, "pthread_cond_wait", waits_for_condition, NULL, wake_condition, NULL },
    { "condition-timed", BLOCKS, "pthread_cond_timedwait", waits_for_condition_in_time, NULL, NULL, NULL },
    { "condition-clock", BLOCKS, "pthread_cond_clockwait", waits_for_condition_by_clock, NULL, NULL, NULL },
    { "semaphore", BLOCKS, "sem_wait", waits_for_semaphore, make_semaphore, post, NULL },
    { "semaphore-timed", BLOCKS, "sem_timedwait", waits_for_semaphore_in_time, make_semaphore, NULL, NULL },
    { "semaphore-clock", BLOCKS, "sem_clockwait", waits_for_semaphore_by_clock, make_semaphore, NULL, NULL },
    { "join", BLOCKS, "pthread_join", joins, make_thread, NULL, NULL },
    { "join-timed", BLOCKS, "pthread_timedjoin_np", joins_in_time, make_thread, NULL, NULL },
    { "c-join", BLOCKS, "thrd_join", joins_c_thread, make_c_thread, NULL, NULL },
    { "barrier", BLOCKS, "pthread_barrier_wait", waits_at_barrier, make_barrier, meet, NULL },
    { "futex", BLOCKS, "syscall futex", waits_for_futex, make_futex, wake_futex, NULL },
    { "once", BLOCKS, "pthread_once", waits_for_once, make_once, NULL, NULL },
    { "c-mutex", BLOCKS, "mtx_lock", locks_c_mutex, hold_c_mutex, give_c_mutex, NULL },
    { "c-condition", BLOCKS, "cnd_wait", waits_for_c_condition, make_c_condition, wake_c_condition, NULL },
    { "locked-stream", BLOCKS, "fputs", puts_to_a_locked_stream, hold_stream, give_stream, NULL },
    { "flockfile", BLOCKS, "flockfile", locks_a_stream, hold_stream, give_stream, NULL },
    { "setresuid", BLOCKS, "setresuid", changes_users, make_vforked, NULL, NULL },
    { "membarrier", BLOCKS, "syscall membarrier", waits_for_all_processors, NULL, NULL, NULL },
    { 0 },
};
