/* RSA -> Ed25519 cross-certificates: fields must be where the bytes are. */
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rsa_crosscert cert;
    if (rsa_crosscert_parse(data, len, &cert) != OK)
        return 0;
    if (memcmp(cert.ed.b, data, sizeof cert.ed.b) != 0 || cert.sig + cert.sig_len != data + len ||
        cert.sig_len != data[36])
        abort();
    return 0;
}
