#include "crypto/kdf.h"

#include <sodium.h>
#include <string.h>

#include "base/wr.h"
#include "crypto/hash.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

err_t kdf_tor(const void *k0, size_t k0_len, void *out, size_t out_len)
{
    struct sha1_running seeded, block;
    uint8_t digest[SHA1_LEN], *at = out;
    if (out_len > KDF_TOR_MAX)
        return ERR_ARG;
    sha1_init(&seeded);
    sha1_add(&seeded, k0, k0_len);
    for (size_t i = 0; i * SHA1_LEN < out_len; i++) {
        block = seeded;
        sha1_add(&block, &(uint8_t){(uint8_t)i}, 1);
        sha1_peek(&block, digest);
        memcpy(at + i * SHA1_LEN, digest, least(SHA1_LEN, out_len - i * SHA1_LEN));
    }
    sodium_memzero(&seeded, sizeof seeded);
    sodium_memzero(&block, sizeof block);
    sodium_memzero(digest, sizeof digest);
    return OK;
}

err_t hkdf_sha256_expand(const uint8_t prk[32], const void *info, size_t info_len, void *out,
                         size_t out_len)
{
    crypto_auth_hmacsha256_state s;
    uint8_t block[SHA256_LEN], *at = out;
    if (out_len > HKDF_SHA256_MAX)
        return ERR_ARG;
    for (size_t i = 0; i * SHA256_LEN < out_len; i++) {
        /* RFC 5869 2.3: "T(N) = HMAC-Hash(PRK, T(N-1) | info | N)", N counting from 1 */
        crypto_auth_hmacsha256_init(&s, prk, SHA256_LEN);
        if (i)
            crypto_auth_hmacsha256_update(&s, block, sizeof block);
        crypto_auth_hmacsha256_update(&s, info, info_len);
        crypto_auth_hmacsha256_update(&s, &(uint8_t){(uint8_t)(i + 1)}, 1);
        crypto_auth_hmacsha256_final(&s, block);
        memcpy(at + i * SHA256_LEN, block, least(SHA256_LEN, out_len - i * SHA256_LEN));
    }
    sodium_memzero(&s, sizeof s);
    sodium_memzero(block, sizeof block);
    return OK;
}

err_t hkdf_sha256(const void *salt, size_t salt_len, const void *secret, size_t secret_len,
                  const void *info, size_t info_len, void *out, size_t out_len)
{
    uint8_t prk[SHA256_LEN];
    hmac_sha256(salt, salt_len, secret, secret_len, prk);
    err_t e = hkdf_sha256_expand(prk, info, info_len, out, out_len);
    sodium_memzero(prk, sizeof prk);
    return e;
}

err_t kdf_shake256(const void *secret, size_t secret_len, const void *tweak, size_t tweak_len,
                   void *out, size_t out_len)
{
    uint8_t prefix[8];
    struct wr w = wr_over(prefix, sizeof prefix);
    wr_u64(&w, tweak_len);
    struct sha3 *s = sha3_new(SHA3_KIND_SHAKE256);
    sha3_add(s, prefix, sizeof prefix);
    sha3_add(s, tweak, tweak_len);
    sha3_add(s, secret, secret_len);
    err_t e = sha3_final(s, out, out_len);
    sha3_free(s);
    return e;
}
