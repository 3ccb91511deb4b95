/* What verifying comes to: a verdict with its sentence, and the certificates that it lacked. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docs/docs_int.h"

PRINTF_LIKE(3, 0)
static void say(struct docs_item *doc, enum docs_verdict verdict, const char *fmt, va_list args)
{
    doc->verdict = verdict;
    (void)vsnprintf(doc->why, sizeof doc->why, fmt, args);
}

void docs_bad(struct docs_item *doc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(doc, DOCS_BAD, fmt, args);
    va_end(args);
}

void docs_unproven(struct docs_item *doc, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(doc, DOCS_UNPROVEN, fmt, args);
    va_end(args);
}

bool docs_trusts(const struct docs_trust *trust, const struct rsa_id *auth)
{
    for (size_t i = 0; i < trust->n_auths; i++)
        if (rsa_id_equal(&trust->auths[i], auth))
            return true;
    return false;
}

err_t docs_want_cert(struct docs *docs, const struct rsa_id *identity, const struct rsa_id *signing)
{
    struct docs_key key = {.id = {0}};
    memcpy(key.id, identity->b, sizeof identity->b);
    memcpy(key.sk, signing->b, sizeof signing->b);
    for (size_t i = 0; i < docs->n_certs; i++)
        if (memcmp(&docs->certs[i], &key, sizeof key) == 0)
            return OK;
    if (docs->n_certs >= DOCS_CERTS_MAX)
        return OK;
    if (!docs->certs) {
        docs->certs = calloc(DOCS_CERTS_MAX, sizeof *docs->certs);
        if (!docs->certs)
            return ERR_NOMEM;
    }
    docs->certs[docs->n_certs++] = key;
    return OK;
}
