/* A relay: one OR connection, that is TCP, TLS and the link handshake (tor-spec 2 to 4).
 *
 * Life: NEW -> LAUNCHED (dialling, handshake) -> CONNECTED -> CLOSED, or LAUNCHED -> FAILED. */
#ifndef TUNIC_RELAY_H
#define TUNIC_RELAY_H

#include <tunic/tunic.h>

enum { TUNIC_RSA_ID_LEN = 20, TUNIC_ED25519_ID_LEN = 32, TUNIC_SHA256_LEN = 32 };

#ifdef __cplusplus
extern "C" {
#endif

struct tunic_relay;

/* Begin with TUNIC_RELAY_OPTIONS_INIT, then set members. All is copied. */
struct tunic_relay_options {
    size_t size;
    const char *address; /* "192.0.2.1" or "2001:db8::1"; never a name */
    uint16_t port;
    /* Who must answer there: TUNIC_RSA_ID_LEN bytes (the fingerprint) and TUNIC_ED25519_ID_LEN
     * bytes. NULL: whoever it is; then ask afterwards who it was. */
    const uint8_t *rsa_id;
    const uint8_t *ed25519_id;
    int connect_timeout_ms;   /* of TCP; 0: 60 s */
    int handshake_timeout_ms; /* of TLS and the link handshake together; 0: 60 s */
    void (*callback)(void *arg, struct tunic_relay *relay, enum tunic_event event); /* or NULL */
    void *callback_arg;
};
#define TUNIC_RELAY_OPTIONS_INIT                                                  \
    {                                                                             \
        sizeof(struct tunic_relay_options), NULL, 0, NULL, NULL, 0, 0, NULL, NULL \
    }

/* Begins to connect. NULL: see ERROR (stage dns: the address is none; USAGE, SYSTEM); all else
 * comes as an event, and from tunic_relay_wait(). */
TUNIC_API TUNIC_MUST_USE struct tunic_relay *tunic_relay_start(
    struct tunic *t, const struct tunic_relay_options *options, struct tunic_error *error);

/* Waits until it is open: 0, or -1 with ERROR: why it is not (the relay's own error, or TIMEOUT;
 * then it may be waited for again). */
TUNIC_API TUNIC_MUST_USE int tunic_relay_wait(struct tunic_relay *relay, int timeout_ms,
                                              struct tunic_error *error);

/* Both in one: an open relay, or NULL and nothing is left behind. */
TUNIC_API TUNIC_MUST_USE struct tunic_relay *tunic_relay_connect(
    struct tunic *t, const struct tunic_relay_options *options, int timeout_ms,
    struct tunic_error *error);

/* Closes, without an event. Circuits on it end as if the connection had (stage link, DONE). */
TUNIC_API void tunic_relay_free(struct tunic_relay *relay);

TUNIC_API enum tunic_or_status tunic_relay_status(const struct tunic_relay *relay);
/* Why it failed or closed; NULL: it did not. Valid as long as the handle. */
TUNIC_API const struct tunic_error *tunic_relay_error(const struct tunic_relay *relay);
/* 1: open now. */
TUNIC_API int tunic_relay_is_alive(const struct tunic_relay *relay);
/* When it was opened, in milliseconds since 1970; 0: it never was. */
TUNIC_API int64_t tunic_relay_since_ms(const struct tunic_relay *relay);
/* The link protocol's version (tor-spec 4), 0 before it is agreed on. */
TUNIC_API int tunic_relay_link_version(const struct tunic_relay *relay);
/* The identities that it proved. 0, or -1: it is not open, or (Ed25519) has none. */
TUNIC_API int tunic_relay_rsa_id(const struct tunic_relay *relay, uint8_t out[TUNIC_RSA_ID_LEN]);
TUNIC_API int tunic_relay_ed25519_id(const struct tunic_relay *relay,
                                     uint8_t out[TUNIC_ED25519_ID_LEN]);

/* SHA-256 of the TLS certificate. 0, or -1: it never was open. */
TUNIC_API int tunic_relay_tls_sha256(const struct tunic_relay *relay,
                                     uint8_t out[TUNIC_SHA256_LEN]);

/* One certificate of its CERTS cell, as it came (tor-spec 4.2): X.509 or Ed25519, by TYPE. */
struct tunic_certificate {
    int type;
    const uint8_t *bytes; /* valid as long as the handle */
    size_t len;
};
/* The I-th, from 0. 0, or -1: there is none, or CERTS did not come yet. */
TUNIC_API int tunic_relay_certificate(const struct tunic_relay *relay, int i,
                                      struct tunic_certificate *out);

#ifdef __cplusplus
}
#endif

#endif
