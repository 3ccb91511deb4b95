/* Which guards come first, whichever place they have in the sample; and what a restart keeps of
 * that. */
#include "path/guardbed.h"

static struct nodeset *set(const char *list)
{
    struct nodeset *s;
    ck_ok(nodeset_parse(text_of(list), &s, NULL));
    return s;
}

/* The sample begins with IDS, and those are primary of which PRIMARY has a 1. */
static void check_primary(struct bed *b, const struct rsa_id *ids, const char *primary)
{
    for (size_t i = 0; primary[i]; i++) {
        struct rsa_id id = id_at(b, i);
        ck_assert_msg(rsa_id_equal(&id, &ids[i]), "another guard has place %zu", i);
        ck_assert_int_eq(info_of(b, &id).primary, primary[i] == '1');
    }
}

/* ExcludeNodes becomes the one guard of ID, or nobody. */
static void exclude(struct bed *b, const struct rsa_id *id)
{
    static struct nodeset *no;
    nodeset_free(&no);
    if (id)
        no = set(netdir_by_rsa(b->nd, id)->nickname);
    b->cfg.exclude = no;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
}

/* guard-spec 4.4: those that were primary already come before others that were sampled earlier. */
START_TEST(test_guards_primary_ones_stay_when_an_earlier_one_comes_back)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[4], first;
    for (size_t i = 0; i < 4; i++)
        ids[i] = id_at(b, i);
    first = ids[0];
    exclude(b, &first);
    check_primary(b, ids, "0111");
    exclude(b, NULL);
    check_primary(b, ids, "0111");
    ck_assert(info_of(b, &first).filtered && !info_of(b, &first).primary);
    bed_free(b);
}
END_TEST

/* proposal 310: whichever worked first, the first of the sample is used; and one that works takes
 * the place of a primary one that never did. */
START_TEST(test_guards_primary_ones_are_used_in_sample_order)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[6];
    for (size_t i = 0; i < 6; i++)
        ids[i] = id_at(b, i);
    guards_succeeded(b->g, &ids[2]);
    check_primary(b, ids, "1110");
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &ids[0]));
    guards_succeeded(b->g, &ids[5]);
    check_primary(b, ids, "101001");
    guards_succeeded(b->g, &ids[4]);
    check_primary(b, ids, "001011");
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &ids[2]));
    guards_succeeded(b->g, &ids[1]); /* it is confirmed, and before these in the sample */
    check_primary(b, ids, "011010");
    ck_assert(rsa_id_equal(&pick(b, NULL)->rsa, &ids[1]));
    bed_free(b);
}
END_TEST

/* C tor, entry_guards_update_primary(): none is made primary that is known to be down. */
START_TEST(test_guards_primary_ones_that_are_missing_are_not_filled_with_what_is_down)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[5];
    for (size_t i = 0; i < 5; i++)
        ids[i] = id_at(b, i);
    guards_failed(b->g, &ids[1]);
    guards_failed(b->g, &ids[3]);
    exclude(b, &ids[0]);
    check_primary(b, ids, "01101"); /* the second was there already */
    exclude(b, NULL);
    bed_free(b);
}
END_TEST

START_TEST(test_guards_primary_is_the_last_of_a_sample_like_any_other)
{
    struct bed *b = bed_new(1);
    struct nodeset *three = set("relay7,relay8,relay9");
    struct rsa_id ids[3];
    b->cfg.entry = three;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert_uint_eq(guards_n(b->g), 3);
    for (size_t i = 0; i < 3; i++)
        ids[i] = id_at(b, i);
    check_primary(b, ids, "111");
    exclude(b, &ids[2]);
    ck_assert(!guards_is_up(b->g, &ids[2]));
    check_primary(b, ids, "110");
    exclude(b, NULL);
    ck_assert(guards_is_up(b->g, &ids[2]));
    check_primary(b, ids, "111");
    b->cfg.entry = NULL;
    nodeset_free(&three);
    bed_free(b);
}
END_TEST

/* Picks until nobody is left; each that is picked fails. */
static size_t fail_all(struct bed *b)
{
    const struct router *r;
    enum guard_use use;
    size_t n = 0;
    err_t e;
    while ((e = guards_pick(b->g, b->nd, GUARD_FOR_TRAFFIC, &any, &r, &use)) == OK) {
        guards_failed(b->g, &r->rsa);
        ck_assert_uint_lt(++n, RELAYS);
    }
    ck_err(e, ERR_STATE);
    return n;
}

/* It may have been our own network: whoever asks next finds every one of them worth a try. */
START_TEST(test_guards_primary_and_others_get_another_chance_once_all_are_down)
{
    struct bed *b = bed_new(1);
    size_t n = fail_all(b);
    ck_assert_uint_eq(n, guards_n(b->g));
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(fail_all(b), n);
    for (size_t i = 0; i < n; i++) {
        struct rsa_id id = id_at(b, i);
        ck_assert(guards_is_up(b->g, &id));
    }
    bed_free(b);
}
END_TEST

START_TEST(test_guards_primary_one_of_the_restricted_sample_is_known_after_a_restart)
{
    struct bed *b = bed_new(1);
    struct nodeset *three = set("relay7,relay8,relay9");
    b->cfg.entry = three;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    struct rsa_id last = id_at(b, 2);
    guards_succeeded(b->g, &last);
    struct guard_info before = info_of(b, &last);
    char *text = saved(b);
    guards_free(&b->g);
    b->g = guards_new(b->env);
    load(b, text);
    test_env_advance_ms(b->env, 3600 * 1000);
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert_str_eq(guards_sample_name(b->g), "restricted");
    struct guard_info after = info_of(b, &last);
    ck_assert(after.confirmed && after.primary);
    ck_assert_int_eq(after.sampled_on_s, before.sampled_on_s);
    ck_assert_int_eq(after.confirmed_on_s, before.confirmed_on_s);
    free(text);
    b->cfg.entry = NULL;
    nodeset_free(&three);
    bed_free(b);
}
END_TEST

#define LINE(n, more)                                                    \
    "Guard in=default rsa_id=000000000000000000000000000000000000000" #n \
    " sampled_on=2025-12-01T10:11:12 sampled_idx=" more "\n"
#define CONFIRMED(place) " listed=1 confirmed_on=2025-12-05T00:00:00 confirmed_idx=" #place

/* Two may claim the same place in a file, and places may be missing: each gets one of its own. */
START_TEST(test_guards_primary_order_of_a_file_is_made_whole)
{
    struct bed *b = bed_new(1);
    load(b, LINE(1, "0" CONFIRMED(5)) LINE(2, "1" CONFIRMED(3)) LINE(3, "2" CONFIRMED(5))
                LINE(4, "3 listed=1") LINE(5, "4" CONFIRMED(0)));
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(id_at(b, i).b[19], i + 1);
    char *text = saved(b);
    ck_assert_ptr_nonnull(strstr(text, LINE(1, "0" CONFIRMED(2)) LINE(2, "1" CONFIRMED(1))
                                           LINE(3, "2" CONFIRMED(3)) LINE(4, "3 listed=1")
                                               LINE(5, "4" CONFIRMED(0))));
    free(text);
    bed_free(b);
}
END_TEST

/* tor counts the places in the file from 0 on without a gap, also when one of them has gone. */
START_TEST(test_guards_primary_places_in_the_file_have_no_gap)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[3];
    for (size_t i = 0; i < 3; i++)
        ids[i] = id_at(b, i);
    for (size_t i = 0; i < 3; i++)
        guards_succeeded(b->g, &ids[i]);
    for (size_t i = 0; i < RELAYS; i++)
        if (memcmp(b->relays[i].rsa, ids[0].b, 20) == 0)
            b->relays[i].flags = "Fast Running Valid";
    remake(b);
    test_env_advance_ms(b->env, (uint64_t)25 * DAY * 1000);
    remake(b);
    ck_assert_ptr_null(info_of(b, &ids[0]).nickname);
    char *text = saved(b);
    ck_assert_ptr_nonnull(strstr(text, " confirmed_idx=0\n"));
    ck_assert_ptr_nonnull(strstr(text, " confirmed_idx=1\n"));
    ck_assert_ptr_null(strstr(text, " confirmed_idx=2\n"));
    free(text);
    bed_free(b);
}
END_TEST

TESTS("path/guards_primary", test_guards_primary_ones_stay_when_an_earlier_one_comes_back,
      test_guards_primary_ones_are_used_in_sample_order,
      test_guards_primary_ones_that_are_missing_are_not_filled_with_what_is_down,
      test_guards_primary_is_the_last_of_a_sample_like_any_other,
      test_guards_primary_and_others_get_another_chance_once_all_are_down,
      test_guards_primary_one_of_the_restricted_sample_is_known_after_a_restart,
      test_guards_primary_order_of_a_file_is_made_whole,
      test_guards_primary_places_in_the_file_have_no_gap)
