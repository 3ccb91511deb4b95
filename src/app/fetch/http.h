/* The answer to one directory request, whoever carries it: a DirPort's socket (dirport.h) or a
 * tunnel over three hops (tunnel.h). */
#ifndef TUNIC_APP_FETCH_HTTP_H
#define TUNIC_APP_FETCH_HTTP_H

#include "dir/dirhttp.h"
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
    uint8_t first[HTTP_FIRST]; /* bytes of the answer: what is it that answers? */
    size_t n_first;
    struct dirhttp_reply reply;
};

/* What a carrier tells. */
struct http_ops {
    void (*progress)(void *arg); /* connected, or bytes have come */
    /* Once, never from inside of the carrier's constructor. It may be freed there. */
    void (*settled)(void *arg, const struct tunic_error *error);
};

/* ERR_NOMEM. H is to be freed in any case. */
MUST_USE err_t http_init(struct http *h, const struct http_ask *ask);
void http_free(struct http *h); /* the zero one is fine */

/* Bytes of the whole answer. True: it is settled, with ERROR (class OK: there is a document). */
MUST_USE bool http_feed(struct http *h, const void *bytes, size_t len, struct tunic_error *error);
/* No more bytes will come. */
void http_end(struct http *h, struct tunic_error *error);

/* Two calls for carriers that take the answer apart themselves: how it begins, and that it is of no
 * use. */
void http_note_first(struct http *h, const void *bytes, size_t len);
void http_fail(const struct http *h, err_t why, struct tunic_error *error);

#endif
