/* Who the peer is: a CERTS cell checked against the TLS certificate and the relay we asked for. A
 * pure function (tor-spec 4.2, cert-spec). */
#ifndef TUNIC_LINK_CERTS_H
#define TUNIC_LINK_CERTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "cell/chan_link.h"
#include "link/link.h"

/* Identities the peer has proved. */
struct certs_proved {
    struct rsa_id rsa;
    struct sha256 rsa_sha256; /* of the same key */
    struct ed_id ed;
};

/* ERR_LINK_CERTS: something is missing, doubled or not rightly signed. ERR_LINK_DATES: one is
 * expired or not valid yet, or our clock is wrong. ERR_LINK_IDENTITY:
 * all is well, but it is another relay than TARGET. TEXT then says which and how, up to CAP bytes
 * with the NUL. OUT is written on OK only. */
MUST_USE err_t certs_verify(const struct chan_certs *cells, const struct sha256 *tls_cert,
                            const struct link_target *target, int64_t now_s,
                            struct certs_proved *out, char *text, size_t cap);

/* What an initiator says it is: nothing until AUTHENTICATE is signed by AUTH_KEY (tor-spec 4.4). */
struct certs_claim {
    struct certs_proved who;
    struct ed_id auth_key;
};

/* The same for an initiator's certificates, which vouch for the key of its AUTHENTICATE. */
MUST_USE err_t certs_verify_initiator(const struct chan_certs *cells, int64_t now_s,
                                      struct certs_claim *out, char *text, size_t cap);

/* Whose certificates these are, which nobody need check: our own. ERR_NOT_FOUND, ERR_MALFORMED,
 * ERR_NOMEM. */
MUST_USE err_t certs_shown(const struct chan_certs *ours, struct certs_proved *out);

#endif
