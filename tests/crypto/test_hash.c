#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "support/vec.h"

static void digest(const char *name, const uint8_t *bytes, size_t len, uint8_t *out, size_t out_len)
{
    if (strcmp(name, "sha1") == 0)
        sha1(bytes, len, out);
    else if (strcmp(name, "sha256") == 0)
        sha256(bytes, len, out);
    else if (strcmp(name, "sha3-256") == 0)
        ck_ok(sha3_256(bytes, len, out));
    else if (strcmp(name, "shake256") == 0)
        ck_ok(shake256(bytes, len, out, out_len));
    else
        ck_abort_msg("no such hash: %s", name);
}

START_TEST(test_hash_published_vectors)
{
    struct vec *v = vec_open("vectors/crypto/hash.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint8_t unit[512], want[512], got[512];
        size_t unit_len = vec_hex(v, "input", unit, sizeof unit);
        size_t want_len = vec_hex(v, "output", want, sizeof want);
        size_t repeat = (size_t)vec_int(v, "repeat");
        uint8_t *input = malloc(unit_len * repeat + 1);
        ck_assert_ptr_nonnull(input);
        for (size_t i = 0; i < repeat; i++)
            memcpy(input + i * unit_len, unit, unit_len);
        digest(vec_text(v, "hash"), input, unit_len * repeat, got, want_len);
        ck_assert_mem_eq(got, want, want_len);
        free(input);
    }
    ck_assert_int_eq(n, 14);
    vec_close(v);
}
END_TEST

START_TEST(test_hash_hmac_published_vectors)
{
    struct vec *v = vec_open("vectors/crypto/hmac.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint8_t key[256], input[256], want[SHA256_LEN], got[SHA256_LEN];
        size_t key_len = vec_hex(v, "key", key, sizeof key);
        size_t len = vec_hex(v, "input", input, sizeof input);
        ck_assert_uint_eq(vec_hex(v, "output", want, sizeof want), SHA256_LEN);
        hmac_sha256(key, key_len, input, len, got);
        ck_assert_mem_eq(got, want, SHA256_LEN);
    }
    ck_assert_int_eq(n, 6);
    vec_close(v);
}
END_TEST

/* 509 bytes, as in a relay cell; many cells, so that every fill of the 64-byte block is met. */
enum { CELL = 509, CELLS = 70 };

START_TEST(test_hash_running_peek_equals_one_shot)
{
    static uint8_t all[CELL * CELLS];
    struct sha1_running s1;
    struct sha256_running s256;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)(i * 7 + i / 251);
    sha1_init(&s1);
    sha256_init(&s256);
    for (size_t i = 0; i < CELLS; i++) {
        uint8_t got[SHA256_LEN], want[SHA256_LEN];
        sha1_add(&s1, all + i * CELL, CELL);
        sha1_peek(&s1, got);
        sha1(all, (i + 1) * CELL, want);
        ck_assert_mem_eq(got, want, SHA1_LEN);
        sha256_add(&s256, all + i * CELL, CELL);
        sha256_peek(&s256, got);
        sha256(all, (i + 1) * CELL, want);
        ck_assert_mem_eq(got, want, SHA256_LEN);
    }
}
END_TEST

START_TEST(test_hash_running_copy_goes_its_own_way)
{
    struct sha1_running a, b;
    uint8_t before[SHA1_LEN], after[SHA1_LEN];
    sha1_init(&a);
    sha1_add(&a, "abc", 3);
    sha1_peek(&a, before);
    b = a;
    sha1_add(&a, "def", 3);
    sha1_peek(&b, after);
    ck_assert_mem_eq(before, after, SHA1_LEN);
    sha1_add(&b, "def", 3);
    sha1_peek(&a, before);
    sha1_peek(&b, after);
    ck_assert_mem_eq(before, after, SHA1_LEN);
}
END_TEST

START_TEST(test_hash_sha3_in_pieces_equals_one_shot)
{
    static const char text[] = "the same bytes, in pieces or at once";
    uint8_t want[100], got[100];
    for (int kind = SHA3_KIND_256; kind <= SHA3_KIND_SHAKE256; kind++) {
        size_t len = kind == SHA3_KIND_256 ? SHA3_256_LEN : sizeof got;
        struct sha3 *s = sha3_new((enum sha3_kind)kind);
        digest(kind == SHA3_KIND_256 ? "sha3-256" : "shake256", (const uint8_t *)text, sizeof text,
               want, len);
        for (int round = 0; round < 2; round++) { /* the second one after a reset */
            for (size_t i = 0; i < sizeof text; i++)
                sha3_add(s, text + i, 1);
            memset(got, 0, sizeof got);
            ck_ok(sha3_final(s, got, len));
            ck_assert_mem_eq(got, want, len);
            sha3_reset(s);
        }
        sha3_free(s);
    }
}
END_TEST

START_TEST(test_hash_sha3_copy_goes_its_own_way)
{
    uint8_t want[SHA3_256_LEN], got[SHA3_256_LEN];
    struct sha3 *a = sha3_new(SHA3_KIND_256), *b = sha3_new(SHA3_KIND_256);
    struct sha3 *shake = sha3_new(SHA3_KIND_SHAKE256);
    sha3_add(b, "what b was is gone", 18);
    sha3_add(a, "the same", 8);
    ck_ok(sha3_copy(b, a));
    sha3_add(b, " beginning", 10);
    ck_ok(sha3_final(b, got, sizeof got));
    ck_ok(sha3_256("the same beginning", 18, want));
    ck_assert_mem_eq(got, want, sizeof got);
    ck_ok(sha3_copy(b, a)); /* B is used up, and a copy makes it new */
    ck_ok(sha3_final(a, got, sizeof got));
    ck_ok(sha3_256("the same", 8, want));
    ck_assert_mem_eq(got, want, sizeof got);
    ck_err(sha3_copy(b, a), ERR_CRYPTO); /* A is */
    ck_ok(sha3_final(b, got, sizeof got));
    ck_assert_mem_eq(got, want, sizeof got);
    ck_err(sha3_copy(shake, b), ERR_CRYPTO);
    sha3_free(a);
    sha3_free(b);
    sha3_free(shake);
}
END_TEST

START_TEST(test_hash_sha3_misuse_is_refused)
{
    uint8_t out[64];
    struct sha3 *s = sha3_new(SHA3_KIND_256);
    ck_err(sha3_final(s, out, 31), ERR_ARG);
    ck_err(sha3_final(s, out, 64), ERR_ARG);
    ck_ok(sha3_final(s, out, 32));
    ck_err(sha3_final(s, out, 32), ERR_CRYPTO); /* used up */
    sha3_free(s);
    sha3_add(NULL, "x", 1);
    ck_err(sha3_final(NULL, out, 32), ERR_NOMEM);
    sha3_free(NULL);
}
END_TEST

TESTS("crypto/hash", test_hash_published_vectors, test_hash_hmac_published_vectors,
      test_hash_running_peek_equals_one_shot, test_hash_running_copy_goes_its_own_way,
      test_hash_sha3_in_pieces_equals_one_shot, test_hash_sha3_copy_goes_its_own_way,
      test_hash_sha3_misuse_is_refused)
