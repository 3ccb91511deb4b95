/* Ed25519 certificates: whatever parses is checked, made anew, and must come out the same. */
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ed_cert cert, again;
    struct ed_secret signer;
    uint8_t bytes[256], seed[ED25519_SEED_LEN] = {1};
    if (ed_cert_parse(data, len, &cert) != OK)
        return 0;
    if (cert.signed_bytes != data || cert.signed_len + ED25519_SIG_LEN != len)
        abort();
    (void)!ed_cert_verify(&cert, NULL, 1600000000);
    ed25519_from_seed(seed, &signer);
    struct wr w = wr_over(bytes, sizeof bytes);
    if (ed_cert_make(&cert, &signer, &w) != OK || ed_cert_parse(bytes, w.len, &again) != OK)
        abort();
    if (again.type != cert.type || again.key_type != cert.key_type ||
        again.expires_h != cert.expires_h || memcmp(again.key, cert.key, sizeof cert.key) != 0 ||
        ed_cert_check_signature(&again, &signer.pub) != OK)
        abort();
    return 0;
}
