#include "base/addrpat.h"

#include <string.h>

enum { V4_MAPPED_BITS = 96, PATTERN_MAX = 128 };

static const char *find(struct text t, char c)
{
    return t.len ? memchr(t.s, c, t.len) : NULL;
}

/* What is behind AT, which *T is cut at. */
static struct text cut(struct text *t, const char *at)
{
    struct text behind = {at + 1, t->len - (size_t)(at + 1 - t->s)};
    t->len = (size_t)(at - t->s);
    return behind;
}

static err_t port_of(struct text t, uint16_t *out)
{
    uint64_t port = 0;
    if (t.len > 1 && t.s[0] == '+') /* strtol() takes it, and so tor does */
        t = (struct text){t.s + 1, t.len - 1};
    TRY(text_to_u64(t, UINT16_MAX, &port));
    *out = (uint16_t)port;
    return port ? OK : ERR_MALFORMED;
}

err_t addr_pattern_ports(struct text t, struct addr_pattern *out)
{
    out->port_min = 1;
    out->port_max = UINT16_MAX;
    if (t.len == 0 || text_is(t, "*"))
        return OK;
    const char *dash = find(t, '-');
    struct text high = dash ? cut(&t, dash) : t;
    TRY(port_of(t, &out->port_min));
    TRY(port_of(high, &out->port_max));
    return out->port_min <= out->port_max ? OK : ERR_MALFORMED;
}

/* "255.255.0.0" as a number of bits. */
static bool dotted_bits(const char *text, uint64_t *bits)
{
    struct ip mask;
    if (ip_parse(text, false, &mask) != OK || mask.family != IP_V4)
        return false;
    uint32_t m = (uint32_t)mask.b[0] << 24 | (uint32_t)mask.b[1] << 16 | (uint32_t)mask.b[2] << 8 |
                 mask.b[3];
    *bits = (unsigned)__builtin_popcount(m);
    return *bits == 0 || m == UINT32_MAX << (32 - *bits);
}

static bool is_v4_mapped(const struct ip *ip)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return ip->family == IP_V6 && memcmp(ip->b, prefix, sizeof prefix) == 0;
}

static err_t mask_of(struct text t, struct ip_net *net)
{
    char mask[IP_TEXT_MAX];
    uint64_t bits = 0, most = 8 * ip_len(&net->ip);
    if (t.len == 0 || t.len >= sizeof mask)
        return ERR_MALFORMED;
    memcpy(mask, t.s, t.len);
    mask[t.len] = 0;
    if (text_to_u64(t, most, &bits) != OK && !dotted_bits(mask, &bits))
        return ERR_MALFORMED;
    /* The bits of ::ffff:192.0.2.0/24 are those of its IPv4 address, as in tor. */
    if (is_v4_mapped(&net->ip) && bits < V4_MAPPED_BITS) {
        if (bits > 32)
            return ERR_MALFORMED;
        bits += V4_MAPPED_BITS;
    }
    net->bits = (uint8_t)bits;
    return OK;
}

static bool wildcard(struct text t, struct ip_net *net)
{
    static const uint8_t zero[16];
    if (text_is(t, "*"))
        *net = (struct ip_net){.ip = {.family = IP_NONE}};
    else if (text_is(t, "*4"))
        *net = (struct ip_net){ip_v4(zero), 0};
    else if (text_is(t, "*6"))
        *net = (struct ip_net){ip_v6(zero), 0};
    else
        return false;
    return true;
}

static err_t net_of(struct text addr, const struct text *mask, struct ip_net *net)
{
    char plain[IP_TEXT_MAX];
    if (wildcard(addr, net))
        return mask ? ERR_MALFORMED : OK;
    if (addr.len >= sizeof plain)
        return ERR_MALFORMED;
    memcpy(plain, addr.s, addr.len);
    plain[addr.len] = 0;
    TRY(ip_parse(plain, false, &net->ip));
    net->bits = (uint8_t)(8 * ip_len(&net->ip));
    return mask ? mask_of(*mask, net) : OK;
}

/* Takes the brackets of "[ADDRESS]..." off: *T becomes what is behind them. */
static err_t unbracket(struct text *t, struct text *addr)
{
    const char *close = find(*t, ']');
    if (!close)
        return ERR_MALFORMED;
    *addr = (struct text){t->s + 1, (size_t)(close - t->s) - 1};
    *t = (struct text){close + 1, t->len - (size_t)(close + 1 - t->s)};
    return t->len == 0 || t->s[0] == '/' || t->s[0] == ':' ? OK : ERR_MALFORMED;
}

/* A bare IPv6 address has colons of its own, so that it has no ports. */
static bool is_bare_v6(struct text t)
{
    const char *colon = find(t, ':');
    return colon && find((struct text){colon + 1, t.len - (size_t)(colon + 1 - t.s)}, ':');
}

err_t addr_pattern_parse(struct text t, struct addr_pattern *out)
{
    struct text addr = {t.s, 0}, mask = {NULL, 0}, ports = {NULL, 0};
    const char *at;
    bool bracketed = t.len > 0 && t.s[0] == '[', masked = false;
    if (t.len == 0 || t.len > PATTERN_MAX)
        return ERR_MALFORMED;
    if (bracketed)
        TRY(unbracket(&t, &addr));
    if ((bracketed || !is_bare_v6(t)) && (at = find(t, ':')))
        ports = cut(&t, at);
    if ((at = find(t, '/'))) {
        mask = cut(&t, at);
        masked = true;
    }
    if (!bracketed)
        addr = t;
    TRY(net_of(addr, masked ? &mask : NULL, &out->net));
    return addr_pattern_ports(ports, out);
}

bool addr_pattern_has(const struct addr_pattern *p, const struct ip *ip, uint16_t port)
{
    return ip_net_has(&p->net, ip) && port >= p->port_min && port <= p->port_max;
}
