#include "client/bootstrap.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

struct fixture {
    struct env *env;
    struct events *ev;
    struct bootstrap b;
    struct log log;
    unsigned n, warnings;
    char last[400];
    struct event_listener listener;
    unsigned told;
    struct event_bootstrap e; /* the last one */
    bool directory, circuit;  /* what there is to be seen */
};

static void sink(void *arg, enum log_level level, const char *line)
{
    struct fixture *f = arg;
    f->n += level == LOG_NOTICE;
    f->warnings += level == LOG_WARN;
    snprintf(f->last, sizeof f->last, "%s", line);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct fixture *f = arg;
    f->told++;
    f->e = e->bootstrap;
}

static void look(void *arg, bool *directory, bool *circuit)
{
    const struct fixture *f = arg;
    *directory = f->directory;
    *circuit = f->circuit;
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.env = test_env(1)};
    f->log = (struct log){.least = LOG_NOTICE, .sink = sink, .arg = f};
    f->env->log = &f->log;
    f->ev = events_new(f->env);
    bootstrap_init(&f->b, f->env, f->ev, look, f);
    f->listener = (struct event_listener){.on_event = on_event, .arg = f};
    events_listen(f->ev, &f->listener, EVENT_BIT(EVENT_BOOTSTRAP));
}

static void teardown(struct fixture *f)
{
    events_free(f->ev);
    test_env_free(f->env);
}

/* ---- what happens ---- */

static void happens(struct fixture *f, struct event_record e)
{
    events_tell(f->ev, &e);
    test_env_advance_ms(f->env, 0);
}

static void circuit(struct fixture *f, enum circuit_status status, unsigned flags,
                    enum circuit_purpose purpose)
{
    happens(f, (struct event_record){
                   .kind = EVENT_CIRCUIT,
                   .circuit = {.id = 1, .status = status, .flags = flags, .purpose = purpose}});
}

static void directory(struct fixture *f, enum directory_status status)
{
    happens(f, (struct event_record){.kind = EVENT_DIRECTORY, .directory = {.status = status}});
}

static void step(struct fixture *f, struct bootstrap_step s)
{
    happens(f, (struct event_record){.kind = EVENT_DIRECTORY,
                                     .directory = {.status = DIRECTORY_PROGRESS, .step = s}});
}

static void status(struct fixture *f, enum status_what what)
{
    happens(f, (struct event_record){.kind = EVENT_STATUS, .status = {.what = what}});
}

static void link_is(struct fixture *f, enum orconn_status s, err_t why)
{
    struct event_record e = {
        .kind = EVENT_ORCONN,
        .orconn = {
            .status = s,
            .peer = {.reach.addr = {.ip = {IP_V4, {127, 0, 0, 9}}, .port = 9001}, .has_rsa = true},
            .end = {.why = why, .reason = OR_CONNECTREFUSED, .text = "Connection refused"}}};
    happens(f, e);
}

static void link_step(struct fixture *f, enum link_state state)
{
    happens(f, (struct event_record){.kind = EVENT_LINK_STEP, .link_step = {.state = state}});
}

static void problem(struct fixture *f)
{
    link_is(f, ORCONN_FAILED, ERR_LINK_CONNECT);
}

/* ---- tests ---- */

START_TEST(test_bootstrap_says_tors_words)
{
    struct fixture f;
    setup(&f);
    bootstrap_start(&f.b);
    ck_assert_str_eq(f.last, "Bootstrapped 0% (starting): Starting");
    directory(&f, DIRECTORY_FETCHING);
    ck_assert_str_eq(f.last, "Bootstrapped 5% (conn): Connecting to a relay");
    link_is(&f, ORCONN_LAUNCHED, OK);
    link_step(&f, LINK_TLS);
    ck_assert_str_eq(f.last, "Bootstrapped 10% (conn_done): Connected to a relay");
    link_step(&f, LINK_HANDSHAKING);
    ck_assert_str_eq(f.last, "Bootstrapped 14% (handshake): Handshaking with a relay");
    link_is(&f, ORCONN_CONNECTED, OK);
    ck_assert_str_eq(f.last, "Bootstrapped 15% (handshake_done): Handshake with a relay done");
    circuit(&f, CIRCUIT_BEGUN, CIRCUIT_ONEHOP_TUNNEL, CIRCUIT_GENERAL);
    ck_assert_str_eq(f.last,
                     "Bootstrapped 20% (onehop_create): Establishing an encrypted directory "
                     "connection");
    circuit(&f, CIRCUIT_BUILT, CIRCUIT_ONEHOP_TUNNEL, CIRCUIT_GENERAL);
    step(&f, (struct bootstrap_step){45, "requesting_descriptors", "Asking for relay descriptors"});
    ck_assert_str_eq(f.last,
                     "Bootstrapped 45% (requesting_descriptors): Asking for relay descriptors");
    status(&f, STATUS_ENOUGH_DIR_INFO);
    ck_assert_str_eq(f.last, "Bootstrapped 80% (ap_conn): Connecting to a relay to build circuits");
    circuit(&f, CIRCUIT_LAUNCHED, 0, CIRCUIT_GENERAL);
    ck_assert_uint_eq(f.n, 8);
    link_step(&f, LINK_TLS);
    ck_assert_str_eq(f.last, "Bootstrapped 85% (ap_conn_done): Connected to a relay to build "
                             "circuits");
    link_step(&f, LINK_HANDSHAKING);
    ck_assert_str_eq(f.last, "Bootstrapped 89% (ap_handshake): Finishing handshake with a relay to "
                             "build circuits");
    circuit(&f, CIRCUIT_BEGUN, 0, CIRCUIT_GENERAL);
    ck_assert_uint_eq(f.n, 12); /* 90 ap_handshake_done, 95 circuit_create */
    ck_assert_str_eq(f.last, "Bootstrapped 95% (circuit_create): Establishing a Tor circuit");
    circuit(&f, CIRCUIT_BUILT, 0, CIRCUIT_MEASURE_TIMEOUT); /* of use to nobody */
    circuit(&f, CIRCUIT_BUILT, 0, CIRCUIT_GENERAL);
    ck_assert_str_eq(f.last, "Bootstrapped 100% (done): Done");
    ck_assert_uint_eq(f.n, 13);
    teardown(&f);
}
END_TEST

/* With a cache the directory is enough before there is any link. tor tells of it once one stands.
 */
START_TEST(test_bootstrap_from_the_cache_tells_of_the_link_first)
{
    struct fixture f;
    setup(&f);
    bootstrap_start(&f.b);
    step(&f, (struct bootstrap_step){75, "enough_dirinfo", "Loaded enough"});
    status(&f, STATUS_ENOUGH_DIR_INFO);
    ck_assert_uint_eq(f.n, 1);
    link_is(&f, ORCONN_LAUNCHED, OK);
    ck_assert_int_eq(f.b.step.percent, 5);
    link_step(&f, LINK_TLS);
    link_step(&f, LINK_HANDSHAKING);
    ck_assert_int_eq(f.b.step.percent, 14);
    link_is(&f, ORCONN_CONNECTED, OK);
    ck_assert_str_eq(f.last, "Bootstrapped 75% (enough_dirinfo): Loaded enough");
    ck_assert_uint_eq(f.n, 6); /* 15 handshake_done, 75 */
    circuit(&f, CIRCUIT_BEGUN, 0, CIRCUIT_GENERAL);
    ck_assert_int_eq(f.b.step.percent, 95);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_never_goes_back)
{
    struct fixture f;
    setup(&f);
    link_is(&f, ORCONN_CONNECTED, OK);
    status(&f, STATUS_ENOUGH_DIR_INFO);
    status(&f, STATUS_NOT_ENOUGH_DIR_INFO);
    status(&f, STATUS_ENOUGH_DIR_INFO);
    directory(&f, DIRECTORY_FETCHING);
    step(&f, (struct bootstrap_step){79, "x", "y"});
    ck_assert_uint_eq(f.n, 2); /* 15 and 80 */
    ck_assert_int_eq(f.b.step.percent, 80);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_tells_each_step)
{
    struct fixture f;
    setup(&f);
    bootstrap_start(&f.b);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 1);
    ck_assert_int_eq(f.e.step.percent, 0);
    directory(&f, DIRECTORY_FETCHING);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 2);
    ck_assert(!f.e.problem);
    ck_assert_int_eq(f.e.step.percent, 5);
    ck_assert_str_eq(f.e.step.tag, "conn");
    ck_assert_str_eq(f.e.step.summary, "Connecting to a relay");
    problem(&f);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 3);
    ck_assert(f.e.problem && f.e.warn);
    ck_assert_int_eq(f.e.step.percent, 5);
    ck_assert_uint_eq(f.e.count, 1);
    ck_assert_int_eq(f.e.end.reason, OR_CONNECTREFUSED);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_says_why_it_is_stuck)
{
    struct fixture f;
    setup(&f);
    directory(&f, DIRECTORY_FETCHING);
    problem(&f);
    ck_assert_str_eq(f.last,
                     "Problem bootstrapping. Stuck at 5% (conn): Connecting to a relay. "
                     "(Connection refused; CONNECTREFUSED; count 1; recommendation warn; host "
                     "0000000000000000000000000000000000000000 at 127.0.0.9:9001)");
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_tells_of_a_clock_until_it_is_done)
{
    struct fixture f;
    setup(&f);
    bootstrap_clock_skewed(&f.b, "Clock skew 7200 in NETINFO cell from OR", NULL, NULL);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 0); /* nothing is being done yet */
    bootstrap_start(&f.b);
    bootstrap_clock_skewed(&f.b, "Clock skew 7200 in NETINFO cell from OR", NULL, NULL);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 2);
    ck_assert(f.e.problem && f.e.clock && f.e.warn);
    ck_assert_str_eq(f.e.end.text, "Clock skew 7200 in NETINFO cell from OR");
    step(&f, (struct bootstrap_step){100, "done", "Done"});
    bootstrap_clock_skewed(&f.b, "Clock skew 7200 in NETINFO cell from OR", NULL, NULL);
    test_env_advance_ms(f.env, 0);
    ck_assert_uint_eq(f.told, 3);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_warns_now_and_then_and_counts)
{
    struct fixture f;
    setup(&f);
    directory(&f, DIRECTORY_FETCHING);
    for (int i = 0; i < 5; i++)
        problem(&f);
    ck_assert_uint_eq(f.warnings, 1);
    ck_assert(!f.e.warn);
    test_env_advance_ms(f.env, 30000);
    link_is(&f, ORCONN_CLOSED, OK); /* no problem: it was in use, or not wanted any more */
    problem(&f);
    ck_assert_uint_eq(f.warnings, 2);
    ck_assert_ptr_nonnull(strstr(f.last, "count 6;"));
    link_is(&f, ORCONN_CONNECTED, OK);
    ck_assert_uint_eq(f.b.problems, 0);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_once_done_warns_of_wrong_keys_only)
{
    struct fixture f;
    setup(&f);
    circuit(&f, CIRCUIT_BUILT, 0, CIRCUIT_GENERAL);
    ck_assert(!events_wanted(f.ev, EVENT_CIRCUIT)); /* it has heard enough */
    ck_assert(!events_wanted(f.ev, EVENT_DIRECTORY));
    problem(&f);
    ck_assert_uint_eq(f.warnings, 0);
    link_is(&f, ORCONN_FAILED, ERR_LINK_IDENTITY);
    ck_assert_uint_eq(f.warnings, 1);
    ck_assert_ptr_nonnull(strstr(f.last, "its identity keys were not as expected"));
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_looks_for_itself_when_events_were_lost)
{
    struct fixture f;
    setup(&f);
    f.b.listener.on_lost(f.b.listener.arg, 1);
    ck_assert_int_eq(f.b.step.percent, -1); /* it has not begun */
    bootstrap_start(&f.b);
    f.directory = true;
    f.b.listener.on_lost(f.b.listener.arg, 1);
    ck_assert_int_eq(f.b.step.percent, 80);
    f.circuit = true;
    f.b.listener.on_lost(f.b.listener.arg, 1);
    ck_assert_int_eq(f.b.step.percent, 100);
    teardown(&f);
}
END_TEST

START_TEST(test_bootstrap_a_link_that_is_not_wanted_is_no_problem)
{
    struct fixture f;
    setup(&f);
    directory(&f, DIRECTORY_FETCHING);
    link_is(&f, ORCONN_FAILED, OK);
    ck_assert_uint_eq(f.warnings, 0);
    ck_assert_uint_eq(f.b.problems, 0);
    teardown(&f);
}
END_TEST

TESTS("client/bootstrap", test_bootstrap_says_tors_words,
      test_bootstrap_from_the_cache_tells_of_the_link_first, test_bootstrap_never_goes_back,
      test_bootstrap_tells_each_step, test_bootstrap_says_why_it_is_stuck,
      test_bootstrap_tells_of_a_clock_until_it_is_done,
      test_bootstrap_warns_now_and_then_and_counts,
      test_bootstrap_once_done_warns_of_wrong_keys_only,
      test_bootstrap_looks_for_itself_when_events_were_lost,
      test_bootstrap_a_link_that_is_not_wanted_is_no_problem)
