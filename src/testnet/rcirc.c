/* A circuit at a relay: cells that pass by in both directions, and messages that end here. */
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_extend.h"
#include "cell/relay_flow.h"
#include "cell/relay_pad.h"
#include "crypto/secret.h"
#include "testnet/node_int.h"

enum { QUEUED_CELL = 1 + CELL_BODY_LEN };

/* ---- cells out ---- */

static bool put_now(struct rside *side, uint8_t cmd, const uint8_t *body)
{
    uint8_t *at = link_cell(&side->lc, cmd, LINK_DATA);
    if (!at)
        return false;
    memcpy(at, body, CELL_BODY_LEN);
    link_cell_commit(&side->lc);
    return true;
}

/* In order: what was held back goes first. ERR_FULL: more is held back than any window allows. */
static err_t put(struct rside *side, uint8_t cmd, const uint8_t *body)
{
    if (!side->queue.len && put_now(side, cmd, body))
        return OK;
    uint8_t *at = buf_room(&side->queue, QUEUED_CELL);
    if (!at)
        return ERR_FULL;
    at[0] = cmd;
    memcpy(at + 1, body, CELL_BODY_LEN);
    buf_commit(&side->queue, QUEUED_CELL);
    return OK;
}

static void flush(struct rside *side)
{
    while (side->queue.len) {
        const uint8_t *at = buf_at(&side->queue);
        if (!put_now(side, at[0], at + 1))
            return;
        buf_drain(&side->queue, QUEUED_CELL);
    }
    buf_trim(&side->queue);
}

static void put_or_close(struct rcirc *c, struct rside *side, uint8_t cmd, const uint8_t *body)
{
    c->node->counts.cells_out++;
    if (put(side, cmd, body) != OK)
        rcirc_close(c, DESTROY_RESOURCELIMIT);
}

void rcirc_put_back(struct rcirc *c, uint8_t cmd, const uint8_t *body)
{
    put_or_close(c, &c->back, cmd, body);
}

size_t rcirc_queued(const struct rcirc *c)
{
    size_t n = c->back.queue.len + c->fwd.queue.len;
    const struct target *t;
    DL_FOREACH (c->streams, t) {
        n += t->out.len;
    }
    return n;
}

unsigned rcirc_room(const struct rcirc *c)
{
    size_t held = c->back.queue.len / QUEUED_CELL;
    if (c->node->faults.n[FAULT_CIRC_IGNORE_WINDOW])
        return held < RCIRC_QUEUE_FULL ? SCRATCH_CELLS : 0;
    return held < RCIRC_QUEUE_FULL ? c->window.package : 0;
}

bool rcirc_send(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len)
{
    struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    uint8_t body[CELL_BODY_LEN];
    size_t random_at;
    if (c->over)
        return false;
    if (cmd == RELAY_DATA)
        fault_before_data(c);
    if (c->over || relay_msg_encode(RELAY_V0, &m, body, &random_at) != OK)
        return false;
    env_random(c->node->env, body + random_at, CELL_BODY_LEN - random_at);
    fault_in_padding_sent(c, body, random_at);
    fault_in_message(c, body);
    if (c->layer->kind->originate(c->layer, CELL_RELAY, body) != OK) {
        rcirc_close(c, DESTROY_INTERNAL);
        return false;
    }
    fault_in_cell(c, body);
    if (cmd == RELAY_DATA)
        rwindow_sent(&c->window, c->layer->sent_tag);
    bool early = fault_now(&c->node->faults, FAULT_EARLY_BACK);
    put_or_close(c, &c->back, early ? CELL_RELAY_EARLY : CELL_RELAY, body);
    return !c->over;
}

void rcirc_wake_streams(struct rcirc *c)
{
    struct target *t, *next;
    DL_FOREACH_SAFE (c->streams, t, next) {
        if (c->over || !rcirc_room(c))
            return;
        if (!t->over)
            target_wake(t);
    }
}

/* ---- messages that end here ---- */

void rcirc_send_sendme(struct rcirc *c)
{
    struct relay_sendme m = {.version = 1, .tag_len = SENDME_TAG_V0, .tag = c->layer->got_tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_sendme_encode(&w, &m) != OK)
        return;
    size_t len = w.len;
    if (!fault_in_sendme(c, body, &len))
        rcirc_send(c, RELAY_SENDME, 0, body, len);
}

static void on_data(struct rcirc *c, const struct relay_msg *m)
{
    bool sendme_due = false, known = target_find(c, m->stream_id) != NULL;
    if (fault_in_counting(c, known) && rwindow_got(&c->window, &sendme_due) != OK) {
        rcirc_broken(c, "DATA beyond the circuit's window");
        return;
    }
    if (fault_in_due(c, sendme_due))
        rcirc_send_sendme(c);
    struct target *t = fault_in_finding(c, target_find(c, m->stream_id));
    if (t && !c->over) /* else it has ended here and the client doesn't know yet */
        target_data(t, m->data, m->len);
}

static void on_sendme(struct rcirc *c, const struct relay_msg *m)
{
    struct target *t = m->stream_id ? target_find(c, m->stream_id) : NULL;
    if (m->stream_id) {
        if (t)
            target_sendme(t);
    } else if (fault_in_sendme_got(c, m, rwindow_sendme(&c->window, m->data, m->len)) != OK) {
        /* proposal 289: a circuit whose SENDME does not match is torn down. */
        rcirc_broken(c, "a SENDME that is not due, or with the wrong tag");
    } else {
        rcirc_wake_streams(c);
    }
}

static void on_flow(struct rcirc *c, const struct relay_msg *m)
{
    struct target *t = target_find(c, m->stream_id);
    struct relay_xon xon;
    bool off = m->cmd == RELAY_XOFF;
    err_t e = off ? relay_xoff_decode(rd_over(m->data, m->len))
                  : relay_xon_decode(rd_over(m->data, m->len), &xon);
    if (!t || !c->congestion_control || e != OK) /* as tor: not a word */
        return;
    t->xoff = off;
    target_wake(t);
}

static void on_end(struct rcirc *c, uint16_t id)
{
    struct target *t = target_find(c, id);
    if (t)
        target_close(t);
}

/* No machine of circuit padding runs here: asked to start one, a relay says no. */
static void on_padding_negotiate(struct rcirc *c, const struct relay_msg *m)
{
    struct relay_padding_negotiate ask;
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (relay_padding_negotiate_decode(rd_over(m->data, m->len), &ask) != OK)
        return;
    struct relay_padding_negotiated no = {.command = ask.command,
                                          .response = CIRCPAD_ERR,
                                          .machine = ask.machine,
                                          .machine_ctr = ask.machine_ctr};
    fault_in_negotiated(c, &no);
    if (ask.command == CIRCPAD_START && relay_padding_negotiated_encode(&w, &no) == OK)
        rcirc_send(c, RELAY_PADDING_NEGOTIATED, 0, body, w.len);
}

static void on_msg(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    switch (m->cmd) {
    case RELAY_DATA:
        on_data(c, m);
        break;
    case RELAY_SENDME:
        on_sendme(c, m);
        break;
    case RELAY_BEGIN:
        target_begin(c, m);
        break;
    case RELAY_BEGIN_DIR:
        if (!fault_in_begin_dir(c, m))
            target_begin_dir(c, m->stream_id);
        break;
    case RELAY_RESOLVE:
        node_answer_resolve(c, m);
        break;
    case RELAY_END:
        on_end(c, m->stream_id);
        break;
    case RELAY_EXTEND2:
        rcirc_extend(c, chan_cmd, m);
        break;
    case RELAY_TRUNCATE:
        rcirc_truncate(c);
        break;
    case RELAY_XON:
    case RELAY_XOFF:
        on_flow(c, m);
        break;
    case RELAY_PADDING_NEGOTIATE:
        on_padding_negotiate(c, m);
        break;
    default: /* DROP, and what this relay does not do */
        break;
    }
}

static void recognized(struct rcirc *c, uint8_t chan_cmd, const uint8_t *body)
{
    struct relay_msg m;
    if (chan_cmd == CELL_RELAY_EARLY && body[0] != RELAY_EXTEND2 &&
        fault_now(&c->node->faults, FAULT_EARLY_EXTEND_ONLY))
        return;
    if (relay_msg_decode(RELAY_V0, body, &m) != OK) {
        if (!fault_now(&c->node->faults, FAULT_RELAY_LENGTH))
            rcirc_broken(c, "a relay message longer than its cell");
        return;
    }
    enum judged j = fault_in_padding_got(c, &m, body) ? rcirc_judge(c, &m) : JUDGED_BREACH;
    if (j == JUDGED_FINE)
        on_msg(c, chan_cmd, &m);
    else if (j == JUDGED_BREACH)
        rcirc_broken(c, "a relay message that has no place here");
}

/* ---- cells in ---- */

static bool is_relay(uint8_t cmd)
{
    return cmd == CELL_RELAY || cmd == CELL_RELAY_EARLY;
}

static void pass_on(struct rcirc *c, uint8_t cmd, const uint8_t *body)
{
    c->passed_on = true;
    if (fault_in_passing_on(c, &cmd))
        return;
    put_or_close(c, &c->fwd, cmd, body);
}

/* From the client's side. */
static void back_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct rcirc *c = arg;
    bool here;
    c->node->counts.cells_in++;
    /* tor-spec 5.6: "If a node ever receives more than 8 RELAY_EARLY cells on a given outbound
     * circuit, it SHOULD close the circuit." */
    if (cmd == CELL_RELAY_EARLY && fault_in_counting_early(c, ++c->early > RCIRC_EARLY_MOST))
        rcirc_broken(c, "more than 8 RELAY_EARLY cells");
    else if (!is_relay(cmd))
        rcirc_broken(c, "a cell that only relays send");
    else if (c->layer->kind->open(c->layer, body, &here) != OK)
        rcirc_close(c, DESTROY_INTERNAL);
    else if (fault_in_recognizing(c, body, here))
        recognized(c, cmd, body);
    else if (c->next_state == NEXT_OPEN)
        pass_on(c, cmd, body);
    else if (!c->cut && !fault_now(&c->node->faults, FAULT_RELAY_UNRECOGNIZED))
        rcirc_broken(c, "a cell that no relay of the circuit recognizes");
}

/* From the next node. */
static void fwd_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct rcirc *c = arg;
    c->node->counts.cells_in++;
    if (cmd == CELL_CREATED2) {
        rcirc_created(c, body);
    } else if (cmd == CELL_RELAY && c->next_state == NEXT_OPEN &&
               (fault_now(&c->node->faults, FAULT_EXTEND_BARE) ||
                c->layer->kind->wrap(c->layer, cmd, body) == OK)) {
        put_or_close(c, &c->back, cmd, body);
    } else { /* tor-spec 5.6: after inbound RELAY_EARLY cells "it MUST close the circuit
                immediately" */
        rcirc_close(c, DESTROY_PROTOCOL);
    }
}

static void back_on_destroy(void *arg, uint8_t reason)
{
    rcirc_close(arg, reason);
}

/* tor-spec 5.4: "Reasons in DESTROY cell SHOULD NOT be propagated downward or upward" */
static void fwd_on_destroy(void *arg, uint8_t reason)
{
    struct rcirc *c = arg;
    if (fault_now(&c->node->faults, FAULT_DESTROY_NEXT_SILENT))
        return;
    bool tell = fault_now(&c->node->faults, FAULT_DESTROY_NEXT_REASON);
    rcirc_truncated(c, tell ? reason : DESTROY_DESTROYED);
}

static void back_on_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    rcirc_close(arg, DESTROY_CHANNEL_CLOSED);
}

static void fwd_on_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    rcirc_truncated(arg, DESTROY_CHANNEL_CLOSED);
}

static void back_on_writable(void *arg)
{
    struct rcirc *c = arg;
    flush(&c->back);
    rcirc_wake_streams(c);
}

static void fwd_on_writable(void *arg)
{
    struct rcirc *c = arg;
    flush(&c->fwd);
}

static const struct link_circ_ops back_ops = {back_on_cell, back_on_destroy, back_on_link_closed,
                                              back_on_writable};
static const struct link_circ_ops fwd_ops = {fwd_on_cell, fwd_on_destroy, fwd_on_link_closed,
                                             fwd_on_writable};

/* ---- life ---- */

struct rcirc *rcirc_new(struct nlink *nl)
{
    struct node *n = nl->node;
    struct rcirc *c = n->counts.circuits < NODE_CIRCS_MOST ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->node = n;
    c->from = link_target(nl->link)->addr.ip;
    c->back.lc = (struct link_circ){.ops = &back_ops, .arg = c};
    c->fwd.lc = (struct link_circ){.ops = &fwd_ops, .arg = c};
    buf_init(&c->back.queue, (size_t)RCIRC_QUEUE_CELLS * QUEUED_CELL);
    buf_init(&c->fwd.queue, (size_t)RCIRC_QUEUE_CELLS * QUEUED_CELL);
    return c;
}

void rcirc_keep(struct rcirc *c)
{
    DL_APPEND(c->node->circs, c);
    c->node->counts.circuits++;
    c->node->counts.circuits_ever++;
}

void rcirc_broken(struct rcirc *c, const char *what)
{
    bool mute = fault_now(&c->node->faults, FAULT_EXTEND_NO_REASON);
    char from[IP_TEXT_MAX];
    log_warn(c->node->env->log, "%s: the client at %s broke the protocol: %s",
             c->node->config.plan->nickname, ip_text(&c->from, from), what);
    rcirc_close(c, mute ? DESTROY_NONE : DESTROY_PROTOCOL);
}

void rcirc_close(struct rcirc *c, uint8_t reason)
{
    struct node *n = c->node;
    if (c->over)
        return;
    c->over = true;
    while (c->streams)
        target_close(c->streams);
    flush(&c->back);
    flush(&c->fwd);
    link_circ_close(&c->back.lc, true, reason);
    rcirc_leave_next(c, reason);
    DL_DELETE(n->circs, c);
    DL_APPEND(n->dead_circs, c);
    n->counts.circuits--;
    node_bury_soon(n);
}

void rcirc_bury(struct rcirc *c)
{
    if (c->layer)
        c->layer->kind->free(c->layer);
    buf_free(&c->back.queue);
    buf_free(&c->fwd.queue);
    secret_wipe(c, sizeof *c);
    free(c);
}
