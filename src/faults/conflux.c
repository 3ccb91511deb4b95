/* How an exit breaks the rules of conflux, in what it says (list_conflux.h). */
#include "cell/relay_conflux.h"
#include "faults/faulty.h"

enum { FAR = 1000, FLOOD = 60 };

static bool now(const struct rcirc *c, enum fault fault)
{
    return faulty_now(c->node, fault);
}

/* What LINKED says that is not so. */
static void lie(struct rcirc *c, struct relay_conflux_link *m)
{
    if (now(c, FAULT_CONFLUX_LINKED_OTHER))
        m->nonce[CONFLUX_NONCE_LEN - 1] ^= 1;
    if (now(c, FAULT_CONFLUX_LINKED_LOSES))
        m->last_seqno_sent++;
    if (now(c, FAULT_CONFLUX_LINKED_COUNTS))
        m->last_seqno_recv++;
}

bool fault_in_linked(struct rcirc *c, struct relay_msg *m)
{
    struct faulty *f = node_misdeeds(c->node);
    struct wr w = wr_over(f->body, sizeof f->body);
    struct relay_conflux_link link;
    if (now(c, FAULT_CONFLUX_NO_LINKED))
        return false;
    if (relay_conflux_link_decode(rd_over(m->data, m->len), &link) != OK)
        return true;
    lie(c, &link);
    if (relay_conflux_link_encode(&w, &link) != OK)
        return true;
    m->data = f->body;
    if (now(c, FAULT_CONFLUX_LINK_BACK))
        faulty_say(c, RELAY_CONFLUX_LINK, 0, f->body, w.len);
    if (now(c, FAULT_CONFLUX_LINKED_TWICE))
        faulty_say(c, RELAY_CONFLUX_LINKED, 0, f->body, w.len);
    return !c->over;
}

bool fault_in_switch(struct rcirc *c)
{
    return !now(c, FAULT_CONFLUX_SWITCH_LOST);
}

static void say_switch(struct rcirc *c, uint32_t seqno)
{
    const struct relay_conflux_switch m = {seqno};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_conflux_switch_encode(&w, &m) == OK)
        faulty_say(c, RELAY_CONFLUX_SWITCH, 0, body, w.len);
}

static void flood(struct rcirc *c, uint16_t stream_id)
{
    static const uint8_t junk[RELAY_V1_DATA_STREAM_MAX];
    say_switch(c, FAR);
    for (unsigned i = 0; i < FLOOD && faulty_say(c, RELAY_DATA, stream_id, junk, sizeof junk); i++)
        continue;
}

void fault_before_data_of_set(struct rcirc *c, uint16_t stream_id)
{
    if (now(c, FAULT_CONFLUX_SWITCHES)) {
        say_switch(c, 0);
        say_switch(c, 0);
    }
    if (now(c, FAULT_CONFLUX_SWITCH_FAR))
        say_switch(c, FAR);
    if (now(c, FAULT_CONFLUX_FLOOD))
        flood(c, stream_id);
}
