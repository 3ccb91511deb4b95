/* Frames between coordinator and measurer: a length of four bytes, then one JSON object of that
 * many. What cuts the byte stream of a connection into messages, and nothing else. */
#ifndef TUNIC_MEASURE_FRAME_H
#define TUNIC_MEASURE_FRAME_H

#include "base/buf.h"
#include "base/text.h"

enum { FRAME_HEAD = 4, FRAME_MOST = 65536 };

/* The first frame of IN, which stays there: BODY is a view until the next call about IN. ERR_MORE:
 * it is not all there; ERR_LIMIT: it says that it is longer than a frame may be, which nobody gets
 * over. */
MUST_USE err_t frame_next(const struct buf *in, struct text *body);
/* Takes the frame off IN whose BODY frame_next() gave. */
void frame_done(struct buf *in, struct text body);

/* Appends a frame. ERR_LIMIT (BODY is too long), ERR_FULL, ERR_NOMEM: nothing is added. */
MUST_USE err_t frame_add(struct buf *out, struct text body);

#endif
