/* Talk: a byte machine that answers on a connection which came in (a controller's), and what it
 * asks of whoever holds the connection. One record of functions a kind, so that the holder need not
 * know what is spoken. */
#ifndef TUNIC_BASE_TALK_H
#define TUNIC_BASE_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* What the machine tells its holder; each may be called from inside of the machine's calls. */
struct talk_ops {
    void (*on_output)(void *holder);       /* there is something to send */
    void (*on_input_wanted)(void *holder); /* there is room again */
    /* Nothing more will be said: what is left is to be sent, then the machine is freed, not before
     * this wake-up's calls are done. */
    void (*on_end)(void *holder);
};

struct talk_kind {
    /* A machine for a connection from PEER (family IP_NONE: a unix socket). NULL out of memory, or
     * there are too many. */
    void *(*make)(void *arg, const struct ipport *peer, const struct talk_ops *ops, void *holder);
    uint8_t *(*in_room)(void *talk, size_t *room); /* NULL: nothing is to be read for now */
    void (*in_done)(void *talk, size_t len);
    const uint8_t *(*out)(void *talk, size_t *len); /* NULL: nothing to send */
    void (*sent)(void *talk, size_t len);
    void (*gone)(void *talk); /* the peer sends no more, or the connection broke; may be NULL */
    void (*free)(void *talk);
};

#endif
