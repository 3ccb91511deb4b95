#include "crypto/polyval.h"

#include <string.h>

#include "support/test.h"
#include "support/vec.h"

enum { BYTES = 40 * POLYVAL_LEN };

/* The ways that there are here; the processor's may be missing. */
static size_t kinds_here(const struct polyval_kind *kinds[3])
{
    size_t n = 0;
    kinds[n++] = &polyval_portable;
    if (polyval_hw())
        kinds[n++] = polyval_hw();
    if (polyval_wide())
        kinds[n++] = polyval_wide();
    return n;
}

START_TEST(test_polyval_published_vectors)
{
    const struct polyval_kind *kinds[3];
    for (size_t i = 0, n = kinds_here(kinds); i < n; i++) {
        struct vec *v = vec_open("vectors/crypto/polyval.txt");
        unsigned records = 0;
        for (; vec_next(v); records++) {
            uint8_t H[POLYVAL_LEN], X[128], want[POLYVAL_LEN], S[POLYVAL_LEN] = {0};
            struct polyval_key key;
            ck_assert_uint_eq(vec_hex(v, "H", H, sizeof H), sizeof H);
            ck_assert_uint_eq(vec_hex(v, "S", want, sizeof want), sizeof want);
            kinds[i]->init(&key, H);
            kinds[i]->add(&key, S, X, vec_hex(v, "X", X, sizeof X));
            ck_assert_mem_eq(S, want, sizeof S);
        }
        ck_assert_uint_eq(records, 8);
        vec_close(v);
    }
}
END_TEST

/* Block after block by dot() alone is what add() computes of any number of them at once. */
START_TEST(test_polyval_ways_agree_on_any_length)
{
    const struct polyval_kind *kinds[3];
    size_t n = kinds_here(kinds);
    struct env *env = test_env(1);
    for (size_t len = 0; len <= BYTES; len++) {
        uint8_t H[POLYVAL_LEN], bytes[BYTES + POLYVAL_LEN] = {0}, start[POLYVAL_LEN];
        env_random(env, H, sizeof H);
        env_random(env, bytes, len);
        env_random(env, start, sizeof start);
        uint8_t want[POLYVAL_LEN];
        memcpy(want, start, sizeof want);
        for (size_t at = 0; at < len; at += POLYVAL_LEN) {
            for (size_t i = 0; i < POLYVAL_LEN; i++)
                want[i] ^= bytes[at + i];
            polyval_portable.dot(want, H);
        }
        for (size_t i = 0; i < n; i++) {
            uint8_t S[POLYVAL_LEN];
            struct polyval_key key;
            memcpy(S, start, sizeof S);
            kinds[i]->init(&key, H);
            kinds[i]->add(&key, S, bytes, len);
            ck_assert_mem_eq(S, want, sizeof S);
        }
    }
    test_env_free(env);
}
END_TEST

START_TEST(test_polyval_dots_agree)
{
    const struct polyval_kind *kinds[3];
    size_t n = kinds_here(kinds);
    struct env *env = test_env(2);
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t a[POLYVAL_LEN], b[POLYVAL_LEN], ab[POLYVAL_LEN], ba[POLYVAL_LEN];
        env_random(env, a, sizeof a);
        env_random(env, b, sizeof b);
        for (size_t i = 0; i < sizeof a && round < 500; i++) { /* few bits, many bits */
            a[i] = (uint8_t)(round & 1 ? a[i] & b[i] & 0x11 : 0xff);
            b[i] = (uint8_t)(round & 2 ? 1u << round % 8 : 0xff);
        }
        memcpy(ab, a, sizeof ab);
        polyval_portable.dot(ab, b);
        for (size_t i = 0; i < n; i++) {
            memcpy(ba, b, sizeof ba);
            kinds[i]->dot(ba, a);
            ck_assert_mem_eq(ab, ba, sizeof ab);
        }
    }
    test_env_free(env);
}
END_TEST

TESTS("crypto/polyval", test_polyval_published_vectors, test_polyval_ways_agree_on_any_length,
      test_polyval_dots_agree)
