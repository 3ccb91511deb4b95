#include "support/test.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "support/vec.h"

struct kdf_case {
    bool hkdf;
    uint8_t secret[128], salt[128], info[128], want[128];
    size_t secret_len, salt_len, info_len, want_len;
};

static err_t derive(const struct kdf_case *c, void *out, size_t len)
{
    return c->hkdf ? hkdf_sha256(c->salt, c->salt_len, c->secret, c->secret_len, c->info,
                                 c->info_len, out, len)
                   : kdf_tor(c->secret, c->secret_len, out, len);
}

START_TEST(test_kdf_published_vectors_at_every_length)
{
    struct vec *v = vec_open("vectors/crypto/kdf.txt");
    int n = 0;
    for (; vec_next(v); n++) {
        struct kdf_case c = {.hkdf = strcmp(vec_text(v, "kdf"), "hkdf") == 0};
        c.secret_len = vec_hex(v, "secret", c.secret, sizeof c.secret);
        c.want_len = vec_hex(v, "output", c.want, sizeof c.want);
        if (c.hkdf) {
            c.salt_len = vec_hex(v, "salt", c.salt, sizeof c.salt);
            c.info_len = vec_hex(v, "info", c.info, sizeof c.info);
        }
        for (size_t len = 0; len <= c.want_len; len++) {
            uint8_t got[129];
            memset(got, 0xee, sizeof got);
            ck_ok(derive(&c, got, len));
            ck_assert_mem_eq(got, c.want, len);
            ck_assert_uint_eq(got[len], 0xee);
        }
    }
    ck_assert_int_eq(n, 8);
    vec_close(v);
}
END_TEST

START_TEST(test_kdf_limits_hold)
{
    static uint8_t out[HKDF_SHA256_MAX + 1];
    ck_ok(kdf_tor("k", 1, out, KDF_TOR_MAX));
    ck_err(kdf_tor("k", 1, out, KDF_TOR_MAX + 1), ERR_ARG);
    ck_ok(hkdf_sha256("s", 1, "k", 1, "i", 1, out, HKDF_SHA256_MAX));
    ck_err(hkdf_sha256("s", 1, "k", 1, "i", 1, out, HKDF_SHA256_MAX + 1), ERR_ARG);
}
END_TEST

START_TEST(test_kdf_hkdf_is_extract_then_expand)
{
    uint8_t prk[SHA256_LEN], a[77], b[77];
    hmac_sha256("salt", 4, "secret", 6, prk);
    ck_ok(hkdf_sha256_expand(prk, "info", 4, a, sizeof a));
    ck_ok(hkdf_sha256("salt", 4, "secret", 6, "info", 4, b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

START_TEST(test_kdf_shake_prefixes_the_tweak_with_its_length)
{
    static const char joined[] = "\0\0\0\0\0\0\0\5tweaksecret";
    uint8_t a[300], b[300];
    ck_ok(shake256(joined, sizeof joined - 1, a, sizeof a));
    ck_ok(kdf_shake256("secret", 6, "tweak", 5, b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
    ck_ok(kdf_shake256("tsecret", 7, "weak", 4, b, sizeof b));
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

TESTS("crypto/kdf", test_kdf_published_vectors_at_every_length, test_kdf_limits_hold,
      test_kdf_hkdf_is_extract_then_expand, test_kdf_shake_prefixes_the_tweak_with_its_length)
