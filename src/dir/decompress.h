/* Decompression of directory answers, with a guard against bombs.
 *
 * All limits hold for the whole answer, across the sub-streams that gzip, zlib and zstd data may be
 * chained of: the output cap of the caller, and a ratio of 25 once 5 MB have come out (protocol-map
 * 2k; TROVE-2026-022). Data that ends too early is an error, and every step has to move something
 * (TROVE-2026-021). */
#ifndef TUNIC_DIR_DECOMPRESS_H
#define TUNIC_DIR_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum dir_encoding {
    ENC_IDENTITY,
    ENC_DEFLATE, /* zlib container */
    ENC_GZIP,
    ENC_ZSTD,
    ENC_LZMA, /* the old .lzma container, "x-tor-lzma" */
    ENC_UNKNOWN,
};

enum {
    DECOMPRESS_RATIO_MAX = 25,
    DECOMPRESS_RATIO_FROM = 5 << 20,
    DECOMPRESS_LZMA_MEMORY = 16 << 20,
};

/* "deflate", "gzip", "x-gzip", "x-zstd", "zstd", "x-tor-lzma", "identity"; any case. */
enum dir_encoding dir_encoding_of(struct text name);
const char *dir_encoding_name(enum dir_encoding enc);
/* From the first bytes; ENC_IDENTITY if nothing is recognized. */
enum dir_encoding dir_encoding_guess(const void *bytes, size_t len);

struct decompress;

/* CAP: most bytes that may come out. */
MUST_USE err_t decompress_new(enum dir_encoding enc, size_t cap, struct decompress **out);
/* Decompresses IN and adds the result to OUT (whose own cap holds too: ERR_FULL). ERR_BOMB,
 * ERR_MALFORMED, ERR_LIMIT (over the cap), ERR_NOMEM; all of them final. */
MUST_USE err_t decompress_feed(struct decompress *d, const void *in, size_t len, struct buf *out);
/* No more input will come: OK if the data is complete, else ERR_TRUNCATED. */
MUST_USE err_t decompress_end(struct decompress *d);
void decompress_free(struct decompress **d);

/* A whole answer at once. With GUESS, data that does not fit the declared encoding is tried once
 * more with what its first bytes look like. OUT is left empty on error. */
MUST_USE err_t decompress_all(enum dir_encoding enc, bool guess, const void *in, size_t len,
                              size_t cap, struct buf *out);

#endif
