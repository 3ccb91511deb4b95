/* Schedule: when each relay is measured within a period (a day), so that nobody else knows it
 * before and none of the team is asked for more than it has.
 *
 * Proposal 316: a period is made of slots, each long enough for one run. Relays in descending order
 * of what is to be allotted are put into slots that are drawn at random, another draw where there
 * is no room; those that appear later into the first slot that has room. Relays of one address are
 * measured in one slot, since each alone would show the whole host; so are those of one family, /24
 * or /48, as far as a slot holds them.
 *
 * Pure: the same secret, period, relays and team give the same schedule. Of several coordinators
 * with one secret each uses slots of its own for each relay, so they never measure one relay at the
 * same time and need not talk; they have to agree on the secret, their number and the relays. */
#ifndef TUNIC_MEASURE_SCHEDULE_H
#define TUNIC_MEASURE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "measure/roster.h"

enum {
    SCHEDULE_SEED_LEN = 32,
    SCHEDULE_SECRET_LEAST = 32,
    SCHEDULE_PERIOD_S = 24 * 3600,
    SCHEDULE_SLOT_S = 60,
    SCHEDULE_SLOTS_MOST = 20000,
    SCHEDULE_SLOT_RELAYS_MOST = 128, /* each is a conversation with a relay */
    SCHEDULE_OF_MOST = 32,           /* coordinators with one secret */
};

#define SCHEDULE_NOWHERE UINT32_MAX

/* One relay that is to be measured. */
struct schedule_item {
    const struct roster_relay *relay; /* ids, addresses and family; borrowed */
    uint64_t wanted;                  /* what is to be allotted to it */
    unsigned sockets;
    /* What comes of it. */
    uint64_t given; /* WANTED, or its part where its host wants more than a slot has */
    uint32_t slot;  /* SCHEDULE_NOWHERE: no slot has room */
    uint32_t group; /* those of one number are measured in one slot */
};

struct schedule_config {
    uint8_t seed[SCHEDULE_SEED_LEN];
    uint32_t slots;     /* of a period; of a compact one the least number */
    uint32_t from;      /* the first slot that is not over yet; of a compact one 0 */
    bool compact;       /* slots back to back, and as few as hold everybody */
    uint64_t capacity;  /* bytes/s of the team */
    unsigned sockets;   /* of the team */
    unsigned index, of; /* which of how many coordinators: 0 of 1 */
    /* A number below N, in place of the seed's; NULL: the seed's. */
    uint32_t (*draw)(void *arg, uint32_t n);
    void *arg;
};

struct schedule;

/* The seed of a PERIOD, counted from 1970 on. ERR_CRYPTO is the library's. */
MUST_USE err_t schedule_seed(const void *secret, size_t secret_len, uint64_t period,
                             uint8_t seed[SCHEDULE_SEED_LEN]);

/* How long a slot is, if nothing is said, for runs of DUR seconds. */
unsigned schedule_slot_s(unsigned dur);

/* An empty one. ERR_ARG: a team of nothing, no slots, too many; compact, and one of several;
 * ERR_NOMEM. */
MUST_USE err_t schedule_new(const struct schedule_config *config, struct schedule **out);
void schedule_free(struct schedule *s); /* NULL is fine */

/* Gives each of ITEMS, which are in the roster's order, its slot. ERR_NOMEM, ERR_CRYPTO: none has
 * one. */
MUST_USE err_t schedule_fill(struct schedule *s, struct schedule_item *items, size_t n);
/* One that comes later: the slot WITH (of those that it belongs to; SCHEDULE_NOWHERE: of none) if
 * that has room, else the first one from slot FROM on. Its group is left as it is. ERR_NOMEM. */
MUST_USE err_t schedule_later(struct schedule *s, struct schedule_item *item, uint32_t with,
                              uint32_t from);

/* One whose slot is known already, from a schedule that was kept. ERR_NOMEM, ERR_LIMIT. */
MUST_USE err_t schedule_note(struct schedule *s, const struct schedule_item *item);

uint32_t schedule_slots(const struct schedule *s); /* of a compact one: that are used */
/* What is given in a slot, to how many. */
uint64_t schedule_given(const struct schedule *s, uint32_t slot);
unsigned schedule_relays(const struct schedule *s, uint32_t slot);

#endif
