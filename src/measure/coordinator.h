/* Coordinator: the program that has relays measured (FlashFlow): it knows its measurers by their
 * keys, asks the relay, tells the measurers, takes what all of them report, and writes results.
 *
 * A machine. Sockets, files and what speaks with relays (relay_talk.h) are its owner's. Jobs wait
 * in a row; each is one run (run.h) by all measurers that are there. Losing a measurer costs the
 * runs that it takes part in, and no other. */
#ifndef TUNIC_MEASURE_COORDINATOR_H
#define TUNIC_MEASURE_COORDINATOR_H

#include "measure/conf.h"
#include "measure/consent.h"
#include "measure/coord_proto.h"
#include "measure/history.h"
#include "measure/listing.h"
#include "measure/roster.h"
#include "measure/run.h"

struct coordinator;

enum {
    COORDINATOR_JOBS_MOST = 4096,
    COORDINATOR_STRANGERS_MOST = 32, /* connections that have not said hello yet */
    COORDINATOR_STRANGERS_HERE = 8,  /* of them from one address, or one /64 */
    COORDINATOR_PATIENCE_S = 30,     /* a job waits so long for any measurer at all */
    COORDINATOR_WHY = 256,
    COORDINATOR_PAGE = 128, /* relays, of some 600 bytes each */
};

struct coordinator_ops {
    /* P has output; P is freed, and its socket, if any, goes once what P has is written. */
    void (*output)(void *arg, struct coord_proto *p);
    void (*hangup)(void *arg, struct coord_proto *p);
    /* Ask RELAY for PARAMS, and tell what comes of it with the coordinator_relay_*() functions.
     * *TALK is that conversation, until hush(). */
    err_t (*talk)(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                  const struct meas_params *params, void **talk);
    void (*hush)(void *arg, void *talk, bool aborted);
    /* A relay of unmodified tor: ask it for its own descriptor, and tell it to
     * coordinator_proved(). *TALK is that, until unprove(). */
    err_t (*prove)(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **talk,
                   char why[CONSENT_WHY_MAX]);
    void (*unprove)(void *arg, void *talk);
    /* LINE, with its end, is appended to the results; if it is to be SYNCED, it is on disk when
     * this returns OK. ERR_FULL: there is no room. */
    err_t (*record)(void *arg, const char *line, bool synced);
    /* LINES of the schedule, each with its end, are kept for coordinator_recall_schedule(), behind
     * those before or, if FRESH, in place of them. May be NULL: then a restart makes another one.
     */
    err_t (*keep)(void *arg, const char *lines, bool fresh);
    /* Something about a job, one JSON object without a line's end; OVER: the last. May be NULL. */
    void (*on_event)(void *arg, uint32_t meas_id, const char *json, bool over);
    void (*on_idle)(void *arg); /* after coordinator_finish(): nothing runs any more */
    unsigned talk_ms; /* a talk() that tells nothing is over by then; 0: as run.h has it */
};

/* CONF is copied; TLS outlives it; PIN is of the key in it, which contact lines name. NULL out of
 * memory. */
struct coordinator *coordinator_new(struct env *env, const struct mconf_coord *conf,
                                    struct tls_ctx *tls, const struct sha256 *pin,
                                    const struct coordinator_ops *ops, void *arg);
/* Ends everything, without on_end or on_event; NULL is fine. */
void coordinator_free(struct coordinator *c);
/* The relays that names stand for; it outlives C. */
void coordinator_use(struct coordinator *c, struct listing *l);
/* Settings that were read anew: measurers that are not in them any more are sent away; what runs
 * goes on as it began. */
void coordinator_reconfigure(struct coordinator *c, const struct mconf_coord *conf);
/* Begins nothing more, and says when the last run is over. */
void coordinator_finish(struct coordinator *c);

/* What was recorded before: each line, oldest first; what was kept of the schedule, likewise, after
 * coordinator_secret(); then once coordinator_recalled(). ERR_NOMEM of that: not all of it is
 * known, so relays might be measured more often than may be. */
MUST_USE err_t coordinator_recall(struct coordinator *c, struct text line);
MUST_USE err_t coordinator_recall_schedule(struct coordinator *c, struct text line);
MUST_USE err_t coordinator_recalled(struct coordinator *c);

/* ---- measurers ---- */

/* A connection that came in from FROM: C's, until hangup(). Of too many that have not said hello
 * the oldest goes, so nobody keeps measurers out by waiting. NULL: no memory. */
struct coord_proto *coordinator_accept(struct coordinator *c, const struct ip *from);

/* ---- relays ---- */

/* Whom the link proved to be there, for the results and for measurers, and where: before the
 * answer.
 */
void coordinator_relay_met(struct coordinator *c, uint32_t meas_id, const struct rsa_id *rsa,
                           const struct ipport *at);
void coordinator_relay_granted(struct coordinator *c, uint32_t meas_id,
                               const struct meas_ext *limits, const struct ed_id *peer);
void coordinator_relay_bg(struct coordinator *c, uint32_t meas_id, const struct meas_bg *bg);
void coordinator_relay_ended(struct coordinator *c, uint32_t meas_id, enum meas_code code,
                             const char *text);

/* ERR: there is none, and WHY. RELAY: whom the link proved to be. unprove() may come in it, when
 * what is told here is not needed any more. */
void coordinator_proved(struct coordinator *c, uint32_t meas_id, err_t err,
                        const struct consent_relay *relay, struct text descriptor, const char *why);

/* ---- orders ---- */

/* What is asked for; zero: as the configuration has it. */
struct coordinator_wish {
    unsigned dur;
    uint64_t prior;
    enum meas_mode mode;        /* flashflow, or one for relays of unmodified tor */
    bool any_mode;              /* flashflow, and echo2 if the relay does not know that */
    struct ipport exit, server; /* http */
};

/* RELAY is ADDR:PORT, FINGERPRINT@ADDR:PORT, the nickname or fingerprint of one that is listed, or
 * the fingerprint of one that was measured before.
 * ERR_ARG, ERR_LIMIT, ERR_STATE (about to end), ERR_NOMEM, and WHY. */
MUST_USE err_t coordinator_measure(struct coordinator *c, const char *relay,
                                   const struct coordinator_wish *wish, uint32_t *meas_id,
                                   char why[COORDINATOR_WHY]);
/* ERR_NOT_FOUND. */
MUST_USE err_t coordinator_cancel(struct coordinator *c, uint32_t meas_id);

/* ---- the schedule ---- */

/* Of which schedules are made; without it each start has one of its own. ERR_LIMIT: it is too short
 * or too long. */
MUST_USE err_t coordinator_secret(struct coordinator *c, const void *secret, size_t len);
/* The relays that are known now, sorted, which the coordinator takes over. Who is new gets the
 * first free slot; who is gone is not asked. */
void coordinator_roster(struct coordinator *c, struct roster *gift_roster);
/* Follow a schedule from now on, day after day; or begin nothing more of it: what runs goes on. */
void coordinator_schedule_start(struct coordinator *c);
void coordinator_schedule_stop(struct coordinator *c);
/* How far it is. The caller frees it; NULL out of memory. */
char *coordinator_schedule_json(const struct coordinator *c);

/* A JSON object of jobs and measurers; of measurers alone. The caller frees it; NULL out of memory.
 */
char *coordinator_status_json(const struct coordinator *c);
char *coordinator_measurers_json(const struct coordinator *c);

/* All relays that are known, or that the schedule has, COORDINATOR_PAGE of them a page: whoever is
 * there now is told of as he is when his page is made. C outlives it. NULL out of memory. */
struct coordinator_view;
struct coordinator_view *coordinator_view_relays(const struct coordinator *c);
struct coordinator_view *coordinator_view_schedule(const struct coordinator *c);
void coordinator_view_free(struct coordinator_view *v); /* NULL is fine */
/* The next page, a JSON object; there is one in any case. OVER: it is the last one. The caller
 * frees it; NULL: out of memory, and the rest is not to be had. */
char *coordinator_view_next(struct coordinator_view *v, bool *over);

size_t coordinator_measurers(const struct coordinator *c); /* that are connected */
size_t coordinator_jobs(const struct coordinator *c);      /* that wait or run */

#endif
