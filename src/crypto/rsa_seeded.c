/* RSA keys from the environment's random source, so that a seed repeats a test network. */
#include "crypto/rsa_key.h"

#include "crypto/openssl.h"
#include "crypto/rsa_int.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { RSA_E = 65537 };

/* One half of a key: a prime, and what the Chinese remainder theorem wants of it. */
struct half {
    BIGNUM *prime, *minus_1, *exponent; /* exponent: d mod (prime - 1) */
};

struct numbers {
    BN_CTX *ctx;
    struct half p, q;
    BIGNUM *e, *n, *phi, *d, *coefficient;
};

/* Whether E is invertible: gcd(E, prime - 1) = 1, and E is prime. */
static bool fits_e(const struct half *h)
{
    return BN_mod_word(h->minus_1, RSA_E) != 0;
}

/* The next prime from a random start: a random odd number with its two top bits set, so that the
 * product of two has all its bits, and upwards from there. */
static bool find_prime(struct env *env, struct numbers *k, unsigned bits, struct half *out)
{
    uint8_t start[RSA_BITS_MAX / 16];
    size_t len = bits / 8;
    env_random(env, start, len);
    start[0] |= 0xc0;
    start[len - 1] |= 1;
    bool good = BN_bin2bn(start, (int)len, out->prime) != NULL;
    while (good) {
        int prime = BN_check_prime(out->prime, k->ctx, NULL);
        good = prime >= 0 && BN_copy(out->minus_1, out->prime) && BN_sub_word(out->minus_1, 1);
        if (prime == 1 && good && fits_e(out))
            break;
        good = good && BN_add_word(out->prime, 2);
    }
    OPENSSL_cleanse(start, sizeof start);
    return good;
}

static bool compute(struct numbers *k)
{
    return BN_set_word(k->e, RSA_E) && BN_mul(k->n, k->p.prime, k->q.prime, k->ctx) &&
           BN_mul(k->phi, k->p.minus_1, k->q.minus_1, k->ctx) &&
           BN_mod_inverse(k->d, k->e, k->phi, k->ctx) &&
           BN_mod(k->p.exponent, k->d, k->p.minus_1, k->ctx) &&
           BN_mod(k->q.exponent, k->d, k->q.minus_1, k->ctx) &&
           BN_mod_inverse(k->coefficient, k->q.prime, k->p.prime, k->ctx);
}

static OSSL_PARAM *params_of(const struct numbers *k)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (b && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, k->n) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, k->e) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, k->d) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR1, k->p.prime) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR2, k->q.prime) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT1, k->p.exponent) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT2, k->q.exponent) &&
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->coefficient))
        params = OSSL_PARAM_BLD_to_param(b);
    OSSL_PARAM_BLD_free(b);
    return params;
}

static EVP_PKEY *pkey_of(const struct numbers *k)
{
    OSSL_PARAM *params = params_of(k);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *generate(struct env *env, unsigned bits)
{
    struct numbers k = {.ctx = BN_CTX_new()};
    BIGNUM **all[] = {&k.p.prime,   &k.p.minus_1,  &k.p.exponent, &k.q.prime,
                      &k.q.minus_1, &k.q.exponent, &k.e,          &k.n,
                      &k.phi,       &k.d,          &k.coefficient};
    EVP_PKEY *pkey = NULL;
    bool good = k.ctx != NULL;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        good = (*all[i] = BN_new()) && good;
    if (good && find_prime(env, &k, bits / 2, &k.p) && find_prime(env, &k, bits / 2, &k.q) &&
        compute(&k))
        pkey = pkey_of(&k);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        BN_clear_free(*all[i]);
    BN_CTX_free(k.ctx);
    return pkey;
}

err_t rsa_key_generate_from(struct env *env, unsigned bits, struct rsa_key **out)
{
    if (bits < RSA_ID_BITS || bits > RSA_BITS_MAX || bits % 16)
        return ERR_ARG;
    EVP_PKEY *pkey = generate(env, bits);
    return pkey ? rsa_key_from_pkey(pkey, out) : rsa_done(ERR_CRYPTO);
}
