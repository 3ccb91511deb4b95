#include "crypto/uiv.h"

#include <string.h>

#include "crypto/secret.h"
#include "crypto/uiv_int.h"

enum {
    X_R_LEN = UIV_LEN - UIV_TAG_LEN,
    TWEAK_LEN = 512,                        /* H | AD | X_R, and zeros */
    KEY_LEN = AES128_KEY_LEN + POLYVAL_LEN, /* J's, and S's */
    T1_AT = 31,                             /* blocks that t = 0 may take */
};

static void xor_block(uint8_t *block, const uint8_t *with)
{
    for (size_t i = 0; i < UIV_TAG_LEN; i++)
        block[i] ^= with[i];
}

static void mask_of(const struct uiv *u, const uint8_t *H, uint8_t AD, const uint8_t *X_R,
                    uint8_t mask[POLYVAL_LEN])
{
    uint8_t tweak[TWEAK_LEN];
    memcpy(tweak, H, UIV_TAG_LEN);
    tweak[UIV_TAG_LEN] = AD;
    memcpy(tweak + UIV_TAG_LEN + 1, X_R, X_R_LEN);
    memset(tweak + UIV_TAG_LEN + 1 + X_R_LEN, 0, sizeof tweak - UIV_TAG_LEN - 1 - X_R_LEN);
    memset(mask, 0, POLYVAL_LEN);
    u->polyval->add(&u->Ku, mask, tweak, sizeof tweak);
}

err_t uiv_et(struct uiv *u, const uint8_t H[UIV_TAG_LEN], uint8_t AD, uint8_t body[UIV_LEN])
{
    uint8_t mask[POLYVAL_LEN];
    mask_of(u, H, AD, body + UIV_TAG_LEN, mask);
    xor_block(body, mask);
    err_t err = u->Kb.kind->block(&u->Kb, body);
    xor_block(body, mask);
    secret_wipe(mask, sizeof mask);
    return err;
}

err_t uiv_prf(struct uiv *u, const uint8_t input[UIV_TAG_LEN], unsigned t, uint8_t *bytes,
              size_t len)
{
    uint8_t iv[AES128_BLOCK_LEN];
    memcpy(iv, input, sizeof iv);
    u->polyval->dot(iv, u->B);
    iv[15] = (uint8_t)((iv[15] & 0xc0) + t * T1_AT);
    err_t err = u->K.kind->stream(&u->K, iv, bytes, len);
    secret_wipe(iv, sizeof iv);
    return err;
}

err_t uiv_apply(struct uiv *u, const uint8_t H[UIV_TAG_LEN], uint8_t AD, uint8_t body[UIV_LEN])
{
    uint8_t *X_R = body + UIV_TAG_LEN;
    if (u->Kb.use == AES128_DECRYPT)
        TRY(uiv_prf(u, body, 0, X_R, X_R_LEN));
    TRY(uiv_et(u, H, AD, body));
    if (u->Kb.use == AES128_ENCRYPT)
        TRY(uiv_prf(u, body, 0, X_R, X_R_LEN));
    return OK;
}

static err_t rekey(struct uiv *u, const uint8_t keys[UIV_KEYS_LEN])
{
    const uint8_t *J = keys, *S = keys + KEY_LEN;
    TRY(u->Kb.kind->rekey(&u->Kb, J));
    u->polyval->init(&u->Ku, J + AES128_KEY_LEN);
    TRY(u->K.kind->rekey(&u->K, S));
    memcpy(u->B, S + AES128_KEY_LEN, sizeof u->B);
    return OK;
}

err_t uiv_update(struct uiv *u, uint8_t N[UIV_TAG_LEN])
{
    uint8_t next[UIV_NEXT_LEN] = {0};
    err_t err = uiv_prf(u, N, 1, next, sizeof next);
    if (err == OK)
        err = rekey(u, next);
    memcpy(N, next + UIV_KEYS_LEN, UIV_TAG_LEN);
    secret_wipe(next, sizeof next);
    return err;
}

static err_t init(struct uiv *u, enum uiv_use use, const struct aes128_kind *aes,
                  const uint8_t keys[UIV_KEYS_LEN])
{
    err_t err = aes128_init(&u->Kb, aes, use == UIV_ENCRYPT ? AES128_ENCRYPT : AES128_DECRYPT);
    if (err == OK)
        err = aes128_init(&u->K, aes, AES128_STREAM);
    if (err == OK)
        err = rekey(u, keys);
    if (err != OK)
        uiv_free(u);
    return err;
}

err_t uiv_init_portable(struct uiv *u, enum uiv_use use, const uint8_t keys[UIV_KEYS_LEN])
{
    *u = (struct uiv){.polyval = &polyval_portable};
    return init(u, use, &aes128_openssl, keys);
}

err_t uiv_init(struct uiv *u, enum uiv_use use, const uint8_t keys[UIV_KEYS_LEN])
{
    const struct aes128_kind *aes = aes128_fastest();
    *u = (struct uiv){.polyval = polyval_fastest()};
    return aes && u->polyval ? init(u, use, aes, keys) : uiv_init_portable(u, use, keys);
}

void uiv_free(struct uiv *u)
{
    aes128_free(&u->Kb);
    aes128_free(&u->K);
    secret_wipe(u, sizeof *u);
}
