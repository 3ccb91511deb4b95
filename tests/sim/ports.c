/* SocksPorts of a client, without sockets: lines that are drawn anew at each reload. Which listener
 * stays and which session number each has is decided by the client's own code (socks/ports.h); who
 * must be apart from whom is remembered here, in its own way. */
#include <string.h>

#include "sim/sim.h"

enum { PLACES = 5, GROUPS_FROM = 10, GROUPS = 2 };

static int32_t new_session(void *arg)
{
    const struct sim_client *c = arg;
    return client_new_session(c->client);
}

static struct port_at place(size_t i)
{
    return (struct port_at){.tcp = {ip_v4((const uint8_t[]){127, 0, 0, 1}), (uint16_t)(9050 + i)}};
}

/* At least one line, each with a place of its own, in any order. */
static size_t draw(struct rng *r, struct port_spec wish[PLACES])
{
    size_t at[PLACES], n = (size_t)rng_between(r, 1, PLACES);
    for (size_t i = 0; i < PLACES; i++)
        at[i] = i;
    for (size_t i = 0; i < n; i++) {
        size_t k = i + (size_t)rng_below(r, PLACES - i), swap = at[k];
        at[k] = at[i];
        at[i] = swap;
        wish[i] = (struct port_spec){.at = place(at[i]), .session = SESSION_OWN};
        if (rng_one_in(r, 4))
            wish[i].session = GROUPS_FROM + (int32_t)rng_below(r, GROUPS);
    }
    return n;
}

void ports_reload(struct sim_client *c, uint64_t seed)
{
    struct rng rng = {seed};
    struct port_spec wish[PLACES];
    struct port_fate fate[PLACES];
    struct port_now now[PLACES];
    struct sim_ports fresh = {.n = draw(&rng, wish), .made = c->ports.made};
    for (size_t i = 0; i < c->ports.n; i++)
        now[i] = (struct port_now){.at = c->ports.of[i].at, .session = c->ports.of[i].session};
    sim_enter_client(c);
    ports_plan(now, c->ports.n, wish, fresh.n, new_session, c, fate);
    sim_leave(c->sim);
    for (size_t i = 0; i < fresh.n; i++) {
        bool stays = fate[i].stays != PORT_OPENS;
        fresh.of[i] = (struct sim_port){
            .at = wish[i].at,
            .group = wish[i].session,
            .session = fate[i].session,
            .listener = stays ? c->ports.of[fate[i].stays].listener : ++fresh.made,
        };
    }
    c->ports = fresh;
    sim_note(c->sim, "client %zu has %zu ports", c->id, fresh.n);
}

void ports_started(struct sim_client *c)
{
    c->ports.n = 0;
    if (c->sim->sc->ports_seed)
        ports_reload(c, c->sim->sc->ports_seed + c->starts);
}

void ports_accept(struct sim_client *c, struct app *a)
{
    const struct port_at at = place(a->plan.place - 1);
    const struct sim_port *p = &c->ports.of[0];
    for (size_t i = 0; i < c->ports.n; i++)
        if (port_at_equal(&c->ports.of[i].at, &at))
            p = &c->ports.of[i];
    a->listener = p->listener;
    a->group = p->group;
    a->session = p->session;
    a->accepted = c->starts;
}
