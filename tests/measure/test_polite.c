#include "measure/polite.h"

#include <string.h>

#include "support/test.h"

enum { NOW = 1800000000, HOUR = 3600, DAY = 24 * HOUR };

static struct meas_relay at(const char *text)
{
    struct meas_relay out = {.n_addrs = 1};
    ck_ok(ipport_parse(text, &out.addrs[0]));
    return out;
}

static char why[POLITE_WHY_MAX];
static struct polite_run *going;

static void refused(struct polite *p, const char *relay, int64_t now_s, err_t want,
                    const char *says)
{
    const struct meas_relay it = at(relay);
    ck_err(polite_begin(p, &it, now_s, why, &going), want);
    ck_assert_msg(strstr(why, says) != NULL, "%s", why);
}

static void run(struct polite *p, const char *relay, int64_t now_s, uint64_t bytes, bool sent_away)
{
    const struct meas_relay it = at(relay);
    ck_ok(polite_begin(p, &it, now_s, why, &going));
    polite_counts(going);
    polite_end(p, going, now_s + 30, bytes, sent_away);
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
    const struct meas_relay it = at("192.0.2.1:9001"), other = at("192.0.2.7:9001");
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + DAY + 60), HOUR - 60);
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + DAY + HOUR), 0);
    ck_assert_int_eq(polite_wait_s(p, &other, NOW), 0);
    polite_free(p);
}
END_TEST

/* Nobody was there, or it was only asked; one that has sent us away is left alone all the same. */
START_TEST(test_polite_what_never_began_is_no_run)
{
    const struct meas_relay it = at("192.0.2.1:9001"), other = at("192.0.2.2:9001");
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    for (unsigned i = 0; i < 5; i++) {
        ck_ok(polite_begin(p, &it, NOW + i, why, &going));
        polite_end(p, going, NOW + i, 0, false);
    }
    run(p, "192.0.2.1:9001", NOW + 10, 1, false);
    ck_ok(polite_begin(p, &it, NOW + 20, why, &going));
    polite_end(p, going, NOW + 20, 0, true);
    refused(p, "192.0.2.1:9001", NOW + HOUR, ERR_LIMIT, "sent us away");
    ck_ok(polite_note_away(p, &other, NOW));
    refused(p, "192.0.2.2:9001", NOW + HOUR, ERR_LIMIT, "sent us away");
    run(p, "192.0.2.2:9001", NOW + DAY, 1, false);
    polite_free(p);
}
END_TEST

START_TEST(test_polite_runs_once_at_a_time_on_an_address)
{
    const struct meas_relay one = at("192.0.2.1:9001"), local = at("127.0.0.1:9001");
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct polite_run *first;
    ck_ok(polite_begin(p, &one, NOW, why, &first));
    refused(p, "192.0.2.1:9001", NOW, ERR_STATE, "under way");
    refused(p, "192.0.2.1:443", NOW, ERR_STATE, "under way");
    run(p, "192.0.2.2:443", NOW, 1, false);
    polite_end(p, first, NOW + 30, 1, false);
    run(p, "192.0.2.1:443", NOW + 40, 1, false);
    run(p, "192.0.2.1:9001", NOW + 80, 1, false);
    ck_ok(polite_begin(p, &local, NOW, why, &first));
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
    const struct meas_relay it = at("192.0.2.1:9001");
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + HOUR), DAY + 30 - HOUR);
    ck_assert_int_eq(polite_wait_s(p, &it, NOW + DAY + 30), 0);
    run(p, "192.0.2.1:9001", NOW + DAY + 31, 1, false);
    polite_free(p);
}
END_TEST

START_TEST(test_polite_keeps_to_its_bytes)
{
    const struct meas_relay one = at("[2001:db8::1]:9001");
    struct polite *p = polite_new(1000);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW), 1000);
    run(p, "[2001:db8::1]:9001", NOW, 999, false);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 40), 1);
    ck_ok(polite_begin(p, &one, NOW + 50, why, &going));
    polite_end(p, going, NOW + 60, UINT64_MAX, false);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 70), 0);
    ck_assert_uint_eq(polite_bytes_left(p, &one, NOW + 30 + DAY), 1000);
    polite_free(p);
    p = polite_new(1000);
    run(p, "[2001:db8::1]:9001", NOW, 1000, false);
    refused(p, "[2001:db8::1]:9001", NOW + HOUR, ERR_LIMIT, "its bytes");
    ck_assert_int_eq(polite_wait_s(p, &one, NOW + HOUR), DAY + 30 - HOUR);
    refused(p, "[2001:db8::1]:9001", NOW + DAY + 29, ERR_LIMIT, "its bytes");
    ck_assert_int_eq(polite_wait_s(p, &one, NOW + DAY + 30), 0);
    run(p, "[2001:db8::1]:9001", NOW + DAY + 30, 1, false);
    polite_free(p);
}
END_TEST

START_TEST(test_polite_remembers_what_it_is_told_of_before)
{
    const struct meas_relay one = at("192.0.2.1:9001"), two = at("192.0.2.2:9001");
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    ck_ok(polite_note(p, &one, NOW - 2 * HOUR, 1, false));
    ck_ok(polite_note(p, &one, NOW - HOUR, 1, false));
    ck_ok(polite_note(p, &two, NOW - HOUR, 1, true));
    refused(p, "192.0.2.1:9001", NOW, ERR_LIMIT, "twice");
    refused(p, "192.0.2.2:9001", NOW, ERR_LIMIT, "sent us away");
    polite_free(p);
}
END_TEST

static struct meas_relay named(const char *where, uint8_t rsa, uint8_t ed)
{
    struct meas_relay out = at(where);
    out.has_fp = rsa != 0;
    out.has_ed25519 = ed != 0;
    out.fp.b[0] = rsa;
    out.ed25519.b[0] = ed;
    return out;
}

/* Neither a second address nor a new key gets a relay more; another's are nothing to it. */
START_TEST(test_polite_counts_by_whom_it_is_and_by_where)
{
    const struct meas_relay v4 = named("192.0.2.1:9001", 1, 2),
                            v6 = named("[2001:db8::1]:9001", 1, 0);
    const struct meas_relay rows[] = {v6, named("192.0.2.9:1", 0, 2), named("192.0.2.1:9001", 0, 0),
                                      named("192.0.2.1:9001", 7, 8)};
    const struct meas_relay other = named("[2001:db8::1]:9001", 7, 8);
    for (int noted = 0; noted < 2; noted++) {
        struct polite *p = polite_new(POLITE_BYTES_A_DAY);
        for (int i = 0; i < 2; i++) {
            if (noted) {
                ck_ok(polite_note(p, &v4, NOW, 5, false));
                continue;
            }
            ck_ok(polite_begin(p, &v4, NOW, why, &going));
            ck_err(polite_begin(p, &v6, NOW, why, &(struct polite_run *){NULL}), ERR_STATE);
            polite_counts(going);
            polite_counts(going);
            polite_end(p, going, NOW, 5, false);
        }
        for (size_t i = 0; i < 4; i++) {
            ck_err(polite_begin(p, &rows[i], NOW + HOUR, why, &going), ERR_LIMIT);
            ck_assert_int_eq(polite_wait_s(p, &rows[i], NOW + HOUR), DAY - HOUR);
            ck_assert_uint_eq(polite_bytes_left(p, &rows[i], NOW), POLITE_BYTES_A_DAY - 10);
        }
        ck_ok(polite_begin(p, &other, NOW + HOUR, why, &going));
        ck_ok(polite_begin(p, &v4, NOW + DAY, why, &going));
        polite_free(p);
    }
}
END_TEST

/* Who it is shows when the link stands: what it may not have had ends there. */
START_TEST(test_polite_learns_whom_it_measures)
{
    const struct meas_relay first = named("192.0.2.1:9001", 0, 0),
                            known = named("192.0.2.1:9001", 1, 0);
    const struct meas_relay second = named("192.0.2.2:9001", 0, 0),
                            same = named("192.0.2.2:9001", 1, 0);
    const struct meas_relay free_one = named("127.0.0.1:9001", 1, 0);
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct polite_run *one, *two;
    ck_ok(polite_begin(p, &first, NOW, why, &one));
    polite_counts(one);
    ck_ok(polite_learn(p, one, &known, why));
    ck_ok(polite_learn(p, one, &known, why)); /* said twice: it is one run */
    ck_ok(polite_begin(p, &second, NOW, why, &two));
    ck_err(polite_learn(p, two, &same, why), ERR_STATE);
    polite_end(p, one, NOW, 1, false);
    ck_ok(polite_learn(p, two, &same, why));
    polite_counts(two);
    polite_end(p, two, NOW, 1, false);
    ck_ok(polite_begin(p, &second, NOW, why, &two));
    ck_err(polite_learn(p, two, &same, why), ERR_LIMIT);
    polite_end(p, two, NOW, 1, false);
    for (int i = 0; i < 5; i++) {
        ck_ok(polite_begin(p, &free_one, NOW, why, &one));
        ck_ok(polite_learn(p, one, &free_one, why));
        polite_end(p, one, NOW, 1, true);
    }
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
    struct meas_relay it = at("192.0.2.1:9001");
    for (unsigned i = 0; i < POLITE_NAMES_MOST; i++) {
        it.addrs[0].ip.b[1] = (uint8_t)(i >> 16), it.addrs[0].ip.b[2] = (uint8_t)(i >> 8),
        it.addrs[0].ip.b[3] = (uint8_t)i;
        ck_ok(polite_begin(p, &it, NOW, why, &going));
        polite_end(p, going, NOW, 1, false);
    }
    it.addrs[0].port = 1;
    ck_err(polite_begin(p, &it, NOW + HOUR, why, &going), ERR_NOMEM);
    ck_err(polite_note(p, &it, NOW + HOUR, 1, false), ERR_NOMEM);
    ck_ok(polite_begin(p, &it, NOW + DAY, why, &going));
    polite_free(p);
    polite_free(NULL);
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

TESTS("measure/polite", test_polite_measures_twice_a_period, test_polite_what_never_began_is_no_run,
      test_polite_runs_once_at_a_time_on_an_address, test_polite_leaves_alone_who_sent_us_away,
      test_polite_keeps_to_its_bytes, test_polite_remembers_what_it_is_told_of_before,
      test_polite_counts_by_whom_it_is_and_by_where, test_polite_learns_whom_it_measures,
      test_polite_bears_this_machine, test_polite_forgets, test_polite_opens_few_links_and_slowly)
