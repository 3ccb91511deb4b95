/* A run: its life, and the relay's part in it. */
#include "measure/run.h"

#include <stdlib.h>
#include <string.h>

#include "measure/run_int.h"

/* ---- life ---- */

static bool config_ok(const struct run_config *c)
{
    return c->meas_id && c->n_members && c->n_members <= RUN_MEMBERS_MOST && c->dur &&
           c->dur <= ESTIMATE_SECONDS_MOST && c->percent <= ESTIMATE_PERCENT_MOST;
}

static void tell_end(void *arg)
{
    struct run *r = arg;
    r->ops->on_end(r->arg, &r->result);
}

static void on_deadline(void *arg)
{
    struct run *r = arg;
    if (r->state == RUN_NEGOTIATE && r->config.patience_ms) {
        run_fail(r, MEAS_TIMEOUT, RUN_NOBODY, "the relay could not be asked in time");
    } else if (r->state == RUN_NEGOTIATE) {
        run_fail(r, MEAS_UNSUPPORTED, RUN_NOBODY,
                 "the relay did not answer for %d s; if it is one of tor's, try --mode echo2",
                 RUN_NEGOTIATE_MS / 1000);
    } else if (r->held) {
        run_fail(r, MEAS_RESOURCES, RUN_NOBODY, "its time did not come for %d s",
                 RUN_HOLD_MS / 1000);
    } else if (r->state == RUN_CONNECTING) {
        run_fail(r, MEAS_TIMEOUT, RUN_NOBODY, "circuits were not there after %d s",
                 RUN_CONNECT_MS / 1000);
    } else if (r->ending) {
        run_finish(r);
    } else if (r->state == RUN_RUNNING) {
        run_team_look(r);
        if (r->state == RUN_RUNNING)
            env_arm_ms(r->env, &r->deadline, 500);
    }
}

err_t run_new(struct env *env, const struct run_config *config, const struct run_ops *ops,
              void *arg, struct run **out)
{
    if (!config_ok(config))
        return ERR_ARG;
    struct run *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    *r = (struct run){.env = env, .config = *config, .ops = ops, .arg = arg};
    r->percent = config->percent;
    r->length = config->dur;
    r->team.reports = calloc(config->n_members * config->dur, sizeof *r->team.reports);
    r->seconds = calloc(config->dur, sizeof *r->seconds);
    r->has_bg = calloc(config->dur, sizeof *r->has_bg);
    timer_init(&r->deadline, on_deadline, r);
    later_init(&r->tell, tell_end, r);
    if (!r->team.reports || !r->seconds || !r->has_bg) {
        run_free(r);
        return ERR_NOMEM;
    }
    *out = r;
    return OK;
}

void run_free(struct run *r)
{
    if (!r)
        return;
    env_disarm(r->env, &r->deadline);
    later_cancel(r->env, &r->tell);
    free(r->team.reports);
    free(r->seconds);
    free(r->has_bg);
    free(r);
}

/* ---- the relay ---- */

static void ask_relay(struct run *r)
{
    const struct run_config *c = &r->config;
    struct meas_params m = {.seconds = (uint16_t)c->dur};
    m.ext.has_form = m.ext.has_session = m.ext.has_rate = true;
    m.ext.version = MEAS_VERSION;
    m.ext.echo = (uint8_t)c->echo;
    memcpy(m.ext.session, r->session, sizeof m.ext.session);
    m.ext.rate_most = r->raise.most;
    for (size_t k = 0; k < c->n_members; k++)
        if (r->team.parts[k].sockets)
            m.ext.measurers[m.ext.n_measurers++] =
                (struct meas_measurer){c->members[k].identity, (uint16_t)r->team.parts[k].sockets};
    r->asked = true;
    env_arm_ms(r->env, &r->deadline, c->patience_ms ? c->patience_ms : RUN_NEGOTIATE_MS);
    r->ops->ask(r->arg, &m);
}

static void connect_all(struct run *r)
{
    run_enter(r, RUN_CONNECTING);
    env_arm_ms(r->env, &r->deadline, RUN_CONNECT_MS);
    run_team_connect(r);
}

void run_start(struct run *r)
{
    env_random(r->env, r->session, sizeof r->session);
    if (r->config.adaptive && r->config.length)
        r->length = r->config.length < r->config.dur ? r->config.length : r->config.dur;
    else if (r->config.adaptive && r->config.dur > RUN_EARLY_S)
        r->length =
            RUN_EARLY_S + (unsigned)env_random_below(r->env, r->config.dur - RUN_EARLY_S + 1);
    if (run_allot_split(r) != OK) {
        run_fail(r, MEAS_RESOURCES, RUN_NOBODY, "no measurer has anything left to give");
        return;
    }
    run_enter(r, RUN_NEGOTIATE);
    if (r->config.mode == MEAS_FLASHFLOW)
        ask_relay(r);
    else
        connect_all(r);
}

void run_reached(struct run *r, const struct ipport *at)
{
    struct meas_relay *relay = &r->config.relay;
    const struct ipport first = *at;
    size_t i = 0;
    while (i < relay->n_addrs && !ipport_equal(&relay->addrs[i], at))
        i++;
    if (i == relay->n_addrs)
        return;
    memmove(&relay->addrs[1], &relay->addrs[0], i * sizeof relay->addrs[0]);
    relay->addrs[0] = first;
}

void run_proved(struct run *r, const struct rsa_id *rsa, const struct ed_id *ed)
{
    struct meas_relay *relay = &r->config.relay;
    if (rsa) {
        relay->fp = *rsa;
        relay->has_fp = true;
    }
    if (ed && !ed_id_is_zero(ed)) {
        relay->ed25519 = *ed;
        relay->has_ed25519 = true;
    }
}

void run_granted(struct run *r, const struct meas_ext *limits)
{
    if (r->state != RUN_NEGOTIATE || !r->asked)
        return;
    /* A relay that keeps its clients at less than we would believe may claim no more than that. */
    if (limits->has_limits && limits->background_percent < r->percent)
        r->percent = limits->background_percent;
    /* 316: "this duration includes handshake time". */
    unsigned most = limits->seconds_most > RUN_LEAD_S ? limits->seconds_most - RUN_LEAD_S : 0;
    if (limits->has_limits && most < r->config.dur)
        run_fail(
            r, MEAS_REFUSED, RUN_NOBODY,
            "the relay allows %u s with all that connecting takes: at most %u s can be measured",
            (unsigned)limits->seconds_most, most);
    else
        connect_all(r);
}

void run_refused(struct run *r, enum meas_code code, const char *info)
{
    r->asked = false;
    run_fail(r, code, RUN_NOBODY, "%s", info);
}

bool run_hears_of_clients(const struct run *r)
{
    return r->config.mode == MEAS_FLASHFLOW;
}

void run_bg(struct run *r, const struct meas_bg *bg)
{
    if (r->state != RUN_RUNNING || !bg->second || bg->second > r->config.dur ||
        r->has_bg[bg->second - 1])
        return; /* what is said twice, or of no second of ours, changes nothing */
    struct estimate_second *s = &r->seconds[bg->second - 1];
    r->has_bg[bg->second - 1] = true;
    s->bg_sent = bg->sent;
    s->bg_recv = bg->recv;
    run_tell_if_whole(r);
    if (r->state == RUN_RUNNING && r->ending && bg->second == r->summed)
        run_finish(r);
}
