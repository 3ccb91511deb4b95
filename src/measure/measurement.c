/* A measurement: its links are opened, its seconds told. */
#include "measure/measurement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/consent.h"
#include "measure/estimate.h"
#include "measure/measurement_int.h"

/* Bytes that are no echoes: with records of TLS that are not whole yet so many may have come on
 * each link, beside as many as the echoes are. */
enum { BESIDES_LINK = 64 * 1024 };

enum { OPEN_STEP_MS = 10, LEAN_FROM = 16 /* circuits: from here on memory counts for more */ };

/* ---- connecting ---- */

/* A relay that is not of this computer agrees by its answer to the first link: until then there is
 * no second one beside it, so that nobody can be made to get many connections at once. */
static bool waits_for_consent(const struct measurement *m)
{
    return m->opened > m->bad && !m->ready && !consent_is_free(&m->told.relay.addrs[0]);
}

static void open_some(void *arg)
{
    struct measurement *m = arg;
    unsigned steps = m->config.open_over_ms / OPEN_STEP_MS + 1;
    unsigned some = (m->told.n_circs + steps - 1) / steps;
    while (some-- && m->opened < m->told.n_circs && m->state == MEASUREMENT_CONNECTING &&
           !waits_for_consent(m))
        msocket_open(&m->sockets[m->opened++]);
    if (m->opened < m->told.n_circs && m->state == MEASUREMENT_CONNECTING && !waits_for_consent(m))
        env_arm_ms(m->env, &m->open_next, OPEN_STEP_MS);
}

/* ---- seconds ---- */

static void wire(const struct measurement *m, uint64_t *in, uint64_t *out)
{
    *in = *out = 0;
    for (unsigned i = 0; i < m->opened; i++) {
        const struct link *l = m->sockets[i].hop.link;
        *in += l ? link_bytes_in(l) : 0;
        *out += l ? link_bytes_out(l) : 0;
    }
}

static uint64_t cpu_us(const struct measurement *m)
{
    return m->config.ops_world->cpu_us ? m->config.ops_world->cpu_us(m->config.world) : 0;
}

static void begin_second(struct measurement *m, unsigned sec)
{
    m->now = (struct bw_report){.meas_id = m->told.meas_id, .sec = sec};
    wire(m, &m->wire_in, &m->wire_out);
    m->cpu_us = cpu_us(m);
    timerq_arm(&m->env->timers, &m->second, m->go_us + (uint64_t)sec * US_PER_SEC);
}

/* A relay that pads its cells with others is not faster for it: what is no echo counts for nothing.
 * One that does little else is a flood. */
static bool is_flood(struct measurement *m, const struct bw_report *told)
{
    m->all_in += told->wire_in;
    m->all_recv += told->recv;
    return m->all_in / 2 > m->all_recv + (uint64_t)m->told.n_circs * (BESIDES_LINK / 2);
}

static void on_second(void *arg)
{
    struct measurement *m = arg;
    uint64_t in, out, late_us = m->env->mono_us - (m->go_us + m->now.sec * (uint64_t)US_PER_SEC);
    uint64_t blocked = pacing_blocked_us(m) / (US_PER_SEC / 100);
    struct bw_report told = m->now;
    wire(m, &in, &out);
    told.wire_in = in - m->wire_in;
    told.wire_out = out - m->wire_out;
    told.blocked = blocked < 100 ? (unsigned)blocked : 100;
    told.cpu = (unsigned)((cpu_us(m) - m->cpu_us) / (US_PER_SEC / 100));
    if (late_us / US_PER_MS > told.lag_ms)
        told.lag_ms = (unsigned)(late_us / US_PER_MS);
    pacing_learn(m, told.recv);
    if (is_flood(m, &told)) {
        measurement_fail(m, MEAS_MALFORMED_TOR_RESP,
                         "the relay sends more that is no echo than it gives back");
        return;
    }
    if (told.sec < m->told.dur)
        begin_second(m, told.sec + 1);
    else
        measurement_end(m, MEASUREMENT_DONE);
    m->ops->on_report(m->arg, &told);
}

err_t measurement_go(struct measurement *m)
{
    if (m->state != MEASUREMENT_READY)
        return ERR_STATE;
    m->state = MEASUREMENT_RUNNING;
    m->go_us = m->env->mono_us;
    env_disarm(m->env, &m->deadline);
    measurement_heard(m);
    begin_second(m, 1);
    pacing_begin(m);
    return OK;
}

void measurement_set_alloc(struct measurement *m, uint64_t alloc_bw)
{
    m->told.alloc_bw = alloc_bw ? alloc_bw : 1;
    if (m->state == MEASUREMENT_RUNNING)
        pacing_set(m);
}

/* ---- the coordinator ---- */

static void on_silence(void *arg)
{
    measurement_fail(arg, MEAS_DEAD_MAN, "nothing was heard of the coordinator for %d s",
                     MEAS_DEAD_MAN_MS / 1000);
}

void measurement_heard(struct measurement *m)
{
    if (m->config.dead_man && m->state == MEASUREMENT_RUNNING)
        env_arm_ms(m->env, &m->dead_man, MEAS_DEAD_MAN_MS);
}

/* ---- life ---- */

static bool makes_sense(const struct connect_to_relay *told)
{
    return told->meas_id && told->n_circs && told->n_circs <= MEAS_CIRCS_MOST && told->dur &&
           told->dur <= ESTIMATE_SECONDS_MOST && told->alloc_bw && told->relay.n_addrs &&
           told->relay.n_addrs <= MEAS_ADDRS_MOST && told->check >= 0 && told->check <= 1 &&
           told->mode == MEAS_FLASHFLOW;
}

static void init(struct measurement *m)
{
    m->config.link.connect_timeout_ms = MEAS_CONNECT_MS;
    m->config.link.handshake_timeout_ms = MEAS_CONNECT_MS;
    m->config.link.padding = LINK_PADDING_OFF;
    m->config.link.measures = true;
    m->config.link.lean = m->told.n_circs >= LEAN_FROM;
    m->told.proof = (struct text){0};
    m->rtt_us = UINT64_MAX;
    env_random(m->env, m->secret, sizeof m->secret);
    timer_init(&m->open_next, open_some, m);
    timer_init(&m->dead_man, on_silence, m);
    timer_init(&m->second, on_second, m);
    measurement_init_states(m);
    pacing_init(m);
    for (unsigned i = 0; i < m->told.n_circs; i++) {
        m->sockets[i].m = m;
        m->sockets[i].number = m->config.first + i;
    }
}

err_t measurement_new(struct env *env, const struct measurement_config *config,
                      const struct connect_to_relay *told, const struct measurement_ops *ops,
                      void *arg, struct measurement **out)
{
    if (!makes_sense(told))
        return ERR_ARG;
    struct measurement *m = calloc(1, sizeof *m);
    struct msocket *sockets = calloc(told->n_circs, sizeof *sockets);
    if (!m || !sockets) {
        free(m);
        free(sockets);
        return ERR_NOMEM;
    }
    *m = (struct measurement){
        .env = env, .config = *config, .told = *told, .ops = ops, .arg = arg, .sockets = sockets};
    snprintf(m->name, sizeof m->name, "%s", config->name);
    init(m);
    env_arm_ms(env, &m->deadline, 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS + config->open_over_ms);
    env_arm_ms(env, &m->open_next, 0);
    *out = m;
    return OK;
}

void measurement_free(struct measurement *m)
{
    if (!m)
        return;
    if (m->state < MEASUREMENT_DONE)
        measurement_end(m, MEASUREMENT_FAILED);
    later_cancel(m->env, &m->tell);
    for (unsigned i = 0; i < m->told.n_circs; i++)
        msocket_free(&m->sockets[i]);
    free(m->sockets);
    secret_wipe(m, sizeof *m);
    free(m);
}

/* ---- looks ---- */

enum measurement_state measurement_state(const struct measurement *m)
{
    return m->state;
}

const struct connect_to_relay *measurement_told(const struct measurement *m)
{
    return &m->told;
}

const char *measurement_refusal(const struct measurement *m)
{
    return m->refusal;
}
