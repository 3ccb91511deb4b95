/* What the files about documents share. */
#ifndef TUNIC_DOCS_DOCS_INT_H
#define TUNIC_DOCS_DOCS_INT_H

#include "crypto/rsa.h"
#include "dir/doc.h"
#include "docs/docs.h"

/* How much of DOC is signed or hashed: up to and with the first line start KEYWORD and the
 * character AFTER behind it. 0: there is no such line. */
size_t docs_signed_len(struct text doc, const char *keyword, char after);

/* Fill in what the document says of itself: digest, identity, name and title. */
void docs_item_name(struct docs_item *doc);

/* Whether the want's keys are each of one document. */
bool docs_names_documents(const struct docs_want *want);
/* Sets what was asked for and what is answered. ERR_NOMEM */
MUST_USE err_t docs_match(const struct docs_want *want, struct docs *docs);

/* Sets verdict and sentence. */
PRINTF_LIKE(2, 3) void docs_bad(struct docs_item *doc, const char *fmt, ...);
PRINTF_LIKE(2, 3) void docs_unproven(struct docs_item *doc, const char *fmt, ...);

/* The identity keys in server descriptors, ascending by fingerprint. */
struct docs_server {
    struct rsa_id id;
    uint8_t der[RSA_DER_MAX];
    size_t len;
};
struct docs_servers {
    struct docs_server *list; /* the caller frees it, also on error */
    size_t n;
};
MUST_USE err_t docs_servers_of(struct text text, struct docs_servers *out);
/* The identity key of relay ID, for rsa_pub_free(); its own hash vouches for it. NULL: it is not
 * there, or none that can be used. */
struct rsa_pub *docs_servers_key(const struct docs_servers *servers, const struct rsa_id *id);

/* The lines of a bandwidth file, one by one. */
enum docs_bandwidth_line {
    BANDWIDTH_TIMESTAMP, /* the first one, whatever it is */
    BANDWIDTH_HEADER,
    BANDWIDTH_TERMINATOR,
    BANDWIDTH_RELAY,
};
struct docs_bandwidth {
    struct text rest;
    size_t n; /* lines taken */
    bool in_header;
};
struct docs_bandwidth docs_bandwidth_over(struct text text);
/* False at the end. */
bool docs_bandwidth_next(struct docs_bandwidth *b, struct text *line,
                         enum docs_bandwidth_line *kind);

/* One verdict each; documents of the right kind. Those that lack certificates add to DOCS->certs.
 */
void docs_verify_server(struct docs_item *doc, int64_t now_s);
void docs_verify_extra(struct docs_item *doc, const struct docs_servers *servers, int64_t now_s);
void docs_verify_micro(struct docs_item *doc);
void docs_verify_bandwidth(struct docs_item *doc);
MUST_USE err_t docs_verify_key_cert(struct docs_item *doc, const struct docs_trust *trust);
MUST_USE err_t docs_verify_vote(struct docs_item *doc, const struct docs_trust *trust);
MUST_USE err_t docs_verify_consensus(const struct docs_want *want, const struct docs_trust *trust,
                                     struct docs *docs, struct docs_item *doc);
MUST_USE err_t docs_verify_signatures(const struct docs_trust *trust, struct docs *docs,
                                      struct docs_item *doc);
/* Notes a certificate that was needed and is not known. */
MUST_USE err_t docs_want_cert(struct docs *docs, const struct rsa_id *identity,
                              const struct rsa_id *signing);
bool docs_trusts(const struct docs_trust *trust, const struct rsa_id *auth);

#endif
