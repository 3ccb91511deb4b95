#include "dir/sigline.h"

#include "crypto/encode.h"

/* Splits the arguments; what stands before identity and signing key may be left out. */
static bool split(const struct doc_item *item, struct sigline *s, struct text ids[2])
{
    struct text a[4];
    s->algorithm = TEXT_LIT("sha1");
    if (doc_is(item, "additional-signature")) {
        if (!doc_args(item, a, 4))
            return false;
        s->flavor = a[0];
        s->algorithm = a[1];
        ids[0] = a[2];
        ids[1] = a[3];
        return true;
    }
    bool named = doc_args(item, a, 3);
    if (!named && !doc_args(item, a, 2))
        return false;
    if (named)
        s->algorithm = a[0];
    ids[0] = a[named ? 1 : 0];
    ids[1] = a[named ? 2 : 1];
    return true;
}

err_t sigline_parse(const struct doc_item *item, struct sigline *out)
{
    struct text ids[2];
    struct consensus_sig *sig = &out->sig;
    size_t len;
    *out = (struct sigline){.known = false};
    if (!split(item, out, ids))
        return ERR_MALFORMED;
    sig->sha256 = text_is(out->algorithm, "sha256");
    out->known = sig->sha256 || text_is(out->algorithm, "sha1");
    if (!out->known)
        return OK;
    TRY(hex_decode_exact(ids[0], sig->identity.b, sizeof sig->identity.b));
    TRY(hex_decode_exact(ids[1], sig->signing.b, sizeof sig->signing.b));
    TRY(doc_object(item, "SIGNATURE", sig->sig, sizeof sig->sig, &len));
    sig->len = (uint16_t)len;
    return OK;
}
