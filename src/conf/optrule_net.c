/* Rules of listeners, and of the network that may be used. */
#include <stdlib.h>

#include "conf/optlists.h"
#include "conf/optrule.h"
#include "dir/servers.h"

enum { SOCK_SIZE_MIN = 2048, SOCK_SIZE_MAX = 262144, SOCK_SIZE_STEP = 1024 };

static const struct addr_rule reject_all = {
    .accept = false, .net = {.ip = {.family = IP_NONE}}, .port_min = 0, .port_max = UINT16_MAX};

/* Listeners and ports. */

static err_t parse_ports(const struct checking *c, const char *csv, const char *name,
                         struct port_set *out)
{
    struct conf_err inner;
    err_t err = port_set_parse(csv, name, out, &inner);
    return err == ERR_MALFORMED ? rule_reject_opt(c, name, "%.500s", inner.text) : err;
}

/* Who is not let in gets no answer, so only the log can say why. */
static void warn_unread(const struct checking *c)
{
    const struct options *o = c->o;
    bool metrics = false;
    for (size_t i = 0; i < o->is.ports.n; i++)
        metrics |= o->is.ports.of[i].kind == PORT_METRICS;
    if (metrics && o->is.metrics_policy.n == 0 && c->env->quiet != QUIET_LIBRARY)
        log_warn(c->log, "MetricsPort is open, but nobody may read it without a MetricsPortPolicy: "
                         "\"MetricsPortPolicy accept 127.0.0.1\" lets this computer in.");
}

err_t rule_ports(const struct checking *c)
{
    struct options *o = c->o;
    TRY(ports_parse(&port_grammars[PORT_SOCKS], o->socks_port_lines, o->unix_socks_group_writable,
                    c->log, &o->is.ports, c->faults));
    if (o->is.ports.n == 0 && c->env->quiet != QUIET_LIBRARY && c->faults->n == 0)
        log_warn(c->log, "SocksPort is 0: Tunic will still run, but probably won't do anything.");
    TRY(rule_control_ports(c));
    TRY(ports_parse(&port_grammars[PORT_METRICS], o->metrics_port_lines, false, c->log,
                    &o->is.ports, c->faults));
    TRY(ports_parse(&port_grammars[PORT_EVENTS], o->event_socket_lines, false, c->log, &o->is.ports,
                    c->faults));
    TRY(policy_parse(o->metrics_policy_lines, false, &o->is.metrics_policy, c->faults));
    warn_unread(c);
    TRY(policy_add(&o->is.metrics_policy, reject_all)); /* parse_metrics_port_policy() */
    TRY(policy_parse(o->socks_policy_lines, false, &o->is.socks_policy, c->faults));
    return OK;
}

err_t rule_port_lists(const struct checking *c)
{
    struct options *o = c->o;
    struct port_set firewall = {0};
    if (!o->fascist_firewall) /* with FascistFirewall the policy's rules are made of them */
        TRY(parse_ports(c, o->firewall_ports_csv, "FirewallPorts", &firewall));
    free(firewall.ports);
    TRY(parse_ports(c, o->long_lived_ports_csv, "LongLivedPorts", &o->is.long_lived));
    TRY(parse_ports(c, o->reject_plaintext_ports_csv, "RejectPlaintextPorts",
                    &o->is.reject_plaintext));
    return parse_ports(c, o->warn_plaintext_ports_csv, "WarnPlaintextPorts", &o->is.warn_plaintext);
}

/* The network that we may use. */

static err_t fascist_rules(const struct checking *c, struct addr_policy *out)
{
    struct port_set ports = {0};
    TRY(parse_ports(c, c->o->firewall_ports_csv, "FirewallPorts", &ports));
    struct addr_rule rule = {.accept = true, .net = {.ip = {.family = IP_NONE}}};
    err_t err = OK;
    if (ports.n == 0) {
        rule.port_min = rule.port_max = 443;
        err = policy_add(out, rule);
    }
    for (size_t i = 0; err == OK && i < ports.n; i++) {
        rule.port_min = rule.port_max = ports.ports[i];
        err = policy_add(out, rule);
    }
    free(ports.ports);
    return err;
}

static err_t check_reachable(const struct checking *c)
{
    struct options *o = c->o;
    struct addr_policy *p = &o->is.reachable_or;
    if (o->reachable_or_lines)
        TRY(policy_parse(o->reachable_or_lines, true, p, c->faults));
    else if (o->reachable_lines)
        TRY(policy_parse(o->reachable_lines, true, p, c->faults));
    else if (o->fascist_firewall)
        TRY(fascist_rules(c, p));
    if (p->n > 0) {
        bool any = false;
        for (size_t i = 0; i < p->n; i++)
            any |= p->rules[i].accept;
        if (!any)
            log_warn(c->log, "Tor cannot connect to the Internet if ReachableAddresses or "
                             "ReachableORAddresses reject all addresses. Please accept some "
                             "addresses in these options.");
        /* What a list of reachable addresses does not name is not reachable. */
        TRY(policy_add(p, reject_all));
    }
    if (!o->client_use_ipv4 && !o->client_use_ipv6)
        return rule_reject(c,
                           "ClientUseIPv4 and ClientUseIPv6 are both 0: no relay can be reached.");
    return OK;
}

static err_t add_bind(const struct checking *c, const struct conf_line *lines, const char *kind)
{
    struct ip v4 = {0}, v6 = {0};
    for (; lines; lines = lines->next) {
        struct ip ip;
        if (ip_parse(lines->value, true, &ip) != OK)
            return conf_fail(c->e, ERR_MALFORMED, "%s: %s \"%s\": not an IP address", lines->where,
                             lines->key, lines->value);
        struct ip *slot = ip.family == IP_V4 ? &v4 : &v6;
        if (slot->family != IP_NONE)
            return conf_fail(
                c->e, ERR_MALFORMED, "%s: Multiple%s%s outbound bind addresses configured: %s",
                lines->where, ip.family == IP_V4 ? " IPv4" : " IPv6", kind, lines->value);
        *slot = ip;
    }
    if (v4.family != IP_NONE)
        c->o->is.bind_or_v4 = v4;
    if (v6.family != IP_NONE)
        c->o->is.bind_or_v6 = v6;
    return OK;
}

err_t rule_binds(const struct checking *c)
{
    TRY(add_bind(c, c->o->outbound_bind_lines, ""));
    return add_bind(c, c->o->outbound_bind_or_lines, " OR");
}

/* Directories, whose lines the layer dir reads. */

typedef err_t (*parse_server)(const char *value, struct dir_server *out, const char **why);

static err_t check_server_lines(const struct checking *c, const struct conf_line *lines,
                                parse_server parse)
{
    for (; lines; lines = lines->next) {
        struct dir_server server;
        const char *why = NULL;
        err_t err = parse(lines->value, &server, &why);
        TRY(conf_faults_say(c->faults, err, "%s: %s \"%.200s\": %s", lines->where, lines->key,
                            lines->value, why ? why : err_text(err)));
    }
    return OK;
}

err_t rule_servers(const struct checking *c)
{
    TRY(check_server_lines(c, c->o->dir_authority_lines, dir_server_parse_authority));
    return check_server_lines(c, c->o->fallback_dir_lines, dir_server_parse_fallback);
}

/* "2 GB" is one more than there may be; it is taken for that. */
static err_t check_most(const struct checking *c, const char *name, uint64_t *value)
{
    *value -= *value > INT32_MAX;
    if (*value > INT32_MAX)
        return rule_reject_opt(c, name, "%s (%llu) must be at most %d", name,
                               (unsigned long long)*value, INT32_MAX);
    return OK;
}

static err_t check_bandwidth(const struct checking *c)
{
    struct options *o = c->o;
    TRY(check_most(c, "BandwidthRate", &o->bandwidth_rate));
    TRY(check_most(c, "BandwidthBurst", &o->bandwidth_burst));
    if (o->bandwidth_rate > o->bandwidth_burst)
        return rule_reject_opt(c, "BandwidthBurst",
                               "BandwidthBurst must be at least equal to BandwidthRate.");
    if (o->token_bucket_refill_ms <= 0 || o->token_bucket_refill_ms > 1000)
        return rule_reject_opt(c, "TokenBucketRefillInterval",
                               "TokenBucketRefillInterval must be between 1 and 1000 inclusive.");
    return OK;
}

/* As tor, for a client. */
static void warn_little_memory(const struct checking *c)
{
    const uint64_t least = 64u << 20;
    uint64_t bytes = c->o->max_mem_in_queues;
    if (bytes && bytes < least)
        log_warn(c->log, "MaxMemInQueues is low, under %llu MB: connections may be ended for it.",
                 (unsigned long long)(least >> 20));
}

err_t rule_network(const struct checking *c)
{
    struct options *o = c->o;
    TRY(check_reachable(c));
    warn_little_memory(c);
    if (o->keepalive_period_s < 1)
        return rule_reject_opt(c, "KeepalivePeriod", "KeepalivePeriod option must be positive.");
    TRY(check_bandwidth(c));
    if (o->conn_limit <= 0)
        return rule_reject_opt(
            c, "ConnLimit", "ConnLimit must be greater than 0, but was set to %d", o->conn_limit);
    uint64_t size = o->constrained_sock_size_bytes;
    if (o->constrained_sockets &&
        (size < SOCK_SIZE_MIN || size > SOCK_SIZE_MAX || size % SOCK_SIZE_STEP != 0))
        return rule_reject_opt(
            c, "ConstrainedSockSize",
            "ConstrainedSockSize is invalid.  Must be a value between %d and %d in "
            "%d byte increments.",
            SOCK_SIZE_MIN, SOCK_SIZE_MAX, SOCK_SIZE_STEP);
    o->is.sock_bytes = o->constrained_sockets ? (size_t)size : 0;
    if (o->fetch_dir_info_extra_early && !o->fetch_dir_info_early)
        return rule_reject_opt(
            c, "FetchDirInfoExtraEarly",
            "FetchDirInfoExtraEarly requires that you also set FetchDirInfoEarly");
    return OK;
}
