/* GETINFO about the consensus and its relays. */
#include <string.h>

#include "client/client.h"
#include "control/control.h"
#include "control/info.h"
#include "control/ns.h"
#include "crypto/encode.h"
#include "dir/doc.h"

/* The newest consensus, whether it can be used or not, as tor's
 * networkstatus_get_latest_consensus(); or NULL. */
static const struct netdir *network(struct control *c)
{
    return dirmgr_known(client_dirmgr(control_client(c)));
}

/* ---- relays ---- */

static err_t ns_all(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    ns_entries(out, network(c));
    return OK;
}

static err_t entry_of(const struct router *r, struct text_out *out)
{
    if (!r)
        return ERR_NOT_FOUND;
    ns_entry(out, r);
    return OK;
}

static err_t ns_id(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    const struct netdir *nd = network(c);
    struct rsa_id id;
    if (!nd) /* C tor, getinfo_helper_networkstatus(): whatever was asked for */
        return OK;
    if (hex_decode_exact(text_of(rest + (rest[0] == '$')), id.b, sizeof id.b) != OK) {
        *why = "Data not decodeable as hex";
        return ERR_ARG;
    }
    return entry_of(netdir_by_rsa(nd, &id), out);
}

static err_t ns_name(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    const struct netdir *nd = network(c);
    (void)why;
    return nd ? entry_of(ns_find(nd, rest), out) : OK;
}

/* Of relays with server descriptors, of which there are none here: tor answers for purposes that it
 * knows. */
static err_t ns_purpose(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    static const char *const known[] = {"general", "controller", "bridge"};
    (void)out, (void)why;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(rest, known[i]) == 0)
            return OK;
    return network(c) ? ERR_ARG : OK;
}

/* ---- the document ---- */

static err_t consensus_time(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    const struct netdir *nd = network(c);
    char text[DOC_TIME_TEXT_MAX];
    (void)why;
    if (!nd)
        return OK;
    const struct consensus *consensus = netdir_consensus(nd);
    if (strcmp(rest, "valid-after") == 0)
        out_str(out, doc_time_text(consensus->valid_after_s, text));
    else if (strcmp(rest, "fresh-until") == 0)
        out_str(out, doc_time_text(consensus->fresh_until_s, text));
    else if (strcmp(rest, "valid-until") == 0)
        out_str(out, doc_time_text(consensus->valid_until_s, text));
    else
        return ERR_NOT_FOUND;
    return OK;
}

/* Consensuses have no "package" lines since method 34. */
static err_t consensus_packages(struct control *c, const char *rest, struct text_out *out,
                                const char **why)
{
    (void)c, (void)rest, (void)out, (void)why;
    return OK;
}

static void srv_value(struct text_out *out, const struct dir_srv *srv)
{
    char text[BASE64_SIZE(sizeof srv->value)];
    if (srv->present)
        out_str(out, base64_encode(srv->value, sizeof srv->value, true, text));
}

static err_t sr_current(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    const struct netdir *nd = network(c);
    (void)rest, (void)why;
    if (nd)
        srv_value(out, &netdir_consensus(nd)->srv_current);
    return OK;
}

static err_t sr_previous(struct control *c, const char *rest, struct text_out *out,
                         const char **why)
{
    const struct netdir *nd = network(c);
    (void)rest, (void)why;
    if (nd)
        srv_value(out, &netdir_consensus(nd)->srv_previous);
    return OK;
}

/* As in tor, it is listed and nobody answers it. */
static err_t network_status(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    (void)c, (void)rest, (void)out, (void)why;
    return ERR_NOT_FOUND;
}

/* clang-format off */
const struct info_row control_ns_info[] = {
    {"ns/all", false, "Brief summary of router status (v2 directory format)", ns_all},
    {"ns/id/", true, "Brief summary of router status by ID (v2 directory format).", ns_id},
    {"ns/name/", true, "Brief summary of router status by nickname (v2 directory format).",
     ns_name},
    {"ns/purpose/", true, "Brief summary of router status by purpose (v2 directory format).",
     ns_purpose},
    {"consensus/packages", false, NULL, consensus_packages},
    {"consensus/", true, "Information about and from the ns consensus.", consensus_time},
    {"network-status", false, "Brief summary of router status (v1 directory format)",
     network_status},
    {"sr/current", false, "Get current shared random value.", sr_current},
    {"sr/previous", false, "Get previous shared random value.", sr_previous},
    {0},
};
/* clang-format on */
