/* What a relay makes of a message that is meant for it, before it acts on it. As tor: what it does
 * not know or cannot place is dropped, and only what breaks the protocol ends the circuit. */
#include "testnet/rcirc.h"
#include "testnet/target.h"

/* About a stream that ends here and is open. */
static bool about_stream(const struct rcirc *c, const struct relay_msg *m)
{
    return m->stream_id && target_find(c, m->stream_id);
}

/* Messages whose handlers judge their bodies themselves: they are answered or dropped, and the
 * circuit stays. */
static bool body_is_judged_later(uint8_t cmd)
{
    switch (cmd) {
    case RELAY_BEGIN:
    case RELAY_END: /* tor-spec 6.3: "SHOULD accept empty RELAY_END messages" */
    case RELAY_RESOLVE:
    case RELAY_XON:
    case RELAY_XOFF:
    case RELAY_PADDING_NEGOTIATE:
        return true;
    default:
        return false;
    }
}

/* tor-spec 6.1: "No stream may have a StreamID of zero." DATA without a stream is dropped too, but
 * only after it was counted. */
static bool lacks_stream(const struct relay_rule *rule, const struct relay_msg *m)
{
    return rule->stream == RELAY_STREAM_NEEDED && !m->stream_id && m->cmd != RELAY_DATA;
}

enum judged rcirc_judge(const struct rcirc *c, const struct relay_msg *m)
{
    const struct relay_rule *rule = relay_rule(m->cmd);
    if (!rule || !rule->receivers || rule->receivers == RELAY_TO_MEASURING || lacks_stream(rule, m))
        return JUDGED_DROP;
    if (!(rule->receivers & RELAY_TO_RELAY)) /* tor-spec 6.1: "must only be sent by other nodes" */
        return about_stream(c, m) ? JUDGED_BREACH : JUDGED_DROP;
    if (c->set && m->cmd == RELAY_BEGIN_DIR) /* legs carry none */
        return JUDGED_BREACH;
    if ((m->cmd == RELAY_EXTEND2 && m->stream_id) ||
        (m->cmd == RELAY_RESOLVE && about_stream(c, m)))
        return JUDGED_DROP;
    if (m->cmd == RELAY_DATA || body_is_judged_later(m->cmd))
        return JUDGED_FINE;
    return relay_msg_check(m, RELAY_TO_RELAY, true) == OK ? JUDGED_FINE : JUDGED_BREACH;
}
