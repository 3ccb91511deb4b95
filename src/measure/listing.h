/* Listing: the relays of a network as a coordinator knows them: a consensus, joined with what each
 * relay says of itself in its server descriptor. Who verified the consensus is the caller's affair
 * (a client of ours, or listing_file.h); descriptors are verified here, each of them.
 *
 * A listing only says who is worth being asked. Nobody is measured for standing in it: that takes
 * consent.h, from the relay itself, when it is to be measured. */
#ifndef TUNIC_MEASURE_LISTING_H
#define TUNIC_MEASURE_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "dir/consensus.h"
#include "dir/descriptor.h"
#include "measure/measurement.h"
#include "measure/roster.h"

struct listing;
struct listing_kin;

enum {
    LISTING_DESCRIPTOR_MOST_S =
        48 * 3600,               /* older ones say nothing any more: tor's ROUTER_MAX_AGE */
    LISTING_RENEW_S = 18 * 3600, /* relays write a new one so often, at least; which ones have, a
                                  * microdesc consensus does not say */
    LISTING_ASK_AGAIN_S = 3600,  /* a server that was asked has no newer one */
    LISTING_ASK_MISSING_S = 30,  /* or none at all: others may; doubled each time */
    LISTING_TRIES_SOON = 6,
    LISTING_ASK_SOON_S = 20,        /* nobody has answered */
    LISTING_WEIGHT_UNIT = 1000,     /* bytes/s of a consensus weight of 1, at best */
    LISTING_KIN_MOST = 512,         /* names of a family that are kept, of one relay */
    LISTING_ALL_KIN_MOST = 1 << 20, /* and of all: 8 MB */
};

struct listed_relay {
    struct rsa_id rsa;
    char nickname[NICKNAME_MAX + 1];
    uint16_t flags; /* enum router_flag */
    bool unmeasured;
    uint32_t weight_kb;
    /* As a client would try them: those of the consensus, IPv4 first, then what only the descriptor
     * has. None that may not be dialled (consent_check_address()). */
    struct ipport addrs[MEAS_ADDRS_MOST];
    unsigned n_addrs;
    int64_t since_s; /* valid-after of the first consensus of ours that had it */

    /* Of its newest descriptor. */
    bool is_described;
    bool agrees; /* its contact line has our pin */
    bool has_ed; /* or by the consensus */
    struct ed_id ed;
    int64_t published_s;
    uint64_t average, burst, observed; /* bytes/s */
    uint8_t sha1[20];
    struct ipport says[2]; /* where it says that it is */

    uint32_t family; /* the same number of all of one family; 0: none. See listing_families() */
    struct listing_kin *kin; /* the listing's */
    int64_t not_before_s;    /* its descriptor is not asked for */
    unsigned tries;          /* for the first one */
};

/* PIN: of the coordinator, which contact lines name. NULL out of memory. */
struct listing *listing_new(const struct sha256 *pin);
void listing_free(struct listing *l); /* NULL is fine */

/* C was verified. Relays that it does not have any more are forgotten, what is known of the others
 * stays. ERR_STATE: the one that is here is as new, or newer. ERR_NOMEM: all is as it was. */
MUST_USE err_t listing_consensus(struct listing *l, const struct consensus *c);
/* Of the consensus that is here, C has more by now: Ed25519 identities, from microdescriptors. */
void listing_identities(struct listing *l, const struct consensus *c);
/* D counts from now on, if it verifies. ERR_NOT_FOUND: the consensus does not have the relay.
 * ERR_STATE: the one that is here is this, or newer. Else it is none that counts, and WHY. */
MUST_USE err_t listing_descriptor(struct listing *l, const struct descriptor *d, int64_t now_s,
                                  char why[DESCRIPTOR_WHY_MAX]);

/* It is another network's from now on: as if there had been nothing. */
void listing_forget(struct listing *l);

/* The consensus may be used at NOW_S. */
bool listing_is_live(const struct listing *l, int64_t now_s);
int64_t listing_valid_after_s(const struct listing *l); /* 0: there was none yet */

size_t listing_n(const struct listing *l);
const struct listed_relay *listing_at(const struct listing *l, size_t i); /* ascending by rsa */
const struct listed_relay *listing_find(const struct listing *l, const struct rsa_id *rsa);
/* A nickname in any case, 40 hex digits, or "$" and these. ERR_NOT_FOUND; ERR_LIMIT: several are
 * called so. */
MUST_USE err_t listing_named(const struct listing *l, const char *word,
                             const struct listed_relay **out);
/* What the descriptor says may be used. */
bool listing_described(const struct listed_relay *r, int64_t now_s);
size_t listing_n_described(const struct listing *l, int64_t now_s); /* of how many */
/* Of a quarter it may never come. */
bool listing_is_told(const struct listing *l, int64_t now_s);
/* As somebody who dials it wants it. */
void listing_relay_of(const struct listed_relay *r, struct meas_relay *out);

/* Whose descriptors are to be asked for, at most MOST; these are not said again for a while. */
size_t listing_wanted(struct listing *l, int64_t now_s, struct rsa_id *out, size_t most);
/* Asking for these N came to nothing: they are wanted again soon. */
void listing_unasked(struct listing *l, int64_t now_s, const struct rsa_id *ids, size_t n);

/* Numbers families anew if anything has changed: relays that name each other, or whose descriptors
 * have a certificate of one family, and who is of one with these. ERR_NOMEM: the old numbers stay.
 */
MUST_USE err_t listing_families(struct listing *l);

/* Adds what is known to the relays of ROSTER, and those that it lacks: ROSTER_CONTACT if their
 * contact line has our pin, else ROSTER_NO_CONSENT. ERR_NOMEM, ERR_LIMIT: some are missing. */
MUST_USE err_t listing_enrol(struct listing *l, int64_t now_s, struct roster *roster);

/* Goes up whenever something is known that was not. */
uint32_t listing_changes(const struct listing *l);

#endif
