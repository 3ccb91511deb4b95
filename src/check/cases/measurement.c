/* MEASUREMENT cells of a relay that lets its capacity be measured (proposal 316 3.1; docs/cell.md),
 * as one meets them who is neither a coordinator nor a measurer. A relay that says nothing to them
 * does not know them: it is not tried. */
#include <string.h>

#include "cell/measurement.h"
#include "check/pcirc.h"
#include "check/sections.h"

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
};
const struct check_section check_measurement = {"measurement", "measurements", cases,
                                                sizeof cases / sizeof *cases};
