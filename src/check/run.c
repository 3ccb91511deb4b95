/* The run: all cases that were asked for, one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "check/know.h"
#include "check/pcirc.h"
#include "check/pmeas.h"
#include "check/trial.h"

enum { ASK_AGAIN = 3, ANSWER_MS = 5000, TRIES = 2 };

/* ---- which ---- */

static struct text section_of(const struct check_case *c)
{
    return (struct text){c->id, strcspn(c->id, "/")};
}

bool check_wants(const char *only, const struct check_case *c)
{
    struct text rest = text_of(only ? only : ""), word;
    if (!only)
        return true;
    while (text_split(&rest, ',', &word))
        if (text_is(word, c->id) || text_equal(word, section_of(c)))
            return true;
    return false;
}

static bool names_something(struct text word)
{
    for (size_t s = 0; s < check_n_sections; s++)
        for (size_t i = 0; i < check_sections[s]->n; i++) {
            const struct check_case *c = &check_sections[s]->cases[i];
            if (text_is(word, c->id) || text_equal(word, section_of(c)))
                return true;
        }
    return false;
}

const char *check_unknown(const char *only)
{
    struct text rest = text_of(only ? only : ""), word;
    while (text_split(&rest, ',', &word))
        if (!names_something(word))
            return word.s;
    return NULL;
}

/* ---- one ---- */

static void trial_end(struct trial *t)
{
    for (size_t i = 0; i < t->n_circs; i++)
        pcirc_free(t->circ[i]);
    for (size_t i = 0; i < t->n_meas; i++)
        pmeas_free(t->meas[i]);
    for (size_t i = 0; i < t->n_probes; i++)
        probe_free(t->probe[i]);
    for (size_t i = 0; i < t->n_odd; i++)
        tls_ctx_free(t->odd[i]);
}

static uint64_t most_us(const struct check_run *run)
{
    uint64_t ms = (uint64_t)run->answer_ms * TRIAL_ANSWERS;
    return (ms > TRIAL_LEAST_S * MS_PER_SEC ? ms : TRIAL_LEAST_S * MS_PER_SEC) * US_PER_MS;
}

/* A relay may end a circuit as idle whenever it likes, and then a failure says nothing: it is tried
 * once more. (C tor looks every few seconds, and takes a circuit for idle that is milliseconds old,
 * if no cell has gone out on its connection.) */
static void try_it(struct check_run *run, const struct check_case *c, void (*fn)(struct trial *t),
                   struct trial *t)
{
    for (int tries = 0; tries < TRIES; tries++) {
        *t = (struct trial){.run = run, .c = c, .end_us = run->env->mono_us + most_us(run)};
        know_others(t, c->needs);
        if (trial_goes_on(t))
            fn(t);
        trial_end(t);
        if (trial_goes_on(t) || !t->tidied_up)
            return;
        run->looked_for_others = run->next.known && run->third.known;
    }
}

static const struct check_case first = {.id = "the first connection"};

/* Asks the relay for its onion key once more, a few times in a run: one that has just begun may not
 * have had its descriptor. */
static void ask_for_key(struct check_run *run)
{
    struct trial t;
    if (!run->has_ntor && !run->no_dir && run->asked_again++ < ASK_AGAIN)
        try_it(run, &first, know_relay, &t);
}

void check_try(struct check_run *run, const struct check_case *c,
               void (*result)(void *arg, const struct check_result *r), void *arg)
{
    struct trial t;
    uint64_t began = run->env->mono_us;
    if (c->needs & NEEDS_KEY)
        ask_for_key(run);
    try_it(run, c, c->run, &t);
    struct check_result r = {
        .c = c,
        .verdict = t.verdict,
        .sent = t.sent,
        .awaited = t.awaited,
        .seen = t.seen,
        .why = t.why,
        .took_ms = (uint32_t)((run->env->mono_us - began) / US_PER_MS),
    };
    result(arg, &r);
}

/* ---- all ---- */

/* A first connection, so that a wrong address or port is one error and not 150. */
static err_t prepare(struct check_run *run, char *why, size_t cap)
{
    struct trial t;
    try_it(run, &first, know_relay, &t);
    snprintf(why, cap, "%s", t.why);
    return trial_goes_on(&t) ? OK : ERR_LINK_CONNECT;
}

err_t check_open(const struct check_config *config, struct check_run **out, char *why,
                 size_t why_cap)
{
    struct check_run *run = calloc(1, sizeof *run);
    snprintf(why, why_cap, "%s", "");
    if (!run)
        return ERR_NOMEM;
    *run = (struct check_run){.config = config,
                              .env = config->env,
                              .answer_ms = config->answer_ms ? config->answer_ms : ANSWER_MS,
                              .next = config->next};
    err_t e = tls_ctx_new_client(&run->tls);
    if (e == OK)
        e = prepare(run, why, why_cap);
    if (e == OK)
        *out = run;
    else
        check_close(run);
    return e;
}

unsigned check_connections(const struct check_run *run)
{
    return run->connections;
}

void check_close(struct check_run *run)
{
    if (!run)
        return;
    tls_ctx_free(run->tls);
    free(run);
}
