/* Identity file: who a program is on links to relays, as text that it keeps: its two identity keys.
 * The others are made anew each time.
 *
 *     ed25519 SEED    64 hex digits
 *     rsa KEY         PKCS#1 in DER, in base64
 *
 * Lines that begin with # and empty ones are skipped. */
#ifndef TUNIC_DIRDOC_IDENTITY_FILE_H
#define TUNIC_DIRDOC_IDENTITY_FILE_H

#include "base/text.h"
#include "base/wr.h"
#include "dirdoc/identity.h"

enum { IDENTITY_FILE_MAX = 8192 };

/* Appends it. ERR_FULL, ERR_CRYPTO. */
MUST_USE err_t identity_file_write(const struct identity *id, struct wr *out);
/* ENV makes the other keys. ERR_MALFORMED, ERR_CRYPTO, ERR_NOMEM; OUT is empty then. */
MUST_USE err_t identity_file_read(struct env *env, struct text file, struct identity *out);

#endif
