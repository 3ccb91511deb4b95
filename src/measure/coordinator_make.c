/* A plan is made: from the roster, what is remembered, and the team that is there. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "measure/alloc.h"

enum { UNKNOWN_PERCENTILE = 75 };

/* While it is made: by the roster's order. */
struct making {
    struct schedule_item *items;
    struct cplan_item **of; /* NULL: it is not measured */
    size_t n;
};

static const struct history_relay *known(const struct cplan *p, const struct rsa_id *fp)
{
    char text[HEX_SIZE(sizeof fp->b)];
    return history_find(&p->c->history, hex_upper(fp->b, sizeof fp->b, text), NULL);
}

/* ---- sizes ---- */

void cplan_size(const struct cplan *p, struct cplan_item *item, bool is_known)
{
    const struct mconf_coord *conf = &p->c->conf;
    unsigned m = conf->multiplier ? conf->multiplier : ALLOC_MULTIPLIER;
    item->at.wanted = is_known && conf->adaptive && !conf->paper ? alloc_wanted_known(item->prior)
                                                                 : alloc_wanted(item->prior, m);
    item->at.sockets = alloc_sockets(item->at.wanted, conf->sockets);
}

/* What it was measured at; else what the network thinks of it. 0: nothing is known. */
static uint64_t prior_of(const struct cplan *p, const struct roster_relay *r)
{
    const struct history_relay *h = known(p, &r->who.fp);
    uint64_t measured = h ? history_prior(h) : 0;
    return measured ? measured : r->unmeasured ? 0 : r->weight;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* What is known of a host: the most that one of its relays is thought to carry. */
struct host {
    struct ip ip;
    uint64_t prior;
};

/* For relays of which nothing is known. */
struct guess {
    uint64_t unknown;
    struct host *hosts; /* sorted, those of one address largest first; NULL: out of memory */
    size_t n;
};

static int by_ip(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    int order = (x->ip.family > y->ip.family) - (x->ip.family < y->ip.family);
    return order ? order : memcmp(x->ip.b, y->ip.b, ip_len(&x->ip));
}

static int largest_of_ip(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    int order = by_ip(a, b);
    return order ? order : (x->prior < y->prior) - (x->prior > y->prior);
}

/* 316: "Relays without existing capacity estimates are assumed to have the 75th percentile". */
static uint64_t unknown_prior(const struct cplan *p)
{
    size_t n = 0;
    uint64_t *priors = calloc(p->roster.n + 1, sizeof *priors);
    uint64_t prior = p->c->conf.prior;
    for (size_t i = 0; priors && i < p->roster.n; i++) {
        priors[n] = prior_of(p, &p->roster.relays[i]);
        n += priors[n] ? 1 : 0;
    }
    if (n) {
        qsort(priors, n, sizeof *priors, ascending);
        prior = priors[n * UNKNOWN_PERCENTILE / 100];
    }
    free(priors);
    return prior;
}

static struct guess guess_begin(const struct cplan *p)
{
    struct guess g = {.unknown = unknown_prior(p),
                      .hosts = calloc(p->roster.n + 1, sizeof *g.hosts)};
    for (size_t i = 0; g.hosts && i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        uint64_t prior = cplan_may_ask(r) && r->running ? prior_of(p, r) : 0;
        if (prior)
            g.hosts[g.n++] = (struct host){r->who.addrs[0].ip, prior};
    }
    if (g.n)
        qsort(g.hosts, g.n, sizeof *g.hosts, largest_of_ip);
    size_t kept = 0;
    for (size_t i = 0; i < g.n; i++)
        if (!kept || by_ip(&g.hosts[kept - 1], &g.hosts[i]) != 0)
            g.hosts[kept++] = g.hosts[i];
    g.n = kept;
    return g;
}

/* A host is shared by what is wanted, so a guess is no more than what is known of another relay
 * there: it would take the measurers from that one. */
static uint64_t guess_prior(const struct cplan *p, const struct guess *g,
                            const struct roster_relay *r)
{
    const struct host key = {.ip = r->who.addrs[0].ip};
    uint64_t prior = prior_of(p, r);
    if (prior)
        return prior;
    const struct host *h = g->n ? bsearch(&key, g->hosts, g->n, sizeof key, by_ip) : NULL;
    return h && h->prior < g->unknown ? h->prior : g->unknown;
}

static bool was_the_limit(const struct cplan *p, const struct rsa_id *fp)
{
    const struct history_relay *h = known(p, fp);
    return h && h->last.ok && strcmp(h->last.limited_by, "relay") == 0;
}

bool cplan_may_ask(const struct roster_relay *r)
{
    return r->consent != ROSTER_NO_CONSENT && r->who.n_addrs;
}

/* Of a relay that has its result of this period, by an order or before a plan was lost. */
static bool is_done(const struct cplan *p, const struct rsa_id *fp)
{
    const struct history_relay *h = known(p, fp);
    return h && h->bw && h->measured_s >= p->period * SCHEDULE_PERIOD_S;
}

/* ---- the team ---- */

static void team_room(struct cplan *p)
{
    const struct coordinator *c = p->c;
    uint64_t bw = 0;
    unsigned sockets = 0;
    for (const struct csession *s = c->sessions; s; s = s->next) {
        bw += s->open ? csession_bw(s) : 0;
        sockets += s->open ? csession_sockets(s) : 0;
    }
    p->config.capacity = bw;
    /* Back to back the circuits of the next slot stand beside those of this one. */
    p->config.sockets = p->config.compact ? sockets / 2 : sockets;
}

static err_t configure(struct cplan *p)
{
    const struct mconf_coord *conf = &p->c->conf;
    int64_t now_us = cplan_now_us(p), period_us = SCHEDULE_PERIOD_S * (int64_t)US_PER_SEC;
    p->period = now_us / period_us;
    p->slot_s = conf->slot_s ? conf->slot_s : schedule_slot_s(conf->dur);
    p->config = (struct schedule_config){
        .compact = conf->compact, .index = conf->share, .of = conf->shares ? conf->shares : 1};
    p->begins_us = conf->compact ? now_us : p->period * period_us;
    p->config.slots = conf->compact ? 1 : SCHEDULE_PERIOD_S / p->slot_s;
    p->config.from = conf->compact ? 0 : cplan_next_slot(p);
    team_room(p);
    TRY(schedule_seed(p->secret, p->secret_len, (uint64_t)p->period, p->config.seed));
    err_t e = schedule_new(&p->config, &p->schedule);
    return e == ERR_ARG ? ERR_STATE : e;
}

/* ---- making ---- */

static err_t take(struct cplan *p, const struct roster_relay *r, const struct guess *guess,
                  struct making *m)
{
    struct cplan_item *item = cplan_add(p, &r->who.fp);
    if (!item)
        return ERR_NOMEM;
    item->prior = guess_prior(p, guess, r);
    cplan_size(p, item, was_the_limit(p, &r->who.fp));
    if (is_done(p, &r->who.fp)) {
        cplan_enter(p, item, CPLAN_DONE);
        return OK;
    }
    m->of[m->n] = item;
    m->items[m->n] = item->at;
    m->items[m->n++].relay = r;
    return OK;
}

static err_t take_all(struct cplan *p, struct making *m)
{
    struct guess guess = guess_begin(p);
    err_t e = guess.hosts ? OK : ERR_NOMEM;
    for (size_t i = 0; e == OK && i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        p->away += cplan_may_ask(r) && !r->running ? 1 : 0;
        if (cplan_may_ask(r) && r->running)
            e = take(p, r, &guess, m);
    }
    free(guess.hosts);
    return e;
}

static err_t link_all(struct cplan *p, struct making *m)
{
    for (size_t i = 0; i < m->n; i++) {
        m->of[i]->at = m->items[i];
        m->of[i]->at.relay = NULL;
        if (m->items[i].group >= p->groups)
            p->groups = m->items[i].group + 1;
    }
    TRY(cplan_link_all(p, m->of, m->n));
    for (size_t i = 0; i < m->n; i++)
        if (m->of[i]->at.slot != SCHEDULE_NOWHERE)
            cplan_enter(p, m->of[i], CPLAN_WAITING);
    return OK;
}

err_t cplan_make(struct cplan *p)
{
    struct making m = {.items = calloc(p->roster.n + 1, sizeof *m.items),
                       .of = calloc(p->roster.n + 1, sizeof *m.of)};
    cplan_drop(p);
    err_t e = m.items && m.of ? configure(p) : ERR_NOMEM;
    if (e == OK)
        e = take_all(p, &m);
    if (e == OK)
        e = schedule_fill(p->schedule, m.items, m.n);
    if (e == OK)
        e = link_all(p, &m);
    p->made = e == OK;
    if (e != OK)
        cplan_drop(p);
    else
        ckeep_plan(p);
    free(m.items);
    free(m.of);
    return e;
}

/* ---- changes ---- */

/* Where others of GROUP wait again. NULL out of memory. */
static uint32_t *again_of(struct cplan *p, uint32_t group)
{
    if (group >= p->n_again) {
        uint32_t n = group + 1 > 2 * p->n_again ? group + 1 : 2 * p->n_again;
        uint32_t *more = realloc(p->again, n * sizeof *more);
        if (!more)
            return NULL;
        for (uint32_t i = p->n_again; i < n; i++)
            more[i] = SCHEDULE_NOWHERE;
        p->again = more;
        p->n_again = n;
    }
    return &p->again[group];
}

void cplan_later(struct cplan *p, struct cplan_item *item, uint32_t from)
{
    const struct roster_relay relay = {.who = {.fp = item->fp, .has_fp = true}};
    uint32_t *again = again_of(p, item->at.group);
    bool is_beside = again && *again != SCHEDULE_NOWHERE && *again >= from;
    item->at.relay = &relay;
    err_t e = schedule_later(p->schedule, &item->at, is_beside ? *again : SCHEDULE_NOWHERE, from);
    item->at.relay = NULL;
    if (again && e == OK)
        *again = item->at.slot;
    bool placed = e == OK && item->at.slot != SCHEDULE_NOWHERE && cplan_link(p, item) == OK;
    cplan_enter(p, item, placed ? CPLAN_WAITING : CPLAN_NO_ROOM);
    ckeep_item(p, item);
}

static bool is_new(struct cplan *p, const struct roster_relay *r, struct cplan_item **item)
{
    HASH_FIND(hh, p->items, &r->who.fp, sizeof r->who.fp, *item);
    return cplan_may_ask(r) && r->running && !*item;
}

static bool belong_together(const struct roster_relay *a, const struct roster_relay *b)
{
    for (size_t i = 0; i < a->who.n_addrs; i++)
        for (size_t k = 0; k < b->who.n_addrs; k++)
            if (ip_equal(&a->who.addrs[i].ip, &b->who.addrs[k].ip))
                return true;
    return a->family && a->family == b->family;
}

/* A new relay's group: that of others of its host or family which still wait, so that it gets their
 * slot; else one of its own. */
static uint32_t group_of_new(struct cplan *p, const struct roster_relay *r, uint32_t from)
{
    for (size_t i = 0; i < p->roster.n; i++) {
        const struct roster_relay *o = &p->roster.relays[i];
        struct cplan_item *item = NULL;
        if (o != r && belong_together(o, r))
            HASH_FIND(hh, p->items, &o->who.fp, sizeof o->who.fp, item);
        if (!item || item->state != CPLAN_WAITING || item->at.slot < from)
            continue;
        uint32_t *again = again_of(p, item->at.group);
        if (again)
            *again = item->at.slot;
        return item->at.group;
    }
    return p->groups++;
}

static void add_new(struct cplan *p, const struct roster_relay *r, const struct guess *guess,
                    uint32_t from)
{
    struct cplan_item *item = cplan_add(p, &r->who.fp);
    if (!item)
        return;
    item->prior = guess_prior(p, guess, r);
    cplan_size(p, item, was_the_limit(p, &r->who.fp));
    item->at.group = group_of_new(p, r, from);
    cplan_later(p, item, from);
}

void cplan_add_new(struct cplan *p, uint32_t from)
{
    struct guess guess = {.hosts = NULL};
    for (size_t i = 0; i < p->roster.n; i++) {
        const struct roster_relay *r = &p->roster.relays[i];
        struct cplan_item *item;
        if (!is_new(p, r, &item))
            continue;
        if (!guess.hosts)
            guess = guess_begin(p);
        if (!guess.hosts)
            return;
        add_new(p, r, &guess, from);
    }
    free(guess.hosts);
}
