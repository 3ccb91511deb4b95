#include "client/bootstrap.h"

#include <stdio.h>

#include "crypto/encode.h"

enum { WARN_EVERY_S = 30, READY = 100 };

enum phase {
    STARTING,
    CONN,
    CONN_DONE,
    HANDSHAKE,
    HANDSHAKE_DONE,
    ONEHOP_CREATE,
    AP_CONN,
    AP_CONN_DONE,
    AP_HANDSHAKE,
    AP_HANDSHAKE_DONE,
    CIRCUIT_CREATE,
    DONE,
};

static const struct bootstrap_step phases[] = {
    [STARTING] = {0, "starting", "Starting"},
    [CONN] = {5, "conn", "Connecting to a relay"},
    [CONN_DONE] = {10, "conn_done", "Connected to a relay"},
    [HANDSHAKE] = {14, "handshake", "Handshaking with a relay"},
    [HANDSHAKE_DONE] = {15, "handshake_done", "Handshake with a relay done"},
    [ONEHOP_CREATE] = {20, "onehop_create", "Establishing an encrypted directory connection"},
    [AP_CONN] = {80, "ap_conn", "Connecting to a relay to build circuits"},
    [AP_CONN_DONE] = {85, "ap_conn_done", "Connected to a relay to build circuits"},
    [AP_HANDSHAKE] = {89, "ap_handshake", "Finishing handshake with a relay to build circuits"},
    [AP_HANDSHAKE_DONE] = {90, "ap_handshake_done",
                           "Handshake finished with a relay to build circuits"},
    [CIRCUIT_CREATE] = {95, "circuit_create", "Establishing a Tor circuit"},
    [DONE] = {READY, "done", "Done"},
};

enum {
    TO_THE_END = EVENT_BIT(EVENT_ORCONN), /* a link may fail at any time */
    UNTIL_DONE = TO_THE_END | EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_DIRECTORY) |
                 EVENT_BIT(EVENT_STATUS) | EVENT_BIT(EVENT_LINK_STEP)
};

static void say(struct bootstrap *b, const struct event_bootstrap *e)
{
    const struct event_record r = {.kind = EVENT_BOOTSTRAP, .bootstrap = *e};
    if (!e->problem || b->step.percent < READY)
        b->last = *e;
    events_tell(b->listener.on, &r);
}

static void progress(struct bootstrap *b, const struct bootstrap_step *step)
{
    if (step->percent <= b->step.percent)
        return;
    b->step = *step;
    b->problems = 0;
    log_notice(b->env->log, "Bootstrapped %d%% (%s): %s", step->percent, step->tag, step->summary);
    const struct event_bootstrap e = {.step = *step};
    say(b, &e);
    if (step->percent >= READY)
        events_listen(b->listener.on, &b->listener, TO_THE_END);
}

/* ---- what happens ---- */

static void on_circuit(struct bootstrap *b, const struct event_circuit *e)
{
    if (e->flags & CIRCUIT_ONEHOP_TUNNEL && e->status == CIRCUIT_BEGUN)
        progress(b, &phases[ONEHOP_CREATE]);
    if (e->flags & CIRCUIT_ONEHOP_TUNNEL || e->purpose != CIRCUIT_GENERAL)
        return;
    if (e->status == CIRCUIT_BEGUN) {
        progress(b, &phases[AP_HANDSHAKE_DONE]);
        progress(b, &phases[CIRCUIT_CREATE]);
    } else if (e->status == CIRCUIT_BUILT) {
        progress(b, &phases[DONE]);
    }
}

static void tell_problem(struct bootstrap *b, const struct event_orconn *failed, bool warn)
{
    const struct event_bootstrap e = {.step = b->step,
                                      .problem = true,
                                      .warn = warn,
                                      .count = b->problems,
                                      .peer = failed->peer,
                                      .end = failed->end};
    say(b, &e);
}

void bootstrap_clock_skewed(struct bootstrap *b, const char *warning, const struct reach *peer,
                            const struct rsa_id *id)
{
    if (b->step.percent < 0 || b->step.percent >= READY)
        return;
    b->problems++;
    struct event_bootstrap e = {
        .step = b->step, .problem = true, .clock = true, .warn = true, .count = b->problems};
    if (peer)
        e.peer.reach = *peer;
    if (id)
        e.peer.rsa = *id;
    snprintf(e.end.text, sizeof e.end.text, "%s", warning);
    say(b, &e);
}

/* A link could not be had. */
static void on_problem(struct bootstrap *b, const struct event_orconn *e)
{
    char addr[REACH_TEXT_MAX], id[HEX_SIZE(sizeof(struct rsa_id))];
    bool warn = b->step.percent < READY && b->env->mono_us >= b->next_warn_us;
    b->problems++;
    tell_problem(b, e, warn);
    reach_text(&e->peer.reach, addr);
    if (e->end.why == ERR_LINK_IDENTITY) /* never noise: a wrong configuration, or an attack */
        log_warn(
            b->env->log,
            "Tried connecting to the relay at %s, but its identity keys were not as expected: %s",
            addr, e->end.text);
    if (!warn) {
        log_info(b->env->log, "No link to %s: %s", addr, e->end.text);
        return;
    }
    b->next_warn_us = b->env->mono_us + WARN_EVERY_S * (uint64_t)US_PER_SEC;
    log_warn(b->env->log,
             "Problem bootstrapping. Stuck at %d%% (%s): %s. (%s; %s; count %u; recommendation "
             "warn; host %s at %s)",
             b->step.percent, b->step.tag, b->step.summary, e->end.text,
             or_reason_name(e->end.reason), b->problems,
             hex_upper(e->peer.rsa.b, sizeof e->peer.rsa.b, id), addr);
}

/* control_event_boot_first_orconn(): what the directory has come to is told now. */
static void on_connected(struct bootstrap *b)
{
    progress(b, &phases[HANDSHAKE_DONE]);
    if (!b->connected && b->dir.percent)
        progress(b, &b->dir);
    b->connected = true;
}

/* control_event_boot_dir(): "Don't report unless we have successfully opened at least one OR_CONN"
 */
static void on_directory(struct bootstrap *b, const struct bootstrap_step *step)
{
    b->dir = *step;
    if (b->connected)
        progress(b, step);
}

/* Once the directory is enough, links are made for circuits. */
static void on_link_step(struct bootstrap *b, enum link_state state)
{
    bool tls = state == LINK_HANDSHAKING;
    if (b->step.percent >= phases[AP_CONN].percent)
        progress(b, &phases[tls ? AP_HANDSHAKE : AP_CONN_DONE]);
    else
        progress(b, &phases[tls ? HANDSHAKE : CONN_DONE]);
}

static void on_orconn(struct bootstrap *b, const struct event_orconn *e)
{
    if (e->status == ORCONN_LAUNCHED)
        progress(b, &phases[CONN]);
    else if (e->status == ORCONN_CONNECTED)
        on_connected(b);
    else if (e->status == ORCONN_FAILED && e->end.why != OK) /* else it was not wanted any more */
        on_problem(b, e);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct bootstrap *b = arg;
    if (e->kind == EVENT_CIRCUIT)
        on_circuit(b, &e->circuit);
    else if (e->kind == EVENT_ORCONN)
        on_orconn(b, &e->orconn);
    else if (e->kind == EVENT_LINK_STEP)
        on_link_step(b, e->link_step.state);
    else if (e->kind == EVENT_STATUS && e->status.what == STATUS_ENOUGH_DIR_INFO && b->connected)
        progress(b, &phases[AP_CONN]);
    else if (e->kind == EVENT_DIRECTORY && e->directory.status == DIRECTORY_FETCHING)
        progress(b, &phases[CONN]);
    else if (e->kind == EVENT_DIRECTORY && e->directory.status == DIRECTORY_PROGRESS)
        on_directory(b, &e->directory.step);
}

/* Else a client whose last step nobody told of would stay at 95% for ever. */
static void on_lost(void *arg, size_t n)
{
    struct bootstrap *b = arg;
    bool directory, circuit;
    (void)n;
    if (b->step.percent < 0)
        return;
    b->look(b->arg, &directory, &circuit);
    if (circuit)
        progress(b, &phases[DONE]);
    else if (directory)
        progress(b, &phases[AP_CONN]);
}

/* ---- life ---- */

void bootstrap_init(struct bootstrap *b, struct env *env, struct events *ev,
                    bootstrap_look_fn *look, void *arg)
{
    *b = (struct bootstrap){.env = env,
                            .listener = {.on_event = on_event, .on_lost = on_lost, .arg = b},
                            .step = {.percent = -1},
                            .last.step.percent = -1,
                            .look = look,
                            .arg = arg};
    events_listen(ev, &b->listener, UNTIL_DONE);
}

void bootstrap_start(struct bootstrap *b)
{
    progress(b, &phases[STARTING]);
}
