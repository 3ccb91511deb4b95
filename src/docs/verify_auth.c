/* Votes and key certificates: what one authority signs (dir-spec 3.1, 3.4.1). */
#include <string.h>

#include "crypto/hash.h"
#include "dir/consensus.h"
#include "dir/sigline.h"
#include "docs/docs_int.h"

enum { EARLY_MOST_S = 24 * 60 * 60 };

/* Why authcert_parse() said ERR, as a sentence about CERT ("it", "its certificate"). */
static void bad_cert(struct docs_item *doc, const char *cert, err_t err)
{
    if (err == ERR_BAD_SIGNATURE)
        docs_bad(doc, "%s: a signature in it does not verify", cert);
    else if (err == ERR_BAD_KEY)
        docs_bad(doc, "%s: its fingerprint is not that of its identity key, or a key is unfit",
                 cert);
    else if (err == ERR_UNSUPPORTED)
        docs_bad(doc, "%s: its version is not 3", cert);
    else
        docs_bad(doc, "%s: it is malformed or cut short", cert);
}

static void note_expiry(struct docs_item *doc, const struct authcert *cert, int64_t now_s)
{
    char date[DOC_TIME_TEXT_MAX];
    if (authcert_expires_s(cert) >= now_s)
        return;
    docs_unproven(doc, "it expired at %s UTC", doc_time_text(authcert_expires_s(cert), date));
    doc->verdict = DOCS_GOOD; /* genuine all the same: authorities give out old ones too */
}

err_t docs_verify_key_cert(struct docs_item *doc, const struct docs_trust *trust)
{
    struct text rest = doc->text;
    struct authcert *cert = NULL;
    err_t err = authcert_parse(&rest, &cert);
    if (err == ERR_NOMEM)
        return err;
    if (err == OK && rest.len)
        err = ERR_MALFORMED;
    doc->verdict = DOCS_GOOD;
    if (err != OK)
        bad_cert(doc, "the certificate", err);
    else if (!docs_trusts(trust, authcert_identity(cert)))
        docs_bad(doc, "it belongs to none of the authorities that are trusted");
    else
        note_expiry(doc, cert, trust->now_s);
    authcert_free(&cert);
    return OK;
}

/* ---- votes ---- */

/* The certificate inside: from its first line to its last item. */
static struct text inner_cert(struct text vote)
{
    struct doc_lines d = doc_over(vote.s, vote.len);
    struct doc_item item;
    const char *begin = NULL;
    while (doc_next(&d, &item)) {
        if (doc_is(&item, "dir-key-certificate-version") && !begin)
            begin = item.begin;
        if (doc_is(&item, "dir-key-certification") && begin)
            return (struct text){begin, (size_t)(item.end - begin)};
    }
    return (struct text){NULL, 0};
}

/* The one signature, which ends the document. */
static bool find_signature(struct text vote, struct doc_item *out)
{
    struct doc_lines d = doc_over(vote.s, vote.len);
    struct doc_item item;
    bool found = false;
    while (doc_next(&d, &item)) {
        if (found)
            return false;
        found = doc_is(&item, "directory-signature");
        *out = item;
    }
    return found && d.err == OK;
}

static void check_signature(struct docs_item *doc, const struct authcert *cert,
                            const struct doc_item *item)
{
    struct sigline line;
    const struct consensus_sig *sig = &line.sig;
    uint8_t digest[SHA256_LEN];
    size_t len = (size_t)(item->args.s - doc->text.s);
    if (sigline_parse(item, &line) != OK || !line.known) {
        docs_bad(doc, "its directory-signature line is malformed");
        return;
    }
    if (!rsa_id_equal(&sig->identity, authcert_identity(cert)) ||
        !rsa_id_equal(&sig->signing, authcert_signing(cert))) {
        docs_bad(doc, "it is signed by another key than its certificate has");
        return;
    }
    if (sig->sha256)
        sha256(doc->text.s, len, digest);
    else
        sha1(doc->text.s, len, digest);
    if (authcert_check(cert, digest, sig->sha256 ? SHA256_LEN : SHA1_LEN, sig->sig, sig->len) != OK)
        docs_bad(doc, "its signature does not verify");
}

/* An old one is as genuine as it was; who asks for a vote means that of the period. */
static void check_dates(struct docs_item *doc, const struct consensus *vote, int64_t now_s)
{
    char after[DOC_TIME_TEXT_MAX], until[DOC_TIME_TEXT_MAX], now[DOC_TIME_TEXT_MAX];
    if (now_s > vote->valid_until_s || now_s < vote->valid_after_s - EARLY_MOST_S)
        docs_bad(doc, "it is about the time from %s to %s UTC, our clock says %s UTC",
                 doc_time_text(vote->valid_after_s, after),
                 doc_time_text(vote->valid_until_s, until), doc_time_text(now_s, now));
}

static void check_vote(struct docs_item *doc, const struct docs_trust *trust,
                       const struct consensus *vote, const struct authcert *cert)
{
    struct doc_item item;
    char date[DOC_TIME_TEXT_MAX];
    if (!find_signature(doc->text, &item))
        docs_bad(doc, "it has no single directory-signature at its end: it is malformed or cut "
                      "short");
    else if (!rsa_id_equal(&vote->auths[0], authcert_identity(cert)))
        docs_bad(doc, "its dir-source line names another identity than its certificate has");
    else if (!docs_trusts(trust, &vote->auths[0]))
        docs_bad(doc, "it belongs to none of the authorities that are trusted");
    else if (authcert_expires_s(cert) < trust->now_s)
        docs_bad(doc, "its certificate expired at %s UTC",
                 doc_time_text(authcert_expires_s(cert), date));
    else
        check_signature(doc, cert, &item);
    if (doc->verdict == DOCS_GOOD)
        check_dates(doc, vote, trust->now_s);
}

/* Its certificate, and what it vouches for. */
static err_t check_signed_vote(struct docs_item *doc, const struct docs_trust *trust,
                               const struct consensus *vote)
{
    struct authcert *cert = NULL;
    struct text text = inner_cert(doc->text);
    err_t err = text.len ? authcert_parse(&text, &cert) : ERR_MALFORMED;
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        bad_cert(doc, "its certificate", err);
    else
        check_vote(doc, trust, vote, cert);
    authcert_free(&cert);
    return OK;
}

err_t docs_verify_vote(struct docs_item *doc, const struct docs_trust *trust)
{
    struct consensus *vote;
    doc->verdict = DOCS_GOOD;
    err_t err = consensus_parse_kind(doc->text, CONSENSUS_VOTE, &vote);
    if (err == ERR_NOMEM)
        return err;
    if (err == OK)
        err = check_signed_vote(doc, trust, vote);
    else if (err == ERR_UNSUPPORTED)
        docs_bad(doc, "it is no vote of version 3");
    else
        docs_bad(doc, "it is malformed or cut short");
    consensus_free(&vote);
    return err == ERR_NOMEM ? err : OK;
}
