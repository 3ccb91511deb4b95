#include "measure/coord_proto.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/later.h"
#include "link/tls_mutual.h"
#include "measure/frame.h"

enum state { WAITING, SHAKING, GREETING, OPEN, ENDED };

enum { IN_CAP = FRAME_MOST + FRAME_HEAD + TLS_RECORD_MOST };

struct coord_proto {
    struct env *env;
    const struct coord_proto_ops *ops;
    void *arg, *io;
    struct tls *tls;
    bool is_coord, busy;
    struct msg_hello say;
    enum state state;
    struct buf in;
    struct timer patience, ping;
    struct later tell;
    uint64_t heard_us;
    struct coord_proto_end end;
};

/* ---- the end ---- */

static void end(struct coord_proto *p, enum coord_conn_res res, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void end(struct coord_proto *p, enum coord_conn_res res, const char *fmt, ...)
{
    va_list args;
    if (p->state == ENDED)
        return;
    p->end.res = res;
    p->end.opened = p->state == OPEN;
    va_start(args, fmt);
    vsnprintf(p->end.text, sizeof p->end.text, fmt, args);
    va_end(args);
    if (p->state > SHAKING)
        tls_close(p->tls);
    p->state = ENDED;
    env_disarm(p->env, &p->patience);
    env_disarm(p->env, &p->ping);
    later_ask(p->env, &p->tell);
    p->ops->on_output(p->arg);
}

static void tell_end(void *arg)
{
    struct coord_proto *p = arg;
    p->ops->on_end(p->arg, &p->end);
}

static void run_out(void *arg)
{
    struct coord_proto *p = arg;
    if (p->state == OPEN)
        end(p, COORD_CONN_RETRY_ERROR, "nothing was heard for %d s", COORD_SILENCE_S);
    else
        end(p, COORD_CONN_RETRY_ERROR, "no greeting within %d s", COORD_HANDSHAKE_S);
}

/* ---- out ---- */

void coord_proto_send(struct coord_proto *p, const struct msg *m)
{
    struct buf frame;
    char *json = NULL;
    size_t len = 0;
    if (p->state != GREETING && p->state != OPEN)
        return;
    buf_init(&frame, FRAME_HEAD + FRAME_MOST);
    err_t e = msg_write(m, &json, &len);
    if (e == OK)
        e = frame_add(&frame, (struct text){json, len});
    if (e == OK)
        e = tls_write(p->tls, buf_at(&frame), frame.len);
    free(json);
    buf_wipe(&frame); /* seeds are in it */
    if (e == OK)
        p->ops->on_output(p->arg);
    else
        end(p, COORD_CONN_RETRY_ERROR, "%s could not be sent: %s", msg_name(m->type), err_text(e));
}

static void send_failure(struct coord_proto *p, uint32_t meas_id, enum meas_code code,
                         const char *info)
{
    struct msg m = {.type = MSG_FAILURE, .meas_id = meas_id, .failure = {.code = code}};
    snprintf(m.failure.info, sizeof m.failure.info, "%.*s", MEAS_INFO_MAX - 1, info);
    coord_proto_send(p, &m);
}

void coord_proto_fail(struct coord_proto *p, uint32_t meas_id, enum meas_code code, const char *fmt,
                      ...)
{
    char info[MEAS_INFO_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(info, sizeof info, fmt, args);
    va_end(args);
    send_failure(p, meas_id, code, info);
}

/* It is told why, and it is over. */
static void turn_away(struct coord_proto *p, enum meas_code code, const char *text)
{
    send_failure(p, 0, code, text);
    end(p, code == MEAS_UNSUPPORTED ? COORD_CONN_FATAL_ERROR : COORD_CONN_RETRY_ERROR, "%s", text);
}

static void arm_ping(struct coord_proto *p)
{
    env_arm_ms(p->env, &p->ping, (p->busy ? COORD_PING_BUSY_S : COORD_PING_S) * MS_PER_SEC);
}

static void ping(void *arg)
{
    struct coord_proto *p = arg;
    coord_proto_send(p, &(struct msg){.type = MSG_PING});
    if (p->state == OPEN)
        arm_ping(p);
}

void coord_proto_set_busy(struct coord_proto *p, bool busy)
{
    if (p->busy == busy)
        return;
    p->busy = busy;
    if (p->state == OPEN)
        arm_ping(p);
}

/* ---- in ---- */

static void greeted(struct coord_proto *p, const struct msg_hello *theirs)
{
    char text[COORD_TEXT_MAX];
    if (theirs->proto != MSG_PROTO) {
        snprintf(text, sizeof text, "version %u is spoken there, and %d here", theirs->proto,
                 MSG_PROTO);
        turn_away(p, MEAS_UNSUPPORTED, text);
        return;
    }
    p->state = OPEN;
    env_arm_ms(p->env, &p->patience, COORD_SILENCE_S * MS_PER_SEC);
    arm_ping(p);
    p->ops->on_open(p->arg, theirs);
}

/* Before its hello the other side only says why it does not speak with us. Whoever is not in its
 * list may be tomorrow; only a new program speaks another version. */
static void refused(struct coord_proto *p, const struct meas_failure *f)
{
    p->end.refused = f->code == MEAS_REFUSED;
    end(p, f->code == MEAS_UNSUPPORTED ? COORD_CONN_FATAL_ERROR : COORD_CONN_RETRY_ERROR,
        "the other side refuses us: %s %s", meas_code_name(f->code), f->info);
}

static bool may_come(const struct coord_proto *p, enum msg_type type)
{
    if (p->is_coord ? !msg_is_measurers(type) : !msg_is_coords(type))
        return false;
    return p->state == OPEN ? type != MSG_HELLO : type == MSG_HELLO || type == MSG_FAILURE;
}

static void take_msg(struct coord_proto *p, const struct msg *m)
{
    if (!may_come(p, m->type)) {
        end(p, COORD_CONN_RETRY_ERROR, "%s is not to be sent now, or not by that side",
            msg_name(m->type));
        return;
    }
    if (m->type == MSG_HELLO)
        greeted(p, &m->hello);
    else if (p->state == GREETING)
        refused(p, &m->failure);
    else if (m->type == MSG_PING)
        coord_proto_send(p, &(struct msg){.type = MSG_PONG});
    else if (m->type != MSG_PONG)
        p->ops->on_msg(p->arg, m);
}

static void take_frame(struct coord_proto *p, struct text body)
{
    struct msg m;
    char why[MSG_WHY];
    err_t e = msg_parse(body, &m, why);
    if (e == OK) {
        take_msg(p, &m);
        msg_free(&m);
    } else if (e == ERR_UNSUPPORTED && p->state == OPEN) {
        log_info(p->env->log, "A message between coordinator and measurer was ignored: %s", why);
    } else if (e == ERR_MALFORMED && p->state == OPEN && m.meas_id) {
        log_protocol(p->env->log, "A message about measurement %u was none: %s", m.meas_id, why);
        send_failure(p, m.meas_id, MEAS_MALFORMED, why);
    } else {
        end(p, COORD_CONN_RETRY_ERROR, "a message was none: %s",
            e == ERR_NOMEM ? "out of memory" : why);
    }
}

static void take_frames(struct coord_proto *p)
{
    struct text body;
    err_t e = OK;
    while (p->state != ENDED && (e = frame_next(&p->in, &body)) == OK) {
        p->heard_us = p->env->mono_us;
        if (p->state == OPEN)
            env_arm_ms(p->env, &p->patience, COORD_SILENCE_S * MS_PER_SEC);
        if (p->state == OPEN && p->ops->on_heard)
            p->ops->on_heard(p->arg);
        take_frame(p, body);
        frame_done(&p->in, body);
    }
    if (e == ERR_LIMIT)
        end(p, COORD_CONN_RETRY_ERROR, "a frame was said to be longer than %d bytes", FRAME_MOST);
}

/* Whatever TLS holds; false once it holds nothing more. */
static bool read_some(struct coord_proto *p)
{
    size_t n = 0;
    uint8_t *room = buf_room(&p->in, TLS_RECORD_MOST);
    err_t e = room ? tls_read(p->tls, room, TLS_RECORD_MOST, &n) : ERR_NOMEM;
    if (e == OK)
        buf_commit(&p->in, n);
    else if (e == ERR_LINK_CLOSED)
        end(p, COORD_CONN_RETRY_ERROR, "the other side closed the connection");
    else if (e == ERR_LINK_TLS)
        end(p, COORD_CONN_RETRY_ERROR, "TLS failed: %s", tls_error(p->tls));
    else if (e != ERR_MORE)
        end(p, COORD_CONN_RETRY_ERROR, "%s", err_text(e));
    return e == OK;
}

/* TLS stands: the pin decides, and nothing else about the certificate does. */
static void meet(struct coord_proto *p)
{
    struct sha256 pin;
    char text[COORD_TEXT_MAX] = "the other side showed no certificate";
    p->state = GREETING;
    if (tls_peer_spki_sha256(p->tls, &pin) && p->ops->on_peer(p->arg, &pin, text)) {
        coord_proto_send(p, &(struct msg){.type = MSG_HELLO, .hello = p->say});
        return;
    }
    p->end.impostor = true;
    if (p->is_coord)
        turn_away(p, MEAS_REFUSED, "this coordinator does not know your key");
    /* Whoever answers once in the coordinator's place does not end a measurer. */
    end(p, COORD_CONN_RETRY_ERROR, "%s", text);
}

static void shake(struct coord_proto *p)
{
    err_t e = tls_handshake(p->tls);
    if (e == OK)
        meet(p);
    else if (e != ERR_MORE)
        end(p, COORD_CONN_RETRY_ERROR, "TLS failed: %s", tls_error(p->tls));
    p->ops->on_output(p->arg);
}

/* ---- the socket's side ---- */

void coord_proto_begin(struct coord_proto *p)
{
    if (p->state != WAITING)
        return;
    p->state = SHAKING;
    env_arm_ms(p->env, &p->patience, COORD_HANDSHAKE_S * MS_PER_SEC);
    shake(p);
}

bool coord_proto_has_begun(const struct coord_proto *p)
{
    return p->state != WAITING;
}

uint8_t *coord_proto_in_room(struct coord_proto *p, size_t *room)
{
    if (p->state == ENDED)
        return NULL;
    uint8_t *at = tls_in_room(p->tls, room);
    if (!at)
        end(p, COORD_CONN_RETRY_ERROR, "out of memory");
    return at;
}

void coord_proto_in_done(struct coord_proto *p, size_t len)
{
    if (p->state == ENDED)
        return;
    tls_in_done(p->tls, len);
    if (p->state == SHAKING)
        shake(p);
    while (p->state > SHAKING && p->state != ENDED && read_some(p))
        take_frames(p);
}

const uint8_t *coord_proto_out(struct coord_proto *p, size_t *len)
{
    const uint8_t *at = tls_out(p->tls, len);
    return *len ? at : NULL;
}

void coord_proto_sent(struct coord_proto *p, size_t len)
{
    tls_out_sent(p->tls, len);
}

void coord_proto_gone(struct coord_proto *p, const char *text)
{
    end(p, COORD_CONN_RETRY_ERROR, "%s", text);
}

void coord_proto_set_io(struct coord_proto *p, void *io)
{
    p->io = io;
}

void *coord_proto_io(const struct coord_proto *p)
{
    return p->io;
}

/* ---- the owner's side ---- */

bool coord_proto_is_open(const struct coord_proto *p)
{
    return p->state == OPEN;
}

uint64_t coord_proto_heard_us(const struct coord_proto *p)
{
    return p->heard_us;
}

void coord_proto_close(struct coord_proto *p, const char *text)
{
    end(p, COORD_CONN_RETRY_ERROR, "%s", text);
}

struct coord_proto *coord_proto_new(struct env *env, const struct coord_proto_config *config,
                                    const struct coord_proto_ops *ops, void *arg)
{
    struct coord_proto *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    *p = (struct coord_proto){
        .env = env, .ops = ops, .arg = arg, .is_coord = config->is_coord, .say = *config->say};
    p->tls = tls_new(config->tls, env);
    if (!p->tls) {
        free(p);
        return NULL;
    }
    buf_init(&p->in, IN_CAP);
    timer_init(&p->patience, run_out, p);
    timer_init(&p->ping, ping, p);
    later_init(&p->tell, tell_end, p);
    return p;
}

void coord_proto_free(struct coord_proto *p)
{
    if (!p)
        return;
    env_disarm(p->env, &p->patience);
    env_disarm(p->env, &p->ping);
    later_cancel(p->env, &p->tell);
    buf_wipe(&p->in);
    tls_free(p->tls);
    free(p);
}
