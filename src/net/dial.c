#include "net/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

enum { ROOM = 4096 };

struct dialler {
    struct conn *conn;
    struct dial_way way;
    struct reach to;
    const struct conn_machine *ops; /* the machine that is meant, */
    void *machine;                  /* which learns the outcome */
    unsigned step;
    enum { SPEAKING, OPEN, REFUSED } state;
    struct buf in, out;
};

const char *dial_way_text(const struct dial_way *way, char out[DIAL_WAY_TEXT_MAX])
{
    char addr[IPPORT_TEXT_MAX];
    snprintf(out, DIAL_WAY_TEXT_MAX, "%.32s at %s", way->protocol->name,
             ipport_text(&way->at, addr));
    return out;
}

static void dialler_free(void *machine)
{
    struct dialler *d = machine;
    buf_free(&d->in);
    buf_wipe(&d->out); /* proxies' passwords */
    secret_wipe(d->way.password, sizeof d->way.password);
    free(d);
}

static void refuse(struct dialler *d, err_t why, int errno_, const char *what)
{
    char way[DIAL_WAY_TEXT_MAX], text[DIAL_WAY_TEXT_MAX + sizeof((struct dial_refusal *)0)->text];
    if (d->state == REFUSED)
        return;
    d->state = REFUSED;
    snprintf(text, sizeof text, "the %s %s", dial_way_text(&d->way, way), what);
    d->ops->not_through(d->machine, why, errno_, text);
}

/* The last step: D is gone after it. */
static void hand_over(struct dialler *d)
{
    const struct conn_machine *ops = d->ops;
    void *machine = d->machine;
    if (conn_hand_over(d->conn, ops, machine, buf_at(&d->in), d->in.len) != OK) {
        refuse(d, ERR_NOMEM, 0, "sent more than there is memory for");
        return;
    }
    dialler_free(d);
    ops->connected(machine);
}

/* Reads one message; returns whether to go on with what is behind it. */
static bool speak_once(struct dialler *d)
{
    struct dial_refusal r = {.text = "does not speak its protocol"};
    struct rd in = rd_over(buf_at(&d->in), d->in.len);
    err_t e = d->way.protocol->speak(&d->way, &d->step, &d->to, &in, &d->out, &r);
    size_t taken = d->in.len - in.left;
    buf_drain(&d->in, taken);
    if (e == OK)
        d->state = OPEN;
    else if (e == ERR_MORE && d->in.len == DIAL_ANSWER_MAX)
        refuse(d, ERR_LINK_PROXY, 0, "answers without end");
    else if (e != ERR_MORE)
        refuse(d, e == ERR_LINK_CONNECT ? e : ERR_LINK_PROXY, r.errno_, r.text);
    return e == ERR_MORE && taken && d->in.len;
}

/* What is to be said goes out before the machine's own bytes, so it hands over after that. */
static void speak(struct dialler *d)
{
    while (d->state == SPEAKING && speak_once(d))
        continue;
    if (d->out.len && d->state != REFUSED)
        conn_output(d->conn);
    else if (d->state == OPEN)
        hand_over(d);
}

/* ---- the connection's side ---- */

static void connected(void *machine)
{
    speak(machine);
}

static uint8_t *in_room(void *machine, size_t *room)
{
    struct dialler *d = machine;
    size_t space = buf_space(&d->in);
    *room = space < ROOM ? space : ROOM;
    return d->state == SPEAKING ? buf_room(&d->in, *room) : NULL;
}

static void in_done(void *machine, size_t len)
{
    struct dialler *d = machine;
    buf_commit(&d->in, len);
    speak(d);
}

static void in_end(void *machine, int errno_)
{
    struct dialler *d = machine;
    char what[96];
    if (errno_)
        snprintf(what, sizeof what, "cannot be reached: %s", strerror(errno_));
    else
        snprintf(what, sizeof what, "closed the connection instead of an answer");
    refuse(d, ERR_LINK_PROXY, errno_, what);
}

static const uint8_t *out(void *machine, size_t *len)
{
    const struct dialler *d = machine;
    *len = d->state == REFUSED ? 0 : d->out.len;
    return *len ? buf_at(&d->out) : NULL;
}

static void sent(void *machine, size_t len)
{
    struct dialler *d = machine;
    buf_drain(&d->out, len);
    if (!d->out.len && d->state == OPEN)
        hand_over(d);
}

static const struct conn_machine dialler_machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
    .connected = connected,
    .free = dialler_free,
};

struct conn *dial_by(struct net *n, const struct dial_way *way, const struct reach *to,
                     const struct ip *bind, const struct conn_machine *ops, void *machine)
{
    struct dialler *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    *d = (struct dialler){.way = *way, .to = *to, .ops = ops, .machine = machine};
    buf_init(&d->in, DIAL_ANSWER_MAX);
    buf_init(&d->out, DIAL_ANSWER_MAX);
    struct conn *c = conn_dial(n, &way->at, bind, &dialler_machine, d);
    if (c)
        d->conn = c;
    return c;
}
