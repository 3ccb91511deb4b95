/* Options by name: tor's other names, abbreviations, the nearest. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "conf/options.h"

/* Other names that tor takes for an option. */
struct alias {
    const char *name, *option;
    bool warn;
};

/* clang-format off */
static const struct alias ALIASES[] = {
    {"AuthDirBadDirCC", "AuthDirBadDirCCs", false},
    {"AuthDirBadExitCC", "AuthDirBadExitCCs", false},
    {"AuthDirInvalidCC", "AuthDirInvalidCCs", false},
    {"AuthDirMiddleOnlyCC", "AuthDirMiddleOnlyCCs", false},
    {"AuthDirRejectCC", "AuthDirRejectCCs", false},
    {"EntryNode", "EntryNodes", false},
    {"ExcludeNode", "ExcludeNodes", false},
    {"FirewallPort", "FirewallPorts", false},
    {"LongLivedPort", "LongLivedPorts", false},
    {"NumCPU", "NumCPUs", false},
    {"RecommendedPackage", "RecommendedPackages", false},
    {"StrictEntryNode", "StrictEntryNodes", false},
    {"StrictExitNode", "StrictExitNodes", false},
    {"StrictNode", "StrictNodes", false},
    {"AllowUnverifiedNodes", "AllowInvalidNodes", false},
    {"AutomapHostSuffixes", "AutomapHostsSuffixes", false},
    {"AutomapHostOnResolve", "AutomapHostsOnResolve", false},
    {"BandwidthRateBytes", "BandwidthRate", false},
    {"BandwidthBurstBytes", "BandwidthBurst", false},
    {"DirServer", "DirAuthority", false},
    {"MaxConn", "ConnLimit", true},
    {"MaxMemInCellQueues", "MaxMemInQueues", false},
    {"ORBindAddress", "ORListenAddress", false},
    {"DirBindAddress", "DirListenAddress", false},
    {"SocksBindAddress", "SocksListenAddress", false},
    {"UseHelperNodes", "UseEntryGuards", false},
    {"NumHelperNodes", "NumEntryGuards", false},
    {"UseEntryNodes", "UseEntryGuards", false},
    {"NumEntryNodes", "NumEntryGuards", false},
    {"ResolvConf", "ServerDNSResolvConfFile", true},
    {"SearchDomains", "ServerDNSSearchDomains", true},
    {"ServerDNSAllowBrokenResolvConf", "ServerDNSAllowBrokenConfig", false},
    {"PreferTunnelledDirConns", "PreferTunneledDirConns", false},
    {"BridgeAuthoritativeDirectory", "BridgeAuthoritativeDir", false},
    {"VirtualAddrNetwork", "VirtualAddrNetworkIPv4", false},
    {"SocksSocketsGroupWritable", "UnixSocksGroupWritable", true},
    {"_HSLayer2Nodes", "HSLayer2Nodes", true},
    {"_HSLayer3Nodes", "HSLayer3Nodes", true},
    {"ClientBootstrapConsensusAuthorityDownloadSchedule",
     "ClientBootstrapConsensusAuthorityDownloadInitialDelay", true},
    {"ClientBootstrapConsensusAuthorityOnlyDownloadSchedule",
     "ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay", true},
    {"ClientBootstrapConsensusFallbackDownloadSchedule",
     "ClientBootstrapConsensusFallbackDownloadInitialDelay", true},
    {"TestingBridgeDownloadSchedule", "TestingBridgeDownloadInitialDelay", true},
    {"TestingBridgeBootstrapDownloadSchedule", "TestingBridgeBootstrapDownloadInitialDelay", true},
    {"TestingClientDownloadSchedule", "TestingClientDownloadInitialDelay", true},
    {"TestingClientConsensusDownloadSchedule", "TestingClientConsensusDownloadInitialDelay", true},
    {"TestingServerDownloadSchedule", "TestingServerDownloadInitialDelay", true},
    {"TestingServerConsensusDownloadSchedule", "TestingServerConsensusDownloadInitialDelay", true},
};
/* clang-format on */

enum { N_ALIASES = sizeof ALIASES / sizeof ALIASES[0] };

static const struct opt *find_exact(const char *name)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const struct opt *opt_find(const char *name)
{
    for (size_t i = 0; i < N_ALIASES; i++)
        if (strcasecmp(ALIASES[i].name, name) == 0)
            return find_exact(ALIASES[i].option);
    return find_exact(name);
}

const struct opt *opt_group(const struct opt *opt)
{
    char name[64];
    if (opt->type == OPTT_VIRTUAL)
        return opt;
    if (!(opt->flags & OPTF_DEPENDENT))
        return NULL;
    snprintf(name, sizeof name, "%sLines", opt->name + (opt->name[0] == '_' ? 2 : 0));
    const struct opt *group = find_exact(name);
    return group ? group : find_exact("HiddenServiceOptions");
}

bool opt_group_has(const struct opt *group, const char *name)
{
    static const char services[] = "HiddenService";
    if (strncasecmp(name, services, sizeof services - 1) == 0) {
        const struct opt *opt = opt_find(name);
        return opt && opt_group(opt) == group;
    }
    name += strncmp(name, "__", 2) == 0 ? 2 : 0;
    size_t len = strlen(name);
    return strncasecmp(group->name, name, len) == 0 && strcmp(group->name + len, "Lines") == 0;
}

bool opt_listed(const struct opt *opt)
{
    return opt->kind != OPT_OBSOLETE && opt->type != OPTT_VIRTUAL && !(opt->flags & OPTF_HIDDEN);
}

const struct opt *opt_lookup(const char *name, const struct log *log)
{
    for (size_t i = 0; i < N_ALIASES; i++)
        if (strcasecmp(ALIASES[i].name, name) == 0) {
            if (ALIASES[i].warn)
                log_warn(log, "The configuration option '%s' is deprecated; use '%s' instead.",
                         ALIASES[i].name, ALIASES[i].option);
            return find_exact(ALIASES[i].option);
        }
    const struct opt *found = find_exact(name);
    size_t len = strlen(name), n;
    const struct opt *table = opt_table(&n);
    if (found || len == 0)
        return found;
    for (size_t i = 0; i < n; i++)
        if (opt_listed(&table[i]) && strncasecmp(table[i].name, name, len) == 0) {
            if (found)
                return NULL; /* ambiguous: C tor would take the first, which nobody can foresee */
            found = &table[i];
        }
    if (found)
        log_warn(log, "The abbreviation '%s' is deprecated. Please use '%s' instead", name,
                 found->name);
    return found;
}

const char *opt_nearest(const char *name)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    struct nearest near = nearest_begin(name);
    for (size_t i = 0; i < n; i++)
        if (opt_listed(&table[i]))
            nearest_try(&near, table[i].name);
    return near.best;
}

size_t opt_candidates(const char *name, char *names, size_t size)
{
    enum { SHOWN = 3 };
    size_t n, found = 0, at = 0, len = strlen(name);
    const struct opt *table = opt_table(&n);
    names[0] = 0;
    for (size_t i = 0; len > 0 && i < n; i++) {
        if (!opt_listed(&table[i]) || strncasecmp(table[i].name, name, len) != 0)
            continue;
        const char *before = ++found == 1 ? "" : found <= SHOWN ? ", " : " or others";
        if (found <= SHOWN + 1 && at < size)
            at += (size_t)snprintf(names + at, size - at, "%s%s", before,
                                   found <= SHOWN ? table[i].name : "");
    }
    return found;
}

const char *opt_type_name(const struct opt *opt)
{
    static const char *const names[] = {
        [OPTT_BOOL] = "Boolean",
        [OPTT_AUTOBOOL] = "Boolean+Auto",
        [OPTT_POSINT] = "Integer",
        [OPTT_INT] = "SignedInteger",
        [OPTT_UINT64] = "Integer",
        [OPTT_DOUBLE] = "Float",
        [OPTT_INTERVAL] = "TimeInterval",
        [OPTT_MSEC_INTERVAL] = "TimeMsecInterval",
        [OPTT_SIZE] = "DataSize",
        [OPTT_STRING] = "String",
        [OPTT_FILENAME] = "Filename",
        [OPTT_CSV] = "CommaList",
        [OPTT_CSV_INTERVAL] = "TimeInterval",
        [OPTT_NODES] = "RouterList",
        [OPTT_LINES] = "LineList",
        [OPTT_VIRTUAL] = "Virtual",
    };
    if (opt->kind == OPT_OBSOLETE)
        return "Obsolete";
    return opt->flags & OPTF_DEPENDENT ? "Dependent" : names[opt->type];
}

void opt_warn_of_process(const char *name, const char *where, const struct log *log)
{
    const struct opt *opt = opt_find(name);
    if (opt && opt->flags & OPTF_PROCESS)
        log_warn(log, "%s: %s is about a process: it has no effect in a library", where, opt->name);
}
