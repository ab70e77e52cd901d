/* client_proxy.c - one who asks for us. See client_proxy.h for the traps. */
#include "http/client_proxy.h"

#include <errno.h>
#include <string.h>

#include "http/client_answer.h"
#include "http/client_request.h"
#include "loop/co.h"

int proxy_begin(struct sys *sys, const char *url, struct proxy *out, const char **why)
{
    int rc = strlen(url) < PROXY_URL ? hop_first(sys, url, "CONNECT", false, &out->at, why) : -EINVAL;
    if (rc == 0 && out->at.secure)
        rc = -EPROTONOSUPPORT;
    if (rc == -EINVAL)
        *why = "the proxy's URL is none: http://host:port is one, or http://user:password@host:port, below 512 bytes";
    if (rc == -EPROTONOSUPPORT)
        *why = "only proxies of http:// are spoken to, for http and https alike: not https://, socks5:// and others";
    out->url = rc == 0 ? url : NULL;
    return rc;
}

void proxy_end(struct sys *sys, struct proxy *proxy)
{
    hop_end(sys, &proxy->at);
    *proxy = (struct proxy){0};
}

static int ask(const struct tunnel *t, struct stream *s, const char **why)
{
    struct sys *sys = loop_sys(stream_loop(s));
    struct buffer request = {0};
    struct future f = {0};
    int rc = request_write_connect(t->host, t->port, t->proxy->url, t->agent, sys, &request);
    if (rc < 0)
        *why = "no memory for the request";
    else if ((rc = await(stream_write(s, buffer_bytes(&request), &f))) < 0)
        *why = f.why;
    buffer_end(&request, sys);
    return rc;
}

/* The final head; 1xx before it are passed over. */
static int hear(const struct tunnel *t, struct answer *a, struct stream *s, const char **why)
{
    struct future f = {0};
    int rc;
    a->most_head = t->most_head;
    answer_begin(a, s, "CONNECT");
    do
        rc = await(answer_head(a, &f));
    while (rc > 0 && a->head.status < 200 && a->head.status != 101);
    if (rc < 0)
        *why = rc == -EPIPE ? "the proxy has closed the connection before the end of its answer" : answer_why(a, rc, f.why);
    return rc;
}

static const char *why_not(int status)
{
    if (status == 407 || status == 401)
        return "the proxy wants to know who asks (407): give it the right user and password, http://user:password@host:port";
    return status < 500 ? "the proxy does not allow a tunnel to there: ask who runs it, or use none for this host"
                        : "the proxy cannot reach the server: check the name and the port, or try again";
}

static int refused(const struct tunnel *t, const struct head *head, const char **why, struct sentence *said)
{
    int len = head->reason.len < 60 ? (int)head->reason.len : 60;
    *why = why_not(head->status);
    sentence_write(said, "%.64s:%d answers %d %.*s to CONNECT %.64s:%d: %s", t->proxy->at.host, t->proxy->at.port, head->status,
                   len, head->reason.data, t->host, t->port, *why);
    return head->status < 500 ? -EACCES : -EHOSTUNREACH;
}

int proxy_tunnel(const struct tunnel *t, struct stream *s, const char **why, struct sentence *said)
{
    struct answer a = {0};
    int rc = ask(t, s, why);
    if (rc >= 0)
        rc = hear(t, &a, s, why);
    if (rc < 0) {
        sentence_write(said, "%.64s:%d: %s", t->proxy->at.host, t->proxy->at.port, *why ? *why : "it could not be asked");
        return rc;
    }
    return a.head.status / 100 == 2 ? 0 : refused(t, &a.head, why, said);
}
