#include "crypto/safecookie.h"

#include <string.h>

#include "support/test.h"

/* control-spec 3.24: HMAC-SHA256 over cookie, client's and server's nonce. */
START_TEST(test_safecookie_is_over_cookie_and_both_nonces)
{
    static const char text[] = "Tor safe cookie authentication server-to-controller hash";
    const uint8_t cookie[SAFECOOKIE_LEN] = "0123456789abcdef0123456789abcde",
                  nonce[SAFECOOKIE_NONCE_LEN] = {1, 2, 3};
    struct safecookie hashes;
    uint8_t all[SAFECOOKIE_LEN + 5 + SAFECOOKIE_NONCE_LEN], want[SHA256_LEN];
    memcpy(all, cookie, SAFECOOKIE_LEN);
    memcpy(all + SAFECOOKIE_LEN, "hello", 5);
    memcpy(all + SAFECOOKIE_LEN + 5, nonce, SAFECOOKIE_NONCE_LEN);
    hmac_sha256(text, sizeof text - 1, all, sizeof all, want);
    ck_ok(safecookie(cookie, "hello", 5, nonce, &hashes));
    ck_assert_mem_eq(hashes.server, want, sizeof want);
    ck_assert_mem_ne(hashes.client, want, sizeof want);
    ck_ok(safecookie(cookie, "", 0, nonce, &hashes));
    ck_assert_mem_ne(hashes.server, want, sizeof want);
}
END_TEST

TESTS("crypto/safecookie", test_safecookie_is_over_cookie_and_both_nonces)
