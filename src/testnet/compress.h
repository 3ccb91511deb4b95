/* Compression of directory answers: the other side of dir/decompress.h. */
#ifndef TUNIC_TESTNET_COMPRESS_H
#define TUNIC_TESTNET_COMPRESS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "dir/decompress.h"

/* Adds all of IN to OUT, compressed as one stream. ERR_NOMEM, ERR_FULL (OUT's cap), ERR_ARG
 * (ENC_UNKNOWN), ERR_BUG. */
MUST_USE err_t compress_all(enum dir_encoding enc, const void *in, size_t len, struct buf *out);

#endif
