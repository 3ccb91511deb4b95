/* Desc: a server descriptor (dir-spec 2.1) as an authority reads it: its row in the consensus, and
 * its microdescriptor. Signatures are not checked: whoever forges may forge with what is broken. */
#ifndef TUNIC_FORGE_DESC_H
#define TUNIC_FORGE_DESC_H

#include "base/err.h"
#include "base/ids.h"
#include "base/text.h"
#include "crypto/rsa.h"
#include "dirdoc/consdoc.h"
#include "dirdoc/spread.h"

struct forge_desc {
    struct text body; /* view of the text that it was read from; empty: a phantom */
    struct consdoc_relay row;
    struct x25519_pub ntor;
    char *version, *protos, *policy;
    struct docw microdesc;
};

/* Takes the next descriptor off *REST, with annotations before it. ERR_NOT_FOUND at the end; else
 * ERR_MALFORMED, ERR_NOMEM, and *WHY says in words what is wrong (static storage). */
MUST_USE err_t forge_desc_next(struct text *rest, struct forge_desc *out, const char **why);
/* The I-th of S in the place of one that was read. ERR_NOMEM. */
MUST_USE err_t forge_desc_phantom(struct spread *s, uint32_t i, int64_t published_s,
                                  struct forge_desc *out);
void forge_desc_free(struct forge_desc *d); /* the zero one is fine */

#endif
