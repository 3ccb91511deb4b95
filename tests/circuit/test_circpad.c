/* The two halves of a padding machine, one at each end of a wire that a test can cut. */
#include "circuit/circpad.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"
#include "cell/relay_pad.h"
#include "circuit/circpad_machines.h"
#include "support/test.h"

enum { SENT_MOST = 64, MIDDLE = 2 };

struct end {
    struct circpad pad;
    struct end *peer; /* NULL: what it sends goes nowhere */
    bool is_client;
    unsigned drops, negotiates;           /* sent */
    uint64_t at[SENT_MOST];               /* when DROPs were */
    struct relay_padding_negotiated said; /* the relay's last */
    unsigned over;
    err_t answer;  /* of send */
    err_t verdict; /* the client's, on the last that came */
};

struct pair {
    struct env *env;
    struct circpad_budget budget;
    struct end client, relay;
};

static void deliver(struct end *to, uint8_t cmd, const uint8_t *body, size_t len)
{
    struct relay_msg m = {.cmd = cmd, .data = body, .len = len};
    if (cmd != RELAY_DROP)
        circpad_on_received(&to->pad);
    if (to->is_client)
        to->verdict = circpad_on_msg(&to->pad, MIDDLE, &m);
    else if (cmd == RELAY_DROP)
        circpad_on_drop(&to->pad);
    else
        circpad_on_negotiate(&to->pad, &m);
}

static err_t send_out(void *arg, unsigned hop, uint8_t cmd, const uint8_t *body, size_t len)
{
    struct end *e = arg;
    ck_assert_uint_eq(hop, e->is_client ? MIDDLE : 0);
    if (e->answer != OK)
        return e->answer;
    if (cmd == RELAY_DROP) {
        ck_assert_uint_lt(e->drops, SENT_MOST);
        e->at[e->drops++] = e->pad.env->mono_us;
    } else {
        e->negotiates++;
        circpad_on_sent(&e->pad);
        if (!e->is_client)
            ck_ok(relay_padding_negotiated_decode(rd_over(body, len), &e->said));
    }
    if (e->peer)
        deliver(e->peer, cmd, body, len);
    return OK;
}

static void on_over(void *arg)
{
    ((struct end *)arg)->over++;
}

static const struct circpad_ops ops = {send_out, on_over};

static void begin_pair(struct pair *p, struct env *env)
{
    memset(p, 0, sizeof *p);
    p->env = env;
    circpad_init(&p->client.pad, env, &p->budget, &ops, &p->client);
    circpad_init(&p->relay.pad, env, NULL, &ops, &p->relay);
    p->client.is_client = true;
    p->client.peer = &p->relay;
    p->relay.peer = &p->client;
}

static void end_pair(struct pair *p)
{
    circpad_end(&p->client.pad);
    circpad_end(&p->relay.pad);
    test_env_free(p->env);
}

/* Half a millisecond at a time. */
static void pass(struct pair *p, unsigned ms)
{
    for (unsigned i = 0; i < 2 * ms; i++) {
        p->env->mono_us += 500;
        env_run_timers(p->env);
    }
}

START_TEST(test_circpad_introduction_circuits_get_seven_to_nine_cells_and_an_end)
{
    bool seen[16] = {false};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pair p;
        begin_pair(&p, test_env(seed));
        ck_ok(circpad_begin(&p.client.pad, &circpad_client_introduce));
        ck_assert_uint_eq(p.relay.said.response, CIRCPAD_OK);
        ck_assert_uint_eq(p.relay.said.command, CIRCPAD_START);
        ck_assert(circpad_holds(&p.client.pad));
        pass(&p, 200);
        ck_assert_uint_ge(p.relay.drops, 7);
        ck_assert_uint_le(p.relay.drops, 9);
        seen[p.relay.drops] = true;
        for (unsigned i = 1; i < p.relay.drops; i++) {
            ck_assert_uint_ge(p.relay.at[i] - p.relay.at[i - 1], 1000);
            ck_assert_uint_le(p.relay.at[i] - p.relay.at[i - 1], 10500);
        }
        ck_assert_uint_eq(p.relay.said.command, CIRCPAD_STOP);
        ck_assert_uint_eq(p.client.drops, 0);
        ck_assert(!circpad_holds(&p.client.pad));
        ck_assert_uint_eq(p.client.over, 1);
        ck_ok(p.client.verdict);
        end_pair(&p);
    }
    ck_assert(seen[7] && seen[8] && seen[9]);
}
END_TEST

START_TEST(test_circpad_rendezvous_circuits_get_a_cell_each_way)
{
    struct pair p;
    begin_pair(&p, test_env(3));
    p.relay.peer = NULL; /* the answer is on its way */
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_rend));
    ck_assert(!circpad_holds(&p.client.pad));
    pass(&p, 1);
    ck_assert_uint_eq(p.client.drops, 1); /* and has not waited for it */
    ck_assert_uint_eq(p.relay.drops, 1);
    pass(&p, 1000);
    ck_assert_uint_eq(p.client.drops, 1);
    ck_assert_uint_eq(p.relay.drops, 1);
    ck_assert_uint_eq(p.client.negotiates, 1);
    ck_assert_uint_eq(p.relay.negotiates, 1); /* no STOP of this one */
    ck_assert_uint_eq(p.client.over, 0);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_rend_ends_with_their_padding_before_ours)
{
    struct pair p;
    begin_pair(&p, test_env(4));
    p.client.peer = NULL;
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_rend));
    deliver(&p.client, RELAY_DROP, NULL, 0);
    ck_ok(p.client.verdict);
    pass(&p, 10);
    ck_assert_uint_eq(p.client.drops, 0);
    end_pair(&p);
}
END_TEST

/* ---- negotiation ---- */

static void say(struct end *to, uint8_t command, uint8_t response, uint8_t machine, uint32_t ctr)
{
    const struct relay_padding_negotiated m = {command, response, machine, ctr};
    uint8_t body[16];
    struct wr w = wr_over(body, sizeof body);
    ck_ok(relay_padding_negotiated_encode(&w, &m));
    deliver(to, RELAY_PADDING_NEGOTIATED, body, w.len);
}

START_TEST(test_circpad_refused_once_is_not_asked_again)
{
    struct pair p;
    begin_pair(&p, test_env(5));
    p.client.peer = NULL;
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_introduce));
    say(&p.client, CIRCPAD_START, CIRCPAD_ERR, 0, 1);
    ck_ok(p.client.verdict);
    ck_assert(!circpad_holds(&p.client.pad));
    ck_assert_uint_eq(p.client.over, 1);
    ck_err(circpad_begin(&p.client.pad, &circpad_client_rend), ERR_STATE);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_words_about_others_are_ignored_and_counted)
{
    struct pair p;
    begin_pair(&p, test_env(6));
    p.client.peer = NULL;
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_introduce));
    say(&p.client, CIRCPAD_STOP, CIRCPAD_OK, 0, 7);
    ck_ok(p.client.verdict);
    ck_assert(circpad_holds(&p.client.pad));
    say(&p.client, CIRCPAD_STOP, CIRCPAD_OK, 1, 1);
    ck_ok(p.client.verdict);
    ck_assert(circpad_holds(&p.client.pad));
    say(&p.client, CIRCPAD_STOP, CIRCPAD_OK, 0, 1); /* a third was never owed */
    ck_err(p.client.verdict, ERR_CIRC_PROTO);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_what_was_not_asked_for_breaks_the_protocol)
{
    struct relay_msg drop = {.cmd = RELAY_DROP};
    struct pair p;
    begin_pair(&p, test_env(7));
    ck_err(circpad_on_msg(&p.client.pad, MIDDLE, &drop), ERR_CIRC_PROTO);
    p.client.peer = NULL;
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_rend));
    ck_err(circpad_on_msg(&p.client.pad, 1, &drop), ERR_CIRC_PROTO);
    ck_err(circpad_on_msg(&p.client.pad, 3, &drop), ERR_CIRC_PROTO);
    ck_ok(circpad_on_msg(&p.client.pad, MIDDLE, &drop));
    ck_err(circpad_on_msg(&p.client.pad, MIDDLE, &drop), ERR_CIRC_PROTO); /* it owes one */
    struct relay_msg short_word = {
        .cmd = RELAY_PADDING_NEGOTIATED, .data = (void *)"\0\2", .len = 2};
    ck_err(circpad_on_msg(&p.client.pad, MIDDLE, &short_word), ERR_CIRC_PROTO);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_relay_answers_only_what_it_can)
{
    struct pair p;
    begin_pair(&p, test_env(8));
    static const struct {
        uint8_t body[8];
        unsigned answers;
        uint8_t response;
    } rows[] = {
        {{0, CIRCPAD_START, 2, 0, 0, 0, 0, 9}, 1, CIRCPAD_ERR}, /* there is no machine 2 */
        {{0, CIRCPAD_STOP, 0, 0, 0, 0, 0, 1}, 0, 0},            /* that never was begun */
        {{1, CIRCPAD_START, 0, 0, 0, 0, 0, 1}, 0, 0},           /* another version */
        {{0, CIRCPAD_START, 1, 0, 0, 0, 0, 1}, 1, CIRCPAD_OK},
        {{0, CIRCPAD_STOP, 1, 0, 0, 0, 0, 2}, 0, 0}, /* of another time */
        {{0, CIRCPAD_STOP, 1, 0, 0, 0, 0, 1}, 1, CIRCPAD_OK},
    };
    p.relay.peer = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p.relay.negotiates = 0;
        deliver(&p.relay, RELAY_PADDING_NEGOTIATE, rows[i].body, sizeof rows[i].body);
        ck_assert_uint_eq(p.relay.negotiates, rows[i].answers);
        if (rows[i].answers)
            ck_assert_uint_eq(p.relay.said.response, rows[i].response);
    }
    pass(&p, 20);
    ck_assert_uint_eq(p.relay.drops, 0); /* it was stopped in time */
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_stop_says_so_and_ends_both)
{
    struct pair p;
    begin_pair(&p, test_env(9));
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_introduce));
    ck_err(circpad_begin(&p.client.pad, &circpad_client_introduce), ERR_STATE);
    pass(&p, 12);
    unsigned drops = p.relay.drops;
    ck_assert_uint_ge(drops, 1);
    circpad_stop(&p.client.pad);
    ck_assert_uint_eq(p.client.over, 1);
    ck_assert_uint_eq(p.relay.said.command, CIRCPAD_STOP);
    pass(&p, 100);
    ck_assert_uint_eq(p.relay.drops, drops);
    circpad_stop(&p.client.pad); /* once is enough */
    ck_assert_uint_eq(p.client.negotiates, 2);
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_introduce));
    ck_assert_uint_eq(p.client.pad.ctr, 2);
    ck_assert_uint_eq(p.relay.said.machine_ctr, 2);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_message_that_cannot_go_is_told)
{
    struct pair p;
    begin_pair(&p, test_env(10));
    p.client.answer = ERR_FULL;
    ck_err(circpad_begin(&p.client.pad, &circpad_client_introduce), ERR_FULL);
    end_pair(&p);
}
END_TEST

/* ---- limits of all circuits together ---- */

START_TEST(test_circpad_consensus_can_switch_it_off)
{
    struct pair p;
    begin_pair(&p, test_env(11));
    p.budget.disabled = true;
    ck_err(circpad_begin(&p.client.pad, &circpad_client_rend), ERR_STATE);
    p.budget.disabled = false;
    ck_ok(circpad_begin(&p.client.pad, &circpad_client_rend));
    p.budget.disabled = true; /* "will cease padding immediately" */
    pass(&p, 10);
    ck_assert_uint_eq(p.client.drops, 0);
    end_pair(&p);
}
END_TEST

START_TEST(test_circpad_consensus_can_limit_the_share)
{
    static const struct {
        uint64_t padding, nonpadding;
        uint16_t allowed;
        uint8_t percent;
        bool pads;
    } rows[] = {
        {50, 50, 0, 0, true},    /* no limit */
        {50, 50, 0, 49, false},  /* over it */
        {50, 50, 0, 50, true},   /* just at it */
        {50, 50, 51, 10, true},  /* it does not count yet */
        {50, 50, 50, 10, false}, /* now it does */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair p;
        begin_pair(&p, test_env(12));
        p.budget = (struct circpad_budget){.allowed_cells = rows[i].allowed,
                                           .max_percent = rows[i].percent,
                                           .padding = rows[i].padding,
                                           .nonpadding = rows[i].nonpadding};
        p.relay.peer = NULL;
        ck_ok(circpad_begin(&p.client.pad, &circpad_client_rend));
        pass(&p, 10);
        ck_assert_msg(p.client.drops == rows[i].pads, "row %zu", i);
        ck_assert_uint_eq(p.budget.padding, rows[i].padding + rows[i].pads);
        end_pair(&p);
    }
}
END_TEST

TESTS("circuit/circpad", test_circpad_introduction_circuits_get_seven_to_nine_cells_and_an_end,
      test_circpad_rendezvous_circuits_get_a_cell_each_way,
      test_circpad_rend_ends_with_their_padding_before_ours,
      test_circpad_refused_once_is_not_asked_again,
      test_circpad_words_about_others_are_ignored_and_counted,
      test_circpad_what_was_not_asked_for_breaks_the_protocol,
      test_circpad_relay_answers_only_what_it_can, test_circpad_stop_says_so_and_ends_both,
      test_circpad_message_that_cannot_go_is_told, test_circpad_consensus_can_switch_it_off,
      test_circpad_consensus_can_limit_the_share)
