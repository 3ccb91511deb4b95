/* A plan is made: from the roster, what is remembered, and the team that is there. */
#include "measure/coordinator_plan.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/alloc.h"

/* While it is made: by the roster's order. */
struct making {
    struct schedule_item *items;
    struct cplan_item **of; /* NULL: it is not measured */
    size_t n;
};

/* Of a relay that has its result of this period, by an order or before a plan was lost. */
static bool is_done(const struct cplan *p, const struct rsa_id *fp)
{
    const struct history_relay *h = clisted_measured(p->c, fp);
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

static err_t take(struct cplan *p, const struct roster_relay *r, const struct cplan_guess *guess,
                  struct making *m)
{
    struct cplan_item *item = cplan_add(p, &r->who.fp);
    if (!item)
        return ERR_NOMEM;
    item->prior = cplan_guess_prior(p, guess, r);
    cplan_size(p, item, cplan_was_the_limit(p, &r->who.fp));
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
    struct cplan_guess guess = cplan_guess_begin(p);
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
