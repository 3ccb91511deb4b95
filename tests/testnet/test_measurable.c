/* Under which terms a relay lets itself be measured. */
#include "testnet/measurable.h"

#include <stdlib.h>

#include "support/test.h"
#include "testnet/netdocs.h"

static struct env *env;
static struct plan plan;
static struct identity *ids;
static struct netdocs *docs;

/* What a relay that says SAID makes of a consensus with PARAMS. */
static struct measurable_terms terms(const char *params, const struct measurable *said)
{
    const struct plan_wish wish = {
        .authorities = 1, .relays = 3, .exits = 1, .base_port = 5000, .params = params};
    char why[PLAN_WHY_MAX];
    env = test_env(3);
    ck_ok(plan_make(&wish, &plan, why));
    ids = calloc(plan.n_nodes, sizeof *ids);
    for (size_t i = 0; i < plan.n_nodes; i++)
        ck_ok(identity_make(env, &ids[i]));
    ck_ok(netdocs_new(env, &plan, ids, &docs));
    struct measurable_terms t = measurable_terms(said, docs);
    netdocs_free(docs);
    for (size_t i = 0; i < plan.n_nodes; i++)
        identity_wipe(&ids[i]);
    free(ids);
    test_env_free(env);
    return t;
}

static void are(struct measurable_terms t, bool allowed, uint32_t period_s, unsigned percent,
                unsigned seconds)
{
    ck_assert_int_eq(t.allowed, allowed);
    ck_assert_uint_eq(t.period_s, period_s);
    ck_assert_uint_eq(t.background_percent, percent);
    ck_assert_uint_eq(t.seconds_most, seconds);
}

START_TEST(test_measurable_defaults)
{
    const struct measurable nothing = {.n_coordinators = 0};
    struct measurable_terms t = measurable_terms(&nothing, NULL);
    are(t, false, 86400, 25, 45);
    ck_assert(!t.speaks);
    are(terms(NULL, &nothing), false, 86400, 25, 45);
}
END_TEST

START_TEST(test_measurable_consensus_says)
{
    const struct measurable nothing = {.n_coordinators = 0};
    struct measurable_terms t =
        terms("FFMeasurementsAllowed=1 FFMeasurementPeriod=7200 FFBackgroundTrafficPercent=10 "
              "FFMaxMeasurementDuration=60",
              &nothing);
    are(t, true, 7200, 10, 60);
    ck_assert(t.speaks);
}
END_TEST

/* 316: [1 hour, 1 month], [0, 99], [10 s, 120 s]. */
START_TEST(test_measurable_consensus_is_bounded)
{
    const struct measurable nothing = {.n_coordinators = 0};
    are(terms("FFMeasurementPeriod=10 FFBackgroundTrafficPercent=100 FFMaxMeasurementDuration=9",
              &nothing),
        false, 3600, 99, 10);
    are(terms("FFMeasurementsAllowed=7 FFMeasurementPeriod=99999999 FFMaxMeasurementDuration=600",
              &nothing),
        true, 30 * 86400, 25, 120);
}
END_TEST

START_TEST(test_measurable_operator_beats_consensus)
{
    const struct measurable said = {.allowed = {true, 0},
                                    .period_s = {true, 0},
                                    .background_percent = {true, 50},
                                    .seconds_most = {true, 12}};
    struct measurable_terms t =
        terms("FFMeasurementsAllowed=1 FFMeasurementPeriod=7200 FFBackgroundTrafficPercent=10 "
              "FFMaxMeasurementDuration=60",
              &said);
    are(t, false, 0, 50, 12);
    ck_assert(t.speaks); /* it says no, in words */
}
END_TEST

START_TEST(test_measurable_share)
{
    struct measurable_terms t = {.background_percent = 25};
    ck_assert_uint_eq(measurable_share(&t, 100), 33);
    ck_assert_uint_eq(measurable_share(&t, 3000), 1000);
    ck_assert_uint_eq(measurable_floor(&t), 416666); /* 3.3 Mbit/s */
    t.background_percent = 50;
    ck_assert_uint_eq(measurable_share(&t, 100), 100);
    t.background_percent = 0;
    ck_assert_uint_eq(measurable_share(&t, 100), 0);
    ck_assert_uint_eq(measurable_floor(&t), 0);
    t.background_percent = 99;
    ck_assert_uint_eq(measurable_share(&t, 100), 9900);
}
END_TEST

TESTS("testnet/measurable", test_measurable_defaults, test_measurable_consensus_says,
      test_measurable_consensus_is_bounded, test_measurable_operator_beats_consensus,
      test_measurable_share)
