/* GETINFO about the software and its surroundings, as the network sees them. */
#include <string.h>

#include "base/version.h"
#include "client/client.h"
#include "control/control.h"
#include "control/info.h"
#include "dir/versions.h"

/* What clients should be: NULL without a consensus. */
static const char *recommended_versions(struct control *c)
{
    const struct netdir *nd = dirmgr_known(client_dirmgr(control_client(c)));
    if (!nd)
        return NULL;
    const char *versions = netdir_consensus(nd)->client_versions;
    return versions ? versions : "";
}

static err_t version_recommended(struct control *c, const char *rest, struct text_out *out,
                                 const char **why)
{
    const char *versions = recommended_versions(c);
    (void)rest, (void)why;
    out_str(out, versions ? versions : "?");
    return OK;
}

static err_t version_current(struct control *c, const char *rest, struct text_out *out,
                             const char **why)
{
    const char *versions = recommended_versions(c);
    (void)rest, (void)why;
    out_str(out, versions ? version_standing_name(
                                version_standing(text_of(TOR_COMPAT_VERSION), text_of(versions)))
                          : "unknown");
    return OK;
}

/* ---- what only relays have ---- */

static err_t clients_seen(struct control *c, const char *rest, struct text_out *out,
                          const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "TimeStarted=\"1970-01-01 00:00:00\" CountrySummary= IPVersions=v4=0,v6=0");
    return OK;
}

static err_t fresh_descs(struct control *c, const char *rest, struct text_out *out,
                         const char **why)
{
    (void)c, (void)rest, (void)out;
    *why = "Only relays have descriptors";
    return ERR_STATE;
}

static err_t no(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_char(out, '0');
    return OK;
}

/* As in tor: who has no ORPort has none that cannot be reached. */
static err_t yes(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_char(out, '1');
    return OK;
}

static err_t reachable(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "OR=1 DIR=1");
    return OK;
}

static err_t fingerprint(struct control *c, const char *rest, struct text_out *out,
                         const char **why)
{
    (void)c, (void)rest, (void)out;
    *why = "Not running in server mode";
    return ERR_STATE;
}

static err_t address(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out;
    *why = "Address unknown";
    return ERR_STATE;
}

static err_t policy_default(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "reject *:25,reject *:119,reject *:135-139,reject *:445,reject *:563,"
                 "reject *:1214,reject *:4661-4666,reject *:6346-6429,reject *:6699,"
                 "reject *:6881-6999,accept *:*");
    return OK;
}

static err_t policy_private(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    static const char *const nets[] = {
        "0.0.0.0/8",   "169.254.0.0/16", "127.0.0.0/8", "192.168.0.0/16",
        "10.0.0.0/8",  "172.16.0.0/12",  "[::]/8",      "[fc00::]/7",
        "[fe80::]/10", "[fec0::]/10",    "[ff00::]/8",  "[::]/127",
    };
    (void)c, (void)rest, (void)why;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        out_printf(out, "%sreject %s:*", i ? "," : "", nets[i]);
    return OK;
}

static err_t policy_own(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out;
    *why = "Not running in server mode";
    return ERR_NOT_FOUND; /* 552 */
}

static err_t handshakes(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    if (strcmp(rest, "assigned") == 0 || strcmp(rest, "requested") == 0)
        return no(c, rest, out, why);
    *why = "Unrecognized handshake type";
    return ERR_ARG;
}

/* ---- accounting: none (AccountingMax is refused) ---- */

static err_t accounting_state(struct control *c, const char *rest, struct text_out *out,
                              const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "awake");
    return OK;
}

static err_t accounting_bytes(struct control *c, const char *rest, struct text_out *out,
                              const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "0 0");
    return OK;
}

static err_t accounting_time(struct control *c, const char *rest, struct text_out *out,
                             const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "1970-01-01 00:00:00");
    return OK;
}

/* clang-format off */
const struct info_row control_status_info[] = {
    {"status/version/recommended", false, "List of currently recommended versions.",
     version_recommended},
    {"status/version/current", false, "Status of the current version.", version_current},
    {"status/clients-seen", false, "Breakdown of client countries seen by a bridge.", clients_seen},
    {"status/fresh-relay-descs", false,
     "A fresh relay/ei descriptor pair for Tor's current state. Not stored.", fresh_descs},
    {"status/good-server-descriptor", false, NULL, no},
    {"status/accepted-server-descriptor", false, NULL, no},
    {"status/reachability-succeeded/or", false, NULL, yes},
    {"status/reachability-succeeded/dir", false, NULL, yes},
    {"status/reachability-succeeded", false, NULL, reachable},
    {"fingerprint", false, NULL, fingerprint},
    {"address", false, "IP address of this Tor host, if we can guess it.", address},
    {"address/v4", false, "IPv4 address of this Tor host, if we can guess it.", address},
    {"address/v6", false, "IPv6 address of this Tor host, if we can guess it.", address},
    {"exit-policy/default", false, "The default value appended to the configured exit policy.",
     policy_default},
    {"exit-policy/reject-private/default", false,
     "The default rules appended to the configured exit policy by ExitPolicyRejectPrivate.",
     policy_private},
    {"exit-policy/reject-private/relay", false,
     "The relay-specific rules appended to the configured exit policy by ExitPolicyRejectPrivate "
     "and/or ExitPolicyRejectLocalInterfaces.", policy_own},
    {"exit-policy/full", false, "The entire exit policy of onion router", policy_own},
    {"exit-policy/ipv4", false, "IPv4 parts of exit policy", policy_own},
    {"exit-policy/ipv6", false, "IPv6 parts of exit policy", policy_own},
    {"accounting/enabled", false, "Is accounting currently enabled?", no},
    {"accounting/hibernating", false, "Are we hibernating or awake?", accounting_state},
    {"accounting/bytes", false,
     "Number of bytes read/written so far in the accounting interval.", accounting_bytes},
    {"accounting/bytes-left", false,
     "Number of bytes left to write/read so far in the accounting interval.", accounting_bytes},
    {"accounting/interval-start", false, "Time when the accounting period starts.",
     accounting_time},
    {"accounting/interval-wake", false, "Time to wake up in this accounting period.",
     accounting_time},
    {"accounting/interval-end", false, "Time when the accounting period ends.", accounting_time},
    {"stats/ntor/", true, "NTor circuit handshake stats.", handshakes},
    {"stats/ntor/assigned", false, "Assigned NTor circuit handshake stats.", NULL},
    {"stats/ntor/requested", false, "Requested NTor circuit handshake stats.", NULL},
    {"stats/tap/", true, "TAP circuit handshake stats.", handshakes},
    {"stats/tap/assigned", false, "Assigned TAP circuit handshake stats.", NULL},
    {"stats/tap/requested", false, "Requested TAP circuit handshake stats.", NULL},
    {0},
};
/* clang-format on */
