/* RSA keys from a table instead of a generator: rsa_key_generate_from() is wrapped by the linker.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/rsa_key.h"
#include "sim/sim.h"

enum { KEYS_IDENTITIES = 24, KEY_DER_MAX = 700 };

static const char *const table[] = {
#include "sim/keys.inc"
};

enum { KEYS = sizeof table / sizeof table[0] };

static struct {
    size_t next; /* key for whoever wants one */
    struct identity identity[KEYS_IDENTITIES];
    size_t n;
} keys;

void keys_reset(void)
{
    keys.next = KEYS_IDENTITIES;
}

err_t __wrap_rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out);
err_t __wrap_rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out)
{
    uint8_t der[KEY_DER_MAX];
    size_t len;
    (void)env;
    (void)bits;
    if (keys.next == KEYS)
        return ERR_LIMIT;
    TRY(base64_decode(text_of(table[keys.next++]), BASE64_PADDED, der, sizeof der, &len));
    return rsa_key_from_der(der, len, out);
}

const struct identity *keys_identities(size_t n)
{
    struct rng rng = {1};
    struct env env = {.random = rng_fill, .random_arg = &rng};
    if (n > KEYS_IDENTITIES)
        return NULL;
    if (!keys.n) {
        keys.next = 0;
        for (; keys.n < KEYS_IDENTITIES; keys.n++)
            if (identity_make(&env, &keys.identity[keys.n]) != OK)
                abort();
    }
    return keys.identity;
}
