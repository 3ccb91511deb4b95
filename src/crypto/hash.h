/* Hashes: SHA-1, SHA-256, SHA3-256, SHAKE-256, HMAC-SHA256.
 *
 * SHA-1 and SHA-256 states are plain structs on the caller's stack or in its machine: they copy by
 * assignment, allocate nothing and cannot fail. The SHA-3 family lives behind a library object, so
 * those calls may fail for lack of memory. Digests of secrets are wiped by the caller. */
#ifndef TUNIC_CRYPTO_HASH_H
#define TUNIC_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SHA1_LEN = 20, SHA256_LEN = 32, SHA3_256_LEN = 32 };

void sha1(const void *bytes, size_t len, uint8_t out[SHA1_LEN]);
void sha256(const void *bytes, size_t len, uint8_t out[SHA256_LEN]);
MUST_USE err_t sha3_256(const void *bytes, size_t len, uint8_t out[SHA3_256_LEN]);
MUST_USE err_t shake256(const void *bytes, size_t len, void *out, size_t out_len);
void hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t out[SHA256_LEN]);

/* Running SHA-1, as the tor1 relay digest wants it: add a cell, peek at the digest, go on; to undo,
 * keep a copy from before (b = a). */
struct sha1_running {
    _Alignas(8) uint8_t opaque[96];
};

void sha1_init(struct sha1_running *s);
void sha1_add(struct sha1_running *s, const void *bytes, size_t len);
/* The digest of everything added so far; S stays as it is. */
void sha1_peek(const struct sha1_running *s, uint8_t out[SHA1_LEN]);

/* Running SHA-256, in the same way. */
struct sha256_running {
    _Alignas(8) uint8_t opaque[112];
};

void sha256_init(struct sha256_running *s);
void sha256_add(struct sha256_running *s, const void *bytes, size_t len);
void sha256_peek(const struct sha256_running *s, uint8_t out[SHA256_LEN]);

/* Streaming SHA3-256 and SHAKE-256. Failures latch: only sha3_final() has to be asked. A running
 * digest is peeked at by finishing a copy. */
enum sha3_kind { SHA3_KIND_256, SHA3_KIND_SHAKE256 };
struct sha3;

struct sha3 *sha3_new(enum sha3_kind kind); /* NULL: out of memory; the other calls accept NULL */
void sha3_add(struct sha3 *s, const void *bytes, size_t len);
/* OUT_LEN must be 32 for SHA3_KIND_256 (ERR_ARG), any length for SHAKE. S is used up: free it, or
 * sha3_reset() it. ERR_NOMEM if S is NULL. */
MUST_USE err_t sha3_final(struct sha3 *s, void *out, size_t out_len);
void sha3_reset(struct sha3 *s);
/* TO becomes as FROM, of the same kind. ERR_CRYPTO: no memory, or FROM had failed. */
MUST_USE err_t sha3_copy(struct sha3 *to, const struct sha3 *from);
void sha3_free(struct sha3 *s); /* wipes; NULL is harmless */

#endif
