#include "path/vanguards.h"

#include <stdlib.h>

#include "dir/weight.h"

enum {
    VANGUARDS_MOST = 19, /* proposal 333: "with a maximum of 19 layer2 guards" */
    VANGUARDS_USUAL = 4,
    DAY_S = 24 * 60 * 60,
};

struct vanguard {
    struct rsa_id rsa;
    uint64_t until_us; /* monotonic */
};

struct vanguards {
    struct env *env;
    struct vanguard list[VANGUARDS_MOST];
    size_t n;
    const struct router *layer[VANGUARDS_MOST]; /* what vanguards_hop() hands out */
    vanguard_told_fn *told;                     /* or NULL */
    void *told_arg;
};

struct vanguards *vanguards_new(struct env *env)
{
    struct vanguards *v = calloc(1, sizeof *v);
    if (v)
        v->env = env;
    return v;
}

void vanguards_free(struct vanguards **v)
{
    free(*v);
    *v = NULL;
}

void vanguards_set_watch(struct vanguards *v, vanguard_told_fn *told, void *arg)
{
    v->told = told;
    v->told_arg = arg;
}

static void tell(const struct vanguards *v, bool joined, const struct rsa_id *id)
{
    if (v->told)
        v->told(v->told_arg, joined, id);
}

/* C tor, vanguards_lite_is_enabled() */
static bool is_wanted(const struct netdir *nd, const struct path_config *cfg)
{
    if (cfg->vanguards_lite != CONFIG_AUTO)
        return cfg->vanguards_lite == CONFIG_YES;
    return netdir_param(nd, "vanguards-lite-enabled", 1, 0, 1) != 0;
}

/* C tor, maintain_layer2_guards(): one goes that is "missing" or "unsuitable". */
static bool may_stay(const struct router *r)
{
    return r && router_is(r, ROUTER_STABLE | ROUTER_FAST);
}

static bool may_join(const struct path_config *cfg, const struct router *r)
{
    return router_usable(r) && may_stay(r) && !nodeset_has(cfg->exclude, r);
}

static bool is_in(const struct vanguards *v, const struct rsa_id *id)
{
    for (size_t i = 0; i < v->n; i++)
        if (rsa_id_equal(&v->list[i].rsa, id))
            return true;
    return false;
}

static void drop_old(struct vanguards *v, const struct netdir *nd)
{
    size_t kept = 0;
    for (size_t i = 0; i < v->n; i++) {
        struct vanguard *at = &v->list[i];
        if (at->until_us > v->env->mono_us && may_stay(netdir_by_rsa(nd, &at->rsa)))
            v->list[kept++] = *at;
        else
            tell(v, false, &at->rsa);
    }
    v->n = kept;
}

/* C tor, get_layer2_hs_guard_lifetime(): "randomized uniformly between min and max". Proposal 333
 * has the greater of two such draws; ours live as long as those of everybody else. */
static uint64_t lifetime_us(const struct vanguards *v, const struct netdir *nd)
{
    int32_t least = netdir_param(nd, "guard-hs-l2-lifetime-min", DAY_S, 1, INT32_MAX);
    int32_t most = netdir_param(nd, "guard-hs-l2-lifetime-max", 12 * DAY_S, 1, INT32_MAX);
    uint64_t s = (uint64_t)least;
    if (most > least)
        s += env_random_below(v->env, (uint64_t)(most - least));
    return s * US_PER_SEC;
}

/* Those of one family may be in it, as in C tor: who is in it is seen by few anyway. */
static void add(struct vanguards *v, const struct netdir *nd, const struct path_config *cfg,
                size_t wanted)
{
    const struct router **list = calloc(netdir_n(nd) + 1, sizeof *list);
    struct weights w;
    if (!list)
        return;
    weights_init(&w, netdir_consensus(nd), WEIGHT_FOR_MIDDLE);
    while (v->n < wanted) {
        size_t n = 0;
        for (size_t i = 0; i < netdir_n(nd); i++) {
            const struct router *r = netdir_at(nd, i);
            if (may_join(cfg, r) && !is_in(v, &r->rsa))
                list[n++] = r;
        }
        const struct router *r = weights_choose(&w, v->env, list, n);
        if (!r)
            break;
        v->list[v->n++] = (struct vanguard){r->rsa, v->env->mono_us + lifetime_us(v, nd)};
        tell(v, true, &r->rsa);
    }
    free(list);
}

void vanguards_update(struct vanguards *v, const struct netdir *nd, const struct path_config *cfg)
{
    if (!is_wanted(nd, cfg))
        return;
    drop_old(v, nd);
    size_t wanted =
        (size_t)netdir_param(nd, "guard-hs-l2-number", VANGUARDS_USUAL, 1, VANGUARDS_MOST);
    if (v->n < wanted)
        add(v, nd, cfg, wanted);
}

void vanguards_drop_all(struct vanguards *v)
{
    v->n = 0;
}

struct path_hop vanguards_hop(struct vanguards *v, const struct netdir *nd,
                              const struct path_config *cfg)
{
    struct path_hop hop = {.kind = HOP_VANGUARD};
    if (!is_wanted(nd, cfg))
        return hop;
    vanguards_update(v, nd, cfg);
    for (size_t i = 0; i < v->n; i++) {
        const struct router *r = netdir_by_rsa(nd, &v->list[i].rsa);
        if (r)
            v->layer[hop.n_layer++] = r;
    }
    hop.layer = v->layer;
    return hop;
}
