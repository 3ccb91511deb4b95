/* MEASUREMENT cells of a relay that lets its capacity be measured (proposal 316 3.1; docs/cell.md),
 * as one meets them who is neither a coordinator nor a measurer, and, with an identity that may, as
 * both. A relay that says nothing to them does not know them: it is not tried. */
#include <string.h>

#include "cell/measurement.h"
#include "check/pcirc.h"
#include "check/pmeas.h"
#include "check/sections.h"
#include "link/identity.h"

enum { QUIET_MS = 200, UNKNOWN_COMMAND = 77, SECONDS = 10 };

/* ---- talking ---- */

static void say_bytes(struct pcirc *c, const void *body, size_t len)
{
    if (c)
        probe_cell(c->p, c->id, CELL_MEASUREMENT, body, len);
}

static void say(struct pcirc *c, const struct meas_cell *m)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    if (meas_cell_encode(&w, m) == OK)
        say_bytes(c, body, w.len);
}

static void say_params(struct pcirc *c, uint16_t seconds)
{
    struct meas_cell m = {.cmd = MEAS_PARAMS, .params.seconds = seconds};
    m.params.ext = (struct meas_ext){.has_form = true,
                                     .has_session = true,
                                     .version = MEAS_VERSION,
                                     .echo = MEAS_ECHO_RAW,
                                     .n_measurers = 1,
                                     .measurers = {{.sockets = 1}}};
    say(c, &m);
}

/* MEASUREMENT comes next on C. */
static bool hear(struct pcirc *c, struct meas_cell *out)
{
    struct probe_cell cell;
    if (!c || !probe_await(c->p, CELL_MEASUREMENT, &cell))
        return false;
    TRIAL_EXPECT(c->p->t, cell.circ_id == c->id, "it is about another circuit");
    err_t e = meas_cell_decode(rd_over(cell.body, cell.len), out);
    TRIAL_EXPECT(c->p->t, e == OK, "it cannot be read: %s", err_text(e));
    return trial_goes_on(c->p->t);
}

static void hear_refusal(struct pcirc *c, uint8_t code, uint8_t or_code)
{
    struct meas_cell m;
    if (!hear(c, &m))
        return;
    TRIAL_EXPECT(c->p->t, m.cmd == MEAS_ERR, "it is no ERR but command %u", m.cmd);
    TRIAL_EXPECT(c->p->t, m.err.code == code || m.err.code == or_code,
                 "the reason is %u (%s) and not %u", m.err.code, meas_error_text(m.err.code), code);
}

/* A circuit to a relay that answers a query, which is ANSWER; NULL: the trial is over. What is sent
 * behind the query is answered anyhow, so that nobody has to wait for silence. */
static struct pcirc *ask(struct trial *t, struct meas_cell *answer)
{
    static const uint8_t x[FAST_SKIN_LEN] = {7};
    struct pcirc *c = pcirc_fast(t);
    struct probe_cell cell;
    say_params(c, 0);
    if (c)
        probe_cell(c->p, probe_new_id(c->p), CELL_CREATE_FAST, x, sizeof x);
    if (!c || !probe_next(c->p, &cell))
        return NULL;
    if (cell.cmd == CELL_CREATED_FAST) {
        trial_skip(t, "the relay says nothing to MEASUREMENT: it does not know it");
        return NULL;
    }
    TRIAL_EXPECT(t, cell.cmd == CELL_MEASUREMENT, "%s came", chan_cmd_name(cell.cmd));
    err_t e = meas_cell_decode(rd_over(cell.body, cell.len), answer);
    TRIAL_EXPECT(t, e == OK, "it cannot be read: %s", err_text(e));
    (void)probe_await(c->p, CELL_CREATED_FAST, NULL);
    return trial_goes_on(t) ? c : NULL;
}

static struct pcirc *measuring(struct trial *t)
{
    struct meas_cell answer;
    return ask(t, &answer);
}

/* ---- the cases ---- */

static void query(struct trial *t)
{
    struct meas_cell m;
    if (!ask(t, &m))
        return;
    TRIAL_EXPECT(t, m.cmd == MEAS_ERR, "whoever asks is told that it may measure");
    TRIAL_EXPECT(t, m.err.code == MEAS_ERR_COORDINATOR || m.err.code == MEAS_ERR_NOT_ALLOWED,
                 "the reason is %u: %s", m.err.code, meas_error_text(m.err.code));
}

static void stranger(struct trial *t)
{
    struct pcirc *c = measuring(t);
    say_params(c, SECONDS);
    hear_refusal(c, MEAS_ERR_COORDINATOR, MEAS_ERR_NOT_ALLOWED);
}

static void refusal_keeps(struct trial *t)
{
    struct pcirc *c = measuring(t);
    struct meas_cell m;
    say_params(c, SECONDS);
    (void)hear(c, &m);
    pcirc_await_alive(c);
}

static void malformed(struct trial *t)
{
    static const uint8_t eleven_measurers[] = {MEAS_PARAMS, 0, SECONDS, 11};
    struct pcirc *c = measuring(t);
    say_bytes(c, eleven_measurers, sizeof eleven_measurers);
    hear_refusal(c, MEAS_ERR_MALFORMED, MEAS_ERR_NOT_ALLOWED);
    pcirc_await_alive(c);
}

static void unknown_command(struct trial *t)
{
    static const uint8_t body[] = {UNKNOWN_COMMAND, 1, 2, 3};
    struct pcirc *c = measuring(t);
    say_bytes(c, body, sizeof body);
    pcirc_await_alive(c);
}

/* BG is a relay's to say. */
static void background(struct trial *t)
{
    struct meas_cell m = {.cmd = MEAS_BG, .bg = {.second = 1, .sent = 1, .recv = 1}}, answer;
    struct pcirc *c = measuring(t);
    say(c, &m);
    (void)hear(c, &answer);
    pcirc_await_alive(c);
}

static void echo_on(struct trial *t)
{
    struct meas_cell m = {.cmd = MEAS_ECHO_ON, .echo_on = {.session = {1}, .socket = 0}};
    struct pcirc *c = measuring(t);
    say(c, &m);
    hear_refusal(c, MEAS_ERR_MEASURER, MEAS_ERR_NOT_ALLOWED);
    pcirc_await_alive(c);
}

static void echo(struct trial *t)
{
    uint8_t data[RELAY_DATA_MAX] = {5};
    struct pcirc *c = measuring(t);
    pcirc_send(c, 1, RELAY_MEAS_ECHO, 0, data, sizeof data);
    pcirc_await_alive(c);
}

static void no_circuit(struct trial *t)
{
    static const uint8_t body[] = {MEAS_PARAMS, 0, 0, 0};
    struct pcirc *c = measuring(t);
    if (!c)
        return;
    probe_cell(c->p, probe_new_id(c->p), CELL_MEASUREMENT, body, sizeof body);
    probe_await_alive(c->p);
}

/* ---- with an identity that may measure ---- */

struct run {
    struct pmeas *coordinator, *measurer;
    uint8_t session[MEAS_SESSION_LEN];
};

static struct meas_cell params(const struct trial *t, const struct run *r, uint16_t seconds,
                               uint8_t echo)
{
    struct meas_cell m = {.cmd = MEAS_PARAMS, .params.seconds = seconds};
    struct meas_ext *ext = &m.params.ext;
    *ext = (struct meas_ext){.has_form = true,
                             .has_session = true,
                             .version = MEAS_VERSION,
                             .echo = echo,
                             .n_measurers = 1};
    ext->measurers[0] = (struct meas_measurer){t->run->config->identity->ed, 1};
    memcpy(ext->session, r->session, sizeof ext->session);
    return m;
}

/* An answer that is OK; what only says that it has been measured too often is no failure. */
static bool hear_ok(struct pmeas *p, struct meas_cell *m)
{
    if (!pmeas_hear(p, m, 0))
        return false;
    if (m->cmd == MEAS_ERR && (m->err.code == MEAS_ERR_TOO_OFTEN || m->err.code == MEAS_ERR_BUSY))
        trial_skip(p->t, "the relay says: %s", meas_error_text(m->err.code));
    TRIAL_EXPECT(p->t, m->cmd == MEAS_PARAMS_OK, "it is refused: %s",
                 m->cmd == MEAS_ERR ? meas_error_text(m->err.code) : "not by ERR");
    return trial_goes_on(p->t);
}

/* The coordinator has asked for that run and may have it. */
static bool begin(struct trial *t, struct run *r, uint16_t seconds, uint8_t echo)
{
    struct meas_cell m;
    env_random(t->run->env, r->session, sizeof r->session);
    r->coordinator = pmeas_open(t);
    r->measurer = NULL;
    if (!r->coordinator)
        return false;
    m = params(t, r, seconds, echo);
    pmeas_say(r->coordinator, &m);
    return hear_ok(r->coordinator, &m);
}

static void say_echo_on(struct pmeas *p, const uint8_t session[MEAS_SESSION_LEN])
{
    struct meas_cell m = {.cmd = MEAS_ECHO_ON};
    memcpy(m.echo_on.session, session, MEAS_SESSION_LEN);
    pmeas_say(p, &m);
}

/* The same, and a measurer's circuit is ready. */
static bool begin_echo(struct trial *t, struct run *r, uint16_t seconds, uint8_t echo)
{
    struct meas_cell m;
    if (!begin(t, r, seconds, echo))
        return false;
    r->measurer = pmeas_open(t);
    say_echo_on(r->measurer, r->session);
    return hear_ok(r->measurer, &m);
}

static void echoes_come_back(struct trial *t, uint8_t form)
{
    uint8_t body[CELL_BODY_LEN];
    struct run r;
    if (!begin_echo(t, &r, SECONDS, form))
        return;
    for (unsigned i = 0; i < 8; i++) {
        env_random(t->run->env, body, sizeof body);
        pmeas_send(r.measurer, body, form == MEAS_ECHO_FRAMED);
        pmeas_await_echo(r.measurer, body);
    }
    pmeas_close(r.coordinator);
}

static void raw(struct trial *t)
{
    echoes_come_back(t, MEAS_ECHO_RAW);
}

static void framed(struct trial *t)
{
    echoes_come_back(t, MEAS_ECHO_FRAMED);
}

static void limits(struct trial *t)
{
    struct meas_cell m;
    struct run r;
    if (!begin(t, &r, 0, MEAS_ECHO_RAW))
        return;
    m = params(t, &r, 0, MEAS_ECHO_RAW);
    pmeas_say(r.coordinator, &m);
    if (!hear_ok(r.coordinator, &m))
        return;
    TRIAL_EXPECT(t, m.ok.has_form && m.ok.version == MEAS_VERSION, "no version of ours");
    TRIAL_EXPECT(t, m.ok.has_limits, "no limits");
    TRIAL_EXPECT(t, m.ok.background_percent <= MEAS_PERCENT_MOST, "%u percent for clients",
                 m.ok.background_percent);
    TRIAL_EXPECT(t, m.ok.seconds_most >= 10 && m.ok.seconds_most <= 120, "%u seconds at most",
                 m.ok.seconds_most);
}

static void too_long(struct trial *t)
{
    struct run r = {.session = {1}};
    struct meas_cell m;
    r.coordinator = pmeas_open(t);
    if (!r.coordinator)
        return;
    m = params(t, &r, MEAS_SECONDS_MOST, MEAS_ECHO_RAW);
    pmeas_say(r.coordinator, &m);
    if (pmeas_hear(r.coordinator, &m, 0))
        TRIAL_EXPECT(t, m.cmd == MEAS_ERR && m.err.code == MEAS_ERR_TOO_LONG,
                     "it is not refused as too long");
}

static void session(struct trial *t)
{
    struct run r;
    struct meas_cell m;
    if (!begin(t, &r, SECONDS, MEAS_ECHO_RAW))
        return;
    r.session[0] ^= 1;
    r.measurer = pmeas_open(t);
    say_echo_on(r.measurer, r.session);
    if (pmeas_hear(r.measurer, &m, 0))
        TRIAL_EXPECT(t, m.cmd == MEAS_ERR && m.err.code == MEAS_ERR_MEASURER,
                     "a measurer of another session is not refused");
    pmeas_close(r.coordinator);
}

/* The clock starts with the first echo; each second is told once, and then all is over. */
static void seconds(struct trial *t)
{
    enum { SHORT = 2, LATE_MS = 3000 };
    uint8_t body[CELL_BODY_LEN] = {1};
    struct run r;
    struct meas_cell m;
    if (!begin_echo(t, &r, SHORT, MEAS_ECHO_RAW))
        return;
    pmeas_send(r.measurer, body, false);
    pmeas_await_echo(r.measurer, body);
    for (unsigned s = 1; s <= SHORT; s++) {
        if (!pmeas_hear(r.coordinator, &m, LATE_MS))
            return;
        TRIAL_EXPECT(t, m.cmd == MEAS_BG && m.bg.second == s, "it is not about second %u", s);
    }
    pmeas_await_destroy(r.measurer, LATE_MS);
}

/* Nobody is left to hear of it. */
static void coordinator_goes(struct trial *t)
{
    uint8_t body[CELL_BODY_LEN] = {1};
    struct run r;
    if (!begin_echo(t, &r, SECONDS, MEAS_ECHO_RAW))
        return;
    pmeas_send(r.measurer, body, false);
    pmeas_await_echo(r.measurer, body);
    pmeas_close(r.coordinator);
    pmeas_await_destroy(r.measurer, 0);
}

static const struct check_case cases[] = {
    {"measurement/query", CHECK_MUST, "prop316 3.1.2",
     "tells whoever asks whether it could measure that it could not", query, NEEDS_NOTHING},
    {"measurement/stranger", CHECK_MUST, "prop316 3.1.2",
     "refuses a measurement to whom it does not know", stranger, NEEDS_NOTHING},
    {"measurement/refusal-keeps", CHECK_SHOULD, "prop316 3.1.2",
     "keeps the circuit on which it refused", refusal_keeps, NEEDS_NOTHING},
    {"measurement/malformed", CHECK_SHOULD, "prop316 3.1.2",
     "refuses parameters with more than ten measurers, and says why", malformed, NEEDS_NOTHING},
    {"measurement/unknown-command", CHECK_SHOULD, "prop316 3.1.2",
     "ignores a MEASUREMENT of an unknown command", unknown_command, NEEDS_NOTHING},
    {"measurement/background", CHECK_SHOULD, "prop316 3.1.2", "refuses what only relays say",
     background, NEEDS_NOTHING},
    {"measurement/echo-on", CHECK_MUST, "prop316 3.1.2",
     "gives nothing back to a measurer that nobody named", echo_on, NEEDS_NOTHING},
    {"measurement/echo", CHECK_MUST, "prop316 3.1.3",
     "drops an echo message where nothing is measured", echo, NEEDS_NOTHING},
    {"measurement/no-circuit", CHECK_SHOULD, "tor-spec 5.5",
     "drops MEASUREMENT for a circuit that there is not", no_circuit, NEEDS_NOTHING},
    {"measurement/limits", CHECK_MUST, "prop316 3.1.2",
     "tells a coordinator that asks its limits, and they can be", limits, NEEDS_NOTHING},
    {"measurement/too-long", CHECK_MUST, "prop316 3.1.2",
     "refuses a measurement that is longer than its limit", too_long, NEEDS_NOTHING},
    {"measurement/session", CHECK_MUST, "prop316 3.1.2",
     "gives nothing back to a measurer of another session", session, NEEDS_NOTHING},
    {"measurement/raw", CHECK_MUST, "prop316 3.1.3", "gives raw cells back decrypted, in order",
     raw, NEEDS_NOTHING},
    {"measurement/framed", CHECK_MUST, "prop316 3.1.3",
     "gives echo messages back decrypted, in order", framed, NEEDS_NOTHING},
    {"measurement/seconds", CHECK_MUST, "prop316 3.1.3",
     "tells of each second once, from the first echo on, and ends after the last", seconds,
     NEEDS_NOTHING},
    {"measurement/coordinator-goes", CHECK_SHOULD, "prop316 3.1.3",
     "ends a measurement whose coordinator is gone", coordinator_goes, NEEDS_NOTHING},
};
const struct check_section check_measurement = {"measurement", "measurements", cases,
                                                sizeof cases / sizeof *cases};
