#include "stream/half.h"

#include "support/test.h"

static err_t msg(struct halves *t, uint16_t id, uint8_t cmd)
{
    struct relay_msg m = {.cmd = cmd, .stream_id = id};
    return halves_on_msg(t, &m, 0);
}

static void add(struct halves *t, struct half h)
{
    ck_ok(halves_reserve(t, t->n + 1));
    half_add(t, &h);
}

START_TEST(test_half_keeps_any_ids_in_order)
{
    struct env *env = test_env(1);
    struct halves t = {0};
    static bool in[UINT16_MAX + 1];
    for (unsigned n = 0; n < 5000; n++) {
        uint16_t id = (uint16_t)env_random_below(env, 3000);
        ck_assert_int_eq(half_find(&t, id) != NULL, in[id]);
        if (in[id])
            ck_ok(msg(&t, id, RELAY_END));
        else
            add(&t, (struct half){.id = id});
        in[id] = !in[id];
    }
    for (size_t i = 1; i < t.n; i++)
        ck_assert_uint_lt(t.h[i - 1].id, t.h[i].id);
    halves_free(&t);
    test_env_free(env);
}
END_TEST

START_TEST(test_half_allows_what_was_under_way_and_no_more)
{
    struct halves t = {0};
    add(&t, (struct half){.id = 5, .rest = {.data = 3, .messages = 2}});
    for (unsigned i = 0; i < 3; i++)
        ck_ok(msg(&t, 5, RELAY_DATA));
    ck_err(msg(&t, 5, RELAY_DATA), ERR_CIRC_PROTO);
    ck_ok(msg(&t, 5, RELAY_SENDME));
    ck_ok(msg(&t, 5, RELAY_SENDME));
    ck_err(msg(&t, 5, RELAY_SENDME), ERR_CIRC_PROTO);
    ck_err(msg(&t, 5, RELAY_CONNECTED), ERR_CIRC_PROTO);
    ck_err(msg(&t, 5, RELAY_RESOLVED), ERR_CIRC_PROTO);
    ck_ok(msg(&t, 5, RELAY_END));
    ck_err(msg(&t, 5, RELAY_END), ERR_NOT_FOUND);
    halves_free(&t);
}
END_TEST

START_TEST(test_half_connected_may_come_once_and_before_data)
{
    struct halves t = {0};
    add(&t, (struct half){.id = 5, .rest.data = 3, .connected_due = true});
    ck_err(msg(&t, 5, RELAY_DATA), ERR_CIRC_PROTO);
    ck_ok(msg(&t, 5, RELAY_CONNECTED));
    ck_ok(msg(&t, 5, RELAY_DATA));
    ck_err(msg(&t, 5, RELAY_CONNECTED), ERR_CIRC_PROTO);
    halves_free(&t);
}
END_TEST

START_TEST(test_half_resolved_ends_a_look_up)
{
    struct halves t = {0};
    add(&t, (struct half){.id = 5, .resolved_due = true});
    ck_err(msg(&t, 5, RELAY_CONNECTED), ERR_CIRC_PROTO);
    ck_err(msg(&t, 5, RELAY_DATA), ERR_CIRC_PROTO);
    ck_ok(msg(&t, 5, RELAY_RESOLVED));
    ck_err(msg(&t, 5, RELAY_RESOLVED), ERR_NOT_FOUND);
    halves_free(&t);
}
END_TEST

TESTS("stream/half", test_half_keeps_any_ids_in_order,
      test_half_allows_what_was_under_way_and_no_more,
      test_half_connected_may_come_once_and_before_data, test_half_resolved_ends_a_look_up)
