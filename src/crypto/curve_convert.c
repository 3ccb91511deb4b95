/* Public keys from one form of Curve25519 to the other. libsodium goes from Edwards to Montgomery
 * only; the way back is one division modulo 2^255 - 19, done with OpenSSL's big numbers. Everything
 * here is public, so time may depend on it. */
#include "crypto/ed25519.h"
#include "crypto/openssl.h"

#include <openssl/bn.h>
#include <sodium.h>

err_t x25519_from_ed25519(const struct ed_id *ed, struct x25519_pub *out)
{
    return crypto_sign_ed25519_pk_to_curve25519(out->b, ed->b) == 0 ? OK : ERR_BAD_KEY;
}

/* Y = (u - 1) / (u + 1) mod P, on the way from U; ERR_BAD_KEY for u = -1 */
static err_t montgomery_to_edwards(BIGNUM *u, BIGNUM *y, BIGNUM *p, BN_CTX *ctx)
{
    if (!BN_one(p) || !BN_lshift(p, p, 255) || !BN_sub_word(p, 19) || !BN_nnmod(u, u, p, ctx) ||
        !BN_mod_sub(y, u, BN_value_one(), p, ctx) || !BN_add_word(u, 1))
        return ERR_NOMEM;
    if (!BN_mod_inverse(u, u, p, ctx))
        return ERR_BAD_KEY;
    return BN_mod_mul(y, y, u, p, ctx) ? OK : ERR_NOMEM;
}

err_t ed25519_from_x25519(const struct x25519_pub *x, unsigned sign_bit, struct ed_id *out)
{
    struct x25519_pub masked = *x;
    masked.b[31] &= 127; /* RFC 7748 5: "MUST mask the most significant bit in the final byte" */
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *u = BN_lebin2bn(masked.b, sizeof masked.b, NULL), *y = BN_new(), *p = BN_new();
    err_t e = ctx && u && y && p ? montgomery_to_edwards(u, y, p, ctx) : ERR_NOMEM;
    if (e == OK && BN_bn2lebinpad(y, out->b, sizeof out->b) < 0)
        e = ERR_CRYPTO;
    BN_free(p);
    BN_free(y);
    BN_free(u);
    BN_CTX_free(ctx);
    ERR_clear_error(); /* what is left in the queue would look like an error of a TLS connection */
    if (e != OK)
        return e;
    out->b[31] |= (uint8_t)((sign_bit & 1) << 7);
    return crypto_core_ed25519_is_valid_point(out->b) ? OK : ERR_BAD_KEY;
}
