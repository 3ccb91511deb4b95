#include "control/ns.h"

#include <string.h>
#include <strings.h>

#include "crypto/encode.h"

/* In a consensus of microdescriptors tor has the digest of a relay's microdescriptor where that of
 * its server descriptor would stand, and writes as many bytes of it as that one has. The date means
 * nothing any more (C tor: routerstatus_format_entry()). */
enum { DIGEST_LEN = 20, ENTRY_MOST = 1024 };
#define NO_DATE "2038-01-01 00:00:00"

/* Flags that tor does not know are not in its lines. */
static const unsigned UNTOLD_FLAGS = ROUTER_NOEDCONSENSUS;

static void router_line(struct text_out *out, const struct router *r)
{
    char identity[BASE64_SIZE(sizeof r->rsa.b)], digest[BASE64_SIZE(DIGEST_LEN)], ip[IP_TEXT_MAX];
    const struct ip v4 = ip_v4(r->v4);
    out_printf(out, "r %s %s %s " NO_DATE " %s %u %u\n", r->nickname,
               base64_encode(r->rsa.b, sizeof r->rsa.b, false, identity),
               base64_encode(r->md_digest.b, DIGEST_LEN, false, digest), ip_text(&v4, ip),
               r->orport, r->dirport);
}

void ns_entry(struct text_out *out, const struct router *r)
{
    char addr[IPPORT_TEXT_MAX];
    const struct ipport v6 = router_orport6(r);
    router_line(out, r);
    if (v6.ip.family != IP_NONE)
        out_printf(out, "a %s\n", ipport_text(&v6, addr));
    out_char(out, 's');
    for (size_t i = 0; i < ROUTER_FLAG_N; i++)
        if (r->flags & ~UNTOLD_FLAGS & (1u << i))
            out_printf(out, " %s", router_flag_names[i]);
    out_printf(out, "\nw Bandwidth=%u\n", r->bandwidth);
}

void ns_entries(struct text_out *out, const struct netdir *nd)
{
    for (size_t i = 0; nd && i < netdir_n(nd); i++)
        ns_entry(out, netdir_at(nd, i));
}

/* Whatever is shown counts, and nothing else. */
static bool looks_alike(struct text_out *scratch, const struct router *a, const struct router *b)
{
    out_cut(scratch, 0);
    ns_entry(scratch, a);
    size_t len = scratch->len;
    ns_entry(scratch, b);
    return scratch->len == 2 * len && memcmp(scratch->s, scratch->s + len, len) == 0;
}

void ns_changes(struct text_out *out, const struct netdir *old, const struct netdir *nd)
{
    struct text_out scratch = text_out(2 * ENTRY_MOST);
    for (size_t i = 0; i < netdir_n(nd); i++) {
        const struct router *r = netdir_at(nd, i);
        const struct router *before = old ? netdir_by_rsa(old, &r->rsa) : NULL;
        if (!before || !looks_alike(&scratch, before, r))
            ns_entry(out, r);
    }
    out_free(&scratch);
}

const struct router *ns_find(const struct netdir *nd, const char *name)
{
    if (!nd || strcasecmp(name, "Unnamed") == 0)
        return NULL;
    const struct router *r = netdir_by_name(nd, text_of(name));
    if (r)
        return r;
    for (size_t i = 0; i < netdir_n(nd); i++)
        if (strcasecmp(netdir_at(nd, i)->nickname, name) == 0)
            return netdir_at(nd, i);
    return NULL;
}
