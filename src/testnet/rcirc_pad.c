/* A relay's half of the padding machines that a client asks for (padding-spec 3). */
#include <stdlib.h>

#include "testnet/node_int.h"

enum { QUEUED_CELLS_MOST = 1000 }; /* circpad_max_circ_queued_cells */

static err_t send_padding(void *arg, unsigned hop, uint8_t cmd, const uint8_t *body, size_t len)
{
    struct rcirc *c = arg;
    (void)hop;
    if (cmd == RELAY_DROP && rcirc_queued(c) > (size_t)QUEUED_CELLS_MOST * CELL_BODY_LEN)
        return OK;
    return rcirc_send(c, cmd, 0, body, len) ? OK : ERR_STATE;
}

static const struct circpad_ops pad_ops = {send_padding, NULL};

void rcirc_pad_negotiate(struct rcirc *c, const struct relay_msg *m)
{
    if (!c->pad) {
        c->pad = malloc(sizeof *c->pad);
        if (!c->pad)
            return; /* as if the message had been lost: padding is nobody's need */
        circpad_init(c->pad, c->node->env, NULL, &pad_ops, c);
    }
    circpad_on_negotiate(c->pad, m);
}

void rcirc_pad_came(struct rcirc *c)
{
    if (c->pad)
        circpad_on_drop(c->pad);
}

void rcirc_pad_sent(struct rcirc *c)
{
    if (c->pad && !c->over)
        circpad_on_sent(c->pad);
}

void rcirc_pad_received(struct rcirc *c)
{
    if (c->pad && !c->over)
        circpad_on_received(c->pad);
}

void rcirc_pad_end(struct rcirc *c)
{
    if (c->pad)
        circpad_end(c->pad);
}
