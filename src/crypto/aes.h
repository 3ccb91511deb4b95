/* AES in counter mode: the stream cipher of tor1 relay cells, ntor-v3 and descriptors.
 *
 * A context is made once per key and then only used: aes_ctr_xor() neither allocates nor looks
 * anything up. Encryption and decryption are the same operation; the counter runs on from call to
 * call. */
#ifndef TUNIC_CRYPTO_AES_H
#define TUNIC_CRYPTO_AES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { AES_IV_LEN = 16 };

struct aes_ctr;

/* BITS is 128 or 256; KEY has BITS / 8 bytes. IV is the first counter block, NULL for zeros.
 * NULL: out of memory or another size of key. The caller owns the context. */
struct aes_ctr *aes_ctr_new(const uint8_t *key, unsigned bits, const uint8_t iv[AES_IV_LEN]);

/* Encrypts or decrypts in place. ERR_ARG for 2 GB and more. Another error is ERR_CRYPTO only (our
 * bug or the library's); BYTES are useless then. */
MUST_USE err_t aes_ctr_xor(struct aes_ctr *ctx, void *bytes, size_t len);

void aes_ctr_free(struct aes_ctr *ctx); /* wipes; NULL is harmless */

#endif
