/* Bodies of relay messages about streams: BEGIN, CONNECTED, END, RESOLVE, RESOLVED (tor-spec 6.2 to
 * 6.4). DATA is its data; BEGIN_DIR has no body. */
#ifndef TUNIC_CELL_RELAY_STREAM_H
#define TUNIC_CELL_RELAY_STREAM_H

#include "base/addr.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/text.h"
#include "base/wr.h"

enum {
    RELAY_HOST_MAX = 255,  /* longest host in BEGIN and RESOLVE */
    RELAY_ANSWERS_MAX = 83 /* answers in a RESOLVED: 498 / 6 bytes, the shortest there is */
};

/* BEGIN flags (tor-spec 6.2). */
enum begin_flag {
    BEGIN_IPV6_OK = 1u << 0,
    BEGIN_IPV4_NOT_OK = 1u << 1,
    BEGIN_IPV6_PREFERRED = 1u << 2
};

/* HOST is a host name, an IPv4 address, or an IPv6 address. In decoded messages an IPv6 address has
 * its brackets; the encoder adds them where they are missing. An onion service gets an empty host.
 * Flags of 0 are not sent. ERR_MALFORMED / ERR_ARG: no such host or port 0. */
struct relay_begin {
    struct text host;
    uint16_t port;
    uint32_t flags; /* set of enum begin_flag */
};
MUST_USE err_t relay_begin_decode(struct rd r, struct relay_begin *out);
MUST_USE err_t relay_begin_encode(struct wr *w, const struct relay_begin *m);

/* Without an address (family IP_NONE) the body is empty: answers to BEGIN_DIR and from onion
 * services. */
struct relay_connected {
    struct ip ip;
    bool has_ttl;
    uint32_t ttl_s;
};
MUST_USE err_t relay_connected_decode(struct rd r, struct relay_connected *out);
MUST_USE err_t relay_connected_encode(struct wr *w, const struct relay_connected *m);

/* An empty END is ERR_TRUNCATED. The address and ttl come with END_EXITPOLICY only; they may be
 * missing there too (family IP_NONE). Any reason is decoded. The encoder refuses END_PRIVATE and
 * whatever is over it with ERR_ARG. */
struct relay_end {
    uint8_t reason; /* enum end_reason, see reason.h */
    struct ip ip;
    bool has_ttl;
    uint32_t ttl_s;
};
MUST_USE err_t relay_end_decode(struct rd r, struct relay_end *out);
MUST_USE err_t relay_end_encode(struct wr *w, const struct relay_end *m);

/* A host name, or for a reverse look-up the name under in-addr.arpa or ip6.arpa. */
struct relay_resolve {
    struct text host;
};
MUST_USE err_t relay_resolve_decode(struct rd r, struct relay_resolve *out);
MUST_USE err_t relay_resolve_encode(struct wr *w, const struct relay_resolve *m);

enum relay_answer_type {
    ANSWER_HOST = 0x00,
    ANSWER_IPV4 = 0x04,
    ANSWER_IPV6 = 0x06,
    ANSWER_ERROR_TRANSIENT = 0xF0,
    ANSWER_ERROR = 0xF1
};

/* VALUE is the raw value of any type; an address is in IP as well. The encoder takes the value of
 * IPV4 and IPV6 answers from IP and of all others from VALUE. */
struct relay_answer {
    uint8_t type; /* enum relay_answer_type, or one unknown to us */
    struct ip ip;
    struct text value;
    uint32_t ttl_s;
};

/* There may be no answer at all. An address of a wrong length and an empty host name are
 * ERR_MALFORMED. */
struct relay_resolved {
    size_t n;
    struct relay_answer a[RELAY_ANSWERS_MAX];
};
MUST_USE err_t relay_resolved_decode(struct rd r, struct relay_resolved *out);
MUST_USE err_t relay_resolved_encode(struct wr *w, const struct relay_resolved *m);

#endif
