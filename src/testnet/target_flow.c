/* Flow control of a stream at a relay: fixed windows, or XON and XOFF under congestion control. */
#include "testnet/node_int.h"

enum {
    OUT_LOW = TARGET_INCREMENT * RELAY_DATA_MAX,
    PACE_MS = 10, /* how often one is looked at that the client's XON has slowed down */
};

static bool by_words(const struct target *t)
{
    return t->circ->congestion_control;
}

static uint64_t now_us(const struct target *t)
{
    return t->circ->node->env->mono_us;
}

static void pace(void *arg)
{
    target_wake(arg);
}

void target_flow_init(struct target *t)
{
    t->package = t->deliver = TARGET_WINDOW;
    t->increment = TARGET_INCREMENT;
    timer_init(&t->pace, pace, t);
}

static uint32_t param(const struct netdocs *docs, const char *name, int32_t fallback, int32_t least,
                      int32_t most)
{
    int32_t n = docs ? netdocs_param(docs, name, fallback) : fallback;
    return (uint32_t)(n < least ? least : n > most ? most : n);
}

struct xonxoff_params target_flow_params(const struct netdocs *docs)
{
    uint32_t xoff = param(docs, "cc_xoff_exit", XOFF_CELLS, XOFF_CELLS_LEAST, XOFF_CELLS_MOST);
    uint32_t rate =
        param(docs, "cc_xon_rate", XON_RATE_CELLS, XON_RATE_CELLS_LEAST, XON_RATE_CELLS_MOST);
    /* As tor: that a client's XOFF comes too early is no affair of an exit's. */
    struct xonxoff_params p = xonxoff_params(false, xoff, 0, rate);
    p.xon_change_pct = (uint8_t)param(docs, "cc_xon_change_pct", XON_CHANGE_PCT,
                                      XON_CHANGE_PCT_LEAST, XON_CHANGE_PCT_MOST);
    p.xon_ewma_cnt = (uint8_t)param(docs, "cc_xon_ewma_cnt", XON_EWMA_CNT, XON_EWMA_CNT_LEAST,
                                    XON_EWMA_CNT_MOST);
    return p;
}

/* ---- to the client ---- */

unsigned target_flow_room(struct target *t, unsigned room)
{
    struct node *n = t->circ->node;
    if (!by_words(t))
        return t->package < room ? t->package : room;
    if (xonxoff_may_send(&t->heard, now_us(t)))
        return room;
    if (t->heard.rate && !t->heard.stopped && !t->pace.armed)
        env_arm_ms(n->env, &t->pace, PACE_MS);
    return 0;
}

void target_flow_sent(struct target *t, size_t len)
{
    if (by_words(t))
        xonxoff_sent(&t->heard, len);
    else if (t->package)
        t->package--;
}

/* As tor: one that was not due, or that congestion control has no use for, ends the circuit. */
static void heard_sendme(struct target *t)
{
    if (by_words(t)) {
        rcirc_broken(t->circ, "SENDME about a stream under congestion control");
    } else if (t->package + TARGET_INCREMENT <= TARGET_WINDOW) {
        t->package += TARGET_INCREMENT;
        target_wake(t);
    } else {
        rcirc_broken(t->circ, "a SENDME about a stream that is not due");
    }
}

void target_flow_heard(struct target *t, const struct relay_msg *m)
{
    if (m->cmd == RELAY_SENDME) {
        heard_sendme(t);
        return;
    }
    /* As tor: not a word about XOFF twice, of a wrong version, or with windows. */
    if (!by_words(t) || xonxoff_heard(&t->heard, &t->circ->node->flow, m, now_us(t)) != OK)
        return;
    log_info(t->circ->node->env->log, "Stream %u: got %s", (unsigned)t->id, relay_cmd_name(m->cmd));
    target_wake(t);
}

/* ---- from the client ---- */

static void speak(struct target *t)
{
    struct xonxoff_msg msg;
    while (!t->over && xonxoff_due(&t->says, &msg)) {
        log_info(t->circ->node->env->log, "Stream %u: sending %s with %zu bytes waiting",
                 (unsigned)t->id, relay_cmd_name(msg.cmd), t->out.len);
        rcirc_send(t->circ, msg.cmd, t->id, msg.body, msg.len);
    }
}

bool target_flow_came(struct target *t)
{
    if (by_words(t)) {
        xonxoff_received(&t->says, &t->circ->node->flow, t->out.len, now_us(t));
        speak(t);
        return !t->over;
    }
    if (!t->deliver) {
        rcirc_broken(t->circ, "DATA beyond a stream's window");
        return false;
    }
    t->deliver--;
    return true;
}

void target_flow_went(struct target *t, size_t len)
{
    if (by_words(t)) {
        xonxoff_consumed(&t->says, &t->circ->node->flow, len, t->out.len, now_us(t));
        speak(t);
        return;
    }
    while (!t->over && t->out.len <= OUT_LOW && t->deliver <= TARGET_WINDOW - t->increment) {
        t->deliver += t->increment;
        rcirc_send(t->circ, RELAY_SENDME, t->id, NULL, 0);
    }
}
