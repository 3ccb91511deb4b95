/* Neither RFC 2440 nor 4880 has vectors for the iterated S2K: the hashes are Debian's tor's
 * (0.4.9.11, --hash-password). */
#include "crypto/s2k.h"

#include <string.h>

#include "crypto/encode.h"
#include "support/test.h"

static const struct {
    const char *password, *hashed;
} VECTORS[] = {
    {"foo", "16:3D0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD6E"},
    {"", "16:E5230AD66E7CEAE360C0F61F6BA650C679A01438C63C4CF33228216B98"},
};

START_TEST(test_s2k_is_tors)
{
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        const char *p = VECTORS[i].password;
        uint8_t hashed[S2K_LEN];
        char text[S2K_TEXT_SIZE];
        ck_ok(s2k_decode(text_of(VECTORS[i].hashed), hashed));
        ck_assert_str_eq(s2k_encode(p, strlen(p), hashed, text), VECTORS[i].hashed);
        ck_assert(s2k_matches(hashed, p, strlen(p)));
        ck_assert(!s2k_matches(hashed, "fox", 3));
        hashed[S2K_LEN - 1] ^= 1;
        ck_assert(!s2k_matches(hashed, p, strlen(p)));
    }
}
END_TEST

/* The definition written out: salt and secret, again and again, cut at the count. */
START_TEST(test_s2k_hashes_as_much_as_it_says)
{
    static const uint8_t counts[] = {0, 1, 15, 16, 96};
    static uint8_t all[70000];
    static const char secret[] = "a password that is longer than the count's remainder";
    for (size_t c = 0; c < sizeof counts; c++) {
        uint8_t specifier[S2K_SPECIFIER_LEN] = {1, 2, 3, 4, 5, 6, 7, 8, counts[c]};
        uint8_t want[SHA1_LEN], got[SHA1_LEN];
        size_t count = (size_t)(16 + (counts[c] & 15)) << ((counts[c] >> 4) + 6);
        for (size_t i = 0; i < count; i++) {
            size_t at = i % (8 + sizeof secret - 1);
            all[i] = at < 8 ? specifier[at] : (uint8_t)secret[at - 8];
        }
        sha1(all, count, want);
        s2k(secret, sizeof secret - 1, specifier, got);
        ck_assert_mem_eq(got, want, sizeof want);
    }
}
END_TEST

START_TEST(test_s2k_takes_hex_and_base64_of_the_right_length)
{
    uint8_t hashed[S2K_LEN], again[S2K_LEN];
    char base64[BASE64_SIZE(S2K_LEN)];
    ck_ok(s2k_decode(text_of(VECTORS[0].hashed), hashed));
    base64_encode(hashed, sizeof hashed, true, base64);
    ck_ok(s2k_decode(text_of(base64), again));
    ck_assert_mem_eq(again, hashed, sizeof again);
    static const char *const bad[] = {
        "",
        "16:",
        "16:00",
        "foo",
        "17:3D0DAF5A",
        "16:3D0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD",
        "16:3D0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD6E00",
        "16:XD0DAF5A9C8891716035AD4943E63DA14294C0F7BEE5A0210635DCCD6E"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(s2k_decode(text_of(bad[i]), hashed) != OK);
}
END_TEST

TESTS("crypto/s2k", test_s2k_is_tors, test_s2k_hashes_as_much_as_it_says,
      test_s2k_takes_hex_and_base64_of_the_right_length)
