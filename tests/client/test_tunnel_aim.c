/* Where tunnels go in the end, and which are answered or refused without an attempt. */
#include "client/attach.h"
#include "client/fakecirc.h"
#include "client/fakeconflux.h"
#include "client/ocirc.h"
#include "tunnelworld.h"

static void map(struct fixture *f, const char *from, const char *to)
{
    const char *why;
    ck_ok(addrmap_set(f->map, from, to, ADDRMAP_CONTROLLER, &why));
}

static void settle(struct fixture *f)
{
    test_env_advance_ms(f->env, 0);
    test_env_advance_ms(f->env, 0);
}

static void look_up(struct fixture *f, const char *host)
{
    struct tunnel_request req = request_to(host);
    req.kind = TUNNEL_RESOLVE;
    open_request(f, &req);
    settle(f);
}

START_TEST(test_tunnel_aim_goes_to_what_a_name_stands_for)
{
    struct fixture f;
    setup(&f);
    map(&f, "a.example", "192.0.2.7");
    open_to(&f, "A.Example");
    settle(&f);
    ck_assert_str_eq(last_stream()->target, "192.0.2.7:80");
    ck_assert_int_eq(net.need.request->ip.family, IP_V4); /* the exit must allow that */
    ck_assert_str_eq(net.need.asked_host, "a.example");
    ck_assert_str_eq(f.story, "NEW, REMAP, SENTCONNECT 1");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_answers_a_look_up_of_an_address)
{
    struct fixture f;
    setup(&f);
    map(&f, "a.example", "192.0.2.7");
    look_up(&f, "192.0.2.1");
    ck_assert_uint_eq(f.app.resolved, 1);
    ck_assert_uint_eq(f.app.ended, 1);
    look_up(&f, "a.example");
    ck_assert_uint_eq(f.app.resolved, 2);
    ck_assert_int_eq(f.app.end.stage, TUNNEL_STAGE_NONE);
    ck_assert_uint_eq(net.looks + net.n_streams, 0); /* nobody is asked */
    ck_assert_str_eq(f.story, "NEWRESOLVE, CLOSED, NEWRESOLVE, REMAP, CLOSED");
    f.app.close_in_resolved = true;
    look_up(&f, "192.0.2.1");
    ck_assert_uint_eq(f.app.ended, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_answers_a_look_up_with_a_virtual_address)
{
    struct fixture f;
    struct tunnels_config config = defaults;
    setup(&f);
    config.automap = true;
    config.automap_suffixes = ".onion, .odd";
    tunnels_set_config(f.ts, &config);
    look_up(&f, "x.odd");
    ck_assert_uint_eq(f.app.resolved, 1);
    const char *addr = addrmap_virtual(f.map, ADDRMAP_IPV4, "x.odd");
    open_to(&f, addr);
    ck_assert_str_eq(last_stream()->target, "x.odd:80");
    look_up(&f, "x.plain");
    ck_assert_uint_eq(f.app.resolved, 1); /* an exit is asked for that one */
    ck_assert_str_eq(last_stream()->target, "x.plain");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_refuses_a_virtual_address_that_stands_for_nothing)
{
    struct fixture f;
    setup(&f);
    open_to(&f, "127.200.1.1");
    settle(&f);
    ck_assert_int_eq(f.app.end.reason, END_INTERNAL);
    open_to(&f, "whatever.virtual");
    settle(&f);
    ck_assert_int_eq(f.app.end.reason, END_INTERNAL);
    ck_assert_uint_eq(net.n_streams, 0);
    teardown(&f);
}
END_TEST

/* C tor, connection_ap_handshake_rewrite(): the reverse map has no virtual addresses, either. */
START_TEST(test_tunnel_aim_asks_no_exit_for_the_name_of_a_virtual_address)
{
    struct fixture f;
    struct tunnel_request req = {.kind = TUNNEL_RESOLVE_PTR};
    setup(&f);
    ck_ok(ip_parse(addrmap_virtual(f.map, ADDRMAP_IPV4, "x.odd"), false, &req.ip));
    open_request(&f, &req);
    settle(&f);
    ck_assert_int_eq(f.app.end.reason, END_INTERNAL);
    ck_assert_uint_eq(net.n_streams, 0);
    ck_ok(ip_parse("192.0.2.7", false, &req.ip));
    open_request(&f, &req);
    settle(&f);
    ck_assert_uint_eq(net.n_streams, 1);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_leaves_by_the_exit_that_a_map_names)
{
    struct fixture f;
    setup(&f);
    net.exit_name = "relay";
    net.exit.rsa.b[0] = 77;
    net.exit.v4[0] = 203;
    map(&f, "a.example", "b.example.relay.exit");
    map(&f, "c.example", "relay.exit");
    map(&f, "d.example", "127.0.0.1.relay.exit"); /* what is internal to that exit */
    open_to(&f, "a.example");
    ck_assert_str_eq(last_stream()->target, "b.example:80");
    ck_assert_uint_eq(net.need.exit->b[0], 77);
    settle(&f);
    ck_assert(f.last.has_relay && f.last.relay.b[0] == 77);
    open_to(&f, "c.example");
    ck_assert_str_eq(last_stream()->target, "203.0.0.0:80");
    open_to(&f, "d.example");
    ck_assert_str_eq(last_stream()->target, "127.0.0.1:80");
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_refuses_exits_of_no_use)
{
    static const char *const maps[] = {"b.example.nobody.exit", "b..exit", "b.example.relay.exit"};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        struct fixture f;
        setup(&f);
        net.exit_name = "relay";
        net.exit_is_excluded = true;
        map(&f, "a.example", maps[i]);
        open_to(&f, "a.example");
        settle(&f);
        ck_assert_int_eq(f.app.end.reason, END_TORPROTOCOL);
        open_to(&f, "x.relay.exit"); /* an application may not */
        settle(&f);
        ck_assert_int_eq(f.app.end.reason, END_TORPROTOCOL);
        ck_assert_uint_eq(net.n_streams, 0);
        teardown(&f);
    }
}
END_TEST

START_TEST(test_tunnel_aim_judges_when_a_circuit_is_named)
{
    struct fixture f;
    struct ocirc oc = {0};
    struct circ three = {3};
    struct tunnels_config config = defaults;
    setup(&f);
    oc = (struct ocirc){.env = f.env, .circ = &three};
    ck_assert(circuits_add(f.circuits, &oc));
    oc.state = OCIRC_OPEN;
    config.leave_unattached = true;
    tunnels_set_config(f.ts, &config);
    open_to(&f, "127.0.0.1"); /* what is internal to the exit is meant */
    settle(&f);
    ck_assert_uint_eq(f.app.ended, 0);
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), oc.id, 0), ATTACH_DONE);
    open_to(&f, "127.0.0.1");
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), 0, 0), ATTACH_DONE);
    settle(&f);
    ck_assert_int_eq(f.app.end.reason, END_PRIVATE); /* not by any exit */
    open_to(&f, "x.onion");
    ck_assert_int_eq(tunnels_attach(f.ts, tunnel_stream(f.app.t), oc.id, 0), ATTACH_FAILED);
    circuits_remove(&oc);
    teardown(&f);
}
END_TEST

START_TEST(test_tunnel_aim_remembers_exits_of_tracked_hosts)
{
    struct fixture f;
    struct tunnels_config config = defaults;
    setup(&f);
    net.exit_name = "0100000000000000000000000000000000000000"; /* the first circuit's */
    net.exit.rsa.b[0] = 1;
    config.track_exits = "a.example,.b.example";
    config.track_exits_s = 60;
    tunnels_set_config(f.ts, &config);
    open_to(&f, "a.example");
    ck_assert_ptr_null(net.need.exit);
    connect_last();
    open_to(&f, "x.a.example"); /* is not listed */
    open_to(&f, "x.a.example");
    ck_assert_ptr_null(net.need.exit);
    open_to(&f, "a.example");
    ck_assert_uint_eq(net.need.exit->b[0], 1);
    ck_assert_str_eq(last_stream()->target, "a.example:80");
    end_last(END_EXITPOLICY); /* it will not do any more */
    settle(&f);
    ck_assert_ptr_null(net.need.exit);
    teardown(&f);
}
END_TEST

TESTS("client/tunnel_aim", test_tunnel_aim_goes_to_what_a_name_stands_for,
      test_tunnel_aim_answers_a_look_up_of_an_address,
      test_tunnel_aim_answers_a_look_up_with_a_virtual_address,
      test_tunnel_aim_refuses_a_virtual_address_that_stands_for_nothing,
      test_tunnel_aim_asks_no_exit_for_the_name_of_a_virtual_address,
      test_tunnel_aim_leaves_by_the_exit_that_a_map_names, test_tunnel_aim_refuses_exits_of_no_use,
      test_tunnel_aim_judges_when_a_circuit_is_named,
      test_tunnel_aim_remembers_exits_of_tracked_hosts)
