/* Doubt, over a pool of links that the test plays. */
#include "client/doubt.h"

#include <string.h>

#include "support/test.h"

static struct {
    unsigned begun, answered, anew, hopeless, doubled, others, tried[4], stands;
} seen;

void linkpool_dial_anew(struct linkpool *pool, uint64_t ms, bool goes_on)
{
    (void)pool, (void)ms;
    seen.anew++;
    seen.hopeless += !goes_on;
}

void linkpool_double_stalled(struct linkpool *pool)
{
    (void)pool;
    seen.doubled++;
}

void linkpool_try(struct linkpool *pool, const struct link_target *target)
{
    (void)pool;
    seen.tried[target->rsa.b[0]]++;
}

void linkpool_way_stands(struct linkpool *pool, uint64_t ms)
{
    (void)pool, (void)ms;
    seen.stands++;
}

static void begun(void *arg)
{
    (void)arg;
    seen.begun++;
}

static size_t others(void *arg, struct link_target *out, size_t most)
{
    (void)arg;
    ck_assert_uint_ge(most, 3);
    memset(out, 0, 3 * sizeof *out);
    for (uint8_t i = 0; i < 3; i++)
        out[i].rsa.b[0] = i;
    seen.others++;
    return 3;
}

static void answered(void *arg)
{
    (void)arg;
    seen.answered++;
}

static const struct doubt_ops ops = {.begun = begun, .others = others, .answered = answered};

static struct env *setup(struct doubt *d)
{
    struct env *env = test_env(1);
    memset(&seen, 0, sizeof seen);
    doubt_init(d, env, NULL, &ops, NULL);
    return env;
}

START_TEST(test_doubt_asks_the_relay_first_and_others_after)
{
    struct doubt d;
    struct env *env = setup(&d);
    doubt_stalled(&d);
    doubt_stalled(&d); /* another link: no more of it */
    ck_assert_uint_eq(seen.begun, 1);
    ck_assert_uint_eq(seen.doubled, 1);
    ck_assert_uint_eq(seen.others, 0);
    test_env_advance_ms(env, 2000);
    ck_assert_uint_eq(seen.doubled, 2);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(seen.tried[i], 1);
    doubt_end(&d);
    test_env_free(env);
}
END_TEST

START_TEST(test_doubt_is_over_soon_after_an_answer)
{
    struct doubt d;
    struct env *env = setup(&d);
    doubt_answered(&d); /* of what nobody doubts */
    test_env_advance_ms(env, 10000);
    ck_assert_uint_eq(seen.stands + seen.answered, 0);
    doubt_stalled(&d);
    test_env_advance_ms(env, 500);
    doubt_answered(&d);
    doubt_answered(&d);
    ck_assert_uint_eq(seen.answered, 1);
    test_env_advance_ms(env, 2999);
    ck_assert_uint_eq(seen.stands, 0);
    ck_assert_uint_eq(seen.doubled, 1); /* nobody is dialled any more */
    test_env_advance_ms(env, 1);
    ck_assert_uint_eq(seen.stands, 1);
    test_env_advance_ms(env, 60000);
    ck_assert_uint_eq(seen.stands, 1);
    ck_assert_uint_eq(seen.answered, 1);
    doubt_stalled(&d); /* it begins anew */
    ck_assert_uint_eq(seen.begun, 2);
    ck_assert_uint_eq(seen.others, 0);
    doubt_end(&d);
    test_env_free(env);
}
END_TEST

static unsigned rounds_in(struct env *env, unsigned s)
{
    unsigned before = seen.doubled;
    test_env_advance_ms(env, s * 1000);
    return seen.doubled - before;
}

START_TEST(test_doubt_that_lasts_asks_seldom_until_somebody_wants_it)
{
    struct doubt d;
    struct env *env = setup(&d);
    doubt_stalled(&d);
    ck_assert_uint_ge(rounds_in(env, 30), 9);
    ck_assert_uint_eq(seen.hopeless, 0);
    rounds_in(env, 20);
    ck_assert_uint_ge(seen.hopeless, 1); /* these guards may be kept from us, and others not */
    rounds_in(env, 300);
    ck_assert_uint_eq(rounds_in(env, 100), 10);
    doubt_wanted(&d);
    ck_assert_uint_ge(rounds_in(env, 10), 4);
    doubt_wanted(&d); /* it is asked often already */
    ck_assert_uint_eq(rounds_in(env, 0), 0);
    doubt_look(&d); /* the cable is in again */
    ck_assert_uint_eq(rounds_in(env, 0), 1);
    doubt_end(&d);
    test_env_free(env);
}
END_TEST

TESTS("client/doubt", test_doubt_asks_the_relay_first_and_others_after,
      test_doubt_is_over_soon_after_an_answer,
      test_doubt_that_lasts_asks_seldom_until_somebody_wants_it)
