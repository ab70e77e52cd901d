/* test_client_fuzz.c - answers with random mistakes in them, in random portions: each fetch comes to its end at once, with an
 * answer or with a sentence, and the next one hears its own. */
#include "http/tests/client_world.h"

static const char *const seeds[] = {
    LENGTH "5\r\nX-Y: z\r\n\r\nhello",
    CHUNKS "5\r\nhello\r\n3;a=\"b\"\r\nabc\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 103 Hints\r\nLink: <a>\r\n\r\n" LENGTH "2\r\n\r\nok",
    "HTTP/1.1 302 Moved\r\nLocation: http://b.example/x\r\nContent-Length: 4\r\n\r\nmove" LENGTH "2\r\n\r\nok",
    "HTTP/1.0 200 OK\r\nFold: a\r\n b\r\n\r\nuntil the end",
    "HTTP/1.1 204 None\r\nConnection: close\r\n\r\n",
};

static uint64_t state;

static unsigned pick(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

/* Bytes that mean something, and others. */
static char some_byte(void)
{
    static const char telling[] = "\r\n :;,0123456789abcdefxHT/.\t\"%-+\0\x7f\xff";
    return pick(4) ? telling[pick(sizeof telling - 1)] : (char)pick(256);
}

static size_t mutate(char *text, size_t len, size_t room)
{
    for (unsigned n = 1 + pick(3); n > 0 && len > 2; n--) {
        size_t at = pick((unsigned)len), piece = 1 + pick(8);
        if (piece > len - at)
            piece = len - at;
        unsigned what_to_do = pick(4);
        if (what_to_do == 0)
            text[at] = some_byte();
        else if (what_to_do == 1)
            memmove(text + at, text + at + piece, (len -= piece) - at);
        else if (what_to_do == 2 && len + piece < room)
            memmove(text + at + piece, text + at, (len += piece) - piece - at);
        else
            len = at + 1;
    }
    return len ? len : 1;
}

static bool known(int rc)
{
    return rc == -EBADMSG || rc == -EPIPE || rc == -EMSGSIZE || rc == -EINVAL || rc == -EPROTONOSUPPORT || rc == -ENOENT ||
           rc == -ECONNRESET || rc == -ECONNREFUSED;
}

START_TEST(whatever_comes_it_comes_to_an_end)
{
    const char *given = getenv("EDDY_SEEDS");
    int rounds = given && atoi(given) < 3000 ? atoi(given) : 3000;
    static char text[512];
    for (int i = 0; i < rounds; i++) {
        state = (uint64_t)i;
        const char *from = seeds[pick(sizeof seeds / sizeof *seeds)];
        memcpy(text, from, strlen(from));
        size_t len = mutate(text, strlen(from), sizeof text);
        script({ .say = text, .len = len, .first = pick((unsigned)len), .then = CLOSE }, { .say = LENGTH "2\r\n\r\nok" });
        what.max_body = 4096;
        struct http_response *r = tries("/");
        ck_assert_msg(r ? r->status >= 200 && r->status <= 999 : known(last_rc) && said.text[0] && last_why,
                      "round %d: %s: %s", i, strerror(-last_rc), said.text);
        gone(r);
        ck_assert_int_eq(http_client_load(client).running, 0);
        if (i % 8 == 0)
            gives("http://b.example/", 200, "ok");
    }
    ck_assert_int_le(now_ms(), 3 * rounds);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { whatever_comes_it_comes_to_an_end, NULL };
    return run_client("client fuzz", tests);
}
