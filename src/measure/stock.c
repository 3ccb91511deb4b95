/* A measurement's life: whether it may be, its lanes, its end. */
#include "measure/stock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/echohop.h"
#include "measure/polite.h"
#include "measure/stock_int.h"

enum { PACE_STEP_US = 10 * 1000, CONNECT_MS = 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS };

/* ---- what ends it ---- */

static void tell(void *arg)
{
    struct stock *s = arg;
    s->ops->on_end(s->arg, s->has_failed ? &s->failure : NULL);
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
    stock_stop_seconds(s);
    env_disarm(s->env, &s->late);
    env_disarm(s->env, &s->paced);
    env_disarm(s->env, &s->dead_man);
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

void stock_stop(struct stock *s, enum meas_code code, const char *info)
{
    stock_fails(s, code, false, info);
}

static void nobody_there(void *arg)
{
    stock_fails(arg, MEAS_DEAD_MAN, false, "nothing was heard of the coordinator");
}

void stock_heard(struct stock *s)
{
    if (s->config.dead_man && s->state == STOCK_RUNNING)
        env_arm_ms(s->env, &s->dead_man, MEAS_DEAD_MAN_MS);
}

bool stock_was_sent_away(const struct stock *s)
{
    return s->sent_away;
}

uint64_t stock_bytes(const struct stock *s)
{
    const struct stock_sums sums = stock_sums(s);
    return s->state == STOCK_OVER ? s->bytes : sums.wire_in + sums.wire_out;
}

static void too_late(void *arg)
{
    struct stock *s = arg;
    char text[MEAS_INFO_MAX];
    if (s->state == STOCK_DRAINING) {
        stock_finish(s);
    } else if (s->state == STOCK_READY) {
        stock_fails(s, MEAS_TIMEOUT, false, "nobody said go");
    } else if (s->state == STOCK_CONNECTING) {
        snprintf(text, sizeof text, "%u of %u circuits stood in time", s->ready, s->n);
        stock_fails(s, MEAS_LAUNCH_CIRCS, false, text);
    }
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
    char text[MEAS_INFO_MAX];
    if (s->state != STOCK_CONNECTING || s->ready + s->bad < s->n)
        return;
    if (2 * s->ready >= s->n) {
        tell_connected(s);
        return;
    }
    snprintf(text, sizeof text, "%u of %u circuits failed: %s", s->bad, s->n, last_failure);
    stock_fails(s, is_nowhere && !s->ready ? code : MEAS_LAUNCH_CIRCS, false, text);
}

/* ---- life ---- */

static void init_lanes(struct stock *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct lane *ln = &s->lanes[i];
        ln->s = s;
        ln->i = i;
        timer_init(&ln->open, lane_dial, ln);
        env_arm_ms(s->env, &ln->open, polite_open_at_ms(i, s->n));
    }
}

static void paced(void *arg)
{
    stock_pump_all(arg);
}

static void init(struct stock *s)
{
    s->kind = stock_kind(s->config.told.mode);
    s->link_config = (struct link_config){.tls = s->config.tls,
                                          .connect_timeout_ms = MEAS_CONNECT_MS,
                                          .handshake_timeout_ms = MEAS_CONNECT_MS,
                                          .padding = LINK_PADDING_OFF};
    env_random(s->env, s->secret, sizeof s->secret);
    timer_init(&s->late, too_late, s);
    timer_init(&s->paced, paced, s);
    timer_init(&s->dead_man, nobody_there, s);
    later_init(&s->tell, tell, s);
    later_init(&s->bury, lanes_bury, s);
    stock_init_seconds(s);
    bucket_init(&s->pace, s->config.told.alloc_bw, s->config.told.alloc_bw / 20, PACE_STEP_US,
                s->env->mono_us);
    env_arm_ms(s->env, &s->late, polite_open_at_ms(s->n - 1, s->n) + CONNECT_MS);
    init_lanes(s);
}

err_t stock_new(struct env *env, const struct stock_config *config,
                const struct measurement_ops *ops, void *arg, struct stock **out,
                char why[CONSENT_WHY_MAX])
{
    TRY(stock_may(env, config, why));
    struct stock *s = calloc(1, sizeof *s);
    unsigned n = polite_sockets(config->told.n_circs);
    struct lane *lanes = calloc(n, sizeof *lanes);
    if (!s || !lanes) {
        free(s);
        free(lanes);
        snprintf(why, CONSENT_WHY_MAX, "out of memory");
        return ERR_NOMEM;
    }
    *s = (struct stock){
        .env = env, .config = *config, .ops = ops, .arg = arg, .lanes = lanes, .n = n};
    snprintf(s->name, sizeof s->name, "%s", config->name);
    s->config.told.proof = s->config.next_proof = (struct text){"", 0};
    init(s);
    *out = s;
    return OK;
}

void stock_free(struct stock *s)
{
    if (!s)
        return;
    s->state = STOCK_OVER;
    stock_stop_seconds(s);
    env_disarm(s->env, &s->late);
    env_disarm(s->env, &s->paced);
    env_disarm(s->env, &s->dead_man);
    for (unsigned i = 0; i < s->n; i++) {
        env_disarm(s->env, &s->lanes[i].open);
        s->kind->close(&s->lanes[i]);
        lane_bury(&s->lanes[i]);
    }
    later_cancel(s->env, &s->tell);
    later_cancel(s->env, &s->bury);
    free(s->lanes);
    secret_wipe(s, sizeof *s);
    free(s);
}

/* ---- running ---- */

err_t stock_go(struct stock *s)
{
    if (s->state != STOCK_READY)
        return ERR_STATE;
    s->state = STOCK_RUNNING;
    env_disarm(s->env, &s->late);
    stock_start_seconds(s);
    stock_heard(s);
    stock_pump_all(s);
    return OK;
}

void stock_alloc(struct stock *s, uint64_t alloc_bw)
{
    bucket_change(&s->pace, alloc_bw, alloc_bw / 20, PACE_STEP_US, s->env->mono_us);
    stock_pump_all(s);
}

void stock_drain(struct stock *s)
{
    s->state = STOCK_DRAINING;
    env_disarm(s->env, &s->paced);
    env_disarm(s->env, &s->dead_man);
    if (stock_flying(s))
        env_arm_ms(s->env, &s->late, STOCK_DRAIN_MS);
    else
        stock_finish(s);
}

/* Each time another lane is the first to take from what the pace allows. */
void stock_pump_all(struct stock *s)
{
    unsigned first = s->first++;
    for (unsigned i = 0; i < s->n && s->state == STOCK_RUNNING; i++) {
        struct lane *ln = &s->lanes[(first + i) % s->n];
        if (ln->state == LANE_READY)
            s->kind->pump(ln);
    }
    stock_note_held(s);
}

/* What one cell costs of what this measurer is to give: in echo2 the relay handles it twice, and so
 * does this computer. */
static uint64_t price(const struct stock *s)
{
    return s->config.told.mode == MEAS_ECHO2 ? 2 * CHAN_CELL_MAX : CHAN_CELL_MAX;
}

uint64_t stock_allows(struct stock *s, const struct lane *ln, bool limited)
{
    uint64_t flying = ln->sent - ln->back, share = flight_share(&s->flight, ln->i);
    uint64_t paid = bucket_look(&s->pace, s->env->mono_us) / price(s);
    if (s->state != STOCK_RUNNING || (limited && share <= flying))
        return 0;
    if (!paid) {
        if (!s->paced.armed)
            timerq_arm(&s->env->timers, &s->paced, bucket_next_us(&s->pace));
        return 0;
    }
    return !limited || paid < share - flying ? paid : share - flying;
}

void stock_paid(struct stock *s, uint64_t cells)
{
    uint64_t bytes = cells * price(s);
    uint64_t there = bucket_look(&s->pace, s->env->mono_us);
    bucket_take(&s->pace, bytes < there ? bytes : there);
}

void stock_spent(struct stock *s, struct lane *ln, uint64_t cells)
{
    ln->sent += cells;
    stock_paid(s, cells);
}
