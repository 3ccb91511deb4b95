/* Identity: what the initiator of links needs to prove that it is a certain relay (tor-spec 4.4):
 * certificates of types 2, 4, 6 and 7, and the key of the one of type 6. Responders need not know
 * such a relay otherwise: it may be one that only measures others. */
#ifndef TUNIC_LINK_IDENTITY_H
#define TUNIC_LINK_IDENTITY_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "cell/chan_link.h"
#include "crypto/ed25519.h"
#include "crypto/rsa_key.h"

enum {
    LINK_IDENTITY_STORAGE = 1536,
    LINK_IDENTITY_RSA_DER = 700,           /* of a key of RSA_ID_BITS, and room */
    LINK_IDENTITY_LIFE_S = 30 * 24 * 3600, /* of the certificates */
    LINK_IDENTITY_RENEW_S = 24 * 3600      /* when it is time for new ones */
};

/* Not to be moved. */
struct link_identity {
    struct rsa_id rsa;
    struct sha256 rsa_sha256;
    struct ed_id ed;
    struct ed_secret auth;   /* which signs AUTHENTICATE */
    struct ed_secret ed_key; /* both identity keys, for link_identity_renew() */
    uint8_t rsa_der[LINK_IDENTITY_RSA_DER];
    size_t rsa_der_len;
    int64_t made_s;
    struct chan_certs certs; /* views into storage */
    uint8_t storage[LINK_IDENTITY_STORAGE];
};

/* Makes all of it of the two identity keys: RSA has RSA_ID_BITS bits; the keys between come from
 * ENV's random source. May be done again in place, also while links have the identity. ERR_BAD_KEY,
 * ERR_CRYPTO, ERR_NOMEM: OUT is as it was. */
MUST_USE err_t link_identity_make(struct env *env, const struct rsa_key *rsa,
                                  const struct ed_secret *ed, struct link_identity *out);
/* The same of the keys it was made of, if that was LINK_IDENTITY_RENEW_S ago, or the clock was set
 * back: for who has it for long, in each wake-up in which it opens links, or once a day. */
MUST_USE err_t link_identity_renew(struct env *env, struct link_identity *id);
/* TO is another's, of another thread perhaps, who renews it by itself. */
void link_identity_copy(const struct link_identity *from, struct link_identity *to);
void link_identity_wipe(struct link_identity *id);

#endif
