#include "conf/options_int.h"

#include <stdlib.h>
#include <string.h>

#include "conf/optlists.h"
#include "conf/optval.h"

/* What TestingTorNetwork implies, where Tunic or a relay's option in the same torrc has it. */
static const struct {
    const char *name, *value;
} TESTING_DEFAULTS[] = {
    {"DirAllowPrivateAddresses", "1"},
    {"EnforceDistinctSubnets", "0"},
    {"AuthDirMaxServersPerAddr", "0"},
    {"ClientBootstrapConsensusAuthorityDownloadInitialDelay", "0"},
    {"ClientBootstrapConsensusFallbackDownloadInitialDelay", "0"},
    {"ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay", "0"},
    {"ClientDNSRejectInternalAddresses", "0"},
    {"ClientRejectInternalAddresses", "0"},
    {"CountPrivateBandwidth", "1"},
    {"ExitPolicyRejectPrivate", "0"},
    {"ExtendAllowPrivateAddresses", "1"},
    {"V3AuthVotingInterval", "5 minutes"},
    {"V3AuthVoteDelay", "20 seconds"},
    {"V3AuthDistDelay", "20 seconds"},
    {"TestingV3AuthInitialVotingInterval", "150 seconds"},
    {"TestingV3AuthInitialVoteDelay", "20 seconds"},
    {"TestingV3AuthInitialDistDelay", "20 seconds"},
    {"TestingAuthDirTimeToLearnReachability", "0 minutes"},
    {"MinUptimeHidServDirectoryV2", "0 minutes"},
    {"TestingMinTimeToReportBandwidth", "0 seconds"},
    {"TestingServerDownloadInitialDelay", "0"},
    {"TestingClientDownloadInitialDelay", "0"},
    {"TestingServerConsensusDownloadInitialDelay", "0"},
    {"TestingClientConsensusDownloadInitialDelay", "0"},
    {"TestingBridgeDownloadInitialDelay", "10"},
    {"TestingBridgeBootstrapDownloadInitialDelay", "0"},
    {"TestingClientMaxIntervalWithoutRequest", "5 seconds"},
    {"TestingDirConnectionMaxStall", "30 seconds"},
    {"TestingEnableConnBwEvent", "1"},
    {"TestingEnableCellStatsEvent", "1"},
    {"___UsingTestNetworkDefaults", "1"},
};

const char *opt_initial(const struct opt *opt, bool testing)
{
    for (size_t i = 0; testing && i < sizeof TESTING_DEFAULTS / sizeof TESTING_DEFAULTS[0]; i++)
        if (strcmp(TESTING_DEFAULTS[i].name, opt->name) == 0)
            return TESTING_DEFAULTS[i].value;
    return opt->initial;
}

void *opt_place(const struct options *o, const struct opt *opt)
{
    return (char *)o + opt->at;
}

bool opt_has_place(const struct opt *opt)
{
    return opt->at != SIZE_MAX;
}

/* Whether this option is the one by which its value is stored, copied and freed. */
static bool owns_place(const struct opt *opt)
{
    return opt_has_place(opt) && (opt->type == OPTT_VIRTUAL || !(opt->flags & OPTF_DEPENDENT));
}

err_t options_set_initial(struct options *o, const struct opt *opt)
{
    const char *initial = opt_initial(opt, o->using_test_network_defaults);
    char why[OPTVAL_WHY_MAX];
    optval_clear(opt->type, opt_place(o, opt));
    return initial ? optval_parse(opt->type, initial, opt_place(o, opt), why) : OK;
}

struct options *options_new(bool testing)
{
    struct options *o = calloc(1, sizeof *o);
    size_t n;
    const struct opt *table = opt_table(&n);
    if (!o)
        return NULL;
    o->using_test_network_defaults = testing;
    o->where = calloc(n, sizeof *o->where);
    if (!o->where) {
        options_free(o);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (owns_place(&table[i]) && options_set_initial(o, &table[i]) != OK) {
            options_free(o);
            return NULL;
        }
    return o;
}

static void free_derived(struct options *o)
{
    ports_clear(&o->is.ports);
    logs_free(o->is.logs, o->is.n_logs);
    free(o->is.socks_policy.rules);
    free(o->is.metrics_policy.rules);
    free(o->is.reachable_or.rules);
    free(o->is.warn_plaintext.ports);
    free(o->is.reject_plaintext.ports);
    free(o->is.long_lived.ports);
    free(o->is.data_dir);
    free(o->is.cache_dir);
    free(o->is.cookie_file);
    free(o->is.control_port_file);
    memset(&o->is, 0, sizeof o->is);
}

const struct conf_line *options_authorities(const struct options *o)
{
    return o->dir_authority_lines ? o->dir_authority_lines : o->alternate_dir_authority_lines;
}

void options_forget_derived(struct options *o)
{
    free_derived(o);
}

void options_free(struct options *o)
{
    if (!o)
        return;
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (owns_place(&table[i]))
            optval_clear(table[i].type, opt_place(o, &table[i]));
        if (o->where)
            free(o->where[i]);
    }
    free(o->where);
    conf_lines_free(o->kept);
    options_free(o->base);
    free_derived(o);
    free(o);
}

/* Copies one value exactly; TO holds a default of its own. */
static err_t copy_value(const struct opt *opt, const void *from, void *to)
{
    char why[OPTVAL_WHY_MAX];
    optval_clear(opt->type, to);
    switch (opt->type) {
    case OPTT_DOUBLE:
        *(double *)to = *(const double *)from;
        return OK;
    case OPTT_STRING:
    case OPTT_FILENAME:
    case OPTT_CSV:
    case OPTT_NODES: {
        const char *text = *(char *const *)from;
        return text ? optval_parse(OPTT_STRING, text, to, why) : OK;
    }
    case OPTT_LINES:
    case OPTT_VIRTUAL:
        return conf_lines_copy(*(struct conf_line *const *)from, to);
    case OPTT_BOOL:
        *(bool *)to = *(const bool *)from;
        return OK;
    case OPTT_UINT64:
    case OPTT_SIZE:
        *(uint64_t *)to = *(const uint64_t *)from;
        return OK;
    case OPTT_AUTOBOOL:
    case OPTT_POSINT:
    case OPTT_INT:
    case OPTT_INTERVAL:
    case OPTT_MSEC_INTERVAL:
    case OPTT_CSV_INTERVAL:
        *(int *)to = *(const int *)from;
        return OK;
    }
    return ERR_BUG;
}

struct options *options_dup(const struct options *o)
{
    struct options *copy = options_new(o->using_test_network_defaults);
    size_t n;
    const struct opt *table = opt_table(&n);
    if (!copy)
        return NULL;
    copy->include_used = o->include_used;
    copy->base = o->base ? options_dup(o->base) : NULL;
    err_t err = o->base && !copy->base ? ERR_NOMEM : conf_lines_copy(o->kept, &copy->kept);
    for (size_t i = 0; err == OK && i < n; i++)
        if (owns_place(&table[i]))
            err = copy_value(&table[i], opt_place(o, &table[i]), opt_place(copy, &table[i]));
    if (err == OK)
        return copy;
    options_free(copy);
    return NULL;
}
