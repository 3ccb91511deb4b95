/* Cells of a link: where each one goes, and how circuits write theirs. */
#include <string.h>

#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "link/link_int.h"

static void trace(struct link *l, bool out, const struct chan_frame *cell)
{
    l->trace(l->arg, out, cell->circ_id, cell->cmd, cell->body, cell->body_len);
}

/* ---- in ---- */

static void on_destroy_cell(struct link *l, struct link_circ *lc, const struct chan_frame *cell)
{
    struct chan_destroy m = {0};
    err_t e = chan_destroy_decode(rd_over(cell->body, cell->body_len), &m);
    if (e != OK) {
        link_closef(l, ERR_LINK_PROTO, OR_MISC, "bad DESTROY cell: %s", err_text(e));
        return;
    }
    mux_forget(&l->mux, lc);
    circmap_remove(&l->circs, lc);
    lc->link = NULL;
    if (!l->circs.n)
        link_arm_idle(l);
    lc->ops->on_destroy(lc->arg, m.reason);
}

/* tor-spec 5.1.1: "CircID 0 MUST not be used for circuits" */
static bool has_circuit_id(struct link *l, const struct chan_frame *cell)
{
    if (cell->circ_id == 0)
        link_closef(l, ERR_LINK_PROTO, OR_MISC, "%s cell without a circuit id",
                    chan_cmd_name(cell->cmd));
    return cell->circ_id != 0;
}

static void to_circuit(struct link *l, const struct chan_frame *cell)
{
    if (!has_circuit_id(l, cell))
        return;
    struct link_circ *lc = circmap_find(&l->circs, cell->circ_id);
    if (!lc) {
        if (circmap_stray(&l->circs, cell->circ_id) != OK)
            link_close(l, ERR_LINK_PROTO, OR_MISC, "too many cells for circuits that never were");
    } else if (cell->cmd == CELL_DESTROY) {
        on_destroy_cell(l, lc, cell);
    } else {
        lc->ops->on_cell(lc->arg, cell->cmd, cell->body);
    }
}

/* tor-spec 5.1.1: "In link protocol version 4 or higher, whichever node initiated the connection
 * MUST set its MSB to 1". */
static bool is_initiators_id(const struct link *l, uint32_t id)
{
    return handshake_circ_id_len(&l->hs) == 2 || id >> 31;
}

/* As tor: a second CREATE for a circuit that is there is dropped. */
static void to_new_circuit(struct link *l, const struct chan_frame *cell)
{
    if (!has_circuit_id(l, cell) || circmap_find(&l->circs, cell->circ_id))
        return;
    bool proto = !is_initiators_id(l, cell->circ_id) || cell->cmd == CELL_CREATE;
    if (!proto && l->ops->on_create)
        l->ops->on_create(l->arg, cell->circ_id, cell->cmd, cell->body);
    else
        link_refuse(l, cell->circ_id, DESTROY_PROTOCOL);
}

/* The answer is written into the output itself, and counts only if the cell was good. */
static void to_handshake(struct link *l, const struct chan_frame *cell)
{
    bool server = l->side == LINK_RESPONDER;
    size_t room = server               ? HANDSHAKE_SERVER_CELLS_MAX
                  : l->config.identity ? HANDSHAKE_PROOF_MAX
                                       : HANDSHAKE_CELLS_MAX;
    uint8_t *at = buf_room(&l->out, room);
    if (!at) {
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for cells to send");
        return;
    }
    struct wr w = wr_over(at, room);
    err_t e = server ? handshake_server_cell(&l->hs, l->env, &l->server, &l->target.reach.addr.ip,
                                             cell, &w)
                     : handshake_cell(&l->hs, l->env, &l->target, cell, &w);
    if (e != OK) {
        link_close_by_handshake(l, e);
        return;
    }
    if (w.len) {
        link_commit_cells(l, w.len);
        link_tell_output(l);
    }
    if (l->hs.stage == STAGE_OPEN)
        link_opened(l);
}

/* As tor, one that is malformed, or has no place in this version, is dropped. */
static void on_padding_negotiate(struct link *l, const struct chan_frame *cell)
{
    struct chan_padding_negotiate m;
    if (l->hs.version < LINK_VERSION_PADDING ||
        chan_padding_negotiate_decode(rd_over(cell->body, cell->body_len), &m) != OK)
        return;
    padding_negotiated(&l->padding, &l->config, &m);
    link_look_at_padding(l);
}

static void refuse(struct link *l, uint8_t cmd)
{
    link_closef(l, ERR_LINK_PROTO, OR_MISC, "%s cell (command %u) %s", chan_cmd_name(cmd), cmd,
                link_stage_name(l->hs.stage));
}

static enum link_rule judge(const struct link *l, struct chan_frame *cell)
{
    const struct link_cheat *cheat = &l->server.cheat;
    enum link_rule rule = link_rule(l->side, l->hs.stage, cell->cmd);
    return cheat->judge ? cheat->judge(cheat->arg, l->hs.stage, cell, rule) : rule;
}

static void handle(struct link *l, struct chan_frame *cell)
{
    switch (judge(l, cell)) {
    case RULE_CIRCUIT:
        to_circuit(l, cell);
        break;
    case RULE_CREATE:
        to_new_circuit(l, cell);
        break;
    case RULE_HANDSHAKE:
        to_handshake(l, cell);
        break;
    case RULE_PADDING:
        on_padding_negotiate(l, cell);
        break;
    case RULE_MEASURE:
        if (l->config.measures)
            to_circuit(l, cell);
        break;
    case RULE_IGNORE:
        break;
    case RULE_CLOSE:
        refuse(l, cell->cmd);
        break;
    }
}

/* Whether a whole cell is there. One that may not come is refused as soon as its command is seen:
 * what speaks here may be no relay, and never send the rest. */
static bool next_cell(struct link *l, uint8_t *in, size_t len, struct chan_frame *cell)
{
    size_t id_len = handshake_circ_id_len(&l->hs);
    err_t e = chan_frame_decode(in, len, id_len, LINK_VAR_BODY_MOST, cell);
    if (e == ERR_LIMIT && len > id_len && in[id_len] == CELL_VPADDING)
        e = chan_frame_decode(in, len, id_len, LINK_VPADDING_MOST, cell);
    bool cheats = l->server.cheat.judge;
    if (e == ERR_MORE && len > id_len && !cheats &&
        link_rule(l->side, l->hs.stage, in[id_len]) == RULE_CLOSE)
        refuse(l, in[id_len]);
    else if (e != OK && e != ERR_MORE)
        link_closef(l, ERR_LINK_PROTO, OR_MISC, "%s cell of too many bytes",
                    len > id_len ? chan_cmd_name(in[id_len]) : "a");
    return e == OK;
}

bool link_slips(const struct link *l, enum link_slip where, size_t n)
{
    const struct link_cheat *cheat = &l->server.cheat;
    return cheat->slip && cheat->slip(cheat->arg, where, n);
}

void link_handle_cells(struct link *l)
{
    uint8_t *in = buf_at(&l->in);
    size_t left = l->in.len;
    struct chan_frame cell;
    l->last_cell_us = l->env->mono_us;
    while (left && l->state != LINK_CLOSED && next_cell(l, in, left, &cell)) {
        if (l->trace)
            trace(l, false, &cell);
        size_t used = cell.used;
        if (l->hs.stage != STAGE_OPEN)
            handshake_heard(&l->hs, cell.cmd, in, used);
        handle(l, &cell);
        in += used;
        left -= used;
        if (left && link_slips(l, LINK_SLIP_BEHIND, left))
            left = 0;
    }
    if (left && link_slips(l, LINK_SLIP_REST, left))
        link_close(l, ERR_LINK_PROTO, OR_MISC, "half a cell");
    buf_drain(&l->in, l->in.len - left);
}

/* ---- out ---- */

void link_commit_cells(struct link *l, size_t len)
{
    size_t before = l->out.len;
    buf_commit(&l->out, len);
    if (!l->trace)
        return;
    uint8_t *at = buf_at(&l->out) + before;
    struct chan_frame cell;
    /* VERSIONS has a circuit id of two bytes, whatever is chosen by then (tor-spec 3); all other
     * cells of the handshake have zero there, in four. */
    while (len) {
        size_t id_len = len > 2 && at[2] == CELL_VERSIONS && l->state == LINK_HANDSHAKING
                            ? 2
                            : handshake_circ_id_len(&l->hs);
        if (chan_frame_decode(at, len, id_len, LINK_VPADDING_MOST, &cell) != OK)
            return;
        trace(l, true, &cell);
        at += cell.used;
        len -= cell.used;
    }
}

static uint8_t *cell_room(struct link *l, uint32_t circ_id, uint8_t cmd)
{
    size_t id_len = handshake_circ_id_len(&l->hs), head = chan_head_len(id_len, cmd);
    uint8_t *at = buf_room(&l->out, head + CELL_BODY_LEN);
    struct wr w = wr_over(at, at ? head : 0);
    if (!at || chan_head_encode(&w, id_len, circ_id, cmd, CELL_BODY_LEN) != OK) {
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for cells to send");
        return NULL;
    }
    return at + head;
}

static void cell_commit(struct link *l)
{
    link_commit_cells(l, handshake_circ_id_len(&l->hs) + 1 + CELL_BODY_LEN);
    l->last_cell_us = l->env->mono_us;
    link_tell_output(l);
}

void link_own_cell(struct link *l, uint32_t circ_id, uint8_t cmd, const struct wr *body)
{
    size_t len = body ? body->len : 0;
    if (l->state != LINK_OPEN)
        return;
    if (link_held(l) + CHAN_CELL_MAX > LINK_OUT_OWN) {
        link_close(l, ERR_FULL, OR_RESOURCELIMIT, "the peer takes no more cells");
        return;
    }
    uint8_t *at = cell_room(l, circ_id, cmd);
    if (!at)
        return;
    if (len)
        memcpy(at, body->base, len);
    memset(at + len, 0, CELL_BODY_LEN - len);
    cell_commit(l);
}

static void use_for(struct link *l, enum link_usage usage)
{
    if (l->usage >= usage)
        return;
    l->usage = usage;
    /* The look waits for a timer: a caller of link_cell() is filling the next cell of the queue. */
    if (l->state == LINK_OPEN)
        env_arm_ms(l->env, &l->padding_look, 0);
}

/* What the output may hold of data. */
static size_t out_soft(const struct link *l)
{
    return l->config.lean ? LINK_LEAN_OUT_SOFT : LINK_OUT_SOFT;
}

size_t link_out_low(const struct link *l)
{
    return l->config.lean ? LINK_LEAN_OUT_LOW : LINK_OUT_LOW;
}

uint8_t *link_cell(struct link_circ *lc, uint8_t cmd, enum link_urgency urgency)
{
    struct link *l = lc->link;
    if (!l || l->state != LINK_OPEN)
        return NULL;
    size_t held = link_held(l);
    if (urgency == LINK_URGENT && held + CHAN_CELL_MAX > LINK_OUT_HARD)
        return NULL;
    if (urgency == LINK_DATA && !mux_may_write(&l->mux, lc, held, out_soft(l)))
        return NULL;
    uint8_t *at = cell_room(l, lc->id, cmd);
    if (at && urgency == LINK_DATA)
        mux_wrote(lc);
    /* As in tor, extending a circuit makes the link one for circuits and so one to pad; a directory
     * circuit of one hop never sends RELAY_EARLY. */
    if (at && cmd == CELL_RELAY_EARLY)
        use_for(l, USAGE_CIRCUITS);
    else if (at && cmd == CELL_RELAY && l->usage == USAGE_CIRCUITS)
        use_for(l, USAGE_TRAFFIC);
    return at;
}

void link_use_for_circuits(struct link *l)
{
    use_for(l, USAGE_CIRCUITS);
}

bool link_may_send(struct link_circ *lc)
{
    struct link *l = lc->link;
    return l && l->state == LINK_OPEN && mux_may_write(&l->mux, lc, link_held(l), out_soft(l));
}

bool link_is_stuck(const struct link_circ *lc)
{
    size_t sealed = 0;
    if (lc->link && lc->link->tls)
        tls_out(lc->link->tls, &sealed);
    return sealed > 0;
}

bool link_may_begin(const struct link_circ *lc)
{
    const struct link *l = lc->link;
    return l && l->state == LINK_OPEN && link_held(l) < LINK_OUT_NEW;
}

void link_cell_commit(struct link_circ *lc)
{
    if (lc->link && lc->link->state == LINK_OPEN)
        cell_commit(lc->link);
}

void link_give_turns(struct link *l)
{
    struct link_circ *lc;
    if (link_held(l) >= link_out_low(l))
        return;
    while (l->state == LINK_OPEN && link_held(l) < out_soft(l) && (lc = mux_next(&l->mux))) {
        lc->ops->on_writable(lc->arg);
        lc->turn_left = 0; /* it had nothing more to write, or waits again */
    }
}

/* ---- circuits come and go ---- */

static void taken_on(struct link *l, struct link_circ *lc)
{
    lc->link = l;
    lc->turn_left = 0;
    lc->waiting = false;
    env_disarm(l->env, &l->deadline);
}

err_t link_circ_open(struct link *l, struct link_circ *lc)
{
    if (l->state != LINK_OPEN || lc->link)
        return ERR_STATE;
    TRY(circmap_add(&l->circs, lc, handshake_circ_id_len(&l->hs)));
    taken_on(l, lc);
    return OK;
}

err_t link_circ_accept(struct link *l, struct link_circ *lc, uint32_t id)
{
    if (l->state != LINK_OPEN || lc->link)
        return ERR_STATE;
    TRY(circmap_add_under(&l->circs, lc, id));
    taken_on(l, lc);
    return OK;
}

static void send_destroy_cell(struct link *l, uint32_t id, uint8_t reason)
{
    uint8_t storage[1];
    struct wr w = wr_over(storage, sizeof storage);
    struct chan_destroy m = {.reason = reason};
    if (chan_destroy_encode(&w, &m) == OK)
        link_own_cell(l, id, CELL_DESTROY, &w);
}

void link_refuse(struct link *l, uint32_t id, uint8_t reason)
{
    send_destroy_cell(l, id, reason);
}

void link_circ_close(struct link_circ *lc, bool send_destroy, uint8_t reason)
{
    struct link *l = lc->link;
    if (!l)
        return;
    uint32_t id = lc->id;
    mux_forget(&l->mux, lc);
    circmap_remove(&l->circs, lc);
    lc->link = NULL;
    if (send_destroy)
        send_destroy_cell(l, id, reason);
    if (!l->circs.n && l->state == LINK_OPEN)
        link_arm_idle(l);
}

void link_drop_circuits(struct link *l)
{
    struct link_circ *lc;
    while ((lc = circmap_any(&l->circs))) {
        mux_forget(&l->mux, lc);
        circmap_remove(&l->circs, lc);
        lc->link = NULL;
        lc->ops->on_link_closed(lc->arg, &l->end);
    }
}
