/* A relay and the wires to it, in memory under virtual time: real TLS, links and onion layers, a
 * token bucket each way, delay with jitter. The relay gives echo cells back, or does it wrong.
 * Inline: for the tests of measurements. */
#ifndef TUNIC_TESTS_MEASWORLD_H
#define TUNIC_TESTS_MEASWORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bucket.h"
#include "cell/chan_circ.h"
#include "cell/reason.h"
#include "circuit/fast.h"
#include "circuit/tor1.h"
#include "link/tls.h"
#include "measure/measurement.h"
#include "support/test.h"
#include "testnet/relay_certs.h"

enum {
    MW_WIRES_MOST = 200,
    MW_CHUNKS = 512,        /* under way on a wire, one way */
    MW_KERNEL = 256 * 1024, /* bytes that a wire holds, one way */
    MW_STEP_US = 1000,      /* bytes move so often */
    MW_QUEUE_CELLS = 64,    /* echoes that wait before a link is not read any more */
    MW_QUEUE_MOST = 4096,
    MW_OVERHEAD_PER_CELL = 514,
};

enum mw_cheat {
    MW_HONEST,
    MW_NO_DECRYPT, /* of one cell in `share` */
    MW_RANDOM,     /* the same, of random bytes */
    MW_REPLAY,     /* an old cell again, in place of one in `share` */
    MW_EARLY,      /* one that has not come yet: more than was sent */
    MW_REORDER,    /* one in `share` changes places with the next */
    MW_FLIP,       /* one bit of one in `share` */
};

enum mw_answer { MW_GRANTS, MW_REFUSES, MW_SILENT, MW_DESTROYS, MW_GARBLES };

struct mw_pipe {
    uint8_t *ring; /* MW_KERNEL bytes, once there are any */
    size_t at, len;
    struct {
        uint64_t due_us;
        size_t len;
    } chunk[MW_CHUNKS];
    unsigned first, n;
};

struct mw_world;

struct mw_wire {
    struct mw_world *w;
    struct link *client, *server; /* NULL: over */
    struct mw_pipe up, down;
    struct link_circ circ; /* the server's */
    struct layer *layer;
    bool echoes;
    struct buf waiting; /* cells to be echoed */
    uint64_t came;      /* cells */
    uint8_t old[CELL_BODY_LEN], kept[CELL_BODY_LEN];
    bool has_kept;
    uint64_t delay_us;
};

struct mw_world {
    struct env *env;
    struct tls_ctx *client_tls, *server_tls;
    struct identity id;
    struct relay_certs certs;
    struct mw_wire wire[MW_WIRES_MOST];
    size_t n_wires, turn;
    struct timer step;
    /* The relay. */
    struct bucket reads, writes;
    uint64_t rate; /* 0: none */
    unsigned delay_ms, jitter_ms;
    enum mw_answer answer;
    uint8_t refusal;
    enum mw_cheat cheat;
    unsigned share;
    bool framed;
    bool deaf;                    /* reads nothing more */
    unsigned pads;                /* PADDING cells beside each echo */
    bool hasty;                   /* agrees before it has made the circuit */
    uint64_t cheated_us;          /* when it first did */
    uint64_t cheats, cheats_most; /* so many cells so far, and at most; 0: any number */
    uint64_t echoed;              /* cells */
    unsigned refuse_dials;        /* of so many links the next ones */
};

/* Where memory may run out, and where not: tests in which it does are told when the machines that
 * they are about begin to run, and when these have called the world. NULL: nobody asks. */
static void (*mw_memory)(bool of_machines);

static inline void mw_inside(bool yes)
{
    if (mw_memory)
        mw_memory(yes);
}

/* As ck_ok(), for what is done with each cell: Check writes into a file whatever holds. */
static inline void mw_must(err_t e)
{
    if (e != OK)
        ck_ok(e);
}

/* ---- pipes ---- */

static inline size_t mw_space(const struct mw_pipe *p)
{
    return p->n == MW_CHUNKS ? 0 : MW_KERNEL - p->len;
}

static inline void mw_ring_put(struct mw_pipe *p, const uint8_t *bytes, size_t len)
{
    if (!p->ring) {
        p->ring = malloc(MW_KERNEL);
        ck_assert_ptr_nonnull(p->ring);
    }
    size_t at = (p->at + p->len) % MW_KERNEL;
    size_t first = len < MW_KERNEL - at ? len : MW_KERNEL - at;
    memcpy(p->ring + at, bytes, first);
    memcpy(p->ring, bytes + first, len - first);
    p->len += len;
}

static inline void mw_ring_take(struct mw_pipe *p, uint8_t *to, size_t len)
{
    size_t first = len < MW_KERNEL - p->at ? len : MW_KERNEL - p->at;
    memcpy(to, p->ring + p->at, first);
    memcpy(to + first, p->ring, len - first);
    p->at = (p->at + len) % MW_KERNEL;
    p->len -= len;
}

static inline void mw_put(struct mw_world *w, struct mw_wire *x, struct mw_pipe *p,
                          const uint8_t *bytes, size_t len)
{
    uint64_t due = w->env->mono_us + x->delay_us;
    if (w->jitter_ms)
        due += env_random_below(w->env, w->jitter_ms * US_PER_MS);
    if (p->n) { /* bytes do not overtake each other */
        uint64_t before = p->chunk[(p->first + p->n - 1) % MW_CHUNKS].due_us;
        due = due > before ? due : before;
    }
    mw_ring_put(p, bytes, len);
    unsigned at = (p->first + p->n++) % MW_CHUNKS;
    p->chunk[at].due_us = due;
    p->chunk[at].len = len;
}

static inline void mw_pipe_free(struct mw_pipe *p)
{
    free(p->ring);
    p->ring = NULL;
}

static inline size_t mw_due(const struct mw_world *w, const struct mw_pipe *p)
{
    return p->n && p->chunk[p->first].due_us <= w->env->mono_us ? p->chunk[p->first].len : 0;
}

static inline void mw_take(struct mw_pipe *p, uint8_t *to, size_t len)
{
    mw_ring_take(p, to, len);
    p->chunk[p->first].len -= len;
    if (!p->chunk[p->first].len) {
        p->first = (p->first + 1) % MW_CHUNKS;
        p->n--;
    }
}

/* What LINK has to send goes into P, as much as BUCKET (or NULL) lets through. */
static inline bool mw_pull(struct mw_world *w, struct mw_wire *x, struct link *link,
                           struct mw_pipe *p, struct bucket *bucket)
{
    size_t len = 0, space = mw_space(p);
    mw_inside(link == x->client);
    const uint8_t *at = link && space ? link_seal(link, &len) : NULL;
    mw_inside(false);
    if (!at)
        return false;
    len = len < space ? len : space;
    if (bucket) {
        uint64_t left = bucket_look(bucket, w->env->mono_us);
        len = len < left ? len : (size_t)left;
        len = len < 4096 ? len : 4096;
        bucket_take(bucket, len);
    }
    if (!len)
        return false;
    mw_put(w, x, p, at, len);
    link_sent(link, len);
    return true;
}

static inline bool mw_push(struct mw_world *w, const struct mw_wire *x, struct link *link,
                           struct mw_pipe *p, struct bucket *bucket)
{
    size_t len = mw_due(w, p), room = 0;
    if (!len || !link)
        return false;
    if (bucket) {
        uint64_t left = bucket_look(bucket, w->env->mono_us);
        len = len < left ? len : (size_t)left;
        len = len < 4096 ? len : 4096;
    }
    mw_inside(link == x->client);
    uint8_t *to = len ? link_in_room(link, &room) : NULL;
    mw_inside(false);
    if (!to)
        return false;
    len = len < room ? len : room;
    mw_take(p, to, len);
    if (bucket)
        bucket_take(bucket, len);
    mw_inside(link == x->client);
    link_in_done(link, len);
    mw_inside(false);
    return true;
}

/* ---- the relay ---- */

static inline bool mw_send(struct mw_wire *x, const uint8_t *body)
{
    uint8_t *to = x->circ.link ? link_cell(&x->circ, CELL_RELAY, LINK_DATA) : NULL;
    if (!to)
        return false;
    memcpy(to, body, CELL_BODY_LEN);
    link_cell_commit(&x->circ);
    x->w->echoed++;
    for (unsigned i = 0; i < x->w->pads && (to = link_cell(&x->circ, CELL_PADDING, LINK_DATA)); i++)
        link_cell_commit(&x->circ);
    return true;
}

static inline void mw_flush(struct mw_wire *x)
{
    while (x->waiting.len && mw_send(x, buf_at(&x->waiting)))
        buf_drain(&x->waiting, CELL_BODY_LEN);
}

static inline void mw_echo(struct mw_wire *x, const uint8_t *body)
{
    if (!x->waiting.len && mw_send(x, body))
        return;
    mw_must(buf_add(&x->waiting, body, CELL_BODY_LEN));
}

/* Whether this cell is one that it does wrong. */
static inline bool mw_cheats(struct mw_wire *x)
{
    struct mw_world *w = x->w;
    if (w->cheat == MW_HONEST || x->came < 20 || env_random_below(w->env, w->share))
        return false;
    if (w->cheats_most && w->cheats >= w->cheats_most)
        return false;
    w->cheats++;
    if (!w->cheated_us)
        w->cheated_us = w->env->mono_us;
    return true;
}

static inline void mw_on_echo(struct mw_wire *x, uint8_t *body)
{
    struct mw_world *w = x->w;
    uint8_t raw[CELL_BODY_LEN];
    bool here, cheats = mw_cheats(x);
    memcpy(raw, body, sizeof raw);
    mw_must(x->layer->kind->open(x->layer, CELL_RELAY, body, &here));
    if (w->framed && !here)
        ck_abort_msg("a framed cell is not for this relay");
    x->came++;
    if (cheats && w->cheat == MW_NO_DECRYPT)
        memcpy(body, raw, sizeof raw);
    if (cheats && w->cheat == MW_RANDOM)
        env_random(w->env, body, CELL_BODY_LEN);
    if (cheats && w->cheat == MW_FLIP)
        body[env_random_below(w->env, 400) + 20] ^= 4;
    if (cheats && w->cheat == MW_REPLAY)
        memcpy(body, x->old, CELL_BODY_LEN);
    if (cheats && w->cheat == MW_EARLY)
        for (int i = 0; i < 300; i++)
            mw_echo(x, body);
    if (cheats && w->cheat == MW_REORDER && !x->has_kept) {
        memcpy(x->kept, body, CELL_BODY_LEN);
        x->has_kept = true;
        return;
    }
    memcpy(x->old, body, CELL_BODY_LEN);
    mw_echo(x, body);
    if (x->has_kept) {
        mw_echo(x, x->kept);
        x->has_kept = false;
    }
}

static inline void mw_say(struct mw_wire *x, const struct meas_cell *cell)
{
    uint8_t bytes[CELL_BODY_LEN] = {0};
    struct wr out = wr_over(bytes, sizeof bytes);
    ck_ok(meas_cell_encode(&out, cell));
    uint8_t *to = link_cell(&x->circ, CELL_MEASUREMENT, LINK_URGENT);
    ck_assert_ptr_nonnull(to);
    memcpy(to, bytes, sizeof bytes);
    link_cell_commit(&x->circ);
}

static inline void mw_on_measurement(struct mw_wire *x, const uint8_t *body)
{
    struct meas_cell got, answer = {.cmd = MEAS_PARAMS_OK};
    ck_ok(meas_cell_decode(rd_over(body, CELL_BODY_LEN), &got));
    switch (x->w->answer) {
    case MW_REFUSES:
        answer = (struct meas_cell){.cmd = MEAS_ERR, .err = {.code = x->w->refusal}};
        break;
    case MW_SILENT:
        return;
    case MW_DESTROYS:
        link_circ_close(&x->circ, true, DESTROY_RESOURCELIMIT);
        return;
    case MW_GARBLES:
        answer = (struct meas_cell){.cmd = MEAS_ECHO_ON};
        break;
    case MW_GRANTS:
        x->echoes = got.cmd == MEAS_ECHO_ON;
        break;
    }
    if (answer.cmd == MEAS_PARAMS_OK && got.cmd == MEAS_PARAMS) {
        answer.ok.has_limits = true;
        answer.ok.background_percent = 25;
        answer.ok.seconds_most = 45;
    }
    mw_say(x, &answer);
}

static inline void mw_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct mw_wire *x = arg;
    if (cmd == CELL_MEASUREMENT)
        mw_on_measurement(x, body);
    else if (cmd == CELL_RELAY && x->echoes)
        mw_on_echo(x, body);
}

static inline void mw_on_destroy(void *arg, uint8_t reason)
{
    (void)arg, (void)reason;
}

static inline void mw_on_closed(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
}

static inline void mw_on_writable(void *arg)
{
    mw_flush(arg);
}

static const struct link_circ_ops mw_circ_ops = {mw_on_cell, mw_on_destroy, mw_on_closed,
                                                 mw_on_writable};

static inline void mw_on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct mw_wire *x = arg;
    uint8_t keys[TOR1_KEYS_LEN], reply[FAST_REPLY_LEN];
    ck_assert_uint_eq(cmd, CELL_CREATE_FAST);
    ck_ok(fast_server_reply(x->w->env, body, reply, keys, sizeof keys));
    x->circ = (struct link_circ){.ops = &mw_circ_ops, .arg = x};
    ck_ok(link_circ_accept(x->server, &x->circ, id));
    x->layer = tor1_kind.make(keys, LAYER_RELAY);
    if (x->w->hasty) {
        const struct meas_cell ok = {.cmd = MEAS_PARAMS_OK};
        mw_say(x, &ok);
    }
    uint8_t *to = link_cell(&x->circ, CELL_CREATED_FAST, LINK_URGENT);
    memset(to, 0, CELL_BODY_LEN);
    memcpy(to, reply, sizeof reply);
    link_cell_commit(&x->circ);
}

static inline void mw_nothing(void *arg)
{
    (void)arg;
}

static inline void mw_on_end(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
}

static const struct link_ops mw_server_ops = {
    .on_open = mw_nothing, .on_end = mw_on_end, .on_output = mw_nothing, .on_create = mw_on_create};

/* ---- the measurer's world ---- */

static inline void mw_dial(void *world, struct link *l)
{
    struct mw_world *w = world;
    const struct link_config config = {.tls = w->server_tls,
                                       .connect_timeout_ms = 10000,
                                       .handshake_timeout_ms = 10000,
                                       .padding = LINK_PADDING_OFF,
                                       .measures = true};
    const struct link_server face = {.certs = &w->certs.list};
    const struct ipport peer = {ip_v4((const uint8_t[]){127, 0, 0, 1}), 40000};
    mw_inside(false);
    ck_assert_uint_lt(w->n_wires, MW_WIRES_MOST);
    struct mw_wire *x = &w->wire[w->n_wires++];
    *x = (struct mw_wire){.w = w, .client = l, .delay_us = w->delay_ms * US_PER_MS / 2};
    buf_init(&x->waiting, (size_t)MW_QUEUE_MOST * CELL_BODY_LEN);
    if (w->refuse_dials) {
        w->refuse_dials--;
    } else {
        x->server = link_new_server(w->env, &config, &face, &peer, &mw_server_ops, x);
        ck_assert_ptr_nonnull(x->server);
    }
    mw_inside(true);
}

static inline void mw_output(void *world, struct link *l)
{
    (void)world, (void)l;
}

static inline void mw_hangup(void *world, struct link *l)
{
    struct mw_world *w = world;
    for (size_t i = 0; i < w->n_wires; i++)
        if (w->wire[i].client == l)
            w->wire[i].client = NULL;
}

static const struct meas_world mw_ops = {mw_dial, mw_output, mw_hangup, NULL};

/* ---- time ---- */

static inline bool mw_move(struct mw_world *w, struct mw_wire *x)
{
    struct bucket *reads = w->rate ? &w->reads : NULL, *writes = w->rate ? &w->writes : NULL;
    bool moved = false;
    if (x->client && link_state(x->client) == LINK_CONNECTING) {
        mw_inside(true);
        if (x->server)
            link_tcp_open(x->client);
        else
            link_tcp_failed(x->client, 111);
        mw_inside(false);
    }
    moved |= mw_pull(w, x, x->client, &x->up, NULL);
    if (!w->deaf && x->waiting.len < MW_QUEUE_CELLS * CELL_BODY_LEN)
        moved |= mw_push(w, x, x->server, &x->up, reads);
    if (x->circ.link)
        mw_flush(x);
    moved |= mw_pull(w, x, x->server, &x->down, writes);
    moved |= mw_push(w, x, x->client, &x->down, NULL);
    return moved;
}

static inline void mw_step(void *arg)
{
    struct mw_world *w = arg;
    bool moved = true;
    mw_inside(false);
    while (moved) {
        moved = false;
        for (size_t i = 0; i < w->n_wires; i++)
            moved |= mw_move(w, &w->wire[(w->turn + i) % w->n_wires]);
        w->turn++;
    }
    mw_inside(true);
    timerq_arm(&w->env->timers, &w->step, w->env->mono_us + MW_STEP_US);
}

/* RATE: bytes a second each way; 0: none. */
static inline void mw_new(struct mw_world *w, uint64_t seed, uint64_t rate)
{
    struct sha256 cert;
    memset(w, 0, sizeof *w);
    w->env = test_env(seed);
    w->rate = rate;
    w->share = 1;
    bucket_init(&w->reads, rate, rate / 10 + 1024, 10 * US_PER_MS, w->env->mono_us);
    bucket_init(&w->writes, rate, rate / 10 + 1024, 10 * US_PER_MS, w->env->mono_us);
    ck_ok(tls_ctx_new_client(&w->client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(w->env), &w->server_tls));
    ck_ok(identity_make(w->env, &w->id));
    tls_ctx_cert_sha256(w->server_tls, &cert);
    ck_ok(relay_certs_make(&w->id, &cert, env_wall_s(w->env), RELAY_CERTS_HONEST, &w->certs));
    timer_init(&w->step, mw_step, w);
    timerq_arm(&w->env->timers, &w->step, w->env->mono_us + MW_STEP_US);
}

/* After the measurement. */
static inline void mw_free(struct mw_world *w)
{
    for (size_t i = 0; i < w->n_wires; i++) {
        struct mw_wire *x = &w->wire[i];
        if (x->circ.link)
            link_circ_close(&x->circ, false, 0);
        if (x->server)
            link_free(x->server);
        layer_free(x->layer);
        mw_pipe_free(&x->up);
        mw_pipe_free(&x->down);
        buf_free(&x->waiting);
    }
    timer_disarm(&w->step);
    tls_ctx_free(w->client_tls);
    tls_ctx_free(w->server_tls);
    identity_wipe(&w->id);
    test_env_free(w->env);
}

/* The relay as measurers are told of it. */
static inline struct meas_relay mw_relay(const struct mw_world *w)
{
    struct meas_relay relay = {.fp = w->id.rsa_id, .has_fp = true, .has_ed25519 = true};
    relay.ed25519 = w->id.ed.pub;
    relay.addrs[0] = (struct ipport){ip_v4((const uint8_t[]){127, 0, 0, 1}), 9001};
    relay.n_addrs = 1;
    return relay;
}

#endif
