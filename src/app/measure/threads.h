/* Threads: several loops of one measurer, so that more than one processor sends and checks. Each
 * has its own sockets, TLS, identity and clock, and its part of each measurement (parts.h); what
 * is told and what is said go by letters (mailbox.h), and nothing else is shared. The owner's loop
 * has the connection with the coordinator. */
#ifndef TUNIC_APP_MEASURE_THREADS_H
#define TUNIC_APP_MEASURE_THREADS_H

#include "link/identity.h"
#include "measure/local.h"
#include "net/net.h"

struct threads;
struct threaded;

struct threads_config {
    struct net *net;                      /* the owner's */
    const struct link_identity *identity; /* to relays, copied; NULL: nothing is proved */
    bool dead_man;                        /* as measurement_config has it */
    unsigned open_over_ms;
};

/* N threads are started, of PARTS_MOST at most. ERR_NOMEM, ERR_IO, ERR_CRYPTO. */
MUST_USE err_t threads_new(const struct threads_config *config, unsigned n, struct threads **out);
/* Ends all that they do, and waits for them. NULL is fine. */
void threads_free(struct threads *t);

/* One measurement in flashflow, on as many threads as it has circuits for; the functions are those
 * of measurement.h. OPS are called in the owner's loop. */
MUST_USE err_t threaded_new(struct threads *t, const char *name,
                            const struct connect_to_relay *told, const struct measurement_ops *ops,
                            void *arg, struct threaded **out);
void threaded_free(struct threaded *j); /* NULL is fine */
MUST_USE err_t threaded_go(struct threaded *j);
void threaded_alloc(struct threaded *j, uint64_t alloc_bw);
void threaded_stop(struct threaded *j, enum meas_code code, const char *info);
void threaded_heard(struct threaded *j);

/* The same for a run of one process; its argument is a struct threads. */
extern const struct local_hands threads_hands;

#endif
