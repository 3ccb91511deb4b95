/* Text codings: hex, base64, base32 and PEM objects.
 *
 * Decoders take the whole text: what does not belong to it is ERR_MALFORMED, not skipped. They
 * return ERR_FULL if OUT is too small, and write *LEN only on OK. */
#ifndef TUNIC_CRYPTO_ENCODE_H
#define TUNIC_CRYPTO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* Sizes of encoded text, with the closing NUL. */
#define HEX_SIZE(len)    (2 * (size_t)(len) + 1)
#define BASE64_SIZE(len) (((size_t)(len) + 2) / 3 * 4 + 1)
#define BASE32_SIZE(len) (((size_t)(len)*8 + 4) / 5 + 1)

/* OUT has room for the matching _SIZE(LEN). All return OUT. */
char *hex_lower(const void *bytes, size_t len, char *out);
char *hex_upper(const void *bytes, size_t len, char *out);
char *base64_encode(const void *bytes, size_t len, bool padded, char *out);
char *base32_lower(const void *bytes, size_t len, char *out); /* RFC 4648, without padding */

/* Either case. */
MUST_USE err_t hex_decode(struct text in, void *out, size_t cap, size_t *len);
/* Exactly LEN bytes; ERR_MALFORMED for any other number. */
MUST_USE err_t hex_decode_exact(struct text in, void *out, size_t len);

/* What base64 may look like; the bits left over in the last character must be zero. */
enum base64_form {
    BASE64_PADDED,   /* "=" up to a multiple of four */
    BASE64_UNPADDED, /* no "=" */
    BASE64_EITHER,
    BASE64_OBJECT, /* padded, in lines: spaces, tabs and newlines are skipped */
};
MUST_USE err_t base64_decode(struct text in, enum base64_form form, void *out, size_t cap,
                             size_t *len);
MUST_USE err_t base64_decode_exact(struct text in, enum base64_form form, void *out, size_t len);

/* RFC 4648 alphabet in either case, without padding. */
MUST_USE err_t base32_decode(struct text in, void *out, size_t cap, size_t *len);

/* The bytes between "-----BEGIN LABEL-----" and "-----END LABEL-----"; IN is the whole object, with
 * or without the last newline. A LABEL of NULL matches any, if both lines agree. */
MUST_USE err_t pem_decode(struct text in, const char *label, void *out, size_t cap, size_t *len);

/* Room for PEM text, with the closing NUL. */
#define PEM_SIZE(label_len, len) (BASE64_SIZE(len) + (size_t)(len) / 48 + 2 * (label_len) + 48)

/* The object that pem_decode() reads, in lines of 64 characters, the last one with its newline. OUT
 * has PEM_SIZE(strlen(LABEL), LEN) bytes; returns OUT. */
char *pem_encode(const char *label, const void *bytes, size_t len, char *out);

#endif
