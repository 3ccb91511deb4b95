/* OpenSSL runs out of memory, at each of its allocations in turn: what proves identities and pins
 * keys fails then, or works, but never proves what is not so. Certificates are made in peace: a
 * half-made one makes OpenSSL 3.0 itself fall over when it is freed. */
#include "crypto/openssl.h"

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include "link/certs.h"
#include "link/identity.h"
#include "link/link_int.h"
#include "link/responder.h"
#include "link/tls_mutual.h"

enum { STRIDE = 97 }; /* where there are thousands of allocations */

static long left; /* allocations until one fails; 0: none does */
static bool failed;

static bool fails(void)
{
    if (left > 0 && --left == 0)
        failed = true;
    return failed && left == 0;
}

static void *one(size_t len, const char *file, int line)
{
    (void)file, (void)line;
    bool now = fails();
    if (now)
        left = -1;
    return now ? NULL : malloc(len);
}

static void *again(void *p, size_t len, const char *file, int line)
{
    (void)file, (void)line;
    bool now = fails();
    if (now)
        left = -1;
    return now ? NULL : realloc(p, len);
}

static void back(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

/* Before OpenSSL has allocated anything. */
__attribute__((constructor)) static void take_over(void)
{
    if (!CRYPTO_set_mem_functions(one, again, back))
        abort();
}

static struct world w;
static struct rsa_key *rsa;
static struct ed_secret ed;
static struct link_identity good;
static uint8_t cert[TLS_MUTUAL_DER_MAX], key[TLS_MUTUAL_DER_MAX];
static size_t cert_len, key_len;

static void set_up(void)
{
    left = 0;
    failed = false;
    world_prepare(&w, 5);
    ck_ok(rsa_key_generate(1024, &rsa));
    ed25519_keypair(w.env, &ed);
    ck_ok(link_identity_make(w.env, rsa, &ed, &good));
    struct wr c = wr_over(cert, sizeof cert), k = wr_over(key, sizeof key);
    ck_ok(tls_mutual_make("m1", 0, 86400, &c, &k));
    cert_len = c.len;
    key_len = k.len;
}

static void tear_down(void)
{
    rsa_key_free(rsa);
    world_free(&w);
}

/* ---- single steps ---- */

static err_t make_context(void)
{
    struct tls_ctx *ctx;
    TRY(tls_ctx_new_mutual(true, cert, cert_len, key, key_len, &ctx));
    struct tls *t = tls_new(ctx, w.env);
    tls_free(t);
    tls_ctx_free(ctx);
    return t ? OK : ERR_NOMEM;
}

static err_t pin(void)
{
    struct sha256 pin;
    return tls_cert_spki_sha256(cert, cert_len, &pin);
}

static err_t verify(void)
{
    struct certs_claim claim;
    char text[200];
    return certs_verify_initiator(&good.certs, env_wall_s(w.env), &claim, text, sizeof text);
}

static err_t show(void)
{
    struct certs_proved shown;
    return certs_shown(&good.certs, &shown);
}

static void sweep(err_t (*step)(void), long stride)
{
    for (long n = 1;; n += stride) {
        left = n;
        failed = false;
        err_t e = step();
        bool was_hit = failed;
        left = 0;
        failed = false;
        if (!was_hit) {
            ck_ok(e);
            return;
        }
        ck_ok(step()); /* nothing is left of it */
    }
}

START_TEST(test_nomem_single_steps)
{
    set_up();
    sweep(make_context, STRIDE);
    sweep(pin, 1);
    sweep(verify, 5);
    sweep(show, 1);
    tear_down();
}
END_TEST

/* ---- a whole handshake ---- */

static struct link *server;
static unsigned opened, closed;

static void on_open(void *arg)
{
    (void)arg;
    opened++;
}

static void on_end(void *arg, const struct link_end *end)
{
    (void)arg, (void)end;
    closed++;
}

static void on_output(void *arg)
{
    (void)arg;
}

static const struct link_ops server_ops = {
    .on_open = on_open, .on_end = on_end, .on_output = on_output};

/* Whether the responder's link was open in the end. */
static bool shake(const struct link_server *face)
{
    struct link_config config = w.config;
    opened = closed = 0;
    config.tls = w.server_tls;
    server = link_new_server(w.env, &config, face, &w.target.reach.addr, &server_ops, NULL);
    config.tls = w.client_tls;
    config.identity = &good;
    w.link = link_new(w.env, &config, &w.target, world_ops(), &w);
    ck_assert(server && w.link);
    link_tcp_open(w.link);
    while (move_bytes(w.link, server) || move_bytes(server, w.link))
        continue;
    test_env_advance_ms(w.env, 0);
    bool open = opened && !closed;
    if (open)
        ck_assert(ed_id_equal(link_peer_ed(server), &ed.pub));
    else
        ck_assert(ed_id_is_zero(link_peer_ed(server)) || opened || closed);
    link_free(w.link);
    link_free(server);
    w.link = NULL;
    return open;
}

START_TEST(test_nomem_in_a_handshake_that_proves_an_identity)
{
    set_up();
    ck_ok(tls_ctx_new_client(&w.client_tls));
    ck_ok(tls_ctx_new_server(env_wall_s(w.env), &w.server_tls));
    tls_ctx_cert_sha256(w.server_tls, &w.tls_cert);
    relay_certs_make(&w.certs, &w.keys, &w.tls_cert, env_wall_s(w.env), 86400 * 30);
    const struct link_server face = {.certs = &w.certs.list, .mine = w.target.reach.addr.ip};
    unsigned hits = 0, ends = 0;
    for (long n = 1;; n += STRIDE) {
        left = n;
        failed = false;
        bool open = shake(&face), was_hit = failed;
        left = 0;
        failed = false;
        if (!was_hit) {
            ck_assert(open);
            break;
        }
        hits++;
        ends += !open;
        if (hits % 8 == 0)
            ck_assert(shake(&face));
    }
    ck_assert_uint_gt(hits, 20);
    ck_assert_uint_gt(ends, 5);
    tear_down();
}
END_TEST

TESTS("link/nomem", test_nomem_single_steps, test_nomem_in_a_handshake_that_proves_an_identity)
