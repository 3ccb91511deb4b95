/* Roster: the relays that a coordinator knows of: who they are, where, what documents say of each,
 * and whether and how it may be measured. Filled from a file that the coordinator's operator wrote
 * (those that have opted in), and from a consensus and descriptors; read by the schedule.
 *
 * A plain table, sorted by fingerprint once roster_sort() was called. Rates are in bytes/s. */
#ifndef TUNIC_MEASURE_ROSTER_H
#define TUNIC_MEASURE_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "measure/measurement.h"

enum {
    ROSTER_RELAYS_MOST = 20000,
    ROSTER_FILE_MOST = 8 << 20,
    ROSTER_WHY = 200,
};

/* On what grounds it is asked at all. That it agrees is found out anew each time (consent.h). */
enum roster_consent {
    ROSTER_NO_CONSENT, /* known, and not measured */
    ROSTER_LISTED,     /* the operator's file says that it has opted in */
    ROSTER_CONTACT,    /* its descriptor's contact line names the coordinator's pin */
    ROSTER_GRANTED,    /* it knows measuring, and has let us measure it before */
};

struct roster_relay {
    struct meas_relay who; /* has_fp always; IPv4 first, and no address if none is known yet */
    char nickname[NICKNAME_MAX + 1]; /* "": not known */
    enum roster_consent consent;
    enum meas_mode mode; /* flashflow, or one for relays of unmodified tor */
    uint32_t family;     /* those of one number belong together; 0: of none */

    /* The newest consensus, if it has it. */
    bool in_consensus, running, exit, authority, unmeasured;
    uint64_t weight;

    /* Its newest verified descriptor. */
    bool has_descriptor;
    uint64_t rate, burst, observed; /* bandwidth-avg, -burst, -observed */
};

struct roster {
    struct roster_relay *relays;
    size_t n;
};

void roster_init(struct roster *r);
void roster_free(struct roster *r);

/* A copy of RELAY is added at the end. ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t roster_add(struct roster *r, const struct roster_relay *relay);
/* By fingerprint; of several with one fingerprint one stays. */
void roster_sort(struct roster *r);
/* After roster_sort(). NULL: nobody. */
struct roster_relay *roster_find(const struct roster *r, const struct rsa_id *fp);

/* Adds the relays that the TEXT of a file names, a line each; "#" begins a comment:
 *
 *     FINGERPRINT[@ADDRESS:PORT] [MODE] [BW]
 *
 * MODE is flashflow, if nothing is said. BW is what it is thought to carry, for one that is in no
 * consensus, and stands as its weight. They are ROSTER_LISTED, and running as long as no consensus
 * says otherwise. ERR_MALFORMED and WHY, with the line; ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t roster_read(struct roster *r, struct text text, char why[ROSTER_WHY]);

#endif
