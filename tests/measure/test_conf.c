#include "measure/conf.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#define PIN_A "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN_B "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="

static struct mconf *read_(const char *text)
{
    char why[MCONF_WHY] = "";
    struct mconf *c = mconf_new();
    ck_assert_ptr_nonnull(c);
    err_t e = mconf_read(c, text_of(text), "file", why);
    ck_assert_msg(e == OK, "%s", why);
    return c;
}

/* Reading or settling TEXT says PART. */
static void refused(const char *text, const char *part)
{
    static struct mconf_coord coord;
    static struct mconf_measurer_side side;
    char why[MCONF_WHY] = "";
    struct mconf *c = mconf_new();
    err_t e = mconf_read(c, text_of(text), "file", why);
    if (e == OK)
        e = strstr(text, "[measurer]") ? mconf_measurer(c, &side, why)
                                       : mconf_coord(c, &coord, why);
    ck_err(e, ERR_MALFORMED);
    ck_assert_msg(strstr(why, part), "%s", why);
    mconf_free(c);
}

static void coord_of(const char *text, struct mconf_coord *out)
{
    char why[MCONF_WHY] = "";
    struct mconf *c = read_(text);
    err_t e = mconf_coord(c, out, why);
    ck_assert_msg(e == OK, "%s", why);
    mconf_free(c);
}

/* Sections, keys and defaults are FlashFlow's where it has them. */
START_TEST(test_conf_defaults)
{
    static struct mconf_coord coord;
    char why[MCONF_WHY];
    struct mconf *c = read_("");
    ck_ok(mconf_coord(c, &coord, why));
    ck_assert_str_eq(coord.datadir, "data-coord");
    ck_assert_str_eq(coord.resultsdir, "data-coord/results");
    ck_assert_str_eq(coord.key, "data-coord/keys/coord.pem");
    ck_assert_uint_eq(coord.listen_addr.port, 12934);
    ck_assert(ip_is_loopback(&coord.listen_addr.ip));
    ck_assert_uint_eq(coord.dur, 30);
    ck_assert_uint_eq(coord.prior, 13000000);
    ck_assert_uint_eq(coord.percent, 25);
    ck_assert_uint_eq(coord.sockets, 160);
    ck_assert(coord.check > .999);
    ck_assert_uint_eq(coord.n_measurers, 0);
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_of_a_coordinator)
{
    static struct mconf_coord coord;
    char why[MCONF_WHY];
    struct mconf *c = read_("[coord]\ndatadir = /srv/ff ; here\nresultsdir=${datadir}/r\n"
                            "measurer = m1 " PIN_A " 125000KB\nmeasurer = m2 " PIN_B " 1Gbit\n"
                            "[meas_params]\nbg_percent = .1\ncheck = 0.01\necho = framed\n"
                            "adaptive = yes\n");
    ck_ok(mconf_coord(c, &coord, why));
    ck_assert_str_eq(coord.resultsdir, "/srv/ff/r");
    ck_assert_str_eq(coord.ctrl_addr, "/srv/ff/ctl");
    ck_assert_uint_eq(coord.n_measurers, 2);
    ck_assert_str_eq(coord.measurers[1].name, "m2");
    ck_assert_uint_eq(coord.measurers[0].bw, 128000000);
    ck_assert_uint_eq(coord.measurers[1].bw, 125000000);
    ck_assert_uint_eq(coord.measurers[1].pin.b[31], 1);
    ck_assert_uint_eq(coord.percent, 10);
    ck_assert(coord.check > .009 && coord.check < .011);
    ck_assert_uint_eq(coord.echo, MEAS_ECHO_FRAMED);
    ck_assert(coord.adaptive && !coord.paper);
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_of_a_measurer)
{
    static struct mconf_measurer_side m;
    char why[MCONF_WHY];
    struct mconf *c = read_("[measurer]\nname = m1\ncoord_addr = 192.0.2.7:12934\n"
                            "coord_pin = " PIN_B "\nbw = 3MB\ndatadir=/d\n");
    ck_ok(mconf_measurer(c, &m, why));
    ck_assert_str_eq(m.name, "m1");
    ck_assert_str_eq(m.key, "/d/keys/m1.pem");
    ck_assert_uint_eq(m.bw, 3145728);
    ck_assert_uint_eq(m.coord_pin.b[31], 1);
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_options_stand_for_the_file)
{
    static struct mconf_coord coord;
    char why[MCONF_WHY];
    struct mconf *c = read_("[coord]\ndatadir = a\nmeasurer = m1 " PIN_A " 1MB\n");
    ck_ok(mconf_option(c, "coord", "--datadir", "b", why));
    ck_ok(mconf_option(c, "coord", "--meas-duration", "7", why));
    ck_ok(mconf_option(c, "coord", "--measurer", "m9 " PIN_B " 1MB", why));
    ck_err(mconf_option(c, "coord", "--coord-pin", PIN_A, why), ERR_NOT_FOUND);
    ck_ok(mconf_coord(c, &coord, why));
    ck_assert_str_eq(coord.datadir, "b");
    ck_assert_uint_eq(coord.dur, 7);
    ck_assert_uint_eq(coord.n_measurers, 1);
    ck_assert_str_eq(coord.measurers[0].name, "m9");
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_what_was_flashflows_is_told)
{
    struct mconf *c = read_("[coord]\ntor_bin = /usr/bin/tor\nctrl_addr = localhost:12933\n"
                            "torrc_extra_lines =\n    Log info\n    ControlPort 1\n"
                            "[ctrl]\ncoord_addr = localhost:12935\n");
    ck_assert(strstr(mconf_notice(c, 0), "file:2: tor_bin"));
    ck_assert(strstr(mconf_notice(c, 1), "file:3: orders"));
    size_t n = 0;
    while (mconf_notice(c, n))
        n++;
    ck_assert(strstr(mconf_notice(c, n - 1), "coord_addr"));
    mconf_free(c);
}
END_TEST

/* The keys and values of config.default.ini of pastly/flashflow, without its comments but one. */
static const char flashflows[] =
    "[coord]\ndatadir = data-coord\nkeydir = ${datadir}/keys\nkey = ${keydir}/coord.pem\n"
    "resultsdir = ${datadir}/results\nresults_log = ${resultsdir}/results.log\n"
    "tor_datadir = ${datadir}/tor\nlisten_addr = localhost:12934\n"
    "ctrl_addr = localhost:12935\n\n"
    "[v3bw]\nmax_results_age = 604800\nv3bw = ${coord:resultsdir}/v3bw\n\n"
    "[meas_params]\nmeas_duration = 30\nbg_percent = 0.25\n\n"
    "[measurer]\ndatadir = data-meas\nkeydir = ${datadir}/keys\n"
    "key = ${keydir}/measurer.pem\ncoord_cert = ${keydir}/coord.pem\n"
    "tor_datadir = ${datadir}/tor\ncoord_addr = localhost:12934\n\n"
    "[ctrl]\ncoord_addr = localhost:12935\n\n"
    "[tor]\ntor_bin = tor\ntorrc_extra_lines =\n    # Put extra lines here\n    Log info\n";

START_TEST(test_conf_flashflows_own_file_is_taken)
{
    static const char *const without_use[] = {
        "file:6: results_log", "file:7: tor_datadir", "file:9: orders", "coord_cert",
        "tor_datadir",         "coord_addr has no",   "tor_bin",        "torrc_extra_lines",
        "torrc_extra_lines"};
    static struct mconf_coord coord;
    char why[MCONF_WHY] = "";
    struct mconf *c = read_(flashflows);
    ck_ok(mconf_check(c, "coord", why));
    ck_ok(mconf_coord(c, &coord, why));
    ck_assert_str_eq(coord.ctrl_addr, "data-coord/ctl");
    ck_assert_str_eq(coord.v3bw.path, "data-coord/results/v3bw");
    ck_assert_uint_eq(coord.v3bw.max_age_s, 604800);
    for (size_t i = 0; i < sizeof without_use / sizeof *without_use; i++) {
        ck_assert_ptr_nonnull(mconf_notice(c, i));
        ck_assert_msg(strstr(mconf_notice(c, i), without_use[i]), "%s", mconf_notice(c, i));
    }
    ck_assert_ptr_null(mconf_notice(c, sizeof without_use / sizeof *without_use));
    ck_err(mconf_check(c, "measurer", why), ERR_MALFORMED);
    ck_assert_msg(strstr(why, "coord_pin has to be set"), "%s", why);
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_files_of_a_coordinator)
{
    static struct mconf_coord coord;
    char why[MCONF_WHY] = "", *dump;
    struct mconf *c = read_("[coord]\nkeep = 90\nmetrics = localhost:9099\n"
                            "[v3bw]\nkeep = 3\nevery = 60\nround = 3\ncountry = no\n");
    ck_ok(mconf_option(c, "coord", "--v3bw-keep", "4", why));
    ck_ok(mconf_option(c, "coord", "--compress", "2", why));
    ck_ok(mconf_option(c, "coord", "--v3bw", "/tmp/x/v3bw", why));
    ck_err(mconf_option(c, "measurer", "--v3bw", "x", why), ERR_NOT_FOUND);
    ck_ok(mconf_coord(c, &coord, why));
    ck_assert_uint_eq(coord.keep_days, 90);
    ck_assert_uint_eq(coord.compress_days, 2);
    ck_assert_uint_eq(coord.metrics.port, 9099);
    ck_assert_str_eq(coord.metrics_policy, "");
    ck_assert_str_eq(coord.v3bw.path, "/tmp/x/v3bw");
    ck_assert_uint_eq(coord.v3bw.keep_days, 4);
    ck_assert_uint_eq(coord.v3bw.every_s, 60);
    ck_assert_uint_eq(coord.v3bw.digits, 3);
    ck_assert_str_eq(coord.v3bw.country, "no");
    dump = mconf_dump(c, "coord");
    ck_assert(strstr(dump, "[v3bw]\nv3bw = /tmp/x/v3bw ; --v3bw\n"));
    ck_assert(strstr(dump, "keep = 4 ; --v3bw-keep\n") && strstr(dump, "keep = 90 ; file:2\n"));
    free(dump);
    mconf_free(c);
}
END_TEST

START_TEST(test_conf_files_that_cannot_be)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"[coord]\nkeep = 1\n", "keep is a number of 2 to 3650"},
        {"[coord]\ncompress = x\n", "compress is a number"},
        {"[coord]\nmetrics = 192.0.2.1:9099\n", "without a metrics_policy"},
        {"[coord]\nmetrics = 0.0.0.0:9099\n", "open to others"},
        {"[coord]\nmetrics = localhost:0\n", "metrics needs a port"},
        {"[coord]\nmetrics = monitor.example:9099\n", "ADDRESS:PORT in numbers"},
        {"[v3bw]\nv3bw = x/\n", "and not of a folder"},
        {"[v3bw]\nv3bw =\n", "v3bw is empty"},
        {"[v3bw]\nround = 1\n", "at least 2"},
        {"[v3bw]\ncountry = Norway\n", "two letters"},
        {"[v3bw]\nkeep = 0\n", "keep is a number"},
        {"[v3bw]\nevery = 86401\n", "every is a number"},
        {"[v3bw]\nmax_results_age = 0\n", "max_results_age is a number"},
        {"[v3bw]\nv3bw = ${nothing}/v3bw\n", "refers to what is not there"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        static struct mconf_coord coord;
        char why[MCONF_WHY] = "";
        struct mconf *c = read_(bad[i].text);
        ck_err(mconf_coord(c, &coord, why), ERR_MALFORMED);
        ck_assert_msg(strstr(why, bad[i].why), "%s", why);
        mconf_free(c);
    }
}
END_TEST

START_TEST(test_conf_of_a_schedule)
{
    static struct mconf_coord c;
    coord_of("[coord]\nmeasurer = m1 " PIN_A " 1MB\n", &c);
    ck_assert_str_eq(c.secret, "");
    ck_assert_str_eq(c.relays, "");
    ck_assert_uint_eq(c.slot_s, 60);
    ck_assert_uint_eq(c.share, 0);
    ck_assert_uint_eq(c.shares, 1);
    ck_assert_uint_eq(c.multiplier, 225);
    ck_assert_uint_eq(c.max_tries, 2);
    coord_of("[coord]\nrelays = r\nsecret = ${datadir}/s\nshare = 2/3\n[meas_params]\n"
             "meas_duration = 45\nmultiplier = 3.5\nmax_tries = 1\n",
             &c);
    ck_assert_str_eq(c.secret, "data-coord/s");
    ck_assert_uint_eq(c.slot_s, 90);
    ck_assert_uint_eq(c.share, 1);
    ck_assert_uint_eq(c.shares, 3);
    ck_assert_uint_eq(c.multiplier, 350);
    ck_assert_uint_eq(c.max_tries, 1);
}
END_TEST

START_TEST(test_conf_bandwidths)
{
    uint64_t bw = 0;
    ck_assert(mconf_bw(TEXT_LIT("4mbit"), &bw) && bw == 500000);
    ck_assert(mconf_bw(TEXT_LIT("104Mbit"), &bw) && bw == 13000000);
    ck_assert(mconf_bw(TEXT_LIT("3 MB"), &bw) && bw == 3145728);
    ck_assert(mconf_bw(TEXT_LIT("300"), &bw) && bw == 300);
    ck_assert(!mconf_bw(TEXT_LIT("4mbits"), &bw) && !mconf_bw(TEXT_LIT("0"), &bw) &&
              !mconf_bw(TEXT_LIT("mbit"), &bw));
}
END_TEST

START_TEST(test_conf_wrong_lines_are_named)
{
    static char text[400] = "[coord]\ndatadir = ";
    refused("[coord]\nlisten_adr = localhost:1\n", "file:2: there is no key \"listen_adr\" in "
                                                   "[coord]; did you mean \"listen_addr\"?");
    refused("[coord]\nmeas_duration = 10\n",
            "file:2: there is no key \"meas_duration\" in [coord]; "
            "it belongs in [meas_params]");
    refused("[cord]\nx = 1\n", "file:2: there is no key");
    refused("[coord]\nnonsense\n", "file:2");
    refused("[coord]\nkeydir =; x\n", "file:2: \";\" begins a comment");
    refused("[coord]\ndatadir = a\ndatadir = b\n", "file:3: datadir is there a second time");
    refused("[coord]\nmeasurer = m1 sha256//x 1MB\n", "file:2: a measurer is");
    refused("[coord]\nmeasurer = m1 " PIN_A "\n", "file:2: a measurer is");
    refused("[coord]\nmeasurer = m1 " PIN_A " 1MB\nmeasurer = m2 " PIN_A " 1MB\n", "already");
    refused("[coord]\nlisten_addr = coord.example:12934\n", "file:2: listen_addr is ADDRESS:PORT");
    refused("[coord]\nlisten_addr = 127.0.0.1:99999\n", "ends with a port of 1 to 65535");
    refused("[measurer]\ncoord_addr = 127.0.0.1:0\n", "file:2: coord_addr needs");
    refused("[meas_params]\nbg_percent = 1\n", "bg_percent is in whole percents");
    refused("[meas_params]\ncheck = 1.001\n", "check is a share");
    refused("[meas_params]\nmeas_duration = 601\n", "meas_duration is a number of 1 to 600");
    refused("[coord]\nshare = 0/1\n", "share is like 2/3");
    refused("[coord]\nshare = 3/2\n", "share is like 2/3");
    refused("[coord]\nshare = 1/2\n", "share of several needs the secret");
    refused("[coord]\nshare = 1/2\nsecret = x\ncompact = yes\n", "compact is for one coordinator");
    refused("[meas_params]\nmultiplier = 0.9\n", "multiplier is a number of 1 to 10");
    refused("[meas_params]\nmultiplier = 11\n", "multiplier is a number of 1 to 10");
    refused("[meas_params]\nmax_tries = 3\n", "max_tries is a number of 1 to 2");
    refused("[meas_params]\nslot = 44\n", "slot has to be longer than meas_duration");
    refused("[coord]\ndatadir = ${keydir}\nkeydir = ${datadir}\n", "refers to itself");
    refused("[coord]\ndatadir = ${nothing}\n", "refers to what is not there");
    refused("[measurer]\nbw = 1MB\n", "coord_pin has to be set");
    refused("[measurer]\ncoord_pin = " PIN_A "\nbw = 0\n", "bw is bytes a second");
    memset(text + strlen(text), 'x', 250);
    refused(text, "file:2: a line of more than");
}
END_TEST

/* What is shown says where each comes from, and says the same when it is read. */
START_TEST(test_conf_dump_is_a_file)
{
    static struct mconf_coord coord, again;
    char why[MCONF_WHY];
    struct mconf *c = read_("[coord]\nmeasurer = m1 " PIN_A " 1MB\n[meas_params]\nsockets = 9\n");
    ck_ok(mconf_option(c, "coord", "--datadir", "b", why));
    ck_err(mconf_option(c, "coord", "--keydir", "a ;b", why), ERR_MALFORMED);
    ck_err(mconf_option(c, "coord", "--keydir", "a\nb", why), ERR_MALFORMED);
    char *text = mconf_dump(c, "coord");
    ck_assert(strstr(text, "datadir = b ; --datadir\n"));
    ck_assert(strstr(text, "sockets = 9 ; file:4\n"));
    ck_assert(strstr(text, "meas_duration = 30 ; default\n"));
    struct mconf *d = read_(text);
    ck_ok(mconf_coord(c, &coord, why));
    ck_ok(mconf_coord(d, &again, why));
    ck_assert_str_eq(again.resultsdir, "b/results");
    ck_assert_uint_eq(again.sockets, 9);
    ck_assert(memcmp(coord.measurers, again.measurers, sizeof coord.measurers) == 0);
    mconf_free(c);
    mconf_free(d);
    free(text);
}
END_TEST

TESTS("measure/conf", test_conf_defaults, test_conf_of_a_coordinator, test_conf_of_a_measurer,
      test_conf_options_stand_for_the_file, test_conf_what_was_flashflows_is_told,
      test_conf_flashflows_own_file_is_taken, test_conf_files_of_a_coordinator,
      test_conf_files_that_cannot_be, test_conf_bandwidths, test_conf_of_a_schedule,
      test_conf_wrong_lines_are_named, test_conf_dump_is_a_file)
