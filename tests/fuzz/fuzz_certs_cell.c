/* CERTS cells from the bytes of their body to the verdict. Nobody but the holder of the keys can
 * make one that proves an identity: a verdict of OK is right only for the seed's own. */
#include <stdlib.h>
#include <string.h>

#include "link/certs.h"

static const struct sha256 tls_cert = {{0xb4, 0xfd, 0x60, 0x6b, 0x64, 0xe4, 0xcb, 0xd4,
                                        0x66, 0xb8, 0xd7, 0x6c, 0xb1, 0x31, 0x06, 0x9b,
                                        0xae, 0x6f, 0x3a, 0xa1, 0x87, 0x88, 0x57, 0xc9,
                                        0xf6, 0x24, 0xe3, 0x1d, 0x77, 0xa7, 0x99, 0xb8}};
static const struct rsa_id rsa = {{0x2f, 0x1f, 0xb4, 0x9b, 0xb3, 0x32, 0xa9, 0xee, 0xc6, 0x17,
                                   0xe4, 0x1e, 0x91, 0x1c, 0x33, 0xfb, 0x38, 0x90, 0xae, 0xf3}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct link_target nobody;
    struct chan_certs certs;
    struct certs_proved proved;
    char text[200] = "";
    if (chan_certs_decode(rd_over(data, size), &certs) != OK)
        return 0;
    struct certs_claim claim;
    err_t as_initiator = certs_verify_initiator(&certs, 1601143280, &claim, text, sizeof text);
    if (as_initiator == OK && !rsa_id_equal(&claim.who.rsa, &rsa))
        abort();
    if (as_initiator != OK &&
        ((as_initiator != ERR_LINK_CERTS && as_initiator != ERR_LINK_DATES) || !text[0]))
        abort();
    if (certs_shown(&certs, &proved) == OK && as_initiator == OK &&
        !rsa_id_equal(&proved.rsa, &rsa))
        abort();
    text[0] = 0;
    err_t e = certs_verify(&certs, &tls_cert, &nobody, 1601143280, &proved, text, sizeof text);
    if (e == OK && !rsa_id_equal(&proved.rsa, &rsa))
        abort();
    if (e != OK && ((e != ERR_LINK_CERTS && e != ERR_LINK_DATES) || !text[0]))
        abort();
    return 0;
}
