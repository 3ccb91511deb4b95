#include "app/measure/offline.h"

#include <string.h>

#include "support/test.h"

static char why[ARG_WHY];

/* LINE's words, after the part's own name. */
static err_t parse(enum offline_part part, const char *line, struct offline_options *o)
{
    static char words[400];
    char *argv[32] = {"part"}, *rest = NULL;
    int argc = 1;
    strncpy(words, line, sizeof words - 1);
    for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    return offline_parse(part, argc, argv, o, why);
}

START_TEST(test_measure_offline_values)
{
    struct offline_options o;
    ck_ok(parse(OFFLINE_BWFILE, "", &o));
    ck_assert_str_eq(o.results, "results");
    ck_assert_uint_eq(o.max_age_s, 7 * 24 * 3600);
    ck_assert_uint_eq(o.digits, 0);
    ck_ok(parse(OFFLINE_BWFILE,
                "r --out o --data-directory d --consensus c --descriptors s --round 3 --country NL "
                "--max-results-age=60",
                &o));
    ck_assert_str_eq(o.results, "r");
    ck_assert_str_eq(o.out, "o");
    ck_assert_str_eq(o.folder, "d");
    ck_assert_str_eq(o.consensus, "c");
    ck_assert_str_eq(o.descriptors, "s");
    ck_assert_str_eq(o.country, "NL");
    ck_assert_uint_eq(o.digits, 3);
    ck_assert_uint_eq(o.max_age_s, 60);
    ck_ok(parse(OFFLINE_REPORT, "--classic", &o));
    ck_assert_uint_eq(o.max_age_s, 30 * 24 * 3600);
}
END_TEST

START_TEST(test_measure_offline_is_of_one_part)
{
    struct offline_options o;
    ck_ok(parse(OFFLINE_REPORT, "r --relay x --votes v", &o));
    ck_assert_str_eq(o.relay, "x");
    ck_assert_str_eq(o.votes, "v");
    ck_ok(parse(OFFLINE_REPORT, "--classic", &o));
    ck_ok(parse(OFFLINE_REPORT, "--relay x --out o", &o));
    ck_err(parse(OFFLINE_REPORT, "--out o --classic", &o), ERR_ARG);
    ck_ok(parse(OFFLINE_REPORT, "--out o --truth t", &o));
    ck_assert_str_eq(o.truth, "t");
    ck_err(parse(OFFLINE_REPORT, "--relay x --truth t", &o), ERR_ARG);
    ck_assert(strstr(why, "--truth and --schedule are for --out"));
    ck_ok(parse(OFFLINE_REPORT, "--help", &o));
    ck_err(parse(OFFLINE_REPORT, "r", &o), ERR_ARG);
    ck_assert(strstr(why, "Say --relay, --classic or --out"));
    ck_err(parse(OFFLINE_REPORT, "--relay x --classic", &o), ERR_ARG);
    ck_err(parse(OFFLINE_REPORT, "--round 3 --classic", &o), ERR_ARG);
    ck_err(parse(OFFLINE_BWFILE, "--relay x", &o), ERR_ARG);
    ck_assert(strstr(why, "is of another part"));
}
END_TEST

START_TEST(test_measure_offline_bad_values)
{
    static const char *const bad[] = {
        "a b",    "--round 1",   "--round 10", "--country N",   "--country N-",
        "--out=", "--consensus", "--out",      "--country 12x", "--max-results-age 0"};
    struct offline_options o;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(parse(OFFLINE_BWFILE, bad[i], &o), ERR_ARG);
}
END_TEST

TESTS("app/measure_offline", test_measure_offline_values, test_measure_offline_is_of_one_part,
      test_measure_offline_bad_values)
