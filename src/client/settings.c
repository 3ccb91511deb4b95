#include "client/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/relay_conflux.h"
#include "circuit/window.h"
#include "client/cc_settings.h"

enum {
    CONNECT_TIMEOUT_MS = 30000,
    HANDSHAKE_TIMEOUT_MS = 60000,
    MOST_PENDING = 32,
    HELD_MOST = 64 << 20, /* of a conflux set: far above two windows; tor has no bound by itself */
};

struct client_config client_config_defaults(bool testing)
{
    return (struct client_config){
        .testing_network = testing,
        .directory = dir_schedule_defaults(testing),
        .default_fallback_dirs = true,
        .authority_fallback_rate = 0.1,
        .use_entry_guards = true,
        .path_bias = pathbias_usual,
        .fetch_documents = true,
        .use_ipv4 = true,
        .use_ipv6 = true,
        .distinct_subnets = !testing,
        .max_circuit_dirtiness_s = 600,
        .keepalive_s = 300,
        .new_circuit_period_s = 30,
        .learn_circuit_build_timeout = true,
        .socks_timeout_s = 120,
        .max_circuits_pending = MOST_PENDING,
        .conflux_ux = CONFLUX_UX_HIGH_THROUGHPUT,
        .private_addresses = testing,
        .dormant_after_s = 24 * 3600,
        .dormant_never_with_streams = true,
        .track_exits_s = 1800,
        .virtual4 = {ip_v4((const uint8_t[]){127, 192, 0, 0}), 10},
        .virtual6 = {ip_v6((const uint8_t[16]){0xfe, 0x80}), 10},
        .reject_internal_addresses = !testing,
        .dns_reject_internal_addresses = !testing,
    };
}

static err_t add_lines(struct settings *s, const char *const *lines, const char *option,
                       err_t (*parse)(const char *, struct dir_server *, const char **),
                       char why[PATH_WHY_MAX])
{
    for (; lines && *lines; lines++) {
        struct dir_server server;
        const char *what = "";
        err_t e = parse(*lines, &server, &what);
        if (e == OK)
            e = dir_servers_add(&s->servers, &server);
        if (e != OK) {
            snprintf(why, PATH_WHY_MAX, "%s \"%.60s\": %s", option, *lines,
                     what && *what ? what : err_text(e));
            return e;
        }
    }
    return OK;
}

static err_t add_servers(struct settings *s, const struct client_config *c, char why[PATH_WHY_MAX])
{
    bool own = c->dir_authorities && c->dir_authorities[0];
    if (own)
        TRY(add_lines(s, c->dir_authorities, "DirAuthority", dir_server_parse_authority, why));
    else
        TRY(dir_servers_add_public_authorities(&s->servers));
    if (c->fallback_dirs && c->fallback_dirs[0])
        return add_lines(s, c->fallback_dirs, "FallbackDir", dir_server_parse_fallback, why);
    /* C tor, consider_adding_dir_servers(): they belong to the public network's authorities. */
    return own || !c->default_fallback_dirs ? OK : dir_servers_add_public_fallbacks(&s->servers);
}

static err_t add_node_set(const char *option, const char *list, struct geoip *geoip,
                          struct nodeset **out, char why[PATH_WHY_MAX])
{
    char what[NODESET_WHY_MAX] = "";
    err_t e = nodeset_parse(text_of(list), out, what);
    if (e == OK)
        nodeset_locate(*out, geoip);
    else
        snprintf(why, PATH_WHY_MAX, "%s: %.150s", option, *what ? what : err_text(e));
    return e;
}

/* GeoIPExcludeUnknown: *SET, which LIST says, also has the relays of which nobody knows where they
 * are (C tor, routerset_add_unknown_ccs()). */
static err_t add_unknown(const struct client_config *c, const char *option, const char *list,
                         struct nodeset **set, char why[PATH_WHY_MAX])
{
    bool wanted = c->exclude_unknown == CONFIG_YES ||
                  (c->exclude_unknown == CONFIG_AUTO && nodeset_country(*set, 0));
    if (!c->geoip || !wanted)
        return OK;
    char *all = text_printf("%s,{??},{a1}", list ? list : "");
    if (!all)
        return ERR_NOMEM;
    nodeset_free(set);
    err_t e = add_node_set(option, all, c->geoip, set, why);
    free(all);
    return e;
}

static err_t add_node_lists(struct settings *s, const struct client_config *c,
                            char why[PATH_WHY_MAX])
{
    const struct {
        const char *option, *list;
        const struct nodeset **set;
        bool excludes;
    } rows[SETTINGS_NODE_LISTS] = {
        {"ExcludeNodes", c->exclude_nodes, &s->path.exclude, true},
        {"ExcludeExitNodes", c->exclude_exit_nodes, &s->path.exclude_exit, true},
        {"ExitNodes", c->exit_nodes, &s->path.exit, false},
        {"EntryNodes", c->entry_nodes, &s->path.entry, false},
        {"MiddleNodes", c->middle_nodes, &s->path.middle, false},
    };
    for (size_t i = 0; i < SETTINGS_NODE_LISTS; i++) {
        struct nodeset **set = &s->node_lists[i];
        if (rows[i].list && *rows[i].list)
            TRY(add_node_set(rows[i].option, rows[i].list, c->geoip, set, why));
        if (rows[i].excludes)
            TRY(add_unknown(c, rows[i].option, rows[i].list, set, why));
        *rows[i].set = *set;
    }
    return OK;
}

static err_t add_families(struct settings *s, const struct client_config *c, char why[PATH_WHY_MAX])
{
    size_t n = 0;
    while (c->node_families && c->node_families[n])
        n++;
    s->families = calloc(n + 1, sizeof(struct nodeset *));
    if (!s->families)
        return ERR_NOMEM;
    for (; s->n_families < n; s->n_families++)
        TRY(add_node_set("NodeFamily", c->node_families[s->n_families], c->geoip,
                         &s->families[s->n_families], why));
    s->path.families = (const struct nodeset *const *)s->families;
    s->path.n_families = n;
    return OK;
}

static err_t add_reachable(struct settings *s, const struct client_config *c)
{
    if (!c->n_reachable)
        return OK;
    s->path.reachable.rules = calloc(c->n_reachable, sizeof *c->reachable);
    if (!s->path.reachable.rules)
        return ERR_NOMEM;
    memcpy(s->path.reachable.rules, c->reachable, c->n_reachable * sizeof *c->reachable);
    s->path.reachable.n = c->n_reachable;
    return OK;
}

static void set_path(struct settings *s, const struct client_config *c)
{
    s->path.use_entry_guards = c->use_entry_guards;
    s->path.n_guards = c->num_entry_guards;
    s->path.n_dir_guards = c->num_directory_guards;
    s->path.n_primary = c->num_primary_guards;
    s->path.guard_lifetime_s = c->guard_lifetime_s;
    s->path.vanguards_lite = c->vanguards_lite;
    s->path.path_bias = c->path_bias;
    s->path.authority_rate = c->authority_fallback_rate;
    s->path.strict_nodes = c->strict_nodes;
    s->path.enforce_distinct_subnets = c->distinct_subnets;
    s->path.ipv4 = c->use_ipv4;
    /* C tor, reachable_addr_use_ipv6(): who prefers IPv6, or has nothing else, uses it. */
    s->path.ipv6 = c->use_ipv6 || c->prefer_ipv6_orport || !c->use_ipv4;
    s->path.prefer_ipv6 = c->prefer_ipv6_orport;
    s->path.private_addrs = c->private_addresses;
    size_t n = c->n_long_lived_ports;
    if (n > SETTINGS_PORTS_MAX)
        n = SETTINGS_PORTS_MAX;
    if (!n)
        return;
    memcpy(s->long_lived, c->long_lived_ports, n * sizeof s->long_lived[0]);
    s->path.long_lived = s->long_lived;
    s->path.n_long_lived = n;
}

static err_t keep_text(const char *text, char **out)
{
    *out = text ? text_dup(text_of(text)) : NULL;
    return text && !*out ? ERR_NOMEM : OK;
}

static struct client_config without_pointers(const struct client_config *config)
{
    struct client_config c = *config;
    c.dir_authorities = c.fallback_dirs = NULL;
    c.exclude_nodes = c.exclude_exit_nodes = c.exit_nodes = c.entry_nodes = c.middle_nodes = NULL;
    c.node_families = NULL;
    c.geoip = NULL;
    c.long_lived_ports = NULL;
    c.reachable = NULL;
    c.address_maps = NULL;
    c.automap_suffixes = c.track_exits = NULL;
    return c;
}

err_t settings_init(struct settings *s, const struct client_config *config, char why[PATH_WHY_MAX])
{
    *s = (struct settings){.config = without_pointers(config)};
    why[0] = 0;
    dir_servers_init(&s->servers);
    path_config_init(&s->path);
    set_path(s, config);
    err_t e = add_servers(s, config, why);
    if (e == OK)
        e = add_node_lists(s, config, why);
    if (e == OK)
        e = add_families(s, config, why);
    if (e == OK)
        e = add_reachable(s, config);
    if (e == OK)
        e = keep_text(config->automap_suffixes, &s->automap_suffixes);
    if (e == OK)
        e = keep_text(config->track_exits, &s->track_exits);
    if (e != OK && !why[0])
        snprintf(why, PATH_WHY_MAX, "%s", err_text(e));
    if (e != OK)
        settings_free(s);
    return e;
}

void settings_free(struct settings *s)
{
    dir_servers_free(&s->servers);
    for (size_t i = 0; i < SETTINGS_NODE_LISTS; i++)
        nodeset_free(&s->node_lists[i]);
    for (size_t i = 0; i < s->n_families; i++)
        nodeset_free(&s->families[i]);
    free(s->families);
    free(s->path.reachable.rules);
    free(s->automap_suffixes);
    free(s->track_exits);
    s->automap_suffixes = s->track_exits = NULL;
    s->families = NULL;
    s->n_families = 0;
    s->path.reachable = (struct addr_policy){NULL, 0};
}

/* C tor, options_act(): "Changed to using entry guards or bridges, or changed preferred or excluded
 * node lists." */
bool settings_abandon_circuits(const struct settings *a, const struct settings *b)
{
    for (size_t i = 0; i < SETTINGS_NODE_LISTS; i++)
        if (!nodeset_equal(a->node_lists[i], b->node_lists[i]))
            return true;
    return a->path.strict_nodes != b->path.strict_nodes ||
           (b->path.use_entry_guards && !a->path.use_entry_guards);
}

struct dirmgr_options settings_dirmgr(const struct settings *s)
{
    return (struct dirmgr_options){
        .servers = &s->servers,
        .testing = s->config.testing_network,
        .paths_needed_permyriad = s->config.paths_needed_permyriad,
        .schedule = s->config.directory,
    };
}

static struct habits habits_of(const struct settings *s, const struct netdir *nd)
{
    return (struct habits){
        .circuits_available_s = s->config.circuits_available_s,
        .conntimeout_s =
            (uint32_t)netdir_param(nd, "nf_conntimeout_clients", HABITS_CONNTIMEOUT_S,
                                   HABITS_CONNTIMEOUT_LEAST_S, HABITS_CONNTIMEOUT_MOST_S),
        .write_every_ms =
            (uint32_t)netdir_param(nd, "KISTSchedRunIntervalClient", HABITS_WRITE_EVERY_MS,
                                   HABITS_WRITE_EVERY_LEAST_MS, HABITS_WRITE_EVERY_MOST_MS),
        .reduced = s->config.reduced_padding,
    };
}

struct exits_config settings_exits(const struct settings *s)
{
    return (struct exits_config){
        .path = &s->path,
        .max_dirtiness_ms = s->config.max_circuit_dirtiness_s * (uint64_t)MS_PER_SEC,
        .max_pending = s->config.max_circuits_pending,
        .allow_internal = !s->config.dns_reject_internal_addresses,
        .no_predicted = s->config.no_predicted_circuits,
        .habits = habits_of(s, NULL),
        .extend_by_ed = s->config.extend_by_ed,
    };
}

static unsigned cfx_param(const struct netdir *nd, const char *name, int32_t initial, int32_t most)
{
    return (unsigned)netdir_param(nd, name, initial, 0, most);
}

struct conflux_policy settings_conflux(const struct settings *s, const struct netdir *nd)
{
    bool wanted = s->config.conflux == CONFIG_YES ||
                  (s->config.conflux == CONFIG_AUTO && cfx_param(nd, "cfx_enabled", 1, 1));
    unsigned held = cfx_param(nd, "cfx_max_oooq_bytes", INT32_MAX, INT32_MAX);
    return (struct conflux_policy){
        .on = nd && wanted && cc_settings_are_on(nd),
        .ux = s->config.conflux_ux,
        .max_linked = cfx_param(nd, "cfx_max_linked_set", 10, UINT8_MAX),
        .max_prebuilt = cfx_param(nd, "cfx_max_prebuilt_set", 3, UINT8_MAX),
        .low_exit_threshold = cfx_param(nd, "cfx_low_exit_threshold", 6000, 10000),
        .legs = cfx_param(nd, "cfx_num_legs_set", 2, UINT8_MAX),
        .leg_retries = cfx_param(nd, "cfx_max_unlinked_leg_retry", 3, UINT8_MAX),
        .held_most = held < HELD_MOST ? held : HELD_MOST,
    };
}

struct tunnels_config settings_tunnels(const struct settings *s)
{
    return (struct tunnels_config){
        .give_up_ms = s->config.socks_timeout_s * (uint64_t)MS_PER_SEC,
        .stream_timeout_ms = s->config.circuit_stream_timeout_s * (uint64_t)MS_PER_SEC,
        .reject_internal = s->config.reject_internal_addresses,
        .dns_reject_internal = s->config.dns_reject_internal_addresses,
        .leave_unattached = s->config.leave_streams_unattached,
        .automap = s->config.automap,
        .automap_suffixes = s->automap_suffixes,
        .track_exits = s->track_exits,
        .track_exits_s = s->config.track_exits_s,
    };
}

static struct link_config link_settings(const struct settings *s, struct tls_ctx *tls,
                                        const struct netdir *nd)
{
    /* padding-spec 2.6, in milliseconds */
    int32_t low = netdir_param(nd, "nf_ito_low", 1500, 0, 60000);
    int32_t high = netdir_param(nd, "nf_ito_high", 9500, low, 60000);
    int32_t low_reduced = netdir_param(nd, "nf_ito_low_reduced", 9000, 0, 60000);
    int32_t high_reduced = netdir_param(nd, "nf_ito_high_reduced", 14000, low_reduced, 60000);
    return (struct link_config){
        .tls = tls,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .handshake_timeout_ms = HANDSHAKE_TIMEOUT_MS,
        .keepalive_ms = s->config.keepalive_s * (uint64_t)MS_PER_SEC,
        .padding = s->config.padding,
        .reduced_padding = s->config.reduced_padding,
        .pad_late = !netdir_param(nd, "nf_pad_before_usage", 1, 0, 1),
        .nf_ito_low_ms = (unsigned)low,
        .nf_ito_high_ms = (unsigned)high,
        .nf_ito_low_reduced_ms = (unsigned)low_reduced,
        .nf_ito_high_reduced_ms = (unsigned)high_reduced,
    };
}

static struct circ_config circ_settings(const struct netdir *nd)
{
    struct circ_config config = circ_config_defaults();
    /* As C tor, circuit_initial_package_window(): what the other end may send stays as it is. */
    config.flow.package_start =
        (unsigned)netdir_param(nd, "circwindow", (int32_t)config.flow.package_start,
                               CIRCWINDOW_INCREMENT, CIRCWINDOW_START);
    config.flow.cc = cc_settings(nd);
    return config;
}

struct linkpool_config settings_links(const struct settings *s, struct tls_ctx *tls,
                                      const struct netdir *nd)
{
    return (struct linkpool_config){
        .link = link_settings(s, tls, nd),
        .habits = habits_of(s, nd),
        .circ = circ_settings(nd),
    };
}
