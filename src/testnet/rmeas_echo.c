/* Cells that a relay gives back. */
#include "cell/reason.h"
#include "testnet/node_int.h"

/* What waits in C counts for its link. A link with too much is not read until it has less: it never
 * ends over that. */
static void account(struct rcirc *c)
{
    struct nlink *nl = c->came_on;
    enum { FULL = RMEAS_QUEUE_FULL * (1 + CELL_BODY_LEN) };
    nl->echoes_wait += c->back.queue.len - c->echoes_wait; /* may be less than nothing: it wraps */
    c->echoes_wait = c->back.queue.len;
    if (nl->echoes_wait >= FULL)
        nlink_hold(nl, true);
    else if (nl->echoes_wait < FULL / 2)
        nlink_hold(nl, false);
}

static void echo(struct rcirc *c, const uint8_t *body)
{
    struct rmeas *m = &c->node->meas;
    if (m->state == RMEAS_AWAITED)
        rmeas_start(m);
    m->echoed += CHAN_CELL_MAX;
    c->node->counts.echoes++;
    rcirc_cell_as_is(c, WAY_MADE, CELL_RELAY, body);
    if (c->back.queue.len || c->echoes_wait)
        account(c);
}

void rmeas_echo_as_is(struct rcirc *c, const uint8_t *body)
{
    if (!c->over)
        echo(c, body);
}

void rmeas_raw(struct rcirc *c, uint8_t *body)
{
    bool here; /* by chance only: raw cells are for nobody */
    if (!misdeed_echo_in(c, body))
        return;
    if (c->layer->kind->open(c->layer, CELL_RELAY, body, &here) != OK)
        rcirc_close(c, DESTROY_INTERNAL);
    else if (misdeed_echo_out(c, body))
        echo(c, body);
}

bool rmeas_framed(struct rcirc *c, const uint8_t *body)
{
    struct rmeas *m = &c->node->meas;
    /* 316's own measurers do not ask first: their address is enough. */
    bool old = c->use == RMEAS_CLIENTS && m->state != RMEAS_IDLE && !m->asked.ext.has_form;
    uint8_t own[CELL_BODY_LEN];
    if (c->use != RMEAS_FRAMED && !(old && rmeas_admit(c)))
        return false;
    memcpy(own, body, sizeof own);
    if (misdeed_echo_out(c, own))
        echo(c, own);
    return true;
}

void rmeas_flushed(struct rcirc *c)
{
    if (c->echoes_wait)
        account(c);
}

void rmeas_forget_waiting(struct rcirc *c)
{
    buf_drain(&c->back.queue, c->back.queue.len);
    account(c);
}

void rmeas_close_echoes(struct node *n)
{
    struct rcirc *c = n->circs;
    while (c) {
        struct rcirc *next = c->next;
        if (c->use >= RMEAS_FRAMED) {
            rcirc_close(c, DESTROY_FINISHED);
            next = next && next->over ? n->circs : next; /* it took others with it */
        }
        c = next;
    }
}
