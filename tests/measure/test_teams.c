#include "measure/teams.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct teams_run read_line(struct teams *t, const char *text)
{
    struct teams_run run;
    struct result r;
    json_t *line;
    ck_ok(results_read(text_of(text), &r, &line));
    teams_read(t, &r, line, &run);
    json_decref(line);
    return run;
}

static struct teams_run run_of(struct teams *t, unsigned id, const char *m1, const char *m2)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"t\":\"begin\",\"id\":%u,\"ts\":1,\"alloc\":{\"m1\":200,\"m2\":100}}", id);
    (void)read_line(t, text);
    snprintf(text, sizeof text,
             "{\"t\":\"end\",\"id\":%u,\"ts\":9,\"began\":1,\"ok\":true,\"rtt_ms\":{\"m2\":70},"
             "\"sec\":{\"m\":{\"m1\":%s,\"m2\":%s}}}",
             id, m1, m2);
    return read_line(t, text);
}

/* What came back, of what each was to give of all. */
START_TEST(test_teams_parts)
{
    struct teams *t = teams_new();
    struct teams_run run = run_of(t, 7, "[100,200]", "[50,100]");
    ck_assert_uint_eq(run.n, 2);
    ck_assert_str_eq(run.members[1].name, "m2");
    ck_assert_uint_eq(run.members[1].rtt_ms, 70);
    ck_assert_uint_eq(run.alloc, 300);
    ck_assert_uint_eq(run.recv, 450);
    ck_assert_uint_eq(teams_percent(&run, 0), 100);
    run = run_of(t, 8, "[300]", "[30]");
    ck_assert_uint_eq(teams_percent(&run, 1), 27);
    teams_free(t);
}
END_TEST

/* Without its beginning nobody knows what was allotted. */
START_TEST(test_teams_without_a_beginning)
{
    struct teams *t = teams_new();
    struct teams_run run = read_line(t, "{\"t\":\"end\",\"id\":7,\"ts\":9,\"began\":1,\"ok\":true,"
                                        "\"sec\":{\"m\":{\"m1\":[5]}}}");
    ck_assert_uint_eq(run.n, 1);
    ck_assert_uint_eq(run.recv, 5);
    ck_assert_uint_eq(teams_percent(&run, 0), 0);
    teams_free(t);
}
END_TEST

START_TEST(test_teams_who_always_disagrees)
{
    struct teams *t = teams_new();
    for (unsigned i = 1; i <= AGREE_LEAST; i++) {
        ck_assert(!agree_is_odd(teams_agree(t), "m2"));
        (void)run_of(t, i, "[280]", "[20]");
    }
    ck_assert(agree_is_odd(teams_agree(t), "m2"));
    ck_assert(!agree_is_odd(teams_agree(t), "m1"));
    teams_free(t);
}
END_TEST

/* Names become part of tables, pages and scripts; lists may be as long as one likes. */
START_TEST(test_teams_of_strangers)
{
    struct teams *t = teams_new();
    struct teams_run run = read_line(
        t, "{\"t\":\"begin\",\"id\":1,\"ts\":1,\"alloc\":{\"<b>'`\\u00e9\\u001b m.1_-\":-5,"
           "\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1}}");
    ck_assert_uint_eq(run.n, RUN_MEMBERS_MOST);
    bool found = false;
    for (size_t i = 0; i < run.n; i++) {
        ck_assert_uint_eq(strspn(run.members[i].name, "abcdefghijm1?._-"),
                          strlen(run.members[i].name));
        found |= strcmp(run.members[i].name, "?b?????? m.1_-") == 0 ||
                 strcmp(run.members[i].name, "?b????????m.1_-") == 0 ||
                 strcmp(run.members[i].name, "?b???????m.1_-") == 0;
    }
    ck_assert(found || run.alloc == RUN_MEMBERS_MOST);
    (void)read_line(t, "{\"t\":\"begin\",\"id\":2,\"ts\":1,\"alloc\":[3]}");
    (void)read_line(t, "{\"t\":\"end\",\"id\":2,\"ts\":1,\"sec\":{\"m\":7},\"rtt_ms\":[]}");
    teams_free(t);
}
END_TEST

TESTS("measure/teams", test_teams_parts, test_teams_without_a_beginning,
      test_teams_who_always_disagrees, test_teams_of_strangers)
