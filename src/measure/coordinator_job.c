/* Jobs of the coordinator: the row in which they wait, and their runs. How one ends is
 * coordinator_end.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/alloc.h"
#include "measure/consent.h"
#include "measure/coordinator_plan.h"

enum { LOOK_MS = 1000 };

/* ---- a run's side ---- */

static void ask(void *arg, const struct meas_params *params)
{
    struct cjob *j = arg;
    struct coordinator *c = j->coordinator;
    err_t e = c->ops->talk(c->arg, j->meas_id, &j->config.relay, params, &j->talk);
    if (e != OK)
        run_refused(j->run, MEAS_RESOURCES, "nothing could be asked: out of memory");
}

static void leave(void *arg, bool aborted)
{
    cjob_leave_relay(arg, aborted);
}

/* On disk before the first measuring byte: so that a crash does not make it forgotten. */
static err_t record_begin(struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    const struct results_of of = {j->run, &j->config};
    char *line = results_begin(&of, j->began_s);
    err_t e = line ? c->ops->record(c->arg, line, true) : ERR_NOMEM;
    free(line);
    j->recorded = e == OK;
    if (j->recorded)
        cpolite_counts(j);
    return e;
}

static void connect(void *arg, size_t k, const struct connect_to_relay *told)
{
    struct cjob *j = arg;
    err_t e = j->recorded ? OK : record_begin(j);
    if (e != OK) {
        run_cancel(j->run, e == ERR_FULL ? "its beginning could not be written to the results: "
                                           "the disk is full"
                                         : "its beginning could not be written to the results");
        return;
    }
    if (j->team[k])
        coord_proto_send(j->team[k]->proto, &(struct msg){.type = MSG_CONNECT_TO_RELAY,
                                                          .meas_id = told->meas_id,
                                                          .connect = *told});
}

static void say(struct cjob *j, size_t k, const struct msg *m)
{
    if (j->team[k])
        coord_proto_send(j->team[k]->proto, m);
}

static void go(void *arg, size_t k, uint32_t meas_id)
{
    say(arg, k, &(struct msg){.type = MSG_GO, .meas_id = meas_id});
}

static void alloc(void *arg, size_t k, uint32_t meas_id, uint64_t alloc_bw)
{
    say(arg, k, &(struct msg){.type = MSG_ALLOC, .meas_id = meas_id, .alloc_bw = alloc_bw});
}

static void cancel(void *arg, size_t k, uint32_t meas_id)
{
    say(arg, k, &(struct msg){.type = MSG_CANCEL, .meas_id = meas_id});
}

static void on_state(void *arg, enum run_state state)
{
    ctell_state(arg, run_state_name(state));
}

static void on_second(void *arg, const struct run_second *s)
{
    struct cjob *j = arg;
    j->newest = *s;
    ctell_second(j, s);
    j->coordinator->plan_ops->second(j);
}

static void rest(struct coordinator *c, const struct ip *ip)
{
    uint64_t until_us = c->env->mono_us + COORDINATOR_REST_MS * (uint64_t)US_PER_MS;
    c->rests[c->next_rest] = (struct crest){*ip, until_us};
    c->next_rest = (c->next_rest + 1) % COORDINATOR_RESTS;
}

/* It does not know measuring, and nobody has said how: its turn comes anew as one of unmodified
 * tor. */
static void measure_as_tor(struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    cjob_leave_relay(j, true);
    cteam_give_back(j);
    cteam_forget(j);
    run_free(j->run);
    j->run = NULL;
    j->any_mode = false;
    j->config.mode = MEAS_ECHO2;
    j->config.sockets = polite_sockets(j->config.sockets);
    ctell_state(j, "it does not know measuring: measured as one of unmodified tor (echo2)");
    env_arm_ms(c->env, &c->look, 0);
}

/* Then seconds may be lost to a run, and whoever is late has a loop that hangs, or a long way. */
static void warn_of_skew(const struct cjob *j, const struct run_result *result)
{
    if (result->skew_ms > RUN_SKEW_MS && result->skewed < j->config.n_members)
        log_warn(
            j->coordinator->env->log,
            "%s: seconds of measurer %s and ours lay %u ms apart, over the %d ms that are borne",
            j->relay, j->config.members[result->skewed].name, result->skew_ms, RUN_SKEW_MS);
}

static void on_end(void *arg, const struct run_result *result)
{
    struct cjob *j = arg;
    struct coordinator *c = j->coordinator;
    const struct results_of of = {j->run, &j->config};
    int64_t now_s = env_wall_s(c->env);
    bool away = result->state == RUN_FAILED && result->failure.code == MEAS_RELAY_LOST;
    /* Whose failure it is was not told by the run: it may be alive all the same. */
    if (result->state == RUN_FAILED && result->member < j->config.n_members)
        cancel(j, result->member, j->meas_id);
    cpolite_end(j, now_s, cjob_bytes(j), away);
    c->counts.checked += result->checked;
    c->counts.bad += result->bad;
    c->counts.bytes += cjob_bytes(j);
    rest(c, &j->config.relay.addrs[0].ip);
    if (j->any_mode && result->state == RUN_FAILED && result->failure.code == MEAS_UNSUPPORTED) {
        measure_as_tor(j);
        return;
    }
    warn_of_skew(j, result);
    if (!run_why(result))
        cjob_compare(j);
    cjob_over(j, run_why(result), result->next_prior,
              results_end(&of, result, j->recorded ? j->began_s : 0, now_s));
}

static const struct run_ops run_ops = {
    .ask = ask,
    .leave = leave,
    .connect = connect,
    .go = go,
    .alloc = alloc,
    .cancel = cancel,
    .on_state = on_state,
    .on_second = on_second,
    .on_end = on_end,
};

/* ---- the row ---- */

static bool any_runs(const struct coordinator *c)
{
    for (struct cjob *j = c->jobs; j; j = j->next)
        if (j->run)
            return true;
    return false;
}

static bool is_resting(const struct coordinator *c, const struct ip *ip)
{
    for (size_t i = 0; i < COORDINATOR_RESTS; i++)
        if (c->rests[i].until_us > c->env->mono_us && ip_equal(&c->rests[i].ip, ip))
            return true;
    return false;
}

static void begin(struct cjob *j, uint64_t sum)
{
    struct coordinator *c = j->coordinator;
    char why[POLITE_WHY_MAX] = "";
    j->began_s = env_wall_s(c->env);
    err_t e = cpolite_begin(j, why);
    if (e == ERR_LIMIT) {
        cteam_forget(j);
        cjob_refuse(j, "resting", why);
        return;
    }
    cteam_reserve(j, sum);
    j->config.patience_ms = c->ops->talk_ms;
    if (e == OK)
        e = run_new(c->env, &j->config, &run_ops, j, &j->run);
    if (e == OK) {
        run_reached(j->run, &j->reached);
        run_start(j->run);
        return;
    }
    cpolite_end(j, j->began_s, 0, false);
    cjob_refuse(j, "cancelled", err_text(e));
}

/* False: nothing behind it can begin either. */
static bool try_begin(struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    uint64_t waited = c->env->mono_us - j->queued_us;
    bool planned = j->item != NULL;
    const struct ip *ip = &j->config.relay.addrs[0].ip;
    if (cpolite_is_measured(j) || is_resting(c, ip))
        return true;
    uint64_t sum = cteam_gather(j);
    uint64_t wanted = alloc_wanted(j->config.prior, j->config.multiplier);
    bool enough = sum && (j->item || sum >= wanted || !any_runs(c));
    if (enough) {
        begin(j, sum);
        return true;
    }
    cteam_forget(j);
    if (!coordinator_measurers(c) && !j->waits_for_anybody) {
        j->waits_for_anybody = true;
        ctell_state(j, "waits: no measurer is connected");
    }
    if (!coordinator_measurers(c) && waited >= COORDINATOR_PATIENCE_S * (uint64_t)US_PER_SEC)
        cjob_refuse(j, "measurer_lost", "no measurer is connected");
    return planned;
}

void cjob_look(void *coordinator)
{
    struct coordinator *c = coordinator;
    bool more = true;
    for (struct cjob *j = c->jobs, *next; j && more; j = next) {
        next = j->next;
        if (!j->run && !j->proving && cjob_prove(j))
            more = try_begin(j);
    }
    if (c->jobs)
        env_arm_ms(c->env, &c->look, LOOK_MS);
}

/* ---- what measurers and relays say ---- */

static size_t place_of(const struct cjob *j, const struct csession *s)
{
    size_t k = 0;
    while (k < j->config.n_members && j->team[k] != s)
        k++;
    return k;
}

void cjob_session_lost(struct coordinator *c, struct csession *s, const char *why)
{
    for (struct cjob *j = c->jobs; j; j = j->next) {
        size_t k = j->run ? place_of(j, s) : j->config.n_members;
        if (k == j->config.n_members)
            continue;
        j->team[k] = NULL;
        run_lost(j->run, k, why);
    }
}

static void connected(struct cjob *j, size_t k, const struct connected_to_relay *m)
{
    run_connected(j->run, k, m);
    if (run_is_held(j->run))
        j->coordinator->plan_ops->held(j->coordinator);
}

void cjob_session_msg(struct csession *s, const struct msg *m)
{
    struct coordinator *c = s->coordinator;
    struct cjob *j = cjob_find(c, m->meas_id);
    size_t k = j && j->run ? place_of(j, s) : 0;
    if (m->type == MSG_FAILURE)
        log_notice(c->env->log, "Measurer %s says of %u: %s %s", s->who.name, m->meas_id,
                   meas_code_name(m->failure.code), m->failure.info);
    /* Of one that is over, or is another's: nothing of it is believed, and nothing else is hurt. */
    if (!j || !j->run || k == j->config.n_members)
        return;
    if (m->type == MSG_CONNECTED_TO_RELAY)
        connected(j, k, &m->connected);
    else if (m->type == MSG_BW_REPORT)
        run_report(j->run, k, &m->report);
    else if (m->type == MSG_FAILURE)
        run_failed(j->run, k, &m->failure);
}

void coordinator_relay_granted(struct coordinator *c, uint32_t meas_id,
                               const struct meas_ext *limits, const struct ed_id *peer)
{
    struct cjob *j = cjob_find(c, meas_id);
    if (!j || !j->run)
        return;
    if (peer) {
        j->config.relay.ed25519 = *peer; /* for the results */
        j->config.relay.has_ed25519 = true;
        run_proved(j->run, NULL, peer);
        cpolite_met(j, NULL);
    }
    run_granted(j->run, limits);
}

void coordinator_relay_bg(struct coordinator *c, uint32_t meas_id, const struct meas_bg *bg)
{
    struct cjob *j = cjob_find(c, meas_id);
    if (j && j->run)
        run_bg(j->run, bg);
}

void coordinator_relay_ended(struct coordinator *c, uint32_t meas_id, enum meas_code code,
                             const char *text)
{
    struct cjob *j = cjob_find(c, meas_id);
    if (j && j->run)
        run_refused(j->run, code, text);
}
