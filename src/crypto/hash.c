/* OpenSSL 3 deprecates its low-level hash calls in favour of EVP. They are used here on purpose: a
 * SHA_CTX is plain memory, so that a running digest copies by assignment and a cell is digested
 * without an allocation, a lock or a look-up by name; EVP_MD_CTX_copy() allocates each time, and on
 * the cell path that was a good part of C tor's time. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/hash.h"
#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(SHA_CTX) <= sizeof(struct sha1_running), "room for OpenSSL's state");
_Static_assert(_Alignof(SHA_CTX) <= _Alignof(struct sha1_running), "aligned for OpenSSL");
_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256_running), "room for OpenSSL's state");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256_running), "aligned for OpenSSL");

static SHA_CTX *sha1_state(struct sha1_running *s)
{
    return (SHA_CTX *)(void *)s->opaque;
}

static SHA256_CTX *sha256_state(struct sha256_running *s)
{
    return (SHA256_CTX *)(void *)s->opaque;
}

void sha1_init(struct sha1_running *s)
{
    SHA1_Init(sha1_state(s));
}

void sha1_add(struct sha1_running *s, const void *bytes, size_t len)
{
    SHA1_Update(sha1_state(s), bytes, len);
}

void sha1_peek(const struct sha1_running *s, uint8_t out[SHA1_LEN])
{
    struct sha1_running copy = *s;
    SHA1_Final(out, sha1_state(&copy)); /* wipes what was in the copy */
    OPENSSL_cleanse(&copy, sizeof copy);
}

void sha1(const void *bytes, size_t len, uint8_t out[SHA1_LEN])
{
    struct sha1_running s;
    sha1_init(&s);
    sha1_add(&s, bytes, len);
    sha1_peek(&s, out);
    OPENSSL_cleanse(&s, sizeof s);
}

void sha256_init(struct sha256_running *s)
{
    SHA256_Init(sha256_state(s));
}

void sha256_add(struct sha256_running *s, const void *bytes, size_t len)
{
    SHA256_Update(sha256_state(s), bytes, len);
}

void sha256_peek(const struct sha256_running *s, uint8_t out[SHA256_LEN])
{
    struct sha256_running copy = *s;
    SHA256_Final(out, sha256_state(&copy));
    OPENSSL_cleanse(&copy, sizeof copy);
}

void sha256(const void *bytes, size_t len, uint8_t out[SHA256_LEN])
{
    struct sha256_running s;
    sha256_init(&s);
    sha256_add(&s, bytes, len);
    sha256_peek(&s, out);
    OPENSSL_cleanse(&s, sizeof s);
}

/* libsodium's, because it takes keys of any length without an allocation or a look-up. */
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t out[SHA256_LEN])
{
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, key, key_len);
    crypto_auth_hmacsha256_update(&s, bytes, len);
    crypto_auth_hmacsha256_final(&s, out);
    sodium_memzero(&s, sizeof s);
}
