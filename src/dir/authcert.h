/* Key certificates of directory authorities (dir-spec 3.1) and a set of them.
 *
 * A certificate says that an authority's long-term identity key (its SHA-1 is the "v3ident")
 * vouches for a medium-term signing key until a date. authcert_parse() yields only certificates
 * whose fingerprint, cross-certification and certification all verify; whether the identity is one
 * of the configured authorities, and whether it has expired, the users check. */
#ifndef TUNIC_DIR_AUTHCERT_H
#define TUNIC_DIR_AUTHCERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"

struct authcert;

/* Parses the certificate at the start of *REST and takes it off, also when it is bad, so that the
 * next one can be tried; ERR_NOT_FOUND if *REST is empty. ERR_MALFORMED, ERR_BAD_KEY,
 * ERR_BAD_SIGNATURE, ERR_NOMEM. *OUT is the caller's. */
MUST_USE err_t authcert_parse(struct text *rest, struct authcert **out);
void authcert_free(struct authcert **cert);

const struct rsa_id *authcert_identity(const struct authcert *c); /* the v3ident */
const struct rsa_id *authcert_signing(const struct authcert *c);  /* SHA-1 of the signing key */
int64_t authcert_published_s(const struct authcert *c);
int64_t authcert_expires_s(const struct authcert *c);
struct text authcert_text(const struct authcert *c); /* the exact bytes */

/* Whether SIG is the signing key's signature of DIGEST (20 or 32 bytes). */
MUST_USE err_t authcert_check(const struct authcert *c, const uint8_t *digest, size_t digest_len,
                              const uint8_t *sig, size_t sig_len);

/* The set owns its certificates; at most AUTHCERT_SET_MAX of them. */
enum { AUTHCERT_SET_MAX = 256, AUTHCERT_TEXT_MAX = 16384 };

struct authcert_set {
    struct authcert **certs;
    size_t n;
};

void authcert_set_init(struct authcert_set *set);
void authcert_set_clear(struct authcert_set *set);
/* The set takes over GIFT_CERT, also on error (then it is freed). A second certificate for the same
 * (identity, signing key) replaces the first if it was published later. */
MUST_USE err_t authcert_set_add(struct authcert_set *set, struct authcert *gift_cert);
const struct authcert *authcert_set_find(const struct authcert_set *set,
                                         const struct rsa_id *identity,
                                         const struct rsa_id *signing);
/* Drops those that expired before NOW_S; returns how many. */
size_t authcert_set_expire(struct authcert_set *set, int64_t now_s);

#endif
