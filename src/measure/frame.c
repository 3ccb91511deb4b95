#include "measure/frame.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

err_t frame_next(const struct buf *in, struct text *body)
{
    struct rd r = rd_over(buf_at(in), in->len);
    uint32_t len = rd_u32(&r);
    if (r.failed)
        return ERR_MORE;
    if (len > FRAME_MOST)
        return ERR_LIMIT;
    const uint8_t *bytes = rd_bytes(&r, len);
    if (!bytes)
        return ERR_MORE;
    *body = (struct text){(const char *)bytes, len};
    return OK;
}

void frame_done(struct buf *in, struct text body)
{
    buf_drain(in, FRAME_HEAD + body.len);
    buf_trim(in);
}

err_t frame_add(struct buf *out, struct text body)
{
    if (body.len > FRAME_MOST)
        return ERR_LIMIT;
    if (buf_space(out) < FRAME_HEAD + body.len)
        return ERR_FULL;
    uint8_t *room = buf_room(out, FRAME_HEAD + body.len);
    if (!room)
        return ERR_NOMEM;
    struct wr w = wr_over(room, FRAME_HEAD + body.len);
    wr_u32(&w, (uint32_t)body.len);
    wr_bytes(&w, body.s, body.len);
    buf_commit(out, w.len);
    return wr_end(&w);
}
