#include "crypto/s2k.h"

#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

/* RFC 2440 3.6.1.3: #define EXPBIAS 6; count = (16 + (c & 15)) << ((c >> 4) + EXPBIAS) */
static size_t count_of(uint8_t coded)
{
    return (size_t)(16 + (coded & 15)) << ((coded >> 4) + 6);
}

/* "Then the salt, followed by the passphrase data is repeatedly hashed until the number of octets
 * specified by the octet count has been hashed." */
void s2k(const void *secret, size_t len, const uint8_t specifier[S2K_SPECIFIER_LEN],
         uint8_t out[SHA1_LEN])
{
    struct sha1_running hash;
    size_t left = count_of(specifier[S2K_SALT_LEN]);
    sha1_init(&hash);
    while (left > 0) {
        size_t salt = left < S2K_SALT_LEN ? left : S2K_SALT_LEN;
        size_t rest = left - salt < len ? left - salt : len;
        sha1_add(&hash, specifier, salt);
        sha1_add(&hash, secret, rest);
        left -= salt + rest;
    }
    sha1_peek(&hash, out);
    secret_wipe(&hash, sizeof hash);
}

err_t s2k_decode(struct text in, uint8_t out[S2K_LEN])
{
    if (!text_starts(in, "16:"))
        return base64_decode_exact(in, BASE64_EITHER, out, S2K_LEN);
    return hex_decode_exact((struct text){in.s + 3, in.len - 3}, out, S2K_LEN);
}

char *s2k_encode(const void *secret, size_t len, const uint8_t specifier[S2K_SPECIFIER_LEN],
                 char out[S2K_TEXT_SIZE])
{
    uint8_t hashed[S2K_LEN];
    memcpy(hashed, specifier, S2K_SPECIFIER_LEN);
    s2k(secret, len, specifier, hashed + S2K_SPECIFIER_LEN);
    memcpy(out, "16:", 3);
    hex_upper(hashed, sizeof hashed, out + 3);
    return out;
}

bool s2k_matches(const uint8_t hashed[S2K_LEN], const void *secret, size_t len)
{
    uint8_t made[SHA1_LEN];
    s2k(secret, len, hashed, made);
    bool same = secret_equal(made, hashed + S2K_SPECIFIER_LEN, sizeof made);
    secret_wipe(made, sizeof made);
    return same;
}
