#include "dir/netdir.h"

#include <stdlib.h>
#include <string.h>

#include "dir/netdir_int.h"

static struct entry *index_digests(const struct consensus *c)
{
    struct entry *index = calloc(c->n_relays + 1, sizeof *index);
    if (!index)
        return NULL;
    for (size_t i = 0; i < c->n_relays; i++)
        index[i] = (struct entry){entry_head(c->relays[i].md_digest.b), (uint32_t)i};
    netdir_entries_sort(index, c->n_relays);
    return index;
}

/* The next row with this digest, of the entries from *AT on; NULL: no more. *AT is then behind it.
 */
static struct router *next_with(const struct netdir *nd, const struct sha256 *digest, size_t *at)
{
    uint32_t head = entry_head(digest->b);
    while (*at < nd->c->n_relays && nd->by_digest[*at].head == head) {
        struct router *r = &nd->c->relays[nd->by_digest[(*at)++].row];
        if (memcmp(r->md_digest.b, digest->b, sizeof digest->b) == 0)
            return r;
    }
    return NULL;
}

static size_t first_at(const struct netdir *nd, const struct sha256 *digest)
{
    return netdir_entries_find(nd->by_digest, nd->c->n_relays, entry_head(digest->b));
}

static void complete(struct netdir *nd, struct router *r, const struct router *md)
{
    r->ed = md->ed;
    r->ntor = md->ntor;
    r->p = md->p;
    r->p6 = md->p6;
    r->family = md->family;
    mdpool_hold_policy(r->p);
    mdpool_hold_policy(r->p6);
    mdpool_hold_family(r->family);
    r->has_md = true;
    nd->changes++;
    nd->coverage_known = false;
}

static void copy_known(struct netdir *nd, const struct netdir *old)
{
    for (size_t i = 0; i < nd->c->n_relays; i++) {
        struct router *r = &nd->c->relays[i];
        const struct router *known = netdir_by_md(old, &r->md_digest);
        if (known && known->has_md)
            complete(nd, r, known);
    }
}

err_t netdir_new(struct consensus *gift_consensus, const struct netdir *old, struct netdir **out)
{
    struct netdir *nd = calloc(1, sizeof *nd);
    *out = NULL;
    if (!nd) {
        consensus_free(&gift_consensus);
        return ERR_NOMEM;
    }
    nd->refs = 1;
    nd->c = gift_consensus;
    nd->family_lists = netdir_param(nd, "use-family-lists", 1, 0, 1);
    nd->family_ids = netdir_param(nd, "use-family-ids", 1, 0, 1);
    nd->pool = old ? mdpool_ref(old->pool) : mdpool_new();
    nd->by_digest = index_digests(nd->c);
    if (!nd->pool || !nd->by_digest) {
        netdir_unref(&nd);
        return ERR_NOMEM;
    }
    if (old)
        copy_known(nd, old);
    *out = nd;
    return OK;
}

struct netdir *netdir_ref(struct netdir *nd)
{
    nd->refs++;
    return nd;
}

void netdir_unref(struct netdir **netdir)
{
    struct netdir *nd = *netdir;
    *netdir = NULL;
    if (!nd || --nd->refs)
        return;
    for (size_t i = 0; i < nd->c->n_relays; i++) {
        mdpool_release_policy(nd->pool, nd->c->relays[i].p);
        mdpool_release_policy(nd->pool, nd->c->relays[i].p6);
        mdpool_release_family(nd->pool, nd->c->relays[i].family);
    }
    mdpool_unref(&nd->pool);
    for (size_t i = 0; i < WEIGHT_POSITIONS; i++)
        free(nd->sums[i]);
    free(nd->by_digest);
    free(nd->by_name);
    free(nd->by_ed);
    consensus_free(&nd->c);
    free(nd);
}

const struct consensus *netdir_consensus(const struct netdir *nd)
{
    return nd->c;
}

int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    return consensus_param(nd ? nd->c : NULL, name, fallback, least, most);
}

size_t netdir_n(const struct netdir *nd)
{
    return nd->c->n_relays;
}

const struct router *netdir_at(const struct netdir *nd, size_t i)
{
    return &nd->c->relays[i];
}

uint32_t netdir_changes(const struct netdir *nd)
{
    return nd->changes;
}

const struct router *netdir_draw(const struct netdir *netdir, enum weight_for position,
                                 struct env *env)
{
    /* The sums are a cache: nothing that a caller can see changes. */
    struct netdir *nd = (struct netdir *)(uintptr_t)netdir;
    if (!nd->sums[position])
        nd->sums[position] = weight_sums_new(nd->c, position);
    return nd->sums[position] ? weight_sums_draw(nd->sums[position], nd->c, env) : NULL;
}

bool router_usable(const struct router *r)
{
    return r->has_md && r->orport && router_is(r, ROUTER_RUNNING | ROUTER_VALID);
}

static bool lists(const struct router *a, const struct router *b)
{
    return router_family_has_rsa(a->family, &b->rsa) ||
           router_family_has_name(a->family, text_of(b->nickname));
}

/* The shorter list of names is looked through first, and most have none: whoever lists thousands
 * costs nothing where nobody lists them. */
static bool list_each_other(const struct router *a, const struct router *b)
{
    bool a_first = router_family_names_len(a->family) <= router_family_names_len(b->family);
    return a_first ? lists(a, b) && lists(b, a) : lists(b, a) && lists(a, b);
}

bool netdir_same_family(const struct netdir *nd, const struct router *a, const struct router *b)
{
    if (rsa_id_equal(&a->rsa, &b->rsa))
        return true;
    if (!a->family || !b->family)
        return false;
    if (nd->family_lists && list_each_other(a, b))
        return true;
    return nd->family_ids && router_family_shares_id(a->family, b->family);
}

size_t netdir_md_order(const struct netdir *nd, size_t i)
{
    return nd->by_digest[i].row;
}

const struct router *netdir_by_md(const struct netdir *nd, const struct sha256 *digest)
{
    size_t at = first_at(nd, digest);
    return next_with(nd, digest, &at);
}

bool netdir_lists_md(const struct netdir *nd, const struct sha256 *digest)
{
    return netdir_by_md(nd, digest) != NULL;
}

bool netdir_wants_md(const struct netdir *nd, const struct sha256 *digest)
{
    size_t at = first_at(nd, digest);
    const struct router *r;
    while ((r = next_with(nd, digest, &at)))
        if (!r->has_md)
            return true;
    return false;
}

/* A policy that can't be read counts as none: the relay is no exit then. */
static err_t pool_policy(struct netdir *nd, struct text args, const struct exit_summary **out)
{
    err_t err = mdpool_policy(nd->pool, args, out);
    return err == ERR_NOMEM ? err : OK;
}

static err_t make_row(struct netdir *nd, const struct microdesc *md, struct router *row)
{
    row->ed = md->ed;
    row->ntor = md->ntor;
    TRY(pool_policy(nd, md->p, &row->p));
    TRY(pool_policy(nd, md->p6, &row->p6));
    return mdpool_family(nd->pool, md->family, md->family_ids, &row->family);
}

err_t netdir_add_md(struct netdir *nd, const struct microdesc *md)
{
    struct router row = {0};
    if (!netdir_wants_md(nd, &md->digest))
        return ERR_NOT_FOUND;
    if (!md->has_ntor || !md->has_ed || ed_id_is_zero(&md->ed))
        return ERR_MALFORMED;
    err_t err = make_row(nd, md, &row);
    size_t at = first_at(nd, &md->digest);
    struct router *r;
    while (err == OK && (r = next_with(nd, &md->digest, &at)))
        if (!r->has_md)
            complete(nd, r, &row);
    mdpool_release_policy(nd->pool, row.p);
    mdpool_release_policy(nd->pool, row.p6);
    mdpool_release_family(nd->pool, row.family);
    return err;
}

static bool is_exit(const struct router *r)
{
    return router_is(r, ROUTER_EXIT) && !router_is(r, ROUTER_BADEXIT);
}

static uint32_t fraction(const struct netdir *nd, enum weight_for where)
{
    uint64_t have = 0, all = 0, n_have = 0, n = 0;
    struct weights weights;
    weights_init(&weights, nd->c, where);
    for (size_t i = 0; i < nd->c->n_relays; i++) {
        const struct router *r = &nd->c->relays[i];
        if (!router_is(r, ROUTER_RUNNING | ROUTER_VALID) ||
            (where == WEIGHT_FOR_GUARD && !router_is(r, ROUTER_GUARD)) ||
            (where == WEIGHT_FOR_EXIT && !is_exit(r)))
            continue;
        uint64_t w = weights_of(&weights, r);
        n++;
        all += w;
        n_have += r->has_md;
        have += r->has_md ? w : 0;
    }
    /* Nobody has weight (young networks): every relay counts the same. */
    if (!all) {
        all = n;
        have = n_have;
    }
    return all ? (uint32_t)((__uint128_t)have * 10000 / all) : 0;
}

static void count(const struct netdir *nd, struct netdir_coverage *out)
{
    for (size_t i = 0; i < nd->c->n_relays; i++) {
        const struct router *r = &nd->c->relays[i];
        if (!router_is(r, ROUTER_RUNNING | ROUTER_VALID))
            continue;
        out->n_usable++;
        out->n_have += r->has_md;
        out->has_exits |= is_exit(r);
    }
}

void netdir_coverage(struct netdir *nd, uint32_t needed_permyriad, struct netdir_coverage *out)
{
    if (!nd->coverage_known || nd->coverage_asked != needed_permyriad) {
        struct netdir_coverage v = {0};
        count(nd, &v);
        v.guard = fraction(nd, WEIGHT_FOR_GUARD);
        v.middle = fraction(nd, WEIGHT_FOR_MIDDLE);
        v.exit = fraction(nd, WEIGHT_FOR_EXIT);
        /* Without exits paths stay inside the network, as C tor has it. */
        uint64_t last = v.has_exits ? v.exit : v.middle;
        v.path = (uint32_t)((uint64_t)v.guard * v.middle * last / 100000000);
        v.needed = needed_permyriad
                       ? needed_permyriad
                       : 100 * (uint32_t)netdir_param(nd, "min_paths_for_circs_pct", 60, 25, 95);
        v.enough = v.n_have && v.path >= v.needed;
        nd->coverage = v;
        nd->coverage_asked = needed_permyriad;
        nd->coverage_known = true;
    }
    *out = nd->coverage;
}
