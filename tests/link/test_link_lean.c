/* Very many links at once, as those who measure have them: what they hold in memory. */
#include <malloc.h>
#include <string.h>

#include "link/limits.h"
#include "link/naked.h"

enum { LINKS = 160, ROUNDS = 8, MOST_BYTES = 40 * 1000 * 1000, PIECE = 70000 };

static struct end {
    struct link *link;
    struct link_circ circ;
    unsigned cells;
} ours[LINKS], theirs[LINKS];

static struct world w;

static void no_end(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    (void)cmd, (void)body;
    ((struct end *)arg)->cells++;
}

static void on_destroy(void *arg, uint8_t reason)
{
    (void)arg, (void)reason;
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, no_end, nothing};

static void on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct end *e = arg;
    (void)cmd, (void)body;
    e->circ = (struct link_circ){.ops = &circ_ops, .arg = e};
    ck_ok(link_circ_accept(e->link, &e->circ, id));
}

static const struct link_ops ops = {
    .on_open = nothing, .on_end = no_end, .on_output = nothing, .on_create = on_create};

static bool move_some(struct link *from, struct link *to, size_t most)
{
    size_t len, room;
    const uint8_t *at = link_seal(from, &len);
    uint8_t *in = at ? link_in_room(to, &room) : NULL;
    if (!in)
        return false;
    len = len < room ? len : room;
    len = len < most ? len : most;
    memcpy(in, at, len);
    link_sent(from, len);
    link_in_done(to, len);
    return true;
}

static void prepare(bool lean)
{
    world_prepare(&w, 5);
    w.config.lean = lean;
    ck_ok(tls_ctx_new_client(&w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(w.env), &w.server_tls));
    tls_ctx_cert_sha256(w.server_tls, &w.tls_cert);
    relay_certs_make(&w.certs, &w.keys, &w.tls_cert, env_wall_s(w.env), 86400 * 30);
}

static void join(size_t i)
{
    const struct link_server face = {.certs = &w.certs.list, .mine = w.target.reach.addr.ip};
    struct link_config config = w.config;
    config.tls = w.server_tls;
    theirs[i].link = link_new_server(w.env, &config, &face, &w.target.reach.addr, &ops, &theirs[i]);
    config.tls = w.client_tls;
    ours[i].link = link_new(w.env, &config, &w.target, &ops, &ours[i]);
    ck_assert(ours[i].link && theirs[i].link);
    link_tcp_open(ours[i].link);
    while (move_some(ours[i].link, theirs[i].link, PIECE) ||
           move_some(theirs[i].link, ours[i].link, PIECE))
        continue;
    ours[i].circ = (struct link_circ){.ops = &circ_ops, .arg = &ours[i]};
    ck_ok(link_circ_open(ours[i].link, &ours[i].circ));
    uint8_t *body = link_cell(&ours[i].circ, CELL_CREATE_FAST, LINK_URGENT);
    ck_assert_ptr_nonnull(body);
    memset(body, 0, CELL_BODY_LEN);
    link_cell_commit(&ours[i].circ);
    ck_assert(move_some(ours[i].link, theirs[i].link, PIECE));
}

static void fill(struct end *e)
{
    uint8_t *body;
    while ((body = link_cell(&e->circ, CELL_RELAY, LINK_DATA))) {
        memset(body, 1, CELL_BODY_LEN);
        link_cell_commit(&e->circ);
    }
}

static void finish(void)
{
    for (size_t i = 0; i < LINKS; i++) {
        link_free(ours[i].link);
        link_free(theirs[i].link);
        ours[i] = theirs[i] = (struct end){.link = NULL};
    }
    world_free(&w);
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* All of them busy both ways, and full in the end. Half of the memory is the other side's. */
START_TEST(test_link_lean_160_busy_links_hold_40_mb)
{
    prepare(true);
    size_t before = allocated();
    for (size_t i = 0; i < LINKS; i++)
        join(i);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < LINKS; i++) {
            fill(&ours[i]);
            fill(&theirs[i]);
            if (round == ROUNDS - 1)
                continue;
            ck_assert(move_some(ours[i].link, theirs[i].link, PIECE));
            ck_assert(move_some(theirs[i].link, ours[i].link, PIECE));
        }
    }
    size_t held = (allocated() - before) / 2;
    ck_assert_uint_le(held, MOST_BYTES);
    for (size_t i = 0; i < LINKS; i++)
        ck_assert_uint_gt(ours[i].cells, 100);
    finish();
}
END_TEST

START_TEST(test_link_lean_bounds)
{
    static const size_t soft[] = {LINK_OUT_SOFT, LINK_LEAN_OUT_SOFT};
    for (int lean = 0; lean < 2; lean++) {
        size_t room, len;
        prepare(lean == 1);
        join(0);
        ck_assert_ptr_nonnull(link_in_room(theirs[0].link, &room));
        ck_assert_int_eq(room <= LINK_LEAN_READ, lean);
        fill(&ours[0]);
        ck_assert_uint_ge(link_held(ours[0].link), soft[lean]);
        ck_assert_uint_lt(link_held(ours[0].link), soft[lean] + CHAN_CELL_MAX);
        ck_assert(link_is_loaded(ours[0].link));
        /* There are turns again once it has drained below the low mark. */
        ck_assert(ours[0].circ.waiting);
        link_seal(ours[0].link, &len);
        link_sent(ours[0].link, len - LINK_LEAN_OUT_LOW - 100);
        ck_assert_int_eq(ours[0].circ.waiting, lean);
        link_seal(ours[0].link, &len);
        link_sent(ours[0].link, 101);
        ck_assert(!ours[0].circ.waiting);
        finish();
    }
}
END_TEST

TESTS("link/link_lean", test_link_lean_160_busy_links_hold_40_mb, test_link_lean_bounds)
