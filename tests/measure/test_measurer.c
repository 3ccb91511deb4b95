/* A measurer under a coordinator that says what it should not: by a connection of the test's own.
 */
#include "measure/measurer.h"

#include "support/measureteam.h"

static struct {
    struct coord_proto *proto;
    enum msg_type got[32];
    uint32_t ids[32];
    struct meas_failure failure;
    size_t n;
} coord;

static bool any_peer(void *arg, const struct sha256 *pin, char text[COORD_TEXT_MAX])
{
    (void)arg;
    (void)pin;
    (void)text;
    return true;
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    (void)arg;
    ck_assert_uint_eq(theirs->bw, 1000000);
    ck_assert_uint_eq(theirs->identity.b[0], 1);
}

static void on_msg(void *arg, const struct msg *m)
{
    (void)arg;
    coord.got[coord.n] = m->type;
    coord.ids[coord.n++] = m->meas_id;
    if (m->type == MSG_FAILURE)
        coord.failure = m->failure;
}

static void on_end(void *arg, const struct coord_proto_end *end)
{
    (void)arg;
    (void)end;
}

static void on_output(void *arg)
{
    (void)arg;
}

static const struct coord_proto_ops coord_ops = {any_peer, on_open, NULL,
                                                 on_msg,   on_end,  on_output};

static void dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    struct team_measurer *m = arg;
    const struct msg_hello say = {.proto = MSG_PROTO, .software = "test", .name = "c"};
    const struct coord_proto_config config = {team.keys.ctx, true, &say};
    (void)to;
    coord_proto_free(coord.proto);
    coord.proto = m->theirs = coord_proto_new(team.env, &config, &coord_ops, NULL);
    m->ours = p;
    coord_proto_begin(coord.proto);
    coord_proto_begin(p);
}

static struct measurer *set_up(void)
{
    static struct measurer_ops ops;
    struct ed_id identity = {{1}};
    memset(&team, 0, sizeof team);
    memset(&coord, 0, sizeof coord);
    team.env = test_env(4);
    team.env->log = NULL;
    team.n = 1;
    team.relay_rate = 500000;
    coord_keys_make(&team.keys, true, "c");
    struct team_measurer *m = &team.measurers[0];
    coord_keys_make(&m->keys, false, "m1");
    m->conf = (struct mconf_measurer_side){
        .name = "m1", .coord_pin = team.keys.pin, .bw = 1000000, .sockets_max = 10};
    ops = team_measurer_ops;
    ops.dial = dial;
    m->m = measurer_new(team.env, &m->conf, m->keys.ctx, &identity, 1, &ops, m);
    measurer_start(m->m);
    team_pass(1);
    ck_assert_int_eq(measurer_state(m->m), MEASURER_READY);
    return m->m;
}

static void tear_down(void)
{
    measurer_free(team.measurers[0].m);
    coord_proto_free(coord.proto);
    tls_ctx_free(team.measurers[0].keys.ctx);
    tls_ctx_free(team.keys.ctx);
    test_env_free(team.env);
}

static void say(const struct msg *m)
{
    coord_proto_send(coord.proto, m);
    team_pass(.1);
}

static void connect(uint32_t id, const char *at, unsigned n_circs)
{
    struct msg m = {.type = MSG_CONNECT_TO_RELAY, .meas_id = id};
    m.connect = (struct connect_to_relay){
        .n_circs = n_circs, .alloc_bw = 9000000, .dur = 3, .check = 1, .echo = MEAS_ECHO_RAW};
    m.connect.relay.n_addrs = 1;
    ck_ok(ipport_parse(at, &m.connect.relay.addrs[0]));
    say(&m);
}

static void go(uint32_t id)
{
    say(&(struct msg){.type = MSG_GO, .meas_id = id});
}

/* The last answer is a failure of ID, and the connection stands. */
static void failed(uint32_t id, enum meas_code code)
{
    ck_assert_uint_gt(coord.n, 0);
    ck_assert_int_eq(coord.got[coord.n - 1], MSG_FAILURE);
    ck_assert_uint_eq(coord.ids[coord.n - 1], id);
    ck_assert_msg(coord.failure.code == code, "%s", meas_code_name(coord.failure.code));
    ck_assert(coord_proto_is_open(coord.proto));
}

START_TEST(test_measurer_does_what_it_is_told)
{
    (void)set_up();
    connect(7, "127.0.0.1:9001", 4);
    team_pass(.5);
    ck_assert_int_eq(coord.got[0], MSG_CONNECTED_TO_RELAY);
    go(7);
    team_pass(4);
    ck_assert_uint_eq(coord.n, 5); /* connected, three reports, done */
    for (size_t i = 1; i < 4; i++)
        ck_assert_int_eq(coord.got[i], MSG_BW_REPORT);
    ck_assert_int_eq(coord.got[4], MSG_DONE);
    tear_down();
}
END_TEST

/* A meas_id is used once. */
START_TEST(test_measurer_stale_ids_are_failures_of_that_id)
{
    (void)set_up();
    go(3);
    failed(3, MEAS_M_UNKNOWN_MEAS_ID);
    connect(7, "127.0.0.1:9001", 4);
    connect(7, "127.0.0.2:9001", 4);
    failed(7, MEAS_M_DUPE_MEAS_ID);
    team_pass(.5);
    go(7);
    go(7);
    failed(7, MEAS_M_START_ACTIVE_MEAS);
    team_pass(4);
    ck_assert_int_eq(coord.got[coord.n - 1], MSG_DONE);
    connect(7, "127.0.0.1:9001", 4);
    failed(7, MEAS_M_DUPE_MEAS_ID);
    go(7);
    failed(7, MEAS_M_UNKNOWN_MEAS_ID);
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 7, .alloc_bw = 1});
    failed(7, MEAS_M_UNKNOWN_MEAS_ID);
    tear_down();
}
END_TEST

START_TEST(test_measurer_go_before_its_circuits)
{
    (void)set_up();
    team.measurers[0].fault.never_connects = true;
    connect(7, "127.0.0.1:9001", 4);
    go(7);
    failed(7, MEAS_LAUNCH_CIRCS);
    tear_down();
}
END_TEST

/* Never more than it has, whatever the coordinator says. */
START_TEST(test_measurer_gives_no_more_than_it_has)
{
    (void)set_up();
    connect(7, "127.0.0.1:9001", 11);
    failed(7, MEAS_RESOURCES);
    connect(8, "127.0.0.1:9001", 10);
    ck_assert_uint_eq(team.jobs[0].told.alloc_bw, 1000000);
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 8, .alloc_bw = 5000000});
    ck_assert_uint_eq(team.jobs[0].told.alloc_bw, 1000000);
    team_pass(.5);
    connect(9, "127.0.0.2:9001", 1);
    failed(9, MEAS_RESOURCES);
    tear_down();
}
END_TEST

/* However many runs the coordinator begins: those under way share what it has, but for a hundredth.
 */
START_TEST(test_measurer_gives_no_more_than_it_has_to_all_together)
{
    (void)set_up();
    connect(7, "127.0.0.1:9001", 4);
    connect(8, "127.0.0.2:9001", 4);
    team_pass(.5);
    go(7);
    go(8);
    ck_assert(team.jobs[0].running && team.jobs[1].running);
    ck_assert_uint_eq(team.jobs[0].told.alloc_bw, 1000000);
    ck_assert_uint_eq(team.jobs[1].told.alloc_bw, 10000);
    connect(9, "127.0.0.3:9001", 1);
    team_pass(.5);
    go(9);
    failed(9, MEAS_RESOURCES);
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 7, .alloc_bw = 600000});
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 8, .alloc_bw = 900000});
    ck_assert_uint_eq(team.jobs[0].told.alloc_bw, 600000);
    ck_assert_uint_eq(team.jobs[1].told.alloc_bw, 410000);
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 7, .alloc_bw = 900000});
    ck_assert_uint_eq(team.jobs[0].told.alloc_bw, 600000);
    say(&(struct msg){.type = MSG_CANCEL, .meas_id = 7});
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 8, .alloc_bw = 900000});
    ck_assert_uint_eq(team.jobs[1].told.alloc_bw, 900000);
    tear_down();
}
END_TEST

/* What has reported its last second leaves what it had to the next one, over or not. */
START_TEST(test_measurer_next_run_begins_as_the_last_second_is_reported)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 4);
    connect(8, "127.0.0.2:9001", 4);
    team_pass(.5);
    go(7);
    measurer_report(m, &(struct bw_report){.meas_id = 7, .sec = 2});
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 8, .alloc_bw = 1000000});
    ck_assert_uint_eq(team.jobs[1].told.alloc_bw, 10000);
    measurer_report(m, &(struct bw_report){.meas_id = 7, .sec = 3});
    say(&(struct msg){.type = MSG_ALLOC, .meas_id = 8, .alloc_bw = 1000000});
    go(8);
    ck_assert(team.jobs[1].running);
    ck_assert_uint_eq(team.jobs[1].told.alloc_bw, 1000000);
    tear_down();
}
END_TEST

START_TEST(test_measurer_reload_with_fewer_sockets_takes_no_more)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 6);
    team.measurers[0].conf.sockets_max = 5;
    measurer_reconfigure(m, &team.measurers[0].conf);
    connect(8, "127.0.0.2:9001", 1);
    failed(8, MEAS_RESOURCES);
    ck_assert_uint_eq(team.measurers[0].begun, 1);
    tear_down();
}
END_TEST

START_TEST(test_measurer_stops_what_the_coordinator_says_has_failed)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 4);
    connect(8, "127.0.0.2:9001", 4);
    coord_proto_fail(coord.proto, 7, MEAS_RELAY_LOST, "the relay is gone");
    team_pass(.1);
    failed(7, MEAS_CANCELLED);
    ck_assert_uint_eq(measurer_jobs(m), 1);
    tear_down();
}
END_TEST

START_TEST(test_measurer_run_that_cannot_begin_leaves_its_place_free)
{
    struct measurer *m = set_up();
    for (size_t i = 0; i < TEAM_JOBS; i++)
        team.jobs[i] = (struct team_job){.of = &team.measurers[0], .connected = true};
    connect(7, "127.0.0.1:9001", 4);
    failed(7, MEAS_RESOURCES);
    ck_assert_uint_eq(measurer_jobs(m), 0);
    memset(team.jobs, 0, sizeof team.jobs);
    connect(8, "127.0.0.1:9001", 10);
    ck_assert_uint_eq(measurer_jobs(m), 1);
    tear_down();
}
END_TEST

/* Those that agree themselves: by one link each, so that they share what it has. */
START_TEST(test_measurer_relays_of_one_host_together)
{
    (void)set_up();
    connect(7, "127.0.0.1:9001", 1);
    connect(8, "127.0.0.1:9001", 1);
    failed(8, MEAS_REFUSED);
    connect(9, "127.0.0.1:9002", 1);
    ck_assert_uint_eq(measurer_jobs(team.measurers[0].m), 2);
    struct msg m = {.type = MSG_CONNECT_TO_RELAY, .meas_id = 10};
    m.connect = (struct connect_to_relay){.mode = MEAS_ECHO2, .n_circs = 1, .dur = 1, .check = 1};
    m.connect.relay.n_addrs = 1;
    ck_ok(ipport_parse("127.0.0.1:9003", &m.connect.relay.addrs[0]));
    say(&m);
    failed(10, MEAS_REFUSED);
    tear_down();
}
END_TEST

/* A coordinator cannot make it a flood against who has not agreed. */
START_TEST(test_measurer_checks_consent_itself)
{
    struct msg m = {.type = MSG_CONNECT_TO_RELAY, .meas_id = 5};
    (void)set_up();
    m.connect = (struct connect_to_relay){.mode = MEAS_ECHO2, .n_circs = 1, .dur = 1, .check = 1};
    m.connect.relay.n_addrs = 1;
    ck_ok(ipport_parse("203.0.113.5:9001", &m.connect.relay.addrs[0]));
    say(&m);
    failed(5, MEAS_NO_CONSENT);
    m.connect.proof = TEXT_LIT("router x 203.0.113.5 9001 0 0\n");
    m.meas_id = 6;
    say(&m);
    failed(6, MEAS_NO_CONSENT);
    m.connect.mode = MEAS_FLASHFLOW; /* such a relay says it itself, to each link */
    m.meas_id = 7;
    ck_ok(ipport_parse("[::ffff:203.0.113.5]:9001", &m.connect.relay.addrs[0]));
    say(&m);
    failed(7, MEAS_NO_CONSENT);
    ck_assert_uint_eq(team.measurers[0].begun, 0);
    tear_down();
}
END_TEST

START_TEST(test_measurer_checks_exits_and_servers_itself)
{
    struct msg m = {.type = MSG_CONNECT_TO_RELAY, .meas_id = 5};
    struct meas_exit *exit = &m.connect.exit;
    (void)set_up();
    m.connect = (struct connect_to_relay){.mode = MEAS_HTTP, .n_circs = 1, .dur = 1, .check = 1};
    m.connect.relay.n_addrs = 1;
    ck_ok(ipport_parse("127.0.0.1:9001", &m.connect.relay.addrs[0]));
    static const char *const rows[][2] = {
        {NULL, "127.0.0.1:80"},             /* no exit */
        {"127.0.0.1:9002", NULL},           /* no server */
        {"127.0.0.1:9002", "192.0.2.1:80"}, /* which nobody has named here */
        {"127.0.0.1:9002", "127.0.0.1:80"}, /* but no descriptor */
        {"192.0.2.9:443", "127.0.0.1:80"},
        {"[::ffff:127.0.0.1]:443", "127.0.0.1:80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, m.meas_id++) {
        *exit = (struct meas_exit){.proof = TEXT_LIT("router x 192.0.2.9 443 0 0\n")};
        if (rows[i][0])
            ck_ok(ipport_parse(rows[i][0], &exit->at));
        if (rows[i][1])
            ck_ok(ipport_parse(rows[i][1], &exit->server));
        say(&m);
        failed(m.meas_id, MEAS_NO_CONSENT);
    }
    ck_assert_uint_eq(team.measurers[0].begun, 0);
    tear_down();
}
END_TEST

START_TEST(test_measurer_cancel_stops_and_one_too_late_is_nothing)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 4);
    say(&(struct msg){.type = MSG_CANCEL, .meas_id = 7});
    failed(7, MEAS_CANCELLED);
    ck_assert_uint_eq(measurer_jobs(m), 0);
    size_t before = coord.n;
    say(&(struct msg){.type = MSG_CANCEL, .meas_id = 7});
    ck_assert_uint_eq(coord.n, before);
    tear_down();
}
END_TEST

/* FlashFlow's process was reset by a message that it did not expect. */
START_TEST(test_measurer_an_odd_message_costs_the_connection_only)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 4);
    say(&(struct msg){.type = MSG_BW_REPORT, .meas_id = 7, .report = {.sec = 1}});
    ck_assert_int_ne(measurer_state(m), MEASURER_FATAL_ERROR);
    ck_assert_uint_eq(measurer_jobs(m), 0);
    ck_assert_int_eq(team.measurers[0].last_stop, MEAS_DEAD_MAN);
    team_pass(2);
    ck_assert_int_eq(measurer_state(m), MEASURER_READY);
    tear_down();
}
END_TEST

START_TEST(test_measurer_finish_waits_for_what_runs)
{
    struct measurer *m = set_up();
    connect(7, "127.0.0.1:9001", 4);
    team_pass(.5);
    go(7);
    measurer_finish(m);
    ck_assert_uint_eq(team.measurers[0].idle, 0);
    connect(8, "127.0.0.2:9001", 4);
    failed(8, MEAS_RESOURCES);
    team_pass(4);
    ck_assert_uint_eq(team.measurers[0].idle, 1);
    ck_assert_int_eq(coord.got[coord.n - 1], MSG_DONE);
    tear_down();
}
END_TEST

START_TEST(test_measurer_another_coordinator_by_reload)
{
    struct measurer *m = set_up();
    team.measurers[0].conf.coord_pin.b[0] ^= 1;
    measurer_reconfigure(m, &team.measurers[0].conf);
    team_pass(3);
    ck_assert_int_eq(measurer_state(m), MEASURER_ENSURE_CONN_W_COORD);
    ck_assert_str_eq(measurer_state_name(measurer_state(m)), "ENSURE_CONN_W_COORD");
    /* It would try again after a minute; what is right is tried at once. */
    team.measurers[0].conf.coord_pin.b[0] ^= 1;
    measurer_reconfigure(m, &team.measurers[0].conf);
    team_pass(1);
    ck_assert_int_eq(measurer_state(m), MEASURER_READY);
    tear_down();
}
END_TEST

TESTS("measure/measurer", test_measurer_does_what_it_is_told,
      test_measurer_stale_ids_are_failures_of_that_id, test_measurer_go_before_its_circuits,
      test_measurer_gives_no_more_than_it_has, test_measurer_relays_of_one_host_together,
      test_measurer_checks_consent_itself, test_measurer_checks_exits_and_servers_itself,
      test_measurer_cancel_stops_and_one_too_late_is_nothing,
      test_measurer_an_odd_message_costs_the_connection_only,
      test_measurer_gives_no_more_than_it_has_to_all_together,
      test_measurer_next_run_begins_as_the_last_second_is_reported,
      test_measurer_reload_with_fewer_sockets_takes_no_more,
      test_measurer_stops_what_the_coordinator_says_has_failed,
      test_measurer_run_that_cannot_begin_leaves_its_place_free,
      test_measurer_finish_waits_for_what_runs, test_measurer_another_coordinator_by_reload)
