/* The exact lines of events, which are tor's (control_events.c). */
#include "control/ev.h"

#include <string.h>

#include "base/port.h"
#include "cell/reason.h"
#include "control/control.h"
#include "support/test.h"

/* Without a control side: what these say needs no look at the client. */
static void says(told_writer *write, const struct event_record *e, const char *want)
{
    struct text_out out = text_out(4096);
    write(NULL, e, &out);
    ck_assert_str_eq(out_text(&out), want);
    out_free(&out);
}

#define CIRC_FACTS                                                                             \
    " $0100000000000000000000000000000000000000~one,$0200000000000000000000000000000000000000" \
    "~two BUILD_FLAGS=NEED_CAPACITY,NEED_UPTIME PURPOSE=GENERAL "                              \
    "TIME_CREATED=2026-11-30T00:29:24.000508"

static struct event_record circuit(enum circuit_status status)
{
    struct event_record e = {
        .kind = EVENT_CIRCUIT,
        .circuit = {.id = 7,
                    .status = status,
                    .flags = CIRCUIT_NEED_CAPACITY | CIRCUIT_NEED_UPTIME,
                    .n_hops = 2,
                    .hop = {{.rsa.b = {1}, .nickname = "one"}, {.rsa.b = {2}, .nickname = "two"}},
                    .created_us = 1795998564000508}};
    return e;
}

START_TEST(test_ev_circ)
{
    struct event_record e = circuit(CIRCUIT_EXTENDED);
    says(ev_circ, &e, "650 CIRC 7 EXTENDED" CIRC_FACTS "\r\n");
    e = circuit(CIRCUIT_CLOSED);
    e.circuit.reason = DESTROY_FINISHED;
    says(ev_circ, &e, "650 CIRC 7 CLOSED" CIRC_FACTS " REASON=FINISHED\r\n");
    e.circuit.remote = true;
    e.circuit.reason = DESTROY_CHANNEL_CLOSED;
    says(ev_circ, &e,
         "650 CIRC 7 CLOSED" CIRC_FACTS " REASON=DESTROYED REMOTE_REASON=CHANNEL_CLOSED\r\n");
    e = circuit(CIRCUIT_BEGUN);
    says(ev_circ, &e, "");
    says(ev_circ_minor, &e, "");
}
END_TEST

START_TEST(test_ev_circ_without_anything)
{
    struct event_record e = {.kind = EVENT_CIRCUIT, .circuit = {.id = 1}};
    says(ev_circ, &e,
         "650 CIRC 1 LAUNCHED PURPOSE=GENERAL TIME_CREATED=1970-01-01T00:00:00.000000\r\n");
}
END_TEST

START_TEST(test_ev_circ_of_one_that_is_slow_is_told_to_have_failed)
{
    struct event_record e = circuit(CIRCUIT_PURPOSE_CHANGED);
    says(ev_circ, &e, ""); /* to CONTROLLER, say */
    says(ev_circ_minor, &e,
         "650 CIRC_MINOR 7 PURPOSE_CHANGED" CIRC_FACTS " OLD_PURPOSE=GENERAL\r\n");
    e.circuit.purpose = CIRCUIT_MEASURE_TIMEOUT;
    says(ev_circ, &e, "650 CIRC 7 FAILED" CIRC_FACTS " REASON=TIMEOUT\r\n");
}
END_TEST

START_TEST(test_ev_circ_minor_of_one_that_is_cannibalized)
{
    struct event_record e = circuit(CIRCUIT_CANNIBALIZED);
    e.circuit.old_begun_us = 1500000;
    says(ev_circ, &e, "");
    says(ev_circ_minor, &e,
         "650 CIRC_MINOR 7 CANNIBALIZED" CIRC_FACTS
         " OLD_PURPOSE=GENERAL OLD_TIME_CREATED=1970-01-01T00:00:01.500000\r\n");
}
END_TEST

START_TEST(test_ev_login_is_quoted)
{
    struct event_record e = {.kind = EVENT_CIRCUIT, .circuit = {.id = 1}};
    e.circuit.login = login_new(TEXT_LIT("us er\"\\"), TEXT_LIT("\x01\xff\0behind"));
    says(ev_circ, &e,
         "650 CIRC 1 LAUNCHED PURPOSE=GENERAL TIME_CREATED=1970-01-01T00:00:00.000000 "
         "SOCKS_USERNAME=\"us er\\\"\\\\\" SOCKS_PASSWORD=\"\\001\\377\"\r\n");
    login_release(&e.circuit.login);
}
END_TEST

#define STREAM_FACTS                                                                  \
    " CLIENT_PROTOCOL=SOCKS5 NYM_EPOCH=2 SESSION_GROUP=-4 ISO_FIELDS=SOCKS_USERNAME," \
    "SOCKS_PASSWORD,CLIENTADDR,SESSION_GROUP,NYM_EPOCH\r\n"

static struct event_record stream(enum stream_status status)
{
    struct event_record e = {
        .kind = EVENT_STREAM,
        .stream = {.id = 9,
                   .status = status,
                   .circuit = status == STREAM_NEW ? 0 : 7,
                   .host = "web.test",
                   .port = 80,
                   .asker = {.source = {ip_v4((const uint8_t[]){127, 0, 0, 1}), 4711},
                             .protocol = 5,
                             .isolated_by = ISO_CLIENT_ADDR | ISO_SOCKS_AUTH},
                   .session = -4,
                   .nym_epoch = 2}};
    return e;
}

START_TEST(test_ev_stream)
{
    struct event_record e = stream(STREAM_NEW);
    says(ev_stream, &e,
         "650 STREAM 9 NEW 0 web.test:80 SOURCE_ADDR=127.0.0.1:4711 PURPOSE=USER" STREAM_FACTS);
    e = stream(STREAM_SENTCONNECT);
    says(ev_stream, &e, "650 STREAM 9 SENTCONNECT 7 web.test:80" STREAM_FACTS);
    e = stream(STREAM_REMAP);
    e.stream.addr = ip_v4((const uint8_t[]){198, 51, 100, 4});
    e.stream.source = SOURCE_EXIT;
    says(ev_stream, &e, "650 STREAM 9 REMAP 7 198.51.100.4:80 SOURCE=EXIT" STREAM_FACTS);
    e.stream.source = SOURCE_CACHE;
    says(ev_stream, &e, "650 STREAM 9 REMAP 7 198.51.100.4:80 SOURCE=CACHE" STREAM_FACTS);
    e.stream.source = SOURCE_NONE;
    says(ev_stream, &e, "650 STREAM 9 REMAP 7 198.51.100.4:80" STREAM_FACTS);
}
END_TEST

START_TEST(test_ev_stream_that_fails_is_closed_too)
{
    struct event_record e = stream(STREAM_FAILED);
    e.stream.reason = END_EXITPOLICY;
    e.stream.remote = true;
    says(ev_stream, &e,
         "650 STREAM 9 FAILED 7 web.test:80 REASON=END REMOTE_REASON=EXITPOLICY" STREAM_FACTS
         "650 STREAM 9 CLOSED 7 web.test:80 REASON=END REMOTE_REASON=EXITPOLICY" STREAM_FACTS);
    e.stream.purpose = STREAM_DNS_REQUEST;
    says(ev_stream, &e,
         "650 STREAM 9 CLOSED 7 web.test:80 REASON=END REMOTE_REASON=EXITPOLICY" STREAM_FACTS);
    e = stream(STREAM_DETACHED);
    e.stream.reason = END_TIMEOUT;
    says(ev_stream, &e, "650 STREAM 9 DETACHED 7 web.test:80 REASON=TIMEOUT" STREAM_FACTS);
}
END_TEST

START_TEST(test_ev_stream_for_documents)
{
    struct event_record e = {.kind = EVENT_STREAM,
                             .stream = {.id = 3,
                                        .status = STREAM_NEW,
                                        .purpose = STREAM_DIR_FETCH,
                                        .host = "127.13.0.1",
                                        .port = 9001,
                                        .has_relay = true,
                                        .relay.b = {0xab},
                                        .session = SESSION_DIRECTORY}};
    says(ev_stream, &e,
         "650 STREAM 3 NEW 0 127.13.0.1.$AB00000000000000000000000000000000000000.exit:9001 "
         "PURPOSE=DIR_FETCH CLIENT_PROTOCOL=UNKNOWN NYM_EPOCH=0 SESSION_GROUP=-2 "
         "ISO_FIELDS=SESSION_GROUP\r\n");
}
END_TEST

START_TEST(test_ev_bytes)
{
    struct event_record e = {.kind = EVENT_CIRC_BW,
                             .wall_us = 1795998564000508,
                             .circ_bw = {.id = 4,
                                         .read = 1018,
                                         .written = 509,
                                         .delivered_read = 100,
                                         .overhead_read = 896,
                                         .delivered_written = 1,
                                         .overhead_written = 497}};
    says(ev_circ_bw, &e,
         "650 CIRC_BW ID=4 READ=1018 WRITTEN=509 TIME=2026-11-30T00:29:24.000508 "
         "DELIVERED_READ=100 OVERHEAD_READ=896 DELIVERED_WRITTEN=1 OVERHEAD_WRITTEN=497\r\n");
    e.circ_bw.has_cc = e.circ_bw.in_slow_start = true;
    e.circ_bw.cwnd = 124;
    e.circ_bw.rtt_ms = 310;
    e.circ_bw.min_rtt_ms = 299;
    says(ev_circ_bw, &e,
         "650 CIRC_BW ID=4 READ=1018 WRITTEN=509 TIME=2026-11-30T00:29:24.000508 "
         "DELIVERED_READ=100 OVERHEAD_READ=896 DELIVERED_WRITTEN=1 OVERHEAD_WRITTEN=497 SS=1 "
         "CWND=124 RTT=310 MIN_RTT=299\r\n");
    e = (struct event_record){
        .kind = EVENT_STREAM_BW, .wall_us = 1, .stream_bw = {.id = 5, .written = 12, .read = 34}};
    says(ev_stream_bw, &e, "650 STREAM_BW 5 12 34 1970-01-01T00:00:00.000001\r\n");
    e = (struct event_record){.kind = EVENT_BW, .bw = {.read = 56, .written = 78}};
    says(ev_bw, &e, "650 BW 56 78\r\n");
}
END_TEST

/* ---- status ---- */

static void says_status(told_writer *write, struct event_status status, const char *want)
{
    const struct event_record e = {.kind = EVENT_STATUS, .status = status};
    says(write, &e, want);
}

START_TEST(test_ev_status_client)
{
    struct event_status s = {.what = STATUS_CIRCUIT_NOT_ESTABLISHED, .clock = true};
    says_status(ev_status_client, s,
                "650 STATUS_CLIENT NOTICE CIRCUIT_NOT_ESTABLISHED REASON=CLOCK_JUMPED\r\n");
    s.clock = false;
    says_status(ev_status_client, s, "");
    s = (struct event_status){
        .what = STATUS_DANGEROUS_SOCKS, .number = 4, .text = "198.51.100.4:80"};
    says_status(ev_status_client, s,
                "650 STATUS_CLIENT WARN DANGEROUS_SOCKS PROTOCOL=SOCKS4 "
                "ADDRESS=198.51.100.4:80\r\n");
    says_status(ev_status_general, s, "");
    s = (struct event_status){.what = STATUS_DANGEROUS_PORT, .number = 23, .refused = true};
    says_status(ev_status_client, s,
                "650 STATUS_CLIENT WARN DANGEROUS_PORT PORT=23 RESULT=REJECT\r\n");
    s = (struct event_status){
        .what = STATUS_SOCKS_UNKNOWN_PROTOCOL, .number = 4, .text = "\x16\x03\"x"};
    says_status(ev_status_client, s,
                "650 STATUS_CLIENT WARN SOCKS_UNKNOWN_PROTOCOL DATA=\"\"\\026\\003\\\"x\"\"\r\n");
    s = (struct event_status){.what = STATUS_SOCKS_BAD_HOSTNAME, .text = "a b"};
    says_status(ev_status_client, s,
                "650 STATUS_CLIENT WARN SOCKS_BAD_HOSTNAME HOSTNAME=\"a b\"\r\n");
}
END_TEST

START_TEST(test_ev_status_general)
{
    struct event_status s = {.what = STATUS_CLOCK_JUMPED, .seconds = -300};
    says_status(ev_status_general, s, "650 STATUS_GENERAL WARN CLOCK_JUMPED TIME=-300 IDLE=0\r\n");
    s.idle = true;
    says_status(ev_status_general, s, "650 STATUS_GENERAL WARN CLOCK_JUMPED TIME=-300 IDLE=1\r\n");
    s = (struct event_status){.what = STATUS_CLOCK_SKEW, .seconds = 7200, .text = "CONSENSUS"};
    says_status(ev_status_general, s,
                "650 STATUS_GENERAL WARN CLOCK_SKEW SKEW=7200 SOURCE=CONSENSUS\r\n");
    says_status(ev_status_client, s, "");
}
END_TEST

START_TEST(test_ev_bootstrap)
{
    struct event_record e = {
        .kind = EVENT_BOOTSTRAP,
        .bootstrap = {.step = {80, "ap_conn", "Connecting to a relay to build circuits"}}};
    says(ev_status_client, &e,
         "650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=80 TAG=ap_conn "
         "SUMMARY=\"Connecting to a relay to build circuits\"\r\n");
    e.bootstrap.problem = e.bootstrap.warn = true;
    e.bootstrap.count = 3;
    e.bootstrap.peer =
        (struct link_target){.reach = {.addr = {ip_v4((const uint8_t[]){127, 0, 0, 9}), 9001}}};
    e.bootstrap.end = (struct link_end){.reason = OR_NOROUTE, .text = "No \"route\""};
    says(ev_status_client, &e,
         "650 STATUS_CLIENT WARN BOOTSTRAP PROGRESS=80 TAG=ap_conn "
         "SUMMARY=\"Connecting to a relay to build circuits\" WARNING=\"No \\\"route\\\"\" "
         "REASON=NOROUTE COUNT=3 RECOMMENDATION=warn "
         "HOSTID=\"0000000000000000000000000000000000000000\" HOSTADDR=\"127.0.0.9:9001\"\r\n");
    e.bootstrap.clock = true;
    e.bootstrap.end = (struct link_end){.text = "Clock skew -7200 in directory from DIRSERV"};
    says(ev_status_client, &e,
         "650 STATUS_CLIENT WARN BOOTSTRAP PROGRESS=80 TAG=ap_conn "
         "SUMMARY=\"Connecting to a relay to build circuits\" "
         "WARNING=\"Clock skew -7200 in directory from DIRSERV\" REASON=CLOCK_SKEW COUNT=3 "
         "RECOMMENDATION=warn HOSTID=\"?\" HOSTADDR=\"127.0.0.9:9001\"\r\n");
    e.bootstrap.step.percent = 100;
    says(ev_status_client, &e, "");
}
END_TEST

START_TEST(test_ev_buildtimeout_set_and_liveness)
{
    struct event_record e = {.kind = EVENT_STATUS,
                             .status = {.what = STATUS_BUILDTIMEOUT_SET,
                                        .cbt = {.n_times = 120,
                                                .timeout_ms = 900,
                                                .xm_ms = 45,
                                                .alpha = 1.5,
                                                .quantile = 0.8,
                                                .close_ms = 60000,
                                                .timeout_rate = 0.25}}};
    says(ev_buildtimeout_set, &e,
         "650 BUILDTIMEOUT_SET COMPUTED TOTAL_TIMES=120 TIMEOUT_MS=900 XM=45 ALPHA=1.500000 "
         "CUTOFF_QUANTILE=0.800000 TIMEOUT_RATE=0.250000 CLOSE_MS=60000 CLOSE_RATE=0.000000\r\n");
    says(ev_network_liveness, &e, "");
    e.status.what = STATUS_NETWORK_DOWN;
    says(ev_network_liveness, &e, "650 NETWORK_LIVENESS DOWN\r\n");
    says(ev_buildtimeout_set, &e, "");
}
END_TEST

TESTS("control/ev", test_ev_circ, test_ev_circ_without_anything,
      test_ev_circ_of_one_that_is_slow_is_told_to_have_failed,
      test_ev_circ_minor_of_one_that_is_cannibalized, test_ev_login_is_quoted, test_ev_stream,
      test_ev_stream_that_fails_is_closed_too, test_ev_stream_for_documents, test_ev_bytes,
      test_ev_status_client, test_ev_status_general, test_ev_bootstrap,
      test_ev_buildtimeout_set_and_liveness)
