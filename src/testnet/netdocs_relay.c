/* The documents of planned nodes, and of relays that are in the directory only. */
#include "testnet/netdocs_int.h"

#include <string.h>

#include "dirdoc/exitpolicy.h"
#include "dirdoc/relaydoc.h"

static unsigned flags_of(const struct plan_node *plan)
{
    enum { PLAIN = ROUTER_FAST | ROUTER_RUNNING | ROUTER_STABLE | ROUTER_VALID };
    static const unsigned flags[] = {
        [PLAN_AUTHORITY] = ROUTER_AUTHORITY | ROUTER_RUNNING | ROUTER_V2DIR | ROUTER_VALID,
        [PLAN_GUARD] = PLAIN | ROUTER_V2DIR | ROUTER_GUARD,
        [PLAN_MIDDLE] = PLAIN | ROUTER_V2DIR,
        [PLAN_EXIT] = PLAIN | ROUTER_V2DIR | ROUTER_EXIT,
    };
    return flags[plan->role];
}

/* What the consensus says of PLAN; the rest is the caller's. */
static struct consdoc_relay row_of(const struct netdocs *d, const struct plan_node *plan)
{
    struct consdoc_relay row = {.flags = flags_of(plan),
                                .bandwidth_kb = plan->bandwidth_kb,
                                .or_port = plan->or_port,
                                .dir_port = plan->dir_port,
                                .published_s = d->made_s,
                                .version = NETDOCS_VERSION,
                                .protos = d->plan->protos,
                                .policy = "reject 1-65535"};
    memcpy(row.nickname, plan->nickname, sizeof row.nickname);
    return row;
}

static err_t set_policy(struct netdocs_relay *r)
{
    char summary[EXITPOLICY_SUMMARY_MAX];
    if (!(r->row.flags & ROUTER_EXIT))
        return OK;
    r->policy = text_dup(text_of(exitpolicy_summary(r->plan->policy, summary)));
    r->row.policy = r->policy;
    return r->policy ? OK : ERR_NOMEM;
}

/* " $FINGERPRINT" of all of them, itself too */
static void write_family(struct docw *w, const struct netdocs *d, const struct plan_node *node,
                         const struct identity *ids)
{
    for (size_t i = 0; node->family && i < d->plan->n_nodes; i++) {
        if (d->plan->node[i].family != node->family)
            continue;
        docw_add(w, TEXT_LIT(" $"));
        docw_hex(w, ids[i].rsa_id.b, sizeof ids[i].rsa_id.b);
    }
}

static err_t write_published(struct netdocs *d, const struct relaydoc *doc, struct netdocs_relay *r)
{
    struct relaydoc_digests extra, server;
    r->extra_info.at = d->extra_infos.len;
    relaydoc_write_extra_info(&d->extra_infos, doc);
    relaydoc_sign(&d->extra_infos, r->extra_info.at, doc->id, &extra);
    TRY(d->extra_infos.err);
    r->extra_info.len = d->extra_infos.len - r->extra_info.at;
    memcpy(r->extra_info_sha1, extra.sha1, sizeof r->extra_info_sha1);
    r->descriptor.at = d->descriptors.len;
    relaydoc_write_server(&d->descriptors, doc, &extra);
    relaydoc_sign(&d->descriptors, r->descriptor.at, doc->id, &server);
    TRY(d->descriptors.err);
    r->descriptor.len = d->descriptors.len - r->descriptor.at;
    memcpy(r->row.descriptor_sha1, server.sha1, sizeof r->row.descriptor_sha1);
    return OK;
}

static err_t write_microdesc(struct netdocs *d, struct relaydoc_microdesc *m,
                             struct netdocs_relay *r)
{
    m->ed = &r->row.ed;
    if (r->row.flags & ROUTER_EXIT)
        m->p = m->p6 = r->row.policy; /* exits reach ::1 as they reach 127.0.0.1 */
    r->microdesc.at = d->microdescs.len;
    relaydoc_write_microdesc(&d->microdescs, m, r->row.microdesc_sha256);
    r->microdesc.len = d->microdescs.len - r->microdesc.at;
    return d->microdescs.err;
}

err_t netdocs_make_relay(struct netdocs *d, const struct plan_node *plan, const struct identity *id,
                         struct netdocs_relay *out)
{
    struct docw family = {0};
    struct relaydoc_microdesc m = {.ntor = id->ntor_pub.b};
    *out = (struct netdocs_relay){.plan = plan, .row = row_of(d, plan)};
    out->row.rsa = id->rsa_id;
    out->row.ed = id->ed.pub;
    TRY(set_policy(out));
    write_family(&family, d, plan, id - (plan - d->plan->node));
    struct relaydoc doc = {.nickname = plan->nickname,
                           .or_port = plan->or_port,
                           .dir_port = plan->dir_port,
                           .bandwidth_bytes = plan->bandwidth_kb * 1000,
                           .published_s = d->made_s,
                           .platform = NETDOCS_VERSION " on a test network",
                           .protos = d->plan->protos,
                           .policy = plan->policy,
                           .ipv6_policy = out->row.policy,
                           .family = docw_text(&family),
                           .id = id,
                           .tap = d->tap};
    m.family = doc.family;
    m.tap_der = rsa_pub_der(rsa_key_public(d->tap), &m.tap_len);
    err_t err = family.err;
    if (err == OK)
        err = write_published(d, &doc, out);
    if (err == OK)
        err = write_microdesc(d, &m, out);
    docw_free(&family);
    return err;
}

err_t netdocs_make_phantom(struct netdocs *d, uint32_t number, struct netdocs_relay *out)
{
    *out = (struct netdocs_relay){.microdesc.at = d->microdescs.len};
    TRY(spread_write(d->phantoms, number, &d->microdescs, &out->row));
    out->microdesc.len = d->microdescs.len - out->microdesc.at;
    out->row.published_s = d->made_s;
    return OK;
}
