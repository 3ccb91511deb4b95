/* A measurement of a relay of unmodified tor: its life, and what its owner says to it. */
#include "measure/stock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "measure/polite.h"
#include "measure/stock_int.h"

enum { CONNECT_MS = 2 * MEAS_CONNECT_MS + MEAS_CIRCS_MS };

/* ---- life ---- */

static void tell(void *arg)
{
    struct stock *s = arg;
    s->ops->on_end(s->arg, s->has_failed ? &s->failure : NULL);
}

static void nobody_there(void *arg)
{
    stock_fails(arg, MEAS_DEAD_MAN, false, "nothing was heard of the coordinator");
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

static void init(struct stock *s)
{
    s->kind = stock_kind(s->config.told.mode);
    s->link_config = (struct link_config){.tls = s->config.tls,
                                          .connect_timeout_ms = MEAS_CONNECT_MS,
                                          .handshake_timeout_ms = MEAS_CONNECT_MS,
                                          .padding = LINK_PADDING_OFF};
    env_random(s->env, s->secret, sizeof s->secret);
    timer_init(&s->late, too_late, s);
    timer_init(&s->dead_man, nobody_there, s);
    later_init(&s->tell, tell, s);
    later_init(&s->bury, lanes_bury, s);
    stock_init_seconds(s);
    stock_init_pace(s);
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
    stock_disarm(s);
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

/* ---- what its owner says ---- */

void stock_heard(struct stock *s)
{
    if (s->config.dead_man && s->state == STOCK_RUNNING)
        env_arm_ms(s->env, &s->dead_man, MEAS_DEAD_MAN_MS);
}

err_t stock_go(struct stock *s)
{
    if (s->state != STOCK_READY)
        return ERR_STATE;
    s->state = STOCK_RUNNING;
    env_disarm(s->env, &s->late);
    stock_start_seconds(s);
    stock_heard(s);
    stock_alloc(s, s->config.told.alloc_bw);
    return OK;
}

void stock_stop(struct stock *s, enum meas_code code, const char *info)
{
    stock_fails(s, code, false, info);
}

/* ---- looks ---- */

bool stock_was_sent_away(const struct stock *s)
{
    return s->sent_away;
}

uint64_t stock_bytes(const struct stock *s)
{
    const struct stock_sums sums = stock_sums(s);
    return s->state == STOCK_OVER ? s->bytes : sums.wire_in + sums.wire_out;
}
