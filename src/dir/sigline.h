/* Signature lines of authorities' documents (dir-spec 3.4.1, 3.10). */
#ifndef TUNIC_DIR_SIGLINE_H
#define TUNIC_DIR_SIGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "dir/doc.h"

struct consensus_sig {
    struct rsa_id identity, signing;
    bool sha256; /* else SHA-1 */
    uint16_t len;
    uint8_t sig[512];
};

struct sigline {
    struct text flavor;    /* of "additional-signature"; else empty */
    struct text algorithm; /* as given; "sha1" if none is */
    bool known;            /* the algorithm */
    struct consensus_sig sig;
};

/* "directory-signature" [algorithm] identity signing-key, or "additional-signature" flavor
 * algorithm identity signing-key; with its object. ERR_MALFORMED. Of an unknown algorithm, only
 * that is looked at. */
MUST_USE err_t sigline_parse(const struct doc_item *item, struct sigline *out);

#endif
