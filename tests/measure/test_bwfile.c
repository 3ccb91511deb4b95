#include "measure/bwfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "support/test.h"

/* 2026-11-30 12:00:00 UTC */
enum { NOW = 1796040000, HOUR = 3600, DAY = 24 * HOUR };

static const struct bwfile_config plain = {.version = "0.1.0", .started_s = NOW - DAY};

/* The relay K: its fingerprint is K twenty times. */
static struct rsa_id rsa(uint8_t k)
{
    struct rsa_id id;
    memset(id.b, k, sizeof id.b);
    return id;
}

static struct bwfile *network(size_t n)
{
    struct router relays[16];
    struct consensus c = {.relays = relays, .n_relays = n};
    struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
    for (size_t i = 0; i < n; i++) {
        relays[i] = (struct router){.rsa = rsa((uint8_t)(i + 1)),
                                    .bandwidth = (uint32_t)(1000 * (i + 1)),
                                    .flags = i == n - 1 ? ROUTER_AUTHORITY : ROUTER_GUARD,
                                    .unmeasured = i == 1};
        snprintf(relays[i].nickname, sizeof relays[i].nickname, "relay%u",
                 (unsigned)(i + 1) % 1000);
    }
    ck_ok(bwfile_consensus(b, &c));
    return b;
}

static void described(struct bwfile *b, uint8_t k, uint64_t average, int64_t published_s)
{
    struct descriptor d = {.rsa = rsa(k),
                           .has_rsa = true,
                           .has_ed = true,
                           .published_s = published_s,
                           .average = average,
                           .burst = 2 * average,
                           .observed = 777777};
    memset(d.ed.b, 0x40 + k, sizeof d.ed.b);
    d.item[DESCRIPTOR_BANDWIDTH].begin = "bandwidth";
    bwfile_descriptor(b, &d);
}

/* A line of the relay K, of AGE ago, with REST. */
static void line(struct bwfile *b, uint8_t k, const char *t, int64_t age, const char *rest)
{
    struct rsa_id id = rsa(k);
    struct result r;
    char hex[HEX_SIZE(20)], text[1024];
    snprintf(text, sizeof text, "{\"t\":\"%s\",\"id\":7,\"ts\":%lld,\"fp\":\"%s\"%s}", t,
             (long long)(NOW - age), hex_upper(id.b, sizeof id.b, hex), rest);
    ck_ok(results_parse(text_of(text), &r));
    ck_ok(bwfile_result(b, &r));
}

static void measured(struct bwfile *b, uint8_t k, int64_t age, uint64_t bw)
{
    char rest[256];
    snprintf(rest, sizeof rest,
             ",\"began\":1,\"ok\":true,\"mode\":\"flashflow\",\"bw\":%llu,\"x\":%llu,\"bg\":1000,"
             "\"clamped\":2,\"limited_by\":\"relay\"",
             (unsigned long long)bw, (unsigned long long)bw - 1000);
    line(b, k, "begin", age + 40, "");
    line(b, k, "end", age, rest);
}

static void failed(struct bwfile *b, uint8_t k, int64_t age, const char *why)
{
    char rest[128];
    snprintf(rest, sizeof rest, ",\"began\":1,\"ok\":false,\"why\":\"%s\"", why);
    line(b, k, "begin", age + 10, "");
    line(b, k, "end", age, rest);
}

/* Holds the file against tests/measure/golden/NAME; GOLDEN=write in the environment writes it. */
static void is_golden(const struct bwfile *b, const struct bwfile_config *config, const char *name)
{
    char path[128], *text, want[8192];
    struct bwfile_sum sum;
    const char *how = getenv("GOLDEN");
    bool writes = how && !strcmp(how, "write");
    snprintf(path, sizeof path, "tests/measure/golden/%s.v3bw", name);
    ck_ok(bwfile_write(b, config, &text, &sum));
    FILE *f = fopen(path, writes ? "w" : "r");
    ck_assert_ptr_nonnull(f);
    if (writes) {
        fputs(text, f);
    } else {
        size_t n = fread(want, 1, sizeof want - 1, f);
        want[n] = 0;
        size_t same = 0;
        while (text[same] && text[same] == want[same])
            same++;
        ck_assert_msg(text[same] == want[same], "%s is not \"%.200s\"", name, text + same);
    }
    fclose(f);
    free(text);
}

static bool says(const struct bwfile *b, const struct bwfile_config *config, const char *what)
{
    char *text;
    struct bwfile_sum sum;
    ck_ok(bwfile_write(b, config, &text, &sum));
    bool found = strstr(text, what) != NULL;
    free(text);
    return found;
}

/* Every key and header: measured twice, capped, failed, cut short, refused, old, never tried; the
 * authority is not there. */
START_TEST(test_bwfile_every_key)
{
    struct bwfile *b = network(8);
    struct bwfile_config config = plain;
    config.country = "NL";
    for (uint8_t k = 1; k <= 3; k++)
        described(b, k, k == 2 ? 2500000 : 1 << 30, NOW - DAY);
    measured(b, 4, 8 * DAY, 1000000);
    for (uint8_t k = 1; k <= 5; k++)
        measured(b, k, 2 * DAY - k * HOUR, k * 1111111);
    measured(b, 1, HOUR, 1234567);
    failed(b, 1, HOUR / 2, "inconclusive");
    line(b, 6, "begin", HOUR, "");
    line(b, 6, "end", 30, ",\"ok\":false,\"why\":\"no_consent\"");
    is_golden(b, &config, "every-key");
    bwfile_free(b);
}
END_TEST

START_TEST(test_bwfile_under_the_least)
{
    struct bwfile *b = network(8);
    char *text;
    struct bwfile_sum sum;
    for (uint8_t k = 1; k <= 4; k++)
        measured(b, k, k * HOUR, k * 3000000);
    failed(b, 6, HOUR, "timeout");
    is_golden(b, &plain, "under-60-percent");
    ck_ok(bwfile_write(b, &plain, &text, &sum));
    ck_assert(!sum.votes);
    ck_assert_uint_eq(sum.measured, 4);
    free(text);
    measured(b, 5, HOUR, 50000);
    ck_ok(bwfile_write(b, &plain, &text, &sum));
    ck_assert(sum.votes);
    ck_assert_ptr_null(strstr(text, "under_min_report"));
    free(text);
    bwfile_free(b);
}
END_TEST

/* By bandwidth-avg of its newest descriptor, and by nothing else that it says. */
START_TEST(test_bwfile_capped)
{
    struct bwfile *b = network(2);
    char *text;
    struct bwfile_sum sum;
    described(b, 1, 5000000, NOW - HOUR);
    described(b, 1, 1000, NOW - DAY);
    described(b, 2, 1 << 30, NOW - HOUR);
    measured(b, 1, HOUR, 9000000);
    measured(b, 2, HOUR, 9000000);
    is_golden(b, &plain, "capped");
    ck_ok(bwfile_write(b, &plain, &text, &sum));
    ck_assert_uint_eq(sum.capped, 1);
    free(text);
    described(b, 1, 0, NOW);
    ck_assert(says(b, &plain, " bw=1 nick=relay1 "));
    bwfile_free(b);
}
END_TEST

START_TEST(test_bwfile_rounded)
{
    struct bwfile *b = network(6);
    struct bwfile_config three = plain, two = plain;
    static const uint64_t bw[] = {1234500, 999600, 87654321, 999, 120000000};
    three.digits = 3;
    two.digits = 2;
    for (uint8_t k = 1; k <= 5; k++)
        measured(b, k, k * HOUR, bw[k - 1] > 1000 ? bw[k - 1] : 1001);
    is_golden(b, &three, "rounded");
    ck_assert(says(b, &two, " bw=88000 "));
    /* Rounding does not lift it over what the relay says of itself. */
    described(b, 3, 87590000, NOW - HOUR);
    ck_assert(says(b, &three, " bw=87500 "));
    bwfile_free(b);
}
END_TEST

START_TEST(test_bwfile_newest_wins)
{
    struct bwfile *b = network(1);
    char name[BWFILE_NAME_MAX];
    for (int i = 0; i < 40; i++)
        measured(b, 1, 2 * DAY - i * HOUR, 1000000 + (uint64_t)i * 1000);
    measured(b, 1, 3 * DAY, 1008500); /* read late */
    failed(b, 1, HOUR, "cheat");
    ck_assert(says(b, &plain, " bw=1039 nick=relay1 bw_mean=1023515 bw_median=1023500 "));
    ck_assert(says(b, &plain, " success=41 error_circ=0 error_misc=1 "));
    ck_assert_str_eq(bwfile_name(NOW, name), "v3bw.2026-11-30-12-00-00");
    bwfile_free(b);
}
END_TEST

/* A quick try does not replace a whole run for a day, in whatever order they are read. */
START_TEST(test_bwfile_short_runs_wait_a_day)
{
    static const struct {
        int64_t age;
        unsigned counted;
        const char *bw;
    } runs[] = {{10 * HOUR, 2, " bw=3000 "},
                {10 * HOUR, 3, " bw=9000 "},
                {10 * HOUR, 0, " bw=9000 "},
                {HOUR, 2, " bw=9000 "}};
    char whole[] = ",\"began\":1,\"ok\":true,\"bw\":3000000,\"counted\":9", tried[100];
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (unsigned late = 0; late < 2; late++) {
            struct bwfile *b = network(1);
            snprintf(tried, sizeof tried, ",\"began\":1,\"ok\":true,\"bw\":9000000,\"counted\":%u",
                     runs[i].counted);
            if (late)
                line(b, 1, "end", runs[i].age, tried);
            line(b, 1, "end", 26 * HOUR, whole);
            if (!late)
                line(b, 1, "end", runs[i].age, tried);
            ck_assert_msg(says(b, &plain, runs[i].bw), "%zu, %u", i, late);
            ck_assert(says(b, &plain, " bw_mean=6000000 "));
            bwfile_free(b);
        }
}
END_TEST

/* Nothing recent, nothing from the future, nothing of relays that the network does not have. */
START_TEST(test_bwfile_without_results)
{
    struct bwfile *b = network(2);
    char *text;
    struct bwfile_sum sum;
    measured(b, 1, 8 * DAY, 1000000);
    measured(b, 1, -HOUR, 1000000);
    measured(b, 9, HOUR, 1000000);
    failed(b, 2, HOUR, "timeout");
    ck_err(bwfile_write(b, &plain, &text, &sum), ERR_NOT_FOUND);
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(sum.unknown, 1);
    bwfile_free(b);
}
END_TEST

/* Without a consensus there are figures, and nobody votes by them. */
START_TEST(test_bwfile_without_a_consensus)
{
    struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
    measured(b, 7, HOUR, 3000000);
    measured(b, 3, HOUR, 2000000);
    ck_assert(says(b, &plain, "0303 bw=2000 vote=0 under_min_report=1 bw_mean="));
    ck_assert(!says(b, &plain, "number_consensus_relays"));
    bwfile_free(b);
}
END_TEST

/* Who it is besides is known from results where there is no descriptor; a result of nobody that
 * can be named is counted, and one of a day to come is not believed. */
START_TEST(test_bwfile_takes_of_results_what_says_whose_they_are)
{
    static const char ed[] = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char rest[256], *text;
    struct bwfile_sum sum;
    struct result r;
    struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
    snprintf(rest, sizeof rest,
             ",\"began\":1,\"ok\":true,\"mode\":\"flashflow\",\"bw\":3000000,\"ed\":\"%s\"", ed);
    line(b, 7, "end", HOUR, rest);
    line(b, 7, "end", -HOUR, ",\"began\":1,\"ok\":true,\"mode\":\"flashflow\",\"bw\":9000000");
    ck_ok(results_parse(TEXT_LIT("{\"t\":\"end\",\"id\":1,\"ts\":1,\"ok\":true,\"bw\":5,"
                                 "\"addr\":\"192.0.2.1:9001\"}"),
                        &r));
    ck_ok(bwfile_result(b, &r));
    ck_ok(bwfile_write(b, &plain, &text, &sum));
    ck_assert_uint_eq(sum.unknown, 1);
    ck_assert_uint_eq(sum.measured, 1);
    snprintf(rest, sizeof rest, " master_key_ed25519=%s bw=3000 ", ed);
    ck_assert_ptr_nonnull(strstr(text, rest));
    free(text);
    bwfile_free(b);
}
END_TEST

/* A relay that says no has made its circuit; all attempts are of one kind or another. */
START_TEST(test_bwfile_kinds_of_errors_add_up)
{
    struct bwfile *b = network(3);
    measured(b, 1, 5 * HOUR, 3000000);
    failed(b, 1, 4 * HOUR, "timeout");
    failed(b, 1, 3 * HOUR, "refused");
    line(b, 1, "begin", 2 * HOUR, "");
    line(b, 1, "end", HOUR, ",\"ok\":false,\"why\":\"refused\"");
    ck_assert(says(b, &plain,
                   " success=1 error_circ=1 error_misc=3 "
                   "relay_recent_measurement_attempt_count=5 "
                   "relay_recent_measurement_failure_count=4 "));
    bwfile_free(b);
}
END_TEST

/* What somebody wrote into results spoils no line. */
START_TEST(test_bwfile_words_stay_words)
{
    struct bwfile *b = network(3);
    measured(b, 1, HOUR, 3000000);
    failed(b, 2, HOUR, "bw=5 node_id=$x");
    ck_assert(says(b, &plain, " ff_why=bw_5_node_id__x "));
    bwfile_free(b);
}
END_TEST

/* What a coordinator knows is the same as consensus and descriptors, as long as that is current. */
START_TEST(test_bwfile_of_a_listing)
{
    struct router relays[3];
    struct consensus c = {.relays = relays, .n_relays = 3, .valid_after_s = NOW - HOUR};
    const struct sha256 pin = {{1}};
    struct listing *l = listing_new(&pin);
    struct bwfile_sum sum;
    char *text;
    for (uint8_t i = 0; i < 3; i++) {
        relays[i] = (struct router){.rsa = rsa(i + 1), .bandwidth = 5000, .nickname = "x"};
        relays[i].flags = i == 2 ? ROUTER_AUTHORITY : ROUTER_RUNNING;
    }
    for (unsigned is_over = 0; is_over < 2; is_over++) {
        c.valid_after_s += 1;
        c.valid_until_s = is_over ? NOW - 3 * DAY : NOW + HOUR;
        ck_ok(listing_consensus(l, &c));
        struct bwfile *b = bwfile_new(NOW, BWFILE_AGE_S);
        ck_ok(bwfile_listing(b, l));
        measured(b, 1, HOUR, 3000000);
        measured(b, 2, HOUR, 4000000);
        ck_ok(bwfile_write(b, &plain, &text, &sum));
        ck_assert_uint_eq(sum.listed, is_over ? 0 : 3);
        ck_assert(sum.votes == !is_over);
        ck_assert((strstr(text, " consensus_bandwidth=5000") != NULL) == !is_over);
        free(text);
        bwfile_free(b);
    }
    listing_free(l);
}
END_TEST

TESTS("measure/bwfile", test_bwfile_every_key, test_bwfile_under_the_least, test_bwfile_capped,
      test_bwfile_rounded, test_bwfile_newest_wins, test_bwfile_short_runs_wait_a_day,
      test_bwfile_without_results, test_bwfile_without_a_consensus, test_bwfile_words_stay_words,
      test_bwfile_takes_of_results_what_says_whose_they_are, test_bwfile_kinds_of_errors_add_up,
      test_bwfile_of_a_listing)
