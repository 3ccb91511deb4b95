/* Every way in which a node breaks the protocol, as a client of ours sees it: one row a fault. A
 * row fails if the node keeps the rule all the same. */
#include "cell/relay_flow.h"
#include "faults/faults.h"
#include "testnet/wired.h"

static struct wired w;

static void fault_all(enum fault fault, uint32_t n)
{
    for (size_t i = 0; i < testnet_nodes(w.net); i++)
        faults_of(testnet_node(w.net, i))->n[fault] = n;
}

/* ---- links ---- */

START_TEST(test_faults_of_links_keep_it_shut)
{
    static const enum fault faults[] = {
        FAULT_LINK_NO_VERSIONS, FAULT_LINK_NO_COMMON_VERSION, FAULT_LINK_NO_CERTS,
        FAULT_LINK_CERTS_TWICE, FAULT_LINK_CERT_EXPIRED,      FAULT_LINK_CERT_WRONG_TLS,
        FAULT_LINK_OTHER_ED,    FAULT_LINK_CERTS_LATE,        FAULT_LINK_NO_NETINFO};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        wired_start(&w);
        fault_all(faults[i], 1);
        wired_connect(&w);
        ck_assert_msg(!w.link_open, "%s", fault_name(faults[i]));
        wired_stop(&w);
    }
}
END_TEST

/* ---- circuits that are not built ---- */

START_TEST(test_faults_of_handshakes_build_nothing)
{
    static const struct {
        enum fault fault;
        bool over; /* else it hangs */
    } rows[] = {
        {FAULT_CIRC_DESTROY, true},         {FAULT_CIRC_SILENT, false},
        {FAULT_CIRC_BAD_AUTH, true},        {FAULT_CIRC_SHORT_REPLY, true},
        {FAULT_CIRC_CREATED_TWICE, true},   {FAULT_CIRC_LONG_REPLY, true},
        {FAULT_CIRC_TRUNCATED_EMPTY, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wired_start(&w);
        fault_all(rows[i].fault, 1);
        wired_build(&w, 3, true);
        ck_assert_msg(!w.open, "%s: built", fault_name(rows[i].fault));
        ck_assert_msg(w.over == rows[i].over, "%s", fault_name(rows[i].fault));
        wired_stop(&w);
    }
}
END_TEST

/* ---- a stream: BEGIN, 150 DATA each way, the target closes ---- */

enum { UP = 150, CELLS_DOWN = 150, BIG = 10000 };

static void use(void)
{
    uint8_t cell[100] = {0};
    wired_begin(&w, 7, "localhost 80", 0);
    for (unsigned i = 0; i < UP && !w.over; i++)
        wired_send(&w, RELAY_DATA, 7, cell, sizeof cell);
    if (!w.over)
        (void)wired_say(&w, CELLS_DOWN * RELAY_V0_DATA_MAX);
    if (!w.over && w.target[0])
        target_in_end(w.target[0]);
    wired_pump(&w);
}

static const struct {
    enum fault fault;
    uint32_t n;
    bool over;         /* the circuit is closed by us */
    const char *trace; /* what came before */
} rows[] = {
    /* an honest one, for comparison: circuit SENDMEs do not get so far up */
    {FAULTS, 0, false, "CONNECTED/8 DATA END:6"},
    {FAULT_CIRC_SENDME_EARLY, 3, true, "CONNECTED/8 DATA"},
    {FAULT_CIRC_SENDME_V0, 1, true, "CONNECTED/8"},
    {FAULT_CIRC_SENDME_WRONG_TAG, 1, true, "CONNECTED/8"},
    {FAULT_CIRC_BAD_DIGEST, 20, true, "CONNECTED/8 DATA"},
    {FAULT_CIRC_UNKNOWN_COMMAND, 20, true, "CONNECTED/8 DATA"},
    {FAULT_CIRC_BAD_LENGTH, 20, true, "CONNECTED/8 DATA"},
    {FAULT_CIRC_EXTENDED_UNASKED, 1, true, ""},
    {FAULT_CIRC_CONFLUX, 1, true, ""},
    {FAULT_STREAM_END_EMPTY, 1, true, "CONNECTED/8 DATA"},
    {FAULT_STREAM_END_INTERNAL, 1, false, "CONNECTED/8 DATA END:15"},
    {FAULT_STREAM_END_REASON, END_HIBERNATING, false, "END:9"},
    {FAULT_STREAM_END_OPEN, END_CONNRESET, false, "CONNECTED/8 DATA END:12"},
    {FAULT_STREAM_SILENT, 1, false, ""},
    {FAULT_STREAM_CONNECTED_TWICE, 1, false, "CONNECTED/8 CONNECTED/8 DATA END:6"},
    {FAULT_STREAM_DATA_FIRST, 1, false, "DATA CONNECTED/8 END:6"},
    {FAULT_STREAM_WRONG_ID, 1, false, "CONNECTED/8 CONNECTED/8 DATA END:6"},
    {FAULT_STREAM_ZERO_ID, 1, true, "CONNECTED/8"},
    {FAULT_STREAM_CONNECTED_SHORT, 1, false, "CONNECTED/3 DATA END:6"},
    {FAULT_STREAM_XOFF, 1, true, ""},
    {FAULT_STREAM_XON, 1, true, ""},
    {FAULT_STREAM_XOFF_UNKNOWN, 1, true, ""},
};

START_TEST(test_faults_of_streams_are_seen)
{
    wired_start(&w);
    wired_build(&w, 3, true);
    ck_assert(w.open);
    if (rows[_i].fault != FAULTS)
        faults_of(wired_node(&w, PLAN_EXIT, 0))->n[rows[_i].fault] = rows[_i].n;
    use();
    const char *name = rows[_i].fault == FAULTS ? "none" : fault_name(rows[_i].fault);
    ck_assert_msg(strcmp(w.trace, rows[_i].trace) == 0, "%s: \"%s\"", name, w.trace);
    ck_assert_msg(w.over == rows[_i].over, "%s: the circuit is %s", name,
                  w.over ? "closed" : "open");
    wired_stop(&w);
}
END_TEST

/* The same over CGO at the exit: any cell that is not the next one in order is noise, and messages
 * are of format v1. */
static const struct {
    enum fault fault;
    uint32_t n;
    bool over;
    err_t why;
    const char *trace;
} cgo_rows[] = {
    {FAULTS, 0, false, OK, "CONNECTED/8 DATA END:6"},
    {FAULT_CIRC_SENDME_V0, 1, true, ERR_CIRC_SENDME, "CONNECTED/8"},
    {FAULT_CIRC_SENDME_WRONG_TAG, 1, true, ERR_CIRC_SENDME, "CONNECTED/8"},
    {FAULT_CIRC_BAD_DIGEST, 20, true, ERR_CIRC_UNRECOGNIZED, "CONNECTED/8 DATA"},
    {FAULT_CIRC_CELL_TWICE, 20, true, ERR_CIRC_UNRECOGNIZED, "CONNECTED/8 DATA"},
    {FAULT_CIRC_CELL_LOST, 20, true, ERR_CIRC_UNRECOGNIZED, "CONNECTED/8 DATA"},
    {FAULT_CIRC_UNKNOWN_COMMAND, 20, true, ERR_CIRC_PROTO, "CONNECTED/8 DATA"},
    {FAULT_CIRC_BAD_LENGTH, 20, true, ERR_CIRC_PROTO, "CONNECTED/8 DATA"},
    {FAULT_STREAM_ZERO_ID, 1, true, ERR_CIRC_PROTO, "CONNECTED/8"},
};

START_TEST(test_faults_over_cgo_end_the_circuit_with_the_reason)
{
    const char *name = cgo_rows[_i].fault == FAULTS ? "none" : fault_name(cgo_rows[_i].fault);
    wired_start(&w);
    wired_build_asking(&w, 3, true, (struct hop_ask){.cc = true, .cgo = true});
    ck_assert(w.open);
    ck_assert_uint_eq(node_counts(wired_node(&w, PLAN_EXIT, 0)).handshakes_cgo, 1);
    if (cgo_rows[_i].fault != FAULTS)
        faults_of(wired_node(&w, PLAN_EXIT, 0))->n[cgo_rows[_i].fault] = cgo_rows[_i].n;
    use();
    ck_assert_msg(strcmp(w.trace, cgo_rows[_i].trace) == 0, "%s: \"%s\"", name, w.trace);
    ck_assert_msg(w.over == cgo_rows[_i].over, "%s: the circuit is %s", name,
                  w.over ? "closed" : "open");
    ck_assert_msg(!w.over || w.end.why == cgo_rows[_i].why, "%s: %s", name, err_name(w.end.why));
    wired_stop(&w);
}
END_TEST

/* It says yes to CGO, but not to what CGO needs, or goes on without: no circuit comes of it, or
 * none that carries anything. */
START_TEST(test_faults_about_agreeing_on_cgo)
{
    static const struct {
        enum fault fault;
        bool built;
    } faults[] = {{FAULT_NTOR3_CC_SILENT, false}, {FAULT_NTOR3_CGO, true}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        wired_start(&w);
        faults_of(wired_node(&w, PLAN_EXIT, 0))->n[faults[i].fault] = 1;
        wired_build_asking(&w, 3, true, (struct hop_ask){.cc = true, .cgo = true});
        ck_assert_int_eq(w.open, faults[i].built);
        if (faults[i].built)
            wired_begin(&w, 7, "localhost 80", 0);
        ck_assert(w.over);
        ck_assert_str_eq(w.trace, "");
        wired_stop(&w);
    }
}
END_TEST

START_TEST(test_faults_data_after_the_end)
{
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_STREAM_DATA_AFTER_END, 1);
    wired_begin(&w, 7, "localhost 80", 0);
    target_in_end(w.target[0]);
    wired_pump(&w);
    ck_assert_str_eq(w.trace, "CONNECTED/8 END:6 DATA");
    wired_stop(&w);
}
END_TEST

/* Our end takes 100 DATA and then waits for a SENDME that never comes. */
START_TEST(test_faults_no_sendme_starves_the_window)
{
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_CIRC_NO_SENDME, 1);
    use();
    ck_assert_uint_eq(circ_window(w.circ, 3), 1000 - UP);
    wired_stop(&w);
}
END_TEST

START_TEST(test_faults_window_is_ignored)
{
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_CIRC_IGNORE_WINDOW, 1);
    wired_begin(&w, 7, "localhost 80", 0);
    ck_assert_uint_gt(wired_say(&w, 600 * RELAY_V0_DATA_MAX), 500 * RELAY_V0_DATA_MAX);
    wired_stop(&w);
}
END_TEST

START_TEST(test_faults_flood_comes_through)
{
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_CIRC_FLOOD, 2);
    wired_begin(&w, 7, "localhost 80", 0);
    ck_assert(w.over); /* our client does not know DROP, and says so */
    wired_stop(&w);
}
END_TEST

START_TEST(test_faults_xoff_for_a_lookup)
{
    const struct relay_resolve m = {TEXT_LIT("any.test")};
    uint8_t data[RELAY_DATA_MAX];
    struct wr out = wr_over(data, sizeof data);
    ck_ok(relay_resolve_encode(&out, &m));
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_STREAM_RESOLVE_XOFF, 1);
    wired_send(&w, RELAY_RESOLVE, 3, data, out.len);
    ck_assert(w.over);
    wired_stop(&w);
    wired_start(&w);
    wired_build(&w, 3, true);
    fault_all(FAULT_STREAM_RESOLVED_BAD, 1);
    wired_send(&w, RELAY_RESOLVE, 3, data, out.len);
    ck_assert_str_eq(w.trace, "RESOLVED/3");
    wired_stop(&w);
}
END_TEST

/* ---- the switches ---- */

START_TEST(test_faults_switch_by_name)
{
    struct faults f = {.n = {0}};
    ck_ok(fault_set(&f, "circ-silent"));
    ck_ok(fault_set(&f, "stream-end-reason=4"));
    ck_assert_uint_eq(f.n[FAULT_CIRC_SILENT], 1);
    ck_assert_uint_eq(f.n[FAULT_STREAM_END_REASON], 4);
    ck_err(fault_set(&f, "circ-silen"), ERR_NOT_FOUND);
    ck_err(fault_set(&f, "circ-silent="), ERR_MALFORMED);
    ck_err(fault_set(&f, "circ-silent=0"), ERR_MALFORMED);
    ck_err(fault_set(&f, "circ-silent=x"), ERR_MALFORMED);
}
END_TEST

START_TEST(test_faults_act_from_or_at_their_occasion)
{
    struct faults f = {.n = {[FAULT_CIRC_SILENT] = 2, [FAULT_CIRC_DESTROY] = 2}};
    ck_assert(!fault_now(&f, FAULT_CIRC_SILENT));
    ck_assert(fault_now(&f, FAULT_CIRC_SILENT));
    ck_assert(fault_now(&f, FAULT_CIRC_SILENT));
    ck_assert(!fault_now(&f, FAULT_CIRC_DESTROY));
    ck_assert(fault_now(&f, FAULT_CIRC_DESTROY));
    ck_assert(!fault_now(&f, FAULT_CIRC_DESTROY));
    ck_assert(!fault_now(&f, FAULT_DIR_404));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("faults/faults");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, test_faults_of_streams_are_seen, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(c, test_faults_over_cgo_end_the_circuit_with_the_reason, 0,
                        (int)(sizeof cgo_rows / sizeof cgo_rows[0]));
    const TTest *const others[] = {test_faults_about_agreeing_on_cgo,
                                   test_faults_of_links_keep_it_shut,
                                   test_faults_of_handshakes_build_nothing,
                                   test_faults_data_after_the_end,
                                   test_faults_no_sendme_starves_the_window,
                                   test_faults_window_is_ignored,
                                   test_faults_flood_comes_through,
                                   test_faults_xoff_for_a_lookup,
                                   test_faults_switch_by_name,
                                   test_faults_act_from_or_at_their_occasion};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        tcase_add_test(c, others[i]);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
