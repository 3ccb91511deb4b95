/* How a node breaks the rules about relay messages that come to it (list_relay.h). */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_flow.h"
#include "cell/relay_pad.h"
#include "faults/faulty.h"

static bool is(const struct rcirc *c, enum fault fault, uint8_t cmd)
{
    return cmd && faulty_n(c->node, fault) == cmd;
}

enum { FLOOD_AT = 500000 }; /* bytes, before XON is said again and again */

static bool now(const struct rcirc *c, enum fault fault)
{
    return faulty_now(c->node, fault);
}

/* ---- cells whose layer is off ---- */

static bool recognizes(struct rcirc *c, const uint8_t *body, bool here)
{
    const struct circ_memo *memo = c->memo;
    bool zero = c->kind->format == RELAY_V0 && !body[RELAY_V0_RECOGNIZED_AT] &&
                !body[RELAY_V0_RECOGNIZED_AT + 1];
    if (here && c->next_state == NEXT_OPEN && now(c, FAULT_EXTEND_DEAF))
        return false;
    if (here && now(c, FAULT_RELAY_LOSES))
        return false;
    if (here && memo && memo->passed_on && now(c, FAULT_RELAY_COUNTS_PASSED))
        return false;
    return here || (zero && now(c, FAULT_RELAY_ANY_DIGEST));
}

/* Whether the padding after M may pass. */
static bool bears_padding(struct rcirc *c, const struct relay_msg *m, const uint8_t *body)
{
    static const uint8_t zeros[RELAY_PAD_ZEROS];
    size_t at = relay_data_at(c->layer->kind->format, m->cmd) + m->len;
    return !now(c, FAULT_RELAY_PADDING_JUDGED) || at + sizeof zeros > CELL_BODY_LEN ||
           !memcmp(body + at, zeros, sizeof zeros);
}

bool fault_in_opened(struct rcirc *c, uint8_t cmd, const uint8_t *body, bool *here)
{
    struct relay_msg m;
    *here = recognizes(c, body, *here);
    if (*here && fault_in_unasked_echo(c, body))
        return false;
    if (!*here)
        return c->next_state == NEXT_OPEN || c->cut || !now(c, FAULT_RELAY_UNRECOGNIZED);
    if (relay_msg_decode(c->layer->kind->format, body, &m) != OK)
        return !now(c, FAULT_RELAY_LENGTH);
    if (cmd == CELL_RELAY_EARLY && m.cmd != RELAY_EXTEND2 && now(c, FAULT_EARLY_EXTEND_ONLY))
        return false;
    if (bears_padding(c, &m, body))
        return true;
    rcirc_broken(c, "a relay message whose padding does not begin with zeros");
    return false;
}

/* ---- flow control ---- */

static void say_sendme(struct rcirc *c)
{
    struct relay_sendme m = {
        .version = 1, .tag_len = (uint8_t)c->layer->kind->tag_len, .tag = c->layer->got_tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_sendme_encode(&w, &m) == OK)
        faulty_say(c, RELAY_SENDME, 0, body, w.len);
}

static void count_data(struct rcirc *c)
{
    uint32_t step = faulty_n(c->node, FAULT_SENDME_AFTER);
    struct circ_memo *memo = step ? faulty_circ(c) : NULL;
    if (memo && ++memo->got % step == 0)
        say_sendme(c);
}

static void count_drop(struct rcirc *c)
{
    struct circ_memo *memo = faulty_circ(c);
    if (memo && ++memo->drops % 100 == 0 && now(c, FAULT_SENDME_COUNTS_DROP))
        say_sendme(c);
}

/* Whether C has brought AT bytes with the LEN that come now, and is heard of it for the first time.
 */
static bool has_brought(struct rcirc *c, uint64_t at, size_t len)
{
    struct circ_memo *memo = faulty_circ(c);
    uint64_t before = memo ? memo->bytes : UINT64_MAX;
    return before < at && before + len >= at;
}

/* XOFF and XON without a reason, LEN bytes for stream ID having come. */
static void say_flow(struct rcirc *c, uint16_t id, size_t len)
{
    static const uint8_t zero[5];
    struct faulty *f = node_misdeeds(c->node);
    uint32_t kb = faulty_n(c->node, FAULT_STREAM_XOFF_TWICE);
    uint32_t ons = faulty_n(c->node, FAULT_STREAM_XON_FLOOD);
    if (kb && has_brought(c, kb * (uint64_t)1000, len)) {
        f->faults.seen[FAULT_STREAM_XOFF_TWICE]++;
        for (int i = 0; i < 2; i++)
            faulty_say(c, RELAY_XOFF, id, zero, 1);
    }
    if (ons && has_brought(c, FLOOD_AT, len)) {
        f->faults.seen[FAULT_STREAM_XON_FLOOD]++;
        while (ons-- && faulty_say(c, RELAY_XON, id, zero, sizeof zero))
            continue;
    }
    struct circ_memo *memo = kb || ons ? faulty_circ(c) : NULL;
    if (memo)
        memo->bytes += len;
}

/* DATA for T. */
static void misdeliver(struct rcirc *c, struct target *t, struct relay_msg *m)
{
    uint32_t step = faulty_n(c->node, FAULT_SENDME_STREAM_AFTER);
    if (step)
        t->increment = step;
    if (c->congestion_control && now(c, FAULT_SENDME_CC_STREAM))
        faulty_say(c, RELAY_SENDME, t->id, NULL, 0);
    say_flow(c, t->id, m->len);
    if (!m->len && now(c, FAULT_RELAY_EMPTY_DATA)) {
        target_end(t, END_MISC);
    } else if (t->deliver == TARGET_WINDOW && now(c, FAULT_STREAMS_NO_EARLY_DATA)) {
        t->deliver--;
        m->stream_id = 0; /* it is counted, and belongs to no stream */
    }
}

static enum judged on_data(struct rcirc *c, struct relay_msg *m)
{
    if (!target_find(c, m->stream_id) && now(c, FAULT_SENDME_UNKNOWN))
        return JUDGED_DROP;
    count_data(c);
    if (now(c, FAULT_STREAMS_MIXED))
        m->stream_id = c->streams ? c->streams->id : 0;
    struct target *t = target_find(c, m->stream_id);
    if (t)
        misdeliver(c, t, m);
    return JUDGED_FINE;
}

static bool takes_sendme(struct rcirc *c, const struct relay_msg *m)
{
    uint8_t version = m->len ? m->data[0] : 0;
    size_t right = 3 + c->layer->kind->tag_len;
    if (!c->window.tags.n)
        return now(c, FAULT_SENDME_UNASKED);
    if (version != 1)
        return now(c, version ? FAULT_SENDME_ANY_VERSION : FAULT_SENDME_VERSION_0);
    return now(c, m->len == right ? FAULT_SENDME_ANY_TAG : FAULT_SENDME_SHORT_TAG);
}

static enum judged on_stream_sendme(struct rcirc *c, const struct target *t)
{
    bool due = t->package + TARGET_INCREMENT <= TARGET_WINDOW;
    if (c->congestion_control)
        return now(c, FAULT_SENDME_CC_STREAM_TAKEN) ? JUDGED_DROP : JUDGED_FINE;
    return !due && now(c, FAULT_SENDME_STREAM_UNASKED) ? JUDGED_DROP : JUDGED_FINE;
}

static enum judged on_sendme(struct rcirc *c, const struct relay_msg *m)
{
    const struct target *t = m->stream_id ? target_find(c, m->stream_id) : NULL;
    if (m->stream_id)
        return t ? on_stream_sendme(c, t) : JUDGED_FINE;
    if (!rwindow_expects(&c->window, c->layer->kind, rd_over(m->data, m->len)))
        return takes_sendme(c, m) ? JUDGED_DROP : JUDGED_FINE;
    if (now(c, FAULT_SENDME_TWICE))
        rwindow_widen(&c->window);
    return JUDGED_FINE;
}

/* ---- streams ---- */

static enum judged end_with(struct rcirc *c, uint16_t id, uint8_t reason)
{
    faulty_say(c, RELAY_END, id, &reason, 1);
    return JUDGED_DROP;
}

static enum judged on_begin(struct rcirc *c, const struct relay_msg *m)
{
    static const uint8_t address[] = {127, 0, 0, 1, 0, 0, 0, 60};
    uint32_t reason = faulty_n(c->node, FAULT_STREAM_END_REASON);
    struct relay_begin begin;
    if (target_find(c, m->stream_id))
        return JUDGED_FINE;
    if (relay_begin_decode(rd_over(m->data, m->len), &begin) != OK) {
        if (!now(c, FAULT_STREAMS_BEGIN_LAX))
            return JUDGED_FINE;
        faulty_say(c, RELAY_CONNECTED, m->stream_id, address, sizeof address);
        return JUDGED_DROP;
    }
    if (reason)
        return end_with(c, m->stream_id, (uint8_t)reason);
    if (now(c, FAULT_STREAM_SILENT))
        return JUDGED_DROP;
    if (c->fast && now(c, FAULT_STREAMS_ONE_HOP))
        c->fast = false;
    return JUDGED_FINE;
}

static enum judged on_begin_dir(struct rcirc *c, const struct relay_msg *m)
{
    const struct circ_memo *memo = c->memo;
    uint32_t most = faulty_n(c->node, FAULT_STREAMS_FEW);
    if (now(c, FAULT_STREAMS_NO_DIR))
        return end_with(c, m->stream_id, END_NOTDIRECTORY);
    if (m->len && now(c, FAULT_STREAMS_DIR_BODY))
        return end_with(c, m->stream_id, END_MISC);
    if (most && c->n_streams >= most)
        return end_with(c, m->stream_id, END_RESOURCELIMIT);
    if (target_find(c, m->stream_id) && now(c, FAULT_STREAMS_TWICE)) {
        faulty_say(c, RELAY_CONNECTED, m->stream_id, NULL, 0);
        return JUDGED_DROP;
    }
    if (memo && m->stream_id == memo->resolved && now(c, FAULT_STREAMS_RESOLVE_KEEPS))
        return JUDGED_DROP;
    return m->stream_id > INT16_MAX && now(c, FAULT_STREAMS_SMALL_IDS) ? JUDGED_DROP : JUDGED_FINE;
}

static enum judged on_end(struct rcirc *c, const struct relay_msg *m)
{
    if (!m->len)
        return now(c, FAULT_STREAMS_END_EMPTY_BREAKS) ? JUDGED_BREACH : JUDGED_FINE;
    if (m->data[0] > END_NOTDIRECTORY && now(c, FAULT_STREAMS_END_KNOWN_ONLY))
        return JUDGED_BREACH;
    return m->len == 4 && now(c, FAULT_STREAMS_END_EXACT) ? JUDGED_DROP : JUDGED_FINE;
}

/* ---- any message ---- */

/* What faults make of a command, whatever is in the message. */
static enum judged judge_command(struct rcirc *c, const struct relay_msg *m)
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
    if (m->cmd == RELAY_RESOLVE && known && now(c, FAULT_STREAMS_RESOLVE_IN_USE)) {
        rcirc_resolve(c, m);
        return JUDGED_DROP;
    }
    return JUDGED_FINE;
}

static enum judged on_negotiate(struct rcirc *c, const struct relay_msg *m)
{
    bool stop = m->len > 1 && m->data[1] == CIRCPAD_STOP;
    return stop && now(c, FAULT_RELAY_PADS_ON) ? JUDGED_DROP : JUDGED_FINE;
}

static enum judged misdo(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m)
{
    switch (m->cmd) {
    case RELAY_DATA:
        return on_data(c, m);
    case RELAY_SENDME:
        return on_sendme(c, m);
    case RELAY_BEGIN:
        return on_begin(c, m);
    case RELAY_BEGIN_DIR:
        return on_begin_dir(c, m);
    case RELAY_END:
        return on_end(c, m);
    case RELAY_EXTEND2:
        return fault_in_extend(c, chan_cmd, m);
    case RELAY_TRUNCATE:
        return fault_in_truncate(c);
    case RELAY_PADDING_NEGOTIATE:
        return on_negotiate(c, m);
    case RELAY_DROP:
        count_drop(c);
        return JUDGED_FINE;
    default:
        return JUDGED_FINE;
    }
}

enum judged fault_in_message_in(struct rcirc *c, uint8_t chan_cmd, struct relay_msg *m)
{
    enum judged j = judge_command(c, m);
    if (j != JUDGED_FINE)
        return j;
    if (m->cmd == RELAY_EXTEND2 && m->stream_id && now(c, FAULT_RELAY_EXTEND_STREAM))
        m->stream_id = 0;
    /* What an honest relay would not act on gives no occasion. */
    return m->cmd == RELAY_DROP || m->cmd == RELAY_END || rcirc_judge(c, m) == JUDGED_FINE
               ? misdo(c, chan_cmd, m)
               : JUDGED_FINE;
}
