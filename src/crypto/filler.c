#include "crypto/filler.h"

#include <sodium.h>
#include <string.h>

#include "crypto/secret.h"

/* The stream of each key is used once, so that its nonce may be zero. */
static void refill(struct filler *f)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t made[FILLER_KEY_LEN + FILLER_BLOCK_LEN];
    _Static_assert(FILLER_KEY_LEN == crypto_stream_chacha20_KEYBYTES, "a key is a key");
    if (!f->is_seeded)
        crypto_random(NULL, f->key, sizeof f->key);
    f->is_seeded = true;
    crypto_stream_chacha20(made, sizeof made, nonce, f->key);
    memcpy(f->key, made, sizeof f->key);
    memcpy(f->block, made + sizeof f->key, sizeof f->block);
    f->left = sizeof f->block;
    secret_wipe(made, sizeof made);
}

void filler_take(void *filler, void *out, size_t len)
{
    struct filler *f = filler;
    uint8_t *to = out;
    while (len) {
        if (!f->left)
            refill(f);
        size_t n = len < f->left ? len : f->left;
        uint8_t *from = f->block + sizeof f->block - f->left;
        memcpy(to, from, n);
        secret_wipe(from, n);
        f->left -= n;
        to += n;
        len -= n;
    }
}
