/* Lanes of echo2 and sink2: CREATE_FAST to the relay, EXTEND2 to our second hop, then cells of
 * which the relay takes its layer off and the hop its own; what the hop returns gets the relay's
 * layer on its way, and is the payload once we have taken that off. The relay does not have the
 * hop's key, so it can return nothing that has not been there. */
#include <stdlib.h>
#include <string.h>

#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "cell/relay_extend.h"
#include "circuit/handshake.h"
#include "circuit/tor1.h"
#include "crypto/aes.h"
#include "crypto/secret.h"
#include "measure/echo.h"
#include "measure/echohop.h"
#include "measure/stock_int.h"

enum { KF_AT = 2 * TOR1_DIGEST_SEED_LEN, KF_BITS = 8 * TOR1_KEY_LEN, NO_SENDMES = 100 };

struct echo_lane {
    struct lane *lane;
    struct link_circ lc;
    struct circ_handshake handshake;
    struct layer *relay;     /* what the relay shares with us */
    struct aes_ctr *forward; /* and the second hop: Kf, the one way */
    struct echo *echo;
    unsigned every;        /* one cell in so many comes back */
    unsigned since_return; /* cells sent */
};

static struct echo_lane *flow_of(const struct lane *ln)
{
    return ln->flow;
}

/* ---- sending ---- */

/* Of sink2 only those that come back have a payload: the others are known to nobody, since the
 * relay sees them under the hop's key. */
static err_t fill(struct echo_lane *el, uint8_t *body)
{
    if (++el->since_return == el->every) {
        el->since_return = 0;
        TRY(echo_put(el->echo, body));
    } else {
        memset(body, 0, CELL_BODY_LEN);
    }
    TRY(aes_ctr_xor(el->forward, body, CELL_BODY_LEN));
    return el->relay->kind->wrap(el->relay, CELL_RELAY, body);
}

static void pump(struct lane *ln)
{
    struct echo_lane *el = flow_of(ln);
    uint64_t n = stock_allows(ln->s, ln, true), sent = 0;
    while (sent < n) {
        uint8_t *body = link_cell(&el->lc, CELL_RELAY, LINK_DATA);
        if (!body)
            break; /* on_writable follows */
        if (fill(el, body) != OK) {
            lane_fails(ln, MEAS_RESOURCES, "a cell could not be made");
            return;
        }
        link_cell_commit(&el->lc);
        sent++;
    }
    if (sent)
        stock_spent(ln->s, ln, sent);
}

/* ---- what comes back ---- */

/* Then it is not the relay that took something back. */
static bool is_hop_starved(const struct lane *ln)
{
    return echohop_counts(ln->s->config.hop).starved > 0;
}

/* A message of the relay's own: it has no other to say but that the second hop is gone. */
static void on_message(struct lane *ln, const uint8_t *body)
{
    struct relay_msg m;
    struct relay_truncated t = {0};
    if (relay_msg_decode(RELAY_V0, body, &m) != OK || m.cmd != RELAY_TRUNCATED ||
        relay_truncated_decode(rd_over(m.data, m.len), &t) != OK)
        lane_fails(ln, MEAS_MALFORMED_TOR_RESP, "the relay said what it has no reason to say");
    else if (is_hop_starved(ln))
        lane_fails(ln, MEAS_RESOURCES, "no memory for the second hop");
    else
        lane_sent_away(ln, "the relay gave up the way to the second hop: %s",
                       destroy_reason_name(t.reason));
}

static void take(struct lane *ln, const uint8_t *body)
{
    struct echo_lane *el = flow_of(ln);
    struct meas_cheat cheat = {.socket = ln->i, .circuit = el->lc.id};
    enum echo_verdict verdict;
    if (echo_take(el->echo, body, &verdict, &cheat) != OK) {
        lane_fails(ln, MEAS_RESOURCES, "a cell could not be checked");
        return;
    }
    ln->checked += verdict != ECHO_UNCHECKED;
    ln->bad += verdict == ECHO_CHEAT;
    if (verdict == ECHO_CHEAT)
        lane_cheat(ln, &cheat);
    else
        ln->back += el->every;
}

static void on_relay(struct lane *ln, uint8_t *body)
{
    struct echo_lane *el = flow_of(ln);
    bool recognized;
    if (el->relay->kind->open(el->relay, CELL_RELAY, body, &recognized) != OK) {
        lane_fails(ln, MEAS_RESOURCES, "a cell could not be opened");
        return;
    }
    if (recognized) {
        on_message(ln, body);
        return;
    }
    take(ln, body);
    if (ln->s->state == STOCK_DRAINING && !stock_flying(ln->s))
        stock_finish(ln->s);
    else if (ln->state == LANE_READY)
        pump(ln);
}

/* ---- building ---- */

/* Tor refuses to extend to such addresses with TORPROTOCOL, as it does what is really wrong. */
static void hop_is_missed(struct lane *ln, uint8_t reason)
{
    const struct circ_hop_target *t = &ln->s->config.next;
    const struct ip *at = t->v4.port ? &t->v4.ip : &t->v6.ip;
    if (is_hop_starved(ln)) {
        lane_fails(ln, MEAS_RESOURCES, "no memory for the second hop");
        return;
    }
    lane_fails(ln, MEAS_LAUNCH_CIRCS, "the relay does not reach the second hop: %s%s",
               destroy_reason_name(reason),
               ip_is_internal(at) ? "; has its torrc ExtendAllowPrivateAddresses 1?" : "");
}

static err_t send_extend(struct echo_lane *el)
{
    struct stock *s = el->lane->s;
    const struct circ_hop_target *t = &s->config.next;
    const struct linkspec_relay to = {
        .v4 = t->v4, .v6 = t->v6, .has_rsa = true, .rsa = t->rsa, .has_ed = t->has_ed, .ed = t->ed};
    uint8_t skin[NTOR_V3_SKIN_OVERHEAD + NTOR_V3_MSG_MAX], data[RELAY_DATA_MAX];
    uint8_t storage[LINKSPECS_STORAGE], *body = link_cell(&el->lc, CELL_RELAY_EARLY, LINK_URGENT);
    struct wr w_skin = wr_over(skin, sizeof skin), w = wr_over(data, sizeof data);
    struct relay_extend2 m = {.hdata = skin};
    size_t random_at;
    if (!body)
        return ERR_FULL;
    TRY(circ_handshake_begin(&el->handshake, s->env, t, &w_skin, &m.htype));
    m.hlen = (uint16_t)w_skin.len;
    linkspecs_make(&to, storage, &m.specs);
    TRY(relay_extend2_encode(&w, &m));
    const struct relay_msg msg = {.cmd = RELAY_EXTEND2, .data = data, .len = w.len};
    TRY(relay_msg_encode(RELAY_V0, &msg, body, &random_at));
    env_random(s->env, body + random_at, CELL_BODY_LEN - random_at);
    TRY(el->relay->kind->originate(el->relay, CELL_RELAY_EARLY, body));
    link_cell_commit(&el->lc);
    return OK;
}

static err_t finish(struct echo_lane *el, const uint8_t *at, size_t len,
                    uint8_t keys[LAYER_KEYS_MAX])
{
    struct hop_terms terms;
    return circ_handshake_finish(&el->handshake, rd_over(at, len), NO_SENDMES, &terms, keys);
}

static void on_created(struct lane *ln, const uint8_t *body)
{
    struct echo_lane *el = flow_of(ln);
    uint8_t keys[LAYER_KEYS_MAX];
    err_t e = finish(el, body, FAST_REPLY_LEN, keys);
    if (e == OK && !(el->relay = tor1_kind.make(keys, LAYER_CLIENT)))
        e = ERR_NOMEM;
    secret_wipe(keys, sizeof keys);
    if (e == OK)
        e = send_extend(el);
    if (e == ERR_CIRC_HANDSHAKE)
        lane_fails(ln, MEAS_MALFORMED_TOR_RESP, "CREATED_FAST is wrong");
    else if (e != OK)
        lane_fails(ln, MEAS_RESOURCES, "no way on from the relay: %s", err_text(e));
}

static err_t start_echo(struct echo_lane *el, const uint8_t keys[LAYER_KEYS_MAX])
{
    const struct stock *s = el->lane->s;
    const struct echo_config config = {.seed = s->config.told.seed,
                                       .name = s->name,
                                       .secret = s->secret,
                                       .meas_id = s->config.told.meas_id,
                                       .circuit = (uint16_t)el->lane->i,
                                       .check = s->config.told.check,
                                       .form = MEAS_ECHO_RAW};
    el->forward = aes_ctr_new(keys + KF_AT, KF_BITS, NULL);
    return el->forward ? echo_new(&config, &el->echo) : ERR_NOMEM;
}

static void on_extended(struct lane *ln, const struct relay_msg *m)
{
    struct echo_lane *el = flow_of(ln);
    uint8_t keys[LAYER_KEYS_MAX];
    struct relay_extended2 reply;
    err_t e = relay_extended2_decode(rd_over(m->data, m->len), &reply);
    if (e == OK)
        e = finish(el, reply.hdata, reply.hlen, keys);
    if (e != OK) {
        lane_fails(ln, MEAS_MALFORMED_TOR_RESP,
                   "what came as the answer of the second hop is not its");
        return;
    }
    e = start_echo(el, keys);
    secret_wipe(keys, sizeof keys);
    if (e == OK)
        lane_is_ready(ln);
    else
        lane_fails(ln, MEAS_RESOURCES, "no memory for a circuit");
}

static void on_building(struct lane *ln, uint8_t *body)
{
    struct echo_lane *el = flow_of(ln);
    struct relay_msg m = {.cmd = 0};
    struct relay_truncated t = {0};
    bool recognized = false;
    err_t e = el->relay->kind->open(el->relay, CELL_RELAY, body, &recognized);
    if (e == OK && recognized)
        e = relay_msg_decode(RELAY_V0, body, &m);
    if (e == OK && m.cmd == RELAY_EXTENDED2)
        on_extended(ln, &m);
    else if (e == OK && m.cmd == RELAY_TRUNCATED &&
             relay_truncated_decode(rd_over(m.data, m.len), &t) == OK)
        hop_is_missed(ln, t.reason);
    else
        lane_fails(ln, MEAS_MALFORMED_TOR_RESP, "EXTENDED2 did not come, but something else");
}

/* ---- the circuit's place on its link ---- */

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct echo_lane *el = arg;
    struct lane *ln = el->lane;
    if (ln->s->state == STOCK_OVER || ln->state == LANE_BAD)
        return;
    if (cmd == CELL_CREATED_FAST && !el->relay)
        on_created(ln, body);
    else if (cmd != CELL_RELAY || !el->relay)
        lane_fails(ln, MEAS_MALFORMED_TOR_RESP, "a %s cell has no place there", chan_cmd_name(cmd));
    else if (ln->state == LANE_READY)
        on_relay(ln, body);
    else
        on_building(ln, body);
}

/* While it is built it may be the second hop that said no, or is not reached. */
static void on_destroy(void *arg, uint8_t reason)
{
    struct echo_lane *el = arg;
    const char *why = destroy_reason_name(reason);
    if (is_hop_starved(el->lane))
        lane_fails(el->lane, MEAS_RESOURCES, "no memory for the second hop");
    else if (el->lane->state == LANE_READY || reason == DESTROY_RESOURCELIMIT)
        lane_sent_away(el->lane, "the relay ended a circuit: %s", why);
    else if (el->relay)
        hop_is_missed(el->lane, reason);
    else
        lane_fails(el->lane, MEAS_LAUNCH_CIRCS, "the relay makes no circuit: %s", why);
}

/* The link's owner hears of it, too. */
static void on_link_closed(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
}

static void on_writable(void *arg)
{
    struct echo_lane *el = arg;
    if (el->lane->state == LANE_READY)
        pump(el->lane);
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

/* ---- life ---- */

static err_t open(struct lane *ln)
{
    struct stock *s = ln->s;
    struct echo_lane *el = calloc(1, sizeof *el);
    if (!el)
        return ERR_NOMEM;
    ln->flow = el;
    el->lane = ln;
    el->every = s->config.told.mode == MEAS_SINK2 ? STOCK_SINK_EVERY : 1;
    el->lc.ops = &circ_ops;
    el->lc.arg = el;
    TRY(link_circ_open(ln->link, &el->lc));
    uint8_t *body = link_cell(&el->lc, CELL_CREATE_FAST, LINK_URGENT);
    if (!body)
        return ERR_FULL;
    memset(body, 0, CELL_BODY_LEN);
    struct wr w = wr_over(body, CELL_BODY_LEN);
    TRY(circ_handshake_begin_fast(&el->handshake, s->env, &w));
    link_cell_commit(&el->lc);
    return OK;
}

static void close(struct lane *ln)
{
    if (ln->flow)
        link_circ_close(&flow_of(ln)->lc, true, DESTROY_NONE);
}

static void lane_free(struct lane *ln)
{
    struct echo_lane *el = flow_of(ln);
    if (!el)
        return;
    link_circ_close(&el->lc, false, DESTROY_NONE);
    layer_free(el->relay);
    aes_ctr_free(el->forward);
    echo_free(el->echo);
    secret_wipe(el, sizeof *el);
    free(el);
    ln->flow = NULL;
}

const struct lane_kind lane_echo2 = {
    .needs_next = true, .open = open, .pump = pump, .close = close, .free = lane_free};
