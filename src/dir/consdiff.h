/* Consensus diffs, read (proposal 140; dir-spec 4.5, appendix E): the new consensus is made of the
 * one that is here by a script of an old line editor.
 *
 *     network-status-diff-version 1
 *     hash FROM TO            SHA3-256, in hex: of the signed part of the old one, of all of the
 * new "5,7d", "9c", "12a"     the later lines first; what is added ends with a line "."
 *
 * What comes out is as trustworthy as any consensus from a stranger: it is still to be verified. */
#ifndef TUNIC_DIR_CONSDIFF_H
#define TUNIC_DIR_CONSDIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct consdiff {
    uint8_t from[32], to[32];
    struct text script;
};

/* Whether BODY is a diff and not a consensus. */
bool consdiff_is(struct text body);
/* Reads the two lines before the script, which OUT then views. ERR_MALFORMED. */
MUST_USE err_t consdiff_read(struct text body, struct consdiff *out);

/* What a consensus is named by: the SHA3-256 of its beginning, through the space behind its first
 * "directory-signature". ERR_MALFORMED: it has no signature. */
MUST_USE err_t consdiff_digest(struct text consensus, uint8_t out[32]);

/* Does what DIFF says with BASE, whose digest is known to be FROM; takes time and memory for both
 * once. *OUT is the caller's, from malloc(). ERR_MALFORMED, also if what comes out is not TO;
 * ERR_TRUNCATED, ERR_NOMEM. */
MUST_USE err_t consdiff_apply(struct text base, const struct consdiff *diff, char **out,
                              size_t *len);

#endif
