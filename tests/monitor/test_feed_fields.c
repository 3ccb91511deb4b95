/* The whole of each line: what docs/events.md promises is there, and nothing else. */
#include "monitor/feed_fields.h"
#include "monitor/feed_lines.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/port.h"
#include "cell/reason.h"
#include "monitor/stillclient.h"
#include "support/netgen.h"
#include "support/test.h"

/* What is said of E as NAME: compact, keys in their order, and with destinations if TOLD. */
static void says(const char *name, const struct event_record *e, bool told, const char *want)
{
    const struct feed_scope scope = {.destinations = told};
    const struct feed_event_row *row;
    size_t i = 0;
    while ((row = feed_event_row(i)) && strcmp(row->name, name) != 0)
        i++;
    ck_assert_ptr_nonnull(row);
    json_t *line = feed_event(&scope, i, e);
    if (!want) {
        ck_assert_ptr_null(line);
        return;
    }
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(json_string_value(json_object_get(line, "event")), name);
    json_object_del(line, "event");
    json_object_del(line, "time");
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
    ck_assert_str_eq(text, want);
    free(text);
    json_decref(line);
}

#define TWO_RELAYS                                                                          \
    "[{\"fingerprint\":\"0100000000000000000000000000000000000000\",\"nickname\":\"one\"}," \
    "{\"fingerprint\":\"0200000000000000000000000000000000000000\",\"nickname\":\"two\"}]"

START_TEST(test_feed_fields_of_circuits)
{
    struct event_record e = {
        .kind = EVENT_CIRCUIT,
        .circuit = {.id = 7,
                    .status = CIRCUIT_EXTENDED,
                    .flags = CIRCUIT_NEED_CAPACITY | CIRCUIT_NEED_UPTIME,
                    .n_hops = 2,
                    .hop = {{.rsa.b = {1}, .nickname = "one"}, {.rsa.b = {2}, .nickname = "two"}},
                    .created_us = 1795998564000508,
                    .reason = DESTROY_FINISHED}};
    says("CIRC", &e, false,
         "{\"created\":\"2026-11-30T00:29:24.000508Z\",\"flags\":[\"NEED_CAPACITY\",\"NEED_UPTIME\""
         "],\"id\":7,\"path\":" TWO_RELAYS ",\"purpose\":\"GENERAL\",\"status\":\"EXTENDED\"}");
    says("CIRC_MINOR", &e, false, NULL);
    e.circuit.n_hops = 0;
    e.circuit.flags = 0;
    e.circuit.status = CIRCUIT_CLOSED;
    says("CIRC", &e, false,
         "{\"created\":\"2026-11-30T00:29:24.000508Z\",\"flags\":[],\"id\":7,\"path\":[],"
         "\"purpose\":\"GENERAL\",\"reason\":\"FINISHED\",\"status\":\"CLOSED\"}");
    e.circuit.status = CIRCUIT_FAILED;
    e.circuit.remote = true;
    says("CIRC", &e, false,
         "{\"created\":\"2026-11-30T00:29:24.000508Z\",\"flags\":[],\"id\":7,\"path\":[],"
         "\"purpose\":\"GENERAL\",\"reason\":\"DESTROYED\",\"remote_reason\":\"FINISHED\","
         "\"status\":\"FAILED\"}");
    e.circuit.status = CIRCUIT_PURPOSE_CHANGED;
    e.circuit.purpose = CIRCUIT_CONTROLLER;
    says("CIRC", &e, false, NULL);
    says("CIRC_MINOR", &e, false,
         "{\"change\":\"PURPOSE_CHANGED\",\"id\":7,\"old_purpose\":\"GENERAL\","
         "\"purpose\":\"CONTROLLER\"}");
}
END_TEST

START_TEST(test_feed_fields_of_streams)
{
    struct event_record e = {.kind = EVENT_STREAM,
                             .stream = {.id = 9,
                                        .status = STREAM_NEW,
                                        .host = "web.test",
                                        .port = 80,
                                        .asker = {.source = {{IP_V4, {127, 0, 0, 1}}, 4711},
                                                  .protocol = 5,
                                                  .isolated_by = ISO_CLIENT_ADDR},
                                        .session = -4,
                                        .nym_epoch = 2}};
    says("STREAM", &e, false,
         "{\"id\":9,\"isolation\":[\"CLIENTADDR\",\"SESSION_GROUP\",\"NYM_EPOCH\"],"
         "\"nym_epoch\":2,\"protocol\":\"SOCKS5\",\"purpose\":\"USER\",\"session_group\":-4,"
         "\"status\":\"NEW\"}");
    e.stream.status = STREAM_REMAP;
    e.stream.circuit = 7;
    e.stream.addr = ip_v4((const uint8_t[]){198, 51, 100, 4});
    says("STREAM", &e, true,
         "{\"address\":\"198.51.100.4\",\"circuit\":7,\"id\":9,\"isolation\":[\"CLIENTADDR\","
         "\"SESSION_GROUP\",\"NYM_EPOCH\"],\"nym_epoch\":2,\"protocol\":\"SOCKS5\","
         "\"purpose\":\"USER\",\"session_group\":-4,\"source\":\"127.0.0.1:4711\","
         "\"status\":\"REMAP\",\"target\":\"web.test:80\"}");
    static const enum stream_status over[] = {STREAM_DETACHED, STREAM_FAILED, STREAM_CLOSED};
    e.stream.asker.isolated_by = 0;
    e.stream.reason = END_EXITPOLICY;
    e.stream.remote = true;
    for (size_t i = 0; i < sizeof over / sizeof over[0]; i++) {
        static const char *const words[] = {"DETACHED", "FAILED", "CLOSED"};
        char want[400];
        e.stream.status = over[i];
        snprintf(want, sizeof want,
                 "{\"circuit\":7,\"id\":9,\"isolation\":[\"SESSION_GROUP\",\"NYM_EPOCH\"],"
                 "\"nym_epoch\":2,\"protocol\":\"SOCKS5\",\"purpose\":\"USER\","
                 "\"reason\":\"END\",\"remote_reason\":\"EXITPOLICY\",\"session_group\":-4,"
                 "\"status\":\"%s\"}",
                 words[i]);
        says("STREAM", &e, false, want);
    }
}
END_TEST

START_TEST(test_feed_fields_of_streams_for_documents)
{
    const struct event_record e = {.kind = EVENT_STREAM,
                                   .stream = {.id = 3,
                                              .status = STREAM_CLOSED,
                                              .purpose = STREAM_DIR_FETCH,
                                              .host = "127.13.0.1",
                                              .port = 9001,
                                              .has_relay = true,
                                              .relay.b = {0xab},
                                              .reason = END_DONE,
                                              .session = -2}};
    says("STREAM", &e, true,
         "{\"directory\":{\"fingerprint\":\"AB00000000000000000000000000000000000000\","
         "\"nickname\":\"listed\"},\"id\":3,\"isolation\":[\"SESSION_GROUP\"],\"nym_epoch\":0,"
         "\"protocol\":\"UNKNOWN\",\"purpose\":\"DIR_FETCH\",\"reason\":\"DONE\","
         "\"session_group\":-2,\"status\":\"CLOSED\"}");
}
END_TEST

START_TEST(test_feed_fields_of_links_and_guards)
{
    struct event_record e = {
        .kind = EVENT_ORCONN,
        .orconn = {.id = 5,
                   .peer = {.reach = {.addr = {ip_v4((const uint8_t[]){127, 0, 0, 9}), 9001}},
                            .has_rsa = true},
                   .circuits = 2,
                   .end = {.reason = OR_NOROUTE}}};
    says("ORCONN", &e, false,
         "{\"address\":\"127.0.0.9:9001\",\"circuits\":2,\"id\":5,\"status\":\"LAUNCHED\"}");
    e.orconn.peer.rsa.b[0] = 1;
    e.orconn.status = ORCONN_FAILED;
    says("ORCONN", &e, false,
         "{\"address\":\"127.0.0.9:9001\",\"circuits\":2,\"id\":5,\"reason\":\"NOROUTE\","
         "\"relay\":{\"fingerprint\":\"0100000000000000000000000000000000000000\","
         "\"nickname\":\"listed\"},\"status\":\"FAILED\"}");
    e = (struct event_record){
        .kind = EVENT_GUARD,
        .guard = {.status = GUARD_DOWN, .relay = {.rsa.b = {1}, .nickname = "one"}}};
    says("GUARD", &e, false,
         "{\"relay\":{\"fingerprint\":\"0100000000000000000000000000000000000000\","
         "\"nickname\":\"one\"},\"status\":\"DOWN\"}");
}
END_TEST

START_TEST(test_feed_fields_of_the_start)
{
    struct event_record e = {
        .kind = EVENT_BOOTSTRAP,
        .bootstrap = {.step = {80, "ap_conn", "Connecting to a relay to build circuits"},
                      .count = 3,
                      .warn = true,
                      .end = {.reason = OR_NOROUTE, .text = "No route"}}};
    says("BOOTSTRAP", &e, false,
         "{\"percent\":80,\"summary\":\"Connecting to a relay to build circuits\","
         "\"tag\":\"ap_conn\"}");
    e.bootstrap.problem = true;
    says("BOOTSTRAP", &e, false,
         "{\"count\":3,\"percent\":80,\"problem\":\"No route\",\"reason\":\"NOROUTE\","
         "\"summary\":\"Connecting to a relay to build circuits\",\"tag\":\"ap_conn\","
         "\"warn\":true}");
}
END_TEST

START_TEST(test_feed_fields_of_status)
{
    struct event_record e = {.kind = EVENT_STATUS,
                             .status = {.what = STATUS_CLOCK_JUMPED, .seconds = -300}};
    says("STATUS", &e, false,
         "{\"action\":\"CLOCK_JUMPED\",\"seconds\":-300,\"severity\":\"WARN\","
         "\"type\":\"GENERAL\"}");
    e.status =
        (struct event_status){.what = STATUS_CLOCK_SKEW, .seconds = 7200, .text = "CONSENSUS"};
    says("STATUS", &e, false,
         "{\"action\":\"CLOCK_SKEW\",\"seconds\":7200,\"severity\":\"WARN\","
         "\"source\":\"CONSENSUS\",\"type\":\"GENERAL\"}");
    e.status = (struct event_status){.what = STATUS_DANGEROUS_PORT, .number = 23, .refused = true};
    says("STATUS", &e, false,
         "{\"action\":\"DANGEROUS_PORT\",\"refused\":true,\"severity\":\"WARN\","
         "\"type\":\"CLIENT\"}");
    says("STATUS", &e, true,
         "{\"action\":\"DANGEROUS_PORT\",\"port\":23,\"refused\":true,\"severity\":\"WARN\","
         "\"type\":\"CLIENT\"}");
    e.status = (struct event_status){
        .what = STATUS_DANGEROUS_SOCKS, .number = 4, .text = "198.51.100.4:80"};
    says("STATUS", &e, false,
         "{\"action\":\"DANGEROUS_SOCKS\",\"severity\":\"WARN\",\"type\":\"CLIENT\"}");
    says("STATUS", &e, true,
         "{\"action\":\"DANGEROUS_SOCKS\",\"severity\":\"WARN\",\"target\":\"198.51.100.4:80\","
         "\"type\":\"CLIENT\"}");
    e.status.what = STATUS_NETWORK_DOWN;
    says("STATUS", &e, false, NULL);
    says("NETWORK_LIVENESS", &e, false, "{\"status\":\"DOWN\"}");
    e.status.what = STATUS_NETWORK_UP;
    says("NETWORK_LIVENESS", &e, false, "{\"status\":\"UP\"}");
    says("BUILDTIMEOUT_SET", &e, false, NULL);
    e.status = (struct event_status){.what = STATUS_BUILDTIMEOUT_SET,
                                     .reset = true,
                                     .cbt = {.n_times = 120,
                                             .timeout_ms = 900,
                                             .close_ms = 60000,
                                             .timeout_rate = 0.25,
                                             .close_rate = 0.5}};
    says("BUILDTIMEOUT_SET", &e, false,
         "{\"close_ms\":60000,\"close_rate\":0.5,\"set\":\"RESET\",\"timeout_ms\":900,"
         "\"timeout_rate\":0.25,\"times\":120}");
}
END_TEST

START_TEST(test_feed_fields_of_bytes)
{
    struct event_record e = {.kind = EVENT_BW, .bw = {.read = 56, .written = 78}};
    says("BW", &e, false, "{\"read\":56,\"written\":78}");
    e = (struct event_record){.kind = EVENT_CIRC_BW,
                              .circ_bw = {.id = 4,
                                          .read = 1018,
                                          .written = 509,
                                          .delivered_read = 100,
                                          .overhead_read = 896,
                                          .delivered_written = 1,
                                          .overhead_written = 497}};
    says("CIRC_BW", &e, false,
         "{\"delivered_read\":100,\"delivered_written\":1,\"id\":4,\"read\":1018,"
         "\"written\":509}");
    e = (struct event_record){.kind = EVENT_STREAM_BW,
                              .stream_bw = {.id = 5, .written = 12, .read = 34}};
    says("STREAM_BW", &e, false, "{\"id\":5,\"read\":34,\"written\":12}");
}
END_TEST

START_TEST(test_feed_fields_of_the_rest)
{
    struct event_record e = {.kind = EVENT_ADDRMAP,
                             .addrmap = {.from = "a.test",
                                         .to = "b.test",
                                         .expires_s = 1795998564,
                                         .cached = true,
                                         .stream = 6}};
    says("ADDRMAP", &e, false,
         "{\"cached\":true,\"expires\":\"2026-11-30T00:29:24.000000Z\",\"failed\":false,"
         "\"stream\":6}");
    says("ADDRMAP", &e, true,
         "{\"cached\":true,\"expires\":\"2026-11-30T00:29:24.000000Z\",\"failed\":false,"
         "\"from\":\"a.test\",\"stream\":6,\"to\":\"b.test\"}");
    e.addrmap.error = "error=yes";
    e.addrmap.stream = 0;
    e.addrmap.expires_s = 0;
    e.addrmap.cached = false;
    says("ADDRMAP", &e, true, "{\"cached\":false,\"failed\":true,\"from\":\"a.test\"}");
    e = (struct event_record){.kind = EVENT_SIGNAL, .signal.what = SIGNAL_NEWNYM};
    says("SIGNAL", &e, false, "{\"signal\":\"NEWNYM\"}");
    says("BW", &e, false, NULL);
}
END_TEST

START_TEST(test_feed_fields_of_a_consensus)
{
    struct netdir *nd = netgen_two(100);
    struct event_record e = {
        .kind = EVENT_DIRECTORY,
        .directory = {.status = DIRECTORY_NEWCONSENSUS, .nd = nd, .from_file = true}};
    says("NEWCONSENSUS", &e, false,
         "{\"kept\":true,\"relays\":2,\"valid_after\":\"2025-12-31T23:30:00.000000Z\"}");
    e.directory.status = DIRECTORY_PROGRESS;
    says("NEWCONSENSUS", &e, false, NULL);
    netdir_unref(&nd);
}
END_TEST

TESTS("monitor/feed_fields", test_feed_fields_of_circuits, test_feed_fields_of_streams,
      test_feed_fields_of_streams_for_documents, test_feed_fields_of_links_and_guards,
      test_feed_fields_of_the_start, test_feed_fields_of_status, test_feed_fields_of_bytes,
      test_feed_fields_of_the_rest, test_feed_fields_of_a_consensus)
