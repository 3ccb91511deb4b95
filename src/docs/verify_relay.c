/* Documents of relays: dir-spec 2.1, and microdescriptors, 3.3. */
#include <string.h>

#include "dir/descriptor.h"
#include "dir/microdesc.h"
#include "docs/docs_int.h"

/* What DOC says, if it is one document from its first byte to its last. */
static bool read_whole(struct docs_item *doc, struct descriptor *d,
                       err_t (*next)(struct text *, struct descriptor *))
{
    struct text rest = doc->text;
    if (next(&rest, d) != OK)
        docs_bad(doc, "its line %zu is malformed, or the document is cut short", d->n_items + 1);
    else if (rest.len)
        docs_bad(doc, "its signatures are not at the end");
    /* It was named by what stands before the first such line, which may lie in an object. */
    else if (memcmp(d->sha1, doc->digest, sizeof d->sha1) != 0)
        docs_bad(doc, "its router-signature line is not where its signed part ends");
    else
        return true;
    return false;
}

void docs_verify_server(struct docs_item *doc, int64_t now_s)
{
    char why[DESCRIPTOR_WHY_MAX];
    struct descriptor d;
    doc->verdict = DOCS_GOOD;
    if (!read_whole(doc, &d, descriptor_next))
        return;
    err_t e = descriptor_verify(&d, now_s, why);
    if (e == ERR_NOMEM)
        docs_unproven(doc, "%s", why);
    else if (e != OK)
        docs_bad(doc, "%s", why);
    doc->ed = d.ed;
}

void docs_verify_extra(struct docs_item *doc, const struct docs_servers *servers, int64_t now_s)
{
    char why[DESCRIPTOR_WHY_MAX];
    struct descriptor d;
    doc->verdict = DOCS_GOOD;
    if (!read_whole(doc, &d, descriptor_next_extra))
        return;
    struct rsa_pub *key = docs_servers_key(servers, &d.rsa);
    doc->ed = d.ed;
    err_t e = descriptor_verify_extra(&d, key, now_s, why);
    if (e == ERR_NOMEM)
        docs_unproven(doc, "%s", why);
    else if (e != OK)
        docs_bad(doc, "%s", why);
    else if (!key)
        docs_unproven(doc, "its Ed25519 signature verifies; its RSA signature, and whether that "
                           "Ed25519 key is the relay's, could not be checked without the "
                           "relay's server descriptor");
    rsa_pub_free(key);
}

void docs_verify_micro(struct docs_item *doc)
{
    struct microdesc md;
    struct text rest = doc->text;
    doc->verdict = DOCS_GOOD;
    if (microdesc_next(&rest, &md) != OK || rest.len)
        docs_bad(doc, "it is malformed");
    else if (!md.has_ntor)
        docs_bad(doc, "its ntor-onion-key line is missing");
}
