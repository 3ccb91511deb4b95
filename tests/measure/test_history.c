#include "measure/history.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

enum { NOW = 1764500100 };

static struct ipport at(const char *text)
{
    struct ipport at;
    ck_ok(ipport_parse(text, &at));
    return at;
}

#define FP            "000102030405060708090A0B0C0D0E0F10111213"
#define BEGIN(id, ts) "{\"t\":\"begin\",\"id\":" id ",\"ts\":" ts ",\"addr\":\"203.0.113.7:9001\"}"
#define END(id, ts, rest)                                     \
    "{\"t\":\"end\",\"id\":" id ",\"ts\":" ts ",\"fp\":\"" FP \
    "\",\"addr\":\"203.0.113.7:9001\"" rest "}"

START_TEST(test_history_remembers_the_newest_good_figure)
{
    struct history h;
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    history_init(&h);
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("1", "100")), p));
    ck_ok(history_read(&h, TEXT_LIT(END("1", "130", ",\"ok\":true,\"bw\":3000")), p));
    ck_ok(history_read(&h, TEXT_LIT(END("2", "200", ",\"ok\":false,\"why\":\"cheat\"")), p));
    ck_err(history_read(&h, TEXT_LIT("{\"t\":\"end\",\"id\":3,\"ts\":2"), p), ERR_MALFORMED);
    ck_ok(history_read_end(&h, p));
    const struct history_relay *r = history_find(&h, FP, NULL);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->bw, 3000);
    ck_assert_int_eq(r->measured_s, 130);
    ck_assert_str_eq(r->last.why, "cheat");
    struct ipport where = at("203.0.113.7:9001"), other = at("203.0.113.7:9002");
    ck_assert_ptr_eq(history_find(&h, "", &where), r);
    ck_assert_ptr_null(history_find(&h, "", &other));
    history_free(&h);
    polite_free(p);
}
END_TEST

#define BY_ADDRESS(id, ts, rest) \
    "{\"t\":\"end\",\"id\":" id ",\"ts\":" ts ",\"addr\":\"203.0.113.7:9001\",\"ok\":true" rest "}"
#define ED_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED_B "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* An order by address alone does not make the fingerprint forgotten; another relay is another. */
START_TEST(test_history_by_address)
{
    struct history h;
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct ipport where = at("203.0.113.7:9001");
    history_init(&h);
    ck_ok(history_read(&h, TEXT_LIT(BY_ADDRESS("1", "100", ",\"bw\":1000")), p));
    ck_assert_str_eq(history_find(&h, "", &where)->fp, "");
    ck_ok(history_read(
        &h, TEXT_LIT(END("2", "200", ",\"ok\":true,\"bw\":2000,\"ed\":\"" ED_A "\"")), p));
    ck_assert_uint_eq(h.n, 1);
    ck_ok(history_read(&h, TEXT_LIT(BY_ADDRESS("3", "300", ",\"bw\":3000")), p));
    ck_assert_uint_eq(h.n, 1);
    ck_assert_uint_eq(history_find(&h, FP, NULL)->bw, 3000);
    ck_ok(history_read(
        &h, TEXT_LIT(END("4", "400", ",\"ok\":true,\"bw\":4000,\"ed\":\"" ED_A "\"")), p));
    ck_ok(
        history_read(&h, TEXT_LIT(BY_ADDRESS("5", "500", ",\"bw\":5000,\"ed\":\"" ED_B "\"")), p));
    ck_assert_uint_eq(h.n, 2);
    ck_assert_uint_eq(history_find(&h, FP, NULL)->bw, 4000);
    ck_assert_uint_eq(history_find(&h, "", &where)->bw, 5000);
    history_free(&h);
    polite_free(p);
}
END_TEST

/* A beginning without an end was an attempt, and counts. */
START_TEST(test_history_attempts_count)
{
    struct history h;
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct ipport where = at("203.0.113.7:9001");
    const struct meas_relay relay = {.addrs = {where}, .n_addrs = 1};
    struct polite_run *run;
    char why[POLITE_WHY_MAX];
    history_init(&h);
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("1", "1764500000")), p));
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("2", "1764500040")), p));
    ck_ok(history_read(&h, TEXT_LIT(END("2", "1764500080", ",\"ok\":true,\"bw\":3000")), p));
    ck_ok(history_read_end(&h, p));
    ck_err(polite_begin(p, &relay, NOW, why, &run), ERR_LIMIT);
    ck_ok(polite_begin(p, &relay, NOW + POLITE_PERIOD_S, why, &run));
    history_free(&h);
    polite_free(p);
}
END_TEST

/* Who it was counts, wherever it was found; its end may know more than its beginning. */
START_TEST(test_history_runs_count_by_identity)
{
    struct history h;
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct polite_run *run;
    struct meas_relay moved = {.addrs = {at("[2001:db8::7]:443")}, .n_addrs = 1, .has_fp = true};
    char why[POLITE_WHY_MAX];
    for (uint8_t i = 0; i < 20; i++)
        moved.fp.b[i] = i;
    history_init(&h);
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("1", "1764500000")), p));
    ck_ok(history_read(&h, TEXT_LIT(END("1", "1764500030", ",\"ok\":true,\"bw\":3000")), p));
    ck_ok(history_read(&h,
                       TEXT_LIT("{\"t\":\"begin\",\"id\":2,\"ts\":1764500040,\"fp\":\"" FP
                                "\",\"addr\":\"203.0.113.9:1\",\"ed\":\"" ED_A "\"}"),
                       p));
    ck_ok(history_read_end(&h, p));
    ck_err(polite_begin(p, &moved, NOW, why, &run), ERR_LIMIT);
    moved.has_fp = false;
    moved.has_ed25519 = true;
    ck_assert_int_eq(polite_wait_s(p, &moved, NOW), 0);
    ck_ok(polite_begin(p, &moved, NOW, why, &run));
    polite_counts(run);
    polite_end(p, run, NOW, 0, false);
    ck_err(polite_begin(p, &moved, NOW, why, &run), ERR_LIMIT);
    history_free(&h);
    polite_free(p);
}
END_TEST

/* Circuits that came to nothing are not the relay's word; one that hung up is left alone, had
 * anything begun or not. */
START_TEST(test_history_who_has_sent_us_away)
{
    static const struct {
        const char *why;
        bool began, is_away;
    } cases[] = {{"relay_lost", true, true},   {"relay_lost", false, true},
                 {"no_circuits", true, false}, {"protocol_error", true, false},
                 {"resting", false, false},    {"unsupported", false, false}};
    const struct meas_relay relay = {.addrs = {at("203.0.113.7:9001")}, .n_addrs = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history h;
        struct polite *p = polite_new(POLITE_BYTES_A_DAY);
        char line[200];
        history_init(&h);
        if (cases[i].began)
            ck_ok(history_read(&h, TEXT_LIT(BEGIN("1", "1764500000")), p));
        snprintf(line, sizeof line,
                 "{\"t\":\"end\",\"id\":1,\"ts\":1764500030,\"addr\":\"203.0.113.7:9001\","
                 "\"ok\":false,\"why\":\"%s\"%s}",
                 cases[i].why, cases[i].began ? ",\"began\":1764500000" : "");
        ck_ok(history_read(&h, text_of(line), p));
        ck_ok(history_read_end(&h, p));
        ck_assert_msg((polite_wait_s(p, &relay, NOW) > 0) == cases[i].is_away, "%s", line);
        history_free(&h);
        polite_free(p);
    }
}
END_TEST

/* However many beginnings have no end: none of the period is forgotten. */
START_TEST(test_history_attempts_beyond_what_is_kept)
{
    struct history h;
    struct polite *p = polite_new(POLITE_BYTES_A_DAY);
    struct ipport where = at("203.0.113.7:9001");
    const struct meas_relay relay = {.addrs = {where}, .n_addrs = 1};
    struct polite_run *run;
    char why[POLITE_WHY_MAX], line[200];
    history_init(&h);
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("1", "1764500000")), p));
    ck_ok(history_read(&h, TEXT_LIT(BEGIN("2", "1764500040")), p));
    for (unsigned i = 3; i < HISTORY_PENDING_MOST + 10; i++) {
        snprintf(line, sizeof line,
                 "{\"t\":\"begin\",\"id\":%u,\"ts\":1764500100,\"addr\":\"203.0.113.8:%u\"}", i, i);
        ck_ok(history_read(&h, text_of(line), p));
    }
    ck_ok(history_read_end(&h, p));
    ck_err(polite_begin(p, &relay, NOW, why, &run), ERR_LIMIT);
    history_free(&h);
    polite_free(p);
}
END_TEST

START_TEST(test_history_many)
{
    struct history h;
    struct result r = {.is_end = true, .id = 1, .ok = true};
    history_init(&h);
    for (unsigned i = 0; i < 1000; i++) {
        r.at = (struct ipport){.ip = {.family = IP_V4, .b = {10, 0}}, .port = (uint16_t)(i + 1)};
        r.bw = i + 1;
        ck_ok(history_add(&h, &r));
        ck_ok(history_add(&h, &r));
    }
    ck_assert_uint_eq(h.n, 1000);
    ck_assert_uint_eq(history_find(&h, "", &r.at)->bw, 1000);
    history_free(&h);
}
END_TEST

/* Relays move, and others come where they were: each is found where it is now. */
START_TEST(test_history_relays_that_change_places)
{
    struct history h;
    struct ipport here = at("203.0.113.7:9001"), there = at("203.0.113.8:9001");
    struct result a = {.is_end = true, .ok = true, .bw = 1, .ts = 1, .at = here, .fp = "AA"};
    struct result b = {.is_end = true, .ok = true, .bw = 2, .ts = 2, .at = here, .fp = "BB"};
    history_init(&h);
    ck_ok(history_add(&h, &a));
    ck_ok(history_add(&h, &b));
    ck_assert_uint_eq(history_find(&h, "", &here)->bw, 2);
    b.at = there;
    ck_ok(history_add(&h, &b));
    ck_assert_uint_eq(history_find(&h, "", &here)->bw, 1);
    ck_assert_uint_eq(history_find(&h, "", &there)->bw, 2);
    a.at = there;
    a.ts = 3;
    ck_ok(history_add(&h, &a));
    ck_assert_ptr_null(history_find(&h, "", &here));
    ck_assert_uint_eq(history_find(&h, "", &there)->bw, 1);
    ck_assert_uint_eq(history_find(&h, "BB", NULL)->bw, 2);
    ck_assert_uint_eq(h.n, 2);
    history_free(&h);
}
END_TEST

/* A relay whose prior was too low is not begun with the same one each day. */
START_TEST(test_history_inconclusive_is_a_least)
{
    struct history h;
    struct ipport here = at("203.0.113.7:9001");
    struct result r = {.is_end = true, .ok = true, .bw = 100, .ts = 1, .at = here, .fp = "AA"};
    history_init(&h);
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(history_find(&h, "AA", NULL)), 100);
    r.ok = false;
    r.bw = 300;
    memcpy(r.why, "inconclusive", 13);
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(history_find(&h, "AA", NULL)), 300);
    ck_assert_uint_eq(history_find(&h, "AA", NULL)->bw, 100);
    memcpy(r.why, "cheat", 6);
    r.bw = 900;
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(history_find(&h, "AA", NULL)), 300);
    r.ok = true;
    r.bw = 200;
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(history_find(&h, "AA", NULL)), 200);
    history_free(&h);
}
END_TEST

/* A quick try by hand says nothing that a whole run does not know better, and a burst of three
 * seconds is not what a relay carries at least. */
START_TEST(test_history_a_short_run_says_little)
{
    enum { DAY_S = 24 * 3600 };
    struct history h;
    struct ipport here = at("203.0.113.7:9001");
    struct result r = {.is_end = true, .ok = true, .bw = 100, .ts = 1, .at = here, .fp = "AA"};
    history_init(&h);
    r.counted = 29;
    ck_ok(history_add(&h, &r));
    r.bw = 700;
    r.counted = 7;
    r.ts = 1000;
    ck_ok(history_add(&h, &r));
    const struct history_relay *relay = history_find(&h, "AA", NULL);
    ck_assert_uint_eq(history_prior(relay), 100);
    ck_assert_int_eq(relay->measured_s, 1);
    ck_assert_int_eq(relay->last.ts, 1000);
    r.ok = false;
    memcpy(r.why, "inconclusive", 13);
    r.counted = 3;
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(relay), 100);
    r.bw = 600;
    r.counted = 4;
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(history_prior(relay), 600);
    r.ok = true;
    r.counted = 7;
    r.ts = DAY_S + 2;
    ck_ok(history_add(&h, &r));
    ck_assert_uint_eq(relay->bw, 600);
    ck_assert_int_eq(relay->measured_s, DAY_S + 2);
    history_free(&h);
}
END_TEST

TESTS("measure/history", test_history_a_short_run_says_little,
      test_history_remembers_the_newest_good_figure, test_history_by_address,
      test_history_attempts_count, test_history_runs_count_by_identity,
      test_history_attempts_beyond_what_is_kept, test_history_relays_that_change_places,
      test_history_inconclusive_is_a_least, test_history_many, test_history_who_has_sent_us_away)
