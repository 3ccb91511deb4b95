#include "link/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell/chan_link.h"
#include "habits/habits.h"
#include "link/link_int.h"

const char *or_reason_name(enum or_reason reason)
{
    static const char *const names[] = {
        [OR_DONE] = "DONE",
        [OR_CONNECTREFUSED] = "CONNECTREFUSED",
        [OR_IDENTITY] = "IDENTITY",
        [OR_CONNECTRESET] = "CONNECTRESET",
        [OR_TIMEOUT] = "TIMEOUT",
        [OR_NOROUTE] = "NOROUTE",
        [OR_IOERROR] = "IOERROR",
        [OR_RESOURCELIMIT] = "RESOURCELIMIT",
        [OR_PT_MISSING] = "PT_MISSING",
        [OR_TLS_ERROR] = "TLS_ERROR",
        [OR_MISC] = "MISC",
    };
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "MISC";
}

/* ---- life ---- */

static void on_deadline(void *arg);
static void tell_end(void *arg);
static void on_padding_look(void *arg);
static void on_quiet(void *arg);
static void on_keepalive(void *arg);

struct link *link_new_server(struct env *env, const struct link_config *config,
                             const struct link_server *server, const struct ipport *peer,
                             const struct link_ops *ops, void *arg)
{
    const struct link_target target = {.reach.addr = *peer};
    struct link *l = link_new(env, config, &target, ops, arg);
    if (!l)
        return NULL;
    l->side = LINK_RESPONDER;
    l->server = *server;
    link_tcp_open(l);
    return l;
}

struct link *link_new(struct env *env, const struct link_config *config,
                      const struct link_target *target, const struct link_ops *ops, void *arg)
{
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->env = env;
    l->config = *config;
    l->target = *target;
    l->ops = ops;
    l->arg = arg;
    l->state = LINK_CONNECTING;
    buf_init(&l->in, LINK_PLAIN_IN_CAP);
    buf_init(&l->out, LINK_OUT_OWN);
    buf_count(&l->in, &env->queues.tally);
    buf_count(&l->out, &env->queues.tally);
    circmap_init(&l->circs, env);
    later_init(&l->tell, tell_end, l);
    timer_init(&l->deadline, on_deadline, l);
    timer_init(&l->padding_look, on_padding_look, l);
    timer_init(&l->quiet, on_quiet, l);
    timer_init(&l->keepalive, on_keepalive, l);
    env_arm_ms(env, &l->deadline, config->connect_timeout_ms);
    return l;
}

static void disarm_all(struct link *l)
{
    env_disarm(l->env, &l->deadline);
    env_disarm(l->env, &l->padding_look);
    env_disarm(l->env, &l->quiet);
    env_disarm(l->env, &l->keepalive);
}

void link_free(struct link *l)
{
    if (!l)
        return;
    l->told_output = true; /* so nobody is told */
    link_close(l, OK, OR_DONE, "no longer wanted");
    later_cancel(l->env, &l->tell);
    disarm_all(l);
    link_drop_circuits(l);
    circmap_free(&l->circs);
    tls_free(l->tls);
    buf_wipe(&l->in);
    buf_wipe(&l->out);
    free(l);
}

/* As tor does, the last of the TLS handshake and VERSIONS go out in two pieces. */
static bool must_go_alone(const struct link *l)
{
    size_t sealed;
    return l->hs.stage == STAGE_VERSIONS && tls_out(l->tls, &sealed);
}

/* E is an error of TLS. What it lacked of our memory is no fault of the peer's. */
static void close_by_tls(struct link *l, err_t e)
{
    link_close(l, e, e == ERR_NOMEM ? OR_RESOURCELIMIT : OR_TLS_ERROR, tls_error(l->tls));
}

static void seal(struct link *l)
{
    if (!l->tls || !l->out.len || must_go_alone(l))
        return;
    err_t e = tls_write(l->tls, buf_at(&l->out), l->out.len);
    if (e == OK)
        buf_drain(&l->out, l->out.len);
    else if (e != ERR_FULL) /* full: when some has been sent, there is room again */
        close_by_tls(l, e);
}

void link_close(struct link *l, err_t why, enum or_reason reason, const char *text)
{
    if (l->state == LINK_CLOSED)
        return;
    l->end = (struct link_end){.why = why, .reason = reason, .during = l->state};
    snprintf(l->end.text, sizeof l->end.text, "%s", text ? text : err_text(why));
    l->state = LINK_CLOSED;
    if (why == ERR_LINK_PROTO || why == ERR_LINK_VERSION)
        log_protocol(l->env->log, "A relay breaks the link protocol: %s. Closing the link.",
                     l->end.text);
    disarm_all(l);
    /* No TLS close alert: tor sends none, and the onlooker is not to tell us apart by it. */
    if (l->end.during == LINK_OPEN && reason != OR_TLS_ERROR)
        seal(l);
    if (l->tls)
        buf_drain(&l->out, l->out.len);
    if (link_held(l))
        link_tell_output(l);
    later_ask(l->env, &l->tell);
}

void link_closef(struct link *l, err_t why, enum or_reason reason, const char *fmt, ...)
{
    char text[sizeof l->end.text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    link_close(l, why, reason, text);
}

static void on_deadline(void *arg)
{
    struct link *l = arg;
    switch (l->state) {
    case LINK_CONNECTING:
        link_closef(l, ERR_LINK_TIMEOUT, OR_TIMEOUT, "no %s in time",
                    l->awaited[0] ? l->awaited : "TCP connection");
        break;
    case LINK_TLS:
        link_close(l, ERR_LINK_TIMEOUT, OR_TIMEOUT, "TLS handshake not done in time");
        break;
    case LINK_HANDSHAKING:
        link_closef(l, ERR_LINK_TIMEOUT, OR_TIMEOUT, "link handshake not done in time: %s",
                    link_stage_name(l->hs.stage));
        break;
    case LINK_OPEN:
        link_close(l, OK, OR_DONE, "not used any more");
        break;
    case LINK_CLOSED:
        break; /* its deadline is disarmed */
    }
}

static void tell_end(void *arg)
{
    struct link *l = arg;
    link_drop_circuits(l);
    l->ops->on_end(l->arg, &l->end);
}

static uint64_t after_us(const struct link *l, uint64_t since_us, uint64_t ms)
{
    if (l->config.by_looks)
        return habits_seen_us(l->env, since_us, ms / MS_PER_SEC, l->config.look_point_us);
    return since_us + ms * US_PER_MS;
}

void link_arm_idle(struct link *l)
{
    uint64_t now_us = l->env->mono_us;
    if (l->retired)
        env_arm_ms(l->env, &l->deadline, 0);
    else if (l->config.idle_timeout_ms)
        timerq_arm(&l->env->timers, &l->deadline, after_us(l, now_us, l->config.idle_timeout_ms));
}

void link_retire(struct link *l)
{
    l->retired = true;
    if (l->state == LINK_OPEN && !l->circs.n)
        link_arm_idle(l);
}

/* ---- TCP and TLS ---- */

static void take_step(struct link *l, enum link_state state)
{
    l->state = state;
    if (l->ops->on_step)
        l->ops->on_step(l->arg);
}

void link_tcp_open(struct link *l)
{
    if (l->state != LINK_CONNECTING)
        return;
    l->tls = tls_new(l->config.tls, l->env);
    if (!l->tls) {
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for TLS");
        return;
    }
    if (l->config.lean)
        tls_read_at_most(l->tls, LINK_LEAN_READ);
    l->heard_us = l->env->mono_us;
    take_step(l, LINK_TLS);
    env_arm_ms(l->env, &l->deadline, l->config.handshake_timeout_ms);
    if (l->side == LINK_RESPONDER)
        return;
    err_t e = tls_handshake(l->tls); /* writes ClientHello */
    if (e != ERR_MORE)
        close_by_tls(l, e);
    else
        link_tell_output(l);
}

uint8_t *link_in_room(struct link *l, size_t *room)
{
    *room = 0;
    if (l->state == LINK_CLOSED || !l->tls || l->held)
        return NULL;
    uint8_t *at = tls_in_room(l->tls, room);
    if (!at)
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for received bytes");
    return at;
}

static err_t export_keys(void *arg, const char *label, const struct sha256 *context, uint8_t *out)
{
    const struct link *l = arg;
    return l->tls ? tls_export(l->tls, label, context->b, sizeof context->b, out) : ERR_STATE;
}

static void tls_is_up(struct link *l)
{
    struct sha256 cert;
    if (l->side == LINK_RESPONDER) {
        const struct handshake_binding binding = {.export = export_keys, .arg = l};
        l->state = LINK_HANDSHAKING;
        tls_ctx_cert_sha256(l->config.tls, &cert);
        handshake_server_start(&l->hs, l->env, &cert, &binding);
    } else if (tls_peer_cert_sha256(l->tls, &cert)) {
        link_start_cells(l, &cert);
    } else {
        link_close(l, ERR_LINK_TLS, OR_TLS_ERROR, "the peer sent no TLS certificate");
    }
}

static void shake_tls(struct link *l)
{
    err_t e = tls_handshake(l->tls);
    size_t unsent;
    if (tls_out(l->tls, &unsent))
        link_tell_output(l); /* an alert, too */
    if (e == ERR_MORE || (e != OK && link_slips(l, LINK_SLIP_TLS, 0)))
        return;
    if (e == ERR_LINK_CLOSED)
        link_close(l, ERR_LINK_TLS, OR_TLS_ERROR, "the peer closed TLS");
    else if (e != OK)
        close_by_tls(l, e);
    else
        tls_is_up(l);
}

static bool takes_cells(const struct link *l)
{
    return l->state == LINK_HANDSHAKING || l->state == LINK_OPEN;
}

/* Opens one batch and handles its cells; false when there is no more. */
static bool open_batch(struct link *l)
{
    size_t n;
    size_t batch = l->config.lean ? LINK_LEAN_OPEN_BATCH : LINK_OPEN_BATCH;
    uint8_t *at = buf_room(&l->in, batch);
    if (!at) {
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for received cells");
        return false;
    }
    err_t e = tls_read(l->tls, at, batch, &n);
    if (e == OK) {
        buf_commit(&l->in, n);
        link_handle_cells(l);
        return takes_cells(l);
    }
    if (e == ERR_LINK_CLOSED && link_slips(l, LINK_SLIP_END, 0))
        return false;
    if (e == ERR_LINK_CLOSED)
        link_close(l, e, l->state == LINK_OPEN ? OR_DONE : OR_IOERROR, "the peer closed TLS");
    else if (e != ERR_MORE)
        close_by_tls(l, e);
    return false;
}

void link_in_done(struct link *l, size_t len)
{
    if (l->state == LINK_CLOSED || !l->tls)
        return;
    l->bytes_in += len;
    link_hear(l);
    tls_in_done(l->tls, len);
    if (link_slips(l, LINK_SLIP_READ, len))
        link_close(l, ERR_LINK_PROTO, OR_MISC, "not that few bytes");
    if (l->state == LINK_TLS)
        shake_tls(l);
    while (takes_cells(l) && open_batch(l))
        continue;
    if (l->state != LINK_CLOSED && !l->quiet.armed)
        env_arm_lazy_ms(l->env, &l->quiet, LINK_QUIET_MS);
}

/* ---- output ---- */

size_t link_held(const struct link *l)
{
    size_t sealed = 0;
    if (l->tls)
        tls_out(l->tls, &sealed);
    return sealed + l->out.len;
}

bool link_is_loaded(const struct link *l)
{
    return l->out.len >= link_out_low(l);
}

void link_tell_output(struct link *l)
{
    bool loaded = link_is_loaded(l);
    if (l->told_output && l->told_loaded >= loaded)
        return;
    l->told_output = true;
    l->told_loaded = loaded;
    l->ops->on_output(l->arg);
}

const uint8_t *link_seal(struct link *l, size_t *len)
{
    l->told_output = l->told_loaded = false;
    *len = 0;
    if (!l->tls) {
        *len = l->out.len;
        return l->out.len ? buf_at(&l->out) : NULL;
    }
    if (l->state != LINK_CLOSED)
        seal(l);
    return tls_out(l->tls, len);
}

void link_sent(struct link *l, size_t len)
{
    l->bytes_out += len;
    l->last_sent_us = l->env->mono_us;
    if (l->tls)
        tls_out_sent(l->tls, len);
    else
        buf_drain(&l->out, len);
    link_give_turns(l);
    if (l->out.len && l->state != LINK_CLOSED)
        link_tell_output(l);
}

void link_record_at_most(struct link *l, unsigned n)
{
    size_t len = n ? (size_t)n * CHAN_CELL_MAX : TLS_RECORD_MOST;
    if (l->tls)
        tls_record_at_most(l->tls, len < TLS_RECORD_MOST ? len : TLS_RECORD_MOST);
}

uint64_t link_sent_us(const struct link *l)
{
    return l->last_sent_us;
}

/* ---- cells begin, the link is open ---- */

void link_close_by_handshake(struct link *l, err_t e)
{
    enum or_reason of_memory = e == ERR_NOMEM ? OR_RESOURCELIMIT : OR_MISC;
    link_close(l, e, e == ERR_LINK_IDENTITY ? OR_IDENTITY : of_memory, l->hs.text);
}

void link_start_cells(struct link *l, const struct sha256 *tls_cert)
{
    take_step(l, LINK_HANDSHAKING);
    uint8_t *at = buf_room(&l->out, HANDSHAKE_CELLS_MAX);
    if (!at) {
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "no memory for cells to send");
        return;
    }
    struct wr w = wr_over(at, HANDSHAKE_CELLS_MAX);
    const struct handshake_binding binding = {
        .identity = l->config.identity, .export = export_keys, .arg = l};
    err_t e = handshake_start(&l->hs, l->env, tls_cert, l->config.identity ? &binding : NULL, &w);
    if (e != OK) {
        link_close_by_handshake(l, e);
        return;
    }
    link_commit_cells(l, w.len);
    link_tell_output(l);
}

static void tell_padding(struct link *l, enum padding_tell tell)
{
    uint8_t storage[CELL_BODY_LEN];
    struct wr w = wr_over(storage, sizeof storage);
    struct chan_padding_negotiate m = {.command = tell == PADDING_TELL_STOP ? CHAN_PADDING_STOP
                                                                            : CHAN_PADDING_START};
    /* Clients negotiate, relays are told (padding-spec 2.5). */
    if (tell == PADDING_TELL_NOTHING || l->side == LINK_RESPONDER || l->config.identity)
        return;
    if (chan_padding_negotiate_encode(&w, &m) == OK)
        link_own_cell(l, 0, CELL_PADDING_NEGOTIATE, &w);
}

static void arm_keepalive(struct link *l)
{
    if (l->config.keepalive_ms)
        timerq_arm(&l->env->timers, &l->keepalive,
                   after_us(l, l->last_sent_us, l->config.keepalive_ms));
    else
        env_disarm(l->env, &l->keepalive);
}

void link_opened(struct link *l)
{
    int64_t skew = l->hs.skew_s;
    l->state = LINK_OPEN;
    l->opened_us = l->last_cell_us = l->last_sent_us = l->env->mono_us;
    env_disarm(l->env, &l->deadline);
    link_arm_idle(l);
    arm_keepalive(l);
    log_info(l->env->log, "link open: protocol %u", l->hs.version);
    /* padding-spec 2.5: clients negotiate "immediately after sending their NETINFO cell" */
    tell_padding(l, padding_configure(&l->padding, &l->config, l->hs.version));
    if ((skew > LINK_SKEW_LEAST_S || skew < -LINK_SKEW_LEAST_S) && l->ops->on_clock_skew)
        l->ops->on_clock_skew(l->arg, skew);
    if (l->state == LINK_OPEN)
        l->ops->on_open(l->arg);
}

/* ---- padding, quiet times ---- */

void link_set_padding(struct link *l, const struct link_config *config)
{
    l->config.keepalive_ms = config->keepalive_ms;
    l->config.by_looks = config->by_looks;
    l->config.look_point_us = config->look_point_us;
    l->config.padding = config->padding;
    l->config.reduced_padding = config->reduced_padding;
    l->config.pad_late = config->pad_late;
    l->config.nf_ito_low_ms = config->nf_ito_low_ms;
    l->config.nf_ito_high_ms = config->nf_ito_high_ms;
    l->config.nf_ito_low_reduced_ms = config->nf_ito_low_reduced_ms;
    l->config.nf_ito_high_reduced_ms = config->nf_ito_high_reduced_ms;
    if (l->state != LINK_OPEN)
        return;
    tell_padding(l, padding_configure(&l->padding, &l->config, l->hs.version));
    l->padding.counting = false;
    if (l->state != LINK_OPEN)
        return;
    link_look_at_padding(l);
    arm_keepalive(l);
}

static bool is_to_pad(const struct link *l)
{
    return l->padding.on && l->usage >= (l->config.pad_late ? USAGE_TRAFFIC : USAGE_CIRCUITS);
}

/* C tor looks once a second whether a timer is wanted before it looks again
 * (TOR_HOUSEKEEPING_CALLBACK_MS). */
static void arm_padding_look(struct link *l, uint64_t next_us)
{
    uint64_t wait_ms = (next_us - l->env->mono_us) / US_PER_MS;
    if (l->config.by_looks && next_us < l->padding.due_us)
        env_arm_lazy_ms(l->env, &l->padding_look, wait_ms > MS_PER_SEC ? wait_ms - MS_PER_SEC : 1);
    else
        timerq_arm(&l->env->timers, &l->padding_look, next_us);
}

void link_look_at_padding(struct link *l)
{
    uint64_t next_us;
    if (!is_to_pad(l)) {
        env_disarm(l->env, &l->padding_look);
        return;
    }
    /* padding-spec 2.2: if the queue "is already nonempty, padding should not be scheduled until
     * after the queue does become empty" */
    if (link_held(l))
        l->last_cell_us = l->env->mono_us;
    if (padding_poll(&l->padding, l->env, l->last_cell_us, &next_us)) {
        link_own_cell(l, 0, CELL_PADDING, NULL);
        if (l->state != LINK_OPEN)
            return;
        padding_poll(&l->padding, l->env, l->last_cell_us, &next_us); /* not due at once again */
    }
    arm_padding_look(l, next_us);
}

static void on_padding_look(void *arg)
{
    link_look_at_padding(arg);
}

/* run_connection_housekeeping: what was silent for a KeepalivePeriod sends a PADDING cell; what was
 * not able to send for ten is stuck. They are counted, not timed: a machine that slept for them has
 * tried to send once. */
static void on_keepalive(void *arg)
{
    struct link *l = arg;
    uint64_t now_us = l->env->mono_us;
    if (now_us < after_us(l, l->last_sent_us, l->config.keepalive_ms)) {
        l->stuck_periods = 0;
        arm_keepalive(l);
        return;
    }
    if (!link_held(l))
        link_own_cell(l, 0, CELL_PADDING, NULL);
    else if (++l->stuck_periods == HABITS_STUCK_PERIODS)
        link_close(l, ERR_LINK_TIMEOUT, OR_TIMEOUT, "the peer has taken nothing for very long");
    if (l->state == LINK_OPEN)
        timerq_arm(&l->env->timers, &l->keepalive, after_us(l, now_us, l->config.keepalive_ms));
}

/* A link that rests for some seconds gives back what it holds for speed. */
static void on_quiet(void *arg)
{
    struct link *l = arg;
    uint64_t quiet_us = l->env->mono_us - l->last_cell_us;
    if (link_held(l) || quiet_us < (uint64_t)LINK_QUIET_MS * US_PER_MS) {
        env_arm_lazy_ms(l->env, &l->quiet, LINK_QUIET_MS);
        return;
    }
    tls_trim(l->tls);
    buf_trim(&l->in);
    buf_trim(&l->out);
}

/* ---- what it is ---- */

void link_set_io(struct link *l, void *io)
{
    l->io = io;
}

void *link_io(const struct link *l)
{
    return l->io;
}

enum link_state link_state(const struct link *l)
{
    return l->state;
}

unsigned link_version(const struct link *l)
{
    return l->hs.version;
}

const struct link_target *link_target(const struct link *l)
{
    return &l->target;
}

const struct rsa_id *link_peer_rsa(const struct link *l)
{
    return &l->hs.proved.rsa;
}

const struct ed_id *link_peer_ed(const struct link *l)
{
    return &l->hs.proved.ed;
}

void link_set_trace(struct link *l, link_trace_fn *fn)
{
    l->trace = fn;
}

const struct sha256 *link_peer_tls_cert(const struct link *l)
{
    return &l->hs.tls_cert;
}

size_t link_circuits(const struct link *l)
{
    return l->circs.n;
}

uint64_t link_opened_us(const struct link *l)
{
    return l->opened_us;
}

uint64_t link_bytes_in(const struct link *l)
{
    return l->bytes_in;
}

uint64_t link_bytes_out(const struct link *l)
{
    return l->bytes_out;
}
