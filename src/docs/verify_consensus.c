/* Consensuses and detached signatures: what the authorities sign together (dir-spec 3.4.1, 3.10).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consensus.h"
#include "docs/docs_int.h"

enum { FP_LEN = 20, R_ARGS = 8, EARLY_MOST_S = 24 * 60 * 60 };

/* ---- the ns flavor, as far as its signatures and dates go ---- */

enum {
    SEEN_STATUS = 1,
    SEEN_AFTER = 2,
    SEEN_FRESH = 4,
    SEEN_UNTIL = 8,
    SEEN_FOOTER = 16,
    SEEN = 31
};

static err_t take_time(const struct doc_item *item, int64_t *out)
{
    struct text a[2];
    return doc_args(item, a, 2) ? doc_time(a[0], a[1], out) : ERR_MALFORMED;
}

/* dir-spec 3.4.1: what is signed goes up to the first "directory-signature" "and the space after
 * directory-signature". */
static void hash_signed(const struct doc_item *item, const struct docs_item *doc,
                        struct consensus *c)
{
    size_t len = (size_t)(item->args.s - doc->text.s);
    sha1(doc->text.s, len, c->sha1);
    if (len == doc->digested && doc->digest_len == sizeof c->sha256)
        memcpy(c->sha256, doc->digest, sizeof c->sha256); /* of the same bytes */
    else
        sha256(doc->text.s, len, c->sha256);
}

static err_t take_once(unsigned *seen, unsigned bit, err_t err)
{
    if (*seen & bit)
        return ERR_MALFORMED;
    *seen |= bit;
    return err;
}

/* Whatever is signed; not the signatures. */
static err_t take_item(const struct doc_item *item, struct consensus *c, unsigned *seen)
{
    struct text a[R_ARGS];
    if (item->keyword.len == 1) /* most lines are of relays */
        return item->keyword.s[0] != 'r' || doc_args(item, a, R_ARGS) ? OK : ERR_MALFORMED;
    if (doc_is(item, "vote-status"))
        return take_once(seen, SEEN_STATUS,
                         doc_args(item, a, 1) && text_is(a[0], "consensus") ? OK : ERR_UNSUPPORTED);
    if (doc_is(item, "valid-after"))
        return take_once(seen, SEEN_AFTER, take_time(item, &c->valid_after_s));
    if (doc_is(item, "fresh-until"))
        return take_once(seen, SEEN_FRESH, take_time(item, &c->fresh_until_s));
    if (doc_is(item, "valid-until"))
        return take_once(seen, SEEN_UNTIL, take_time(item, &c->valid_until_s));
    if (doc_is(item, "directory-footer"))
        return take_once(seen, SEEN_FOOTER, OK);
    if (doc_is(item, "dir-source"))
        return consensus_take_authority(c, item);
    return OK;
}

static err_t parse_ns_into(const struct docs_item *doc, struct consensus *c)
{
    struct doc_lines d = doc_over(doc->text.s, doc->text.len);
    struct doc_item item;
    struct text a[2];
    unsigned seen = 0;
    bool signatures = false;
    if (!doc_next(&d, &item) || !doc_is(&item, "network-status-version") ||
        !doc_args(&item, a, 1) || !text_is(a[0], "3"))
        return ERR_MALFORMED;
    if (doc_args(&item, a, 2) && !text_is(a[1], "ns"))
        return ERR_UNSUPPORTED;
    while (doc_next(&d, &item)) {
        if (doc_is(&item, "directory-signature")) {
            if (!signatures)
                hash_signed(&item, doc, c);
            signatures = true;
            TRY(consensus_take_signature(c, &item));
        } else if (!signatures) {
            TRY(take_item(&item, c, &seen));
        }
    }
    if (d.err != OK)
        return d.err;
    if (!signatures)
        return ERR_TRUNCATED;
    return seen == SEEN && c->valid_after_s <= c->fresh_until_s &&
                   c->fresh_until_s <= c->valid_until_s
               ? OK
               : ERR_MALFORMED;
}

/* Enough of it for consensus_verify(). */
static err_t parse_ns(const struct docs_item *doc, struct consensus **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_NOMEM;
    err_t err = parse_ns_into(doc, *out);
    if (err != OK)
        consensus_free(out);
    return err;
}

/* ---- the verdict ---- */

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
    err_t err = doc->flavor != want->flavor      ? ERR_UNSUPPORTED
                : doc->parsed                    ? OK
                : want->flavor == DOCS_MICRODESC ? consensus_parse(doc->text, &doc->parsed)
                                                 : parse_ns(doc, &doc->parsed);
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
