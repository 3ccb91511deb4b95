#include "measure/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/agree.h"
#include "support/test.h"

/* 2026-11-30 12:00:00 UTC */
enum { NOW = 1796040000, HOUR = 3600, DAY = 24 * HOUR };

#define FP "0101010101010101010101010101010101010101"

/* A line of results, of AGE ago. */
static char *line(char out[2048], const char *t, unsigned id, int64_t age, const char *rest)
{
    snprintf(out, 2048,
             "{\"t\":\"%s\",\"id\":%u,\"ts\":%lld,\"fp\":\"" FP
             "\",\"addr\":\"203.0.113.7:9001\",\"mode\":\"flashflow\"%s}",
             t, id, (long long)(NOW - age), rest);
    return out;
}

static void read_line(struct report *r, const char *t, unsigned id, int64_t age, const char *rest)
{
    char text[2048];
    ck_ok(report_line(r, text_of(line(text, t, id, age, rest))));
}

#define GOOD                                                                                  \
    ",\"began\":1,\"ok\":true,\"bw\":3000000,\"x\":2800000,\"bg\":200000,\"p10\":2900000,"    \
    "\"p90\":3100000,\"limited_by\":\"relay\",\"clamped\":2,\"counted\":29,\"sec\":{\"m\":{"  \
    "\"m1\":"                                                                                 \
    "[2000000,2100000,1900000],\"m2\":[800000,800000,800000]},\"bg_sent\":[200000,500000,3]," \
    "\"bg_recv\":[300000,400000,5],\"trusted\":[200000,300000,3]},\"blocked\":{\"m1\":0.97,"  \
    "\"m2\":0.91},\"rtt_ms\":{\"m1\":12,\"m2\":180},\"cpu\":{\"m1\":0.3,\"m2\":0.1}"

static void measured(struct report *r)
{
    read_line(r, "begin", 7, 3 * DAY, "");
    read_line(r, "end", 7, 3 * DAY - 40, ",\"began\":1,\"ok\":true,\"bw\":9000000");
    read_line(r, "begin", 8, 2 * HOUR, ",\"alloc\":{\"m1\":6000000,\"m2\":3000000}");
    read_line(r, "end", 8, 2 * HOUR - 40, GOOD);
    read_line(r, "end", 9, HOUR, ",\"ok\":false,\"why\":\"timeout\",\"detail\":\"no answer\"");
}

static void known(struct report *r)
{
    struct router row = {.bandwidth = 1000, .nickname = "guard1", .unmeasured = false};
    struct consensus c = {.relays = &row, .n_relays = 1};
    struct descriptor d = {.has_rsa = true, .average = 2500000, .burst = 1, .observed = 900000};
    static const char vote[] =
        "network-status-version 3\nvote-status vote\n"
        "dir-source moria1 0123 x 1.2.3.4 1 2\n"
        "r guard1 AQEBAQEBAQEBAQEBAQEBAQEBAQE x 2026-01-01 00:00:00 1.2.3.4 1 0\n"
        "w Bandwidth=7 Measured=2900\n"
        "r other AgICAgICAgICAgICAgICAgICAgI x 2026-01-01 00:00:00 1.2.3.4 1 0\n"
        "w Bandwidth=7 Measured=55\n"
        "network-status-version 3\nvote-status vote\n"
        "dir-source gabelmoo 0123 x 1.2.3.4 1 2\n"
        "r guard1 AQEBAQEBAQEBAQEBAQEBAQEBAQE x 2026-01-01 00:00:00 1.2.3.4 1 0\n"
        "w Bandwidth=7\n";
    memset(row.rsa.b, 1, sizeof row.rsa.b);
    d.rsa = row.rsa;
    d.item[DESCRIPTOR_BANDWIDTH].begin = "bandwidth";
    report_consensus(r, &c);
    report_descriptor(r, &d);
    report_votes(r, TEXT_LIT(vote));
}

/* Holds the report against tests/measure/golden/NAME; GOLDEN=write in the environment writes it. */
static void is_golden(const struct report *r, const char *name)
{
    char path[128], *text, want[8192];
    const char *how = getenv("GOLDEN");
    bool writes = how && !strcmp(how, "write");
    snprintf(path, sizeof path, "tests/measure/golden/%s.txt", name);
    ck_ok(report_text(r, NOW, &text));
    FILE *f = fopen(path, writes ? "w" : "r");
    ck_assert_ptr_nonnull(f);
    if (writes) {
        fputs(text, f);
    } else {
        size_t same = 0, n = fread(want, 1, sizeof want - 1, f);
        want[n] = 0;
        while (text[same] && text[same] == want[same])
            same++;
        ck_assert_msg(text[same] == want[same], "%s is not \"%.200s\"", name, text + same);
    }
    fclose(f);
    free(text);
}

START_TEST(test_report_why_so_low)
{
    struct report *r = report_new(FP, NULL);
    measured(r);
    known(r);
    is_golden(r, "report-why-so-low");
    report_free(r);
}
END_TEST

/* By its address, and its fingerprint is what results say; another's lines are not its. */
START_TEST(test_report_by_address)
{
    struct ipport at;
    char *text;
    ck_ok(ipport_parse("203.0.113.7:9001", &at));
    struct report *r = report_new("", &at);
    ck_err(report_text(r, NOW, &text), ERR_NOT_FOUND);
    ck_ok(report_line(r, TEXT_LIT("{\"t\":\"end\",\"id\":1,\"ts\":1,\"ok\":true,\"bw\":5}")));
    ck_err(report_text(r, NOW, &text), ERR_NOT_FOUND);
    measured(r);
    known(r);
    is_golden(r, "report-why-so-low");
    report_free(r);
}
END_TEST

static bool says(const struct report *r, const char *what)
{
    char *text;
    ck_ok(report_text(r, NOW, &text));
    bool found = strstr(text, what) != NULL;
    free(text);
    return found;
}

START_TEST(test_report_without_a_figure)
{
    static const char *const reasons[] = {
        "unsupported",   "refused",     "no_consent",    "timeout",   "cheat",
        "measurer_lost", "relay_lost",  "inconclusive",  "cancelled", "resting",
        "offline",       "no_circuits", "protocol_error"};
    char rest[100];
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct report *r = report_new(FP, NULL);
        snprintf(rest, sizeof rest, ",\"ok\":false,\"why\":\"%s\"", reasons[i]);
        read_line(r, "end", 1, HOUR, rest);
        ck_assert(says(r, "It has no figure.\n\nWhy:\n- "));
        ck_assert(says(r, reasons[i]));
        report_free(r);
    }
    struct report *r = report_new(FP, NULL);
    known(r);
    ck_assert(says(r, "- It was never measured.\n"));
    read_line(r, "begin", 1, HOUR, "");
    ck_assert(says(r, "- Runs of it began, and none was brought to its end.\n"));
    report_free(r);
}
END_TEST

START_TEST(test_report_verdicts)
{
    static const struct {
        const char *end, *says;
    } rows[] = {
        {",\"began\":1,\"ok\":true,\"bw\":3000000,\"limited_by\":\"us\"",
         "\nIn short: it carries 24.0 Mbit/s, and perhaps more: we were the limit.\n"},
        {",\"began\":1,\"ok\":true,\"bw\":3000000,\"limited_by\":\"relay\",\"clamped\":9",
         "\nIn short: it carries 24.0 Mbit/s, and said more of its clients than is believed.\n"},
        {",\"began\":1,\"ok\":true,\"bw\":3000000,\"limited_by\":\"relay\"",
         "\nIn short: it carries 24.0 Mbit/s, and was itself the limit, or its way to the "
         "network.\n"},
        {",\"ok\":false,\"why\":\"no_consent\"",
         "\nIn short: nobody knows what it carries: its operator has not agreed yet: "},
        {",\"ok\":false,\"why\":\"new\"", ": no run of it was brought to a good end.\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report *r = report_new(FP, NULL);
        read_line(r, "end", 1, HOUR, rows[i].end);
        ck_assert_msg(says(r, rows[i].says), "%s", rows[i].says);
        report_free(r);
    }
    struct report *r = report_new(FP, NULL);
    measured(r);
    known(r);
    ck_assert(says(r, "24.0 Mbit/s, since its RelayBandwidthRate says so: to carry more"));
    ck_assert(
        says(r, "\nIts weight is low because authorities measured less of it than it carries"));
    report_free(r);
}
END_TEST

static bool says_of(uint32_t weight_kb, uint64_t average, const char *what)
{
    struct report *r = report_new(FP, NULL);
    struct router row = {.bandwidth = weight_kb};
    struct consensus c = {.relays = &row, .n_relays = 1};
    struct descriptor d = {.has_rsa = true, .average = average, .observed = average};
    memset(row.rsa.b, 1, sizeof row.rsa.b);
    d.rsa = row.rsa;
    d.item[DESCRIPTOR_BANDWIDTH].begin = "bandwidth";
    read_line(r, "end", 1, HOUR,
              ",\"began\":1,\"ok\":true,\"bw\":3000000,\"limited_by\":\"relay\"");
    report_consensus(r, &c);
    report_descriptor(r, &d);
    bool said = says(r, what);
    report_free(r);
    return said;
}

/* Tor gives some percent less than its rate, and weights within a factor of two fit. */
START_TEST(test_report_verdicts_beside_what_is_said)
{
    const uint64_t none = UINT64_C(1) << 30; /* tor's own default */
    ck_assert(says_of(2000, 3500000, "since its RelayBandwidthRate says so"));
    ck_assert(says_of(2000, 3600000, "less than its RelayBandwidthRate allows"));
    ck_assert(says_of(2000, none, "with no limit of its own"));
    ck_assert(says_of(1499, none, "\nIts weight is low because"));
    ck_assert(says_of(1500, none, "\nIts weight fits that.\n"));
    ck_assert(says_of(6000, none, "\nIts weight fits that.\n"));
    ck_assert(says_of(6001, none, "\nIts weight is more than twice of what it carries"));
}
END_TEST

/* Over many relays, of which this one is the last. */
START_TEST(test_report_names_who_disagrees)
{
    struct report *r = report_new(FP, NULL);
    char text[512];
    for (unsigned i = 1; i <= AGREE_LEAST; i++) {
        snprintf(text, sizeof text,
                 "{\"t\":\"begin\",\"id\":%u,\"ts\":9,\"alloc\":{\"m1\":9,\"m2\":9,\"far\":9}}", i);
        ck_ok(report_line(r, text_of(text)));
        snprintf(text, sizeof text,
                 "{\"t\":\"end\",\"id\":%u,\"ts\":50,\"began\":9,\"ok\":true,\"bw\":20,"
                 "\"fp\":\"%s\",\"sec\":{\"m\":{\"m1\":[9],\"m2\":[9],\"far\":[2]}}}",
                 i, i == AGREE_LEAST ? FP : "0202020202020202020202020202020202020202");
        ck_ok(report_line(r, text_of(text)));
    }
    ck_assert(says(r, "- Measurer far has with nearly every relay another part than the rest of "
                      "the team (30% of"));
    ck_assert(!says(r, "- Measurer m1"));
    report_free(r);
}
END_TEST

/* What is not here can be fetched, and how is said; the authorities are the consensus'. */
START_TEST(test_report_says_what_to_fetch)
{
    struct report *r = report_new(FP, NULL);
    struct rsa_id auths[2];
    struct consensus c = {.auths = auths, .n_auths = 2};
    read_line(r, "end", 1, HOUR, ",\"ok\":false,\"why\":\"timeout\"");
    ck_assert(says(r, "`tunic fetch -o descriptors server/fp/" FP "`"));
    ck_assert(says(r, "`tunic fetch -o consensus consensus-microdesc`"));
    ck_assert(says(r, "vote/current/AUTHORITY[+AUTHORITY...]`"));
    memset(auths, 2, sizeof auths);
    report_consensus(r, &c);
    ck_assert(says(r, "vote/current/0202020202020202020202020202020202020202+"
                      "0202020202020202020202020202020202020202`, then --votes votes"));
    ck_assert(says(r, "  the consensus does not have it\n"));
    report_votes(r, TEXT_LIT("network-status-version 3\ndir-source a\x1b[2Jb x\n"));
    ck_assert(says(r, "  authority a?[2Jb             does not list it\n"));
    ck_assert(!says(r, "no votes are here"));
    report_free(r);
}
END_TEST

/* Of very many runs the newest are kept. */
START_TEST(test_report_many_runs)
{
    struct report *r = report_new(FP, NULL);
    for (unsigned i = 0; i < 3 * REPORT_RUNS_MOST; i++)
        read_line(r, "end", 1 + i, 1000 - i, ",\"began\":1,\"ok\":true,\"bw\":1250000");
    ck_assert(says(r, "It carries 10.0 Mbit/s"));
    ck_assert(says(r, "  and 161 before\n"));
    report_free(r);
}
END_TEST

/* A quick try does not take its place for a day, and that is said; nor is it "before". */
START_TEST(test_report_a_short_run)
{
    struct report *r = report_new(FP, NULL);
    read_line(r, "end", 1, DAY / 2, ",\"began\":1,\"ok\":true,\"bw\":1250000,\"counted\":29");
    read_line(r, "end", 2, HOUR, ",\"began\":1,\"ok\":true,\"bw\":2500000,\"counted\":7");
    ck_assert(says(r, "It carries 10.0 Mbit/s"));
    ck_assert(says(r, "- A run since then gave 20.0 Mbit/s in 7 seconds: too few"));
    ck_assert(!says(r, "before"));
    read_line(r, "end", 3, HOUR, ",\"began\":1,\"ok\":true,\"bw\":5000000,\"counted\":9");
    ck_assert(says(r, "It carries 40.0 Mbit/s"));
    report_free(r);
}
END_TEST

START_TEST(test_report_an_unsteady_run)
{
    struct report *r = report_new(FP, NULL);
    read_line(r, "end", 1, HOUR, ",\"began\":1,\"ok\":true,\"bw\":1250000,\"unsteady\":true");
    ck_assert(says(r, "- The run was unsteady: its seconds differ widely. Measure it again.\n"));
    read_line(r, "end", 2, HOUR / 2, ",\"began\":1,\"ok\":true,\"bw\":1250000");
    ck_assert(!says(r, "unsteady"));
    report_free(r);
}
END_TEST

/* Relays of tor do not tell what their clients have. */
START_TEST(test_report_unknown_clients)
{
    struct report *r = report_new(FP, NULL);
    ck_ok(report_line(r, TEXT_LIT("{\"t\":\"end\",\"id\":1,\"ts\":1796030000,\"fp\":\"" FP
                                  "\",\"mode\":\"echo2\",\"ok\":true,\"bw\":1250000}")));
    ck_assert(says(r, "came back to the measurers, what its clients had is unknown."));
    ck_assert(says(r, "    10.0  unknown  "));
    report_free(r);
}
END_TEST

START_TEST(test_report_classic)
{
    struct docw w = {.err = OK};
    struct report_begun begun = {.next = 0};
    char text[2048];
    /* Its beginning is not here. */
    ck_ok(report_classic(&begun, text_of(line(text, "end", 7, 60, GOOD)), &w));
    ck_ok(report_classic(&begun, text_of(line(text, "begin", 8, 50, "")), &w));
    ck_ok(report_classic(&begun, text_of(line(text, "end", 8, 0, GOOD)), &w));
    ck_ok(report_classic(
        &begun, text_of(line(text, "end", 9, 0, ",\"ok\":false,\"why\":\"refused\"")), &w));
    ck_err(report_classic(&begun, TEXT_LIT("{\"t\":\"end\",\"id\":9,"), &w), ERR_MALFORMED);
    docw_add(&w, (struct text){"", 1});
    ck_assert_str_eq(docw_text(&w).s, "8 1796039950 BEGIN " FP "\n"
                                      "8 1796039997 MEASR 2000000\n"
                                      "8 1796039997 MEASR 800000\n"
                                      "8 1796039997 BG 200000 200000\n"
                                      "8 1796039998 MEASR 2100000\n"
                                      "8 1796039998 MEASR 800000\n"
                                      "8 1796039998 BG 400000 300000\n"
                                      "8 1796039999 MEASR 1900000\n"
                                      "8 1796039999 MEASR 800000\n"
                                      "8 1796039999 BG 3 3\n"
                                      "8 1796040000 END\n");
    docw_free(&w);
}
END_TEST

TESTS("measure/report", test_report_why_so_low, test_report_by_address,
      test_report_without_a_figure, test_report_verdicts, test_report_verdicts_beside_what_is_said,
      test_report_names_who_disagrees, test_report_says_what_to_fetch, test_report_many_runs,
      test_report_a_short_run, test_report_an_unsteady_run, test_report_unknown_clients,
      test_report_classic)
