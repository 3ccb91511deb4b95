#include "dir/netdir.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/encode.h"
#include "dir/mdpool.h"

/* A row by a key of it: the beginning of the key and its number. So a search seldom looks at rows,
 * which are far apart. */
struct entry {
    uint32_t head, row;
};

struct netdir {
    size_t refs;
    struct consensus *c;
    struct mdpool *pool;
    struct entry *by_digest;
    /* Of those with microdescriptors. Made when it is asked for, and again when rows have changed
     * since; NULL: never, or no memory was to be had. */
    struct entry *by_ed;
    size_t n_by_ed;
    struct router **by_name; /* the same; rows' names do not change */
    uint32_t changes, by_ed_changes;
    struct weight_sums *sums[WEIGHT_POSITIONS]; /* made when they are asked for */
    bool family_lists, family_ids; /* which of them the consensus's parameters let count */
    bool coverage_known;
    uint32_t coverage_asked;
    struct netdir_coverage coverage;
};

static uint32_t head_of(const uint8_t *key)
{
    return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
}

/* Keys are digests of something, so that those with the same head are few and in no order. */
static int by_head(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int order_name(const void *a, const void *b)
{
    const struct router *const *x = a, *const *y = b;
    return strcasecmp((*x)->nickname, (*y)->nickname);
}

/* The first entry with this head; its equals follow. */
static size_t find_head(const struct entry *index, size_t n, uint32_t head)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (index[mid].head < head)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct entry *index_digests(const struct consensus *c)
{
    struct entry *index = calloc(c->n_relays + 1, sizeof *index);
    if (!index)
        return NULL;
    for (size_t i = 0; i < c->n_relays; i++)
        index[i] = (struct entry){head_of(c->relays[i].md_digest.b), (uint32_t)i};
    qsort(index, c->n_relays, sizeof *index, by_head);
    return index;
}

/* The next row with this digest, of the entries from *AT on; NULL: no more. *AT is then behind it.
 */
static struct router *next_with(const struct netdir *nd, const struct sha256 *digest, size_t *at)
{
    uint32_t head = head_of(digest->b);
    while (*at < nd->c->n_relays && nd->by_digest[*at].head == head) {
        struct router *r = &nd->c->relays[nd->by_digest[(*at)++].row];
        if (memcmp(r->md_digest.b, digest->b, sizeof digest->b) == 0)
            return r;
    }
    return NULL;
}

static size_t first_at(const struct netdir *nd, const struct sha256 *digest)
{
    return find_head(nd->by_digest, nd->c->n_relays, head_of(digest->b));
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

const struct router *netdir_by_rsa(const struct netdir *nd, const struct rsa_id *rsa)
{
    return consensus_relay(nd->c, rsa);
}

static bool index_ed(struct netdir *nd)
{
    if (!nd->by_ed)
        nd->by_ed = calloc(nd->c->n_relays + 1, sizeof *nd->by_ed);
    else if (nd->by_ed_changes == nd->changes)
        return true;
    if (!nd->by_ed)
        return false;
    nd->n_by_ed = 0;
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (nd->c->relays[i].has_md)
            nd->by_ed[nd->n_by_ed++] = (struct entry){head_of(nd->c->relays[i].ed.b), (uint32_t)i};
    qsort(nd->by_ed, nd->n_by_ed, sizeof *nd->by_ed, by_head);
    nd->by_ed_changes = nd->changes;
    return true;
}

static bool has_ed(const struct router *r, const struct ed_id *ed)
{
    return r->has_md && memcmp(r->ed.b, ed->b, sizeof ed->b) == 0;
}

static const struct router *look_through_for_ed(const struct netdir *nd, const struct ed_id *ed)
{
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (has_ed(&nd->c->relays[i], ed))
            return &nd->c->relays[i];
    return NULL;
}

const struct router *netdir_by_ed(const struct netdir *netdir, const struct ed_id *ed)
{
    /* The index is a cache: nothing that a caller can see changes. */
    struct netdir *nd = (struct netdir *)(uintptr_t)netdir;
    uint32_t head = head_of(ed->b);
    if (!index_ed(nd))
        return look_through_for_ed(nd, ed);
    for (size_t i = find_head(nd->by_ed, nd->n_by_ed, head);
         i < nd->n_by_ed && nd->by_ed[i].head == head; i++)
        if (has_ed(&nd->c->relays[nd->by_ed[i].row], ed))
            return &nd->c->relays[nd->by_ed[i].row];
    return NULL;
}

static bool index_names(struct netdir *nd)
{
    size_t n = nd->c->n_relays;
    if (nd->by_name)
        return true;
    nd->by_name = calloc(n + 1, sizeof(struct router *));
    for (size_t i = 0; nd->by_name && i < n; i++)
        nd->by_name[i] = &nd->c->relays[i];
    if (nd->by_name)
        qsort(nd->by_name, n, sizeof *nd->by_name, order_name);
    return nd->by_name != NULL;
}

/* The only one of that name. */
static const struct router *look_through_for_name(const struct netdir *nd, const char *nickname)
{
    const struct router *found = NULL;
    for (size_t i = 0; i < nd->c->n_relays; i++)
        if (strcasecmp(nd->c->relays[i].nickname, nickname) == 0) {
            if (found)
                return NULL;
            found = &nd->c->relays[i];
        }
    return found;
}

const struct router *netdir_by_nickname(const struct netdir *netdir, struct text nickname)
{
    /* Another cache. */
    struct netdir *nd = (struct netdir *)(uintptr_t)netdir;
    struct router key = {0}, *key_at = &key;
    if (!nickname.len || nickname.len > NICKNAME_MAX)
        return NULL;
    memcpy(key.nickname, nickname.s, nickname.len);
    if (!index_names(nd))
        return look_through_for_name(nd, key.nickname);
    struct router **at =
        bsearch(&key_at, nd->by_name, nd->c->n_relays, sizeof *nd->by_name, order_name);
    if (!at)
        return NULL;
    bool twin_before = at > nd->by_name && order_name(at - 1, &key_at) == 0;
    bool twin_after = at + 1 < nd->by_name + nd->c->n_relays && order_name(at + 1, &key_at) == 0;
    return twin_before || twin_after ? NULL : *at;
}

const struct router *netdir_by_name(const struct netdir *nd, struct text name)
{
    struct rsa_id rsa;
    size_t hex = 2 * sizeof rsa.b;
    bool dollar = name.len && name.s[0] == '$';
    struct text t = {name.s + dollar, name.len - dollar};
    if (t.len < hex || (t.len > hex && t.s[hex] != '=' && t.s[hex] != '~'))
        return dollar ? NULL : netdir_by_nickname(nd, name);
    if (hex_decode_exact((struct text){t.s, hex}, rsa.b, sizeof rsa.b) != OK)
        return NULL;
    const struct router *r = netdir_by_rsa(nd, &rsa);
    struct text nickname = {t.s + hex + 1, t.len > hex ? t.len - hex - 1 : 0};
    return r && nickname.len && !text_is_nocase(nickname, r->nickname) ? NULL : r;
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

bool router_is_dircache(const struct router *r)
{
    return router_is(r, ROUTER_V2DIR) || router_can(r, PROTO_DIRCACHE_2);
}

static bool lists(const struct router *a, const struct router *b)
{
    return router_family_has_rsa(a->family, &b->rsa) ||
           router_family_has_name(a->family, text_of(b->nickname));
}

bool netdir_same_family(const struct netdir *nd, const struct router *a, const struct router *b)
{
    if (rsa_id_equal(&a->rsa, &b->rsa))
        return true;
    if (!a->family || !b->family)
        return false;
    if (nd->family_lists && lists(a, b) && lists(b, a))
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
