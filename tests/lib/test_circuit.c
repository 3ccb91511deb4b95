/* Circuits over loopback: each handshake, each way to fail, messages of the program's own. */
#include "tunic/circuit.h"
#include "tunic/trace.h"

#include "cell/reason.h"
#include "cell/relay.h"
#include "lab.h"

static struct lab lab;
static struct tunic *t;
static struct tunic_relay *guard;
static struct tunic_error e;

static void setup(const struct lab_fault *faults)
{
    memset(&e, 0, sizeof e);
    lab_start(&lab, faults);
    t = tunic_new(&e);
    struct tunic_relay_options o = lab_options(&lab, LAB_GUARD);
    guard = tunic_relay_connect(t, &o, 5000, &e);
    ck_assert_msg(guard != NULL, "%s", e.text);
}

static void teardown(void)
{
    tunic_relay_free(guard);
    tunic_free(t);
    lab_stop(&lab);
}

static struct tunic_circuit *three_hops(enum tunic_handshake handshake)
{
    struct tunic_hop hop = lab_hop(&lab, LAB_GUARD);
    struct tunic_circuit *c = tunic_circuit_create(guard, handshake, &hop, 5000, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    for (int node = LAB_MIDDLE; node <= LAB_EXIT; node++) {
        hop = lab_hop(&lab, node);
        ck_assert_msg(tunic_circuit_extend(c, handshake, &hop, 5000, &e) == 0, "%s", e.text);
    }
    return c;
}

START_TEST(test_circuit_of_each_handshake)
{
    setup(NULL);
    struct tunic_circuit *fast = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    struct tunic_circuit *ntor = three_hops(TUNIC_NTOR), *v3 = three_hops(TUNIC_NTOR_V3);
    struct tunic_hop hop = lab_hop(&lab, LAB_MIDDLE);
    ck_assert_ptr_nonnull(fast);
    ck_assert_int_eq(tunic_circuit_hops(fast), 1);
    ck_assert_int_eq(tunic_circuit_extend(fast, TUNIC_NTOR, &hop, 5000, &e), 0);
    ck_assert_int_eq(tunic_circuit_hops(fast), 2);
    ck_assert_int_eq(tunic_circuit_hops(ntor), 3);
    ck_assert_int_eq(tunic_circuit_hops(v3), 3);
    ck_assert_int_eq(tunic_circuit_status(v3), TUNIC_CIRC_STATUS_BUILT);
    ck_assert_ptr_null(tunic_circuit_error(v3));
    ck_assert_uint_ne(tunic_circuit_id(ntor), tunic_circuit_id(v3));
    tunic_circuit_free(ntor);
    tunic_circuit_free(fast);
    tunic_circuit_free(v3);
    teardown();
}
END_TEST

struct padding_seen {
    int negotiated, drops, others; /* from the second hop */
};

static void count_padding(void *arg, const struct tunic_trace *trace)
{
    struct padding_seen *seen = arg;
    if (trace->kind != TUNIC_TRACE_MESSAGE || trace->out)
        return;
    if (trace->hop != 2)
        seen->others++;
    else if (trace->command == RELAY_DROP)
        seen->drops++;
    else
        seen->negotiated += trace->command == RELAY_PADDING_NEGOTIATED;
}

START_TEST(test_circuit_pads_like_a_fetched_page)
{
    struct padding_seen seen = {0};
    setup(NULL);
    struct tunic_circuit *c = three_hops(TUNIC_NTOR);
    tunic_set_trace(t, count_padding, &seen);
    ck_assert_msg(tunic_circuit_pad(c, TUNIC_PADDING_INTRODUCE, &e) == 0, "%s", e.text);
    ck_assert_int_eq(tunic_circuit_pad(c, TUNIC_PADDING_REND, &e), -1); /* one at a time */
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    for (int i = 0; i < 200 && tunic_circuit_is_padding(c); i++)
        ck_assert_int_ge(tunic_run_once(t, 20, &e), 0);
    ck_assert_int_eq(tunic_circuit_is_padding(c), 0);
    ck_assert_int_eq(seen.negotiated, 2);
    ck_assert_int_ge(seen.drops, 7);
    ck_assert_int_le(seen.drops, 9);
    ck_assert_int_eq(seen.others, 0);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_BUILT);
    ck_assert_int_eq(tunic_circuit_pad(c, (enum tunic_padding)2, &e), -1);
    tunic_circuit_free(c);
    ck_assert_int_eq(tunic_circuit_pad(NULL, TUNIC_PADDING_REND, &e), -1);
    ck_assert_int_eq(tunic_circuit_is_padding(NULL), 0);
    teardown();
}
END_TEST

START_TEST(test_circuit_wrong_key)
{
    setup(NULL);
    struct tunic_hop hop = lab_hop(&lab, LAB_GUARD);
    hop.ntor_key = lab.node[LAB_EXIT].ntor.b;
    ck_assert_ptr_null(tunic_circuit_create(guard, TUNIC_NTOR, &hop, 5000, &e));
    lab_is_error(&e, TUNIC_REFUSED, TUNIC_STAGE_CIRCUIT, 1, TUNIC_CIRC_CLOSURE_REASON_TORPROTOCOL);
    teardown();
}
END_TEST

START_TEST(test_circuit_wrong_identity_behind)
{
    setup(NULL);
    struct tunic_hop hop = lab_hop(&lab, LAB_GUARD);
    struct tunic_circuit *c = tunic_circuit_create(guard, TUNIC_NTOR, &hop, 5000, &e);
    hop = lab_hop(&lab, LAB_MIDDLE);
    hop.rsa_id = lab.node[LAB_EXIT].rsa.b;
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR, &hop, 5000, &e), -1);
    ck_assert_int_eq(e.from_peer, 1);
    ck_assert_int_eq(e.cls, TUNIC_REFUSED);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_CIRCUIT);
    ck_assert_int_eq(e.hop, 2);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_CLOSED);
    ck_assert_ptr_nonnull(tunic_circuit_error(c));
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR, &hop, 5000, &e), -1);
    ck_assert_int_eq(e.hop, 2);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

START_TEST(test_circuit_faults_name_their_hop)
{
    static const struct lab_fault faults[] = {
        {LAB_MIDDLE, "circ-destroy=1"}, {LAB_EXIT, "circ-bad-auth"}, {0, NULL}};
    setup(faults);
    struct tunic_hop first = lab_hop(&lab, LAB_GUARD), hop = lab_hop(&lab, LAB_MIDDLE);
    struct tunic_circuit *c = tunic_circuit_create(guard, TUNIC_NTOR_V3, &first, 5000, &e);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR_V3, &hop, 5000, &e), -1);
    ck_assert_int_eq(e.hop, 2);
    ck_assert_int_eq(e.cls, TUNIC_REFUSED);
    tunic_circuit_free(c);
    c = tunic_circuit_create(guard, TUNIC_NTOR_V3, &first, 5000, &e);
    hop = lab_hop(&lab, LAB_EXIT);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_NTOR_V3, &hop, 5000, &e), -1);
    lab_is_error(&e, TUNIC_PROTOCOL, TUNIC_STAGE_CIRCUIT, 2, TUNIC_CIRC_CLOSURE_REASON_TORPROTOCOL);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

START_TEST(test_circuit_no_answer)
{
    static const struct lab_fault faults[] = {{LAB_GUARD, "circ-silent"}, {0, NULL}};
    setup(faults);
    struct tunic_circuit *c = tunic_circuit_start(guard, NULL, &e);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_LAUNCHED);
    ck_assert_int_eq(tunic_circuit_extend(c, TUNIC_CREATE_FAST, NULL, 100, &e), -1);
    lab_is_error(&e, TUNIC_TIMEOUT, TUNIC_STAGE_CIRCUIT, 1, TUNIC_CIRC_CLOSURE_REASON_TIMEOUT);
    ck_assert_int_eq(tunic_circuit_wait(c, 10, &e), -1); /* again */
    lab_is_error(&e, TUNIC_TIMEOUT, TUNIC_STAGE_CIRCUIT, 1, TUNIC_CIRC_CLOSURE_REASON_TIMEOUT);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

static void is_refused(struct tunic_circuit *c, enum tunic_handshake h, const struct tunic_hop *hop)
{
    ck_assert_int_eq(tunic_circuit_start_hop(c, h, hop, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
}

START_TEST(test_circuit_wrong_use)
{
    setup(NULL);
    struct tunic_circuit *c = tunic_circuit_start(guard, NULL, &e);
    struct tunic_hop good = lab_hop(&lab, LAB_GUARD), hop = good;
    ck_assert_int_eq(tunic_circuit_wait(c, 100, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    hop.rsa_id = NULL;
    is_refused(c, TUNIC_NTOR, &hop);
    hop = good;
    hop.ntor_key = NULL;
    is_refused(c, TUNIC_NTOR, &hop);
    hop = good;
    hop.ed25519_id = NULL;
    is_refused(c, TUNIC_NTOR_V3, &hop);
    hop = good;
    hop.ipv4 = "relay.example";
    is_refused(c, TUNIC_NTOR, &hop);
    hop.ipv4 = "::1";
    is_refused(c, TUNIC_NTOR, &hop);
    is_refused(c, TUNIC_NTOR, NULL);
    is_refused(c, (enum tunic_handshake)9, &good);
    ck_assert_int_eq(tunic_circuit_start_hop(c, TUNIC_NTOR, &good, &e), 0);
    is_refused(c, TUNIC_NTOR, &good); /* one at a time */
    ck_assert_int_eq(tunic_circuit_wait(c, 5000, &e), 0);
    is_refused(c, TUNIC_CREATE_FAST, NULL);
    hop = good;
    hop.ipv4 = NULL;
    is_refused(c, TUNIC_NTOR, &hop);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

/* Handles live on when what they stand on goes. */
START_TEST(test_circuit_ends_with_its_relay)
{
    setup(NULL);
    struct tunic_circuit *c = three_hops(TUNIC_NTOR);
    tunic_relay_free(guard);
    guard = NULL;
    ck_assert_int_eq(tunic_circuit_await(c, &(struct tunic_message){0}, 1000, &e), -1);
    lab_is_error(&e, TUNIC_CLOSED, TUNIC_STAGE_LINK, 0, TUNIC_OR_CLOSURE_REASON_DONE);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_CLOSED);
    ck_assert_int_eq(tunic_circuit_hops(c), 3);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

START_TEST(test_circuit_ends_with_the_process_behind)
{
    setup(NULL);
    struct tunic_circuit *c = three_hops(TUNIC_NTOR);
    kill(lab.pid, SIGKILL);
    ck_assert_int_eq(tunic_circuit_await(c, &(struct tunic_message){0}, 5000, &e), -1);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_LINK);
    ck_assert_ptr_null(tunic_circuit_start(guard, NULL, &e));
    ck_assert_int_eq(e.stage, TUNIC_STAGE_LINK);
    tunic_free(t); /* before both handles */
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_DROP, 0, "", 0, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    tunic_relay_free(guard);
    tunic_circuit_free(c);
    lab_stop(&lab);
}
END_TEST

START_TEST(test_circuit_messages_of_our_own)
{
    struct tunic_message m;
    setup(NULL);
    struct tunic_circuit *c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_BEGIN_DIR, 77, NULL, 0, &e), 0);
    ck_assert_int_eq(tunic_circuit_await(c, &m, 5000, &e), 0);
    ck_assert_int_eq(m.command, RELAY_CONNECTED);
    ck_assert_int_eq(m.stream_id, 77);
    ck_assert_int_eq(m.hop, 1);
    static const char get[] = "GET /tor/keys/all HTTP/1.0\r\n\r\n";
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_DATA, 77, get, sizeof get - 1, &e), 0);
    ck_assert_int_eq(tunic_circuit_await(c, &m, 5000, &e), 0);
    ck_assert_int_eq(m.command, RELAY_DATA);
    ck_assert_mem_eq(m.data, "HTTP/1.0 200", 12);
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_END, 77, "\6", 1, &e), 0);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

START_TEST(test_circuit_takes_a_command)
{
    struct tunic_message m;
    setup(NULL);
    struct tunic_circuit *c = three_hops(TUNIC_NTOR_V3);
    tunic_circuit_take(c, RELAY_TRUNCATED);
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_TRUNCATE, 0, "\0", 1, &e), 0);
    ck_assert_int_eq(tunic_circuit_await(c, &m, 5000, &e), 0);
    ck_assert_int_eq(m.command, RELAY_TRUNCATED);
    ck_assert_int_eq(m.hop, 1);
    ck_assert_str_eq(tunic_relay_command_name(m.command), "TRUNCATED");
    ck_assert_int_eq(tunic_circuit_await(c, &m, 0, &e), -1);
    lab_is_error(&e, TUNIC_TIMEOUT, TUNIC_STAGE_CIRCUIT, 3, -1);
    ck_assert_int_eq(tunic_circuit_send(c, 4, RELAY_DROP, 0, "", 0, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    ck_assert_int_eq(tunic_circuit_send(c, 1, 200, 0, "", 0, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    ck_assert_int_eq(tunic_circuit_send(c, 1, RELAY_DATA, 0, "", 0, &e), -1);
    lab_is_error(&e, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, 0, -1);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_BUILT);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

START_TEST(test_circuit_comes_and_goes)
{
    setup(NULL);
    struct tunic_hop hop = lab_hop(&lab, LAB_GUARD);
    for (int i = 0; i < 1000; i++) {
        struct tunic_circuit *c = tunic_circuit_start(guard, NULL, &e);
        ck_assert_msg(c != NULL, "%s", e.text);
        if (i % 3)
            ck_assert_int_eq(tunic_circuit_start_hop(c, TUNIC_NTOR, &hop, &e), 0);
        if (i % 3 == 2)
            ck_assert_int_eq(tunic_circuit_wait(c, 5000, &e), 0);
        tunic_circuit_free(c);
    }
    teardown();
}
END_TEST

/* A burst has an end, and the circuit outlives it. */
START_TEST(test_circuit_messages_in_one_go)
{
    enum { DROP = 10, MOST = 5000 };
    int sent = 0;
    setup(NULL);
    struct tunic_circuit *c = tunic_circuit_create(guard, TUNIC_CREATE_FAST, NULL, 5000, &e);
    while (sent < MOST && tunic_circuit_send(c, 1, DROP, 0, NULL, 0, &e) == 0)
        sent++;
    ck_assert_int_gt(sent, 100);
    ck_assert_int_lt(sent, MOST);
    lab_is_error(&e, TUNIC_SYSTEM, TUNIC_STAGE_CIRCUIT, 0, -1);
    ck_assert_int_eq(tunic_run_once(t, 50, &e), 0);
    ck_assert_int_eq(tunic_circuit_send(c, 1, DROP, 0, NULL, 0, &e), 0);
    ck_assert_int_eq(tunic_circuit_status(c), TUNIC_CIRC_STATUS_BUILT);
    tunic_circuit_free(c);
    teardown();
}
END_TEST

TESTS("lib/circuit", test_circuit_pads_like_a_fetched_page, test_circuit_of_each_handshake,
      test_circuit_wrong_key, test_circuit_wrong_identity_behind,
      test_circuit_faults_name_their_hop, test_circuit_no_answer, test_circuit_wrong_use,
      test_circuit_ends_with_its_relay, test_circuit_ends_with_the_process_behind,
      test_circuit_messages_of_our_own, test_circuit_takes_a_command, test_circuit_comes_and_goes,
      test_circuit_messages_in_one_go)
