/* What is said of relays, guards and the network: lines that take a look at the client, which is
 * this file's. */
#include "client/look.h"

#include <string.h>

#include "control/control.h"
#include "control/ev.h"
#include "control/info.h"
#include "control/ns.h"
#include "support/netgen.h"
#include "support/quietworld.h"
#include "support/test.h"

/* ---- the client ---- */

static struct {
    struct env *env;
    struct quiet_world world;
    struct control *control;
    struct guard_info guard;
    struct event_bw second[2];
    size_t n_seconds;
    bool so; /* each of what it can say by yes or no */
} t;

void look_at_circuits(const struct client *c, void (*fn)(void *arg, const struct event_circuit *e),
                      void *arg)
{
    struct event_circuit e = {.status = CIRCUIT_GUARD_WAIT};
    (void)c;
    for (e.id = 1; e.id <= 2; e.id++)
        fn(arg, &e);
}

void look_at_streams(const struct client *c, void (*fn)(void *arg, const struct event_stream *e),
                     void *arg)
{
    struct event_stream e = {.host = "web.test", .port = 80, .circuit = 7};
    (void)c;
    for (e.id = 1; e.id <= 2; e.id++)
        fn(arg, &e);
}

static struct event_orconn conn_to(uint8_t relay)
{
    return (struct event_orconn){
        .id = 5,
        .peer = {.reach = {.addr = {ip_v4((const uint8_t[]){127, 0, 0, 9}), 9001}},
                 .has_rsa = true,
                 .rsa.b = {relay}},
        .circuits = 2,
        .end = {.reason = OR_NOROUTE}};
}

void look_at_orconns(const struct client *c, void (*fn)(void *arg, const struct event_orconn *e),
                     void *arg)
{
    (void)c;
    for (uint8_t relay = 0; relay < 2; relay++) {
        struct event_orconn e = conn_to(relay);
        e.status = relay ? ORCONN_CONNECTED : ORCONN_LAUNCHED;
        fn(arg, &e);
    }
}

void look_at_guards(const struct client *c, void (*fn)(void *arg, const struct guard_info *g),
                    void *arg)
{
    (void)c;
    fn(arg, &t.guard);
}

const struct event_bootstrap *look_at_bootstrap(const struct client *c)
{
    static const struct event_bootstrap none = {.step = {.percent = -1}},
                                        some = {.step = {45, "requesting_descriptors", "Asking"}};
    (void)c;
    return t.so ? &some : &none;
}

bool look_has_directory(const struct client *c)
{
    (void)c;
    return t.so;
}

bool look_has_circuit(const struct client *c)
{
    (void)c;
    return t.so;
}

bool look_network_is_live(const struct client *c)
{
    (void)c;
    return t.so;
}

struct event_bw look_at_bytes(const struct client *c)
{
    (void)c;
    return (struct event_bw){.read = 5, .written = 6};
}

const struct event_bw *look_at_second(const struct client *c, size_t i)
{
    (void)c;
    return i < t.n_seconds ? &t.second[i] : NULL;
}

const char *look_nickname(const struct client *c, const struct rsa_id *id)
{
    (void)c;
    return id->b[0] == 1 ? "listed" : "";
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.env = test_env(1);
    ck_assert(quiet_begin(&t.world));
    t.control = control_new(t.env, NULL, &quiet_ops, &t.world);
}

static void teardown(void)
{
    control_free(t.control);
    quiet_end(&t.world);
    test_env_free(t.env);
}

static void answers(const char *key, const char *want)
{
    struct text_out out = text_out(4096);
    const char *why;
    ck_ok(info_get(t.control, key, &out, &why));
    ck_assert_str_eq(out_text(&out), want);
    out_free(&out);
}

static void says(told_writer *write, const struct event_record *e, const char *want)
{
    struct text_out out = text_out(4096);
    write(t.control, e, &out);
    ck_assert_str_eq(out_text(&out), want);
    out_free(&out);
}

/* ---- what there is ---- */

#define GUARD "$0100000000000000000000000000000000000000~listed "

/* control-spec, entry-guards: "up", "never-connected", "down", "unusable", and since when. */
START_TEST(test_entry_guards_say_how_each_is)
{
    setup();
    t.guard = (struct guard_info){.rsa.b = {1},
                                  .listed = true,
                                  .filtered = true,
                                  .unlisted_since_s = 1795998564,
                                  .failing_since_s = 1795998565};
    answers("entry-guards", GUARD "never-connected\n");
    t.guard.confirmed = true;
    answers("entry-guards", GUARD "up\n");
    t.guard.down = true;
    answers("entry-guards", GUARD "down 2026-11-30 00:29:25\n");
    t.guard.filtered = false;
    answers("entry-guards", GUARD "unusable\n");
    t.guard.listed = false;
    answers("entry-guards", GUARD "unusable 2026-11-30 00:29:24\n");
    answers("helper-nodes", GUARD "unusable 2026-11-30 00:29:24\n");
    t.guard.rsa.b[0] = 2;
    t.guard.confirmed = false;
    answers("entry-guards", "$0200000000000000000000000000000000000000 never-connected\n");
    teardown();
}
END_TEST

START_TEST(test_lists_of_what_there_is)
{
    setup();
    answers("circuit-status",
            "1 GUARD_WAIT PURPOSE=GENERAL TIME_CREATED=1970-01-01T00:00:00.000000\r\n"
            "2 GUARD_WAIT PURPOSE=GENERAL TIME_CREATED=1970-01-01T00:00:00.000000");
    answers("stream-status", "1 NEW 7 web.test:80\r\n2 NEW 7 web.test:80");
    answers("orconn-status", "127.0.0.9:9001 LAUNCHED\r\n"
                             "$0100000000000000000000000000000000000000~listed CONNECTED");
    answers("traffic/read", "5");
    answers("traffic/written", "6");
    answers("bw-event-cache", "");
    t.n_seconds = 2;
    t.second[0] = (struct event_bw){1, 2};
    t.second[1] = (struct event_bw){3, 4};
    answers("bw-event-cache", "1,2 3,4");
    teardown();
}
END_TEST

START_TEST(test_how_far_it_is)
{
    setup();
    answers("status/bootstrap-phase", "");
    answers("status/enough-dir-info", "0");
    answers("status/circuit-established", "0");
    answers("network-liveness", "down");
    t.so = true;
    answers("status/bootstrap-phase",
            "NOTICE BOOTSTRAP PROGRESS=45 TAG=requesting_descriptors SUMMARY=\"Asking\"");
    answers("status/enough-dir-info", "1");
    answers("status/circuit-established", "1");
    answers("network-liveness", "up");
    teardown();
}
END_TEST

/* ---- what happens ---- */

START_TEST(test_ev_orconn_and_guard)
{
    setup();
    struct event_record e = {.kind = EVENT_ORCONN, .orconn = conn_to(0)};
    says(ev_orconn, &e, "650 ORCONN 127.0.0.9:9001 LAUNCHED ID=5\r\n");
    e.orconn = conn_to(1);
    e.orconn.status = ORCONN_FAILED;
    says(ev_orconn, &e,
         "650 ORCONN $0100000000000000000000000000000000000000~listed FAILED REASON=NOROUTE "
         "NCIRCS=2 ID=5\r\n");
    e.orconn = conn_to(2);
    e.orconn.status = ORCONN_CLOSED;
    e.orconn.circuits = 0;
    says(ev_orconn, &e,
         "650 ORCONN $0200000000000000000000000000000000000000 CLOSED REASON=NOROUTE ID=5\r\n");
    e = (struct event_record){
        .kind = EVENT_GUARD,
        .guard = {.status = GUARD_UP, .relay = {.rsa.b = {1}, .nickname = "old"}}};
    says(ev_guard, &e, "650 GUARD ENTRY $0100000000000000000000000000000000000000~listed UP\r\n");
    e.guard.relay.rsa.b[0] = 2;
    says(ev_guard, &e, "650 GUARD ENTRY $0200000000000000000000000000000000000000~old UP\r\n");
    teardown();
}
END_TEST

START_TEST(test_ev_conn_bw_and_cell_stats_are_for_test_networks)
{
    setup();
    const struct event_record conn = {.kind = EVENT_CONN_BW, .conn_bw = {3, 10, 20}};
    struct event_record cells = {
        .kind = EVENT_CELL_STATS,
        .cell_stats = {.id = 9, .conn = 3, .queue = 17, .relay = 4, .create_fast = 1}};
    says(ev_conn_bw, &conn, "");
    says(ev_cell_stats, &cells, "");
    t.world.options->testing_enable_conn_bw_event = true;
    t.world.options->testing_enable_cell_stats_event = true;
    says(ev_conn_bw, &conn, "650 CONN_BW ID=3 TYPE=OR READ=10 WRITTEN=20\r\n");
    says(ev_cell_stats, &cells,
         "650 CELL_STATS ID=9 OutboundQueue=17 OutboundConn=3 "
         "OutboundRemoved=relay:4,create_fast:1 OutboundTime=relay:0,create_fast:0\r\n");
    cells.cell_stats =
        (struct event_cell_stats){.id = 9, .conn = 3, .relay_early = 2, .create2 = 1};
    says(ev_cell_stats, &cells,
         "650 CELL_STATS ID=9 OutboundQueue=0 OutboundConn=3 "
         "OutboundRemoved=relay_early:2,create2:1 OutboundTime=relay_early:0,create2:0\r\n");
    teardown();
}
END_TEST

/* "650+NAME", the entries of ALL of ND or of the second, ".", "650 OK". */
static void says_entries(told_writer *write, const struct event_record *e, const char *name,
                         const struct netdir *nd, bool all)
{
    struct text_out want = text_out(4096), body = text_out(4096);
    for (size_t i = all ? 0 : 1; i < 2; i++)
        ns_entry(&body, netdir_at(nd, i));
    out_printf(&want, "650+%s\r\n", name);
    for (const char *c = out_text(&body); *c; c++)
        out_str(&want, *c == '\n' ? "\r\n" : (const char[]){*c, 0});
    out_str(&want, ".\r\n650 OK\r\n");
    says(write, e, out_text(&want));
    out_free(&want);
    out_free(&body);
}

START_TEST(test_ev_newconsensus_has_all_relays_and_ns_those_that_changed)
{
    setup();
    struct netdir *old = netgen_two(100), *nd = netgen_two(200);
    struct event_record e = {.kind = EVENT_DIRECTORY,
                             .directory = {.status = DIRECTORY_NEWCONSENSUS, .nd = nd, .old = old}};
    says_entries(ev_newconsensus, &e, "NEWCONSENSUS", nd, true);
    says_entries(ev_ns, &e, "NS", nd, false);
    e.directory.old = NULL;
    says_entries(ev_ns, &e, "NS", nd, true);
    e.directory.old = nd;
    says(ev_ns, &e, "");
    e.directory.status = DIRECTORY_PROGRESS;
    says(ev_newconsensus, &e, "");
    says(ev_ns, &e, "");
    netdir_unref(&old);
    netdir_unref(&nd);
    teardown();
}
END_TEST

TESTS("control/looks", test_entry_guards_say_how_each_is, test_lists_of_what_there_is,
      test_how_far_it_is, test_ev_orconn_and_guard,
      test_ev_conn_bw_and_cell_stats_are_for_test_networks,
      test_ev_newconsensus_has_all_relays_and_ns_those_that_changed)
