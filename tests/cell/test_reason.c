#include "cell/reason.h"

#include "support/test.h"

/* control-spec 4.1.1 and 4.1.2 */
START_TEST(test_reason_names_are_those_of_control_spec)
{
    static const char *const destroy[] = {
        "NONE",          "TORPROTOCOL",   "INTERNAL",      "REQUESTED",           "HIBERNATING",
        "RESOURCELIMIT", "CONNECTFAILED", "OR_IDENTITY",   "CHANNEL_CLOSED",      "FINISHED",
        "TIMEOUT",       "DESTROYED",     "NOSUCHSERVICE", "MEASUREMENT_EXPIRED", "NOPATH",
    };
    static const char *const end[] = {
        "UNKNOWN",      "MISC",          "RESOLVEFAILED", "CONNECTREFUSED", "EXITPOLICY",
        "DESTROY",      "DONE",          "TIMEOUT",       "NOROUTE",        "HIBERNATING",
        "INTERNAL",     "RESOURCELIMIT", "CONNRESET",     "TORPROTOCOL",    "NOTDIRECTORY",
        "PRIVATE_ADDR", "CANT_ATTACH",
    };
    for (unsigned i = 0; i < sizeof destroy / sizeof destroy[0]; i++)
        ck_assert_str_eq(destroy_reason_name((uint8_t)i), destroy[i]);
    for (unsigned i = 0; i < sizeof end / sizeof end[0]; i++)
        ck_assert_str_eq(end_reason_name((uint8_t)i), end[i]);
}
END_TEST

START_TEST(test_reason_every_number_has_a_name_and_a_text)
{
    for (unsigned i = 0; i < 256; i++) {
        ck_assert_uint_gt(strlen(destroy_reason_name((uint8_t)i)), 0);
        ck_assert_uint_gt(strlen(destroy_reason_text((uint8_t)i)), 0);
        ck_assert_uint_gt(strlen(end_reason_name((uint8_t)i)), 0);
        ck_assert_uint_gt(strlen(end_reason_text((uint8_t)i)), 0);
        if (i > DESTROY_NOPATH)
            ck_assert_str_eq(destroy_reason_name((uint8_t)i), "UNKNOWN");
        if (i > END_CANT_ATTACH)
            ck_assert_str_eq(end_reason_name((uint8_t)i), "UNKNOWN");
    }
}
END_TEST

TESTS("cell/reason", test_reason_names_are_those_of_control_spec,
      test_reason_every_number_has_a_name_and_a_text)
