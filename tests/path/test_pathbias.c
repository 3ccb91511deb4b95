/* Path bias: what is counted of circuits through a guard, what is told of it, what is kept. */
#include "path/guardbed.h"
#include "path/pathbias.h"

enum { MOST = 400 };

struct world {
    struct bed *b;
    struct log log;
    char told[16384];
    struct guard_circuit c[MOST];
    size_t n;
};

static void keep(void *arg, enum log_level level, const char *line)
{
    struct world *w = arg;
    size_t at = strlen(w->told);
    snprintf(w->told + at, sizeof w->told - at, "%s: %s\n", log_level_name(level), line);
}

static void setup(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->b = bed_new(1);
    w->log = (struct log){.least = LOG_NOTICE, .sink = keep, .arg = w};
    w->b->env->log = &w->log;
}

static void teardown(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        guard_circuit_end(w->b->g, &w->c[i]);
    w->b->env->log = NULL;
    bed_free(w->b);
}

/* One more circuit through the first guard, up to where STATE says. */
static struct guard_circuit *circuit(struct world *w, enum pathbias_state state)
{
    struct guard_circuit *c = &w->c[w->n++];
    struct path_pick p = {.hop = {pick(w->b, NULL)}, .n = 3, .guard_use = GUARD_USABLE};
    guard_circuit_begin(w->b->g, c, &p);
    if (state >= PATHBIAS_ATTEMPTED)
        ck_assert(pathbias_attempted(w->b->g, c));
    if (state >= PATHBIAS_BUILT)
        ck_assert(guard_circuit_built(w->b->g, c, w->b->nd));
    if (state >= PATHBIAS_USED)
        pathbias_used(w->b->g, c);
    if (state == PATHBIAS_ANSWERED)
        pathbias_answered(c);
    if (state == PATHBIAS_FAILED)
        pathbias_garbled(c);
    ck_assert_int_eq(c->bias, state);
    return c;
}

static void closed(struct world *w, struct guard_circuit *c, bool ours)
{
    pathbias_closed(w->b->g, c, ours);
    guard_circuit_end(w->b->g, c);
    pathbias_closed(w->b->g, c, ours); /* once is enough */
}

static void run(struct world *w, enum pathbias_state state, unsigned times)
{
    for (; times; times--)
        closed(w, circuit(w, state), true);
}

/* The first guard's counts in what is saved, from the first pb_ on. */
static void check_counts(struct world *w, const char *wanted)
{
    char *text = saved(w->b);
    const char *at = strstr(text, "pb_");
    size_t len = at ? strcspn(at, "\n") : 0;
    ck_assert_msg(len == strlen(wanted) && (!len || memcmp(at, wanted, len) == 0), "%.*s", (int)len,
                  at ? at : "");
    free(text);
}

START_TEST(test_pathbias_counts_each_circuit_once)
{
    struct world w;
    setup(&w);
    closed(&w, circuit(&w, PATHBIAS_NEW), false);
    check_counts(&w, "");
    closed(&w, circuit(&w, PATHBIAS_ATTEMPTED), false);
    check_counts(&w, "pb_circ_attempts=1.000000");
    closed(&w, circuit(&w, PATHBIAS_BUILT), false);
    closed(&w, circuit(&w, PATHBIAS_BUILT), true);
    check_counts(&w, "pb_circ_attempts=3.000000 pb_circ_successes=2.000000 "
                     "pb_successful_circuits_closed=1.000000 pb_collapsed_circuits=1.000000");
    closed(&w, circuit(&w, PATHBIAS_ANSWERED), false);
    closed(&w, circuit(&w, PATHBIAS_USED), true);
    closed(&w, circuit(&w, PATHBIAS_FAILED), true);
    check_counts(&w, "pb_use_attempts=3.000000 pb_use_successes=1.000000 "
                     "pb_circ_attempts=6.000000 pb_circ_successes=5.000000 "
                     "pb_successful_circuits_closed=2.000000 pb_collapsed_circuits=1.000000 "
                     "pb_unusable_circuits=2.000000");
    struct guard_circuit *c = circuit(&w, PATHBIAS_ATTEMPTED);
    pathbias_timed_out(w.b->g, c);
    closed(&w, c, true);
    ck_assert(guards_dirty(w.b->g));
    teardown(&w);
}
END_TEST

/* What is open is for the next run as if it ended well. */
START_TEST(test_pathbias_gives_open_circuits_the_benefit_of_the_doubt)
{
    struct world w;
    setup(&w);
    (void)circuit(&w, PATHBIAS_ATTEMPTED);
    (void)circuit(&w, PATHBIAS_BUILT);
    (void)circuit(&w, PATHBIAS_USED);
    check_counts(&w, "pb_use_attempts=1.000000 pb_use_successes=1.000000 "
                     "pb_circ_attempts=3.000000 pb_circ_successes=2.000000 "
                     "pb_successful_circuits_closed=2.000000");
    teardown(&w);
}
END_TEST

START_TEST(test_pathbias_probes_what_was_used_in_vain)
{
    struct world w;
    setup(&w);
    struct guard_circuit *c = circuit(&w, PATHBIAS_USED);
    ck_assert(pathbias_wants_probe(c));
    pathbias_answered(c);
    ck_assert(!pathbias_wants_probe(c));
    pathbias_left(c); /* another stream left it, and is tried elsewhere */
    ck_assert(pathbias_wants_probe(c));
    pathbias_garbled(c);
    ck_assert(!pathbias_wants_probe(c));
    ck_assert(!pathbias_wants_probe(circuit(&w, PATHBIAS_BUILT)));
    teardown(&w);
}
END_TEST

START_TEST(test_pathbias_leaves_out_what_a_controller_chose)
{
    struct world w;
    setup(&w);
    struct guard_circuit *c = circuit(&w, PATHBIAS_NEW);
    pathbias_ignore(c);
    ck_assert(pathbias_attempted(w.b->g, c));
    ck_assert(guard_circuit_built(w.b->g, c, w.b->nd));
    pathbias_used(w.b->g, c);
    pathbias_timed_out(w.b->g, c);
    closed(&w, c, true);
    check_counts(&w, "");
    struct path_pick p = {.hop = {pick(w.b, NULL)}, .n = 3, .guard_use = GUARD_NONE};
    guard_circuit_begin(w.b->g, c, &p);
    ck_assert(pathbias_attempted(w.b->g, c));
    closed(&w, c, true);
    check_counts(&w, "");
    teardown(&w);
}
END_TEST

/* Of 151 circuits, 150 of them counted before the last, so many came to stand. */
START_TEST(test_pathbias_tells_of_circuits_that_fail)
{
    static const struct {
        unsigned good;
        const char *told;
    } table[] = {
        {106, ""},
        {104, "notice: Guard "},
        {74, "warn: Guard "},
        {44, "warn: Guard "},
    };
    static const char *const words[] = {
        "", "is failing more circuits than usual.", "is failing a very large amount of circuits.",
        "is failing an extremely large amount of circuits. It may be choosing"};
    for (size_t i = 0; i < 4; i++) {
        struct world w;
        setup(&w);
        run(&w, PATHBIAS_BUILT, table[i].good);
        run(&w, PATHBIAS_ATTEMPTED, 151 - table[i].good);
        ck_assert_str_eq(w.told, ""); /* "pb_mincircs": 150 */
        run(&w, PATHBIAS_ATTEMPTED, 2);
        ck_assert_int_eq(strncmp(w.told, table[i].told, strlen(table[i].told)), 0);
        ck_assert_ptr_nonnull(strstr(w.told, words[i]));
        if (table[i].told[0]) {
            ck_assert_ptr_nonnull(strstr(w.told, "/151. Use counts are 0/0. "));
            ck_assert_ptr_eq(strchr(w.told, '\n'), w.told + strlen(w.told) - 1); /* once */
        }
        ck_assert(info_of(w.b, &w.c[0].guard).filtered);
        teardown(&w);
    }
}
END_TEST

START_TEST(test_pathbias_tells_of_streams_that_fail)
{
    static const char *const words[] = {"", "is failing to carry more streams",
                                        "is failing to carry an extremely large amount of streams"};
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        setup(&w);
        run(&w, PATHBIAS_ANSWERED, i == 0 ? 18 : i == 1 ? 15 : 10);
        run(&w, PATHBIAS_FAILED, i == 0 ? 3 : i == 1 ? 6 : 11);
        ck_assert_str_eq(w.told, "");
        run(&w, PATHBIAS_ANSWERED, 1);
        ck_assert_ptr_nonnull(strstr(w.told, words[i]));
        ck_assert_int_eq(w.told[0] != 0, i > 0);
        teardown(&w);
    }
}
END_TEST

static void decide(struct world *w, enum config_choice drops)
{
    w->b->cfg.path_bias.drop_guards = drops;
    ck_ok(guards_update(w->b->g, w->b->nd, &w->b->cfg));
}

START_TEST(test_pathbias_rules_guards_out_if_asked)
{
    struct world w;
    setup(&w);
    struct rsa_id first = id_at(w.b, 0);
    decide(&w, CONFIG_YES);
    run(&w, PATHBIAS_ATTEMPTED, 151);
    struct path_pick p = {.hop = {pick(w.b, NULL)}, .n = 3, .guard_use = GUARD_USABLE};
    guard_circuit_begin(w.b->g, &w.c[w.n], &p);
    ck_assert(!pathbias_attempted(w.b->g, &w.c[w.n++]));
    ck_assert_ptr_nonnull(strstr(w.told, "It is used no more (PathBiasDropGuards)"));
    remake(w.b);
    ck_assert(!info_of(w.b, &first).filtered && !info_of(w.b, &first).primary);
    char *text = saved(w.b);
    load(w.b, text); /* what is in the file is enough */
    remake(w.b);
    ck_assert(!info_of(w.b, &first).filtered);
    decide(&w, CONFIG_NO);
    load(w.b, text);
    remake(w.b);
    ck_assert(info_of(w.b, &first).filtered);
    free(text);
    teardown(&w);
}
END_TEST

/* Past 300 circuits (100 uses) all counts are halved, but for what is open. */
START_TEST(test_pathbias_scales_old_counts_down)
{
    struct world w;
    setup(&w);
    run(&w, PATHBIAS_ANSWERED, 101);
    check_counts(&w, "pb_use_attempts=101.000000 pb_use_successes=101.000000 "
                     "pb_circ_attempts=101.000000 pb_circ_successes=101.000000 "
                     "pb_successful_circuits_closed=101.000000");
    run(&w, PATHBIAS_ANSWERED, 1);
    check_counts(&w, "pb_use_attempts=51.500000 pb_use_successes=51.500000 "
                     "pb_circ_attempts=102.000000 pb_circ_successes=102.000000 "
                     "pb_successful_circuits_closed=102.000000");
    run(&w, PATHBIAS_BUILT, 197);
    (void)circuit(&w, PATHBIAS_BUILT);
    (void)circuit(&w, PATHBIAS_BUILT); /* 301 by now */
    (void)circuit(&w, PATHBIAS_ATTEMPTED);
    check_counts(&w, "pb_use_attempts=51.500000 pb_use_successes=51.500000 "
                     "pb_circ_attempts=153.000000 pb_circ_successes=151.500000 "
                     "pb_successful_circuits_closed=151.500000");
    teardown(&w);
}
END_TEST

START_TEST(test_pathbias_thresholds_are_torrcs_or_the_consensuss)
{
    struct world w;
    setup(&w);
    w.b->cfg.path_bias.circ_threshold = 5;
    w.b->cfg.path_bias.notice_rate = 1;
    w.b->cfg.path_bias.warn_rate = 0;
    w.b->cfg.path_bias.extreme_rate = 0;
    decide(&w, CONFIG_NO);
    run(&w, PATHBIAS_BUILT, 5);
    run(&w, PATHBIAS_ATTEMPTED, 1);
    ck_assert_str_eq(w.told, "");
    run(&w, PATHBIAS_ATTEMPTED, 1);
    ck_assert_ptr_nonnull(strstr(w.told, "notice: Guard "));
    w.b->cfg.path_bias.circ_threshold = 4; /* tor's least is 5: the consensus decides */
    struct netgen g = {.relays = w.b->relays,
                       .n = RELAYS,
                       .params = "pb_dropguards=1 pb_extremepct=99 pb_mincircs=7"};
    w.b->cfg.path_bias.extreme_rate = -1;
    netdir_unref(&w.b->nd);
    w.b->nd = netgen_make(&g);
    decide(&w, CONFIG_AUTO);
    run(&w, PATHBIAS_ATTEMPTED, 1);
    ck_assert_ptr_null(strstr(w.told, "used no more"));
    struct path_pick p = {.hop = {pick(w.b, NULL)}, .n = 3, .guard_use = GUARD_USABLE};
    guard_circuit_begin(w.b->g, &w.c[w.n], &p);
    ck_assert(!pathbias_attempted(w.b->g, &w.c[w.n++]));
    ck_assert_ptr_nonnull(strstr(w.told, "used no more"));
    teardown(&w);
}
END_TEST

START_TEST(test_pathbias_counts_survive_a_restart_and_damage)
{
    struct world w;
    setup(&w);
#define FIRST "Guard in=default rsa_id=000000000000000000000000000000000000000A"
#define REST  " sampled_on=2025-12-01T10:11:12 sampled_idx=0 listed=1"
    static const char all[] = FIRST REST
        " pb_use_attempts=1.500000 pb_use_successes=1.250000 pb_circ_attempts=9.000000 "
        "pb_circ_successes=8.000000 pb_successful_circuits_closed=7.000000 "
        "pb_collapsed_circuits=6.000000 pb_unusable_circuits=5.000000 pb_timeouts=4.000000\n";
    load(w.b, all);
    char *text = saved(w.b);
    ck_assert_ptr_nonnull(strstr(text, all));
    free(text);
    load(w.b, FIRST REST " pb_timeouts=nan pb_use_attempts=-1 pb_circ_attempts=1e10 "
                         "pb_circ_successes=x pb_collapsed_circuits= pb_unusable_circuits=1x\n");
    check_counts(&w, "");
    teardown(&w);
}
END_TEST

TESTS("path/pathbias", test_pathbias_counts_each_circuit_once,
      test_pathbias_gives_open_circuits_the_benefit_of_the_doubt,
      test_pathbias_probes_what_was_used_in_vain, test_pathbias_leaves_out_what_a_controller_chose,
      test_pathbias_tells_of_circuits_that_fail, test_pathbias_tells_of_streams_that_fail,
      test_pathbias_rules_guards_out_if_asked, test_pathbias_scales_old_counts_down,
      test_pathbias_thresholds_are_torrcs_or_the_consensuss,
      test_pathbias_counts_survive_a_restart_and_damage)
