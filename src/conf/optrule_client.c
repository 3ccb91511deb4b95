/* Rules of circuits and paths, of what is kept, and of private networks. */
#include <stdlib.h>
#include <string.h>

#include "base/ids.h"
#include "conf/optlists.h"
#include "conf/optrule.h"

enum {
    DIRTINESS_MIN_S = 10,
    DIRTINESS_MAX_S = 30 * 24 * 3600,
    STREAM_TIMEOUT_MIN_S = 10,
    HEARTBEAT_MIN_S = 30 * 60,
    AVAILABLE_MAX_S = 24 * 3600,
    PENDING_MAX = 1024,
    BUILD_TIMEOUT_ADVISED_S = 10,
    DORMANT_MIN_S = 600,
};

err_t rule_families(const struct checking *c)
{
    struct conf_err e;
    for (const struct conf_line *l = c->o->node_family_lines; l; l = l->next)
        TRY(conf_faults_add(c->faults, nodes_check(l->key, l->where, l->value, &e), &e));
    return OK;
}

/* Circuits and paths. */

static void clamp_times(const struct checking *c)
{
    struct options *o = c->o;
    if (o->max_circuit_dirtiness_s < DIRTINESS_MIN_S) {
        log_warn(c->log, "MaxCircuitDirtiness option is too short; raising to %d seconds.",
                 DIRTINESS_MIN_S);
        o->max_circuit_dirtiness_s = DIRTINESS_MIN_S;
    }
    if (o->max_circuit_dirtiness_s > DIRTINESS_MAX_S) {
        log_warn(c->log, "MaxCircuitDirtiness option is too high; setting to %d days.",
                 DIRTINESS_MAX_S / 86400);
        o->max_circuit_dirtiness_s = DIRTINESS_MAX_S;
    }
    if (o->circuit_stream_timeout_s && o->circuit_stream_timeout_s < STREAM_TIMEOUT_MIN_S) {
        log_warn(c->log, "CircuitStreamTimeout option is too short; raising to %d seconds.",
                 STREAM_TIMEOUT_MIN_S);
        o->circuit_stream_timeout_s = STREAM_TIMEOUT_MIN_S;
    }
    if (o->heartbeat_period_s && o->heartbeat_period_s < HEARTBEAT_MIN_S &&
        !o->testing_tor_network) {
        log_warn(c->log, "HeartbeatPeriod option is too short; raising to %d seconds.",
                 HEARTBEAT_MIN_S);
        o->heartbeat_period_s = HEARTBEAT_MIN_S;
    }
    double *paths = &o->paths_needed_to_build_circuits;
    if (*paths >= 0.0 && *paths < 0.25) {
        log_warn(c->log, "PathsNeededToBuildCircuits is too low. Increasing to 0.25");
        *paths = 0.25;
    } else if (*paths > 0.95) {
        log_warn(c->log, "PathsNeededToBuildCircuits is too high. Decreasing to 0.95");
        *paths = 0.95;
    }
}

static void advise_timeout(const struct checking *c)
{
    const struct options *o = c->o;
    if (o->learn_circuit_build_timeout)
        return;
    if (o->circuit_build_timeout_s == 0)
        log_notice(c->log, "You disabled LearnCircuitBuildTimeout, but didn't specify a "
                           "CircuitBuildTimeout. I'll pick a plausible default.");
    else if (o->circuit_build_timeout_s < BUILD_TIMEOUT_ADVISED_S)
        log_warn(c->log,
                 "CircuitBuildTimeout is shorter (%d seconds) than the recommended minimum (%d "
                 "seconds), and LearnCircuitBuildTimeout is disabled.  If Tunic isn't working, "
                 "raise this value or enable LearnCircuitBuildTimeout.",
                 o->circuit_build_timeout_s, BUILD_TIMEOUT_ADVISED_S);
}

static err_t check_rates(const struct checking *c)
{
    const struct options *o = c->o;
    const struct {
        const char *name;
        double rate;
    } rates[] = {
        {"PathBiasNoticeRate", o->path_bias_notice_rate},
        {"PathBiasWarnRate", o->path_bias_warn_rate},
        {"PathBiasExtremeRate", o->path_bias_extreme_rate},
        {"PathBiasNoticeUseRate", o->path_bias_notice_use_rate},
        {"PathBiasExtremeUseRate", o->path_bias_extreme_use_rate},
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        if (rates[i].rate > 1.0)
            return rule_reject_opt(c, rates[i].name, "%s is too high. It must be between 0 and 1.0",
                                   rates[i].name);
    return OK;
}

err_t rule_circuits(const struct checking *c)
{
    struct options *o = c->o;
    if (o->max_client_circuits_pending <= 0 || o->max_client_circuits_pending > PENDING_MAX)
        return rule_reject_opt(
            c, "MaxClientCircuitsPending",
            "MaxClientCircuitsPending must be between 1 and %d, but was set to %d", PENDING_MAX,
            o->max_client_circuits_pending);
    if (o->circuits_available_timeout_s > AVAILABLE_MAX_S)
        return rule_reject_opt(c, "CircuitsAvailableTimeout",
                               "CircuitsAvailableTimeout is too large. Max is 24 hours.");
    if (o->entry_nodes && !o->use_entry_guards)
        return rule_reject_opt(c, "UseEntryGuards",
                               "If EntryNodes is set, UseEntryGuards must be enabled.");
    if (o->exclude_nodes && o->strict_nodes)
        log_warn(c->log, "You have asked to exclude certain relays from all positions in your "
                         "circuits. Expect hidden services and other Tor features to be broken in "
                         "unpredictable ways.");
    if (o->dormant_client_timeout_s < DORMANT_MIN_S && !o->testing_tor_network)
        return rule_reject_opt(c, "DormantClientTimeout",
                               "DormantClientTimeout is too low. It must be at least 10 minutes.");
    TRY(check_rates(c));
    clamp_times(c);
    advise_timeout(c);
    return OK;
}

/* Options without effect yet whose values tor checks: what is written today must stay good when
 * they work. */

static err_t check_nickname(const struct checking *c)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *name = rule_kept_value(c->o, "Nickname");
    if (!name || (strlen(name) <= NICKNAME_MAX && name[strspn(name, legal)] == 0))
        return OK;
    return rule_reject_opt(c, "Nickname",
                           "Nickname '%s', nicknames must be between 1 and 19 characters "
                           "inclusive, and must contain only the characters [a-zA-Z0-9].",
                           name);
}

err_t rule_kept(const struct checking *c)
{
    static const char *const experiences[] = {"latency", "throughput", "latency_lowmem",
                                              "throughput_lowmem"};
    const char *ux = c->o->conflux_client_ux;
    bool ux_ok = !ux; /* taken back: as if it had never been there */
    for (size_t i = 0; i < sizeof experiences / sizeof experiences[0] && !ux_ok; i++)
        ux_ok = strcmp(ux, experiences[i]) == 0;
    if (!ux_ok)
        return rule_reject_opt(
            c, "ConfluxClientUX",
            "ConfluxClientUX must be 'latency', 'throughput, 'latency_lowmem', or "
            "'throughput_lowmem'");
    return check_nickname(c);
}

static bool kept_is_on(const struct checking *c, const char *name)
{
    const char *value = rule_kept_value(c->o, name);
    return value && strcmp(value, "1") == 0;
}

/* tor's words for one without the other, which controllers look for; then that neither is there. */
err_t rule_single_hop(const struct checking *c)
{
    static const char anonymous[] = "HiddenServiceNonAnonymousMode",
                      single[] = "HiddenServiceSingleHopMode";
    bool is_anonymous = kept_is_on(c, anonymous), is_single = kept_is_on(c, single);
    const char *set = is_single ? single : anonymous, *other = is_single ? anonymous : single;
    if (is_anonymous != is_single)
        return rule_reject_opt(c, set,
                               "%s does not provide any server anonymity. It must be used with %s "
                               "set to 1.",
                               set, other);
    return is_single ? rule_reject_opt(c, single, "%s: %s.", single, opt_find(single)->reason) : OK;
}

/* Private networks. */

static bool only_in_testing(const struct opt *opt)
{
    return strncmp(opt->name, "Testing", 7) == 0 && strcmp(opt->name, "TestingTorNetwork") != 0 &&
           opt->kind != OPT_OBSOLETE;
}

/* Options that make a client stand out belong to private networks. */
static err_t check_not_testing(const struct checking *c)
{
    struct options *defaults = options_new(false);
    size_t n, differ;
    (void)opt_table(&n);
    const struct opt **names = calloc(n, sizeof *names);
    err_t err = defaults && names ? OK : ERR_NOMEM;
    if (err == OK) {
        differ = options_diff(c->o, defaults, names, n);
        for (size_t i = 0; err == OK && i < differ; i++)
            if (only_in_testing(names[i]))
                err = rule_reject_opt(c, names[i]->name,
                                      "%s may only be changed in testing Tor networks!",
                                      names[i]->name);
    }
    options_free(defaults);
    free(names);
    return err;
}

err_t rule_testing(const struct checking *c)
{
    struct options *o = c->o;
    if (o->dir_authority_lines &&
        (o->alternate_dir_authority_lines || rule_kept_value(o, "AlternateBridgeAuthority")))
        return rule_reject(c, "You cannot set both DirAuthority and Alternate*Authority.");
    if (o->testing_tor_network && !o->dir_authority_lines &&
        !(o->alternate_dir_authority_lines && rule_kept_value(o, "AlternateBridgeAuthority")))
        return rule_reject_opt(
            c, "TestingTorNetwork",
            "TestingTorNetwork may only be configured in combination with a "
            "non-default set of DirAuthority or both of AlternateDirAuthority and "
            "AlternateBridgeAuthority configured.");
    if (!o->testing_tor_network && !o->using_test_network_defaults)
        TRY(check_not_testing(c));
    if (!o->client_dns_reject_internal && !options_authorities(o))
        return rule_reject_opt(c, "ClientDNSRejectInternalAddresses",
                               "ClientDNSRejectInternalAddresses used for default network.");
    if (o->testing_client_max_interval_without_request_s < 1)
        return rule_reject_opt(c, "TestingClientMaxIntervalWithoutRequest",
                               "TestingClientMaxIntervalWithoutRequest is way too low.");
    if (o->testing_dir_connection_max_stall_s < 5)
        return rule_reject_opt(c, "TestingDirConnectionMaxStall",
                               "TestingDirConnectionMaxStall is way too low.");
    if (o->bootstrap_max_in_progress < 1)
        return rule_reject_opt(
            c, "ClientBootstrapConsensusMaxInProgressTries",
            "ClientBootstrapConsensusMaxInProgressTries must be greater than 0.");
    if (o->bootstrap_max_in_progress > 100)
        log_warn(c->log, "ClientBootstrapConsensusMaxInProgressTries is insanely high.");
    if (o->testing_tor_network)
        log_warn(c->log, "TestingTorNetwork is set. This will make your node almost unusable in "
                         "the public Tor network, and is therefore only advised if you are "
                         "building a testing Tor network!");
    return OK;
}
