#include "path/guards.h"

#include <stdlib.h>
#include <string.h>

#include "path/guards_int.h"
#include "path/restrict.h"

enum { ALL_DOWN_EVERY_S = 60 };

struct guards *guards_new(struct env *env)
{
    static const char *const names[SAMPLE_N] = {
        [SAMPLE_DEFAULT] = "default", [SAMPLE_RESTRICTED] = "restricted"};
    struct guards *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->env = env;
    for (size_t i = 0; i < SAMPLE_N; i++) {
        g->samples[i].name = names[i];
        g->samples[i].list = calloc(GUARDS_MAX, sizeof(struct guard));
        if (!g->samples[i].list) {
            guards_free(&g);
            return NULL;
        }
    }
    g->now = &g->samples[SAMPLE_DEFAULT];
    return g;
}

void guards_free(struct guards **g)
{
    if (!*g)
        return;
    for (size_t i = 0; i < SAMPLE_N; i++) {
        sample_clear(&(*g)->samples[i]);
        free((*g)->samples[i].list);
    }
    for (size_t i = 0; i < (*g)->n_foreign; i++)
        free((*g)->foreign[i]);
    free((*g)->foreign);
    free(*g);
    *g = NULL;
}

bool guards_dirty(const struct guards *g)
{
    return g->dirty;
}

bool guards_is_up(const struct guards *g, const struct rsa_id *id)
{
    const struct guard *guard = sample_find(g->now, id);
    return guard && guard->filtered && guard->reach != GUARD_NO;
}

/* One guards_pick(). */
struct choice {
    struct guards *g;
    const struct netdir *nd;
    enum guard_usage usage;
    const struct guard_restriction *rst;
};

static bool id_in(const struct rsa_id *list, size_t n, const struct rsa_id *id)
{
    for (size_t i = 0; i < n; i++)
        if (rsa_id_equal(&list[i], id))
            return true;
    return false;
}

static bool was_avoided(const struct guard_restriction *rst, const struct rsa_id *id)
{
    return id_in(rst->avoid, rst->n_avoid, id);
}

/* The guard's row if it is up for this usage. guard-spec 4.12: without a descriptor "we can still
 * use the guard for one-hop directory fetches, but not for longer circuits". */
static const struct router *row_for(const struct netdir *nd, enum guard_usage usage,
                                    const struct guard *guard)
{
    if (!guard->filtered || guard->reach == GUARD_NO)
        return NULL;
    const struct router *r = netdir_by_rsa(nd, &guard->rsa);
    return r && (usage == GUARD_FOR_DIR || router_usable(r)) ? r : NULL;
}

static const struct router *row_if_up(const struct choice *c, const struct guard *guard)
{
    return row_for(c->nd, c->usage, guard);
}

static bool fits_path(const struct choice *c, const struct guard *guard)
{
    if (id_in(c->rst->taken, c->rst->n_taken, &guard->rsa))
        return false;
    const struct router *r = c->rst->exit ? netdir_by_rsa(c->nd, &guard->rsa) : NULL;
    return !r || !router_related(c->nd, c->g->cfg, r, c->rst->exit);
}

static void note_tried(struct guards *g, struct guard *guard)
{
    guard->tried = true;
    guard->tried_us = g->env->mono_us;
    guard->pending = !guard->primary;
}

/* guard-spec 4.6: "return one of the first {NUM_USABLE_PRIMARY_GUARDS} [...] such guards, chosen
 * uniformly at random". A guard that only the rest of this path rules out counts among the first,
 * as in tor: else an exit could push its clients to guards further down. */
static struct guard *pick_primary(const struct choice *c)
{
    size_t most = c->usage == GUARD_FOR_DIR ? c->g->params.n_use_dir : c->g->params.n_use;
    struct sample *s = c->g->now;
    struct guard *fit[UINT8_MAX];
    size_t n = 0, considered = 0;
    for (size_t i = 0; i < s->n && (considered < most || !n); i++) {
        struct guard *guard = &s->list[i];
        if (!guard->primary || was_avoided(c->rst, &guard->rsa))
            continue;
        bool fits = fits_path(c, guard), up = row_if_up(c, guard);
        if (fits && up) {
            note_tried(c->g, guard); /* also those that are not drawn, as in tor */
            fit[n++] = guard;
        }
        considered += !fits || up;
    }
    return n ? fit[env_random_below(c->g->env, n)] : NULL;
}

size_t guards_first(const struct guards *g, const struct netdir *nd, const struct router **out,
                    size_t most)
{
    size_t n = 0;
    if (most > g->params.n_use)
        most = g->params.n_use;
    for (size_t i = 0; g->cfg && i < g->now->n && n < most; i++) {
        const struct guard *guard = &g->now->list[i];
        const struct router *r = guard->primary ? row_for(nd, GUARD_FOR_DIR, guard) : NULL;
        if (r)
            out[n++] = r;
    }
    return n;
}

static bool fits_other(const struct choice *c, const struct guard *guard)
{
    return !guard->primary && !guard->pending && row_if_up(c, guard) &&
           !was_avoided(c->rst, &guard->rsa) && fits_path(c, guard);
}

/* "the first entry in that intersection that has {is_pending} set to false"; of those that are
 * confirmed, or of the others, either way in sample order (proposal 310). */
static struct guard *pick_other(const struct choice *c, bool confirmed)
{
    struct sample *s = c->g->now;
    for (size_t i = 0; i < s->n; i++)
        if ((s->list[i].confirmed_idx >= 0) == confirmed && fits_other(c, &s->list[i]))
            return &s->list[i];
    return NULL;
}

/* A guard behind the primary ones. Before one is taken that never worked there must be enough to
 * take from (guard-spec 4.2). */
static err_t pick_lesser(const struct choice *c, struct guard **out)
{
    if (!(*out = pick_other(c, true))) {
        TRY(sample_expand(c->g, c->g->now, c->nd));
        *out = pick_other(c, false);
    }
    if (*out)
        note_tried(c->g, *out);
    return OK;
}

/* Whether another exit would help: some guard is up that is not being tried already. */
static bool any_free(const struct choice *c)
{
    for (size_t i = 0; i < c->g->now->n; i++)
        if (!c->g->now->list[i].pending && row_if_up(c, &c->g->now->list[i]))
            return true;
    return false;
}

void guards_set_watch(struct guards *g, guard_told_fn *told, void *arg)
{
    g->told = told;
    g->told_arg = arg;
}

/* C tor, onion_extend_cpath(), in its words: else a user would wonder why nothing goes on. */
static void tell_all_down(struct guards *g, enum guard_usage usage)
{
    unsigned suppressed;
    if (usage == GUARD_FOR_TRAFFIC &&
        ratelim_pass(&g->all_down, g->env, ALL_DOWN_EVERY_S, &suppressed))
        log_notice(g->env->log,
                   "Failed to find node for hop #1 of our path. Discarding this circuit. (%s; "
                   "waiting for them, and for nobody else)",
                   g->now->n ? "All entry guards are down or ruled out by the configuration"
                             : "There are no entry guards");
}

/* Every guard may be tried again now: the network may be back. As in C tor that is so whenever none
 * is found, be it that some are only being tried, or do not fit. */
static void retry_all(struct guards *g)
{
    for (size_t i = 0; i < g->now->n; i++)
        if (g->now->list[i].reach == GUARD_NO)
            g->now->list[i].reach = GUARD_MAYBE;
}

err_t guards_pick(struct guards *g, const struct netdir *nd, enum guard_usage usage,
                  const struct guard_restriction *rst, const struct router **out,
                  enum guard_use *use)
{
    struct choice c = {.g = g, .nd = nd, .usage = usage, .rst = rst};
    if (!g->cfg)
        return ERR_STATE;
    for (size_t i = 0; i < g->now->n; i++)
        guard_consider_retry(g, &g->now->list[i]);
    struct guard *guard = pick_primary(&c);
    if (!guard)
        TRY(pick_lesser(&c, &guard));
    if (guard) {
        *use = guard->primary ? GUARD_USABLE : GUARD_USABLE_IF_NO_BETTER;
        *out = netdir_by_rsa(nd, &guard->rsa);
        return OK;
    }
    bool others_fit = any_free(&c);
    if (!others_fit || !rst->n_avoid) /* tor avoids nobody but for the exit */
        retry_all(g);
    if (others_fit)
        return ERR_NOT_FOUND;
    tell_all_down(g, usage);
    return ERR_STATE;
}

/* guard-spec 4.8: "we add it to the end of {CONFIRMED_GUARDS}" */
static void confirm(struct guards *g, struct guard *guard)
{
    int32_t last = -1;
    for (size_t i = 0; i < g->now->n; i++)
        if (g->now->list[i].confirmed_idx > last)
            last = g->now->list[i].confirmed_idx;
    guard->confirmed_idx = last + 1;
    guard->confirmed_on_s = guard_backdate(g->env, env_wall_s(g->env), g->params.lifetime_s / 10);
    g->dirty = true;
    sample_set_primary(g, g->now);
}

/* In each sample, for another one may have been in use when it was picked. */
void guards_dropped(struct guards *g, const struct rsa_id *id)
{
    for (size_t i = 0; i < SAMPLE_N; i++) {
        struct guard *guard = sample_find(&g->samples[i], id);
        if (guard)
            guard->pending = false;
    }
}

void guards_succeeded(struct guards *g, const struct rsa_id *id)
{
    struct guard *guard = sample_find(g->now, id);
    uint64_t online_us = g->online_us, now = g->env->mono_us;
    g->online_us = now;
    guards_dropped(g, id);
    if (!guard || !g->cfg)
        return;
    if (guard->reach != GUARD_YES)
        guard_tell(g, g->now, guard, GUARD_WORKS);
    guard->reach = GUARD_YES;
    guard->failing = false;
    if (guard->confirmed_idx < 0)
        confirm(g, guard);
    if (guard->primary || (online_us && now - online_us <= g->params.likely_down_us))
        return;
    /* guard-spec 4.8: the network was probably down, so the primary guards' failures say nothing:
     * "mark all {PRIMARY_GUARDS} as 'maybe' reachable" */
    for (size_t i = 0; i < g->now->n; i++)
        if (g->now->list[i].primary && g->now->list[i].reach == GUARD_NO)
            g->now->list[i].reach = GUARD_MAYBE;
}

void guards_failed(struct guards *g, const struct rsa_id *id)
{
    struct guard *guard = sample_find(g->now, id);
    guards_dropped(g, id);
    if (!guard)
        return;
    guard_tell(g, g->now, guard, GUARD_FAILS);
    if (guard->reach != GUARD_NO)
        log_info(g->env->log, "Guard %s does not answer.", guard->nickname);
    if (!guard->failing)
        guard->failing_since_us = g->env->mono_us;
    guard->failing = true;
    if (!guard->tried) /* told of a failure that is none of its circuits' */
        guard->tried_us = g->env->mono_us;
    guard->tried = true;
    guard->reach = GUARD_NO;
}

void guards_forgive(struct guards *g, uint64_t since_us)
{
    for (size_t i = 0; i < g->now->n; i++) {
        struct guard *guard = &g->now->list[i];
        if (guard->reach == GUARD_NO && guard->tried_us >= since_us)
            guard->reach = GUARD_MAYBE;
    }
}

bool guards_lack_md(const struct guards *g, const struct netdir *nd)
{
    size_t n = 0;
    if (!g->cfg || !g->cfg->use_entry_guards)
        return false;
    for (size_t i = 0; i < g->now->n && n <= g->params.n_use; i++) {
        const struct guard *guard = &g->now->list[i];
        if (!guard->primary || guard->reach == GUARD_NO)
            continue;
        const struct router *r = netdir_by_rsa(nd, &guard->rsa);
        if (r && !r->has_md)
            return true;
        n++;
    }
    return false;
}

size_t guards_n(const struct guards *g)
{
    return g->now->n;
}

const char *guards_sample_name(const struct guards *g)
{
    return g->now->name;
}

bool guards_at(const struct guards *g, size_t i, struct guard_info *out)
{
    if (i >= g->now->n)
        return false;
    const struct guard *guard = &g->now->list[i];
    *out = (struct guard_info){.rsa = guard->rsa,
                               .nickname = guard->nickname,
                               .listed = guard->listed,
                               .primary = guard->primary,
                               .filtered = guard->filtered,
                               .confirmed = guard->confirmed_idx >= 0,
                               .down = guard->reach == GUARD_NO,
                               .tried = guard->tried,
                               .sampled_on_s = guard->sampled_on_s,
                               .confirmed_on_s = guard->confirmed_on_s,
                               .unlisted_since_s = guard->unlisted_since_s};
    if (guard->failing)
        out->failing_since_s = env_wall_s(g->env) -
                               (int64_t)((g->env->mono_us - guard->failing_since_us) / US_PER_SEC);
    return true;
}
