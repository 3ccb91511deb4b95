/* Compressed data. The first byte chooses the encoding; the caps must hold whatever comes. */
#include <stdlib.h>

#include "dir/decompress.h"

enum { CAP = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    if (!size)
        return 0;
    enum dir_encoding enc = (enum dir_encoding)(data[0] % ENC_UNKNOWN);
    buf_init(&out, CAP + 65536);
    err_t err = decompress_all(enc, data[0] & 0x80, data + 1, size - 1, CAP, &out);
    if (err == OK && out.len > CAP)
        abort();
    if (err == OK && out.len > DECOMPRESS_RATIO_FROM && out.len / DECOMPRESS_RATIO_MAX > size)
        abort();
    if (err != OK && out.len)
        abort();
    buf_free(&out);
    return 0;
}
