/* One tunnel and its attempts, and many that wait. */
#include "tunnelworld.h"

/* ---- targets ---- */

START_TEST(test_tunnel_asks_the_exit_in_tors_words)
{
    static const struct {
        const char *host, *target;
        uint32_t flags;
    } rows[] = {
        {"example.com", "example.com:80", BEGIN_IPV6_OK},
        {"192.0.2.1", "192.0.2.1:80", 0},
        {"2001:db8::1", "[2001:db8::1]:80", BEGIN_IPV6_OK | BEGIN_IPV4_NOT_OK},
        {"[2001:db8::1]", "[2001:db8::1]:80", BEGIN_IPV6_OK | BEGIN_IPV4_NOT_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, rows[i].host);
        ck_assert_str_eq(last_stream()->target, rows[i].target);
        ck_assert_uint_eq(last_stream()->req.flags, rows[i].flags);
        ck_assert_int_eq(last_stream()->req.kind, STREAM_BEGIN);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_to_a_directory)
{
    const struct tunnel_request reqs[] = {{.kind = TUNNEL_DIR}, {.kind = TUNNEL_DIR_AUTHORITY}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        setup(&f);
        open_request(&f, &reqs[i]);
        ck_assert_uint_eq(f.app.ended, 0);
        ck_assert_int_eq(last_stream()->req.kind, STREAM_BEGIN_DIR);
        ck_assert_ptr_null(last_stream()->req.target);
        ck_assert_uint_eq(last_stream()->req.flags, 0);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_resolves_by_name_and_in_reverse)
{
    struct fixture f;
    struct tunnel_request req = request_to("example.com");
    setup(&f);
    req.kind = TUNNEL_RESOLVE;
    open_request(&f, &req);
    ck_assert_str_eq(last_stream()->target, "example.com");
    ck_assert_int_eq(last_stream()->req.kind, STREAM_RESOLVE);
    ck_assert_uint_eq(last_stream()->req.flags, 0);

    struct stream_answer answer = {.kind = ANSWER_NAME};
    last_stream()->ops->on_resolved(last_stream()->arg, &answer, 1);
    ck_assert_uint_eq(f.app.resolved, 1);
    end_last(END_DONE);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_NONE);

    req.kind = TUNNEL_RESOLVE_PTR;
    req.ip = ip_v4((const uint8_t[]){192, 0, 2, 7});
    open_request(&f, &req);
    ck_assert_str_eq(last_stream()->target, "7.2.0.192.in-addr.arpa");
    req.ip = ip_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = 0x1a});
    open_request(&f, &req);
    ck_assert_str_eq(last_stream()->target, "a.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                                            "8.b.d.0.1.0.0.2.ip6.arpa");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_refuses_what_must_not_leave)
{
    static const struct {
        const char *host;
        enum tunnel_kind kind;
        uint16_t port;
    } rows[] = {
        {"duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion", TUNNEL_CONNECT, 80},
        {"x.ONION", TUNNEL_CONNECT, 80},
        {"x.onion.", TUNNEL_CONNECT, 80},
        {"x.onion..", TUNNEL_CONNECT, 80},
        {"onion", TUNNEL_CONNECT, 80},
        {"x.onion", TUNNEL_RESOLVE, 0},
        {"x.y.exit", TUNNEL_CONNECT, 80},
        {"example.com", TUNNEL_CONNECT, 0},
        {"127.0.0.1", TUNNEL_CONNECT, 80}, /* the caller did not say that it is an address */
        {"[::1]", TUNNEL_CONNECT, 80},
        {"::ffff:10.0.0.1", TUNNEL_CONNECT, 80},
        {"0.0.0.0", TUNNEL_CONNECT, 80},
        {"10.1.2.3", TUNNEL_CONNECT, 80},
        {"localhost", TUNNEL_CONNECT, 80},
        {"LocalHost.", TUNNEL_CONNECT, 80},
        {"printer.local", TUNNEL_CONNECT, 80},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct tunnel_request req = request_to(rows[i].host);
        setup(&f);
        req.kind = rows[i].kind;
        req.port = rows[i].port;
        open_request(&f, &req);
        ck_assert_msg(f.app.ended == 1, "%s", rows[i].host);
        ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_REQUEST);
        ck_assert_uint_eq(net.looks, 0);
        ck_assert_uint_eq(tunnels_count(f.ts), 0);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_refuses_internal_reverse_look_ups)
{
    struct fixture f;
    struct tunnel_request req = {.kind = TUNNEL_RESOLVE_PTR,
                                 .ip = ip_v4((const uint8_t[]){10, 0, 0, 1})};
    setup(&f);
    open_request(&f, &req);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_REQUEST);
    ck_assert_uint_eq(net.looks, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_lets_like_names_pass)
{
    static const char *const names[] = {"onions.com", "notonion", "nonlocal", "x.onion.com",
                                        "mylocalhost"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, names[i]);
        ck_assert_msg(net.n_streams == 1, "%s", names[i]);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_lets_internal_addresses_pass_when_told)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    struct tunnels_config config = defaults;
    config.reject_internal = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fixture f;
        setup(&f);
        tunnels_set_config(f.ts, &config);
        open_to(&f, names[i]);
        ck_assert_uint_eq(net.n_streams, 1);
        teardown(&f);
    }
}
END_TEST

/* ---- retry ---- */

/* Everything an exit may answer before CONNECTED: another exit is tried, or the tunnel ends. */
START_TEST(test_tunnel_retries_by_reason)
{
    static const struct {
        uint8_t reason;
        bool again;
    } rows[] = {
        {0, false},
        {END_MISC, true},
        {END_RESOLVEFAILED, true},
        {END_CONNECTREFUSED, false},
        {END_EXITPOLICY, true},
        {END_DESTROY, true},
        {END_DONE, false},
        {END_TIMEOUT, true},
        {END_NOROUTE, true},
        {END_HIBERNATING, true},
        {END_INTERNAL, true},
        {END_RESOURCELIMIT, true},
        {END_CONNRESET, false},
        {END_TORPROTOCOL, true},
        {END_NOTDIRECTORY, false},
        {200, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, "example.com");
        end_last(rows[i].reason);
        test_env_advance_ms(f.env, 0);
        test_env_advance_ms(f.env, 0);
        ck_assert_msg(net.n_streams == (rows[i].again ? 2 : 1), "reason %u", rows[i].reason);
        ck_assert_uint_eq(f.app.ended, !rows[i].again);
        if (rows[i].again) {
            ck_assert_uint_eq(net.need.n_failed, 1); /* not this exit again */
            ck_assert_uint_eq(net.failed[0].b[0], 1);
            ck_assert_uint_eq(net.need.avoid_circuit, 1);
        } else {
            ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_STREAM);
            ck_assert_uint_eq(f.app.end.reason, rows[i].reason);
            ck_assert(!f.app.end.connected);
        }
        teardown(&f);
    }
}
END_TEST

/* As on a circuit to an onion service. */
START_TEST(test_tunnel_blames_no_exit_where_there_is_none)
{
    struct fixture f;
    setup(&f);
    net.nobody_to_blame = true;
    open_to(&f, "example.com");
    end_last(END_RESOLVEFAILED);
    test_env_advance_ms(f.env, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.n_streams, 2);
    ck_assert_uint_eq(net.need.n_failed, 0);
    ck_assert_uint_eq(net.need.avoid_circuit, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_ends_after_three_attempts)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(f.app.ended, 0);
        end_last(END_RESOLVEFAILED);
        test_env_advance_ms(f.env, 0);
        test_env_advance_ms(f.env, 0);
    }
    ck_assert_uint_eq(net.n_streams, 3);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_uint_eq(f.app.end.attempts, 3);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_STREAM);
    ck_assert_uint_eq(f.app.end.reason, END_RESOLVEFAILED);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_survives_the_death_of_a_circuit)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    circuit_ends_under_last();
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.n_streams, 2);
    ck_assert_uint_eq(net.need.n_failed, 0); /* the exit did nothing wrong */
    ck_assert_uint_eq(f.app.ended, 0);
    connect_last();
    ck_assert_uint_eq(f.app.connected, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_tells_that_circuits_died)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    for (int i = 0; i < 3; i++) {
        circuit_ends_under_last();
        test_env_advance_ms(f.env, 0);
    }
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_CIRCUIT);
    ck_assert_int_eq(f.app.end.why, ERR_LINK_CLOSED);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_without_another_exit_ends_as_the_last_one_said)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    net.why_not = "no exit is left";
    end_last(END_RESOLVEFAILED);
    test_env_advance_ms(f.env, 0);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_uint_eq(f.app.end.reason, END_RESOLVEFAILED);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_that_no_exit_allows_ends_at_once)
{
    struct fixture f;
    setup(&f);
    net.why_not = "no exit relay allows port 80";
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_uint_eq(f.app.end.reason, END_CANT_ATTACH);
    ck_assert_str_eq(f.app.end.text, net.why_not);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_leaves_a_circuit_that_takes_no_stream)
{
    static const err_t errors[] = {ERR_LIMIT, ERR_STATE};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct fixture f;
        setup(&f);
        net.open_err = errors[i];
        open_to(&f, "example.com");
        test_env_advance_ms(f.env, 0);
        ck_assert_uint_eq(net.n_streams, 1);
        ck_assert(net.circs[0].retired);
        ck_assert_uint_eq(last_stream()->circ->id, 2);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_waits_for_a_crowded_link)
{
    struct fixture f;
    setup(&f);
    net.open_err = ERR_FULL;
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.n_streams, 0);
    ck_assert_uint_eq(net.retires, 0);
    test_env_advance_ms(f.env, 50);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(last_stream()->circ->id, 1);
    ck_assert_uint_eq(f.app.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_with_a_target_that_does_not_fit_ends)
{
    struct fixture f;
    setup(&f);
    net.open_err = ERR_ARG;
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_REQUEST);
    ck_assert_uint_eq(net.retires, 0);
    teardown(&f);
}
END_TEST

/* ---- time ---- */

START_TEST(test_tunnel_tries_elsewhere_when_an_exit_is_silent)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 9999);
    ck_assert_uint_eq(net.n_streams, 1);
    test_env_advance_ms(f.env, 1);
    ck_assert(net.streams[0].closed);
    ck_assert(net.circs[0].retired); /* nobody else is to wait for it */
    ck_assert_uint_eq(net.n_streams, 2);
    test_env_advance_ms(f.env, 10000);
    ck_assert_uint_eq(net.n_streams, 3);
    test_env_advance_ms(f.env, 14999);
    ck_assert_uint_eq(f.app.ended, 0);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_TIMEOUT);
    ck_assert(net.streams[2].closed);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_uses_the_stream_timeout_of_the_options)
{
    struct tunnels_config config = defaults;
    struct fixture f;
    setup(&f);
    config.stream_timeout_ms = 500;
    tunnels_set_config(f.ts, &config);
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 500);
    ck_assert_uint_eq(net.n_streams, 2);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_gives_up_waiting_for_a_circuit)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    ck_assert_uint_eq(tunnels_waiting(f.ts), 1);
    test_env_advance_ms(f.env, 119999);
    ck_assert_uint_eq(f.app.ended, 0);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_TIMEOUT);
    ck_assert_uint_eq(f.app.end.attempts, 0);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_that_waits_for_a_network_is_told_after_some_seconds)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 2000);
    tunnels_no_network(f.ts);
    test_env_advance_ms(f.env, 1000);
    ck_assert_uint_eq(f.app.ended, 0);
    tunnels_no_network(f.ts);
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_NETWORK);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_is_refused_where_there_will_be_no_network)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    tunnels_refuse_all(f.ts, "no network for us");
    test_env_advance_ms(f.env, 1);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_NETWORK);
    open_to(&f, "example.com");
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_NETWORK);
    ck_assert_str_eq(f.app.end.text, "no network for us");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_gives_up_in_an_attempt)
{
    struct tunnels_config config = defaults;
    struct fixture f;
    setup(&f);
    config.give_up_ms = 5000;
    tunnels_set_config(f.ts, &config);
    open_to(&f, "example.com");
    test_env_advance_ms(f.env, 5000);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert(net.streams[0].closed);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_once_open_has_no_deadline)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    connect_last();
    test_env_advance_ms(f.env, 3600 * 1000);
    ck_assert_uint_eq(f.app.ended, 0);
    ck_assert(!net.streams[0].closed);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_that_waits_is_tried_when_asked)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    net.no_circuit = false;
    attach_pool_look(tunnels_pool(f.ts));
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(tunnels_waiting(f.ts), 0);
    attach_pool_look(tunnels_pool(f.ts)); /* has nothing to do */
    ck_assert_uint_eq(net.looks, 2);
    ck_assert_uint_eq(net.finds, 2);
    teardown(&f);
}
END_TEST

/* ---- many at once ---- */

enum { CROWD = 200 };

/* CROWD tunnels wait, each with its own user name if APART. */
static void open_crowd(struct fixture *f, struct app apps[CROWD], bool apart)
{
    struct tunnel_request req = request_to("example.com");
    memset(apps, 0, CROWD * sizeof apps[0]);
    for (int32_t i = 0; i < CROWD; i++) {
        req.isolation.session = apart ? i : 0;
        apps[i].t = tunnels_open(f->ts, &req, &app_ops, &apps[i]);
        ck_assert_ptr_nonnull(apps[i].t);
    }
}

START_TEST(test_tunnel_that_like_ones_wait_costs_one_look)
{
    struct fixture f;
    struct app apps[CROWD];
    setup(&f);
    net.no_circuit = true;
    open_crowd(&f, apps, false);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.looks + net.finds, 2);
    attach_pool_look(tunnels_pool(f.ts));
    ck_assert_uint_eq(net.looks + net.finds, 3);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_of_many_users_asks_nothing_while_all_is_pending)
{
    struct fixture f;
    struct app apps[CROWD];
    setup(&f);
    net.no_circuit = net.all_pending = true;
    open_crowd(&f, apps, true);
    for (int i = 0; i < CROWD; i++)
        test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.looks, CROWD); /* at what is open already: once each */
    for (int i = 0; i < 100; i++)
        attach_pool_look(tunnels_pool(f.ts));
    ck_assert_uint_eq(net.looks, CROWD);
    ck_assert_uint_eq(net.finds, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_of_many_users_is_tried_in_small_parts)
{
    struct fixture f;
    struct app apps[CROWD];
    setup(&f);
    net.no_circuit = true;
    open_crowd(&f, apps, true);
    for (unsigned before = 0; net.finds < CROWD; before = net.looks + net.finds) {
        env_run_timers(f.env);
        ck_assert_uint_le(net.looks + net.finds - before, 64);
        ck_assert_uint_gt(net.looks + net.finds, before);
    }
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_whose_circuit_has_come_is_the_first)
{
    struct fixture f;
    struct app apps[CROWD];
    struct isolation_key who[ISOLATION_KEYS];
    struct isolation last = {.session = CROWD - 1};
    setup(&f);
    net.no_circuit = net.all_pending = true;
    open_crowd(&f, apps, true);
    for (int i = 0; i < CROWD; i++)
        test_env_advance_ms(f.env, 0);
    net.no_circuit = false;
    isolation_keys_of(who, &last, "", 0);
    attach_pool_look_these(tunnels_pool(f.ts), who);
    ck_assert_uint_eq(net.n_streams, 1);
    connect_last();
    ck_assert_uint_eq(apps[CROWD - 1].connected, 1);
    ck_assert_uint_eq(tunnels_waiting(f.ts), CROWD - 1);
    teardown(&f);
}
END_TEST

/* ---- data and the end ---- */

START_TEST(test_tunnel_takes_nothing_before_it_is_open)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    ck_assert_uint_eq(tunnel_write(f.app.t, (const uint8_t *)"x", 1), 0);
    ck_assert_uint_eq(f.app.writable, 0);
    connect_last();
    ck_assert_uint_eq(f.app.writable, 1);
    ck_assert_uint_eq(tunnel_write(f.app.t, (const uint8_t *)"x", 1), 1);
    ck_assert_uint_eq(net.streams[0].written, 1);
    tunnel_consumed(f.app.t, 3);
    ck_assert_uint_eq(net.streams[0].consumed, 3);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_open_ends_once)
{
    static const struct {
        uint8_t reason;
        enum tunnel_stage stage;
    } rows[] = {
        {END_DONE, TUNNEL_STAGE_NONE},
        {END_CONNRESET, TUNNEL_STAGE_STREAM},
        {END_MISC, TUNNEL_STAGE_STREAM}, /* no second attempt once bytes may have gone */
        {END_EXITPOLICY, TUNNEL_STAGE_STREAM},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        setup(&f);
        open_to(&f, "example.com");
        connect_last();
        end_last(rows[i].reason);
        test_env_advance_ms(f.env, 200000);
        ck_assert_uint_eq(f.app.ended, 1);
        ck_assert_int_eq(f.app.end.stage, rows[i].stage);
        ck_assert(f.app.end.connected);
        ck_assert_uint_eq(net.n_streams, 1);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_open_ends_with_its_circuit)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    connect_last();
    circuit_ends_under_last();
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 1);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_CIRCUIT);
    ck_assert(f.app.end.circuit_ended);
    ck_assert_uint_eq(f.app.end.circ.hops, 3);
    ck_assert_uint_eq(net.n_streams, 1);
    teardown(&f);
}
END_TEST

/* ---- close in each state ---- */

START_TEST(test_tunnel_close_while_it_waits)
{
    struct fixture f;
    setup(&f);
    net.no_circuit = true;
    open_to(&f, "example.com");
    app_close(&f.app);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    ck_assert_uint_eq(tunnels_waiting(f.ts), 0);
    test_env_advance_ms(f.env, 200000);
    ck_assert_uint_eq(f.app.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_before_it_was_tried)
{
    struct fixture f;
    struct tunnel_request req = request_to("example.com");
    setup(&f);
    f.app.t = tunnels_open(f.ts, &req, &app_ops, &f.app);
    app_close(&f.app);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(net.looks, 0);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_in_an_attempt)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    app_close(&f.app);
    ck_assert(net.streams[0].closed);
    test_env_advance_ms(f.env, 200000);
    ck_assert_uint_eq(f.app.ended, 0);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_when_open)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    connect_last();
    app_close(&f.app);
    ck_assert(net.streams[0].closed);
    ck_assert_uint_eq(net.streams[0].reason, END_DONE);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 0);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_between_its_end_and_the_news)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    connect_last();
    end_last(END_DONE);
    app_close(&f.app);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.app.ended, 0);
    ck_assert(!net.streams[0].closed);
    ck_assert_uint_eq(tunnels_count(f.ts), 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_between_two_attempts)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "example.com");
    end_last(END_MISC);
    app_close(&f.app);
    test_env_advance_ms(f.env, 200000);
    ck_assert_uint_eq(net.n_streams, 1);
    ck_assert_uint_eq(f.app.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_close_inside_its_callbacks)
{
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        struct tunnel_request req = request_to("example.com");
        struct stream_answer answer = {.kind = ANSWER_NAME};
        setup(&f);
        f.app.close_in_connected = i == 0;
        f.app.close_in_data = i == 1;
        f.app.close_in_resolved = i == 2;
        req.kind = i == 2 ? TUNNEL_RESOLVE : TUNNEL_CONNECT;
        open_request(&f, &req);
        (void)tunnel_write(f.app.t, (const uint8_t *)"x", 1);
        struct stream *s = last_stream();
        if (i == 2)
            s->ops->on_resolved(s->arg, &answer, 1);
        else
            connect_last();
        if (i == 1)
            s->ops->on_data(s->arg, (const uint8_t *)"abc", 3);
        ck_assert_ptr_null(f.app.t);
        ck_assert(s->closed);
        ck_assert_uint_eq(f.app.writable, i == 1);
        test_env_advance_ms(f.env, 200000);
        ck_assert_uint_eq(f.app.ended, 0);
        ck_assert_uint_eq(tunnels_count(f.ts), 0);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_set_ends_without_callbacks)
{
    struct fixture f;
    struct app other = {0};
    struct tunnel_request req = request_to("example.com");
    setup(&f);
    open_to(&f, "example.com");
    net.no_circuit = true;
    other.t = tunnels_open(f.ts, &req, &app_ops, &other);
    tunnels_free(f.ts);
    f.ts = NULL;
    test_env_advance_ms(f.env, 200000);
    ck_assert(net.streams[0].closed);
    ck_assert_uint_eq(f.app.ended + other.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_number_is_bounded)
{
    struct fixture f;
    struct tunnel_request req = request_to("example.com");
    unsigned n = 0;
    setup(&f);
    net.no_circuit = true;
    while (n <= 20000 && tunnels_open(f.ts, &req, &app_ops, &f.app))
        n++;
    ck_assert_uint_eq(n, 20000);
    teardown(&f);
}
END_TEST

/* ---- isolation by user name and password ---- */

START_TEST(test_tunnel_auth_is_kept_apart_by_length)
{
    static const struct {
        const char *user, *pass;
    } rows[] = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}, {"AB", "c"}};
    struct isolation iso[5] = {0}, again = {0};
    for (size_t i = 0; i < 5; i++) {
        isolation_set_auth(&iso[i], text_of(rows[i].user), text_of(rows[i].pass));
        ck_assert(iso[i].has_auth);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(iso[i].auth, iso[j].auth, sizeof iso[i].auth);
    }
    isolation_set_auth(&again, text_of("ab"), text_of("c"));
    ck_assert_mem_eq(iso[0].auth, again.auth, sizeof again.auth);
}
END_TEST

TESTS("client/tunnel", test_tunnel_that_waits_for_a_network_is_told_after_some_seconds,
      test_tunnel_asks_the_exit_in_tors_words, test_tunnel_to_a_directory,
      test_tunnel_resolves_by_name_and_in_reverse, test_tunnel_refuses_what_must_not_leave,
      test_tunnel_refuses_internal_reverse_look_ups, test_tunnel_lets_like_names_pass,
      test_tunnel_lets_internal_addresses_pass_when_told, test_tunnel_retries_by_reason,
      test_tunnel_blames_no_exit_where_there_is_none, test_tunnel_ends_after_three_attempts,
      test_tunnel_survives_the_death_of_a_circuit, test_tunnel_tells_that_circuits_died,
      test_tunnel_without_another_exit_ends_as_the_last_one_said,
      test_tunnel_that_no_exit_allows_ends_at_once,
      test_tunnel_leaves_a_circuit_that_takes_no_stream, test_tunnel_waits_for_a_crowded_link,
      test_tunnel_with_a_target_that_does_not_fit_ends,
      test_tunnel_tries_elsewhere_when_an_exit_is_silent,
      test_tunnel_uses_the_stream_timeout_of_the_options,
      test_tunnel_gives_up_waiting_for_a_circuit,
      test_tunnel_is_refused_where_there_will_be_no_network, test_tunnel_gives_up_in_an_attempt,
      test_tunnel_once_open_has_no_deadline, test_tunnel_that_waits_is_tried_when_asked,
      test_tunnel_that_like_ones_wait_costs_one_look,
      test_tunnel_of_many_users_asks_nothing_while_all_is_pending,
      test_tunnel_of_many_users_is_tried_in_small_parts,
      test_tunnel_whose_circuit_has_come_is_the_first, test_tunnel_takes_nothing_before_it_is_open,
      test_tunnel_open_ends_once, test_tunnel_open_ends_with_its_circuit,
      test_tunnel_close_while_it_waits, test_tunnel_close_before_it_was_tried,
      test_tunnel_close_in_an_attempt, test_tunnel_close_when_open,
      test_tunnel_close_between_its_end_and_the_news, test_tunnel_close_between_two_attempts,
      test_tunnel_close_inside_its_callbacks, test_tunnel_set_ends_without_callbacks,
      test_tunnel_number_is_bounded, test_tunnel_auth_is_kept_apart_by_length)
