/* The names are stem's: stem 1.8.2's lists, and the numbers of tor-spec 5.4 and 6.3. */
#include "support/test.h"
#include "tunic/tunic.h"

#include <string.h>

static void has(const char *(*name_of)(int), const char *const *names, size_t n, int first)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_str_eq(name_of(first + (int)i), names[i]);
}
#define HAS(name_of, first, ...)                                     \
    do {                                                             \
        const char *const names_[] = {__VA_ARGS__};                  \
        has(name_of, names_, sizeof names_ / sizeof *names_, first); \
    } while (0)

START_TEST(test_names_are_stems)
{
    HAS(tunic_circ_status_name, 0, "LAUNCHED", "BUILT", "GUARD_WAIT", "EXTENDED", "FAILED",
        "CLOSED", "UNKNOWN");
    HAS(tunic_circ_closure_reason_name, 0, "NONE", "TORPROTOCOL", "INTERNAL", "REQUESTED",
        "HIBERNATING", "RESOURCELIMIT", "CONNECTFAILED", "OR_IDENTITY", "OR_CONN_CLOSED",
        "FINISHED", "TIMEOUT", "DESTROYED", "NOSUCHSERVICE", "UNKNOWN");
    HAS(tunic_circ_closure_reason_name, 256, "NOPATH", "MEASUREMENT_EXPIRED", "UNKNOWN");
    HAS(tunic_stream_status_name, 0, "NEW", "NEWRESOLVE", "REMAP", "SENTCONNECT", "SENTRESOLVE",
        "SUCCEEDED", "FAILED", "DETACHED", "CLOSED", "UNKNOWN");
    HAS(tunic_relay_end_reason_name, 0, "UNKNOWN", "MISC", "RESOLVEFAILED", "CONNECTREFUSED",
        "EXITPOLICY", "DESTROY", "DONE", "TIMEOUT", "NOROUTE", "HIBERNATING", "INTERNAL",
        "RESOURCELIMIT", "CONNRESET", "TORPROTOCOL", "NOTDIRECTORY", "UNKNOWN");
    HAS(tunic_stream_closure_reason_name, 13, "TORPROTOCOL", "NOTDIRECTORY", "UNKNOWN");
    HAS(tunic_stream_closure_reason_name, 256, "END", "PRIVATE_ADDR", "UNKNOWN");
    HAS(tunic_or_status_name, 0, "NEW", "LAUNCHED", "CONNECTED", "FAILED", "CLOSED", "UNKNOWN");
    HAS(tunic_or_closure_reason_name, 0, "DONE", "CONNECTREFUSED", "IDENTITY", "CONNECTRESET",
        "TIMEOUT", "NOROUTE", "IOERROR", "RESOURCELIMIT", "MISC", "PT_MISSING", "TLS_ERROR",
        "UNKNOWN");
    ck_assert_str_eq(tunic_or_closure_reason_name(-1), "UNKNOWN");
}
END_TEST

START_TEST(test_names_of_error_parts)
{
    ck_assert_str_eq(tunic_class_name(TUNIC_OK), "OK");
    ck_assert_str_eq(tunic_class_name(TUNIC_INTERNAL), "INTERNAL");
    ck_assert_str_eq(tunic_class_name(TUNIC_INTERNAL + 1), "UNKNOWN");
    ck_assert_str_eq(tunic_stage_name(TUNIC_STAGE_DNS), "dns");
    ck_assert_str_eq(tunic_stage_name(TUNIC_STAGE_DIRECTORY), "directory");
    ck_assert_str_eq(tunic_stage_name(-1), "UNKNOWN");
}
END_TEST

static void says(const struct tunic_error *e, const char *want)
{
    char text[512];
    ck_assert_str_eq(tunic_error_text(e, text, sizeof text), want);
    ck_assert_str_eq(tunic_error_text(e, text, 4), ((char[4]){want[0], want[1], want[2], 0}));
}

/* One number is another reason at another stage. */
START_TEST(test_names_follow_the_stage)
{
    struct tunic_error e = {.cls = TUNIC_REFUSED, .stage = TUNIC_STAGE_CIRCUIT, .hop = 2};
    e.reason = 6;
    strcpy(e.text, "why");
    says(&e, "circuit hop 2: REFUSED, CONNECTFAILED: why");
    e.stage = TUNIC_STAGE_STREAM;
    e.hop = 0;
    says(&e, "stream: REFUSED, DONE: why");
    e.stage = TUNIC_STAGE_TCP;
    says(&e, "tcp: REFUSED, IOERROR: why");
    e.reason = 200;
    says(&e, "tcp: REFUSED, UNKNOWN: why");
    e.reason = -1;
    says(&e, "tcp: REFUSED: why");
    e.stage = TUNIC_STAGE_DIRECTORY;
    e.reason = 6;
    says(&e, "directory: REFUSED: why");
}
END_TEST

TESTS("lib/names", test_names_are_stems, test_names_of_error_parts, test_names_follow_the_stage)
