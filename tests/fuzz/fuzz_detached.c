/* Detached signatures, believed of one authority whose certificate there is: what is good was
 * signed by it, and nothing is without a verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/docs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CERT "tests/fuzz/corpus/fuzz_authcert/authcert1.txt"

static struct authcert_set certs;
static struct rsa_id identity;

static void read_cert(void)
{
    static char text[AUTHCERT_TEXT_MAX];
    struct authcert *cert;
    FILE *in = fopen(CERT, "rb");
    if (!in)
        abort();
    struct text rest = {text, fread(text, 1, sizeof text, in)};
    fclose(in);
    if (authcert_parse(&rest, &cert) != OK)
        abort();
    identity = *authcert_identity(cert);
    if (authcert_set_add(&certs, cert) != OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct docs_want want;
    struct docs docs;
    char why[DOCS_WHY_MAX];
    struct text text = {(const char *)data, size};
    if (!certs.n)
        read_cert();
    struct docs_trust trust = {
        .auths = &identity, .n_auths = 1, .certs = &certs, .consensus = text};
    if (docs_want_parse("consensus-signatures", &want, why) != OK)
        abort();
    if (docs_split(&want, text, &docs) == OK) {
        if (docs_verify(&want, &trust, &docs) != OK || docs.n > 1)
            abort();
        if (docs.n && (docs.list[0].verdict == DOCS_UNJUDGED || !docs.list[0].why[0] ||
                       docs.list[0].verdict == DOCS_GOOD))
            abort(); /* whose key is in the certificate is not here */
    }
    docs_free(&docs);
    docs_want_clear(&want);
    return 0;
}
