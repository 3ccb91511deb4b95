/* A coordinator, measurers and relays, all of them whole and in memory under virtual time: the very
 * machines that run, real TLS on every wire, and relays of the test network, which can break every
 * rule of faults.h. */
#ifndef TUNIC_TESTS_WHOLETEAM_H
#define TUNIC_TESTS_WHOLETEAM_H

#include "faults/faults.h"
#include "measure/relay_talk.h"
#include "support/measureteam.h"
#include "testnet/node_int.h"
#include "testnet/peer.h"

enum { WHOLE_TALKS = 64, WHOLE_STEP_MS = 10 };

struct whole_job {
    struct team_measurer *of;
    uint32_t meas_id;
    struct measurement *it;
};

struct whole_talk {
    uint32_t meas_id;
    struct relay_talk *it;
    bool over; /* to be freed when nobody is in it */
};

static struct whole {
    struct wired w;
    struct whole_talk talks[WHOLE_TALKS];
    unsigned dials_that_fail; /* no descriptors are left for so many links */
} whole;

static struct party whole_coord, whole_measurer[TEAM_MOST];

/* ---- links to relays ---- */

static inline void whole_forget_wires(void)
{
    size_t n = 0;
    for (size_t i = 0; i < whole.w.n_wires; i++)
        if (whole.w.wire[i].a || whole.w.wire[i].b)
            whole.w.wire[n++] = whole.w.wire[i];
    whole.w.n_wires = n;
}

static inline void whole_dial_from(struct link *l, uint8_t host)
{
    const uint8_t home[4] = {127, 0, 0, host};
    const struct ip from = ip_v4(home);
    if (whole.w.n_wires >= WIRES_MAX - 2)
        whole_forget_wires();
    if (whole.dials_that_fail) {
        whole.dials_that_fail--;
        wired_join(&whole.w, l, NULL);
        return;
    }
    wired_dial(&whole.w, l, &from, &link_target(l)->reach.addr);
}

static void whole_dial(void *world, struct link *l)
{
    (void)world;
    whole_dial_from(l, 2);
}

/* As a socket: what there is goes out first. */
static void whole_hangup(void *world, struct link *l)
{
    (void)world;
    for (size_t i = 0; i < whole.w.n_wires; i++) {
        const struct wire x = whole.w.wire[i];
        if (x.a == l && x.b)
            while (wired_move(x.a, x.b))
                continue;
    }
    wired_hangup(&whole.w, l);
}

static const struct meas_world whole_world = {whole_dial, wired_output, whole_hangup, NULL};

/* ---- what measures ---- */

static void whole_on_connected(void *arg, const struct connected_to_relay *m)
{
    measurer_connected(((struct whole_job *)arg)->of->m, m);
}

static void whole_on_report(void *arg, const struct bw_report *m)
{
    const struct whole_job *j = arg;
    const struct team_fault *f = &j->of->fault;
    struct bw_report r = *m;
    if (f->no_reports && r.sec > f->from_s)
        return;
    if (f->boasts)
        r.recv *= f->boasts;
    measurer_report(j->of->m, &r);
}

static void whole_on_end(void *arg, const struct meas_failure *failure)
{
    const struct whole_job *j = arg;
    measurer_ended(j->of->m, j->meas_id, failure);
}

static const struct measurement_ops whole_meas_ops = {whole_on_connected, whole_on_report,
                                                      whole_on_end};

static err_t whole_begin(void *arg, const struct connect_to_relay *told, void **job,
                         char info[MEAS_INFO_MAX])
{
    struct team_measurer *m = arg;
    struct whole_job *j = calloc(1, sizeof *j);
    const struct measurement_config config = {
        .name = m->conf.name,
        .link = {.tls = whole.w.tls, .identity = &whole_measurer[m->place].id},
        .ops_world = &whole_world,
        .world = &whole,
        .dead_man = true,
        .open_over_ms = 100};
    *j = (struct whole_job){.of = m, .meas_id = told->meas_id};
    err_t e = measurement_new(team.env, &config, told, &whole_meas_ops, j, &j->it);
    if (e != OK) {
        snprintf(info, MEAS_INFO_MAX, "%s", err_text(e));
        free(j);
        return e;
    }
    m->begun++;
    *job = j;
    return OK;
}

static err_t whole_go(void *arg, void *job)
{
    (void)arg;
    return measurement_go(((struct whole_job *)job)->it);
}

static void whole_alloc(void *arg, void *job, uint64_t alloc_bw)
{
    (void)arg;
    measurement_set_alloc(((struct whole_job *)job)->it, alloc_bw);
}

static void whole_stop(void *arg, void *job, enum meas_code code, const char *info)
{
    ((struct team_measurer *)arg)->last_stop = code;
    measurement_stop(((struct whole_job *)job)->it, code, info);
}

static void whole_heard(void *arg, void *job)
{
    (void)arg;
    measurement_heard(((struct whole_job *)job)->it);
}

static void whole_job_end(void *arg, void *job)
{
    ((struct team_measurer *)arg)->ended++;
    measurement_free(((struct whole_job *)job)->it);
    free(job);
}

static const struct measurer_ops whole_measurer_ops = {.dial = team_dial,
                                                       .hangup = team_hangup,
                                                       .output = team_output,
                                                       .begin = whole_begin,
                                                       .go = whole_go,
                                                       .alloc = whole_alloc,
                                                       .stop = whole_stop,
                                                       .heard = whole_heard,
                                                       .end = whole_job_end,
                                                       .on_idle = team_idle};

/* ---- who asks the relay ---- */

static void whole_granted(void *arg, const struct meas_ext *limits)
{
    struct whole_talk *t = arg;
    if (!t->over)
        coordinator_relay_granted(team.c, t->meas_id, limits, relay_talk_peer(t->it));
}

static void whole_bg(void *arg, const struct meas_bg *bg)
{
    struct whole_talk *t = arg;
    if (!t->over)
        coordinator_relay_bg(team.c, t->meas_id, bg);
}

static void whole_talk_end(void *arg, enum meas_code code, const char *text)
{
    struct whole_talk *t = arg;
    if (!t->over)
        coordinator_relay_ended(team.c, t->meas_id, code, text);
}

static err_t whole_ask(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                       const struct meas_params *params, void **talk)
{
    static const struct relay_talk_ops ops = {whole_granted, whole_bg, whole_talk_end};
    const struct relay_talk_config config = {
        .link = {.tls = whole.w.tls, .identity = &whole_coord.id},
        .ops_world = &whole_world,
        .world = &whole,
        .relay = *relay,
        .params = *params};
    (void)arg;
    for (size_t i = 0; i < WHOLE_TALKS; i++) {
        struct whole_talk *t = &whole.talks[i];
        if (t->it)
            continue;
        *t = (struct whole_talk){.meas_id = meas_id};
        *talk = t;
        return relay_talk_new(team.env, &config, &ops, t, &t->it);
    }
    return ERR_NOMEM;
}

static void whole_hush(void *arg, void *talk, bool aborted)
{
    struct whole_talk *t = talk;
    (void)arg;
    t->over = true;
    if (t->it)
        relay_talk_leave(t->it, aborted);
}

static const struct coordinator_ops whole_coord_ops = {.output = team_coord_output,
                                                       .hangup = team_coord_hangup,
                                                       .talk = whole_ask,
                                                       .hush = whole_hush,
                                                       .prove = team_prove,
                                                       .unprove = team_unprove,
                                                       .record = team_record,
                                                       .on_event = team_event,
                                                       .on_idle = team_coord_idle};

/* ---- time ---- */

static inline void whole_reap(bool all)
{
    for (size_t i = 0; i < WHOLE_TALKS; i++) {
        struct whole_talk *t = &whole.talks[i];
        if (t->it && (t->over || all)) {
            relay_talk_free(t->it);
            *t = (struct whole_talk){.meas_id = 0};
        }
    }
}

static inline void whole_step(void)
{
    test_env_advance_ms(team.env, WHOLE_STEP_MS);
    wired_pump(&whole.w);
    for (size_t i = 0; i < team.n; i++) {
        struct team_measurer *m = &team.measurers[i];
        if (m->ours && m->theirs && !m->cut)
            coord_wire_settle(m->ours, m->theirs, team_given.piece);
    }
    whole_reap(false);
}

static inline void whole_pass(double seconds)
{
    for (double t = 0; t < seconds * 1000; t += WHOLE_STEP_MS)
        whole_step();
}

/* ---- relays ---- */

static inline struct node *whole_relay(size_t i)
{
    return wired_node(&whole.w, PLAN_GUARD, i);
}

static inline const char *whole_at(size_t i, char out[IPPORT_TEXT_MAX])
{
    const struct circ_hop_target t = wired_hop(&whole.w, PLAN_GUARD, i, false);
    return ipport_text(&t.v4, out);
}

static inline void whole_honest(void)
{
    for (size_t i = 0; i < whole.w.plan.n_nodes; i++)
        memset(faults_of(testnet_node(whole.w.net, i))->n, 0,
               sizeof faults_of(testnet_node(whole.w.net, i))->n);
}

static inline uint64_t whole_echoes(void)
{
    uint64_t n = 0;
    for (size_t i = 0; i < whole.w.plan.n_nodes; i++)
        n += node_counts(testnet_node(whole.w.net, i)).echoes;
    return n;
}

/* ---- life ---- */

/* N measurers that give BW together, a run of DUR seconds over SOCKETS. */
static inline void whole_new(size_t n, uint64_t bw, unsigned dur, unsigned sockets)
{
    static struct ed_id identities[TEAM_MOST];
    memset(&whole, 0, sizeof whole);
    party_make(&whole_coord, 1);
    for (size_t i = 0; i < TEAM_MOST; i++) {
        party_make(&whole_measurer[i], (uint8_t)(10 + i));
        identities[i] = whole_measurer[i].id.ed;
    }
    const struct measurable willing = {.allowed = {true, 1},
                                       .period_s = {true, 0},
                                       .coordinators = &whole_coord.id.ed,
                                       .n_coordinators = 1};
    wired_start_with(&whole.w, 0, &wired_world, &willing);
    team_given.env = whole.w.env;
    team_given.measurer = &whole_measurer_ops;
    team_given.coordinator = &whole_coord_ops;
    team_given.identities = identities;
    team_new(n, bw, bw / 4);
    team.conf.dur = dur;
    team.conf.sockets = sockets;
    coordinator_reconfigure(team.c, &team.conf);
}

static inline void whole_free(void)
{
    for (size_t i = 0; i < team.n; i++) {
        measurer_free(team.measurers[i].m);
        team.measurers[i].m = NULL;
    }
    coordinator_free(team.c);
    team.c = NULL;
    whole_reap(true);
    wired_pump(&whole.w);
    team_free();
    wired_stop(&whole.w);
    memset(&team_given, 0, sizeof team_given);
}

static inline uint32_t whole_measure(size_t relay)
{
    char at[IPPORT_TEXT_MAX];
    return team_measure(whole_at(relay, at));
}

#endif
