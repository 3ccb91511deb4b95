/* The body of an AUTHENTICATE cell of type 3, Ed25519-SHA256-RFC5705 (tor-spec 4.4.2): by which the
 * initiator of a link proves that it is a certain relay, to this responder and on this TLS session
 * alone. Pure functions. */
#ifndef TUNIC_LINK_AUTH_H
#define TUNIC_LINK_AUTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "crypto/ed25519.h"

enum {
    AUTH_RAND_LEN = 24,
    AUTH_SIGNED_LEN = 8 + 8 * 32 + AUTH_RAND_LEN, /* all but the signature */
    AUTH_LEN = AUTH_SIGNED_LEN + ED25519_SIG_LEN,
    AUTH_SECRETS_LEN = 32
};

/* Of tlssecrets' exporter. Its context is CID: tor-spec has "the initiator's Ed25519 identity key"
 * there, C tor and Arti the digest of its RSA key. */
#define AUTH_EXPORT_LABEL "EXPORTER FOR TOR TLS CLIENT BINDING AUTH0003"

/* What both sides know by then, under the specification's names: C is the initiator, S the
 * responder. */
struct auth_facts {
    struct sha256 cid, sid;      /* of the RSA identity keys */
    struct ed_id cid_ed, sid_ed; /* Ed25519 identities */
    struct sha256 slog, clog;    /* what each has sent */
    struct sha256 scert;         /* of the responder's TLS certificate */
    uint8_t tlssecrets[AUTH_SECRETS_LEN];
};

/* KEY is that of the certificate of type 6. */
void auth_make(const struct auth_facts *facts, struct env *env, const struct ed_secret *key,
               uint8_t out[AUTH_LEN]);

/* ERR_TRUNCATED, ERR_MALFORMED (a field is not as it must be), ERR_BAD_SIGNATURE. */
MUST_USE err_t auth_verify(const struct auth_facts *facts, const struct ed_id *key,
                           const void *auth, size_t len);

#endif
