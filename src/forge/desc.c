#include "forge/desc.h"

#include <stdlib.h>
#include <string.h>

#include "dir/descriptor.h"
#include "dir/familyid.h"
#include "dirdoc/exitpolicy.h"
#include "dirdoc/relaydoc.h"

enum { BYTES_IN_KB = 1000, POLICY_MAX = 1 << 16, RULE_MAX = 240 };

void forge_desc_free(struct forge_desc *d)
{
    free(d->version);
    free(d->protos);
    free(d->policy);
    docw_free(&d->microdesc);
    *d = (struct forge_desc){.version = NULL};
}

/* ---- what is wrong ---- */

/* Where several lines are, the first of them here is told. */
static const char *what_is_malformed(uint32_t malformed)
{
    static const struct {
        unsigned line;
        const char *why;
    } rows[] = {
        {DESCRIPTOR_FIRST, "its \"router\" line is not \"router NICKNAME IPV4 ORPORT 0 DIRPORT\""},
        {DESCRIPTOR_OR_ADDRESS, "its \"or-address\" is no address with a port"},
        {DESCRIPTOR_MASTER_KEY, "its \"master-key-ed25519\" is no key"},
        {DESCRIPTOR_NTOR_KEY, "its \"ntor-onion-key\" is no key"},
        {DESCRIPTOR_PUBLISHED, "its \"published\" is no date"},
        {DESCRIPTOR_BANDWIDTH, "its \"bandwidth\" is not three numbers"},
        {DESCRIPTOR_ONION_KEY, "its \"onion-key\" is no key"},
        {DESCRIPTOR_SIGNING_KEY, "its \"signing-key\" is no key"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (malformed & DESCRIPTOR_BIT(rows[i].line))
            return rows[i].why;
    return NULL;
}

static const char *what_is_missing(const struct descriptor *in)
{
    return !descriptor_has(in, DESCRIPTOR_SIGNING_KEY)  ? "it has no \"signing-key\""
           : !descriptor_has(in, DESCRIPTOR_MASTER_KEY) ? "it has no \"master-key-ed25519\""
           : !descriptor_has(in, DESCRIPTOR_NTOR_KEY)   ? "it has no \"ntor-onion-key\""
           : !descriptor_has(in, DESCRIPTOR_PUBLISHED)  ? "it has no \"published\""
                                                        : NULL;
}

/* ---- what authorities make of it ---- */

/* Appends RULE to "accept *:80,reject *:*". */
static bool add_rule(struct docw *rules, const struct doc_item *rule)
{
    struct exitpolicy_rule parsed;
    size_t from = rules->len + (rules->len != 0);
    if (rules->len > POLICY_MAX || rule->args.len >= RULE_MAX)
        return false;
    docw_fmt(rules, "%s%.*s %.*s", rules->len ? "," : "", TEXT_ARG(rule->keyword),
             TEXT_ARG(rule->args));
    if (rules->err != OK)
        return false;
    struct text rest = docw_text(rules);
    rest = (struct text){rest.s + from, rest.len - from};
    return exitpolicy_next(&rest, &parsed) == OK;
}

static err_t collect_rules(const struct descriptor *in, struct docw *rules, const char **why)
{
    struct doc_lines at = doc_over(in->body.s, in->body.len);
    struct doc_item rule;
    while (descriptor_rule_next(&at, &rule))
        if (!add_rule(rules, &rule)) {
            *why = doc_is(&rule, "accept") ? "an \"accept\" line is not \"accept ADDRESS:PORTS\""
                                           : "a \"reject\" line is not \"reject ADDRESS:PORTS\"";
            return ERR_MALFORMED;
        }
    return OK;
}

/* "v": the platform without what it runs on */
static struct text version_of(struct text platform)
{
    static const char on[] = " on ";
    struct text rest = platform, word, version = {0};
    const char *end = platform.len ? memmem(platform.s, platform.len, on, strlen(on)) : NULL;
    if (end)
        return (struct text){platform.s, (size_t)(end - platform.s)};
    for (size_t i = 0; i < 2 && text_token(&rest, &word); i++)
        version = (struct text){platform.s, (size_t)(word.s + word.len - platform.s)};
    return version;
}

static unsigned flags_of(const struct descriptor *in, const char *rules)
{
    const unsigned plain = ROUTER_FAST | ROUTER_RUNNING | ROUTER_STABLE | ROUTER_VALID;
    struct ipport web = {.port = 80}, tls = {.port = 443};
    const uint8_t anywhere[] = {192, 0, 2, 1};
    web.ip = tls.ip = ip_v4(anywhere);
    /* dir-spec 3.4.2: "allows exits to at least one /8 address space on each of ports 80 and 443"
     */
    bool exit = exitpolicy_allows(rules, &web) && exitpolicy_allows(rules, &tls);
    return plain | (exit ? ROUTER_EXIT : ROUTER_GUARD) |
           (descriptor_has(in, DESCRIPTOR_TUNNELLED_DIR) || in->dirport ? ROUTER_V2DIR : 0);
}

/* The least of what is offered and what was seen, as far as the "bandwidth" line tells. */
static uint32_t bandwidth_kb(const struct descriptor *in)
{
    uint64_t least = in->average < in->burst ? in->average : in->burst;
    least = (in->observed < least ? in->observed : least) / BYTES_IN_KB;
    return least > INT32_MAX ? INT32_MAX : (uint32_t)least;
}

static void fill_row(const struct descriptor *in, struct consdoc_relay *row)
{
    memcpy(row->nickname, in->nickname, sizeof row->nickname);
    row->rsa = in->rsa;
    row->ed = in->ed;
    row->or_port = in->orport;
    row->or_port6 = in->orport6;
    row->dir_port = in->dirport;
    row->published_s = in->published_s;
    row->bandwidth_kb = bandwidth_kb(in);
    memcpy(row->descriptor_sha1, in->sha1, sizeof row->descriptor_sha1);
}

static err_t fill_texts(const struct descriptor *in, const char *rules, struct forge_desc *d)
{
    char summary[EXITPOLICY_SUMMARY_MAX];
    struct text version = version_of(in->item[DESCRIPTOR_PLATFORM].args);
    d->version = text_dup(version.len ? version : TEXT_LIT("unknown"));
    d->protos = text_dup(in->item[DESCRIPTOR_PROTO].args);
    d->policy = text_dup(text_of(exitpolicy_summary_public(rules, summary)));
    if (!d->version || !d->protos || !d->policy)
        return ERR_NOMEM;
    d->row.version = d->version;
    d->row.protos = d->protos;
    d->row.policy = d->policy;
    return OK;
}

/* dir-spec 3.3: a policy that lets nothing out is left out. */
static bool lets_out(const char *summary)
{
    return strcmp(summary, "reject 1-65535") != 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* " ID ID ...", in order and each once (C tor: check_family_certs()). */
static void write_family_ids(const struct descriptor *in, struct docw *w)
{
    char ids[DESCRIPTOR_FAMILIES_MAX][FAMILY_ID_TEXT_MAX];
    struct doc_lines at = doc_over(in->body.s, in->body.len);
    struct ed_id family;
    size_t n = 0;
    while (n < DESCRIPTOR_FAMILIES_MAX && descriptor_family_next(&at, &family))
        family_id_text(&family, ids[n++]);
    qsort(ids, n, sizeof ids[0], by_text);
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(ids[i], ids[i - 1]) != 0)
            docw_fmt(w, " %s", ids[i]);
}

static err_t make_microdesc(const struct descriptor *in, struct forge_desc *d)
{
    uint8_t tap[RSA_DER_MAX];
    size_t tap_len = 0;
    struct text family = in->item[DESCRIPTOR_FAMILY].args;
    struct docw ids = {0};
    char *p6 = text_dup(in->item[DESCRIPTOR_IPV6_POLICY].args);
    if (!p6)
        return ERR_NOMEM;
    if (doc_object(&in->item[DESCRIPTOR_ONION_KEY], "RSA PUBLIC KEY", tap, sizeof tap, &tap_len) !=
        OK)
        tap_len = 0;
    struct relaydoc_microdesc m = {.tap_der = tap_len ? tap : NULL,
                                   .tap_len = tap_len,
                                   .ntor = in->ntor.b,
                                   .p = lets_out(d->policy) ? d->policy : NULL,
                                   .p6 = *p6 && lets_out(p6) ? p6 : NULL,
                                   .ed = &d->row.ed};
    if (family.len) /* with the space before it */
        m.family = (struct text){family.s - 1, family.len + 1};
    write_family_ids(in, &ids);
    m.family_ids = docw_text(&ids);
    docw_fail(&d->microdesc, ids.err);
    relaydoc_write_microdesc(&d->microdesc, &m, d->row.microdesc_sha256);
    docw_free(&ids);
    free(p6);
    return d->microdesc.err;
}

/* ---- one document ---- */

static err_t read_one(const struct descriptor *in, struct docw *rules, struct forge_desc *out,
                      const char **why)
{
    const char *wrong = what_is_malformed(in->malformed);
    wrong = wrong ? wrong : what_is_missing(in);
    if (wrong) {
        *why = wrong;
        return ERR_MALFORMED;
    }
    TRY(collect_rules(in, rules, why));
    const char *policy = rules->len ? rules->s : "";
    out->body = in->body;
    out->ntor = in->ntor;
    fill_row(in, &out->row);
    out->row.flags = flags_of(in, policy);
    TRY(fill_texts(in, rules->len ? policy : "reject *:*", out));
    return make_microdesc(in, out);
}

err_t forge_desc_next(struct text *rest, struct forge_desc *out, const char **why)
{
    struct descriptor in;
    struct docw rules = {0};
    *out = (struct forge_desc){.version = NULL};
    *why = "out of memory";
    err_t err = descriptor_next(rest, &in);
    if (err == ERR_MALFORMED)
        *why =
            in.body.len ? "a line in it is malformed" : "it does not begin with a \"router\" line";
    else if (err == OK)
        err = read_one(&in, &rules, out, why);
    docw_free(&rules);
    if (err != OK)
        forge_desc_free(out);
    return err;
}

err_t forge_desc_phantom(struct spread *s, uint32_t i, int64_t published_s, struct forge_desc *out)
{
    *out = (struct forge_desc){.version = NULL};
    err_t err = spread_write(s, i, &out->microdesc, &out->row);
    out->row.published_s = published_s;
    if (err != OK)
        forge_desc_free(out);
    return err;
}
