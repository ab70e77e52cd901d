/* tls_inside.h - what a struct tls is to those who only pass it on (tcp_listen.c, tcp_connect.c). No OpenSSL in here.
 *
 * The trap it exists for: a program that never says tls must link without OpenSSL; so nobody but the files of tls.h names its
 * functions, and whoever begins a handshake for somebody calls through this. */
#ifndef EDDY_STREAM_TLS_INSIDE_H
#define EDDY_STREAM_TLS_INSIDE_H

#include "stream/tls.h"

struct tls {
    struct future *(*start)(struct stream *, struct tls *, const char *name, struct future *);     /* stream_start_tls */
    void (*hold)(struct tls *, int plus_or_minus_one);      /* it stays while somebody holds it, also after tls_close */
    struct sys *sys;
    bool server;
    int holders;
    struct ssl_ctx_st *context;
};

#endif
