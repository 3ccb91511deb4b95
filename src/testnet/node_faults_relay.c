/* How a node breaks the rules about relay messages that come to it and go from it. */
#include <string.h>

#include "testnet/node_int.h"

static bool is(const struct rcirc *c, enum fault fault, uint8_t cmd)
{
    return cmd && c->node->faults.n[fault] == cmd;
}

static bool now(const struct rcirc *c, enum fault fault)
{
    return fault_now(&c->node->faults, fault);
}

bool fault_in_recognizing(struct rcirc *c, const uint8_t *body, bool here)
{
    bool zero = !body[RELAY_V0_RECOGNIZED_AT] && !body[RELAY_V0_RECOGNIZED_AT + 1];
    if (here && now(c, FAULT_RELAY_LOSES))
        return false;
    if (here && c->passed_on && now(c, FAULT_RELAY_COUNTS_PASSED))
        return false;
    return here || (zero && now(c, FAULT_RELAY_ANY_DIGEST));
}

enum judged fault_in_message_got(struct rcirc *c, const struct relay_msg *m)
{
    bool known = m->stream_id && target_find(c, m->stream_id);
    if (is(c, FAULT_RELAY_BREAKS, m->cmd) || (is(c, FAULT_RELAY_ZERO_ID, m->cmd) && !m->stream_id))
        return JUDGED_BREACH;
    if (is(c, FAULT_RELAY_UNKNOWN_ID, m->cmd) && m->stream_id && !known)
        return JUDGED_BREACH;
    if (is(c, FAULT_RELAY_DROPS, m->cmd) || (is(c, FAULT_RELAY_DROPS_OPEN, m->cmd) && known))
        return JUDGED_DROP;
    return JUDGED_FINE;
}

/* Whether the padding after M's LEN bytes may pass. */
bool fault_in_padding_got(struct rcirc *c, const struct relay_msg *m, const uint8_t *body)
{
    static const uint8_t zeros[RELAY_PAD_ZEROS];
    size_t at = RELAY_V0_HEAD_LEN + m->len;
    return !now(c, FAULT_RELAY_PADDING_JUDGED) || at + sizeof zeros > CELL_BODY_LEN ||
           !memcmp(body + at, zeros, sizeof zeros);
}

void fault_in_padding_sent(struct rcirc *c, uint8_t *body, size_t random_at)
{
    if (now(c, FAULT_RELAY_PADDING_ZEROS))
        memset(body + random_at, 0, CELL_BODY_LEN - random_at);
    if (now(c, FAULT_RELAY_PADDING_RANDOM) && random_at < CELL_BODY_LEN)
        memset(body + random_at - RELAY_PAD_ZEROS, 0x5a, RELAY_PAD_ZEROS);
}

void fault_in_negotiated(struct rcirc *c, struct relay_padding_negotiated *m)
{
    if (now(c, FAULT_RELAY_NEGOTIATED))
        m->response = CIRCPAD_OK;
    if (now(c, FAULT_RELAY_NEGOTIATED_OTHER))
        m->machine ^= 1;
}
