/* A link's socket in a test network. Without rules it is a link's socket as any other; with them
 * bytes pass a line (delay) and ask the node's throttles (rate), and the link may be cut. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link/link.h"
#include "testbed/world_int.h"

enum { ORPHAN_MS = 10000 };

/* One end of a link: a socket, and what shapes it. */
struct wire {
    struct testbed_world *world;
    struct place *place;
    struct link *link; /* NULL: it is over; what the line holds is still sent */
    struct conn *conn;
    bool shaped;         /* bytes out go through the line and the throttle */
    bool slow_in;        /* bytes in too: the other end is no node of ours, which would do it */
    bool is_cut, in_end; /* in_end: with in_errno, once what came before is through */
    int in_errno;
    struct throttle_turn read_turn, write_turn;
    struct shape_line out, in;
    struct timer cut, reap;
    struct wire *prev, *next;
};

static void leave_turns(struct wire *w)
{
    throttle_leave(&w->place->reads, &w->read_turn);
    throttle_leave(&w->place->writes, &w->write_turn);
}

void wire_free(struct wire *w)
{
    struct env *env = net_env(w->world->net);
    env_disarm(env, &w->cut);
    env_disarm(env, &w->reap);
    if (w->conn)
        conn_close(w->conn); /* which asks once more for what there is to send: it may wait anew */
    leave_turns(w);
    if (w->link)
        link_set_io(w->link, NULL);
    shape_line_end(&w->out);
    shape_line_end(&w->in);
    DL_DELETE(w->world->wires, w);
    free(w);
}

static void reap(void *arg)
{
    wire_free(arg);
}

static void reap_soon(struct wire *w)
{
    env_arm_ms(net_env(w->world->net), &w->reap, 0);
}

/* ---- out ---- */

/* Moves what the link has to send into the line. */
static void pull(struct wire *w)
{
    const uint8_t *bytes;
    size_t len, space;
    while (w->link && (space = shape_line_space(&w->out)) && (bytes = link_seal(w->link, &len))) {
        size_t part = len < space ? len : space;
        uint8_t *room = shape_line_room(&w->out, part);
        if (!room)
            return; /* out of memory: the link keeps it */
        memcpy(room, bytes, part);
        shape_line_put(&w->out, part);
        link_sent(w->link, part);
    }
}

static const uint8_t *out_shaped(struct wire *w, size_t *len)
{
    const uint8_t *bytes;
    if (w->out.env) {
        pull(w);
        bytes = shape_line_out(&w->out, len);
    } else {
        bytes = w->link ? link_seal(w->link, len) : NULL;
    }
    if (!bytes || !w->link) /* the last words of a link that is over do not wait for a turn */
        return bytes;
    *len = throttle_allow(&w->place->writes, &w->write_turn, *len);
    return *len ? bytes : NULL;
}

static const uint8_t *out(void *wire, size_t *len)
{
    struct wire *w = wire;
    if (w->is_cut || w->place->frozen)
        return NULL;
    if (w->shaped)
        return out_shaped(w, len);
    return w->link ? link_seal(w->link, len) : NULL;
}

static void sent(void *wire, size_t len)
{
    struct wire *w = wire;
    throttle_spend(&w->place->writes, &w->write_turn, len);
    if (!w->out.env) {
        if (w->link)
            link_sent(w->link, len);
        return;
    }
    shape_line_took(&w->out, len);
    if (!w->link && shape_line_is_empty(&w->out))
        reap_soon(w);
}

static void more_may_go(void *wire)
{
    struct wire *w = wire;
    if (w->conn)
        conn_output(w->conn);
}

/* ---- in ---- */

static void tell_end(struct wire *w)
{
    if (w->link)
        link_tcp_failed(w->link, w->in_errno);
    else
        reap_soon(w);
}

static uint8_t *in_room(void *wire, size_t *room)
{
    struct wire *w = wire;
    if (!w->link || w->is_cut || w->place->frozen)
        return NULL;
    if (!w->in.env) {
        uint8_t *to = link_in_room(w->link, room);
        if (to)
            *room = throttle_allow(&w->place->reads, &w->read_turn, *room);
        return *room ? to : NULL;
    }
    *room = shape_line_space(&w->in) < 16384 ? shape_line_space(&w->in) : 16384;
    return *room ? shape_line_room(&w->in, *room) : NULL;
}

static void in_done(void *wire, size_t len)
{
    struct wire *w = wire;
    if (w->in.env) {
        shape_line_put(&w->in, len);
        return;
    }
    throttle_spend(&w->place->reads, &w->read_turn, len);
    if (w->link)
        link_in_done(w->link, len);
}

static void in_end(void *wire, int errno_)
{
    struct wire *w = wire;
    w->in_end = true;
    w->in_errno = errno_;
    if (!w->in.env || shape_line_is_empty(&w->in))
        tell_end(w);
}

static void in_due(void *wire)
{
    struct wire *w = wire;
    const uint8_t *bytes;
    size_t len, room;
    if (w->place->frozen)
        return;
    while (w->link && !w->is_cut && (bytes = shape_line_out(&w->in, &len))) {
        uint8_t *to = link_in_room(w->link, &room);
        if (!to)
            return; /* closed, or held: wire_resume() */
        size_t part = throttle_allow(&w->place->reads, &w->read_turn, len < room ? len : room);
        if (!part)
            return;
        memcpy(to, bytes, part);
        throttle_spend(&w->place->reads, &w->read_turn, part);
        shape_line_took(&w->in, part);
        link_in_done(w->link, part);
    }
    if (w->in_end && shape_line_is_empty(&w->in))
        tell_end(w);
    else if (w->conn)
        conn_resume(w->conn);
}

static void more_may_come(void *wire)
{
    struct wire *w = wire;
    if (w->in.env)
        in_due(w);
    else if (w->conn)
        conn_resume(w->conn);
}

static void connected(void *wire)
{
    struct wire *w = wire;
    if (w->link)
        link_tcp_open(w->link);
}

static const struct conn_machine wire_machine = {
    .in_room = in_room,
    .in_done = in_done,
    .in_end = in_end,
    .out = out,
    .sent = sent,
    .connected = connected,
};

/* ---- its life ---- */

static void cut(void *wire)
{
    struct wire *w = wire;
    if (!w->link || w->is_cut)
        return;
    w->is_cut = true;
    link_tcp_failed(w->link, ECONNRESET);
}

static err_t set_rules(struct wire *w)
{
    struct env *env = net_env(w->world->net);
    const struct shape_rules *r = &w->world->rules;
    uint64_t life = shape_life_ms(env, r);
    w->shaped = r->rate || r->delay_ms || r->jitter_ms;
    if (life)
        env_arm_ms(env, &w->cut, life);
    if (!r->delay_ms && !r->jitter_ms)
        return OK;
    TRY(shape_line_init(&w->out, env, r, more_may_go, w));
    return w->slow_in ? shape_line_init(&w->in, env, r, in_due, w) : OK;
}

static struct wire *wire_new(struct place *p, struct link *l, bool slow_in)
{
    struct wire *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct wire){.world = p->world, .place = p, .link = l, .slow_in = slow_in};
    w->read_turn = (struct throttle_turn){.ready = more_may_come, .arg = w};
    w->write_turn = (struct throttle_turn){.ready = more_may_go, .arg = w};
    timer_init(&w->cut, cut, w);
    timer_init(&w->reap, reap, w);
    DL_APPEND(p->world->wires, w);
    link_set_io(l, w);
    if (set_rules(w) != OK) {
        wire_free(w);
        return NULL;
    }
    return w;
}

static void give_up(struct link *l, err_t why, enum or_reason reason, const char *text)
{
    link_close(l, why, reason, text);
}

void wire_accept(struct place *p, struct link *l, int fd, const struct ipport *peer)
{
    struct wire *w = wire_new(p, l, !testbed_place(p->world, &peer->ip));
    if (w)
        w->conn = conn_new(p->world->net, fd, &wire_machine, w);
    if (w && w->conn)
        return;
    if (w)
        wire_free(w);
    give_up(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
}

void wire_dial(void *world, struct link *l, const struct ip *from, const struct ipport *to)
{
    struct testbed_world *tw = world;
    struct place *p = testbed_place(tw, from);
    if (!p || !testbed_may_use(&to->ip)) {
        give_up(l, ERR_LINK_CONNECT, OR_NOROUTE, "a test network uses loopback only");
        return;
    }
    struct wire *w = wire_new(p, l, !testbed_place(tw, &to->ip));
    if (w)
        w->conn = conn_dial(tw->net, to, from, &wire_machine, w);
    if (w && w->conn)
        return;
    if (w)
        wire_free(w);
    give_up(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
}

void wire_output(void *world, struct link *l)
{
    struct wire *w = link_io(l);
    (void)world;
    if (w && w->conn)
        conn_output(w->conn);
}

void wire_resume(void *world, struct link *l)
{
    struct wire *w = link_io(l);
    (void)world;
    if (w)
        more_may_come(w);
}

/* Clients go first: how much they may carry beside a measurement the node sees to. */
void wire_measures(void *world, struct link *l, bool measures)
{
    struct wire *w = link_io(l);
    (void)world;
    if (!w)
        return;
    throttle_yield(&w->place->reads, &w->read_turn, measures);
    throttle_yield(&w->place->writes, &w->write_turn, measures);
}

/* Its link is over, and the socket is not. */
static void orphan(struct wire *w)
{
    link_set_io(w->link, NULL);
    w->link = NULL;
    leave_turns(w);
    env_disarm(net_env(w->world->net), &w->cut);
}

void wire_hangup(void *world, struct link *l)
{
    struct wire *w = link_io(l);
    (void)world;
    if (!w)
        return;
    bool open = !w->is_cut && !w->in_end;
    if (open && w->place->frozen) {
        orphan(w);
        return;
    }
    if (w->out.env && open) {
        pull(w);
        if (!shape_line_is_empty(&w->out)) { /* what is on its way arrives */
            orphan(w);
            env_arm_ms(net_env(w->world->net), &w->reap, ORPHAN_MS);
            conn_output(w->conn);
            return;
        }
    }
    wire_free(w);
}

static void thaw(struct wire *w)
{
    if (!w->link) {
        reap_soon(w);
        return;
    }
    if (w->in.env)
        in_due(w);
    else if (w->conn)
        conn_resume(w->conn);
    if (w->conn)
        conn_output(w->conn);
}

void wire_thaw_all(struct place *p)
{
    struct wire *w, *next;
    DL_FOREACH_SAFE (p->world->wires, w, next) {
        if (w->place == p)
            thaw(w);
    }
}
