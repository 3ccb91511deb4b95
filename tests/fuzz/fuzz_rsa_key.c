/* RSA public keys in DER, in PEM and in X.509 certificates; the first byte chooses. */
#include <stdlib.h>
#include <string.h>

#include "crypto/rsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void use(struct rsa_pub *key)
{
    static const uint8_t digest[20], sig[RSA_SIG_MAX] = {1};
    struct rsa_id id, id_again;
    struct rsa_pub *again;
    size_t len;
    const uint8_t *der = rsa_pub_der(key, &len);
    if (rsa_pub_from_der(der, len, &again) != OK || rsa_pub_bits(key) > RSA_BITS_MAX)
        abort();
    rsa_pub_id(key, &id);
    rsa_pub_id(again, &id_again);
    if (!rsa_id_equal(&id, &id_again))
        abort();
    (void)!rsa_verify_digest(key, digest, sizeof digest, sig, rsa_pub_sig_len(key));
    rsa_pub_free(again);
    rsa_pub_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rsa_pub *key;
    if (len < 1)
        return 0;
    const uint8_t *at = data + 1;
    len--;
    switch (data[0] % 4) {
    case 0:
        if (rsa_pub_from_der(at, len, &key) == OK)
            use(key);
        break;
    case 1:
        if (rsa_pub_from_pem((struct text){(const char *)at, len}, &key) == OK)
            use(key);
        break;
    case 2:
        if (rsa_pub_from_x509(at, len, &key) == OK)
            use(key);
        break;
    default:
        if (rsa_id_cert_verify(at, len, 1601143280, &key) == OK)
            use(key);
    }
    return 0;
}
