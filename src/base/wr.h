/* Writer of wire bytes into storage of the caller, with a hard cap.
 *
 * A write that does not fit fails the writer, writes nothing, and later writes fail too; wr_end()
 * tells. The writer never grows or frees anything. Integers are in network order. */
#ifndef TUNIC_BASE_WR_H
#define TUNIC_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct wr {
    uint8_t *base;
    size_t len; /* written so far */
    size_t cap;
    bool failed;
};

struct wr wr_over(void *storage, size_t cap);

/* Room for LEN bytes which the caller fills, or NULL (writer failed). */
uint8_t *wr_room(struct wr *w, size_t len);
void wr_bytes(struct wr *w, const void *bytes, size_t len);
void wr_zeros(struct wr *w, size_t len);
void wr_u8(struct wr *w, uint8_t x);
void wr_u16(struct wr *w, uint16_t x);
void wr_u32(struct wr *w, uint32_t x);
void wr_u64(struct wr *w, uint64_t x);

/* Length-prefixed part: wr_open_*() leaves room for the length and returns a mark; wr_close_*()
 * fills in how much was written since. A part too long for its prefix fails the writer. */
size_t wr_open_u8(struct wr *w);
void wr_close_u8(struct wr *w, size_t mark);
size_t wr_open_u16(struct wr *w);
void wr_close_u16(struct wr *w, size_t mark);

/* OK, or ERR_FULL if any write failed. */
MUST_USE err_t wr_end(const struct wr *w);

#endif
