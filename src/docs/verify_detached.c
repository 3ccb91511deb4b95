/* Detached signatures (dir-spec 3.10). */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/hash.h"
#include "dir/consensus.h"
#include "dir/sigline.h"
#include "docs/docs_int.h"

enum { DIGESTS_MAX = 16, SIGNERS_MAX = 64, SIGNATURES_MAX = CONSENSUS_SIGS_MAX };

/* A digest that the document states of a flavor of the next consensus. */
struct stated {
    struct text flavor;
    bool is_sha256;
    uint8_t digest[32];
    struct rsa_id signers[SIGNERS_MAX]; /* authorities whose signatures verify */
    size_t n_signers;
};

struct detached {
    struct stated stated[DIGESTS_MAX];
    size_t n;
    int64_t valid_after_s, fresh_until_s;
    bool has_dates;
    size_t n_signatures; /* of which are: */
    size_t good, bad, lacking, strangers, unknown;
};

static size_t digest_len(bool is_sha256)
{
    return is_sha256 ? SHA256_LEN : SHA1_LEN;
}

static err_t add_digest(struct detached *s, struct text flavor, struct text algorithm,
                        struct text hex)
{
    bool is_sha256 = text_is(algorithm, "sha256");
    if (!is_sha256 && !text_is(algorithm, "sha1"))
        return OK;
    if (s->n >= DIGESTS_MAX)
        return ERR_LIMIT;
    struct stated *d = &s->stated[s->n++];
    *d = (struct stated){.flavor = flavor, .is_sha256 = is_sha256};
    return hex_decode_exact(hex, d->digest, digest_len(is_sha256));
}

static struct stated *find_digest(struct detached *s, struct text flavor, bool is_sha256)
{
    for (size_t i = 0; i < s->n; i++)
        if (text_equal(s->stated[i].flavor, flavor) && s->stated[i].is_sha256 == is_sha256)
            return &s->stated[i];
    return NULL;
}

/* One who signs twice has signed once. */
static err_t add_signer(struct detached *s, struct stated *d, const struct rsa_id *id)
{
    for (size_t i = 0; i < d->n_signers; i++)
        if (rsa_id_equal(&d->signers[i], id))
            return OK;
    if (d->n_signers >= SIGNERS_MAX)
        return ERR_LIMIT;
    d->signers[d->n_signers++] = *id;
    s->good++;
    return OK;
}

static err_t check_one(const struct doc_item *item, struct detached *s,
                       const struct docs_trust *trust, struct docs *docs)
{
    struct sigline line;
    if (++s->n_signatures > SIGNATURES_MAX)
        return ERR_LIMIT;
    TRY(sigline_parse(item, &line));
    struct text flavor = line.flavor.len ? line.flavor : TEXT_LIT("ns");
    struct stated *d = line.known ? find_digest(s, flavor, line.sig.sha256) : NULL;
    if (!line.known) {
        s->unknown++;
        return OK;
    }
    if (!d) /* dir-spec 3.10: digests come before signatures */
        return ERR_MALFORMED;
    if (!docs_trusts(trust, &line.sig.identity)) {
        s->strangers++;
        return OK;
    }
    const struct authcert *cert =
        trust->certs ? authcert_set_find(trust->certs, &line.sig.identity, &line.sig.signing)
                     : NULL;
    if (!cert || authcert_expires_s(cert) < trust->now_s) {
        s->lacking++;
        return docs_want_cert(docs, &line.sig.identity, &line.sig.signing);
    }
    bool ok = authcert_check(cert, d->digest, digest_len(line.sig.sha256), line.sig.sig,
                             line.sig.len) == OK;
    s->bad += !ok;
    return ok ? add_signer(s, d, &line.sig.identity) : OK;
}

static err_t take_item(const struct doc_item *item, struct detached *s,
                       const struct docs_trust *trust, struct docs *docs)
{
    struct text a[3];
    if (doc_is(item, "consensus-digest"))
        return doc_args(item, a, 1) ? add_digest(s, TEXT_LIT("ns"), TEXT_LIT("sha1"), a[0])
                                    : ERR_MALFORMED;
    if (doc_is(item, "additional-digest"))
        return doc_args(item, a, 3) ? add_digest(s, a[0], a[1], a[2]) : ERR_MALFORMED;
    if (doc_is(item, "directory-signature") || doc_is(item, "additional-signature"))
        return check_one(item, s, trust, docs);
    if (doc_is(item, "fresh-until"))
        return doc_args(item, a, 2) ? doc_time(a[0], a[1], &s->fresh_until_s) : ERR_MALFORMED;
    if (!doc_is(item, "valid-after"))
        return OK;
    s->has_dates = true;
    return doc_args(item, a, 2) ? doc_time(a[0], a[1], &s->valid_after_s) : ERR_MALFORMED;
}

static err_t read_all(struct text text, struct detached *s, const struct docs_trust *trust,
                      struct docs *docs)
{
    struct doc_lines d = doc_over(text.s, text.len);
    struct doc_item item;
    /* dir-spec 3.10: consensus-digest comes "at start, exactly once". */
    if (!doc_peek(&d, &item) || !doc_is(&item, "consensus-digest"))
        return ERR_MALFORMED;
    while (doc_next(&d, &item))
        TRY(take_item(&item, s, trust, docs));
    return d.err != OK ? d.err : s->has_dates ? OK : ERR_MALFORMED;
}

/* Whoever made the document wrote its digests; what makes one true is a signature over it. */
static bool has_unsigned_digest(const struct detached *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->stated[i].n_signers)
            return true;
    return false;
}

/* Whether the consensus we know has a digest that is stated; false: another one, or none at all. */
static bool is_of_consensus(const struct detached *s, struct text consensus)
{
    uint8_t digest[32];
    size_t len = docs_signed_len(consensus, "directory-signature", ' ');
    for (size_t i = 0; len && i < s->n; i++) {
        if (s->stated[i].is_sha256)
            sha256(consensus.s, len, digest);
        else
            sha1(consensus.s, len, digest);
        if (memcmp(digest, s->stated[i].digest, digest_len(s->stated[i].is_sha256)) == 0)
            return true;
    }
    return false;
}

static void judge(struct docs_item *doc, const struct detached *s, const struct docs_trust *trust)
{
    char rest[128] = "", until[DOC_TIME_TEXT_MAX], now[DOC_TIME_TEXT_MAX];
    if (s->lacking || s->strangers || s->unknown)
        (void)snprintf(rest, sizeof rest,
                       "; %zu could not be checked for want of a certificate, %zu are of unknown "
                       "authorities or algorithms",
                       s->lacking, s->strangers + s->unknown);
    if (s->bad)
        docs_bad(doc, "%zu of its signatures do not verify", s->bad);
    else if (s->fresh_until_s && trust->now_s > s->fresh_until_s)
        docs_bad(doc, "it is of a consensus that was fresh until %s UTC, our clock says %s UTC",
                 doc_time_text(s->fresh_until_s, until), doc_time_text(trust->now_s, now));
    else if (trust->consensus.len && !is_of_consensus(s, trust->consensus))
        docs_bad(doc, "it signs another consensus than the one that is known");
    else if (!s->good)
        docs_unproven(doc, "none of its signatures could be checked%s", rest);
    else if (has_unsigned_digest(s) && !s->lacking)
        docs_bad(doc, "it states a digest that no authority signs which is trusted");
    else if (has_unsigned_digest(s))
        docs_unproven(doc, "of a digest that it states no signature could be checked%s", rest);
    else if (!trust->consensus.len || rest[0]) {
        docs_unproven(doc, "%zu signatures verify over the digests that it states%s%s", s->good,
                      trust->consensus.len ? "" : ", the consensus itself was not looked at", rest);
        doc->verdict = DOCS_GOOD;
    }
}

err_t docs_verify_signatures(const struct docs_trust *trust, struct docs *docs,
                             struct docs_item *doc)
{
    struct detached s = {.n = 0};
    doc->verdict = DOCS_GOOD;
    err_t err = read_all(doc->text, &s, trust, docs);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        docs_bad(doc, "it is malformed or cut short");
    else
        judge(doc, &s, trust);
    return OK;
}
