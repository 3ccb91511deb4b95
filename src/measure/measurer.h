/* Measurer: the program that sends and checks echo cells when its coordinator says so (FlashFlow).
 * It keeps a connection with that coordinator, and a measurement for each relay it was told of.
 *
 * A machine: sockets are its owner's, and so is what measures (measurement.h), so that tests can
 * put something else there. What goes wrong with one measurement is a failure of that one; what
 * goes wrong with the connection costs the connection, never the process. A coordinator that is
 * gone stops all traffic. */
#ifndef TUNIC_MEASURE_MEASURER_H
#define TUNIC_MEASURE_MEASURER_H

#include "measure/conf.h"
#include "measure/coord_conn.h"

struct measurer;

/* Many small relays are measured at once: each has a socket at least, so those are what bounds it.
 */
enum { MEASURER_JOBS_MOST = MEAS_CIRCS_MOST, MEASURER_IDS_MOST = 65536 };

/* FlashFlow's names, without those about a tor client. */
enum measurer_state {
    MEASURER_START,
    MEASURER_ENSURE_CONN_W_COORD,
    MEASURER_READY,
    MEASURER_NONFATAL_ERROR, /* a connection was lost; the next thing is ENSURE_CONN_W_COORD */
    MEASURER_FATAL_ERROR,
};
const char *measurer_state_name(enum measurer_state state); /* "READY" */

struct measurer_ops {
    /* The connection with the coordinator, as coord_conn_ops have it. */
    void (*dial)(void *arg, struct coord_proto *p, const struct ipport *to);
    void (*hangup)(void *arg, struct coord_proto *p);
    void (*output)(void *arg, struct coord_proto *p);
    /* A measurement begins to connect: *JOB is it, until end(). What comes of it is told by the
     * measurer_*() functions below. On errors INFO says why. */
    err_t (*begin)(void *arg, const struct connect_to_relay *told, void **job,
                   char info[MEAS_INFO_MAX]);
    err_t (*go)(void *arg, void *job); /* ERR_STATE: it has not got its circuits */
    void (*alloc)(void *arg, void *job, uint64_t alloc_bw);
    void (*stop)(void *arg, void *job, enum meas_code code, const char *info);
    void (*heard)(void *arg, void *job); /* the coordinator lives */
    void (*end)(void *arg, void *job);   /* nobody needs it any more; frees it */
    void (*on_state)(void *arg, enum measurer_state state, const char *text); /* may be NULL */
    void (*on_idle)(void *arg); /* after measurer_finish(): nothing runs any more */
};

/* CONF is copied; TLS outlives it; IDENTITY is that of its links to relays. NULL out of memory. */
struct measurer *measurer_new(struct env *env, const struct mconf_measurer_side *conf,
                              struct tls_ctx *tls, const struct ed_id *identity, unsigned cores,
                              const struct measurer_ops *ops, void *arg);
void measurer_free(struct measurer *m); /* ends everything; NULL is fine */
void measurer_start(struct measurer *m);
/* Settings that were read anew. Another coordinator is another connection. */
void measurer_reconfigure(struct measurer *m, const struct mconf_measurer_side *conf);
/* Takes no further measurement, and says when the last is over. */
void measurer_finish(struct measurer *m);

enum measurer_state measurer_state(const struct measurer *m);
/* The coordinator did not want it when it asked last: its list has not got this key. */
bool measurer_is_refused(const struct measurer *m);
size_t measurer_jobs(const struct measurer *m);

/* ---- what a measurement tells ---- */

void measurer_connected(struct measurer *m, const struct connected_to_relay *c);
void measurer_report(struct measurer *m, const struct bw_report *r);
/* FAILURE is NULL if all seconds have been reported. end() is called from here. */
void measurer_ended(struct measurer *m, uint32_t meas_id, const struct meas_failure *failure);

#endif
