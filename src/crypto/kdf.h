/* Key derivation: from the secret of a circuit handshake to the bytes that are cut into keys. */
#ifndef TUNIC_CRYPTO_KDF_H
#define TUNIC_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { KDF_TOR_MAX = 20 * 256, HKDF_SHA256_MAX = 32 * 255 };

/* KDF-TOR (tor-spec 5.2.1), for CREATE_FAST: K = H(K0 | [00]) | H(K0 | [01]) | ... with SHA-1.
 * ERR_ARG over KDF_TOR_MAX. */
MUST_USE err_t kdf_tor(const void *k0, size_t k0_len, void *out, size_t out_len);

/* HKDF-SHA256 (RFC 5869). For ntor (tor-spec 5.2.2): salt t_key, secret secret_input,
 * info m_expand; the pseudorandom key inside is KEY_SEED. ERR_ARG over HKDF_SHA256_MAX. */
MUST_USE err_t hkdf_sha256(const void *salt, size_t salt_len, const void *secret, size_t secret_len,
                           const void *info, size_t info_len, void *out, size_t out_len);

/* The second half alone, from a pseudorandom key of 32 bytes that the caller has. */
MUST_USE err_t hkdf_sha256_expand(const uint8_t prk[32], const void *info, size_t info_len,
                                  void *out, size_t out_len);

/* Proposal 332: "KDF(s, t) = SHAKE_256(ENCAP(t) | s)", ENCAP(t) being t behind its length in
 * 8 bytes. */
MUST_USE err_t kdf_shake256(const void *secret, size_t secret_len, const void *tweak,
                            size_t tweak_len, void *out, size_t out_len);

#endif
