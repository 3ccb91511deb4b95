/* Options by name: tor's other names, abbreviations, the nearest. */
#include <string.h>
#include <strings.h>

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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

enum { NEAREST_NAME_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edit distance (insert, remove, replace), without regard to case. B is shorter than
 * NEAREST_NAME_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAREST_NAME_MAX + 1], lb = strlen(b);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < lb; j++) {
            size_t above = row[j + 1];
            size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
            row[j + 1] = min3(above + 1, row[j] + 1, replaced);
            diagonal = above;
        }
    }
    return row[lb];
}

const char *opt_nearest(const char *name)
{
    size_t len = strlen(name), n;
    const struct opt *table = opt_table(&n);
    if (len == 0 || len > NEAREST_NAME_MAX)
        return NULL;
    const char *best = NULL;
    size_t least = len / 3 + 1; /* farther than this is another word */
    for (size_t i = 0; i < n; i++) {
        if (!opt_listed(&table[i]) || strlen(table[i].name) > NEAREST_NAME_MAX)
            continue;
        size_t d = distance(name, table[i].name);
        if (d < least) {
            least = d;
            best = table[i].name;
        }
    }
    return best;
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
