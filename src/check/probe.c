/* A connection in the hands of a case: opening, sending, what comes. */
#include "check/probe_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "check/words.h"

enum { READ_CHUNK = 16 * 1024 };

/* ---- life ---- */

/* Politely: no faster than the pace. */
static void keep_pace(struct check_run *run)
{
    const struct check_config *config = run->config;
    uint64_t due = run->last_open_us + (uint64_t)config->pace_ms * US_PER_MS;
    if (config->wire->sleep && run->last_open_us && due > run->env->mono_us)
        config->wire->sleep(config->world, (uint32_t)((due - run->env->mono_us) / US_PER_MS) + 1);
    run->last_open_us = run->env->mono_us;
}

struct probe *probe_tcp(struct trial *t)
{
    struct check_run *run = t->run;
    const char *why = "";
    if (!trial_goes_on(t))
        return NULL;
    struct probe *p = t->n_probes < TRIAL_PROBES_MOST ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        trial_fail(t, "out of memory");
        return NULL;
    }
    *p = (struct probe){.t = t, .circ_id_len = 2};
    buf_init(&p->in, PROBE_IN_CAP);
    t->probe[t->n_probes++] = p;
    keep_pace(run);
    run->connections++;
    p->conn = run->config->wire->open(run->config->world, &why);
    if (!p->conn)
        trial_fail(t, "no connection to the relay: %s", why);
    return p;
}

void probe_close(struct probe *p)
{
    const struct check_config *config = p->t->run->config;
    if (!p->conn)
        return;
    config->wire->close(config->world, p->conn);
    p->conn = NULL;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    probe_close(p);
    tls_free(p->tls);
    buf_free(&p->in);
    free(p);
}

/* ---- bytes ---- */

const char *probe_ended_how(const struct probe *p)
{
    return p->ended ? p->ended_how : "the connection is open";
}

static void ended(struct probe *p, const char *how)
{
    if (!p->ended)
        trial_saw(p->t, "%s", how);
    p->ended = true;
    p->ended_how = how;
}

static void put(struct probe *p, const void *bytes, size_t len)
{
    const struct check_config *config = p->t->run->config;
    size_t at = 0, step = p->trickles ? 1 : len;
    err_t e = OK;
    for (; at < len && p->conn && !p->ended && e == OK; at += step)
        e = config->wire->send(config->world, p->conn, (const uint8_t *)bytes + at, step);
    if (e != OK)
        ended(p, "the connection broke while we sent");
}

void probe_flush(struct probe *p)
{
    size_t len;
    const uint8_t *at;
    while (!p->ended && (at = tls_out(p->tls, &len)) && len) {
        put(p, at, len);
        tls_out_sent(p->tls, len);
    }
}

/* More bytes of the connection, into the TLS session or the plain queue. */
err_t probe_get(struct probe *p, uint32_t timeout_ms)
{
    const struct check_config *config = p->t->run->config;
    size_t room = READ_CHUNK, n = 0;
    uint8_t *at = p->tls ? tls_in_room(p->tls, &room) : buf_room(&p->in, READ_CHUNK);
    if (!p->conn || p->ended)
        return ERR_LINK_CLOSED;
    if (!at)
        return ERR_NOMEM;
    if (p->t->run->env->mono_us >= p->t->end_us) {
        trial_fail(p->t, "the relay drips, or goes on without end: a case's time is over");
        ended(p, "it had taken too long");
        return ERR_LINK_CLOSED;
    }
    err_t e = config->wire->recv(config->world, p->conn, at, room, &n, timeout_ms);
    if (e == ERR_LINK_CLOSED)
        ended(p, "the relay closed the connection");
    if (e == OK && p->tls)
        tls_in_done(p->tls, n);
    else if (e == OK)
        buf_commit(&p->in, n);
    return e;
}

/* What TLS has opened so far. */
static err_t take_plain(struct probe *p)
{
    err_t e;
    do {
        size_t n = 0;
        uint8_t *at = buf_room(&p->in, READ_CHUNK);
        if (!at)
            return ERR_NOMEM;
        e = tls_read(p->tls, at, READ_CHUNK, &n);
        if (e == OK)
            buf_commit(&p->in, n);
    } while (e == OK);
    probe_flush(p); /* alerts, key updates */
    if (e == ERR_LINK_CLOSED)
        ended(p, "the relay closed TLS");
    else if (e == ERR_LINK_TLS)
        ended(p, "TLS broke");
    return e == ERR_MORE ? OK : e;
}

/* ---- sending ---- */

static void send_plain(struct probe *p, const void *bytes, size_t len)
{
    if (p->ended || !trial_goes_on(p->t))
        return;
    if (!p->tls) {
        put(p, bytes, len);
        return;
    }
    if (tls_write(p->tls, bytes, len) != OK)
        ended(p, "TLS broke while we sent");
    probe_flush(p);
}

void probe_raw(struct probe *p, const void *bytes, size_t len, const char *what)
{
    if (!p || !trial_goes_on(p->t))
        return;
    trial_sent(p->t, "%s", what);
    send_plain(p, bytes, len);
}

void probe_cell(struct probe *p, uint32_t circ_id, uint8_t cmd, const void *body, size_t len)
{
    char text[WORDS_CELL_MAX];
    if (!p || !trial_goes_on(p->t))
        return;
    bool variable = chan_cmd_is_variable(cmd);
    size_t cap = CHAN_HEAD_MAX + (variable ? len : CELL_BODY_LEN);
    uint8_t *cell = malloc(cap);
    struct wr w = wr_over(cell, cell ? cap : 0);
    if (!cell ||
        chan_head_encode(&w, p->circ_id_len, circ_id, cmd, variable ? len : CELL_BODY_LEN) != OK) {
        trial_fail(p->t, "out of memory");
    } else {
        wr_bytes(&w, body, len);
        if (!variable && len < CELL_BODY_LEN)
            wr_zeros(&w, CELL_BODY_LEN - len);
        trial_sent(p->t, "%s", words_cell(cmd, body, len, text));
        send_plain(p, cell, w.len);
    }
    free(cell);
}

void probe_send_versions(struct probe *p, const uint16_t *versions, size_t n)
{
    uint8_t body[2 * CHAN_VERSIONS_MAX];
    struct wr w = wr_over(body, sizeof body);
    for (size_t i = 0; i < n; i++)
        wr_u16(&w, versions[i]);
    probe_cell(p, 0, CELL_VERSIONS, body, w.len);
}

void probe_send_netinfo(struct probe *p)
{
    struct chan_netinfo m = {.other = p ? p->t->run->config->reach.addr.ip : (struct ip){0}};
    uint8_t body[CELL_BODY_LEN];
    struct wr w = wr_over(body, sizeof body);
    if (p && chan_netinfo_encode(&w, &m) == OK)
        probe_cell(p, 0, CELL_NETINFO, body, w.len);
}

/* tor-spec 5.1.1: "the node that initiated the connection MUST set the MSB to 1". */
uint32_t probe_new_id(struct probe *p)
{
    uint32_t n = p ? ++p->last_id : 1;
    return p && p->circ_id_len == 2 ? 0x8000u | (n & 0x7fff) : 0x80000000u | n;
}

/* ---- what comes ---- */

static bool is_padding(uint8_t cmd)
{
    return cmd == CELL_PADDING || cmd == CELL_VPADDING;
}

/* The cell at the front of the queue, if it is all there. */
static err_t cut_cell(struct probe *p, struct probe_cell *out)
{
    struct chan_frame f;
    buf_drain(&p->in, p->taken);
    p->taken = 0;
    err_t e = chan_frame_decode(buf_at(&p->in), p->in.len, p->circ_id_len, PROBE_CELL_MOST, &f);
    if (e != OK)
        return e;
    p->taken = f.used;
    *out = (struct probe_cell){f.circ_id, f.cmd, f.body, f.body_len};
    return OK;
}

err_t probe_poll(struct probe *p, uint32_t timeout_ms, struct probe_cell *out)
{
    uint64_t end = p->t->run->env->mono_us + (uint64_t)timeout_ms * US_PER_MS;
    char text[WORDS_CELL_MAX];
    for (;;) {
        err_t e = p->tls ? take_plain(p) : OK;
        err_t cut;
        while ((cut = cut_cell(p, out)) == OK)
            if (p->shows_padding || !is_padding(out->cmd)) {
                trial_saw(p->t, "%s", words_cell(out->cmd, out->body, out->len, text));
                p->t->tidied_up |= out->cmd == CELL_DESTROY && out->body[0] == DESTROY_FINISHED;
                return OK;
            }
        if (cut != ERR_MORE)
            return ERR_LINK_PROTO;
        if (e != OK)
            return p->ended ? ERR_LINK_CLOSED : e;
        uint64_t now = p->t->run->env->mono_us;
        e = probe_get(p, now < end ? (uint32_t)((end - now + US_PER_MS - 1) / US_PER_MS) : 0);
        if (e != OK)
            return e;
    }
}

bool probe_next(struct probe *p, struct probe_cell *out)
{
    if (!p || !trial_goes_on(p->t))
        return false;
    err_t e = probe_poll(p, p->t->run->answer_ms, out);
    if (e == OK)
        return true;
    if (e == ERR_MORE)
        trial_fail(p->t, "nothing came for %u ms", (unsigned)p->t->run->answer_ms);
    else if (e == ERR_LINK_CLOSED)
        trial_fail(p->t, "%s", probe_ended_how(p));
    else
        trial_fail(p->t, "what came is no cell: %s", err_text(e));
    return false;
}

bool probe_await(struct probe *p, uint8_t cmd, struct probe_cell *out)
{
    struct probe_cell cell;
    if (!p)
        return false;
    trial_awaits(p->t, "%s", chan_cmd_name(cmd));
    if (!probe_next(p, &cell))
        return false;
    if (out)
        *out = cell;
    if (cell.cmd != cmd)
        trial_fail(p->t, "%s came instead of %s", words_cmd(cell.cmd), words_cmd(cmd));
    return cell.cmd == cmd;
}

void probe_await_close(struct probe *p)
{
    struct probe_cell cell;
    err_t e = OK;
    if (!p || !trial_goes_on(p->t))
        return;
    trial_awaits(p->t, "the connection's end");
    while (e == OK)
        e = probe_poll(p, p->t->run->answer_ms, &cell);
    TRIAL_EXPECT(p->t, e == ERR_LINK_CLOSED, "the connection is still open after %u ms",
                 (unsigned)p->t->run->answer_ms);
}

uint8_t probe_await_destroy(struct probe *p, uint32_t circ_id)
{
    struct probe_cell cell;
    if (!probe_await(p, CELL_DESTROY, &cell))
        return 0;
    TRIAL_EXPECT(p->t, cell.circ_id == circ_id, "DESTROY is about circuit %08x, not %08x",
                 (unsigned)cell.circ_id, (unsigned)circ_id);
    return cell.body[0];
}

void probe_await_alive(struct probe *p)
{
    uint8_t x[20];
    struct probe_cell cell;
    if (!p || !trial_goes_on(p->t))
        return;
    uint32_t id = probe_new_id(p);
    env_random(p->t->run->env, x, sizeof x);
    probe_cell(p, id, CELL_CREATE_FAST, x, sizeof x);
    if (probe_await(p, CELL_CREATED_FAST, &cell))
        TRIAL_EXPECT(p->t, cell.circ_id == id, "CREATED_FAST came for another circuit");
}

void probe_await_silence(struct probe *p, uint32_t timeout_ms)
{
    struct probe_cell cell;
    if (!p || !trial_goes_on(p->t))
        return;
    trial_awaits(p->t, "nothing for %u ms", (unsigned)timeout_ms);
    err_t e = probe_poll(p, timeout_ms, &cell);
    if (e == OK)
        trial_fail(p->t, "%s came", words_cmd(cell.cmd));
    else if (e != ERR_MORE)
        trial_fail(p->t, "%s", probe_ended_how(p));
}
