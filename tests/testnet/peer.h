/* Who measures a relay of a test network in memory: a link with an identity, and circuits of one
 * hop whose cells the test makes itself. Inline, for the tests of this folder. */
#ifndef TUNIC_TESTS_PEER_H
#define TUNIC_TESTS_PEER_H

#include "cell/chan_circ.h"
#include "cell/measurement.h"
#include "circuit/fast.h"
#include "circuit/tor1.h"
#include "link/identity.h"
#include "testnet/wired.h"

enum { PEER_SAYINGS = 64 };

struct peer {
    struct wired *w;
    struct link *link;
    struct link_circ lc;
    struct layer *layer;
    struct fast_client fast;
    bool link_over, over; /* over: DESTROY came, or the link ended */
    uint8_t reason;
    struct meas_cell said[PEER_SAYINGS]; /* MEASUREMENT that came */
    size_t n_said;
    uint8_t last[CELL_BODY_LEN]; /* the last RELAY cell that came, as it came */
    uint64_t sent, got;          /* RELAY cells */
};

static inline void peer_on_end(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct peer *)arg)->link_over = true;
}

static inline void peer_no_matter(void *arg)
{
    (void)arg;
}

static const struct link_ops peer_link_ops = {
    .on_open = peer_no_matter, .on_end = peer_on_end, .on_output = peer_no_matter};

static inline void peer_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct peer *p = arg;
    uint8_t keys[TOR1_KEYS_LEN];
    if (cmd == CELL_CREATED_FAST) {
        ck_ok(fast_client_finish(&p->fast, body, keys, sizeof keys));
        p->layer = tor1_kind.make(keys, LAYER_CLIENT);
        ck_assert_ptr_nonnull(p->layer);
    } else if (cmd == CELL_MEASUREMENT) {
        ck_assert_uint_lt(p->n_said, PEER_SAYINGS);
        ck_ok(meas_cell_decode(rd_over(body, CELL_BODY_LEN), &p->said[p->n_said++]));
    } else {
        memcpy(p->last, body, sizeof p->last);
        p->got++;
    }
}

static inline void peer_on_destroy(void *arg, uint8_t reason)
{
    struct peer *p = arg;
    p->over = true;
    p->reason = reason;
}

static inline void peer_on_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct peer *)arg)->over = true;
}

static const struct link_circ_ops peer_circ_ops = {peer_on_cell, peer_on_destroy,
                                                   peer_on_link_closed, peer_no_matter};

static inline void peer_send(struct peer *p, uint8_t cmd, const void *bytes, size_t len)
{
    uint8_t *at = link_cell(&p->lc, cmd, LINK_URGENT);
    ck_assert_ptr_nonnull(at);
    memset(at, 0, CELL_BODY_LEN);
    memcpy(at, bytes, len);
    link_cell_commit(&p->lc);
}

/* A circuit on the link of FROM, which is its own or another's. */
static inline void peer_circ(struct peer *p, struct link *link)
{
    uint8_t skin[FAST_SKIN_LEN];
    p->lc = (struct link_circ){.ops = &peer_circ_ops, .arg = p};
    ck_ok(link_circ_open(link, &p->lc));
    fast_client_begin(p->w->env, &p->fast, skin);
    peer_send(p, CELL_CREATE_FAST, skin, sizeof skin);
    wired_pump(p->w);
    ck_assert_ptr_nonnull(p->layer);
}

/* Who proves something on its links. */
struct party {
    struct rsa_key *rsa;
    uint8_t seed[ED25519_SEED_LEN];
    struct ed_secret ed;
    struct link_identity id;
};

/* The keys are slow to make: once a process. */
static inline void party_make(struct party *p, uint8_t number)
{
    struct env *env = test_env(number);
    if (!p->rsa)
        ck_ok(rsa_key_generate_from(env, RSA_ID_BITS, &p->rsa));
    p->seed[0] = number;
    ed25519_from_seed(p->seed, &p->ed);
    ck_ok(link_identity_make(env, p->rsa, &p->ed, &p->id));
    test_env_free(env);
}

/* A link to the first guard from 127.0.0.HOST, of WHO, or of nobody if that is NULL. */
static inline void peer_start(struct peer *p, struct wired *w, uint8_t host,
                              const struct party *who)
{
    struct circ_hop_target hop = wired_hop(w, PLAN_GUARD, 0, false);
    const struct link_config config = {.tls = w->tls,
                                       .connect_timeout_ms = 10000,
                                       .handshake_timeout_ms = 10000,
                                       .identity = who ? &who->id : NULL,
                                       .measures = true};
    const struct link_target target = {
        .reach.addr = hop.v4, .rsa = hop.rsa, .ed = hop.ed, .has_rsa = true, .has_ed = true};
    const uint8_t home[4] = {127, 0, 0, host};
    const struct ip from = ip_v4(home);
    *p = (struct peer){.w = w};
    p->link = link_new(w->env, &config, &target, &peer_link_ops, p);
    wired_dial(w, p->link, &from, &hop.v4);
    wired_pump(w);
    peer_circ(p, p->link);
}

static inline void peer_stop(struct peer *p)
{
    link_circ_close(&p->lc, false, 0);
    if (p->link) {
        wired_hangup(p->w, p->link);
        link_free(p->link);
    }
    layer_free(p->layer);
    p->layer = NULL;
    p->link = NULL;
}

/* ---- what it says ---- */

static inline void peer_say(struct peer *p, const struct meas_cell *m)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    ck_ok(meas_cell_encode(&w, m));
    peer_send(p, CELL_MEASUREMENT, body, w.len);
    wired_pump(p->w);
}

/* The code of the ERR that came last, 0 if it is OK. */
static inline unsigned peer_heard(const struct peer *p)
{
    ck_assert_uint_gt(p->n_said, 0);
    const struct meas_cell *m = &p->said[p->n_said - 1];
    if (m->cmd == MEAS_ERR)
        return m->err.code;
    ck_assert_uint_eq(m->cmd, MEAS_PARAMS_OK);
    return 0;
}

/* A raw cell of which each byte is FILL; false: the link takes no more. */
static inline bool peer_raw(struct peer *p, uint8_t fill)
{
    uint8_t *at = p->over ? NULL : link_cell(&p->lc, CELL_RELAY, LINK_DATA);
    if (!at)
        return false;
    memset(at, fill, CELL_BODY_LEN);
    ck_ok(tor1_kind.wrap(p->layer, CELL_RELAY, at));
    link_cell_commit(&p->lc);
    p->sent++;
    return true;
}

#endif
