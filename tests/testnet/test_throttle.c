/* How much a node carries, on a clock that the test moves. */
#include "testnet/throttle.h"

#include "support/test.h"

static struct env *env;

static void setup(void)
{
    env = test_env(1);
}

static void teardown(void)
{
    test_env_free(env);
}

/* Links that always have something to send. */
struct sender {
    struct throttle *throttle;
    struct throttle_turn turn;
    size_t sent;
};

static void send_all(void *arg)
{
    struct sender *s = arg;
    size_t n;
    while ((n = throttle_allow(s->throttle, &s->turn, 4096))) {
        throttle_spend(s->throttle, &s->turn, n);
        s->sent += n;
    }
}

static void nothing(void *arg)
{
    (void)arg;
}

static void run_senders(struct sender *s, size_t n, uint64_t rate, uint64_t burst, uint64_t ms)
{
    struct throttle t;
    throttle_init(&t, env, rate, burst);
    for (size_t i = 0; i < n; i++) {
        s[i] = (struct sender){.throttle = &t, .turn = {.ready = send_all, .arg = &s[i]}};
        send_all(&s[i]);
    }
    test_env_advance_ms(env, ms);
    for (size_t i = 0; i < n; i++)
        throttle_leave(&t, &s[i].turn);
    throttle_end(&t);
}

START_TEST(test_throttle_rate_is_kept)
{
    static const uint64_t rates[] = {20000, 100000, 1000000, 50000000};
    struct sender one;
    setup();
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        run_senders(&one, 1, rates[i], 0, 10000);
        ck_assert_uint_le(one.sent, rates[i] * 10 + rates[i] / 5 + 16384);
        ck_assert_uint_ge(one.sent, rates[i] * 10 * 97 / 100);
    }
    teardown();
}
END_TEST

START_TEST(test_throttle_rate_is_shared)
{
    enum { N = 8 };
    struct sender s[N];
    size_t sum = 0, least = SIZE_MAX;
    setup();
    run_senders(s, N, 100000, 0, 20000); /* less than a cell for each in a refill */
    for (size_t i = 0; i < N; i++) {
        sum += s[i].sent;
        least = s[i].sent < least ? s[i].sent : least;
    }
    ck_assert_uint_le(sum, 2000000 + 20000);
    ck_assert_uint_ge(sum, 1940000);
    ck_assert_uint_ge(least, 2000000 / N * 8 / 10);
    teardown();
}
END_TEST

START_TEST(test_throttle_no_rate_allows_all)
{
    struct throttle t;
    struct throttle_turn turn = {.ready = NULL};
    setup();
    throttle_init(&t, env, 0, 0);
    ck_assert_uint_eq(throttle_allow(&t, &turn, 1u << 30), 1u << 30);
    throttle_spend(&t, &turn, 1u << 30);
    ck_assert_uint_eq(throttle_allow(&t, &turn, 1u << 30), 1u << 30);
    ck_assert(!turn.waiting);
    throttle_end(&t);
    teardown();
}
END_TEST

/* A reader asks for all the room it has, and finds less. */
START_TEST(test_throttle_who_takes_little_holds_nobody_up)
{
    enum { N = 20 };
    struct sender many[N], one = {.turn = {.ready = send_all, .arg = &one}};
    struct throttle t;
    setup();
    throttle_init(&t, env, 1000000, 0);
    one.throttle = &t;
    for (unsigned ms = 0; ms < 10000; ms++) {
        for (size_t i = 0; i < N; i++) {
            many[i].turn = ms ? many[i].turn : (struct throttle_turn){.ready = nothing};
            if (throttle_allow(&t, &many[i].turn, 32768))
                throttle_spend(&t, &many[i].turn, 1);
        }
        send_all(&one);
        test_env_advance_ms(env, 1);
    }
    ck_assert_uint_ge(one.sent, 9500000);
    for (size_t i = 0; i < N; i++)
        throttle_leave(&t, &many[i].turn);
    throttle_leave(&t, &one.turn);
    throttle_end(&t);
    teardown();
}
END_TEST

START_TEST(test_throttle_who_yields_gets_what_is_left)
{
    struct throttle t;
    struct sender one = {.throttle = &t, .turn = {.ready = send_all, .arg = &one}}, many[8];
    setup();
    throttle_init(&t, env, 1000000, 0);
    for (size_t i = 0; i < 8; i++) {
        many[i] = (struct sender){.throttle = &t, .turn = {.ready = send_all, .arg = &many[i]}};
        send_all(&many[i]);
        throttle_yield(&t, &many[i].turn, true); /* while it waits */
    }
    for (unsigned ms = 0; ms < 10000; ms++) {
        size_t n = throttle_allow(&t, &one.turn, 500);
        throttle_spend(&t, &one.turn, n);
        one.sent += n;
        test_env_advance_ms(env, 1);
    }
    ck_assert_uint_ge(one.sent, 4900000); /* half of the rate: all that it wants */
    size_t sum = one.sent;
    for (size_t i = 0; i < 8; i++) {
        sum += many[i].sent;
        throttle_leave(&t, &many[i].turn);
    }
    ck_assert_uint_ge(sum, 9700000);
    throttle_leave(&t, &one.turn);
    throttle_end(&t);
    teardown();
}
END_TEST

START_TEST(test_throttle_who_yields_is_not_starved)
{
    struct throttle t;
    struct sender one = {.throttle = &t, .turn = {.ready = send_all, .arg = &one}}, other = one;
    setup();
    throttle_init(&t, env, 1000000, 0);
    other.turn.arg = &other;
    throttle_yield(&t, &other.turn, true);
    send_all(&one);
    send_all(&other);
    test_env_advance_ms(env, 10000);
    ck_assert_uint_ge(other.sent, 1000000);
    ck_assert_uint_ge(one.sent, 8000000);
    throttle_leave(&t, &one.turn);
    throttle_leave(&t, &other.turn);
    throttle_end(&t);
    teardown();
}
END_TEST

START_TEST(test_throttle_burst_comes_first_and_once)
{
    struct sender one;
    setup();
    run_senders(&one, 1, 100000, 1000000, 0);
    ck_assert_uint_eq(one.sent, 1000000);
    run_senders(&one, 1, 100000, 1000000, 10000);
    ck_assert_uint_le(one.sent, 2000000);
    ck_assert_uint_ge(one.sent, 1990000);
    teardown();
}
END_TEST

/* Tokens flow all the time. Whoever took the few that there are each time it looks would write a
 * few dozen bytes at a time, and keep everybody busy with that. */
START_TEST(test_throttle_gives_no_crumbs)
{
    struct throttle t;
    struct throttle_turn turn = {.ready = nothing};
    size_t n, given = 0;
    setup();
    throttle_init(&t, env, 1000000, 0);
    while ((n = throttle_allow(&t, &turn, 4096)))
        throttle_spend(&t, &turn, n);
    for (unsigned i = 0; i < 10000; i++) {
        test_env_advance_ms(env, i % 25 == 0);
        env->mono_us += 40;
        n = throttle_allow(&t, &turn, 4096);
        ck_assert_msg(n == 0 || n >= 514, "%zu bytes", n);
        throttle_spend(&t, &turn, n);
        given += n;
    }
    ck_assert_uint_ge(given, 700000);
    env->mono_us += 200;
    n = throttle_allow(&t, &turn, 100); /* no more is wanted */
    ck_assert(n == 100 || turn.waiting);
    throttle_leave(&t, &turn);
    throttle_end(&t);
    teardown();
}
END_TEST

TESTS("testnet/throttle", test_throttle_gives_no_crumbs, test_throttle_rate_is_kept,
      test_throttle_rate_is_shared, test_throttle_no_rate_allows_all,
      test_throttle_who_takes_little_holds_nobody_up, test_throttle_burst_comes_first_and_once,
      test_throttle_who_yields_gets_what_is_left, test_throttle_who_yields_is_not_starved)
