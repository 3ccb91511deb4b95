#include "measure/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

START_TEST(test_results_a_file_a_day)
{
    char name[RESULTS_NAME_MAX];
    int64_t day = 0;
    ck_assert_str_eq(results_file(1764500000, name), "2025-11-30.jsonl");
    ck_assert(results_file_day(name, &day));
    ck_assert_int_eq(day, 1764460800);
    ck_assert(!results_file_day("2025-11-31.jsonl", &day));
    ck_assert(results_file_day("2025-11-30.jsonl.gz", &day));
    ck_assert_str_eq(results_file_packed(1764500000, name), "2025-11-30.jsonl.gz");
    ck_assert(!results_file_day("2025-11-30.jsonl.gz.tmp", &day));
    ck_assert(!results_file_day("2025-11-30.jsonl.xz", &day));
    ck_assert(!results_file_day("x", &day));
}
END_TEST

static const struct run_config config = {
    .meas_id = 7,
    .relay = {.fp = {{0xab}}, .has_fp = true, .n_addrs = 1},
    .dur = 2,
    .percent = 25,
    .prior = 1000,
    .sockets = 3,
    .check = 1,
    .members = {{.name = "m1", .free_bw = 100000, .sockets_free = 3}},
    .n_members = 1,
};

static struct {
    struct env *env;
    struct run *run;
    struct connect_to_relay told;
    char *end;
} w;

static void ask(void *arg, const struct meas_params *params)
{
    (void)arg;
    (void)params;
}

static void leave(void *arg, bool aborted)
{
    (void)arg;
    (void)aborted;
}

static void connect(void *arg, size_t k, const struct connect_to_relay *told)
{
    (void)arg;
    (void)k;
    w.told = *told;
}

static void tell(void *arg, size_t k, uint32_t id)
{
    (void)arg;
    (void)k;
    (void)id;
}

static void alloc(void *arg, size_t k, uint32_t id, uint64_t bw)
{
    (void)arg;
    (void)k;
    (void)id;
    (void)bw;
}

static void on_end(void *arg, const struct run_result *result)
{
    const struct results_of of = {w.run, &config};
    (void)arg;
    w.end = results_end(&of, result, 1764500000, 1764500002);
}

static const struct run_ops ops = {ask, leave, connect, tell, alloc, tell, NULL, NULL, on_end};

static char *run(bool cheats)
{
    struct run_config c = config;
    struct meas_ext limits = {.has_limits = true, .background_percent = 25, .seconds_most = 45};
    ck_ok(ipport_parse("203.0.113.7:9001", &c.relay.addrs[0]));
    w.env = test_env(2);
    ck_ok(run_new(w.env, &c, &ops, NULL, &w.run));
    run_start(w.run);
    run_granted(w.run, &limits);
    run_connected(w.run, 0, &(struct connected_to_relay){7, 3, 3, 0, 12});
    for (unsigned sec = 1; sec <= 2; sec++) {
        test_env_advance_ms(w.env, 1000);
        struct meas_failure f = {.code = MEAS_CHEAT, .meas_id = 7, .cheat = {.cell = 117}};
        if (cheats)
            run_failed(w.run, 0, &f);
        else
            run_report(w.run, 0,
                       &(struct bw_report){.meas_id = 7,
                                           .sec = sec,
                                           .sent = 1000 * sec,
                                           .recv = 1000 * sec,
                                           .wire_in = 1100 * sec,
                                           .wire_out = 1100 * sec,
                                           .checked = 2,
                                           .blocked = 97,
                                           .cpu = 12});
        run_bg(w.run, &(struct meas_bg){(uint16_t)sec, 500, 600});
    }
    test_env_advance_ms(w.env, 5000);
    ck_assert_ptr_nonnull(w.end);
    return w.end;
}

static void tear_down(void)
{
    free(w.end);
    w.end = NULL;
    run_free(w.run);
    test_env_free(w.env);
}

START_TEST(test_results_end_line_has_what_each_second_brought)
{
    struct result r;
    char *line = run(false);
    ck_assert(strstr(line, "\"m\":{\"m1\":[1000,2000]}"));
    ck_assert(strstr(line, "\"wire\":[2200,4400]"));
    ck_assert(strstr(line, "\"bg_sent\":[500,500],\"bg_recv\":[600,600],\"trusted\":["));
    ck_assert(strstr(line, "\"blocked\":{\"m1\":0.97}"));
    ck_assert(strstr(line, "\"rtt_ms\":{\"m1\":12}"));
    ck_assert(line[strlen(line) - 1] == '\n');
    ck_ok(results_parse((struct text){line, strlen(line) - 1}, &r));
    ck_assert(r.is_end);
    ck_assert_uint_eq(r.id, 7);
    ck_assert_uint_eq(r.bytes, 6600);
    tear_down();
}
END_TEST

/* For whoever reads of it: ctl, reports. */
START_TEST(test_results_say_that_a_run_was_unsteady)
{
    struct run_result result = {.state = RUN_DONE, .conclusive = true};
    (void)run(false);
    result.estimate = (struct estimate){.bw = 1000, .p25 = 800, .p75 = 1300, .counted = 10};
    const struct results_of of = {w.run, &config};
    char *line = results_end(&of, &result, 1, 2);
    ck_assert(!strstr(line, "unsteady"));
    free(line);
    result.estimate.p75 = 1301;
    line = results_end(&of, &result, 1, 2);
    ck_assert(strstr(line, ",\"unsteady\":true,"));
    free(line);
    tear_down();
}
END_TEST

START_TEST(test_results_a_cheat_has_its_evidence)
{
    struct result r;
    char *line = run(true);
    ck_ok(results_parse((struct text){line, strlen(line) - 1}, &r));
    ck_assert(!r.ok);
    ck_assert_str_eq(r.why, "cheat");
    ck_assert_msg(strstr(r.detail, "cell 117") != NULL, "%s", r.detail);
    ck_assert(strstr(line, "\"measurer\":\"m1\""));
    tear_down();
}
END_TEST

/* Neither line has what a measurement's payload is made of. */
START_TEST(test_results_keep_no_secret)
{
    char seed[65], session[33];
    char *line = run(false);
    const struct results_of of = {w.run, &config};
    char *begin = results_begin(&of, 1764500000);
    for (size_t i = 0; i < 32; i++)
        snprintf(seed + 2 * i, 3, "%02x", w.told.seed[i]);
    for (size_t i = 0; i < 16; i++)
        snprintf(session + 2 * i, 3, "%02x", w.told.session[i]);
    ck_assert(!strstr(line, seed) && !strstr(begin, seed));
    ck_assert(!strstr(line, session) && !strstr(begin, session));
    ck_assert(strstr(begin, "\"t\":\"begin\",\"id\":7,\"ts\":1764500000,\"fp\":\"AB000000"));
    free(begin);
    tear_down();
}
END_TEST

/* Weeks of lines are read at a start: nobody looks into their seconds then. */
START_TEST(test_results_parse_passes_over_seconds)
{
    static const struct {
        const char *line;
        err_t err;
    } cases[] = {
        {"{\"t\":\"end\",\"id\":5,\"sec\":{\"m\":{\"a}\":[1,2]},\"wire\":[]},\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"sec\":{\"m\":{nothing of JSON}},\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"bw\":7,\"sec\":{}}", OK},
        {"{\"t\":\"end\",\"id\":5,\"why\":\",\",\"sec\":{\"x\":[1]},\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"detail\":\",\\\"sec\\\":{\",\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"sec\":{\"\\\"}\":1},\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"sec\":[1],\"bw\":7}", OK},
        {"{\"t\":\"end\",\"id\":5,\"sec\":{\"m\":{\"a\":[1,2", ERR_MALFORMED},
        {"{\"t\":\"end\",\"id\":5,\"sec\":{\"m\":{}}", ERR_MALFORMED},
        {"{\"t\":\"end\",\"id\":5,\"sec\":", ERR_MALFORMED},
        {"{\"t\":\"end\",\"id\":5,,\"sec\":{},\"bw\":7}", ERR_MALFORMED},
    };
    struct result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_err(results_parse(text_of(cases[i].line), &r), cases[i].err);
        if (cases[i].err == OK)
            ck_assert(r.is_end && r.id == 5 && r.bw == 7);
    }
}
END_TEST

START_TEST(test_results_seconds_are_not_missed)
{
    char *line = run(false);
    struct result some, all;
    json_t *object;
    ck_ok(results_parse(text_of(line), &some));
    ck_ok(results_read(text_of(line), &all, &object));
    ck_assert_ptr_nonnull(json_object_get(object, "sec"));
    ck_assert(some.is_end && some.ok == all.ok && some.began == all.began);
    ck_assert(some.bw && some.bw == all.bw && some.bytes == all.bytes);
    ck_assert_str_eq(some.fp, all.fp);
    json_decref(object);
    tear_down();
}
END_TEST

START_TEST(test_results_what_is_no_line)
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"t\":\"end\"}",
        "{\"t\":\"middle\",\"id\":1}",
        "{\"t\":\"end\",\"id\":0}",
        "{\"t\":\"end\",\"id\":4294967296}",
        "{\"t\":\"end\",\"id\":1,\"id\":2}",
        "{\"t\":\"end\",\"id\":1,\"ok\":tr",
    };
    struct result r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(results_parse(text_of(bad[i]), &r), ERR_MALFORMED);
}
END_TEST

TESTS("measure/results", test_results_a_file_a_day,
      test_results_end_line_has_what_each_second_brought, test_results_a_cheat_has_its_evidence,
      test_results_say_that_a_run_was_unsteady, test_results_keep_no_secret,
      test_results_parse_passes_over_seconds, test_results_seconds_are_not_missed,
      test_results_what_is_no_line)
