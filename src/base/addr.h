/* Internet addresses: IPv4 and IPv6, with and without a port, and patterns over them. Text forms
 * only; a host name is never looked up here or anywhere else in Tunic. */
#ifndef TUNIC_BASE_ADDR_H
#define TUNIC_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip {
    uint8_t family; /* enum ip_family */
    uint8_t b[16];  /* network order; 4 or 16 of them count, the rest are zero */
};

struct ipport {
    struct ip ip;
    uint16_t port;
};

/* Every address whose first BITS bits are those of IP; family IP_NONE matches all. */
struct ip_net {
    struct ip ip;
    uint8_t bits;
};

enum { IP_TEXT_MAX = 48, IPPORT_TEXT_MAX = 56 };

struct ip ip_v4(const uint8_t b[4]);
struct ip ip_v6(const uint8_t b[16]);
size_t ip_len(const struct ip *ip); /* 0, 4 or 16 */
bool ip_equal(const struct ip *a, const struct ip *b);
bool ipport_equal(const struct ipport *a, const struct ipport *b);

/* "192.0.2.1", "2001:db8::1" and, if BRACKETS_OK, "[2001:db8::1]". */
MUST_USE err_t ip_parse(const char *text, bool brackets_ok, struct ip *out);
/* "192.0.2.1:80", "[2001:db8::1]:80" */
MUST_USE err_t ipport_parse(const char *text, struct ipport *out);
/* "192.0.2.0/24", "[2001:db8::]/32", a plain address, or "*" */
MUST_USE err_t ip_net_parse(const char *text, struct ip_net *out);

/* All return OUT. */
const char *ip_text(const struct ip *ip, char out[IP_TEXT_MAX]);             /* no brackets */
const char *ipport_text(const struct ipport *ap, char out[IPPORT_TEXT_MAX]); /* brackets for v6 */

bool ip_net_has(const struct ip_net *net, const struct ip *ip);

/* Whether IP is of this computer or a local network: private, loopback, link-local, unspecified,
 * carrier-grade NAT (C tor: tor_addr_is_internal()). An IPv4-mapped IPv6 address is judged by its
 * IPv4 address. */
bool ip_is_private(const struct ip *ip);
/* Whether IP is not reachable through the public network: internal, multicast, reserved,
 * broadcast. */
bool ip_is_internal(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip);
bool ip_is_unspecified(const struct ip *ip);

#endif
