/* A year of a client's life under a clock that jumps: relays leave, come back and lose flags, the
 * network is cut for hours, the machine sleeps for weeks, the program is killed at any moment and
 * goes on with what the state file has. guardoracle.h says after each event what must be. */
#include "path/guard_circuit.h"
#include "path/guardoracle.h"

struct life {
    struct bed *b;
    struct oracle o, saved_o; /* as of the state file */
    char *file;
    uint64_t luck;
    bool up[RELAYS]; /* answers; by its place in b->relays, which never changes */
    const char *full[RELAYS];
    int64_t cut_until;
    struct guard_circuit c[OC_MOST]; /* o.c says what they should be */
    int64_t dialled[RELAYS];         /* when each was last */
    bool calm;                       /* all who are listed answer, and no network is cut */
    size_t most;                     /* distinct first hops in any 60 days */
    unsigned exhausted, waited, upgraded, crashed; /* lest the year was a dull one */
};

static uint64_t draw(struct life *l, uint64_t below)
{
    l->luck ^= l->luck << 13;
    l->luck ^= l->luck >> 7;
    l->luck ^= l->luck << 17;
    return (l->luck >> 11) % below;
}

static int64_t now_of(const struct life *l)
{
    return env_wall_s(l->b->env);
}

/* ---- what happens to the client ---- */

static size_t place_of(const struct life *l, const struct rsa_id *id)
{
    size_t i = 0;
    while (memcmp(l->b->relays[i].rsa, id->b, 20) != 0)
        i++;
    return i;
}

static bool answers(const struct life *l, const struct rsa_id *id)
{
    return now_of(l) >= l->cut_until && l->up[place_of(l, id)];
}

static void dialled(struct life *l, const struct rsa_id *id)
{
    l->dialled[place_of(l, id)] = now_of(l);
}

/* What is asked of guards that are not sure to be needed for long: documents. */
static void fetch_documents(struct life *l)
{
    const struct router *r = NULL;
    enum guard_use use = GUARD_NONE;
    err_t e = guards_pick(l->b->g, l->b->nd, GUARD_FOR_DIR, &any, &r, &use);
    oracle_picked(&l->o, l->b, e == OK ? &r->rsa : NULL, NULL, 3, use == GUARD_USABLE);
    l->exhausted += e != OK;
    if (e != OK)
        return;
    dialled(l, &r->rsa);
    if (answers(l, &r->rsa)) {
        guards_succeeded(l->b->g, &r->rsa);
        oracle_succeeded(&l->o, l->b, &r->rsa);
    } else {
        guards_failed(l->b->g, &r->rsa);
        oracle_failed(&l->o, l->b, &r->rsa);
    }
}

static void end_circuit(struct life *l, size_t i)
{
    struct oc *c = &l->o.c[i];
    struct og *g = og_find(&l->o, &c->guard);
    if (g && (c->state == OC_SURE || c->state == OC_UNSURE))
        g->pending = false;
    c->state = OC_NONE;
    guard_circuit_end(l->b->g, &l->c[i]);
}

/* An exit that is also a guard of ours, now and then. */
static const struct router *some_exit(struct life *l)
{
    struct rsa_id id = id_at(l->b, draw(l, guards_n(l->b->g)));
    return draw(l, 3) ? NULL : netdir_by_rsa(l->b->nd, &id);
}

static void begin_circuit(struct life *l, size_t i)
{
    struct guard_restriction rst = {.exit = some_exit(l)};
    struct path_pick p = {.n = 3, .apart = rst.exit, .guard_use = GUARD_NONE};
    err_t e = guards_pick(l->b->g, l->b->nd, GUARD_FOR_TRAFFIC, &rst, &p.hop[0], &p.guard_use);
    oracle_picked(&l->o, l->b, e == OK ? &p.hop[0]->rsa : NULL, rst.exit ? &rst.exit->rsa : NULL, 1,
                  p.guard_use == GUARD_USABLE);
    l->exhausted += e != OK;
    if (e != OK)
        return;
    dialled(l, &p.hop[0]->rsa);
    guard_circuit_begin(l->b->g, &l->c[i], &p);
    l->o.c[i] = (struct oc){.state = p.guard_use == GUARD_USABLE ? OC_SURE : OC_UNSURE,
                            .guard = p.hop[0]->rsa,
                            .is_apart = rst.exit != NULL,
                            .since = now_of(l)};
    if (rst.exit)
        l->o.c[i].apart = rst.exit->rsa;
}

static void check_circuit(struct life *l, size_t i)
{
    static const int states[] = {[OC_NONE] = GUARD_CIRCUIT_NONE,
                                 [OC_SURE] = GUARD_CIRCUIT_SURE,
                                 [OC_UNSURE] = GUARD_CIRCUIT_UNSURE,
                                 [OC_WAITING] = GUARD_CIRCUIT_WAITING,
                                 [OC_COMPLETE] = GUARD_CIRCUIT_COMPLETE};
    must((int)l->c[i].state == states[l->o.c[i].state]);
}

/* Its last hop answers, or its first does not, or it is given up. */
static void finish_circuit(struct life *l, size_t i)
{
    struct oc *c = &l->o.c[i];
    if (!og_find(&l->o, &c->guard)) {
        must(!guard_circuit_built(l->b->g, &l->c[i], l->b->nd));
        end_circuit(l, i);
    } else if (draw(l, 10) == 0) {
        end_circuit(l, i);
    } else if (answers(l, &c->guard)) {
        must(guard_circuit_built(l->b->g, &l->c[i], l->b->nd));
        oracle_succeeded(&l->o, l->b, &c->guard);
        c->state = c->state == OC_SURE ? OC_COMPLETE : OC_WAITING;
        c->since = now_of(l);
        (void)oracle_may_use(&l->o, c, now_of(l));
        l->waited += c->state == OC_WAITING;
    } else {
        guard_circuit_failed(l->b->g, &l->c[i]);
        oracle_failed(&l->o, l->b, &c->guard);
        c->state = OC_NONE;
    }
}

static void work_on_circuit(struct life *l)
{
    size_t i = draw(l, OC_MOST);
    struct oc *c = &l->o.c[i];
    if (c->state == OC_NONE) {
        begin_circuit(l, i);
    } else if (c->state == OC_SURE || c->state == OC_UNSURE) {
        finish_circuit(l, i);
    } else if (c->state == OC_WAITING && draw(l, 4)) {
        bool may = guard_circuit_may_be_used(l->b->g, &l->c[i], l->b->nd);
        bool stale = guard_circuit_is_stale(l->b->g, &l->c[i]);
        must(may == oracle_may_use(&l->o, c, now_of(l)));
        l->upgraded += may;
        must(stale == (!may && now_of(l) - c->since >= NONPRIMARY_GUARD_IDLE_TIMEOUT_S));
        if (stale)
            end_circuit(l, i);
    } else {
        end_circuit(l, i);
    }
    check_circuit(l, i);
}

/* ---- the state file ---- */

static void save(struct life *l)
{
    free(l->file);
    l->file = saved(l->b);
    l->saved_o = l->o;
    oracle_check_file(&l->o, l->file);
}

static void start_again(struct life *l)
{
    for (size_t i = 0; i < OC_MOST; i++) {
        guard_circuit_end(l->b->g, &l->c[i]);
        l->o.c[i] = (struct oc){.state = OC_NONE};
    }
    guards_free(&l->b->g);
    l->b->g = guards_new(l->b->env);
    load(l->b, l->file);
    struct oracle fresh = l->saved_o;
    for (size_t i = 0; i < fresh.n; i++) {
        struct og *g = &fresh.g[i];
        g->primary = g->pending = false;
        g->reach = OG_MAYBE;
        g->tried = g->failing = 0;
    }
    memset(fresh.c, 0, sizeof fresh.c);
    fresh.online = 0;
    l->o = fresh;
}

/* ---- the world ---- */

static void change_relays(struct life *l)
{
    static const char *const lesser[] = {"Fast Running Stable V2Dir Valid",
                                         "Fast Guard Running V2Dir Valid", "Running Valid"};
    for (size_t k = draw(l, 4); k > 0; k--) {
        size_t i = draw(l, RELAYS);
        if (l->b->relays[i].flags == l->full[i])
            l->b->relays[i].flags = draw(l, 3) ? lesser[draw(l, 3)] : l->full[i];
        else if (draw(l, 3) == 0)
            l->b->relays[i].flags = l->full[i];
        l->up[draw(l, RELAYS)] = l->calm || draw(l, 5) != 0;
    }
}

/* A consensus comes; the set learns of it, and so does the oracle. */
static void hear_consensus(struct life *l)
{
    remake(l->b);
    oracle_consensus(&l->o, l->b);
}

static void pass(struct life *l, uint64_t s)
{
    test_env_advance_ms(l->b->env, s * 1000);
}

/* ---- what must hold over all ---- */

/* Distinct first hops of the last 60 days. */
static size_t count_first_hops(const struct life *l)
{
    size_t n = 0;
    for (size_t i = 0; i < RELAYS; i++)
        n += l->dialled[i] && now_of(l) - l->dialled[i] <= 60 * DAY;
    return n;
}

static struct life *life_new(uint64_t seed, bool calm)
{
    struct life *l = calloc(1, sizeof *l);
    l->b = bed_new(seed);
    l->calm = calm;
    l->luck = seed * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < RELAYS; i++) {
        l->full[i] = l->b->relays[i].flags;
        l->up[i] = true;
    }
    l->o.guards = RELAYS;
    oracle_adopt(&l->o, l->b, 20);
    oracle_primary(&l->o);
    oracle_check(&l->o, l->b);
    save(l);
    return l;
}

static void life_free(struct life *l)
{
    for (size_t i = 0; i < OC_MOST; i++)
        guard_circuit_end(l->b->g, &l->c[i]);
    bed_free(l->b);
    free(l->file);
    free(l);
}

/* Somebody blocks the three. */
static void lose_primaries(struct life *l)
{
    struct guard_info info;
    for (size_t i = 0; guards_at(l->b->g, i, &info); i++)
        l->up[place_of(l, &info.rsa)] &= !info.primary;
}

static void live_an_hour(struct life *l)
{
    uint64_t what = draw(l, l->calm ? 920 : 1000);
    if (what < 500) {
        /* who finds nobody tries again and again */
        for (uint64_t k = 1 + draw(l, now_of(l) < l->cut_until ? 60 : 12); k > 0; k--) {
            work_on_circuit(l);
            oracle_check(&l->o, l->b);
            pass(l, draw(l, 20));
        }
    } else if (what < 750) {
        fetch_documents(l);
    } else if (what < 900) {
        save(l);
    } else if (what < 920) {
        start_again(l);
        hear_consensus(l);
        l->crashed++;
    } else if (what < 930) {
        l->cut_until = now_of(l) + (int64_t)draw(l, 8 * HOUR);
    } else if (what < 935) {
        lose_primaries(l);
    } else if (what < 936) {
        pass(l, draw(l, 21 * DAY)); /* the lid is shut */
        hear_consensus(l);
    }
    oracle_check(&l->o, l->b);
}

static void live(struct life *l, int64_t days)
{
    int64_t end = now_of(l) + days * DAY, next = 0;
    while (now_of(l) < end) {
        pass(l, 1 + draw(l, HOUR));
        if (now_of(l) >= next) {
            change_relays(l);
            hear_consensus(l);
            next = now_of(l) + HOUR + (int64_t)draw(l, 20 * HOUR);
            size_t n = count_first_hops(l);
            l->most = n > l->most ? n : l->most;
        }
        live_an_hour(l);
    }
}

/* Blocked, cut off, asleep, killed: never more are dialled than a sample and its successors hold.
 */
START_TEST(test_guards_year_is_as_the_specification_says)
{
    for (uint64_t seed = 1; seed <= (test_share() > 1 ? 1 : 2); seed++) {
        struct life *l = life_new(seed, false);
        live(l, 365);
        ck_assert_uint_gt(l->exhausted, 0);
        ck_assert_uint_gt(l->waited, 0);
        ck_assert_uint_gt(l->upgraded, 0);
        ck_assert_uint_gt(l->crashed, 10);
        ck_assert_uint_le(l->most, 60);
        life_free(l);
    }
}
END_TEST

/* Three guards, and those that took the place of one that lost its flags or grew too old. */
START_TEST(test_guards_year_without_trouble_meets_few_guards)
{
    struct life *l = life_new(1, true);
    live(l, 365);
    ck_assert_uint_le(l->most, 20);
    life_free(l);
}
END_TEST

TESTS("path/guards_year", test_guards_year_is_as_the_specification_says,
      test_guards_year_without_trouble_meets_few_guards)
