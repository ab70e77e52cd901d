/* sim_chunks.c - bytes on their way, in the portions the kernel keeps them in.
 *
 * The trap it exists for: a plain byte queue forgets the portions, and they show: a pipe is full when its pages are used,
 * not its bytes, and a socket's writer gets room back a whole packet at a time. */
#include "loop/sim_inside.h"

#include <stdlib.h>
#include <string.h>

void chunks_push(struct chunks *q, struct chunk *c)
{
    if (q->last)
        q->last->next = c;
    else
        q->first = c;
    q->last = c;
    q->count++;
}

struct chunk *chunks_add(struct chunks *q, size_t size)
{
    struct chunk *c = malloc(sizeof *c + size);
    if (!c)
        return NULL;
    *c = (struct chunk){ .size = size };
    chunks_push(q, c);
    return c;
}

struct chunk *chunks_pop(struct chunks *q)
{
    struct chunk *c = q->first;
    q->first = c->next;
    if (!q->first)
        q->last = NULL;
    q->count--;
    c->next = NULL;
    return c;
}

void chunks_drop(struct chunks *q)
{
    free(chunks_pop(q));
}

void chunks_clear(struct chunks *q)
{
    while (q->count)
        chunks_drop(q);
}

size_t chunks_take(struct chunks *q, void *data, size_t len)
{
    struct chunk *c = q->first;
    size_t n = c->end - c->begin < len ? c->end - c->begin : len;
    memcpy(data, c->data + c->begin, n);
    c->begin += n;
    return n;
}
