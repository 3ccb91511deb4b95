/* A node's links: those that come in, and those it opens to extend circuits. */
#include <stdio.h>
#include <stdlib.h>

#include "cell/chan_link.h"
#include "cell/reason.h"
#include "testnet/node_int.h"

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    IDLE_TIMEOUT_MS = 10 * 60 * 1000,
    CERTS_RENEW_S = 24 * 3600,
    NF_ITO_LOW_MS = 1500, /* the consensus' defaults */
    NF_ITO_HIGH_MS = 9500,
};

/* ---- who waits for them ---- */

void nlink_wait(struct nlink *nl, struct nlink_wait *w)
{
    w->on = nl;
    DL_APPEND(nl->waiting, w);
}

void nlink_wait_no_more(struct nlink_wait *w)
{
    if (w->on)
        DL_DELETE(w->on->waiting, w);
    w->on = NULL;
}

/* ---- what the link tells ---- */

static void nlink_on_open(void *arg)
{
    struct nlink *nl = arg;
    while (nl->waiting && !nl->over) {
        struct nlink_wait *w = nl->waiting;
        nlink_wait_no_more(w);
        w->open(w->arg, nl);
    }
}

/* Cells of a link that came in, for who wants to see what a client sends and when. */
static void trace(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                  size_t len)
{
    const struct nlink *nl = arg;
    char addr[IPPORT_TEXT_MAX], how[32] = "";
    if (cmd == CELL_PADDING_NEGOTIATE && len > 1)
        snprintf(how, sizeof how, " %s", body[1] == CHAN_PADDING_STOP ? "STOP" : "START");
    else if (cmd == CELL_DESTROY && len)
        snprintf(how, sizeof how, " %s", destroy_reason_name(body[0]));
    log_debug(nl->node->env->log, "%s: %s %s: %s %u%s", nl->node->config.plan->nickname,
              out ? "to" : "from", ipport_text(&link_target(nl->link)->reach.addr, addr),
              chan_cmd_name(cmd), circ_id, how);
}

static void trace_end(const struct nlink *nl)
{
    char addr[IPPORT_TEXT_MAX];
    if (!nl->dialled)
        log_debug(nl->node->env->log, "%s: from %s: end of the link",
                  nl->node->config.plan->nickname,
                  ipport_text(&link_target(nl->link)->reach.addr, addr));
}

static void nlink_on_end(void *arg, const struct link_end *end)
{
    struct nlink *nl = arg;
    struct node *n = nl->node;
    log_info(n->env->log, "%s: a link ended: %s", n->config.plan->nickname, end->text);
    trace_end(nl);
    nl->over = true;
    misdeed_link_over(nl, end);
    DL_DELETE(n->links, nl);
    DL_APPEND(n->dead_links, nl);
    n->counts.links--;
    while (nl->waiting) {
        struct nlink_wait *w = nl->waiting;
        nlink_wait_no_more(w);
        w->failed(w->arg);
    }
    later_ask(n->env, &n->reap);
}

static void nlink_on_output(void *arg)
{
    struct nlink *nl = arg;
    nl->node->ops->output(nl->node->world, nl->link);
}

static void nlink_on_room(void *arg)
{
    struct nlink *nl = arg;
    nl->node->ops->resume(nl->node->world, nl->link);
}

static void nlink_on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct nlink *nl = arg;
    nl->on_create(nl, id, cmd, body);
}

static const struct link_ops nlink_ops = {
    .on_open = nlink_on_open,
    .on_end = nlink_on_end,
    .on_output = nlink_on_output,
    .on_room = nlink_on_room,
    .on_create = nlink_on_create,
};

/* ---- making them ---- */

/* padding-spec 2.2: "We pad only the client's connection to the Guard node, and not any other
 * connection." */
static struct link_config link_config_of(const struct node *n, bool dialled)
{
    return (struct link_config){.tls = dialled ? n->config.dial_tls : n->config.accept_tls,
                                .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                .handshake_timeout_ms = n->config.handshake_timeout_ms,
                                .idle_timeout_ms = IDLE_TIMEOUT_MS,
                                .measures = !dialled && n->meas.terms.speaks,
                                .padding = dialled ? LINK_PADDING_OFF : LINK_PADDING_AUTO,
                                .nf_ito_low_ms = NF_ITO_LOW_MS,
                                .nf_ito_high_ms = NF_ITO_HIGH_MS};
}

static bool has_room(const struct node *n, unsigned more)
{
    return n->counts.links < NODE_LINKS_MOST + more;
}

static struct nlink *nlink_new(struct node *n, bool dialled)
{
    struct nlink *nl = calloc(1, sizeof *nl);
    if (nl)
        *nl = (struct nlink){.node = n, .dialled = dialled};
    return nl;
}

static struct nlink *keep(struct nlink *nl)
{
    if (!nl->link) {
        free(nl->memo);
        free(nl);
        return NULL;
    }
    DL_APPEND(nl->node->links, nl);
    nl->node->counts.links++;
    nl->node->counts.links_ever++;
    nlink_hold(nl, nl->node->meas.held);
    return nl;
}

static err_t renew_certs(struct node *n)
{
    int64_t now_s = env_wall_s(n->env);
    if (n->certs.list.n && now_s >= n->certs_made_s && now_s < n->certs_made_s + CERTS_RENEW_S)
        return OK;
    n->certs_made_s = now_s;
    return relay_certs_make(n->config.id, &n->tls_cert, now_s, RELAY_CERTS_HONEST, &n->certs);
}

struct nlink *nlink_accept(struct node *n, const struct ipport *peer, nlink_create_fn *on_create)
{
    struct link_config config = link_config_of(n, false);
    struct link_server face = {.certs = &n->certs.list, .mine = n->config.plan->or_port.ip};
    bool room = has_room(n, rmeas_expects(&n->meas, &peer->ip));
    struct nlink *nl = room && renew_certs(n) == OK ? nlink_new(n, false) : NULL;
    if (!nl)
        return NULL;
    nl->on_create = on_create;
    misdeed_face(nl, &config, &face);
    nl->link = link_new_server(n->env, &config, &face, peer, &nlink_ops, nl);
    if (nl->link && n->env->log && n->env->log->least == LOG_DEBUG)
        link_set_trace(nl->link, trace);
    return keep(nl);
}

struct nlink *nlink_find(const struct node *n, const struct link_target *target)
{
    struct nlink *nl;
    DL_FOREACH (n->links, nl) {
        const struct link_target *t = link_target(nl->link);
        if (nl->dialled && link_state(nl->link) != LINK_CLOSED &&
            rsa_id_equal(&t->rsa, &target->rsa) && t->has_ed == target->has_ed &&
            (!t->has_ed || ed_id_equal(&t->ed, &target->ed)))
            return nl;
    }
    return NULL;
}

struct nlink *nlink_dial(struct node *n, const struct link_target *target)
{
    struct link_config config = link_config_of(n, true);
    struct nlink *nl = has_room(n, 0) ? nlink_new(n, true) : NULL;
    if (!nl)
        return NULL;
    nl->link = link_new(n->env, &config, target, &nlink_ops, nl);
    if (!(nl = keep(nl)))
        return NULL;
    n->ops->dial(n->world, nl->link, &n->config.plan->or_port.ip, &target->reach.addr);
    return nl;
}

/* ---- measurements ---- */

void nlink_hold(struct nlink *nl, bool hold)
{
    if (nl->held == hold || nl->over)
        return;
    nl->held = hold;
    link_hold_input(nl->link, hold);
}

void nlink_measures(struct nlink *nl, bool measures)
{
    struct node *n = nl->node;
    if (nl->measures == measures || nl->over)
        return;
    nl->measures = measures;
    nlink_hold(nl, !measures && n->meas.held);
    if (n->ops->measures)
        n->ops->measures(n->world, nl->link, measures);
}

/* ---- their end ---- */

void nlink_close_all(struct node *n, const char *why)
{
    struct nlink *nl;
    DL_FOREACH (n->links, nl) {
        link_close(nl->link, OK, OR_DONE, why);
    }
}

void nlink_bury(struct nlink *nl)
{
    nl->node->ops->hangup(nl->node->world, nl->link);
    link_free(nl->link);
    free(nl->memo);
    free(nl);
}
