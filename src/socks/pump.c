#include "socks/pump.h"

#include <stdlib.h>

#include "base/queue.h"
#include "cell/reason.h"

enum {
    IN_CAP = 64 * 1024,    /* read ahead from the application */
    READ_LEAST = 4 * 1024, /* not worth a read below this; and what is read of who says little */
    OUT_CAP = STREAM_HELD_MOST + READ_LEAST, /* of a stream, and of the handshake */
    IDLE_MS = 1000,
};

enum pump_state {
    HELLO,   /* the application says what it wants */
    WAITING, /* the tunnel is on its way */
    OPEN,
    DONE,
};

struct pump {
    struct env *env;
    struct client *client;
    const struct pump_hello *hello;
    void *hello_arg;
    const struct pump_ops *ops;
    void *arg;
    enum pump_state state;
    struct tunnel *tunnel;
    struct queue in, out;
    size_t said_left;      /* bytes of the hello's at the front of out, before the stream's */
    bool refused_input;    /* in_room() said NULL */
    bool in_scratch;       /* the room given last was the environment's */
    bool says_much;        /* the last read filled its room */
    bool eof;              /* the application sends no more */
    bool reads;            /* a program is known to read on */
    bool gone;             /* the application is known to be gone */
    bool asked;            /* the application spoke last */
    uint64_t word_us;      /* when somebody spoke last */
    struct timer deadline; /* of the handshake; of an application that has closed its side */
    struct timer idle;     /* gives back input's storage that has emptied */
};

/* The queues have moved: look in a while whether that of input is empty. */
static void note_moved(struct pump *p)
{
    if (!p->idle.armed)
        env_arm_ms(p->env, &p->idle, IDLE_MS);
}

/* ---- ending ---- */

void pump_end(struct pump *p)
{
    if (p->state == DONE)
        return;
    p->state = DONE;
    env_disarm(p->env, &p->deadline);
    p->ops->on_end(p->arg);
}

static void send_bytes(struct pump *p, const void *bytes, size_t len)
{
    if (queue_add(&p->out, bytes, len) == OK)
        p->ops->on_output(p->arg);
    else
        pump_end(p);
}

void pump_say(struct pump *p, const void *bytes, size_t len)
{
    p->said_left = p->out.bytes.len + len;
    send_bytes(p, bytes, len);
}

/* ---- the tunnel ---- */

static void hang_up(struct pump *p)
{
    if (p->tunnel)
        tunnel_close(p->tunnel, END_DONE);
    p->tunnel = NULL;
    pump_end(p);
}

/* The application has closed its side, or has gone: how long until the tunnel is closed, if all
 * stays quiet. */
static void wait_for_far_side(struct pump *p)
{
    uint64_t patience_ms = p->asked ? PUMP_ANSWER_MS : PUMP_QUIET_MS;
    uint64_t quiet_ms = (p->env->mono_us - p->word_us) / US_PER_MS;
    bool said_all = p->gone && !p->in.bytes.len;
    if (p->reads)
        return;
    if (p->out.bytes.len && !p->gone) /* it reads slowly */
        quiet_ms = 0;
    if (said_all || quiet_ms >= patience_ms)
        hang_up(p);
    else
        env_arm_ms(p->env, &p->deadline, patience_ms - quiet_ms);
}

/* Hands on what the application has sent. */
static void push(struct pump *p)
{
    if (p->state != OPEN)
        return;
    if (p->in.bytes.len) {
        size_t n = tunnel_write(p->tunnel, buf_at(&p->in.bytes), p->in.bytes.len);
        queue_drain(&p->in, n);
        note_moved(p);
        if (n) {
            p->asked = true;
            p->word_us = p->env->mono_us;
        }
    }
    if (p->in.bytes.len)
        return;
    if (p->eof) {
        wait_for_far_side(p);
        return;
    }
    if (p->refused_input) {
        p->refused_input = false;
        p->ops->on_input_wanted(p->arg);
    }
}

/* What the far side sent finds no room: it is cut off, and that must not pass for its end. */
static void overflow(struct pump *p)
{
    log_info(p->env->log, "No room for what an exit sent, with %zu bytes waiting here: closing",
             p->out.bytes.len);
    tunnel_close(p->tunnel, END_RESOURCELIMIT);
    p->tunnel = NULL;
    pump_end(p);
}

/* The application is told so, once: when the exit was asked, or when it has answered. */
static void on_begun(void *arg)
{
    struct pump *p = arg;
    if (p->state != WAITING)
        return;
    p->state = OPEN;
    p->word_us = p->env->mono_us;
    env_disarm(p->env, &p->deadline);
    p->hello->connected(p->hello_arg);
    push(p);
}

static void on_connected(void *arg, const struct ip *addr)
{
    (void)addr; /* tor tells no application what its exit resolved */
    on_begun(arg);
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct pump *p = arg;
    p->hello->resolved(p->hello_arg, answers, n);
    pump_end(p);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct pump *p = arg;
    if (p->state != OPEN)
        return;
    if (p->gone) {
        tunnel_consumed(p->tunnel, len);
        return;
    }
    p->asked = false;
    p->word_us = p->env->mono_us;
    if (queue_add(&p->out, bytes, len) != OK) {
        overflow(p);
        return;
    }
    p->ops->on_output(p->arg);
    if (p->eof && p->state == OPEN && !p->in.bytes.len)
        wait_for_far_side(p);
}

static void on_writable(void *arg)
{
    push(arg);
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct pump *p = arg;
    const struct tunnel_request *asked = tunnel_asked(p->tunnel);
    p->tunnel = NULL;
    if (p->state == WAITING)
        p->hello->failed(p->hello_arg, asked, end);
    pump_end(p);
}

static const struct tunnel_ops tunnel_ops = {
    .on_begun = on_begun,
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

bool pump_open(struct pump *p, const struct tunnel_request *req)
{
    p->tunnel = tunnel_open(p->client, req, &tunnel_ops, p);
    if (!p->tunnel)
        return false;
    env_disarm(p->env, &p->deadline);
    p->state = WAITING;
    return true;
}

/* ---- the handshake ---- */

/* Takes one message; ERR_MORE if it is not whole and may still become so. */
static err_t take_one(struct pump *p)
{
    struct rd in = rd_over(buf_at(&p->in.bytes), p->in.bytes.len);
    err_t e = p->hello->take(p->hello_arg, &in);
    if (e == OK)
        queue_drain(&p->in, p->in.bytes.len - in.left);
    return e == ERR_MORE && p->in.bytes.len >= p->hello->most ? ERR_LIMIT : e;
}

static void shake_hands(struct pump *p)
{
    while (p->state == HELLO && p->in.bytes.len) {
        err_t e = take_one(p);
        if (e == ERR_MORE)
            return;
        if (e != OK) {
            p->hello->bad(p->hello_arg, e);
            pump_end(p);
        }
    }
}

/* ---- net's side ---- */

uint8_t *pump_in_room(struct pump *p, size_t *room)
{
    uint8_t *to = NULL;
    p->in_scratch = !p->in.bytes.len && !p->says_much;
    if (p->state == DONE || p->eof) {
        to = NULL;
    } else if (p->in_scratch) {
        *room = sizeof p->env->queues.scratch;
        to = p->env->queues.scratch;
    } else if (p->in.bytes.len + READ_LEAST <= IN_CAP) {
        *room = p->state == OPEN ? IN_CAP - p->in.bytes.len : READ_LEAST;
        to = queue_room(&p->in, *room);
    }
    p->refused_input = !to;
    return to;
}

/* What is in the scratch goes on from there, as far as it goes at once. */
static bool take_scratch(struct pump *p, size_t len)
{
    const uint8_t *bytes = p->env->queues.scratch;
    size_t n = p->state == OPEN ? tunnel_write(p->tunnel, bytes, len) : 0;
    if (n) {
        p->asked = true;
        p->word_us = p->env->mono_us;
    }
    return n == len || queue_add(&p->in, bytes + n, len - n) == OK;
}

void pump_in_done(struct pump *p, size_t len)
{
    p->says_much = len >= READ_LEAST;
    if (!p->in_scratch) {
        queue_commit(&p->in, len);
    } else if (!take_scratch(p, len)) {
        hang_up(p);
        return;
    }
    shake_hands(p);
    push(p);
    if (p->in_scratch)
        queue_trim(&p->in); /* a thousand small pieces are as many holes afterwards */
    note_moved(p);
}

void pump_in_eof(struct pump *p, bool sure)
{
    p->eof = true;
    p->reads = sure;
    switch (p->state) {
    case OPEN:
        push(p);
        break;
    case WAITING:
        /* An application that has said what it wants waits for the answer, of a look-up too. One
         * that has said nothing has most likely given up, and circuits are built for those who have
         * not. */
        if (!sure && tunnel_asked(p->tunnel)->kind == TUNNEL_CONNECT && !p->in.bytes.len)
            hang_up(p);
        break;
    case HELLO:
    case DONE:
        pump_end(p);
    }
}

void pump_in_end(struct pump *p)
{
    bool has_words = p->state == OPEN && p->in.bytes.len;
    p->eof = p->gone = p->asked = true;
    p->reads = false;
    p->word_us = p->env->mono_us;
    if (has_words)
        wait_for_far_side(p); /* to take them: push() goes on */
    else if (p->state != DONE)
        hang_up(p);
}

const uint8_t *pump_out(const struct pump *p, size_t *len)
{
    *len = p->out.bytes.len;
    return p->out.bytes.len ? buf_at(&p->out.bytes) : NULL;
}

void pump_sent(struct pump *p, size_t len)
{
    size_t said = len < p->said_left ? len : p->said_left;
    queue_drain(&p->out, len);
    p->said_left -= said;
    queue_trim(&p->out); /* what each of many holds empty would be most of what a client needs */
    if (p->state == OPEN && len > said)
        tunnel_consumed(p->tunnel, len - said);
    note_moved(p);
}

static void idle(void *arg)
{
    struct pump *p = arg;
    queue_trim(&p->in);
}

/* All queues hold too much, and of all bytes these have waited longest. */
static void shed(void *arg)
{
    struct pump *p = arg;
    if (p->tunnel)
        tunnel_close(p->tunnel, END_RESOURCELIMIT);
    p->tunnel = NULL;
    queue_free(&p->in);
    queue_free(&p->out);
    p->said_left = 0;
    pump_end(p);
}

/* ---- life ---- */

static void deadline(void *arg)
{
    struct pump *p = arg;
    if (p->state == OPEN) {
        wait_for_far_side(p);
        return;
    }
    log_info(p->env->log, "A %s handshake was not finished in time: closing", p->hello->name);
    pump_end(p);
}

struct pump *pump_new(struct env *env, struct client *client, const struct pump_hello *hello,
                      void *gift_hello, const struct pump_ops *ops, void *arg)
{
    struct pump *p = calloc(1, sizeof *p);
    if (!p) {
        hello->free(gift_hello);
        return NULL;
    }
    *p = (struct pump){.env = env,
                       .client = client,
                       .hello = hello,
                       .hello_arg = gift_hello,
                       .ops = ops,
                       .arg = arg};
    queue_init(&p->in, IN_CAP, env, shed, p);
    queue_init(&p->out, OUT_CAP, env, shed, p);
    timer_init(&p->deadline, deadline, p);
    timer_init(&p->idle, idle, p);
    env_arm_ms(env, &p->deadline, PUMP_HELLO_MS);
    return p;
}

void pump_free(struct pump *p)
{
    if (!p)
        return;
    if (p->tunnel)
        tunnel_close(p->tunnel, END_DONE);
    env_disarm(p->env, &p->deadline);
    env_disarm(p->env, &p->idle);
    p->hello->free(p->hello_arg);
    queue_free(&p->in);
    queue_free(&p->out);
    free(p);
}
