/* How a node breaks the rules about relay messages that come to it and go from it. */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_flow.h"
#include "cell/relay_stream.h"
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
    if (here && c->next_state == NEXT_OPEN && now(c, FAULT_EXTEND_DEAF))
        return false;
    if (here && now(c, FAULT_RELAY_LOSES))
        return false;
    if (here && c->passed_on && now(c, FAULT_RELAY_COUNTS_PASSED))
        return false;
    return here || (zero && now(c, FAULT_RELAY_ANY_DIGEST));
}

static enum judged fault_in_end_got(struct rcirc *c, const struct relay_msg *m)
{
    if (!m->len)
        return now(c, FAULT_STREAMS_END_EMPTY_BREAKS) ? JUDGED_BREACH : JUDGED_FINE;
    if (m->data[0] > END_NOTDIRECTORY && now(c, FAULT_STREAMS_END_KNOWN_ONLY))
        return JUDGED_BREACH;
    return m->len == 4 && now(c, FAULT_STREAMS_END_EXACT) ? JUDGED_DROP : JUDGED_FINE;
}

enum judged fault_in_message_got(struct rcirc *c, const struct relay_msg *m)
{
    bool known = m->stream_id && target_find(c, m->stream_id);
    if (now(c, FAULT_RELAY_TIDIES_UP)) {
        rcirc_close(c, DESTROY_FINISHED);
        return JUDGED_DROP;
    }
    if (is(c, FAULT_RELAY_BREAKS, m->cmd) || (is(c, FAULT_RELAY_ZERO_ID, m->cmd) && !m->stream_id))
        return JUDGED_BREACH;
    if (is(c, FAULT_RELAY_UNKNOWN_ID, m->cmd) && m->stream_id && !known)
        return JUDGED_BREACH;
    if (is(c, FAULT_RELAY_DROPS, m->cmd) || (is(c, FAULT_RELAY_DROPS_OPEN, m->cmd) && known))
        return JUDGED_DROP;
    if (m->cmd == RELAY_DROP && ++c->drops % 100 == 0 && now(c, FAULT_SENDME_COUNTS_DROP))
        rcirc_send_sendme(c);
    return m->cmd == RELAY_END ? fault_in_end_got(c, m) : JUDGED_FINE;
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

/* ---- streams ---- */

static bool end_with(struct rcirc *c, uint16_t id, uint8_t reason)
{
    rcirc_send(c, RELAY_END, id, &reason, 1);
    return true;
}

bool fault_in_begin_dir(struct rcirc *c, const struct relay_msg *m)
{
    uint32_t most = c->node->faults.n[FAULT_STREAMS_FEW];
    if (now(c, FAULT_STREAMS_NO_DIR))
        return end_with(c, m->stream_id, END_NOTDIRECTORY);
    if (m->len && now(c, FAULT_STREAMS_DIR_BODY))
        return end_with(c, m->stream_id, END_MISC);
    if (most && c->n_streams >= most)
        return end_with(c, m->stream_id, END_RESOURCELIMIT);
    if (target_find(c, m->stream_id) && now(c, FAULT_STREAMS_TWICE)) {
        rcirc_send(c, RELAY_CONNECTED, m->stream_id, NULL, 0);
        return true;
    }
    if (m->stream_id == c->resolved && now(c, FAULT_STREAMS_RESOLVE_KEEPS))
        return true;
    return m->stream_id > INT16_MAX && now(c, FAULT_STREAMS_SMALL_IDS);
}

bool fault_in_dir_connected(struct target *t)
{
    static const uint8_t address[] = {127, 0, 0, 1, 0, 0, 0, 60};
    if (!now(t->circ, FAULT_STREAMS_CONNECTED_BODY))
        return false;
    rcirc_send(t->circ, RELAY_CONNECTED, t->id, address, sizeof address);
    return true;
}

bool fault_in_dir_end(struct target *t)
{
    static const char junk[] = "after the end";
    struct rcirc *c = t->circ;
    uint32_t reason = c->node->faults.n[FAULT_STREAMS_DIR_END];
    if (reason)
        return end_with(c, t->id, (uint8_t)reason);
    if (!now(c, FAULT_STREAMS_DIR_DATA_AFTER_END))
        return false;
    end_with(c, t->id, END_DONE);
    rcirc_send(c, RELAY_DATA, t->id, junk, sizeof junk);
    return true;
}

bool fault_in_malformed_begin(struct rcirc *c, uint16_t id)
{
    static const uint8_t address[] = {127, 0, 0, 1, 0, 0, 0, 60};
    if (!now(c, FAULT_STREAMS_BEGIN_LAX))
        return false;
    rcirc_send(c, RELAY_CONNECTED, id, address, sizeof address);
    return true;
}

struct target *fault_in_finding(struct rcirc *c, struct target *t)
{
    return now(c, FAULT_STREAMS_MIXED) ? c->streams : t;
}

bool fault_in_data(struct target *t, bool first, size_t len)
{
    if (!len && now(t->circ, FAULT_RELAY_EMPTY_DATA)) {
        target_end(t, END_MISC);
        return true;
    }
    if (!first || !now(t->circ, FAULT_STREAMS_NO_EARLY_DATA))
        return false;
    t->deliver--;
    return true;
}

void fault_in_resolve(struct rcirc *c, uint16_t id, struct relay_resolved *said)
{
    static const uint8_t address[] = {192, 0, 2, 99};
    c->resolved = id;
    if (now(c, FAULT_STREAMS_RESOLVE_OTHER))
        said->a[0] = (struct relay_answer){.type = ANSWER_IPV4, .ip = ip_v4(address), .ttl_s = 60};
}

/* ---- flow control ---- */

bool fault_in_counting(struct rcirc *c, bool known)
{
    return known || !now(c, FAULT_SENDME_UNKNOWN);
}

bool fault_in_due(struct rcirc *c, bool due)
{
    uint32_t other = c->node->faults.n[FAULT_SENDME_AFTER];
    return other ? ++c->got % other == 0 : due;
}

static bool takes_sendme(struct rcirc *c, const struct relay_msg *m)
{
    uint8_t version = m->len ? m->data[0] : 0;
    size_t right = 3 + SENDME_TAG_V0;
    if (!c->window.tags_n)
        return now(c, FAULT_SENDME_UNASKED);
    if (version != 1)
        return now(c, version ? FAULT_SENDME_ANY_VERSION : FAULT_SENDME_VERSION_0);
    return now(c, m->len == right ? FAULT_SENDME_ANY_TAG : FAULT_SENDME_SHORT_TAG);
}

err_t fault_in_sendme_got(struct rcirc *c, const struct relay_msg *m, err_t e)
{
    if (e == OK && now(c, FAULT_SENDME_TWICE))
        c->window.package += c->window.increment;
    return e != OK && takes_sendme(c, m) ? OK : e;
}

size_t fault_in_stream_sendme(struct rcirc *c)
{
    return now(c, FAULT_SENDME_STREAM_BODY) ? 1 : 0;
}
