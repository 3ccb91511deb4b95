/* Padding machines on a circuit: what it tells them, and how they end with it. */
#include "circuit/circ_int.h"

#include "circuit/circpad_machines.h"
#include "support/circworld.h"

static unsigned overs;

static void on_pad_over(void *arg)
{
    struct world *w = arg;
    overs++;
    circ_close(w->c, OK, DESTROY_FINISHED); /* as an owner that has waited for it */
}

static void open_world_of(struct world *w, unsigned hops)
{
    world_new(w, 71);
    build(w, hops);
    overs = 0;
}

static void negotiated(struct world *w, unsigned hop, uint8_t command, uint8_t response)
{
    const uint8_t body[] = {0, command, response, 0, 0, 0, 0, 1};
    fake_send(w->l, hop, RELAY_PADDING_NEGOTIATED, 0, body, sizeof body);
}

START_TEST(test_pad_begins_on_an_open_circuit_with_its_second_hop)
{
    struct world w;
    world_new(&w, 70);
    ck_err(circ_pad(w.c, &circpad_client_introduce, NULL), ERR_STATE);
    build(&w, 1);
    ck_err(circ_pad(w.c, &circpad_client_introduce, NULL), ERR_STATE);
    ck_ok(circ_build(w.c, &w.l->relay[1].target, 1));
    fake_pump(w.l);
    ck_ok(circ_pad(w.c, &circpad_client_introduce, NULL));
    fake_pump(w.l);
    const struct fake_msg *m = &w.l->got[w.l->got_n - 1];
    ck_assert_uint_eq(m->hop, 2);
    ck_assert_uint_eq(m->cmd, RELAY_PADDING_NEGOTIATE);
    static const uint8_t body[] = {0, 2, 0, 0, 0, 0, 0, 1}; /* version, START, machine 0, -, ctr */
    ck_assert_uint_eq(m->len, sizeof body);
    ck_assert_mem_eq(m->data, body, sizeof body);
    ck_assert(circ_is_held(w.c));
    world_free(&w);
}
END_TEST

START_TEST(test_pad_holds_the_circuit_until_the_relay_has_done)
{
    struct world w;
    open_world_of(&w, HOPS);
    ck_ok(circ_pad(w.c, &circpad_client_introduce, on_pad_over));
    negotiated(&w, 2, 2, 1);
    ck_assert(circ_is_held(w.c));
    for (unsigned i = 0; i < 9; i++)
        fake_send(w.l, 2, RELAY_DROP, 0, NULL, 0);
    assert_open(&w);
    ck_assert_uint_eq(w.on_control, 0);
    negotiated(&w, 2, 1, 1);
    ck_assert_uint_eq(overs, 1);
    ck_assert_int_eq(circ_state(w.c), CIRC_CLOSED);
    world_free(&w);
}
END_TEST

START_TEST(test_pad_that_nobody_asked_for_closes)
{
    static const struct {
        bool begun;
        unsigned hop, drops;
    } rows[] = {{false, 2, 1}, {true, 1, 1}, {true, 3, 1}, {true, 2, 11}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        open_world_of(&w, HOPS);
        if (rows[i].begun)
            ck_ok(circ_pad(w.c, &circpad_client_introduce, NULL));
        for (unsigned n = 0; n < rows[i].drops; n++) {
            assert_open(&w);
            fake_send(w.l, rows[i].hop, RELAY_DROP, 0, NULL, 0);
        }
        assert_closed(&w, ERR_CIRC_PROTO);
        world_free(&w);
    }
}
END_TEST

START_TEST(test_pad_ends_with_the_circuit)
{
    struct world w;
    open_world_of(&w, HOPS);
    ck_ok(circ_pad(w.c, &circpad_client_rend, NULL));
    circ_close(w.c, OK, DESTROY_FINISHED);
    unsigned sent = w.l->queued;
    test_env_advance_ms(w.env, 50);
    ck_assert_uint_eq(w.l->queued, sent);
    ck_assert(!circ_is_held(w.c));
    circ_pad_stop(w.c);
    world_free(&w);
}
END_TEST

START_TEST(test_pad_counts_cells_of_all_circuits)
{
    struct circpad_budget budget = {.max_percent = 1};
    struct world w;
    open_world_of(&w, HOPS);
    w.c->config.padding = &budget;
    ck_ok(circ_send(w.c, HOPS, RELAY_BEGIN, 5, (const uint8_t *)"a:1\0\0\0\0", 8));
    ck_assert_uint_eq(budget.nonpadding, 1);
    ck_ok(circ_send(w.c, 2, RELAY_DROP, 0, NULL, 0));
    ck_assert_uint_eq(budget.nonpadding, 1);
    ck_ok(circ_pad(w.c, &circpad_client_rend, NULL));
    ck_assert_uint_eq(budget.nonpadding, 2);
    test_env_advance_ms(w.env, 5);
    ck_assert_uint_eq(budget.padding, 1);
    world_free(&w);
}
END_TEST

TESTS("circuit/pad", test_pad_begins_on_an_open_circuit_with_its_second_hop,
      test_pad_holds_the_circuit_until_the_relay_has_done, test_pad_that_nobody_asked_for_closes,
      test_pad_ends_with_the_circuit, test_pad_counts_cells_of_all_circuits)
