#include "socks/front.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"

enum { WARN_EVERY_S = 600 };

bool front_may_warn(const struct front_config *c, const struct env *env, enum front_warning which)
{
    unsigned held_back;
    return !c->rules.warnings ||
           ratelim_pass(&c->rules.warnings->of[which], env, WARN_EVERY_S, &held_back);
}

/* ---- names ---- */

/* Letters, digits and what else tor lets pass in a host name or an address; no NUL, no space, no
 * control byte. */
static bool host_is_plausible(struct text host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.s[i];
        if (!isalnum(c) && c != '-' && c != '.' && c != '_' && c != ':' && c != '[' && c != ']')
            return false;
    }
    return host.len > 0 && host.len <= TUNNEL_HOST_MAX;
}

static bool is_onion(const char *host)
{
    size_t len = strlen(host);
    if (len && host[len - 1] == '.')
        len--;
    return len >= 6 && text_is_nocase((struct text){host + len - 6, 6}, ".onion");
}

/* Proposal 304: X'F6' for what cannot be a version 3 address: 56 base32 characters. */
static bool is_onion_v3(const char *host)
{
    const char *label = host, *dot = strchr(host, '.');
    for (const char *next; dot && (next = strchr(dot + 1, '.')) && next[1]; dot = next)
        label = dot + 1;
    if (!dot || dot - label != 56)
        return false;
    for (const char *c = label; c < dot; c++)
        if (!isalpha((unsigned char)*c) && (*c < '2' || *c > '7'))
            return false;
    return true;
}

/* ---- the request ---- */

void front_note_auth(const struct front_config *c, struct isolation *who, struct text user,
                     struct text pass)
{
    if (c->flags.isolation & ISO_SOCKS_AUTH && (user.len || pass.len))
        isolation_set_auth(who, user, pass);
}

static struct isolation isolation_of(const struct front_config *c, const struct front_wish *wish)
{
    struct isolation iso = wish->who;
    uint32_t by = c->flags.isolation;
    iso.session = c->session;
    iso.by_dest_addr = by & ISO_DEST_ADDR;
    iso.by_dest_port = by & ISO_DEST_PORT;
    iso.keep_alive = c->flags.keepalive_isolate_socks_auth;
    if (by & ISO_CLIENT_PROTOCOL)
        iso.protocol = wish->protocol;
    if (by & ISO_CLIENT_ADDR)
        iso.client = wish->client.ip;
    return iso;
}

/* C tor, connection_ap_handshake_rewrite(): who speaks SOCKS4 can be given IPv4 addresses only. */
static bool automaps_to_ipv6(const struct port_flags *f, uint8_t protocol)
{
    return protocol != 4 && (!f->ipv4 || (f->ipv6 && f->prefer_ipv6) || f->prefer_ipv6_automap);
}

/* A name, or an address that came as text. */
static enum front_verdict set_host(struct text host, struct tunnel_request *out)
{
    if (!host_is_plausible(host))
        return FRONT_NO_HOST;
    snprintf(out->host, sizeof out->host, "%.*s", TEXT_ARG(host));
    if (ip_parse(out->host, true, &out->ip) == OK)
        return FRONT_GRANTED;
    out->ip = (struct ip){.family = IP_NONE};
    return strpbrk(out->host, ":[]") ? FRONT_NO_HOST : FRONT_GRANTED;
}

enum front_verdict front_request(const struct front_config *c, const struct front_wish *wish,
                                 struct tunnel_request *out)
{
    *out = (struct tunnel_request){.kind = wish->kind,
                                   .ip = wish->ip,
                                   .port = wish->port,
                                   .asker = {.source = wish->client,
                                             .protocol = wish->protocol,
                                             .isolated_by = c->flags.isolation,
                                             .login = wish->login},
                                   .isolation = isolation_of(c, wish),
                                   .ipv4_ok = c->flags.ipv4,
                                   .ipv6_ok = c->flags.ipv6,
                                   .prefer_ipv6 = c->flags.prefer_ipv6,
                                   .optimistic = c->flags.optimistic_reply,
                                   .automap_ipv6 = automaps_to_ipv6(&c->flags, wish->protocol)};
    if (wish->host.len && set_host(wish->host, out) != FRONT_GRANTED)
        return FRONT_NO_HOST;
    if (out->ip.family != IP_NONE)
        ip_text(&out->ip, out->host);
    if (out->kind == TUNNEL_RESOLVE_PTR && out->ip.family == IP_NONE)
        return FRONT_NO_ADDRESS;
    return FRONT_GRANTED;
}

/* ---- the flags ---- */

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
    for (size_t i = 0; i < n; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static bool is_rejected(const struct front_config *c, const struct tunnel_request *req)
{
    return req->kind == TUNNEL_CONNECT &&
           has_port(c->rules.reject_ports, c->rules.n_reject_ports, req->port);
}

bool front_may_have(const struct front_config *c, const struct ip *ip)
{
    return ip->family == IP_V4 ? c->flags.ipv4 : c->flags.ipv6;
}

static enum front_verdict judge(const struct front_config *c, const struct tunnel_request *req)
{
    const struct port_flags *f = &c->flags;
    bool onion_only = f->onion && !f->dns && !f->ipv4 && !f->ipv6; /* OnionTrafficOnly */
    if (is_onion(req->host) && !f->onion)
        return FRONT_NO_ONION;
    if (is_onion(req->host))
        return f->extended_errors && !is_onion_v3(req->host) ? FRONT_ONION_MALFORMED
                                                             : FRONT_GRANTED;
    if (onion_only || (req->ip.family == IP_NONE && !f->dns) ||
        (req->ip.family != IP_NONE && !front_may_have(c, &req->ip)))
        return FRONT_NOT_ALLOWED;
    return is_rejected(c, req) ? FRONT_PLAINTEXT : FRONT_GRANTED;
}

static bool is_worth_a_warning(const struct front_config *c, const struct tunnel_request *req)
{
    return req->kind == TUNNEL_CONNECT && !is_onion(req->host) &&
           has_port(c->rules.warn_ports, c->rules.n_warn_ports, req->port);
}

void front_tell(struct client *client, const struct event_status *status)
{
    const struct event_record e = {.kind = EVENT_STATUS, .status = *status};
    client_tell(client, &e);
}

static void tell_plaintext(struct client *client, uint16_t port, bool refused)
{
    const struct event_status e = {
        .what = STATUS_DANGEROUS_PORT, .number = port, .refused = refused};
    front_tell(client, &e);
}

enum front_verdict front_judge(const struct front_config *c, struct client *client,
                               const struct env *env, const struct tunnel_request *req)
{
    enum front_verdict v = judge(c, req);
    if (is_worth_a_warning(c, req) && (v == FRONT_PLAINTEXT || v == FRONT_GRANTED))
        tell_plaintext(client, req->port, v == FRONT_PLAINTEXT);
    if (v == FRONT_NO_ONION)
        log_warn(env->log, "Onion address %s requested from a port with .onion disabled",
                 log_safe(env->log, req->host));
    if ((v == FRONT_PLAINTEXT || (v == FRONT_GRANTED && is_worth_a_warning(c, req))) &&
        front_may_warn(c, env, FRONT_WARN_PLAINTEXT))
        log_warn(env->log,
                 "Application request to port %u: this port is commonly used for unencrypted "
                 "protocols. Please make sure you don't send anything you would mind the rest of "
                 "the Internet reading!%s",
                 req->port, v == FRONT_PLAINTEXT ? " Closing." : "");
    return v;
}
