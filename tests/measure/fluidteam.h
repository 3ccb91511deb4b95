/* The coordinator and its measurers before a network of fluid relays (fluidnet.h), under virtual
 * time: coordinator, measurers and the connections between them are the real ones; what flows
 * between measurers and relays is made up, second by second, so that the coordinator cannot tell.
 * Inline: for tests of whole networks. */
#ifndef TUNIC_TESTS_FLUIDTEAM_H
#define TUNIC_TESTS_FLUIDTEAM_H

#include <stdio.h>

#include "fluidnet.h"
#include "measure/alloc.h"
#include "measure/coordinator.h"
#include "measure/measurer.h"
#include "support/coordwire.h"

enum {
    FLUID_TICKS = 10, /* a second */
    FLUID_BW = 125000000,
    FLUID_CPU_FULL = 60, /* percent of a core at a Gbit/s */
};

struct fluid_member {
    struct fluid_team *team;
    size_t place;
    struct coord_keys keys;
    struct mconf_measurer_side conf;
    struct measurer *m;
    struct coord_proto *ours, *theirs; /* the two ends of its connection */
    bool dirty;                        /* there may be something to move between them */
    double gives, gave_most;           /* bytes a second that it is to give now, and ever */
    size_t begun;
};

/* A measurer's part of a run. */
struct fluid_job {
    struct fluid_member *of;
    struct fluid_relay *relay;
    struct connect_to_relay told;
    struct timer timer; /* until it is connected, or has ended */
    bool running;
    enum meas_code code; /* why it was stopped */
    bool stopped;
    unsigned sec, blocked; /* ticks */
    double bytes;          /* of this second */
};

struct fluid_talk {
    struct fluid_team *team;
    struct fluid_relay *relay;
    uint32_t meas_id;
    struct timer timer;
    double bg;
    bool granted;
};

/* What a line of the results said. */
struct fluid_end {
    size_t number; /* of its relay */
    bool ok;
    int64_t began, ts;
    uint64_t bw, clamped;
    char why[RESULTS_WORD_MAX];
};

struct fluid_team {
    struct env *env;
    struct coord_keys keys;
    struct mconf_coord conf;
    struct coordinator *c;
    struct fluid_member members[FLUID_TEAM];
    struct fluid_net net;
    size_t running, ran_most; /* relays at a time */
    char **lines;
    size_t n_lines;
    char **kept; /* of the schedule */
    size_t n_kept;
    struct fluid_end *ends;
    size_t n_ends;
    bool idle;
};

/* ---- jobs of measurers ---- */

static inline void fluid_gives(struct fluid_member *m, double more)
{
    m->gives += more;
    if (m->gives > m->gave_most)
        m->gave_most = m->gives;
}

static inline void fluid_job_free(struct fluid_job *j)
{
    struct fluid_relay *r = j->relay;
    timer_disarm(&j->timer);
    if (j->running)
        fluid_gives(j->of, -(double)j->told.alloc_bw);
    bool any = false;
    for (size_t k = 0; k < FLUID_TEAM; k++) {
        if (r->jobs[k] == j)
            r->jobs[k] = NULL;
        any |= r->jobs[k] && r->jobs[k]->running;
    }
    if (r->busy && !any) {
        r->busy = false;
        timer_disarm(&r->tick);
        r->team->running--;
    }
    free(j);
}

static inline void fluid_job_over(struct fluid_job *j, const struct meas_failure *failure)
{
    measurer_ended(j->of->m, j->told.meas_id, failure); /* frees J */
}

static inline void fluid_job_fail(struct fluid_job *j, enum meas_code code)
{
    const struct meas_failure why = {.code = code, .meas_id = j->told.meas_id};
    fluid_job_over(j, &why);
}

static void fluid_job_timer(void *arg)
{
    struct fluid_job *j = arg;
    const struct connected_to_relay c = {j->told.meas_id, j->told.n_circs, j->told.n_circs, 0, 40};
    if (j->stopped)
        fluid_job_fail(j, j->code);
    else
        measurer_connected(j->of->m, &c);
}

static err_t fluid_begin(void *arg, const struct connect_to_relay *told, void **job,
                         char info[MEAS_INFO_MAX])
{
    struct fluid_member *m = arg;
    struct fluid_relay *r = fluid_at(&m->team->net, &told->relay.addrs[0]);
    struct fluid_job *j = calloc(1, sizeof *j);
    (void)info;
    ck_assert(r && j && !r->jobs[m->place]);
    *j = (struct fluid_job){.of = m, .relay = r, .told = *told};
    timer_init(&j->timer, fluid_job_timer, j);
    env_arm_ms(m->team->env, &j->timer, 300 + fluid_draw(&m->team->net, 1500));
    r->jobs[m->place] = j;
    m->begun++;
    *job = j;
    return OK;
}

static err_t fluid_go(void *arg, void *job)
{
    struct fluid_member *m = arg;
    struct fluid_job *j = job;
    struct fluid_relay *r = j->relay;
    if (j->timer.armed)
        return ERR_STATE;
    j->running = true;
    fluid_gives(m, (double)j->told.alloc_bw);
    if (r->busy)
        return OK;
    r->busy = true;
    r->ticks = 0;
    r->go_us = m->team->env->mono_us;
    r->off = m->team->net.noise / 2 * fluid_normal(&m->team->net);
    fluid_second(&m->team->net, r);
    env_arm_ms(m->team->env, &r->tick, MS_PER_SEC / FLUID_TICKS);
    if (++m->team->running > m->team->ran_most)
        m->team->ran_most = m->team->running;
    return OK;
}

static void fluid_alloc(void *arg, void *job, uint64_t alloc_bw)
{
    struct fluid_job *j = job;
    if (j->running)
        fluid_gives(arg, (double)alloc_bw - (double)j->told.alloc_bw);
    j->told.alloc_bw = alloc_bw;
}

static void fluid_stop(void *arg, void *job, enum meas_code code, const char *info)
{
    struct fluid_member *m = arg;
    struct fluid_job *j = job;
    (void)info;
    j->stopped = true;
    j->code = code;
    env_arm_ms(m->team->env, &j->timer, 0);
}

static void fluid_heard(void *arg, void *job)
{
    (void)arg;
    (void)job;
}

static void fluid_job_end(void *arg, void *job)
{
    (void)arg;
    fluid_job_free(job);
}

static void fluid_idle(void *arg)
{
    (void)arg;
}

/* ---- a relay's seconds ---- */

static inline void fluid_report(struct fluid_job *j)
{
    struct fluid_member *m = j->of;
    uint64_t wire = (uint64_t)j->bytes, recv = (uint64_t)(j->bytes / 1.02);
    double busy = m->gives / FLUID_BW;
    const struct bw_report r = {.meas_id = j->told.meas_id,
                                .sec = ++j->sec,
                                .sent = recv,
                                .recv = recv,
                                .wire_in = wire,
                                .wire_out = wire,
                                .checked = recv / 514,
                                .blocked = 100 * j->blocked / FLUID_TICKS,
                                .cpu = (unsigned)(5 + FLUID_CPU_FULL * busy),
                                .lag_ms = 2};
    j->bytes = 0;
    j->blocked = 0;
    measurer_report(m->m, &r);
}

/* What clients had, as the relay says. */
static inline void fluid_background(struct fluid_relay *r)
{
    struct fluid_talk *t = r->talk;
    if (!t || !t->granted)
        return;
    double says = r->kind == FLUID_BOASTS ? 10 * r->capacity : t->bg;
    uint32_t bytes = says < UINT32_MAX ? (uint32_t)says : UINT32_MAX;
    const struct meas_bg bg = {(uint16_t)(r->ticks / FLUID_TICKS), bytes, bytes};
    t->bg = 0;
    coordinator_relay_bg(r->team->c, t->meas_id, &bg);
}

static inline void fluid_second_over(struct fluid_relay *r)
{
    unsigned sec = r->ticks / FLUID_TICKS;
    fluid_background(r);
    for (size_t k = 0; k < FLUID_TEAM; k++) {
        struct fluid_job *j = r->jobs[k];
        if (!j || !j->running || j->stopped)
            continue;
        if (r->kind == FLUID_FORGES && sec == 2)
            fluid_job_fail(j, MEAS_CHEAT);
        else if (r->kind == FLUID_CLOSES && sec == 5)
            fluid_job_fail(j, MEAS_RELAY_LOST);
        else
            fluid_report(j);
        if (r->jobs[k] == j && j->sec == j->told.dur)
            fluid_job_over(j, NULL);
    }
    fluid_second(&r->team->net, r);
}

/* What J's measurer has for it: no more than its line in all. */
static inline double fluid_offers(const struct fluid_job *j)
{
    double share = j->of->gives > FLUID_BW ? FLUID_BW / j->of->gives : 1;
    return j->running && !j->stopped ? (double)j->told.alloc_bw * share : 0;
}

static void fluid_tick(void *arg)
{
    struct fluid_relay *r = arg;
    double demand = 0, begins = r->ticks < 3 ? .2 * (r->ticks + 1) : 1;
    for (size_t k = 0; k < FLUID_TEAM; k++)
        demand += r->jobs[k] ? begins * fluid_offers(r->jobs[k]) : 0;
    r->ticks++;
    fluid_flow(&r->team->net, r, demand, 1. / FLUID_TICKS);
    if (r->talk)
        r->talk->bg += r->y;
    for (size_t k = 0; k < FLUID_TEAM && demand > 0; k++) {
        struct fluid_job *j = r->jobs[k];
        if (!j)
            continue;
        j->bytes += r->x * begins * fluid_offers(j) / demand;
        j->blocked += r->x * FLUID_TICKS < .995 * demand;
    }
    env_arm_ms(r->team->env, &r->tick, MS_PER_SEC / FLUID_TICKS);
    if (r->ticks % FLUID_TICKS == 0)
        fluid_second_over(r);
}

/* ---- the measurers' connections ---- */

static void fluid_dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    struct fluid_member *m = arg;
    (void)to;
    if (!m->team->c) {
        coord_proto_gone(p, "connection refused");
        return;
    }
    m->ours = p;
    m->theirs = coordinator_accept(m->team->c, &(struct ip){IP_V4, {127, 0, 0, 1}});
    ck_assert_ptr_nonnull(m->theirs);
    coord_proto_begin(m->theirs);
    coord_proto_begin(p);
    m->dirty = true;
}

static void fluid_hangup(void *arg, struct coord_proto *p)
{
    struct fluid_member *m = arg;
    if (m->ours != p)
        return;
    m->ours = NULL;
    if (m->theirs)
        coord_proto_gone(m->theirs, "the measurer closed");
}

static void fluid_output(void *arg, struct coord_proto *p)
{
    struct fluid_member *m = arg;
    (void)p;
    m->dirty = true;
}

static const struct measurer_ops fluid_measurer_ops = {.dial = fluid_dial,
                                                       .hangup = fluid_hangup,
                                                       .output = fluid_output,
                                                       .begin = fluid_begin,
                                                       .go = fluid_go,
                                                       .alloc = fluid_alloc,
                                                       .stop = fluid_stop,
                                                       .heard = fluid_heard,
                                                       .end = fluid_job_end,
                                                       .on_idle = fluid_idle};

/* ---- the coordinator's world ---- */

static void fluid_coord_output(void *arg, struct coord_proto *p)
{
    struct fluid_team *t = arg;
    (void)p;
    for (size_t k = 0; k < FLUID_TEAM; k++)
        t->members[k].dirty = true;
}

static void fluid_coord_hangup(void *arg, struct coord_proto *p)
{
    struct fluid_team *t = arg;
    for (size_t k = 0; k < FLUID_TEAM; k++) {
        struct fluid_member *m = &t->members[k];
        if (m->theirs != p)
            continue;
        while (coord_wire_move(p, m->ours, 0))
            ; /* its last words */
        m->theirs = NULL;
        if (m->ours)
            coord_proto_gone(m->ours, "the coordinator closed");
    }
}

static void fluid_talk_timer(void *arg)
{
    struct fluid_talk *t = arg;
    const struct meas_ext limits = {
        .has_limits = true, .background_percent = FLUID_PERCENT, .seconds_most = 45};
    t->granted = true;
    if (t->relay->kind == FLUID_REFUSES)
        coordinator_relay_ended(t->team->c, t->meas_id, MEAS_REFUSED, "not allowed");
    else if (t->relay->kind == FLUID_OFFLINE)
        coordinator_relay_ended(t->team->c, t->meas_id, MEAS_RELAY_LOST, "no connection");
    else if (t->relay->kind != FLUID_SILENT)
        coordinator_relay_granted(t->team->c, t->meas_id, &limits, NULL);
}

static err_t fluid_talk_begin(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                              const struct meas_params *params, void **talk)
{
    struct fluid_team *team = arg;
    struct fluid_talk *t = calloc(1, sizeof *t);
    (void)params;
    ck_assert_ptr_nonnull(t);
    *t = (struct fluid_talk){
        .team = team, .relay = fluid_at(&team->net, &relay->addrs[0]), .meas_id = meas_id};
    ck_assert(t->relay && !t->relay->talk);
    t->relay->talk = t;
    timer_init(&t->timer, fluid_talk_timer, t);
    env_arm_ms(team->env, &t->timer, 200 + fluid_draw(&team->net, 400));
    *talk = t;
    return OK;
}

static void fluid_hush(void *arg, void *talk, bool aborted)
{
    struct fluid_talk *t = talk;
    (void)arg;
    (void)aborted;
    timer_disarm(&t->timer);
    t->relay->talk = NULL;
    free(t);
}

static err_t fluid_prove(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **talk,
                         char why[CONSENT_WHY_MAX])
{
    (void)arg, (void)meas_id, (void)relay, (void)talk, (void)why;
    return ERR_NOT_FOUND;
}

static void fluid_unprove(void *arg, void *talk)
{
    (void)arg, (void)talk;
}

/* Room for one more behind N elements of SIZE. */
static inline void *fluid_room(void *list, size_t n, size_t size)
{
    void *more = n & (n - 1) ? list : realloc(list, (n ? 2 * n : 1) * size);
    ck_assert_ptr_nonnull(more);
    return more;
}

static err_t fluid_record(void *arg, const char *line, bool synced)
{
    struct fluid_team *t = arg;
    struct result r;
    (void)synced;
    t->lines = fluid_room(t->lines, t->n_lines, sizeof *t->lines);
    t->lines[t->n_lines++] = strdup(line);
    ck_ok(results_parse((struct text){line, strlen(line) - 1}, &r));
    if (!r.is_end)
        return OK;
    t->ends = fluid_room(t->ends, t->n_ends, sizeof *t->ends);
    struct fluid_end *e = &t->ends[t->n_ends++];
    *e = (struct fluid_end){.number = fluid_at(&t->net, &r.at)->number,
                            .ok = r.ok,
                            .began = r.began,
                            .ts = r.ts,
                            .bw = r.bw,
                            .clamped = r.clamped};
    memcpy(e->why, r.why, sizeof e->why);
    return OK;
}

static inline void fluid_forget_kept(struct fluid_team *t)
{
    for (size_t i = 0; i < t->n_kept; i++)
        free(t->kept[i]);
    free(t->kept);
    t->kept = NULL;
    t->n_kept = 0;
}

static err_t fluid_keep(void *arg, const char *lines, bool fresh)
{
    struct fluid_team *t = arg;
    if (fresh)
        fluid_forget_kept(t);
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        t->kept = fluid_room(t->kept, t->n_kept, sizeof *t->kept);
        t->kept[t->n_kept++] = strndup(lines, (size_t)(end - lines));
    }
    return OK;
}

static void fluid_coord_idle(void *arg)
{
    struct fluid_team *t = arg;
    t->idle = true;
}

static const struct coordinator_ops fluid_ops = {.output = fluid_coord_output,
                                                 .hangup = fluid_coord_hangup,
                                                 .talk = fluid_talk_begin,
                                                 .hush = fluid_hush,
                                                 .prove = fluid_prove,
                                                 .unprove = fluid_unprove,
                                                 .record = fluid_record,
                                                 .keep = fluid_keep,
                                                 .on_idle = fluid_coord_idle};

/* ---- time ---- */

static inline void fluid_settle(struct fluid_team *t)
{
    bool any = true;
    while (any) {
        any = false;
        for (size_t k = 0; k < FLUID_TEAM; k++) {
            struct fluid_member *m = &t->members[k];
            if (!m->dirty)
                continue;
            m->dirty = false;
            any = true;
            if (m->ours && m->theirs)
                coord_wire_settle(m->ours, m->theirs, 0);
        }
    }
}

static inline void fluid_pass(struct fluid_team *t, double seconds)
{
    struct env *env = t->env;
    uint64_t end = env->mono_us + (uint64_t)(seconds * 1e6);
    bool over = false;
    while (!over) {
        uint64_t next = env_next_us(env);
        over = next > end;
        next = over ? end : next > env->mono_us ? next : env->mono_us;
        env->wall_us += (int64_t)(next - env->mono_us);
        env->mono_us = next;
        env_run_timers(env);
        fluid_settle(t);
    }
}

/* ---- life ---- */

static inline void fluid_coordinator(struct fluid_team *t)
{
    t->c = coordinator_new(t->env, &t->conf, t->keys.ctx, &t->keys.pin, &fluid_ops, t);
    ck_assert_ptr_nonnull(t->c);
    ck_ok(coordinator_secret(t->c, "a secret that the operators share", 33));
    for (size_t i = 0; i < t->n_lines; i++)
        ck_ok(coordinator_recall(t->c, (struct text){t->lines[i], strlen(t->lines[i]) - 1}));
    for (size_t i = 0; i < t->n_kept; i++)
        ck_ok(coordinator_recall_schedule(t->c, text_of(t->kept[i])));
    ck_ok(coordinator_recalled(t->c));
}

/* The coordinator learns what a consensus would say: who is there, and how large it is. */
static inline void fluid_publish(struct fluid_team *t)
{
    struct roster roster;
    roster_init(&roster);
    for (size_t i = 0; i < t->net.n; i++) {
        const struct fluid_relay *r = &t->net.relays[i];
        struct roster_relay known = {.consent = ROSTER_LISTED,
                                     .mode = MEAS_FLASHFLOW,
                                     .in_consensus = true,
                                     .running = true,
                                     .unmeasured = r->weight <= 0,
                                     .weight = (uint64_t)r->weight};
        known.who.fp = r->fp;
        known.who.has_fp = true;
        known.who.addrs[0] = r->at;
        known.who.n_addrs = 1;
        ck_ok(roster_add(&roster, &known));
    }
    roster_sort(&roster);
    coordinator_roster(t->c, &roster);
}

static inline void fluid_forget_results(struct fluid_team *t)
{
    for (size_t i = 0; i < t->n_lines; i++)
        free(t->lines[i]);
    t->n_lines = t->n_ends = 0;
}

static inline void fluid_kill_coordinator(struct fluid_team *t)
{
    coordinator_free(t->c);
    t->c = NULL;
}

static inline void fluid_start(struct fluid_team *t, size_t k)
{
    struct fluid_member *m = &t->members[k];
    const struct ed_id identity = {{(uint8_t)(k + 1)}};
    m->m = measurer_new(t->env, &m->conf, m->keys.ctx, &identity, 1, &fluid_measurer_ops, m);
    ck_assert_ptr_nonnull(m->m);
    measurer_start(m->m);
}

static inline void fluid_kill(struct fluid_team *t, size_t k)
{
    struct fluid_member *m = &t->members[k];
    struct coord_proto *theirs = m->theirs;
    measurer_free(m->m);
    m->m = NULL;
    m->ours = NULL;
    if (theirs)
        coord_proto_gone(theirs, "connection reset");
}

static inline void fluid_member_new(struct fluid_team *t, size_t k)
{
    struct fluid_member *m = &t->members[k];
    m->team = t;
    m->place = k;
    coord_keys_make(&m->keys, false, "m");
    m->conf = (struct mconf_measurer_side){
        .coord_pin = t->keys.pin, .bw = FLUID_BW, .sockets_max = MEAS_CIRCS_MOST};
    snprintf(m->conf.name, sizeof m->conf.name, "m%zu", k + 1);
    struct mconf_measurer *listed = &t->conf.measurers[k];
    snprintf(listed->name, sizeof listed->name, "m%zu", k + 1);
    listed->pin = m->keys.pin;
    listed->bw = FLUID_BW;
}

/* N relays, drawn from SEED; the team is connected. */
static inline void fluid_team_new(struct fluid_team *t, size_t n, uint64_t seed, double slow)
{
    memset(t, 0, sizeof *t);
    t->env = test_env(seed);
    t->env->log = NULL;
    fluid_new(&t->net, n, seed, slow);
    for (size_t i = 0; i < n; i++) {
        t->net.relays[i].team = t;
        timer_init(&t->net.relays[i].tick, fluid_tick, &t->net.relays[i]);
    }
    coord_keys_make(&t->keys, true, "coord");
    t->conf = (struct mconf_coord){.dur = 30,
                                   .percent = FLUID_PERCENT,
                                   .sockets = ALLOC_SOCKETS,
                                   .check = 1,
                                   .prior = 13000000,
                                   .echo = MEAS_ECHO_RAW,
                                   .n_measurers = FLUID_TEAM};
    for (size_t k = 0; k < FLUID_TEAM; k++)
        fluid_member_new(t, k);
    fluid_coordinator(t);
    for (size_t k = 0; k < FLUID_TEAM; k++)
        fluid_start(t, k);
    fluid_pass(t, 1);
    ck_assert_uint_eq(coordinator_measurers(t->c), FLUID_TEAM);
}

static inline void fluid_team_free(struct fluid_team *t)
{
    for (size_t k = 0; k < FLUID_TEAM; k++)
        measurer_free(t->members[k].m);
    coordinator_free(t->c);
    for (size_t k = 0; k < FLUID_TEAM; k++)
        tls_ctx_free(t->members[k].keys.ctx);
    tls_ctx_free(t->keys.ctx);
    for (size_t i = 0; i < t->n_lines; i++)
        free(t->lines[i]);
    free(t->lines);
    fluid_forget_kept(t);
    free(t->ends);
    fluid_free(&t->net);
    test_env_free(t->env);
}

#endif
