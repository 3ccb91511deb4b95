#include "check/pmeas.h"

#include <stdlib.h>
#include <string.h>

#include "circuit/tor1.h"

enum { HANDSHAKE_MS = 10 * 1000 };

/* ---- what the link tells ---- */

static void on_open(void *arg)
{
    ((struct pmeas *)arg)->open = true;
}

static void on_end(void *arg, const struct link_end *end)
{
    struct pmeas *m = arg;
    m->gone = true;
    trial_saw(m->t, "the link's end: %s", end->text);
}

static void on_output(void *arg)
{
    (void)arg; /* all that is done here is followed by send_all() */
}

static const struct link_ops link_ops = {
    .on_open = on_open, .on_end = on_end, .on_output = on_output};

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct pmeas *m = arg;
    uint8_t keys[TOR1_KEYS_LEN];
    if (cmd == CELL_CREATED_FAST) {
        if (fast_client_finish(&m->fast, body, keys, sizeof keys) == OK)
            m->layer = tor1_kind.make(keys, LAYER_CLIENT);
        return;
    }
    if (m->n_came == PMEAS_CELLS) {
        trial_fail(m->t, "more than %d cells came that nobody asked for", PMEAS_CELLS);
        return;
    }
    struct pmeas_cell *c = &m->came[m->n_came++];
    c->cmd = cmd;
    memcpy(c->body, body, sizeof c->body);
}

static void on_destroy(void *arg, uint8_t reason)
{
    struct pmeas *m = arg;
    m->circuit_gone = true;
    trial_saw(m->t, "DESTROY(%u)", reason);
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    (void)end;
    ((struct pmeas *)arg)->circuit_gone = true;
}

static void on_writable(void *arg)
{
    (void)arg;
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

/* ---- bytes ---- */

static void send_all(struct pmeas *m)
{
    const struct check_config *config = m->t->run->config;
    const uint8_t *bytes;
    size_t len;
    while (!m->gone && (bytes = link_seal(m->link, &len))) {
        err_t e = config->wire->send(config->world, m->p->conn, bytes, len);
        link_sent(m->link, len);
        if (e != OK)
            link_tcp_failed(m->link, 0);
    }
    env_run_timers(m->t->run->env);
}

/* Whatever comes next; false: nothing within TIMEOUT_MS. */
static bool read_some(struct pmeas *m, uint32_t timeout_ms)
{
    const struct check_config *config = m->t->run->config;
    size_t room, n = 0;
    uint8_t *at = m->gone ? NULL : link_in_room(m->link, &room);
    if (!at)
        return false;
    err_t e = config->wire->recv(config->world, m->p->conn, at, room, &n, timeout_ms);
    if (e == OK)
        link_in_done(m->link, n);
    else if (e == ERR_LINK_CLOSED)
        link_tcp_failed(m->link, 0);
    send_all(m);
    return e != ERR_MORE;
}

/* Until DONE(M) or nothing comes any more in the time. */
static bool until(struct pmeas *m, bool (*done)(const struct pmeas *m), uint32_t timeout_ms)
{
    struct env *env = m->t->run->env;
    uint64_t ms = timeout_ms ? timeout_ms : m->t->run->answer_ms;
    uint64_t end_us = env->mono_us + ms * US_PER_MS;
    send_all(m);
    while (trial_goes_on(m->t) && !done(m) && !m->gone && env->mono_us < end_us)
        if (!read_some(m, (uint32_t)((end_us - env->mono_us) / US_PER_MS) + 1))
            break;
    return trial_goes_on(m->t) && done(m);
}

static bool is_open(const struct pmeas *m)
{
    return m->open;
}

static bool has_layer(const struct pmeas *m)
{
    return m->layer || m->circuit_gone;
}

static bool has_cell(const struct pmeas *m)
{
    return m->n_came || m->circuit_gone;
}

static bool is_destroyed(const struct pmeas *m)
{
    return m->circuit_gone;
}

/* ---- life ---- */

static void put(struct pmeas *m, uint8_t cmd, const void *bytes, size_t len)
{
    uint8_t *at = m->circuit_gone ? NULL : link_cell(&m->lc, cmd, LINK_URGENT);
    if (!at) {
        trial_fail(m->t, "the circuit is over");
        return;
    }
    memset(at, 0, CELL_BODY_LEN);
    memcpy(at, bytes, len);
    link_cell_commit(&m->lc);
}

static void make_circuit(struct pmeas *m)
{
    uint8_t skin[FAST_SKIN_LEN];
    if (link_circ_open(m->link, &m->lc) != OK) {
        trial_fail(m->t, "the link is over");
        return;
    }
    fast_client_begin(m->t->run->env, &m->fast, skin);
    put(m, CELL_CREATE_FAST, skin, sizeof skin);
    trial_awaits(m->t, "CREATED_FAST");
    if (!until(m, has_layer, 0) || !m->layer)
        trial_fail(m->t, "no circuit was made");
}

static void dial(struct pmeas *m)
{
    const struct check_run *run = m->t->run;
    const struct link_config config = {.tls = run->tls,
                                       .identity = run->config->identity,
                                       .connect_timeout_ms = HANDSHAKE_MS,
                                       .handshake_timeout_ms = HANDSHAKE_MS,
                                       .measures = true};
    const struct link_target target = {.reach = run->config->reach,
                                       .rsa = run->rsa,
                                       .ed = run->ed,
                                       .has_rsa = run->has_rsa,
                                       .has_ed = run->has_ed};
    m->link = link_new(run->env, &config, &target, &link_ops, m);
    if (!m->link) {
        trial_fail(m->t, "out of memory");
        return;
    }
    link_tcp_open(m->link);
    trial_awaits(m->t, "a link that proves who both are");
    if (!until(m, is_open, 0))
        trial_fail(m->t, "the link was not made");
}

struct pmeas *pmeas_open(struct trial *t)
{
    if (trial_goes_on(t) && !t->run->config->identity)
        trial_skip(t, "needs an identity that the relay lets measure it; say --identity");
    struct probe *p = probe_tcp(t);
    struct pmeas *m = p && t->n_meas < TRIAL_MEAS_MOST ? calloc(1, sizeof *m) : NULL;
    if (!m)
        return NULL;
    *m = (struct pmeas){.t = t, .p = p, .lc = {.ops = &circ_ops, .arg = m}};
    t->meas[t->n_meas++] = m;
    dial(m);
    if (trial_goes_on(t))
        make_circuit(m);
    return trial_goes_on(t) ? m : NULL;
}

void pmeas_free(struct pmeas *m)
{
    link_circ_close(&m->lc, false, 0);
    link_free(m->link);
    layer_free(m->layer);
    free(m);
}

void pmeas_close(struct pmeas *m)
{
    if (!m)
        return;
    link_circ_close(&m->lc, true, 0);
    m->circuit_gone = true;
    send_all(m);
}

/* ---- saying and hearing ---- */

void pmeas_say(struct pmeas *m, const struct meas_cell *cell)
{
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    if (!m || !trial_goes_on(m->t) || meas_cell_encode(&w, cell) != OK)
        return;
    trial_sent(m->t, "MEASUREMENT %u", cell->cmd);
    put(m, CELL_MEASUREMENT, body, w.len);
}

/* The next cell, which has to be of that command. */
static bool take(struct pmeas *m, uint8_t cmd, struct pmeas_cell *out, uint32_t timeout_ms)
{
    if (!m || !trial_goes_on(m->t))
        return false;
    trial_awaits(m->t, "%s", chan_cmd_name(cmd));
    if (!until(m, has_cell, timeout_ms) || !m->n_came) {
        trial_fail(m->t, m->circuit_gone ? "the circuit ended" : "nothing came");
        return false;
    }
    *out = m->came[0];
    memmove(m->came, m->came + 1, --m->n_came * sizeof m->came[0]);
    TRIAL_EXPECT(m->t, out->cmd == cmd, "%s came", chan_cmd_name(out->cmd));
    return trial_goes_on(m->t);
}

bool pmeas_hear(struct pmeas *m, struct meas_cell *out, uint32_t timeout_ms)
{
    struct pmeas_cell cell;
    if (!take(m, CELL_MEASUREMENT, &cell, timeout_ms))
        return false;
    err_t e = meas_cell_decode(rd_over(cell.body, sizeof cell.body), out);
    TRIAL_EXPECT(m->t, e == OK, "MEASUREMENT cannot be read: %s", err_text(e));
    if (e == OK)
        trial_saw(m->t, "MEASUREMENT %u%s%s", out->cmd, out->cmd == MEAS_ERR ? ": " : "",
                  out->cmd == MEAS_ERR ? meas_error_text(out->err.code) : "");
    return trial_goes_on(m->t);
}

void pmeas_send(struct pmeas *m, uint8_t body[CELL_BODY_LEN], bool framed)
{
    uint8_t sealed[CELL_BODY_LEN];
    const struct relay_msg msg = {.cmd = RELAY_MEAS_ECHO, .data = body, .len = RELAY_DATA_MAX};
    size_t padding_at;
    if (!m || !trial_goes_on(m->t))
        return;
    err_t e = OK;
    memcpy(sealed, body, sizeof sealed);
    if (framed)
        e = relay_msg_encode(RELAY_V0, &msg, sealed, &padding_at);
    if (framed && e == OK) {
        memcpy(body, sealed, sizeof sealed);
        e = m->layer->kind->originate(m->layer, CELL_RELAY, sealed);
        memcpy(body + RELAY_V0_DIGEST_AT, m->layer->sent_tag, 4);
    } else if (e == OK) {
        e = m->layer->kind->wrap(m->layer, CELL_RELAY, sealed);
    }
    TRIAL_EXPECT(m->t, e == OK, "a cell cannot be made: %s", err_text(e));
    put(m, CELL_RELAY, sealed, sizeof sealed);
}

void pmeas_await_echo(struct pmeas *m, const uint8_t body[CELL_BODY_LEN])
{
    struct pmeas_cell cell;
    if (take(m, CELL_RELAY, &cell, 0))
        TRIAL_EXPECT(m->t, memcmp(cell.body, body, sizeof cell.body) == 0,
                     "it is not what was sent");
}

void pmeas_await_destroy(struct pmeas *m, uint32_t timeout_ms)
{
    if (!m || !trial_goes_on(m->t))
        return;
    trial_awaits(m->t, "the circuit's end");
    TRIAL_EXPECT(m->t, until(m, is_destroyed, timeout_ms), "it goes on");
}
