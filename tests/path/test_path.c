/* Paths: 10,000 random picks on a made-up network, each checked by rules that are written down
 * here once more, apart from the code under test; then the single rules and options. */
#include <stdlib.h>
#include <string.h>

#include "path/guards.h"
#include "path/path.h"
#include "path/restrict.h"
#include "support/netgen.h"

enum { RELAYS = 240 };

/* The test's own view of what it made, in the order of making (not that of the consensus). */
struct truth {
    struct netgen_relay relays[RELAYS];
    int declared_family[RELAYS]; /* > 0: all with the same number list each other */
    int id_family[RELAYS];
    int one_sided[RELAYS]; /* lists others who don't list it: no family */
};

static void hex20(const uint8_t *b, char *out)
{
    for (size_t i = 0; i < 20; i++)
        snprintf(out + 2 * i, 3, "%02X", b[i]);
}

static void truth_make(struct truth *t)
{
    static const char *const flags[] = {
        "Exit Fast Guard Running Stable V2Dir Valid",
        "Fast Guard Running Stable V2Dir Valid",
        "Exit Fast Running Stable V2Dir Valid",
        "Fast Running V2Dir Valid",
        "Exit Fast Running Valid",
        "Running Stable V2Dir Valid",
        "BadExit Exit Fast Running Stable V2Dir Valid",
        "Fast Guard Stable V2Dir Valid",
    };
    memset(t, 0, sizeof *t);
    for (unsigned i = 0; i < RELAYS; i++) {
        struct netgen_relay *r = &t->relays[i];
        *r = netgen_relay(i);
        r->flags = flags[i % 8];
        r->bw = 100 + i * 37 % 5000;
        r->no_md = i % 31 == 30;
        snprintf(r->p, sizeof r->p, "%s",
                 i % 3 == 0   ? "accept 80,443"
                 : i % 3 == 1 ? "reject 25,119,6881-6999"
                              : "accept 22,80,443,5000-7000");
        if (i % 5 == 0) {
            snprintf(r->p6, sizeof r->p6, "accept 443");
            r->v6[0] = 0x20;
            r->v6[1] = 0x01;
            r->v6[2] = (uint8_t)(i % 15); /* some share a /32 */
            r->v6[15] = (uint8_t)(i + 1);
        }
        if (i % 7 == 0) /* some share a /16 */
            r->v4[1] = (uint8_t)(1 + i % 3);
        r->v4[2] = (uint8_t)i; /* no two in one /24 */
        t->declared_family[i] = i % 6 == 1 ? 1 + (int)i / 24 : 0;
        t->id_family[i] = i % 9 == 2 ? 1 + (int)i % 4 : 0;
        t->one_sided[i] = i % 6 == 3;
    }
    for (size_t i = 0; i < RELAYS; i++) {
        struct netgen_relay *r = &t->relays[i];
        size_t at = 0;
        for (size_t k = 0; k < RELAYS; k++) {
            bool lists = t->declared_family[i] ? t->declared_family[k] == t->declared_family[i]
                                               : t->one_sided[i] && k > i && k < i + 3;
            if (!lists)
                continue;
            char name[42] = "$";
            if (k % 2)
                hex20(t->relays[k].rsa, name + 1);
            else
                snprintf(name, sizeof name, "%s", t->relays[k].nick);
            at += (size_t)snprintf(r->family + at, sizeof r->family - at, "%s%s", at ? " " : "",
                                   name);
        }
        if (t->id_family[i])
            snprintf(r->family_ids, sizeof r->family_ids, "ed25519:%d%s", t->id_family[i],
                     i % 2 ? " ed25519:lone" : "");
        if (t->id_family[i] && i % 2)
            snprintf(r->family_ids + strlen(r->family_ids),
                     sizeof r->family_ids - strlen(r->family_ids), "%zu", i);
    }
}

static struct netdir *truth_netdir(const struct truth *t, const char *params)
{
    struct netgen g = {.n = RELAYS, .params = params};
    g.relays = malloc(sizeof t->relays);
    ck_assert_ptr_nonnull(g.relays);
    memcpy(g.relays, t->relays, sizeof t->relays);
    struct netdir *nd = netgen_make(&g);
    free(g.relays);
    return nd;
}

static int truth_find(const struct truth *t, const struct router *r)
{
    for (int i = 0; i < RELAYS; i++)
        if (memcmp(t->relays[i].rsa, r->rsa.b, 20) == 0)
            return i;
    ck_abort_msg("a relay from nowhere");
}

static bool truth_flag(const struct truth *t, int i, const char *flag)
{
    char padded[128], word[32];
    snprintf(padded, sizeof padded, " %s ", t->relays[i].flags);
    snprintf(word, sizeof word, " %s ", flag);
    return strstr(padded, word) != NULL;
}

static bool truth_policy(const char *p, unsigned port)
{
    bool accept = strncmp(p, "accept", 6) == 0, hit = false;
    if (!p[0])
        return false;
    for (const char *at = p + 7; *at;) {
        char *end;
        unsigned long first = strtoul(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        hit |= port >= first && port <= last;
        at = *end ? end + 1 : end;
    }
    return hit == accept;
}

/* The rules of path-spec 2.2 for two relays of one path. */
static void truth_check_pair(const struct truth *t, int a, int b, bool subnets, bool lists,
                             bool ids)
{
    const struct netgen_relay *x = &t->relays[a], *y = &t->relays[b];
    ck_assert_int_ne(a, b);
    if (subnets) {
        ck_assert(x->v4[0] != y->v4[0] || x->v4[1] != y->v4[1]);
        ck_assert(!x->v6[0] || !y->v6[0] || memcmp(x->v6, y->v6, 4) != 0);
    }
    if (lists)
        ck_assert(!t->declared_family[a] || t->declared_family[a] != t->declared_family[b]);
    if (ids)
        ck_assert(!t->id_family[a] || t->id_family[a] != t->id_family[b]);
}

/* The rules for each hop of P, and for each pair of them. */
static void truth_check(const struct truth *t, const struct path_pick *p,
                        const struct path_request *req, bool subnets, bool lists, bool ids)
{
    int hop[PATH_HOPS_MOST];
    ck_assert_uint_eq(p->n, req->n_hops);
    for (size_t i = 0; i < p->n; i++) {
        hop[i] = truth_find(t, p->hop[i]);
        ck_assert(truth_flag(t, hop[i], "Running") && truth_flag(t, hop[i], "Valid"));
        ck_assert(!t->relays[hop[i]].no_md);
        ck_assert(p->relaxed || truth_flag(t, hop[i], "Fast"));
        ck_assert(p->relaxed || !req->stable || truth_flag(t, hop[i], "Stable"));
    }
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < i; j++)
            truth_check_pair(t, hop[j], hop[i], subnets, lists, ids);
    if (req->hops[p->n - 1].kind == HOP_EXIT) {
        const struct netgen_relay *x = &t->relays[hop[p->n - 1]];
        ck_assert(!truth_flag(t, hop[p->n - 1], "BadExit"));
        if (req->port)
            ck_assert(truth_policy(req->family == IP_V6 ? x->p6 : x->p, req->port));
    }
}

/* All of a test's objects. */
struct bed {
    struct env *env;
    struct truth truth;
    struct netdir *nd;
    struct path_config cfg;
    struct guards *guards;
};

static struct bed *bed_new(uint64_t seed, const char *params)
{
    struct bed *b = calloc(1, sizeof *b);
    ck_assert_ptr_nonnull(b);
    b->env = test_env(seed);
    truth_make(&b->truth);
    b->nd = truth_netdir(&b->truth, params);
    path_config_init(&b->cfg);
    b->guards = guards_new(b->env);
    ck_ok(guards_update(b->guards, b->nd, &b->cfg));
    return b;
}

static void bed_free(struct bed *b)
{
    guards_free(&b->guards);
    netdir_unref(&b->nd);
    test_env_free(b->env);
    free(b);
}

static err_t pick(struct bed *b, const struct path_request *req, struct path_pick *out)
{
    return path_pick(b->nd, &b->cfg, b->guards, req, b->env, out);
}

static struct nodeset *set(const char *list)
{
    struct nodeset *s;
    ck_ok(nodeset_parse(text_of(list), &s, NULL));
    return s;
}

static struct path_request random_request(struct env *env)
{
    static const uint16_t ports[] = {0, 22, 110, 80, 443, 6667, 8080};
    bool exits = env_random_below(env, 4);
    struct path_request req = {.hops = exits ? path_to_exit : path_internal,
                               .n_hops = PATH_USUAL_HOPS,
                               .stable = env_random_below(env, 2) == 1};
    if (exits)
        req.port = ports[env_random_below(env, 7)];
    if (req.port == 443)
        req.family = IP_V6;
    return req;
}

static void many_picks(const char *params, bool use_guards, bool subnets, bool lists, bool ids)
{
    struct bed *b = bed_new(7, params);
    b->cfg.use_entry_guards = use_guards;
    b->cfg.enforce_distinct_subnets = subnets;
    for (size_t i = 0; i < 2500; i++) {
        struct path_request req = random_request(b->env);
        struct path_pick p;
        err_t e = pick(b, &req, &p);
        ck_assert_msg(e == OK, "%s: %s (port %u)", err_name(e), p.why, req.port);
        truth_check(&b->truth, &p, &req, subnets, lists, ids);
        ck_assert(!p.relaxed);
        if (use_guards)
            guards_succeeded(b->guards, &p.hop[0]->rsa);
    }
    bed_free(b);
}

START_TEST(test_path_rules_hold_for_every_pick_with_guards)
{
    many_picks(NULL, true, true, true, true);
}
END_TEST

START_TEST(test_path_rules_hold_for_every_pick_without_guards)
{
    many_picks(NULL, false, true, true, true);
}
END_TEST

START_TEST(test_path_rules_hold_without_distinct_subnets)
{
    many_picks("use-family-ids=0", false, false, true, false);
}
END_TEST

START_TEST(test_path_rules_hold_without_family_lists)
{
    many_picks("use-family-lists=0", false, true, false, true);
}
END_TEST

/* The rules can fail: without them such pairs do come up. */
START_TEST(test_path_families_and_subnets_matter_on_this_network)
{
    struct bed *b = bed_new(3, "use-family-ids=0 use-family-lists=0");
    b->cfg.use_entry_guards = false;
    b->cfg.enforce_distinct_subnets = false;
    size_t lists = 0, ids = 0, nets = 0;
    for (size_t i = 0; i < 10000; i++) {
        struct path_request req = {.hops = path_internal, .n_hops = PATH_USUAL_HOPS};
        struct path_pick p;
        ck_ok(pick(b, &req, &p));
        int x = truth_find(&b->truth, p.hop[0]), y = truth_find(&b->truth, p.hop[1]);
        const struct truth *t = &b->truth;
        lists += t->declared_family[x] && t->declared_family[x] == t->declared_family[y];
        ids += t->id_family[x] && t->id_family[x] == t->id_family[y];
        nets += memcmp(t->relays[x].v4, t->relays[y].v4, 2) == 0;
    }
    ck_assert_uint_gt(lists, 3);
    ck_assert_uint_gt(ids, 5);
    ck_assert_uint_gt(nets, 5);
    bed_free(b);
}
END_TEST

/* Directory requests through three hops. */
START_TEST(test_path_last_hop_is_a_directory)
{
    struct bed *b = bed_new(1, NULL);
    size_t caches = 0, authorities = 0;
    for (size_t i = 0; i < netdir_n(b->nd); i++) {
        const struct router *r = netdir_at(b->nd, i);
        caches += router_usable(r) && router_is_dircache(r);
        authorities += router_usable(r) && router_is(r, ROUTER_AUTHORITY);
    }
    ck_assert(caches > 0 && caches < netdir_n(b->nd));
    for (size_t i = 0; i < 300; i++) {
        struct path_request req = {.hops = path_to_directory, .n_hops = PATH_USUAL_HOPS};
        struct path_pick p;
        ck_ok(pick(b, &req, &p));
        ck_assert_uint_eq(p.n, 3);
        ck_assert(router_is_dircache(p.hop[2]));
        ck_assert(path_exit_fits(b->nd, &b->cfg, &req, p.hop[2]));
        req.hops = path_to_authority;
        if (!authorities) {
            ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
            ck_assert_str_eq(p.why, "no usable relay is an authority");
            continue;
        }
        ck_ok(pick(b, &req, &p));
        ck_assert(router_is(p.hop[2], ROUTER_AUTHORITY));
    }
    bed_free(b);
}
END_TEST

/* ---- paths of other lengths ---- */

START_TEST(test_path_of_any_length_keeps_the_rules)
{
    static const enum hop_kind lasts[] = {HOP_EXIT, HOP_INTERNAL, HOP_DIRECTORY, HOP_MIDDLE};
    struct bed *b = bed_new(11, NULL);
    for (size_t i = 0; i < 1500; i++) {
        size_t n = 2 + i % 4;
        struct path_hop hops[5] = {{.kind = HOP_GUARD}};
        struct path_request req = {.hops = hops, .n_hops = n, .stable = i % 8 == 0};
        struct path_pick p;
        for (size_t k = 1; k < n; k++)
            hops[k].kind = HOP_MIDDLE;
        hops[n - 1].kind = lasts[i / 4 % 4];
        req.port = hops[n - 1].kind == HOP_EXIT ? 80 : 0;
        b->cfg.use_entry_guards = i % 3;
        ck_ok(pick(b, &req, &p));
        truth_check(&b->truth, &p, &req, true, true, true);
        ck_assert(router_is(p.hop[0], ROUTER_GUARD));
        if (hops[n - 1].kind == HOP_DIRECTORY)
            ck_assert(router_is_dircache(p.hop[n - 1]));
    }
    bed_free(b);
}
END_TEST

START_TEST(test_path_of_five_hops_obeys_excludenodes_and_middlenodes)
{
    struct bed *b = bed_new(12, NULL);
    struct nodeset *no = set("relay2,relay4,relay6,relay8,relay10,relay12,relay14"),
                   *middles = set("relay3,relay5,relay7,relay9,relay11,relay13,relay15,relay16,"
                                  "relay17,relay18,relay19,relay20,relay21,relay22,relay23");
    const struct path_hop hops[] = {{.kind = HOP_GUARD},
                                    {.kind = HOP_MIDDLE},
                                    {.kind = HOP_MIDDLE},
                                    {.kind = HOP_MIDDLE},
                                    {.kind = HOP_EXIT}};
    struct path_request req = {.hops = hops, .n_hops = 5, .port = 80};
    struct path_pick p;
    b->cfg.exclude = no;
    b->cfg.middle = middles;
    ck_ok(guards_update(b->guards, b->nd, &b->cfg));
    for (size_t i = 0; i < 100; i++) {
        ck_ok(pick(b, &req, &p));
        for (size_t k = 0; k < 5; k++)
            ck_assert(!nodeset_has(no, p.hop[k]) && (k % 4 == 0 || nodeset_has(middles, p.hop[k])));
    }
    nodeset_free(&no);
    nodeset_free(&middles);
    bed_free(b);
}
END_TEST

/* A rendezvous point, an introduction point: the last hop is known. */
START_TEST(test_path_of_four_hops_ends_where_it_was_asked_to)
{
    struct bed *b = bed_new(13, NULL);
    struct path_hop hops[] = {
        {.kind = HOP_GUARD}, {.kind = HOP_MIDDLE}, {.kind = HOP_MIDDLE}, {.kind = HOP_INTERNAL}};
    struct path_request req = {.hops = hops, .n_hops = 4};
    for (size_t i = 0; i < netdir_n(b->nd); i++) {
        const struct router *r = netdir_at(b->nd, i);
        struct path_pick p;
        hops[3].relay = r;
        if (!router_usable(r)) {
            ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
            ck_assert_ptr_nonnull(strstr(p.why, "is not usable now"));
            continue;
        }
        ck_ok(pick(b, &req, &p));
        ck_assert_ptr_eq(p.hop[3], r);
        if (router_is(r, ROUTER_FAST))
            truth_check(&b->truth, &p, &req, true, true, true);
    }
    bed_free(b);
}
END_TEST

/* Vanguards come from their layer, each as often; nobody is there twice, and that is all. */
START_TEST(test_path_of_vanguards_keeps_to_its_layers)
{
    struct bed *b = bed_new(14, "use-family-ids=0 use-family-lists=0");
    const struct router *good[6], *const *two = good, *const *three = good + 3; /* one in both */
    unsigned second[4] = {0}, together = 0, guard_is_last = 0;
    for (size_t i = 0, n = 0; n < 6; i++) {
        good[n] = netdir_at(b->nd, i);
        n += router_usable(good[n]) && router_is(good[n], ROUTER_FAST);
    }
    struct path_hop hops[] = {{.kind = HOP_GUARD},
                              {.kind = HOP_VANGUARD, .layer = two, .n_layer = 4},
                              {.kind = HOP_VANGUARD, .layer = three, .n_layer = 3},
                              {.kind = HOP_MIDDLE},
                              {.kind = HOP_INTERNAL}};
    struct path_request req = {.hops = hops, .n_hops = 5};
    for (size_t i = 0; i < 2000; i++) {
        struct path_pick p;
        ck_ok(pick(b, &req, &p));
        for (size_t k = 0; k < 4; k++)
            second[k] += p.hop[1] == two[k];
        ck_assert(p.hop[2] == three[0] || p.hop[2] == three[1] || p.hop[2] == three[2]);
        for (size_t k = 0; k < 5; k++)
            for (size_t j = 0; j < k; j++) {
                ck_assert(p.hop[j] != p.hop[k] || (j == 0 && k == 4));
                together += j + 1 < k && router_same_subnet(p.hop[j], p.hop[k]);
            }
        guard_is_last += p.hop[0] == p.hop[4];
    }
    ck_assert_uint_eq(second[0] + second[1] + second[2] + second[3], 2000);
    for (size_t k = 0; k < 4; k++)
        ck_assert_uint_gt(second[k], 300);
    ck_assert_uint_gt(together, 0);
    ck_assert_uint_gt(guard_is_last, 0);
    hops[1].n_layer = 0;
    struct path_pick p;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "no vanguard is usable as hop 2");
    bed_free(b);
}
END_TEST

START_TEST(test_path_of_no_length_is_refused)
{
    struct bed *b = bed_new(1, NULL);
    struct path_hop hops[PATH_HOPS_MOST + 1] = {{.kind = HOP_GUARD}};
    struct path_pick p;
    for (size_t i = 1; i <= PATH_HOPS_MOST; i++)
        hops[i].kind = HOP_MIDDLE;
    struct path_request req = {.hops = hops, .n_hops = 1};
    ck_err(pick(b, &req, &p), ERR_ARG);
    req.n_hops = PATH_HOPS_MOST + 1;
    ck_err(pick(b, &req, &p), ERR_ARG);
    req = (struct path_request){.hops = hops + 1, .n_hops = 3};
    ck_err(pick(b, &req, &p), ERR_ARG);
    bed_free(b);
}
END_TEST

START_TEST(test_path_one_sided_family_is_none)
{
    struct bed *b = bed_new(1, NULL);
    const struct router *a = netdir_by_nickname(b->nd, text_of("relay3"));
    const struct router *c = netdir_by_nickname(b->nd, text_of("relay4"));
    ck_assert(a && c && a->family);
    ck_assert(!router_related(b->nd, &b->cfg, a, c));
    bed_free(b);
}
END_TEST

START_TEST(test_path_nodefamily_line_makes_a_family)
{
    struct bed *b = bed_new(1, NULL);
    const struct router *a = netdir_by_nickname(b->nd, text_of("relay3"));
    const struct router *c = netdir_by_nickname(b->nd, text_of("relay4"));
    struct nodeset *s = set("relay3,relay4,relay5");
    const struct nodeset *families[] = {s};
    b->cfg.families = families;
    b->cfg.n_families = 1;
    ck_assert(router_related(b->nd, &b->cfg, a, c));
    b->cfg.families = NULL;
    b->cfg.n_families = 0;
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_path_no_exit_for_a_port_is_said)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 25};
    struct path_pick p;
    for (size_t i = 0; i < RELAYS; i++)
        snprintf(b->truth.relays[i].p, sizeof b->truth.relays[i].p, "reject 25");
    netdir_unref(&b->nd);
    b->nd = truth_netdir(&b->truth, NULL);
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "no exit relay allows port 25");
    req.family = IP_V6;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "no exit relay allows port 25 over IPv6");
    bed_free(b);
}
END_TEST

START_TEST(test_path_exitnodes_bind_and_excludenodes_overrides)
{
    struct bed *b = bed_new(1, NULL);
    struct nodeset *exits = set("relay0,relay2,relay8"), *no = set("relay2");
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.exit = exits;
    b->cfg.exclude = no;
    for (size_t i = 0; i < 200; i++) {
        ck_ok(pick(b, &req, &p));
        const char *name = p.hop[2]->nickname;
        ck_assert(strcmp(name, "relay0") == 0 || strcmp(name, "relay8") == 0);
    }
    nodeset_free(&no);
    b->cfg.exclude = exits;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "every exit relay that allows port 80 is ruled out by ExitNodes, "
                            "ExcludeExitNodes or ExcludeNodes");
    nodeset_free(&exits);
    bed_free(b);
}
END_TEST

START_TEST(test_path_excludeexitnodes_still_serve_as_middle)
{
    struct bed *b = bed_new(1, NULL);
    b->cfg.use_entry_guards = false;
    struct nodeset *no = set("1.0.0.0/8");
    b->cfg.exclude_exit = no;
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    req.hops = path_internal;
    ck_ok(pick(b, &req, &p));
    nodeset_free(&no);
    bed_free(b);
}
END_TEST

START_TEST(test_path_middlenodes_bind)
{
    struct bed *b = bed_new(1, NULL);
    struct nodeset *middles = set("relay3,relay11,relay19");
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.middle = middles;
    for (size_t i = 0; i < 100; i++) {
        ck_ok(pick(b, &req, &p));
        ck_assert(nodeset_has(middles, p.hop[1]));
    }
    b->cfg.exclude = middles;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "every middle relay is ruled out by MiddleNodes or ExcludeNodes");
    nodeset_free(&middles);
    bed_free(b);
}
END_TEST

/* What is told is what is in the way at the hop that cannot be filled. */
START_TEST(test_path_that_leaves_no_middle_says_so)
{
    struct bed *b = bed_new(1, NULL);
    struct nodeset *one = set("relay1");
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.use_entry_guards = false;
    b->cfg.entry = b->cfg.middle = one;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why,
                     "no middle relay is left besides the guard, the last hop and their families");
    nodeset_free(&one);
    bed_free(b);
}
END_TEST

/* Three of four relays may be middles only: they are in that place, and in no other. */
START_TEST(test_path_middleonly_relays_are_no_ends)
{
    struct env *env = test_env(1);
    struct netgen_relay relays[40];
    struct path_config cfg;
    struct path_pick p;
    const struct path_request req = {.hops = path_internal, .n_hops = PATH_USUAL_HOPS};
    unsigned middles = 0;
    for (unsigned i = 0; i < 40; i++) {
        relays[i] = netgen_relay(i);
        relays[i].flags = i % 4 ? "BadExit Fast MiddleOnly Running Stable Valid"
                                : "Fast Guard Running Stable V2Dir Valid";
    }
    struct netgen g = {.relays = relays, .n = 40};
    struct netdir *nd = netgen_make(&g);
    path_config_init(&cfg);
    cfg.use_entry_guards = false;
    for (unsigned i = 0; i < 200; i++) {
        ck_ok(path_pick(nd, &cfg, NULL, &req, env, &p));
        ck_assert(!router_is(p.hop[0], ROUTER_MIDDLEONLY) &&
                  !router_is(p.hop[2], ROUTER_MIDDLEONLY));
        middles += router_is(p.hop[1], ROUTER_MIDDLEONLY);
    }
    ck_assert_uint_gt(middles, 50);
    netdir_unref(&nd);
    test_env_free(env);
}
END_TEST

START_TEST(test_path_entrynodes_bind_with_and_without_guards)
{
    struct bed *b = bed_new(1, NULL);
    struct nodeset *entries = set("relay1,relay9,relay17");
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.entry = entries;
    ck_ok(guards_update(b->guards, b->nd, &b->cfg));
    ck_assert_str_eq(guards_sample_name(b->guards), "restricted");
    for (size_t i = 0; i < 100; i++) {
        b->cfg.use_entry_guards = i % 2;
        ck_ok(pick(b, &req, &p));
        ck_assert(nodeset_has(entries, p.hop[0]));
    }
    nodeset_free(&entries);
    bed_free(b);
}
END_TEST

START_TEST(test_path_given_exit_obeys_strictnodes)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    struct nodeset *s = set("relay8");
    struct path_hop hops[] = {path_to_exit[0], path_to_exit[1], path_to_exit[2]};
    hops[2].relay = netdir_by_nickname(b->nd, text_of("relay8"));
    req.hops = hops;
    b->cfg.exclude = s;
    ck_ok(pick(b, &req, &p)); /* StrictNodes 0: "okay to use an excluded node [...] to fulfill a
                                 .exit request" */
    ck_assert_ptr_eq(p.hop[2], hops[2].relay);
    b->cfg.strict_nodes = true;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(p.why, "StrictNodes"));
    b->cfg.strict_nodes = false;
    b->cfg.exclude = NULL;
    b->cfg.exclude_exit = s;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_path_failed_relays_and_exits_are_avoided)
{
    struct bed *b = bed_new(1, NULL);
    b->cfg.use_entry_guards = false;
    struct nodeset *exits = set("relay0,relay8");
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    struct rsa_id avoid[2];
    b->cfg.exit = exits;
    avoid[0] = netdir_by_nickname(b->nd, text_of("relay0"))->rsa;
    avoid[1] = netdir_by_nickname(b->nd, text_of("relay8"))->rsa;
    req.avoid_exit = avoid;
    req.n_avoid_exit = 1;
    for (size_t i = 0; i < 50; i++) {
        ck_ok(pick(b, &req, &p));
        ck_assert_str_eq(p.hop[2]->nickname, "relay8");
    }
    req.n_avoid_exit = 2;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "every exit relay that allows port 80 has failed already");
    b->cfg.exit = NULL;
    req.avoid = avoid;
    req.n_avoid = 2;
    for (size_t i = 0; i < 500; i++) {
        ck_ok(pick(b, &req, &p));
        for (size_t k = 0; k < 3; k++)
            ck_assert(!rsa_id_equal(&p.hop[k]->rsa, &avoid[0]) &&
                      !rsa_id_equal(&p.hop[k]->rsa, &avoid[1]));
    }
    nodeset_free(&exits);
    bed_free(b);
}
END_TEST

START_TEST(test_path_long_lived_port_wants_stable_relays)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 22},
                        plain = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    bool unstable = false;
    for (size_t i = 0; i < 300; i++) {
        ck_ok(pick(b, &req, &p));
        for (size_t k = 0; k < 3; k++)
            ck_assert(router_is(p.hop[k], ROUTER_STABLE));
        ck_ok(pick(b, &plain, &p));
        unstable |= !router_is(p.hop[1], ROUTER_STABLE);
    }
    ck_assert(unstable);
    static const uint16_t ports[] = {80};
    b->cfg.long_lived = ports;
    b->cfg.n_long_lived = 1;
    ck_assert(port_is_long_lived(&b->cfg, 80) && !port_is_long_lived(&b->cfg, 22));
    bed_free(b);
}
END_TEST

START_TEST(test_path_flags_are_given_up_before_the_path_is)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {
        .hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80, .stable = true};
    struct path_pick p;
    for (size_t i = 0; i < RELAYS; i++)
        if (strncmp(b->truth.relays[i].flags, "Exit Fast", 9) == 0)
            b->truth.relays[i].flags = "Exit Running V2Dir Valid";
    netdir_unref(&b->nd);
    b->nd = truth_netdir(&b->truth, NULL);
    ck_ok(guards_update(b->guards, b->nd, &b->cfg));
    struct nodeset *exits = set("relay0,relay8,relay16");
    b->cfg.exit = exits;
    ck_ok(pick(b, &req, &p));
    ck_assert(p.relaxed);
    /* Only that hop goes without. */
    ck_assert(router_is(p.hop[1], ROUTER_FAST | ROUTER_STABLE));
    /* And the finished circuit serves what it was picked for, if it is said how it was picked. */
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, p.hop[2]));
    req.relaxed = true;
    ck_assert(path_exit_fits(b->nd, &b->cfg, &req, p.hop[2]));
    req.unstable = true; /* though this one had its flags */
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, p.hop[2]));
    nodeset_free(&exits);
    bed_free(b);
}
END_TEST

/* C tor, choose_good_exit_server_general(): "satisfies at least one predicted exit port" */
START_TEST(test_path_an_exit_serves_one_of_the_predicted_ports)
{
    struct bed *b = bed_new(1, NULL);
    static const uint16_t ports[] = {22, 5001}, more[] = {22, 443}, no_one[] = {119};
    struct path_request req = {
        .hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .predicted = ports, .n_predicted = 2};
    struct path_pick p;
    bool is_without_22 = false;
    for (size_t i = 0; i < 100; i++) {
        ck_ok(pick(b, &req, &p));
        ck_assert(exit_allows(p.hop[2], IP_NONE, 22) || exit_allows(p.hop[2], IP_NONE, 5001));
    }
    req.predicted = more; /* the one of both is as good as one that serves both */
    for (size_t i = 0; i < 100; i++) {
        ck_ok(pick(b, &req, &p));
        is_without_22 |= !exit_allows(p.hop[2], IP_NONE, 22);
    }
    ck_assert(is_without_22);
    req.predicted = no_one;
    req.n_predicted = 1;
    ck_ok(pick(b, &req, &p)); /* nobody serves it: any exit */
    bed_free(b);
}
END_TEST

START_TEST(test_path_another_exit_is_tried_where_the_first_leaves_no_guard)
{
    /* Two exits; the only guard is in the family of the faster one. */
    struct netgen_relay relays[8];
    struct env *env = test_env(5);
    for (unsigned i = 0; i < 8; i++) {
        relays[i] = netgen_relay(i);
        relays[i].flags =
            i == 0 ? "Fast Guard Running Stable V2Dir Valid" : "Fast Running Stable V2Dir Valid";
        snprintf(relays[i].p, sizeof relays[i].p, "%s",
                 i == 1 || i == 2 ? "accept 80" : "reject 1-65535");
    }
    relays[1].bw = 100000000;
    snprintf(relays[0].family_ids, sizeof relays[0].family_ids, "ed25519:x");
    snprintf(relays[1].family_ids, sizeof relays[1].family_ids, "ed25519:x");
    struct netgen g = {.relays = relays, .n = 8};
    struct netdir *nd = netgen_make(&g);
    struct path_config cfg;
    path_config_init(&cfg);
    struct guards *guards = guards_new(env);
    ck_ok(guards_update(guards, nd, &cfg));
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    for (size_t i = 0; i < 20; i++) {
        ck_ok(path_pick(nd, &cfg, guards, &req, env, &p));
        ck_assert_str_eq(p.hop[2]->nickname, "relay2");
        ck_assert_str_eq(p.hop[0]->nickname, "relay0");
    }
    guards_free(&guards);
    netdir_unref(&nd);
    test_env_free(env);
}
END_TEST

/* Two exits, one guard, one middle: the faster exit is in the family of all but the guard. */
START_TEST(test_path_another_exit_is_tried_where_the_first_leaves_no_middle)
{
    struct netgen_relay relays[4];
    struct env *env = test_env(6);
    for (unsigned i = 0; i < 4; i++) {
        relays[i] = netgen_relay(i);
        relays[i].flags =
            i == 0 ? "Fast Guard Running Stable V2Dir Valid" : "Fast Running Stable V2Dir Valid";
        snprintf(relays[i].p, sizeof relays[i].p, "%s", i < 2 ? "reject 1-65535" : "accept 80");
        relays[i].v4[0] = (uint8_t)(20 + i);
    }
    relays[2].bw = 100000000;
    snprintf(relays[1].family_ids, sizeof relays[1].family_ids, "ed25519:x");
    snprintf(relays[2].family_ids, sizeof relays[2].family_ids, "ed25519:x ed25519:y");
    snprintf(relays[3].family_ids, sizeof relays[3].family_ids, "ed25519:y");
    struct netgen g = {.relays = relays, .n = 4};
    struct netdir *nd = netgen_make(&g);
    struct path_config cfg;
    path_config_init(&cfg);
    struct guards *guards = guards_new(env);
    ck_ok(guards_update(guards, nd, &cfg));
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    for (size_t i = 0; i < 20; i++) {
        ck_ok(path_pick(nd, &cfg, guards, &req, env, &p));
        ck_assert_str_eq(p.hop[1]->nickname, "relay1");
        ck_assert_str_eq(p.hop[2]->nickname, "relay3");
        ck_assert(!p.no_guard);
    }
    struct nodeset *none = set("relay1");
    cfg.exclude = none;
    ck_err(path_pick(nd, &cfg, guards, &req, env, &p), ERR_NOT_FOUND);
    ck_assert(!p.no_guard); /* it is a middle that lacks */
    nodeset_free(&none);
    guards_free(&guards);
    netdir_unref(&nd);
    test_env_free(env);
}
END_TEST

START_TEST(test_path_all_guards_down_is_said_and_passes)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    size_t n = 0;
    while (pick(b, &req, &p) == OK) {
        guards_failed(b->guards, &p.hop[0]->rsa);
        ck_assert_uint_lt(n++, 500);
    }
    ck_assert_uint_ge(n, 15); /* of twenty; some lack microdescriptors */
    ck_assert_str_eq(p.why, "all guards are down");
    ck_ok(pick(b, &req, &p)); /* they count as untried again */
    bed_free(b);
}
END_TEST

/* A guard that is not primary is being tried from the pick on; not if nothing came of the pick. */
START_TEST(test_path_holds_its_guard_and_lets_go_of_it_where_no_middle_fits)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_internal, .n_hops = PATH_USUAL_HOPS};
    struct nodeset *nobody = set("nosuchrelay");
    struct path_pick first, p;
    do {
        ck_ok(pick(b, &req, &first));
        if (first.guard_use == GUARD_USABLE)
            guards_failed(b->guards, &first.hop[0]->rsa);
    } while (first.guard_use == GUARD_USABLE);
    guards_dropped(b->guards, &first.hop[0]->rsa);
    b->cfg.middle = nobody;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    b->cfg.middle = NULL;
    ck_ok(pick(b, &req, &p));
    ck_assert_ptr_eq(p.hop[0], first.hop[0]);
    ck_ok(pick(b, &req, &p));
    ck_assert_ptr_ne(p.hop[0], first.hop[0]);
    nodeset_free(&nobody);
    bed_free(b);
}
END_TEST

START_TEST(test_path_empty_network_is_said)
{
    struct env *env = test_env(1);
    struct netgen_relay relay = netgen_relay(1);
    struct netgen g = {.relays = &relay, .n = 1};
    relay.no_md = true;
    struct netdir *nd = netgen_make(&g);
    struct path_config cfg;
    path_config_init(&cfg);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    ck_err(path_pick(nd, &cfg, NULL, &req, env, &p), ERR_NOT_FOUND);
    ck_assert_str_eq(p.why, "no relay in the consensus is usable as the last hop");
    netdir_unref(&nd);
    test_env_free(env);
}
END_TEST

START_TEST(test_path_exit_fits_asks_the_same_questions)
{
    struct bed *b = bed_new(1, NULL);
    const struct router *r = netdir_by_nickname(b->nd, text_of("relay0")); /* accept 80,443 */
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    ck_assert(path_exit_fits(b->nd, &b->cfg, &req, r));
    req.port = 22;
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, r));
    req.port = 80;
    req.family = IP_V6; /* accept 443 */
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, r));
    req.port = 443;
    ck_assert(path_exit_fits(b->nd, &b->cfg, &req, r));
    req.avoid_exit = &r->rsa;
    req.n_avoid_exit = 1;
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, r));
    struct nodeset *s = set("relay0");
    req.n_avoid_exit = 0;
    b->cfg.exclude_exit = s;
    ck_assert(!path_exit_fits(b->nd, &b->cfg, &req, r));
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_path_allowed_after_a_reload)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    ck_ok(pick(b, &req, &p));
    ck_assert(path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    struct nodeset *s = set(p.hop[1]->nickname);
    b->cfg.exclude = s;
    ck_assert(!path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    b->cfg.exclude = NULL;
    b->cfg.exit = s;
    ck_assert(!path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    ck_assert(path_allowed(b->nd, &b->cfg, p.hop, 3, false));
    b->cfg.exit = NULL;
    b->cfg.entry = s;
    ck_assert(!path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    b->cfg.entry = NULL;
    b->cfg.middle = s;
    ck_assert(path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    b->cfg.middle = NULL;
    b->cfg.ipv4 = false;
    ck_assert(!path_allowed(b->nd, &b->cfg, p.hop, 3, true));
    b->cfg.ipv4 = true;
    for (size_t i = 0; i < 3; i++) {
        char both[80];
        snprintf(both, sizeof both, "%s,%s", p.hop[i]->nickname, p.hop[(i + 1) % 3]->nickname);
        struct nodeset *pair = set(both);
        const struct nodeset *const families[] = {pair};
        b->cfg.families = families;
        b->cfg.n_families = 1;
        ck_assert(!path_allowed(b->nd, &b->cfg, p.hop, 3, true));
        b->cfg.n_families = 0;
        ck_assert(path_allowed(b->nd, &b->cfg, p.hop, 3, true));
        nodeset_free(&pair);
    }
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_path_first_hop_without_guards_has_the_guard_flag_if_any_has)
{
    struct bed *b = bed_new(1, NULL);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.use_entry_guards = false;
    for (int i = 0; i < 200; i++) {
        ck_ok(pick(b, &req, &p));
        ck_assert(router_is(p.hop[0], ROUTER_GUARD));
    }
    bed_free(b);
}
END_TEST

START_TEST(test_path_first_hop_address_follows_clientuse_and_reachable)
{
    struct bed *b = bed_new(1, NULL);
    const struct router *r = netdir_by_nickname(b->nd, text_of("relay5")); /* v4 and v6 */
    ck_assert_int_eq(path_first_hop_addr(&b->cfg, r).ip.family, IP_V4);
    b->cfg.ipv6 = true;
    ck_assert_int_eq(path_first_hop_addr(&b->cfg, r).ip.family, IP_V4);
    b->cfg.ipv4 = false;
    ck_assert_int_eq(path_first_hop_addr(&b->cfg, r).ip.family, IP_V6);
    struct addr_rule rules[] = {{.accept = true, .port_min = 443, .port_max = 443},
                                {.accept = false, .port_min = 1, .port_max = 65535}};
    b->cfg.reachable = (struct addr_policy){rules, 2};
    ck_assert_int_eq(path_first_hop_addr(&b->cfg, r).ip.family, IP_NONE);
    struct path_request req = {.hops = path_to_exit, .n_hops = PATH_USUAL_HOPS, .port = 80};
    struct path_pick p;
    b->cfg.use_entry_guards = false;
    ck_err(pick(b, &req, &p), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(p.why, "ReachableAddresses"));
    bed_free(b);
}
END_TEST

TESTS("path/path", test_path_rules_hold_for_every_pick_with_guards,
      test_path_rules_hold_for_every_pick_without_guards,
      test_path_rules_hold_without_distinct_subnets, test_path_rules_hold_without_family_lists,
      test_path_families_and_subnets_matter_on_this_network, test_path_last_hop_is_a_directory,
      test_path_of_any_length_keeps_the_rules,
      test_path_of_five_hops_obeys_excludenodes_and_middlenodes,
      test_path_of_four_hops_ends_where_it_was_asked_to, test_path_of_vanguards_keeps_to_its_layers,
      test_path_of_no_length_is_refused, test_path_one_sided_family_is_none,
      test_path_nodefamily_line_makes_a_family, test_path_no_exit_for_a_port_is_said,
      test_path_exitnodes_bind_and_excludenodes_overrides,
      test_path_excludeexitnodes_still_serve_as_middle, test_path_middlenodes_bind,
      test_path_that_leaves_no_middle_says_so, test_path_middleonly_relays_are_no_ends,
      test_path_entrynodes_bind_with_and_without_guards, test_path_given_exit_obeys_strictnodes,
      test_path_failed_relays_and_exits_are_avoided, test_path_long_lived_port_wants_stable_relays,
      test_path_flags_are_given_up_before_the_path_is,
      test_path_an_exit_serves_one_of_the_predicted_ports,
      test_path_another_exit_is_tried_where_the_first_leaves_no_guard,
      test_path_another_exit_is_tried_where_the_first_leaves_no_middle,
      test_path_all_guards_down_is_said_and_passes,
      test_path_holds_its_guard_and_lets_go_of_it_where_no_middle_fits,
      test_path_empty_network_is_said, test_path_exit_fits_asks_the_same_questions,
      test_path_allowed_after_a_reload, test_path_first_hop_address_follows_clientuse_and_reachable,
      test_path_first_hop_without_guards_has_the_guard_flag_if_any_has)
