/* Bodies of the channel cells that belong to the link: VERSIONS, CERTS, AUTH_CHALLENGE,
 * AUTHENTICATE, NETINFO (tor-spec 4) and PADDING_NEGOTIATE (padding-spec 2).
 *
 * PADDING and VPADDING have no structure: their bodies are ignored. */
#ifndef TUNIC_CELL_CHAN_LINK_H
#define TUNIC_CELL_CHAN_LINK_H

#include "base/addr.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum {
    CHAN_VERSIONS_MAX = 64,     /* link protocol versions in one VERSIONS cell */
    CHAN_CERTS_MAX = 32,        /* certificates in one CERTS cell */
    CHAN_AUTH_METHODS_MAX = 32, /* methods in one AUTH_CHALLENGE cell */
    CHAN_NETINFO_ADDRS_MAX = 8, /* own addresses kept of a NETINFO cell; more are skipped */
    CHAN_AUTH_CHALLENGE_LEN = 32
};

/* More than CHAN_VERSIONS_MAX versions: ERR_LIMIT. */
struct chan_versions {
    size_t n;
    uint16_t v[CHAN_VERSIONS_MAX];
};
MUST_USE err_t chan_versions_decode(struct rd r, struct chan_versions *out);
MUST_USE err_t chan_versions_encode(struct wr *w, const struct chan_versions *m);

/* The highest version that both lists hold, or 0. */
uint16_t chan_versions_common(const struct chan_versions *a, const struct chan_versions *b);

/* Certificate types of a CERTS cell (tor-spec 4.2, cert-spec). */
enum chan_cert_type {
    CHAN_CERT_RSA_LINK = 1,
    CHAN_CERT_RSA_ID = 2,
    CHAN_CERT_RSA_AUTH = 3,
    CHAN_CERT_ED_ID_SIGNING = 4,
    CHAN_CERT_ED_SIGNING_LINK = 5,
    CHAN_CERT_ED_SIGNING_AUTH = 6,
    CHAN_CERT_RSA_ED_CROSS = 7
};

struct chan_cert {
    uint8_t type;
    uint16_t len;
    const uint8_t *body;
};

/* Certificates as sent: unknown types and duplicates are there, for the link to judge. */
struct chan_certs {
    size_t n;
    struct chan_cert c[CHAN_CERTS_MAX];
};
MUST_USE err_t chan_certs_decode(struct rd r, struct chan_certs *out);
MUST_USE err_t chan_certs_encode(struct wr *w, const struct chan_certs *m);

enum { CHAN_AUTH_ED25519_SHA256_RFC5705 = 3 };

struct chan_auth_challenge {
    uint8_t challenge[CHAN_AUTH_CHALLENGE_LEN];
    size_t n_methods;
    uint16_t methods[CHAN_AUTH_METHODS_MAX];
};
MUST_USE err_t chan_auth_challenge_decode(struct rd r, struct chan_auth_challenge *out);
MUST_USE err_t chan_auth_challenge_encode(struct wr *w, const struct chan_auth_challenge *m);

struct chan_authenticate {
    uint16_t type;
    uint16_t len;
    const uint8_t *auth;
};
MUST_USE err_t chan_authenticate_decode(struct rd r, struct chan_authenticate *out);
MUST_USE err_t chan_authenticate_encode(struct wr *w, const struct chan_authenticate *m);

/* Addresses of a type other than IPv4 and IPv6, or with a length that does not fit their type, are
 * skipped (OTHER then has family IP_NONE). The encoder refuses family IP_NONE: ERR_ARG. */
struct chan_netinfo {
    uint32_t timestamp; /* seconds since 1970, or 0: clients do not tell their time */
    struct ip other;    /* the receiver's address as the sender sees it */
    size_t n_mine;
    struct ip mine[CHAN_NETINFO_ADDRS_MAX];
};
MUST_USE err_t chan_netinfo_decode(struct rd r, struct chan_netinfo *out);
MUST_USE err_t chan_netinfo_encode(struct wr *w, const struct chan_netinfo *m);

enum chan_padding_cmd { CHAN_PADDING_STOP = 1, CHAN_PADDING_START = 2 };

/* Version 0. On STOP the timeouts count for nothing and are sent as 0. */
struct chan_padding_negotiate {
    uint8_t command;      /* enum chan_padding_cmd */
    uint16_t ito_low_ms;  /* the relay pads no sooner than this */
    uint16_t ito_high_ms; /* the relay pads no later than this */
};
MUST_USE err_t chan_padding_negotiate_decode(struct rd r, struct chan_padding_negotiate *out);
MUST_USE err_t chan_padding_negotiate_encode(struct wr *w, const struct chan_padding_negotiate *m);

#endif
