/* The rules of a conflux set one by one; all of them together against chance in
 * test_conflux_model.c. */
#include "stream/conflux.h"

#include <string.h>

#include "support/test.h"

enum { LEGS = 3, TIMEOUT_US = 1000000 };

/* One leg's circuit, as the set asks for it. */
struct circuit {
    bool may_send, in_flight;
    uint64_t rtt_us;
};

static bool may_send(const struct conflux_leg *leg)
{
    return ((const struct circuit *)leg->owner)->may_send;
}

static uint64_t rtt_us(const struct conflux_leg *leg)
{
    return ((const struct circuit *)leg->owner)->rtt_us;
}

static bool in_flight(const struct conflux_leg *leg)
{
    return ((const struct circuit *)leg->owner)->in_flight;
}

static const struct conflux_ops ops = {may_send, rtt_us, in_flight};

struct world {
    struct conflux c;
    struct circuit circuit[LEGS];
    struct conflux_leg *leg[LEGS];
};

static struct conflux_config config_of(uint8_t ux)
{
    struct conflux_config config = {.ux = ux, .held_most = 4000, .legs_most = LEGS};
    memset(config.nonce, 0x5a, sizeof config.nonce);
    return config;
}

static struct relay_conflux_link link_of(uint64_t sent, uint64_t recv, uint8_t ux)
{
    struct relay_conflux_link m = {
        .last_seqno_sent = sent, .last_seqno_recv = recv, .desired_ux = ux};
    memset(m.nonce, 0x5a, sizeof m.nonce);
    return m;
}

static void init(struct world *w)
{
    const struct conflux_config config = config_of(CONFLUX_UX_HIGH_THROUGHPUT);
    *w = (struct world){0};
    conflux_init(&w->c, &config, &ops);
    for (unsigned i = 0; i < LEGS; i++)
        w->circuit[i].may_send = true;
}

/* A client's set of N legs, joined, of which leg I answered after (I + 1) * 100 us. */
static void init_joined(struct world *w, unsigned n, uint8_t exits_ux)
{
    struct relay_conflux_link said, answer = link_of(0, 0, exits_ux);
    init(w);
    for (unsigned i = 0; i < n; i++)
        ck_ok(conflux_expect(&w->c, &w->circuit[i], &w->leg[i]));
    for (unsigned i = 0; i < n; i++) {
        conflux_ask(&w->c, w->leg[i], 5000, &said);
        ck_ok(conflux_linked(&w->c, w->leg[i], &answer, 5100 + 100 * i, TIMEOUT_US));
    }
    ck_assert_uint_eq(conflux_count(&w->c, CONFLUX_JOINED), n);
}

/* What the set sends over a leg it chose itself; returns which. */
static unsigned send_one(struct world *w, bool data, bool *switched, uint32_t *skip)
{
    struct conflux_leg *leg = conflux_choose(&w->c, data);
    ck_assert_ptr_nonnull(leg);
    ck_ok(conflux_turn_to(&w->c, leg, switched, skip));
    conflux_sent(&w->c, leg);
    for (unsigned i = 0; i < LEGS; i++)
        if (w->leg[i] == leg)
            return i;
    ck_abort_msg("no leg of ours");
    return 0;
}

static err_t get(struct world *w, unsigned leg, const char *text, bool *its_turn)
{
    const struct relay_msg msg = {
        .cmd = RELAY_DATA, .stream_id = 1, .data = (const uint8_t *)text, .len = strlen(text)};
    return conflux_got(&w->c, w->leg[leg], &msg, its_turn);
}

static void get_now(struct world *w, unsigned leg, const char *text)
{
    bool its_turn;
    ck_ok(get(w, leg, text, &its_turn));
    ck_assert(its_turn);
}

static void get_early(struct world *w, unsigned leg, const char *text)
{
    bool its_turn;
    ck_ok(get(w, leg, text, &its_turn));
    ck_assert(!its_turn);
}

static void get_switch(struct world *w, unsigned leg, uint32_t seqno)
{
    const struct relay_conflux_switch m = {seqno};
    ck_ok(conflux_switched(&w->c, w->leg[leg], &m));
}

static void next_is(struct world *w, const char *text)
{
    struct relay_msg msg;
    ck_assert(conflux_next(&w->c, &msg));
    ck_assert_uint_eq(msg.len, strlen(text));
    ck_assert_mem_eq(msg.data, text, msg.len);
}

static void no_next(struct world *w)
{
    struct relay_msg msg;
    ck_assert(!conflux_next(&w->c, &msg));
}

/* ---- linking ---- */

START_TEST(test_conflux_link_says_the_nonce_and_what_we_want)
{
    struct world w;
    struct relay_conflux_link said;
    const struct conflux_config config = config_of(CONFLUX_UX_HIGH_THROUGHPUT);
    init(&w);
    ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
    conflux_ask(&w.c, w.leg[0], 1, &said);
    ck_assert_mem_eq(said.nonce, config.nonce, sizeof said.nonce);
    ck_assert_uint_eq(said.desired_ux, CONFLUX_UX_HIGH_THROUGHPUT);
    ck_assert_uint_eq(said.last_seqno_sent, 0);
    ck_assert_uint_eq(said.last_seqno_recv, 0);
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_legs_join_when_none_is_waited_for)
{
    struct world w;
    struct relay_conflux_link said, answer = link_of(0, 0, CONFLUX_UX_MIN_LATENCY);
    init(&w);
    ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
    ck_ok(conflux_expect(&w.c, &w.circuit[1], &w.leg[1]));
    conflux_ask(&w.c, w.leg[0], 100, &said);
    ck_ok(conflux_linked(&w.c, w.leg[0], &answer, 400, TIMEOUT_US));
    ck_assert_uint_eq(w.leg[0]->rtt_us, 300);
    ck_assert_int_eq(w.leg[0]->state, CONFLUX_LINKED); /* the other is still being built */
    ck_assert_ptr_null(conflux_choose(&w.c, false));
    conflux_ask(&w.c, w.leg[1], 500, &said);
    ck_assert_int_eq(w.leg[0]->state, CONFLUX_LINKED);
    ck_ok(conflux_linked(&w.c, w.leg[1], &answer, 600, TIMEOUT_US));
    ck_assert_int_eq(w.leg[0]->state, CONFLUX_JOINED);
    ck_assert_int_eq(w.leg[1]->state, CONFLUX_JOINED);
    conflux_clear(&w.c);
}
END_TEST

/* TROVE-2026-004: all 32 bytes of it. */
START_TEST(test_conflux_linked_with_another_nonce_is_refused)
{
    for (unsigned at = 0; at < CONFLUX_NONCE_LEN; at++) {
        struct world w;
        struct relay_conflux_link said, answer = link_of(0, 0, CONFLUX_UX_MIN_LATENCY);
        init(&w);
        ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
        conflux_ask(&w.c, w.leg[0], 1, &said);
        answer.nonce[at] ^= 1;
        ck_err(conflux_linked(&w.c, w.leg[0], &answer, 2, TIMEOUT_US), ERR_CIRC_PROTO);
        ck_assert_int_eq(w.leg[0]->state, CONFLUX_ASKED);
        conflux_clear(&w.c);
    }
}
END_TEST

START_TEST(test_conflux_linked_that_is_not_due_is_refused)
{
    struct world w;
    struct relay_conflux_link answer = link_of(0, 0, CONFLUX_UX_MIN_LATENCY);
    init_joined(&w, 2, CONFLUX_UX_MIN_LATENCY);
    ck_err(conflux_linked(&w.c, w.leg[0], &answer, 9000, TIMEOUT_US), ERR_CIRC_PROTO); /* twice */
    ck_ok(conflux_expect(&w.c, &w.circuit[2], &w.leg[2]));
    ck_err(conflux_linked(&w.c, w.leg[2], &answer, 9000, TIMEOUT_US), ERR_CIRC_PROTO); /* unasked */
    ck_assert(!conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_linked_too_late_ends_that_leg)
{
    struct world w;
    struct relay_conflux_link said, answer = link_of(0, 0, CONFLUX_UX_MIN_LATENCY);
    init(&w);
    ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
    conflux_ask(&w.c, w.leg[0], 10, &said);
    ck_err(conflux_linked(&w.c, w.leg[0], &answer, 10 + TIMEOUT_US, TIMEOUT_US), ERR_CIRC_TIMEOUT);
    ck_assert(!conflux_is_over(&w.c));
    conflux_remove(&w.c, w.leg[0]);
    ck_assert(!conflux_is_over(&w.c)); /* it was none of the set's yet */
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_linked_with_numbers_that_cannot_be_ends_the_set)
{
    static const struct {
        uint64_t sent, recv;
    } rows[] = {{1, 0}, {UINT64_MAX, 0}, {0, 1}, {0, UINT64_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct relay_conflux_link said, answer = link_of(rows[i].sent, rows[i].recv, 1);
        init(&w);
        ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
        conflux_ask(&w.c, w.leg[0], 1, &said);
        ck_err(conflux_linked(&w.c, w.leg[0], &answer, 2, TIMEOUT_US), ERR_CIRC_PROTO);
        ck_assert(conflux_is_over(&w.c));
        conflux_clear(&w.c);
    }
}
END_TEST

START_TEST(test_conflux_takes_no_more_legs_than_it_may)
{
    struct world w;
    struct conflux_leg *more;
    struct relay_conflux_link ask = link_of(0, 0, 3), answer;
    init(&w);
    for (unsigned i = 0; i < LEGS; i++)
        ck_ok(conflux_admit(&w.c, &w.circuit[i], &ask, 7, &w.leg[i], &answer));
    ck_err(conflux_admit(&w.c, &w.circuit[0], &ask, 7, &more, &answer), ERR_LIMIT);
    ck_assert(!conflux_is_over(&w.c));
    conflux_remove(&w.c, w.leg[0]);
    ck_ok(conflux_admit(&w.c, &w.circuit[0], &ask, 7, &w.leg[0], &answer));
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_exit_measures_until_linked_ack_which_comes_once)
{
    struct world w;
    struct relay_conflux_link ask = link_of(0, 0, 3), answer;
    init(&w);
    ck_ok(conflux_admit(&w.c, &w.circuit[0], &ask, 50, &w.leg[0], &answer));
    ck_assert_int_eq(w.leg[0]->state, CONFLUX_JOINED);
    ck_assert_ptr_null(conflux_choose(&w.c, true)); /* DATA waits for it; the rest does not */
    ck_assert_ptr_eq(conflux_choose(&w.c, false), w.leg[0]);
    ck_ok(conflux_acked(w.leg[0], 80));
    ck_assert_uint_eq(w.leg[0]->rtt_us, 30);
    ck_assert_ptr_eq(conflux_choose(&w.c, true), w.leg[0]);
    ck_err(conflux_acked(w.leg[0], 90), ERR_CIRC_PROTO);
    conflux_clear(&w.c);
}
END_TEST

/* ---- sending ---- */

START_TEST(test_conflux_the_other_side_says_how_we_choose)
{
    static const struct {
        uint8_t ux;
        enum conflux_alg alg;
    } rows[] = {{CONFLUX_UX_NONE, CONFLUX_LOWRTT},
                {CONFLUX_UX_MIN_LATENCY, CONFLUX_MINRTT},
                {CONFLUX_UX_LOW_MEM_LATENCY, CONFLUX_MINRTT},
                {CONFLUX_UX_HIGH_THROUGHPUT, CONFLUX_LOWRTT},
                {CONFLUX_UX_LOW_MEM_THROUGHPUT, CONFLUX_MINRTT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        init_joined(&w, 2, rows[i].ux);
        ck_assert_int_eq(w.c.alg, rows[i].alg);
        conflux_clear(&w.c);
    }
}
END_TEST

START_TEST(test_conflux_minrtt_keeps_to_the_quickest_leg)
{
    struct world w;
    bool switched;
    uint32_t skip;
    init_joined(&w, 3, CONFLUX_UX_MIN_LATENCY);
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 0);
    ck_assert(!switched);
    w.circuit[0].may_send = false;
    ck_assert_ptr_null(conflux_choose(&w.c, true));
    ck_assert_uint_eq(send_one(&w, false, &switched, &skip), 0); /* windows are for DATA */
    w.circuit[0].may_send = true;
    w.circuit[0].rtt_us = 250; /* between the others' 200 and 300 */
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 1);
    ck_assert(switched);
    ck_assert_uint_eq(skip, 2);
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_lowrtt_goes_over_to_the_next_when_one_is_full)
{
    struct world w;
    bool switched;
    uint32_t skip;
    init_joined(&w, 3, CONFLUX_UX_HIGH_THROUGHPUT);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 0);
    w.circuit[0].may_send = false;
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 1);
    ck_assert(switched);
    ck_assert_uint_eq(skip, 5);
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 1);
    ck_assert(!switched);
    w.circuit[0].may_send = true;
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 0);
    ck_assert(switched);
    ck_assert_uint_eq(skip, 2);
    w.circuit[0].may_send = w.circuit[1].may_send = w.circuit[2].may_send = false;
    ck_assert_ptr_null(conflux_choose(&w.c, true));
    ck_assert_uint_eq(send_one(&w, false, &switched, &skip), 0); /* the one before */
    ck_assert(!switched);
    conflux_clear(&w.c);
}
END_TEST

/* ---- receiving ---- */

START_TEST(test_conflux_puts_messages_in_order)
{
    struct world w;
    init_joined(&w, 2, 1);
    get_now(&w, 0, "1");
    get_switch(&w, 1, 2); /* 1 and 2 went over the other */
    get_early(&w, 1, "3");
    get_early(&w, 1, "4");
    no_next(&w);
    get_now(&w, 0, "2");
    next_is(&w, "3");
    next_is(&w, "4");
    no_next(&w);
    ck_assert_uint_eq(conflux_held(&w.c), 0);
    get_switch(&w, 0, 2);
    get_now(&w, 0, "5");
    ck_assert_uint_eq(w.c.delivered, 5);
    ck_assert(!conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

/* Floods of SWITCH carry nothing but a signal. */
START_TEST(test_conflux_switch_without_a_message_after_it_is_refused)
{
    struct world w;
    const struct relay_conflux_switch m = {0};
    init_joined(&w, 2, 1);
    get_switch(&w, 0, 0); /* as C tor's exits begin, now and then */
    get_now(&w, 0, "1");
    get_switch(&w, 0, 0);
    ck_err(conflux_switched(&w.c, w.leg[0], &m), ERR_CIRC_PROTO);
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_nothing_is_taken_of_a_leg_that_is_not_joined)
{
    struct world w;
    struct relay_conflux_link said;
    const struct relay_conflux_switch m = {1};
    bool its_turn;
    init(&w);
    ck_ok(conflux_expect(&w.c, &w.circuit[0], &w.leg[0]));
    conflux_ask(&w.c, w.leg[0], 1, &said);
    ck_err(conflux_switched(&w.c, w.leg[0], &m), ERR_CIRC_PROTO);
    ck_err(get(&w, 0, "early", &its_turn), ERR_CIRC_PROTO);
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_message_that_came_twice_ends_the_set)
{
    struct world w;
    struct relay_msg msg;
    bool its_turn;
    init_joined(&w, 2, 1);
    get_now(&w, 0, "1");
    ck_err(get(&w, 1, "1 again", &its_turn), ERR_CIRC_PROTO);
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);

    init_joined(&w, 3, 1); /* both come early */
    get_switch(&w, 0, 1);
    get_early(&w, 0, "2");
    get_switch(&w, 1, 1);
    get_early(&w, 1, "2 again");
    get_now(&w, 2, "1");
    next_is(&w, "2");
    ck_assert(!conflux_next(&w.c, &msg));
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_message_that_nobody_can_bring_any_more_ends_the_set)
{
    struct world w;
    bool its_turn;
    init_joined(&w, 2, 1);
    get_switch(&w, 0, 5);
    get_early(&w, 0, "6");
    get_switch(&w, 1, 9);
    ck_err(get(&w, 1, "10", &its_turn), ERR_CIRC_PROTO); /* 1 to 5 are lost */
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

/* TROVE-2026-010: what is taken or cleared counts no more; and there is an end of it. */
START_TEST(test_conflux_holds_no_more_than_it_may)
{
    struct world w;
    bool its_turn;
    char text[401];
    memset(text, 'x', 400);
    text[400] = 0;
    init_joined(&w, 2, 1);
    for (unsigned round = 0; round < 5; round++) { /* 4000 bytes hold nine of them */
        get_switch(&w, 1, round ? 2 : 1);
        for (unsigned i = 0; i < 9; i++)
            get_early(&w, 1, text);
        ck_assert_uint_le(conflux_held(&w.c), 4000);
        get_now(&w, 0, "now");
        for (unsigned i = 0; i < 9; i++)
            next_is(&w, text);
        ck_assert_uint_eq(conflux_held(&w.c), 0);
        get_switch(&w, 0, 9);
        get_now(&w, 0, "on");
    }
    get_switch(&w, 1, 2);
    for (unsigned i = 0; i < 9; i++)
        get_early(&w, 1, text);
    ck_err(get(&w, 1, text, &its_turn), ERR_CIRC_WINDOW);
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

/* ---- a leg's end ---- */

/* What is held is a hoard's: it grows and shrinks with it, and with its legs. */
START_TEST(test_conflux_what_is_held_counts)
{
    struct world w;
    struct env *env = test_env(1);
    struct hoard hoard;
    init(&w);
    hoard_init(&hoard, env, NULL, NULL);
    w.c.hoard = &hoard;
    for (unsigned i = 0; i < 2; i++) {
        struct relay_conflux_link said, answer = link_of(0, 0, CONFLUX_UX_MIN_LATENCY);
        ck_ok(conflux_expect(&w.c, &w.circuit[i], &w.leg[i]));
        conflux_ask(&w.c, w.leg[i], 5000, &said);
        ck_ok(conflux_linked(&w.c, w.leg[i], &answer, 5100, TIMEOUT_US));
    }
    get_switch(&w, 1, 1);
    get_early(&w, 1, "two");
    get_early(&w, 1, "three");
    ck_assert_uint_eq(hoard.len, conflux_held(&w.c));
    ck_assert(hoard.holds);
    ck_assert_uint_gt(queues_held(env), 0);
    get_now(&w, 0, "one");
    next_is(&w, "two");
    ck_assert_uint_eq(hoard.len, conflux_held(&w.c));
    ck_assert_uint_gt(hoard.len, 0);
    conflux_give_up_held(&w.c);
    ck_assert_uint_eq(hoard.len, 0);
    ck_assert(!hoard.holds);
    ck_assert_uint_eq(queues_held(env), 0);
    get_switch(&w, 1, 1);
    get_early(&w, 1, "six");
    conflux_clear(&w.c);
    ck_assert_uint_eq(hoard.len, 0);
    ck_assert_uint_eq(queues_held(env), 0);
    test_env_free(env);
}
END_TEST

START_TEST(test_conflux_lives_on_without_a_leg_that_nothing_went_over)
{
    struct world w;
    bool switched;
    uint32_t skip;
    init_joined(&w, 2, 1);
    send_one(&w, true, &switched, &skip);
    get_now(&w, 0, "1");
    conflux_remove(&w.c, w.leg[1]);
    ck_assert(!conflux_is_over(&w.c));
    ck_assert_uint_eq(send_one(&w, true, &switched, &skip), 0);
    get_now(&w, 0, "2");
    conflux_remove(&w.c, w.leg[0]);
    ck_assert(conflux_is_over(&w.c)); /* the last one */
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_ends_with_a_leg_that_it_cannot_do_without)
{
    struct world w;
    bool switched;
    uint32_t skip;
    init_joined(&w, 2, 1);
    send_one(&w, true, &switched, &skip);
    conflux_remove(&w.c, w.leg[0]); /* that it sends on */
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);

    init_joined(&w, 2, 1);
    w.circuit[1].in_flight = true;
    conflux_remove(&w.c, w.leg[1]);
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);

    init_joined(&w, 2, 1);
    get_now(&w, 1, "the exit's last");
    conflux_remove(&w.c, w.leg[1]);
    ck_assert(conflux_is_over(&w.c));
    conflux_clear(&w.c);
}
END_TEST

START_TEST(test_conflux_what_a_closed_leg_brought_is_not_lost)
{
    struct world w;
    init_joined(&w, 3, 1);
    get_switch(&w, 1, 1);
    get_early(&w, 1, "2");
    get_early(&w, 1, "3");
    get_switch(&w, 2, 3);
    get_early(&w, 2, "4");
    conflux_remove(&w.c, w.leg[1]);
    ck_assert(!conflux_is_over(&w.c));
    get_now(&w, 0, "1");
    next_is(&w, "2");
    next_is(&w, "3");
    next_is(&w, "4");
    no_next(&w);
    ck_assert_uint_eq(conflux_count(&w.c, CONFLUX_GONE), 0);
    conflux_clear(&w.c);
}
END_TEST

/* While a message is handed out, the leg that brought it may close. */
START_TEST(test_conflux_what_is_shown_outlives_its_leg)
{
    struct world w;
    struct relay_msg msg;
    init_joined(&w, 2, 1);
    get_switch(&w, 1, 1);
    get_early(&w, 1, "2");
    get_now(&w, 0, "1");
    ck_assert(conflux_next(&w.c, &msg));
    conflux_remove(&w.c, w.leg[1]);
    ck_assert_uint_eq(conflux_count(&w.c, CONFLUX_GONE), 1);
    ck_assert_mem_eq(msg.data, "2", 1);
    conflux_clear(&w.c);
}
END_TEST

/* The exit had sent less over it than a SENDME answers, and switched: it does not know either. */
START_TEST(test_conflux_what_a_closed_leg_did_not_bring_ends_the_set)
{
    struct world w;
    init_joined(&w, 2, 1);
    get_switch(&w, 1, 3);
    get_early(&w, 1, "4");
    get_now(&w, 0, "1");
    conflux_remove(&w.c, w.leg[0]); /* 2 and 3 were on their way */
    ck_assert(conflux_is_over(&w.c));
    ck_assert_str_eq(w.c.why, "a message is lost");
    conflux_clear(&w.c);
}
END_TEST

TESTS("stream/conflux", test_conflux_link_says_the_nonce_and_what_we_want,
      test_conflux_legs_join_when_none_is_waited_for,
      test_conflux_linked_with_another_nonce_is_refused,
      test_conflux_linked_that_is_not_due_is_refused, test_conflux_linked_too_late_ends_that_leg,
      test_conflux_linked_with_numbers_that_cannot_be_ends_the_set,
      test_conflux_takes_no_more_legs_than_it_may,
      test_conflux_exit_measures_until_linked_ack_which_comes_once,
      test_conflux_the_other_side_says_how_we_choose, test_conflux_minrtt_keeps_to_the_quickest_leg,
      test_conflux_lowrtt_goes_over_to_the_next_when_one_is_full,
      test_conflux_puts_messages_in_order,
      test_conflux_switch_without_a_message_after_it_is_refused,
      test_conflux_nothing_is_taken_of_a_leg_that_is_not_joined,
      test_conflux_message_that_came_twice_ends_the_set,
      test_conflux_message_that_nobody_can_bring_any_more_ends_the_set,
      test_conflux_holds_no_more_than_it_may, test_conflux_what_is_held_counts,
      test_conflux_lives_on_without_a_leg_that_nothing_went_over,
      test_conflux_ends_with_a_leg_that_it_cannot_do_without,
      test_conflux_what_a_closed_leg_brought_is_not_lost,
      test_conflux_what_is_shown_outlives_its_leg,
      test_conflux_what_a_closed_leg_did_not_bring_ends_the_set)
