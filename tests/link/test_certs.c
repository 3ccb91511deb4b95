#include "link/certs.h"

#include <string.h>

#include "link/responder.h"
#include "support/vec.h"

/* The published transcript, which a test may damage. */
struct transcript {
    uint8_t body[8][1024];
    struct chan_certs list;
    struct sha256 tls;
    struct link_target target;
    int64_t now_s;
    struct certs_proved out;
    char text[200];
};

static void add(struct transcript *t, struct vec *v, const char *key, uint8_t type)
{
    size_t i = t->list.n++;
    t->list.c[i].type = type;
    t->list.c[i].len = (uint16_t)vec_hex(v, key, t->body[i], sizeof t->body[i]);
    t->list.c[i].body = t->body[i];
}

static void load(struct transcript *t)
{
    struct vec *v = vec_open("vectors/link/certs.txt");
    *t = (struct transcript){.target = {.has_rsa = true, .has_ed = true}};
    ck_assert(vec_next(v));
    add(t, v, "t2", CHAN_CERT_RSA_ID);
    add(t, v, "t4", CHAN_CERT_ED_ID_SIGNING);
    add(t, v, "t5", CHAN_CERT_ED_SIGNING_LINK);
    add(t, v, "t7", CHAN_CERT_RSA_ED_CROSS);
    t->now_s = vec_int(v, "valid_at");
    ck_assert_uint_eq(vec_hex(v, "tls_sha256", t->tls.b, 32), 32);
    ck_assert_uint_eq(vec_hex(v, "ed_id", t->target.ed.b, 32), 32);
    ck_assert_uint_eq(vec_hex(v, "rsa_id", t->target.rsa.b, 20), 20);
    vec_close(v);
}

static err_t verify(struct transcript *t)
{
    return certs_verify(&t->list, &t->tls, &t->target, t->now_s, &t->out, t->text, sizeof t->text);
}

static void expect(struct transcript *t, err_t want, const char *text)
{
    ck_err(verify(t), want);
    ck_assert_msg(strstr(t->text, text) != NULL, "\"%s\" says nothing of \"%s\"", t->text, text);
    ck_assert(ed_id_is_zero(&t->out.ed));
}

START_TEST(test_certs_of_a_real_relay_verify)
{
    struct transcript t;
    load(&t);
    ck_ok(verify(&t));
    ck_assert(rsa_id_equal(&t.out.rsa, &t.target.rsa));
    ck_assert(ed_id_equal(&t.out.ed, &t.target.ed));
}
END_TEST

START_TEST(test_certs_identity_is_reported_where_none_was_asked_for)
{
    struct transcript t;
    load(&t);
    struct link_target nobody = {0}, real = t.target;
    t.target = nobody;
    ck_ok(verify(&t));
    ck_assert(rsa_id_equal(&t.out.rsa, &real.rsa));
    ck_assert(ed_id_equal(&t.out.ed, &real.ed));
}
END_TEST

START_TEST(test_certs_each_missing_one_is_named)
{
    static const char *const names[] = {"(type 2)", "(type 4)", "(type 5)", "(type 7)"};
    for (size_t i = 0; i < 4; i++) {
        struct transcript t;
        load(&t);
        t.list.c[i] = t.list.c[--t.list.n];
        expect(&t, ERR_LINK_CERTS, names[i]);
    }
}
END_TEST

START_TEST(test_certs_empty_cell)
{
    struct transcript t;
    load(&t);
    t.list.n = 0;
    expect(&t, ERR_LINK_CERTS, "type 2");
}
END_TEST

START_TEST(test_certs_duplicate_of_any_known_type)
{
    for (uint8_t type = 1; type <= 7; type++) {
        struct transcript t;
        load(&t);
        for (int twice = 0; twice < 2; twice++)
            t.list.c[t.list.n++] = (struct chan_cert){.type = type, .len = 1, .body = t.body[0]};
        expect(&t, ERR_LINK_CERTS, "two certificates of one type");
    }
}
END_TEST

START_TEST(test_certs_unknown_types_and_unused_ones_do_not_matter)
{
    struct transcript t;
    load(&t);
    for (int twice = 0; twice < 2; twice++) {
        t.list.c[t.list.n++] = (struct chan_cert){.type = 8, .len = 3, .body = t.body[0]};
        t.list.c[t.list.n++] = (struct chan_cert){.type = 0, .len = 0, .body = t.body[0]};
        t.list.c[t.list.n++] = (struct chan_cert){.type = 255, .len = 9, .body = t.body[1]};
    }
    t.list.c[t.list.n++] = (struct chan_cert){.type = 1, .len = 5, .body = t.body[0]};
    t.list.c[t.list.n++] = (struct chan_cert){.type = 3, .len = 5, .body = t.body[0]};
    t.list.c[t.list.n++] = (struct chan_cert){.type = 6, .len = 5, .body = t.body[0]};
    ck_ok(verify(&t));
}
END_TEST

START_TEST(test_certs_other_rsa_identity)
{
    struct transcript t;
    load(&t);
    t.target.rsa.b[0] ^= 0xff;
    expect(&t, ERR_LINK_IDENTITY,
           "RSA expected D01FB49BB332A9EEC617E41E911C33FB3890AEF3, found "
           "2F1FB49BB332A9EEC617E41E911C33FB3890AEF3");
}
END_TEST

START_TEST(test_certs_other_ed25519_identity)
{
    struct transcript t;
    load(&t);
    t.target.ed.b[31] ^= 1;
    expect(&t, ERR_LINK_IDENTITY,
           "Ed25519 expected "
           "DCB604DB2034B00FD16986D4ADB9D16B21CB4E4457A33DEC0F538903683E96E8, found "
           "DCB604DB2034B00FD16986D4ADB9D16B21CB4E4457A33DEC0F538903683E96E9");
}
END_TEST

START_TEST(test_certs_tls_certificate_is_another)
{
    struct transcript t;
    load(&t);
    t.tls.b[5] ^= 4;
    expect(&t, ERR_LINK_CERTS, "another TLS certificate");
}
END_TEST

START_TEST(test_certs_no_bit_of_a_signature_may_change)
{
    for (size_t i = 0; i < 4; i++) {
        struct transcript t;
        load(&t);
        t.body[i][t.list.c[i].len - 1] ^= 1; /* the signature comes last in all four */
        expect(&t, ERR_LINK_CERTS, "does not verify");
    }
}
END_TEST

START_TEST(test_certs_damaged_anywhere)
{
    for (size_t i = 0; i < 4; i++) {
        struct transcript whole;
        load(&whole);
        for (size_t at = 0; at < whole.list.c[i].len; at += 7) {
            struct transcript t;
            load(&t);
            t.body[i][at] ^= 0x40;
            ck_err(verify(&t), ERR_LINK_CERTS);
        }
    }
}
END_TEST

START_TEST(test_certs_cut_short_anywhere)
{
    for (size_t i = 0; i < 4; i++) {
        struct transcript t;
        load(&t);
        for (uint16_t len = t.list.c[i].len; len-- > 0;) {
            t.list.c[i].len = len;
            ck_err(verify(&t), ERR_LINK_CERTS);
        }
    }
}
END_TEST

START_TEST(test_certs_expired_says_that_the_clock_may_be_wrong)
{
    struct transcript t;
    load(&t);
    t.now_s += 86400 * 3650;
    expect(&t, ERR_LINK_DATES, "or our clock is wrong");
}
END_TEST

START_TEST(test_certs_of_another_relay_do_not_mix)
{
    struct env *env = test_env(3);
    struct relay_keys a, b;
    struct relay_certs ca, cb;
    struct sha256 tls = {{1, 2, 3}};
    relay_keys_make(env, &a);
    relay_keys_make(env, &b);
    relay_certs_make(&ca, &a, &tls, env_wall_s(env), 86400);
    relay_certs_make(&cb, &b, &tls, env_wall_s(env), 86400);
    for (size_t i = 0; i < 4; i++) {
        struct transcript t = {.list = ca.list, .tls = tls, .now_s = env_wall_s(env)};
        ck_ok(verify(&t));
        t.list.c[i] = cb.list.c[i];
        ck_err(verify(&t), ERR_LINK_CERTS);
    }
    relay_keys_free(&a);
    relay_keys_free(&b);
    test_env_free(env);
}
END_TEST

START_TEST(test_certs_in_place_of_one_another)
{
    struct transcript t;
    load(&t);
    struct chan_cert four = t.list.c[1];
    t.list.c[1].body = t.list.c[2].body; /* type 5 as type 4 */
    t.list.c[1].len = t.list.c[2].len;
    expect(&t, ERR_LINK_CERTS, "(type 4)");
    load(&t);
    t.list.c[2].body = t.list.c[1].body;
    t.list.c[2].len = four.len;
    expect(&t, ERR_LINK_CERTS, "(type 5)");
}
END_TEST

/* tor-spec 4.2: each certificate's own type and its key's type are checked; signed as they are. */
START_TEST(test_certs_of_another_type_inside_are_refused)
{
    static const struct {
        size_t at; /* in the list */
        uint8_t type, key_type;
        bool has_signer;
        const char *text; /* NULL: it is right */
    } rows[] = {
        {1, CERT_IDENTITY_V_SIGNING, CERT_KEY_ED25519, true, NULL},
        {1, CERT_SIGNING_V_TLS_CERT, CERT_KEY_ED25519, true, "(type 4)"},
        {1, CERT_IDENTITY_V_SIGNING, CERT_KEY_X509_SHA256, true, "(type 4)"},
        {1, CERT_IDENTITY_V_SIGNING, CERT_KEY_ED25519, false, "(type 4)"},
        {2, CERT_SIGNING_V_TLS_CERT, CERT_KEY_X509_SHA256, false, NULL},
        {2, CERT_IDENTITY_V_SIGNING, CERT_KEY_X509_SHA256, false, "(type 5)"},
        {2, CERT_SIGNING_V_TLS_CERT, CERT_KEY_ED25519, false, "(type 5)"},
    };
    struct relay_keys keys = relay_keys_shared();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct transcript t;
        struct relay_certs certs;
        uint8_t body[256];
        struct wr w = wr_over(body, sizeof body);
        load(&t);
        relay_certs_make(&certs, &keys, &t.tls, t.now_s, 86400);
        struct ed_cert cert = {.type = rows[i].type,
                               .key_type = rows[i].key_type,
                               .expires_h = (uint32_t)(t.now_s / 3600 + 24),
                               .has_signer = rows[i].has_signer};
        memcpy(cert.key, rows[i].at == 1 ? keys.signing.pub.b : t.tls.b, sizeof cert.key);
        ck_ok(ed_cert_make(&cert, rows[i].at == 1 ? &keys.id : &keys.signing, &w));
        t.list = certs.list;
        t.list.c[rows[i].at].body = body;
        t.list.c[rows[i].at].len = (uint16_t)w.len;
        t.target.rsa = keys.rsa_id;
        t.target.ed = keys.id.pub;
        if (rows[i].text)
            expect(&t, ERR_LINK_CERTS, rows[i].text);
        else
            ck_ok(verify(&t));
    }
}
END_TEST

TESTS("link/certs", test_certs_of_another_type_inside_are_refused,
      test_certs_of_a_real_relay_verify, test_certs_identity_is_reported_where_none_was_asked_for,
      test_certs_each_missing_one_is_named, test_certs_empty_cell,
      test_certs_duplicate_of_any_known_type,
      test_certs_unknown_types_and_unused_ones_do_not_matter, test_certs_other_rsa_identity,
      test_certs_other_ed25519_identity, test_certs_tls_certificate_is_another,
      test_certs_no_bit_of_a_signature_may_change, test_certs_damaged_anywhere,
      test_certs_cut_short_anywhere, test_certs_expired_says_that_the_clock_may_be_wrong,
      test_certs_of_another_relay_do_not_mix, test_certs_in_place_of_one_another)
