#include "circuit/fast.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

enum { KEYS_MAX = 128 };

/* tor-spec 5.2.1: "K0 = X | Y", and of what KDF-TOR makes of it the first 20 bytes are KH. */
static err_t derive(const uint8_t x[FAST_SKIN_LEN], const uint8_t y[FAST_SKIN_LEN],
                    uint8_t kh[SHA1_LEN], uint8_t *keys, size_t keys_len)
{
    uint8_t k0[2 * FAST_SKIN_LEN], k[SHA1_LEN + KEYS_MAX];
    if (keys_len > KEYS_MAX)
        return ERR_ARG;
    memcpy(k0, x, FAST_SKIN_LEN);
    memcpy(k0 + FAST_SKIN_LEN, y, FAST_SKIN_LEN);
    err_t err = kdf_tor(k0, sizeof k0, k, SHA1_LEN + keys_len);
    if (err == OK) {
        memcpy(kh, k, SHA1_LEN);
        memcpy(keys, k + SHA1_LEN, keys_len);
    }
    secret_wipe(k0, sizeof k0);
    secret_wipe(k, sizeof k);
    return err;
}

void fast_client_begin(struct env *env, struct fast_client *st, uint8_t skin[FAST_SKIN_LEN])
{
    env_random(env, st->x, sizeof st->x);
    memcpy(skin, st->x, FAST_SKIN_LEN);
}

err_t fast_client_finish(const struct fast_client *st, const uint8_t reply[FAST_REPLY_LEN],
                         uint8_t *keys, size_t keys_len)
{
    uint8_t kh[SHA1_LEN], k[KEYS_MAX];
    err_t err = derive(st->x, reply, kh, k, keys_len);
    /* tor-spec 5.1.5: the client "MUST verify" that KH is what it derives itself */
    if (err == OK && !secret_equal(kh, reply + FAST_SKIN_LEN, SHA1_LEN))
        err = ERR_CIRC_HANDSHAKE;
    if (err == OK)
        memcpy(keys, k, keys_len);
    secret_wipe(k, sizeof k);
    secret_wipe(kh, sizeof kh);
    return err;
}

err_t fast_server_reply(struct env *env, const uint8_t skin[FAST_SKIN_LEN],
                        uint8_t reply[FAST_REPLY_LEN], uint8_t *keys, size_t keys_len)
{
    env_random(env, reply, FAST_SKIN_LEN);
    return derive(skin, reply, reply + FAST_SKIN_LEN, keys, keys_len);
}
