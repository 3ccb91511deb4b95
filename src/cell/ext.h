/* Extension lists: count, then type, length and body of each. The ntor-v3 circuit handshake carries
 * one each way (proposal 332, circuit extensions), and so do the onion service messages
 * (rend-spec-v3 3). What the types mean differs between the two. */
#ifndef TUNIC_CELL_EXT_H
#define TUNIC_CELL_EXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum {
    EXTS_MAX = 16,         /* extensions in one list; more is ERR_LIMIT */
    EXT_SUBPROTOS_MAX = 16 /* pairs in one subprotocol request */
};

struct ext {
    uint8_t type;
    uint8_t len;
    const uint8_t *body;
};

struct exts {
    size_t n;
    struct ext e[EXTS_MAX];
};

/* Read and write the list in the midst of a message. A peer's list may be in any order and may have
 * a type twice: then the first counts, which is what exts_find() returns. Proposal 332: "Parties
 * MUST ignore any occurrences [...] of an extension with a given type after the first". */
MUST_USE err_t exts_decode(struct rd *r, struct exts *out);
/* The list must be sorted by type without duplicates, as exts_add() leaves it: else ERR_ARG. */
MUST_USE err_t exts_encode(struct wr *w, const struct exts *m);

/* The list as a whole message, the ntor-v3 client or server message. */
MUST_USE err_t exts_decode_all(struct rd r, struct exts *out);

/* Inserts in order of type; BODY must stay. ERR_ARG if the type is there already, ERR_LIMIT. */
MUST_USE err_t exts_add(struct exts *m, uint8_t type, const uint8_t *body, uint8_t len);

/* NULL if there is none. */
const struct ext *exts_find(const struct exts *m, uint8_t type);

/* Circuit extensions of ntor-v3. The request for congestion control has no body. */
enum circ_ext_type { CIRC_EXT_CC_REQUEST = 1, CIRC_EXT_CC_RESPONSE = 2, CIRC_EXT_SUBPROTO = 3 };

/* Body of CIRC_EXT_CC_RESPONSE: how many DATA cells one SENDME stands for. 0 is ERR_MALFORMED. */
MUST_USE err_t ext_cc_response_decode(const struct ext *e, uint8_t *sendme_inc);

/* Subprotocols by number, for CIRC_EXT_SUBPROTO. */
enum subproto {
    SUBPROTO_LINK = 0,
    SUBPROTO_LINKAUTH = 1,
    SUBPROTO_RELAY = 2,
    SUBPROTO_DIRCACHE = 3,
    SUBPROTO_HSDIR = 4,
    SUBPROTO_HSINTRO = 5,
    SUBPROTO_HSREND = 6,
    SUBPROTO_DESC = 7,
    SUBPROTO_MICRODESC = 8,
    SUBPROTO_CONS = 9,
    SUBPROTO_PADDING = 10,
    SUBPROTO_FLOWCTRL = 11,
    SUBPROTO_CONFLUX = 12
};
enum { SUBPROTO_RELAY_CGO = 6 };

struct subproto_cap {
    uint8_t protocol; /* enum subproto */
    uint8_t capability;
};

/* Body of CIRC_EXT_SUBPROTO: strictly ascending pairs, at least one; else ERR_MALFORMED / ERR_ARG.
 */
struct subproto_request {
    size_t n;
    struct subproto_cap c[EXT_SUBPROTOS_MAX];
};
MUST_USE err_t subproto_request_decode(struct rd r, struct subproto_request *out);
MUST_USE err_t subproto_request_encode(struct wr *w, const struct subproto_request *m);

#endif
