/* TLS between programs that know each other by their keys: both sides show a certificate, and who
 * the peer is says the hash of the key in it. TLS 1.3 only, no tickets, no early data, no server
 * name, and no roots of trust: nothing in a certificate but its key means anything.
 *
 * TLS itself accepts any certificate here, and proves that the peer has its key. So after
 * tls_handshake() is OK and before the first tls_read(), the owner asks tls_peer_spki_sha256() and
 * compares: an issuer's signature makes nobody known. In TLS 1.3 a client is through before the
 * server has judged it: only the first bytes from the server say that it was accepted. */
#ifndef TUNIC_LINK_TLS_MUTUAL_H
#define TUNIC_LINK_TLS_MUTUAL_H

#include "base/wr.h"
#include "link/tls.h"

enum { TLS_MUTUAL_DER_MAX = 1024 }; /* a certificate, or a key, of tls_mutual_make() */

/* A new P-256 key (PKCS#8) and a certificate of it signed by itself, named NAME and not good for
 * signing others (CA:FALSE), both appended in DER. The owner wipes the key. ERR_ARG: NAME is no
 * name of 1 to 64 printable letters; ERR_FULL; ERR_CRYPTO. */
MUST_USE err_t tls_mutual_make(const char *name, int64_t from_s, int64_t until_s, struct wr *cert,
                               struct wr *key);

/* A context for tls_new(), whose ENV is not asked for anything. CERT (X.509) and KEY (PKCS#8) are
 * in DER. ERR_NOMEM, ERR_CRYPTO (which includes: they do not go together). */
MUST_USE err_t tls_ctx_new_mutual(bool server, const void *cert, size_t cert_len, const void *key,
                                  size_t key_len, struct tls_ctx **out);

/* SHA-256 of the SubjectPublicKeyInfo in DER, as curl's --pinnedpubkey and RFC 7469 have it: of the
 * certificate that the peer has proved to have the key of (false: none), and of one in DER
 * (ERR_MALFORMED). */
MUST_USE bool tls_peer_spki_sha256(const struct tls *t, struct sha256 *out);
MUST_USE err_t tls_cert_spki_sha256(const void *cert, size_t len, struct sha256 *out);

#endif
