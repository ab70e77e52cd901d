/* tls_peers.c - our side of tls_peers.py: a TLS server or client that says in lines what becomes of each connection.
 *
 *     tls_peers serve OPTION...           "port N", then its connections, until standard input ends; then "done"
 *     tls_peers connect PORT OPTION...    to 127.0.0.1, so many times, one after the other
 *
 * Options: cert=FILE ca=FILE trust=always|anybody alpn=a,b lowest=13 ciphers=LIST; serve: sni=NAME:FILE plan=smtp handshake=MS;
 * connect: name=NAME bytes=N times=N plan=smtp. Without a plan the server echoes, and the client sends so many bytes, reads them
 * back and says goodbye. Lines: "hello VERSION CIPHER alpn=A name=N peer=P resumed=0|1", "echoed N", "end WHAT", "failed WHY".
 *
 * Trap: a peer that hangs would hang the test, so whoever reads these lines has a limit for each, and stops us with our input. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop/co.h"
#include "loop/run_sync.h"
#include "stream/tcp.h"
#include "stream/tls.h"

enum { MOST_PROTOCOLS = 4 };

static char **options;                  /* NAME=VALUE, ends with NULL */
static struct loop *loop;
static struct tls *tls, *named;
static struct listener *listener;

static const char *option(const char *name)
{
    size_t len = strlen(name);
    for (char **p = options; *p; p++)
        if (strncmp(*p, name, len) == 0 && (*p)[len] == '=')
            return *p + len + 1;
    return NULL;
}

static long number(const char *name, long otherwise)
{
    const char *value = option(name);
    return value ? strtol(value, NULL, 10) : otherwise;
}

static bool is_smtp(void)
{
    return option("plan") != NULL;
}

static void say_end(const char *before, int rc)
{
    printf("%s %s\n", before, rc == -EPIPE ? "orderly" : rc == -ECONNABORTED ? "cut off" : rc < 0 ? strerror(-rc) : "open");
}

static void say_hello(const struct stream *s)
{
    struct tls_facts facts;
    if (!stream_tls(s, &facts))
        printf("no TLS\n");
    else
        printf("hello %s %s alpn=%s name=%s peer=%s resumed=%d\n", facts.version, facts.cipher, facts.alpn ? facts.alpn : "-",
               facts.name ? facts.name : "-", facts.peer ? facts.peer : "-", facts.resumed);
}

/* ---- who we are ----------------------------------------------------------------------------------------------------- */

static void read_protocols(const char *out[MOST_PROTOCOLS + 1])
{
    static char text[128];
    int count = 0;
    snprintf(text, sizeof text, "%s", option("alpn"));
    for (char *p = strtok(text, ","); p && count < MOST_PROTOCOLS; p = strtok(NULL, ","))
        out[count++] = p;
}

static struct tls *made(bool server, const struct tls_options *how)
{
    struct sentence failure = { "" };
    struct tls *made = server ? tls_server_new(loop_sys(loop), how, &failure) : tls_client_new(loop_sys(loop), how, &failure);
    if (!made) {
        printf("failed %s\n", failure.text);
        exit(1);
    }
    return made;
}

static struct tls_options read_options(const char *protocols[MOST_PROTOCOLS + 1])
{
    const char *trust = option("trust");
    struct tls_options how = { .certificate = option("cert"), .authorities = option("ca"), .lowest = (int)number("lowest", 0),
                               .ciphers = option("ciphers") };
    if (option("alpn")) {
        read_protocols(protocols);
        how.alpn = protocols;
    }
    if (trust)
        how.trust = strcmp(trust, "always") == 0 ? TLS_VERIFY_ALWAYS : TLS_BELIEVE_ANYBODY;
    return how;
}

static void make_tls(bool server)
{
    const char *protocols[MOST_PROTOCOLS + 1] = { NULL }, *sni = option("sni");
    struct tls_options how = read_options(protocols);
    char name[128];
    tls = made(server, &how);
    if (!sni)
        return;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(sni, ":"), sni);
    how.certificate = sni + strlen(name) + 1;
    named = made(true, &how);
    if (tls_serve_name(tls, name, named) < 0)
        exit(1);
}

/* ---- lines, as SMTP has them ------------------------------------------------------------------------------------------ */

static int say_line(struct stream *s, const char *line)
{
    struct future f = {0};
    return await(stream_write(s, (struct bytes){ line, strlen(line) }, &f));
}

/* "EHLO there\r\n" is 'E', and so is "ehlo". */
static int hear_command(struct stream *s)
{
    struct future f = {0};
    int n = await(stream_read_until(s, "\n", 512, &f));
    return n < 0 ? n : *(const char *)f.value & ~' ';
}

/* An answer of several lines ends with one that has a blank behind its number. */
static int hear_answer(struct stream *s)
{
    struct future f = {0};
    int n;
    while ((n = await(stream_read_until(s, "\n", 512, &f))) >= 0)
        if (n > 3 && ((const char *)f.value)[3] != '-')
            return atoi(f.value);
    return n;
}

static int ask(struct stream *s, const char *line)
{
    int rc = say_line(s, line);
    return rc < 0 ? rc : hear_answer(s);
}

/* ---- the server -------------------------------------------------------------------------------------------------------- */

static int echo(struct stream *s)
{
    struct future in = {0}, out = {0};
    int n;
    say_hello(s);
    while ((n = await(stream_read_some(s, 0, &in))) > 0)
        if ((n = await(stream_write(s, (struct bytes){ in.value, (size_t)n }, &out))) < 0)
            break;
    return n;
}

static int start_tls(struct stream *s)
{
    struct future f = {0};
    int rc = say_line(s, "220 go ahead\r\n");
    rc = rc < 0 ? rc : await(stream_start_tls(s, tls, NULL, &f));
    if (rc < 0)
        printf("failed %s\n", f.why);
    else
        say_hello(s);
    return rc;
}

static int smtp(struct stream *s)
{
    int rc = say_line(s, "220 eddy ESMTP\r\n"), command = 0;
    while (rc >= 0 && (command = hear_command(s)) >= 0 && command != 'Q')
        rc = command == 'S' ? start_tls(s) : say_line(s, command == 'E' ? "250-eddy\r\n250 STARTTLS\r\n" : "250 OK\r\n");
    return rc < 0 || command < 0 ? (rc < 0 ? rc : command) : say_line(s, "221 bye\r\n");
}

static int handle(void *self)
{
    struct stream *s = self;
    int rc = is_smtp() ? smtp(s) : echo(s);
    say_end("end", rc);
    stream_close(s);
    return 0;
}

static void on_input_over(void *self, int rc)
{
    (void)self, (void)rc;
    tcp_stop(listener, 0);
}

static void on_served(void *self, int rc)
{
    (void)self, (void)rc;
    loop_stop(loop);
}

static int serve(void)
{
    struct future served = {0}, input = {0};
    struct tcp_listen how = { .host = "127.0.0.1", .tls = is_smtp() ? NULL : tls };
    how.handshake = number("handshake", 0) * MILLISECOND;
    fcntl(0, F_SETFL, O_NONBLOCK);
    struct stream *commands = stream_new(loop, 0);
    listener = tcp_listen_with(loop, &how);
    if (!commands || !listener)
        return 1;
    tcp_serve(listener, handle, future_then(&served, on_served, NULL));
    stream_read_until_close(commands, 0, future_then(&input, on_input_over, NULL));
    printf("port %d\n", tcp_port(listener));
    loop_start(loop);
    tcp_close(listener);
    stream_close(commands);
    return 0;
}

/* ---- the client -------------------------------------------------------------------------------------------------------- */

static int exchange(struct stream *s)
{
    size_t len = (size_t)number("bytes", 0);
    struct future in = {0}, out = {0};
    char *data = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)('0' + (i * 2654435761u >> 13) % 10);      /* letters are commands of s_server's */
    stream_write(s, (struct bytes){ data, len }, &out);
    int rc = await(stream_read_bytes(s, len, &in));
    if (rc >= 0)
        printf("echoed %d%s\n", rc, memcmp(in.value, data, len) == 0 ? "" : ", and not the same");
    free(data);
    int sent = await(&out);
    rc = rc < 0 ? rc : sent < 0 ? sent : await(stream_shutdown(s, &out));
    rc = rc < 0 ? rc : await(stream_read_bytes(s, 1, &in));
    if (rc < 0 && rc != -EPIPE && rc != -ECONNABORTED)
        printf("failed %s\n", in.why ? in.why : out.why);
    return rc;
}

static int upgrade(struct stream *s)
{
    struct future f = {0};
    int rc = hear_answer(s);
    rc = rc < 0 ? rc : ask(s, "EHLO eddy\r\n");
    rc = rc < 0 ? rc : ask(s, "STARTTLS\r\n");
    rc = rc < 0 ? rc : await(stream_start_tls(s, tls, option("name"), &f));
    if (rc < 0) {
        printf("failed %s\n", f.why);
        return rc;
    }
    say_hello(s);
    rc = ask(s, "EHLO eddy\r\n");
    printf("answered %d\n", rc);
    return rc < 0 ? rc : ask(s, "QUIT\r\n");
}

static int visit(void *self)
{
    struct future f = {0};
    struct sentence failure = { "" };
    struct tcp_connect how = { .host = "127.0.0.1", .port = *(int *)self, .failure = &failure };
    how.tls = is_smtp() ? NULL : tls;
    how.tls_name = option("name");
    int rc = await(tcp_connect(loop, &how, &f));
    if (rc < 0) {
        printf("failed %s\n", failure.text);
        return 0;
    }
    struct stream *s = f.value;
    if (is_smtp())
        rc = upgrade(s);
    else {
        say_hello(s);
        rc = exchange(s);
    }
    say_end("end", rc);
    stream_close(s);
    return 0;
}

static int connect_to(int port)
{
    for (long i = 0; i < number("times", 1); i++)
        if (loop_run_sync(loop, visit, &port) < 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    bool server = argc > 1 && strcmp(argv[1], "serve") == 0;
    if (!server && (argc < 3 || strcmp(argv[1], "connect") != 0)) {
        fprintf(stderr, "usage: tls_peers serve OPTION... | tls_peers connect PORT OPTION...\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    options = argv + (server ? 2 : 3);
    loop = loop_new(sys_linux());
    make_tls(server);
    int rc = server ? serve() : connect_to(atoi(argv[2]));
    tls_close(tls);
    if (named)
        tls_close(named);
    loop_close(loop);
    printf("done\n");
    return rc;
}
