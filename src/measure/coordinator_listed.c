/* The relays that the coordinator knows of: by name, and shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/coordinator_plan.h"

void coordinator_use(struct coordinator *c, struct listing *l)
{
    c->listing = l;
}

static err_t say(char why[COORDINATOR_WHY], const char *word, const char *text)
{
    snprintf(why, COORDINATOR_WHY, "\"%.40s\": %s", word, text);
    return ERR_ARG;
}

err_t clisted_find(const struct coordinator *c, const char *word, struct meas_relay *out,
                   char why[COORDINATOR_WHY])
{
    const struct listed_relay *r;
    if (!c->listing || !listing_valid_after_s(c->listing))
        return ERR_NOT_FOUND;
    err_t e = listing_named(c->listing, word, &r);
    if (e == ERR_LIMIT)
        return say(why, word, "several relays are called so: say the fingerprint");
    if (e != OK)
        return e;
    if (!listing_is_live(c->listing, env_wall_s(c->env)))
        return say(why, word, "the consensus is too old to say where it is");
    if (!r->n_addrs)
        return say(why, word, "it has no address that may be measured");
    listing_relay_of(r, out);
    return OK;
}

/* ---- what is remembered of them ---- */

const struct history_relay *clisted_measured(const struct coordinator *c, const struct rsa_id *rsa)
{
    char fp[HEX_SIZE(sizeof rsa->b)];
    return history_find(&c->history, hex_upper(rsa->b, sizeof rsa->b, fp), NULL);
}

void clisted_enrol(const struct coordinator *c, struct roster *roster)
{
    for (size_t i = 0; i < roster->n; i++) {
        struct roster_relay *r = &roster->relays[i];
        const struct history_relay *h = clisted_measured(c, &r->who.fp);
        if (r->consent != ROSTER_NO_CONSENT || !h || !h->has_granted)
            continue;
        r->consent = ROSTER_GRANTED;
        r->mode = MEAS_FLASHFLOW;
    }
}
