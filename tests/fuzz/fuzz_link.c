/* A link without TLS, fed with the input as the peer's opened bytes: handshake and open link.
 *
 * The first byte says at which stage and link version to begin, the second how the rest is cut into
 * reads and what the circuits do. */
#include <stdlib.h>
#include <string.h>

#include "link/link_int.h"

struct fuzz_circ {
    struct link_circ lc;
    struct link *link;
    bool closes, closes_link, writes;
};

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

static void write_some(struct fuzz_circ *c)
{
    uint8_t *body;
    for (int i = 0; i < 50 && (body = link_cell(&c->lc, CELL_RELAY_EARLY, LINK_DATA)); i++) {
        memset(body, i, CELL_BODY_LEN);
        link_cell_commit(&c->lc);
    }
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct fuzz_circ *c = arg;
    memset(body, cmd, CELL_BODY_LEN);
    if (c->writes)
        write_some(c);
    if (c->closes)
        link_circ_close(&c->lc, true, body[0]);
    if (c->closes_link)
        link_close(c->link, OK, OR_DONE, NULL);
}

static void on_destroy(void *arg, uint8_t reason)
{
    struct fuzz_circ *c = arg;
    if (reason & 1 && link_circ_open(c->link, &c->lc) != OK)
        return;
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    struct fuzz_circ *c = arg;
    if (c->lc.link || !end->text[0])
        abort();
}

static void on_writable(void *arg)
{
    write_some(arg);
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

static unsigned closed;

static void on_closed(void *arg, const struct link_end *end)
{
    (void)arg;
    (void)end;
    closed++;
}

static void on_open(void *arg)
{
    (void)arg;
}

static void on_skew(void *arg, int64_t skew_s)
{
    (void)arg;
    (void)skew_s;
}

static const struct link_ops ops = {on_open, on_closed, on_open, on_skew, NULL};

static void begin(struct link *l, uint8_t how)
{
    static const struct sha256 tls_cert;
    link_start_cells(l, &tls_cert);
    enum link_stage stage = (enum link_stage)(how % LINK_STAGES);
    if (stage == STAGE_VERSIONS)
        return;
    l->hs.version = 3 + how / LINK_STAGES % 3;
    l->hs.stage = stage;
    if (stage == STAGE_OPEN)
        link_opened(l);
}

/* Ids come from the random source; the input gets at circuits by those that are put here. */
static void add_circuits(struct link *l, struct fuzz_circ *circs, size_t n, uint8_t how)
{
    for (size_t i = 0; i < n; i++) {
        circs[i] = (struct fuzz_circ){.lc = {.ops = &circ_ops},
                                      .link = l,
                                      .closes = how & 1,
                                      .closes_link = i == 2 && how & 2,
                                      .writes = how & 4};
        circs[i].lc.arg = &circs[i];
        if (link_circ_open(l, &circs[i].lc) != OK)
            return;
        HASH_DEL(l->circs.by_id, &circs[i].lc);
        circs[i].lc.id = (uint32_t)(0x8000 + i) << (l->hs.version >= 4 ? 16 : 0);
        HASH_ADD(hh, l->circs.by_id, id, sizeof circs[i].lc.id, &circs[i].lc);
    }
}

static void feed(struct link *l, const uint8_t *in, size_t len, size_t cut)
{
    while (len && l->state != LINK_CLOSED) {
        size_t part = len < cut ? len : cut, sent;
        if (buf_add(&l->in, in, part) != OK)
            abort(); /* it is drained, or the link is closed */
        link_handle_cells(l);
        in += part;
        len -= part;
        if (link_seal(l, &sent) && part % 3)
            link_sent(l, sent < 600 ? sent : 600);
        l->env->mono_us += 700 * US_PER_MS;
        env_run_timers(l->env);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t state = 1;
    struct env env = {.mono_us = US_PER_SEC,
                      .wall_us = 1601143280 * (int64_t)US_PER_SEC,
                      .random = fuzz_random,
                      .random_arg = &state};
    struct link_config config = {.connect_timeout_ms = 1000000,
                                 .handshake_timeout_ms = 1000000,
                                 .idle_timeout_ms = 30000,
                                 .nf_ito_low_ms = 1500,
                                 .nf_ito_high_ms = 9500};
    struct link_target target = {.addr = {.ip = {.family = IP_V4}}};
    struct fuzz_circ circs[4];
    if (size < 2)
        return 0;
    struct link *l = link_new(&env, &config, &target, &ops, NULL);
    if (!l)
        return 0;
    closed = 0;
    begin(l, data[0]);
    add_circuits(l, circs, 4, data[1]);
    feed(l, data + 2, size - 2, (size_t)1 + data[1] / 8 * 40);
    link_close(l, OK, OR_DONE, NULL);
    env_run_timers(&env);
    if (closed != 1)
        abort();
    link_free(l);
    return 0;
}
