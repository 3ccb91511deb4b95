/* The choice of a circuit for a tunnel. Circuits that somebody uses or waits for stand in buckets
 * by their isolation, so that a tunnel looks at those of its own user only, however many there are;
 * the others, which anybody may have, are few. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exits_int.h"
#include "path/restrict.h"

enum {
    NO_GUARD_EVERY_S = 60,
    HOPS_LEAST = 2, /* of a circuit that a tunnel goes onto */
};

struct exit_bucket {
    struct isolation_key key;
    struct exit_circ *circs;
    UT_hash_handle hh;
};

/* ---- the index ---- */

static struct exit_bucket *bucket_find(const struct exits *x, const struct isolation_key *key)
{
    struct exit_bucket *b;
    HASH_FIND(hh, x->buckets, key, isolation_key_len(key), b);
    return b;
}

/* NULL out of memory. */
static struct exit_bucket *bucket_of(struct exits *x, const struct isolation_key *key)
{
    struct exit_bucket *b = bucket_find(x, key);
    if (b || !(b = calloc(1, sizeof *b)))
        return b;
    b->key = *key;
    HASH_ADD_KEYPTR(hh, x->buckets, &b->key, isolation_key_len(&b->key), b);
    if (HASH_ADDED(b, hh))
        return b;
    free(b);
    return NULL;
}

static bool is_listed_free(const struct exit_circ *c)
{
    return !c->bucket && c->index_prev;
}

void exit_circ_unlist(struct exit_circ *c)
{
    struct exit_bucket *b = c->bucket;
    if (is_listed_free(c))
        DL_DELETE2(c->x->free, c, index_prev, index_next);
    c->bucket = NULL;
    if (b) {
        DL_DELETE2(b->circs, c, index_prev, index_next);
        if (!b->circs) {
            HASH_DEL(c->x->buckets, b);
            free(b);
        }
    }
    c->index_prev = c->index_next = NULL;
}

void exit_circ_set_free(struct exit_circ *c)
{
    exit_circ_unlist(c);
    c->leg->oc->isolation = NULL;
    c->leg->oc->login = NULL;
    DL_PREPEND2(c->x->free, c, index_prev, index_next);
}

/* Lists C under the isolation that it has now; false out of memory: then nobody finds it. */
static bool list_by_isolation(struct exit_circ *c)
{
    struct isolation_key key;
    isolation_key_of(&key, &c->isolation, isolation_dest(&c->isolation), c->host, c->port);
    struct exit_bucket *b = bucket_of(c->x, &key);
    if (b && b == c->bucket)
        return true;
    exit_circ_unlist(c);
    if (!b)
        return false;
    c->bucket = b;
    DL_PREPEND2(b->circs, c, index_prev, index_next);
    return true;
}

void exit_circ_set_state(struct exit_circ *c, enum exit_state state)
{
    c->x->n_pending -= c->state == EXIT_BUILDING;
    c->x->n_pending += state == EXIT_BUILDING;
    c->state = state;
    c->since_us = c->x->env->mono_us;
    if (state != EXIT_BUILDING && state != EXIT_READY && state != EXIT_IN_USE)
        exit_circ_unlist(c);
}

void exit_circ_tell(const struct exit_circ *c)
{
    struct isolation_key keys[ISOLATION_KEYS];
    if (!c->bucket)
        return;
    isolation_keys_of(keys, &c->isolation, c->host, c->port);
    c->x->ops->changed(c->x->arg, keys);
}

/* ---- matching ---- */

static const char *host_of(const struct exit_need *need)
{
    return need->asked_host ? need->asked_host : need->request->host;
}

static bool same_isolation(const struct exit_circ *c, const struct exit_need *need)
{
    const struct tunnel_request *req = need->request;
    const struct isolation *a = &c->isolation, *b = &req->isolation;
    if (a->session != b->session || a->protocol != b->protocol || !ip_equal(&a->client, &b->client))
        return false;
    if (a->has_auth != b->has_auth || memcmp(a->auth, b->auth, sizeof a->auth) != 0)
        return false;
    /* Listeners of one session group may differ in these two: who asks to be alone with a
     * destination cannot join a circuit that has seen others already. */
    if (b->by_dest_port && c->mixed_ports)
        return false;
    if ((a->by_dest_port || b->by_dest_port) && c->port != req->port)
        return false;
    if (b->by_dest_addr && c->mixed_hosts)
        return false;
    return !(a->by_dest_addr || b->by_dest_addr) || strcmp(c->host, host_of(need)) == 0;
}

static struct path_request path_request_for(const struct exit_need *need)
{
    static const struct path_hop *const hops[] = {
        [TUNNEL_CONNECT] = path_to_exit,
        [TUNNEL_RESOLVE] = path_to_exit,
        [TUNNEL_RESOLVE_PTR] = path_to_exit,
        [TUNNEL_DIR] = path_to_directory,
        [TUNNEL_DIR_AUTHORITY] = path_to_authority,
    };
    return (struct path_request){
        .hops = hops[need->request->kind],
        .n_hops = PATH_USUAL_HOPS,
        .family = need->request->ip.family,
        .port = need->request->kind == TUNNEL_CONNECT ? need->request->port : 0,
        .avoid_exit = need->failed,
        .n_avoid_exit = need->n_failed,
    };
}

/* tor(1), KeepAliveIsolateSOCKSAuth: such a circuit may be closed once it "is idle for more than
 * MaxCircuitDirtiness seconds"; any other takes no stream that long after its first. */
bool exit_circ_is_too_dirty(const struct exit_circ *c)
{
    const struct exits *x = c->x;
    bool kept = c->isolation.keep_alive && c->isolation.has_auth;
    uint64_t since_us = kept ? c->busy_us : c->since_us;
    return (c->state == EXIT_IN_USE || c->state == EXIT_APART_DIRTY) &&
           x->env->mono_us - since_us >= x->config.max_dirtiness_ms * US_PER_MS;
}

bool exit_circ_ends_well(const struct exit_circ *c, struct path_request req)
{
    req.relaxed = c->leg->relaxed;
    req.unstable = !(c->leg->oc->plan.flags & CIRCUIT_NEED_UPTIME);
    return path_exit_fits(c->leg->nd, c->x->config.path, &req, leg_last(c->leg));
}

/* Whether tunnels with NEED's wishes may go onto C, now or once it is open. */
static bool fits(const struct exit_circ *c, const struct exit_need *need)
{
    if (c->bucket && !same_isolation(c, need))
        return false;
    if (leg_is_closed(c->leg) || ocirc_is_stalled(c->leg->oc) ||
        c->leg->oc->id == need->avoid_circuit)
        return false;
    if (c->leg->n_hops < HOPS_LEAST) /* a controller's, to be extended */
        return false;
    /* circuit_is_acceptable(): "need_internal != build_state->is_internal" */
    if (exit_circ_is_internal(c) != tunnel_request_is_dir(need->request))
        return false;
    if (exit_circ_is_too_dirty(c))
        return false;
    return need->exit ? rsa_id_equal(&leg_last(c->leg)->rsa, need->exit)
                      : exit_circ_ends_well(c, path_request_for(need));
}

/* A circuit that others use already comes first: the fewer circuits carry a user's streams, the
 * fewer exits see them. Then the oldest, as with tor: its circuit_is_better() prefers younger ones
 * only for purposes that streams of applications do not have, and leaves the first of the list.
 *
 * But sets go before circuits: circuit_get_best(), "Prefer pre-built conflux circuits here". And of
 * sets tor takes the first in the order of a hash table, used or not: a set that is linked later
 * goes before the one in use as often as chance has it, and who sees us build the next set after
 * that can tell. */
static bool better(const struct exit_circ *a, const struct exit_circ *b)
{
    bool a_used = a->state == EXIT_IN_USE, b_used = b->state == EXIT_IN_USE;
    if (!a->set != !b->set) /* conflux_get_circ_for_conn() */
        return a->set;
    if (a->set)
        return exit_set_before(a->set, b->set);
    return a_used != b_used ? a_used : a->leg->oc->id < b->leg->oc->id;
}

struct found {
    struct exit_circ *open, *building;
};

static void consider(struct found *f, struct exit_circ *c, const struct exit_need *need)
{
    struct exit_circ **best = leg_is_open(c->leg) ? &f->open : &f->building;
    if ((!*best || better(c, *best)) && fits(c, need))
        *best = c;
}

static struct found look(const struct exits *x, const struct exit_need *need)
{
    const struct tunnel_request *req = need->request;
    struct isolation_key keys[ISOLATION_KEYS];
    struct found f = {NULL, NULL};
    struct exit_circ *c;
    isolation_keys_of(keys, &req->isolation, host_of(need), req->port);
    for (size_t i = 0; i < ISOLATION_KEYS; i++) {
        const struct exit_bucket *b = bucket_find(x, &keys[i]);
        if (b)
            DL_FOREACH2(b->circs, c, index_next)
        consider(&f, c, need);
    }
    DL_FOREACH2(x->free, c, index_next)
    consider(&f, c, need);
    return f;
}

struct exit_circ *exits_find_open(struct exits *x, const struct exit_need *need)
{
    return look(x, need).open;
}

bool exits_could_serve(const struct exits *x)
{
    return x->free || exits_may_launch_for_tunnel(x);
}

/* ---- taking ---- */

static void set_isolation(struct exit_circ *c, const struct exit_need *need)
{
    c->isolation = need->request->isolation;
    c->leg->oc->isolation = &c->isolation;
    login_release(&c->login);
    c->login = c->leg->oc->login = login_hold(need->request->asker.login);
    c->port = need->request->port;
    snprintf(c->host, sizeof c->host, "%s", host_of(need));
}

/* C is NEED's from now on. False out of memory: then it is nobody's, and not listed. */
static bool claim(struct exit_circ *c, const struct exit_need *need)
{
    set_isolation(c, need);
    return list_by_isolation(c);
}

/* Another stream goes onto C, which is in use: it may have wishes that those before had not. */
static void mix(struct exit_circ *c, const struct exit_need *need)
{
    const struct tunnel_request *req = need->request;
    c->mixed_users |= !same_isolation(c, need);
    c->mixed_ports |= c->port != req->port;
    c->mixed_hosts |= strcmp(c->host, host_of(need)) != 0;
    c->isolation.by_dest_port |= req->isolation.by_dest_port;
    c->isolation.by_dest_addr |= req->isolation.by_dest_addr;
}

void exit_circ_join_pool(struct exit_circ *c)
{
    if (c->state != EXIT_APART_DIRTY) {
        exit_circ_set_state(c, leg_is_open(c->leg) ? EXIT_READY : EXIT_BUILDING);
        exit_circ_set_free(c);
        return;
    }
    uint64_t since_us = c->since_us; /* it is no younger for it */
    exit_circ_set_state(c, EXIT_IN_USE);
    c->since_us = since_us;
    if (c->mixed_users || !list_by_isolation(c))
        exit_circ_set_state(c, EXIT_RETIRED);
}

/* Whether any relay would do, guards aside: else waiting is of no use. */
static bool exit_exists(const struct exits *x, const struct exit_need *need)
{
    struct path_request req = path_request_for(need);
    if (need->exit)
        return netdir_by_rsa(x->nd, need->exit) != NULL;
    for (size_t i = 0; i < netdir_n(x->nd); i++)
        if (path_exit_fits(x->nd, x->config.path, &req, netdir_at(x->nd, i)))
            return true;
    return false;
}

/* Wishes without a path that are tried between two looks; then all wait for the next one. */
enum { PATHLESS_MOST = 32 };

/* A tunnel that waits is told what it waits for. */
static void tell_no_guard(struct exits *x)
{
    unsigned before;
    if (x->why_not[0] && ratelim_pass(&x->no_guard, x->env, NO_GUARD_EVERY_S, &before))
        log_notice(x->env->log,
                   "No circuit can be built for now: %s. Tunic tries them again and waits.",
                   x->why_not);
}

/* An exit that is gone again is no exit that might come. */
static err_t launch_for(struct exits *x, const struct exit_need *need, struct exit_circ **out)
{
    struct path_request req = path_request_for(need);
    const struct router *exit = need->exit ? netdir_by_rsa(x->nd, need->exit) : NULL;
    if (!exit)
        return need->exit ? ERR_NOT_FOUND : exits_launch(x, &req, CIRCUIT_GENERAL, out);
    return exits_launch_to(x, exit, port_is_long_lived(x->config.path, req.port), out);
}

static void build_for(struct exits *x, const struct exit_need *need, const char **why_not)
{
    if (!exits_may_launch_for_tunnel(x))
        return;
    struct exit_circ *c;
    err_t e = launch_for(x, need, &c);
    if (e == OK && !claim(c, need))
        exit_circ_set_free(c);
    if (e == OK)
        return;
    if (!exit_exists(x, need)) {
        *why_not = x->why_not;
        return;
    }
    tell_no_guard(x);
    if (e == ERR_STATE || ++x->pathless > PATHLESS_MOST)
        exits_pause(x);
}

struct exit_circ *exits_find(struct exits *x, const struct exit_need *need, const char **why_not)
{
    struct found f = look(x, need);
    *why_not = NULL;
    if (f.open)
        return f.open;
    if (!f.building) {
        build_for(x, need, why_not);
    } else if (!f.building->bucket && !claim(f.building, need)) {
        exit_circ_set_free(f.building);
    }
    return NULL;
}

void exits_use(struct exit_circ *c, const struct exit_need *need)
{
    struct exits *x = c->x;
    c->busy_us = x->env->mono_us;
    pathbias_used(x->guards, &c->leg->guard);
    if (c->state == EXIT_INTERNAL)
        exit_circ_set_state(c, EXIT_RETIRED);
    if (c->state == EXIT_RETIRED) /* it was asked for by name, and stays nobody else's */
        return;
    bool is_first = c->state == EXIT_READY || c->state == EXIT_APART;
    bool is_apart = c->state == EXIT_APART || c->state == EXIT_APART_DIRTY;
    if (is_first)
        set_isolation(c, need);
    else
        mix(c, need);
    if (is_first)
        exit_circ_set_state(c, is_apart ? EXIT_APART_DIRTY : EXIT_IN_USE);
    /* Asked for by name, too: who was alone on it, and who now is with him, is with nobody else. Or
     * out of memory: what cannot be found under its isolation is nobody's to find. */
    if (!is_apart && (c->mixed_users || !list_by_isolation(c)))
        exit_circ_set_state(c, EXIT_RETIRED);
}
