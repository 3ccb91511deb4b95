/* The link handshake of an initiator that does not authenticate itself (tor-spec 4): VERSIONS both
 * ways, the peer's CERTS, AUTH_CHALLENGE (ignored) and NETINFO, our NETINFO.
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
#include "link/certs.h"
#include "link/link.h"
#include "link/rules.h"

enum { HANDSHAKE_CELLS_MAX = 2 * CHAN_CELL_MAX, HANDSHAKE_TEXT_MAX = 200 };

struct handshake {
    enum link_stage stage;
    unsigned version;           /* 3 to 5, from STAGE_UNVERIFIED on */
    struct certs_proved proved; /* from STAGE_VERIFIED on */
    int64_t skew_s;             /* our clock minus the peer's, from STAGE_OPEN on */
    uint64_t started_us;
    struct sha256 tls_cert;
    char text[HANDSHAKE_TEXT_MAX]; /* why it failed */
};

/* Appends our VERSIONS to OUT. */
MUST_USE err_t handshake_start(struct handshake *hs, const struct env *env,
                               const struct sha256 *tls_cert, struct wr *out);

/* A cell that link_rule() gives to the handshake. Appends our answer to OUT, which has room for
 * HANDSHAKE_CELLS_MAX. Errors are of class LINK, hs->text says more, and the stage stays. */
MUST_USE err_t handshake_cell(struct handshake *hs, const struct env *env,
                              const struct link_target *target, const struct chan_frame *cell,
                              struct wr *out);

/* Bytes of a circuit id at this stage: "CIRCID_LEN" is 2 before VERSIONS and under version 3. */
size_t handshake_circ_id_len(const struct handshake *hs);

#endif
