/* What may come once on a stream, and comes twice: the circuit closes, with all that is on it. */
#include "stream/stream.h"

#include "support/streamworld.h"

/* The circuit of A and BESIDE closed for it, and each was told once. */
static void assert_all_ended(struct world *w, const struct app *a, const struct app *beside)
{
    assert_circ_closed(w, ERR_CIRC_PROTO);
    ck_assert_uint_eq(a->ended, 1);
    ck_assert_uint_eq(beside->ended, 1);
    ck_assert(beside->end.circuit_ended);
    world_free(w);
}

START_TEST(test_twice_connected)
{
    struct world *w = world_new(1);
    struct app *a = connected(w, 0), *beside = connected(w, 1);
    exit_says(w, a, RELAY_CONNECTED, PUBLIC_ADDR, 8);
    ck_assert_uint_eq(a->connected, 1);
    assert_all_ended(w, a, beside);
}
END_TEST

START_TEST(test_twice_end)
{
    struct world *w = world_new(2);
    struct app *a = connected(w, 0), *beside = connected(w, 1);
    uint16_t id = stream_id(a->s);
    fake_send(w->l, HOPS, RELAY_END, id, "\6", 1);
    ck_assert_uint_eq(a->ended, 1);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    fake_send(w->l, HOPS, RELAY_END, id, "\6", 1);
    assert_all_ended(w, a, beside);
}
END_TEST

START_TEST(test_twice_resolved)
{
    static const char answer[] = "\4\4\300\0\2\1\0\0\0\74"; /* 192.0.2.1 for 60 s */
    const struct stream_request look_up = {.kind = STREAM_RESOLVE, .target = "a.example"};
    struct world *w = world_new(3);
    struct app *a = open_kind(w, 0, look_up), *beside = connected(w, 1);
    uint16_t id = stream_id(a->s);
    fake_send(w->l, HOPS, RELAY_RESOLVED, id, answer, 10);
    ck_assert_uint_eq(a->resolved, 1);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    fake_send(w->l, HOPS, RELAY_RESOLVED, id, answer, 10);
    ck_assert_uint_eq(a->resolved, 1);
    assert_all_ended(w, a, beside);
}
END_TEST

TESTS("stream/twice", test_twice_connected, test_twice_end, test_twice_resolved)
