/* Ride: what a tunnel is put onto for one attempt, whoever keeps it. Today that is a circuit of the
 * pool (exits.h); a circuit that was joined at a rendezvous will be another, without an exit that
 * could be blamed. */
#ifndef TUNIC_CLIENT_RIDE_H
#define TUNIC_CLIENT_RIDE_H

#include "base/ids.h"
#include "stream/stream.h"

/* Good as long as a stream on it is open, and until the call returns that ends the last one. */
struct ride {
    struct streams *streams;   /* on whatever carrier */
    uint64_t circuit;          /* its id (circuits.h) */
    const struct rsa_id *exit; /* the relay to blame if a tunnel fails there; NULL: none */
    /* The circuit is full, or has been silent for too long: no new tunnel goes onto it. */
    void (*retire)(struct ride *r);
};

#endif
