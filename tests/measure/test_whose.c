#include "measure/whose.h"

#include <stdio.h>

#include "support/test.h"

#define FP    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define ED    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define ED2   "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct result of(const char *fp, const char *at, const char *ed)
{
    struct result r = {.is_end = true};
    snprintf(r.fp, sizeof r.fp, "%s", fp);
    snprintf(r.ed, sizeof r.ed, "%s", ed);
    if (*at)
        ck_ok(ipport_parse(at, &r.at));
    return r;
}

static bool is(const struct whose *w, const char *fp, const char *at, const char *ed)
{
    struct result r = of(fp, at, ed);
    return whose_is(w, &r);
}

static struct whose whose(const char *relay)
{
    struct whose w;
    ck_ok(whose_init(&w, text_of(relay)));
    return w;
}

START_TEST(test_whose_goes_by_fingerprint)
{
    struct whose w = whose("$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    ck_assert(is(&w, FP, "127.0.0.1:5", ""));
    ck_assert(!is(&w, OTHER, "127.0.0.1:5", ""));
    ck_assert(!is(&w, "", "127.0.0.1:5", ""));
}
END_TEST

START_TEST(test_whose_has_what_was_recorded_by_address)
{
    struct whose w = whose(FP);
    struct result known = of(FP, "127.0.0.1:5", ED), other = of(OTHER, "127.0.0.1:6", ED2);
    whose_learn(&w, &known);
    whose_learn(&w, &other);
    ck_assert(is(&w, "", "127.0.0.1:5", ""));
    ck_assert(is(&w, "", "127.0.0.1:7", ED));   /* it has moved */
    ck_assert(!is(&w, "", "127.0.0.1:5", ED2)); /* another had its address */
    ck_assert(!is(&w, "", "127.0.0.1:6", ""));
    ck_assert(!is(&w, OTHER, "127.0.0.1:5", ""));
}
END_TEST

START_TEST(test_whose_goes_by_address)
{
    struct whose w = whose("127.0.0.1:5");
    struct result elsewhere = of(FP, "127.0.0.1:6", ED);
    whose_learn(&w, &elsewhere);
    ck_assert(is(&w, "", "127.0.0.1:5", ""));
    ck_assert(is(&w, FP, "127.0.0.1:5", ED));
    ck_assert(!is(&w, FP, "127.0.0.1:6", ED));
}
END_TEST

START_TEST(test_whose_remembers_no_more_than_it_may)
{
    struct whose w = whose(FP);
    char at[32];
    for (int i = 1; i < 40; i++) {
        snprintf(at, sizeof at, "127.0.0.1:%d", i);
        struct result r = of(FP, at, "");
        whose_learn(&w, &r);
    }
    ck_assert_uint_eq(w.n_at, WHOSE_ADDRESSES_MOST);
    ck_assert(is(&w, "", "127.0.0.1:8", "") && !is(&w, "", "127.0.0.1:9", ""));
}
END_TEST

START_TEST(test_whose_passes_over_lines_of_others)
{
    struct whose w = whose(FP);
    struct result known = of(FP, "127.0.0.1:5", ED);
    ck_assert(!whose_may(&w, TEXT_LIT("{\"fp\":\"" OTHER "\"}")));
    ck_assert(whose_may(&w, TEXT_LIT("{\"fp\":\"" FP "\"}")));
    ck_assert(!whose_may(&w, TEXT_LIT("{\"addr\":\"127.0.0.1:5\"}")));
    whose_learn(&w, &known);
    ck_assert(whose_may(&w, TEXT_LIT("{\"addr\":\"127.0.0.1:5\"}")));
    ck_assert(whose_may(&w, TEXT_LIT("{\"ed\":\"" ED "\"}")));
    ck_assert(!whose_may(&w, TEXT_LIT("{\"ed\":\"" ED2 "\"}")));
    ck_assert(!whose_may(&w, TEXT_LIT("")));
    w = whose("127.0.0.1:5");
    ck_assert(whose_may(&w, TEXT_LIT("{\"addr\":\"127.0.0.1:5\"}")));
}
END_TEST

START_TEST(test_whose_wants_a_relay)
{
    static const char *const bad[] = {"",
                                      "$",
                                      "x",
                                      "127.0.0.1",
                                      FP "A",
                                      "1111111111111111111111111111111111111111111111111111111111"
                                      "1111111111111111111111111111111111111111"};
    struct whose w;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(whose_init(&w, text_of(bad[i])), ERR_ARG);
}
END_TEST

TESTS("measure/whose", test_whose_goes_by_fingerprint, test_whose_has_what_was_recorded_by_address,
      test_whose_goes_by_address, test_whose_remembers_no_more_than_it_may,
      test_whose_passes_over_lines_of_others, test_whose_wants_a_relay)
