/* hall.c - what all servers of an echo have in common. See hall.h. */
#include "stream/bench/hall.h"

#include <stdlib.h>

#include "stream/bench/streams.h"

void hall_open(struct hall *h, int count, size_t message)
{
    h->count = count;
    h->message = message;
    h->fds = bench_array((size_t)count, sizeof *h->fds);
    h->crowd = crowd_new(count, message, h->fds);
}

void hall_begin(struct hall *h, long ops)
{
    long rounds = ops / h->count;
    h->left = rounds * h->count * (int64_t)h->message;
    crowd_go(h->crowd, rounds);
}

bool hall_said(struct hall *h, long bytes)
{
    h->left -= bytes;
    return h->left <= 0;
}

void hall_close(struct hall *h)
{
    crowd_close(h->crowd);
    free(h->fds);
}

const char *many_unfit(void)
{
    return crowd_fits(2 * MANY) ? NULL : "two servers with 9,000 connections need 18,100 descriptors: ulimit -n allows fewer";
}
