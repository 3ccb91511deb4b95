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

static const struct lane_kind *const kinds[] = {
    [MEAS_ECHO2] = &lane_echo2, [MEAS_SINK2] = &lane_echo2, [MEAS_DIR] = &lane_dir,
    [MEAS_DROP] = &lane_drop,   [MEAS_HTTP] = &lane_http,
};

const char *stock_mode_proves(enum meas_mode mode)
{
    switch (mode) {
    case MEAS_FLASHFLOW:
        return "each cell was decrypted by the relay and came back: what it carries, clients and "
               "all";
    case MEAS_ECHO2:
        return "each cell went through the relay twice and came back checked: at least so much";
    case MEAS_SINK2:
        return "cells went through the relay to a hop of ours, one in fifty came back: at least so "
               "much";
    case MEAS_DIR:
        return "documents came from the relay: what it sends, and nothing of what it takes";
    case MEAS_DROP:
        return "cells were sent to the relay: nothing proves that it has read them";
    case MEAS_HTTP:
        return "a download through the relay and an exit: the least of the three, server and all";
    }
    return "";
}

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
static void look_whether_all(struct stock *s, const char *last_failure)
{
    char text[MEAS_INFO_MAX];
    if (s->state != STOCK_CONNECTING || s->ready + s->bad < s->n)
        return;
    if (2 * s->ready >= s->n) {
        tell_connected(s);
        return;
    }
    snprintf(text, sizeof text, "%u of %u circuits failed: %s", s->bad, s->n, last_failure);
    stock_fails(s, MEAS_LAUNCH_CIRCS, false, text);
}

void lane_is_ready(struct lane *ln)
{
    struct stock *s = ln->s;
    uint64_t took_ms = (s->env->mono_us - ln->asked_us) / US_PER_MS;
    ln->state = LANE_READY;
    if (!s->ready || took_ms < s->rtt_ms)
        s->rtt_ms = (unsigned)took_ms;
    s->ready++;
    look_whether_all(s, "");
}

/* While connecting it is one circuit less; a relay that has granted a run and takes it back wants
 * it to end. */
static void lane_lost(struct lane *ln, enum meas_code code, bool sent_away, const char *text)
{
    struct stock *s = ln->s;
    if (s->state == STOCK_OVER || ln->state == LANE_BAD)
        return;
    if (s->state == STOCK_DRAINING) {
        stock_finish(s);
        return;
    }
    if (ln->state == LANE_READY || s->state != STOCK_CONNECTING || sent_away) {
        stock_fails(s, code, sent_away, text);
        return;
    }
    ln->state = LANE_BAD;
    s->bad++;
    s->kind->close(ln);
    if (ln->link && !ln->over)
        link_close(ln->link, OK, OR_DONE, text);
    look_whether_all(s, text);
}

void lane_fails(struct lane *ln, enum meas_code code, const char *fmt, ...)
{
    char text[MEAS_INFO_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lane_lost(ln, code, false, text);
}

void lane_sent_away(struct lane *ln, const char *fmt, ...)
{
    char text[MEAS_INFO_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lane_lost(ln, MEAS_RELAY_LOST, true, text);
}

void lane_cheat(struct lane *ln, const struct meas_cheat *cheat)
{
    struct stock *s = ln->s;
    char text[MEAS_CHEAT_TEXT_MAX];
    if (s->state == STOCK_OVER)
        return;
    s->failure.cheat = *cheat;
    stock_fails(s, MEAS_CHEAT, false, meas_cheat_text(cheat, text));
}

/* ---- links ---- */

static void link_on_open(void *arg)
{
    struct lane *ln = arg;
    ln->state = LANE_BUILDING;
    ln->asked_us = ln->s->env->mono_us;
    if (ln->s->kind->open(ln) != OK)
        lane_fails(ln, MEAS_RESOURCES, "a circuit could not be asked for");
}

static void link_on_end(void *arg, const struct link_end *end)
{
    struct lane *ln = arg;
    struct stock *s = ln->s;
    bool ours = s->state == STOCK_OVER || ln->state == LANE_BAD;
    ln->over = true;
    s->gone_in += link_bytes_in(ln->link);
    s->gone_out += link_bytes_out(ln->link);
    later_ask(s->env, &s->bury);
    if (!ours && end->during == LINK_OPEN)
        lane_sent_away(ln, "the relay closed a link: %s", end->text);
    else if (!ours)
        lane_fails(ln, MEAS_RELAY_LOST, "no link to the relay: %s", end->text);
}

static void link_on_output(void *arg)
{
    struct lane *ln = arg;
    ln->s->config.sockets->output(ln->s->config.world, ln->link);
}

static const struct link_ops link_ops = {
    .on_open = link_on_open, .on_end = link_on_end, .on_output = link_on_output};

static void bury_link(struct lane *ln)
{
    struct stock *s = ln->s;
    s->kind->free(ln);
    if (!ln->link)
        return;
    s->config.sockets->hangup(s->config.world, ln->link);
    link_free(ln->link);
    ln->link = NULL;
}

static void bury(void *arg)
{
    struct stock *s = arg;
    for (unsigned i = 0; i < s->n; i++)
        if (s->lanes[i].over)
            bury_link(&s->lanes[i]);
}

static void dial(void *arg)
{
    struct lane *ln = arg;
    struct stock *s = ln->s;
    const struct meas_relay *r = &s->config.told.relay;
    const struct link_target target = {.reach = reach_at(r->addrs[0]),
                                       .rsa = r->fp,
                                       .ed = r->ed25519,
                                       .has_rsa = r->has_fp,
                                       .has_ed = r->has_ed25519};
    ln->state = LANE_CONNECTING;
    ln->link = link_new(s->env, &s->link_config, &target, &link_ops, ln);
    if (ln->link)
        s->config.sockets->dial(s->config.world, ln->link);
    else
        lane_fails(ln, MEAS_RESOURCES, "no memory for a link");
}

/* ---- whether it may be ---- */

static err_t refuse(char why[CONSENT_WHY_MAX], const char *text)
{
    snprintf(why, CONSENT_WHY_MAX, "%s", text);
    return ERR_ARG;
}

static err_t check_relay(const struct env *env, const struct stock_config *c,
                         char why[CONSENT_WHY_MAX])
{
    const struct meas_relay *r = &c->told.relay;
    const struct consent_relay relay = {.at = r->addrs[0],
                                        .rsa = r->fp,
                                        .ed = r->ed25519,
                                        .has_rsa = r->has_fp,
                                        .has_ed = r->has_ed25519};
    if (r->n_addrs != 1)
        return refuse(why, "a relay of unmodified tor is measured at one address");
    TRY(consent_check_address(&relay.at, why));
    if (consent_is_free(&relay.at))
        return OK;
    if (!c->pin)
        return refuse(why, "a relay that is not of this machine is measured for a coordinator with "
                           "a key alone (--key), which its operator has agreed to");
    return consent_by_contact(&relay, c->told.proof, c->pin, env_wall_s(env), why);
}

/* An exit that is used has agreed as well, or is of this machine. */
static err_t check_next(const struct env *env, const struct stock_config *c,
                        char why[CONSENT_WHY_MAX])
{
    const struct circ_hop_target *n = &c->next;
    const struct ipport *at = n->v4.port ? &n->v4 : &n->v6;
    if (c->told.mode != MEAS_HTTP) {
        if (!c->hop)
            return refuse(why, "this mode needs a second hop");
        return consent_hop(&c->told.relay.addrs[0], at, why);
    }
    const struct consent_relay relay = {
        .at = *at, .rsa = n->rsa, .ed = n->ed, .has_rsa = true, .has_ed = n->has_ed};
    TRY(consent_check_address(at, why));
    TRY(consent_check_address(&c->server, why));
    if (consent_is_free(at))
        return OK;
    if (!c->pin)
        return refuse(why, "an exit that is not of this machine has to agree, too");
    return consent_by_contact(&relay, c->next_proof, c->pin, env_wall_s(env), why);
}

static err_t check(const struct env *env, const struct stock_config *c, char why[CONSENT_WHY_MAX])
{
    const struct connect_to_relay *t = &c->told;
    size_t n_kinds = sizeof kinds / sizeof *kinds;
    if ((size_t)t->mode >= n_kinds || !kinds[t->mode])
        return refuse(why, "this mode is not one for relays of unmodified tor");
    if (!t->n_circs || t->n_circs > MEAS_CIRCS_MOST || !t->dur || !t->alloc_bw)
        return refuse(why, "there is nothing to do");
    if (!c->name || strlen(c->name) > MEAS_NAME_MAX)
        return refuse(why, "the measurer has no name, or too long a one");
    TRY(check_relay(env, c, why));
    if (t->mode == MEAS_DROP && !consent_is_free(&t->relay.addrs[0]))
        return refuse(why, "drop is for relays of this machine alone: nothing that it sends ever "
                           "comes back");
    return kinds[t->mode]->needs_next ? check_next(env, c, why) : OK;
}

/* ---- life ---- */

static void init_lanes(struct stock *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct lane *ln = &s->lanes[i];
        ln->s = s;
        ln->i = i;
        timer_init(&ln->open, dial, ln);
        env_arm_ms(s->env, &ln->open, polite_open_at_ms(i, s->n));
    }
}

static void paced(void *arg)
{
    stock_pump_all(arg);
}

static void init(struct stock *s)
{
    s->kind = kinds[s->config.told.mode];
    s->link_config = (struct link_config){.tls = s->config.tls,
                                          .connect_timeout_ms = MEAS_CONNECT_MS,
                                          .handshake_timeout_ms = MEAS_CONNECT_MS,
                                          .padding = LINK_PADDING_OFF};
    env_random(s->env, s->secret, sizeof s->secret);
    timer_init(&s->late, too_late, s);
    timer_init(&s->paced, paced, s);
    timer_init(&s->dead_man, nobody_there, s);
    later_init(&s->tell, tell, s);
    later_init(&s->bury, bury, s);
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
    TRY(check(env, config, why));
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
        bury_link(&s->lanes[i]);
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

uint64_t stock_allows(struct stock *s, const struct lane *ln, bool limited)
{
    uint64_t flying = ln->sent - ln->back, share = flight_share(&s->flight, ln->i);
    uint64_t paid = bucket_look(&s->pace, s->env->mono_us) / CHAN_CELL_MAX;
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
    uint64_t bytes = cells * CHAN_CELL_MAX;
    uint64_t there = bucket_look(&s->pace, s->env->mono_us);
    bucket_take(&s->pace, bytes < there ? bytes : there);
}

void stock_spent(struct stock *s, struct lane *ln, uint64_t cells)
{
    ln->sent += cells;
    stock_paid(s, cells);
}
