/* What guards tell of the past, and what is left of them when they go. */
#include "path/guardbed.h"
#include "path/guards_int.h"

/* The I-th date behind KEY in what is saved, in days before now; -1: there are fewer. */
static double days_ago(struct bed *b, const char *text, const char *key, size_t i)
{
    const char *at = text;
    for (size_t k = 0; k <= i; k++) {
        at = strstr(at, key);
        if (!at)
            return -1;
        at += strlen(key);
    }
    int64_t t;
    ck_ok(state_time_parse((struct text){at, 19}, &t));
    return (double)(env_wall_s(b->env) - t) / DAY;
}

/* The dates of KEY lie at random within DAYS before now: some in each third, none outside. */
static void check_spread(struct bed *b, const char *key, double days)
{
    char *text = saved(b);
    unsigned thirds[3] = {0}, n = 0;
    for (double ago; (ago = days_ago(b, text, key, n)) >= 0; n++) {
        ck_assert(ago < days);
        thirds[(unsigned)(ago * 3 / days)]++;
    }
    ck_assert_uint_eq(n, 20);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_gt(thirds[i], 0);
    free(text);
}

/* guard-spec 4.0: dates in the file do not tell when the client was there. */
START_TEST(test_guards_time_dates_lie_at_random_before_the_event)
{
    struct bed *b = bed_new(1);
    check_spread(b, " sampled_on=", 12); /* "RAND(now, {GUARD_LIFETIME}/10)" */
    for (size_t i = 0; i < 20; i++) {
        struct rsa_id id = id_at(b, i);
        guards_succeeded(b->g, &id);
    }
    check_spread(b, " confirmed_on=", 12);
    for (size_t i = 0; i < RELAYS; i++)
        b->relays[i].flags = "Fast Running Valid";
    remake(b);
    check_spread(b, " unlisted_since=", 4); /* "{REMOVE_UNLISTED_GUARDS_AFTER} / 5" */
    bed_free(b);
}
END_TEST

/* 0 is no date in the file. */
START_TEST(test_guards_time_a_date_is_never_none)
{
    struct env *env = test_env(1);
    ck_assert_int_eq(guard_backdate(env, 0, 1), 1);
    ck_assert_int_eq(guard_backdate(env, 5, 1), 5);
    for (int i = 0; i < 100; i++)
        ck_assert_int_ge(guard_backdate(env, 5, 100), 1);
    test_env_free(env);
}
END_TEST

/* guard-spec 4.8: "we add it to the end of {CONFIRMED_GUARDS}", whichever it is. */
START_TEST(test_guards_time_confirmed_ones_are_numbered_as_they_worked)
{
    struct bed *b = bed_new(1);
    struct rsa_id ids[20];
    for (size_t i = 0; i < 20; i++)
        ids[i] = id_at(b, i);
    for (size_t i = 20; i-- > 0;) /* the last one of the sample first */
        guards_succeeded(b->g, &ids[i]);
    char *text = saved(b), *at = text;
    char wanted[32];
    for (size_t i = 0; i < 20; i++) {
        struct rsa_id id = id_at(b, i);
        ck_assert(rsa_id_equal(&id, &ids[i]));
        snprintf(wanted, sizeof wanted, " confirmed_idx=%zu\n", 19 - i);
        at = strstr(at, wanted);
        ck_assert_ptr_nonnull(at);
    }
    free(text);
    bed_free(b);
}
END_TEST

/* A machine whose clock starts in 1970 loses no guard once it knows the time; and what was written
 * while the clock was ahead does not stay for longer. */
START_TEST(test_guards_time_wrong_clocks_cost_no_guard_and_give_no_days)
{
    struct bed *b = bed_new(1);
    struct rsa_id first = id_at(b, 0), second = id_at(b, 1);
    guards_succeeded(b->g, &first);
    char *text = saved(b), *again;
    int64_t now_us = b->env->wall_us;
    b->env->wall_us = 1000;
    load(b, text);
    ck_ok(guards_update(b->g, b->nd, &b->cfg)); /* a consensus that seems to lie ahead */
    again = saved(b);
    ck_assert_str_eq(text, again);
    b->env->wall_us = now_us;
    remake(b);
    ck_assert_ptr_nonnull(info_of(b, &second).nickname);
    ck_assert(info_of(b, &first).confirmed);
    free(text);
    free(again);
    b->env->wall_us = now_us + INT64_C(365) * DAY * (int64_t)US_PER_SEC;
    struct rsa_id third = id_at(b, 2);
    guards_succeeded(b->g, &third);
    b->env->wall_us = now_us;
    remake(b);
    ck_assert_int_eq(info_of(b, &third).confirmed_on_s, env_wall_s(b->env));
    bed_free(b);
}
END_TEST

/* A sample as full as can be, by a file of somebody's: nothing behind its end is looked at. */
START_TEST(test_guards_time_a_full_sample_knows_its_own_alone)
{
    struct bed *b = bed_new(1);
    struct rsa_id last = {{0}}, nobody = {.b[0] = 0xff};
    char *text = malloc(GUARDS_MAX * 100), *at = text;
    for (unsigned i = 0; i < GUARDS_MAX; i++)
        at += sprintf(at, "Guard in=default rsa_id=%040X listed=1\n", i + 1);
    load(b, text);
    ck_assert_uint_eq(guards_n(b->g), GUARDS_MAX);
    last.b[19] = GUARDS_MAX & 0xff;
    last.b[18] = GUARDS_MAX >> 8;
    guards_succeeded(b->g, &last);
    guards_succeeded(b->g, &nobody);
    ck_assert(info_of(b, &last).confirmed);
    ck_assert(!guards_is_up(b->g, &nobody));
    free(text);
    bed_free(b);
}
END_TEST

/* A line that is longer than any program writes costs itself. */
START_TEST(test_guards_time_a_line_has_room_for_four_kilobytes)
{
    enum { MOST = 4095 }; /* of the value */
    for (size_t len = MOST; len <= MOST + 1; len++) {
        struct bed *b = bed_new(1);
        char *text = calloc(1, len + 64);
        int n = sprintf(text, "Guard in=default rsa_id=%040X more=", 7);
        memset(text + n, 'x', len + strlen("Guard ") - (size_t)n);
        strcat(text, "\n");
        load(b, text);
        ck_assert_uint_eq(guards_n(b->g), len == MOST);
        free(text);
        bed_free(b);
    }
}
END_TEST

/* What was not said of a guard is not said of it afterwards. */
START_TEST(test_guards_time_nothing_is_made_up_about_who_sampled)
{
    struct bed *b = bed_new(1);
    static const char *const said[] = {"", " sampled_by="};
    for (size_t i = 0; i < 2; i++) {
        char line[200];
        snprintf(line, sizeof line,
                 "Guard in=default rsa_id=000000000000000000000000000000000000000A "
                 "sampled_on=2025-12-01T10:11:12%s listed=1\n",
                 said[i]);
        load(b, line);
        char *text = saved(b);
        ck_assert_ptr_null(strstr(text, "sampled_by"));
        free(text);
    }
    bed_free(b);
}
END_TEST

static void keep_warnings(void *arg, enum log_level level, const char *line)
{
    if (level == LOG_WARN)
        snprintf(arg, 200, "%s", line);
}

START_TEST(test_guards_time_a_configuration_that_stands_out_is_warned_of)
{
    struct bed *b = bed_new(1);
    char said[200] = "";
    struct nodeset *one;
    b->env->log->sink = keep_warnings;
    b->env->log->arg = said;
    ck_ok(nodeset_parse(text_of("relay7"), &one, NULL));
    b->cfg.entry = one;
    ck_ok(guards_update(b->g, b->nd, &b->cfg)); /* 1 of 120 is under a hundredth */
    ck_assert_ptr_nonnull(strstr(said, "rules out all but 1 of 120 guards"));
    said[0] = 0;
    ck_ok(guards_update(b->g, b->nd, &b->cfg));
    ck_assert_str_eq(said, ""); /* once */
    b->cfg.entry = NULL;
    nodeset_free(&one);
    bed_free(b);
}
END_TEST

/* guard-spec 2.B: at the start there is no sample to stay with, so the threshold itself decides. */
START_TEST(test_guards_time_the_first_choice_of_a_sample_has_no_slack)
{
    /* 120 guards: a fifth is 24; with the slack of a change it would be 22.8 or 25.2. */
    for (size_t passing = 23; passing <= 24; passing++) {
        struct bed *b = bed_new(1);
        struct nodeset *s;
        char list[1024];
        size_t at = 0;
        for (size_t i = 0; i < passing; i++)
            at += (size_t)snprintf(list + at, sizeof list - at, "relay%zu,", i);
        ck_ok(nodeset_parse(text_of(list), &s, NULL));
        guards_free(&b->g);
        b->g = guards_new(b->env);
        b->cfg.entry = s;
        ck_ok(guards_update(b->g, b->nd, &b->cfg));
        ck_assert_str_eq(guards_sample_name(b->g), passing < 24 ? "restricted" : "default");
        b->cfg.entry = NULL;
        nodeset_free(&s);
        bed_free(b);
    }
}
END_TEST

/* The file is full of lines that are others': what cannot be kept is said, not lost. */
START_TEST(test_guards_time_a_state_that_takes_no_more_lines_is_an_error)
{
    struct bed *b = bed_new(1);
    struct state *s = state_new();
    const char **values = calloc(STATE_LINES_MAX, sizeof *values);
    for (size_t i = 0; i < STATE_LINES_MAX - 5; i++)
        values[i] = "of others";
    ck_ok(state_set(s, "Other", values, STATE_LINES_MAX - 5));
    free(values);
    ck_err(guards_save(b->g, s), ERR_LIMIT);
    ck_assert(guards_dirty(b->g));
    state_free(&s);
    bed_free(b);
}
END_TEST

TESTS("path/guards_time", test_guards_time_dates_lie_at_random_before_the_event,
      test_guards_time_a_date_is_never_none, test_guards_time_a_line_has_room_for_four_kilobytes,
      test_guards_time_confirmed_ones_are_numbered_as_they_worked,
      test_guards_time_wrong_clocks_cost_no_guard_and_give_no_days,
      test_guards_time_a_full_sample_knows_its_own_alone,
      test_guards_time_nothing_is_made_up_about_who_sampled,
      test_guards_time_a_configuration_that_stands_out_is_warned_of,
      test_guards_time_the_first_choice_of_a_sample_has_no_slack,
      test_guards_time_a_state_that_takes_no_more_lines_is_an_error)
