/* A relay of a test network as a client meets it. */
#include "testnet/wired.h"

static struct wired w;

static void built(unsigned hops, bool v3)
{
    wired_start(&w);
    wired_build(&w, hops, v3);
    ck_assert(w.open && !w.over);
}

static void comes(const char *trace)
{
    ck_assert_str_eq(w.trace, trace);
    w.trace[0] = 0;
    w.data = 0;
}

/* ---- circuits ---- */

START_TEST(test_node_builds_three_hops_by_either_ntor)
{
    for (int v3 = 0; v3 < 2; v3++) {
        built(3, v3);
        struct node_counts n = node_counts(wired_node(&w, PLAN_EXIT, 0));
        ck_assert_uint_eq(n.circuits, 1);
        ck_assert_uint_eq(v3 ? n.handshakes_ntor_v3 : n.handshakes_ntor, 1);
        wired_stop(&w);
    }
}
END_TEST

START_TEST(test_node_gives_the_directory_over_one_hop)
{
    static const char get[] = "GET /tor/status-vote/current/consensus-microdesc HTTP/1.0\r\n\r\n";
    wired_start(&w);
    wired_connect(&w);
    wired_circ(&w);
    ck_ok(circ_build_fast(w.circ));
    wired_pump(&w);
    ck_assert(w.open);
    wired_send(&w, RELAY_BEGIN_DIR, 5, NULL, 0);
    wired_send(&w, RELAY_DATA, 5, get, sizeof get - 1);
    comes("CONNECTED/0 DATA END:6");
    ck_assert_uint_gt(
        w.bytes, netdocs_consensus(testnet_docs(w.net), CONSDOC_MICRODESC, NETDOCS_HONEST).len);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_no_way_out_of_a_directory_circuit)
{
    wired_start(&w);
    wired_connect(&w);
    wired_circ(&w);
    ck_ok(circ_build_fast(w.circ));
    wired_pump(&w);
    wired_begin(&w, 1, "localhost 80", 0);
    comes("END:13");
    ck_assert_uint_eq(w.dialled, 0);
    wired_stop(&w);
}
END_TEST

static void does_not_extend_to(struct circ_hop_target last)
{
    wired_start(&w);
    const struct circ_hop_target path[3] = {wired_hop(&w, PLAN_GUARD, 0, false),
                                            wired_hop(&w, PLAN_MIDDLE, 0, false), last};
    wired_connect(&w);
    wired_circ(&w);
    ck_ok(circ_build(w.circ, path, 3));
    wired_pump(&w);
    ck_assert(!w.open && w.over && w.end.remote);
    ck_assert_uint_eq(w.end.reason, DESTROY_DESTROYED); /* the guard keeps the reason to itself */
    wired_stop(&w);
}

START_TEST(test_node_extends_neither_to_itself_nor_back_nor_out)
{
    static const uint8_t far[4] = {192, 0, 2, 1};
    wired_start(&w);
    struct circ_hop_target itself = wired_hop(&w, PLAN_MIDDLE, 0, false),
                           back = wired_hop(&w, PLAN_GUARD, 0, false),
                           out = wired_hop(&w, PLAN_EXIT, 0, false), nobody = out;
    wired_stop(&w);
    out.v4.ip = ip_v4(far);
    memset(&nobody.rsa, 0, sizeof nobody.rsa);
    does_not_extend_to(itself);
    does_not_extend_to(back);
    does_not_extend_to(out);
    does_not_extend_to(nobody);
}
END_TEST

START_TEST(test_node_next_with_another_identity_is_refused)
{
    wired_start(&w);
    struct circ_hop_target wrong = wired_hop(&w, PLAN_EXIT, 0, false);
    wrong.rsa = wired_hop(&w, PLAN_EXIT, 1, false).rsa;
    const struct circ_hop_target path[2] = {wired_hop(&w, PLAN_GUARD, 0, false), wrong};
    wired_connect(&w);
    wired_circ(&w);
    ck_ok(circ_build(w.circ, path, 2));
    wired_pump(&w);
    ck_assert(w.over && w.end.remote);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_stop_ends_circuits_and_start_brings_it_back)
{
    built(3, true);
    node_stop(wired_node(&w, PLAN_MIDDLE, 0));
    wired_pump(&w);
    ck_assert(w.over && w.end.remote);
    ck_assert_uint_eq(node_counts(wired_node(&w, PLAN_EXIT, 0)).circuits, 0);
    node_start(wired_node(&w, PLAN_MIDDLE, 0));
    circ_free(w.circ);
    w.over = w.open = false;
    wired_circ(&w);
    const struct circ_hop_target path[2] = {wired_hop(&w, PLAN_GUARD, 0, false),
                                            wired_hop(&w, PLAN_MIDDLE, 0, false)};
    ck_ok(circ_build(w.circ, path, 2));
    wired_pump(&w);
    ck_assert(w.open);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_destroys_all_it_has_with_the_reason)
{
    built(3, false);
    node_destroy_circuits(wired_node(&w, PLAN_GUARD, 0), DESTROY_HIBERNATING);
    wired_pump(&w);
    ck_assert(w.over);
    ck_assert_uint_eq(w.end.reason, DESTROY_HIBERNATING);
    for (size_t i = 0; i < testnet_nodes(w.net); i++)
        ck_assert_uint_eq(node_counts(testnet_node(w.net, i)).circuits, 0);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_truncates_on_request)
{
    built(3, false);
    ck_ok(circ_send(w.circ, 1, RELAY_TRUNCATE, 0, NULL, 0));
    wired_pump(&w);
    ck_assert(w.over && w.end.remote); /* our client has no use for what is left */
    ck_assert_uint_eq(w.end.reason, DESTROY_REQUESTED);
    ck_assert_uint_eq(node_counts(wired_node(&w, PLAN_EXIT, 0)).circuits, 0);
    wired_stop(&w);
}
END_TEST

/* ---- streams ---- */

START_TEST(test_node_stream_to_a_target_and_back)
{
    size_t len;
    built(3, true);
    wired_begin(&w, 9, "there.example 80", 0);
    comes("CONNECTED/8");
    ck_assert_uint_eq(w.to.port, 8080);
    wired_send(&w, RELAY_DATA, 9, "hello", 5);
    ck_assert_mem_eq(target_out(w.target[0], &len), "hello", 5);
    ck_assert_uint_eq(len, 5);
    target_sent(w.target[0], len);
    ck_assert_uint_eq(wired_say(&w, 1000), 1000);
    target_in_end(w.target[0]);
    wired_pump(&w);
    comes("DATA END:6");
    ck_assert_uint_eq(w.bytes, 1000);
    ck_assert_uint_eq(w.hung_up, 1);
    ck_assert_uint_eq(node_counts(wired_node(&w, PLAN_EXIT, 0)).streams, 0);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_stream_window_holds_back_the_target)
{
    built(3, false);
    wired_begin(&w, 9, "localhost 80", 0);
    comes("CONNECTED/8");
    size_t said = wired_say(&w, 1000 * 1000);
    ck_assert_uint_eq(said, 500 * RELAY_V0_DATA_MAX);
    ck_assert_uint_eq(w.data, 500);
    wired_send(&w, RELAY_SENDME, 9, NULL, 0);
    ck_assert_uint_eq(w.resumed, 1);
    ck_assert_uint_eq(wired_say(&w, 1000 * 1000), 50 * RELAY_V0_DATA_MAX);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_sendmes_follow_what_the_target_takes)
{
    static const uint8_t cell[RELAY_V0_DATA_MAX];
    size_t len;
    built(3, false);
    wired_begin(&w, 9, "localhost 80", 0);
    comes("CONNECTED/8");
    for (unsigned i = 0; i < 200; i++) {
        size_t most = circ_data_max(w.circ, 3);
        wired_send(&w, RELAY_DATA, 9, cell, most < sizeof cell ? most : sizeof cell);
    }
    comes("");                                       /* the target has taken nothing */
    ck_assert_uint_eq(circ_window(w.circ, 3), 1000); /* the circuit's SENDMEs came all the same */
    (void)target_out(w.target[0], &len);
    target_sent(w.target[0], len);
    wired_pump(&w);
    comes("SENDME/0 SENDME/0 SENDME/0 SENDME/0");
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_data_beyond_the_stream_window_ends_the_circuit)
{
    static const uint8_t byte[1];
    built(3, false);
    wired_begin(&w, 9, "localhost 80", 0);
    for (unsigned i = 0; i < 501 && !w.over; i++)
        wired_send(&w, RELAY_DATA, 9, byte, 1);
    ck_assert(w.over && w.end.remote);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_refuses_by_policy_name_and_family)
{
    built(3, false);
    wired_begin(&w, 1, "localhost 25", 0);
    wired_begin(&w, 2, "gone.test 80", 0);
    wired_begin(&w, 3, "nowhere.example 80", 0);
    wired_begin(&w, 4, "192.0.2.1 80", 0);
    wired_begin(&w, 5, "192.0.2.1 25", 0);
    wired_begin(&w, 6, "six.example 80", 0);
    /* Outside there is no route; only what the policy says ends with "exit policy" (4). */
    comes("END:4 END:2 END:2 END:8 END:4 END:4");
    wired_begin(&w, 7, "six.example 80", BEGIN_IPV6_OK);
    comes("CONNECTED/25");
    ck_assert_uint_eq(w.dialled, 1);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_a_second_begin_with_one_id_is_dropped)
{
    built(3, false);
    wired_begin(&w, 1, "localhost 80", 0);
    wired_begin(&w, 1, "localhost 81", 0);
    comes("CONNECTED/8");
    ck_assert_uint_eq(w.dialled, 1);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_says_why_a_target_cannot_be_reached)
{
    static const struct {
        int error;
        const char *end;
    } ends[] = {{111, "END:3"}, {110, "END:7"}, {113, "END:8"}, {101, "END:8"}, {5, "END:1"}};
    built(3, false);
    w.auto_connect = false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        wired_begin(&w, (uint16_t)(i + 1), "localhost 80", 0);
        target_failed(w.target[0], ends[i].error);
        wired_pump(&w);
        comes(ends[i].end);
    }
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_client_ends_a_stream)
{
    static const uint8_t done[] = {END_DONE};
    built(3, false);
    wired_begin(&w, 1, "localhost 80", 0);
    wired_send(&w, RELAY_END, 1, done, 1);
    ck_assert_uint_eq(w.hung_up, 1);
    wired_send(&w, RELAY_DATA, 1, "late", 4); /* nobody minds */
    ck_assert(!w.over);
    wired_stop(&w);
}
END_TEST

START_TEST(test_node_end_of_the_circuit_hangs_up_its_targets)
{
    built(3, false);
    wired_begin(&w, 1, "localhost 80", 0);
    wired_begin(&w, 2, "localhost 80", 0);
    circ_free(w.circ);
    w.circ = NULL;
    wired_pump(&w);
    ck_assert_uint_eq(w.hung_up, 2);
    wired_stop(&w);
}
END_TEST

static void resolves(const char *name, const char *trace)
{
    const struct relay_resolve m = {text_of(name)};
    uint8_t data[RELAY_DATA_MAX];
    struct wr out = wr_over(data, sizeof data);
    ck_ok(relay_resolve_encode(&out, &m));
    wired_send(&w, RELAY_RESOLVE, 3, data, out.len);
    comes(trace);
}

START_TEST(test_node_resolves_names_and_addresses)
{
    built(3, false);
    resolves("there.example", "RESOLVED/10"); /* type, length, 4, ttl */
    resolves("six.example", "RESOLVED/22");
    resolves("9.9.9.127.in-addr.arpa", "RESOLVED/19"); /* there.example */
    resolves("gone.test", "RESOLVED/18");              /* an error and its text */
    resolves("any.test", "RESOLVED/10");
    wired_stop(&w);
}
END_TEST

TESTS("testnet/node", test_node_builds_three_hops_by_either_ntor,
      test_node_gives_the_directory_over_one_hop, test_node_no_way_out_of_a_directory_circuit,
      test_node_extends_neither_to_itself_nor_back_nor_out,
      test_node_next_with_another_identity_is_refused,
      test_node_stop_ends_circuits_and_start_brings_it_back,
      test_node_destroys_all_it_has_with_the_reason, test_node_truncates_on_request,
      test_node_stream_to_a_target_and_back, test_node_stream_window_holds_back_the_target,
      test_node_sendmes_follow_what_the_target_takes,
      test_node_data_beyond_the_stream_window_ends_the_circuit,
      test_node_refuses_by_policy_name_and_family, test_node_a_second_begin_with_one_id_is_dropped,
      test_node_says_why_a_target_cannot_be_reached, test_node_client_ends_a_stream,
      test_node_end_of_the_circuit_hangs_up_its_targets, test_node_resolves_names_and_addresses)
