/* fuzz_world.h - a world for each input: what the targets with connections share. What is said in it comes at once, or in
 * portions that the input's first two bytes choose; and what comes of it must be the same. */
#ifndef EDDY_HTTP_TESTS_FUZZ_WORLD_H
#define EDDY_HTTP_TESTS_FUZZ_WORLD_H

#include "http/tests/fuzz/model.h"
#include "loop/loop.h"
#include "loop/sim_net.h"
#include "stream/tcp.h"

enum { FUZZ_MOST = 1024 };

struct portions {
    size_t most;                    /* bytes of one; 0: all at once */
    uint64_t chance;
};

static struct sim *sim;
static struct sys *sys;
static struct loop *loop;

static inline void world_begin(void)
{
    sim = sim_new(0);
    MUST(sim != NULL);
    sys = sim_sys(sim);
    loop = loop_new(sys);
    MUST(loop != NULL);
}

/* In which nothing may be left. */
static inline void world_end(void)
{
    loop_close(loop);
    struct sim_live live = sim_live(sim);
    MUST(live.descriptors == 0 && live.blocks == 0 && live.mapped == 0);
    sim_close(sim);
}

static inline void world_stop(void *self, int what)
{
    (void)self, (void)what;
    loop_stop(loop);
}

static inline void pass(int64_t ns)
{
    struct future f = {0};
    future_sleep(loop, ns, future_then(&f, world_stop, NULL));
    MUST(loop_start(loop) == 0);
}

/* What is read and written moves in small pieces, too. */
static inline void portions_begin(const struct portions *p)
{
    sim_shorten(sim, CALL_READ, p->most);
    sim_shorten(sim, CALL_WRITE, p->most);
}

static inline size_t portion_next(struct portions *p, size_t left)
{
    size_t n = p->most ? 1 + fuzz_below(&p->chance, p->most) : left;
    return n < left ? n : left;
}

/* The portions that an input's first two bytes choose, and what is behind those. */
static inline struct portions portions_of(struct bytes *input)
{
    struct portions p = { .most = 1 };
    if (input->len > FUZZ_MOST)
        input->len = FUZZ_MOST;
    for (int i = 0; i < 2 && input->len; i++, input->data++, input->len--) {
        p.most += i == 0 ? (unsigned char)input->data[0] % 64 : 0;
        p.chance = p.chance << 8 | (unsigned char)input->data[0];
    }
    return p;
}

static inline void said_word(struct said *s, const char *word, long number)
{
    char line[64];
    said_add(s, line, (size_t)snprintf(line, sizeof line, "%s %ld\n", word, number));
}

/* "said" of two runs is the same; else both are shown. */
static inline void said_equal(const struct said *a, const struct said *b, const char *what)
{
    if (a->len == b->len && memcmp(a->text, b->text, a->len) == 0)
        return;
    fprintf(stderr, "%s\n---- at once:\n%.*s\n---- otherwise:\n%.*s\n", what, (int)a->len, a->text, (int)b->len, b->text);
    abort();
}

#endif
