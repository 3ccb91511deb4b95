/* The other end of a link, in memory: a writer of a relay's cells, and (optionally) its side of
 * TLS. Inline functions, for the tests of this folder and of the fuzzers.
 */
#ifndef TUNIC_TESTS_LINK_RESPONDER_H
#define TUNIC_TESTS_LINK_RESPONDER_H

#include <stdlib.h>
#include <string.h>

#include "cell/chan.h"
#include "cell/chan_link.h"
#include "link/link.h"
#include "link/relaykeys.h"
#include "link/tls.h"
#include "support/test.h"

/* What FROM has to send reaches TO; false: nothing. */
static inline bool move_bytes(struct link *from, struct link *to)
{
    size_t len, room;
    const uint8_t *at = link_seal(from, &len);
    uint8_t *in = at ? link_in_room(to, &room) : NULL;
    if (!in)
        return false;
    len = len < room ? len : room;
    memcpy(in, at, len);
    link_sent(from, len);
    link_in_done(to, len);
    return true;
}

/* ---- cells of the responder ---- */

static inline void put_cell(struct wr *w, size_t id_len, uint32_t id, uint8_t cmd, const void *body,
                            size_t len)
{
    size_t mark = chan_cell_open(w, id_len, id, cmd);
    wr_bytes(w, body, len);
    ck_ok(chan_cell_close(w, id_len, mark));
}

static inline void put_versions(struct wr *w, unsigned version)
{
    struct chan_versions v = {.n = 1, .v = {(uint16_t)version}};
    size_t mark = chan_cell_open(w, 2, 0, CELL_VERSIONS);
    ck_ok(chan_versions_encode(w, &v));
    ck_ok(chan_cell_close(w, 2, mark));
}

static inline void put_certs(struct wr *w, size_t id_len, const struct chan_certs *certs)
{
    size_t mark = chan_cell_open(w, id_len, 0, CELL_CERTS);
    ck_ok(chan_certs_encode(w, certs));
    ck_ok(chan_cell_close(w, id_len, mark));
}

static inline void put_challenge(struct wr *w, size_t id_len)
{
    struct chan_auth_challenge c = {.n_methods = 1, .methods = {CHAN_AUTH_ED25519_SHA256_RFC5705}};
    size_t mark = chan_cell_open(w, id_len, 0, CELL_AUTH_CHALLENGE);
    ck_ok(chan_auth_challenge_encode(w, &c));
    ck_ok(chan_cell_close(w, id_len, mark));
}

static inline void put_netinfo(struct wr *w, size_t id_len, int64_t time_s)
{
    static const uint8_t us[4] = {127, 0, 0, 1}, them[4] = {127, 0, 0, 2};
    struct chan_netinfo n = {.timestamp = (uint32_t)time_s, .n_mine = 1};
    n.other = ip_v4(us);
    n.mine[0] = ip_v4(them);
    size_t mark = chan_cell_open(w, id_len, 0, CELL_NETINFO);
    ck_ok(chan_netinfo_encode(w, &n));
    ck_ok(chan_cell_close(w, id_len, mark));
}

/* ---- a link and what it told us ---- */

enum { NAKED_STREAM_MAX = 8192 };

struct world {
    struct env *env;
    struct relay_keys keys;
    struct relay_certs certs;
    struct sha256 tls_cert;
    struct link_config config;
    struct link_target target;
    struct link *link;
    unsigned opened, closed, outputs;
    struct link_end end;
    int64_t skew_s;
    unsigned skews;
    unsigned stalls, goes_on;
    void (*in_open)(struct world *w);
    struct tls_ctx *client_tls, *server_tls;
    struct tls *peer; /* the responder's session */
};

static inline void world_on_open(void *arg)
{
    struct world *w = arg;
    w->opened++;
    if (w->in_open)
        w->in_open(w);
}

static inline void world_on_closed(void *arg, const struct link_end *end)
{
    struct world *w = arg;
    w->closed++;
    w->end = *end;
}

static inline void world_on_output(void *arg)
{
    ((struct world *)arg)->outputs++;
}

static inline void world_on_skew(void *arg, int64_t skew_s)
{
    struct world *w = arg;
    w->skews++;
    w->skew_s = skew_s;
}

static inline void world_on_stall(void *arg, bool stalled)
{
    struct world *w = arg;
    w->stalls += stalled;
    w->goes_on += !stalled;
}

static inline const struct link_ops *world_ops(void)
{
    static const struct link_ops ops = {.on_open = world_on_open,
                                        .on_end = world_on_closed,
                                        .on_output = world_on_output,
                                        .on_clock_skew = world_on_skew,
                                        .on_stall = world_on_stall};
    return &ops;
}

/* A world whose link is not made yet, so that a test may change config and target. */
static inline void world_prepare(struct world *w, uint64_t seed)
{
    static const uint8_t loopback[4] = {127, 0, 0, 2};
    *w = (struct world){.env = test_env(seed)};
    w->keys = relay_keys_shared();
    memset(w->tls_cert.b, 0x5a, sizeof w->tls_cert.b);
    relay_certs_make(&w->certs, &w->keys, &w->tls_cert, env_wall_s(w->env), 86400 * 30);
    w->config = (struct link_config){.connect_timeout_ms = 60000,
                                     .handshake_timeout_ms = 60000,
                                     .nf_ito_low_ms = 1500,
                                     .nf_ito_high_ms = 9500};
    w->target = (struct link_target){.reach.addr = {ip_v4(loopback), 9001},
                                     .rsa = w->keys.rsa_id,
                                     .ed = w->keys.id.pub,
                                     .has_rsa = true,
                                     .has_ed = true};
}

static inline void world_link(struct world *w)
{
    w->link = link_new(w->env, &w->config, &w->target, world_ops(), w);
    ck_assert_ptr_nonnull(w->link);
}

static inline void world_free(struct world *w)
{
    link_free(w->link);
    tls_free(w->peer);
    tls_ctx_free(w->client_tls);
    tls_ctx_free(w->server_tls);
    test_env_free(w->env);
}

static inline size_t world_id_len(unsigned version)
{
    return version >= 4 ? 4 : 2;
}

#endif
