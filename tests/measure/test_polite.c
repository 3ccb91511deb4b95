#include "measure/polite.h"

#include <string.h>

#include "support/test.h"

enum { NOW = 1800000000, HOUR = 3600, DAY = 24 * HOUR };

static struct ipport at(const char *text)
{
    struct ipport out;
    ck_ok(ipport_parse(text, &out));
    return out;
}

static char why[POLITE_WHY_MAX];

static void refused(struct polite *p, const char *relay, int64_t now_s, err_t want,
                    const char *says)
{
    const struct ipport it = at(relay);
    ck_err(polite_begin(p, &it, now_s, why), want);
    ck_assert_msg(strstr(why, says) != NULL, "%s", why);
}

static void run(struct polite *p, const char *relay, int64_t now_s, uint64_t bytes, bool sent_away)
{
    const struct ipport it = at(relay);
    ck_ok(polite_begin(p, &it, now_s, why));
    polite_end(p, &it, now_s + 30, bytes, sent_away);
}

START_TEST(test_polite_measures_twice_a_period)
{
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    run(p, "192.0.2.1:9001", NOW, 1, false);
    run(p, "192.0.2.1:9001", NOW + HOUR, 1, false);
    refused(p, "192.0.2.1:9001", NOW + 2 * HOUR, ERR_LIMIT, "measured twice: not for 22 h");
    run(p, "192.0.2.1:9002", NOW + 2 * HOUR, 1, false);
    run(p, "192.0.2.1:9001", NOW + DAY, 1, false);
    refused(p, "192.0.2.1:9001", NOW + DAY + 60, ERR_LIMIT, "twice");
    const struct ipport it = at("192.0.2.1:9001"), other = at("192.0.2.7:9001");
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + DAY + 60), HOUR - 60);
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + DAY + HOUR), 0);
    ck_assert_int_eq(polite_wait_s(p, &other, NOW), 0);
    polite_free(p);
}
END_TEST

START_TEST(test_polite_runs_once_at_a_time_on_an_address)
{
    const struct ipport one = at("192.0.2.1:9001"), local = at("127.0.0.1:9001");
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    ck_ok(polite_begin(p, &one, NOW, why));
    refused(p, "192.0.2.1:9001", NOW, ERR_STATE, "under way");
    refused(p, "192.0.2.1:443", NOW, ERR_STATE, "under way");
    run(p, "192.0.2.2:443", NOW, 1, false);
    polite_end(p, &one, NOW + 30, 1, false);
    polite_end(p, &one, NOW + 30, 1, true); /* of no run: nothing */
    run(p, "192.0.2.1:443", NOW + 40, 1, false);
    run(p, "192.0.2.1:9001", NOW + 80, 1, false);
    ck_ok(polite_begin(p, &local, NOW, why));
    refused(p, "127.0.0.1:9001", NOW, ERR_STATE, "under way");
    polite_free(p);
}
END_TEST

START_TEST(test_polite_leaves_alone_who_sent_us_away)
{
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    run(p, "192.0.2.1:9001", NOW, 1, true);
    refused(p, "192.0.2.1:9001", NOW + HOUR, ERR_LIMIT, "sent us away");
    refused(p, "192.0.2.1:9001", NOW + DAY, ERR_LIMIT, "sent us away");
    run(p, "192.0.2.1:9001", NOW + DAY + 31, 1, false);
    polite_free(p);
}
END_TEST

START_TEST(test_polite_keeps_to_its_bytes)
{
    const struct ipport one = at("[2001:db8::1]:9001");
    struct polite *p = polite_new(1000);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW), 1000);
    run(p, "[2001:db8::1]:9001", NOW, 999, false);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 40), 1);
    ck_ok(polite_begin(p, &one, NOW + 50, why));
    polite_end(p, &one, NOW + 60, UINT64_MAX, false);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 70), 0);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 30 + DAY), 1000);
    polite_free(p);
    p = polite_new(1000);
    run(p, "[2001:db8::1]:9001", NOW, 1000, false);
    refused(p, "[2001:db8::1]:9001", NOW + HOUR, ERR_LIMIT, "its bytes");
    polite_free(p);
}
END_TEST

START_TEST(test_polite_remembers_what_it_is_told_of_before)
{
    const struct ipport one = at("192.0.2.1:9001"), two = at("192.0.2.2:9001");
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    ck_ok(polite_note(p, &one, NOW - 2 * HOUR, 1, false));
    ck_ok(polite_note(p, &one, NOW - HOUR, 1, false));
    ck_ok(polite_note(p, &two, NOW - HOUR, 1, true));
    refused(p, "192.0.2.1:9001", NOW, ERR_LIMIT, "twice");
    refused(p, "192.0.2.2:9001", NOW, ERR_LIMIT, "sent us away");
    polite_free(p);
}
END_TEST

START_TEST(test_polite_bears_this_machine)
{
    struct polite *p = polite_new(1000);
    for (unsigned i = 0; i < 10; i++)
        run(p, "127.0.0.1:9001", NOW + i, 1000, true);
    polite_free(p);
}
END_TEST

/* Only what matters is remembered, and no more than there is room for. */
START_TEST(test_polite_forgets)
{
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct ipport it = at("192.0.2.1:9001");
    for (unsigned i = 0; i < POLITE_RELAYS_MOST; i++) {
        it.ip.b[1] = (uint8_t)(i >> 16), it.ip.b[2] = (uint8_t)(i >> 8), it.ip.b[3] = (uint8_t)i;
        ck_ok(polite_begin(p, &it, NOW, why));
        polite_end(p, &it, NOW, 1, false);
    }
    it.port = 1;
    ck_err(polite_begin(p, &it, NOW + HOUR, why), ERR_NOMEM);
    ck_ok(polite_begin(p, &it, NOW + DAY, why));
    polite_free(p);
}
END_TEST

START_TEST(test_polite_opens_few_links_and_slowly)
{
    ck_assert_uint_eq(polite_sockets(160), 40);
    ck_assert_uint_eq(polite_sockets(41), 40);
    ck_assert_uint_eq(polite_sockets(7), 7);
    ck_assert_uint_eq(polite_open_at_ms(0, 40), 0);
    ck_assert_uint_eq(polite_open_at_ms(1, 40), 50);
    ck_assert_uint_eq(polite_open_at_ms(39, 40), 1950);
    ck_assert_uint_eq(polite_open_at_ms(0, 0), 0);
}
END_TEST

TESTS("measure/polite", test_polite_measures_twice_a_period,
      test_polite_runs_once_at_a_time_on_an_address, test_polite_leaves_alone_who_sent_us_away,
      test_polite_keeps_to_its_bytes, test_polite_remembers_what_it_is_told_of_before,
      test_polite_bears_this_machine, test_polite_forgets, test_polite_opens_few_links_and_slowly)
