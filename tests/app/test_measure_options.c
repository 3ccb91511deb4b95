#include "app/measure/options.h"

#include <string.h>

#include "support/test.h"

static char why[ARG_WHY];

/* LINE's words, after the part's own name. */
static err_t parse(const char *line, bool probe, struct measure_options *o)
{
    static char words[400];
    char *argv[32] = {"run"}, *rest = NULL;
    int argc = 1;
    strncpy(words, line, sizeof words - 1);
    for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    return measure_options_parse(argc, argv, probe, o, why);
}

START_TEST(test_measure_options_defaults)
{
    struct measure_options o;
    ck_ok(parse("guard1 --local", false, &o));
    ck_assert_uint_eq(o.n_relays, 1);
    ck_assert_str_eq(o.relays[0], "guard1");
    ck_assert_uint_eq(o.dur, 30);
    ck_assert_uint_eq(o.sockets, 160);
    ck_assert_uint_eq(o.percent, 25);
    ck_assert(o.check == 1);
    ck_assert_int_eq(o.echo, MEAS_ECHO_RAW);
}
END_TEST

START_TEST(test_measure_options_values)
{
    struct measure_options o;
    ck_ok(parse("--seconds 10 a b --sockets=20 --bw 40mbit --prior 3MB --check .25 --background 50 "
                "--framed --adaptive --paper --data-directory d --identity i --quiet --local",
                false, &o));
    ck_assert_uint_eq(o.n_relays, 2);
    ck_assert_uint_eq(o.dur, 10);
    ck_assert_uint_eq(o.sockets, 20);
    ck_assert_uint_eq(o.bw, 5000000);
    ck_assert_uint_eq(o.prior, 3 * 1024 * 1024);
    ck_assert(o.check == .25);
    ck_assert_uint_eq(o.percent, 50);
    ck_assert_int_eq(o.echo, MEAS_ECHO_FRAMED);
    ck_assert(o.adaptive && o.paper && o.quiet);
    ck_assert_str_eq(o.folder, "d");
    ck_assert_str_eq(o.identity, "i");
}
END_TEST

START_TEST(test_measure_options_wrong_ones_are_told)
{
    static const char *const bad[] = {"--local",
                                      "a",
                                      "a --local --seconds 2",
                                      "a --local --sockets 0",
                                      "a --local --bw 3",
                                      "a --local --bw mbit",
                                      "a --local --prior 0MB",
                                      "a --local --check 2",
                                      "a --local --check x",
                                      "a --local --background 100",
                                      "a --local --local=1",
                                      "a --local --secnds 3",
                                      "a --local --data-directory=",
                                      "a --local --identity="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct measure_options o;
        why[0] = '\0';
        ck_assert_msg(parse(bad[i], false, &o) == ERR_ARG, "%s", bad[i]);
        ck_assert_uint_gt(strlen(why), 0);
    }
}
END_TEST

START_TEST(test_measure_options_probe_starts_nothing)
{
    struct measure_options o;
    ck_ok(parse("a b --data-directory d --identity i", true, &o));
    ck_assert_uint_eq(o.n_relays, 2);
    ck_err(parse("a --seconds 10", true, &o), ERR_ARG);
    ck_err(parse("a --local", true, &o), ERR_ARG);
    ck_err(parse("", true, &o), ERR_ARG);
    ck_ok(parse("--help", true, &o));
    ck_assert(o.help);
}
END_TEST

TESTS("app/measure_options", test_measure_options_defaults, test_measure_options_values,
      test_measure_options_wrong_ones_are_told, test_measure_options_probe_starts_nothing)
