#include "cell/relay_stream.h"

#include <string.h>

#include "cell/reason.h"

/* A NUL-terminated text in the midst of a message, without the NUL; fails the reader if there is
 * none. */
static struct text cstring_decode(struct rd *r)
{
    const uint8_t *nul = r->failed ? NULL : memchr(r->at, 0, r->left);
    if (!nul) {
        r->failed = true;
        return (struct text){NULL, 0};
    }
    struct text t = {(const char *)r->at, (size_t)(nul - r->at)};
    rd_bytes(r, t.len + 1);
    return t;
}

/* What can be in a host name or address and does no harm in a log line or a SOCKS reply. */
static bool host_ok(struct text host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.s[i] <= 0x20 || host.s[i] >= 0x7f)
            return false;
    }
    return host.len <= RELAY_HOST_MAX;
}

static bool has_colon(struct text host)
{
    return host.len > 0 && memchr(host.s, ':', host.len) != NULL;
}

static bool has_brackets(struct text host)
{
    return host.len >= 2 && host.s[0] == '[' && host.s[host.len - 1] == ']';
}

static err_t addrport_split(struct text addrport, struct text *host, uint16_t *port)
{
    size_t at = addrport.len;
    while (at > 0 && addrport.s[at - 1] != ':')
        at--;
    if (at == 0)
        return ERR_MALFORMED;
    *host = (struct text){addrport.s, at - 1};
    struct text digits = {addrport.s + at, addrport.len - at};
    uint64_t number = 0;
    /* tor-spec 6.2: "PORT is a decimal integer between 1 and 65535, inclusive" */
    if (text_to_u64(digits, UINT16_MAX, &number) != OK || number == 0)
        return ERR_MALFORMED;
    *port = (uint16_t)number;
    /* tor-spec 6.2: "an IPv6 address surrounded by square brackets" */
    if (!host_ok(*host) || has_colon(*host) != has_brackets(*host))
        return ERR_MALFORMED;
    return OK;
}

err_t relay_begin_decode(struct rd r, struct relay_begin *out)
{
    struct text addrport = cstring_decode(&r);
    TRY(rd_ok(&r));
    TRY(addrport_split(addrport, &out->host, &out->port));
    out->flags = r.left > 0 ? rd_u32(&r) : 0;
    return rd_end(&r);
}

static void port_encode(struct wr *w, uint16_t port)
{
    uint8_t digits[5];
    size_t n = 0;
    for (unsigned left = port; left > 0; left /= 10)
        digits[n++] = (uint8_t)('0' + left % 10);
    while (n > 0)
        wr_u8(w, digits[--n]);
}

err_t relay_begin_encode(struct wr *w, const struct relay_begin *m)
{
    bool bare_v6 = has_colon(m->host) && !has_brackets(m->host);
    if (!host_ok(m->host) || m->port == 0 || (has_brackets(m->host) && !has_colon(m->host)))
        return ERR_ARG;
    if (bare_v6)
        wr_u8(w, '[');
    wr_bytes(w, m->host.s, m->host.len);
    if (bare_v6)
        wr_u8(w, ']');
    wr_u8(w, ':');
    port_encode(w, m->port);
    wr_u8(w, 0);
    if (m->flags != 0) /* as C tor: no flags rather than zero flags */
        wr_u32(w, m->flags);
    return wr_end(w);
}

err_t relay_connected_decode(struct rd r, struct relay_connected *out)
{
    *out = (struct relay_connected){.has_ttl = false};
    if (r.left == 0)
        return rd_end(&r);
    uint8_t v4[4], v6[16];
    static const uint8_t zero[4];
    rd_copy(&r, v4, sizeof v4);
    if (memcmp(v4, zero, sizeof v4) == 0) {
        /* tor-spec 6.2: "Four zero-valued octets", "An address type (6)" */
        uint8_t type = rd_u8(&r);
        rd_copy(&r, v6, sizeof v6);
        TRY(rd_ok(&r));
        if (type != IP_V6)
            return ERR_MALFORMED;
        out->ip = ip_v6(v6);
    } else {
        out->ip = ip_v4(v4);
        if (r.left == 0)
            return rd_end(&r); /* without a ttl, as some exits send it */
    }
    out->has_ttl = true;
    out->ttl_s = rd_u32(&r);
    return rd_end(&r);
}

err_t relay_connected_encode(struct wr *w, const struct relay_connected *m)
{
    if (m->ip.family == IP_V6) {
        wr_u32(w, 0);
        wr_u8(w, IP_V6);
        if (!m->has_ttl)
            return ERR_ARG;
    } else if (m->ip.family == IP_V4 && ip_is_unspecified(&m->ip)) {
        return ERR_ARG; /* on the wire 0.0.0.0 announces an IPv6 address */
    }
    wr_bytes(w, m->ip.b, ip_len(&m->ip));
    if (m->ip.family != IP_NONE && m->has_ttl)
        wr_u32(w, m->ttl_s);
    return wr_end(w);
}

err_t relay_end_decode(struct rd r, struct relay_end *out)
{
    *out = (struct relay_end){.reason = rd_u8(&r)};
    TRY(rd_ok(&r));
    /* tor-spec 6.3: "OPs and ORs MUST accept reasons not on the above list", and those may have
     * additional data of their own. */
    if (out->reason != END_EXITPOLICY)
        return OK;
    size_t left = r.left;
    const uint8_t *ip = r.at;
    /* tor-spec 6.3: "If the address is absent or is the wrong length, the RELAY_END message should
     * be processed anyway." */
    if (left == 4 || left == 8)
        out->ip = ip_v4(ip);
    else if (left == 16 || left == 20)
        out->ip = ip_v6(ip);
    else
        return OK;
    rd_bytes(&r, ip_len(&out->ip));
    out->has_ttl = r.left > 0;
    out->ttl_s = out->has_ttl ? rd_u32(&r) : 0;
    return rd_end(&r);
}

err_t relay_end_encode(struct wr *w, const struct relay_end *m)
{
    if (m->reason == 0 || m->reason >= END_PRIVATE)
        return ERR_ARG;
    wr_u8(w, m->reason);
    if (m->reason == END_EXITPOLICY && m->ip.family != IP_NONE) {
        wr_bytes(w, m->ip.b, ip_len(&m->ip));
        if (m->has_ttl)
            wr_u32(w, m->ttl_s);
    }
    return wr_end(w);
}

err_t relay_resolve_decode(struct rd r, struct relay_resolve *out)
{
    out->host = cstring_decode(&r);
    TRY(rd_end(&r));
    return out->host.len > 0 && host_ok(out->host) ? OK : ERR_MALFORMED;
}

err_t relay_resolve_encode(struct wr *w, const struct relay_resolve *m)
{
    if (m->host.len == 0 || !host_ok(m->host))
        return ERR_ARG;
    wr_bytes(w, m->host.s, m->host.len);
    wr_u8(w, 0);
    return wr_end(w);
}

static err_t answer_decode(struct rd *r, struct relay_answer *out)
{
    *out = (struct relay_answer){.type = rd_u8(r)};
    size_t len = rd_u8(r);
    const uint8_t *value = rd_bytes(r, len);
    out->value = (struct text){(const char *)value, value ? len : 0};
    out->ttl_s = rd_u32(r);
    TRY(rd_ok(r));
    switch (out->type) {
    case ANSWER_IPV4:
        if (len != 4)
            return ERR_MALFORMED;
        out->ip = ip_v4(value);
        return OK;
    case ANSWER_IPV6:
        if (len != 16)
            return ERR_MALFORMED;
        out->ip = ip_v6(value);
        return OK;
    case ANSWER_HOST:
        return len > 0 && host_ok(out->value) ? OK : ERR_MALFORMED;
    default:
        return OK;
    }
}

err_t relay_resolved_decode(struct rd r, struct relay_resolved *out)
{
    out->n = 0;
    while (r.left > 0) {
        if (out->n == RELAY_ANSWERS_MAX)
            return ERR_LIMIT;
        TRY(answer_decode(&r, &out->a[out->n]));
        out->n++;
    }
    return rd_end(&r);
}

static err_t answer_encode(struct wr *w, const struct relay_answer *a)
{
    bool is_ip = a->type == ANSWER_IPV4 || a->type == ANSWER_IPV6;
    if (is_ip && a->type != a->ip.family) /* the two enums share their numbers */
        return ERR_ARG;
    const void *value = is_ip ? (const void *)a->ip.b : a->value.s;
    size_t len = is_ip ? ip_len(&a->ip) : a->value.len;
    if (len > UINT8_MAX)
        return ERR_ARG;
    wr_u8(w, a->type);
    wr_u8(w, (uint8_t)len);
    wr_bytes(w, value, len);
    wr_u32(w, a->ttl_s);
    return wr_end(w);
}

err_t relay_resolved_encode(struct wr *w, const struct relay_resolved *m)
{
    if (m->n > RELAY_ANSWERS_MAX)
        return ERR_ARG;
    for (size_t i = 0; i < m->n; i++)
        TRY(answer_encode(w, &m->a[i]));
    return wr_end(w);
}
