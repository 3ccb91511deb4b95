#include "base/queue.h"
#include "client/tunnelworld.h"

/* ---- tunnels whose owners do not wait for the exit ---- */

static void open_optimistic(struct fixture *f, enum tunnel_kind kind)
{
    struct tunnel_request req = request_to("example.com");
    req.kind = kind;
    req.optimistic = true;
    f->app.t = tunnels_open(f->ts, &req, &app_ops, &f->app);
    ck_assert_ptr_nonnull(f->app.t);
    ck_assert_uint_eq(f->app.begun, 0); /* never inside the call */
    env_run_timers(f->env);
}

static size_t write_text(struct fixture *f, const char *text)
{
    return tunnel_write(f->app.t, (const uint8_t *)text, strlen(text));
}

START_TEST(test_tunnel_early_bytes_go_out_behind_begin)
{
    struct fixture f;
    setup(&f);
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(f.app.begun, 1);
    ck_assert_uint_eq(f.app.connected, 0);
    ck_assert_uint_eq(write_text(&f, "GET /"), 5);
    ck_assert_uint_eq(net.streams[0].written, 5);
    connect_last();
    ck_assert_uint_eq(f.app.begun, 1);
    ck_assert_uint_eq(f.app.connected, 1);
    ck_assert_uint_eq(f.app.writable, 0); /* nothing was refused */
    ck_assert_uint_eq(write_text(&f, " more"), 5);
    ck_assert_str_eq(net.streams[0].first, "GET / more");
    env_run_timers(f.env);
    ck_assert_str_eq(f.story, "NEW, SENTCONNECT 1, SUCCEEDED 1");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_early_bytes_are_said_again_to_the_next_exit)
{
    struct fixture f;
    setup(&f);
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(write_text(&f, "hello"), 5);
    end_last(END_EXITPOLICY);
    ck_assert_uint_eq(write_text(&f, " you"), 4); /* while it waits, too */
    env_run_timers(f.env);
    ck_assert_uint_eq(net.n_streams, 2);
    ck_assert_str_eq(net.streams[1].first, "hello you");
    ck_assert_uint_eq(f.app.begun, 1);
    ck_assert_uint_eq(f.app.ended, 0);
    connect_last();
    ck_assert_uint_eq(net.streams[1].written, 9);
    ck_assert_uint_eq(write_text(&f, "!"), 1);
    ck_assert_str_eq(net.streams[1].first, "hello you!");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_early_bytes_have_a_cap)
{
    static const uint8_t lots[100000];
    struct fixture f;
    setup(&f);
    open_optimistic(&f, TUNNEL_CONNECT);
    size_t n = tunnel_write(f.app.t, lots, sizeof lots);
    ck_assert_uint_eq(n, 32768);
    ck_assert_uint_eq(tunnel_write(f.app.t, lots, sizeof lots), 0);
    ck_assert_uint_eq(net.streams[0].written, n);
    connect_last();
    ck_assert_uint_eq(f.app.writable, 1);
    ck_assert_uint_eq(tunnel_write(f.app.t, lots, sizeof lots), sizeof lots);
    ck_assert_uint_eq(net.streams[0].written, n + sizeof lots);
    teardown(&f);
}
END_TEST

/* MaxMemInQueues: an exit that does not answer keeps nothing for good. */
START_TEST(test_tunnel_early_bytes_count_among_all_that_wait)
{
    static const uint8_t lots[30000];
    struct fixture f;
    setup(&f);
    queues_set_most(f.env, 20000);
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(tunnel_write(f.app.t, lots, sizeof lots), sizeof lots);
    ck_assert_uint_ge(queues_held(f.env), sizeof lots);
    ck_assert_uint_eq(f.app.ended, 0);
    env_run_timers(f.env); /* it is given up, */
    ck_assert_uint_eq(queues_held(f.env), 0);
    env_run_timers(f.env); /* and told */
    ck_assert_uint_eq(f.app.ended, 1);
    teardown(&f);
}
END_TEST

/* A stream that takes little: the order stays, and the owner hears when it may go on. */
START_TEST(test_tunnel_early_bytes_stay_in_front)
{
    struct fixture f;
    setup(&f);
    net.has_cap = true;
    net.cap = 3;
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(write_text(&f, "abcdef"), 6);
    connect_last();
    ck_assert_uint_eq(write_text(&f, "ghi"), 0);
    net.cap = 5;
    net.streams[0].ops->on_writable(net.streams[0].arg);
    ck_assert_uint_eq(f.app.writable, 0);
    net.cap = 8;
    net.streams[0].ops->on_writable(net.streams[0].arg);
    ck_assert_uint_eq(f.app.writable, 1);
    ck_assert_uint_eq(write_text(&f, "ghi"), 2);
    ck_assert_str_eq(net.streams[0].first, "abcdefgh");
    teardown(&f);
}
END_TEST

/* Nobody tells who offered bytes, and was refused, once the way is free all at once. */
START_TEST(test_tunnel_early_way_that_is_free_is_used)
{
    struct fixture f;
    setup(&f);
    net.has_cap = true;
    net.cap = 3;
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(write_text(&f, "abcdef"), 6);
    connect_last();
    net.cap = 100;
    ck_assert_uint_eq(write_text(&f, "ghi"), 3);
    ck_assert_str_eq(net.streams[0].first, "abcdefghi");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_early_owner_of_one_that_is_refused_hears_its_end)
{
    struct fixture f;
    setup(&f);
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(write_text(&f, "hello"), 5);
    end_last(END_CONNECTREFUSED);
    env_run_timers(f.env);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_uint_eq(f.app.connected, 0);
    ck_assert(!f.app.end.connected);
    ck_assert_uint_eq(f.app.end.reason, END_CONNECTREFUSED);
    teardown(&f);
}
END_TEST

/* What is known before an exit is asked is said as ever. */
START_TEST(test_tunnel_early_does_not_begin_what_cannot_be)
{
    static const char *const refused[] = {"10.0.0.1", "localhost", "abc.onion"};
    for (size_t i = 0; i < 4; i++) {
        struct fixture f;
        setup(&f);
        struct tunnel_request req = request_to(i < 3 ? refused[i] : "example.com");
        req.optimistic = true;
        net.why_not = i == 3 ? "no exit allows the port" : NULL;
        f.app.t = tunnels_open(f.ts, &req, &app_ops, &f.app);
        env_run_timers(f.env);
        env_run_timers(f.env);
        ck_assert_uint_eq(f.app.begun, 0);
        ck_assert_uint_eq(f.app.ended, 1);
        ck_assert_uint_eq(net.n_streams, 0);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_early_is_not_for_look_ups_and_not_unasked)
{
    struct fixture f;
    setup(&f);
    open_optimistic(&f, TUNNEL_RESOLVE);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(f.app.begun, 0);
    teardown(&f);
    setup(&f);
    open_to(&f, "example.com");
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(f.app.begun, 0);
    ck_assert_uint_eq(write_text(&f, "x"), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_early_may_be_closed_where_it_begins)
{
    struct fixture f;
    setup(&f);
    f.app.close_in_begun = true;
    open_optimistic(&f, TUNNEL_CONNECT);
    ck_assert_uint_eq(f.app.begun, 1);
    ck_assert(net.streams[0].closed);
    env_run_timers(f.env);
    ck_assert_uint_eq(f.app.ended, 0);
    teardown(&f);
}
END_TEST

TESTS("client/tunnel_early", test_tunnel_early_bytes_go_out_behind_begin,
      test_tunnel_early_bytes_are_said_again_to_the_next_exit, test_tunnel_early_bytes_have_a_cap,
      test_tunnel_early_bytes_count_among_all_that_wait, test_tunnel_early_bytes_stay_in_front,
      test_tunnel_early_way_that_is_free_is_used,
      test_tunnel_early_owner_of_one_that_is_refused_hears_its_end,
      test_tunnel_early_does_not_begin_what_cannot_be,
      test_tunnel_early_is_not_for_look_ups_and_not_unasked,
      test_tunnel_early_may_be_closed_where_it_begins)
