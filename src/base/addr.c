#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct ip ip_v4(const uint8_t b[4])
{
    struct ip ip = {.family = IP_V4};
    memcpy(ip.b, b, 4);
    return ip;
}

struct ip ip_v6(const uint8_t b[16])
{
    struct ip ip = {.family = IP_V6};
    memcpy(ip.b, b, 16);
    return ip;
}

size_t ip_len(const struct ip *ip)
{
    switch (ip->family) {
    case IP_V4:
        return 4;
    case IP_V6:
        return 16;
    default:
        return 0;
    }
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return a->family == b->family && memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool ipport_equal(const struct ipport *a, const struct ipport *b)
{
    return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* Copies TEXT without a pair of brackets around it; false if they do not match or it is too long.
 */
static bool unbracket(const char *text, char *out, size_t size, bool *bracketed)
{
    size_t len = strlen(text);
    *bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (*bracketed) {
        text++;
        len -= 2;
    }
    if (len >= size || memchr(text, '[', len) || memchr(text, ']', len))
        return false;
    memcpy(out, text, len);
    out[len] = 0;
    return true;
}

err_t ip_parse(const char *text, bool brackets_ok, struct ip *out)
{
    char plain[IP_TEXT_MAX];
    bool bracketed;
    uint8_t b[16];
    if (!unbracket(text, plain, sizeof plain, &bracketed) || (bracketed && !brackets_ok))
        return ERR_MALFORMED;
    if (!bracketed && inet_pton(AF_INET, plain, b) == 1) {
        *out = ip_v4(b);
        return OK;
    }
    if (inet_pton(AF_INET6, plain, b) == 1) {
        *out = ip_v6(b);
        return OK;
    }
    return ERR_MALFORMED;
}

/* Splits TEXT at its last SEP into a copied head and a tail. */
static const char *split_last(const char *text, char sep, char *head, size_t size)
{
    const char *at = strrchr(text, sep);
    if (!at || (size_t)(at - text) >= size)
        return NULL;
    memcpy(head, text, (size_t)(at - text));
    head[at - text] = 0;
    return at + 1;
}

err_t ipport_parse(const char *text, struct ipport *out)
{
    char host[IP_TEXT_MAX + 2];
    struct ipport ap;
    uint64_t port;
    const char *tail = split_last(text, ':', host, sizeof host);
    if (!tail || (strchr(host, ':') && host[0] != '['))
        return ERR_MALFORMED;
    TRY(ip_parse(host, true, &ap.ip));
    TRY(text_u64(tail, UINT16_MAX, &port));
    ap.port = (uint16_t)port;
    *out = ap;
    return OK;
}

err_t ip_net_parse(const char *text, struct ip_net *out)
{
    char host[IP_TEXT_MAX + 2];
    struct ip_net net = {.bits = 0};
    uint64_t bits;
    if (strcmp(text, "*") == 0) {
        *out = net;
        return OK;
    }
    const char *tail = split_last(text, '/', host, sizeof host);
    TRY(ip_parse(tail ? host : text, true, &net.ip));
    size_t most = ip_len(&net.ip) * 8;
    bits = most;
    if (tail)
        TRY(text_u64(tail, most, &bits));
    net.bits = (uint8_t)bits;
    *out = net;
    return OK;
}

const char *ip_text(const struct ip *ip, char out[IP_TEXT_MAX])
{
    if (ip->family == IP_NONE ||
        !inet_ntop(ip->family == IP_V4 ? AF_INET : AF_INET6, ip->b, out, IP_TEXT_MAX))
        snprintf(out, IP_TEXT_MAX, "<none>");
    return out;
}

const char *ipport_text(const struct ipport *ap, char out[IPPORT_TEXT_MAX])
{
    char ip[IP_TEXT_MAX];
    ip_text(&ap->ip, ip);
    snprintf(out, IPPORT_TEXT_MAX, ap->ip.family == IP_V6 ? "[%s]:%u" : "%s:%u", ip, ap->port);
    return out;
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip)
{
    if (net->ip.family == IP_NONE)
        return true;
    if (net->ip.family != ip->family)
        return false;
    size_t whole = net->bits / 8u, rest = net->bits % 8u;
    if (memcmp(net->ip.b, ip->b, whole) != 0)
        return false;
    return rest == 0 || (net->ip.b[whole] ^ ip->b[whole]) >> (8 - rest) == 0;
}

static bool in_any(const struct ip *ip, const struct ip_net *nets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ip_net_has(&nets[i], ip))
            return true;
    return false;
}

#define NET4(a, b, c, d, bits)      \
    {                               \
        {IP_V4, {a, b, c, d}}, bits \
    }

static struct ip unmap(const struct ip *ip)
{
    static const struct ip_net mapped = {{IP_V6, {[10] = 0xff, [11] = 0xff}}, 96};
    return ip_net_has(&mapped, ip) ? ip_v4(ip->b + 12) : *ip;
}

bool ip_is_private(const struct ip *ip)
{
    static const struct ip_net nets[] = {
        NET4(0, 0, 0, 0, 8),      NET4(10, 0, 0, 0, 8),       NET4(100, 64, 0, 0, 10),
        NET4(127, 0, 0, 0, 8),    NET4(169, 254, 0, 0, 16),   NET4(172, 16, 0, 0, 12),
        NET4(192, 168, 0, 0, 16), {{IP_V6, {0}}, 127},        /* :: and ::1 */
        {{IP_V6, {0xfc}}, 7},     {{IP_V6, {0xfe, 0x80}}, 9}, /* fe80::/10 and the old site-local
                                                                 fec0::/10 */
    };
    struct ip plain = unmap(ip);
    return in_any(&plain, nets, sizeof nets / sizeof nets[0]);
}

bool ip_is_internal(const struct ip *ip)
{
    static const struct ip_net nets[] = {
        NET4(224, 0, 0, 0, 3), /* multicast, reserved, broadcast */
        {{IP_V6, {0xff}}, 8},
    };
    struct ip plain = unmap(ip);
    return ip_is_private(ip) || in_any(&plain, nets, sizeof nets / sizeof nets[0]);
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct ip_net nets[] = {NET4(127, 0, 0, 0, 8), {{IP_V6, {[15] = 1}}, 128}};
    struct ip plain = unmap(ip);
    return in_any(&plain, nets, sizeof nets / sizeof nets[0]);
}

bool ip_is_unspecified(const struct ip *ip)
{
    static const uint8_t zero[16];
    return memcmp(ip->b, zero, sizeof zero) == 0;
}
