#include "host/apply.h"

#include <stdlib.h>

#include "cell/relay_conflux.h"
#include "client/settings.h"

/* The values of LINES as an array that ends in NULL, or NULL if there are none. */
static err_t values_of(const struct conf_line *lines, const char ***out)
{
    size_t n = 0;
    for (const struct conf_line *l = lines; l; l = l->next)
        n++;
    *out = NULL;
    if (!n)
        return OK;
    const char **values = calloc(n + 1, sizeof *values);
    if (!values)
        return ERR_NOMEM;
    n = 0;
    for (const struct conf_line *l = lines; l; l = l->next)
        values[n++] = l->value;
    *out = values;
    return OK;
}

static enum link_padding padding_of(int autobool)
{
    if (autobool == AUTO)
        return LINK_PADDING_AUTO;
    return autobool == YES ? LINK_PADDING_ON : LINK_PADDING_OFF;
}

static enum config_choice choice_of(int autobool)
{
    if (autobool == AUTO)
        return CONFIG_AUTO;
    return autobool == YES ? CONFIG_YES : CONFIG_NO;
}

/* The text is one of these (rule_kept()). */
static uint8_t conflux_ux(const char *text)
{
    if (!text)
        return CONFLUX_UX_HIGH_THROUGHPUT;
    if (strcmp(text, "latency") == 0)
        return CONFLUX_UX_MIN_LATENCY;
    if (strcmp(text, "latency_lowmem") == 0)
        return CONFLUX_UX_LOW_MEM_LATENCY;
    return strcmp(text, "throughput_lowmem") == 0 ? CONFLUX_UX_LOW_MEM_THROUGHPUT
                                                  : CONFLUX_UX_HIGH_THROUGHPUT;
}

/* A share; negative: the consensus says. */
static uint32_t permyriad_of(double share)
{
    return share < 0 ? 0 : (uint32_t)(share * 10000 + 0.5);
}

static struct dir_schedule schedule_of(const struct options *o)
{
    return (struct dir_schedule){
        .fallback_first_s = (uint32_t)o->bootstrap_fallback_delay_s,
        .authority_first_s = (uint32_t)o->bootstrap_authority_delay_s,
        .authority_only_first_s = (uint32_t)o->bootstrap_authority_only_delay_s,
        .max_tries = (uint32_t)o->bootstrap_max_in_progress,
        .consensus_first_s = (uint32_t)o->testing_client_consensus_download_delay_s,
        .others_first_s = (uint32_t)o->testing_client_download_delay_s,
        .few_wait_s = (uint32_t)o->testing_client_max_interval_without_request_s,
        .max_stall_s = (uint32_t)o->testing_dir_connection_max_stall_s,
        .early = o->fetch_dir_info_early,
        .extra_early = o->fetch_dir_info_extra_early,
    };
}

static struct client_config config_of(const struct options *o)
{
    return (struct client_config){
        .avoid_disk_writes = o->avoid_disk_writes,
        .testing_network = o->testing_tor_network,
        .directory = schedule_of(o),
        .default_fallback_dirs = o->use_default_fallback_dirs,
        .authority_fallback_rate = o->dir_authority_fallback_rate,
        .paths_needed_permyriad = permyriad_of(o->paths_needed_to_build_circuits),
        .fetch_documents = o->fetch_server_descriptors,
        .padding = padding_of(o->connection_padding),
        .reduced_padding = o->reduced_connection_padding,
        .keepalive_s = (uint32_t)o->keepalive_period_s,
        .use_ipv4 = o->client_use_ipv4,
        .use_ipv6 = o->client_use_ipv6,
        .prefer_ipv6_orport = o->client_prefer_ipv6_orport == YES,
        .private_addresses = o->extend_allow_private_addresses,
        .reachable = o->is.reachable_or.rules,
        .n_reachable = o->is.reachable_or.n,
        .exclude_nodes = o->exclude_nodes,
        .exclude_exit_nodes = o->exclude_exit_nodes,
        .exit_nodes = o->exit_nodes,
        .entry_nodes = o->entry_nodes,
        .middle_nodes = o->middle_nodes,
        .strict_nodes = o->strict_nodes,
        .exclude_unknown = choice_of(o->geoip_exclude_unknown),
        .distinct_subnets = o->enforce_distinct_subnets,
        .long_lived_ports = o->is.long_lived.ports,
        .n_long_lived_ports = o->is.long_lived.n,
        .extend_by_ed = choice_of(o->extend_by_ed25519_id),
        .conflux = choice_of(o->conflux_enabled),
        .conflux_ux = conflux_ux(o->conflux_client_ux),
        .use_entry_guards = o->use_entry_guards,
        .num_entry_guards = (uint32_t)o->num_entry_guards,
        .num_directory_guards = (uint32_t)o->num_directory_guards,
        .num_primary_guards = (uint32_t)o->num_primary_guards,
        .guard_lifetime_s = (uint32_t)o->guard_lifetime_s,
        .vanguards_lite = choice_of(o->vanguards_lite_enabled),
        .path_bias = {.circ_threshold = o->path_bias_circ_threshold,
                      .scale_threshold = o->path_bias_scale_threshold,
                      .use_threshold = o->path_bias_use_threshold,
                      .scale_use_threshold = o->path_bias_scale_use_threshold,
                      .notice_rate = o->path_bias_notice_rate,
                      .warn_rate = o->path_bias_warn_rate,
                      .extreme_rate = o->path_bias_extreme_rate,
                      .notice_use_rate = o->path_bias_notice_use_rate,
                      .extreme_use_rate = o->path_bias_extreme_use_rate,
                      .drop_guards = choice_of(o->path_bias_drop_guards)},
        .max_circuit_dirtiness_s = (uint32_t)o->max_circuit_dirtiness_s,
        .new_circuit_period_s = (uint32_t)o->new_circuit_period_s,
        .circuits_available_s = (uint32_t)o->circuits_available_timeout_s,
        .no_predicted_circuits = o->disable_predicted_circuits,
        .circuit_build_timeout_s = (uint32_t)o->circuit_build_timeout_s,
        .learn_circuit_build_timeout = o->learn_circuit_build_timeout,
        .circuit_stream_timeout_s = (uint32_t)o->circuit_stream_timeout_s,
        .socks_timeout_s = (uint32_t)o->socks_timeout_s,
        .max_circuits_pending = (uint32_t)o->max_client_circuits_pending,
        .reject_internal_addresses = o->client_reject_internal,
        .dns_reject_internal_addresses = o->client_dns_reject_internal,
        .leave_streams_unattached = o->leave_streams_unattached,
        .dormant_after_s = o->dormant_timeout_enabled ? (uint32_t)o->dormant_client_timeout_s : 0,
        .dormant_never_with_streams = o->dormant_timeout_disabled_by_idle_streams,
        .dormant_at_first = o->dormant_on_first_startup,
        .dormant_ends_at_start = o->dormant_canceled_by_startup,
        .automap = o->automap_hosts_on_resolve,
        .automap_suffixes = o->automap_hosts_suffixes_csv,
        .virtual4 = o->is.virtual4,
        .virtual6 = o->is.virtual6,
        .track_exits = o->track_host_exits_csv,
        .track_exits_s = (uint32_t)o->track_host_exits_expire_s,
    };
}

err_t apply_client(const struct options *o, struct applied *out)
{
    *out = (struct applied){.config = config_of(o)};
    err_t e = values_of(options_authorities(o), &out->authorities);
    if (e == OK)
        e = values_of(o->fallback_dir_lines, &out->fallbacks);
    if (e == OK)
        e = values_of(o->node_family_lines, &out->families);
    if (e == OK)
        e = values_of(o->map_address_lines, &out->maps);
    if (e != OK)
        applied_free(out);
    out->config.dir_authorities = out->authorities;
    out->config.fallback_dirs = out->fallbacks;
    out->config.node_families = out->families;
    out->config.address_maps = out->maps;
    return e;
}

void applied_free(struct applied *a)
{
    free(a->authorities);
    free(a->fallbacks);
    free(a->families);
    free(a->maps);
    *a = (struct applied){.authorities = NULL};
}

err_t apply_check(const struct options *o, struct conf_err *e)
{
    struct applied a;
    char why[PATH_WHY_MAX];
    struct settings *s = calloc(1, sizeof *s);
    err_t status = s ? apply_client(o, &a) : ERR_NOMEM;
    if (status != OK) {
        free(s);
        return conf_fail(e, status, "Out of memory");
    }
    status = settings_init(s, &a.config, why);
    if (status == OK)
        settings_free(s);
    else
        status = conf_fail(e, status, "%s", why);
    applied_free(&a);
    free(s);
    return status;
}

struct front_rules apply_rules(const struct options *o, struct front_warnings *warnings)
{
    return (struct front_rules){.safe_socks = o->safe_socks,
                                .test_socks = o->test_socks,
                                .warn_ports = o->is.warn_plaintext.ports,
                                .reject_ports = o->is.reject_plaintext.ports,
                                .n_warn_ports = o->is.warn_plaintext.n,
                                .n_reject_ports = o->is.reject_plaintext.n,
                                .warnings = warnings};
}
