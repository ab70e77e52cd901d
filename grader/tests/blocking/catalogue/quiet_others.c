/* quiet_others.c - locks that are free, children that run on, memory, names and streams at hand; and a loop whose processor is
 * taken.
 *
 * The trap it exists for: a thread that is preempted is not asleep. */
#include "grader/tests/blocking/catalogue/catalogue.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netdb.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static sem_t semaphore;
static FILE *stream;
static DIR *folder;
static bool waiter_goes;
static void *volatile allocated;     /* so that no compiler leaves it out */

static void locks_a_free_mutex(struct trial *t)
{
    OPERATION(t, pthread_mutex_lock(&mutex));
    pthread_mutex_unlock(&mutex);
}

static void hold(struct trial *t)
{
    (void)t;
    pthread_mutex_lock(&mutex);
}

static void give(struct trial *t)
{
    (void)t;
    pthread_mutex_unlock(&mutex);
}

static void tries_a_held_mutex(struct trial *t)
{
    OPERATION(t, t->result = pthread_mutex_trylock(&mutex));
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

static void make_semaphore(struct trial *t)
{
    (void)t;
    sem_init(&semaphore, 0, 0);
}

static void tries_a_semaphore(struct trial *t)
{
    OPERATION(t, t->result = sem_trywait(&semaphore));
}

static void takes_a_raised_semaphore(struct trial *t)
{
    sem_post(&semaphore);
    OPERATION(t, t->result = sem_wait(&semaphore));
}

static void signals_nobody(struct trial *t)
{
    OPERATION(t, pthread_cond_signal(&condition));
}

static void *wait_again_and_again(void *none)
{
    pthread_mutex_lock(&mutex);
    while (!waiter_goes)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    return none;
}

static void make_waiter(struct trial *t)
{
    waiter_goes = false;
    make_rival(t, wait_again_and_again);
}

static void end_waiter(struct trial *t)
{
    (void)t;
    pthread_mutex_lock(&mutex);
    waiter_goes = true;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&condition);
}

static void nothing(void)
{
}

static void does_once_more(struct trial *t)
{
    OPERATION(t, pthread_once(&once, nothing));
}

static void make_barrier(struct trial *t)
{
    (void)t;
    pthread_barrier_init(&barrier, NULL, 1);
}

static void meets_itself(struct trial *t)
{
    OPERATION(t, pthread_barrier_wait(&barrier));
}

static void allocates_little(struct trial *t)
{
    OPERATION(t, allocated = malloc(64));
    free(allocated);
}

static void allocates_a_million(struct trial *t)
{
    OPERATION(t, memset(allocated = malloc(MANY), 1, MANY));
    free(allocated);
}

static void touches_new_memory(struct trial *t)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OPERATION(t, *(volatile char *)page = 1);
    munmap(page, 4096);
}

static void make_page(struct trial *t)
{
    t->size = 4096;
    t->memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void protects(struct trial *t)
{
    OPERATION(t, mprotect(t->memory, 4096, PROT_READ));
    mprotect(t->memory, 4096, PROT_READ | PROT_WRITE);
}

static void make_child(struct trial *t)
{
    t->child = (pid_t)must(fork(), "fork");
    if (t->child == 0) {
        pause();
        _exit(0);
    }
}

static void end_child(struct trial *t)
{
    kill(t->child, SIGKILL);
}

static void looks_for_children(struct trial *t)
{
    OPERATION(t, t->result = waitpid(-1, NULL, WNOHANG));
}

static void raises(struct trial *t)
{
    OPERATION(t, raise(SIGUSR1));
}

static void asks_for_signals(struct trial *t)
{
    const struct timespec none = { 0 };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    OPERATION(t, t->result = sigtimedwait(&set, NULL, &none));
}

static void yields(struct trial *t)
{
    OPERATION(t, sched_yield());
}

static void make_ring(struct trial *t)
{
    struct io_uring_params parameters = { 0 };
    t->fd[0] = (int)syscall(SYS_io_uring_setup, 4, &parameters);
    if (t->fd[0] < 0)
        t->absent = "io_uring is not allowed here";
}

static void submits_only(struct trial *t)
{
    OPERATION(t, t->result = syscall(SYS_io_uring_enter, t->fd[0], 0, 0, 0, NULL, 0));
}

static void resolves_a_number(struct trial *t)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found = NULL;
    OPERATION(t, t->result = getaddrinfo("127.0.0.1", "80", &hints, &found));
    freeaddrinfo(found);
}

static void make_messages(struct trial *t)
{
    t->result = must(msgget(IPC_PRIVATE, 0600), "msgget");
}

static void end_messages(struct trial *t)
{
    msgctl((int)t->result, IPC_RMID, NULL);
}

static void receives_no_message(struct trial *t)
{
    OPERATION(t, msgrcv((int)t->result, bytes, 64, 0, IPC_NOWAIT));
}

static void make_semaphores(struct trial *t)
{
    t->result = must(semget(IPC_PRIVATE, 1, 0600), "semget");
}

static void end_semaphores(struct trial *t)
{
    semctl((int)t->result, 0, IPC_RMID);
}

static void tries_to_lower(struct trial *t)
{
    struct sembuf down = { 0, -1, IPC_NOWAIT };
    OPERATION(t, semop((int)t->result, &down, 1));
}

static void make_stream(struct trial *t)
{
    (void)t;
    stream = fopen("/dev/null", "we");
}

static void make_cached_stream(struct trial *t)
{
    make_file(t, 4096);
    stream = fopen(t->path, "re");
    fgetc(stream);
}

static void end_stream(struct trial *t)
{
    (void)t;
    fclose(stream);
}

static void puts_to_buffer(struct trial *t)
{
    OPERATION(t, fputs("a line\n", stream));
}

static void prints_nowhere(struct trial *t)
{
    OPERATION(t, fprintf(stream, "%d lines\n", t->line));
    fflush(stream);
}

static void gets_from_buffer(struct trial *t)
{
    rewind(stream);
    OPERATION(t, t->result = fgetc(stream));
}

static void make_file_here(struct trial *t)
{
    make_file(t, 1);
}

static void stats(struct trial *t)
{
    struct stat s;
    OPERATION(t, t->result = stat(t->path, &s));
}

static void opens(struct trial *t)
{
    int fd;
    OPERATION(t, fd = open(t->path, O_RDONLY | O_CLOEXEC));
    close(fd);
}

static void asks_for_access(struct trial *t)
{
    OPERATION(t, t->result = access(t->path, R_OK));
}

static void make_folder(struct trial *t)
{
    (void)t;
    folder = opendir("/proc/self");
    while (readdir(folder))
        ;
}

static void end_folder(struct trial *t)
{
    (void)t;
    closedir(folder);
}

static void reads_folder(struct trial *t)
{
    rewinddir(folder);
    OPERATION(t, t->result = readdir(folder) != NULL);
}

static void gets_random_bytes(struct trial *t)
{
    OPERATION(t, t->result = getrandom(bytes, 16, 0));
}

static void tells_the_time(struct trial *t)
{
    time_t now = time(NULL);
    struct tm parts;
    OPERATION(t, localtime_r(&now, &parts));
}

static void looks_up_a_symbol(struct trial *t)
{
    OPERATION(t, t->result = dlsym(RTLD_DEFAULT, "malloc") != NULL);
}

static void sleeps_not_at_all(struct trial *t)
{
    const struct timespec past = { .tv_sec = 1 };
    OPERATION(t, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL));
}

static void *burn(void *self)
{
    const struct trial *t = self;
    while (!t->stop)
        ;
    return NULL;
}

static void make_burner(struct trial *t)
{
    make_rival(t, burn);
}

static void is_preempted(struct trial *t)
{
    OPERATION(t, spin(100000));
}

const struct behaviour quiet_others[] = {
    { "mutex-free", SILENT, NULL, locks_a_free_mutex, NULL, NULL, NULL },
    { "mutex-try", SILENT, NULL, tries_a_held_mutex, hold, NULL, give },
    { "rwlock-read", SILENT, NULL, locks_to_read, NULL, NULL, NULL },
    { "rwlock-write", SILENT, NULL, locks_to_write, NULL, NULL, NULL },
    { "semaphore-try", SILENT, NULL, tries_a_semaphore, make_semaphore, NULL, NULL },
    { "semaphore-raised", SILENT, NULL, takes_a_raised_semaphore, make_semaphore, NULL, NULL },
    { "condition-nobody", SILENT, NULL, signals_nobody, NULL, NULL, NULL },
    { "condition-somebody", SILENT, NULL, signals_nobody, make_waiter, NULL, end_waiter },
    { "once-more", SILENT, NULL, does_once_more, NULL, NULL, NULL },
    { "barrier-of-one", SILENT, NULL, meets_itself, make_barrier, NULL, NULL },
    { "malloc", SILENT, NULL, allocates_little, NULL, NULL, NULL },
    { "malloc-million", SILENT, NULL, allocates_a_million, NULL, NULL, NULL },
    { "touch-new", SILENT, NULL, touches_new_memory, NULL, NULL, NULL },
    { "mprotect", SILENT, NULL, protects, make_page, NULL, NULL },
    { "waitpid-nohang", SILENT, NULL, looks_for_children, make_child, NULL, end_child },
    { "raise", SILENT, NULL, raises, NULL, NULL, NULL },
    { "sigtimedwait-now", SILENT, NULL, asks_for_signals, NULL, NULL, NULL },
    { "sched_yield", SILENT, NULL, yields, NULL, NULL, NULL },
    { "io_uring-submit", SILENT, NULL, submits_only, make_ring, NULL, NULL },
    { "getaddrinfo-number", SILENT, NULL, resolves_a_number, NULL, NULL, NULL },
    { "msgrcv-nowait", SILENT, NULL, receives_no_message, make_messages, NULL, end_messages },
    { "semop-nowait", SILENT, NULL, tries_to_lower, make_semaphores, NULL, end_semaphores },
    { "fputs-buffer", SILENT, NULL, puts_to_buffer, make_stream, NULL, end_stream },
    { "fprintf-nowhere", SILENT, NULL, prints_nowhere, make_stream, NULL, end_stream },
    { "fgetc-buffer", SILENT, NULL, gets_from_buffer, make_cached_stream, NULL, end_stream },
    { "stat-cached", SILENT, NULL, stats, make_file_here, NULL, NULL },
    { "open-cached", SILENT, NULL, opens, make_file_here, NULL, NULL },
    { "access-cached", SILENT, NULL, asks_for_access, make_file_here, NULL, NULL },
    { "readdir-cached", SILENT, NULL, reads_folder, make_folder, NULL, end_folder },
    { "getrandom", SILENT, NULL, gets_random_bytes, NULL, NULL, NULL },
    { "localtime", SILENT, NULL, tells_the_time, NULL, NULL, NULL },
    { "dlsym", SILENT, NULL, looks_up_a_symbol, NULL, NULL, NULL },
    { "clock_nanosleep-past", SILENT, NULL, sleeps_not_at_all, NULL, NULL, NULL },
    { "preempted", SILENT, NULL, is_preempted, make_burner, NULL, NULL },
    { 0 },
};
