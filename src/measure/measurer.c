#include "measure/measurer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/told.h"

struct job {
    uint32_t meas_id; /* 0: free */
    void *it;
    bool running, spent, stopping; /* spent: all its seconds are reported */
    unsigned n_circs, dur;
    uint64_t bw; /* what it may give */
    struct ipport at;
    enum meas_mode mode;
};

struct measurer {
    struct env *env;
    struct mconf_measurer_side conf;
    const struct measurer_ops *ops;
    void *arg;
    enum measurer_state state;
    struct msg_hello say;
    struct coord_conn conn;
    struct job jobs[MEASURER_JOBS_MOST];
    uint32_t *used; /* a ring of ids that were taken before */
    size_t n_used, next_used;
    bool finishing, refused;
};

static const char *const state_names[] = {"START", "ENSURE_CONN_W_COORD", "READY", "NONFATAL_ERROR",
                                          "FATAL_ERROR"};

const char *measurer_state_name(enum measurer_state state)
{
    return state_names[state];
}

enum measurer_state measurer_state(const struct measurer *m)
{
    return m->state;
}

bool measurer_is_refused(const struct measurer *m)
{
    return m->refused;
}

static void enter(struct measurer *m, enum measurer_state state, const char *text)
{
    m->state = state;
    if (m->ops->on_state)
        m->ops->on_state(m->arg, state, text);
}

/* ---- jobs ---- */

static struct job *job_of(struct measurer *m, uint32_t meas_id)
{
    for (size_t i = 0; meas_id && i < MEASURER_JOBS_MOST; i++)
        if (m->jobs[i].meas_id == meas_id)
            return &m->jobs[i];
    return NULL;
}

size_t measurer_jobs(const struct measurer *m)
{
    size_t n = 0;
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++)
        n += m->jobs[i].meas_id ? 1 : 0;
    return n;
}

static void set_busy(struct measurer *m)
{
    if (m->conn.proto)
        coord_proto_set_busy(m->conn.proto, measurer_jobs(m) > 0);
}

static void stop_all(struct measurer *m, enum meas_code code, const char *info)
{
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++) {
        struct job *j = &m->jobs[i];
        if (!j->meas_id || j->stopping)
            continue;
        j->stopping = true;
        m->ops->stop(m->arg, j->it, code, info);
    }
}

static bool was_used(struct measurer *m, uint32_t meas_id)
{
    for (size_t i = 0; i < m->n_used; i++)
        if (m->used[i] == meas_id)
            return true;
    m->used[m->next_used] = meas_id;
    m->next_used = (m->next_used + 1) % MEASURER_IDS_MOST;
    m->n_used += m->n_used < MEASURER_IDS_MOST ? 1 : 0;
    return false;
}

/* ---- what may be measured ---- */

static unsigned circs_of_all(const struct measurer *m)
{
    unsigned n = 0;
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++)
        n += m->jobs[i].meas_id ? m->jobs[i].n_circs : 0;
    return n;
}

/* One run at a time on an address; but relays that agree themselves may be measured together, since
 * each alone would show the whole host. */
static bool is_in_the_way(const struct measurer *m, const struct connect_to_relay *told)
{
    const struct ipport *at = &told->relay.addrs[0];
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++) {
        const struct job *j = &m->jobs[i];
        bool both_agree = told->mode == MEAS_FLASHFLOW && j->mode == MEAS_FLASHFLOW;
        if (j->meas_id && ip_equal(&j->at.ip, &at->ip) && (!both_agree || j->at.port == at->port))
            return true;
    }
    return false;
}

/* MEAS_CODES' word for what is in the way, and INFO; or -1. */
static int obstacle(struct measurer *m, const struct connect_to_relay *told,
                    char info[CONSENT_WHY_MAX])
{
    unsigned open = circs_of_all(m), most = m->conf.sockets_max;
    snprintf(info, CONSENT_WHY_MAX, "meas_id %u was used before", told->meas_id);
    if (was_used(m, told->meas_id))
        return MEAS_M_DUPE_MEAS_ID;
    snprintf(info, CONSENT_WHY_MAX, "this measurer is about to end");
    if (m->finishing)
        return MEAS_RESOURCES;
    snprintf(info, CONSENT_WHY_MAX, "%u sockets of %u are in use, and %u were asked for", open,
             most, told->n_circs);
    if (measurer_jobs(m) == MEASURER_JOBS_MOST || open + told->n_circs > most)
        return MEAS_RESOURCES;
    snprintf(info, CONSENT_WHY_MAX, "a relay of that address is being measured");
    if (is_in_the_way(m, told))
        return MEAS_REFUSED;
    return consent_of_told(told, &m->conf.coord_pin, &m->conf.http_server, env_wall_s(m->env),
                           info) == OK
               ? -1
               : MEAS_NO_CONSENT;
}

/* What others leave to J: those that are under way share what this measurer has, and a hundredth
 * more, since whoever shares it out rounds. */
static uint64_t bounded(const struct measurer *m, const struct job *j, uint64_t alloc_bw)
{
    uint64_t most = m->conf.bw, left = most + most / 100;
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++) {
        const struct job *o = &m->jobs[i];
        if (o != j && o->meas_id && o->running && !o->spent && !o->stopping)
            left -= o->bw < left ? o->bw : left;
    }
    left = left < most ? left : most;
    return alloc_bw < left ? alloc_bw : left;
}

/* ---- what the coordinator says ---- */

static void fail(struct measurer *m, uint32_t meas_id, enum meas_code code, const char *info)
{
    log_notice(m->env->log, "Measurement %u fails here: %s %s", meas_id, meas_code_name(code),
               info);
    if (m->conn.proto)
        coord_proto_fail(m->conn.proto, meas_id, code, "%s", info);
}

static void on_connect(struct measurer *m, const struct connect_to_relay *asked)
{
    char why[CONSENT_WHY_MAX], info[MEAS_INFO_MAX] = "out of memory";
    struct connect_to_relay told = *asked;
    int code = obstacle(m, asked, why);
    struct job *j = m->jobs;
    if (code >= 0) {
        fail(m, told.meas_id, (enum meas_code)code, why);
        return;
    }
    while (j->meas_id)
        j++;
    /* Others may be over when it begins: on_go() looks at those. */
    told.alloc_bw = told.alloc_bw < m->conf.bw ? told.alloc_bw : m->conf.bw;
    *j = (struct job){.meas_id = told.meas_id,
                      .n_circs = told.n_circs,
                      .dur = told.dur,
                      .bw = told.alloc_bw,
                      .at = told.relay.addrs[0],
                      .mode = told.mode};
    err_t e = m->ops->begin(m->arg, &told, &j->it, info);
    if (e != OK) {
        j->meas_id = 0;
        fail(m, told.meas_id, e == ERR_ARG ? MEAS_MALFORMED : MEAS_RESOURCES, info);
    }
    set_busy(m);
}

static void set_alloc(struct measurer *m, struct job *j, uint64_t alloc_bw)
{
    j->bw = alloc_bw;
    m->ops->alloc(m->arg, j->it, alloc_bw);
}

static void on_go(struct measurer *m, uint32_t meas_id)
{
    struct job *j = job_of(m, meas_id);
    uint64_t bw = j ? bounded(m, j, j->bw) : 0;
    if (!j)
        fail(m, meas_id, MEAS_M_UNKNOWN_MEAS_ID, "nothing of that meas_id is here");
    else if (j->running)
        fail(m, meas_id, MEAS_M_START_ACTIVE_MEAS, "it runs already");
    else if (!bw)
        fail(m, meas_id, MEAS_RESOURCES, "all that this measurer has is given to others");
    else if (m->ops->go(m->arg, j->it) != OK)
        fail(m, meas_id, MEAS_LAUNCH_CIRCS, "it has not got its circuits");
    else
        j->running = true;
    if (j && j->running && bw < j->bw)
        set_alloc(m, j, bw);
}

static void on_alloc(struct measurer *m, uint32_t meas_id, uint64_t alloc_bw)
{
    struct job *j = job_of(m, meas_id);
    if (j)
        set_alloc(m, j, bounded(m, j, alloc_bw));
    else
        fail(m, meas_id, MEAS_M_UNKNOWN_MEAS_ID, "nothing of that meas_id is here");
}

/* One that is over already may be cancelled: the two messages have met. */
static void on_cancel(struct measurer *m, uint32_t meas_id, const char *info)
{
    struct job *j = job_of(m, meas_id);
    if (!j || j->stopping)
        return;
    j->stopping = true;
    m->ops->stop(m->arg, j->it, MEAS_CANCELLED, info);
}

static void on_msg(void *arg, const struct msg *msg)
{
    struct measurer *m = arg;
    switch (msg->type) {
    case MSG_CONNECT_TO_RELAY:
        on_connect(m, &msg->connect);
        break;
    case MSG_GO:
        on_go(m, msg->meas_id);
        break;
    case MSG_ALLOC:
        on_alloc(m, msg->meas_id, msg->alloc_bw);
        break;
    case MSG_CANCEL:
    case MSG_DONE:
        on_cancel(m, msg->meas_id, "the coordinator says so");
        break;
    case MSG_FAILURE:
        log_notice(m->env->log, "The coordinator says: %s %s", meas_code_name(msg->failure.code),
                   msg->failure.info);
        on_cancel(m, msg->meas_id, "the coordinator failed");
        break;
    default:
        break;
    }
}

/* ---- the connection ---- */

static void dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    struct measurer *m = arg;
    m->ops->dial(m->arg, p, to);
}

static void hangup(void *arg, struct coord_proto *p)
{
    struct measurer *m = arg;
    m->ops->hangup(m->arg, p);
}

static void output(void *arg, struct coord_proto *p)
{
    struct measurer *m = arg;
    m->ops->output(m->arg, p);
}

static void on_open(void *arg, const struct msg_hello *theirs)
{
    enter(arg, MEASURER_READY, theirs->name);
}

static void on_heard(void *arg)
{
    struct measurer *m = arg;
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++)
        if (m->jobs[i].meas_id && !m->jobs[i].stopping)
            m->ops->heard(m->arg, m->jobs[i].it);
}

static void on_lost(void *arg, const struct coord_proto_end *end)
{
    struct measurer *m = arg;
    stop_all(m, MEAS_DEAD_MAN, "the coordinator is gone");
    if (end->res == COORD_CONN_FATAL_ERROR) {
        enter(m, MEASURER_FATAL_ERROR, end->text);
        return;
    }
    m->refused = end->refused;
    if (end->impostor)
        log_warn(m->env->log, "No connection with the coordinator: %s", end->text);
    enter(m, MEASURER_NONFATAL_ERROR, end->text);
    enter(m, MEASURER_ENSURE_CONN_W_COORD, "");
}

static const struct coord_conn_ops conn_ops = {
    .dial = dial,
    .hangup = hangup,
    .output = output,
    .on_open = on_open,
    .on_heard = on_heard,
    .on_msg = on_msg,
    .on_lost = on_lost,
};

/* ---- what a measurement tells ---- */

static void tell(struct measurer *m, const struct msg *msg)
{
    if (m->conn.proto)
        coord_proto_send(m->conn.proto, msg);
}

void measurer_connected(struct measurer *m, const struct connected_to_relay *c)
{
    tell(m, &(struct msg){.type = MSG_CONNECTED_TO_RELAY, .meas_id = c->meas_id, .connected = *c});
}

void measurer_report(struct measurer *m, const struct bw_report *r)
{
    struct job *j = job_of(m, r->meas_id);
    if (j)
        j->spent = r->sec >= j->dur; /* what it had may be given to the next one */
    tell(m, &(struct msg){.type = MSG_BW_REPORT, .meas_id = r->meas_id, .report = *r});
}

void measurer_ended(struct measurer *m, uint32_t meas_id, const struct meas_failure *failure)
{
    struct job *j = job_of(m, meas_id);
    struct msg msg = {.type = failure ? MSG_FAILURE : MSG_DONE, .meas_id = meas_id};
    if (!j)
        return;
    if (failure)
        msg.failure = *failure;
    log_notice(m->env->log, "Measurement %u is over: %s%s%s", meas_id,
               failure ? meas_code_name(failure->code) : "done",
               failure && *failure->info ? " " : "", failure ? failure->info : "");
    tell(m, &msg);
    m->ops->end(m->arg, j->it);
    *j = (struct job){.meas_id = 0};
    set_busy(m);
    if (m->finishing && !measurer_jobs(m))
        m->ops->on_idle(m->arg);
}

/* ---- life ---- */

static void take_conf(struct measurer *m, const struct mconf_measurer_side *conf)
{
    m->conf = *conf;
    m->conn.coord_addr = conf->coord_addr;
    m->conn.coord_pin = conf->coord_pin;
    memcpy(m->say.name, conf->name, sizeof m->say.name);
    m->say.bw = conf->bw;
    m->say.sockets_max = conf->sockets_max;
}

struct measurer *measurer_new(struct env *env, const struct mconf_measurer_side *conf,
                              struct tls_ctx *tls, const struct ed_id *identity, unsigned cores,
                              const struct measurer_ops *ops, void *arg)
{
    struct measurer *m = calloc(1, sizeof *m);
    uint32_t *used = calloc(MEASURER_IDS_MOST, sizeof *used);
    if (!m || !used) {
        free(m);
        free(used);
        return NULL;
    }
    *m = (struct measurer){.env = env, .ops = ops, .arg = arg, .used = used};
    m->say = (struct msg_hello){.proto = MSG_PROTO,
                                .software = "tunic " TUNIC_VERSION,
                                .cores = cores,
                                .identity = *identity};
    const struct coord_proto_config config = {.tls = tls, .say = &m->say};
    coord_conn_init(&m->conn, env, &config, &conn_ops, m);
    take_conf(m, conf);
    return m;
}

void measurer_start(struct measurer *m)
{
    enter(m, MEASURER_ENSURE_CONN_W_COORD, "");
    ensure_conn_w_coord(&m->conn);
}

void measurer_reconfigure(struct measurer *m, const struct mconf_measurer_side *conf)
{
    bool elsewhere = !ipport_equal(&conf->coord_addr, &m->conf.coord_addr) ||
                     memcmp(&conf->coord_pin, &m->conf.coord_pin, sizeof conf->coord_pin) != 0;
    take_conf(m, conf);
    /* Else the coordinator hears it in the next hello: what runs is worth more. */
    if (m->conn.proto && (elsewhere || !measurer_jobs(m)))
        coord_proto_close(m->conn.proto, "the configuration was read anew");
    else if (elsewhere && m->state == MEASURER_ENSURE_CONN_W_COORD)
        ensure_conn_w_coord(&m->conn); /* not when the last one's delay is over */
}

void measurer_finish(struct measurer *m)
{
    m->finishing = true;
    if (!measurer_jobs(m))
        m->ops->on_idle(m->arg);
}

void measurer_free(struct measurer *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < MEASURER_JOBS_MOST; i++)
        if (m->jobs[i].meas_id)
            m->ops->end(m->arg, m->jobs[i].it);
    coord_conn_end(&m->conn);
    free(m->used);
    free(m);
}
