/* Instances: made and freed, waiting refused where it cannot be. */
#include "tunic/client.h"
#include "tunic/directory.h"
#include "tunic/trace.h"

#include <event2/event.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/test.h"

START_TEST(test_tunic_comes_and_goes)
{
    struct tunic_error e;
    for (int i = 0; i < 200; i++) {
        struct tunic *t = tunic_new(&e);
        ck_assert_ptr_nonnull(t);
        if (i & 1)
            ck_assert_int_eq(tunic_run_once(t, 0, &e), 0);
        tunic_free(t);
    }
    tunic_free(NULL);
}
END_TEST

START_TEST(test_tunic_waits_no_longer_than_told)
{
    struct tunic_error e;
    struct tunic *t = tunic_new(&e);
    for (int ms = 0; ms < 40; ms += 13)
        ck_assert_int_eq(tunic_run_once(t, ms, &e), 0);
    tunic_free(t);
}
END_TEST

START_TEST(test_tunic_does_not_wait_in_anothers_loop)
{
    struct tunic_error e;
    struct event_base *base = event_base_new();
    ck_assert_ptr_null(tunic_new_on_base(NULL, &e));
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    struct tunic *t = tunic_new_on_base(base, &e);
    ck_assert_ptr_nonnull(t);
    e.cls = TUNIC_OK;
    ck_assert_int_eq(tunic_run_once(t, 10, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    ck_assert_int_eq(e.stage, TUNIC_STAGE_NONE);
    ck_assert_int_eq(tunic_run_once(t, 10, NULL), -1);
    ck_assert_int_eq(tunic_run_once(t, 0, NULL), -1);
    event_base_loop(base, EVLOOP_NONBLOCK);
    tunic_free(t);
    event_base_free(base);
}
END_TEST

/* Calls that fail for want of an object say nothing of their own. */
START_TEST(test_tunic_calls_without_an_object)
{
    struct tunic_error e = {.text = "as it was"};
    struct tunic_message m;
    struct tunic_certificate cert;
    uint8_t id[32];
    ck_assert_int_eq(tunic_run_once(NULL, 0, &e), -1);
    ck_assert_int_eq(tunic_fd(NULL, &e), -1);
    tunic_set_log(NULL, TUNIC_LOG_ERR, NULL, NULL);
    tunic_set_trace(NULL, NULL, NULL);
    tunic_allow_internal_addresses(NULL, 1);
    ck_assert_int_eq(tunic_relay_wait(NULL, 0, &e), -1);
    ck_assert_int_eq(tunic_relay_status(NULL), TUNIC_OR_STATUS_FAILED);
    ck_assert_ptr_null(tunic_relay_error(NULL));
    ck_assert_int_eq(tunic_relay_is_alive(NULL), 0);
    ck_assert_int_eq(tunic_relay_since_ms(NULL), 0);
    ck_assert_int_eq(tunic_relay_link_version(NULL), 0);
    ck_assert_int_eq(tunic_relay_rsa_id(NULL, id), -1);
    ck_assert_int_eq(tunic_relay_ed25519_id(NULL, id), -1);
    ck_assert_int_eq(tunic_relay_tls_sha256(NULL, id), -1);
    ck_assert_int_eq(tunic_relay_certificate(NULL, 0, &cert), -1);
    ck_assert_int_eq(tunic_circuit_wait(NULL, 0, &e), -1);
    ck_assert_int_eq(tunic_circuit_status(NULL), TUNIC_CIRC_STATUS_FAILED);
    ck_assert_ptr_null(tunic_circuit_error(NULL));
    ck_assert_int_eq(tunic_circuit_hops(NULL), 0);
    ck_assert_uint_eq(tunic_circuit_id(NULL), 0);
    ck_assert_int_eq(tunic_circuit_send(NULL, 1, 2, 1, "x", 1, &e), -1);
    ck_assert_uint_eq(tunic_circuit_data_max(NULL, 1), 0);
    tunic_circuit_take(NULL, 1);
    ck_assert_int_eq(tunic_circuit_await(NULL, &m, 0, &e), -1);
    ck_assert_str_eq(e.text, "as it was");
}
END_TEST

START_TEST(test_tunic_streams_and_clients_without_an_object)
{
    struct tunic_error e = {.text = "as it was"};
    struct tunic_progress p = {.percent = 7};
    char text[8];
    ck_assert_int_eq(tunic_stream_wait(NULL, 0, &e), -1);
    ck_assert_int_eq(tunic_stream_read(NULL, text, 1, 0, &e), -1);
    ck_assert_int_eq(tunic_stream_write(NULL, "x", 1, 0, &e), -1);
    ck_assert_int_eq(tunic_stream_status(NULL), TUNIC_STREAM_STATUS_FAILED);
    ck_assert_ptr_null(tunic_stream_error(NULL));
    ck_assert_int_eq(tunic_stream_id(NULL), 0);
    ck_assert_str_eq(tunic_stream_address(NULL), "");
    ck_assert_ptr_null(tunic_stream_answer(NULL, 0));
    ck_assert_int_eq(tunic_dir_wait(NULL, 0, &e), -1);
    ck_assert_uint_eq(tunic_dir_received(NULL) + tunic_dir_expected(NULL), 0);
    ck_assert_ptr_null(tunic_dir_document(NULL, NULL));
    ck_assert_str_eq(tunic_dir_encoding(NULL), "");
    ck_assert_ptr_null(tunic_dir_error(NULL));
    ck_assert_str_eq(tunic_descriptor_nickname(NULL), "");
    tunic_client_progress(NULL, &p);
    ck_assert_int_eq(p.percent, 0);
    ck_assert_int_eq(tunic_client_is_ready(NULL), 0);
    ck_assert_ptr_null(tunic_client_error(NULL));
    ck_assert_int_eq(tunic_client_connect_socket(NULL, NULL, 80, NULL, 0, &e), -1);
    ck_assert_int_eq(tunic_client_set(NULL, NULL, NULL, &e), -1);
    ck_assert_int_eq(tunic_client_get(NULL, NULL, text, sizeof text), -1);
    tunic_client_new_identity(NULL);
    ck_assert_uint_eq(tunic_client_socks_port(NULL), 0);
    ck_assert_str_eq(e.text, "as it was");
    ck_assert_str_eq(tunic_error_reason_name(NULL), "");
    ck_assert_str_eq(tunic_error_text(NULL, text, sizeof text), "none: O");
}
END_TEST

/* What else must be there, and is not. */
START_TEST(test_tunic_calls_without_what_they_need)
{
    struct tunic_error e;
    struct tunic *t = tunic_new(&e);
    const char *const options[] = {"DisableNetwork", "1", NULL};
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.set = options;
    struct tunic_client *c = tunic_client_start(t, &o, &e);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_null(tunic_relay_start(t, NULL, &e));
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    memset(&e, 0, sizeof e);
    ck_assert_ptr_null(tunic_client_stream_start(c, NULL, &e));
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    memset(&e, 0, sizeof e);
    ck_assert_ptr_null(tunic_client_connect(c, NULL, 80, NULL, 0, &e));
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    memset(&e, 0, sizeof e);
    ck_assert_int_eq(tunic_client_set(c, NULL, NULL, &e), -1);
    ck_assert_int_eq(e.cls, TUNIC_USAGE);
    ck_assert_int_eq(tunic_client_get(c, NULL, NULL, 0), -1);
    ck_assert_int_eq(tunic_client_get(c, "DisableNetwork", NULL, 9), 1);
    tunic_free_all(t);
}
END_TEST

/* libevent would end the program. */
START_TEST(test_tunic_without_descriptors_is_no_instance)
{
    struct rlimit all, none;
    struct tunic_error e;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
    for (rlim_t left = 0; left < 3; left++) {
        int next = dup(0);
        close(next);
        none = all;
        none.rlim_cur = (rlim_t)next + left;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        struct tunic *t = tunic_new(&e);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
        ck_assert_ptr_null(t);
        ck_assert_int_eq(e.cls, TUNIC_SYSTEM);
        ck_assert_ptr_nonnull(strstr(e.text, "descriptors"));
    }
}
END_TEST

TESTS("lib/tunic", test_tunic_comes_and_goes, test_tunic_waits_no_longer_than_told,
      test_tunic_does_not_wait_in_anothers_loop, test_tunic_calls_without_an_object,
      test_tunic_streams_and_clients_without_an_object, test_tunic_calls_without_what_they_need,
      test_tunic_without_descriptors_is_no_instance)
