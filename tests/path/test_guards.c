#include "path/guardbed.h"

START_TEST(test_guards_sample_has_twenty_and_three_are_primary)
{
    struct bed *b = bed_new(1);
    struct guard_info info;
    size_t primary = 0;
    ck_assert_uint_eq(guards_n(b->g), 20);
    for (size_t i = 0; i < 20; i++) {
        ck_assert(guards_at(b->g, i, &info));
        ck_assert(info.listed && info.filtered && !info.confirmed && !info.down);
        ck_assert_str_eq(info.nickname, netdir_by_rsa(b->nd, &info.rsa)->nickname);
        primary += info.primary;
        /* "RAND(now, {GUARD_LIFETIME}/10)" */
        ck_assert_int_le(info.sampled_on_s, env_wall_s(b->env));
        ck_assert_int_gt(info.sampled_on_s, env_wall_s(b->env) - 12 * DAY);
    }
    ck_assert(!guards_at(b->g, 20, &info));
    ck_assert_uint_eq(primary, 3);
    ck_assert(guards_dirty(b->g));
    bed_free(b);
}
END_TEST

START_TEST(test_guards_sampled_guards_have_all_flags)
{
    struct bed *b = bed_new(1);
    static const char *const flags[] = {
        "Guard Running Stable V2Dir Valid", "Fast Guard Running V2Dir Valid",
        "Fast Running Stable V2Dir Valid", "Fast Guard Running Stable Valid",
        "Fast Guard Running Stable V2Dir Valid"};
    for (unsigned i = 0; i < RELAYS; i++)
        b->relays[i].flags = flags[i % 5];
    guards_free(&b->g);
    b->g = guards_new(b->env);
    remake(b);
    ck_assert_uint_eq(guards_n(b->g), 20);
    for (size_t i = 0; i < 20; i++) {
        struct rsa_id id = id_at(b, i);
        ck_assert(router_is(netdir_by_rsa(b->nd, &id),
                            ROUTER_FAST | ROUTER_GUARD | ROUTER_STABLE | ROUTER_V2DIR));
    }
    bed_free(b);
}
END_TEST

START_TEST(test_guards_heavier_relays_are_sampled_first)
{
    struct bed *b = bed_new(1);
    for (unsigned i = 0; i < RELAYS; i++)
        b->relays[i].bw = i < 30 ? 100000 : 1;
    guards_free(&b->g);
    b->g = guards_new(b->env);
    remake(b);
    size_t heavy = 0;
    for (size_t i = 0; i < 20; i++) {
        struct rsa_id id = id_at(b, i);
        heavy += netdir_by_rsa(b->nd, &id)->bandwidth > 1;
    }
    ck_assert_uint_ge(heavy, 19);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_first_primary_is_used_again_and_again)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    enum guard_use use;
    for (size_t i = 0; i < 50; i++) {
        ck_assert(rsa_id_equal(&pick(b, &use)->rsa, &first));
        ck_assert_int_eq(use, GUARD_USABLE);
        if (i == 10)
            guards_succeeded(b->g, &first);
        if (i == 20)
            remake(b);
    }
    bed_free(b);
}
END_TEST

START_TEST(test_guards_next_is_tried_when_one_fails_and_the_first_returns)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0), second = id_at(b, 1);
    pick(b, NULL);
    guards_failed(b->g, &first);
    ck_assert(info_of(b, &first).down);
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &second));
    test_env_advance_ms(b->env, (10 * 60 - 1) * 1000);
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &second));
    test_env_advance_ms(b->env, 1000); /* "every 10 minutes for the first six hours" */
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &first));
    guards_succeeded(b->g, &first);
    ck_assert(!info_of(b, &first).down);
    bed_free(b);
}
END_TEST

static void hear(void *arg, enum guard_news news, const struct rsa_id *id, const char *nickname)
{
    unsigned *n = arg;
    (void)id;
    ck_assert_ptr_nonnull(nickname);
    n[news]++;
}

START_TEST(test_guards_tell_their_watch)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0), nobody = {{99}};
    unsigned n[GUARD_REMOVED + 1] = {0};
    guards_set_watch(b->g, hear, n);
    guards_failed(b->g, &nobody);
    guards_succeeded(b->g, &nobody);
    guards_failed(b->g, &first);
    guards_failed(b->g, &first);
    ck_assert_uint_eq(n[GUARD_FAILS], 2); /* each time, as in tor */
    guards_succeeded(b->g, &first);
    guards_succeeded(b->g, &first);
    ck_assert_uint_eq(n[GUARD_WORKS], 1);
    test_env_advance_ms(b->env, (uint64_t)140 * DAY * 1000);
    remake(b);
    ck_assert_uint_eq(n[GUARD_REMOVED], 20);
    ck_assert_uint_eq(n[GUARD_SAMPLED], 20);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_retry_schedule_gets_slower)
{
    /* guard-spec A.1: hours down, and minutes between tries for primary guards */
    static const struct {
        uint64_t hours, minutes;
    } schedule[] = {{1, 10}, {10, 90}, {120, 240}, {300, 540}};
    for (size_t i = 0; i < 4; i++) {
        struct bed *b = bed_new(1);
        struct rsa_id first = id_at(b, 0);
        pick(b, NULL);
        guards_failed(b->g, &first);
        test_env_advance_ms(b->env, schedule[i].hours * 3600 * 1000);
        ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &first));
        guards_failed(b->g, &first);
        test_env_advance_ms(b->env, schedule[i].minutes * 60 * 1000 - 1);
        ck_assert(!rsa_id_equal(&pick(b, NULL)->rsa, &first));
        test_env_advance_ms(b->env, 1);
        ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &first));
        bed_free(b);
    }
}
END_TEST

static void fail_primaries(struct bed *b, struct rsa_id ids[3])
{
    for (size_t i = 0; i < 3; i++) {
        ids[i] = id_at(b, i);
        pick(b, NULL);
    }
    for (size_t i = 0; i < 3; i++)
        guards_failed(b->g, &ids[i]);
}

START_TEST(test_guards_other_guards_are_tried_one_circuit_each)
{
    struct bed *b = bed_new(1);
    struct rsa_id primary[3];
    enum guard_use use;
    fail_primaries(b, primary);
    const struct router *fourth = pick(b, &use), *fifth = pick(b, &use);
    ck_assert_int_eq(use, GUARD_USABLE_IF_NO_BETTER);
    ck_assert_ptr_ne(fourth, fifth); /* the fourth is pending */
    guards_dropped(b->g, &fourth->rsa);
    ck_assert_ptr_eq(pick(b, &use), fourth);
    bed_free(b);
}
END_TEST

/* C tor: while all of them are being tried nobody is picked twice; those that failed get another
 * chance instead. */
START_TEST(test_guards_that_are_all_being_tried_leave_the_failed_ones)
{
    struct bed *b = bed_new(1);
    struct rsa_id primary[3];
    const struct router *r;
    enum guard_use use;
    fail_primaries(b, primary);
    size_t n = 0;
    while (guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &any, &r, &use) == OK)
        n++;
    ck_assert_uint_eq(n, guards_n(b->g) - 3);
    ck_assert(rsa_id_equal(&pick(b, &use)->rsa, &primary[0]));
    ck_assert_int_eq(use, GUARD_USABLE);
    bed_free(b);
}
END_TEST

/* A change of EntryNodes while one is being tried: once that is over it may be picked again. */
START_TEST(test_guards_that_were_tried_from_another_sample_are_free_again)
{
    void (*const ends[])(struct guards * g, const struct rsa_id *id) = {
        guards_dropped, guards_succeeded, guards_failed};
    for (size_t i = 0; i < 3; i++) {
        struct bed *b = bed_new(1);
        struct rsa_id primary[3];
        struct nodeset *few;
        fail_primaries(b, primary);
        const struct rsa_id fourth = pick(b, NULL)->rsa;
        ck_ok(nodeset_parse(text_of("relay7,relay8,relay9"), &few, NULL));
        b->cfg.entry = few;
        ck_ok(guards_update(b->g, b->nd, &b->cfg));
        ends[i](b->g, &fourth);
        b->cfg.entry = NULL;
        ck_ok(guards_update(b->g, b->nd, &b->cfg));
        ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &fourth));
        nodeset_free(&few);
        bed_free(b);
    }
}
END_TEST

/* An exit that rules out who is left has those tried again that failed; our own list does not. */
START_TEST(test_guards_ruled_out_by_the_exit_leave_the_failed_ones)
{
    for (int listed = 0; listed <= 1; listed++) {
        struct bed *b = bed_new(1);
        struct nodeset *two;
        const struct router *r;
        enum guard_use use;
        ck_ok(nodeset_parse(text_of("relay7,relay8"), &two, NULL));
        b->cfg.entry = two;
        ck_ok(guards_update(b->g, b->nd, &b->cfg));
        struct rsa_id down = id_at(b, 0), up = id_at(b, 1);
        guards_failed(b->g, &down);
        struct guard_restriction rst = {.exit = listed ? NULL : netdir_by_rsa(b->nd, &up),
                                        .avoid = &up,
                                        .n_avoid = (size_t)listed};
        ck_err(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &rst, &r, &use), ERR_NOT_FOUND);
        ck_assert_int_eq(guards_is_up(b->g, &down), !listed);
        b->cfg.entry = NULL;
        nodeset_free(&two);
        bed_free(b);
    }
}
END_TEST

/* guard-spec 4.5, as C tor counts: the time of a try is that of whoever might have been drawn. */
START_TEST(test_guards_tried_are_all_that_might_have_been_drawn)
{
    struct bed *b = bed_new(1);
    const struct router *r;
    enum guard_use use;
    for (unsigned i = 0; i < 2; i++) {
        ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_DIR, &any, &r, &use));
        test_env_advance_ms(b->env, 60 * 1000);
    }
    struct rsa_id ids[3] = {id_at(b, 0), id_at(b, 1), id_at(b, 2)};
    for (size_t i = 0; i < 3; i++)
        guards_failed(b->g, &ids[i]);
    test_env_advance_ms(b->env, (9 * 60 - 1) * 1000);
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_DIR, &any, &r, &use));
    ck_assert_int_eq(use, GUARD_USABLE_IF_NO_BETTER);
    for (size_t i = 0; i < 3; i++)
        ck_assert(!guards_is_up(b->g, &ids[i]));
    test_env_advance_ms(b->env, 1000);
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_DIR, &any, &r, &use));
    for (size_t i = 0; i < 3; i++)
        ck_assert(guards_is_up(b->g, &ids[i]));
    bed_free(b);
}
END_TEST

static void confirm_primaries(struct bed *b, struct rsa_id ids[3])
{
    for (size_t i = 0; i < 3; i++)
        ids[i] = id_at(b, i);
    for (size_t i = 0; i < 3; i++)
        guards_succeeded(b->g, &ids[i]);
}

START_TEST(test_guards_exit_rules_out_itself_and_its_family)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0), second = id_at(b, 1);
    struct guard_restriction rst = {.exit = netdir_by_rsa(b->nd, &first)};
    const struct router *r;
    enum guard_use use;
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &rst, &r, &use));
    ck_assert(rsa_id_equal(&r->rsa, &second));
    ck_assert_int_eq(use, GUARD_USABLE);
    struct nodeset *s;
    char list[64];
    snprintf(list, sizeof list, "%s,%s", rst.exit->nickname, r->nickname);
    ck_ok(nodeset_parse(text_of(list), &s, NULL));
    const struct nodeset *families[] = {s};
    b->cfg.families = families;
    b->cfg.n_families = 1;
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &rst, &r, &use));
    ck_assert(!rsa_id_equal(&r->rsa, &first) && !rsa_id_equal(&r->rsa, &second));
    b->cfg.n_families = 0;
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

/* C tor, select_primary_guard_for_circuit(): with two guards in use an exit that rules one out
 * leaves the other, and does not bring a third. */
START_TEST(test_guards_exit_that_rules_one_out_brings_no_further_one)
{
    struct bed *b = bed_new(1);
    b->cfg.n_guards = 2;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    struct rsa_id first = id_at(b, 0), second = id_at(b, 1);
    struct guard_restriction rst = {.exit = netdir_by_rsa(b->nd, &first)};
    for (size_t i = 0; i < 50; i++) {
        const struct router *r;
        enum guard_use use;
        ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &rst, &r, &use));
        ck_assert(rsa_id_equal(&r->rsa, &second));
    }
    bed_free(b);
}
END_TEST

START_TEST(test_guards_without_microdescriptor_serve_directories_only)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    for (size_t i = 0; i < RELAYS; i++)
        b->relays[i].no_md = memcmp(b->relays[i].rsa, first.b, 20) == 0;
    ck_assert(!guards_lack_md(b->g, b->nd));
    remake(b);
    ck_assert(guards_lack_md(b->g, b->nd));
    ck_assert(!rsa_id_equal(&pick(b, NULL)->rsa, &first));
    bool seen = false;
    for (size_t i = 0; i < 50; i++) {
        const struct router *r;
        enum guard_use use;
        ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_DIR, &any, &r, &use));
        seen |= rsa_id_equal(&r->rsa, &first);
    }
    ck_assert(seen);
    bed_free(b);
}
END_TEST

/* C tor: the one behind the first is there for exits that rule out the first. */
START_TEST(test_guards_are_waited_for_until_the_second_has_its_microdescriptor)
{
    for (size_t lacks = 1; lacks <= 2; lacks++) {
        struct bed *b = bed_new(1);
        struct rsa_id id = id_at(b, lacks), first = id_at(b, 0);
        for (size_t i = 0; i < RELAYS; i++)
            b->relays[i].no_md = memcmp(b->relays[i].rsa, id.b, 20) == 0;
        remake(b);
        ck_assert_int_eq(guards_lack_md(b->g, b->nd), lacks == 1);
        guards_failed(b->g, &first); /* so that the third is second */
        ck_assert(guards_lack_md(b->g, b->nd));
        bed_free(b);
    }
}
END_TEST

START_TEST(test_guards_unlisted_for_twenty_days_is_removed)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    guards_succeeded(b->g, &first);
    for (size_t i = 0; i < RELAYS; i++)
        if (memcmp(b->relays[i].rsa, first.b, 20) == 0)
            b->relays[i].flags = "Fast Running Valid";
    remake(b);
    struct guard_info info = info_of(b, &first);
    ck_assert(info.nickname && !info.listed && !info.primary);
    /* "RAND(added_at_time, {REMOVE_UNLISTED_GUARDS_AFTER} / 5)" */
    ck_assert_int_gt(info.unlisted_since_s, env_wall_s(b->env) - 4 * DAY);
    ck_assert(!rsa_id_equal(&pick(b, NULL)->rsa, &first));
    test_env_advance_ms(b->env, (uint64_t)15 * DAY * 1000);
    remake(b);
    ck_assert_ptr_nonnull(info_of(b, &first).nickname);
    test_env_advance_ms(b->env, (uint64_t)6 * DAY * 1000);
    remake(b);
    ck_assert_ptr_null(info_of(b, &first).nickname);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_listed_again_in_time_is_primary_again)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    guards_succeeded(b->g, &first);
    for (int gone = 1; gone >= 0; gone--) {
        for (size_t i = 0; i < RELAYS; i++)
            if (memcmp(b->relays[i].rsa, first.b, 20) == 0)
                b->relays[i].flags = gone ? "Fast Running Valid" : NETGEN_ALLFLAGS;
        remake(b);
        ck_assert_int_eq(info_of(b, &first).primary, !gone);
    }
    ck_assert_int_eq(info_of(b, &first).unlisted_since_s, 0);
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &first));
    bed_free(b);
}
END_TEST

/* Days until the guard of ID is gone, or another time in the sample, looking each second day from
 * the day FROM on. */
static unsigned day_of_its_end(struct bed *b, struct rsa_id id, unsigned from)
{
    unsigned day = from;
    int64_t sampled = info_of(b, &id).sampled_on_s;
    test_env_advance_ms(b->env, (uint64_t)from * DAY * 1000);
    for (remake(b); info_of(b, &id).sampled_on_s == sampled; day += 2) {
        ck_assert_uint_lt(day, 200);
        test_env_advance_ms(b->env, (uint64_t)2 * DAY * 1000);
        remake(b);
    }
    return day;
}

START_TEST(test_guards_lifetimes_are_120_days_or_60_from_the_confirmation)
{
    unsigned least = 1000, most = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct bed *b = bed_new(seed);
        struct rsa_id id = id_at(b, 0);
        bool used = seed > 10;
        if (used)
            guards_succeeded(b->g, &id);
        unsigned day = day_of_its_end(b, id, used ? 46 : 106);
        if (used && day < least)
            least = day;
        if (used && day > most)
            most = day;
        if (!used) /* the date of sampling lies up to twelve days back, too */
            ck_assert(day > 106 && day <= 122);
        bed_free(b);
    }
    /* 60 days, of which up to 12 lie before the day (bug 41280) */
    ck_assert(least > 46 && least <= 52 && most > 56 && most <= 62);
}
END_TEST

/* Confirmed shortly before it would have been too old: its time begins anew. */
START_TEST(test_guards_confirmed_late_outlive_the_lifetime_of_a_sample)
{
    struct bed *b = bed_new(1);
    struct rsa_id used = id_at(b, 0), unused = id_at(b, 1);
    test_env_advance_ms(b->env, (uint64_t)100 * DAY * 1000);
    guards_succeeded(b->g, &used);
    test_env_advance_ms(b->env, (uint64_t)21 * DAY * 1000); /* sampled 121 days ago */
    remake(b);
    ck_assert_ptr_null(info_of(b, &unused).nickname);
    ck_assert_ptr_nonnull(info_of(b, &used).nickname);
    test_env_advance_ms(b->env, (uint64_t)40 * DAY * 1000); /* confirmed 61 days ago */
    remake(b);
    ck_assert_ptr_null(info_of(b, &used).nickname);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_old_consensus_changes_nothing)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    test_env_advance_ms(b->env, (uint64_t)200 * DAY * 1000);
    ck_ok(guards_update(b->g, b->nd, &b->cfg)); /* valid 200 days ago */
    ck_assert(info_of(b, &first).listed);
    ck_assert_uint_eq(guards_n(b->g), 20);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_excluded_ones_stay_sampled_but_unused)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    struct nodeset *s;
    ck_ok(nodeset_parse(text_of(netdir_by_rsa(b->nd, &first)->nickname), &s, NULL));
    b->cfg.exclude = s;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    struct guard_info info = info_of(b, &first);
    ck_assert(info.nickname && !info.filtered && !info.primary);
    ck_assert(!rsa_id_equal(&pick(b, NULL)->rsa, &first));
    ck_assert_uint_eq(guards_n(b->g), 21); /* refilled to twenty usable ones */
    b->cfg.exclude = NULL;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert(info_of(b, &first).filtered);
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_few_entrynodes_use_a_sample_of_their_own)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0);
    struct nodeset *s;
    ck_ok(nodeset_parse(text_of("relay7,relay8"), &s, NULL));
    guards_succeeded(b->g, &first);
    b->cfg.entry = s;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert_str_eq(guards_sample_name(b->g), "restricted");
    ck_assert_uint_eq(guards_n(b->g), 2);
    ck_assert(nodeset_has(s, pick(b, NULL)));
    char *text = saved(b);
    ck_assert_ptr_nonnull(strstr(text, "in=restricted"));
    ck_assert_ptr_nonnull(strstr(text, "in=default"));
    free(text);
    b->cfg.entry = NULL;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert_str_eq(guards_sample_name(b->g), "default");
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &first));
    nodeset_free(&s);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_change_of_sample_is_sluggish)
{
    struct bed *b = bed_new(1);
    struct nodeset *s;
    char list[1024];
    /* 120 guards: the threshold is 24; 95% of it 22.8, 105% of it 25.2, each cut down. */
    static const struct {
        size_t passing;
        const char *sample;
    } steps[] = {{24, "default"},    {22, "default"}, {21, "restricted"}, {22, "restricted"},
                 {24, "restricted"}, {25, "default"}, {22, "default"}};
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
        size_t at = 0;
        for (size_t i = 0; i < steps[k].passing; i++)
            at += (size_t)snprintf(list + at, sizeof list - at, "relay%zu,", i);
        ck_ok(nodeset_parse(text_of(list), &s, NULL));
        b->cfg.entry = s;
        ck_ok(guards_update(b->g, b->nd, &b->cfg));
        ck_assert_str_eq(guards_sample_name(b->g), steps[k].sample);
        b->cfg.entry = NULL;
        nodeset_free(&s);
    }
    bed_free(b);
}
END_TEST

START_TEST(test_guards_state_round_trip)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[3];
    confirm_primaries(b, ids);
    guards_succeeded(b->g, &(struct rsa_id){{0}}); /* nobody's */
    char *before = saved(b);
    ck_assert(!guards_dirty(b->g));
    guards_free(&b->g);
    b->g = guards_new(b->env);
    load(b, before);
    char *after = saved(b);
    ck_assert_str_eq(before, after);
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    for (size_t i = 0; i < 3; i++) {
        struct rsa_id id = id_at(b, i);
        ck_assert(rsa_id_equal(&id, &ids[i]));
    }
    ck_assert(!guards_dirty(b->g));
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &ids[0]));
    free(before);
    free(after);
    bed_free(b);
}
END_TEST

#define ID(n) "00000000000000000000000000000000000000" #n

START_TEST(test_guards_line_of_tor_is_kept_in_meaning_and_in_what_is_unknown)
{
    struct bed *b = bed_new(1);
    load(b,
         "Guard confirmed_idx=0 pb_circ_attempts=2.000000 in=default rsa_id=" ID(
             0a) " nickname=Alice sampled_on=2025-12-01T10:11:12 sampled_idx=0 sampled_by=0.4.9.11"
                 " listed=1 confirmed_on=2025-12-05T00:00:00 novelty pb_timeouts=1.000000\n"
                 "Guard in=bridges rsa_id=" ID(
                     0b) " bridge_addr=1.2.3.4:443 listed=1\n"
                         "Guard in=default rsa_id=" ID(
                             0c) " sampled_on=2025-11-01T10:11:12 sampled_idx=1"
                                 " unlisted_since=2025-12-30T00:00:00 listed=0\n");
    char *text = saved(b);
    ck_assert_ptr_nonnull(
        strstr(text, "Guard in=default rsa_id="
                     "000000000000000000000000000000000000000A"
                     " nickname=Alice sampled_on=2025-12-01T10:11:12 sampled_idx=0"
                     " sampled_by=0.4.9.11 listed=1 confirmed_on=2025-12-05T00:00:00"
                     " confirmed_idx=0 pb_circ_attempts=2.000000 pb_timeouts=1.000000 novelty\n"
                     "Guard in=default rsa_id="
                     "000000000000000000000000000000000000000C"
                     " sampled_on=2025-11-01T10:11:12 sampled_idx=1"
                     " unlisted_since=2025-12-30T00:00:00 listed=0\n"
                     "Guard in=bridges rsa_id=" ID(0b) " bridge_addr=1.2.3.4:443 listed=1\n"));
    free(text);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_damaged_lines_cost_themselves_only)
{
    struct bed *b = bed_new(1);
    b->env->log = NULL;
    load(b,
         "Guard\n"
         "Guard in=default\n"
         "Guard rsa_id=" ID(
             0a) " listed=1\n"
                 "Guard in=default rsa_id=123 listed=1\n"
                 "Guard in=default rsa_id=" ID(
                     zz) " listed=1\n"
                         "Guard in= rsa_id=" ID(
                             0a) " listed=1\n"
                                 "Guard in=default rsa_id=" ID(
                                     0d) " nickname=b@d sampled_on=never sampled_idx=-3 "
                                         "confirmed_idx=x confirmed_on=2030-01-01"
                                         " listed=1\n"
                                         "Guard in=default rsa_id=" ID(
                                             0e) " confirmed_idx=7 sampled_on=2999-01-01T00:00:00\n"
                                                 "Guard in=default rsa_id=" ID(
                                                     0e) " confirmed_idx=8\n");
    ck_assert_uint_eq(guards_n(b->g), 2);
    struct guard_info info = info_of(b, &(struct rsa_id){.b[19] = 0x0d});
    ck_assert_str_eq(info.nickname, "");
    ck_assert(!info.confirmed && info.listed);
    ck_assert_int_eq(info.sampled_on_s, env_wall_s(b->env));
    info = info_of(b, &(struct rsa_id){.b[19] = 0x0e});
    ck_assert(info.confirmed && !info.listed);
    ck_assert_int_eq(info.sampled_on_s, INT64_C(32472144000)); /* a date is a date */
    ck_assert(guards_dirty(b->g));
    bed_free(b);
}
END_TEST

START_TEST(test_guards_order_in_the_file_does_not_matter)
{
    struct bed *b = bed_new(1);
    load(b, "Guard in=default rsa_id=" ID(
                03) " sampled_idx=2 listed=1\n"
                    "Guard in=default rsa_id=" ID(
                        02) " sampled_idx=1 confirmed_idx=1 listed=1\n"
                            "Guard in=default rsa_id=" ID(
                                01) " sampled_idx=0 listed=1\n"
                                    "Guard in=default rsa_id=" ID(
                                        04) " sampled_idx=3 confirmed_idx=0 listed=1\n");
    static const uint8_t order[] = {1, 2, 3, 4};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(id_at(b, i).b[19], order[i]);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_none_before_an_update)
{
    struct env *env = test_env(1);
    struct guards *g = guards_new(env);
    const struct router *r;
    enum guard_use use;
    ck_err(guards_pick(g, NULL, GUARD_FOR_TRAFFIC, &any, &r, &use), ERR_STATE);
    ck_assert_uint_eq(guards_n(g), 0);
    guards_failed(g, &(struct rsa_id){{1}});
    guards_succeeded(g, &(struct rsa_id){{1}});
    guards_free(&g);
    test_env_free(env);
}
END_TEST

static void count_notices(void *arg, enum log_level level, const char *line)
{
    unsigned *n = arg;
    *n += level == LOG_NOTICE && strstr(line, "Failed to find node for hop #1 of our path") != NULL;
}

/* In tor's words, and once a minute: it would come with every circuit. */
START_TEST(test_guards_that_are_all_down_are_told_of)
{
    struct bed *b = bed_new(1);
    const struct router *r;
    enum guard_use use;
    unsigned told = 0;
    b->env->log->sink = count_notices;
    b->env->log->arg = &told;
    b->env->log->least = LOG_NOTICE;
    for (unsigned round = 0; round < 3; round++)
        while (guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &any, &r, &use) == OK)
            guards_failed(b->g, &r->rsa);
    ck_assert_uint_eq(told, 1);
    test_env_advance_ms(b->env, 61000);
    while (guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &any, &r, &use) == OK)
        guards_failed(b->g, &r->rsa);
    ck_assert_uint_eq(told, 2);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_numbers_of_the_configuration_hold)
{
    struct bed *b = bed_new(1);
    bool seen[4] = {false};
    b->cfg.n_primary = 4;
    b->cfg.n_guards = 2;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    for (size_t i = 0; i < 100; i++) {
        const struct router *r = pick(b, NULL);
        for (size_t k = 0; k < 4; k++) {
            struct rsa_id id = id_at(b, k);
            seen[k] |= rsa_id_equal(&id, &r->rsa);
        }
    }
    ck_assert(seen[0] && seen[1] && !seen[2] && !seen[3]);
    struct guard_info info;
    ck_assert(guards_at(b->g, 3, &info) && info.primary);
    bed_free(b);
}
END_TEST

TESTS("path/guards", test_guards_sample_has_twenty_and_three_are_primary,
      test_guards_sampled_guards_have_all_flags, test_guards_heavier_relays_are_sampled_first,
      test_guards_first_primary_is_used_again_and_again,
      test_guards_next_is_tried_when_one_fails_and_the_first_returns, test_guards_tell_their_watch,
      test_guards_retry_schedule_gets_slower, test_guards_other_guards_are_tried_one_circuit_each,
      test_guards_that_are_all_being_tried_leave_the_failed_ones,
      test_guards_that_were_tried_from_another_sample_are_free_again,
      test_guards_ruled_out_by_the_exit_leave_the_failed_ones,
      test_guards_tried_are_all_that_might_have_been_drawn,
      test_guards_exit_rules_out_itself_and_its_family,
      test_guards_exit_that_rules_one_out_brings_no_further_one,
      test_guards_without_microdescriptor_serve_directories_only,
      test_guards_are_waited_for_until_the_second_has_its_microdescriptor,
      test_guards_unlisted_for_twenty_days_is_removed,
      test_guards_listed_again_in_time_is_primary_again,
      test_guards_lifetimes_are_120_days_or_60_from_the_confirmation,
      test_guards_confirmed_late_outlive_the_lifetime_of_a_sample,
      test_guards_old_consensus_changes_nothing, test_guards_excluded_ones_stay_sampled_but_unused,
      test_guards_few_entrynodes_use_a_sample_of_their_own,
      test_guards_change_of_sample_is_sluggish, test_guards_state_round_trip,
      test_guards_line_of_tor_is_kept_in_meaning_and_in_what_is_unknown,
      test_guards_damaged_lines_cost_themselves_only, test_guards_order_in_the_file_does_not_matter,
      test_guards_none_before_an_update, test_guards_that_are_all_down_are_told_of,
      test_guards_numbers_of_the_configuration_hold)
