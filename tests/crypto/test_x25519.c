#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "crypto/x25519.h"
#include "support/vec.h"

START_TEST(test_x25519_published_vectors)
{
    struct vec *v = vec_open("vectors/crypto/x25519.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        struct x25519_secret secret;
        struct x25519_pub pub, own;
        uint8_t want[X25519_LEN], got[X25519_LEN];
        vec_hex(v, "secret", secret.b, sizeof secret.b);
        vec_hex(v, "public", pub.b, sizeof pub.b);
        vec_hex(v, "output", want, sizeof want);
        ck_ok(x25519_dh(&secret, &pub, got));
        ck_assert_mem_eq(got, want, sizeof got);
        if (!vec_has(v, "own"))
            continue;
        x25519_public(&secret, &own);
        vec_hex(v, "own", want, sizeof want);
        ck_assert_mem_eq(own.b, want, sizeof want);
    }
    ck_assert_int_eq(n, 4);
    vec_close(v);
}
END_TEST

START_TEST(test_x25519_both_sides_agree)
{
    struct env *env = test_env(3);
    for (int i = 0; i < 20; i++) {
        struct x25519_secret a, b;
        struct x25519_pub pa, pb;
        uint8_t ka[X25519_LEN], kb[X25519_LEN];
        x25519_keypair(env, &a, &pa);
        x25519_keypair(env, &b, &pb);
        ck_assert_mem_ne(pa.b, pb.b, sizeof pa.b);
        ck_ok(x25519_dh(&a, &pb, ka));
        ck_ok(x25519_dh(&b, &pa, kb));
        ck_assert_mem_eq(ka, kb, sizeof ka);
    }
    test_env_free(env);
}
END_TEST

/* All points whose order divides 8, in every form that 32 bytes can give them. */
static const char *const low_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

START_TEST(test_x25519_points_of_small_order_are_refused)
{
    struct env *env = test_env(4);
    struct x25519_secret secret;
    struct x25519_pub pub;
    x25519_keypair(env, &secret, &pub);
    for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++)
        for (unsigned high = 0; high < 2; high++) {
            static const uint8_t zero[X25519_LEN];
            uint8_t out[X25519_LEN];
            for (size_t j = 0; j < sizeof pub.b; j++) {
                unsigned byte;
                ck_assert_int_eq(sscanf(low_order[i] + 2 * j, "%2x", &byte), 1);
                pub.b[j] = (uint8_t)byte;
            }
            pub.b[31] |= (uint8_t)(high << 7);
            memset(out, 7, sizeof out);
            ck_err(x25519_dh(&secret, &pub, out), ERR_BAD_KEY);
            ck_assert_mem_eq(out, zero, sizeof out);
        }
    test_env_free(env);
}
END_TEST

TESTS("crypto/x25519", test_x25519_published_vectors, test_x25519_both_sides_agree,
      test_x25519_points_of_small_order_are_refused)
