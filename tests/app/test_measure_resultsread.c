#include "app/measure/resultsread.h"

#include <sys/wait.h>
#include <unistd.h>

#include "measure/results.h"
#include "support/tempdir.h"

enum { LONG = 200000 };
#define FP "00000000000000000000000000000000000000AB"

static struct {
    struct log log;
    struct net *net;
    struct resultsread *reader;
    struct listing *listing;
    size_t named; /* lines with a nickname */
    size_t lines, bytes;
    bool over, good, holds;
} t;

static void setup(void)
{
    memset(&t, 0, sizeof t);
    t.log = (struct log){.least = LOG_ERR};
    new_dir();
    ck_ok(net_new(&t.log, NULL, &t.net));
}

static void teardown(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
    net_free(t.net);
    remove_dir();
}

/* N ends of today, each with a begin, every other one of the relay FP; PAD bytes longer. */
static void write_results(unsigned n, int pad)
{
    char name[RESULTS_NAME_MAX];
    FILE *f = fopen(in_dir(results_file(env_wall_s(net_env(t.net)), name)), "w");
    ck_assert_ptr_nonnull(f);
    for (unsigned i = 1; i <= n; i++) {
        fprintf(f, "{\"t\":\"begin\",\"id\":%u}\n", i);
        fprintf(f, "{\"t\":\"end\",\"id\":%u,\"fp\":\"%s\",\"detail\":\"%*s\"}\n", i,
                i % 2 ? FP : "00000000000000000000000000000000000000CD", pad, "");
    }
    fprintf(f, "{\"t\":\"end\",\"id\":%u,\"fp\":\"" FP, n);
    ck_assert_int_eq(fclose(f), 0);
}

static void lines(void *arg, struct text all)
{
    struct text line;
    ck_assert_ptr_eq(arg, &t);
    ck_assert_int_eq(all.s[all.len - 1], '\n');
    t.bytes += all.len;
    while (text_line(&all, &line)) {
        ck_assert(line.len > 2 && line.s[0] == '{' && line.s[line.len - 1] == '}');
        t.lines++;
        t.named += text_starts(line, "{\"nickname\":\"caer\",\"t\":\"end\",") ? 1 : 0;
    }
    resultsread_hold(t.reader, t.holds);
}

static void done(void *arg, bool good)
{
    ck_assert_ptr_eq(arg, &t);
    t.over = true;
    t.good = good;
    t.reader = NULL;
    net_stop(t.net);
}

static err_t start(const char *relay)
{
    const struct resultsread_of of = {
        .dir = dir, .relay = relay, .listing = t.listing, .lines = lines, .done = done, .arg = &t};
    t.lines = t.bytes = t.named = 0;
    t.over = false;
    return resultsread_start(t.net, &of, &t.reader);
}

static void read_all(const char *relay, size_t expected)
{
    ck_ok(start(relay));
    net_run(t.net);
    ck_assert(t.over && t.good);
    ck_assert_uint_eq(t.lines, expected);
}

START_TEST(test_resultsread_ends_of_all_or_one)
{
    setup();
    write_results(101, 300);
    read_all(NULL, 101);
    read_all(FP, 51);
    read_all("$" FP, 51);
    read_all("00000000000000000000000000000000000000EF", 0);
    ck_err(start("guard1"), ERR_ARG);
    teardown();
}
END_TEST

/* The relay FP, and two others of one name. */
static void list(void)
{
    const struct sha256 pin = {{0}};
    struct router relays[3] = {{.nickname = "caer"}, {.nickname = "twice"}, {.nickname = "Twice"}};
    const struct consensus c = {.relays = relays, .n_relays = 3, .valid_after_s = 1};
    relays[0].rsa.b[19] = 0xab;
    relays[1].rsa.b[19] = 0xac;
    relays[2].rsa.b[19] = 0xad;
    t.listing = listing_new(&pin);
    ck_ok(listing_consensus(t.listing, &c));
}

START_TEST(test_resultsread_by_name_and_with_names)
{
    setup();
    write_results(101, 300);
    list();
    read_all(NULL, 101);
    ck_assert_uint_eq(t.named, 51);
    read_all("Caer", 51);
    ck_assert_uint_eq(t.named, 51);
    ck_err(start("twice"), ERR_LIMIT);
    ck_err(start("guard1"), ERR_ARG);
    listing_free(t.listing);
    teardown();
}
END_TEST

/* Nearly as long as lines may be, so that many pieces make one. */
START_TEST(test_resultsread_lines_are_whole)
{
    setup();
    write_results(20, LONG);
    read_all(NULL, 20);
    ck_assert_uint_gt(t.bytes, 20 * LONG);
    teardown();
}
END_TEST

START_TEST(test_resultsread_waits_when_held)
{
    setup();
    write_results(20, LONG);
    t.holds = true;
    ck_ok(start(NULL));
    while (!t.lines)
        ck_ok(net_turn(t.net, true));
    for (int i = 0; i < 100; i++) {
        ck_ok(net_turn(t.net, false));
        usleep(1000);
    }
    ck_assert(!t.over && t.lines == 1);
    t.holds = false;
    resultsread_hold(t.reader, false);
    net_run(t.net);
    ck_assert(t.good && t.lines == 20);
    teardown();
}
END_TEST

START_TEST(test_resultsread_that_is_stopped_is_gone)
{
    setup();
    write_results(20, LONG);
    t.holds = true;
    ck_ok(start(NULL));
    while (!t.lines)
        ck_ok(net_turn(t.net, true));
    resultsread_stop(t.reader);
    ck_assert(!t.over);
    teardown();
}
END_TEST

START_TEST(test_resultsread_without_a_folder)
{
    setup();
    ck_assert_int_eq(rmdir(dir), 0);
    ck_ok(start(NULL));
    net_run(t.net);
    ck_assert(t.over && !t.good && !t.lines);
    new_dir();
    teardown();
}
END_TEST

TESTS("app/measure/resultsread", test_resultsread_ends_of_all_or_one,
      test_resultsread_by_name_and_with_names, test_resultsread_lines_are_whole,
      test_resultsread_waits_when_held, test_resultsread_that_is_stopped_is_gone,
      test_resultsread_without_a_folder)
