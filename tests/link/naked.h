/* A link without TLS: opened cells are put straight in, unsealed ones are taken straight out. */
#ifndef TUNIC_TESTS_LINK_NAKED_H
#define TUNIC_TESTS_LINK_NAKED_H

#include "link/link_int.h"
#include "link/responder.h"

static inline void naked_start(struct world *w, uint64_t seed)
{
    world_prepare(w, seed);
    world_link(w);
    link_start_cells(w->link, &w->tls_cert);
}

static inline void naked_feed(struct world *w, const void *bytes, size_t len)
{
    if (w->link->state == LINK_CLOSED)
        return;
    ck_ok(buf_add(&w->link->in, bytes, len));
    link_handle_cells(w->link);
}

static inline void naked_feed_wr(struct world *w, const struct wr *cells)
{
    ck_ok(wr_end(cells));
    naked_feed(w, cells->base, cells->len);
}

static inline void naked_cell(struct world *w, uint32_t id, uint8_t cmd, const void *body,
                              size_t len)
{
    static uint8_t storage[70000];
    struct wr cell = wr_over(storage, sizeof storage);
    put_cell(&cell, handshake_circ_id_len(&w->link->hs), id, cmd, body, len);
    naked_feed_wr(w, &cell);
}

/* Brings the link to STAGE under VERSION with good cells. */
static inline void naked_advance(struct world *w, enum link_stage stage, unsigned version)
{
    uint8_t storage[NAKED_STREAM_MAX];
    struct wr s = wr_over(storage, sizeof storage);
    size_t id_len = world_id_len(version);
    if (stage > STAGE_VERSIONS)
        put_versions(&s, version);
    if (stage > STAGE_UNVERIFIED)
        put_certs(&s, id_len, &w->certs.list);
    if (stage > STAGE_VERIFIED)
        put_challenge(&s, id_len);
    if (stage > STAGE_CHALLENGED)
        put_netinfo(&s, id_len, env_wall_s(w->env));
    naked_feed_wr(w, &s);
    ck_assert_int_eq(w->link->hs.stage, stage);
}

static inline void naked_open(struct world *w, uint64_t seed, unsigned version)
{
    naked_start(w, seed);
    naked_advance(w, STAGE_OPEN, version);
    ck_assert_uint_eq(w->opened, 1);
    size_t len;
    link_seal(w->link, &len);
    link_sent(w->link, len); /* VERSIONS, NETINFO */
}

/* The next cell of the output; false if there is none. The body is copied. */
struct sent_cell {
    uint32_t id;
    uint8_t cmd;
    size_t len;
    uint8_t body[CELL_BODY_LEN];
};

static inline bool naked_sent(struct world *w, size_t id_len, struct sent_cell *out)
{
    size_t len;
    struct chan_frame f;
    const uint8_t *at = link_seal(w->link, &len);
    if (!at)
        return false;
    ck_ok(chan_frame_decode((uint8_t *)(uintptr_t)at, len, id_len, CELL_BODY_LEN, &f));
    *out = (struct sent_cell){.id = f.circ_id, .cmd = f.cmd, .len = f.body_len};
    memcpy(out->body, f.body, f.body_len);
    link_sent(w->link, f.used);
    return true;
}

/* ---- a circuit that writes down what happens to it ---- */

struct note_circ {
    struct link_circ lc;
    struct world *world;
    unsigned cells, destroys, closes, turns;
    uint8_t last_cmd, last_byte, reason;
    struct link_end end;
    unsigned to_write; /* data cells it still wants to write */
    unsigned wrote;
    bool close_in_cell, close_link_in_cell;
};

static inline void note_write(struct note_circ *c)
{
    uint8_t *body;
    while (c->to_write && (body = link_cell(&c->lc, CELL_RELAY, LINK_DATA))) {
        memset(body, (int)c->lc.id & 0xff, CELL_BODY_LEN);
        link_cell_commit(&c->lc);
        c->to_write--;
        c->wrote++;
    }
}

static inline void note_on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct note_circ *c = arg;
    c->cells++;
    c->last_cmd = cmd;
    c->last_byte = body[0];
    memset(body, 0xee, CELL_BODY_LEN); /* it is the circuit's to change */
    if (c->close_in_cell)
        link_circ_close(&c->lc, true, 0);
    if (c->close_link_in_cell)
        link_close(c->world->link, OK, OR_DONE, "from a circuit");
}

static inline void note_on_destroy(void *arg, uint8_t reason)
{
    struct note_circ *c = arg;
    c->destroys++;
    c->reason = reason;
}

static inline void note_on_closed(void *arg, const struct link_end *end)
{
    struct note_circ *c = arg;
    c->closes++;
    c->end = *end;
}

static inline void note_on_writable(void *arg)
{
    struct note_circ *c = arg;
    c->turns++;
    note_write(c);
}

static inline void note_open(struct world *w, struct note_circ *c)
{
    static const struct link_circ_ops ops = {note_on_cell, note_on_destroy, note_on_closed,
                                             note_on_writable};
    *c = (struct note_circ){.lc = {.ops = &ops}, .world = w};
    c->lc.arg = c;
    ck_ok(link_circ_open(w->link, &c->lc));
}

#endif
