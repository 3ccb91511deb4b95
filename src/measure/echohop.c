/* The second hop's links, and its life. */
#include "measure/echohop.h"

#include <stdlib.h>

#include "cell/reason.h"
#include "crypto/secret.h"
#include "measure/echohop_int.h"
#include "measure/onehop.h"

/* ---- links ---- */

static void count_bytes(struct echohop_counts *counts, const struct link *l)
{
    counts->bytes_in += link_bytes_in(l);
    counts->bytes_out += link_bytes_out(l);
}

static void link_on_end(void *arg, const struct link_end *end)
{
    struct echohop_link *hl = arg;
    struct echohop *h = hl->hop;
    log_info(h->env->log, "A link of the second hop ended: %s", end->text);
    hl->over = true;
    h->counts.starved += onehop_is_ours(end->why);
    count_bytes(&h->counts, hl->link);
    DL_DELETE(h->links, hl);
    DL_APPEND(h->dead_links, hl);
    h->counts.links--;
    later_ask(h->env, &h->reap);
}

static void link_on_output(void *arg)
{
    struct echohop_link *hl = arg;
    hl->hop->ops->output(hl->hop->world, hl->link);
}

static void link_on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    echohop_circ_create(arg, id, cmd, body);
}

static void link_on_open(void *arg)
{
    (void)arg;
}

static const struct link_ops link_ops = {.on_open = link_on_open,
                                         .on_end = link_on_end,
                                         .on_output = link_on_output,
                                         .on_create = link_on_create};

static void bury(struct echohop_link *hl)
{
    hl->hop->ops->hangup(hl->hop->world, hl->link);
    link_free(hl->link);
    free(hl);
}

static void reap(void *arg)
{
    struct echohop *h = arg;
    while (h->dead_circs) {
        struct echohop_circ *c = h->dead_circs;
        DL_DELETE(h->dead_circs, c);
        echohop_circ_free(c);
    }
    while (h->dead_links) {
        struct echohop_link *hl = h->dead_links;
        DL_DELETE(h->dead_links, hl);
        bury(hl);
    }
}

/* Somebody who found the port must not keep the relay out. */
static void make_room(struct echohop *h)
{
    struct echohop_link *hl;
    unsigned n = 0;
    DL_FOREACH (h->links, hl)
        n += link_state(hl->link) != LINK_CLOSED;
    if (n < ECHOHOP_LINKS_MOST)
        return;
    DL_FOREACH (h->links, hl) {
        if (link_state(hl->link) != LINK_CLOSED && !link_circuits(hl->link)) {
            link_close(hl->link, OK, OR_RESOURCELIMIT, "too many came to the second hop");
            return;
        }
    }
}

struct link *echohop_accept(struct echohop *h, const struct ipport *peer)
{
    const struct link_config config = {.tls = h->config.tls,
                                       .connect_timeout_ms = ECHOHOP_HANDSHAKE_MS,
                                       .handshake_timeout_ms = ECHOHOP_HANDSHAKE_MS,
                                       .idle_timeout_ms = ECHOHOP_IDLE_MS,
                                       .padding = LINK_PADDING_OFF};
    const struct link_server face = {.certs = h->config.certs, .mine = h->config.mine};
    if (h->closed)
        return NULL;
    make_room(h);
    struct echohop_link *hl = calloc(1, sizeof *hl);
    if (hl) {
        hl->hop = h;
        hl->link = link_new_server(h->env, &config, &face, peer, &link_ops, hl);
    }
    if (!hl || !hl->link) {
        h->counts.starved++;
        free(hl);
        return NULL;
    }
    DL_APPEND(h->links, hl);
    h->counts.links++;
    return hl->link;
}

bool echohop_is_full(const struct link *l)
{
    return link_held(l) >= ECHOHOP_HELD_MOST;
}

/* ---- its life ---- */

void echohop_close(struct echohop *h)
{
    struct echohop_link *hl;
    if (h->closed)
        return;
    h->closed = true;
    env_disarm(h->env, &h->end);
    while (h->circs)
        echohop_circ_end(h->circs, DESTROY_FINISHED);
    DL_FOREACH (h->links, hl)
        link_close(hl->link, OK, OR_DONE, "the run is over");
}

bool echohop_is_closed(const struct echohop *h)
{
    return h->closed;
}

static void time_is_up(void *arg)
{
    struct echohop *h = arg;
    log_info(h->env->log, "The second hop has lived as long as it was made for");
    echohop_close(h);
}

struct echohop *echohop_new(struct env *env, const struct echohop_config *config,
                            const struct echohop_ops *ops, void *world)
{
    struct echohop *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    *h = (struct echohop){.env = env, .config = *config, .ops = ops, .world = world};
    if (h->config.circuits_most > ECHOHOP_CIRCUITS_MOST)
        h->config.circuits_most = ECHOHOP_CIRCUITS_MOST;
    if (!h->config.return_every)
        h->config.return_every = 1;
    later_init(&h->reap, reap, h);
    timer_init(&h->end, time_is_up, h);
    env_arm_ms(env, &h->end, config->life_ms);
    return h;
}

void echohop_free(struct echohop *h)
{
    if (!h)
        return;
    env_disarm(h->env, &h->end);
    later_cancel(h->env, &h->reap);
    while (h->circs)
        echohop_circ_end(h->circs, DESTROY_FINISHED);
    while (h->links) {
        struct echohop_link *hl = h->links;
        DL_DELETE(h->links, hl);
        DL_APPEND(h->dead_links, hl);
    }
    reap(h);
    later_cancel(h->env, &h->reap);
    secret_wipe(&h->config.keys, sizeof h->config.keys);
    free(h);
}

struct echohop_counts echohop_counts(const struct echohop *h)
{
    struct echohop_counts counts = h->counts;
    const struct echohop_link *hl;
    DL_FOREACH (h->links, hl)
        count_bytes(&counts, hl->link);
    return counts;
}
