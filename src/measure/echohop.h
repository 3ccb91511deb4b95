/* Echohop: the second hop for relays of unmodified tor. Cells that a measurer sends through such a
 * relay come here, lose the layer that the relay knows nothing of, and go back as they are: so the
 * relay handles each byte twice, and could not make up one that it has not passed on.
 *
 * It can do nothing else. It answers CREATE2 for a key that its session alone knows, it does not
 * look at what is in a cell, so there are no streams and no extending, and it lives no longer than
 * it was made for. A machine without sockets: whoever owns it listens, and moves the bytes of its
 * links. */
#ifndef TUNIC_MEASURE_ECHOHOP_H
#define TUNIC_MEASURE_ECHOHOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "crypto/x25519.h"
#include "link/link.h"

struct echohop;
struct echohop_link;
struct chan_certs; /* cell/chan_link.h */

enum {
    ECHOHOP_LINKS_MOST = 16, /* one more, and the oldest without a circuit goes */
    ECHOHOP_CIRCUITS_MOST = 256,
    ECHOHOP_HANDSHAKE_MS = 15 * 1000,
    ECHOHOP_IDLE_MS = 60 * 1000,
    /* Of output of a link: from here on nothing more is read from it. Far below where a link
     * refuses cells, since what one read brings still has to go back. */
    ECHOHOP_HELD_MOST = 256 * 1024,
};

/* Who it is, for one session: made for it, and for nobody else. */
struct echohop_keys {
    struct rsa_id rsa;
    struct ed_id ed;
    struct x25519_secret b; /* the onion key */
    struct x25519_pub B;
};

struct echohop_config {
    struct tls_ctx *tls;            /* a server's; borrowed */
    const struct chan_certs *certs; /* of KEYS' identities, about that context; borrowed */
    struct echohop_keys keys;       /* copied */
    struct ip mine;
    unsigned circuits_most; /* at most ECHOHOP_CIRCUITS_MOST */
    unsigned return_every;  /* 1: each cell of a circuit goes back; k: one in k, the k-th */
    uint64_t life_ms;       /* then it closes by itself */
};

/* The owner's side. */
struct echohop_ops {
    /* L has something to send and its owner does not know: as link_ops' on_output. */
    void (*output)(void *world, struct link *l);
    /* L is over: it is freed when this call is. */
    void (*hangup)(void *world, struct link *l);
};

struct echohop_counts {
    uint64_t cells, returned;
    uint64_t bytes_in, bytes_out; /* on the wire, of links that are over too */
    unsigned links, circuits;     /* now */
    unsigned circuits_ever;
    unsigned refused; /* CREATEs that were not for this session, or too many */
    unsigned broken;  /* circuits that ended because something else than RELAY came */
    unsigned starved; /* links and circuits that had no memory */
};

/* NULL out of memory. OPS is borrowed. */
struct echohop *echohop_new(struct env *env, const struct echohop_config *config,
                            const struct echohop_ops *ops, void *world);
/* Its links go without a word; NULL is fine. Not from inside of a callback. */
void echohop_free(struct echohop *h);

/* A connection that PEER made. NULL: there is no memory, or the hop is closed. The link is H's;
 * what OPS' hangup told is freed by H. */
struct link *echohop_accept(struct echohop *h, const struct ipport *peer);
/* Whether so much of L's output waits that nothing more may be read from it. */
bool echohop_is_full(const struct link *l);

/* The run is over: circuits end with DESTROY, links after what waits has gone out, and nobody is
 * let in any more. */
void echohop_close(struct echohop *h);
bool echohop_is_closed(const struct echohop *h);

struct echohop_counts echohop_counts(const struct echohop *h);

#endif
