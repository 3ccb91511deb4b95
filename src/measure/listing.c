#include "measure/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/consent.h"
#include "measure/listing_int.h"

struct listing *listing_new(const struct sha256 *pin)
{
    struct listing *l = calloc(1, sizeof *l);
    if (l)
        l->pin = *pin;
    return l;
}

void listing_forget(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        listing_kin_drop(l, &l->relays[i]);
    free(l->relays);
    *l = (struct listing){.pin = l->pin, .changes = l->changes + 1};
}

void listing_free(struct listing *l)
{
    if (!l)
        return;
    listing_forget(l);
    free(l);
}

/* ---- addresses ---- */

static void add_address(struct listed_relay *r, struct ipport at)
{
    char why[CONSENT_WHY_MAX];
    if (r->n_addrs == MEAS_ADDRS_MOST || consent_check_address(&at, why) != OK)
        return;
    for (unsigned i = 0; i < r->n_addrs; i++)
        if (ipport_equal(&r->addrs[i], &at))
            return;
    r->addrs[r->n_addrs++] = at;
}

/* ---- the consensus ---- */

static void row_of(const struct router *from, int64_t valid_after_s, struct listed_relay *r)
{
    *r = (struct listed_relay){.rsa = from->rsa,
                               .flags = from->flags,
                               .unmeasured = from->unmeasured,
                               .weight_kb = from->bandwidth,
                               .since_s = valid_after_s};
    memcpy(r->nickname, from->nickname, sizeof r->nickname);
    add_address(r, router_orport(from));
    add_address(r, router_orport6(from));
    if (from->has_md) {
        r->ed = from->ed;
        r->has_ed = true;
    }
}

static void forget_descriptor(struct listing *l, struct listed_relay *r)
{
    listing_kin_drop(l, r);
    r->is_described = r->agrees = false;
    l->families_due = true;
}

/* What was known of a relay goes on to its row in the new consensus. */
static void carry_over(struct listing *l, struct listed_relay *old, struct listed_relay *r)
{
    r->since_s = old->since_s;
    r->not_before_s = old->not_before_s;
    r->tries = old->tries;
    if (!old->is_described || (r->has_ed && !ed_id_equal(&r->ed, &old->ed))) {
        listing_kin_drop(l, old);
        return;
    }
    r->is_described = r->has_ed = true;
    r->agrees = old->agrees;
    r->ed = old->ed;
    r->published_s = old->published_s;
    r->average = old->average;
    r->burst = old->burst;
    r->observed = old->observed;
    memcpy(r->sha1, old->sha1, sizeof r->sha1);
    memcpy(r->says, old->says, sizeof r->says);
    r->kin = old->kin;
    old->kin = NULL;
    add_address(r, r->says[0]);
    add_address(r, r->says[1]);
}

err_t listing_consensus(struct listing *l, const struct consensus *c)
{
    if (c->valid_after_s <= l->valid_after_s)
        return ERR_STATE;
    struct listed_relay *rows = calloc(c->n_relays + 1, sizeof *rows);
    if (!rows)
        return ERR_NOMEM;
    size_t k = 0;
    for (size_t i = 0; i < c->n_relays; i++) {
        int order = -1;
        row_of(&c->relays[i], c->valid_after_s, &rows[i]);
        while (k < l->n && (order = memcmp(l->relays[k].rsa.b, rows[i].rsa.b, 20)) < 0)
            listing_kin_drop(l, &l->relays[k++]);
        if (k < l->n && order == 0)
            carry_over(l, &l->relays[k++], &rows[i]);
    }
    while (k < l->n)
        listing_kin_drop(l, &l->relays[k++]);
    free(l->relays);
    l->relays = rows;
    l->n = c->n_relays;
    l->valid_after_s = c->valid_after_s;
    l->valid_until_s = c->valid_until_s;
    l->families_due = true;
    l->changes++;
    return OK;
}

void listing_identities(struct listing *l, const struct consensus *c)
{
    if (c->valid_after_s != l->valid_after_s || c->n_relays != l->n)
        return;
    for (size_t i = 0; i < l->n; i++) {
        struct listed_relay *r = &l->relays[i];
        const struct router *from = &c->relays[i];
        if (!from->has_md || !rsa_id_equal(&from->rsa, &r->rsa) ||
            (r->has_ed && ed_id_equal(&r->ed, &from->ed)))
            continue;
        forget_descriptor(l, r); /* if there is one: it is of another identity */
        r->ed = from->ed;
        r->has_ed = true;
        l->changes++;
    }
}

bool listing_is_live(const struct listing *l, int64_t now_s)
{
    return l->valid_after_s && now_s <= l->valid_until_s + CONSENSUS_REASONABLY_LIVE_S;
}

int64_t listing_valid_after_s(const struct listing *l)
{
    return l->valid_after_s;
}

/* ---- descriptors ---- */

static struct listed_relay *find(const struct listing *l, const struct rsa_id *rsa)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(rsa->b, l->relays[middle].rsa.b, sizeof rsa->b);
        if (order == 0)
            return &l->relays[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static err_t refuse(char why[DESCRIPTOR_WHY_MAX], err_t e, const char *text)
{
    snprintf(why, DESCRIPTOR_WHY_MAX, "%s", text);
    return e;
}

static err_t judge(const struct listed_relay *r, const struct descriptor *d, int64_t now_s,
                   char why[DESCRIPTOR_WHY_MAX])
{
    if (d->published_s > now_s + CONSENT_AHEAD_MOST_S)
        return refuse(why, ERR_NOT_YET_VALID, "it is from a time that is still to come");
    if (d->published_s < now_s - LISTING_DESCRIPTOR_MOST_S)
        return refuse(why, ERR_EXPIRED, "it is more than two days old");
    TRY(descriptor_verify(d, now_s, why));
    if (!d->has_rsa || !d->has_ed || !descriptor_has(d, DESCRIPTOR_BANDWIDTH))
        return refuse(why, ERR_MALFORMED, "it does not say all that is needed");
    /* A relay keeps its Ed25519 key: authorities see to that. */
    if (r->has_ed && !ed_id_equal(&r->ed, &d->ed))
        return refuse(why, ERR_BAD_KEY, "it is of another Ed25519 identity than the relay has");
    return OK;
}

err_t listing_descriptor(struct listing *l, const struct descriptor *d, int64_t now_s,
                         char why[DESCRIPTOR_WHY_MAX])
{
    struct listed_relay *r = d->has_rsa ? find(l, &d->rsa) : NULL;
    if (!r)
        return refuse(why, ERR_NOT_FOUND, "the consensus does not have the relay");
    if (r->is_described && d->published_s <= r->published_s)
        return refuse(why, ERR_STATE, "there is one that is as new");
    TRY(judge(r, d, now_s, why));
    r->is_described = r->has_ed = true;
    r->agrees = consent_is_named(d, &l->pin);
    r->ed = d->ed;
    r->published_s = d->published_s;
    r->average = d->average;
    r->burst = d->burst;
    r->observed = d->observed;
    memcpy(r->sha1, d->sha1, sizeof r->sha1);
    r->says[0] = d->orport;
    r->says[1] = d->orport6;
    add_address(r, d->orport);
    add_address(r, d->orport6);
    listing_kin_drop(l, r);
    listing_kin_take(l, r, d);
    l->families_due = true;
    l->changes++;
    return OK;
}

bool listing_described(const struct listed_relay *r, int64_t now_s)
{
    return r->is_described && r->published_s >= now_s - LISTING_DESCRIPTOR_MOST_S;
}

size_t listing_n_described(const struct listing *l, int64_t now_s)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += listing_described(&l->relays[i], now_s) ? 1 : 0;
    return n;
}

bool listing_is_told(const struct listing *l, int64_t now_s)
{
    return listing_n_described(l, now_s) * 4 >= l->n * 3;
}

/* A directory server has what it has got itself: of one that it lacks another server is asked. */
static int64_t ask_again_s(struct listed_relay *r)
{
    int64_t wait_s = LISTING_ASK_AGAIN_S;
    if (!r->is_described && r->tries < LISTING_TRIES_SOON)
        wait_s = (int64_t)LISTING_ASK_MISSING_S << r->tries++;
    return wait_s;
}

size_t listing_wanted(struct listing *l, int64_t now_s, struct rsa_id *out, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n && n < most; i++) {
        struct listed_relay *r = &l->relays[i];
        if ((r->is_described && r->published_s > now_s - LISTING_RENEW_S) ||
            r->not_before_s > now_s)
            continue;
        r->not_before_s = now_s + ask_again_s(r);
        out[n++] = r->rsa;
    }
    return n;
}

void listing_unasked(struct listing *l, int64_t now_s, const struct rsa_id *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct listed_relay *r = find(l, &ids[i]);
        if (r)
            r->not_before_s = now_s + LISTING_ASK_SOON_S;
    }
}

/* ---- looks ---- */

size_t listing_n(const struct listing *l)
{
    return l->n;
}

const struct listed_relay *listing_at(const struct listing *l, size_t i)
{
    return &l->relays[i];
}

const struct listed_relay *listing_find(const struct listing *l, const struct rsa_id *rsa)
{
    return find(l, rsa);
}

err_t listing_named(const struct listing *l, const char *word, const struct listed_relay **out)
{
    struct rsa_id rsa;
    struct text t = text_of(*word == '$' ? word + 1 : word);
    *out = NULL;
    if (hex_decode_exact(t, rsa.b, sizeof rsa.b) == OK) {
        *out = find(l, &rsa);
        return *out ? OK : ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (!text_is_nocase(text_of(word), l->relays[i].nickname))
            continue;
        if (*out)
            return ERR_LIMIT;
        *out = &l->relays[i];
    }
    return *out ? OK : ERR_NOT_FOUND;
}

void listing_relay_of(const struct listed_relay *r, struct meas_relay *out)
{
    *out = (struct meas_relay){.fp = r->rsa,
                               .ed25519 = r->ed,
                               .has_fp = true,
                               .has_ed25519 = r->has_ed,
                               .n_addrs = r->n_addrs};
    memcpy(out->addrs, r->addrs, sizeof out->addrs);
}

uint32_t listing_changes(const struct listing *l)
{
    return l->changes;
}
