/* Inside of the choice of paths: path.c goes from hop to hop, path_judge.c says of each relay why
 * it may not be there, path_why.c says it to people. */
#ifndef TUNIC_PATH_PATH_INT_H
#define TUNIC_PATH_PATH_INT_H

#include "path/path.h"

/* Last hops that are tried before a path is given up: the first may leave no guard or no middle. */
enum { PATH_TRIES_MAX = 8 };

/* Why a relay is no candidate, in the order in which it is asked. The latest reason that stopped
 * any relay is the one worth telling. */
enum path_stop {
    STOP_UNUSABLE,
    STOP_POLICY,
    STOP_UNREACHABLE,
    STOP_CONFIG,
    STOP_AVOIDED,
    STOP_RELATED,
    STOP_FLAGS,
    STOP_NOT, /* a candidate */
};

/* One call of path_pick(). */
struct path_search {
    const struct netdir *nd;
    const struct path_config *cfg;
    struct guards *guards;
    const struct path_request *req;
    struct env *env;
    struct path_pick *out;
    const struct router **list; /* candidates; NULL, or room for every relay */
    size_t n;
    size_t at;                                 /* the hop that is being chosen */
    const struct router *hop[PATH_HOPS_MOST];  /* those chosen; NULL: not yet */
    struct rsa_id failed_last[PATH_TRIES_MAX]; /* no path led to them */
    size_t n_failed_last;
    bool relax;    /* at this hop, flags are no longer asked for */
    bool any_port; /* at this hop, it need not let out a port that is predicted */
    bool hopeless; /* another last hop would not help */
};

/* Whether R may be the hop that is being chosen. */
enum path_stop path_judge(const struct path_search *s, const struct router *r);
bool path_wants_stable(const struct path_config *cfg, const struct path_request *req);
bool path_has_vanguards(const struct path_request *req);

/* Why no relay can be the hop that is being chosen, though all were judged, into s->out->why; STOP
 * is the latest stop that one got to. */
void path_say_why(const struct path_search *s, enum path_stop stop);

#endif
