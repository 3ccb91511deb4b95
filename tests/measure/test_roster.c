#include "measure/roster.h"

#include <stdio.h>

#include "support/test.h"

#define FP    "000102030405060708090A0B0C0D0E0F10111213"
#define OTHER "FF0102030405060708090A0B0C0D0E0F10111213"

static err_t reads(const char *text, struct roster *r, char why[ROSTER_WHY])
{
    roster_init(r);
    return roster_read(r, text_of(text), why);
}

START_TEST(test_roster_reads_a_file)
{
    struct roster r;
    char why[ROSTER_WHY];
    ck_ok(reads("# those that have opted in\n\n$" OTHER "\n" FP
                "@203.0.113.7:9001 echo2 4mbit # by mail\n",
                &r, why));
    roster_sort(&r);
    ck_assert_uint_eq(r.n, 2);
    const struct roster_relay *a = &r.relays[0], *b = &r.relays[1];
    ck_assert_uint_eq(a->who.fp.b[0], 0);
    ck_assert_uint_eq(a->who.n_addrs, 1);
    ck_assert_uint_eq(a->who.addrs[0].port, 9001);
    ck_assert_int_eq(a->mode, MEAS_ECHO2);
    ck_assert_uint_eq(a->weight, 500000);
    ck_assert_uint_eq(b->who.n_addrs, 0);
    ck_assert_int_eq(b->mode, MEAS_FLASHFLOW);
    ck_assert(b->running && b->consent == ROSTER_LISTED);
    ck_assert_ptr_eq(roster_find(&r, &b->who.fp), b);
    ck_assert_ptr_null(roster_find(&r, &(struct rsa_id){{7}}));
    roster_free(&r);
    ck_assert_ptr_null(roster_find(&r, &(struct rsa_id){{7}}));
}
END_TEST

START_TEST(test_roster_says_which_line_is_wrong)
{
    static const char *const bad[] = {"x",
                                      FP "@",
                                      FP "@relay.example:9001",
                                      FP "@[::ffff:1.2.3.4]:5",
                                      FP " http",
                                      FP " drop",
                                      FP " fast",
                                      FP "0",
                                      "@127.0.0.1:1",
                                      FP "@203.0.113.7:9001111111111111111111111111111111111111111",
                                      FP "@203.0.113.7:0"};
    struct roster r;
    char why[ROSTER_WHY], text[200];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, OTHER "\n%s\n", bad[i]);
        ck_err(reads(text, &r, why), ERR_MALFORMED);
        ck_assert_msg(strncmp(why, "line 2: ", 8) == 0, "%s", why);
        roster_free(&r);
    }
}
END_TEST

START_TEST(test_roster_has_each_once_and_no_more_than_it_may)
{
    struct roster r;
    struct roster_relay relay = {.who = {.has_fp = true}};
    roster_init(&r);
    for (unsigned i = 0; i < ROSTER_RELAYS_MOST; i++) {
        unsigned k = (i * 7919) % 15000; /* a quarter of them twice */
        relay.who.fp.b[0] = (uint8_t)(k >> 8);
        relay.who.fp.b[1] = (uint8_t)k;
        ck_ok(roster_add(&r, &relay));
    }
    ck_err(roster_add(&r, &relay), ERR_LIMIT);
    roster_sort(&r);
    ck_assert_uint_eq(r.n, 15000);
    for (size_t i = 0; i + 1 < r.n; i++)
        ck_assert_int_lt(memcmp(&r.relays[i].who.fp, &r.relays[i + 1].who.fp, 20), 0);
    roster_free(&r);
}
END_TEST

TESTS("measure/roster", test_roster_reads_a_file, test_roster_says_which_line_is_wrong,
      test_roster_has_each_once_and_no_more_than_it_may)
