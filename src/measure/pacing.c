/* When a measurement sends: one bucket for all of its links, turns among them, and how much is
 * under way. Whoever could not send for the window or the link is out of the ring until an echo or
 * room comes; with tokens left and nobody in the ring we are held back by the relay. */
#include "cell/chan.h"
#include "measure/measurement_int.h"

#include <utlist.h>

static bool is_held_back(const struct measurement *m)
{
    return !m->ring && m->pace.left >= (uint64_t)m->turn * CELL_ON_WIRE;
}

static void note_blocked(struct measurement *m, bool blocked)
{
    uint64_t now = m->env->mono_us;
    if (m->blocked_since_us)
        m->blocked_us += now - m->blocked_since_us;
    m->blocked_since_us = blocked ? now : 0;
}

uint64_t pacing_blocked_us(struct measurement *m)
{
    note_blocked(m, m->blocked_since_us != 0);
    uint64_t us = m->blocked_us;
    m->blocked_us = 0;
    return us;
}

/* Its turn is over: the next one is first. */
static void go_behind(struct msocket *s)
{
    DL_DELETE(s->m->ring, s);
    DL_APPEND(s->m->ring, s);
}

/* ---- the bucket ---- */

static void arm_tick(struct measurement *m)
{
    uint64_t turn = (uint64_t)m->turn * CELL_ON_WIRE, now = m->env->mono_us;
    uint64_t enough = now + (turn - m->pace.left) * US_PER_SEC / m->pace.rate;
    uint64_t due = bucket_next_us(&m->pace);
    due = due > enough ? due : enough;
    m->tick_due_us = due > now ? due : now + 1;
    timerq_arm(&m->env->timers, &m->tick, m->tick_due_us);
}

static void pump(void *arg)
{
    struct measurement *m = arg;
    uint64_t cells = bucket_look(&m->pace, m->env->mono_us) / CELL_ON_WIRE;
    unsigned turn = m->turn;
    while (cells >= turn && m->ring && m->state == MEASUREMENT_RUNNING) {
        struct msocket *s = m->ring;
        unsigned n = msocket_send(s, turn);
        bucket_take(&m->pace, (uint64_t)n * CELL_ON_WIRE);
        cells -= n;
        if (s->can_send)
            go_behind(s);
    }
    if (m->state != MEASUREMENT_RUNNING)
        return;
    note_blocked(m, is_held_back(m));
    if (cells < turn)
        arm_tick(m);
}

static void on_tick(void *arg)
{
    struct measurement *m = arg;
    uint64_t late_ms = (m->env->mono_us - m->tick_due_us) / US_PER_MS;
    m->now.lag_ms = late_ms > m->now.lag_ms ? (unsigned)late_ms : m->now.lag_ms;
    pump(m);
}

void pacing_set(struct measurement *m)
{
    uint64_t rate = m->told.alloc_bw, burst = rate / MS_PER_SEC * PACE_BURST_MS;
    uint64_t rtt_us = m->rtt_us < US_PER_SEC ? m->rtt_us : US_PER_SEC;
    uint64_t least = (uint64_t)PACE_BURST_CELLS * CELL_ON_WIRE;
    bucket_change(&m->pace, rate, burst > least ? burst : least, PACE_STEP_US, m->env->mono_us);
    uint64_t bytes = rate / MS_PER_SEC * (WINDOW_MS + rtt_us / US_PER_MS);
    uint64_t window = bytes / CELL_ON_WIRE / (m->ready ? m->ready : 1);
    m->window = window < WINDOW_LEAST  ? WINDOW_LEAST
                : window > WINDOW_MOST ? WINDOW_MOST
                                       : (unsigned)window;
    if (m->state != MEASUREMENT_RUNNING)
        return;
    for (unsigned i = 0; i < m->told.n_circs; i++)
        if (m->sockets[i].ready)
            msocket_can_send(&m->sockets[i]);
}

/* Cells that go out together are a record of TLS, which costs less the larger it is. But a relay
 * that is limited reads all links a little at a time, and does nothing with a record before the
 * whole of it is there: one that takes long makes what comes back come in bursts. Several turns of
 * a circuit at once are a record each, too: else what came back together, as that of a relay does
 * that has saved up, would go around together until the end. */
void pacing_learn(struct measurement *m, uint64_t recv)
{
    uint64_t cells = recv / MS_PER_SEC * TURN_MS / CELL_ON_WIRE / (m->ready ? m->ready : 1);
    uint64_t most = m->window / 2 < TURN_CELLS_MOST ? m->window / 2 : TURN_CELLS_MOST;
    m->turn = cells < 1 ? 1 : (unsigned)(cells < most ? cells : most);
    for (unsigned i = 0; i < m->told.n_circs; i++)
        if (m->sockets[i].hop.link)
            link_record_at_most(m->sockets[i].hop.link, m->turn < TURN_CELLS_MOST ? m->turn : 0);
}

/* ---- life ---- */

void pacing_init(struct measurement *m)
{
    timer_init(&m->tick, on_tick, m);
    later_init(&m->pump, pump, m);
}

void pacing_begin(struct measurement *m)
{
    bucket_init(&m->pace, m->told.alloc_bw, 1, PACE_STEP_US, m->env->mono_us);
    m->turn = 1;
    pacing_set(m);
}
