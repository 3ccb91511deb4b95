/* The client is this file's: events as they are told, and figures. */
#include "monitor/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "cell/reason.h"
#include "client/client.h"
#include "client/events.h"
#include "client/figures.h"
#include "support/test.h"

static struct env *env;
static struct events *events;
static struct client_figures figures;
static struct metrics *m;

void client_listen(struct client *c, struct event_listener *l, unsigned kinds)
{
    (void)c;
    events_listen(events, l, kinds);
}

struct client_figures client_figures(const struct client *c)
{
    (void)c;
    return figures;
}

static void setup(void)
{
    env = test_env(1);
    events = events_new(env);
    figures = (struct client_figures){.bootstrap_percent = 45};
    m = metrics_new(NULL);
    ck_assert_ptr_nonnull(m);
}

static void teardown(void)
{
    metrics_free(m);
    ck_assert(!events_wanted(events, EVENT_CIRCUIT));
    events_free(events);
    test_env_free(env);
}

static void tell(const struct event_record *e)
{
    events_tell(events, e);
    test_env_advance_ms(env, 1);
}

static const char *written(void)
{
    static char text[65536];
    static const struct metrics_around around = {
        .dialled_v4 = 3, .dialled_v6 = 4, .applications = 2};
    struct text_out out = text_out(sizeof text - 1);
    metrics_write(m, &around, &out);
    ck_ok(out_end(&out));
    memcpy(text, out_text(&out), out.len + 1);
    out_free(&out);
    return text;
}

/* Once: Prometheus refuses a page that has a line twice. */
static void has(const char *line)
{
    char whole[256];
    const char *text = written(), *at;
    snprintf(whole, sizeof whole, "\n%s\n", line);
    ck_assert_msg((at = strstr(text, whole)) != NULL, "no \"%s\" in:\n%s", line, text);
    ck_assert_msg(strstr(at + 1, whole) == NULL, "\"%s\" twice in:\n%s", line, text);
}

static void circuit(enum circuit_status status, size_t hops, int64_t age_ms, bool remote,
                    uint8_t reason)
{
    tell(&(struct event_record){.kind = EVENT_CIRCUIT,
                                .circuit = {.status = status,
                                            .n_hops = hops,
                                            .created_us = env->wall_us - age_ms * 1000,
                                            .remote = remote,
                                            .reason = reason}});
}

START_TEST(test_metrics_counts_circuits)
{
    setup();
    circuit(CIRCUIT_LAUNCHED, 0, 0, false, 0);
    circuit(CIRCUIT_LAUNCHED, 0, 0, false, 0);
    circuit(CIRCUIT_BUILT, 3, 300, false, 0);
    circuit(CIRCUIT_FAILED, 1, 0, false, DESTROY_TIMEOUT);
    circuit(CIRCUIT_FAILED, 1, 0, true, DESTROY_TIMEOUT);
    circuit(CIRCUIT_FAILED, 1, 0, true, 200);
    circuit(CIRCUIT_CLOSED, 3, 0, false, DESTROY_FINISHED);
    has("tunic_circuits_launched_total 2");
    has("tunic_circuits_built_total 1");
    has("tunic_circuits_failed_total{reason=\"TIMEOUT\",by=\"us\"} 1");
    has("tunic_circuits_failed_total{reason=\"TIMEOUT\",by=\"peer\"} 1");
    has("tunic_circuits_failed_total{reason=\"UNKNOWN\",by=\"peer\"} 1");
    has("tunic_circuits_closed_total{reason=\"FINISHED\",by=\"us\"} 1");
    ck_assert_ptr_null(strstr(written(), "failed_total{reason=\"FINISHED\""));
    teardown();
}
END_TEST

START_TEST(test_metrics_bounds_of_build_times)
{
    static const struct {
        unsigned ms;
        const char *line;
    } bounds[] = {{100, "{le=\"0.1\"} 1"},   {250, "{le=\"0.25\"} 3"},  {500, "{le=\"0.5\"} 5"},
                  {1000, "{le=\"1\"} 7"},    {2000, "{le=\"2\"} 9"},    {5000, "{le=\"5\"} 11"},
                  {10000, "{le=\"10\"} 13"}, {20000, "{le=\"20\"} 15"}, {40000, "{le=\"40\"} 17"},
                  {60000, "{le=\"60\"} 19"}};
    char line[80];
    setup();
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        circuit(CIRCUIT_BUILT, 3, bounds[i].ms, false, 0);
        circuit(CIRCUIT_BUILT, 3, bounds[i].ms + 1, false, 0);
    }
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        snprintf(line, sizeof line, "tunic_circuit_build_seconds_bucket%s", bounds[i].line);
        has(line);
    }
    teardown();
}
END_TEST

START_TEST(test_metrics_build_times)
{
    setup();
    circuit(CIRCUIT_BUILT, 3, 300, false, 0);
    circuit(CIRCUIT_BUILT, 4, 70000, false, 0);
    circuit(CIRCUIT_BUILT, 3, -5000, false, 0); /* the clock was put back */
    circuit(CIRCUIT_BUILT, 1, 1, false, 0);     /* to a directory */
    has("tunic_circuit_build_seconds_bucket{le=\"0.25\"} 1");
    has("tunic_circuit_build_seconds_bucket{le=\"0.5\"} 2");
    has("tunic_circuit_build_seconds_bucket{le=\"60\"} 2");
    has("tunic_circuit_build_seconds_bucket{le=\"+Inf\"} 3");
    has("tunic_circuit_build_seconds_sum 70.300");
    has("tunic_circuit_build_seconds_count 3");
    teardown();
}
END_TEST

static void stream(enum stream_status status, enum stream_purpose purpose, bool remote,
                   uint8_t reason)
{
    tell(&(struct event_record){
        .kind = EVENT_STREAM,
        .stream = {.status = status,
                   .purpose = purpose,
                   .remote = remote,
                   .reason = reason,
                   .host = "secret.example"},
    });
}

START_TEST(test_metrics_counts_streams)
{
    setup();
    stream(STREAM_NEW, STREAM_USER, false, 0);
    stream(STREAM_NEWRESOLVE, STREAM_DNS_REQUEST, false, 0);
    stream(STREAM_SUCCEEDED, STREAM_USER, false, 0);
    stream(STREAM_DETACHED, STREAM_USER, true, END_EXITPOLICY);
    stream(STREAM_FAILED, STREAM_USER, true, END_CONNECTREFUSED);
    stream(STREAM_CLOSED, STREAM_USER, false, END_DONE);
    has("tunic_streams_begun_total{purpose=\"USER\"} 1");
    has("tunic_streams_begun_total{purpose=\"DNS_REQUEST\"} 1");
    has("tunic_streams_begun_total{purpose=\"DIR_FETCH\"} 0");
    has("tunic_streams_succeeded_total{purpose=\"USER\"} 1");
    has("tunic_streams_detached_total 1");
    has("tunic_streams_failed_total{reason=\"CONNECTREFUSED\",by=\"peer\"} 1");
    has("tunic_streams_closed_total{reason=\"DONE\",by=\"us\"} 1");
    ck_assert_ptr_null(strstr(written(), "secret"));
    teardown();
}
END_TEST

static void other(const struct event_record *e, const char *line)
{
    tell(e);
    has(line);
}

START_TEST(test_metrics_counts_the_rest)
{
    struct event_record conn = {.kind = EVENT_ORCONN, .orconn = {.status = ORCONN_LAUNCHED}};
    struct event_record guard = {.kind = EVENT_GUARD, .guard = {.status = GUARD_UP}};
    const struct event_record jump = {.kind = EVENT_STATUS,
                                      .status = {.what = STATUS_CLOCK_JUMPED}};
    const struct event_record fetching = {.kind = EVENT_DIRECTORY,
                                          .directory = {.status = DIRECTORY_FETCHING}};
    const struct event_record news = {.kind = EVENT_DIRECTORY,
                                      .directory = {.status = DIRECTORY_NEWCONSENSUS}};
    setup();
    other(&conn, "tunic_links_launched_total 1");
    conn.orconn.status = ORCONN_CONNECTED;
    other(&conn, "tunic_links_connected_total 1");
    conn.orconn.status = ORCONN_FAILED;
    conn.orconn.end.reason = OR_CONNECTREFUSED;
    other(&conn, "tunic_links_failed_total{reason=\"CONNECTREFUSED\"} 1");
    conn.orconn.status = ORCONN_CLOSED;
    other(&conn, "tunic_links_closed_total{reason=\"CONNECTREFUSED\"} 1");
    other(&guard, "tunic_guard_changes_total{status=\"up\"} 1");
    guard.guard.status = GUARD_DOWN;
    other(&guard, "tunic_guard_changes_total{status=\"down\"} 1");
    guard.guard.status = GUARD_NEW;
    other(&guard, "tunic_guard_changes_total{status=\"up\"} 1");
    other(&jump, "tunic_clock_jumps_total 1");
    has("tunic_consensuses_total 0");
    other(&fetching, "tunic_consensuses_total 0");
    other(&news, "tunic_consensuses_total 1");
    teardown();
}
END_TEST

START_TEST(test_metrics_tells_what_there_is)
{
    setup();
    figures = (struct client_figures){.bootstrap_percent = 45,
                                      .relays = 7000,
                                      .circuits_building = 2,
                                      .circuits_open = 5,
                                      .streams = 9,
                                      .streams_waiting = 4,
                                      .links_opening = 1,
                                      .links_open = 3,
                                      .links_queued_bytes = 65536,
                                      .bytes_read = UINT64_C(1) << 40,
                                      .bytes_written = 12,
                                      .guards = 20,
                                      .guards_primary = 3,
                                      .guards_confirmed = 2,
                                      .guards_down = 1,
                                      .build_times.timeout_ms = 1234};
    has("tunic_bootstrap_percent 45");
    has("tunic_relays 7000");
    has("tunic_circuits{state=\"building\"} 2");
    has("tunic_circuits{state=\"open\"} 5");
    has("tor_relay_circuits_total{state=\"opened\"} 7");
    has("tunic_streams{state=\"waiting\"} 4");
    has("tunic_streams{state=\"attached\"} 5");
    has("tunic_links{state=\"opening\"} 1");
    has("tunic_links{state=\"open\"} 3");
    has("tunic_links_queued_bytes 65536");
    has("tor_relay_traffic_bytes{direction=\"read\"} 1099511627776");
    has("tor_relay_traffic_bytes{direction=\"written\"} 12");
    has("tunic_guards{kind=\"sampled\"} 20");
    has("tunic_guards{kind=\"primary\"} 3");
    has("tunic_guards{kind=\"confirmed\"} 2");
    has("tunic_guards{kind=\"down\"} 1");
    has("tunic_circuit_build_timeout_seconds 1.234");
    has("tunic_applications 2");
    has("tor_relay_connections_total{type=\"OR\",direction=\"initiated\",state=\"created\","
        "family=\"ipv4\"} 3");
    has("tor_relay_connections_total{type=\"OR\",direction=\"initiated\",state=\"created\","
        "family=\"ipv6\"} 4");
    has("tunic_build_info{version=\"" TUNIC_VERSION "\"} 1");
    teardown();
}
END_TEST

TESTS("monitor/metrics", test_metrics_counts_circuits, test_metrics_bounds_of_build_times,
      test_metrics_build_times, test_metrics_counts_streams, test_metrics_counts_the_rest,
      test_metrics_tells_what_there_is)
