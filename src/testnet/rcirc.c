/* A circuit at a relay: cells that pass by in both directions, and messages that end here. */
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
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

/* Keeps the order: what was held back goes first. ERR_FULL: more is held back than any window
 * allows. */
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

/* A cell went out or came in, of which measurements count none. */
static void count(struct rcirc *c, uint64_t *cells, uint64_t *client)
{
    ++*cells;
    if (c->use != RMEAS_CLIENTS)
        return;
    *client += CHAN_CELL_MAX;
    rmeas_share_spend(c->node);
}

void rcirc_cell_as_is(struct rcirc *c, enum rway way, uint8_t cmd, const uint8_t *body)
{
    count(c, &c->node->counts.cells_out, &c->node->counts.client_out);
    if (put(way == WAY_ON ? &c->fwd : &c->back, cmd, body) != OK)
        rcirc_close(c, DESTROY_RESOURCELIMIT);
}

void rcirc_cell(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body)
{
    if (misdeed_cell_out(c, way, &cmd, body))
        rcirc_cell_as_is(c, way, cmd, body);
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

bool rcirc_is_full(const struct rcirc *c)
{
    return c->back.queue.len / QUEUED_CELL >= RCIRC_QUEUE_FULL;
}

unsigned rcirc_room(const struct rcirc *c)
{
    const struct rcirc *next = c->set ? rset_next(c) : c;
    return !next || rcirc_is_full(next) || c->node->meas.held ? 0 : rwindow_room(&next->window);
}

size_t rcirc_data_max(const struct rcirc *c)
{
    const struct rcirc *next = c->set ? rset_next(c) : c;
    return relay_data_max((next ? next : c)->layer->kind->format, RELAY_DATA);
}

bool rcirc_send_as_is(struct rcirc *c, const struct relay_msg *m)
{
    uint8_t body[CELL_BODY_LEN];
    size_t padding_at;
    if (c->over || relay_msg_encode(c->layer->kind->format, m, body, &padding_at) != OK)
        return false;
    env_padding(c->node->env, body + padding_at, CELL_BODY_LEN - padding_at);
    misdeed_plain_out(c, body, padding_at);
    if (c->layer->kind->originate(c->layer, CELL_RELAY, body) != OK) {
        rcirc_close(c, DESTROY_INTERNAL);
        return false;
    }
    if (m->cmd == RELAY_DATA && rwindow_sent(&c->window, c->node->env, c->layer) != OK) {
        rcirc_close(c, DESTROY_RESOURCELIMIT);
        return false;
    }
    rcirc_cell(c, WAY_MADE, CELL_RELAY, body);
    if (m->cmd != RELAY_DROP)
        rcirc_pad_sent(c);
    return !c->over;
}

bool rcirc_send(struct rcirc *c, uint8_t cmd, uint16_t stream_id, const void *data, size_t len)
{
    struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (!c->over && c->set)
        c = rset_turn_to(c, cmd);
    if (!c || c->over)
        return false;
    if (!misdeed_message_out(c, &m))
        return !c->over;
    if (c->set)
        rset_sent(c, cmd);
    return rcirc_send_as_is(c, &m);
}

void rcirc_wake_streams(struct rcirc *c)
{
    struct target *t, *next;
    if (c->set)
        c = c->set->home;
    DL_FOREACH_SAFE (c->streams, t, next) {
        if (c->over)
            return;
        if (!t->over)
            target_wake(t);
    }
}

/* ---- cells in ---- */

static bool is_relay(uint8_t cmd)
{
    return cmd == CELL_RELAY || cmd == CELL_RELAY_EARLY;
}

static void pass_on(struct rcirc *c, uint8_t cmd, uint8_t *body)
{
    rcirc_pad_received(c);
    rcirc_cell(c, WAY_ON, cmd, body);
}

static void pass_back(struct rcirc *c, uint8_t *body)
{
    rcirc_cell(c, WAY_BACK, CELL_RELAY, body);
    rcirc_pad_sent(c);
}

/* From the client's side. */
static void back_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct rcirc *c = arg;
    bool here;
    count(c, &c->node->counts.cells_in, &c->node->counts.client_in);
    if (c->use == RMEAS_RAW && cmd == CELL_RELAY) {
        rmeas_raw(c, body);
        return;
    }
    if (!misdeed_cell_in(c, WAY_ON, cmd, body))
        return;
    if (cmd == CELL_MEASUREMENT) {
        rmeas_cell(c, body);
        return;
    }
    /* tor-spec 5.6: "If a node ever receives more than 8 RELAY_EARLY cells on a given outbound
     * circuit, it SHOULD close the circuit." */
    if (cmd == CELL_RELAY_EARLY && ++c->early > RCIRC_EARLY_MOST)
        rcirc_broken(c, "more than 8 RELAY_EARLY cells");
    else if (!is_relay(cmd))
        rcirc_broken(c, "a cell that only relays send");
    else if (c->layer->kind->open(c->layer, cmd, body, &here) != OK)
        rcirc_close(c, DESTROY_INTERNAL);
    else if (!misdeed_opened(c, cmd, body, &here))
        return;
    else if (here)
        rcirc_recognized(c, cmd, body);
    else if (c->next_state == NEXT_OPEN)
        pass_on(c, cmd, body);
    else if (c->rend == REND_JOINED)
        rcirc_rend_pass_on(c, body);
    else if (!c->cut)
        rcirc_broken(c, "a cell that no relay of the circuit recognizes");
}

/* From the next node. */
static void fwd_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct rcirc *c = arg;
    count(c, &c->node->counts.cells_in, &c->node->counts.client_in);
    if (!misdeed_cell_in(c, WAY_BACK, cmd, body))
        return;
    if (cmd == CELL_CREATED2)
        rcirc_created(c, body);
    else if (cmd == CELL_RELAY && c->next_state == NEXT_OPEN &&
             c->layer->kind->wrap(c->layer, cmd, body) == OK)
        pass_back(c, body);
    else /* tor-spec 5.6: after inbound RELAY_EARLY cells "it MUST close the circuit immediately" */
        rcirc_close(c, DESTROY_PROTOCOL);
}

static void back_on_destroy(void *arg, uint8_t reason)
{
    rcirc_close(arg, reason);
}

/* tor-spec 5.4: "Reasons in DESTROY cell SHOULD NOT be propagated downward or upward" */
static void fwd_on_destroy(void *arg, uint8_t reason)
{
    struct rcirc *c = arg;
    uint8_t body[CELL_BODY_LEN] = {reason};
    if (misdeed_cell_in(c, WAY_BACK, CELL_DESTROY, body))
        rcirc_truncated(c, DESTROY_DESTROYED);
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
    if (c->use >= RMEAS_FRAMED)
        rmeas_flushed(c);
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
    c->came_on = nl;
    c->from = link_target(nl->link)->reach.addr.ip;
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

void rcirc_refuse(struct rcirc *c, uint8_t reason)
{
    if (misdeed_refusal(c, NULL, 0, &reason))
        rcirc_close(c, reason);
}

void rcirc_broken(struct rcirc *c, const char *what)
{
    char from[IP_TEXT_MAX];
    log_warn(c->node->env->log, "%s: the client at %s broke the protocol: %s",
             c->node->config.plan->nickname, ip_text(&c->from, from), what);
    rcirc_refuse(c, DESTROY_PROTOCOL);
}

void rcirc_close(struct rcirc *c, uint8_t reason)
{
    struct node *n = c->node;
    if (c->over)
        return;
    c->over = true;
    rcirc_pad_end(c);
    if (c->use != RMEAS_CLIENTS)
        rmeas_leave(c);
    if (c->set)
        rset_leave(c);
    while (c->streams)
        target_close(c->streams);
    flush(&c->back);
    flush(&c->fwd);
    link_circ_close(&c->back.lc, true, reason);
    rcirc_leave_next(c, reason);
    rcirc_rend_leave(c, reason);
    DL_DELETE(n->circs, c);
    DL_APPEND(n->dead_circs, c);
    n->counts.circuits--;
    later_ask(n->env, &n->reap);
}

void rcirc_bury(struct rcirc *c)
{
    layer_free(c->layer);
    rwindow_clear(&c->window);
    buf_free(&c->back.queue);
    buf_free(&c->fwd.queue);
    free(c->memo);
    free(c->pad);
    secret_wipe(c, sizeof *c);
    free(c);
}
