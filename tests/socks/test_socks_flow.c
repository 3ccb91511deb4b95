/* The SOCKS machine: time, backpressure, ends, calls from inside callbacks, storage. */
#include "base/queue.h"
#include "support/socksworld.h"

#include <malloc.h>

enum { IN_MOST = 64 * 1024, OUT_MOST = STREAM_HELD_MOST + 4096 }; /* what the machine may hold */

/* ---- time ---- */

START_TEST(test_socks_handshake_that_is_not_finished_in_time_is_closed)
{
    static const struct {
        const char *sent;
        size_t len;
    } states[] = {{"", 0}, {"\5", 1}, {"\5\1\2", 3}, {"\5\1\0", 3}, {"\5\1\0\5\1", 5}};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct world *w = world();
        test_env_advance_ms(w->env, PUMP_HELLO_MS - 1);
        feed(w, (const uint8_t *)states[i].sent, states[i].len); /* does not help */
        ck_assert_uint_eq(w->dones, 0);
        test_env_advance_ms(w->env, 1);
        ck_assert_uint_eq(w->dones, 1);
        test_env_advance_ms(w->env, 10 * PUMP_HELLO_MS);
        ck_assert_uint_eq(w->dones, 1);
        world_free(w);
    }
}
END_TEST

START_TEST(test_socks_request_and_open_connection_have_no_time_limit_here)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    test_env_advance_ms(w->env, 10 * PUMP_HELLO_MS);
    ck_assert_uint_eq(w->dones, 0);
    connects(w);
    test_env_advance_ms(w->env, 10 * PUMP_HELLO_MS);
    ck_assert_uint_eq(w->dones, 0);
    world_free(w);
}
END_TEST

/* ---- backpressure ---- */

static const uint8_t lots[2 * IN_MOST];

START_TEST(test_socks_reading_stops_while_the_tunnel_takes_nothing)
{
    struct world *w = opened();
    w->tunnel.room = 0;
    size_t took = feed_in_steps(w, lots, sizeof lots, 5000);
    ck_assert_uint_gt(took, IN_MOST / 2);
    ck_assert_uint_le(took, IN_MOST);
    ck_assert_uint_eq(w->wanted, 0);
    w->tunnel.room = 100; /* some, but not all */
    w->tunnel.ops->on_writable(w->tunnel.arg);
    ck_assert_uint_eq(w->tunnel.got_len, 100);
    ck_assert_uint_eq(w->wanted, 0);
    w->tunnel.room = SIZE_MAX;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    ck_assert_uint_eq(w->tunnel.got_len, took);
    ck_assert_uint_eq(w->wanted, 1);
    w->tunnel.ops->on_writable(w->tunnel.arg);
    ck_assert_uint_eq(w->wanted, 1); /* nobody was turned away since */
    feed_text(w, "more");
    ck_assert_uint_eq(w->tunnel.got_len, took + 4);
    world_free(w);
}
END_TEST

START_TEST(test_socks_reading_stops_while_the_tunnel_is_on_its_way)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    size_t took = feed_in_steps(w, lots, sizeof lots, 5000);
    ck_assert_uint_le(took, IN_MOST);
    ck_assert_uint_eq(w->wanted, 0);
    connects(w);
    ck_assert_uint_eq(w->tunnel.got_len, took);
    ck_assert_uint_eq(w->wanted, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_bytes_keep_their_order_over_a_tunnel_that_takes_little)
{
    struct world *w = opened();
    static uint8_t bytes[200000];
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    w->tunnel.room = 0;
    while (w->tunnel.got_len < sizeof bytes) {
        at += feed_in_steps(w, bytes + at, sizeof bytes - at, 1 + at % 3000);
        w->tunnel.room = 1 + env_random_below(w->env, 5000);
        w->tunnel.ops->on_writable(w->tunnel.arg);
    }
    ck_assert_mem_eq(w->tunnel.got, bytes, sizeof bytes);
    world_free(w);
}
END_TEST

START_TEST(test_socks_consumed_counts_the_streams_bytes_and_not_ours)
{
    struct world *w = world();
    feed(w, BYTES(5, 1, 0)); /* its answer is not sent yet */
    feed_wire(w, request5(1, "www.example", 80));
    connects(w);
    delivers(w, "0123456789");
    send_out(w, 1); /* of 2 + 10 + 10 */
    ck_assert_uint_eq(w->tunnel.consumed, 0);
    send_out(w, 10);
    ck_assert_uint_eq(w->tunnel.consumed, 0);
    send_out(w, 4); /* the last of ours and three of the stream's */
    ck_assert_uint_eq(w->tunnel.consumed, 3);
    delivers(w, "abc");
    send_out(w, 7);
    ck_assert_uint_eq(w->tunnel.consumed, 10);
    send_out(w, 100);
    ck_assert_uint_eq(w->tunnel.consumed, 13);
    ck_assert_uint_eq(w->sent_len, 25);
    ck_assert_mem_eq(w->sent, "\5\0\5\0\0\1\0\0\0\0\0\0", 12);
    ck_assert_mem_eq(w->sent + 12, "0123456789abc", 13);
    world_free(w);
}
END_TEST

START_TEST(test_socks_slow_application_is_not_consumed_for)
{
    struct world *w = opened();
    for (int i = 0; i < 100; i++)
        delivers(w, "0123456789");
    ck_assert_uint_eq(w->tunnel.consumed, 0);
    send_out(w, 333);
    ck_assert_uint_eq(w->tunnel.consumed, 333);
    world_free(w);
}
END_TEST

START_TEST(test_socks_more_than_any_window_ends_the_connection_once)
{
    struct world *w = opened();
    static const uint8_t piece[OUT_MOST / 4];
    for (int i = 0; i < 4; i++)
        w->tunnel.ops->on_data(w->tunnel.arg, piece, sizeof piece);
    ck_assert_uint_eq(w->dones, 0);
    delivers(w, "x");
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->tunnel.close_reason, END_RESOURCELIMIT);
    size_t len;
    ck_assert_ptr_nonnull(pump_out(w->pump, &len));
    ck_assert_uint_eq(len, OUT_MOST);
    world_free(w);
}
END_TEST

/* ---- the application's end ---- */

START_TEST(test_socks_eof_in_the_handshake_ends_it)
{
    static const struct {
        const char *sent;
        size_t len, answer;
    } states[] = {{"", 0, 0}, {"\5\1", 2, 0}, {"\5\1\2", 3, 2}, {"\5\1\0", 3, 2}};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct world *w = world();
        feed(w, (const uint8_t *)states[i].sent, states[i].len);
        pump_in_eof(w->pump, false);
        ck_assert_uint_eq(w->dones, 1);
        send_out(w, SIZE_MAX);
        ck_assert_uint_eq(w->sent_len, states[i].answer);
        pump_in_eof(w->pump, false);
        ck_assert_uint_eq(w->dones, 1);
        world_free(w);
    }
}
END_TEST

START_TEST(test_socks_eof_while_the_tunnel_is_on_its_way_closes_it)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    pump_in_eof(w->pump, false);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->tunnel.close_reason, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    sends(w, NULL, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_eof_behind_early_words_waits_for_the_answer)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    feed_text(w, "GET /");
    pump_in_eof(w->pump, false);
    ck_assert_uint_eq(w->dones, 0);
    connects(w);
    got(w, "GET /");
    sends(w, granted5, 10);
    delivers(w, "page");
    sends(w, "page", 4);
    ends(w, TUNNEL_STAGE_NONE, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_eof_behind_a_look_up_waits_for_the_answer)
{
    struct world *w = world();
    struct stream_answer answer = {.kind = ANSWER_IP, .ip = ip_v4((const uint8_t[]){192, 0, 2, 1})};
    ask(w, 0xf0, "www.example", 0);
    pump_in_eof(w->pump, false);
    ck_assert_uint_eq(w->dones, 0);
    w->tunnel.ops->on_resolved(w->tunnel.arg, &answer, 1);
    sends(w, BYTES(5, 0, 0, 1, 192, 0, 2, 1, 0, 0));
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

/* The far side is not told: what it says still comes, however long it goes on. */
START_TEST(test_socks_eof_of_an_open_connection_waits_for_the_answer)
{
    struct world *w = opened();
    feed_text(w, "GET /");
    pump_in_eof(w->pump, false);
    test_env_advance_ms(w->env, PUMP_ANSWER_MS - 1);
    for (int i = 0; i < 20; i++) {
        delivers(w, "page");
        sends(w, "page", 4);
        test_env_advance_ms(w->env, PUMP_QUIET_MS - 1);
    }
    ck_assert_uint_eq(w->dones, 0);
    ck_assert_uint_eq(w->tunnel.closed, 0);
    ends(w, TUNNEL_STAGE_NONE, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

static void closes_after(struct world *w, uint64_t ms)
{
    test_env_advance_ms(w->env, ms - 1);
    ck_assert_uint_eq(w->dones, 0);
    test_env_advance_ms(w->env, 1);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->tunnel.close_reason, END_DONE);
    world_free(w);
}

START_TEST(test_socks_eof_waits_for_an_answer_so_long)
{
    struct world *w = opened();
    feed_text(w, "GET /");
    test_env_advance_ms(w->env, 1000);
    pump_in_eof(w->pump, false);
    closes_after(w, PUMP_ANSWER_MS - 1000);
}
END_TEST

START_TEST(test_socks_eof_waits_for_the_rest_so_long)
{
    struct world *w = opened();
    feed_text(w, "GET /");
    pump_in_eof(w->pump, false);
    delivers(w, "page");
    sends(w, "page", 4);
    closes_after(w, PUMP_QUIET_MS);
}
END_TEST

/* As most do when they have what they wanted, some time ago: both sides are closed. */
START_TEST(test_socks_eof_of_a_quiet_connection_closes_the_tunnel)
{
    struct world *w = opened();
    feed_text(w, "GET /");
    delivers(w, "page");
    sends(w, "page", 4);
    test_env_advance_ms(w->env, PUMP_QUIET_MS);
    pump_in_eof(w->pump, false);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->tunnel.close_reason, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_eof_of_who_surely_reads_has_no_time_limit)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    pump_in_eof(w->pump, true);
    ck_assert_uint_eq(w->dones, 0);
    connects(w);
    test_env_advance_ms(w->env, 100 * PUMP_ANSWER_MS);
    delivers(w, "banner");
    test_env_advance_ms(w->env, 100 * PUMP_ANSWER_MS);
    ck_assert_uint_eq(w->dones, 0);
    pump_in_end(w->pump);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_eof_gives_a_slow_reader_its_time)
{
    struct world *w = opened();
    delivers(w, "page");
    pump_in_eof(w->pump, false);
    test_env_advance_ms(w->env, 100 * PUMP_QUIET_MS);
    ck_assert_uint_eq(w->dones, 0);
    sends(w, "page", 4);
    test_env_advance_ms(w->env, 2 * PUMP_QUIET_MS);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_connection_that_breaks_ends_all_at_once)
{
    for (int state = 0; state < 4; state++) {
        struct world *w = state == 3 ? opened() : world();
        if (state == 1 || state == 2)
            ask(w, 1, "www.example", 80);
        if (state >= 2)
            feed_text(w, "GET /");
        if (state == 3)
            pump_in_eof(w->pump, false); /* first this, then an error when something is written */
        pump_in_end(w->pump);
        ck_assert_uint_eq(w->dones, 1);
        ck_assert_uint_eq(w->tunnel.closed, state > 0);
        world_free(w);
    }
}
END_TEST

START_TEST(test_socks_eof_waits_for_the_tunnel_to_take_the_last_bytes)
{
    struct world *w = opened();
    size_t room;
    w->tunnel.room = 0;
    feed_text(w, "last words");
    pump_in_eof(w->pump, false);
    test_env_advance_ms(w->env, 10 * PUMP_ANSWER_MS);
    ck_assert_uint_eq(w->dones, 0);
    ck_assert_ptr_null(pump_in_room(w->pump, &room));
    delivers(w, "still passed on");
    sends(w, "still passed on", 15);
    w->tunnel.room = 4;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    w->tunnel.room = 100;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    got(w, "last words");
    ck_assert_uint_eq(w->wanted, 0);
    closes_after(w, PUMP_ANSWER_MS);
}
END_TEST

/* An upload whose program closes as soon as it has written all: nothing of it may be missing. */
START_TEST(test_socks_end_waits_for_the_tunnel_to_take_the_last_bytes)
{
    for (int half_closed_before = 0; half_closed_before < 2; half_closed_before++) {
        struct world *w = opened();
        w->tunnel.room = 0;
        feed_text(w, "last words");
        if (half_closed_before)
            pump_in_eof(w->pump, true);
        pump_in_end(w->pump);
        test_env_advance_ms(w->env, PUMP_ANSWER_MS - 1);
        delivers(w, "to nobody");
        ck_assert_uint_eq(w->tunnel.consumed, 9);
        sends(w, NULL, 0);
        ck_assert_uint_eq(w->dones, 0);
        w->tunnel.room = 4;
        w->tunnel.ops->on_writable(w->tunnel.arg);
        test_env_advance_ms(w->env, PUMP_ANSWER_MS - 1);
        ck_assert_uint_eq(w->dones, 0);
        w->tunnel.room = 100;
        w->tunnel.ops->on_writable(w->tunnel.arg);
        got(w, "last words");
        ck_assert_uint_eq(w->dones, 1);
        ck_assert_uint_eq(w->tunnel.closed, 1);
        world_free(w);
    }
}
END_TEST

START_TEST(test_socks_end_does_not_wait_for_a_tunnel_that_takes_nothing)
{
    struct world *w = opened();
    w->tunnel.room = 0;
    delivers(w, "page"); /* which nobody will read */
    feed_text(w, "last words");
    pump_in_end(w->pump);
    closes_after(w, PUMP_ANSWER_MS);
}
END_TEST

START_TEST(test_socks_eof_and_then_the_tunnels_end_is_one_end)
{
    struct world *w = opened();
    w->tunnel.room = 0;
    feed_text(w, "last words");
    pump_in_eof(w->pump, false);
    ends(w, TUNNEL_STAGE_STREAM, END_CONNRESET);
    ck_assert_uint_eq(w->dones, 1);
    ck_assert_uint_eq(w->tunnel.closed, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_bytes_after_the_end_are_ignored)
{
    struct world *w = world();
    size_t room;
    uint8_t *to = pump_in_room(w->pump, &room);
    memcpy(to, "\x2a junk", 6);
    pump_in_done(w->pump, 6);
    ck_assert_uint_eq(w->dones, 1);
    pump_in_done(w->pump, 0);
    ck_assert_ptr_null(pump_in_room(w->pump, &room));
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

/* ---- freeing, and calls from inside callbacks ---- */

START_TEST(test_socks_free_in_every_state_closes_the_tunnel_without_a_word)
{
    struct world *w = world();
    again(w); /* nothing said */
    greet(w);
    again(w);
    feed(w, BYTES(5, 1, 2));
    again(w);
    ask(w, 1, "www.example", 80);
    pump_free(w->pump);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->dones, 0);
    connection(w);
    ask(w, 1, "www.example", 80);
    connects(w);
    pump_free(w->pump);
    ck_assert_uint_eq(w->tunnel.closed, 2);
    ck_assert_uint_eq(w->dones, 0);
    w->pump = NULL;
    pump_free(NULL);
    world_free(w);
}
END_TEST

START_TEST(test_socks_net_may_send_inside_on_output)
{
    struct world *w = world();
    w->send_at_once = true;
    feed(w, BYTES(5, 1, 0));
    feed_wire(w, request5(1, "www.example", 80));
    connects(w);
    delivers(w, "abc");
    ck_assert_uint_eq(w->tunnel.consumed, 3);
    delivers(w, "de");
    ck_assert_uint_eq(w->tunnel.consumed, 5);
    ck_assert_uint_eq(w->sent_len, 2 + 10 + 5);
    ends(w, TUNNEL_STAGE_STREAM, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

START_TEST(test_socks_net_may_feed_inside_on_input_wanted)
{
    struct world *w = opened();
    w->tunnel.room = 0;
    size_t took = feed_in_steps(w, lots, sizeof lots, 5000);
    w->feed_at_once = true;
    w->tunnel.room = SIZE_MAX;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    ck_assert_uint_eq(w->tunnel.got_len, took + 4);
    ck_assert_mem_eq(w->tunnel.got + took, "more", 4);
    ck_assert_uint_eq(w->wanted, 1);
    world_free(w);
}
END_TEST

/* ---- storage ---- */

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#endif
#ifdef UNDER_ASAN
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

/* Bytes of this process on the heap. */
static size_t held(void)
{
#ifdef UNDER_ASAN
    return __sanitizer_get_current_allocated_bytes();
#else
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
#endif
}

START_TEST(test_socks_idle_connection_holds_no_queues)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    connects(w);
    send_out(w, SIZE_MAX);
    test_env_advance_ms(w->env, 5000);
    size_t before = held();
    feed(w, lots, 10000);
    w->tunnel.ops->on_data(w->tunnel.arg, lots, 20000);
    ck_assert_uint_ge(held(), before + 30000);
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_ge(held(), before + 20000); /* what is queued stays */
    send_out(w, SIZE_MAX);
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_lt(held(), before + 1000);
    world_free(w);
}
END_TEST

START_TEST(test_socks_storage_of_output_comes_back_with_its_last_byte)
{
    struct world *w = opened();
    w->tunnel.ops->on_data(w->tunnel.arg, lots, 20000);
    ck_assert_uint_ge(queues_held(w->env), 20000);
    send_out(w, 19999);
    ck_assert_uint_ge(queues_held(w->env), 1);
    send_out(w, 1);
    ck_assert_uint_eq(queues_held(w->env), 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_queues_that_hold_too_much_end_the_connection)
{
    struct world *w = opened();
    queues_set_most(w->env, 30000);
    w->tunnel.ops->on_data(w->tunnel.arg, lots, 10000);
    test_env_advance_ms(w->env, 1);
    ck_assert_uint_eq(w->tunnel.closed, 0);
    w->tunnel.ops->on_data(w->tunnel.arg, lots, 40000);
    ck_assert_uint_eq(w->tunnel.closed, 0); /* not inside the call */
    test_env_advance_ms(w->env, 1);
    ck_assert_uint_eq(w->tunnel.closed, 1);
    ck_assert_uint_eq(w->tunnel.close_reason, END_RESOURCELIMIT);
    ck_assert_uint_eq(w->dones, 1);
    size_t len;
    ck_assert_ptr_null(pump_out(w->pump, &len));
    ck_assert_uint_eq(queues_held(w->env), 0);
    queues_set_most(w->env, 0);
    world_free(w);
}
END_TEST

START_TEST(test_socks_storage_comes_back_after_a_slow_tunnel_too)
{
    struct world *w = opened();
    test_env_advance_ms(w->env, 5000);
    size_t before = held();
    w->tunnel.room = 0;
    feed(w, lots, 10000);
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_ge(held(), before + 10000);
    w->tunnel.room = SIZE_MAX;
    w->tunnel.ops->on_writable(w->tunnel.arg);
    test_env_advance_ms(w->env, 5000);
    ck_assert_uint_lt(held(), before + 1000);
    world_free(w);
}
END_TEST

/* ---- OptimisticReply ---- */

static void begins(struct world *w)
{
    w->tunnel.connected = true; /* it takes bytes */
    w->tunnel.ops->on_begun(w->tunnel.arg);
}

START_TEST(test_socks_optimistic_reply_does_not_wait_for_the_exit)
{
    struct world *w = world();
    w->config.flags.optimistic_reply = true;
    ask(w, 1, "www.example", 80);
    ck_assert(w->tunnel.req.optimistic);
    sends(w, "", 0); /* not before an exit was asked */
    feed_text(w, "GET ");
    begins(w);
    sends(w, granted5, 10);
    feed_text(w, "/");
    got(w, "GET /");
    connects(w);
    sends(w, "", 0);
    delivers(w, "page");
    sends(w, "page", 4);
    ck_assert_uint_eq(w->tunnel.consumed, 4);
    ends(w, TUNNEL_STAGE_NONE, END_DONE);
    ck_assert_uint_eq(w->dones, 1);
    world_free(w);
}
END_TEST

/* There is no other way to say it any more. */
START_TEST(test_socks_optimistic_reply_makes_a_refusal_an_end)
{
    for (unsigned early = 0; early < 2; early++) {
        struct world *w = world();
        w->config.flags.optimistic_reply = true;
        ask(w, 1, "www.example", 80);
        if (early) {
            begins(w);
            sends(w, granted5, 10);
        }
        ends(w, TUNNEL_STAGE_STREAM, END_CONNECTREFUSED);
        if (early)
            sends(w, "", 0);
        else
            sends(w, "\5\5\0\1\0\0\0\0\0\0", 10); /* nobody was told yet: an honest answer */
        ck_assert_uint_eq(w->dones, 1);
        world_free(w);
    }
}
END_TEST

START_TEST(test_socks_optimistic_reply_only_where_the_port_says_so)
{
    struct world *w = world();
    ask(w, 1, "www.example", 80);
    ck_assert(!w->tunnel.req.optimistic);
    world_free(w);
}
END_TEST

TESTS("socks/socks_flow", test_socks_handshake_that_is_not_finished_in_time_is_closed,
      test_socks_request_and_open_connection_have_no_time_limit_here,
      test_socks_reading_stops_while_the_tunnel_takes_nothing,
      test_socks_reading_stops_while_the_tunnel_is_on_its_way,
      test_socks_bytes_keep_their_order_over_a_tunnel_that_takes_little,
      test_socks_consumed_counts_the_streams_bytes_and_not_ours,
      test_socks_slow_application_is_not_consumed_for,
      test_socks_more_than_any_window_ends_the_connection_once,
      test_socks_eof_in_the_handshake_ends_it,
      test_socks_eof_while_the_tunnel_is_on_its_way_closes_it,
      test_socks_eof_behind_early_words_waits_for_the_answer,
      test_socks_eof_behind_a_look_up_waits_for_the_answer,
      test_socks_eof_of_an_open_connection_waits_for_the_answer,
      test_socks_eof_waits_for_an_answer_so_long, test_socks_eof_waits_for_the_rest_so_long,
      test_socks_eof_of_a_quiet_connection_closes_the_tunnel,
      test_socks_eof_of_who_surely_reads_has_no_time_limit,
      test_socks_eof_gives_a_slow_reader_its_time,
      test_socks_connection_that_breaks_ends_all_at_once,
      test_socks_eof_waits_for_the_tunnel_to_take_the_last_bytes,
      test_socks_end_waits_for_the_tunnel_to_take_the_last_bytes,
      test_socks_end_does_not_wait_for_a_tunnel_that_takes_nothing,
      test_socks_eof_and_then_the_tunnels_end_is_one_end,
      test_socks_bytes_after_the_end_are_ignored,
      test_socks_free_in_every_state_closes_the_tunnel_without_a_word,
      test_socks_net_may_send_inside_on_output, test_socks_net_may_feed_inside_on_input_wanted,
      test_socks_idle_connection_holds_no_queues,
      test_socks_storage_of_output_comes_back_with_its_last_byte,
      test_socks_queues_that_hold_too_much_end_the_connection,
      test_socks_storage_comes_back_after_a_slow_tunnel_too,
      test_socks_optimistic_reply_does_not_wait_for_the_exit,
      test_socks_optimistic_reply_makes_a_refusal_an_end,
      test_socks_optimistic_reply_only_where_the_port_says_so)
