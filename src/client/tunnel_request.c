/* What is asked of a tunnel: what must not leave, and how it is said to an exit. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/tunnel_int.h"

/* ---- what is refused ---- */

/* NAME is `label`, or ends in `.label`. */
static bool is_under(const char *name, const char *label)
{
    size_t len = strlen(name), n = strlen(label);
    while (len && name[len - 1] == '.') /* "x.onion." is the same name */
        len--;
    if (len < n || strncasecmp(name + len - n, label, n) != 0)
        return false;
    return len == n || name[len - n - 1] == '.';
}

static bool is_local_name(const char *name)
{
    return is_under(name, "localhost") || is_under(name, "local");
}

bool tunnel_request_bad_name(const struct tunnel_request *req)
{
    return is_under(req->host, "exit");
}

const char *tunnel_request_no_use(const struct tunnel_request *req)
{
    if (is_under(req->host, "onion"))
        return "onion services are not supported yet";
    if (tunnel_request_bad_name(req))
        return "the .exit notation is not supported";
    if (req->kind == TUNNEL_CONNECT && req->port == 0)
        return "port 0 cannot be reached";
    return NULL;
}

const char *tunnel_request_refusal(const struct tunnel_request *req,
                                   const struct tunnels_config *config, bool chosen)
{
    if (req->kind == TUNNEL_RESOLVE_PTR && config->dns_reject_internal && ip_is_internal(&req->ip))
        return "reverse look-up of an internal address";
    if (req->kind == TUNNEL_CONNECT && config->reject_internal && !chosen &&
        (req->ip.family == IP_NONE ? is_local_name(req->host) : ip_is_internal(&req->ip)))
        return "internal address (ClientRejectInternalAddresses)";
    return NULL;
}

/* in-addr.arpa and ip6.arpa names for a reverse look-up (RFC 1035, RFC 3596). */
static void reverse_name(const struct ip *ip, char *out, size_t size)
{
    size_t len = 0;
    if (ip->family == IP_V4) {
        snprintf(out, size, "%u.%u.%u.%u.in-addr.arpa", ip->b[3], ip->b[2], ip->b[1], ip->b[0]);
        return;
    }
    for (size_t i = 16; i-- > 0 && len < size;)
        len += (size_t)snprintf(out + len, size - len, "%x.%x.", ip->b[i] & 15, ip->b[i] >> 4);
    if (len < size)
        snprintf(out + len, size - len, "ip6.arpa");
}

void tunnel_request_know(struct tunnel_request *req)
{
    struct ip ip;
    if (req->kind == TUNNEL_RESOLVE_PTR) {
        reverse_name(&req->ip, req->host, sizeof req->host);
        return;
    }
    if (ip_parse(req->host, true, &ip) != OK)
        return;
    req->ip = ip;
    ip_text(&ip, req->host);
}

bool tunnel_request_is_dir(const struct tunnel_request *req)
{
    return req->kind == TUNNEL_DIR || req->kind == TUNNEL_DIR_AUTHORITY;
}

/* ---- what an exit is told ---- */

void tunnel_request_target(const struct tunnel_request *req, char *out, size_t size)
{
    if (req->kind == TUNNEL_CONNECT)
        snprintf(out, size, req->ip.family == IP_V6 ? "[%s]:%u" : "%s:%u", req->host, req->port);
    else
        snprintf(out, size, "%s", req->host);
}

uint32_t tunnel_request_flags(const struct tunnel_request *req)
{
    uint32_t flags = 0;
    if (req->kind != TUNNEL_CONNECT)
        return 0;
    if (req->ipv6_ok && req->ip.family != IP_V4)
        flags |= BEGIN_IPV6_OK;
    if (!req->ipv4_ok || req->ip.family == IP_V6)
        flags |= BEGIN_IPV4_NOT_OK;
    if (req->prefer_ipv6 && req->ipv6_ok)
        flags |= BEGIN_IPV6_PREFERRED;
    return flags;
}
