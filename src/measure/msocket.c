/* One link of a measurement and its circuit: made, said to be for echoes, then cells out and in. */
#include <stdio.h>
#include <string.h>

#include "cell/relay.h"
#include "measure/consent.h"
#include "measure/measurement_int.h"

#include <utlist.h>

/* ---- the ring of those who could send ---- */

void msocket_can_send(struct msocket *s)
{
    struct measurement *m = s->m;
    if (s->can_send || s->bad || m->state != MEASUREMENT_RUNNING ||
        echo_flying(s->echo) + m->turn > m->window)
        return;
    s->can_send = true;
    DL_APPEND(m->ring, s);
    later_ask(m->env, &m->pump);
}

static void cannot_send(struct msocket *s)
{
    if (!s->can_send)
        return;
    s->can_send = false;
    DL_DELETE(s->m->ring, s);
}

/* ---- what becomes of it ---- */

static void go_bad(struct msocket *s)
{
    if (s->bad)
        return;
    s->bad = true;
    s->m->bad++;
    s->m->lost += s->ready;
    cannot_send(s);
    measurement_count(s->m);
}

static void cheat(struct msocket *s, struct meas_cheat *evidence)
{
    struct measurement *m = s->m;
    char text[MEAS_CHEAT_TEXT_MAX];
    evidence->socket = s->number;
    evidence->circuit = s->hop.circ.id;
    m->now.bad++;
    m->failure.cheat = *evidence;
    measurement_fail(m, MEAS_CHEAT, "%s", meas_cheat_text(evidence, text));
}

/* ---- before it stands ---- */

static void on_ready(void *arg)
{
    struct msocket *s = arg;
    struct meas_cell ask = {.cmd = MEAS_ECHO_ON, .echo_on = {.socket = (uint16_t)s->number}};
    memcpy(ask.echo_on.session, s->m->told.session, MEAS_SESSION_LEN);
    s->asked_us = s->m->env->mono_us;
    if (onehop_say(&s->hop, &ask) == OK)
        return;
    onehop_close(&s->hop);
    go_bad(s);
}

static void stands(struct msocket *s)
{
    struct measurement *m = s->m;
    const struct echo_config config = {
        .seed = m->told.seed,
        .name = m->name,
        .secret = m->secret,
        .meas_id = m->told.meas_id,
        .circuit = (uint16_t)s->number,
        .check = m->told.check,
        .form = m->told.echo,
    };
    uint64_t rtt_us = m->env->mono_us - s->asked_us;
    err_t e = echo_new(&config, &s->echo);
    if (e != OK) {
        measurement_fail(m, MEAS_RESOURCES, "%s", err_text(e));
        return;
    }
    m->rtt_us = rtt_us < m->rtt_us ? rtt_us : m->rtt_us;
    s->ready = true;
    m->ready++;
    measurement_count(m);
}

static void refused(struct msocket *s, uint8_t code)
{
    struct measurement *m = s->m;
    snprintf(m->refusal, sizeof m->refusal, "the relay says: %s", meas_error_text(code));
    if (s->ready) {
        measurement_fail(m, MEAS_REFUSED, "%s", m->refusal);
        return;
    }
    onehop_close(&s->hop);
    go_bad(s);
}

static void on_meas(void *arg, const struct meas_cell *cell)
{
    struct msocket *s = arg;
    if (cell->cmd == MEAS_PARAMS_OK && !s->ready)
        stands(s);
    else if (cell->cmd == MEAS_ERR)
        refused(s, cell->err.code);
}

/* The coordinator may have reached the relay where we do not, or meet another: until one circuit
 * stands, what is opened next tries the next address. */
static void leave_address(const struct msocket *s)
{
    struct meas_relay *r = &s->m->told.relay;
    char why[CONSENT_WHY_MAX];
    if (s->m->ready || r->n_addrs < 2 || !ipport_equal(&s->at, &r->addrs[0]) ||
        consent_check_address(&r->addrs[1], why) != OK)
        return;
    memmove(&r->addrs[0], &r->addrs[1], (r->n_addrs - 1) * sizeof r->addrs[0]);
    r->addrs[r->n_addrs - 1] = s->at;
}

static void on_end(void *arg, enum onehop_state during, err_t why, const char *text)
{
    struct msocket *s = arg;
    bool is_another = during == ONEHOP_DIALLING && s->hop.lost == MEAS_WRONG_IDENTITY;
    if (is_another || (during == ONEHOP_DIALLING && s->hop.lost == MEAS_UNREACHABLE))
        leave_address(s);
    s->m->short_of_memory |= onehop_is_ours(why);
    if (!s->m->refusal[0] || is_another)
        snprintf(s->m->refusal, sizeof s->m->refusal, "%s", text);
    /* Where the coordinator met one relay and we meet another, no figure is the former's. */
    if (is_another && (s->m->ready || s->m->told.relay.n_addrs < 2)) {
        measurement_fail(s->m, MEAS_WRONG_IDENTITY, "%s", text);
        return;
    }
    s->m->met_another |= is_another;
    go_bad(s);
}

/* ---- cells ---- */

/* The body is framed as a message of the circuit's hop. */
static err_t frame(struct msocket *s, uint8_t *body)
{
    const struct relay_msg msg = {
        .cmd = RELAY_MEAS_ECHO, .data = body + RELAY_V0_HEAD_LEN, .len = RELAY_DATA_MAX};
    uint8_t framed[CELL_BODY_LEN];
    size_t random_at;
    TRY(relay_msg_put(RELAY_V0, &msg, framed, &random_at));
    memcpy(body, framed, sizeof framed);
    return s->hop.layer->kind->originate(s->hop.layer, CELL_RELAY, body);
}

static err_t fill(struct msocket *s, uint8_t *body)
{
    struct layer *layer = s->hop.layer;
    TRY(echo_put(s->echo, body));
    return s->m->told.echo == MEAS_ECHO_RAW ? layer->kind->wrap(layer, CELL_RELAY, body)
                                            : frame(s, body);
}

unsigned msocket_send(struct msocket *s, unsigned most)
{
    struct measurement *m = s->m;
    unsigned n = 0;
    while (n < most && echo_flying(s->echo) < m->window) {
        uint8_t *body = link_cell(&s->hop.circ, CELL_RELAY, LINK_DATA);
        if (!body)
            break; /* on_writable follows */
        err_t e = fill(s, body);
        if (e != OK) {
            measurement_fail(m, MEAS_RESOURCES, "%s", err_text(e));
            return n;
        }
        link_cell_commit(&s->hop.circ);
        n++;
    }
    if (n < most)
        cannot_send(s);
    m->now.sent += (uint64_t)n * CELL_ON_WIRE;
    return n;
}

static void on_relay(void *arg, uint8_t *body)
{
    struct msocket *s = arg;
    struct measurement *m = s->m;
    enum echo_verdict verdict;
    struct meas_cheat evidence = {0};
    if (!s->echo || m->state > MEASUREMENT_RUNNING)
        return;
    err_t e = echo_take(s->echo, body, &verdict, &evidence);
    if (e != OK) {
        measurement_fail(m, MEAS_RESOURCES, "%s", err_text(e));
        return;
    }
    if (verdict == ECHO_CHEAT) {
        cheat(s, &evidence);
        return;
    }
    m->now.recv += CELL_ON_WIRE;
    m->now.checked += verdict == ECHO_GOOD;
    msocket_can_send(s);
}

static void on_writable(void *arg)
{
    struct msocket *s = arg;
    if (s->echo)
        msocket_can_send(s);
}

static const struct onehop_ops ops = {on_ready, on_meas, on_relay, on_writable, on_end};

/* ---- life ---- */

void msocket_open(struct msocket *s)
{
    struct measurement *m = s->m;
    s->at = m->told.relay.addrs[0];
    onehop_init(&s->hop, m->env, m->config.ops_world, m->config.world, &ops, s);
    if (onehop_open(&s->hop, &m->config.link, &m->told.relay) == OK)
        return;
    m->short_of_memory = true;
    go_bad(s);
}

void msocket_free(struct msocket *s)
{
    cannot_send(s);
    if (s->hop.env)
        onehop_free(&s->hop);
    echo_free(s->echo);
    s->echo = NULL;
}
