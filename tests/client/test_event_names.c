/* The specification's word for each value, at its place (control-spec 4.1). */
#include "client/events.h"
#include "link/link.h"
#include "support/test.h"

/* The words of the values from 0 on, for the MEMBER of a record of KIND. */
#define ARE(kind_, member, type, ...)                                             \
    do {                                                                          \
        static const char *const words_[] = {__VA_ARGS__};                        \
        for (size_t i_ = 0; i_ < sizeof words_ / sizeof words_[0]; i_++) {        \
            const struct event_record e_ = {.kind = (kind_), .member = (type)i_}; \
            ck_assert_str_eq(event_name(&e_), words_[i_]);                        \
        }                                                                         \
    } while (0)

START_TEST(test_event_names_of_each_status)
{
    ARE(EVENT_CIRCUIT, circuit.status, enum circuit_status, "LAUNCHED", "BEGUN", "EXTENDED",
        "GUARD_WAIT", "BUILT", "PURPOSE_CHANGED", "CANNIBALIZED", "FAILED", "CLOSED");
    ARE(EVENT_STREAM, stream.status, enum stream_status, "NEW", "NEWRESOLVE", "CONTROLLER_WAIT",
        "SENTCONNECT", "SENTRESOLVE", "REMAP", "SUCCEEDED", "DETACHED", "XOFF_SENT", "XOFF_RECV",
        "XON_SENT", "XON_RECV", "FAILED", "CLOSED");
    ARE(EVENT_ORCONN, orconn.status, enum orconn_status, "LAUNCHED", "CONNECTED", "FAILED",
        "CLOSED");
    ARE(EVENT_GUARD, guard.status, enum guard_status, "NEW", "UP", "DOWN", "DROPPED");
    ARE(EVENT_SIGNAL, signal.what, enum signal_what, "RELOAD", "SHUTDOWN", "DUMP", "DEBUG", "HALT",
        "NEWNYM", "CLEARDNSCACHE", "HEARTBEAT", "ACTIVE", "DORMANT");
    ARE(EVENT_STATUS, status.what, enum status_what, "ENOUGH_DIR_INFO", "NOT_ENOUGH_DIR_INFO",
        "CIRCUIT_ESTABLISHED", "CIRCUIT_NOT_ESTABLISHED", "CLOCK_JUMPED", "CLOCK_SKEW", "UP",
        "DOWN", "BUILDTIMEOUT_SET", "DANGEROUS_SOCKS", "DANGEROUS_PORT", "SOCKS_UNKNOWN_PROTOCOL",
        "STREAMS_LEFT_UNATTACHED", "SOCKS_BAD_HOSTNAME");
}
END_TEST

START_TEST(test_event_names_of_purposes_and_reasons)
{
    static const char *const reasons[] = {
        "DONE",    "CONNECTREFUSED", "IDENTITY",   "CONNECTRESET", "TIMEOUT", "NOROUTE",
        "IOERROR", "RESOURCELIMIT",  "PT_MISSING", "TLS_ERROR",    "MISC"};
    ck_assert_str_eq(circuit_purpose_name(CIRCUIT_GENERAL), "GENERAL");
    ck_assert_str_eq(circuit_purpose_name(CIRCUIT_MEASURE_TIMEOUT), "MEASURE_TIMEOUT");
    ck_assert_str_eq(circuit_purpose_name(CIRCUIT_CONTROLLER), "CONTROLLER");
    ck_assert_str_eq(stream_purpose_name(STREAM_USER), "USER");
    ck_assert_str_eq(stream_purpose_name(STREAM_DNS_REQUEST), "DNS_REQUEST");
    ck_assert_str_eq(stream_purpose_name(STREAM_DIR_FETCH), "DIR_FETCH");
    for (int reason = OR_DONE; reason <= OR_MISC; reason++)
        ck_assert_str_eq(or_reason_name((enum or_reason)reason), reasons[reason]);
}
END_TEST

TESTS("client/event_names", test_event_names_of_each_status,
      test_event_names_of_purposes_and_reasons)
