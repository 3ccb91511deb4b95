#include "support/test.h"

#include <string.h>

#include "crypto/encode.h"

enum { MOST = 200 };

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 89 + len);
}

START_TEST(test_encode_hex_round_trip_at_every_length)
{
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t bytes[MOST], back[MOST];
        char text[HEX_SIZE(MOST)];
        size_t len;
        fill(bytes, n);
        ck_assert_uint_eq(strlen(hex_lower(bytes, n, text)), 2 * n);
        ck_ok(hex_decode(text_of(text), back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(bytes, back, n);
        hex_upper(bytes, n, text);
        ck_assert_ptr_null(strpbrk(text, "abcdef"));
        ck_ok(hex_decode_exact(text_of(text), back, n));
        ck_assert_mem_eq(bytes, back, n);
    }
}
END_TEST

START_TEST(test_encode_hex_refuses_what_is_not_hex)
{
    static const char *const bad[] = {"0", "abc", "0g", "g0", "00 ", " 00", "0x00", "00\n", "a:b0"};
    uint8_t out[8];
    size_t len = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_err(hex_decode(text_of(bad[i]), out, sizeof out, &len), ERR_MALFORMED);
    ck_err(hex_decode((struct text){"00\0"
                                    "0",
                                    4},
                      out, sizeof out, &len),
           ERR_MALFORMED);
    ck_err(hex_decode(TEXT_LIT("0011"), out, 1, &len), ERR_FULL);
    ck_assert_uint_eq(len, 77);
    ck_ok(hex_decode(TEXT_LIT("aBcDeF09"), out, 4, &len));
    ck_assert_mem_eq(out, "\xab\xcd\xef\x09", 4);
    ck_err(hex_decode_exact(TEXT_LIT("0011"), out, 1), ERR_MALFORMED);
    ck_err(hex_decode_exact(TEXT_LIT("0011"), out, 3), ERR_MALFORMED);
    ck_err(hex_decode_exact(TEXT_LIT("001"), out, 1), ERR_MALFORMED);
}
END_TEST

struct pair {
    const char *plain, *text;
};

START_TEST(test_encode_base64_rfc4648_vectors)
{
    static const struct pair pairs[] = {{"", ""},
                                        {"f", "Zg=="},
                                        {"fo", "Zm8="},
                                        {"foo", "Zm9v"},
                                        {"foob", "Zm9vYg=="},
                                        {"fooba", "Zm9vYmE="},
                                        {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16];
        uint8_t back[8];
        size_t n = strlen(pairs[i].plain), len;
        ck_assert_str_eq(base64_encode(pairs[i].plain, n, true, text), pairs[i].text);
        ck_ok(base64_decode(text_of(text), BASE64_PADDED, back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(back, pairs[i].plain, n);
    }
}
END_TEST

START_TEST(test_encode_base64_forms_at_every_length)
{
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t bytes[MOST], back[MOST];
        char with[BASE64_SIZE(MOST)], without[BASE64_SIZE(MOST)];
        size_t len;
        fill(bytes, n);
        base64_encode(bytes, n, true, with);
        base64_encode(bytes, n, false, without);
        ck_assert_uint_lt(strlen(with), BASE64_SIZE(n));
        ck_assert_ptr_null(strchr(without, '='));
        ck_ok(base64_decode_exact(text_of(with), BASE64_PADDED, back, n));
        ck_assert_mem_eq(bytes, back, n);
        ck_ok(base64_decode_exact(text_of(without), BASE64_UNPADDED, back, n));
        ck_assert_mem_eq(bytes, back, n);
        ck_ok(base64_decode(text_of(with), BASE64_EITHER, back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_ok(base64_decode(text_of(without), BASE64_EITHER, back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_ok(base64_decode(text_of(with), BASE64_OBJECT, back, n, &len));
        ck_assert_uint_eq(len, n);
        if (n % 3) {
            ck_err(base64_decode(text_of(without), BASE64_PADDED, back, n, &len), ERR_MALFORMED);
            ck_err(base64_decode(text_of(with), BASE64_UNPADDED, back, n, &len), ERR_MALFORMED);
            ck_err(base64_decode(text_of(without), BASE64_OBJECT, back, n, &len), ERR_MALFORMED);
        }
        if (n)
            ck_err(base64_decode(text_of(with), BASE64_PADDED, back, n - 1, &len), ERR_FULL);
        if (n)
            ck_err(base64_decode_exact(text_of(with), BASE64_PADDED, back, n - 1), ERR_MALFORMED);
        if (n < MOST)
            ck_err(base64_decode_exact(text_of(with), BASE64_PADDED, back, n + 1), ERR_MALFORMED);
    }
}
END_TEST

START_TEST(test_encode_base64_refuses_what_no_encoder_writes)
{
    static const struct {
        const char *text;
        enum base64_form form;
    } bad[] = {{"Zg==x", BASE64_PADDED}, {"Zg=", BASE64_PADDED},      {"Zg===", BASE64_PADDED},
               {"Zh==", BASE64_PADDED},  {"Zm9=", BASE64_PADDED},     {"Z", BASE64_UNPADDED},
               {"Zh", BASE64_UNPADDED},  {"Zm 9v", BASE64_PADDED},    {"Zm9v\n", BASE64_EITHER},
               {"Zm9-", BASE64_EITHER},  {"Zm9_", BASE64_OBJECT},     {"=", BASE64_EITHER},
               {"Zm9v=", BASE64_EITHER}, {"Zm9v====", BASE64_OBJECT}, {"Zg==Zg==", BASE64_OBJECT}};
    uint8_t out[16];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(base64_decode(text_of(bad[i].text), bad[i].form, out, sizeof out, &len) ==
                          ERR_MALFORMED,
                      "'%s'", bad[i].text);
    for (int form = BASE64_PADDED; form <= BASE64_OBJECT; form++) {
        ck_err(base64_decode((struct text){"Zm9v\0", 5}, (enum base64_form)form, out, 16, &len),
               ERR_MALFORMED);
        ck_err(base64_decode((struct text){"Zm\0"
                                           "9v",
                                           5},
                             (enum base64_form)form, out, 16, &len),
               ERR_MALFORMED);
    }
}
END_TEST

/* Every byte that is not of the alphabet is refused wherever it stands. */
START_TEST(test_encode_base64_takes_its_alphabet_only)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int c = 0; c < 256; c++)
        for (int at = 0; at < 4; at++) {
            char text[4] = {'A', 'A', 'A', 'A'};
            uint8_t out[3];
            bool good = c && strchr(alphabet, c);
            text[at] = (char)c;
            if (c == '=' && at == 3)
                continue;
            err_t want = good ? OK : ERR_MALFORMED;
            ck_err(base64_decode_exact((struct text){text, 4}, BASE64_PADDED, out, 3), want);
            ck_err(base64_decode_exact((struct text){text, 4}, BASE64_UNPADDED, out, 3), want);
        }
}
END_TEST

START_TEST(test_encode_base64_object_skips_white_space)
{
    uint8_t out[6];
    size_t len;
    ck_ok(base64_decode(TEXT_LIT(" Zm9\r\nv\tYmF\ny\n"), BASE64_OBJECT, out, 6, &len));
    ck_assert_uint_eq(len, 6);
    ck_assert_mem_eq(out, "foobar", 6);
    ck_ok(base64_decode(TEXT_LIT("Zg\n=\n=\n"), BASE64_OBJECT, out, 6, &len));
    ck_assert_uint_eq(len, 1);
}
END_TEST

START_TEST(test_encode_base32_rfc4648_vectors)
{
    static const struct pair pairs[] = {{"", ""},
                                        {"f", "my"},
                                        {"fo", "mzxq"},
                                        {"foo", "mzxw6"},
                                        {"foob", "mzxw6yq"},
                                        {"fooba", "mzxw6ytb"},
                                        {"foobar", "mzxw6ytboi"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16];
        size_t n = strlen(pairs[i].plain), len;
        uint8_t back[8];
        ck_assert_str_eq(base32_lower(pairs[i].plain, n, text), pairs[i].text);
        ck_assert_uint_eq(strlen(text) + 1, BASE32_SIZE(n));
        ck_ok(base32_decode(text_of(text), back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(back, pairs[i].plain, n);
        if (n)
            ck_err(base32_decode(text_of(text), back, n - 1, &len), ERR_FULL);
    }
}
END_TEST

START_TEST(test_encode_base32_round_trip_at_every_length)
{
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t bytes[MOST], back[MOST];
        char text[BASE32_SIZE(MOST)];
        size_t len;
        fill(bytes, n);
        base32_lower(bytes, n, text);
        ck_ok(base32_decode(text_of(text), back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(bytes, back, n);
    }
}
END_TEST

START_TEST(test_encode_base32_refuses_what_no_encoder_writes)
{
    static const char *const bad[] = {
        "m",      "mzx",       "mzxw6y", "mz", "my======", "a",      "aaa",
        "aaaaaa", "aaaaaaaaa", "m1",     "m8", "m ",       "MZXw6a0"};
    uint8_t out[16];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(base32_decode(text_of(bad[i]), out, sizeof out, &len) == ERR_MALFORMED,
                      "'%s'", bad[i]);
    ck_ok(base32_decode(TEXT_LIT("MZXW6YTBOI"), out, sizeof out, &len));
    ck_assert_mem_eq(out, "foobar", 6);
}
END_TEST

START_TEST(test_encode_pem_round_trip_at_every_length)
{
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t bytes[MOST], back[MOST];
        char text[PEM_SIZE(9, MOST)];
        size_t len;
        fill(bytes, n);
        pem_encode("SIGNATURE", bytes, n, text);
        ck_assert_uint_lt(strlen(text), PEM_SIZE(9, n));
        ck_ok(pem_decode(text_of(text), "SIGNATURE", back, n, &len));
        ck_assert_uint_eq(len, n);
        ck_assert_mem_eq(bytes, back, n);
        ck_ok(pem_decode(text_of(text), NULL, back, n, &len));
        struct text cut = text_of(text);
        cut.len--; /* the last newline */
        ck_ok(pem_decode(cut, "SIGNATURE", back, n, &len));
        while (cut.len--)
            ck_err(pem_decode(cut, "SIGNATURE", back, n, &len), ERR_MALFORMED);
    }
}
END_TEST

START_TEST(test_encode_pem_refuses_what_is_no_object)
{
    static const char *const bad[] = {
        "",
        "Zm9v\n",
        "-----BEGIN X-----\nZm9v\n-----END Y-----\n",
        "-----BEGIN X-----\nZm9v\n-----END X-----\n\n",
        "-----BEGIN X-----\nZm9v\n-----END X-----\nmore",
        "-----BEGIN X-----\nZm9v\n-----END X----\n",
        "-----BEGIN X----\nZm9v\n-----END X-----\n",
        "-----BEGIN X-----\nZm9v\n-----END X-----x\n",
        "-----BEGIN X-----Zm9v\n-----END X-----\n",
        "-----BEGIN X-----\nZm9v-----END X-----\n",
        " -----BEGIN X-----\nZm9v\n-----END X-----\n",
        "-----BEGIN X-----\nZm9\n-----END X-----\n",
        "-----BEGIN X-----\nZm9v\n-----BEGIN X-----\nZm9v\n-----END X-----\n",
        "-----BEGIN -----\n",
        "-----BEGIN X-----",
    };
    uint8_t out[64];
    size_t len;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(pem_decode(text_of(bad[i]), NULL, out, sizeof out, &len) == ERR_MALFORMED,
                      "'%s'", bad[i]);
    ck_ok(
        pem_decode(text_of("-----BEGIN X-----\r\nZm9v\r\n-----END X-----\r\n"), "X", out, 3, &len));
    ck_err(pem_decode(text_of("-----BEGIN X-----\nZm9v\n-----END X-----"), "X", out, 2, &len),
           ERR_FULL);
    ck_err(pem_decode(text_of("-----BEGIN X-----\nZm9v\n-----END X-----"), "XY", out, 3, &len),
           ERR_MALFORMED);
}
END_TEST

TESTS("crypto/encode", test_encode_hex_round_trip_at_every_length,
      test_encode_hex_refuses_what_is_not_hex, test_encode_base64_rfc4648_vectors,
      test_encode_base64_forms_at_every_length, test_encode_base64_takes_its_alphabet_only,
      test_encode_base64_refuses_what_no_encoder_writes,
      test_encode_base64_object_skips_white_space, test_encode_base32_rfc4648_vectors,
      test_encode_base32_round_trip_at_every_length,
      test_encode_base32_refuses_what_no_encoder_writes, test_encode_pem_round_trip_at_every_length,
      test_encode_pem_refuses_what_is_no_object)
