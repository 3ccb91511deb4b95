/* What a coordinator and measurers ask of a relay, and the life of a run. */
#include "testnet/rmeas.h"

#include "cell/reason.h"
#include "crypto/secret.h"
#include "testnet/node_int.h"

/* 316 of FFMaxMeasurementDuration: "this duration includes handshake time, thus it necessarily is
 * larger than the expected actual measurement duration". So much it takes at least. */
enum { HANDSHAKES_S = 3 };

enum { REFUSALS_MOST = 8 /* that one circuit may ask for */, NOBODY = -1 };

/* ---- what is said ---- */

void rmeas_say(struct rcirc *c, const struct meas_cell *cell)
{
    uint8_t body[CELL_BODY_LEN] = {0};
    struct wr w = wr_over(body, sizeof body);
    if (meas_cell_encode(&w, cell) == OK)
        rcirc_cell(c, WAY_MADE, CELL_MEASUREMENT, body);
}

static void refuse(struct rcirc *c, uint8_t code)
{
    const struct meas_cell cell = {.cmd = MEAS_ERR, .err.code = code};
    log_info(c->node->env->log, "%s: refuses to be measured: %s", c->node->config.plan->nickname,
             meas_error_text(code));
    if (++c->refusals > REFUSALS_MOST)
        rcirc_broken(c, "it asks again and again to measure");
    else
        rmeas_say(c, &cell);
}

/* Who asks in 316's own form gets an answer without extensions. */
static void say_ok(struct rcirc *c, const struct rmeas *m, const struct meas_ext *asked)
{
    struct meas_cell cell = {.cmd = MEAS_PARAMS_OK};
    if (asked->has_form)
        cell.ok = (struct meas_ext){.has_form = true,
                                    .version = MEAS_VERSION,
                                    .echo = asked->echo,
                                    .has_limits = true,
                                    .background_percent = m->terms.background_percent,
                                    .seconds_most = m->terms.seconds_most,
                                    .background_floor = measurable_floor(&m->terms)};
    rmeas_say(c, &cell);
}

/* ---- a coordinator ---- */

/* Which of those that are allowed. */
static int find_coordinator(const struct rcirc *c)
{
    const struct measurable *said = &c->node->config.measurable;
    const struct ed_id *ed = link_peer_ed(c->came_on->link);
    for (size_t i = 0; i < said->n_coordinators && !ed_id_is_zero(ed); i++)
        if (ed_id_equal(&said->coordinators[i], ed))
            return (int)i;
    return NOBODY;
}

static bool too_often(const struct rmeas *m, int who)
{
    uint64_t period_us = m->terms.period_s * (uint64_t)US_PER_SEC;
    return m->past[who].n == MEASURABLE_RUNS &&
           m->node->env->mono_us - m->past[who].at_us[MEASURABLE_RUNS - 1] < period_us;
}

/* 0, or why it may not be. A query is judged as the run would be. */
static uint8_t judge(const struct rmeas *m, const struct rcirc *c, const struct meas_params *p)
{
    int who = find_coordinator(c);
    if (!m->terms.allowed)
        return MEAS_ERR_NOT_ALLOWED;
    if (who == NOBODY)
        return MEAS_ERR_COORDINATOR;
    if (p->ext.has_form && p->ext.version != MEAS_VERSION)
        return MEAS_ERR_VERSION;
    if (p->seconds && !p->n_addrs && !(p->ext.n_measurers && p->ext.has_session))
        return MEAS_ERR_MALFORMED;
    if (p->seconds && p->seconds + HANDSHAKES_S > m->terms.seconds_most)
        return MEAS_ERR_TOO_LONG;
    if (m->state != RMEAS_IDLE)
        return MEAS_ERR_BUSY;
    return too_often(m, who) ? MEAS_ERR_TOO_OFTEN : 0;
}

static void remember(struct rmeas *m, int who)
{
    for (unsigned i = MEASURABLE_RUNS - 1; i; i--)
        m->past[who].at_us[i] = m->past[who].at_us[i - 1];
    m->past[who].at_us[0] = m->node->env->mono_us;
    m->past[who].n += m->past[who].n < MEASURABLE_RUNS;
}

static void await(struct rmeas *m, struct rcirc *c, const struct meas_params *p)
{
    remember(m, find_coordinator(c));
    m->state = RMEAS_AWAITED;
    m->node->counts.measurements++;
    m->coordinator = c;
    m->asked = *p;
    m->echo = p->ext.has_form && p->ext.echo == MEAS_ECHO_RAW ? MEAS_ECHO_RAW : MEAS_ECHO_FRAMED;
    m->second = 0;
    memset(m->sockets, 0, sizeof m->sockets);
    c->use = RMEAS_COORDINATOR;
    nlink_measures(c->came_on, true);
    env_arm_ms(m->node->env, &m->limit, m->terms.seconds_most * (uint64_t)MS_PER_SEC);
    log_info(m->node->env->log, "%s: is to be measured for %u s", m->node->config.plan->nickname,
             p->seconds);
}

static void on_params(struct rcirc *c, const struct meas_params *p)
{
    struct rmeas *m = &c->node->meas;
    uint8_t why = judge(m, c, p);
    if (why) {
        refuse(c, why);
        return;
    }
    if (p->seconds)
        await(m, c, p);
    say_ok(c, m, &p->ext);
}

/* ---- measurers ---- */

static bool has_address(const struct rmeas *m, const struct ip *ip)
{
    for (size_t i = 0; i < m->asked.n_addrs; i++)
        if (ip_equal(&m->asked.addrs[i].ip, ip))
            return true;
    return false;
}

static int find_measurer(const struct rmeas *m, const struct rcirc *c)
{
    const struct meas_ext *ext = &m->asked.ext;
    const struct ed_id *ed = link_peer_ed(c->came_on->link);
    for (size_t i = 0; i < ext->n_measurers && !ed_id_is_zero(ed); i++)
        if (ed_id_equal(&ext->measurers[i].ed, ed) && m->sockets[i] < ext->measurers[i].sockets)
            return (int)i;
    return NOBODY;
}

unsigned rmeas_expects(const struct rmeas *m, const struct ip *peer)
{
    unsigned n = 0;
    if (m->state == RMEAS_IDLE)
        return 0;
    if (has_address(m, peer))
        return RMEAS_LINKS_MOST;
    for (size_t i = 0; i < m->asked.ext.n_measurers; i++)
        n += m->asked.ext.measurers[i].sockets;
    return n < RMEAS_LINKS_MOST ? n : RMEAS_LINKS_MOST;
}

bool rmeas_admit(struct rcirc *c)
{
    struct rmeas *m = &c->node->meas;
    int who = find_measurer(m, c);
    if (m->state == RMEAS_IDLE || (who == NOBODY && !has_address(m, &c->from)))
        return false;
    c->measurer = who;
    if (who != NOBODY)
        m->sockets[who]++;
    c->use = m->echo == MEAS_ECHO_RAW ? RMEAS_RAW : RMEAS_FRAMED;
    nlink_measures(c->came_on, true);
    return true;
}

/* A circuit that does nothing else, and whose layer is one stream of bytes. */
static bool is_bare(const struct rcirc *c)
{
    return c->use == RMEAS_CLIENTS && c->next_state == NEXT_NONE && !c->streams && !c->set &&
           c->rend == REND_NONE && c->layer->kind->format == RELAY_V0;
}

static void on_echo_on(struct rcirc *c, const struct meas_echo_on *on)
{
    struct rmeas *m = &c->node->meas;
    const struct meas_ext *ext = &m->asked.ext;
    bool known = m->state != RMEAS_IDLE && ext->has_session &&
                 secret_equal(ext->session, on->session, sizeof on->session);
    if (!is_bare(c))
        refuse(c, MEAS_ERR_MALFORMED);
    else if (!known || !rmeas_admit(c))
        refuse(c, MEAS_ERR_MEASURER);
    else
        say_ok(c, m, ext);
}

/* ---- what came ---- */

static void on_err(struct rcirc *c)
{
    if (c->use == RMEAS_COORDINATOR && c == c->node->meas.coordinator)
        rmeas_finish(&c->node->meas, 0);
}

void rmeas_cell(struct rcirc *c, const uint8_t *body)
{
    struct meas_cell m;
    if (!misdeed_measurement_in(c, body))
        return;
    err_t e = meas_cell_decode(rd_over(body, CELL_BODY_LEN), &m);
    if (e == ERR_UNSUPPORTED) /* what a later version may have */
        return;
    if (e != OK)
        refuse(c, MEAS_ERR_MALFORMED);
    else if (m.cmd == MEAS_PARAMS)
        on_params(c, &m.params);
    else if (m.cmd == MEAS_ECHO_ON)
        on_echo_on(c, &m.echo_on);
    else if (m.cmd == MEAS_ERR)
        on_err(c);
    else
        refuse(c, MEAS_ERR_MALFORMED); /* only relays say that */
}

/* ---- the life of a run ---- */

static void tick(void *arg)
{
    struct rmeas *m = arg;
    struct meas_cell cell = {.cmd = MEAS_BG, .bg = rmeas_share_second(m)};
    cell.bg.second = ++m->second;
    if (m->coordinator && misdeed_background(m->coordinator, &cell.bg))
        rmeas_say(m->coordinator, &cell);
    if (m->state != RMEAS_RUNNING)
        return; /* its coordinator's circuit ended over that */
    if (m->second >= m->asked.seconds && misdeed_over(m->node)) {
        rmeas_finish(m, 0);
        return;
    }
    timerq_arm(&m->node->env->timers, &m->tick,
               m->began_us + (m->second + 1) * (uint64_t)US_PER_SEC);
}

void rmeas_start(struct rmeas *m)
{
    m->state = RMEAS_RUNNING;
    m->began_us = m->node->env->mono_us;
    timerq_arm(&m->node->env->timers, &m->tick, m->began_us + US_PER_SEC);
    rmeas_share_begin(m);
}

/* 316: a measurement lasts no longer than FFMaxMeasurementDuration, from its parameters on. */
static void limit(void *arg)
{
    rmeas_finish(arg, MEAS_ERR_TIMEOUT);
}

void rmeas_finish(struct rmeas *m, uint8_t code)
{
    struct rcirc *c = m->coordinator;
    const struct meas_cell cell = {.cmd = MEAS_ERR, .err.code = code};
    struct nlink *nl;
    if (m->state == RMEAS_IDLE)
        return;
    if (m->state == RMEAS_RUNNING)
        rmeas_share_end(m);
    m->state = RMEAS_IDLE;
    m->coordinator = NULL;
    timer_disarm(&m->limit);
    timer_disarm(&m->tick);
    rmeas_close_echoes(m->node);
    DL_FOREACH (m->node->links, nl) {
        nlink_measures(nl, false);
    }
    if (c && code)
        rmeas_say(c, &cell);
}

void rmeas_leave(struct rcirc *c)
{
    struct rmeas *m = &c->node->meas;
    if (c->use >= RMEAS_FRAMED && c->measurer != NOBODY && m->sockets[c->measurer])
        m->sockets[c->measurer]--;
    if (c->use >= RMEAS_FRAMED)
        rmeas_forget_waiting(c);
    if (c == m->coordinator) {
        m->coordinator = NULL;
        if (misdeed_orphaned(m->node))
            rmeas_finish(m, 0);
    }
}

void rmeas_init(struct rmeas *m, struct node *n)
{
    *m =
        (struct rmeas){.node = n, .terms = measurable_terms(&n->config.measurable, n->config.docs)};
    timer_init(&m->limit, limit, m);
    timer_init(&m->tick, tick, m);
    rmeas_share_init(m);
}

void rmeas_end(struct rmeas *m)
{
    rmeas_finish(m, MEAS_ERR_ABORTED);
}
