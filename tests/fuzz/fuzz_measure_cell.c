/* Bodies of MEASUREMENT cells, whole and cut short: what is taken can be written, and is then as it
 * was. */
#include <stdlib.h>
#include <string.h>

#include "cell/recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t body[CELL_BODY_LEN] = {0};
    struct meas_cell m;
    const struct codec *c = codec_find(CODEC_CHAN, CELL_MEASUREMENT);
    if (!c)
        abort();
    memcpy(body, data, len < sizeof body ? len : sizeof body);
    if (!codec_round_trips(c, body, sizeof body))
        abort();
    uint8_t *cut = malloc(len ? len : 1); /* of its own, so that nothing behind it is read */
    if (!cut)
        return 0;
    memcpy(cut, data, len);
    if (meas_cell_decode(rd_over(cut, len), &m) == OK) {
        uint8_t again[CELL_BODY_LEN];
        struct wr w = wr_over(again, sizeof again);
        if (meas_cell_encode(&w, &m) != OK || w.len > sizeof again)
            abort();
    }
    free(cut);
    return 0;
}
