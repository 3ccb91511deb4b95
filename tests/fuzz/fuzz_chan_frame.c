/* A byte stream of channel cells, as a relay would send it: frames, then the decoder of each body.
 */
#include <stdlib.h>

#include "cell/recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REQUIRE(cond) \
    do {              \
        if (!(cond))  \
            abort();  \
    } while (0)

enum { VAR_CAP = 4096 };

static void check_head(const struct chan_frame *f, const uint8_t *in, size_t circ_id_len)
{
    uint8_t head[CHAN_HEAD_MAX];
    struct wr w = wr_over(head, sizeof head);
    REQUIRE(chan_head_encode(&w, circ_id_len, f->circ_id, f->cmd, f->body_len) == OK);
    REQUIRE(f->used == w.len + f->body_len && memcmp(head, in, w.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1)
        return 0;
    size_t circ_id_len = data[0] & 1 ? 4 : 2;
    uint8_t *in = malloc(len);
    REQUIRE(in);
    memcpy(in, data, len);
    size_t at = 1;
    struct chan_frame f;
    err_t e;
    while ((e = chan_frame_decode(in + at, len - at, circ_id_len, VAR_CAP, &f)) == OK) {
        check_head(&f, in + at, circ_id_len);
        const struct codec *c = codec_find(CODEC_CHAN, f.cmd);
        if (c)
            REQUIRE(codec_round_trips(c, f.body, f.body_len));
        chan_cmd_name(f.cmd);
        at += f.used;
    }
    REQUIRE(e == ERR_LIMIT || (e == ERR_MORE && f.used > len - at));
    free(in);
    return 0;
}
