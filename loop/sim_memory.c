/* sim_memory.c - memory, counted.
 *
 * The trap it exists for: a block that grows usually stays where it is, so a pointer kept across realloc usually works.
 * Here a block never stays. */
#include "loop/sim_inside.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct ring of_sim;
    size_t size;
    alignas(max_align_t) char data[];
};

static void block_free(struct sim *sim, struct block *b)
{
    ring_remove(&b->of_sim);
    sim->block_count--;
    sim->block_bytes -= b->size;
    free(b);
}

void *sim_memory(struct sim *sim, void *old, size_t size)
{
    struct block *was = old ? OWNER(old, struct block, data) : NULL;
    struct block *b = size ? malloc(sizeof *b + size) : NULL;
    if (b) {
        b->size = size;
        ring_push(&sim->blocks, &b->of_sim);
        sim->block_count++;
        sim->block_bytes += size;
        if (was)
            memcpy(b->data, was->data, was->size < size ? was->size : size);
    }
    if (was && (b || !size))
        block_free(sim, was);
    return b ? b->data : NULL;
}

void sim_memory_close(struct sim *sim)
{
    while (!ring_empty(&sim->blocks))
        block_free(sim, OWNER(sim->blocks.next, struct block, of_sim));
}

struct sim_live sim_live(const struct sim *sim)
{
    return (struct sim_live){ sim->open, sim->block_count, sim->block_bytes, sim->mapped, sim->processes };
}
