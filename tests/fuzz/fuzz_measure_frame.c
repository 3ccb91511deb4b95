/* Frames of a connection, which comes in pieces of as many bytes as byte 0 says: the same bodies as
 * when it comes in one, and each is the one that is written for it. */
#include <stdlib.h>
#include <string.h>

#include "measure/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CAP = 2 * (FRAME_MOST + FRAME_HEAD) };

/* Takes all frames that are there; appends them, as they would be sent, to BACK. */
static err_t take_all(struct buf *in, struct buf *back)
{
    for (;;) {
        struct text body;
        err_t e = frame_next(in, &body);
        if (e != OK)
            return e;
        if (frame_add(back, body) != OK)
            abort();
        frame_done(in, body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct buf in, back;
    if (len < 1 || len > FRAME_MOST)
        return 0;
    size_t piece = data[0] ? data[0] : 1;
    buf_init(&in, CAP);
    buf_init(&back, CAP);
    data++;
    len--;
    err_t e = ERR_MORE;
    for (size_t at = 0; at < len && e == ERR_MORE; at += piece) {
        if (buf_add(&in, data + at, len - at < piece ? len - at : piece) != OK)
            abort();
        e = take_all(&in, &back);
    }
    if (back.len > len || (back.len && memcmp(buf_at(&back), data, back.len) != 0))
        abort();
    if (e == ERR_MORE && back.len + in.len != len)
        abort();
    buf_free(&in);
    buf_free(&back);
    return 0;
}
