/* shelf.c - blocks to read into, shared by all streams of a loop. See shelf.h.
 *
 * Trap: what lies on the shelf is not free, and who still looks at it sees another's bytes; under the tools it is poisoned. */
#include "stream/shelf.h"

#include "stream/poison_inside.h"

enum { KEPT_BLOCKS = 64, KEPT_LITTLE = 256 };   /* 4 MiB and a quarter: for as many streams as may well be ready together */
enum { POISONED = 1024 };           /* bytes of a block, where views begin: all of it would cost valgrind more than the reading */

struct pile {                       /* of one size */
    size_t size;
    char **blocks;                  /* the last one put is the first taken: it is warm */
    int count, most;
};

struct shelf {                      /* of one loop */
    struct extension extension;
    struct sys *sys;
    struct pile large, little;
    char *blocks[KEPT_BLOCKS + KEPT_LITTLE];
};

static const char key;              /* only its address matters */

static struct shelf *shelf_of(struct loop *loop)
{
    return (struct shelf *)loop_extension(loop, &key);
}

static struct pile *pile_of(struct shelf *s, size_t size)
{
    return size == SHELF_BLOCK ? &s->large : &s->little;
}

static char *pop(struct pile *p)
{
    char *block = p->blocks[--p->count];
    unpoison(block, POISONED);
    return block;
}

static void push(struct pile *p, char *block)
{
    poison(block, POISONED);
    p->blocks[p->count++] = block;
}

static void clear(struct sys *sys, struct pile *p)
{
    while (p->count > 0)
        sys_free(sys, pop(p));
}

static void close_shelf(struct extension *extension)
{
    struct shelf *s = (struct shelf *)extension;
    clear(s->sys, &s->large);
    clear(s->sys, &s->little);
    sys_free(s->sys, s);
}

static struct shelf *make_shelf(struct loop *loop)
{
    struct shelf *s = sys_new(loop_sys(loop), sizeof *s);
    if (!s)
        return NULL;
    s->extension = (struct extension){ .key = &key, .close = close_shelf };
    s->sys = loop_sys(loop);
    s->large = (struct pile){ .size = SHELF_BLOCK, .blocks = s->blocks, .most = KEPT_BLOCKS };
    s->little = (struct pile){ .size = SHELF_LITTLE, .blocks = s->blocks + KEPT_BLOCKS, .most = KEPT_LITTLE };
    loop_extend(loop, &s->extension);
    return s;
}

char *shelf_take(struct loop *loop, size_t size)
{
    struct shelf *s = shelf_of(loop);
    if (!s)
        s = make_shelf(loop);
    if (!s)
        return NULL;
    struct pile *p = pile_of(s, size);
    return p->count > 0 ? pop(p) : s->sys->memory(s->sys, NULL, size);
}

void shelf_put(struct loop *loop, char *block, size_t size)
{
    struct shelf *s = shelf_of(loop);
    struct pile *p = s ? pile_of(s, size) : NULL;
    if (p && p->count < p->most)
        push(p, block);
    else
        sys_free(loop_sys(loop), block);
}

void shelf_give_back(struct loop *loop, struct buffer *b)
{
    size_t size = buffer_size(b);
    if (size == SHELF_BLOCK || size == SHELF_LITTLE)
        shelf_put(loop, buffer_release(b), size);
    else if (size)
        buffer_end(b, loop_sys(loop));
}
