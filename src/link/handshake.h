/* The link handshake (tor-spec 4) of an initiator: VERSIONS both ways, the peer's CERTS,
 * AUTH_CHALLENGE (ignored by a client) and NETINFO, our NETINFO; one that proves a relay's identity
 * answers AUTH_CHALLENGE by its own CERTS and AUTHENTICATE before its NETINFO. And of a responder:
 * the initiator's VERSIONS, our VERSIONS, CERTS, AUTH_CHALLENGE and NETINFO, the initiator's
 * NETINFO (and before it, if it likes, its CERTS and AUTHENTICATE, which then have to be good).
 *
 * Cells in, cells out; no TLS, no queue, no callback. The stages are those of link/rules.h, and a
 * cell comes here only if the rules say so. What a stage proves is written when it is left: VERSION
 * after VERSIONS, PROVED after CERTS. */
#ifndef TUNIC_LINK_HANDSHAKE_H
#define TUNIC_LINK_HANDSHAKE_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"
#include "base/wr.h"
#include "cell/chan.h"
#include "cell/chan_link.h"
#include "crypto/hash.h"
#include "link/certs.h"
#include "link/link.h"
#include "link/rules.h"

enum {
    HANDSHAKE_CELLS_MAX = 2 * CHAN_CELL_MAX, /* what one call of an initiator appends at most, */
    HANDSHAKE_PROOF_MAX = 4096,              /* and of one that proves an identity */
    HANDSHAKE_SERVER_CELLS_MAX = 16 * 1024,  /* what one call of a responder appends at most */
    HANDSHAKE_TEXT_MAX = 200
};

/* What an identity is proved with, or its proof checked. */
struct handshake_binding {
    const struct link_identity *identity; /* an initiator's; borrowed */
    /* Keying material of the TLS session (RFC 5705) under LABEL and CONTEXT, 32 bytes. */
    err_t (*export)(void *arg, const char *label, const struct sha256 *context, uint8_t *out);
    void *arg;
};

struct handshake_auth {
    bool on;
    struct handshake_binding binding;
    struct sha256_running sent, got; /* all bytes so far, but AUTHENTICATE and what is behind it */
    struct certs_claim claim;        /* a responder's, from CERTS on */
};

struct handshake {
    enum link_stage stage;
    unsigned version;           /* 3 to 5, from STAGE_UNVERIFIED on */
    struct certs_proved proved; /* from STAGE_VERIFIED on */
    int64_t skew_s;             /* our clock minus the peer's, from STAGE_OPEN on */
    uint64_t started_us;
    struct sha256 tls_cert;
    bool got_certs, got_authenticate; /* a responder's: what the initiator has sent */
    struct handshake_auth auth;
    char text[HANDSHAKE_TEXT_MAX]; /* why it failed */
};

/* Appends our VERSIONS to OUT. BINDING is NULL for a client, who proves nothing. */
MUST_USE err_t handshake_start(struct handshake *hs, const struct env *env,
                               const struct sha256 *tls_cert,
                               const struct handshake_binding *binding, struct wr *out);

/* A cell that link_rule() gives to the handshake. Appends our answer to OUT, which has room for
 * HANDSHAKE_CELLS_MAX or HANDSHAKE_PROOF_MAX. Errors are of class LINK, hs->text says more, and the
 * stage stays. */
MUST_USE err_t handshake_cell(struct handshake *hs, struct env *env,
                              const struct link_target *target, const struct chan_frame *cell,
                              struct wr *out);

/* LEN bytes at BYTES came, a whole cell, told before handshake_cell() or handshake_server_cell().
 */
void handshake_heard(struct handshake *hs, uint8_t cmd, const void *bytes, size_t len);

/* A responder's: waits for VERSIONS. TLS_CERT is its own; BINDING NULL: nobody can prove anything.
 */
void handshake_server_start(struct handshake *hs, const struct env *env,
                            const struct sha256 *tls_cert, const struct handshake_binding *binding);
/* As handshake_cell(); OUT has room for HANDSHAKE_SERVER_CELLS_MAX. */
MUST_USE err_t handshake_server_cell(struct handshake *hs, struct env *env,
                                     const struct link_server *server, const struct ip *peer,
                                     const struct chan_frame *cell, struct wr *out);

/* What proves an identity: handshake_auth.c. BINDING NULL: all of this is off. */
void handshake_auth_start(struct handshake_auth *a, const struct handshake_binding *binding);
void handshake_auth_sent(struct handshake_auth *a, const void *bytes, size_t len);
void handshake_auth_got(struct handshake_auth *a, const void *bytes, size_t len);
/* An initiator's: appends CERTS and AUTHENTICATE. */
MUST_USE err_t handshake_auth_prove(struct handshake *hs, struct env *env, size_t id_len,
                                    struct wr *out);
/* A responder's, whose own certificates are OURS: whether M proves what CERTS claimed.
 * ERR_UNSUPPORTED: by another method; ERR_MALFORMED: for another link; ERR_BAD_SIGNATURE, ... */
MUST_USE err_t handshake_auth_check(const struct handshake *hs, const struct chan_certs *ours,
                                    const struct chan_authenticate *m);

/* What the two sides share. */
MUST_USE err_t handshake_on_versions(struct handshake *hs, const struct chan_frame *cell);
MUST_USE err_t handshake_on_netinfo(struct handshake *hs, const struct env *env,
                                    const struct chan_frame *cell);
MUST_USE err_t handshake_fail(struct handshake *hs, err_t why, const char *what, err_t detail);
MUST_USE err_t handshake_put_versions(const struct chan_versions *versions, struct wr *out);
extern const struct chan_versions handshake_versions; /* ours */

/* Bytes of a circuit id at this stage: "CIRCID_LEN" is 2 before VERSIONS and under version 3. */
size_t handshake_circ_id_len(const struct handshake *hs);

#endif
