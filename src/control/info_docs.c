/* GETINFO about directory documents as they were signed. No text is kept in memory: what a client
 * needs to know stands in the netdir's rows, and whoever asks for a text gets it from the cache
 * files. Where nothing is kept there is none. */
#include <string.h>

#include "client/client.h"
#include "control/control.h"
#include "control/info.h"
#include "control/mdtexts.h"
#include "control/ns.h"
#include "crypto/encode.h"
#include "crypto/hash.h"

static struct netdir *network(struct control *c)
{
    return dirmgr_known(client_dirmgr(control_client(c)));
}

/* ---- consensuses ---- */

static err_t consensus_microdesc(struct control *c, const char *rest, struct text_out *out,
                                 const char **why)
{
    struct blob file;
    (void)rest;
    err_t e = client_read_back(control_client(c), DIR_FILE_CONSENSUS, &file);
    if (e != OK) {
        *why = "Could not open cached consensus. Make sure FetchUselessDescriptors is set to 1.";
        return e == ERR_NOT_FOUND ? ERR_STATE : e;
    }
    out_add(out, file.text.s, file.text.len);
    blob_drop(&file);
    return OK;
}

/* The other flavor is not fetched. */
static err_t consensus_ns(struct control *c, const char *rest, struct text_out *out,
                          const char **why)
{
    (void)c, (void)rest, (void)out;
    *why = "Could not open cached consensus. Make sure FetchUselessDescriptors is set to 1.";
    return ERR_STATE;
}

/* ---- microdescriptors ---- */

/* The microdescriptor of R; without R (NULL) there is none. */
static err_t md_of(struct control *c, const struct router *r, struct text_out *out)
{
    struct text text = {NULL, 0};
    if (r)
        TRY(mdtexts_get(control_mdtexts(c), control_client(c), network(c), r, &text));
    out_add(out, text.s, text.len);
    return text.len ? OK : ERR_NOT_FOUND;
}

static err_t md_id(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    struct rsa_id id;
    const struct netdir *nd = network(c);
    struct text hex = text_of(rest + (rest[0] == '$'));
    (void)why;
    if (hex.len > 2 * sizeof id.b && hex.s[2 * sizeof id.b] == '~')
        hex.len = 2 * sizeof id.b;
    if (!nd || hex_decode_exact(hex, id.b, sizeof id.b) != OK)
        return ERR_NOT_FOUND;
    return md_of(c, netdir_by_rsa(nd, &id), out);
}

static err_t md_name(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)why;
    return md_of(c, ns_find(network(c), rest), out);
}

static err_t md_all(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    const struct netdir *nd = network(c);
    err_t e = OK;
    (void)rest, (void)why;
    for (size_t i = 0; nd && i < netdir_n(nd) && (e == OK || e == ERR_NOT_FOUND); i++)
        e = md_of(c, netdir_at(nd, i), out);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err_t yes(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_char(out, '1');
    return OK;
}

/* ---- what is never fetched ---- */

static err_t no(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)why;
    out_char(out, '0');
    return OK;
}

static err_t nothing(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out, (void)why;
    return OK;
}

static err_t unknown(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)c, (void)rest, (void)out, (void)why;
    return ERR_NOT_FOUND;
}

static err_t desc_id(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    *why = "We fetch microdescriptors, not router descriptors. You'll need to use md/id/* instead "
           "of desc/id/*.";
    (void)c, (void)rest, (void)out;
    return ERR_NOT_FOUND;
}

static err_t desc_name(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    *why = "We fetch microdescriptors, not router descriptors. You'll need to use md/name/* "
           "instead of desc/name/*.";
    (void)c, (void)rest, (void)out;
    return ERR_NOT_FOUND;
}

static err_t dir_server(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    bool known = strcmp(rest, "all") == 0 || strcmp(rest, "authority") == 0 ||
                 strncmp(rest, "d/", 2) == 0 || strncmp(rest, "fp/", 3) == 0;
    *why = known ? "Servers unavailable" : "Key not recognized";
    (void)c, (void)out;
    return ERR_STATE;
}

/* rend-spec-v3 6: "onion_address = base32(PUBKEY | CHECKSUM | VERSION)". */
static bool is_onion_address(struct text t)
{
    enum { KEY = 32, CHECKSUM = 2, WHOLE = KEY + CHECKSUM + 1, VERSION = 3 };
    static const char words[] = ".onion checksum";
    uint8_t address[WHOLE], sum[SHA3_256_LEN], input[sizeof words - 1 + KEY + 1];
    size_t len;
    if (base32_decode(t, address, sizeof address, &len) != OK || len != WHOLE)
        return false;
    memcpy(input, words, sizeof words - 1);
    memcpy(input + sizeof words - 1, address, KEY);
    input[sizeof input - 1] = VERSION;
    return sha3_256(input, sizeof input, sum) == OK && address[WHOLE - 1] == VERSION &&
           memcmp(sum, address + KEY, CHECKSUM) == 0;
}

/* Onion services are not there yet, so no descriptor of any is. */
static err_t hs_desc(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    *why = is_onion_address(text_of(rest)) ? "Not found in cache" : "Invalid address";
    (void)c, (void)out;
    return ERR_STATE;
}

/* clang-format off */
const struct info_row control_docs_info[] = {
    {"desc/id/", true, "Router descriptors by ID.", desc_id},
    {"desc/name/", true, "Router descriptors by nickname.", desc_name},
    {"desc/all-recent", false, "All non-expired, non-superseded router descriptors.", nothing},
    {"desc/all-recent-extrainfo-hack", false, NULL, nothing},
    {"desc/download-enabled", false, "Do we try to download router descriptors?", no},
    {"md/all", false, "All known microdescriptors.", md_all},
    {"md/id/", true, "Microdescriptors by ID", md_id},
    {"md/name/", true, "Microdescriptors by name", md_name},
    {"md/download-enabled", false, "Do we try to download microdescriptors?", yes},
    {"extra-info/digest/", true, "Extra-info documents by digest.", unknown},
    {"hs/client/desc/id/", true, NULL, hs_desc},
    {"hs/client/desc/id", true, "Hidden Service descriptor in client's cache by onion.", NULL},
    {"hs/service/desc/id/", true, "Hidden Service descriptor in services's cache by onion.",
     hs_desc},
    {"desc-annotations/id/", true, "Router annotations by hexdigest.", unknown},
    {"dir/server/", true, "Router descriptors as retrieved from a DirPort.", dir_server},
    {"dir/status/", true, "v2 networkstatus docs as retrieved from a DirPort.", nothing},
    {"dir/status-vote/current/consensus", false,
     "v3 Networkstatus consensus as retrieved from a DirPort.", consensus_ns},
    {"dir/status-vote/current/consensus-microdesc", false,
     "v3 Microdescriptor consensus as retrieved from a DirPort.", consensus_microdesc},
    {0},
};
/* clang-format on */
