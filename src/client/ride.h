/* Ride: what a tunnel is put onto for one attempt, whoever keeps it. Today that is a circuit of the
 * pool (exits.h); a circuit that was joined at a rendezvous will be another, without an exit that
 * could be blamed. */
#ifndef TUNIC_CLIENT_RIDE_H
#define TUNIC_CLIENT_RIDE_H

#include "base/ids.h"
#include "stream/stream.h"

/* What a tunnel learns of the carrier while it is not yet open there. */
enum ride_news {
    RIDE_ANSWERED, /* the other end has answered it, whatever it said */
    RIDE_GARBLED,  /* the other end could make nothing of what was sent: the carrier is of no use */
    RIDE_LEFT,     /* it tries another */
};

/* Good as long as a stream on it is open, and until the call returns that ends the last one. */
struct ride {
    struct streams *streams;   /* on whatever carrier */
    uint64_t circuit;          /* its id (circuits.h) */
    const struct rsa_id *exit; /* the relay to blame if a tunnel fails there; NULL: none */
    /* The circuit is full, or has been silent for too long: no new tunnel goes onto it. */
    void (*retire)(struct ride *r);
    void (*told)(struct ride *r, enum ride_news news);
};

#endif
