/* fence.c - blocks that end at an inaccessible page, and are inaccessible once freed. See probe.h and fence.h.
 *
 * An arena of address space, of which each block has a run of pages: it stands at the end of all but the last, and
 * the last stays inaccessible. Pages are searched from where the last block was put, so a freed block's are not used
 * again before the whole arena has been gone through. Traps: every block costs two mappings, of which a process may
 * have 65,530, so no more than FENCED blocks are fenced at a time; the others, the crowd, come from malloc, and are
 * only looked at when they are freed. One thread only. */
#include "grader/fence.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "grader/probe.h"

enum {
    PAGE = 4096, PAGES = 16384, FENCED = 4096, RUN_PAGES = 512,     /* a larger block joins the crowd */
    UNITS = 16, FRONT = 64,                                         /* alignment; how far before a block is looked at */
    WAITING = 4096, WAITING_BYTES = 1 << 22,                        /* freed blocks of the crowd that are kept aside */
    CANARY = 0xa5, RUBBISH = 0xaa, DEAD = 0xdd
};

enum state { NEVER, LIVE, FREED, ABANDONED };

struct block {
    char name[40];
    size_t size;
    int64_t tag;
    enum state state;
    struct block *next, *prev;      /* of those that came from fence_resize */
};

struct crowd {                      /* before each block of the crowd; CANARY behind it */
    uint64_t magic;
    struct crowd *next;             /* when freed */
    struct block block;
    _Alignas(UNITS) unsigned char data[];
};

#define MAGIC UINT64_C(0xedd7c0ded0c0ffee)
#define MOST ((size_t)1 << 36)          /* no block is larger: sizes can be added without care */

static char *arena;
static bool arena_refused;
static struct block blocks[PAGES];      /* by the first page of its run */
static uint16_t owner[PAGES];           /* the first page of this page's run, plus one; 0: nobody's yet */
static size_t cursor, fenced;
static struct crowd *waiting_first, *waiting_last;
static size_t waiting, waiting_bytes;
static struct fence_usage usage;
static struct block resized = { .next = &resized, .prev = &resized };

static void say_and_abort(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    abort();
}

static void (*damage)(const char *) = say_and_abort;

void fence_on_damage(void (*fn)(const char *))
{
    damage = fn;
}

static void damaged(const char *what, const struct block *b, const char *rest)
{
    char sentence[160];
    snprintf(sentence, sizeof sentence, "%s %s (%zu bytes)%s", what, b->name, b->size, rest);
    damage(sentence);
}

static size_t rounded(size_t size)
{
    return (size + UNITS - 1) / UNITS * UNITS;
}

static bool all(const unsigned char *data, size_t len, int value)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != value)
            return false;
    return true;
}

static void check_end(const struct block *b, const unsigned char *data, size_t len)
{
    if (!all(data + b->size, len - b->size, CANARY))
        damaged("wrote past the end of", b, ", as was seen when it was freed");
}

/* ---- runs of pages ---------------------------------------------------------------------------------------------- */

static bool arena_ready(void)
{
    if (!arena && !arena_refused) {
        void *got = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        arena_refused = got == MAP_FAILED;
        arena = arena_refused ? NULL : got;
    }
    return arena != NULL;
}

static bool page_live(size_t page)
{
    return owner[page] && blocks[owner[page] - 1].state == LIVE;
}

static size_t block_pages(const struct block *b)
{
    return (rounded(b->size) + PAGE - 1) / PAGE;
}

static unsigned char *block_data(const struct block *b)
{
    size_t first = (size_t)(b - blocks);
    return (unsigned char *)arena + (first + block_pages(b)) * PAGE - rounded(b->size);
}

/* The first page of `count` that are not in use, or PAGES. */
static size_t find_run(size_t count)
{
    size_t length = 0;
    for (size_t looked = 0; looked < PAGES + count; looked++) {
        if (cursor == PAGES)
            cursor = length = 0;
        length = page_live(cursor) ? 0 : length + 1;
        cursor++;
        if (length == count)
            return cursor - count;
    }
    return PAGES;
}

/* Gives pages to a new run. What is left of a freed run whose first page is among them belongs to nobody. */
static void take_run(size_t first, size_t count)
{
    for (size_t p = first + count; p < PAGES && owner[p] > first && owner[p] <= first + count; p++)
        owner[p] = 0;
    for (size_t p = first; p < first + count; p++)
        owner[p] = (uint16_t)(first + 1);
}

static void *run_new(size_t size, const char *name)
{
    size_t pages = (rounded(size) + PAGE - 1) / PAGE;
    if (fenced >= FENCED || pages > RUN_PAGES || !arena_ready())
        return NULL;
    size_t first = find_run(pages + 1);
    if (first == PAGES || mprotect(arena + first * PAGE, pages * PAGE, PROT_READ | PROT_WRITE) < 0)
        return NULL;
    struct block *b = &blocks[first];
    take_run(first, pages + 1);
    *b = (struct block){ .size = size, .state = LIVE };
    snprintf(b->name, sizeof b->name, "%s", name);
    fenced++;
    memset(block_data(b) + size, CANARY, rounded(size) - size);
    return block_data(b);
}

static void run_free(struct block *b)
{
    unsigned char *data = block_data(b);
    size_t front = (size_t)(data - (unsigned char *)arena) % PAGE;
    check_end(b, data, rounded(b->size));
    if (front > FRONT)
        front = FRONT;
    if (!all(data - front, front, 0))
        damaged("wrote before the beginning of", b, ", as was seen when it was freed");
    char *pages = arena + (size_t)(b - blocks) * PAGE;
    b->state = FREED;
    fenced--;
    madvise(pages, block_pages(b) * PAGE, MADV_DONTNEED);
    mprotect(pages, block_pages(b) * PAGE, PROT_NONE);
}

/* ---- the crowd -------------------------------------------------------------------------------------------------- */

static void *crowd_new(size_t size, const char *name)
{
    size_t room = rounded(size) + UNITS;
    struct crowd *c = aligned_alloc(UNITS, sizeof *c + room);
    if (!c)
        return NULL;
    *c = (struct crowd){ .magic = MAGIC, .block = { .size = size, .state = LIVE } };
    snprintf(c->block.name, sizeof c->block.name, "%s", name);
    memset(c->data + size, CANARY, room - size);
    usage.crowded++;
    return c->data;
}

static void crowd_release_oldest(void)
{
    struct crowd *c = waiting_first;
    if (!all(c->data, c->block.size, DEAD))
        damaged("wrote to", &c->block, " after it was freed");
    waiting_first = c->next;
    waiting--;
    waiting_bytes -= c->block.size;
    c->magic = 0;
    free(c);
}

static void crowd_free(struct crowd *c)
{
    check_end(&c->block, c->data, rounded(c->block.size) + UNITS);
    c->block.state = FREED;
    c->next = NULL;
    memset(c->data, DEAD, c->block.size);
    *(waiting_first ? &waiting_last->next : &waiting_first) = c;
    waiting_last = c;
    waiting++;
    waiting_bytes += c->block.size;
    usage.crowded--;
    while (waiting > WAITING || waiting_bytes > WAITING_BYTES)
        crowd_release_oldest();
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static bool in_arena(const void *address)
{
    return arena && (const char *)address >= arena && (const char *)address < arena + (size_t)PAGES * PAGE;
}

static struct crowd *crowd_of(void *data)
{
    return (struct crowd *)((char *)data - offsetof(struct crowd, data));
}

/* The block that begins there and is not freed; does not return if there is none. */
static struct block *block_of(void *data, const char *verb)
{
    struct block *b = NULL;
    char sentence[160];
    if (in_arena(data)) {
        uint16_t first = owner[((char *)data - arena) / PAGE];
        b = first && block_data(&blocks[first - 1]) == data ? &blocks[first - 1] : NULL;
    } else if ((uintptr_t)data % UNITS == 0 && crowd_of(data)->magic == MAGIC) {
        b = &crowd_of(data)->block;
    }
    if (b && b->state == LIVE)
        return b;
    if (b && b->state == ABANDONED)
        snprintf(sentence, sizeof sentence, "%s %s, after the world it belonged to had ended", verb, b->name);
    else if (b)
        snprintf(sentence, sizeof sentence, "%s %s, which was freed already", verb, b->name);
    else
        snprintf(sentence, sizeof sentence, "%s %p, where no block begins, or what is before it was overwritten", verb,
                 data);
    damage(sentence);
    return NULL;
}

static void *block_new(size_t size, const char *name)
{
    void *data = size > MOST ? NULL : run_new(size, name);
    if (!data && size <= MOST)
        data = crowd_new(size, name);
    if (!data)
        return NULL;
    usage.blocks++;
    usage.bytes += size;
    return data;
}

static void block_free(struct block *b, void *data)
{
    usage.blocks--;
    usage.bytes -= b->size;
    if (b->next) {
        b->next->prev = b->prev;
        b->prev->next = b->next;
    }
    if (in_arena(data))
        run_free(b);
    else
        crowd_free(crowd_of(data));
}

static void keep_in_mind(struct block *b)
{
    b->next = resized.next;
    b->prev = &resized;
    b->next->prev = b->prev->next = b;
}

void *fence_new(size_t size, const char *name)
{
    void *data = block_new(size ? size : 1, name);
    return data ? memset(data, 0, size) : NULL;
}

void fence_free(void *data)
{
    if (data)
        block_free(block_of(data, "freed"), data);
}

void *fence_resize(void *old, size_t size)
{
    static unsigned long count;
    struct block *was = old ? block_of(old, size ? "resized" : "freed") : NULL;
    char name[40], *data = NULL;
    if (size) {
        snprintf(name, sizeof name, "block %lu", ++count);
        if (!(data = block_new(size, name)))
            return NULL;
        keep_in_mind(block_of(data, "made"));
        memset(data, RUBBISH, size);
    }
    if (was && data)
        memcpy(data, old, was->size < size ? was->size : size);
    if (was)
        block_free(was, old);
    return data;
}

void fence_abandon(void)
{
    for (struct block *b; (b = resized.next) != &resized; ) {
        bool fence = b >= blocks && b < blocks + PAGES;
        block_free(b, fence ? block_data(b) : ((struct crowd *)((char *)b - offsetof(struct crowd, block)))->data);
        b->state = ABANDONED;
    }
}

int64_t *fence_tag(void *data)
{
    return &block_of(data, "freed or resized")->tag;
}

struct fence_usage fence_usage(void)
{
    return usage;
}

bool fence_crowded(void)
{
    return usage.crowded > 0;
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

void fence_words(const void *address, char *out, size_t size)
{
    uint16_t first = in_arena(address) ? owner[((const char *)address - arena) / PAGE] : 0;
    const struct block *b = first ? &blocks[first - 1] : NULL;
    if (!b) {
        if ((uintptr_t)address < PAGE)
            snprintf(out, size, "followed a NULL pointer (to address %zu)", (size_t)(uintptr_t)address);
        else
            snprintf(out, size, "touched address %p, which is nobody's", address);
        return;
    }
    const char *data = (const char *)block_data(b);
    const char *freed = b->state == FREED ? ", after it was freed" :
                        b->state == ABANDONED ? ", after the world it belonged to had ended" : "";
    ptrdiff_t into = (const char *)address - data;
    if (into < 0)
        snprintf(out, size, "touched %s (%zu bytes), %td bytes before its beginning%s", b->name, b->size, -into, freed);
    else if ((size_t)into < b->size)
        snprintf(out, size, "touched %s, %td bytes into it%s", b->name, into, freed);
    else
        snprintf(out, size, "touched %s (%zu bytes), %td bytes past its end%s", b->name, b->size,
                 into - (ptrdiff_t)b->size, freed);
}
