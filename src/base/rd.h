/* Reader of wire bytes: a view that shrinks from the front and latches failure.
 *
 * All bounds are checked in rd_bytes(). A read past the end fails the reader, yields zeros or NULL
 * and moves nothing; later reads fail too, so a parser may read all its fields first and ask once.
 * A parser of a whole message returns rd_end(): ERR_TRUNCATED, ERR_TRAILING or OK. Integers are in
 * network order. The reader never owns the bytes. */
#ifndef TUNIC_BASE_RD_H
#define TUNIC_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rd {
    const uint8_t *at;
    size_t left;
    bool failed;
};

struct rd rd_over(const void *bytes, size_t len);

/* A view of the next LEN bytes, or NULL (reader failed). For LEN 0 not NULL. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
bool rd_copy(struct rd *r, void *out, size_t len); /* on failure OUT is zeroed */
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);

/* A reader over the next LEN bytes, which are skipped here. If they are not there, both fail. */
struct rd rd_sub(struct rd *r, size_t len);

/* All that is left, which is skipped here. */
struct rd rd_rest(struct rd *r);

/* OK if everything was read and nothing is left. */
MUST_USE err_t rd_end(const struct rd *r);

/* OK if no read failed; bytes may be left. */
MUST_USE err_t rd_ok(const struct rd *r);

#endif
