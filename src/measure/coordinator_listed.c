/* The relays that the coordinator knows of: by name, and shown. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/coordinator_plan.h"
#include "measure/jsontext.h"

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

/* ---- shown ---- */

/* Why it would not be measured; "": it would. */
static const char *why_not(const struct coordinator *c, const struct listed_relay *r, bool agrees)
{
    int64_t now_s = env_wall_s(c->env);
    if (!listing_is_live(c->listing, now_s))
        return "the consensus is too old";
    if (!(r->flags & ROUTER_RUNNING))
        return "it does not run";
    if (!r->n_addrs)
        return "it has no address that may be measured";
    if (agrees)
        return "";
    if (!r->is_described)
        return "it is not known whether it agrees: there is no descriptor yet";
    return listing_described(r, now_s) ? "it has not agreed" : "its descriptor is too old";
}

static json_t *measured_json(const struct history_relay *h)
{
    char at[IPPORT_TEXT_MAX] = "";
    if (h->at.ip.family != IP_NONE)
        (void)ipport_text(&h->at, at);
    return json_pack("{sssssIsIsIsbss}", "fp", h->fp, "addr", at, "bw", (json_int_t)h->bw,
                     "measured", (json_int_t)h->measured_s, "last", (json_int_t)h->last.ts, "ok",
                     h->last.ok, "why", h->last.why);
}

static json_t *addresses(const struct listed_relay *r)
{
    json_t *list = json_array();
    char at[IPPORT_TEXT_MAX];
    for (unsigned i = 0; list && i < r->n_addrs; i++)
        if (json_array_append_new(list, json_string(ipport_text(&r->addrs[i], at))) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *described_json(const struct listed_relay *r)
{
    return json_pack("{sIsIsIsI}", "published", (json_int_t)r->published_s, "desc_bw_avg",
                     (json_int_t)r->average, "desc_bw_bur", (json_int_t)r->burst, "desc_bw_obs",
                     (json_int_t)r->observed);
}

static json_t *listed_json(const struct coordinator *c, const struct listed_relay *r,
                           const struct history_relay *h)
{
    char fp[HEX_SIZE(sizeof r->rsa.b)], at[IPPORT_TEXT_MAX] = "";
    bool is_free = r->n_addrs && consent_is_free(&r->addrs[0]);
    const struct roster_relay *known = roster_find(&c->plan->roster, &r->rsa);
    bool is_named = known && known->consent == ROSTER_LISTED;
    const char *consent = r->agrees             ? "contact"
                          : is_free             ? "free"
                          : is_named            ? "listed"
                          : h && h->has_granted ? "granted"
                                                : "none";
    json_t *object = h ? measured_json(h) : json_pack("{sisi}", "bw", 0, "measured", 0);
    if (r->n_addrs)
        (void)ipport_text(&r->addrs[0], at);
    object = jsontext_with(
        object, json_pack("{sssssssosIsisssssbsb}", "fp", hex_upper(r->rsa.b, sizeof r->rsa.b, fp),
                          "nickname", r->nickname, "addr", at, "addrs", addresses(r), "weight_kb",
                          (json_int_t)r->weight_kb, "family", (int)r->family, "consent", consent,
                          "why_not", why_not(c, r, *consent != 'n'), "unmeasured", r->unmeasured,
                          "running", (r->flags & ROUTER_RUNNING) != 0));
    return object && r->is_described ? jsontext_with(object, described_json(r)) : object;
}

/* ---- all of them ---- */

static const struct history_relay *measured(const struct coordinator *c, const struct rsa_id *rsa)
{
    char fp[HEX_SIZE(sizeof rsa->b)];
    return history_find(&c->history, hex_upper(rsa->b, sizeof rsa->b, fp), NULL);
}

void clisted_enrol(const struct coordinator *c, struct roster *roster)
{
    for (size_t i = 0; i < roster->n; i++) {
        struct roster_relay *r = &roster->relays[i];
        const struct history_relay *h = measured(c, &r->who.fp);
        if (r->consent != ROSTER_NO_CONSENT || !h || !h->has_granted)
            continue;
        r->consent = ROSTER_GRANTED;
        r->mode = MEAS_FLASHFLOW;
    }
}

static bool is_listed(const struct coordinator *c, const struct history_relay *h)
{
    struct rsa_id rsa;
    return c->listing && hex_decode_exact(text_of(h->fp), rsa.b, sizeof rsa.b) == OK &&
           listing_find(c->listing, &rsa);
}

static bool add_all(const struct coordinator *c, json_t *list)
{
    bool good = list && (!c->listing || listing_families(c->listing) == OK);
    for (size_t i = 0; good && c->listing && i < listing_n(c->listing); i++) {
        const struct listed_relay *r = listing_at(c->listing, i);
        good = json_array_append_new(list, listed_json(c, r, measured(c, &r->rsa))) == 0;
    }
    for (size_t i = 0; good && i < c->history.n; i++)
        if (!is_listed(c, c->history.relays[i]))
            good = json_array_append_new(list, measured_json(c->history.relays[i])) == 0;
    return good;
}

char *coordinator_relays_json(const struct coordinator *c)
{
    json_t *list = json_array();
    json_t *object = add_all(c, list) ? json_pack("{sO}", "relays", list) : NULL;
    char *text = jsontext_make(object, "");
    json_decref(list);
    return text;
}
