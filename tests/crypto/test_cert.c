#include "support/test.h"

#include <string.h>

#include "crypto/cert.h"
#include "crypto/rsa_key.h"
#include "support/vec.h"

enum { HOUR = 3600, EXPIRES_H = 500000, VALID_S = 499999 * HOUR };

/* One record of vectors/crypto/cert.txt of the wanted kind after another. */
static bool next_of_kind(struct vec *v, const char *kind)
{
    while (vec_next(v))
        if (strcmp(vec_text(v, "kind"), kind) == 0)
            return true;
    return false;
}

START_TEST(test_cert_published_ed_certs)
{
    struct vec *v = vec_open("vectors/crypto/cert.txt");
    int n = 0;
    for (; next_of_kind(v, "ed"); n++) {
        uint8_t bytes[256], key[32];
        struct ed_cert cert;
        struct ed_id signer;
        long now = vec_int(v, "valid_at");
        size_t len = vec_hex(v, "cert", bytes, sizeof bytes);
        ck_ok(ed_cert_parse(bytes, len, &cert));
        ck_assert_int_eq(cert.type, vec_int(v, "type"));
        ck_assert_int_eq(cert.key_type, vec_int(v, "key_type"));
        ck_assert_int_eq(cert.expires_h, vec_int(v, "expires_h"));
        vec_hex(v, "key", key, sizeof key);
        ck_assert_mem_eq(cert.key, key, sizeof key);
        vec_hex(v, "signer", signer.b, sizeof signer.b);
        ck_assert_int_eq(cert.has_signer, vec_has(v, "embedded"));
        ck_ok(ed_cert_verify(&cert, &signer, now));
        ck_err(ed_cert_verify(&cert, NULL, now), cert.has_signer ? OK : ERR_MALFORMED);
    }
    ck_assert_int_eq(n, 3);
    vec_close(v);
}
END_TEST

START_TEST(test_cert_published_bad_ed_certs)
{
    struct vec *v = vec_open("vectors/crypto/cert_bad.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint8_t bytes[256];
        struct ed_cert cert;
        size_t len = vec_hex(v, "cert", bytes, sizeof bytes);
        ck_assert_str_eq(err_name(ed_cert_parse(bytes, len, &cert)), vec_text(v, "err"));
    }
    ck_assert_int_eq(n, 3);
    vec_close(v);
}
END_TEST

START_TEST(test_cert_ntor_crosscert_of_a_real_relay)
{
    struct vec *v = vec_open("vectors/crypto/ntor_crosscert.txt");
    struct x25519_pub ntor;
    struct ed_id ed, identity;
    struct ed_cert cert;
    uint8_t bytes[256];
    ck_assert(vec_next(v));
    size_t len = vec_hex(v, "cert", bytes, sizeof bytes);
    vec_hex(v, "ntor_key", ntor.b, sizeof ntor.b);
    vec_hex(v, "identity", identity.b, sizeof identity.b);
    unsigned sign_bit = (unsigned)vec_int(v, "sign_bit");
    ck_ok(ed_cert_parse(bytes, len, &cert));
    ck_assert_int_eq(cert.type, CERT_NTOR_CC_IDENTITY);
    ck_assert_mem_eq(cert.key, identity.b, sizeof identity.b);
    ck_ok(ed25519_from_x25519(&ntor, sign_bit, &ed));
    ck_ok(ed_cert_check_signature(&cert, &ed));
    ck_ok(ed25519_from_x25519(&ntor, !sign_bit, &ed));
    ck_err(ed_cert_check_signature(&cert, &ed), ERR_BAD_SIGNATURE);
    vec_close(v);
}
END_TEST

struct made {
    struct ed_secret signer;
    uint8_t bytes[256];
    size_t len;
};

static struct made make(struct env *env, bool embed)
{
    struct made m;
    struct ed_cert cert = {.type = CERT_IDENTITY_V_SIGNING,
                           .key_type = CERT_KEY_ED25519,
                           .expires_h = EXPIRES_H,
                           .has_signer = embed};
    memset(cert.key, 0x42, sizeof cert.key);
    ed25519_keypair(env, &m.signer);
    struct wr w = wr_over(m.bytes, sizeof m.bytes);
    ck_ok(ed_cert_make(&cert, &m.signer, &w));
    m.len = w.len;
    return m;
}

START_TEST(test_cert_made_cert_parses_and_verifies)
{
    struct env *env = test_env(1);
    for (int embed = 0; embed < 2; embed++) {
        struct made m = make(env, embed);
        struct ed_cert cert;
        ck_assert_uint_eq(m.len, embed ? 140 : 104);
        ck_ok(ed_cert_parse(m.bytes, m.len, &cert));
        ck_assert_int_eq(cert.type, CERT_IDENTITY_V_SIGNING);
        ck_assert_uint_eq(cert.expires_h, EXPIRES_H);
        ck_assert_int_eq(cert.key[31], 0x42);
        ck_assert_int_eq(cert.has_signer, embed);
        if (embed)
            ck_assert(ed_id_equal(&cert.signer, &m.signer.pub));
        ck_ok(ed_cert_verify(&cert, &m.signer.pub, VALID_S));
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cert_needs_room)
{
    struct env *env = test_env(1);
    struct made m = make(env, true);
    struct ed_cert cert;
    ck_ok(ed_cert_parse(m.bytes, m.len, &cert));
    for (size_t cap = 0; cap < m.len; cap++) {
        uint8_t out[256];
        struct wr w = wr_over(out, cap);
        ck_err(ed_cert_make(&cert, &m.signer, &w), ERR_FULL);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cert_truncated_or_longer_is_refused)
{
    struct env *env = test_env(1);
    for (int embed = 0; embed < 2; embed++) {
        struct made m = make(env, embed);
        struct ed_cert cert;
        for (size_t len = 0; len < m.len; len++)
            ck_err(ed_cert_parse(m.bytes, len, &cert), ERR_TRUNCATED);
        ck_err(ed_cert_parse(m.bytes, m.len + 1, &cert), ERR_TRAILING);
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cert_with_any_flipped_bit_is_refused)
{
    struct env *env = test_env(1);
    for (int embed = 0; embed < 2; embed++) {
        struct made m = make(env, embed);
        for (size_t bit = 0; bit < m.len * 8; bit++) {
            struct ed_cert cert;
            m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            err_t e = ed_cert_parse(m.bytes, m.len, &cert);
            if (e == OK)
                e = ed_cert_verify(&cert, &m.signer.pub, VALID_S);
            ck_assert_msg(e != OK, "bit %zu", bit);
            m.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_cert_of_another_signer_is_refused)
{
    struct env *env = test_env(1);
    for (int embed = 0; embed < 2; embed++) {
        struct made m = make(env, embed), other = make(env, embed);
        struct ed_cert cert;
        ck_ok(ed_cert_parse(m.bytes, m.len, &cert));
        ck_err(ed_cert_verify(&cert, &other.signer.pub, VALID_S), ERR_BAD_SIGNATURE);
    }
    test_env_free(env);
}
END_TEST

/* Where a key is embedded and another one is asked for, the signature by the one asked for does not
 * help. */
START_TEST(test_cert_embedding_another_key_is_refused)
{
    struct env *env = test_env(1);
    struct made m = make(env, true), other = make(env, true);
    struct ed_cert cert;
    memcpy(m.bytes + 44, other.signer.pub.b, 32);
    ed25519_sign(&m.signer, m.bytes, m.len - ED25519_SIG_LEN, m.bytes + m.len - ED25519_SIG_LEN);
    ck_ok(ed_cert_parse(m.bytes, m.len, &cert));
    ck_assert(ed_id_equal(&cert.signer, &other.signer.pub));
    ck_err(ed_cert_check_signature(&cert, &m.signer.pub), ERR_BAD_SIGNATURE);
    ck_err(ed_cert_check_signature(&cert, NULL), ERR_BAD_SIGNATURE);
    test_env_free(env);
}
END_TEST

START_TEST(test_cert_expires_with_its_hour)
{
    struct env *env = test_env(1);
    struct made m = make(env, true);
    struct ed_cert cert;
    ck_ok(ed_cert_parse(m.bytes, m.len, &cert));
    ck_ok(ed_cert_verify(&cert, NULL, (int64_t)EXPIRES_H * HOUR));
    ck_err(ed_cert_verify(&cert, NULL, (int64_t)EXPIRES_H * HOUR + 1), ERR_EXPIRED);
    ck_ok(cert_check_expiry(UINT32_MAX, INT64_C(4294967295) * HOUR));
    ck_err(cert_check_expiry(0, 1), ERR_EXPIRED);
    test_env_free(env);
}
END_TEST

/* A certificate with the given extension bytes; the signature is not looked at by parsing. */
static err_t parse_with_extensions(unsigned count, const void *extensions, size_t len)
{
    uint8_t bytes[ED_CERT_MAX + 1] = {1, CERT_IDENTITY_V_SIGNING};
    struct ed_cert cert;
    bytes[39] = (uint8_t)count;
    if (len)
        memcpy(bytes + 40, extensions, len);
    return ed_cert_parse(bytes, 40 + len + ED25519_SIG_LEN, &cert);
}

START_TEST(test_cert_extensions)
{
    static const uint8_t unknown[] = {0, 2, 9, 0, 0xaa, 0xbb};
    static const uint8_t unknown_matters[] = {0, 2, 9, 1, 0xaa, 0xbb};
    static const uint8_t other_flags[] = {0, 0, 9, 0xfe};
    static const uint8_t two_keys[72] = {0, 32, 4, 0, [36] = 0, 32, 4, 0};
    static const uint8_t short_key[] = {0, 31, 4, 0, [34] = 0};
    ck_ok(parse_with_extensions(0, NULL, 0));
    ck_ok(parse_with_extensions(1, unknown, sizeof unknown));
    ck_ok(parse_with_extensions(1, other_flags, sizeof other_flags));
    ck_err(parse_with_extensions(1, unknown_matters, sizeof unknown_matters), ERR_UNSUPPORTED);
    ck_ok(parse_with_extensions(1, two_keys, 36));
    ck_err(parse_with_extensions(2, two_keys, 72), ERR_MALFORMED);
    ck_err(parse_with_extensions(1, short_key, sizeof short_key), ERR_MALFORMED);
    ck_err(parse_with_extensions(2, unknown, sizeof unknown), ERR_TRUNCATED);
    ck_err(parse_with_extensions(0, unknown, sizeof unknown), ERR_TRAILING);
}
END_TEST

START_TEST(test_cert_longest)
{
    static uint8_t extension[ED_CERT_MAX] = {0};
    size_t room = ED_CERT_MAX - 40 - ED25519_SIG_LEN;
    extension[0] = (uint8_t)((room - 4) >> 8);
    extension[1] = (uint8_t)(room - 4);
    extension[2] = 9;
    ck_ok(parse_with_extensions(1, extension, room));
    ck_err(parse_with_extensions(1, extension, room + 1), ERR_MALFORMED);
}
END_TEST

START_TEST(test_cert_published_crosscert)
{
    struct vec *v = vec_open("vectors/crypto/cert.txt");
    uint8_t bytes[256], der[256];
    struct rsa_crosscert cert;
    struct rsa_pub *rsa, *wrong;
    struct ed_id ed;
    ck_assert(next_of_kind(v, "rsa"));
    size_t len = vec_hex(v, "cert", bytes, sizeof bytes);
    ck_ok(rsa_pub_from_der(der, vec_hex(v, "rsa_der", der, sizeof der), &rsa));
    ck_ok(rsa_pub_from_der(der, vec_hex(v, "wrong_rsa_der", der, sizeof der), &wrong));
    vec_hex(v, "ed", ed.b, sizeof ed.b);
    ck_ok(rsa_crosscert_parse(bytes, len, &cert));
    ck_assert(ed_id_equal(&cert.ed, &ed));
    ck_assert_int_eq(cert.expires_h, vec_int(v, "expires_h"));
    ck_ok(rsa_crosscert_verify(&cert, rsa, vec_int(v, "valid_at")));
    ck_err(rsa_crosscert_verify(&cert, wrong, vec_int(v, "valid_at")), ERR_BAD_SIGNATURE);
    ck_err(rsa_crosscert_verify(&cert, rsa, (int64_t)cert.expires_h * HOUR + 1), ERR_EXPIRED);
    rsa_pub_free(rsa);
    rsa_pub_free(wrong);
    vec_close(v);
}
END_TEST

START_TEST(test_cert_crosscert_round_trip_and_damage)
{
    struct ed_id ed = {{1, 2, 3}};
    uint8_t bytes[256];
    struct rsa_key *key;
    struct rsa_crosscert cert;
    ck_ok(rsa_key_generate(1024, &key));
    struct wr w = wr_over(bytes, sizeof bytes);
    ck_ok(rsa_crosscert_make(&ed, EXPIRES_H, key, &w));
    ck_ok(rsa_crosscert_parse(bytes, w.len, &cert));
    ck_assert(ed_id_equal(&cert.ed, &ed));
    ck_assert_uint_eq(cert.expires_h, EXPIRES_H);
    ck_ok(rsa_crosscert_verify(&cert, rsa_key_public(key), VALID_S));
    for (size_t len = 0; len < w.len; len++)
        ck_err(rsa_crosscert_parse(bytes, len, &cert), ERR_TRUNCATED);
    ck_err(rsa_crosscert_parse(bytes, w.len + 1, &cert), ERR_TRAILING);
    for (size_t bit = 0; bit < w.len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        err_t e = rsa_crosscert_parse(bytes, w.len, &cert);
        if (e == OK)
            e = rsa_crosscert_verify(&cert, rsa_key_public(key), VALID_S);
        ck_assert_msg(e != OK, "bit %zu", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cap = 0; cap < w.len; cap++) {
        uint8_t out[256];
        struct wr small = wr_over(out, cap);
        ck_err(rsa_crosscert_make(&ed, EXPIRES_H, key, &small), ERR_FULL);
    }
    rsa_key_free(key);
}
END_TEST

START_TEST(test_cert_crosscert_wants_a_short_rsa_key)
{
    struct ed_id ed = {{0}};
    uint8_t bytes[1024];
    struct rsa_key *key;
    struct wr w = wr_over(bytes, sizeof bytes);
    ck_ok(rsa_key_generate(2048, &key)); /* a signature of 256 bytes: its length takes 8 bits */
    ck_err(rsa_crosscert_make(&ed, EXPIRES_H, key, &w), ERR_BAD_KEY);
    rsa_key_free(key);
}
END_TEST

TESTS("crypto/cert", test_cert_published_ed_certs, test_cert_published_bad_ed_certs,
      test_cert_ntor_crosscert_of_a_real_relay, test_cert_made_cert_parses_and_verifies,
      test_cert_needs_room, test_cert_truncated_or_longer_is_refused,
      test_cert_with_any_flipped_bit_is_refused, test_cert_of_another_signer_is_refused,
      test_cert_embedding_another_key_is_refused, test_cert_expires_with_its_hour,
      test_cert_extensions, test_cert_longest, test_cert_published_crosscert,
      test_cert_crosscert_round_trip_and_damage, test_cert_crosscert_wants_a_short_rsa_key)
