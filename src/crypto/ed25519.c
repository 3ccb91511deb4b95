#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

err_t ed25519_verify(const struct ed_id *pub, const void *bytes, size_t len,
                     const uint8_t sig[ED25519_SIG_LEN])
{
    return crypto_sign_verify_detached(sig, bytes, len, pub->b) == 0 ? OK : ERR_BAD_SIGNATURE;
}

static void clamp(uint8_t scalar[32])
{
    scalar[0] &= 248;
    scalar[31] &= 127;
    scalar[31] |= 64;
}

static void hash_to_scalar(crypto_hash_sha512_state *s, uint8_t scalar[32])
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_final(s, digest);
    crypto_core_ed25519_scalar_reduce(scalar, digest);
    sodium_memzero(digest, sizeof digest);
    sodium_memzero(s, sizeof *s);
}

/* The point of a scalar that is never 0 modulo the order of the group (clamped, or hashed). */
static void base_times(const uint8_t scalar[32], uint8_t point[32])
{
    if (crypto_scalarmult_ed25519_base_noclamp(point, scalar) != 0)
        memset(point, 0, 32); /* would verify with no key */
}

void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN], struct ed_secret *out)
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(digest, seed, ED25519_SEED_LEN);
    memcpy(out->scalar, digest, 32);
    memcpy(out->prefix, digest + 32, 32);
    sodium_memzero(digest, sizeof digest);
    clamp(out->scalar);
    base_times(out->scalar, out->pub.b);
}

void ed25519_from_expanded(const uint8_t expanded[ED25519_EXPANDED_LEN], struct ed_secret *out)
{
    memcpy(out->scalar, expanded, sizeof out->scalar);
    memcpy(out->prefix, expanded + sizeof out->scalar, sizeof out->prefix);
    clamp(out->scalar);
    base_times(out->scalar, out->pub.b);
}

void ed25519_keypair(struct env *env, struct ed_secret *out)
{
    uint8_t seed[ED25519_SEED_LEN];
    env_random(env, seed, sizeof seed);
    ed25519_from_seed(seed, out);
    sodium_memzero(seed, sizeof seed);
}

/* RFC 8032 5.1.6, from the expanded key. libsodium's own signing call starts from a seed, which
 * converted keys (and the blinded keys of onion services) do not have. */
void ed25519_sign(const struct ed_secret *secret, const void *bytes, size_t len,
                  uint8_t sig[ED25519_SIG_LEN])
{
    crypto_hash_sha512_state s;
    uint8_t nonce[32], challenge[32];

    crypto_hash_sha512_init(&s);
    crypto_hash_sha512_update(&s, secret->prefix, sizeof secret->prefix);
    crypto_hash_sha512_update(&s, bytes, len);
    hash_to_scalar(&s, nonce);
    base_times(nonce, sig);

    crypto_hash_sha512_init(&s);
    crypto_hash_sha512_update(&s, sig, 32);
    crypto_hash_sha512_update(&s, secret->pub.b, sizeof secret->pub.b);
    crypto_hash_sha512_update(&s, bytes, len);
    hash_to_scalar(&s, challenge);

    crypto_core_ed25519_scalar_mul(challenge, challenge, secret->scalar);
    crypto_core_ed25519_scalar_add(sig + 32, challenge, nonce);
    sodium_memzero(nonce, sizeof nonce);
    sodium_memzero(challenge, sizeof challenge);
}

err_t ed25519_secret_from_x25519(const struct x25519_secret *x, struct ed_secret *out,
                                 unsigned *sign_bit)
{
    /* The scalar is the same on both curves; the prefix is tor's choice, its closing NUL counts. */
    static const char tweak[] = "Derive high part of ed25519 key from curve25519 key";
    crypto_hash_sha512_state s;
    uint8_t digest[crypto_hash_sha512_BYTES];

    memcpy(out->scalar, x->b, sizeof out->scalar);
    clamp(out->scalar);
    crypto_hash_sha512_init(&s);
    crypto_hash_sha512_update(&s, out->scalar, sizeof out->scalar);
    crypto_hash_sha512_update(&s, (const uint8_t *)tweak, sizeof tweak);
    crypto_hash_sha512_final(&s, digest);
    memcpy(out->prefix, digest, sizeof out->prefix);
    sodium_memzero(digest, sizeof digest);
    sodium_memzero(&s, sizeof s);
    base_times(out->scalar, out->pub.b);
    *sign_bit = out->pub.b[31] >> 7;
    return OK;
}
