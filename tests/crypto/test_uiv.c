#include "crypto/uiv.h"

#include <string.h>

#include "crypto/uiv_int.h"
#include "support/test.h"
#include "support/vec.h"

typedef err_t init_fn(struct uiv *u, enum uiv_use use, const uint8_t keys[UIV_KEYS_LEN]);

static init_fn *const ways[] = {uiv_init, uiv_init_portable};

enum { WAYS = 2, TWEAK_LEN = UIV_TAG_LEN + 1 + UIV_LEN - UIV_TAG_LEN };

static void all_of(struct vec *v, const char *key, uint8_t *out, size_t len)
{
    ck_assert_uint_eq(vec_hex(v, key, out, len), len);
}

static enum uiv_use use_of(struct vec *v)
{
    return vec_int(v, "encrypt") ? UIV_ENCRYPT : UIV_DECRYPT;
}

START_TEST(test_uiv_et_vectors)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct vec *v = vec_open("vectors/crypto/uiv_et.txt");
        unsigned n = 0;
        for (; vec_next(v); n++) {
            uint8_t keys[UIV_KEYS_LEN] = {0}, tweak[TWEAK_LEN], body[UIV_LEN], want[UIV_TAG_LEN];
            struct uiv u;
            all_of(v, "keys", keys, 32);
            all_of(v, "tweak", tweak, sizeof tweak);
            all_of(v, "block", body, UIV_TAG_LEN);
            all_of(v, "result", want, sizeof want);
            memcpy(body + UIV_TAG_LEN, tweak + UIV_TAG_LEN + 1, sizeof body - UIV_TAG_LEN);
            ck_ok(ways[way](&u, use_of(v), keys));
            ck_ok(uiv_et(&u, tweak, tweak[UIV_TAG_LEN], body));
            ck_assert_mem_eq(body, want, sizeof want);
            ck_assert_mem_eq(body + UIV_TAG_LEN, tweak + UIV_TAG_LEN + 1,
                             sizeof body - UIV_TAG_LEN);
            uiv_free(&u);
        }
        ck_assert_uint_eq(n, 20);
        vec_close(v);
    }
}
END_TEST

START_TEST(test_uiv_prf_vectors)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct vec *v = vec_open("vectors/crypto/uiv_prf.txt");
        unsigned n = 0;
        for (; vec_next(v); n++) {
            uint8_t keys[UIV_KEYS_LEN] = {0}, input[UIV_TAG_LEN], got[UIV_LEN] = {0}, want[UIV_LEN];
            struct uiv u;
            all_of(v, "keys", keys + 32, 32);
            all_of(v, "input", input, sizeof input);
            size_t len = vec_hex(v, "result", want, sizeof want);
            ck_assert_uint_eq(len, vec_int(v, "t") ? UIV_NEXT_LEN : UIV_LEN - UIV_TAG_LEN);
            ck_ok(ways[way](&u, UIV_ENCRYPT, keys));
            ck_ok(uiv_prf(&u, input, (unsigned)vec_int(v, "t"), got, len));
            ck_assert_mem_eq(got, want, len);
            uiv_free(&u);
        }
        ck_assert_uint_eq(n, 20);
        vec_close(v);
    }
}
END_TEST

START_TEST(test_uiv_vectors)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct vec *v = vec_open("vectors/crypto/uiv.txt");
        unsigned n = 0;
        for (; vec_next(v); n++) {
            uint8_t keys[UIV_KEYS_LEN], tweak[UIV_TAG_LEN + 1], body[UIV_LEN], want[UIV_LEN];
            struct uiv u;
            all_of(v, "keys", keys, sizeof keys);
            all_of(v, "tweak", tweak, sizeof tweak);
            all_of(v, "X", body, sizeof body);
            all_of(v, "Y", want, sizeof want);
            ck_ok(ways[way](&u, use_of(v), keys));
            ck_ok(uiv_apply(&u, tweak, tweak[UIV_TAG_LEN], body));
            ck_assert_mem_eq(body, want, sizeof body);
            uiv_free(&u);
        }
        ck_assert_uint_eq(n, 12);
        vec_close(v);
    }
}
END_TEST

/* The nonce that follows is seen; the keys show in what is made with them. */
START_TEST(test_uiv_update_vectors)
{
    for (unsigned way = 0; way < WAYS; way++) {
        struct vec *v = vec_open("vectors/crypto/uiv_update.txt");
        unsigned n = 0;
        for (; vec_next(v); n++) {
            uint8_t keys[UIV_KEYS_LEN], nonce[UIV_TAG_LEN], new_nonce[UIV_TAG_LEN];
            uint8_t a[UIV_LEN], b[UIV_LEN];
            struct uiv u, want;
            all_of(v, "keys", keys, sizeof keys);
            all_of(v, "nonce", nonce, sizeof nonce);
            all_of(v, "new_nonce", new_nonce, sizeof new_nonce);
            ck_ok(ways[way](&u, n % 2 ? UIV_ENCRYPT : UIV_DECRYPT, keys));
            ck_ok(uiv_update(&u, nonce));
            ck_assert_mem_eq(nonce, new_nonce, sizeof nonce);
            all_of(v, "new_keys", keys, sizeof keys);
            ck_ok(ways[way](&want, n % 2 ? UIV_ENCRYPT : UIV_DECRYPT, keys));
            memset(a, 7, sizeof a);
            memset(b, 7, sizeof b);
            ck_ok(uiv_apply(&u, nonce, 3, a));
            ck_ok(uiv_apply(&want, nonce, 3, b));
            ck_assert_mem_eq(a, b, sizeof a);
            uiv_free(&u);
            uiv_free(&want);
        }
        ck_assert_uint_eq(n, 10);
        vec_close(v);
    }
}
END_TEST

START_TEST(test_uiv_ways_agree_and_undo_each_other)
{
    struct env *env = test_env(1);
    uint8_t keys[UIV_KEYS_LEN], H[UIV_TAG_LEN], N[WAYS][UIV_TAG_LEN];
    struct uiv there, back;
    env_random(env, keys, sizeof keys);
    memset(N, 5, sizeof N);
    ck_ok(uiv_init(&there, UIV_ENCRYPT, keys));
    ck_ok(uiv_init_portable(&back, UIV_DECRYPT, keys));
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t body[UIV_LEN], was[UIV_LEN];
        env_random(env, body, sizeof body);
        env_random(env, H, sizeof H);
        memcpy(was, body, sizeof was);
        ck_ok(uiv_apply(&there, H, (uint8_t)round, body));
        ck_assert_mem_ne(body, was, UIV_TAG_LEN);
        ck_ok(uiv_apply(&back, H, (uint8_t)round, body));
        ck_assert_mem_eq(body, was, sizeof body);
        if (round % 3 == 0) {
            ck_ok(uiv_update(&there, N[0]));
            ck_ok(uiv_update(&back, N[1]));
            ck_assert_mem_eq(N[0], N[1], UIV_TAG_LEN);
        }
    }
    uiv_free(&there);
    uiv_free(&back);
    test_env_free(env);
}
END_TEST

/* One bit of the text, or of the tweak, and each byte that comes out is another one by chance. */
START_TEST(test_uiv_one_bit_changes_all)
{
    struct env *env = test_env(2);
    uint8_t keys[UIV_KEYS_LEN], H[UIV_TAG_LEN] = {0}, body[UIV_LEN], was[UIV_LEN];
    struct uiv u;
    env_random(env, keys, sizeof keys);
    ck_ok(uiv_init(&u, UIV_ENCRYPT, keys));
    memset(was, 0, sizeof was);
    ck_ok(uiv_apply(&u, H, 3, was));
    for (size_t bit = 0; bit < 8 * (UIV_TAG_LEN + 1 + sizeof body); bit += 13) {
        uint8_t all[UIV_TAG_LEN + 1 + UIV_LEN] = {0};
        all[UIV_TAG_LEN] = 3;
        all[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memcpy(body, all + UIV_TAG_LEN + 1, sizeof body);
        ck_ok(uiv_apply(&u, all, all[UIV_TAG_LEN], body));
        size_t same = 0;
        for (size_t i = 0; i < sizeof body; i++)
            same += body[i] == was[i];
        ck_assert_uint_lt(same, 16); /* of 509, two by chance */
    }
    uiv_free(&u);
    test_env_free(env);
}
END_TEST

TESTS("crypto/uiv", test_uiv_et_vectors, test_uiv_prf_vectors, test_uiv_vectors,
      test_uiv_update_vectors, test_uiv_ways_agree_and_undo_each_other,
      test_uiv_one_bit_changes_all)
