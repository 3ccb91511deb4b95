#include "socks/wire.h"

#include <string.h>

#include "base/wr.h"
#include "cell/reason.h"

enum { ATYP_IPV4 = 1, ATYP_NAME = 3, ATYP_IPV6 = 4 };
enum { SOCKS4_GRANTED = 0x5a, SOCKS4_REJECTED = 0x5b };

/* What is missing at the end of a byte stream may still come. */
static err_t so_far(const struct rd *r)
{
    return rd_ok(r) == OK ? OK : ERR_MORE;
}

static struct text rd_text(struct rd *r, size_t len)
{
    const uint8_t *bytes = rd_bytes(r, len);
    return (struct text){(const char *)bytes, bytes ? len : 0};
}

err_t socks5_greeting_parse(struct rd *r, bool *none, bool *user_pass)
{
    if (rd_u8(r) != 5 && !r->failed)
        return ERR_MALFORMED;
    size_t n = rd_u8(r);
    const uint8_t *methods = rd_bytes(r, n);
    TRY(so_far(r));
    *none = memchr(methods, METHOD_NONE, n) != NULL;
    *user_pass = memchr(methods, METHOD_USER_PASS, n) != NULL;
    return OK;
}

err_t socks5_auth_parse(struct rd *r, struct text *user, struct text *pass)
{
    if (rd_u8(r) != 1 && !r->failed)
        return ERR_MALFORMED;
    *user = rd_text(r, rd_u8(r));
    *pass = rd_text(r, rd_u8(r));
    return so_far(r);
}

static err_t parse_address(struct rd *r, struct socks_request *out)
{
    const uint8_t *b;
    switch (rd_u8(r)) {
    case ATYP_IPV4:
        if ((b = rd_bytes(r, 4)))
            out->ip = ip_v4(b);
        return OK;
    case ATYP_IPV6:
        if ((b = rd_bytes(r, 16)))
            out->ip = ip_v6(b);
        return OK;
    case ATYP_NAME:
        out->host = rd_text(r, rd_u8(r));
        return r->failed || out->host.len ? OK : ERR_MALFORMED;
    default:
        return r->failed ? OK : ERR_UNSUPPORTED;
    }
}

err_t socks5_request_parse(struct rd *r, struct socks_request *out)
{
    *out = (struct socks_request){.version = 5};
    if (rd_u8(r) != 5 && !r->failed)
        return ERR_MALFORMED;
    out->cmd = rd_u8(r);
    (void)rd_u8(r); /* reserved */
    TRY(parse_address(r, out));
    out->port = rd_u16(r);
    return so_far(r);
}

/* Text up to a NUL byte, which is skipped. */
static err_t rd_cstr(struct rd *r, struct text *out)
{
    const uint8_t *end = r->failed ? NULL : memchr(r->at, 0, r->left);
    if (!end)
        return ERR_MORE;
    *out = rd_text(r, (size_t)(end - r->at));
    (void)rd_u8(r);
    return OK;
}

err_t socks4_request_parse(struct rd *r, struct socks_request *out)
{
    *out = (struct socks_request){.version = 4};
    if (rd_u8(r) != 4 && !r->failed)
        return ERR_MALFORMED;
    out->cmd = rd_u8(r);
    out->port = rd_u16(r);
    const uint8_t *b = rd_bytes(r, 4);
    TRY(so_far(r));
    TRY(rd_cstr(r, &out->user));
    /* SOCKS4a: 0.0.0.x with x not 0 says that a host name follows. */
    if (b[0] || b[1] || b[2] || !b[3]) {
        out->ip = ip_v4(b);
        return OK;
    }
    TRY(rd_cstr(r, &out->host));
    return out->host.len ? OK : ERR_MALFORMED;
}

size_t socks4_reply(bool granted, const struct ip *ip, uint8_t out[SOCKS_REPLY_MAX])
{
    struct wr w = wr_over(out, SOCKS_REPLY_MAX);
    wr_u8(&w, 0);
    wr_u8(&w, granted ? SOCKS4_GRANTED : SOCKS4_REJECTED);
    wr_u16(&w, 0);
    if (ip && ip->family == IP_V4)
        wr_bytes(&w, ip->b, 4);
    else
        wr_zeros(&w, 4);
    return w.len;
}

size_t socks5_reply(uint8_t code, const struct ip *ip, struct text name,
                    uint8_t out[SOCKS_REPLY_MAX])
{
    struct wr w = wr_over(out, SOCKS_REPLY_MAX);
    wr_u8(&w, 5);
    wr_u8(&w, code);
    wr_u8(&w, 0);
    if (name.len && name.len <= UINT8_MAX) {
        wr_u8(&w, ATYP_NAME);
        wr_u8(&w, (uint8_t)name.len);
        wr_bytes(&w, name.s, name.len);
    } else if (ip && ip->family == IP_V6) {
        wr_u8(&w, ATYP_IPV6);
        wr_bytes(&w, ip->b, 16);
    } else {
        static const uint8_t unspecified[4];
        wr_u8(&w, ATYP_IPV4);
        wr_bytes(&w, ip && ip->family == IP_V4 ? ip->b : unspecified, 4);
    }
    wr_u16(&w, 0);
    return w.len;
}

static uint8_t code_of_reason(uint8_t reason)
{
    switch (reason) {
    case END_RESOLVEFAILED:
    case END_NOROUTE:
        return REPLY_HOST_UNREACHABLE;
    case END_CONNECTREFUSED:
    case END_CONNRESET:
    case END_DONE: /* closed before it was connected */
        return REPLY_REFUSED;
    case END_EXITPOLICY:
    case END_CANT_ATTACH:
        return REPLY_NOT_ALLOWED;
    case END_TIMEOUT:
        return REPLY_TTL_EXPIRED;
    default:
        return REPLY_GENERAL;
    }
}

uint8_t socks5_code(const struct tunnel_end *end)
{
    switch (end->stage) {
    case TUNNEL_STAGE_REQUEST:
        return REPLY_NOT_ALLOWED;
    case TUNNEL_STAGE_NETWORK:
        return REPLY_NET_UNREACHABLE;
    case TUNNEL_STAGE_TIMEOUT:
        return REPLY_TTL_EXPIRED;
    case TUNNEL_STAGE_CIRCUIT:
        return REPLY_GENERAL;
    default:
        return code_of_reason(end->reason);
    }
}
