#include "app/testnet/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "faults/faults.h"

/* ---- one parser an option ---- */

static err_t p_relays(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 3, PLAN_NODES_MOST - 1, &o->wish.relays);
}

static err_t p_exits(struct testnet_args *o, const struct arg *a)
{
    uint64_t n;
    TRY(arg_u64(a, 0, PLAN_NODES_MOST - 1, &n));
    if (n == 0)
        return arg_wrong(a, "without an exit nothing can be fetched; say at least 1");
    o->wish.exits = (unsigned)n;
    return OK;
}

static err_t p_authorities(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 1, PLAN_AUTHORITIES_MOST, &o->wish.authorities);
}

static err_t p_phantom(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 0, PLAN_PHANTOMS_MOST, &o->wish.phantoms);
}

static err_t p_spread(struct testnet_args *o, const struct arg *a)
{
    if (spread_kind_parse(a->value, &o->wish.spread) != OK)
        return arg_wrong(a, "must be alike, light or live");
    return OK;
}

static err_t p_params(struct testnet_args *o, const struct arg *a)
{
    o->wish.params = a->value;
    return OK;
}

static err_t p_protocols(struct testnet_args *o, const struct arg *a)
{
    o->wish.protos = a->value;
    return OK;
}

static err_t p_interval(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 10, 7 * 86400, &o->wish.interval_s);
}

/* A policy's address: everything, or loopback; nothing else can be reached anyway. */
static err_t check_rule(const struct arg *a, struct text rule)
{
    struct text verb, pattern, spare;
    char address[64];
    struct ip_net net;
    if (!text_token(&rule, &verb) || !text_token(&rule, &pattern) || text_token(&rule, &spare) ||
        (!text_is(verb, "accept") && !text_is(verb, "reject")))
        return arg_wrong(a, "must be rules like \"accept 127.0.0.0/8:80,reject *:*\"");
    size_t colon = pattern.len;
    while (colon && pattern.s[colon - 1] != ':')
        colon--;
    if (!colon || colon > sizeof address)
        return arg_wrong(a, "\"%.*s\" has no port; say \"*:80\" or \"*:*\"", TEXT_ARG(pattern));
    snprintf(address, sizeof address, "%.*s", (int)colon - 1, pattern.s);
    if (ip_net_parse(address, &net) != OK)
        return arg_wrong(a, "\"%s\" is no address; say *, 127.0.0.0/8 or the like", address);
    if (text_is(verb, "accept") && net.ip.family != IP_NONE && !ip_is_loopback(&net.ip))
        return arg_wrong(a, "%s is not a loopback address; a test network reaches nothing else",
                         address);
    return OK;
}

static err_t p_exit_policy(struct testnet_args *o, const struct arg *a)
{
    struct text rest = text_of(a->value), rule;
    if (strlen(a->value) >= PLAN_POLICY_MAX)
        return arg_wrong(a, "is too long (%d characters at most)", PLAN_POLICY_MAX - 1);
    if (!rest.len)
        return arg_wrong(a, "is empty; say \"accept *:*\" or the like");
    while (text_split(&rest, ',', &rule))
        TRY(check_rule(a, rule));
    o->wish.exit_policy = a->value;
    return OK;
}

static bool is_name(const char *s, size_t len)
{
    if (!len || len > 255)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(s[i] == '-' || s[i] == '.' || s[i] == '_' || (s[i] >= '0' && s[i] <= '9') ||
              (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z')))
            return false;
    return true;
}

static err_t parse_where(const char *text, struct ipport *to)
{
    *to = (struct ipport){.port = 0};
    return ipport_parse(text, to) == OK ? OK : ip_parse(text, true, &to->ip);
}

static err_t p_host(struct testnet_args *o, const struct arg *a)
{
    const char *equals = strchr(a->value, '=');
    const char *colon = equals ? memchr(a->value, ':', (size_t)(equals - a->value)) : NULL;
    struct node_host host = {.name = NULL};
    if (!equals || !is_name(a->value, (size_t)((colon ? colon : equals) - a->value)))
        return arg_wrong(a, "must be NAME=ADDRESS, NAME=ADDRESS:PORT or NAME:PORT=ADDRESS:PORT");
    if (strcmp(equals + 1, "none") == 0)
        host.to = (struct ipport){.port = 0};
    else if (parse_where(equals + 1, &host.to) != OK)
        return arg_wrong(a,
                         "\"%.60s\" is no address (names are not looked up); say 127.0.0.1:8000 "
                         "or the like",
                         equals + 1);
    if (host.to.ip.family != IP_NONE && !ip_is_loopback(&host.to.ip))
        return arg_wrong(a, "that is not a loopback address; a test network reaches nothing else");
    if (colon) {
        uint64_t port;
        struct text t = {colon + 1, (size_t)(equals - colon - 1)};
        if (text_to_u64(t, UINT16_MAX, &port) != OK || !port)
            return arg_wrong(a, "the name's port must be a number from 1 to 65535");
        host.port = (uint16_t)port;
    }
    if (o->n_hosts == TESTNET_HOSTS_MOST)
        return arg_wrong(a, "there can be %d hosts at most", TESTNET_HOSTS_MOST);
    host.name = text_dup((struct text){a->value, (size_t)((colon ? colon : equals) - a->value)});
    if (!host.name)
        return ERR_NOMEM;
    o->hosts[o->n_hosts++] = host;
    return OK;
}

static err_t p_measurable(struct testnet_args *o, const struct arg *a)
{
    (void)a;
    o->measurable = true;
    return OK;
}

static err_t p_measure_period(struct testnet_args *o, const struct arg *a)
{
    o->measurable = o->measure_period_s.said = true;
    return arg_u32(a, 0, 30 * 86400, &o->measure_period_s.n);
}

static err_t p_seed(struct testnet_args *o, const struct arg *a)
{
    o->has_seed = true;
    return arg_u64(a, 0, UINT64_MAX, &o->seed);
}

static err_t p_port(const struct arg *a, uint16_t *out)
{
    uint64_t n;
    TRY(arg_u64(a, 1, UINT16_MAX, &n));
    *out = (uint16_t)n;
    return OK;
}

static err_t p_base_port(struct testnet_args *o, const struct arg *a)
{
    return p_port(a, &o->wish.base_port);
}

static err_t p_socks_port(struct testnet_args *o, const struct arg *a)
{
    o->socks_port = 0;
    return strcmp(a->value, "auto") == 0 ? OK : p_port(a, &o->socks_port);
}

/* A number of bytes, with a unit. */
static bool take_bytes(const char *text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t bytes_8;
    } units[] = {{"", 8},           {"B", 8},          {"KB", 8 << 10}, {"MB", 8 << 20},
                 {"kbit", 1 << 10}, {"mbit", 1 << 20}, {"K", 8 << 10},  {"M", 8 << 20}};
    size_t digits = strspn(text, "0123456789");
    uint64_t n;
    if (!digits || text_to_u64((struct text){text, digits}, 1000000000, &n) != OK)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (text_is_nocase(text_of(text + digits), units[i].name)) {
            *out = n * units[i].bytes_8 / 8;
            return *out >= 1024;
        }
    return false;
}

static err_t p_rate(struct testnet_args *o, const struct arg *a)
{
    if (take_bytes(a->value, &o->rules.rate))
        return OK;
    return arg_wrong(a, "must be a rate from 1KB on, like 500KB, 2MB (bytes a second) or 8mbit");
}

static err_t p_burst(struct testnet_args *o, const struct arg *a)
{
    if (take_bytes(a->value, &o->rules.burst))
        return OK;
    return arg_wrong(a, "must be a number of bytes from 1KB on, like 500KB or 5MB");
}

static err_t p_delay(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 0, 60000, &o->rules.delay_ms);
}

static err_t p_jitter(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 0, 60000, &o->rules.jitter_ms);
}

static err_t p_loss(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 1, 86400, &o->rules.mean_life_s);
}

static err_t p_fault(struct testnet_args *o, const struct arg *a)
{
    struct faults scratch = {.n = {0}};
    const char *colon = strchr(a->value, ':');
    if (!colon || colon == a->value)
        return arg_wrong(a, "must be NODE:FAULT or NODE:FAULT=N; see --list-faults");
    err_t e = fault_set(&scratch, colon + 1);
    if (e == ERR_NOT_FOUND)
        return arg_wrong(a, "there is no such fault; see --list-faults");
    if (e != OK)
        return arg_wrong(a, "the number after = must be one from 1 on");
    if (o->n_faults == TESTNET_FAULTS_MOST)
        return arg_wrong(a, "there can be %d faults at most", TESTNET_FAULTS_MOST);
    o->faults[o->n_faults++] = a->value;
    return OK;
}

static err_t p_dir(struct testnet_args *o, const struct arg *a)
{
    if (!*a->value)
        return arg_wrong(a, "must be the name of a folder");
    o->dir = a->value;
    return OK;
}

static err_t p_timeout(struct testnet_args *o, const struct arg *a)
{
    return arg_u32(a, 1, 86400, &o->timeout_s);
}

static err_t p_log(struct testnet_args *o, const struct arg *a)
{
    for (int level = LOG_DEBUG; level <= LOG_ERR; level++)
        if (strcmp(a->value, log_level_name((enum log_level)level)) == 0) {
            o->level = (enum log_level)level;
            return OK;
        }
    return arg_wrong(a, "must be debug, info, notice, warn or err");
}

static err_t p_no_client(struct testnet_args *o, const struct arg *a)
{
    (void)a;
    o->no_client = true;
    return OK;
}

static err_t p_quiet(struct testnet_args *o, const struct arg *a)
{
    (void)a;
    o->quiet = true;
    return OK;
}

static err_t p_help(struct testnet_args *o, const struct arg *a)
{
    (void)a;
    o->help = true;
    return OK;
}

static err_t p_list_faults(struct testnet_args *o, const struct arg *a)
{
    (void)a;
    o->list_faults = true;
    return OK;
}

static const struct {
    struct arg_name name;
    err_t (*parse)(struct testnet_args *o, const struct arg *a);
} options[] = {
    {{"--relays", true}, p_relays},
    {{"--exits", true}, p_exits},
    {{"--authorities", true}, p_authorities},
    {{"--phantom", true}, p_phantom},
    {{"--spread", true}, p_spread},
    {{"--params", true}, p_params},
    {{"--protocols", true}, p_protocols},
    {{"--interval", true}, p_interval},
    {{"--exit-policy", true}, p_exit_policy},
    {{"--host", true}, p_host},
    {{"--measurable", false}, p_measurable},
    {{"--measure-period", true}, p_measure_period},
    {{"--seed", true}, p_seed},
    {{"--base-port", true}, p_base_port},
    {{"--rate", true}, p_rate},
    {{"--burst", true}, p_burst},
    {{"--delay", true}, p_delay},
    {{"--jitter", true}, p_jitter},
    {{"--loss-of-link", true}, p_loss},
    {{"--fault", true}, p_fault},
    {{"--dir", true}, p_dir},
    {{"--socks-port", true}, p_socks_port},
    {{"--no-client", false}, p_no_client},
    {{"--timeout", true}, p_timeout},
    {{"--log", true}, p_log},
    {{"--quiet", false}, p_quiet},
    {{"--help", false}, p_help},
    {{"-h", false}, p_help},
    {{"--list-faults", false}, p_list_faults},
};

/* ---- all of it ---- */

/* ARGV[*I], and what belongs to it. */
static err_t take(struct testnet_args *o, int argc, char *const *argv, int *i, char *why)
{
    struct arg a = {.option = argv[*i], .why = why};
    size_t row;
    if (argv[*i][0] != '-')
        return arg_wrong(&a, "what is this? A command comes after \"--\"; see --help");
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    return options[row].parse(o, &a);
}

static err_t take_all(int argc, char *const *argv, struct testnet_args *out, char *why)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            const struct arg a = {.option = "--", .why = why};
            if (i + 1 == argc)
                return arg_wrong(&a, "there is no command behind it");
            out->command = argv + i + 1;
            return OK;
        }
        TRY(take(out, argc, argv, &i, why));
    }
    return OK;
}

err_t testnet_args_parse(int argc, char *const *argv, struct testnet_args *out, char why[ARG_WHY])
{
    *out = (struct testnet_args){
        .wish = {.authorities = 3, .relays = 8, .interval_s = 3600},
        .timeout_s = 60,
        .level = LOG_WARN,
    };
    snprintf(why, ARG_WHY, "out of memory");
    err_t e = take_all(argc, argv, out, why);
    if (e == OK && out->no_client && out->socks_port) {
        const struct arg a = {.option = "--socks-port", .why = why};
        e = arg_wrong(&a, "there is no client to have one; leave out --no-client");
    }
    if (e != OK) {
        testnet_args_free(out);
        return e;
    }
    if (!out->wish.exits)
        out->wish.exits = out->wish.relays * 3 / 8 ? out->wish.relays * 3 / 8 : 1;
    return OK;
}

void testnet_args_free(struct testnet_args *a)
{
    for (size_t i = 0; i < a->n_hosts; i++)
        free((char *)(uintptr_t)a->hosts[i].name);
    a->n_hosts = 0;
}
