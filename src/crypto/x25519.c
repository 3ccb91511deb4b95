#include "crypto/x25519.h"

#include <sodium.h>

void x25519_public(const struct x25519_secret *secret, struct x25519_pub *pub)
{
    (void)crypto_scalarmult_base(pub->b, secret->b); /* cannot fail: clamps, base point is fixed */
}

void x25519_keypair(struct env *env, struct x25519_secret *secret, struct x25519_pub *pub)
{
    env_random(env, secret->b, sizeof secret->b);
    x25519_public(secret, pub);
}

err_t x25519_dh(const struct x25519_secret *ours, const struct x25519_pub *theirs,
                uint8_t out[X25519_LEN])
{
    /* tor-spec 5.1.4: "Both parties check that none of the EXP() operations produced the point at
     * infinity"; libsodium refuses points of small order and an all-zero result. */
    if (crypto_scalarmult(out, ours->b, theirs->b) != 0) {
        sodium_memzero(out, X25519_LEN);
        return ERR_BAD_KEY;
    }
    return OK;
}
