/* Streams on two hops of one circuit. */
#include "stream/stream.h"

#include "support/streamworld.h"

enum { NEAR = 2 };

/* A second set, on hop NEAR, with one stream that stands. */
static struct streams *set_near(struct world *w, struct app *a)
{
    const struct stream_request req = {.target = "example.com:80"};
    struct streams *near = streams_new(w->env, carrier_of_hop(w->c, NEAR));
    ck_assert_ptr_nonnull(near);
    a->w = w;
    ck_ok(stream_open(near, &req, &app_ops, a, &a->s));
    fake_pump(w->l);
    fake_send(w->l, NEAR, RELAY_CONNECTED, stream_id(a->s), PUBLIC_ADDR, 8);
    ck_assert_uint_eq(a->connected, 1);
    return near;
}

START_TEST(test_hops_each_have_their_own_streams)
{
    struct world *w = world_new(1);
    struct app *far = connected(w, 0), *a = &w->app[1];
    struct streams *near = set_near(w, a);
    fake_send(w->l, NEAR, RELAY_DATA, stream_id(a->s), "near", 4);
    exit_says(w, far, RELAY_DATA, "far", 3);
    ck_assert_uint_eq(a->got, 4);
    ck_assert_uint_eq(far->got, 3);
    streams_free(near);
    settle(w);
    exit_says(w, far, RELAY_DATA, "far", 3); /* those on the other hop go on */
    ck_assert_uint_eq(far->got, 6);
    ck_assert_int_eq(circ_state(w->c), CIRC_OPEN);
    fake_send(w->l, NEAR, RELAY_DATA, 1, "near", 4); /* nobody is there any more */
    assert_circ_closed(w, ERR_CIRC_PROTO);
    world_free(w);
}
END_TEST

START_TEST(test_hops_first_set_may_leave_first)
{
    struct world *w = world_new(2);
    struct app *a = &w->app[1];
    connected(w, 0);
    struct streams *near = set_near(w, a), *far = w->set;
    w->set = near;
    streams_free(far);
    settle(w);
    fake_send(w->l, NEAR, RELAY_DATA, stream_id(a->s), "near", 4);
    ck_assert_uint_eq(a->got, 4);
    world_free(w);
}
END_TEST

START_TEST(test_hops_all_hear_of_the_end)
{
    struct world *w = world_new(3);
    struct app *far = connected(w, 0), *a = &w->app[1];
    struct streams *near = set_near(w, a);
    circ_close(w->c, ERR_CIRC_TIMEOUT, DESTROY_TIMEOUT);
    settle(w);
    ck_assert(far->ended == 1 && a->ended == 1);
    ck_assert(far->end.circuit_ended && a->end.circuit_ended);
    streams_free(near);
    world_free(w);
}
END_TEST

TESTS("stream/hops", test_hops_each_have_their_own_streams, test_hops_first_set_may_leave_first,
      test_hops_all_hear_of_the_end)
