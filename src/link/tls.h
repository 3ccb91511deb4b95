/* TLS over byte queues: received bytes go in, plaintext comes out, and the other way round. The
 * src/link/tls*.c are the only files outside crypto that see OpenSSL.
 *
 * A client's ClientHello is, byte for byte but for what is random, that of C tor 0.4.9 on the same
 * library: ciphers, groups, extensions, options, random server name. Any certificate is accepted
 * here; who the peer is, CERTS proves (link/certs.h). Randomness is OpenSSL's own. */
#ifndef TUNIC_LINK_TLS_H
#define TUNIC_LINK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/ids.h"

enum {
    TLS_RECORD_MOST = 16384,       /* plaintext of one record */
    TLS_IN_CAP = 128 * 1024,       /* received, not yet opened */
    TLS_OUT_CAP = 2 * 1024 * 1024, /* sealed, not yet sent */
    TLS_EXPORT_LEN = 32,
    TLS_ERROR_MAX = 128
};

enum tls_version { TLS_1_2, TLS_1_3 };

struct tls_ctx;
struct tls;

/* A context outlives the sessions made with it. ERR_NOMEM, ERR_CRYPTO. */
MUST_USE err_t tls_ctx_new_client(struct tls_ctx **out);
/* The responding side, with a throw-away certificate made on the spot (valid from a day before to a
 * year after NOW_S): for tests and test networks. */
MUST_USE err_t tls_ctx_new_server(int64_t now_s, struct tls_ctx **out);
/* The same with a certificate (X.509 in DER) and its key (PKCS#8 in DER). */
MUST_USE err_t tls_ctx_new_server_with(const void *cert, size_t cert_len, const void *key,
                                       size_t key_len, struct tls_ctx **out);
void tls_ctx_free(struct tls_ctx *ctx); /* NULL is fine */

/* Whether the library at work is OpenSSL 3.0, with which ClientHello was compared. */
bool tls_library_is_3_0(void);

/* Only this version of TLS is spoken. */
MUST_USE err_t tls_ctx_force_version(struct tls_ctx *ctx, enum tls_version version);
/* SHA-256 of a server's certificate in DER. */
void tls_ctx_cert_sha256(const struct tls_ctx *ctx, struct sha256 *out);

/* ENV gives the random server name. NULL out of memory. */
struct tls *tls_new(struct tls_ctx *ctx, struct env *env);
void tls_free(struct tls *t); /* wipes nothing but what OpenSSL wipes; NULL is fine */

/* Room for received bytes, as many as one read should take, or NULL: out of memory. */
uint8_t *tls_in_room(struct tls *t, size_t *room);
void tls_in_done(struct tls *t, size_t len);
/* Such room is of LEN bytes at most from now on. */
void tls_read_at_most(struct tls *t, size_t len);

/* What is written from now on is in records of LEN bytes of plaintext at most: 1 to
 * TLS_RECORD_MOST, which is the usual. */
void tls_record_at_most(struct tls *t, size_t len);

/* The bytes to send. */
const uint8_t *tls_out(const struct tls *t, size_t *len);
void tls_out_sent(struct tls *t, size_t len);

/* OK once done; ERR_MORE: send what tls_out() has and feed what comes; ERR_LINK_TLS;
 * ERR_NOMEM. */
MUST_USE err_t tls_handshake(struct tls *t);

/* Fills OUT as far as the input reaches. OK: *N > 0, call again; ERR_MORE: the input is used up;
 * ERR_LINK_CLOSED: the peer closed in an orderly way; ERR_LINK_TLS; ERR_NOMEM. */
MUST_USE err_t tls_read(struct tls *t, uint8_t *out, size_t cap, size_t *n);

/* Seals all of it, in records as large as they can be. ERR_FULL: over TLS_OUT_CAP, nothing was
 * sealed; ERR_LINK_TLS; ERR_NOMEM. */
MUST_USE err_t tls_write(struct tls *t, const uint8_t *bytes, size_t len);

/* Queues the close alert. Nothing may be written after. */
void tls_close(struct tls *t);

/* SHA-256 of the peer's certificate in DER, or false: it sent none. */
MUST_USE bool tls_peer_cert_sha256(const struct tls *t, struct sha256 *out);

/* Bytes that both ends of this session and nobody else can compute (RFC 5705, in TLS 1.3 RFC 8446
 * 7.5), after the handshake. ERR_CRYPTO. */
MUST_USE err_t tls_export(const struct tls *t, const char *label, const void *context,
                          size_t context_len, uint8_t out[TLS_EXPORT_LEN]);

/* What went wrong in the last call that returned ERR_LINK_TLS, for people to read. */
const char *tls_error(const struct tls *t);

/* "TLSv1.3 TLS_AES_128_GCM_SHA256", for the log; OUT has CAP bytes. */
const char *tls_describe(const struct tls *t, char *out, size_t cap);

/* Gives back the storage of queues and record buffers that are empty; they come back by themselves.
 */
void tls_trim(struct tls *t);

#endif
