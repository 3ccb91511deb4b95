#include "circuit/cgo.h"
#include "circuit/fast.h"
#include "circuit/handshake.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "circuit/vegas.h"
#include "circuit/window.h"

#include <string.h>

#include "support/test.h"
#include "support/vec.h"

/* An environment whose next random bytes are given. */
static void next_random(void *arg, void *out, size_t len)
{
    memcpy(out, arg, len);
}

static struct env fixed(uint8_t *bytes)
{
    return (struct env){.random = next_random, .random_arg = bytes};
}

START_TEST(test_fast_vectors)
{
    struct vec *v = vec_open("vectors/circuit/fast.txt");
    unsigned n = 0;
    for (; vec_next(v); n++) {
        uint8_t x[20], want[40], reply[40], keys[100], k[100];
        ck_assert_uint_eq(vec_hex(v, "skin", x, sizeof x), 20);
        ck_assert_uint_eq(vec_hex(v, "reply", want, sizeof want), 40);
        ck_assert_uint_eq(vec_hex(v, "keys", keys, sizeof keys), 100);
        struct fast_client st;
        uint8_t skin[20];
        struct env client = fixed(x), server = fixed(want);
        fast_client_begin(&client, &st, skin);
        ck_assert_mem_eq(skin, x, 20);
        ck_ok(fast_server_reply(&server, skin, reply, k, 100));
        ck_assert_mem_eq(reply, want, 40);
        ck_assert_mem_eq(k, keys, 100);
        memset(k, 0, sizeof k);
        ck_ok(fast_client_finish(&st, reply, k, 100));
        ck_assert_mem_eq(k, keys, 100);
    }
    ck_assert_uint_eq(n, 2);
    vec_close(v);
}
END_TEST

START_TEST(test_fast_wrong_kh_is_refused_and_gives_no_keys)
{
    struct env *env = test_env(1);
    struct fast_client st;
    uint8_t skin[20], reply[40], keys[72], k[72] = {0}, zero[72] = {0};
    fast_client_begin(env, &st, skin);
    ck_ok(fast_server_reply(env, skin, reply, keys, sizeof keys));
    for (size_t i = 0; i < sizeof reply; i++) {
        reply[i] ^= 0x10;
        ck_err(fast_client_finish(&st, reply, k, sizeof k), ERR_CIRC_HANDSHAKE);
        ck_assert_mem_eq(k, zero, sizeof k);
        reply[i] ^= 0x10;
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_vector)
{
    struct vec *v = vec_open("vectors/circuit/ntor.txt");
    struct rsa_id id;
    struct x25519_secret b;
    struct x25519_pub B;
    uint8_t x[32], y[32], want_skin[84], want_reply[64], want_keys[72];
    uint8_t skin[84], reply[64], keys[72];
    ck_assert(vec_next(v));
    vec_hex(v, "id", id.b, sizeof id.b);
    vec_hex(v, "b", b.b, sizeof b.b);
    vec_hex(v, "B", B.b, sizeof B.b);
    vec_hex(v, "x", x, sizeof x);
    vec_hex(v, "y", y, sizeof y);
    ck_assert_uint_eq(vec_hex(v, "skin", want_skin, sizeof want_skin), 84);
    ck_assert_uint_eq(vec_hex(v, "reply", want_reply, sizeof want_reply), 64);
    ck_assert_uint_eq(vec_hex(v, "keys", want_keys, sizeof want_keys), 72);

    struct ntor_client st;
    struct env client = fixed(x), server = fixed(y);
    ntor_client_begin(&client, &id, &B, &st, skin);
    ck_assert_mem_eq(skin, want_skin, sizeof skin);
    ck_ok(ntor_server_reply(&server, &id, &b, &B, skin, reply, keys, sizeof keys));
    ck_assert_mem_eq(reply, want_reply, sizeof reply);
    ck_assert_mem_eq(keys, want_keys, sizeof keys);
    memset(keys, 0, sizeof keys);
    ck_ok(ntor_client_finish(&st, reply, keys, sizeof keys));
    ck_assert_mem_eq(keys, want_keys, sizeof keys);
    vec_close(v);
}
END_TEST

struct ntor_pair {
    struct rsa_id id;
    struct x25519_secret b;
    struct x25519_pub B;
    struct ntor_client st;
    uint8_t skin[84], reply[64], keys[72];
};

static void ntor_setup(struct env *env, struct ntor_pair *p)
{
    memset(p->id.b, 12, sizeof p->id.b);
    x25519_keypair(env, &p->b, &p->B);
    ntor_client_begin(env, &p->id, &p->B, &p->st, p->skin);
}

START_TEST(test_ntor_every_changed_byte_of_the_reply_is_refused)
{
    struct env *env = test_env(2);
    struct ntor_pair p;
    uint8_t k[72] = {0}, zero[72] = {0};
    ntor_setup(env, &p);
    ck_ok(ntor_server_reply(env, &p.id, &p.b, &p.B, p.skin, p.reply, p.keys, sizeof p.keys));
    for (size_t i = 0; i < sizeof p.reply; i++) {
        p.reply[i] ^= 7;
        ck_err(ntor_client_finish(&p.st, p.reply, k, sizeof k), ERR_CIRC_HANDSHAKE);
        ck_assert_mem_eq(k, zero, sizeof k);
        p.reply[i] ^= 7;
    }
    ck_ok(ntor_client_finish(&p.st, p.reply, k, sizeof k));
    ck_assert_mem_eq(k, p.keys, sizeof k);
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_wrong_identity_or_key_is_refused_by_the_relay)
{
    struct env *env = test_env(3);
    struct ntor_pair p;
    ntor_setup(env, &p);
    for (size_t i = 0; i < 52; i += 17) {
        p.skin[i] ^= 1;
        ck_err(ntor_server_reply(env, &p.id, &p.b, &p.B, p.skin, p.reply, p.keys, sizeof p.keys),
               ERR_CIRC_HANDSHAKE);
        p.skin[i] ^= 1;
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_point_of_small_order_is_refused)
{
    struct env *env = test_env(4);
    struct ntor_pair p;
    ntor_setup(env, &p);
    memset(p.reply, 0, sizeof p.reply);
    ck_err(ntor_client_finish(&p.st, p.reply, p.keys, sizeof p.keys), ERR_CIRC_HANDSHAKE);
    memset(p.skin + 52, 0, 32);
    ck_err(ntor_server_reply(env, &p.id, &p.b, &p.B, p.skin, p.reply, p.keys, sizeof p.keys),
           ERR_CIRC_HANDSHAKE);
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_v3_vector)
{
    struct vec *v = vec_open("vectors/circuit/ntor_v3.txt");
    struct ed_id id;
    struct x25519_secret b;
    struct x25519_pub B;
    uint8_t x[32], y[32], CM[64], VER[64], SM[64], want_skin[256], want_reply[256], want_keys[256];
    uint8_t skin[256], reply[256], msg[64], keys[256];
    ck_assert(vec_next(v));
    vec_hex(v, "id", id.b, sizeof id.b);
    vec_hex(v, "b", b.b, sizeof b.b);
    x25519_public(&b, &B);
    vec_hex(v, "x", x, sizeof x);
    vec_hex(v, "y", y, sizeof y);
    size_t CM_len = vec_hex(v, "CM", CM, sizeof CM), SM_len = vec_hex(v, "SM", SM, sizeof SM);
    struct text ver = {(const char *)VER, vec_hex(v, "VER", VER, sizeof VER)};
    size_t skin_len = vec_hex(v, "skin", want_skin, sizeof want_skin);
    size_t reply_len = vec_hex(v, "reply", want_reply, sizeof want_reply);
    ck_assert_uint_eq(vec_hex(v, "keys", want_keys, sizeof want_keys), 256);

    struct ntor_v3_client st;
    struct ntor_v3_server server;
    struct env cenv = fixed(x), senv = fixed(y);
    struct wr w = wr_over(skin, sizeof skin);
    ck_ok(ntor_v3_client_begin(&cenv, &id, &B, ver, CM, CM_len, &st, &w));
    ck_assert_uint_eq(w.len, skin_len);
    ck_assert_mem_eq(skin, want_skin, skin_len);
    w = wr_over(msg, sizeof msg);
    ck_ok(ntor_v3_server_read(&id, &b, &B, ver, skin, skin_len, &server, &w));
    ck_assert_uint_eq(w.len, CM_len);
    ck_assert_mem_eq(msg, CM, CM_len);
    w = wr_over(reply, sizeof reply);
    ck_ok(ntor_v3_server_reply(&senv, &server, ver, SM, SM_len, &w, keys, sizeof keys));
    ck_assert_uint_eq(w.len, reply_len);
    ck_assert_mem_eq(reply, want_reply, reply_len);
    ck_assert_mem_eq(keys, want_keys, sizeof keys);
    memset(keys, 0, sizeof keys);
    w = wr_over(msg, sizeof msg);
    ck_ok(ntor_v3_client_finish(&st, ver, reply, reply_len, &w, keys, sizeof keys));
    ck_assert_uint_eq(w.len, SM_len);
    ck_assert_mem_eq(msg, SM, SM_len);
    ck_assert_mem_eq(keys, want_keys, sizeof keys);
    vec_close(v);
}
END_TEST

/* A relay that answers ntor-v3 with extension list SM. */
struct v3_pair {
    struct circ_hop_target target;
    struct x25519_secret b;
    struct circ_handshake h;
    uint8_t skin[512], reply[512];
    size_t skin_len, reply_len;
    unsigned granted; /* congestion control, with so many DATA a SENDME */
    const struct layer_kind *layer;
    uint8_t keys[LAYER_KEYS_MAX];
};

/* protocol: count, then type, length and body of each */
static void check_message(struct hop_ask ask, const uint8_t *msg, size_t len)
{
    ck_assert_uint_eq(len, ask.cgo ? 7 : ask.cc ? 3 : 1);
    ck_assert_mem_eq(msg, ask.cgo ? "\2\1\0\3\2\2\6" : ask.cc ? "\1\1\0" : "\0", len);
}

static void v3_setup_asking(struct env *env, struct v3_pair *p, struct hop_ask ask, const void *SM,
                            size_t SM_len)
{
    struct ntor_v3_server server;
    uint8_t msg[64];
    uint16_t htype;
    memset(p, 0, sizeof *p);
    p->target.has_ed = p->target.ntor_v3 = true;
    p->target.ask = ask;
    p->layer = ask.cgo ? &cgo_kind : &tor1_kind;
    memset(p->target.ed.b, 9, sizeof p->target.ed.b);
    x25519_keypair(env, &p->b, &p->target.ntor_key);
    struct wr w = wr_over(p->skin, sizeof p->skin);
    ck_ok(circ_handshake_begin(&p->h, env, &p->target, &w, &htype));
    ck_assert_uint_eq(htype, 3);
    p->skin_len = w.len;
    w = wr_over(msg, sizeof msg);
    ck_ok(ntor_v3_server_read(&p->target.ed, &p->b, &p->target.ntor_key, NTOR_V3_CIRC_VERIFICATION,
                              p->skin, p->skin_len, &server, &w));
    check_message(ask, msg, w.len);
    w = wr_over(p->reply, sizeof p->reply);
    ck_ok(ntor_v3_server_reply(env, &server, NTOR_V3_CIRC_VERIFICATION, SM, SM_len, &w, p->keys,
                               sizeof p->keys));
    p->reply_len = w.len;
}

static void v3_setup(struct env *env, struct v3_pair *p, const void *SM, size_t SM_len)
{
    v3_setup_asking(env, p, (struct hop_ask){.cc = false}, SM, SM_len);
}

static err_t v3_finish(struct v3_pair *p)
{
    static const uint8_t none[LAYER_KEYS_MAX];
    uint8_t keys[LAYER_KEYS_MAX] = {0};
    struct hop_terms terms = {.layer = NULL};
    err_t err = circ_handshake_finish(&p->h, rd_over(p->reply, p->reply_len), 31, &terms, keys);
    ck_assert_int_eq(p->h.kind, HANDSHAKE_NONE);
    if (err == OK) {
        ck_assert_ptr_eq(terms.layer, p->layer);
        ck_assert_ptr_eq(terms.flow, p->granted ? &vegas_kind : &window_kind);
        ck_assert_uint_eq(terms.sendme_inc, p->granted ? p->granted : 100);
        ck_assert_mem_eq(keys, p->keys, p->layer->keys_len); /* as the relay has them */
    } else {
        ck_assert_ptr_null(terms.layer);
        ck_assert_mem_eq(keys, none, sizeof keys);
    }
    return err;
}

START_TEST(test_ntor_v3_extension_list_decides)
{
    static const struct {
        const char *SM;
        size_t len;
        err_t want;
    } rows[] = {
        {"\0", 1, OK},
        {"\1\7\3abc", 6, OK},                 /* unknown: ignored */
        {"\1\2\1\37", 4, ERR_CIRC_HANDSHAKE}, /* congestion control unasked */
        {"", 0, ERR_CIRC_HANDSHAKE},          /* no list at all */
        {"\0\0", 2, ERR_CIRC_HANDSHAKE},      /* trailing byte */
        {"\1\7\4abc", 6, ERR_CIRC_HANDSHAKE}, /* cut off */
        {"\2\7\1a\7\1b", 7, OK},              /* twice: the second is ignored as well */
    };
    struct env *env = test_env(5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct v3_pair p;
        v3_setup(env, &p, rows[i].SM, rows[i].len);
        ck_err(v3_finish(&p), rows[i].want);
    }
    test_env_free(env);
}
END_TEST

/* What may be answered to a request for congestion control, where the consensus says 31. */
START_TEST(test_ntor_v3_congestion_control_as_it_is_granted)
{
    static const struct {
        const char *SM;
        size_t len;
        unsigned granted;
        err_t want;
    } rows[] = {
        {"\0", 1, 0, OK}, /* refused: fixed windows */
        {"\1\2\1\37", 4, 31, OK},
        {"\1\2\1\36", 4, 30, OK},
        {"\1\2\1\40", 4, 32, OK},
        {"\2\2\1\37\7\0", 6, 31, OK}, /* and an unknown one */
        /* prop. 332: "ignore any occurrences [...] after the first" */
        {"\2\2\1\37\2\1\1", 7, 31, OK},
        {"\2\2\1\37\2\1\40", 7, 31, OK},
        {"\2\2\1\1\2\1\37", 7, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\1\35", 4, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\1\41", 4, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\1\0", 4, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\1\377", 4, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\0", 3, 0, ERR_CIRC_HANDSHAKE},
        {"\1\2\2\0\37", 5, 0, ERR_CIRC_HANDSHAKE},
    };
    struct env *env = test_env(15);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct v3_pair p;
        v3_setup_asking(env, &p, (struct hop_ask){.cc = true}, rows[i].SM, rows[i].len);
        p.granted = rows[i].granted;
        ck_err(v3_finish(&p), rows[i].want);
    }
    test_env_free(env);
}
END_TEST

/* CGO is not answered, but goes with congestion control alone. */
START_TEST(test_ntor_v3_cgo_with_congestion_control_only)
{
    const struct hop_ask both = {.cc = true, .cgo = true}, cgo_alone = {.cgo = true};
    struct env *env = test_env(16);
    struct v3_pair p;
    uint8_t skin[512];
    uint16_t htype;
    v3_setup_asking(env, &p, both, "\1\2\1\37", 4);
    p.granted = 31;
    ck_ok(v3_finish(&p));
    v3_setup_asking(env, &p, both, "\0", 1);
    ck_err(v3_finish(&p), ERR_CIRC_HANDSHAKE);
    v3_setup_asking(env, &p, both, "\1\3\2\2\6", 5);
    ck_err(v3_finish(&p), ERR_CIRC_HANDSHAKE);
    p.target.ask = cgo_alone;
    struct wr w = wr_over(skin, sizeof skin);
    ck_err(circ_handshake_begin(&p.h, env, &p.target, &w, &htype), ERR_ARG);
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_v3_every_changed_or_missing_byte_is_refused)
{
    struct env *env = test_env(6);
    struct v3_pair p;
    v3_setup(env, &p, "\0", 1);
    struct circ_handshake fresh = p.h;
    for (size_t i = 0; i < p.reply_len; i++) {
        p.h = fresh;
        p.reply[i] ^= 0x40;
        ck_err(v3_finish(&p), ERR_CIRC_HANDSHAKE);
        p.reply[i] ^= 0x40;
    }
    for (size_t len = p.reply_len; len > 0; len--) {
        p.h = fresh;
        p.reply_len = len - 1;
        ck_err(v3_finish(&p), ERR_CIRC_HANDSHAKE);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_ntor_v3_forged_skins_and_other_verification_are_refused_by_the_relay)
{
    struct env *env = test_env(7);
    struct v3_pair p;
    struct ntor_v3_server server;
    uint8_t msg[512];
    v3_setup(env, &p, "\0", 1);
    for (size_t i = 0; i < p.skin_len; i++) {
        struct wr w = wr_over(msg, sizeof msg);
        p.skin[i] ^= 1;
        ck_err(ntor_v3_server_read(&p.target.ed, &p.b, &p.target.ntor_key,
                                   NTOR_V3_CIRC_VERIFICATION, p.skin, p.skin_len, &server, &w),
               ERR_CIRC_HANDSHAKE);
        p.skin[i] ^= 1;
    }
    for (size_t len = 0; len < p.skin_len; len++) {
        struct wr w = wr_over(msg, sizeof msg);
        ck_err(ntor_v3_server_read(&p.target.ed, &p.b, &p.target.ntor_key,
                                   NTOR_V3_CIRC_VERIFICATION, p.skin, len, &server, &w),
               ERR_CIRC_HANDSHAKE);
    }
    struct wr w = wr_over(msg, sizeof msg);
    ck_err(ntor_v3_server_read(&p.target.ed, &p.b, &p.target.ntor_key, TEXT_LIT("circuit extenD"),
                               p.skin, p.skin_len, &server, &w),
           ERR_CIRC_HANDSHAKE);
    test_env_free(env);
}
END_TEST

/* What it takes at most, one byte more, and nothing at all. */
START_TEST(test_ntor_v3_limits)
{
    enum { MOST = NTOR_V3_MSG_MAX, KEYS = 512 };
    static const char VER[65];
    static const uint8_t msg[MOST + 1] = "first";
    uint8_t skin[NTOR_V3_SKIN_OVERHEAD + MOST + 1], reply[NTOR_V3_REPLY_OVERHEAD + MOST + 1];
    uint8_t got[MOST + 1], keys[KEYS + 1], ours[KEYS + 1];
    const struct text ver = {VER, 64}, longer = {VER, 65};
    const struct ed_id id = {{7}};
    struct env *env = test_env(9);
    struct x25519_secret b;
    struct x25519_pub B;
    struct ntor_v3_client st;
    struct ntor_v3_server server;
    x25519_keypair(env, &b, &B);
    struct wr w = wr_over(skin, sizeof skin);
    ck_err(ntor_v3_client_begin(env, &id, &B, ver, msg, MOST + 1, &st, &w), ERR_ARG);
    ck_err(ntor_v3_client_begin(env, &id, &B, longer, msg, MOST, &st, &w), ERR_ARG);
    for (size_t len = 0; len <= MOST; len += MOST) {
        w = wr_over(skin, sizeof skin);
        ck_ok(ntor_v3_client_begin(env, &id, &B, ver, msg, len, &st, &w));
        ck_assert_uint_eq(w.len, NTOR_V3_SKIN_OVERHEAD + len);
        struct wr in = wr_over(got, sizeof got);
        ck_ok(ntor_v3_server_read(&id, &b, &B, ver, skin, w.len, &server, &in));
        ck_assert_uint_eq(in.len, len);
        ck_assert_int_eq(memcmp(got, msg, len), 0);
        w = wr_over(reply, sizeof reply);
        ck_ok(ntor_v3_server_reply(env, &server, ver, msg, len, &w, keys, KEYS));
        ck_assert_uint_eq(w.len, NTOR_V3_REPLY_OVERHEAD + len);
        in = wr_over(got, sizeof got);
        ck_ok(ntor_v3_client_finish(&st, ver, reply, w.len, &in, ours, KEYS));
        ck_assert_uint_eq(in.len, len);
        ck_assert_int_eq(memcmp(got, msg, len), 0);
        ck_assert_mem_eq(ours, keys, KEYS);
    }
    struct wr in = wr_over(got, sizeof got);
    ck_err(ntor_v3_client_finish(&st, ver, reply, w.len, &in, ours, KEYS + 1), ERR_ARG);
    ck_err(ntor_v3_client_finish(&st, ver, reply, sizeof reply, &in, ours, KEYS),
           ERR_CIRC_HANDSHAKE);
    ck_err(ntor_v3_server_read(&id, &b, &B, ver, skin, sizeof skin, &server, &in),
           ERR_CIRC_HANDSHAKE);
    ck_err(ntor_v3_server_reply(env, &server, ver, msg, MOST + 1, &w, keys, KEYS), ERR_ARG);
    test_env_free(env);
}
END_TEST

START_TEST(test_handshake_gives_as_much_key_as_there_is)
{
    struct env *env = test_env(10);
    struct ntor_pair p;
    struct fast_client st;
    uint8_t skin[20], reply[40], keys[257], ours[257];
    fast_client_begin(env, &st, skin);
    ck_ok(fast_server_reply(env, skin, reply, keys, 128));
    ck_ok(fast_client_finish(&st, reply, ours, 128));
    ck_assert_mem_eq(ours, keys, 128);
    ck_err(fast_server_reply(env, skin, reply, keys, 129), ERR_ARG);
    ck_err(fast_client_finish(&st, reply, ours, 129), ERR_ARG);
    ntor_setup(env, &p);
    ck_ok(ntor_server_reply(env, &p.id, &p.b, &p.B, p.skin, p.reply, keys, 256));
    ck_ok(ntor_client_finish(&p.st, p.reply, ours, 256));
    ck_assert_mem_eq(ours, keys, 256);
    ck_err(ntor_client_finish(&p.st, p.reply, ours, 257), ERR_ARG);
    test_env_free(env);
}
END_TEST

START_TEST(test_handshake_takes_only_its_own_length)
{
    struct env *env = test_env(8);
    struct circ_hop_target target = {.has_ed = false, .ntor_v3 = true};
    struct x25519_secret b;
    uint8_t skin[512], reply[512] = {0};
    uint16_t htype;
    x25519_keypair(env, &b, &target.ntor_key);
    for (size_t len = 0; len < 100; len++) {
        struct circ_handshake h;
        struct hop_terms terms;
        uint8_t keys[LAYER_KEYS_MAX];
        struct wr w = wr_over(skin, sizeof skin);
        ck_ok(circ_handshake_begin(&h, env, &target, &w, &htype));
        ck_assert_uint_eq(htype, 2); /* no Ed25519 identity: plain ntor */
        ck_err(circ_handshake_finish(&h, rd_over(reply, len), 31, &terms, keys),
               ERR_CIRC_HANDSHAKE);
        w = wr_over(skin, sizeof skin);
        ck_ok(circ_handshake_begin_fast(&h, env, &w));
        ck_err(circ_handshake_finish(&h, rd_over(reply, len), 31, &terms, keys),
               ERR_CIRC_HANDSHAKE);
        ck_err(circ_handshake_finish(&h, rd_over(reply, len), 31, &terms, keys),
               ERR_STATE); /* it is over */
    }
    test_env_free(env);
}
END_TEST

TESTS("circuit/handshake", test_fast_vectors, test_fast_wrong_kh_is_refused_and_gives_no_keys,
      test_ntor_vector, test_ntor_every_changed_byte_of_the_reply_is_refused,
      test_ntor_wrong_identity_or_key_is_refused_by_the_relay,
      test_ntor_point_of_small_order_is_refused, test_ntor_v3_vector,
      test_ntor_v3_extension_list_decides, test_ntor_v3_congestion_control_as_it_is_granted,
      test_ntor_v3_cgo_with_congestion_control_only,
      test_ntor_v3_every_changed_or_missing_byte_is_refused,
      test_ntor_v3_forged_skins_and_other_verification_are_refused_by_the_relay,
      test_ntor_v3_limits, test_handshake_gives_as_much_key_as_there_is,
      test_handshake_takes_only_its_own_length)
