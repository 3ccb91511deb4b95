/* The bytes of SOCKS4, SOCKS4a and SOCKS5 (RFC 1928, RFC 1929) with tor's commands
 * (socks-extensions). Parsers take what is there: ERR_MORE if the message is not complete. Nothing
 * is kept; views are into the input. */
#ifndef TUNIC_SOCKS_WIRE_H
#define TUNIC_SOCKS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/rd.h"
#include "base/text.h"
#include "client/tunnel.h"

enum { SOCKS_HELLO_MAX = 1024 }; /* no message of the handshake is longer */

enum socks_cmd { SOCKS_CONNECT = 1, SOCKS_RESOLVE = 0xf0, SOCKS_RESOLVE_PTR = 0xf1 };

enum socks_method { METHOD_NONE = 0, METHOD_USER_PASS = 2, METHOD_NO_ACCEPTABLE = 0xff };

/* SOCKS5 reply codes; the 0xf0 ones are proposal 304's. */
enum socks5_reply {
    REPLY_SUCCEEDED = 0,
    REPLY_GENERAL = 1,
    REPLY_NOT_ALLOWED = 2,
    REPLY_NET_UNREACHABLE = 3,
    REPLY_HOST_UNREACHABLE = 4,
    REPLY_REFUSED = 5,
    REPLY_TTL_EXPIRED = 6,
    REPLY_COMMAND_NOT_SUPPORTED = 7,
    REPLY_ADDRESS_NOT_SUPPORTED = 8,
    REPLY_ONION_BAD_ADDRESS = 0xf6,
};

struct socks_request {
    uint8_t version;  /* 4 or 5 */
    uint8_t cmd;      /* enum socks_cmd, or what else the application sent */
    struct text host; /* empty: IP counts */
    struct ip ip;
    uint16_t port;
    struct text user; /* SOCKS4 user id */
};

/* SOCKS5 greeting: which methods are offered. */
MUST_USE err_t socks5_greeting_parse(struct rd *r, bool *none, bool *user_pass);
/* RFC 1929. */
MUST_USE err_t socks5_auth_parse(struct rd *r, struct text *user, struct text *pass);
/* ERR_UNSUPPORTED: unknown address type. */
MUST_USE err_t socks5_request_parse(struct rd *r, struct socks_request *out);
MUST_USE err_t socks4_request_parse(struct rd *r, struct socks_request *out);

/* Replies into OUT; the length is returned. */
enum { SOCKS_REPLY_MAX = 300 };
size_t socks4_reply(bool granted, const struct ip *ip, uint8_t out[SOCKS_REPLY_MAX]);
/* NAME (if not empty) or IP (if its family is set) is the bound address, else 0.0.0.0. */
size_t socks5_reply(uint8_t code, const struct ip *ip, struct text name,
                    uint8_t out[SOCKS_REPLY_MAX]);

/* The code that fits how a tunnel ended before it was connected. */
uint8_t socks5_code(const struct tunnel_end *end);

#endif
