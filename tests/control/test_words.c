/* The vocabulary holds what the client's records say, and says so of each word. */
#include "control/words.h"

#include <string.h>

#include "cell/reason.h"
#include "control/told.h"
#include "support/test.h"

/* TEXT is a word of NAME that a client of today may say. */
static void is_said(const char *name, const char *text)
{
    const struct vocabulary *v = words_vocabulary(name);
    ck_assert_msg(v != NULL, "no vocabulary %s", name);
    const struct word *w = words_find(v, text);
    ck_assert_msg(w && w->when == WORD_NOW, "%s has no word %s of today", name, text);
}

START_TEST(test_words_are_each_there_once_and_say_what_they_wait_for)
{
    for (const struct vocabulary *v = words_all; v->name; v++) {
        ck_assert_ptr_eq(words_vocabulary(v->name), v);
        for (size_t i = 0; i < v->n; i++) {
            const struct word *w = &v->words[i];
            ck_assert_ptr_eq(words_find(v, w->text), w);
            ck_assert_msg((w->when == WORD_NOW) == (w->of == NULL), "%s %s", v->name, w->text);
        }
    }
    ck_assert_ptr_null(words_vocabulary("Nonsense"));
    ck_assert_ptr_null(words_find(words_vocabulary("CircStatus"), "NONSENSE"));
}
END_TEST

START_TEST(test_words_of_circuits_are_those_of_the_records)
{
    for (int status = CIRCUIT_LAUNCHED; status <= CIRCUIT_CLOSED; status++) {
        const char *word = words_circ_status((enum circuit_status)status);
        if (word)
            is_said("CircStatus", word);
        else
            ck_assert(status == CIRCUIT_BEGUN || status == CIRCUIT_PURPOSE_CHANGED ||
                      status == CIRCUIT_CANNIBALIZED);
    }
    struct event_record minor = {.kind = EVENT_CIRCUIT, .circuit.status = CIRCUIT_PURPOSE_CHANGED};
    is_said("CircEvent", event_name(&minor));
    minor.circuit.status = CIRCUIT_CANNIBALIZED;
    is_said("CircEvent", event_name(&minor));
    for (int purpose = CIRCUIT_GENERAL; purpose <= CIRCUIT_HS_VANGUARDS; purpose++)
        is_said("CircPurpose", circuit_purpose_name((enum circuit_purpose)purpose));
    const char *flags[WORDS_BUILD_FLAGS];
    ck_assert_uint_eq(words_build_flags(~0u, flags), WORDS_BUILD_FLAGS);
    for (size_t i = 0; i < WORDS_BUILD_FLAGS; i++)
        is_said("CircBuildFlag", flags[i]);
    ck_assert_uint_eq(words_build_flags(CIRCUIT_NEED_UPTIME, flags), 1);
    ck_assert_str_eq(flags[0], "NEED_UPTIME");
    ck_assert_uint_eq(words_build_flags(0, flags), 0);
}
END_TEST

START_TEST(test_words_of_ends_of_circuits)
{
    for (unsigned n = 0; n <= UINT8_MAX; n++) {
        struct event_circuit e = {.reason = (uint8_t)n};
        struct reason_words w = words_circ_reason(&e);
        if (n <= DESTROY_NOPATH)
            is_said("CircClosureReason", w.reason);
        else
            ck_assert_int_eq(strncmp(w.reason, "UNKNOWN_", 8), 0);
        ck_assert_str_eq(w.remote, "");
        e.remote = true;
        w = words_circ_reason(&e);
        ck_assert_str_eq(w.reason, "DESTROYED");
        if (n <= DESTROY_NOSUCHSERVICE)
            is_said("CircClosureReason", w.remote);
        else /* what only we say, too: nobody else can */
            ck_assert_int_eq(strncmp(w.remote, "UNKNOWN_", 8), 0);
    }
}
END_TEST

START_TEST(test_words_of_ends_of_streams)
{
    for (unsigned n = 0; n <= UINT8_MAX; n++) {
        struct event_stream e = {.reason = (uint8_t)n};
        struct reason_words w = words_stream_reason(&e);
        if (n && n <= END_CANT_ATTACH)
            is_said("StreamClosureReason", w.reason);
        else
            ck_assert_int_eq(strncmp(w.reason, "UNKNOWN_", 8), 0);
        e.remote = true;
        w = words_stream_reason(&e);
        is_said("StreamClosureReason", w.reason);
        ck_assert_str_eq(w.reason, "END");
        if (n && n <= END_NOTDIRECTORY)
            is_said("RelayEndReason", w.remote);
        else
            ck_assert_int_eq(strncmp(w.remote, "UNKNOWN_", 8), 0);
    }
}
END_TEST

START_TEST(test_words_of_streams_are_those_of_the_records)
{
    for (int status = STREAM_NEW; status <= STREAM_CLOSED; status++) {
        const struct event_record e = {.kind = EVENT_STREAM,
                                       .stream.status = (enum stream_status)status};
        is_said("StreamStatus", event_name(&e));
    }
    for (int purpose = STREAM_USER; purpose <= STREAM_DIR_FETCH; purpose++)
        is_said("StreamPurpose", stream_purpose_name((enum stream_purpose)purpose));
    struct event_stream e = {.purpose = STREAM_USER, .asker = {.isolated_by = ~0u, .protocol = 4}};
    const char *fields[WORDS_ISO_FIELDS];
    ck_assert_uint_eq(words_iso_fields(&e, fields), WORDS_ISO_FIELDS);
    ck_assert_str_eq(fields[0], "DESTPORT");
    ck_assert_str_eq(fields[WORDS_ISO_FIELDS - 1], "NYM_EPOCH");
    ck_assert_str_eq(words_client_protocol(&e), "SOCKS4");
    e = (struct event_stream){.purpose = STREAM_DIR_FETCH};
    ck_assert_uint_eq(words_iso_fields(&e, fields), 1);
    ck_assert_str_eq(fields[0], "SESSION_GROUP");
    ck_assert_str_eq(words_client_protocol(&e), "UNKNOWN");
}
END_TEST

START_TEST(test_words_of_the_rest_are_those_of_the_records)
{
    for (int status = ORCONN_LAUNCHED; status <= ORCONN_CLOSED; status++) {
        const struct event_record e = {.kind = EVENT_ORCONN,
                                       .orconn.status = (enum orconn_status)status};
        is_said("ORStatus", event_name(&e));
    }
    for (int reason = OR_DONE; reason <= OR_MISC; reason++)
        if (reason != OR_PT_MISSING)
            is_said("ORClosureReason", or_reason_name((enum or_reason)reason));
    for (int status = GUARD_NEW; status <= GUARD_BAD_L2; status++) {
        const struct event_record e = {.kind = EVENT_GUARD,
                                       .guard.status = (enum guard_status)status};
        is_said("GuardStatus", event_name(&e));
    }
    for (int level = 0; level <= LOG_ERR; level++)
        is_said("Runlevel", told_name(TOLD_DEBUG + (enum told)level));
}
END_TEST

START_TEST(test_words_of_status_events)
{
    for (int what = 0; what <= STATUS_OBSOLETE; what++) {
        const struct event_status e = {.what = (enum status_what)what, .clock = true};
        struct status_words w = words_status(&e);
        ck_assert(!w.type == !w.severity);
        if (!w.type)
            continue;
        is_said("StatusType", w.type);
        is_said("Runlevel", w.severity);
    }
    const struct event_status no_directory = {.what = STATUS_CIRCUIT_NOT_ESTABLISHED};
    ck_assert_ptr_null(words_status(&no_directory).type);
}
END_TEST

TESTS("control/words", test_words_are_each_there_once_and_say_what_they_wait_for,
      test_words_of_circuits_are_those_of_the_records, test_words_of_ends_of_circuits,
      test_words_of_ends_of_streams, test_words_of_streams_are_those_of_the_records,
      test_words_of_the_rest_are_those_of_the_records, test_words_of_status_events)
