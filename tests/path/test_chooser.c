/* The chooser: who is asked for documents, in every state of guards, consensus and options. */
#include <stdlib.h>
#include <string.h>

#include "path/chooser.h"
#include "support/netgen.h"

enum { RELAYS = 120, AUTHORITIES = 3, FALLBACKS = 4, DRAWS = 200 };

/* Relays 0..59 may be guards, the others are directory caches only. Authority I is relay 100+I and
 * fallback I relay 110+I, none of which is a guard. */
struct bed {
    struct env *env;
    struct netgen_relay relays[RELAYS];
    struct netdir *nd;
    struct path_config cfg;
    struct guards *guards;
    struct chooser *c;
    struct dir_servers servers;
    struct dir_wish wish;
    uint64_t again_us;
    char log[1024];
    unsigned lines;
};

static void on_log(void *arg, enum log_level level, const char *line)
{
    struct bed *b = arg;
    (void)level;
    b->lines++;
    snprintf(b->log, sizeof b->log, "%s", line);
}

static void add_server(struct bed *b, unsigned relay, bool authority)
{
    const struct netgen_relay *r = &b->relays[relay];
    struct dir_server s = {.is_authority = authority, .orport = r->orport, .weight = 1};
    s.ip = ip_v4(r->v4);
    memcpy(s.rsa.b, r->rsa, sizeof s.rsa.b);
    snprintf(s.nickname, sizeof s.nickname, "%s", r->nick);
    ck_ok(dir_servers_add(&b->servers, &s));
}

static struct netdir *make_netdir(const struct bed *b, bool no_md, int64_t after_s)
{
    struct netgen g = {.n = RELAYS, .valid_after_s = after_s};
    g.relays = malloc(sizeof b->relays);
    memcpy(g.relays, b->relays, sizeof b->relays);
    for (unsigned i = 0; i < RELAYS; i++)
        g.relays[i].no_md = no_md;
    struct netdir *nd = netgen_make(&g);
    free(g.relays);
    return nd;
}

static struct bed *bed_new(unsigned fallbacks)
{
    struct bed *b = calloc(1, sizeof *b);
    b->env = test_env(3);
    b->env->log->sink = on_log;
    b->env->log->arg = b;
    b->env->log->least = LOG_NOTICE;
    for (unsigned i = 0; i < RELAYS; i++) {
        b->relays[i] = netgen_relay(i);
        if (i >= 60)
            b->relays[i].flags = "Exit Fast Running Stable V2Dir Valid";
    }
    dir_servers_init(&b->servers);
    for (unsigned i = 0; i < AUTHORITIES; i++)
        add_server(b, 100 + i, true);
    for (unsigned i = 0; i < fallbacks; i++)
        add_server(b, 110 + i, false);
    path_config_init(&b->cfg);
    b->guards = guards_new(b->env);
    b->c = chooser_new(b->env, b->guards);
    chooser_configure(b->c, &b->cfg, true);
    b->wish = (struct dir_wish){.kind = DIR_WANT_MICRODESCS, .servers = &b->servers};
    return b;
}

/* A consensus of which no microdescriptor is there yet. */
static void bootstrap(struct bed *b)
{
    b->nd = make_netdir(b, true, 0);
    b->wish.known = b->nd;
}

static void bed_free(struct bed *b)
{
    chooser_free(b->c);
    guards_free(&b->guards);
    netdir_unref(&b->nd);
    dir_servers_free(&b->servers);
    test_env_free(b->env);
    free(b);
}

/* The number of the relay that is chosen; -1: nobody. */
static int choose(struct bed *b)
{
    struct dir_choice choice;
    b->again_us = TIMER_NEVER;
    if (!chooser_for_documents(b->c, &b->wish, &choice, &b->again_us))
        return -1;
    for (int i = 0; i < RELAYS; i++)
        if (memcmp(b->relays[i].rsa, choice.rsa.b, 20) == 0) {
            struct ip v4 = ip_v4(b->relays[i].v4), v6 = ip_v6(b->relays[i].v6);
            ck_assert(
                ip_equal(&choice.reach.addr.ip, choice.reach.addr.ip.family == IP_V6 ? &v6 : &v4));
            ck_assert_uint_eq(choice.reach.addr.port, 9001);
            return i;
        }
    ck_abort_msg("a relay from nowhere");
}

static struct rsa_id id_of(const struct bed *b, int relay)
{
    struct rsa_id id;
    memcpy(id.b, b->relays[relay].rsa, sizeof id.b);
    return id;
}

static bool is_sampled(const struct bed *b, int relay)
{
    struct rsa_id id = id_of(b, relay);
    struct guard_info info;
    for (size_t i = 0; guards_at(b->guards, i, &info); i++)
        if (rsa_id_equal(&info.rsa, &id))
            return true;
    return false;
}

/* It does not answer. */
static void fails(struct bed *b, int relay)
{
    struct rsa_id id = id_of(b, relay);
    guards_failed(b->guards, &id);
    chooser_judge(b->c, &id, false);
}

static struct nodeset *set(const char *list)
{
    struct nodeset *s;
    ck_ok(nodeset_parse(text_of(list), &s, NULL));
    return s;
}

START_TEST(test_chooser_without_a_consensus_asks_fallbacks_and_seldom_authorities)
{
    struct bed *b = bed_new(FALLBACKS);
    unsigned authorities = 0;
    for (int i = 0; i < DRAWS * 10; i++) {
        int r = choose(b);
        ck_assert_int_ge(r, 100);
        authorities += r < 110;
    }
    /* three of weight 0.1 among four of weight 1: seven in a hundred */
    ck_assert_uint_gt(authorities, DRAWS * 10 * 4 / 100);
    ck_assert_uint_lt(authorities, DRAWS * 10 * 11 / 100);
    b->wish.authority = true;
    for (int i = 0; i < DRAWS; i++) {
        int r = choose(b);
        ck_assert(r >= 100 && r < 110);
    }
    for (int i = 0; i < AUTHORITIES; i++)
        fails(b, choose(b));
    ck_assert_int_ge(choose(b), 110); /* C tor: they are preferred, no more */
    bed_free(b);
}
END_TEST

/* tor(1), FallbackDir: equal weights, equal chances; the last of the list has its own. */
START_TEST(test_chooser_asks_each_of_the_fallbacks_as_often)
{
    struct bed *b = bed_new(FALLBACKS);
    int asked[FALLBACKS] = {0};
    b->cfg.authority_rate = 0;
    for (int i = 0; i < DRAWS * 10; i++) {
        int r = choose(b);
        ck_assert(r >= 110 && r < 110 + FALLBACKS);
        asked[r - 110]++;
    }
    for (int i = 0; i < FALLBACKS; i++) {
        ck_assert_int_gt(asked[i], DRAWS * 10 / FALLBACKS * 8 / 10);
        ck_assert_int_lt(asked[i], DRAWS * 10 / FALLBACKS * 12 / 10);
    }
    bed_free(b);
}
END_TEST

enum { TROUBLES = 256 };

/* A server among many that failed, as the AT-th; then all others fail again but STRANGER, and one
 * more does. Whether the server is asked again by then. */
static bool is_asked_again(int at, int early)
{
    struct bed *b = bed_new(0);
    struct rsa_id server = id_of(b, 100), stranger = {{0xee}};
    b->servers.n = 1;
    for (int i = 0; i < TROUBLES; i++) {
        stranger.b[1] = (uint8_t)i;
        chooser_judge(b->c, i == at ? &server : &stranger, false);
    }
    test_env_advance_ms(b->env, 2400); /* a wait is 2.5 s at least, 4 s at most */
    for (int i = 0; i < TROUBLES; i++) {
        stranger.b[1] = (uint8_t)i;
        if (i != early)
            chooser_judge(b->c, i == at ? &server : &stranger, false);
    }
    ck_assert_int_eq(choose(b), -1);
    chooser_judge(b->c, &(struct rsa_id){{0xef}}, false);
    bool again = choose(b) == 100;
    bed_free(b);
    return again;
}

/* Of more failures than are kept, the one whose wait is over first is forgotten, and no other. */
START_TEST(test_chooser_forgets_the_failure_that_is_over_first)
{
    static const int places[] = {0, 1, 128, TROUBLES - 2, TROUBLES - 1};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++)
            ck_assert_msg(is_asked_again(places[i], places[k]) == (i == k),
                          "the server's place is %d, %d is over first", places[i], places[k]);
}
END_TEST

START_TEST(test_chooser_weighs_authorities_by_their_rate)
{
    struct bed *b = bed_new(FALLBACKS);
    b->cfg.authority_rate = 0;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_ge(choose(b), 110);
    b->cfg.authority_rate = 1e6;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_lt(choose(b), 110);
    /* Where there are only authorities, a rate of 0 leaves them equal. */
    b->cfg.authority_rate = 0;
    b->servers.n = AUTHORITIES;
    ck_assert_int_ge(choose(b), 100);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_asks_the_first_three_guards_before_any_microdescriptor_is_there)
{
    struct bed *b = bed_new(FALLBACKS);
    bool seen[RELAYS] = {false};
    unsigned n = 0;
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++) {
        int r = choose(b);
        ck_assert(r >= 0 && r < 60 && is_sampled(b, r));
        n += !seen[r];
        seen[r] = true;
    }
    ck_assert_uint_eq(n, 3);
    bed_free(b);
}
END_TEST

/* Who is dialled ahead is who circuits will begin at: the first guard that is up. */
START_TEST(test_chooser_tells_where_circuits_will_begin)
{
    struct bed *b = bed_new(FALLBACKS);
    struct dir_choice first[4];
    struct guard_info info;
    ck_assert_uint_eq(chooser_first_hops(b->c, first, 4), 0); /* nobody is known */
    bootstrap(b);
    (void)choose(b);
    for (size_t down = 0; down < 2; down++) {
        ck_assert(guards_at(b->guards, down, &info) && info.primary);
        ck_assert_uint_eq(chooser_first_hops(b->c, first, 4),
                          1); /* guard-n-primary-guards-to-use */
        ck_assert(rsa_id_equal(&first[0].rsa, &info.rsa));
        ck_assert(first[0].reach.addr.port && !first[0].has_ed);
        guards_failed(b->guards, &info.rsa);
    }
    b->cfg.use_entry_guards = false;
    ck_assert_uint_eq(chooser_first_hops(b->c, first, 4), 0);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_goes_to_fallbacks_when_all_guards_are_down_and_never_to_strangers)
{
    struct bed *b = bed_new(FALLBACKS);
    bool fallback = false;
    bootstrap(b);
    for (int i = 0; i < 2000; i++) {
        int r = choose(b);
        ck_assert(r == -1 || r >= 100 || is_sampled(b, r));
        fallback |= r >= 100;
        if (r >= 0)
            fails(b, r);
        test_env_advance_ms(b->env, 100);
    }
    ck_assert(fallback);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_says_that_there_is_nobody_and_when_to_ask_again)
{
    struct bed *b = bed_new(0);
    for (int i = 0; i < AUTHORITIES; i++)
        fails(b, choose(b));
    ck_assert_int_eq(choose(b), -1);
    ck_assert_ptr_nonnull(strstr(b->log, "While fetching directory info, no running dirservers "
                                         "known. Will try again later. (purpose 19)"));
    /* In a testing network 2.5 s. */
    ck_assert_uint_ge(b->again_us, b->env->mono_us + 250 * US_PER_MS);
    ck_assert_uint_le(b->again_us, b->env->mono_us + 2500 * US_PER_MS);
    unsigned lines = b->lines;
    ck_assert_int_eq(choose(b), -1);
    ck_assert_uint_eq(b->lines, lines); /* once is enough */
    test_env_advance_ms(b->env, (b->again_us - b->env->mono_us) / US_PER_MS + 1);
    ck_assert_int_ge(choose(b), 100);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_spares_who_is_busy)
{
    struct bed *b = bed_new(0);
    struct rsa_id busy[2] = {id_of(b, 100), id_of(b, 101)};
    b->wish.busy = busy;
    b->wish.n_busy = 2;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 102);
    bed_free(b);
}
END_TEST

/* Whoever throttles a client must not drive it from guard to guard. */
START_TEST(test_chooser_waits_for_guards_that_are_slow)
{
    struct bed *b = bed_new(FALLBACKS);
    struct rsa_id slow[3];
    size_t n = 0;
    bootstrap(b);
    b->wish.busy = b->wish.slow = slow;
    for (int i = 0; i < DRAWS && n < 3; i++) {
        int guard = choose(b);
        ck_assert_int_lt(guard, 60);
        struct rsa_id asked = id_of(b, guard);
        bool known = false;
        for (size_t k = 0; k < n; k++)
            known |= rsa_id_equal(&slow[k], &asked);
        ck_assert(!known);
        slow[n] = asked;
        b->wish.n_busy = b->wish.n_slow = ++n;
    }
    ck_assert_uint_eq(n, 3);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), -1); /* no fourth guard, no fallback */
    ck_assert_uint_le(b->again_us, b->env->mono_us + US_PER_SEC);
    b->wish.n_busy = b->wish.n_slow = 2;
    struct rsa_id last = id_of(b, choose(b));
    ck_assert(rsa_id_equal(&last, &slow[2]));
    bed_free(b);
}
END_TEST

/* Nor to a fourth, a fifth..., where the first three are down. */
START_TEST(test_chooser_waits_for_a_lesser_guard_that_is_slow)
{
    struct bed *b = bed_new(0);
    struct guard_info info;
    bootstrap(b);
    ck_assert_int_ge(choose(b), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(guards_at(b->guards, i, &info) && info.primary);
        guards_succeeded(b->guards, &info.rsa);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert(guards_at(b->guards, i, &info) && info.primary);
        guards_failed(b->guards, &info.rsa);
    }
    int fourth = choose(b);
    ck_assert(fourth >= 0 && is_sampled(b, fourth));
    struct rsa_id slow = id_of(b, fourth);
    guards_succeeded(b->guards, &slow); /* its link is up, and it sends a byte a second */
    b->wish.busy = b->wish.slow = &slow;
    b->wish.n_busy = b->wish.n_slow = 1;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), -1);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_would_rather_ask_who_served_before)
{
    struct bed *b = bed_new(FALLBACKS);
    struct rsa_id rather = id_of(b, 112);
    b->wish.rather = &rather;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 112);
    chooser_judge(b->c, &rather, false);
    ck_assert_int_ne(choose(b), 112);
    /* A guard too, but no other relay of the consensus. */
    bootstrap(b);
    int guard = choose(b);
    rather = id_of(b, guard);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), guard);
    rather = id_of(b, 70);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_ne(choose(b), 70);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_leaves_alone_who_served_rubbish)
{
    struct bed *b = bed_new(0);
    bootstrap(b);
    int guard = choose(b);
    struct rsa_id id = id_of(b, guard);
    chooser_judge(b->c, &id, false);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_ne(choose(b), guard);
    chooser_forgive(b->c);
    bool again = false;
    for (int i = 0; i < DRAWS; i++)
        again |= choose(b) == guard;
    ck_assert(again);
    bed_free(b);
}
END_TEST

/* Two of the first three: the third alone is left. */
START_TEST(test_chooser_leaves_alone_each_of_several_who_served_rubbish)
{
    struct bed *b = bed_new(FALLBACKS);
    bootstrap(b);
    struct guard_info third;
    ck_assert_int_ge(choose(b), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(guards_at(b->guards, i, &third));
        if (i < 2)
            chooser_judge(b->c, &third.rsa, false);
    }
    for (unsigned i = 0; i < 20; i++) {
        int at = choose(b);
        ck_assert_int_ge(at, 0);
        ck_assert_mem_eq(b->relays[at].rsa, third.rsa.b, 20);
    }
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_without_strict_nodes_asks_the_excluded_last)
{
    struct bed *b = bed_new(0);
    struct nodeset *two = set("relay100,relay101"), *all = set("relay100,relay101,relay102");
    b->cfg.exclude = two;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 102);
    b->cfg.exclude = all;
    ck_assert_int_ge(choose(b), 100);
    b->cfg.strict_nodes = true;
    ck_assert_int_eq(choose(b), -1);
    ck_assert_uint_eq(b->again_us, TIMER_NEVER);
    b->cfg.exclude = two;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 102);
    nodeset_free(&two);
    nodeset_free(&all);
    bed_free(b);
}
END_TEST

/* A FallbackDir line has no nickname, but the consensus has. */
START_TEST(test_chooser_knows_an_excluded_fallback_by_the_consensus)
{
    struct bed *b = bed_new(1);
    struct nodeset *no = set("relay110");
    b->servers.list[AUTHORITIES].nickname[0] = 0;
    b->servers.list[0] = b->servers.list[AUTHORITIES];
    b->servers.n = 1;
    b->cfg.exclude = no;
    b->cfg.strict_nodes = true;
    ck_assert_int_eq(choose(b), 110);
    b->nd = make_netdir(b, true, 0);
    chooser_know(b->c, b->nd);
    b->cfg.use_entry_guards = false;
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_ne(choose(b), 110);
    nodeset_free(&no);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_asks_only_entry_nodes_for_what_guards_serve)
{
    struct bed *b = bed_new(FALLBACKS);
    struct nodeset *entry = set("relay7,relay70");
    b->cfg.entry = entry;
    chooser_configure(b->c, &b->cfg, true);
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++) /* relay70 is no guard */
        ck_assert_int_eq(choose(b), 7);
    nodeset_free(&entry);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_asks_nobody_behind_the_firewall)
{
    struct bed *b = bed_new(FALLBACKS);
    struct addr_rule rules[] = {
        {.accept = true, .port_min = 1, .port_max = 65535},
        {.accept = false, .port_min = 0, .port_max = 65535},
    };
    /* relay 0..5 are 1.1.0.1 to 1.6.0.1: allow 1.1.0.0/16 and authority 100 = 1.101.0.1 */
    ck_ok(ip_net_parse("1.101.0.0/16", &rules[0].net));
    b->cfg.reachable = (struct addr_policy){rules, 2};
    chooser_configure(b->c, &b->cfg, true);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 100);
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++) /* no guard is left */
        ck_assert_int_eq(choose(b), 100);
    rules[0].port_max = 9000;
    ck_assert_int_eq(choose(b), -1);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_without_guards_asks_no_cache_behind_the_firewall)
{
    struct bed *b = bed_new(0);
    struct addr_rule rules[] = {
        {.accept = true, .port_min = 1, .port_max = 65535},
        {.accept = false, .port_min = 0, .port_max = 65535},
    };
    ck_ok(ip_net_parse("1.71.0.0/16", &rules[0].net)); /* relay 70 */
    b->cfg.use_entry_guards = false;
    b->cfg.reachable = (struct addr_policy){rules, 2};
    chooser_configure(b->c, &b->cfg, true);
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_eq(choose(b), 70);
    bed_free(b);
}
END_TEST

/* dir-spec 3.8.3: directory requests go by the relays' bandwidths. */
START_TEST(test_chooser_without_guards_asks_strong_caches_more)
{
    struct bed *b = bed_new(0);
    int strong = 0;
    for (int i = 0; i < RELAYS; i++)
        b->relays[i].bw = i == 70 ? 1000000 : 1;
    b->cfg.use_entry_guards = false;
    chooser_configure(b->c, &b->cfg, true);
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++)
        strong += choose(b) == 70;
    ck_assert_int_gt(strong, DRAWS * 9 / 10);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_new_options_judge_the_guards_anew)
{
    struct bed *b = bed_new(0);
    bootstrap(b);
    int first = choose(b);
    struct path_config other = b->cfg;
    struct nodeset *no;
    struct rsa_id id = id_of(b, first);
    char hex[HEX_SIZE(20)];
    no = set(hex_upper(id.b, 20, hex));
    other.exclude = no;
    chooser_configure(b->c, &other, true);
    for (int i = 0; i < DRAWS; i++) {
        int r = choose(b);
        ck_assert(r != first && r < 60 && is_sampled(b, r));
    }
    nodeset_free(&no);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_prefers_ipv6_if_it_is_told_to)
{
    struct bed *b = bed_new(0);
    struct dir_choice choice;
    uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb9, 1};
    for (unsigned i = 0; i < RELAYS; i++) {
        memcpy(b->relays[i].v6, v6, sizeof v6);
        b->relays[i].v6[5] = (uint8_t)i;
    }
    bootstrap(b);
    const struct {
        bool v4, v6, prefer;
        enum ip_family is;
    } rows[] = {{true, false, false, IP_V4},
                {true, true, false, IP_V4},
                {true, true, true, IP_V6},
                {false, true, false, IP_V6},
                {true, false, true, IP_V4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->cfg.ipv4 = rows[i].v4;
        b->cfg.ipv6 = rows[i].v6;
        b->cfg.prefer_ipv6 = rows[i].prefer;
        chooser_configure(b->c, &b->cfg, true);
        ck_assert(chooser_for_documents(b->c, &b->wish, &choice, &b->again_us));
        ck_assert_int_eq(choice.reach.addr.ip.family, rows[i].is);
    }
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_keeps_from_private_addresses_unless_told_otherwise)
{
    struct bed *b = bed_new(0);
    for (unsigned i = 0; i < RELAYS; i++)
        b->relays[i].v4[0] = 10;
    for (unsigned i = 0; i < AUTHORITIES; i++)
        b->servers.list[i].ip = ip_v4(b->relays[100 + i].v4);
    bootstrap(b);
    ck_assert_int_eq(choose(b), -1);
    b->cfg.private_addrs = true;
    chooser_configure(b->c, &b->cfg, true);
    ck_assert_int_ge(choose(b), 0);
    bed_free(b);
}
END_TEST

START_TEST(test_chooser_without_guards_asks_any_cache_the_excluded_last)
{
    struct bed *b = bed_new(0);
    struct nodeset *no = set("1.0.0.0/10"), *all = set("*");
    bool strange = false;
    b->cfg.use_entry_guards = false;
    b->cfg.exclude = no; /* relays 0..62 */
    bootstrap(b);
    for (int i = 0; i < DRAWS; i++) {
        int r = choose(b);
        ck_assert_int_ge(r, 63);
        strange |= !is_sampled(b, r);
    }
    ck_assert(strange);
    b->cfg.exclude = all;
    ck_assert_int_ge(choose(b), 0);
    b->cfg.strict_nodes = true;
    ck_assert_int_eq(choose(b), -1);
    nodeset_free(&no);
    nodeset_free(&all);
    bed_free(b);
}
END_TEST

/* C tor: an expired consensus still says where the guards are; none is sampled by it. */
START_TEST(test_chooser_with_an_old_consensus_asks_the_guards_it_had)
{
    struct bed *b = bed_new(0);
    bootstrap(b);
    ck_assert_int_lt(choose(b), 60);
    struct netdir *old = make_netdir(b, true, NETGEN_NOW - 3 * 86400);
    b->wish.known = old;
    for (int i = 0; i < DRAWS; i++) {
        int r = choose(b);
        ck_assert(r < 60 && is_sampled(b, r));
    }
    size_t n = guards_n(b->guards);
    ck_assert_uint_gt(n, 0);
    netdir_unref(&old);
    bed_free(b);
    b = bed_new(0);
    old = make_netdir(b, true, NETGEN_NOW - 3 * 86400);
    b->wish.known = old;
    ck_assert_int_ge(choose(b), 100);
    ck_assert_uint_eq(guards_n(b->guards), 0);
    netdir_unref(&old);
    bed_free(b);
}
END_TEST

TESTS("path/chooser", test_chooser_without_a_consensus_asks_fallbacks_and_seldom_authorities,
      test_chooser_asks_each_of_the_fallbacks_as_often,
      test_chooser_forgets_the_failure_that_is_over_first,
      test_chooser_weighs_authorities_by_their_rate,
      test_chooser_asks_the_first_three_guards_before_any_microdescriptor_is_there,
      test_chooser_tells_where_circuits_will_begin,
      test_chooser_goes_to_fallbacks_when_all_guards_are_down_and_never_to_strangers,
      test_chooser_says_that_there_is_nobody_and_when_to_ask_again, test_chooser_spares_who_is_busy,
      test_chooser_waits_for_guards_that_are_slow,
      test_chooser_waits_for_a_lesser_guard_that_is_slow,
      test_chooser_would_rather_ask_who_served_before, test_chooser_leaves_alone_who_served_rubbish,
      test_chooser_leaves_alone_each_of_several_who_served_rubbish,
      test_chooser_without_strict_nodes_asks_the_excluded_last,
      test_chooser_knows_an_excluded_fallback_by_the_consensus,
      test_chooser_asks_only_entry_nodes_for_what_guards_serve,
      test_chooser_asks_nobody_behind_the_firewall,
      test_chooser_without_guards_asks_no_cache_behind_the_firewall,
      test_chooser_without_guards_asks_strong_caches_more,
      test_chooser_new_options_judge_the_guards_anew, test_chooser_prefers_ipv6_if_it_is_told_to,
      test_chooser_keeps_from_private_addresses_unless_told_otherwise,
      test_chooser_without_guards_asks_any_cache_the_excluded_last,
      test_chooser_with_an_old_consensus_asks_the_guards_it_had)
