#include "support/test.h"

#include <limits.h>
#include <string.h>

#include "crypto/aes.h"
#include "crypto/aes128.h"
#include "crypto/aes_wide.h"
#include "support/vec.h"

START_TEST(test_aes_published_vectors)
{
    struct vec *v = vec_open("vectors/crypto/aes_ctr.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        uint8_t key[32], iv[AES_IV_LEN], plain[64], cipher[64];
        unsigned bits = (unsigned)vec_hex(v, "key", key, sizeof key) * 8;
        ck_assert_uint_eq(vec_hex(v, "iv", iv, sizeof iv), sizeof iv);
        size_t len = vec_hex(v, "plain", plain, sizeof plain);
        ck_assert_uint_eq(vec_hex(v, "cipher", cipher, sizeof cipher), len);
        struct aes_ctr *whole = aes_ctr_new(key, bits, iv), *bytewise = aes_ctr_new(key, bits, iv);
        ck_ok(aes_ctr_xor(whole, plain, len));
        ck_assert_mem_eq(plain, cipher, len);
        vec_hex(v, "plain", plain, sizeof plain);
        for (size_t i = 0; i < len; i++) /* the counter runs on inside a block */
            ck_ok(aes_ctr_xor(bytewise, plain + i, 1));
        ck_assert_mem_eq(plain, cipher, len);
        aes_ctr_free(whole);
        aes_ctr_free(bytewise);
    }
    ck_assert_int_eq(n, 2);
    vec_close(v);
}
END_TEST

START_TEST(test_aes_cells_come_back)
{
    static const uint8_t key[32] = {1, 2, 3};
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct aes_ctr *there = aes_ctr_new(key, bits, NULL), *back = aes_ctr_new(key, bits, NULL);
        for (int i = 0; i < 50; i++) {
            uint8_t cell[509], was[509];
            memset(cell, i, sizeof cell);
            memcpy(was, cell, sizeof cell);
            ck_ok(aes_ctr_xor(there, cell, sizeof cell));
            ck_assert_mem_ne(cell, was, sizeof cell);
            ck_ok(aes_ctr_xor(back, cell, sizeof cell));
            ck_assert_mem_eq(cell, was, sizeof cell);
        }
        aes_ctr_free(there);
        aes_ctr_free(back);
    }
}
END_TEST

START_TEST(test_aes_no_iv_means_zeros)
{
    static const uint8_t key[16] = {9}, zero_iv[AES_IV_LEN];
    uint8_t a[40] = {0}, b[40] = {0};
    struct aes_ctr *x = aes_ctr_new(key, 128, NULL), *y = aes_ctr_new(key, 128, zero_iv);
    ck_ok(aes_ctr_xor(x, a, sizeof a));
    ck_ok(aes_ctr_xor(y, b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
    ck_ok(aes_ctr_xor(x, a, 0));
    aes_ctr_free(x);
    aes_ctr_free(y);
}
END_TEST

START_TEST(test_aes_other_key_sizes_are_refused)
{
    static const uint8_t key[32] = {0};
    ck_assert_ptr_null(aes_ctr_new(key, 192, NULL));
    ck_assert_ptr_null(aes_ctr_new(key, 16, NULL));
    aes_ctr_free(NULL);
}
END_TEST

START_TEST(test_aes_too_long_is_refused_untouched)
{
    static const uint8_t key[16] = {0}, zero[16];
    uint8_t bytes[16] = {0};
    struct aes_ctr *ctx = aes_ctr_new(key, 128, NULL);
    ck_err(aes_ctr_xor(ctx, bytes, (size_t)INT_MAX + 1), ERR_ARG);
    ck_assert_mem_eq(bytes, zero, sizeof bytes);
    aes_ctr_free(ctx);
}
END_TEST

/* Whatever the processor has: pieces of any size at any place are the stream that OpenSSL makes. */
START_TEST(test_aes_ctr_in_pieces_is_one_stream)
{
    enum { LEN = 5000, BEYOND = 80 };
    static uint8_t want[LEN], got[BEYOND + LEN + BEYOND], none[BEYOND];
    const uint8_t key[16] = {7, 1, 2, 3, 250}, zero[16] = {0};
    struct aes128 whole;
    ck_ok(aes128_init(&whole, &aes128_openssl, AES128_STREAM));
    ck_ok(whole.kind->rekey(&whole, key));
    ck_ok(whole.kind->stream(&whole, zero, want, LEN));
    for (size_t piece = 1; piece <= 1100; piece += piece < 600 ? 1 : 37) {
        struct aes_ctr *ctx = aes_ctr_new(key, 128, NULL);
        ck_assert_ptr_nonnull(ctx);
        memset(got, 0, sizeof got);
        for (size_t at = 0; at < LEN; at += piece) {
            size_t n = LEN - at < piece ? LEN - at : piece;
            ck_ok(aes_ctr_xor(ctx, got + BEYOND + at, n));
        }
        ck_assert_mem_eq(got, none, BEYOND);
        ck_assert_mem_eq(got + BEYOND + LEN, none, BEYOND);
        ck_assert_mem_eq(got + BEYOND, want, LEN);
        ck_ok(aes_ctr_xor(ctx, got, 0));
        aes_ctr_free(ctx);
    }
    aes128_free(&whole);
}
END_TEST

/* 64 GB on, where a counter of 32 bits would begin anew. */
START_TEST(test_aes_wide_counts_on_beyond_32_bits)
{
    enum { BEFORE = 40, LEN = 600 };
    const uint8_t key[16] = {3, 1, 4}, counter[16] = {[12] = 0xff, 0xff, 0xff, 0xff};
    const uint64_t at = ((uint64_t)0xffffffff * 16) + 16 - BEFORE;
    uint8_t want[16 + LEN] = {0}, got[LEN] = {0};
    struct aes128 a, wide;
    if (!aes_wide_here() || !aes128_hw())
        return;
    ck_ok(aes128_init(&wide, aes128_hw(), AES128_STREAM));
    ck_ok(wide.kind->rekey(&wide, key));
    aes_wide_xor(wide.schedule, at, got, LEN);
    ck_ok(aes128_init(&a, &aes128_openssl, AES128_STREAM));
    ck_ok(a.kind->rekey(&a, key));
    ck_ok(a.kind->stream(&a, counter, want, 16 + LEN - BEFORE));
    ck_assert_mem_eq(got + BEFORE - 16, want, 16 + LEN - BEFORE);
    aes128_free(&a);
    aes128_free(&wide);
}
END_TEST

TESTS("crypto/aes", test_aes_published_vectors, test_aes_cells_come_back,
      test_aes_no_iv_means_zeros, test_aes_other_key_sizes_are_refused,
      test_aes_too_long_is_refused_untouched, test_aes_ctr_in_pieces_is_one_stream,
      test_aes_wide_counts_on_beyond_32_bits)
