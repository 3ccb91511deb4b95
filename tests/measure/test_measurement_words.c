#include "measure/measurement.h"

#include <string.h>

#include "support/test.h"

START_TEST(test_measurement_words_names_are_found)
{
    enum meas_mode mode;
    enum meas_code code;
    for (int i = 0; i <= MEAS_HTTP; i++) {
        ck_assert(meas_mode_find(text_of(meas_mode_name((enum meas_mode)i)), &mode));
        ck_assert_int_eq(mode, i);
    }
    for (int i = 0; i <= MEAS_CANCELLED; i++) {
        ck_assert(meas_code_find(text_of(meas_code_name((enum meas_code)i)), &code));
        ck_assert_int_eq(code, i);
    }
    ck_assert(!meas_mode_find(text_of("echo"), &mode));
    ck_assert(!meas_code_find(text_of(""), &code));
    ck_assert_str_eq(meas_mode_name((enum meas_mode)99), "?");
    ck_assert_str_eq(meas_code_name((enum meas_code)99), "?");
}
END_TEST

START_TEST(test_measurement_words_evidence_names_the_cell)
{
    char text[MEAS_CHEAT_TEXT_MAX];
    struct meas_cheat c = {CHEAT_DIFFERENCE, 159, 0xffffffff, UINT64_MAX, 508, {0x12}, {0xab}};
    meas_cheat_text(&c, text);
    ck_assert_ptr_nonnull(strstr(text, "ffffffff of socket 159"));
    ck_assert_ptr_nonnull(strstr(text, "18446744073709551615"));
    ck_assert_ptr_nonnull(strstr(text, "12000000000000000000000000000000 expected"));
    ck_assert_ptr_nonnull(strstr(text, "ab000000000000000000000000000000 came"));
    c.kind = CHEAT_MORE;
    ck_assert_ptr_nonnull(strstr(meas_cheat_text(&c, text), "had not been sent"));
}
END_TEST

START_TEST(test_measurement_words_a_web_server_is_no_relay)
{
    struct link_end end = {.why = ERR_LINK_TLS, .text = "wrong version number while shaking hands"};
    ck_assert_ptr_nonnull(strstr(meas_link_hint(&end), "it does not speak TLS"));
    end = (struct link_end){.why = ERR_LINK_TLS, .text = "certificate verify failed"};
    ck_assert_str_eq(meas_link_hint(&end), "");
}
END_TEST

TESTS("measure/measurement_words", test_measurement_words_names_are_found,
      test_measurement_words_evidence_names_the_cell,
      test_measurement_words_a_web_server_is_no_relay)
