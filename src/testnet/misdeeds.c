#include "testnet/misdeeds.h"

#include "testnet/node_int.h"

void misdeed_face(struct nlink *nl, struct link_config *config, struct link_server *face)
{
    if (nl->node->misdeeds)
        nl->node->misdeeds->face(nl, config, face);
}

void misdeed_link_over(struct nlink *nl, const struct link_end *end)
{
    if (nl->node->misdeeds)
        nl->node->misdeeds->link_over(nl, end);
}

err_t misdeed_reply(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                    struct create_reply *r)
{
    return c->node->misdeeds ? c->node->misdeeds->reply(c, cmd, body, e, r) : e;
}

err_t misdeed_extensions(struct rcirc *c, struct rd asked, err_t e, struct exts *ours)
{
    return c->node->misdeeds ? c->node->misdeeds->extensions(c, asked, e, ours) : e;
}

bool misdeed_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason)
{
    return !c->node->misdeeds || c->node->misdeeds->refusal(c, nl, id, reason);
}

bool misdeed_cell_in(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body)
{
    return !c->node->misdeeds || c->node->misdeeds->cell_in(c, way, cmd, body);
}

bool misdeed_opened(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here)
{
    return !c->node->misdeeds || c->node->misdeeds->opened(c, cmd, body, here);
}

bool misdeed_cell_out(struct rcirc *c, enum rway way, uint8_t *cmd, uint8_t *body)
{
    return !c->node->misdeeds || c->node->misdeeds->cell_out(c, way, cmd, body);
}

enum judged misdeed_message_in(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m)
{
    return c->node->misdeeds ? c->node->misdeeds->message_in(c, chan_cmd, m) : JUDGED_FINE;
}

bool misdeed_message_out(struct rcirc *c, struct relay_msg *m)
{
    return !c->node->misdeeds || c->node->misdeeds->message_out(c, m);
}

void misdeed_plain_out(struct rcirc *c, uint8_t *body, size_t padding_at)
{
    if (c->node->misdeeds)
        c->node->misdeeds->plain_out(c, body, padding_at);
}

unsigned misdeed_room(const struct target *t, unsigned room)
{
    return t->circ->node->misdeeds ? t->circ->node->misdeeds->room(t, room) : room;
}

bool misdeed_measurement_in(struct rcirc *c, const uint8_t *body)
{
    return !c->node->misdeeds || c->node->misdeeds->measurement_in(c, body);
}

bool misdeed_echo_in(struct rcirc *c, const uint8_t *body)
{
    return !c->node->misdeeds || c->node->misdeeds->echo_in(c, body);
}

bool misdeed_echo_out(struct rcirc *c, uint8_t *body)
{
    return !c->node->misdeeds || c->node->misdeeds->echo_out(c, body);
}

bool misdeed_background(struct rcirc *c, struct meas_bg *bg)
{
    return !c->node->misdeeds || c->node->misdeeds->background(c, bg);
}

bool misdeed_over(struct node *n)
{
    return !n->misdeeds || n->misdeeds->over(n);
}

bool misdeed_limit(struct node *n)
{
    return !n->misdeeds || n->misdeeds->limit(n);
}

bool misdeed_orphaned(struct node *n)
{
    return !n->misdeeds || n->misdeeds->orphaned(n);
}
