#include "support/test.h"

#include <string.h>

#include "crypto/ed25519.h"
#include "support/vec.h"

START_TEST(test_ed25519_published_vectors)
{
    struct vec *v = vec_open("vectors/crypto/ed25519.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        struct ed_secret secret;
        uint8_t seed[32], want[64], message[64], sig[ED25519_SIG_LEN];
        vec_hex(v, "seed", seed, sizeof seed);
        ed25519_from_seed(seed, &secret);
        vec_hex(v, "public", want, sizeof want);
        ck_assert_mem_eq(secret.pub.b, want, 32);
        if (vec_has(v, "expanded")) {
            vec_hex(v, "expanded", want, sizeof want);
            ck_assert_mem_eq(secret.scalar, want, 32);
            ck_assert_mem_eq(secret.prefix, want + 32, 32);
        }
        size_t len = vec_hex(v, "message", message, sizeof message);
        ed25519_sign(&secret, message, len, sig);
        vec_hex(v, "sig", want, sizeof want);
        ck_assert_mem_eq(sig, want, sizeof sig);
        ck_ok(ed25519_verify(&secret.pub, message, len, sig));
    }
    ck_assert_int_eq(n, 10);
    vec_close(v);
}
END_TEST

START_TEST(test_ed25519_any_flipped_bit_breaks_the_signature)
{
    struct env *env = test_env(5);
    struct ed_secret secret;
    uint8_t message[20] = "twenty bytes of text", sig[ED25519_SIG_LEN];
    ed25519_keypair(env, &secret);
    ed25519_sign(&secret, message, sizeof message, sig);
    for (size_t bit = 0; bit < sizeof sig * 8; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_err(ed25519_verify(&secret.pub, message, sizeof message, sig), ERR_BAD_SIGNATURE);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < sizeof message * 8; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_err(ed25519_verify(&secret.pub, message, sizeof message, sig), ERR_BAD_SIGNATURE);
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_err(ed25519_verify(&secret.pub, message, sizeof message - 1, sig), ERR_BAD_SIGNATURE);
    ck_ok(ed25519_verify(&secret.pub, message, sizeof message, sig));
    test_env_free(env);
}
END_TEST

START_TEST(test_ed25519_degenerate_keys_verify_nothing)
{
    /* Under a key of small order, this signature would fit many messages. */
    uint8_t sig[ED25519_SIG_LEN] = {1};
    struct ed_id zero = {{0}}, one = {{1}}, no_point;
    memset(no_point.b, 0xff, sizeof no_point.b);
    ck_err(ed25519_verify(&zero, "m", 1, sig), ERR_BAD_SIGNATURE);
    ck_err(ed25519_verify(&one, "m", 1, sig), ERR_BAD_SIGNATURE);
    ck_err(ed25519_verify(&no_point, "m", 1, sig), ERR_BAD_SIGNATURE);
}
END_TEST

START_TEST(test_ed25519_public_keys_convert_both_ways)
{
    struct vec *v = vec_open("vectors/crypto/ed25519.txt");
    int n = 0;
    while (vec_next(v)) {
        struct ed_id ed, back;
        struct x25519_pub x, want;
        if (!vec_has(v, "x25519"))
            continue;
        n++;
        vec_hex(v, "public", ed.b, sizeof ed.b);
        vec_hex(v, "x25519", want.b, sizeof want.b);
        ck_ok(x25519_from_ed25519(&ed, &x));
        ck_assert_mem_eq(x.b, want.b, sizeof x.b);
        ck_ok(ed25519_from_x25519(&want, ed.b[31] >> 7, &back));
        ck_assert(ed_id_equal(&ed, &back));
        want.b[31] |= 0x80; /* which X25519 ignores */
        ck_ok(ed25519_from_x25519(&want, ed.b[31] >> 7, &back));
        ck_assert(ed_id_equal(&ed, &back));
        ck_ok(ed25519_from_x25519(&want, !(ed.b[31] >> 7), &back));
        ck_assert(!ed_id_equal(&ed, &back));
    }
    ck_assert_int_eq(n, 8);
    vec_close(v);
}
END_TEST

START_TEST(test_ed25519_secret_keys_convert_and_sign)
{
    struct vec *v = vec_open("vectors/crypto/curve_convert.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        struct x25519_secret x;
        struct x25519_pub x_pub;
        struct ed_secret ed;
        struct ed_id pub;
        uint8_t want[64], sig[ED25519_SIG_LEN];
        unsigned sign_bit;
        vec_hex(v, "x25519_secret", x.b, sizeof x.b);
        ck_ok(ed25519_secret_from_x25519(&x, &ed, &sign_bit));
        ck_assert_int_eq((long)sign_bit, vec_int(v, "sign_bit"));
        vec_hex(v, "expanded", want, sizeof want);
        ck_assert_mem_eq(ed.scalar, want, 32);
        ck_assert_mem_eq(ed.prefix, want + 32, 32);
        vec_hex(v, "public", want, sizeof want);
        ck_assert_mem_eq(ed.pub.b, want, 32);
        x25519_public(&x, &x_pub);
        ck_ok(ed25519_from_x25519(&x_pub, sign_bit, &pub));
        ck_assert(ed_id_equal(&pub, &ed.pub));
        ed25519_sign(&ed, "hello", 5, sig);
        ck_ok(ed25519_verify(&pub, "hello", 5, sig));
    }
    ck_assert_int_eq(n, 4);
    vec_close(v);
}
END_TEST

START_TEST(test_ed25519_degenerate_keys_do_not_convert)
{
    struct x25519_pub x = {{0}};
    struct ed_id ed = {{0}};
    ck_err(ed25519_from_x25519(&x, 0, &ed), ERR_BAD_KEY); /* order 2 */
    memset(x.b, 0xff, sizeof x.b);
    x.b[0] = 0xec; /* u = -1: a division by zero */
    ck_err(ed25519_from_x25519(&x, 0, &ed), ERR_BAD_KEY);
    memset(x.b, 0, sizeof x.b);
    x.b[0] = 2; /* on the twist */
    ck_err(ed25519_from_x25519(&x, 0, &ed), ERR_BAD_KEY);
    ed = (struct ed_id){{1}}; /* the neutral element */
    ck_err(x25519_from_ed25519(&ed, &x), ERR_BAD_KEY);
    ed = (struct ed_id){{2}}; /* no point */
    ck_err(x25519_from_ed25519(&ed, &x), ERR_BAD_KEY);
}
END_TEST

START_TEST(test_ed25519_expanded_keys_are_the_same_key)
{
    static const uint8_t seed[ED25519_SEED_LEN] = {7};
    struct ed_secret secret, again;
    uint8_t expanded[ED25519_EXPANDED_LEN];
    ed25519_from_seed(seed, &secret);
    memcpy(expanded, secret.scalar, 32);
    memcpy(expanded + 32, secret.prefix, 32);
    ed25519_from_expanded(expanded, &again);
    ck_assert_mem_eq(&again, &secret, sizeof secret);
    expanded[0] |= 7; /* bits that clamping takes away */
    expanded[31] |= 0x80;
    ed25519_from_expanded(expanded, &again);
    ck_assert_mem_eq(&again, &secret, sizeof secret);
}
END_TEST

TESTS("crypto/ed25519", test_ed25519_published_vectors,
      test_ed25519_any_flipped_bit_breaks_the_signature,
      test_ed25519_degenerate_keys_verify_nothing, test_ed25519_public_keys_convert_both_ways,
      test_ed25519_secret_keys_convert_and_sign, test_ed25519_degenerate_keys_do_not_convert,
      test_ed25519_expanded_keys_are_the_same_key)
