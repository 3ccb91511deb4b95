/* Padding machines on a circuit: what they send, and what they are told. */
#include <stdlib.h>

#include "circuit/circ_int.h"

static err_t send_padding(void *arg, unsigned hop, uint8_t cmd, const uint8_t *body, size_t len)
{
    return circ_send(arg, hop, cmd, 0, body, len);
}

static void over(void *arg)
{
    struct circ *c = arg;
    if (c->on_pad_over)
        c->on_pad_over(c->arg);
}

static const struct circpad_ops pad_ops = {send_padding, over};

err_t circ_pad(struct circ *c, const struct circpad_machine *machine, void (*on_over)(void *arg))
{
    if (c->state != CIRC_OPEN || machine->hop > c->onion.n)
        return ERR_STATE;
    if (!c->pad) {
        c->pad = malloc(sizeof *c->pad);
        if (!c->pad)
            return ERR_NOMEM;
        circpad_init(c->pad, c->env, c->config.padding, &pad_ops, c);
    }
    c->on_pad_over = on_over;
    return circpad_begin(c->pad, machine);
}

void circ_pad_stop(struct circ *c)
{
    if (c->pad && c->state != CIRC_CLOSED)
        circpad_stop(c->pad);
}

bool circ_is_held(const struct circ *c)
{
    return c->pad && circpad_holds(c->pad);
}

void circ_pad_end(struct circ *c)
{
    if (c->pad)
        circpad_end(c->pad);
}

void circ_pad_sent(struct circ *c, uint8_t cmd)
{
    if (cmd == RELAY_DROP)
        return; /* its sender has counted it */
    if (c->config.padding)
        c->config.padding->nonpadding++;
    if (c->pad)
        circpad_on_sent(c->pad);
}

void circ_pad_received(struct circ *c)
{
    if (c->pad)
        circpad_on_received(c->pad);
}

err_t circ_on_padding(struct circ *c, unsigned hop, const struct relay_msg *msg)
{
    return c->pad ? circpad_on_msg(c->pad, hop, msg) : ERR_CIRC_PROTO;
}
