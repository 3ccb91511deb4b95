/* Where a tunnel goes to in the end: what stands for what it was asked for, what must not leave,
 * what is answered without anybody (C tor, connection_ap_handshake_rewrite_and_attach()). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cell/reason.h"
#include "client/tunnel_int.h"
#include "crypto/encode.h"

#define EXIT_SUFFIX ".exit"

static bool ends_in(struct text t, struct text end)
{
    return t.len >= end.len && strncasecmp(t.s + t.len - end.len, end.s, end.len) == 0;
}

/* ---- another destination ---- */

const char *tunnel_asked_host(const struct tunnel *t)
{
    return t->asked_host ? t->asked_host : t->req.host;
}

/* False out of memory. */
static bool turn_to(struct tunnel *t, const char *host)
{
    if (!t->asked_host && !(t->asked_host = text_dup(text_of(t->req.host))))
        return false;
    memset(&t->req.ip, 0, sizeof t->req.ip);
    snprintf(t->req.host, sizeof t->req.host, "%s", host);
    tunnel_request_know(&t->req);
    return true;
}

void tunnel_redirect(struct tunnel *t, const char *host, uint16_t port)
{
    bool ok = t->req.kind == TUNNEL_RESOLVE_PTR || turn_to(t, host);
    if (port)
        t->req.port = t->out.port = port;
    if (ok && (t->state != WAITING || t->policy != t->set->pools))
        return;
    /* Others wait with it for what it wanted before. */
    if (!ok || !tunnel_wait_with(t, t->set->pools))
        tunnel_no_memory(t);
}

/* ---- an end without an attempt ---- */

static bool refuse(struct tunnel *t, uint8_t reason, const char *why)
{
    tunnel_refuse(t, TUNNEL_STAGE_REQUEST, ERR_ARG, reason, why);
    return false;
}

static bool no_memory(struct tunnel *t)
{
    tunnel_no_memory(t);
    return false;
}

static bool answer(struct tunnel *t, const struct ip *ip)
{
    tunnel_answer(t, ip);
    return false;
}

/* ---- an exit that is named ---- */

static bool bad_exit(struct tunnel *t, const char *what)
{
    log_warn(t->set->env->log, "%s in exit address '%s'. Refusing.", what,
             log_safe(t->set->env->log, t->req.host));
    return refuse(t, END_TORPROTOCOL, "an exit address of no use");
}

/* HOST is "name.relay.exit", or "relay.exit" for the relay's own address. */
static bool take_exit(struct tunnel *t, char *host, enum addrmap_source by)
{
    char addr[IP_TEXT_MAX];
    bool excluded = false;
    host[strlen(host) - strlen(EXIT_SUFFIX)] = 0;
    char *dot = strrchr(host, '.');
    const char *name = dot ? dot + 1 : host;
    if (dot && !*name)
        return bad_exit(t, "Malformed relay");
    const struct router *r = exits_named(t->set->exits, name, &excluded);
    if (!r)
        return bad_exit(t, "Unrecognized relay");
    if (excluded)
        return bad_exit(t, "Excluded relay");
    if (dot)
        *dot = 0;
    const struct ipport at = router_orport(r);
    t->exit = r->rsa;
    t->exit_choice = by == ADDRMAP_EXIT ? EXIT_TRACKED : EXIT_NAMED;
    t->out.relay = &t->exit;
    return turn_to(t, dot ? host : ip_text(&at.ip, addr)) || no_memory(t);
}

void tunnel_forget_exit(struct tunnel *t)
{
    char hex[HEX_SIZE(sizeof t->exit.b)], suffix[sizeof hex + sizeof EXIT_SUFFIX + 1];
    snprintf(suffix, sizeof suffix, ".%s" EXIT_SUFFIX, hex_upper(t->exit.b, sizeof t->exit.b, hex));
    addrmap_clear_exit(t->set->map, suffix);
    t->exit_choice = EXIT_ANY;
    t->out.relay = NULL;
}

/* Whether one of LIST, separated by commas, is HOST or, with a dot before it, its end; "." is
 * everything (C tor, hostname_in_track_host_exits()). */
static bool is_tracked(const char *list, const char *host)
{
    struct text rest = text_of(list), one, h = text_of(host);
    while (text_split(&rest, ',', &one)) {
        one = text_strip(one);
        if (text_is(one, ".") || (one.len && one.s[0] == '.' && ends_in(h, one)))
            return true;
        if (one.len && one.s[0] == '.')
            one = (struct text){one.s + 1, one.len - 1};
        if (one.len == h.len && ends_in(h, one))
            return true;
    }
    return false;
}

void tunnel_track_exit(struct tunnel *t, const struct ride *ride)
{
    const struct tunnels_config *config = &t->set->config;
    int64_t until_s = env_wall_s(t->set->env) + config->track_exits_s;
    char hex[HEX_SIZE(sizeof ride->exit->b)], *to;
    if (!config->track_exits || !ride->exit || t->req.kind != TUNNEL_CONNECT ||
        !is_tracked(config->track_exits, t->req.host) ||
        addrmap_renew(t->set->map, t->req.host, until_s))
        return;
    to = text_printf("%s.%s" EXIT_SUFFIX, t->req.host,
                     hex_upper(ride->exit->b, sizeof ride->exit->b, hex));
    if (to)
        addrmap_track_exit(t->set->map, t->req.host, to, until_s, tunnel_stream(t));
    free(to);
}

/* ---- what stands for what ---- */

static bool is_automapped(const struct tunnel *t, const char *host)
{
    const struct tunnels_config *config = &t->set->config;
    struct text rest = text_of(config->automap_suffixes ? config->automap_suffixes : ""), one;
    if (t->req.kind != TUNNEL_RESOLVE || !config->automap || t->req.ip.family != IP_NONE)
        return false;
    while (text_split(&rest, ',', &one)) {
        one = text_strip(one);
        if (text_is(one, ".") || (one.len && ends_in(text_of(host), one)))
            return true;
    }
    return false;
}

/* A look-up of HOST is answered with an address that stands for it. */
static bool automap(struct tunnel *t, const char *host)
{
    enum addrmap_virtual kind = t->req.automap_ipv6 ? ADDRMAP_IPV6 : ADDRMAP_IPV4;
    const char *addr = addrmap_virtual(t->set->map, kind, host);
    struct ip ip;
    if (!addr || ip_parse(addr, true, &ip) != OK)
        return refuse(t, END_INTERNAL, "no virtual address for it");
    return answer(t, &ip);
}

static bool map(struct tunnel *t, char host[TUNNEL_HOST_MAX + 1], unsigned sources,
                enum addrmap_source *exit_source)
{
    if (!addrmap_rewrite(t->set->map, host, sources, exit_source))
        return true;
    if (!turn_to(t, host))
        return no_memory(t);
    ostream_remap(&t->out);
    return true;
}

/* A virtual address means nothing to an exit, and must not be shown to one. */
static bool may_leave(struct tunnel *t, const char *host)
{
    if (!addrmap_is_virtual(t->set->map, host))
        return true;
    log_warn(t->set->env->log, "Missing mapping for virtual address '%s'. Refusing.",
             log_safe(t->set->env->log, host));
    return refuse(t, END_INTERNAL, "a virtual address that stands for nothing");
}

/* False: it is over. */
static bool rewrite(struct tunnel *t)
{
    char host[TUNNEL_HOST_MAX + 1];
    enum addrmap_source by, then;
    if (tunnel_request_is_dir(&t->req))
        return true;
    if (t->req.kind == TUNNEL_RESOLVE_PTR)
        return may_leave(t, t->asked);
    for (char *c = t->req.host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    memcpy(host, t->req.host, sizeof host);
    if (!map(t, host, ADDRMAP_TORRC | ADDRMAP_CONTROLLER, &by))
        return false;
    if (is_automapped(t, host))
        return automap(t, host);
    if (!map(t, host, ADDRMAP_VIRTUAL | ADDRMAP_EXIT, &then))
        return false;
    if (!may_leave(t, host))
        return false;
    if ((by || then) && ends_in(text_of(host), text_of(EXIT_SUFFIX)))
        return take_exit(t, host, by ? by : then);
    return true;
}

bool tunnel_aim(struct tunnel *t, bool by_name)
{
    bool is_bad = tunnel_request_bad_name(&t->req);
    if (is_bad)
        ostreams_tell_bad_name(t->set->streams, t->req.host);
    else if (!rewrite(t))
        return false;
    const char *why_not = tunnel_request_no_use(&t->req);
    if (why_not)
        return refuse(t, END_TORPROTOCOL, why_not);
    bool is_chosen = by_name || t->exit_choice != EXIT_ANY;
    why_not = tunnel_request_refusal(&t->req, &t->set->config, is_chosen);
    if (why_not)
        return refuse(t, END_PRIVATE, why_not);
    if (t->req.kind == TUNNEL_RESOLVE && t->req.ip.family != IP_NONE)
        return answer(t, &t->req.ip);
    exits_asked(t->set->exits, &t->req);
    return true;
}
