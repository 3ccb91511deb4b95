/* Fetching: carries out the directory manager's requests, each on a BEGIN_DIR stream over a one-hop
 * circuit to the server that it names (dir-spec 5, tor-spec 6.2.1). Requests to one server share a
 * circuit. */
#ifndef TUNIC_CLIENT_FETCH_H
#define TUNIC_CLIENT_FETCH_H

#include "base/env.h"
#include "client/linkpool.h"
#include "dir/dirmgr.h"

struct fetcher;

enum fetch_reach {
    FETCH_REACHED,
    FETCH_UNREACHED,
    FETCH_DROPPED, /* it failed, but that says nothing of the relay */
};

struct fetcher_ops {
    uint32_t (*next_circuit_id)(void *arg);
    /* A directory circuit to a relay stood, or could not be had: a sign of the first hop's health.
     */
    void (*reached)(void *arg, const struct rsa_id *relay, enum fetch_reach reach);
    uint64_t (*build_timeout_ms)(void *arg);
    uint64_t (*max_dirtiness_ms)(void *arg); /* as for circuits that carry tunnels */
};

/* MGR is borrowed. NULL out of memory. */
struct fetcher *fetcher_new(struct env *env, struct linkpool *pool, struct dirmgr *mgr,
                            const struct fetcher_ops *ops, void *arg);
/* Ends all requests without telling MGR. NULL is fine. */
void fetcher_free(struct fetcher *f);

/* To be called once a NewCircuitPeriod: closes circuits that have served. As in C tor one serves
 * for MaxCircuitDirtiness from its first request, and rests in between. */
void fetcher_expire(struct fetcher *f);
/* Its circuits take no new request; those that have none are closed. */
void fetcher_retire_all(struct fetcher *f);

/* The same, and F goes on: for a client that leaves its directory. */
void fetcher_stop(struct fetcher *f);

size_t fetcher_circuits(const struct fetcher *f);

/* Launches whatever MGR wants now. */
void fetcher_run(struct fetcher *f);

/* The request that dirmgr_next() gave as ID is over, and nobody is told. Not from inside of one of
 * this fetcher's calls or callbacks. */
void fetcher_cancel(struct fetcher *f, uint32_t id);

#endif
