/* Local: coordinator and measurer in one: a run whose relay is asked over a circuit of ours, with
 * one measurer that is a machine beside it. What `tunic measure run --local` does, without its
 * sockets. */
#ifndef TUNIC_MEASURE_LOCAL_H
#define TUNIC_MEASURE_LOCAL_H

#include "base/env.h"
#include "base/err.h"
#include "measure/measurement.h"
#include "measure/run.h"
#include "measure/stock.h"

enum { LOCAL_OPEN_OVER_MS = 400 };

/* What modes for relays of unmodified tor need besides; see stock.h. Borrowed while it is used. */
struct local_stock {
    const struct sha256 *pin;
    const struct echohop *hop;
    struct circ_hop_target next;
    struct text next_proof;
    struct ipport server;
    uint64_t bytes_most;
};

/* Who measures in flashflow in place of a measurement of this loop: threads. As measurement.h has
 * them. */
struct local_hands {
    err_t (*begin)(void *hands, const char *name, const struct connect_to_relay *told,
                   const struct measurement_ops *ops, void *arg, void **it);
    err_t (*go)(void *it);
    void (*alloc)(void *it, uint64_t alloc_bw);
    void (*stop)(void *it, enum meas_code code, const char *info);
    void (*free)(void *it);
};

struct local_config {
    struct run_config run;    /* with one member: this measurer */
    struct local_stock stock; /* modes other than flashflow */
    struct link_config link;  /* tls, and whom we prove to be to the relay; the rest is set here */
    const struct meas_world *ops_world;
    void *world;
    const struct local_hands *hands; /* NULL: none */
    void *hands_arg;
};

struct local_ops {
    void (*on_state)(void *arg, enum run_state state);        /* may be NULL */
    void (*on_second)(void *arg, const struct run_second *s); /* may be NULL */
    /* Once, at the end of a wake-up; the owner may free it in there. */
    void (*on_end)(void *arg, const struct run_result *result);
};

struct local;

/* Begins. ERR_ARG, ERR_NOMEM; CONFIG is copied. Whether a relay of unmodified tor has agreed is
 * told by the end, as any other failure of its measurer. */
MUST_USE err_t local_new(struct env *env, const struct local_config *config,
                         const struct local_ops *ops, void *arg, struct local **out);
void local_free(struct local *l); /* closes all; NULL is fine */
void local_cancel(struct local *l, const char *why);
const struct run *local_run(const struct local *l);
/* Whom the link to a relay that was asked has proved: into RELAY, as far as that is known. */
void local_proved(const struct local *l, struct meas_relay *relay);

#endif
