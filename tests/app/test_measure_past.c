/* What `tunic measure run` remembers of relays that are not of this computer. */
#include "app/measure/past.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/measure/folder.h"
#include "support/tempdir.h"

enum { NOW = 1764500000 }; /* 2025-11-30 10:53:20 */
#define DAY (24 * 3600)

static struct log quiet = {.least = LOG_ERR + 1};
static const struct meas_relay there = {.addrs = {{{.family = IP_V4, .b = {192, 0, 2, 7}}, 9001}},
                                        .n_addrs = 1};
static const struct meas_relay here = {.addrs = {{{.family = IP_V4, .b = {127, 0, 0, 1}}, 9001}},
                                       .n_addrs = 1};
static char why[PAST_WHY];
static struct past p;

static void setup(void)
{
    new_dir();
    setenv("XDG_STATE_HOME", in_dir("a/state"), 1);
    setenv("HOME", "/nowhere", 1);
}

/* A run that is as it was made: nobody has been told anything. */
struct lone {
    struct env *env;
    struct run *run;
    struct run_config config;
    struct results_of of;
};

static void nothing(void *arg, const struct run_result *result)
{
    (void)arg, (void)result;
}

static void new_lone(struct lone *l, uint32_t id, const struct meas_relay *at)
{
    static const struct run_ops ops = {.on_end = nothing};
    *l = (struct lone){.env = test_env(id)};
    l->config =
        (struct run_config){.meas_id = id, .relay = *at, .dur = 5, .sockets = 4, .n_members = 1};
    snprintf(l->config.members[0].name, sizeof l->config.members[0].name, "local");
    ck_ok(run_new(l->env, &l->config, &ops, NULL, &l->run));
    l->of = (struct results_of){l->run, &l->config};
}

static void free_lone(struct lone *l)
{
    run_free(l->run);
    test_env_free(l->env);
}

/* One that began at NOW_S; CODE: how it failed, -1: it did not, -2: its process was killed. */
static void measured(uint32_t id, const struct meas_relay *at, int64_t now_s, int code)
{
    struct lone l;
    struct run_result result = {.state = RUN_DONE, .conclusive = true};
    if (code >= 0) {
        result.state = RUN_FAILED;
        result.failure.code = (enum meas_code)code;
    }
    new_lone(&l, id, at);
    ck_assert_msg(past_take(&p, &quiet, at, now_s, why) == OK, "%s", why);
    ck_ok(past_begin(&p, &l.of, now_s, why));
    if (code > -2)
        past_end(&p, &l.of, &result, now_s + 30);
    past_leave(&p);
    free_lone(&l);
}

static void assert_refused(const struct meas_relay *at, int64_t now_s, const char *text)
{
    ck_err(past_take(&p, &quiet, at, now_s, why), ERR_LIMIT);
    ck_assert_str_eq(why, text);
}

START_TEST(test_past_twice_a_day)
{
    struct meas_relay other = there;
    setup();
    measured(1, &there, NOW, -1);
    measured(2, &there, NOW + 600, -1);
    assert_refused(&there, NOW + 3600, "it was measured twice: not for 23 h 0 min");
    other.addrs[0].port++;
    measured(3, &other, NOW + 3600, -1); /* another relay */
    assert_refused(&there, NOW + DAY - 60, "it was measured twice: not for 60 s");
    measured(4, &there, NOW + DAY, -1);
    assert_refused(&there, NOW + DAY + 60, "it was measured twice: not for 9 min");
    remove_dir();
}
END_TEST

/* By one address, by another, and by whom the link proves to be there. */
START_TEST(test_past_counts_by_whom_it_is)
{
    struct lone l;
    struct meas_relay moved = there, named = there;
    setup();
    named.has_fp = true;
    named.fp.b[0] = 7;
    moved.addrs[0].port = 443;
    measured(1, &named, NOW, -1);
    measured(2, &named, NOW + 60, -2);
    ck_ok(past_take(&p, &quiet, &moved, NOW + 3600, why));
    moved.has_fp = true;
    moved.fp = named.fp;
    new_lone(&l, 3, &moved);
    ck_err(past_begin(&p, &l.of, NOW + 3600, why), ERR_LIMIT);
    ck_assert_str_eq(why, "it was measured twice: not for 23 h 0 min");
    past_leave(&p);
    free_lone(&l);
    assert_refused(&moved, NOW + 3600, "it was measured twice: not for 23 h 0 min");
    remove_dir();
}
END_TEST

/* However often it is said. */
START_TEST(test_past_one_run_has_one_beginning)
{
    struct lone l;
    const struct run_result done = {.state = RUN_DONE, .conclusive = true};
    setup();
    new_lone(&l, 1, &there);
    ck_ok(past_take(&p, &quiet, &there, NOW, why));
    ck_ok(past_begin(&p, &l.of, NOW, why));
    ck_ok(past_begin(&p, &l.of, NOW, why));
    past_end(&p, &l.of, &done, NOW + 30);
    past_leave(&p);
    free_lone(&l);
    measured(2, &there, NOW + 60, -1);
    assert_refused(&there, NOW + 3600, "it was measured twice: not for 23 h 0 min");
    remove_dir();
}
END_TEST

START_TEST(test_past_a_beginning_without_an_end_counts)
{
    setup();
    measured(1, &there, NOW, -2);
    measured(2, &there, NOW + 60, -2);
    assert_refused(&there, NOW + 120, "it was measured twice: not for 23 h 58 min");
    remove_dir();
}
END_TEST

/* What was asked, and did not begin, has cost the relay nothing. */
START_TEST(test_past_what_never_began_does_not_count)
{
    struct lone l;
    const struct run_result refused = {.state = RUN_FAILED, .failure.code = MEAS_REFUSED};
    setup();
    new_lone(&l, 1, &there);
    for (int i = 0; i < 5; i++) {
        ck_ok(past_take(&p, &quiet, &there, NOW, why));
        past_end(&p, &l.of, &refused, NOW);
        past_leave(&p);
    }
    ck_ok(past_take(&p, &quiet, &there, NOW, why));
    past_leave(&p);
    free_lone(&l);
    remove_dir();
}
END_TEST

START_TEST(test_past_a_relay_that_hung_up_is_left_alone)
{
    setup();
    measured(1, &there, NOW, MEAS_RELAY_LOST);
    assert_refused(&there, NOW + 3600,
                   "it has sent us away, and is left alone: not for 23 h 0 min");
    struct meas_relay other = there; /* when it was only asked */
    struct lone l;
    const struct run_result lost = {.state = RUN_FAILED, .failure.code = MEAS_RELAY_LOST};
    other.addrs[0].port++;
    new_lone(&l, 2, &other);
    ck_ok(past_take(&p, &quiet, &other, NOW, why));
    past_end(&p, &l.of, &lost, NOW);
    past_leave(&p);
    free_lone(&l);
    assert_refused(&other, NOW + 3600,
                   "it has sent us away, and is left alone: not for 23 h 0 min");
    remove_dir();
}
END_TEST

START_TEST(test_past_loopback_is_free)
{
    struct stat st;
    setup();
    for (uint32_t i = 1; i < 6; i++)
        measured(i, &here, NOW, MEAS_RELAY_LOST);
    ck_assert_int_ne(stat(in_dir("a"), &st), 0); /* nothing is kept of it */
    ck_ok(past_take(&p, &quiet, &here, NOW, why));
    ck_assert_uint_eq(past_bytes_left(&p, NOW), 0); /* as many as it likes */
    past_leave(&p);
    remove_dir();
}
END_TEST

START_TEST(test_past_files_are_their_owners)
{
    setup();
    measured(1, &there, NOW, -1);
    ck_assert_int_eq(mode_of(in_dir("a/state")) & 0777, 0700);
    ck_assert_int_eq(mode_of(in_dir("a/state/tunic-measure")) & 0777, 0700);
    ck_assert_int_eq(mode_of(in_dir("a/state/tunic-measure/2025-11-30.jsonl")) & 0777, 0600);
    remove_dir();
}
END_TEST

/* Torn by a crash, or another's: what stands beside it counts. */
START_TEST(test_past_lines_that_are_none)
{
    setup();
    measured(1, &there, NOW, -1);
    FILE *f = fopen(in_dir("a/state/tunic-measure/2025-11-30.jsonl"), "a");
    fputs("\n# mine\n{\"t\":\"be", f);
    fclose(f);
    measured(2, &there, NOW + 60, -1);
    ck_err(past_take(&p, &quiet, &there, NOW + 120, why), ERR_LIMIT);
    remove_dir();
}
END_TEST

START_TEST(test_past_does_not_grow_for_ever)
{
    struct stat st;
    setup();
    measured(1, &there, NOW - 90 * DAY, -1);
    measured(2, &there, NOW - 10 * DAY, -1);
    measured(3, &there, NOW, -1);
    ck_assert_int_ne(stat(in_dir("a/state/tunic-measure/2025-09-01.jsonl"), &st), 0);
    ck_assert_int_ne(stat(in_dir("a/state/tunic-measure/2025-11-20.jsonl"), &st), 0);
    ck_assert_int_eq(stat(in_dir("a/state/tunic-measure/2025-11-30.jsonl"), &st), 0);
    ck_assert_int_eq(mode_of(in_dir("a/state/tunic-measure/2025-11-20.jsonl.gz")) & 0777, 0600);
    measured(4, &there, NOW + 60, -1);
    ck_err(past_take(&p, &quiet, &there, NOW + 120, why), ERR_LIMIT);
    remove_dir();
}
END_TEST

/* Two processes: neither knows what the other is about to do. */
START_TEST(test_past_one_at_a_time)
{
    struct past other;
    setup();
    ck_ok(past_take(&p, &quiet, &there, NOW, why));
    ck_err(past_take(&other, &quiet, &there, NOW, why), ERR_STATE);
    ck_assert_msg(strstr(why, "another tunic measure run"), "%s", why);
    ck_ok(past_take(&other, &quiet, &here, NOW, why));
    past_leave(&other);
    ck_assert_uint_eq(past_bytes_left(&p, NOW), POLITE_BYTES_A_DAY);
    past_leave(&p);
    ck_ok(past_take(&other, &quiet, &there, NOW, why));
    past_leave(&other);
    remove_dir();
}
END_TEST

START_TEST(test_past_without_a_place_nobody_is_measured)
{
    new_dir();
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    ck_err(past_take(&p, &quiet, &there, NOW, why), ERR_IO);
    ck_assert_msg(strstr(why, "neither HOME nor XDG_STATE_HOME"), "%s", why);
    setenv("XDG_STATE_HOME", "not/absolute", 1);
    ck_err(past_take(&p, &quiet, &there, NOW, why), ERR_IO);
    setenv("HOME", in_dir("home"), 1);
    ck_ok(past_take(&p, &quiet, &there, NOW, why));
    past_leave(&p);
    ck_assert_int_eq(mode_of(in_dir("home/.local/state/tunic-measure")) & 0777, 0700);
    FILE *f = fopen(in_dir("file"), "w");
    fclose(f);
    setenv("HOME", in_dir("file"), 1);
    ck_err(past_take(&p, &quiet, &there, NOW, why), ERR_IO);
    ck_assert_msg(strstr(why, "cannot make the folder") && strstr(why, "/file"), "%s", why);
    remove_dir();
}
END_TEST

START_TEST(test_folder_with_what_leads_to_it)
{
    char at[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX + 1];
    new_dir();
    ck_ok(folder_make(in_dir("x/y//z/"), at));
    ck_ok(folder_make(in_dir("x/y/z"), at)); /* it is there */
    ck_assert_int_eq(mode_of(in_dir("x/y/z")) & 0777, 0700);
    FILE *f = fopen(in_dir("x/file"), "w");
    fclose(f);
    ck_err(folder_make(in_dir("x/file/more"), at), ERR_IO);
    ck_assert_str_eq(at, in_dir("x/file"));
    ck_err(folder_make("", at), ERR_IO);
    memset(path, 'a', FOLDER_PATH_MAX);
    path[FOLDER_PATH_MAX] = 0;
    ck_err(folder_make(path, at), ERR_IO);
    remove_dir();
}
END_TEST

TESTS("app/measure/past", test_past_twice_a_day, test_past_counts_by_whom_it_is,
      test_past_a_beginning_without_an_end_counts, test_past_one_run_has_one_beginning,
      test_past_what_never_began_does_not_count, test_past_a_relay_that_hung_up_is_left_alone,
      test_past_loopback_is_free, test_past_files_are_their_owners, test_past_lines_that_are_none,
      test_past_does_not_grow_for_ever, test_past_one_at_a_time,
      test_past_without_a_place_nobody_is_measured, test_folder_with_what_leads_to_it)
