/* sim_jobs.c - jobs, where there are no threads.
 *
 * A job begins when somebody waits next: from then on it cannot be withdrawn. When its time is over it runs, at one instant,
 * inside whatever wait gets there. The trap it exists for: a job is part of the program, not of the world, so its calls are
 * counted and fail like all others; but it stands inside a wait already, so it cannot wait itself. */
#include "loop/sim_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "loop/require.h"

struct errand {
    struct ring of_sim;
    struct sim *sim;
    struct job *job;                /* NULL: withdrawn */
    bool begun;
};

static void errand_free(struct errand *e)
{
    ring_remove(&e->of_sim);
    free(e);
}

static void errand_end(void *self, int what)
{
    struct errand *e = self;
    struct sim *sim = e->sim;
    struct job *job = e->job;
    (void)what;
    errand_free(e);
    sim->outside = false;
    job->ended(job->self);
    sim->outside = true;
}

static void errand_run(void *self, int what)
{
    struct errand *e = self;
    struct sim *sim = e->sim;
    sim->outside = false;
    sim->job_runs = true;
    sim->job_slept = 0;
    e->job->run(e->job->self);
    sim->job_runs = false;
    sim->outside = true;
    if (sim->job_slept == 0 || sim_at(sim, sim->now + sim->job_slept, errand_end, e) < 0)
        errand_end(e, what);
}

static int64_t how_long(struct sim *sim)
{
    uint64_t most = (uint64_t)(sim->job_max - sim->job_min);
    return sim->job_min + (most ? (int64_t)(sim_chance(sim) % (most + 1)) : 0);
}

static void errand_begin(void *self, int what)
{
    struct errand *e = self;
    if (!e->job) {
        errand_free(e);
        return;
    }
    e->begun = true;
    int64_t time = how_long(e->sim);
    if (time == 0 || sim_at(e->sim, e->sim->now + time, errand_run, e) < 0)
        errand_run(e, what);
}

int sim_submit(struct sim *sim, struct job *job)
{
    struct errand *e = calloc(1, sizeof *e);
    if (!e || sim_at(sim, sim->now, errand_begin, e) < 0) {
        free(e);
        return -ENOMEM;
    }
    e->sim = sim;
    e->job = job;
    ring_push(&sim->jobs, &e->of_sim);
    return 0;
}

int sim_withdraw(struct sim *sim, struct job *job)
{
    for (struct ring *r = sim->jobs.next; r != &sim->jobs; r = r->next) {
        struct errand *e = OWNER(r, struct errand, of_sim);
        if (e->job != job)
            continue;
        if (e->begun)
            return -EALREADY;
        e->job = NULL;
        return 0;
    }
    return -EALREADY;
}

void sim_job_sleep(struct sim *sim, int64_t ns)
{
    sim->job_slept += ns;
}

void sim_job_time(struct sim *sim, int64_t min, int64_t max)
{
    REQUIRE(min >= 0 && max >= min, "sim_job_time: a job takes between min and max ns, which are in this order and not negative");
    sim->job_min = min;
    sim->job_max = max;
}

void sim_jobs_close(struct sim *sim)
{
    while (!ring_empty(&sim->jobs))
        errand_free(OWNER(sim->jobs.next, struct errand, of_sim));
}
