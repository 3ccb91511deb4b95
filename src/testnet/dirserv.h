/* Dirserv: a directory server's end of one stream or DirPort connection: an HTTP request in, an
 * answer out (dir-spec 4-6, appendix B). A byte machine; where bytes come from is the caller's. */
#ifndef TUNIC_TESTNET_DIRSERV_H
#define TUNIC_TESTNET_DIRSERV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "testnet/netdocs.h"

struct dirserv;
struct dirserv_misdeeds;

/* What is served, shared by all connections of one node. */
struct dirserv_source {
    struct env *env;
    struct netdocs *docs;
    struct rsa_id self;                      /* the relay whose descriptor is server/authority */
    const char *name;                        /* of it, for the log */
    const struct dirserv_misdeeds *misdeeds; /* NULL: it is honest */
    void *misdeeds_arg;
};

/* ON_OUTPUT: there is something to send that there was not before; not called inside
 * dirserv_feed(). NULL out of memory. */
struct dirserv *dirserv_new(const struct dirserv_source *source, const struct ip *peer,
                            void (*on_output)(void *arg), void *arg);
void dirserv_free(struct dirserv *s); /* NULL is fine; not inside on_output */

/* Takes all; a request over its cap is answered with 400. Bytes behind a request are ignored. */
void dirserv_feed(struct dirserv *s, const void *bytes, size_t len);
/* What is to be sent now, NULL: nothing (yet). */
const uint8_t *dirserv_out(struct dirserv *s, size_t *len);
void dirserv_sent(struct dirserv *s, size_t len);
/* The answer has been sent: the stream is to be ended. */
bool dirserv_done(const struct dirserv *s);

#endif
