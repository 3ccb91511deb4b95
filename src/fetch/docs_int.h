/* What the files about documents share. */
#ifndef TUNIC_FETCH_DOCS_INT_H
#define TUNIC_FETCH_DOCS_INT_H

#include "crypto/rsa.h"
#include "dir/doc.h"
#include "fetch/docs.h"

/* The first item called KEYWORD before a malformed line. */
bool fetch_item(struct text doc, const char *keyword, struct doc_item *out);

/* How much of DOC is signed or hashed: up to and with the first line start KEYWORD and the
 * character AFTER behind it. 0: there is no such line. */
size_t fetch_signed_len(struct text doc, const char *keyword, char after);

/* The bytes of an object with label LABEL. */
MUST_USE err_t fetch_object(const struct doc_item *item, const char *label, void *out, size_t cap,
                            size_t *len);

/* Whether T can be shown as a nickname. */
bool fetch_is_nickname(struct text t);

/* Fill in what the document says of itself: digest, identity, name and title. */
void fetch_doc_name(struct fetch_doc *doc);

/* Sets verdict and sentence. */
PRINTF_LIKE(2, 3) void fetch_bad(struct fetch_doc *doc, const char *fmt, ...);
PRINTF_LIKE(2, 3) void fetch_unproven(struct fetch_doc *doc, const char *fmt, ...);

/* The identity keys in server descriptors, ascending by fingerprint. */
struct fetch_server {
    struct rsa_id id;
    uint8_t der[RSA_DER_MAX];
    size_t len;
};
struct fetch_servers {
    struct fetch_server *list; /* the caller frees it, also on error */
    size_t n;
};
MUST_USE err_t fetch_servers_of(struct text text, struct fetch_servers *out);
/* The identity key of relay ID, for rsa_pub_free(); its own hash vouches for it. NULL: it is not
 * there, or none that can be used. */
struct rsa_pub *fetch_servers_key(const struct fetch_servers *servers, const struct rsa_id *id);

/* One verdict each; documents of the right kind. Those that lack certificates add to DOCS->certs.
 */
void fetch_verify_server(struct fetch_doc *doc, int64_t now_s);
void fetch_verify_extra(struct fetch_doc *doc, const struct fetch_servers *servers, int64_t now_s);
void fetch_verify_micro(struct fetch_doc *doc);
void fetch_verify_bandwidth(struct fetch_doc *doc);
MUST_USE err_t fetch_verify_key_cert(struct fetch_doc *doc, const struct fetch_trust *trust);
MUST_USE err_t fetch_verify_vote(struct fetch_doc *doc, const struct fetch_trust *trust);
MUST_USE err_t fetch_verify_consensus(const struct fetch_want *want,
                                      const struct fetch_trust *trust, struct fetch_docs *docs,
                                      struct fetch_doc *doc);
MUST_USE err_t fetch_verify_signatures(const struct fetch_trust *trust, struct fetch_docs *docs,
                                       struct fetch_doc *doc);
/* Notes a certificate that was needed and is not known. */
MUST_USE err_t fetch_want_cert(struct fetch_docs *docs, const struct rsa_id *identity,
                               const struct rsa_id *signing);
bool fetch_trusts(const struct fetch_trust *trust, const struct rsa_id *auth);

#endif
