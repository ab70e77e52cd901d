/* shelf.c - blocks to read into, shared by all streams of a loop. See shelf.h. */
#include "stream/shelf.h"

enum { KEPT = 64 };                /* 4 MiB: for as many streams as may well be ready together */

struct shelf {                      /* of one loop */
    struct extension extension;
    struct sys *sys;
    char *blocks[KEPT];             /* the last one put is the first taken: it is warm */
    int count;
};

static const char key;              /* only its address matters */

static void close_shelf(struct extension *extension)
{
    struct shelf *s = (struct shelf *)extension;
    while (s->count > 0)
        sys_free(s->sys, s->blocks[--s->count]);
    sys_free(s->sys, s);
}

static struct shelf *make_shelf(struct loop *loop)
{
    struct shelf *s = sys_new(loop_sys(loop), sizeof *s);
    if (!s)
        return NULL;
    s->extension = (struct extension){ .key = &key, .close = close_shelf };
    s->sys = loop_sys(loop);
    loop_extend(loop, &s->extension);
    return s;
}

char *shelf_take(struct loop *loop)
{
    struct shelf *s = (struct shelf *)loop_extension(loop, &key);
    if (!s)
        s = make_shelf(loop);
    if (s && s->count > 0)
        return s->blocks[--s->count];
    return s ? loop_sys(loop)->memory(loop_sys(loop), NULL, SHELF_BLOCK) : NULL;
}

void shelf_put(struct loop *loop, char *block)
{
    struct shelf *s = (struct shelf *)loop_extension(loop, &key);
    if (s && s->count < KEPT)
        s->blocks[s->count++] = block;
    else
        sys_free(loop_sys(loop), block);
}
