/* A measurement's states: connecting until enough circuits stand, its end once too many do not. */
#include <stdarg.h>
#include <stdio.h>

#include "measure/consent.h"
#include "measure/measurement_int.h"

enum { CONSENT_TRIES = 3 };

/* ---- the end ---- */

static void tell_end(void *arg)
{
    struct measurement *m = arg;
    m->ops->on_end(m->arg, m->state == MEASUREMENT_FAILED ? &m->failure : NULL);
}

void measurement_end(struct measurement *m, enum measurement_state state)
{
    m->state = state;
    m->ring = NULL;
    for (unsigned i = 0; i < m->told.n_circs; i++)
        m->sockets[i].can_send = false;
    env_disarm(m->env, &m->tick);
    later_cancel(m->env, &m->pump);
    env_disarm(m->env, &m->open_next);
    env_disarm(m->env, &m->deadline);
    env_disarm(m->env, &m->dead_man);
    env_disarm(m->env, &m->second);
    for (unsigned i = 0; i < m->opened; i++)
        onehop_close(&m->sockets[i].hop);
    later_ask(m->env, &m->tell);
}

void measurement_fail(struct measurement *m, enum meas_code code, const char *fmt, ...)
{
    va_list args;
    if (m->state >= MEASUREMENT_DONE)
        return;
    m->failure.code = code;
    m->failure.meas_id = m->told.meas_id;
    va_start(args, fmt);
    vsnprintf(m->failure.info, sizeof m->failure.info, fmt, args);
    va_end(args);
    measurement_end(m, MEASUREMENT_FAILED);
}

void measurement_stop(struct measurement *m, enum meas_code code, const char *info)
{
    measurement_fail(m, code, "%s", info);
}

/* ---- connecting ---- */

static void tell_circs(struct measurement *m)
{
    const struct connected_to_relay told = {
        .meas_id = m->told.meas_id,
        .circs = m->opened,
        .ready_circs = m->ready,
        .bad_circs = m->bad,
        .rtt_ms = m->rtt_us == UINT64_MAX ? 0 : (unsigned)(m->rtt_us / US_PER_MS),
    };
    m->ops->on_connected(m->arg, &told);
}

static void become_ready(struct measurement *m)
{
    m->state = MEASUREMENT_READY;
    env_arm_ms(m->env, &m->deadline, MEAS_GO_MS);
    tell_circs(m);
}

/* The relay's clock began with the first cell of the team, whoever sent it: so it may have ended
 * all circuits when our last second is not quite over. */
static bool is_nearly_over(const struct measurement *m)
{
    uint64_t end_us = m->go_us + (uint64_t)m->told.dur * US_PER_SEC;
    return m->state == MEASUREMENT_RUNNING && m->env->mono_us + US_PER_SEC / 2 >= end_us;
}

/* 316: a measurer whose links fail for more than the half has failed. */
static void too_many_bad(struct measurement *m)
{
    if (is_nearly_over(m))
        return;
    const char *why = m->refusal[0] ? m->refusal : "nobody says why";
    bool connecting = m->state == MEASUREMENT_CONNECTING;
    enum meas_code code = connecting ? MEAS_LAUNCH_CIRCS : MEAS_RELAY_LOST;
    if (connecting && m->met_another)
        code = MEAS_WRONG_IDENTITY;
    measurement_fail(m, m->short_of_memory ? MEAS_RESOURCES : code, "%u of %u circuits %s: %s",
                     m->bad, m->told.n_circs, connecting ? "failed" : "have ended", why);
}

static bool nobody_agrees(const struct measurement *m)
{
    return m->bad >= CONSENT_TRIES && !m->ready && !consent_is_free(&m->told.relay.addrs[0]);
}

void measurement_count(struct measurement *m)
{
    if (m->state >= MEASUREMENT_DONE)
        return;
    if (m->state == MEASUREMENT_CONNECTING && nobody_agrees(m))
        m->bad = m->told.n_circs;
    else if (m->state == MEASUREMENT_CONNECTING && m->opened < m->told.n_circs &&
             !m->open_next.armed)
        env_arm_ms(m->env, &m->open_next, 0);
    if (m->config.is_part && m->state != MEASUREMENT_CONNECTING && !is_nearly_over(m))
        tell_circs(m);
    else if (!m->config.is_part && 2 * m->bad > m->told.n_circs)
        too_many_bad(m);
    else if (m->state == MEASUREMENT_CONNECTING && m->ready + m->bad - m->lost >= m->told.n_circs)
        become_ready(m);
}

static void on_deadline(void *arg)
{
    struct measurement *m = arg;
    if (m->state == MEASUREMENT_READY)
        measurement_fail(m, MEAS_TIMEOUT, "nobody said go for %d s", MEAS_GO_MS / 1000);
    else if (m->config.is_part || 2 * (m->ready - m->lost) >= m->told.n_circs)
        become_ready(m);
    else
        measurement_fail(m, MEAS_LAUNCH_CIRCS, "%u of %u circuits were there in time", m->ready,
                         m->told.n_circs);
}

void measurement_init_states(struct measurement *m)
{
    timer_init(&m->deadline, on_deadline, m);
    later_init(&m->tell, tell_end, m);
}
