/* Polite: how a relay that knows nothing of measuring is treated, whoever asks for it. One run at a
 * time on an address, so many a period; few links, opened slowly; and one that has sent us away is
 * left alone. A relay is known by its first address and by its identities, each of which counts for
 * itself: so neither a second address nor a new key gets it more. Pure bookkeeping; times are
 * wall-clock seconds.
 *
 * What was done before a crash is told again by polite_note(), from the results. Relays of this
 * machine are under the bounds of links alone. */
#ifndef TUNIC_MEASURE_POLITE_H
#define TUNIC_MEASURE_POLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "measure/measurement.h"

enum {
    POLITE_SOCKETS_MOST = 40, /* an address: tor's relays bear 50 of one */
    POLITE_OPEN_MS = 2000,    /* the links of a run are opened over so long */
    POLITE_RUNS_MOST = 2,     /* a period */
    POLITE_PERIOD_S = 24 * 3600,
    POLITE_NAMES_MOST = 100 * 1000, /* known at a time: up to three a relay */
    POLITE_WHY_MAX = 160,
};

#define POLITE_BYTES_A_DAY (UINT64_C(32) << 30) /* both ways: two runs of 30 s at 2 Gbit/s */

struct polite;
struct polite_run;

/* BYTES_A_DAY: of one relay. NULL out of memory. */
struct polite *polite_new(uint64_t bytes_a_day);
void polite_free(struct polite *p); /* and runs that go on; NULL is fine */

/* A run of R may begin: *OUT, until polite_end(). ERR_STATE: another one is under way
 * there. ERR_LIMIT: it has to wait; WHY says for what, and how long. ERR_NOMEM. */
MUST_USE err_t polite_begin(struct polite *p, const struct meas_relay *r, int64_t now_s,
                            char why[POLITE_WHY_MAX], struct polite_run **out);
/* The same for one of several on an address that are to be measured at the same time. */
MUST_USE err_t polite_begin_beside(struct polite *p, const struct meas_relay *r, int64_t now_s,
                                   char why[POLITE_WHY_MAX], struct polite_run **out);
/* It is one of the so many from now on: its beginning is written down, and bytes follow. One that
 * ends before was no run: nobody was there, or it was only asked. */
void polite_counts(struct polite_run *run);
/* Whom a link has proved since, or where it was reached: errors as of polite_begin(), and then the
 * run must not go on. */
MUST_USE err_t polite_learn(struct polite *p, struct polite_run *run, const struct meas_relay *r,
                            char why[POLITE_WHY_MAX]);
/* Seconds until polite_begin() would have it, as far as that is about R alone; 0: now. */
int64_t polite_wait_s(const struct polite *p, const struct meas_relay *r, int64_t now_s);
/* It is over, and RUN is gone. SENT_AWAY: by DESTROY, or the relay closed a link. */
void polite_end(struct polite *p, struct polite_run *run, int64_t now_s, uint64_t bytes,
                bool sent_away);
/* A run that began at BEGAN_S, from the results: as if it had been begun and ended here. ERR_NOMEM:
 * it is not known now, and who asks for it again would have it too often. */
MUST_USE err_t polite_note(struct polite *p, const struct meas_relay *r, int64_t began_s,
                           uint64_t bytes, bool sent_away);
/* The same of what ended so before it counted: R has sent us away. */
MUST_USE err_t polite_note_away(struct polite *p, const struct meas_relay *r, int64_t when_s);
/* What the run of R may still move today. */
uint64_t polite_bytes_left(const struct polite *p, const struct meas_relay *r, int64_t now_s);

/* How many links of ASKED there may be. */
unsigned polite_sockets(unsigned asked);
/* When link I of N is opened, in milliseconds from the first. */
unsigned polite_open_at_ms(unsigned i, unsigned n);

#endif
