/* Instances: made and freed, waiting refused where it cannot be. */
#include "tunic/tunic.h"

#include <event2/event.h>

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
    event_base_loop(base, EVLOOP_NONBLOCK);
    tunic_free(t);
    event_base_free(base);
}
END_TEST

TESTS("lib/tunic", test_tunic_comes_and_goes, test_tunic_waits_no_longer_than_told,
      test_tunic_does_not_wait_in_anothers_loop)
