/* Spread: relays that are in directories only. They can be as different from each other as those of
 * the public network: flags, weights, versions, addresses, families, policies and
 * nicknames in the shares that the consensus of 2026-06-27 04:00 had them in, and microdescriptors
 * of about that time.
 *
 * Whoever makes the same number from the same random source gets the same relays. Nothing can be
 * reached at their addresses: 240.0.0.0/4 is reserved, 3fff::/20 is for documentation (RFC 9637).
 */
#ifndef TUNIC_DIRDOC_SPREAD_H
#define TUNIC_DIRDOC_SPREAD_H

#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "dirdoc/consdoc.h"
#include "dirdoc/docw.h"

struct spread;

enum spread_kind {
    SPREAD_ALIKE, /* "phantom0" and so on, fast, stable and of the least weight, at 10.x.y.z */
    SPREAD_LIGHT, /* as the public network's, but they weigh a ten-thousandth: others get chosen */
    SPREAD_LIVE,  /* as the public network's */
};
/* "alike", "light" or "live". ERR_NOT_FOUND. */
MUST_USE err_t spread_kind_parse(const char *name, enum spread_kind *out);

/* Decides about N relays (at least 1). ENV is used by spread_write() too. ERR_NOMEM. */
MUST_USE err_t spread_new(struct env *env, uint32_t n, enum spread_kind kind, struct spread **out);
void spread_free(struct spread **s); /* sets *S to NULL; NULL in *S is fine */

/* The I-th; one after the other from 0 on. Appends its microdescriptor to MICRODESCS and fills all
 * of ROW but when it was published; ROW borrows strings that live for ever. */
MUST_USE err_t spread_write(struct spread *s, uint32_t i, struct docw *microdescs,
                            struct consdoc_relay *row);

#endif
