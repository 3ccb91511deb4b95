/* Circuits: their making, and messages both ways. */
#include "check/pcirc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "cell/reason.h"
#include "check/words.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"

/* ---- life ---- */

/* A circuit without a hop. */
static struct pcirc *empty(struct probe *p)
{
    if (!p || !trial_goes_on(p->t))
        return NULL;
    struct trial *t = p->t;
    struct pcirc *c = t->n_circs < TRIAL_CIRCS_MOST ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        trial_fail(t, "out of memory");
        return NULL;
    }
    *c = (struct pcirc){.p = p, .id = probe_new_id(p)};
    t->circ[t->n_circs++] = c;
    return c;
}

void pcirc_free(struct pcirc *c)
{
    if (c)
        onion_clear(&c->onion);
    free(c);
}

void pcirc_add_hop(struct pcirc *c, const struct layer_kind *kind, const uint8_t *keys)
{
    if (!c || !trial_goes_on(c->p->t))
        return;
    struct hop hop = {.layer = kind->make(keys, LAYER_CLIENT)};
    if (!hop.layer || onion_add(&c->onion, &hop) != OK)
        trial_fail(c->p->t, "out of memory");
}

/* ---- the first hop ---- */

struct pcirc *pcirc_fast_on(struct probe *p)
{
    struct pcirc *c = empty(p);
    struct fast_client st;
    struct probe_cell cell;
    uint8_t skin[FAST_SKIN_LEN], keys[TOR1_KEYS_LEN];
    if (!c)
        return NULL;
    fast_client_begin(p->t->run->env, &st, skin);
    probe_cell(p, c->id, CELL_CREATE_FAST, skin, sizeof skin);
    if (probe_await(p, CELL_CREATED_FAST, &cell)) {
        if (fast_client_finish(&st, cell.body, keys, sizeof keys) == OK)
            pcirc_add_hop(c, &tor1_kind, keys);
        else
            trial_fail(p->t, "KH of CREATED_FAST is wrong");
    }
    return c;
}

struct pcirc *pcirc_fast(struct trial *t)
{
    return pcirc_fast_on(probe_link(t));
}

bool pcirc_know_key(struct trial *t)
{
    if (trial_said_it_needs(t, NEEDS_KEY) && !(t->run->has_ntor && t->run->has_rsa))
        trial_skip(
            t,
            "the relay's onion key is not known: it serves no /tor/server/authority; see --ntor");
    return trial_goes_on(t);
}

/* CREATE2, and the handshake data of CREATED2; NULL if it did not come. */
static const uint8_t *ask_created2(struct pcirc *c, uint16_t htype, const uint8_t *skin, size_t len,
                                   size_t *reply_len)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    struct chan_create2 m = {.htype = htype, .hlen = (uint16_t)len, .hdata = skin};
    struct chan_created2 reply;
    struct probe_cell cell;
    if (chan_create2_encode(&w, &m) != OK)
        return NULL;
    probe_cell(c->p, c->id, CELL_CREATE2, body, w.len);
    if (!probe_await(c->p, CELL_CREATED2, &cell))
        return NULL;
    if (chan_created2_decode(rd_over(cell.body, cell.len), &reply) != OK) {
        trial_fail(c->p->t, "CREATED2 is malformed");
        return NULL;
    }
    *reply_len = reply.hlen;
    return reply.hdata;
}

struct pcirc *pcirc_ntor_by(struct probe *p, const struct x25519_pub *key)
{
    uint8_t skin[NTOR_SKIN_LEN], keys[TOR1_KEYS_LEN];
    struct ntor_client st;
    size_t len;
    struct pcirc *c = empty(p);
    if (!c)
        return NULL;
    struct check_run *run = p->t->run;
    ntor_client_begin(run->env, &run->rsa, key, &st, skin);
    const uint8_t *reply = ask_created2(c, HANDSHAKE_NTOR, skin, sizeof skin, &len);
    if (reply && (len != NTOR_REPLY_LEN || ntor_client_finish(&st, reply, keys, sizeof keys) != OK))
        trial_fail(p->t, "the relay's side of the ntor handshake is wrong");
    else if (reply)
        pcirc_add_hop(c, &tor1_kind, keys);
    secret_wipe(&st, sizeof st);
    return c;
}

struct pcirc *pcirc_ntor_on(struct probe *p)
{
    return p && pcirc_know_key(p->t) ? pcirc_ntor_by(p, &p->t->run->ntor) : NULL;
}

struct pcirc *pcirc_ntor(struct trial *t)
{
    return pcirc_ntor_on(probe_link(t));
}

struct pcirc *pcirc_ntor_v3_on(struct probe *p, const struct layer_kind *kind, const void *CM,
                               size_t CM_len, struct wr *SM)
{
    uint8_t skin[CREATE2_DATA_MAX], keys[LAYER_KEYS_MAX];
    struct wr w = wr_over(skin, sizeof skin);
    struct ntor_v3_client st;
    size_t len;
    struct pcirc *c = p && pcirc_know_key(p->t) ? empty(p) : NULL;
    if (!c)
        return NULL;
    struct check_run *run = p->t->run;
    if (ntor_v3_client_begin(run->env, &run->ed, &run->ntor, NTOR_V3_CIRC_VERIFICATION, CM, CM_len,
                             &st, &w) != OK) {
        trial_fail(p->t, "the relay's onion key is not acceptable");
        return c;
    }
    const uint8_t *reply = ask_created2(c, HANDSHAKE_NTOR_V3, skin, w.len, &len);
    if (reply && ntor_v3_client_finish(&st, NTOR_V3_CIRC_VERIFICATION, reply, len, SM, keys,
                                       kind->keys_len) != OK)
        trial_fail(p->t, "the relay's side of the ntor-v3 handshake is wrong");
    else if (reply)
        pcirc_add_hop(c, kind, keys);
    secret_wipe(&st, sizeof st);
    return c;
}

/* ---- messages out ---- */

static bool usable(const struct pcirc *c)
{
    return c && trial_goes_on(c->p->t) && c->onion.n;
}

enum { AS_IT_IS = CELL_BODY_LEN };

/* Seals BODY for HOP and sends it, with a bit of its byte FLIP turned: the layers are stream
 * ciphers, so that it is that byte which comes out wrong. */
static void send_body(struct pcirc *c, unsigned hop, uint8_t *body, size_t flip, const char *words)
{
    uint8_t cmd = c->by_early ? CELL_RELAY_EARLY : CELL_RELAY;
    struct trial *t = c->p->t;
    char before[TRIAL_TEXT_MAX];
    if (onion_seal(&c->onion, hop, cmd, body) != OK) {
        trial_fail(t, "a cell could not be sealed");
        return;
    }
    memcpy(c->sent_tag, onion_layer(&c->onion, hop)->sent_tag, sizeof c->sent_tag);
    if (flip < CELL_BODY_LEN)
        body[flip] ^= 1;
    memcpy(before, t->sent, sizeof before); /* the message is told, not the cell around it */
    probe_cell(c->p, c->id, cmd, body, CELL_BODY_LEN);
    memcpy(t->sent, before, sizeof before);
    trial_sent(t, "%s%s", words, c->by_early ? " in RELAY_EARLY" : "");
}

/* A message for HOP in its place, with random padding; false: it cannot be. */
static bool compose(struct pcirc *c, unsigned hop, const struct relay_msg *m, uint8_t *body)
{
    size_t at;
    if (relay_msg_put(onion_layer(&c->onion, hop)->kind->format, m, body, &at) != OK)
        return false;
    env_random(c->p->t->run->env, body + at, CELL_BODY_LEN - at);
    return true;
}

void pcirc_send(struct pcirc *c, unsigned hop, uint8_t cmd, uint16_t stream_id, const void *data,
                size_t len)
{
    uint8_t body[CELL_BODY_LEN];
    char words[WORDS_CELL_MAX];
    const struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (usable(c) && compose(c, hop, &m, body))
        send_body(c, hop, body, AS_IT_IS, words_message(cmd, stream_id, data, len, words));
}

void pcirc_send_spoilt(struct pcirc *c, uint8_t cmd, uint16_t stream_id, const void *data,
                       size_t len, void (*spoil)(uint8_t *body), const char *how)
{
    uint8_t body[CELL_BODY_LEN];
    char words[WORDS_CELL_MAX], text[2 * WORDS_CELL_MAX];
    const struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (!usable(c) || !compose(c, 1, &m, body))
        return;
    snprintf(text, sizeof text, "%s %s", words_message(cmd, stream_id, data, len, words), how);
    spoil(body);
    send_body(c, 1, body, AS_IT_IS, text);
}

void pcirc_send_garbled(struct pcirc *c, uint8_t cmd, uint16_t stream_id, const void *data,
                        size_t len, size_t at, const char *how)
{
    uint8_t body[CELL_BODY_LEN];
    char words[WORDS_CELL_MAX], text[2 * WORDS_CELL_MAX];
    const struct relay_msg m = {.cmd = cmd, .stream_id = stream_id, .data = data, .len = len};
    if (!usable(c) || !compose(c, 1, &m, body))
        return;
    snprintf(text, sizeof text, "%s %s", words_message(cmd, stream_id, data, len, words), how);
    send_body(c, 1, body, at, text);
}

uint16_t pcirc_new_stream(struct pcirc *c)
{
    return c ? ++c->last_stream : 1;
}

/* ---- messages in ---- */

err_t pcirc_poll(struct pcirc *c, uint32_t timeout_ms, struct pmsg *out)
{
    struct trial *t = c->p->t;
    struct probe_cell cell;
    struct relay_msg m;
    char before[TRIAL_TEXT_MAX], words[WORDS_CELL_MAX];
    memcpy(before, t->seen, sizeof before);
    TRY(probe_poll(c->p, timeout_ms, &cell));
    c->other = cell;
    if (cell.circ_id != c->id || cell.cmd != CELL_RELAY)
        return ERR_CIRC_PROTO;
    /* The queue is ours until the next call. */
    TRY(onion_open(&c->onion, cell.cmd, (uint8_t *)(uintptr_t)cell.body, &out->hop));
    const struct layer *layer = onion_layer(&c->onion, out->hop);
    memcpy(c->got_tag, layer->got_tag, sizeof c->got_tag);
    TRY(relay_msg_decode(layer->kind->format, cell.body, &m));
    out->cmd = m.cmd;
    out->stream_id = m.stream_id;
    out->data = m.data;
    out->len = m.len;
    memcpy(t->seen, before, sizeof before);
    trial_saw(t, "%s", words_message(m.cmd, m.stream_id, m.data, m.len, words));
    return OK;
}

bool pcirc_next(struct pcirc *c, struct pmsg *out)
{
    if (!usable(c))
        return false;
    struct trial *t = c->p->t;
    err_t e = pcirc_poll(c, t->run->answer_ms, out);
    if (e == OK)
        return true;
    if (e == ERR_MORE)
        trial_fail(t, "nothing came for %u ms", (unsigned)t->run->answer_ms);
    else if (e == ERR_LINK_CLOSED)
        trial_fail(t, "%s", probe_ended_how(c->p));
    else if (e == ERR_CIRC_PROTO)
        trial_fail(t, "another cell than a relay message of the circuit came");
    else
        trial_fail(t, "what came is no relay message: %s", err_text(e));
    return false;
}

bool pcirc_await(struct pcirc *c, uint8_t cmd, uint16_t stream_id, struct pmsg *out)
{
    struct pmsg m;
    if (!usable(c))
        return false;
    trial_awaits(c->p->t, "%s", words_relay_cmd(cmd));
    if (!pcirc_next(c, &m))
        return false;
    if (out)
        *out = m;
    if (m.cmd != cmd)
        trial_fail(c->p->t, "%s came instead of %s", words_relay_cmd(m.cmd), words_relay_cmd(cmd));
    else if (m.stream_id != stream_id)
        trial_fail(c->p->t, "%s is about stream %u, not %u", words_relay_cmd(cmd),
                   (unsigned)m.stream_id, (unsigned)stream_id);
    return trial_goes_on(c->p->t);
}

uint8_t pcirc_await_destroy(struct pcirc *c)
{
    struct probe_cell cell;
    if (!c || !trial_goes_on(c->p->t))
        return 0;
    trial_awaits(c->p->t, "DESTROY");
    while (probe_next(c->p, &cell))
        if (cell.cmd == CELL_DESTROY && cell.circ_id == c->id)
            return cell.body[0];
    return 0;
}

bool pcirc_await_or_destroy(struct pcirc *c, uint8_t cmd, uint16_t stream_id, struct pmsg *out)
{
    if (!usable(c))
        return false;
    struct trial *t = c->p->t;
    trial_awaits(t, "%s or DESTROY", words_relay_cmd(cmd));
    err_t e = pcirc_poll(c, t->run->answer_ms, out);
    if (e == OK)
        TRIAL_EXPECT(t, out->cmd == cmd && out->stream_id == stream_id, "%s of stream %u came",
                     words_relay_cmd(out->cmd), (unsigned)out->stream_id);
    else if (e == ERR_MORE)
        trial_fail(t, "nothing came for %u ms", (unsigned)t->run->answer_ms);
    else
        TRIAL_EXPECT(
            t, e == ERR_CIRC_PROTO && c->other.cmd == CELL_DESTROY && c->other.circ_id == c->id,
            "neither came");
    return e == OK && trial_goes_on(t);
}

/* tor-spec 6.2.1: END(NOTDIRECTORY) is as good an answer, of a relay that serves none. */
void pcirc_await_alive(struct pcirc *c)
{
    struct pmsg m;
    uint16_t id = pcirc_new_stream(c);
    if (!usable(c))
        return;
    struct trial *t = c->p->t;
    bool may_refuse = c->onion.n > 1 || t->run->no_dir;
    pcirc_send(c, c->onion.n, RELAY_BEGIN_DIR, id, NULL, 0);
    trial_awaits(t, "%s", may_refuse ? "CONNECTED or END(NOTDIRECTORY)" : "CONNECTED");
    if (!pcirc_next(c, &m))
        return;
    bool refused = m.cmd == RELAY_END && m.len && m.data[0] == END_NOTDIRECTORY;
    if (m.cmd != RELAY_CONNECTED && !(refused && may_refuse))
        trial_fail(t, "%s came instead of CONNECTED", words_relay_cmd(m.cmd));
    else if (m.stream_id != id)
        trial_fail(t, "%s is about stream %u, not %u", words_relay_cmd(m.cmd),
                   (unsigned)m.stream_id, (unsigned)id);
}

/* ---- streams ---- */

bool pcirc_needs_dir(struct trial *t)
{
    if (trial_goes_on(t) && t->run->no_dir)
        trial_skip(t, "the relay is no directory: it answers BEGIN_DIR with END(NOTDIRECTORY)");
    return trial_goes_on(t);
}

uint16_t pcirc_begin_dir(struct pcirc *c)
{
    uint16_t id = pcirc_new_stream(c);
    if (c && c->onion.n == 1)
        (void)pcirc_needs_dir(c->p->t);
    pcirc_send(c, c ? c->onion.n : 1, RELAY_BEGIN_DIR, id, NULL, 0);
    return pcirc_await(c, RELAY_CONNECTED, id, NULL) ? id : 0;
}
