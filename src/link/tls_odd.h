/* TLS that is not as Tor's: for `tunic check`, which tries what relays make of it, and for relays
 * of test networks that are to be caught. */
#ifndef TUNIC_LINK_TLS_ODD_H
#define TUNIC_LINK_TLS_ODD_H

#include "link/tls.h"

enum tls_odd_version { TLS_ODD_USUAL, TLS_ODD_1_1, TLS_ODD_1_2, TLS_ODD_1_3 };

/* A server's certificate. */
enum tls_odd_cert {
    TLS_ODD_CERT_RSA,   /* of an RSA key of 2048 bits */
    TLS_ODD_CERT_OLD,   /* out of date */
    TLS_ODD_CERT_SMALL, /* RSA of 1024 bits */
    TLS_ODD_CERT_CHAIN, /* two are shown */
    TLS_ODD_CERT_V2     /* looks as if renegotiation were needed (tor-spec 2) */
};

/* All zero: TLS as Tor's. */
struct tls_odd {
    enum tls_odd_version least, most;
    const char *ciphers; /* of TLS 1.2 and before, as OpenSSL names them; the weakest, too */
    bool resumes;
    bool renegotiates;
    bool asks_cert;         /* a server's: wants to see the client's */
    enum tls_odd_cert cert; /* a server's */
};

/* A server makes a key and a certificate; NOW_S is for its dates. ERR_NOMEM, ERR_CRYPTO. */
MUST_USE err_t tls_odd_ctx_new(bool server, const struct tls_odd *odd, int64_t now_s,
                               struct tls_ctx **out);

/* Called before the handshake: T offers to resume EARLIER's session. False: it has none. */
MUST_USE bool tls_odd_resume(struct tls *t, const struct tls *earlier);
bool tls_odd_resumed(const struct tls *t); /* whether the server resumed it */
/* Asks for a new handshake after the first, which tls_handshake() carries out. False: it cannot. */
MUST_USE bool tls_odd_renegotiate(struct tls *t);
/* The server asked for a certificate. */
bool tls_odd_cert_asked(const struct tls *t);

struct tls_odd_facts {
    bool in_date;
    bool rsa;
    unsigned bits;
    bool v3; /* one of the marks of tor-spec 2: "the in-protocol handshake is in use" */
    size_t n_certs;
};
/* What the server has shown; false: nothing. */
MUST_USE bool tls_odd_facts(const struct tls *t, int64_t now_s, struct tls_odd_facts *out);

#endif
