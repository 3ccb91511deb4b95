/* Fetching: carries out the directory manager's requests, each on a BEGIN_DIR stream over a one-hop
 * circuit to the server that it names (dir-spec 5, tor-spec 6.2.1). Requests to one server share a
 * circuit. */
#ifndef TUNIC_CLIENT_DIRFETCH_H
#define TUNIC_CLIENT_DIRFETCH_H

#include "base/env.h"
#include "client/circuits.h"
#include "client/ostream.h"
#include "dir/dirmgr.h"

struct dirfetch;

enum dirfetch_reach {
    DIRFETCH_REACHED,
    DIRFETCH_UNREACHED,
    DIRFETCH_DROPPED, /* it failed, but that says nothing of the relay */
};

struct dirfetch_ops {
    /* A directory circuit to a relay stood, or could not be had: a sign of the first hop's health.
     */
    void (*reached)(void *arg, const struct rsa_id *relay, enum dirfetch_reach reach);
    uint64_t (*build_timeout_ms)(void *arg);
    uint64_t (*max_dirtiness_ms)(void *arg); /* as for circuits that carry tunnels */
};

/* Builds members of CIRCUITS, and its requests are members of STREAMS. MGR is borrowed. NULL out of
 * memory. */
struct dirfetch *dirfetch_new(struct circuits *circuits, struct ostreams *streams,
                              struct dirmgr *mgr, const struct dirfetch_ops *ops, void *arg);
/* Ends all requests without telling MGR. NULL is fine. */
void dirfetch_free(struct dirfetch *f);

/* Call it once a NewCircuitPeriod: it closes circuits that have served. As in C tor one serves for
 * MaxCircuitDirtiness from its first request, and rests in between. */
void dirfetch_expire(struct dirfetch *f);
/* Its circuits take no new request; those that have none are closed. */
void dirfetch_retire_all(struct dirfetch *f);

/* The same, and F goes on: for a client that leaves its directory. */
void dirfetch_stop(struct dirfetch *f);

/* Launches whatever MGR wants now. */
void dirfetch_run(struct dirfetch *f);

/* The request that dirmgr_next() gave as ID is over, and nobody is told. Not from inside of one of
 * this dirfetch's calls or callbacks. */
void dirfetch_cancel(struct dirfetch *f, uint32_t id);

/* The request that is stream STREAM (ostream.h) failed, for REASON (enum end_reason): a controller
 * says so. The same holds for when. */
void dirfetch_close_stream(struct dirfetch *f, uint64_t stream, uint8_t reason);

#endif
