/* Circuits through guards behind the primary ones: which of them may be used, and when (guard-spec
 * 4.6 to 4.9). */
#include "path/guard_circuit.h"
#include "path/guardbed.h"

static void sleep_s(struct bed *b, uint64_t s)
{
    test_env_advance_ms(b->env, s * 1000);
}

/* A circuit is begun as path_pick() and a leg do it; EXIT may be NULL. */
static enum guard_use begin(struct bed *b, struct guard_circuit *c, const struct router *exit)
{
    struct guard_restriction rst = {.exit = exit};
    struct path_pick p = {.n = 3, .apart = exit};
    ck_ok(guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &rst, &p.hop[0], &p.guard_use));
    guard_circuit_begin(b->g, c, &p);
    return p.guard_use;
}

static bool built(struct bed *b, struct guard_circuit *c)
{
    ck_assert(guard_circuit_built(b->g, c, b->nd));
    return c->state == GUARD_CIRCUIT_COMPLETE;
}

static bool may(struct bed *b, struct guard_circuit *c)
{
    bool used = guard_circuit_may_be_used(b->g, c, b->nd);
    ck_assert_int_eq(used, c->state == GUARD_CIRCUIT_COMPLETE);
    return used;
}

/* The three primary guards work, and fail an hour later. */
static void lose_primaries(struct bed *b, struct rsa_id ids[3])
{
    for (size_t i = 0; i < 3; i++) {
        ids[i] = id_at(b, i);
        guards_succeeded(b->g, &ids[i]);
    }
    sleep_s(b, 60);
    for (size_t i = 0; i < 3; i++) {
        pick(b, NULL);
        guards_failed(b->g, &ids[i]);
    }
}

START_TEST(test_guard_circuit_of_a_primary_guard_is_complete_when_it_stands)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    struct rsa_id first = id_at(b, 0);
    ck_assert_int_eq(begin(b, &c, NULL), GUARD_USABLE);
    ck_assert_int_eq(c.state, GUARD_CIRCUIT_SURE);
    ck_assert(rsa_id_equal(&c.guard, &first));
    ck_assert(!may(b, &c));
    ck_assert(built(b, &c) && may(b, &c));
    ck_assert(info_of(b, &first).confirmed);
    guard_circuit_end(b->g, &c);
    guard_circuit_end(b->g, &c);
    bed_free(b);
}
END_TEST

/* A primary guard that fails, and one that is given up: only the first is down. */
START_TEST(test_guard_circuit_that_fails_or_is_given_up)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    struct rsa_id first = id_at(b, 0);
    begin(b, &c, NULL);
    guard_circuit_end(b->g, &c);
    ck_assert(!info_of(b, &first).down);
    begin(b, &c, NULL);
    guard_circuit_failed(b->g, &c);
    guard_circuit_failed(b->g, &c);
    ck_assert(info_of(b, &first).down);
    bed_free(b);
}
END_TEST

START_TEST(test_guard_circuit_of_no_guard_is_nobodys)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    struct rsa_id first = id_at(b, 0);
    struct path_pick p = {.hop = {netdir_by_rsa(b->nd, &first)}, .n = 1, .guard_use = GUARD_NONE};
    guard_circuit_begin(b->g, &c, &p);
    ck_assert(guard_circuit_built(b->g, &c, b->nd));
    ck_assert(guard_circuit_may_be_used(b->g, &c, b->nd));
    guard_circuit_failed(b->g, &c);
    ck_assert(!info_of(b, &first).confirmed && !info_of(b, &first).down);
    bed_free(b);
}
END_TEST

/* C tor: GUARD_USABLE_NEVER */
START_TEST(test_guard_circuit_whose_guard_was_dropped_is_of_no_use)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    begin(b, &c, NULL);
    guards_drop_all(b->g);
    ck_assert(!guard_circuit_built(b->g, &c, b->nd));
    guard_circuit_end(b->g, &c);
    bed_free(b);
}
END_TEST

START_TEST(test_guard_circuit_waits_until_all_primary_guards_are_down)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    sleep_s(b, 9 * 60); /* not yet time to try them again, and by when it stands, it is */
    ck_assert_int_eq(begin(b, &c, NULL), GUARD_USABLE_IF_NO_BETTER);
    sleep_s(b, 60);
    ck_assert(!built(b, &c) && !may(b, &c));
    for (size_t i = 0; i < 3; i++) {
        pick(b, NULL);
        guards_failed(b->g, &ids[i]);
    }
    ck_assert(may(b, &c));
    guard_circuit_end(b->g, &c);
    bed_free(b);
}
END_TEST

/* Unconfirmed primary guards are pushed aside by one that works. */
START_TEST(test_guard_circuit_may_make_its_guard_primary)
{
    struct bed *b = bed_new(1);
    struct guard_circuit c;
    for (size_t i = 0; i < 3; i++) {
        struct rsa_id id = id_at(b, i);
        pick(b, NULL);
        guards_failed(b->g, &id);
    }
    begin(b, &c, NULL);
    ck_assert(built(b, &c));
    ck_assert(info_of(b, &c.guard).primary && info_of(b, &c.guard).confirmed);
    guard_circuit_end(b->g, &c);
    bed_free(b);
}
END_TEST

/* guard-spec 4.8: ten minutes without a success, and it may have been the network. */
START_TEST(test_guard_circuit_after_a_network_outage_gives_primaries_another_chance)
{
    for (uint64_t minutes = 9; minutes <= 11; minutes += 2) {
        struct bed *b = bed_new(1);
        struct guard_circuit c;
        struct rsa_id ids[3];
        lose_primaries(b, ids);
        sleep_s(b, minutes * 60 - 61);
        for (size_t i = 0; i < 3; i++)
            guards_failed(b->g, &ids[i]);
        begin(b, &c, NULL);
        sleep_s(b, 1);
        ck_assert_int_eq(built(b, &c), minutes == 9);
        ck_assert_int_eq(info_of(b, &ids[0]).down, minutes == 9);
        guard_circuit_end(b->g, &c);
        bed_free(b);
    }
}
END_TEST

/* The first tried has 15 s; then the second is used, and the first no more blocks it. */
START_TEST(test_guard_circuit_waits_for_a_better_one_that_is_being_built)
{
    struct bed *b = bed_new(1);
    struct guard_circuit better, worse;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    begin(b, &better, NULL);
    guard_circuit_end(b->g, &better);
    guards_succeeded(b->g, &better.guard); /* it worked before: a confirmed one */
    begin(b, &better, NULL);
    sleep_s(b, 1);
    begin(b, &worse, NULL);
    ck_assert(!rsa_id_equal(&better.guard, &worse.guard));
    ck_assert(!built(b, &worse));
    sleep_s(b, 13);
    ck_assert(!may(b, &worse));
    sleep_s(b, 1);
    ck_assert(may(b, &worse));
    guard_circuit_end(b->g, &better);
    guard_circuit_end(b->g, &worse);
    bed_free(b);
}
END_TEST

/* One that stands, waiting or complete, goes before a worse one for as long as it lives. */
START_TEST(test_guard_circuit_waits_for_a_better_one_that_stands)
{
    struct bed *b = bed_new(1);
    struct guard_circuit better, worse;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    begin(b, &better, NULL);
    begin(b, &worse, NULL);
    ck_assert(built(b, &better));
    ck_assert(!built(b, &worse));
    sleep_s(b, 100);
    ck_assert(!may(b, &worse));
    guard_circuit_end(b->g, &better);
    ck_assert(may(b, &worse));
    guard_circuit_end(b->g, &worse);
    bed_free(b);
}
END_TEST

/* "C2 obeys all the restrictions that C1 had to obey": one whose guard is the exit's own family
 * holds nobody up. */
START_TEST(test_guard_circuit_is_not_held_up_by_who_could_not_stand_in_for_it)
{
    struct bed *b = bed_new(1);
    struct guard_circuit better, worse;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    begin(b, &better, NULL);
    begin(b, &worse, netdir_by_rsa(b->nd, &better.guard));
    ck_assert(built(b, &better));
    ck_assert(built(b, &worse));
    guard_circuit_end(b->g, &better);
    guard_circuit_end(b->g, &worse);
    bed_free(b);
}
END_TEST

/* Two that never worked: the one that was tried first. */
START_TEST(test_guard_circuit_among_untried_guards_the_first_tried_is_better)
{
    struct bed *b = bed_new(1);
    struct guard_circuit first, second, third;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    begin(b, &first, NULL);
    sleep_s(b, 1);
    begin(b, &second, NULL);
    sleep_s(b, 1);
    begin(b, &third, NULL);
    ck_assert(built(b, &second)); /* it is confirmed by that, and so the best */
    ck_assert(!built(b, &third));
    ck_assert(!built(b, &first)); /* confirmed after the second */
    guard_circuit_end(b->g, &second);
    ck_assert(!may(b, &first)); /* the third was confirmed before it */
    ck_assert(may(b, &third));
    guard_circuit_end(b->g, &first);
    guard_circuit_end(b->g, &third);
    bed_free(b);
}
END_TEST

START_TEST(test_guard_circuit_that_waits_for_ten_minutes_is_stale)
{
    struct bed *b = bed_new(1);
    struct guard_circuit better, worse;
    struct rsa_id ids[3];
    lose_primaries(b, ids);
    begin(b, &better, NULL);
    begin(b, &worse, NULL);
    ck_assert(built(b, &better));
    ck_assert(!built(b, &worse));
    sleep_s(b, 599);
    ck_assert(!guard_circuit_is_stale(b->g, &worse));
    sleep_s(b, 1);
    ck_assert(guard_circuit_is_stale(b->g, &worse));
    ck_assert(!guard_circuit_is_stale(b->g, &better));
    guard_circuit_end(b->g, &better);
    guard_circuit_end(b->g, &worse);
    bed_free(b);
}
END_TEST

TESTS("path/guard_circuit", test_guard_circuit_of_a_primary_guard_is_complete_when_it_stands,
      test_guard_circuit_that_fails_or_is_given_up, test_guard_circuit_of_no_guard_is_nobodys,
      test_guard_circuit_whose_guard_was_dropped_is_of_no_use,
      test_guard_circuit_waits_until_all_primary_guards_are_down,
      test_guard_circuit_may_make_its_guard_primary,
      test_guard_circuit_after_a_network_outage_gives_primaries_another_chance,
      test_guard_circuit_waits_for_a_better_one_that_is_being_built,
      test_guard_circuit_waits_for_a_better_one_that_stands,
      test_guard_circuit_is_not_held_up_by_who_could_not_stand_in_for_it,
      test_guard_circuit_among_untried_guards_the_first_tried_is_better,
      test_guard_circuit_that_waits_for_ten_minutes_is_stale)
