/* A coordinator and measurers with real connections between them, under the clock of a test; what
 * measures, and the relay, are made up. */
#ifndef TUNIC_TESTS_MEASURETEAM_H
#define TUNIC_TESTS_MEASURETEAM_H

#include <stdio.h>
#include <stdlib.h>

#include "measure/coordinator.h"
#include "measure/measurer.h"
#include "support/coordwire.h"

/* What a test in which memory runs out does for itself (support/nomem.h). */
#ifndef TEAM_PEACE
#define TEAM_PEACE(code) \
    do {                 \
        code;            \
    } while (0)
#endif

enum { TEAM_MOST = 3, TEAM_JOBS = 16, TEAM_LINES = 512, TEAM_STEP_MS = 20 };

/* What a measurer does wrong. */
struct team_fault {
    bool never_connects, few_circs, no_reports, cheats;
    unsigned from_s; /* from this second on; 0: from the start */
    double clock;    /* how fast its seconds go; 0: as ours */
    unsigned boasts; /* times as much as came back */
};

struct team_measurer {
    size_t place;
    struct coord_keys keys;
    struct mconf_measurer_side conf;
    struct measurer *m;
    struct coord_proto *ours, *theirs; /* the two ends of its connection */
    bool cut;                          /* its bytes go nowhere */
    struct team_fault fault;
    unsigned begun, ended, idle, dialled;
    enum meas_code last_stop;
};

struct team_job {
    struct team_measurer *of; /* NULL: free */
    struct connect_to_relay told;
    bool connected, running, over;
    uint64_t since_us;
    unsigned sec;
    bool failed;
    enum meas_code code;
};

struct team {
    struct env *env;
    struct coord_keys keys;
    struct mconf_coord conf;
    struct coordinator *c;
    struct team_measurer measurers[TEAM_MOST];
    size_t n;
    struct team_job jobs[TEAM_JOBS];
    /* The relay. */
    bool relay_refuses, relay_is_silent;
    uint64_t relay_rate, relay_bg;
    uint8_t wavers; /* the relay whose fingerprint begins so carries half in every other second */
    uint16_t relay_seconds;       /* at most; 0: 45 */
    uint32_t proving;             /* 0: nobody is asked for his descriptor */
    struct meas_relay asked;      /* who was, last */
    struct consent_relay *proved; /* what that talk tells: gone with it */
    char *descriptor;
    uint32_t talks[TEAM_JOBS];
    bool granted[TEAM_JOBS];
    unsigned bg_sec[TEAM_JOBS];
    uint64_t talk_us[TEAM_JOBS];
    /* What is written and told. */
    char *lines[TEAM_LINES];
    bool synced[TEAM_LINES];
    size_t n_lines, n_events, n_over, idle;
    bool disk_full;
    bool sent_before_synced; /* a measurer was told of a run whose beginning was not on disk */
};

static struct team team;

/* The first page of a view, which is V's owner from now on; the caller frees it. */
static inline char *team_page(struct coordinator_view *gift_view)
{
    bool over;
    char *page = gift_view ? coordinator_view_next(gift_view, &over) : NULL;
    coordinator_view_free(gift_view);
    return page;
}

/* What stands in the place of what is made up here, and of the clock; and how many bytes of a
 * connection come at a time (0: all that there are). To be set before team_new(). */
static struct {
    struct env *env;
    const struct measurer_ops *measurer;
    const struct coordinator_ops *coordinator;
    const struct ed_id *identities;
    size_t piece;
} team_given;

/* ---- the measurers' world ---- */

static void team_dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    struct team_measurer *m = arg;
    (void)to;
    m->dialled++;
    if (!team.c || m->cut) {
        coord_proto_gone(p, "connection refused");
        return;
    }
    m->theirs = coordinator_accept(team.c, &(struct ip){IP_V4, {127, 0, 0, 1}});
    if (!m->theirs) { /* out of memory, or too many */
        coord_proto_gone(p, "connection reset");
        return;
    }
    m->ours = p;
    coord_proto_begin(m->theirs);
    coord_proto_begin(p);
}

static void team_hangup(void *arg, struct coord_proto *p)
{
    struct team_measurer *m = arg;
    if (m->ours != p)
        return;
    m->ours = NULL;
    if (m->theirs)
        coord_proto_gone(m->theirs, "the measurer closed");
}

static void team_output(void *arg, struct coord_proto *p)
{
    (void)arg;
    (void)p;
}

static err_t team_begin(void *arg, const struct connect_to_relay *told, void **job,
                        char info[MEAS_INFO_MAX])
{
    struct team_measurer *m = arg;
    (void)info;
    for (size_t i = 0; i < TEAM_JOBS; i++)
        if (!team.jobs[i].of) {
            team.jobs[i] = (struct team_job){.of = m, .told = *told, .since_us = team.env->mono_us};
            *job = &team.jobs[i];
            m->begun++;
            bool on_disk = false;
            for (size_t l = 0; l < team.n_lines; l++) {
                char id[32];
                snprintf(id, sizeof id, "\"id\":%u,", told->meas_id);
                on_disk |= team.synced[l] && strstr(team.lines[l], id);
            }
            team.sent_before_synced |= !on_disk;
            return OK;
        }
    return ERR_LIMIT;
}

static err_t team_go(void *arg, void *job)
{
    struct team_job *j = job;
    (void)arg;
    if (!j->connected)
        return ERR_STATE;
    j->running = true;
    j->since_us = team.env->mono_us;
    return OK;
}

static void team_alloc(void *arg, void *job, uint64_t alloc_bw)
{
    struct team_job *j = job;
    (void)arg;
    j->told.alloc_bw = alloc_bw;
}

static void team_stop(void *arg, void *job, enum meas_code code, const char *info)
{
    struct team_measurer *m = arg;
    struct team_job *j = job;
    (void)info;
    m->last_stop = code;
    j->failed = true;
    j->code = code;
}

static void team_heard(void *arg, void *job)
{
    (void)arg;
    (void)job;
}

static void team_job_end(void *arg, void *job)
{
    struct team_measurer *m = arg;
    struct team_job *j = job;
    m->ended++;
    j->of = NULL;
}

static void team_idle(void *arg)
{
    struct team_measurer *m = arg;
    m->idle++;
}

static const struct measurer_ops team_measurer_ops = {.dial = team_dial,
                                                      .hangup = team_hangup,
                                                      .output = team_output,
                                                      .begin = team_begin,
                                                      .go = team_go,
                                                      .alloc = team_alloc,
                                                      .stop = team_stop,
                                                      .heard = team_heard,
                                                      .end = team_job_end,
                                                      .on_idle = team_idle};

/* ---- the coordinator's world ---- */

static void team_coord_output(void *arg, struct coord_proto *p)
{
    (void)arg;
    (void)p;
}

static void team_coord_hangup(void *arg, struct coord_proto *p)
{
    (void)arg;
    for (size_t i = 0; i < team.n; i++) {
        struct team_measurer *m = &team.measurers[i];
        if (m->theirs != p)
            continue;
        while (coord_wire_move(p, m->ours, 0))
            ; /* its last words */
        m->theirs = NULL;
        if (m->ours && !m->cut)
            coord_proto_gone(m->ours, "the coordinator closed");
    }
}

static err_t team_talk(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                       const struct meas_params *params, void **talk)
{
    (void)arg;
    (void)relay;
    (void)params;
    for (size_t i = 0; i < TEAM_JOBS; i++)
        if (!team.talks[i]) {
            team.talks[i] = meas_id;
            team.granted[i] = false;
            team.bg_sec[i] = 0;
            *talk = &team.talks[i];
            return OK;
        }
    return ERR_NOMEM;
}

static void team_hush(void *arg, void *talk, bool aborted)
{
    (void)arg;
    (void)aborted;
    *(uint32_t *)talk = 0;
}

static err_t team_prove(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **talk,
                        char why[CONSENT_WHY_MAX])
{
    (void)arg;
    (void)why;
    team.asked = *relay;
    team.proving = meas_id;
    *talk = &team.proving;
    return OK;
}

/* As a talk's that is freed: nobody has it any more. */
static void team_unprove(void *arg, void *talk)
{
    (void)arg;
    *(uint32_t *)talk = 0;
    if (team.proved)
        memset(team.proved, 0, sizeof *team.proved);
    if (team.descriptor)
        memset(team.descriptor, 'x', strlen(team.descriptor));
    free(team.proved);
    free(team.descriptor);
    team.proved = NULL;
    team.descriptor = NULL;
}

/* RELAY's link has proved it, and it has sent DESCRIPTOR. */
static inline void team_proves(const struct consent_relay *relay, const char *descriptor)
{
    team.proved = malloc(sizeof *team.proved);
    team.descriptor = strdup(descriptor);
    *team.proved = *relay;
    coordinator_proved(team.c, team.proving, OK, team.proved, text_of(team.descriptor), "");
}

static err_t team_record(void *arg, const char *line, bool synced)
{
    (void)arg;
    if (team.disk_full)
        return ERR_IO;
    TEAM_PEACE(ck_assert_uint_lt(team.n_lines, TEAM_LINES));
    team.synced[team.n_lines] = synced;
    TEAM_PEACE(team.lines[team.n_lines++] = strdup(line));
    return OK;
}

static void team_event(void *arg, uint32_t meas_id, const char *json, bool last)
{
    (void)arg;
    TEAM_PEACE(ck_assert(meas_id && json[0] == '{' && !strchr(json, '\n')));
    team.n_events++;
    team.n_over += last ? 1 : 0;
}

static void team_coord_idle(void *arg)
{
    (void)arg;
    team.idle++;
}

static const struct coordinator_ops team_ops = {.output = team_coord_output,
                                                .hangup = team_coord_hangup,
                                                .talk = team_talk,
                                                .hush = team_hush,
                                                .prove = team_prove,
                                                .unprove = team_unprove,
                                                .record = team_record,
                                                .on_event = team_event,
                                                .on_idle = team_coord_idle};

/* ---- time ---- */

static inline void team_report(struct team_job *j)
{
    const struct team_fault *f = &j->of->fault;
    uint64_t all = 0, share;
    for (size_t i = 0; i < TEAM_JOBS; i++)
        if (team.jobs[i].of && team.jobs[i].told.meas_id == j->told.meas_id)
            all += team.jobs[i].told.alloc_bw;
    share = (uint64_t)((double)team.relay_rate * (double)j->told.alloc_bw / (double)all);
    if (team.wavers && j->told.relay.fp.b[0] == team.wavers && j->sec % 2)
        share /= 2;
    uint64_t recv = share < j->told.alloc_bw ? share : j->told.alloc_bw;
    struct bw_report r = {.meas_id = j->told.meas_id,
                          .sec = ++j->sec,
                          .sent = recv,
                          .recv = f->boasts ? recv * f->boasts : recv,
                          .wire_in = recv + recv / 50,
                          .wire_out = recv + recv / 50,
                          .checked = recv / 514,
                          .blocked = share < j->told.alloc_bw ? 97 : 3,
                          .cpu = 10};
    measurer_report(j->of->m, &r);
    if (j->sec == j->told.dur)
        j->over = true;
}

static inline void team_job_step(struct team_job *j)
{
    const struct team_fault *f = &j->of->fault;
    uint64_t age = team.env->mono_us - j->since_us;
    double clock = f->clock > 0 ? f->clock : 1;
    if (j->failed || j->over) {
        struct meas_failure why = {.code = j->code, .meas_id = j->told.meas_id};
        measurer_ended(j->of->m, j->told.meas_id, j->failed ? &why : NULL);
    } else if (!j->connected && age > 200000 && !f->never_connects) {
        struct connected_to_relay c = {j->told.meas_id, j->told.n_circs, j->told.n_circs, 0, 5};
        j->connected = true;
        if (f->few_circs) {
            j->failed = true;
            j->code = MEAS_LAUNCH_CIRCS;
            return;
        }
        measurer_connected(j->of->m, &c);
    } else if (j->running && (double)age * clock >= (j->sec + 1) * 1e6) {
        if (f->cheats && j->sec >= f->from_s) {
            j->failed = true;
            j->code = MEAS_CHEAT;
        } else if (!f->no_reports || j->sec < f->from_s) {
            team_report(j);
        }
    }
}

static inline void team_relay_step(size_t i)
{
    struct meas_ext limits = {.has_limits = true, .background_percent = 25, .seconds_most = 45};
    if (team.relay_seconds)
        limits.seconds_most = team.relay_seconds;
    if (team.relay_is_silent)
        return;
    if (!team.granted[i]) {
        team.granted[i] = true;
        team.talk_us[i] = 0;
        if (team.relay_refuses)
            coordinator_relay_ended(team.c, team.talks[i], MEAS_REFUSED, "not allowed");
        else
            coordinator_relay_granted(team.c, team.talks[i], &limits, NULL);
        return;
    }
    for (size_t k = 0; k < TEAM_JOBS && !team.talk_us[i]; k++)
        if (team.jobs[k].of && team.jobs[k].running && team.jobs[k].told.meas_id == team.talks[i])
            team.talk_us[i] = team.env->mono_us;
    if (team.talk_us[i] &&
        team.env->mono_us - team.talk_us[i] >= (team.bg_sec[i] + 1) * (uint64_t)US_PER_SEC) {
        uint32_t bg = (uint32_t)team.relay_bg;
        struct meas_bg m = {(uint16_t)++team.bg_sec[i], bg, bg};
        coordinator_relay_bg(team.c, team.talks[i], &m);
    }
}

static inline void team_step(void)
{
    test_env_advance_ms(team.env, TEAM_STEP_MS);
    for (size_t i = 0; i < TEAM_JOBS; i++)
        if (team.jobs[i].of)
            team_job_step(&team.jobs[i]);
    for (size_t i = 0; team.c && i < TEAM_JOBS; i++)
        if (team.talks[i])
            team_relay_step(i);
    for (size_t i = 0; i < team.n; i++) {
        struct team_measurer *m = &team.measurers[i];
        if (m->ours && m->theirs && !m->cut)
            coord_wire_settle(m->ours, m->theirs, team_given.piece);
    }
}

static inline void team_pass(double seconds)
{
    for (double t = 0; t < seconds * 1000; t += TEAM_STEP_MS)
        team_step();
}

/* ---- life ---- */

static inline void team_coordinator(void)
{
    const struct coordinator_ops *ops = team_given.coordinator ? team_given.coordinator : &team_ops;
    team.c = coordinator_new(team.env, &team.conf, team.keys.ctx, &team.keys.pin, ops, NULL);
    ck_assert_ptr_nonnull(team.c);
}

/* As if its process were killed: no word to anybody. */
static inline void team_kill_coordinator(void)
{
    coordinator_free(team.c);
    team.c = NULL;
    memset(team.talks, 0, sizeof team.talks);
}

static inline void team_kill(size_t i)
{
    struct team_measurer *m = &team.measurers[i];
    struct coord_proto *theirs = m->theirs;
    measurer_free(m->m);
    m->m = NULL;
    m->ours = NULL;
    if (theirs)
        coord_proto_gone(theirs, "connection reset");
}

static inline void team_start(size_t i)
{
    struct team_measurer *m = &team.measurers[i];
    struct ed_id identity = {{(uint8_t)(i + 1)}};
    if (team_given.identities)
        identity = team_given.identities[i];
    m->m = measurer_new(team.env, &m->conf, m->keys.ctx, &identity, 1,
                        team_given.measurer ? team_given.measurer : &team_measurer_ops, m);
    ck_assert_ptr_nonnull(m->m);
    measurer_start(m->m);
}

/* N measurers of BW bytes/s each, connected; a relay of RATE. */
static inline void team_new(size_t n, uint64_t bw, uint64_t rate)
{
    memset(&team, 0, sizeof team);
    team.env = team_given.env ? team_given.env : test_env(77);
    team.env->log = NULL;
    team.n = n;
    team.relay_rate = rate;
    coord_keys_make(&team.keys, true, "coord");
    team.conf = (struct mconf_coord){.dur = 10,
                                     .percent = 25,
                                     .sockets = 12,
                                     .check = 1,
                                     .prior = rate,
                                     .echo = MEAS_ECHO_RAW,
                                     .n_measurers = n};
    for (size_t i = 0; i < n; i++) {
        struct team_measurer *m = &team.measurers[i];
        m->place = i;
        coord_keys_make(&m->keys, false, "m");
        m->conf =
            (struct mconf_measurer_side){.coord_pin = team.keys.pin, .bw = bw, .sockets_max = 40};
        snprintf(m->conf.name, sizeof m->conf.name, "m%zu", i + 1);
        struct mconf_measurer *listed = &team.conf.measurers[i];
        snprintf(listed->name, sizeof listed->name, "m%zu", i + 1);
        listed->pin = m->keys.pin;
        listed->bw = bw;
    }
    team_coordinator();
    for (size_t i = 0; i < n; i++)
        team_start(i);
    team_pass(1);
    ck_assert_uint_eq(coordinator_measurers(team.c), n);
}

static inline void team_free(void)
{
    for (size_t i = 0; i < team.n; i++)
        measurer_free(team.measurers[i].m);
    coordinator_free(team.c);
    for (size_t i = 0; i < team.n; i++)
        tls_ctx_free(team.measurers[i].keys.ctx);
    tls_ctx_free(team.keys.ctx);
    for (size_t i = 0; i < team.n_lines; i++)
        free(team.lines[i]);
    if (!team_given.env)
        test_env_free(team.env);
}

static inline uint32_t team_measure(const char *relay)
{
    uint32_t id = 0;
    char why[COORDINATOR_WHY] = "";
    err_t e = coordinator_measure(team.c, relay, &(struct coordinator_wish){0}, &id, why);
    ck_assert_msg(e == OK, "%s", why);
    return id;
}

/* The end line of ID, parsed; fails if there is none or more than one. */
static inline struct result team_result(uint32_t id)
{
    struct result found = {.id = 0}, r;
    size_t n = 0;
    for (size_t i = 0; i < team.n_lines; i++) {
        err_t e = results_parse((struct text){team.lines[i], strlen(team.lines[i]) - 1}, &r);
        ck_assert_msg(e == OK, "%s: %s", err_name(e), team.lines[i]);
        if (!r.is_end || r.id != id)
            continue;
        found = r;
        n++;
    }
    ck_assert_uint_eq(n, 1);
    return found;
}

#endif
