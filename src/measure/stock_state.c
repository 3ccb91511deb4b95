/* How a measurement of a relay of unmodified tor becomes ready, and how it ends. */
#include <stdio.h>

#include "measure/stock_int.h"

/* ---- what ends it ---- */

void stock_disarm(struct stock *s)
{
    env_disarm(s->env, &s->second);
    env_disarm(s->env, &s->tick);
    env_disarm(s->env, &s->late);
    env_disarm(s->env, &s->paced);
    env_disarm(s->env, &s->dead_man);
}

static void close_lanes(struct stock *s, const char *why)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct lane *ln = &s->lanes[i];
        env_disarm(s->env, &ln->open);
        s->kind->close(ln);
        if (ln->link && !ln->over)
            link_close(ln->link, OK, OR_DONE, why);
    }
}

static void is_over(struct stock *s, const char *why)
{
    const struct stock_sums sums = stock_sums(s);
    s->state = STOCK_OVER;
    stock_disarm(s);
    s->bytes = sums.wire_in + sums.wire_out;
    close_lanes(s, why);
    later_ask(s->env, &s->tell);
}

void stock_fails(struct stock *s, enum meas_code code, bool sent_away, const char *text)
{
    if (s->state == STOCK_OVER)
        return;
    s->failure.code = code;
    s->failure.meas_id = s->config.told.meas_id;
    s->has_failed = true;
    s->sent_away = sent_away;
    snprintf(s->failure.info, sizeof s->failure.info, "%s", text);
    is_over(s, "the measurement has failed");
}

void stock_finish(struct stock *s)
{
    if (s->state == STOCK_OVER)
        return;
    is_over(s, "the measurement is done");
}

/* ---- connecting ---- */

static void tell_connected(struct stock *s)
{
    const struct connected_to_relay m = {.meas_id = s->config.told.meas_id,
                                         .circs = s->n,
                                         .ready_circs = s->ready,
                                         .bad_circs = s->bad,
                                         .rtt_ms = s->rtt_ms};
    s->state = STOCK_READY;
    env_arm_ms(s->env, &s->late, MEAS_GO_MS);
    s->ops->on_connected(s->arg, &m);
}

/* proposal 316 has a measurement fail "if fewer than half" of the circuits can be had. */
void stock_look_whether_all(struct stock *s, enum meas_code code, const char *last_failure)
{
    bool is_nowhere =
        code == MEAS_UNREACHABLE || code == MEAS_HANDSHAKE_FAILED || code == MEAS_WRONG_IDENTITY;
    enum meas_code of_circuits = s->short_of_memory ? MEAS_RESOURCES : MEAS_LAUNCH_CIRCS;
    char text[MEAS_INFO_MAX];
    if (s->state != STOCK_CONNECTING || s->ready + s->bad < s->n)
        return;
    if (2 * s->ready >= s->n) {
        tell_connected(s);
        return;
    }
    snprintf(text, sizeof text, "%u of %u circuits failed: %s", s->bad, s->n, last_failure);
    stock_fails(s, is_nowhere && !s->ready ? code : of_circuits, false, text);
}
