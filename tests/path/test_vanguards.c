/* Vanguards-lite: who is in the layer, how long, and that paths keep to it. */
#include "path/guardbed.h"
#include "path/vanguards.h"

struct watched {
    unsigned joined, left;
};

static void told(void *arg, bool joined, const struct rsa_id *id)
{
    struct watched *w = arg;
    (void)id;
    *(joined ? &w->joined : &w->left) += 1;
}

static void renew(struct bed *b, const char *params)
{
    struct netgen g = {.relays = b->relays, .n = RELAYS, .params = params};
    g.valid_after_s = env_wall_s(b->env) - 1800;
    netdir_unref(&b->nd);
    b->nd = netgen_make(&g);
}

static void pass(struct bed *b, uint64_t s)
{
    b->env->mono_us += s * US_PER_SEC;
    b->env->wall_us += (int64_t)(s * US_PER_SEC);
}

static bool has(const struct path_hop *hop, const struct router *r)
{
    for (size_t i = 0; i < hop->n_layer; i++)
        if (hop->layer[i] == r)
            return true;
    return false;
}

START_TEST(test_vanguards_are_four_and_stay)
{
    struct bed *b = bed_new(1);
    struct vanguards *v = vanguards_new(b->env);
    struct path_hop hop = vanguards_hop(v, b->nd, &b->cfg);
    const struct router *first[4];
    ck_assert_int_eq(hop.kind, HOP_VANGUARD);
    ck_assert_uint_eq(hop.n_layer, 4);
    memcpy(first, hop.layer, sizeof first);
    pass(b, DAY - 1); /* none lives less than a day */
    hop = vanguards_hop(v, b->nd, &b->cfg);
    for (size_t i = 0; i < 4; i++) {
        ck_assert(has(&hop, first[i]));
        for (size_t k = 0; k < i; k++)
            ck_assert_ptr_ne(first[i], first[k]);
    }
    vanguards_free(&v);
    bed_free(b);
}
END_TEST

START_TEST(test_vanguards_obey_the_consensus_and_torrc)
{
    struct bed *b = bed_new(2);
    struct vanguards *v = vanguards_new(b->env);
    static const struct {
        const char *params;
        enum config_choice choice;
        size_t n; /* 0: no layer */
    } table[] = {
        {"guard-hs-l2-number=7", CONFIG_AUTO, 7},     {"guard-hs-l2-number=99", CONFIG_AUTO, 19},
        {"vanguards-lite-enabled=0", CONFIG_AUTO, 0}, {"vanguards-lite-enabled=0", CONFIG_YES, 4},
        {"vanguards-lite-enabled=1", CONFIG_NO, 0},   {NULL, CONFIG_AUTO, 4},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        renew(b, table[i].params);
        b->cfg.vanguards_lite = table[i].choice;
        vanguards_drop_all(v);
        struct path_hop hop = vanguards_hop(v, b->nd, &b->cfg);
        ck_assert_uint_eq(hop.n_layer, table[i].n);
        ck_assert_int_eq(hop.layer != NULL, table[i].n > 0);
    }
    vanguards_free(&v);
    bed_free(b);
}
END_TEST

/* Each lives between one day and twelve, each of these days as often (C tor, not proposal 333). */
START_TEST(test_vanguards_live_from_one_day_to_twelve)
{
    struct bed *b = bed_new(3);
    struct vanguards *v = vanguards_new(b->env);
    struct watched w = {0, 0};
    unsigned gone_on[14] = {0}, n = 0;
    vanguards_set_watch(v, told, &w);
    while (n < 4400) {
        renew(b, "guard-hs-l2-number=19");
        vanguards_drop_all(v);
        vanguards_update(v, b->nd, &b->cfg);
        renew(b, "guard-hs-l2-number=1"); /* the others are not replaced */
        for (unsigned day = 1; day <= 13; day++) {
            w.left = 0;
            pass(b, DAY);
            vanguards_update(v, b->nd, &b->cfg);
            gone_on[day] += w.left;
            n += w.left;
        }
    }
    ck_assert_uint_eq(gone_on[1], 0);
    for (unsigned day = 2; day <= 12; day++) { /* 400 expected of each; 5 sigma */
        ck_assert_uint_gt(gone_on[day], n / 11 - 100);
        ck_assert_uint_lt(gone_on[day], n / 11 + 100);
    }
    vanguards_free(&v);
    bed_free(b);
}
END_TEST

START_TEST(test_vanguards_that_lose_their_flags_are_replaced)
{
    static const char *const lost[] = {"Fast Guard Running V2Dir Valid",
                                       "Guard Running Stable V2Dir Valid", NULL};
    for (size_t k = 0; k < 3; k++) {
        struct bed *b = bed_new(4 + k);
        struct vanguards *v = vanguards_new(b->env);
        struct watched w = {0, 0};
        struct path_hop hop = vanguards_hop(v, b->nd, &b->cfg);
        struct rsa_id id = hop.layer[0]->rsa;
        vanguards_set_watch(v, told, &w);
        for (size_t i = 0; i < RELAYS; i++)
            if (memcmp(b->relays[i].rsa, id.b, 20) == 0) {
                b->relays[i].flags = lost[k] ? lost[k] : b->relays[i].flags;
                b->relays[i].rsa[0] ^= !lost[k]; /* it is gone */
            }
        renew(b, NULL);
        vanguards_update(v, b->nd, &b->cfg);
        ck_assert_uint_eq(w.left, 1);
        ck_assert_uint_eq(w.joined, 1);
        hop = vanguards_hop(v, b->nd, &b->cfg);
        ck_assert_uint_eq(hop.n_layer, 4);
        for (size_t i = 0; i < 4; i++)
            ck_assert(!rsa_id_equal(&hop.layer[i]->rsa, &id));
        vanguards_free(&v);
        bed_free(b);
    }
}
END_TEST

/* Weighted as a middle is (Wmg, Wmd), never excluded, always with a microdescriptor. */
START_TEST(test_vanguards_are_weighted_as_middles)
{
    struct bed *b = bed_new(8);
    struct vanguards *v = vanguards_new(b->env);
    unsigned light = 0, n = 0;
    struct nodeset *excluded = NULL;
    char why[NODESET_WHY_MAX];
    for (unsigned i = 0; i < RELAYS; i++) {
        b->relays[i].bw = i < 60 ? 1000 : 3000;
        b->relays[i].no_md = i == 100;
        b->relays[i].flags = i == 101 ? "Fast Running Stable" : b->relays[i].flags;
    }
    char banned[20], nomd[20];
    snprintf(banned, sizeof banned, "%s", b->relays[99].nick);
    snprintf(nomd, sizeof nomd, "%s", b->relays[100].nick);
    ck_ok(nodeset_parse(text_of(banned), &excluded, why));
    b->cfg.exclude = excluded;
    renew(b, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        vanguards_drop_all(v);
        struct path_hop hop = vanguards_hop(v, b->nd, &b->cfg);
        for (size_t k = 0; k < hop.n_layer; k++, n++) {
            light += hop.layer[k]->bandwidth == 1000;
            ck_assert_str_ne(hop.layer[k]->nickname, banned);
            ck_assert_str_ne(hop.layer[k]->nickname, nomd);
        }
    }
    ck_assert_uint_eq(n, 8000);
    ck_assert_uint_gt(light, 8000 * 23 / 100); /* a quarter and a bit: none is there twice */
    ck_assert_uint_lt(light, 8000 * 30 / 100);
    nodeset_free(&excluded);
    vanguards_free(&v);
    bed_free(b);
}
END_TEST

/* The predicted circuit of an onion service to be: guard, one of the layer, anybody. */
START_TEST(test_vanguards_are_second_in_paths)
{
    struct bed *b = bed_new(9);
    struct vanguards *v = vanguards_new(b->env);
    unsigned seconds[4] = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct path_hop hops[] = {
            {.kind = HOP_GUARD}, vanguards_hop(v, b->nd, &b->cfg), {.kind = HOP_INTERNAL}};
        struct path_request req = {.hops = hops, .n_hops = 3, .stable = true};
        struct path_pick p;
        ck_ok(path_pick(b->nd, &b->cfg, b->g, &req, b->env, &p));
        for (size_t k = 0; k < 4; k++)
            seconds[k] += p.hop[1] == hops[1].layer[k];
        ck_assert_ptr_ne(p.hop[1], p.hop[0]);
        ck_assert_ptr_ne(p.hop[1], p.hop[2]);
    }
    ck_assert_uint_eq(seconds[0] + seconds[1] + seconds[2] + seconds[3], 1000);
    for (size_t k = 0; k < 4; k++) /* each as often, but for the one that may be the guard */
        ck_assert(seconds[k] == 0 || seconds[k] > 190);
    b->cfg.vanguards_lite = CONFIG_NO;
    const struct router *seen[1000];
    unsigned different = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct path_hop hops[] = {
            {.kind = HOP_GUARD}, vanguards_hop(v, b->nd, &b->cfg), {.kind = HOP_INTERNAL}};
        struct path_request req = {.hops = hops, .n_hops = 3};
        struct path_pick p;
        ck_ok(path_pick(b->nd, &b->cfg, b->g, &req, b->env, &p));
        bool known = false;
        for (unsigned k = 0; k < different && !known; k++)
            known = seen[k] == p.hop[1];
        if (!known)
            seen[different++] = p.hop[1];
    }
    ck_assert_uint_gt(different, 100);
    vanguards_free(&v);
    bed_free(b);
}
END_TEST

TESTS("path/vanguards", test_vanguards_are_four_and_stay,
      test_vanguards_obey_the_consensus_and_torrc, test_vanguards_live_from_one_day_to_twelve,
      test_vanguards_that_lose_their_flags_are_replaced, test_vanguards_are_weighted_as_middles,
      test_vanguards_are_second_in_paths)
