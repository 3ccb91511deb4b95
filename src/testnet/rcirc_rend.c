/* Rendezvous at a relay (rend-spec-v3 4.1, 4.3): a client leaves a cookie, a service comes by
 * another circuit with the same, and from then on what either sends that is not for this relay goes
 * to the other. */
#include <string.h>

#include "cell/reason.h"
#include "testnet/node_int.h"

static struct rcirc *find_waiting(const struct node *n, const uint8_t cookie[HS_COOKIE_LEN])
{
    struct rcirc *c;
    DL_FOREACH (n->circs, c)
        if (c->rend == REND_WAITING && memcmp(c->cookie, cookie, HS_COOKIE_LEN) == 0)
            return c;
    return NULL;
}

/* As C tor (rendmid.c): only at the end of a circuit that serves nothing else. */
static bool may_meet(const struct rcirc *c)
{
    return c->rend == REND_NONE && c->next_state == NEXT_NONE;
}

void rcirc_rend_establish(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_establish_rendezvous ask;
    if (relay_establish_rendezvous_decode(rd_over(m->data, m->len), &ask) != OK || !may_meet(c) ||
        find_waiting(c->node, ask.cookie)) {
        rcirc_broken(c, "ESTABLISH_RENDEZVOUS that has no place here, or a cookie that is taken");
        return;
    }
    memcpy(c->cookie, ask.cookie, sizeof c->cookie);
    c->rend = REND_WAITING;
    rcirc_send(c, RELAY_RENDEZVOUS_ESTABLISHED, 0, NULL, 0);
}

void rcirc_rend_meet(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_rendezvous1 ask;
    if (relay_rendezvous1_decode(rd_over(m->data, m->len), &ask) != OK || !may_meet(c)) {
        rcirc_broken(c, "RENDEZVOUS1 that has no place here");
        return;
    }
    struct rcirc *client = find_waiting(c->node, ask.cookie);
    if (!client) { /* the client may have given up */
        rcirc_refuse(c, DESTROY_PROTOCOL);
        return;
    }
    /* rend-spec-v3 4.3: RENDEZVOUS2 is RENDEZVOUS1 without its cookie, padding and all. */
    if (!rcirc_send(client, RELAY_RENDEZVOUS2, 0, m->data + HS_COOKIE_LEN, m->len - HS_COOKIE_LEN))
        return;
    c->rend = client->rend = REND_JOINED;
    c->joined = client;
    client->joined = c;
}

void rcirc_rend_pass_on(struct rcirc *c, uint8_t *body)
{
    struct rcirc *to = c->joined;
    if (to->layer->kind->wrap(to->layer, CELL_RELAY, body) == OK)
        rcirc_cell(to, WAY_BACK, CELL_RELAY, body);
    else
        rcirc_close(to, DESTROY_INTERNAL);
}

void rcirc_rend_leave(struct rcirc *c, uint8_t reason)
{
    struct rcirc *other = c->joined;
    c->rend = REND_NONE;
    c->joined = NULL;
    if (!other)
        return;
    other->joined = NULL;
    rcirc_close(other, reason);
}
