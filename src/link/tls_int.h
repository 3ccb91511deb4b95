/* The inside of TLS, for src/link/tls*.c only. */
#ifndef TUNIC_LINK_TLS_INT_H
#define TUNIC_LINK_TLS_INT_H

#include "crypto/openssl.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "link/tls.h"

struct tls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    bool server;
    bool nameless;      /* a client that gives no server name */
    struct sha256 cert; /* a server's own */
};

struct tls {
    SSL *ssl;
    struct buf in, out;
    size_t read_room;
    size_t record_most; /* plaintext of a record that is written */
    bool cert_asked;    /* the server wants to see a certificate of ours; of odd clients only */
    bool starved;       /* what the library wrote found no memory */
    char error[TLS_ERROR_MAX];
};

/* As tor's, without a certificate. */
MUST_USE err_t tls_ctx_make(bool server, struct tls_ctx **out);
/* The server's; both are only borrowed. False: they do not go together. */
MUST_USE bool tls_ctx_use(struct tls_ctx *ctx, X509 *cert, EVP_PKEY *key);

#endif
