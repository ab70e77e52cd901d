/* coding_zlib.c - gzip and deflate, by zlib. See coding.h.
 *
 * Traps: (a) what is called deflate has zlib's frame around it, or none. The first byte tells: with the frame its low half is 8;
 *            without, that would be a stored block with something in its padding, which nobody writes.
 *        (b) zlib counts what it is given in 32 bits.
 *        (c) a flush that fills the room to its last byte cannot be told from one that needs more; with no more than six bytes of
 *            it zlib would flush for ever. */
#include "http/coding.h"

#include <errno.h>
#include <limits.h>

#define ZLIB_CONST
#include <zlib.h>

#include "loop/require.h"

enum { FRAME_GZIP = MAX_WBITS + 16, FRAME_ZLIB = MAX_WBITS, FRAME_NONE = -MAX_WBITS, USUAL_LEVEL = 6, USUAL_MEMORY = 8 };

struct coder {
    struct sys *sys;
    z_stream z;
    bool packs, gzip;
    bool inside;                        /* unpacking: of a member that has not ended */
    bool again;                         /* one has ended */
};

/* ---- making and ending one ------------------------------------------------------------------------------------------ */

static void *get_memory(void *sys, uInt items, uInt size)
{
    return ((struct sys *)sys)->memory(sys, NULL, (size_t)items * size);
}

static void free_memory(void *sys, void *memory)
{
    sys_free(sys, memory);
}

static struct coder *coder_new(struct sys *sys)
{
    struct coder *c = sys_new(sys, sizeof *c);
    if (!c)
        return NULL;
    c->sys = sys;
    c->z.zalloc = get_memory;
    c->z.zfree = free_memory;
    c->z.opaque = sys;
    return c;
}

/* What zlib has said of its beginning. */
static struct coder *begun(struct coder *c, int rc)
{
    if (rc == Z_OK)
        return c;
    sys_free(c->sys, c);
    errno = ENOMEM;
    return NULL;
}

static bool is_gzip(struct bytes name)
{
    return text_alike(name, "gzip") || text_alike(name, "x-gzip");
}

static bool knows(struct bytes name)
{
    return is_gzip(name) || text_alike(name, "deflate");
}

static struct coder *unpack(struct sys *sys, struct bytes name)
{
    struct coder *c = coder_new(sys);
    if (!c)
        return NULL;
    c->gzip = is_gzip(name);
    return begun(c, inflateInit2(&c->z, FRAME_GZIP));
}

static struct coder *pack(struct sys *sys, int level)
{
    REQUIRE(level >= 0 && level <= 9, "gzip has the levels 1 to 9, and 0 for the usual one");
    struct coder *c = coder_new(sys);
    if (!c)
        return NULL;
    c->packs = true;
    return begun(c, deflateInit2(&c->z, level ? level : USUAL_LEVEL, Z_DEFLATED, FRAME_GZIP, USUAL_MEMORY, Z_DEFAULT_STRATEGY));
}

static void end(struct coder *c)
{
    if (c->packs)
        deflateEnd(&c->z);
    else
        inflateEnd(&c->z);
    sys_free(c->sys, c);
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static uInt counted(size_t len)
{
    return len < UINT_MAX ? (uInt)len : UINT_MAX;
}

/* One call of zlib's: its answer, and in *given how many bytes it gave. */
static int call(struct coder *c, struct bytes *in, int flush, char *out, size_t size, size_t *given)
{
    uInt offered = counted(in->len), room = counted(size);
    c->z.next_in = (const Bytef *)in->data;
    c->z.avail_in = offered;
    c->z.next_out = (Bytef *)out;
    c->z.avail_out = room;
    int rc = c->packs ? deflate(&c->z, offered < in->len ? Z_NO_FLUSH : flush) : inflate(&c->z, Z_NO_FLUSH);
    if (offered > c->z.avail_in)
        *in = (struct bytes){ in->data + (offered - c->z.avail_in), in->len - (offered - c->z.avail_in) };
    *given = room - c->z.avail_out;
    return rc;
}

static ssize_t pack_some(struct coder *c, struct bytes *in, enum coding_end last, char *out, size_t size)
{
    static const int flush[] = { [CODING_MORE] = Z_NO_FLUSH, [CODING_FLUSH] = Z_SYNC_FLUSH, [CODING_LAST] = Z_FINISH };
    size_t given;
    do {
        int rc = call(c, in, flush[last], out, size, &given);
        REQUIRE(rc != Z_STREAM_ERROR && (rc != Z_BUF_ERROR || in->len == 0), "nothing is packed behind CODING_LAST");
    } while (given == 0 && in->len);
    return (ssize_t)given;
}

static ssize_t wrong(const char **why, const char *sentence)
{
    *why = sentence;
    return -EBADMSG;
}

static ssize_t broken(const struct coder *c, const char **why)
{
    if (c->z.total_out)
        return wrong(why, "the packed body is broken: it does not unpack, or its check sum is another");
    return wrong(why, c->again ? "behind the end of the packed body come bytes that belong to nothing"
                               : "the body is not packed as its Content-Encoding says, or is broken at its beginning");
}

/* A member begins with that byte. False: none can. */
static bool member_begin(struct coder *c, char first)
{
    if (c->again && !c->gzip)
        return false;
    inflateReset2(&c->z, c->gzip ? FRAME_GZIP : (first & 15) == 8 ? FRAME_ZLIB : FRAME_NONE);
    c->inside = true;
    return true;
}

static ssize_t unpack_some(struct coder *c, struct bytes *in, enum coding_end last, char *out, size_t size, const char **why)
{
    size_t given = 0;
    do {
        if (!c->inside && in->len && !member_begin(c, *in->data))
            return wrong(why, "behind the end of the packed body come bytes that belong to nothing");
        int rc = c->inside ? call(c, in, Z_NO_FLUSH, out, size, &given) : Z_BUF_ERROR;
        if (rc == Z_MEM_ERROR) {
            *why = "no memory to unpack the body";
            return -ENOMEM;
        }
        if (rc == Z_DATA_ERROR || rc == Z_NEED_DICT)
            return broken(c, why);
        if (rc == Z_STREAM_END) {
            c->inside = false;
            c->again = true;
        }
    } while (given == 0 && in->len);
    if (given == 0 && last == CODING_LAST && c->inside)
        return wrong(why, "the packed body has ended before its end");
    return (ssize_t)given;
}

static ssize_t step(struct coder *c, struct bytes *in, enum coding_end last, char *out, size_t size, const char **why)
{
    REQUIRE(size >= CODING_LEAST, "a step of a coding needs room for CODING_LEAST bytes");
    return c->packs ? pack_some(c, in, last, out, size) : unpack_some(c, in, last, out, size, why);
}

const struct coding *coding_gzip(void)
{
    static const struct coding gzip = { "gzip", knows, unpack, pack, step, end };
    return &gzip;
}
