/* What a listing says, for a roster. */
#include <string.h>

#include "measure/listing_int.h"

static void enrol(const struct listed_relay *r, bool is_live, int64_t now_s,
                  struct roster_relay *out)
{
    if (r->n_addrs)
        listing_relay_of(r, &out->who);
    memcpy(out->nickname, r->nickname, sizeof out->nickname);
    out->family = r->family;
    out->in_consensus = true;
    out->running = is_live && (r->flags & ROUTER_RUNNING) && r->n_addrs;
    out->exit = r->flags & ROUTER_EXIT && !(r->flags & ROUTER_BADEXIT);
    out->authority = r->flags & ROUTER_AUTHORITY;
    out->unmeasured = r->unmeasured;
    out->weight = (uint64_t)r->weight_kb * LISTING_WEIGHT_UNIT;
    out->has_descriptor = listing_described(r, now_s);
    if (!out->has_descriptor)
        return;
    out->rate = r->average;
    out->burst = r->burst;
    out->observed = r->observed;
    /* Whoever names our pin is asked as relays of unmodified tor are: those that know measuring
     * need no word in their contact line. */
    if (r->agrees && out->consent == ROSTER_NO_CONSENT) {
        out->consent = ROSTER_CONTACT;
        out->mode = MEAS_ECHO2;
    }
}

err_t listing_enrol(struct listing *l, int64_t now_s, struct roster *roster)
{
    bool is_live = listing_is_live(l, now_s);
    TRY(listing_families(l));
    roster_sort(roster);
    size_t known = roster->n;
    for (size_t i = 0; i < l->n; i++) {
        const struct roster all = {roster->relays, known}; /* what is added is not sorted yet */
        struct roster_relay *there = roster_find(&all, &l->relays[i].rsa), one = {.nickname = ""};
        if (there) {
            enrol(&l->relays[i], is_live, now_s, there);
            continue;
        }
        one.who.fp = l->relays[i].rsa;
        one.who.has_fp = true;
        enrol(&l->relays[i], is_live, now_s, &one);
        TRY(roster_add(roster, &one));
    }
    roster_sort(roster);
    return OK;
}
