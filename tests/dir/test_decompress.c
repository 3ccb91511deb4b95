#include "support/test.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "dir/decompress.h"

static const enum dir_encoding all[] = {ENC_DEFLATE, ENC_GZIP, ENC_ZSTD, ENC_LZMA};

static size_t pack_z(int bits, const void *in, size_t len, uint8_t *out, size_t cap)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = cap - z.avail_out;
    deflateEnd(&z);
    return n;
}

static size_t pack_lzma(uint32_t dict, const void *in, size_t len, uint8_t *out, size_t cap)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_options_lzma o;
    ck_assert(!lzma_lzma_preset(&o, 1));
    o.dict_size = dict;
    ck_assert_int_eq(lzma_alone_encoder(&s, &o), LZMA_OK);
    s.next_in = in;
    s.avail_in = len;
    s.next_out = out;
    s.avail_out = cap;
    ck_assert_int_eq(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
    size_t n = cap - s.avail_out;
    lzma_end(&s);
    return n;
}

static size_t pack(enum dir_encoding enc, const void *in, size_t len, uint8_t *out, size_t cap)
{
    if (enc == ENC_DEFLATE)
        return pack_z(15, in, len, out, cap);
    if (enc == ENC_GZIP)
        return pack_z(15 + 16, in, len, out, cap);
    if (enc == ENC_LZMA)
        return pack_lzma(1 << 20, in, len, out, cap);
    size_t n = ZSTD_compress(out, cap, in, len, 9);
    ck_assert(!ZSTD_isError(n));
    return n;
}

enum { TEXT_LEN = 300000, PACKED_CAP = 1 << 20 };

static uint8_t text[TEXT_LEN], packed[PACKED_CAP];

static void make_text(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < TEXT_LEN; i++) {
        x = x * 1664525 + 1013904223;
        text[i] = (uint8_t)('a' + (x >> 24) % 7);
    }
}

START_TEST(test_decompress_every_encoding)
{
    make_text();
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        size_t n = pack(all[i], text, TEXT_LEN, packed, PACKED_CAP);
        buf_init(&out, 1 << 20);
        ck_assert_int_eq(dir_encoding_guess(packed, n), all[i]);
        ck_ok(decompress_all(all[i], false, packed, n, TEXT_LEN, &out));
        ck_assert_uint_eq(out.len, TEXT_LEN);
        ck_assert_mem_eq(buf_at(&out), text, TEXT_LEN);
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_decompress_byte_by_byte)
{
    make_text();
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        struct decompress *d;
        size_t n = pack(all[i], text, 20000, packed, PACKED_CAP);
        buf_init(&out, 1 << 20);
        ck_ok(decompress_new(all[i], 20000, &d));
        for (size_t at = 0; at < n; at++)
            ck_ok(decompress_feed(d, packed + at, 1, &out));
        ck_ok(decompress_end(d));
        ck_assert_uint_eq(out.len, 20000);
        ck_assert_mem_eq(buf_at(&out), text, out.len);
        decompress_free(&d);
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_decompress_truncated_input_is_an_error)
{
    make_text();
    for (size_t i = 0; i < 4; i++) {
        size_t n = pack(all[i], text, 3000, packed, PACKED_CAP);
        for (size_t len = 0; len < n; len += 1 + len / 16) {
            struct buf out;
            buf_init(&out, 1 << 20);
            err_t err = decompress_all(all[i], false, packed, len, 5000, &out);
            ck_assert_msg(err == ERR_TRUNCATED, "%s cut at %zu: %s", dir_encoding_name(all[i]), len,
                          err_name(err));
            ck_assert_uint_eq(out.len, 0);
            buf_free(&out);
        }
    }
}
END_TEST

START_TEST(test_decompress_concatenated_streams)
{
    make_text();
    for (size_t i = 0; i < 3; i++) {
        struct buf out;
        size_t n = pack(all[i], text, 1000, packed, PACKED_CAP);
        n += pack(all[i], text + 1000, 500, packed + n, PACKED_CAP - n);
        buf_init(&out, 1 << 20);
        ck_ok(decompress_all(all[i], false, packed, n, 5000, &out));
        ck_assert_uint_eq(out.len, 1500);
        ck_assert_mem_eq(buf_at(&out), text, 1500);
        buf_free(&out);
        ck_err(decompress_all(all[i], false, packed, n - 1, 5000, &out), ERR_TRUNCATED);
    }
}
END_TEST

START_TEST(test_decompress_garbage_behind_the_end)
{
    make_text();
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        size_t n = pack(all[i], text, 1000, packed, PACKED_CAP);
        memcpy(packed + n, "garbage garbage garbage", 23);
        buf_init(&out, 1 << 20);
        err_t err = decompress_all(all[i], false, packed, n + 23, 5000, &out);
        ck_assert_msg(err == ERR_MALFORMED || err == ERR_TRAILING, "%s: %s",
                      dir_encoding_name(all[i]), err_name(err));
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_decompress_bombs_are_refused)
{
    static uint8_t zeros[16 << 20];
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        size_t n = pack(all[i], zeros, sizeof zeros, packed, PACKED_CAP);
        buf_init(&out, 64 << 20);
        ck_err(decompress_all(all[i], false, packed, n, 64 << 20, &out), ERR_BOMB);
        ck_assert_uint_eq(out.size, 0);
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_decompress_small_high_ratios_pass)
{
    static uint8_t zeros[4 << 20];
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        size_t n = pack(all[i], zeros, sizeof zeros, packed, PACKED_CAP);
        buf_init(&out, 64 << 20);
        ck_ok(decompress_all(all[i], false, packed, n, 64 << 20, &out));
        buf_free(&out);
    }
}
END_TEST

/* A document that large may be as easy to pack as it likes; a byte more makes it a bomb. */
START_TEST(test_decompress_the_ratio_counts_from_the_next_byte_on)
{
    static uint8_t zeros[DECOMPRESS_RATIO_FROM + 1];
    for (size_t i = 0; i < 4; i++)
        for (size_t more = 0; more < 2; more++) {
            struct buf out;
            size_t n = pack(all[i], zeros, DECOMPRESS_RATIO_FROM + more, packed, PACKED_CAP);
            buf_init(&out, 64 << 20);
            ck_err(decompress_all(all[i], false, packed, n, 64 << 20, &out), more ? ERR_BOMB : OK);
            buf_free(&out);
        }
}
END_TEST

/* TROVE-2026-022: each stream stays below the threshold, together they don't. */
START_TEST(test_decompress_chain_of_small_bombs_is_refused)
{
    static uint8_t zeros[1 << 20];
    for (size_t i = 0; i < 3; i++) {
        struct buf out;
        size_t n = 0;
        for (int j = 0; j < 8; j++)
            n += pack(all[i], zeros, sizeof zeros, packed + n, PACKED_CAP - n);
        buf_init(&out, 64 << 20);
        ck_err(decompress_all(all[i], false, packed, n, 64 << 20, &out), ERR_BOMB);
        buf_free(&out);
    }
}
END_TEST

START_TEST(test_decompress_cap_holds)
{
    make_text();
    for (size_t i = 0; i < 4; i++) {
        struct buf out;
        size_t n = pack(all[i], text, 50000, packed, PACKED_CAP);
        buf_init(&out, 1 << 20);
        ck_ok(decompress_all(all[i], false, packed, n, 50000, &out));
        buf_free(&out);
        ck_err(decompress_all(all[i], false, packed, n, 49999, &out), ERR_LIMIT);
        buf_init(&out, 40000);
        ck_err(decompress_all(all[i], false, packed, n, 50000, &out), ERR_FULL);
        buf_free(&out);
    }
    struct buf out;
    buf_init(&out, 1 << 20);
    ck_ok(decompress_all(ENC_IDENTITY, false, text, 1000, 1000, &out));
    buf_free(&out);
    ck_err(decompress_all(ENC_IDENTITY, false, text, 1000, 999, &out), ERR_LIMIT);
}
END_TEST

START_TEST(test_decompress_lzma_wants_too_much_memory)
{
    struct buf out;
    make_text();
    size_t n = pack_lzma(64 << 20, text, 1000, packed, PACKED_CAP);
    buf_init(&out, 1 << 20);
    ck_err(decompress_all(ENC_LZMA, false, packed, n, 5000, &out), ERR_LIMIT);
    buf_free(&out);
}
END_TEST

START_TEST(test_decompress_flipped_bits_are_seen_by_checksums)
{
    make_text();
    for (size_t i = 0; i < 2; i++) {
        size_t n = pack(all[i], text, 2000, packed, PACKED_CAP);
        for (size_t at = 10; at < n; at += 3) {
            struct buf out;
            buf_init(&out, 1 << 20);
            packed[at] ^= 0x10;
            ck_assert_msg(decompress_all(all[i], false, packed, n, 5000, &out) != OK, "%zu", at);
            packed[at] ^= 0x10;
            buf_free(&out);
        }
    }
}
END_TEST

START_TEST(test_decompress_errors_stay)
{
    struct decompress *d;
    struct buf out;
    buf_init(&out, 1 << 20);
    ck_ok(decompress_new(ENC_GZIP, 1000, &d));
    ck_err(decompress_feed(d, "not gzip at all", 15, &out), ERR_MALFORMED);
    ck_err(decompress_feed(d, "", 0, &out), ERR_MALFORMED);
    ck_err(decompress_end(d), ERR_MALFORMED);
    decompress_free(&d);
    buf_free(&out);
    ck_err(decompress_new(ENC_UNKNOWN, 1000, &d), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(test_decompress_mislabelled_answers_are_guessed)
{
    struct buf out;
    make_text();
    size_t n = pack(ENC_ZSTD, text, 1000, packed, PACKED_CAP);
    buf_init(&out, 1 << 20);
    ck_err(decompress_all(ENC_DEFLATE, false, packed, n, 5000, &out), ERR_MALFORMED);
    ck_ok(decompress_all(ENC_DEFLATE, true, packed, n, 5000, &out));
    ck_assert_uint_eq(out.len, 1000);
    buf_free(&out);
    ck_ok(decompress_all(ENC_DEFLATE, true, text, 1000, 5000, &out));
    ck_assert_uint_eq(out.len, 1000);
    buf_free(&out);
}
END_TEST

START_TEST(test_decompress_names)
{
    ck_assert_int_eq(dir_encoding_of(text_of("X-Tor-LZMA")), ENC_LZMA);
    ck_assert_int_eq(dir_encoding_of(text_of("x-gzip")), ENC_GZIP);
    ck_assert_int_eq(dir_encoding_of(text_of("br")), ENC_UNKNOWN);
    ck_assert_int_eq(dir_encoding_of(text_of("")), ENC_UNKNOWN);
    ck_assert_int_eq(dir_encoding_guess("", 0), ENC_IDENTITY);
    ck_assert_str_eq(dir_encoding_name(ENC_LZMA), "x-tor-lzma");
    ck_assert_str_eq(dir_encoding_name(ENC_UNKNOWN), "unknown");
}
END_TEST

TESTS("dir/decompress", test_decompress_every_encoding, test_decompress_byte_by_byte,
      test_decompress_truncated_input_is_an_error, test_decompress_concatenated_streams,
      test_decompress_garbage_behind_the_end, test_decompress_bombs_are_refused,
      test_decompress_small_high_ratios_pass,
      test_decompress_the_ratio_counts_from_the_next_byte_on,
      test_decompress_chain_of_small_bombs_is_refused, test_decompress_cap_holds,
      test_decompress_lzma_wants_too_much_memory,
      test_decompress_flipped_bits_are_seen_by_checksums, test_decompress_errors_stay,
      test_decompress_mislabelled_answers_are_guessed, test_decompress_names)
