#include "testnet/compress.h"

#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* Documents are made to be fetched now, not to be kept: fast levels. */
enum { ZLIB_LEVEL = 6, ZSTD_LEVEL = 3, LZMA_LEVEL = 1, GZIP_WINDOW = 15 + 16, ZLIB_WINDOW = 15 };

static err_t with_zlib(int window, const void *in, size_t len, struct buf *out)
{
    enum { MEMORY = 8 };
    z_stream z = {0};
    if (len > UINT_MAX)
        return ERR_FULL;
    if (deflateInit2(&z, ZLIB_LEVEL, Z_DEFLATED, window, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    size_t bound = deflateBound(&z, (uLong)len);
    uint8_t *to = buf_room(out, bound);
    err_t err = to ? OK : ERR_NOMEM;
    if (to) {
        z.next_in = (z_const Bytef *)in;
        z.avail_in = (uInt)len;
        z.next_out = to;
        z.avail_out = (uInt)bound;
        err = deflate(&z, Z_FINISH) == Z_STREAM_END ? OK : ERR_BUG;
        buf_commit(out, err == OK ? z.total_out : 0);
    }
    deflateEnd(&z);
    return err;
}

static err_t with_zstd(const void *in, size_t len, struct buf *out)
{
    size_t bound = ZSTD_compressBound(len);
    uint8_t *to = buf_room(out, bound);
    if (!to)
        return ERR_NOMEM;
    size_t n = ZSTD_compress(to, bound, in, len, ZSTD_LEVEL);
    if (ZSTD_isError(n))
        return ERR_NOMEM;
    buf_commit(out, n);
    return OK;
}

static err_t with_lzma(const void *in, size_t len, struct buf *out)
{
    enum { ROOM = 1024 };
    lzma_options_lzma options;
    lzma_stream z = LZMA_STREAM_INIT;
    if (lzma_lzma_preset(&options, LZMA_LEVEL) || lzma_alone_encoder(&z, &options) != LZMA_OK)
        return ERR_NOMEM;
    size_t bound = lzma_stream_buffer_bound(len) + ROOM;
    uint8_t *to = buf_room(out, bound);
    err_t err = to ? OK : ERR_NOMEM;
    if (to) {
        z.next_in = in;
        z.avail_in = len;
        z.next_out = to;
        z.avail_out = bound;
        err = lzma_code(&z, LZMA_FINISH) == LZMA_STREAM_END ? OK : ERR_NOMEM;
        buf_commit(out, err == OK ? bound - z.avail_out : 0);
    }
    lzma_end(&z);
    return err;
}

err_t compress_all(enum dir_encoding enc, const void *in, size_t len, struct buf *out)
{
    switch (enc) {
    case ENC_IDENTITY:
        return buf_add(out, in, len);
    case ENC_DEFLATE:
        return with_zlib(ZLIB_WINDOW, in, len, out);
    case ENC_GZIP:
        return with_zlib(GZIP_WINDOW, in, len, out);
    case ENC_ZSTD:
        return with_zstd(in, len, out);
    case ENC_LZMA:
        return with_lzma(in, len, out);
    case ENC_UNKNOWN:
        break;
    }
    return ERR_ARG;
}
