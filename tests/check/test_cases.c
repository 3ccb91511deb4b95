/* Every case of `tunic check`: an honest relay passes it, and a relay that breaks its rule, and
 * does all else right, fails it. Which fault breaks which rule is in tests/check/breaks/SECTION:
 * lines "case fault[=N]". A case without a line fails this test: it might be vacuous.
 *
 * The relay has its fault from the start, as a relay that somebody checks has: the check must not
 * give it up before the case. Only "case later fault[=N]" is of faults that come once it has begun:
 * without VERSIONS, say, it is no relay at all. */
#include <stdio.h>

#include "check/lab.h"
#include "faults/faults.h"

static struct lab lab;

struct outcome {
    enum check_verdict verdict;
    char text[2048];
};

static void note(void *arg, const struct check_result *r)
{
    struct outcome *o = arg;
    o->verdict = r->verdict;
    snprintf(o->text, sizeof o->text, "%s: %s\n  sent: %s\n  awaited: %s\n  seen: %s", r->c->id,
             r->why, r->sent, r->awaited, r->seen);
}

static const struct check_case *find(const char *id)
{
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++)
            if (!strcmp(check_sections[s]->cases[i].id, id))
                return &check_sections[s]->cases[i];
    return NULL;
}

static struct check_run *run_on_lab(void)
{
    struct check_run *run;
    char why[256];
    err_t e = check_open(&lab.config, &run, why, sizeof why);
    ck_assert_msg(e == OK, "%s", why);
    return run;
}

static struct check_run *run_new(void)
{
    lab_start(&lab);
    return run_on_lab();
}

static void run_free(struct check_run *run)
{
    check_close(run);
    lab_stop(&lab);
}

START_TEST(test_cases_pass_with_an_honest_relay)
{
    struct check_run *run = run_new();
    struct outcome o;
    unsigned bad = 0;
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++) {
            check_try(run, &check_sections[s]->cases[i], note, &o);
            if (o.verdict != CHECK_PASS)
                fprintf(stderr, "%s: %s\n", o.verdict == CHECK_SKIP ? "skipped" : "failed", o.text);
            bad += o.verdict != CHECK_PASS;
        }
    ck_assert_uint_eq(bad, 0);
    run_free(run);
}
END_TEST

static void set_faults(const char *names)
{
    char copy[160], *rest = copy, *fault;
    snprintf(copy, sizeof copy, "%s", names);
    while ((fault = strsep(&rest, " ")))
        ck_assert_msg(!*fault || fault_set(faults_of(lab.node), fault) == OK, "%s", fault);
}

static void no_faults(void)
{
    *faults_of(lab.node) = (struct faults){.n = {0}};
}

static void try_broken(const struct check_case *c, const char *faults, struct outcome *o)
{
    bool later = !strncmp(faults, "later ", 6);
    struct check_run *run;
    if (later) {
        run = run_on_lab();
        set_faults(faults + 6);
    } else {
        set_faults(faults);
        run = run_on_lab();
    }
    check_try(run, c, note, o);
    no_faults();
    check_close(run);
}

/* The lines of one section's file. Which cases it has is noted in TRIED. */
static unsigned break_section(const struct check_section *s, bool *tried)
{
    char path[128], line[256], id[64], faults[160];
    unsigned bad = 0;
    snprintf(path, sizeof path, "tests/check/breaks/%s", s->name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s is missing", path);
    while (fgets(line, sizeof line, f)) {
        struct outcome o;
        if (line[0] == '#' || sscanf(line, "%63s %159[^\n]", id, faults) != 2)
            continue;
        const struct check_case *c = find(id);
        ck_assert_msg(c >= s->cases && c < s->cases + s->n, "%s: no case %s", path, id);
        tried[c - s->cases] = true;
        try_broken(c, faults, &o);
        if (o.verdict != CHECK_FAIL)
            fprintf(stderr, "with %s passes all the same: %s\n", faults, o.text);
        bad += o.verdict != CHECK_FAIL;
    }
    fclose(f);
    return bad;
}

START_TEST(test_cases_fail_with_a_relay_that_breaks_their_rule)
{
    unsigned bad = 0;
    lab_start(&lab);
    for (size_t s = 0; s < check_n_sections; s++) {
        bool tried[256] = {false};
        bad += break_section(check_sections[s], tried);
        for (size_t i = 0; i < check_sections[s]->n; i++)
            if (!tried[i]) {
                fprintf(stderr, "no fault is known to fail %s\n", check_sections[s]->cases[i].id);
                bad++;
            }
    }
    ck_assert_uint_eq(bad, 0);
    lab_stop(&lab);
}
END_TEST

START_TEST(test_cases_are_tried_again_if_the_relay_took_the_circuit_for_idle)
{
    struct check_run *run = run_new();
    struct outcome o;
    ck_ok(fault_set(faults_of(lab.node), "relay-tidies-up=1"));
    check_try(run, find("streams/begin-dir"), note, &o);
    ck_assert_int_eq(o.verdict, CHECK_PASS);
    ck_ok(fault_set(faults_of(lab.node), "relay-breaks=13"));
    check_try(run, find("streams/begin-dir"), note, &o);
    ck_assert_int_eq(o.verdict, CHECK_FAIL);
    run_free(run);
}
END_TEST

/* What others extend to is known from the command line then, as is the relay's onion key. */
START_TEST(test_cases_ask_nothing_of_a_relay_that_is_no_directory_but_what_it_has)
{
    struct outcome o;
    unsigned passed = 0;
    lab_start(&lab);
    set_faults("streams-no-dir");
    lab_know(&lab);
    struct check_run *run = run_on_lab();
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++) {
            check_try(run, &check_sections[s]->cases[i], note, &o);
            ck_assert_msg(o.verdict != CHECK_FAIL, "%s", o.text);
            passed += o.verdict == CHECK_PASS;
        }
    ck_assert_uint_gt(passed, 150);
    run_free(run);
}
END_TEST

START_TEST(test_cases_have_ids_of_their_section_and_no_two_the_same)
{
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++) {
            const struct check_case *c = &check_sections[s]->cases[i];
            size_t len = strlen(check_sections[s]->name);
            ck_assert_msg(!strncmp(c->id, check_sections[s]->name, len) && c->id[len] == '/', "%s",
                          c->id);
            ck_assert_ptr_eq(find(c->id), c);
            ck_assert(c->rule[0] && c->spec[0]);
        }
}
END_TEST

TESTS("check cases", test_cases_pass_with_an_honest_relay,
      test_cases_fail_with_a_relay_that_breaks_their_rule,
      test_cases_are_tried_again_if_the_relay_took_the_circuit_for_idle,
      test_cases_ask_nothing_of_a_relay_that_is_no_directory_but_what_it_has,
      test_cases_have_ids_of_their_section_and_no_two_the_same)
