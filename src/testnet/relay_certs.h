/* Relay certs: the CERTS cell of a relay (tor-spec 4.2, cert-spec): its RSA identity, its Ed25519
 * signing key, the TLS certificate of its links, and the proof that both identities are one. */
#ifndef TUNIC_TESTNET_RELAY_CERTS_H
#define TUNIC_TESTNET_RELAY_CERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "cell/chan_link.h"
#include "dirdoc/identity.h"

enum { RELAY_CERTS_STORAGE = 2048 };

struct relay_certs {
    struct chan_certs list; /* views into storage: not to be moved */
    uint8_t storage[RELAY_CERTS_STORAGE];
};

/* How they are spoilt, for relays that cheat. */
enum relay_certs_lie {
    RELAY_CERTS_HONEST,
    RELAY_CERTS_EXPIRED,
    RELAY_CERTS_WRONG_TLS,
    RELAY_CERTS_OTHER_ED, /* all in order, but for another Ed25519 identity */
    /* One is not there, or there twice. */
    RELAY_CERTS_NO_RSA_ID,
    RELAY_CERTS_NO_SIGNING,
    RELAY_CERTS_NO_LINK,
    RELAY_CERTS_NO_CROSS,
    RELAY_CERTS_TWO_LINKS,
    /* The RSA identity. */
    RELAY_CERTS_RSA_BITS, /* the key has 1536 bits */
    RELAY_CERTS_RSA_EXPIRED,
    RELAY_CERTS_RSA_SIGNATURE,
    /* The others. */
    RELAY_CERTS_SIGNING_NO_KEY, /* the identity key is not in it */
    RELAY_CERTS_SIGNING_SIGNATURE,
    RELAY_CERTS_LINK_KEY_TYPE, /* the TLS certificate passes for an Ed25519 key */
    RELAY_CERTS_LINK_EXPIRED,
    RELAY_CERTS_LINK_SIGNATURE,
    RELAY_CERTS_CROSS_EXPIRED,
    RELAY_CERTS_CROSS_SIGNATURE,
    RELAY_CERTS_CROSS_OTHER /* it is about another Ed25519 identity */
};

/* ERR_CRYPTO, ERR_NOMEM. */
MUST_USE err_t relay_certs_make(const struct identity *id, const struct sha256 *tls_cert,
                                int64_t now_s, enum relay_certs_lie lie, struct relay_certs *out);

#endif
