/* The window of cells under way, held against a relay that is a queue with a rate and a way. */
#include "measure/flight.h"

#include "base/env.h"
#include "support/test.h"

/* So many cells a second come through, each after a time on its way at least. */
struct pipe {
    struct flight f;
    uint64_t now_us, rate, rtt_us;
    uint64_t back_part; /* cells, in millionths */
    uint64_t most_under_way, most_of_rate_ms;
};

static struct pipe pipe_of(unsigned circs, uint64_t rate, uint64_t rtt_us)
{
    struct pipe p = {.now_us = 1000000, .rate = rate, .rtt_us = rtt_us};
    flight_init(&p.f, circs, 0, p.now_us);
    return p;
}

static void run(struct pipe *p, unsigned ms)
{
    for (unsigned i = 0; i < ms / FLIGHT_TICK_MS; i++) {
        uint64_t by_way = p->f.cells * US_PER_SEC / p->rtt_us;
        uint64_t rate = by_way < p->rate ? by_way : p->rate;
        p->now_us += FLIGHT_TICK_MS * US_PER_MS;
        p->back_part += rate * FLIGHT_TICK_MS * US_PER_MS;
        (void)flight_tick(&p->f, p->now_us, p->back_part / US_PER_SEC);
        if (p->f.cells > p->most_under_way)
            p->most_under_way = p->f.cells;
        uint64_t queue_ms = p->f.cells * MS_PER_SEC / (p->f.rate ? p->f.rate : 1);
        if (i > 4 && queue_ms > p->most_of_rate_ms)
            p->most_of_rate_ms = queue_ms;
    }
}

/* What comes through with this much under way. */
static uint64_t through(const struct pipe *p)
{
    uint64_t by_way = p->f.cells * US_PER_SEC / p->rtt_us;
    return by_way < p->rate ? by_way : p->rate;
}

START_TEST(test_flight_begins_with_three_cells_a_circuit)
{
    struct flight f;
    flight_init(&f, 40, 0, 0);
    ck_assert_uint_eq(f.cells, 120);
    ck_assert_uint_eq(flight_share(&f, 0), 3);
    ck_assert_uint_eq(flight_share(&f, 39), 3);
    ck_assert(!flight_is_settled(&f));
    ck_assert(!flight_tick(&f, 0, 0)); /* no time went by */
}
END_TEST

START_TEST(test_flight_finds_the_rate_over_any_way)
{
    static const uint64_t rates[] = {150, 1000, 10 * 1000, 100 * 1000, 250 * 1000};
    static const uint64_t ways_us[] = {200, 20 * 1000, 100 * 1000, 300 * 1000};
    for (unsigned r = 0; r < 5; r++)
        for (unsigned w = 0; w < 4; w++) {
            struct pipe p = pipe_of(r ? 40 : 10, rates[r], ways_us[w]);
            uint64_t fits = 40 * 1000 * US_PER_SEC / ways_us[w];
            run(&p, 8000);
            uint64_t want = p.rate < fits ? p.rate : fits;
            ck_assert_msg(through(&p) >= want * 97 / 100, "%lu cells/s over %lu us: %lu",
                          (unsigned long)p.rate, (unsigned long)ways_us[w],
                          (unsigned long)through(&p));
            ck_assert(flight_is_settled(&p.f) || p.f.capped);
        }
}
END_TEST

START_TEST(test_flight_keeps_under_half_a_second_of_the_rate)
{
    static const uint64_t rates[] = {100, 1000, 10 * 1000, 100 * 1000};
    for (unsigned r = 0; r < 4; r++) {
        struct pipe p = pipe_of(40, rates[r], 1000);
        run(&p, 30000);
        ck_assert_uint_le(p.most_of_rate_ms, FLIGHT_RATE_MS);
    }
}
END_TEST

START_TEST(test_flight_keeps_under_what_a_circuit_may_hold)
{
    struct pipe p = pipe_of(2, 10 * 1000 * 1000, 100 * 1000);
    run(&p, 30000);
    ck_assert_uint_eq(p.most_under_way, 2 * FLIGHT_CIRCUIT_MOST);
    ck_assert_uint_eq(flight_share(&p.f, 1), FLIGHT_CIRCUIT_MOST);
    ck_assert(p.f.capped); /* so it's not the relay that holds us back */
}
END_TEST

START_TEST(test_flight_follows_a_relay_that_slows_down)
{
    struct pipe p = pipe_of(40, 40 * 1000, 50 * 1000);
    run(&p, 5000);
    ck_assert_uint_ge(p.f.cells, 2000);
    p.rate = 2000;
    run(&p, 2000);
    ck_assert_uint_le(p.f.cells, 1100);
    p.rate = 40 * 1000;
    run(&p, 20000);
    ck_assert_uint_ge(through(&p), 39 * 1000);
}
END_TEST

/* A relay with tokens left over is faster at first. Once it is slower than what the circuits may
 * hold it is the relay that holds us back. */
START_TEST(test_flight_is_capped_no_longer_than_the_circuits_are_full)
{
    struct pipe p = pipe_of(10, 200 * 1000, 100 * 1000);
    run(&p, 8000);
    ck_assert(p.f.capped);
    p.rate = 17 * 1000;
    run(&p, 2000);
    ck_assert(!p.f.capped && flight_is_settled(&p.f));
    run(&p, 20000);
    ck_assert(!p.f.capped && flight_is_settled(&p.f));
}
END_TEST

/* Scheduling makes rates jump: what little is under way is not taken for the relay's limit. */
START_TEST(test_flight_is_not_fooled_by_a_busy_computer)
{
    for (unsigned seed = 1; seed < 50; seed++) {
        struct env *env = test_env(seed);
        struct pipe p = pipe_of(10, 5000, 10 * 1000);
        for (unsigned i = 0; i < 40; i++) {
            p.rtt_us = 5000 + env_random_below(env, 15000);
            run(&p, FLIGHT_TICK_MS);
        }
        ck_assert_uint_ge(p.f.cells * MS_PER_SEC, p.f.rate * FLIGHT_LITTLE_MS);
        ck_assert_uint_ge(p.f.rate, 4500);
        test_env_free(env);
    }
}
END_TEST

START_TEST(test_flight_is_shared_out_whole)
{
    struct flight f;
    flight_init(&f, 7, 0, 0);
    for (f.cells = 4; f.cells < 7000; f.cells += 11) {
        uint64_t sum = 0;
        for (unsigned i = 0; i < 7; i++)
            sum += flight_share(&f, i);
        ck_assert_uint_eq(sum, f.cells);
    }
}
END_TEST

/* One in k comes back: with less than that a circuit would wait for ever. */
START_TEST(test_flight_leaves_each_circuit_what_an_answer_needs)
{
    struct flight f;
    flight_init(&f, 4, 200, 0);
    ck_assert_uint_eq(f.cells, 800);
    for (unsigned i = 1; i < 40; i++)
        (void)flight_tick(&f, i * 250000, i * 10);
    ck_assert_uint_eq(flight_share(&f, 3), 200);
}
END_TEST

/* What sufficed does so no more: it is tried with more under way, and that goes on as long as more
 * comes through. */
START_TEST(test_flight_makes_up_for_a_way_that_becomes_longer)
{
    struct pipe p = pipe_of(40, 2000, 20 * 1000);
    run(&p, 20 * 1000);
    ck_assert(flight_is_settled(&p.f));
    p.rtt_us = 400 * 1000;
    run(&p, 60 * 1000);
    ck_assert_uint_ge(through(&p), p.rate * 9 / 10);
    ck_assert(flight_is_settled(&p.f));
    ck_assert_uint_le(p.f.cells * 1000, p.f.rate * 500 + 120 * 1000);
}
END_TEST

/* Nothing comes: nothing more goes. */
START_TEST(test_flight_does_not_grow_over_silence)
{
    struct flight f;
    flight_init(&f, 40, 0, 0);
    for (unsigned i = 1; i < 100; i++)
        ck_assert(!flight_tick(&f, i * 250000, 0) || f.cells <= 180);
    ck_assert_uint_le(f.cells, 180);
}
END_TEST

TESTS("measure/flight", test_flight_begins_with_three_cells_a_circuit,
      test_flight_finds_the_rate_over_any_way, test_flight_keeps_under_half_a_second_of_the_rate,
      test_flight_keeps_under_what_a_circuit_may_hold, test_flight_follows_a_relay_that_slows_down,
      test_flight_is_capped_no_longer_than_the_circuits_are_full,
      test_flight_is_not_fooled_by_a_busy_computer, test_flight_is_shared_out_whole,
      test_flight_leaves_each_circuit_what_an_answer_needs,
      test_flight_makes_up_for_a_way_that_becomes_longer, test_flight_does_not_grow_over_silence)
