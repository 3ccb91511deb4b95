/* Consensuses and detached signatures: what the authorities sign together (dir-spec 3.4.1, 3.10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir/consensus.h"
#include "docs/docs_int.h"

enum { FP_LEN = 20, EARLY_MOST_S = 24 * 60 * 60 };

static void undersigned(struct docs_item *doc, const struct consensus_verdict *v, size_t of,
                        const char *whom)
{
    char bad[64] = "", missing[64] = "";
    if (v->bad)
        (void)snprintf(bad, sizeof bad, "; of %zu the signature is wrong", v->bad);
    if (v->missing)
        (void)snprintf(missing, sizeof missing, "; of %zu the certificate is missing", v->missing);
    docs_bad(doc, "it is signed by %zu of the %zu %s, and %zu are needed%s%s", v->good, of, whom,
             v->needed, bad, missing);
}

/* Signed by more than half of AUTHS? */
static err_t check_signers(struct docs_item *doc, const struct consensus *c,
                           const struct rsa_id *auths, size_t n, const char *whom,
                           const struct docs_trust *trust, struct docs *docs)
{
    static const struct authcert_set none;
    struct consensus_verdict v;
    err_t err =
        consensus_verify(c, auths, n, trust->certs ? trust->certs : &none, trust->now_s, &v);
    for (size_t i = 0; i < v.n_want; i++)
        TRY(docs_want_cert(docs, &v.want[i].identity, &v.want[i].signing));
    if (err != OK && doc->verdict != DOCS_BAD)
        undersigned(doc, &v, n, whom);
    return OK;
}

static err_t check_asked_signers(const struct docs_want *want, const struct docs_trust *trust,
                                 struct docs *docs, struct docs_item *doc,
                                 const struct consensus *c)
{
    struct rsa_id *ids;
    if (!want->n_keys)
        return OK;
    ids = calloc(want->n_keys, sizeof *ids);
    if (!ids)
        return ERR_NOMEM;
    for (size_t i = 0; i < want->n_keys; i++)
        memcpy(ids[i].b, want->keys[i].id, FP_LEN);
    err_t err =
        check_signers(doc, c, ids, want->n_keys, "authorities that were named", trust, docs);
    free(ids);
    return err;
}

static void check_times(const struct docs_want *want, const struct docs_trust *trust,
                        struct docs_item *doc, const struct consensus *c)
{
    char text[CONSENSUS_CLOCK_TEXT_MAX];
    /* What is no longer fresh was once the next one. */
    int64_t until_s = want->next ? c->fresh_until_s : c->valid_until_s;
    if (doc->verdict == DOCS_BAD)
        return;
    if (trust->now_s > until_s || trust->now_s < c->valid_after_s - EARLY_MOST_S)
        docs_bad(doc, "%s", consensus_clock_text(c, trust->now_s, text));
    else if (trust->now_s < c->valid_after_s && !want->next) {
        docs_unproven(doc, "%s", consensus_clock_text(c, trust->now_s, text));
        doc->verdict = DOCS_GOOD;
    }
}

/* Nobody signs what stands behind the first signature, but other programs may read it: there may be
 * nothing but signatures. What is in one that cannot be checked, too, must look like one. */
static bool only_signatures_follow(const struct docs_item *doc)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n";
    struct doc_item item;
    size_t skip = doc->digested - strlen("directory-signature ");
    struct doc_lines d = doc_over(doc->text.s + skip, doc->text.len - skip);
    while (doc_next(&d, &item)) {
        if (!doc_is(&item, "directory-signature") || !text_is(item.tag, "SIGNATURE"))
            return false;
        for (size_t i = 0; i < item.object.len; i++)
            if (!memchr(base64, item.object.s[i], sizeof base64 - 1))
                return false;
    }
    return d.err == OK;
}

static const char *why_unparsed(err_t err)
{
    switch ((int)err) {
    case ERR_TRUNCATED:
        return "it is cut short";
    case ERR_LIMIT:
        return "it is too large";
    case ERR_UNSUPPORTED:
        return "it is no consensus of version 3 in the flavor asked for";
    default:
        return "it is malformed";
    }
}

err_t docs_verify_consensus(const struct docs_want *want, const struct docs_trust *trust,
                            struct docs *docs, struct docs_item *doc)
{
    doc->verdict = DOCS_GOOD;
    enum consensus_kind kind = want->flavor == DOCS_MICRODESC ? CONSENSUS_MICRODESC : CONSENSUS_NS;
    err_t err = doc->flavor != want->flavor ? ERR_UNSUPPORTED
                : doc->parsed               ? OK
                                            : consensus_parse_kind(doc->text, kind, &doc->parsed);
    const struct consensus *c = doc->parsed;
    if (err == ERR_NOMEM)
        return err;
    if (err != OK) {
        docs_bad(doc, "%s", why_unparsed(err));
        return OK;
    }
    if (!only_signatures_follow(doc)) {
        docs_bad(doc, "there is something else behind its signatures, which nobody signed");
        return OK;
    }
    err = check_signers(doc, c, trust->auths, trust->n_auths, "authorities that are trusted", trust,
                        docs);
    if (err == OK)
        err = check_asked_signers(want, trust, docs, doc, c);
    check_times(want, trust, doc, c);
    return err;
}
