/* What the files of exits share: exits.c builds circuits, exits_circ.c is what becomes of each,
 * exits_ahead.c builds those that nobody asked for, exits_steer.c those that were asked for by
 * name, exits_match.c says who may use one. */
#ifndef TUNIC_CLIENT_EXITS_INT_H
#define TUNIC_CLIENT_EXITS_INT_H

#include "base/hash.h"
#include "base/ratelim.h"
#include "client/exits.h"
#include "client/leg.h"
#include "client/predict.h"

enum exit_state {
    EXIT_BUILDING, /* is waited for, and counts as pending */
    EXIT_SLOW,     /* past the build timeout: goes on for its time only */
    EXIT_READY,    /* has carried nothing */
    EXIT_IN_USE,   /* has carried a stream: is dirty */
    EXIT_RETIRED,  /* takes no new tunnel; closes when its last stream has ended */
    /* CIRCUIT_CONTROLLER, open or not: nobody finds it, and it */
    EXIT_APART,       /* has carried nothing, and stays */
    EXIT_APART_DIRTY, /* has carried a stream */
    /* CIRCUIT_HS_VANGUARDS, open or not: nobody's yet, and no tunnel's */
    EXIT_INTERNAL,
    EXIT_UNLINKED, /* a conflux set that is not linked yet: nobody finds it */
    EXIT_PROBED,   /* CIRCUIT_PATH_BIAS_TESTING: closes when the answer is there, or late */
};

/* Circuits in use or being built for somebody, by their isolation (exits_match.c). */
struct exit_bucket;

/* One hop of a circuit with the streams that are on it. */
struct exit_ride {
    struct ride ride; /* .streams NULL: there never was any */
    struct exit_circ *circ;
};

struct exit_set; /* the legs of a conflux set (exits_sets.c) */

struct exit_circ {
    struct exits *x;
    struct leg *leg;                        /* of a set: one of its legs, that speaks for all */
    struct exit_set *set;                   /* NULL: it is one circuit */
    struct exit_ride rides[PATH_HOPS_MOST]; /* by hop; the last one's, once the leg is open */
    enum exit_state state;
    uint64_t since_us; /* of the state */
    /* Set by the first tunnel, or by the one that it is built for; NULL: free for anybody. */
    struct exit_bucket *bucket;
    struct isolation isolation;
    struct login *login; /* held, of that tunnel */
    char host[TUNNEL_HOST_MAX + 1];
    uint16_t port;
    bool mixed_hosts, mixed_ports; /* has carried streams to others than these, too */
    bool mixed_users;              /* and somebody's whom isolation keeps apart */
    uint64_t busy_us;              /* when it was last seen with a stream */
    struct {
        struct stream *stream; /* or NULL */
        struct ip asked;
        struct timer late;
    } probe;         /* of one that is EXIT_PROBED */
    uint32_t idle_s; /* it ends that long after it was begun, if nobody uses it */
    struct exit_circ *prev, *next;
    struct exit_circ *index_prev, *index_next; /* in its bucket, or among the free ones */
};

struct exits {
    struct env *env;
    struct circuits *circuits;
    struct guards *guards;
    struct vanguards *vanguards;
    struct cbt *cbt;
    struct exits_config config;
    const struct exits_ops *ops;
    void *arg;
    struct netdir *nd;
    struct exit_circ *circs;
    struct exit_circ *free; /* circuits that anybody may have: ready or being built */
    struct exit_bucket *buckets;
    size_t n_pending; /* EXIT_BUILDING */
    struct predict predict;
    struct conflux_policy conflux;
    unsigned conflux_exits; /* of 10000 exits of `nd`: those that join circuits */
    struct habits habits;
    struct xonxoff_params flow; /* of streams; read by those that are there */
    unsigned failures;          /* since the last success or exits_expire() */
    unsigned failures_before;   /* in the period before that */
    bool dormant;               /* nothing is built ahead */
    bool paused;                /* none can be launched for now, and none is before the next look */
    unsigned pathless;          /* wishes without a path since the last look: each costs a search */
    uint64_t paced_us;          /* see pace() */
    char why_not[PATH_WHY_MAX];
    struct ratelim no_guard; /* not to say too often that there is none */
    struct timer look;
    struct timer next; /* armed: launches are held back until then */
};

/* ---- exits.c ---- */

/* Whether a circuit may be begun now; and whether one for a tunnel, of which only so many are
 * pending. */
bool exits_may_launch(const struct exits *x);
bool exits_may_launch_for_tunnel(const struct exits *x);
bool exits_fail_too_often(const struct exits *x);
struct leg_means exits_means(const struct exits *x, struct netdir *nd);
/* C, whose leg has just been launched, is a member from now on, and whoever wants may have it. */
void exits_add(struct exits *x, struct exit_circ *c);
/* ERR_NOT_FOUND: there is no path, x->why_not says why; ERR_STATE: for want of a guard, as would be
 * any other; ERR_NOMEM. */
MUST_USE err_t exits_launch(struct exits *x, const struct path_request *req,
                            enum circuit_purpose purpose, struct exit_circ **out);
/* Nothing is launched before the next look. */
void exits_pause(struct exits *x);

/* ---- exits_circ.c ---- */

extern const struct leg_ops exits_leg_ops; /* of which the arg is the struct exit_circ */
size_t exit_circ_streams(const struct exit_circ *c);
bool exit_circ_is_unused(const struct exit_circ *c);
bool exit_circ_is_internal(const struct exit_circ *c);
/* No new tunnel goes onto C; once its last stream has ended, it has served. */
void exit_circ_retire(struct exit_circ *c);

/* All of C closes; on_end follows, as for leg_close(). */
void exit_circ_shut(struct exit_circ *c, err_t why, uint8_t reason);
/* C is no more: it is freed. */
void exit_circ_drop(struct exit_circ *c);
/* C stands: the tunnels that it was built for have the first word, then anybody may have it. */
void exit_circ_offer(struct exit_circ *c);
/* The streams on C's hop HOP, which are SET's. */
void exit_circ_set_ride(struct exit_circ *c, unsigned hop, struct streams *set);

/* ---- exits_sets.c ---- */

/* Begins as many conflux sets for PORTS as are missing. */
void exits_build_sets(struct exits *x, const uint16_t *ports, size_t n);
/* A new netdir: how many exits do it. */
void exits_count_conflux(struct exits *x);
size_t exit_set_legs(const struct exit_set *s); /* that there are, linked or not */
void exit_set_shut(struct exit_set *s, err_t why, uint8_t reason);
void exit_set_each(struct exit_set *s, void (*fn)(struct leg *l));
bool exit_set_has(const struct exit_set *s, uint64_t circuit);
/* A tunnel that may take either takes A. */
bool exit_set_before(const struct exit_set *a, const struct exit_set *b);
/* Its legs, once its streams are gone. */
void exit_set_free(struct exit_set *s);

/* ---- exits_steer.c ---- */

/* A circuit that will end at R, which is no row that was picked: a clean one goes on to it, or else
 * a new one is begun, of a hop more than usual. Errors as exits_launch(). */
MUST_USE err_t exits_launch_to(struct exits *x, const struct router *r, bool stable,
                               struct exit_circ **out);

/* ---- exits_ahead.c ---- */

void exits_look(void *x); /* the timer's */
/* How long a circuit is kept that is launched now. */
uint32_t exits_idle_s(const struct exits *x);

/* ---- exits_match.c ---- */

/* C, which was apart or too slow, is the pool's: its own tunnels', or anybody's. */
void exit_circ_join_pool(struct exit_circ *c);

void exit_circ_set_state(struct exit_circ *c, enum exit_state state);
/* Nobody finds C any more. */
void exit_circ_unlist(struct exit_circ *c);
/* Anybody may have C; it was not in use. */
void exit_circ_set_free(struct exit_circ *c);
/* Tells the tunnels that could go onto C that something has changed for them. */
void exit_circ_tell(const struct exit_circ *c);
bool exit_circ_is_too_dirty(const struct exit_circ *c);
/* C has served, and closes; REASON as for leg_close(). One that was used in vain is probed first.
 */
void exit_circ_finish(struct exit_circ *c, uint8_t reason);
void exit_circ_init_probe(struct exit_circ *c);
/* Whether C ends where REQ wants. */
bool exit_circ_ends_well(const struct exit_circ *c, struct path_request req);

#endif
