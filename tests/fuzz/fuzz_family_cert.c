/* Families' certificates: any bytes as the certificate of a descriptor. What is read as one is of
 * the right type, names a family as its bytes do, and proves nothing of a relay that it is not
 * about. */
#include <stdlib.h>
#include <string.h>

#include "crypto/cert.h"
#include "crypto/encode.h"
#include "dir/descriptor.h"
#include "dir/familyid.h"
#include "dirdoc/docw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct ed_id *family, const uint8_t *data, size_t size)
{
    char id[FAMILY_ID_TEXT_MAX];
    struct ed_cert cert;
    if (ed_cert_parse(data, size, &cert) != OK || cert.type != CERT_FAMILY_V_IDENTITY ||
        !cert.has_signer || !ed_id_equal(&cert.signer, family))
        abort();
    if (strlen(family_id_text(family, id)) != strlen("ed25519:") + 43)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct docw w = {0};
    struct descriptor d;
    struct ed_id family;
    char why[DESCRIPTOR_WHY_MAX];
    docw_add(&w, TEXT_LIT("router a 192.0.2.1 1 0 0\nfamily-cert\n"));
    docw_object(&w, "FAMILY CERT", data, size);
    struct text rest = docw_text(&w);
    if (descriptor_next(&rest, &d) != OK || rest.len)
        abort();
    struct doc_lines at = doc_over(d.body.s, d.body.len);
    bool read = descriptor_family_next(&at, &family);
    if (read == !!(d.malformed & DESCRIPTOR_BIT(DESCRIPTOR_FAMILY_CERT)))
        abort();
    if (read)
        look(&family, data, size);
    if (descriptor_verify(&d, 0, why) == OK)
        abort();
    docw_free(&w);
    return 0;
}
