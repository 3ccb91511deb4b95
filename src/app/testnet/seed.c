#include "app/testnet/seed.h"

#include <stdio.h>
#include <string.h>

#include "crypto/aes.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

static void seeded_random(void *arg, void *out, size_t len)
{
    struct testnet_seed *s = arg;
    memset(out, 0, len);
    if (aes_ctr_xor(s->stream, out, len) != OK)
        crypto_random(NULL, out, len);
}

err_t testnet_seed_use(struct testnet_seed *s, struct env *env)
{
    uint8_t key[SHA256_LEN];
    char text[64];
    int n = snprintf(text, sizeof text, "tunic testnet seed %llu", (unsigned long long)s->value);
    sha256(text, (size_t)n, key);
    s->stream = aes_ctr_new(key, 256, NULL);
    if (!s->stream)
        return ERR_NOMEM;
    env->random = seeded_random;
    env->random_arg = s;
    return OK;
}

void testnet_seed_leave(struct env *env)
{
    env->random = crypto_random;
    env->random_arg = NULL;
}

void testnet_seed_end(struct testnet_seed *s)
{
    aes_ctr_free(s->stream);
    s->stream = NULL;
}
