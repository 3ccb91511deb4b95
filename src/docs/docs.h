/* Documents in an answer: split, named, verified.
 *
 * docs_split() finds them, docs_verify() judges each by itself, and
 * docs_missing() tells what was asked for and is not there. All texts are views into the
 * answer, which outlives the list. */
#ifndef TUNIC_DOCS_DOCS_H
#define TUNIC_DOCS_DOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/authcert.h"
#include "docs/want.h"

struct consensus;

enum docs_verdict {
    DOCS_UNJUDGED,
    DOCS_GOOD,
    DOCS_BAD,
    DOCS_UNPROVEN, /* in good form, but nothing proves that it is genuine */
};

enum { DOCS_NAME_MAX = 88, DOCS_TITLE_MAX = 96 };

struct docs_item {
    enum docs_kind kind;
    enum docs_flavor flavor; /* of a consensus: the document's own */
    struct text text;        /* exact bytes, without annotations before it */
    struct text annotations; /* the "@" lines before it, or empty */
    /* Digest by which the document is known: SHA-1 of a server or extra-info descriptor and of a
     * vote (20 bytes); SHA-256 of a microdescriptor, of what is signed of a consensus, of the whole
     * of the others (32). */
    uint8_t digest[32];
    uint8_t digest_len;
    size_t digested;  /* bytes of text that it is of */
    bool has_id;      /* the document says whose it is: */
    struct rsa_id id; /* relay, or authority's v3 identity */
    struct rsa_id sk; /* of a key certificate or vote: the signing key */
    struct ed_id ed;  /* of a server or extra-info descriptor that is not BAD */
    /* Its natural file name, in [0-9a-f.-] and letters: the digest in hex; "IDENTITY-SIGNINGKEY" of
     * a key certificate. */
    char name[DOCS_NAME_MAX];
    /* "server descriptor of moria1 (9695DFC3...)", for messages */
    char title[DOCS_TITLE_MAX];

    bool asked_for; /* by its key, if the want has keys of documents */
    enum docs_verdict verdict;
    /* A sentence without a full stop: what is wrong (DOCS_BAD), what could not be checked
     * (DOCS_UNPROVEN; may be set for DOCS_GOOD too); "" if there is nothing to say. */
    char why[DOCS_WHY_MAX];

    /* The consensus, once it was parsed: verifying again, with more certificates, does not parse
     * and hash it again. */
    struct consensus *parsed;
};

struct docs {
    struct docs_item *list;
    size_t n;
    bool *answered; /* of each of the want's keys; NULL: none is */
    /* Certificates that verifying lacked; with them it may come to another verdict. */
    struct docs_key *certs; /* .id: identity (20 bytes), .sk: signing key */
    size_t n_certs;
};

enum { DOCS_MAX = 262144, DOCS_CERTS_MAX = 256 };

/* TEXT is all that was answered to the requests of WANT, one body behind the other. What fits no
 * document is one of its own, which verifying will find bad; so OK for any text, but ERR_NOMEM and
 * ERR_LIMIT. OUT is the caller's, for docs_free(). */
MUST_USE err_t docs_split(const struct docs_want *want, struct text text, struct docs *out);
void docs_free(struct docs *docs); /* the zero one is fine */

/* What is believed. Nothing is owned. */
struct docs_trust {
    const struct rsa_id *auths; /* v3 identities of the authorities */
    size_t n_auths;
    const struct authcert_set *certs; /* their certificates, as far as known; may be NULL */
    int64_t now_s;
    /* Server descriptors: they hold the keys that sign extra-info documents. May be empty. */
    struct text servers;
    /* For detached signatures: the consensus they are of, ns or microdesc. May be empty. */
    struct text consensus;
    /* Who was asked, as far as that server has proved it: ".../authority" is its own document. Each
     * may be NULL. */
    const struct rsa_id *server;
    const struct ed_id *server_ed;
    const struct rsa_id *server_v3; /* an authority's */
};

/* Gives each document its verdict, and sets DOCS->certs.
 *   consensus       flavor; signed by more than half of TRUST's authorities, and of those WANT
 *                   names; nothing but signatures behind the first; bad once past its valid-until,
 *                   or more than a day before its valid-after (a little early: good, and told); the
 *                   next one: bad once past its fresh-until
 *   vote            one of TRUST's authorities; its certificate, which must not be expired; signed
 *                   by it; dates; asked for
 *   signatures      the form; each by a certificate of TRUST's authorities over the digest stated;
 *                   TRUST's consensus, if it has one, has such a digest
 *   keys            self-consistent, of TRUST's authorities, asked for; one that expired is good,
 *                   and told
 *   server          RSA and Ed25519 signatures, certificates and cross-certificates; digest or
 *                   fingerprint asked for
 *                   (those by "authority": of the very server that was asked)
 *   extra           Ed25519 signature and certificate; RSA signature if TRUST has its relay's
 * server descriptor, else unproven unless its digest was asked for; asked for micro           form,
 * and the digest asked for bandwidth       the form: it's never proven ERR_NOMEM. */
MUST_USE err_t docs_verify(const struct docs_want *want, const struct docs_trust *trust,
                           struct docs *docs);

/* Calls MISSING for each of WANT's keys that no document of DOCS answers (bad ones answer too),
 * with its index and text ("fp/..." as in the word); returns how many. MISSING may be NULL. */
size_t docs_missing(const struct docs_want *want, const struct docs *docs,
                    void (*missing)(void *arg, size_t key, const char *text), void *arg);

/* "@type server-descriptor 1.0\n" and the like, which CollecTor puts before a document and stem
 * reads; "" for DOCS_OTHER. Static storage. */
const char *docs_item_type_line(const struct docs_item *doc);

#endif
