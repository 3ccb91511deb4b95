/* One directory request over bytes that somebody else carries, and the carrier for a plain socket
 * (a DirPort). The one for circuits of three hops is in tunnel.h. */
#ifndef TUNIC_APP_FETCH_HTTP_H
#define TUNIC_APP_FETCH_HTTP_H

#include "dir/dirhttp.h"
#include "net/net.h"
#include "tunic/error.h"

/* What is asked for, of whichever carrier. */
struct http_ask {
    const char *path;
    const char *host;   /* of the Host header */
    const char *accept; /* NULL: all encodings */
    bool anonymous, raw;
    size_t most; /* bytes of the body */
};

enum { HTTP_FIRST = 8 };

struct http {
    struct dirhttp *machine;
    char *request;
    size_t len, sent;
    uint8_t first[HTTP_FIRST]; /* bytes of the answer: what is it that answers? */
    size_t n_first;
    struct dirhttp_reply reply;
};

/* ERR_NOMEM, ERR_ARG (the path). H is to be freed in any case. */
MUST_USE err_t http_init(struct http *h, const struct http_ask *ask);
void http_free(struct http *h); /* the zero one is fine */

/* True: it is settled, with ERROR (class OK: there is a document). */
MUST_USE bool http_feed(struct http *h, const void *bytes, size_t len, struct tunic_error *error);
/* No more bytes will come. */
void http_end(struct http *h, struct tunic_error *error);

struct dirport;

struct dirport_ops {
    void (*progress)(void *arg); /* connected, or bytes have come */
    /* Once, never from inside dirport_new(). It may be freed there. */
    void (*settled)(void *arg, const struct tunic_error *error);
};

/* Connects to TO and sends what is in H, which is borrowed. NULL out of memory. */
struct dirport *dirport_new(struct net *net, const struct ipport *to, struct http *h,
                            const struct dirport_ops *ops, void *arg);
void dirport_free(struct dirport *d); /* NULL is fine */
bool dirport_is_connected(const struct dirport *d);

#endif
