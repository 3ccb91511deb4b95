#include "app/measure/relaytalks.h"

#include <stdlib.h>

#include "app/measure/wires.h"
#include "base/later.h"
#include "measure/relay_talk.h"

struct talk {
    struct relaytalks *all;
    uint32_t meas_id;
    struct relay_talk *relay;
    struct later reap;
    struct talk *prev, *next;
};

struct relaytalks {
    struct net *net;
    struct link_config link;
    struct coordinator *const *coordinator;
    struct talk *talks;
};

static void on_granted(void *arg, const struct meas_ext *limits)
{
    struct talk *t = arg;
    coordinator_relay_met(*t->all->coordinator, t->meas_id, relay_talk_peer_rsa(t->relay),
                          relay_talk_at(t->relay));
    coordinator_relay_granted(*t->all->coordinator, t->meas_id, limits, relay_talk_peer(t->relay));
}

static void on_bg(void *arg, const struct meas_bg *bg)
{
    struct talk *t = arg;
    coordinator_relay_bg(*t->all->coordinator, t->meas_id, bg);
}

static void on_end(void *arg, enum meas_code code, const char *text)
{
    struct talk *t = arg;
    coordinator_relay_ended(*t->all->coordinator, t->meas_id, code, text);
}

static const struct relay_talk_ops ops = {
    .on_granted = on_granted,
    .on_bg = on_bg,
    .on_end = on_end,
};

static void talk_free(struct talk *t)
{
    struct relaytalks *r = t->all;
    if (t->prev)
        t->prev->next = t->next;
    else
        r->talks = t->next;
    if (t->next)
        t->next->prev = t->prev;
    later_cancel(net_env(r->net), &t->reap);
    relay_talk_free(t->relay);
    free(t);
}

static void reap(void *talk)
{
    talk_free(talk);
}

err_t relaytalks_talk(struct relaytalks *r, uint32_t meas_id, const struct meas_relay *relay,
                      const struct meas_params *params, void **talk)
{
    struct talk *t = calloc(1, sizeof *t);
    if (!t)
        return ERR_NOMEM;
    *t = (struct talk){.all = r, .meas_id = meas_id};
    later_init(&t->reap, reap, t);
    const struct relay_talk_config config = {.link = r->link,
                                             .ops_world = &wires_world,
                                             .world = r->net,
                                             .relay = *relay,
                                             .params = *params};
    err_t e = relay_talk_new(net_env(r->net), &config, &ops, t, &t->relay);
    if (e != OK) {
        free(t);
        return e;
    }
    t->next = r->talks;
    if (t->next)
        t->next->prev = t;
    r->talks = t;
    *talk = t;
    return OK;
}

/* It may be that the relay is just speaking: so it is freed later. */
void relaytalks_hush(struct relaytalks *r, void *talk, bool aborted)
{
    struct talk *t = talk;
    relay_talk_leave(t->relay, aborted);
    later_ask(net_env(r->net), &t->reap);
}

struct relaytalks *relaytalks_new(struct net *n, const struct link_config *link,
                                  struct coordinator *const *c)
{
    struct relaytalks *r = calloc(1, sizeof *r);
    if (r)
        *r = (struct relaytalks){.net = n, .link = *link, .coordinator = c};
    return r;
}

void relaytalks_free(struct relaytalks *r)
{
    if (!r)
        return;
    while (r->talks)
        talk_free(r->talks);
    free(r);
}
