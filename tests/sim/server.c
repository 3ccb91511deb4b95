/* The servers that exits connect to: 127.200.x.y belongs to application number 250 x + y - 1. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

enum { WAKE_US = 20 };

static void dial(void *world, struct link *l, const struct ip *from, const struct ipport *to)
{
    struct sim *s = world;
    size_t node = 0;
    while (node < s->plan.n_nodes && !ip_equal(&s->plan.node[node].or_port.ip, from))
        node++;
    wire_dial(s, -1, node, l, to);
}

static void output(void *world, struct link *l)
{
    (void)world;
    wire_output(l);
}

static void hangup(void *world, struct link *l)
{
    (void)world;
    wire_hangup(l);
}

static void resume(void *world, struct link *l)
{
    (void)world;
    wire_resume(l);
}

static void measures(void *world, struct link *l, bool measures)
{
    (void)world;
    wire_measures(l, measures);
}

/* ---- what the server does ---- */

static uint64_t goal(const struct server *v)
{
    const struct app_plan *p = &v->app->plan;
    uint64_t all = p->kind == APP_ECHO ? v->got : p->down;
    return p->server_close && p->server_close < all ? p->server_close : all;
}

static bool wants_to_close(const struct server *v)
{
    const struct app_plan *p = &v->app->plan;
    if (p->server_close)
        return v->sent >= p->server_close;
    return p->kind == APP_TALK && v->sent >= p->down && v->got >= p->up;
}

static void finish(struct server *v)
{
    struct target *t = v->target;
    struct sim *s = v->sim;
    bool reset = v->app->plan.server_reset;
    v->eof_sent = true;
    v->reset = reset;
    v->app->server_done = !reset;
    v->app->server_sent = v->sent;
    sim_note(s, "server %zu of app %zu: %s after %llu bytes", v->id, v->app->id,
             reset ? "breaks" : "closes", (unsigned long long)v->sent);
    sim_enter_net(s);
    if (reset)
        target_failed(t, ECONNRESET);
    else
        target_in_end(t);
    sim_leave(s);
}

static void push_later(struct server *v, uint64_t delay_us);

static void push(struct sim *s, void *arg, uint64_t x)
{
    struct server *v = arg;
    const struct app_plan *p = &v->app->plan;
    uint64_t most = p->server_us ? p->server_piece : UINT64_MAX;
    (void)x;
    v->pushing = false;
    while (v->target && !v->eof_sent && v->sent < goal(v) && most) {
        size_t room;
        sim_enter_net(s);
        uint8_t *at = target_in_room(v->target, &room);
        if (at) {
            uint64_t n = goal(v) - v->sent;
            n = n < room ? n : room;
            n = n < most ? n : most;
            app_fill(v->app, p->kind == APP_ECHO ? 0 : 1, v->sent, at, (size_t)n);
            v->sent += n;
            most -= n;
            target_in_done(v->target, (size_t)n);
        }
        sim_leave(s);
        if (!at)
            return; /* target_resume tells */
    }
    if (!v->target || v->eof_sent)
        return;
    if (wants_to_close(v))
        finish(v);
    else if (v->sent < goal(v))
        push_later(v, p->server_us);
}

static void push_later(struct server *v, uint64_t delay_us)
{
    if (v->pushing || !v->target || v->eof_sent)
        return;
    v->pushing = true;
    sim_after(v->sim, delay_us + WAKE_US, push, v, 0);
}

static void take_bytes(struct server *v, const uint8_t *bytes, size_t len)
{
    struct sim *s = v->sim;
    if (!app_same(v->app, 0, v->got, bytes, len))
        sim_breach(s, "bytes-up",
                   "app %zu: what its server got from byte %llu on is not what it "
                   "sent",
                   v->app->id, (unsigned long long)v->got);
    v->got += len;
    if (v->got > v->app->sent)
        sim_breach(s, "bytes-up", "app %zu: its server got %llu bytes of the %llu it sent",
                   v->app->id, (unsigned long long)v->got, (unsigned long long)v->app->sent);
    v->app->moved_us = s->now_us;
}

static void pull(struct sim *s, void *arg, uint64_t x)
{
    struct server *v = arg;
    const struct app_plan *p = &v->app->plan;
    size_t most = p->server_us ? p->server_piece : SIZE_MAX;
    (void)x;
    v->pulling = false;
    for (;;) {
        size_t len;
        if (!v->target || !most)
            break;
        const uint8_t *bytes = target_out(v->target, &len);
        if (!bytes)
            break;
        len = len < most ? len : most;
        most -= len;
        take_bytes(v, bytes, len);
        sim_enter_net(s);
        target_sent(v->target, len);
        sim_leave(s);
    }
    if (!v->target)
        return;
    if (!most) {
        v->pulling = true;
        sim_after(s, p->server_us, pull, v, 0);
    }
    push_later(v, 0);
}

static void pull_later(struct server *v)
{
    if (v->pulling)
        return;
    v->pulling = true;
    sim_after(v->sim, WAKE_US, pull, v, 0);
}

/* ---- connecting ---- */

static void connect_now(struct sim *s, void *arg, uint64_t refused)
{
    struct server *v = arg;
    if (!v->target)
        return;
    sim_note(s, "server %zu of app %zu: %s", v->id, v->app ? v->app->id : SIZE_MAX,
             refused ? "refused" : "connected");
    sim_enter_net(s);
    if (refused)
        target_failed(v->target, ECONNREFUSED);
    else
        target_connected(v->target);
    sim_leave(s);
    v->connected = !refused;
    if (!refused)
        push_later(v, 0);
}

static struct app *app_of(struct sim *s, const struct ip *ip)
{
    if (ip->family != IP_V4 || ip->b[0] != 127 || ip->b[1] != 200 || !ip->b[3])
        return NULL;
    size_t i = ip->b[2] * 250u + ip->b[3] - 1u;
    return i < s->n_apps ? &s->app[i] : NULL;
}

static void target_dial(void *world, struct target *t, const struct ip *from,
                        const struct ipport *to)
{
    struct sim *s = world;
    struct app *a = app_of(s, &to->ip);
    struct server *v = calloc(1, sizeof *v);
    size_t exit = 0;
    if (!v)
        abort();
    while (exit < s->plan.n_nodes && !ip_equal(&s->plan.node[exit].or_port.ip, from))
        exit++;
    *v = (struct server){.sim = s, .app = a, .id = s->n_servers++, .exit = exit, .target = t};
    v->next = s->servers;
    s->servers = v;
    target_set_io(t, v);
    if (a) {
        a->tries++;
        oracle_exit(s, exit, a, to);
    }
    sim_note(s, "node %zu connects to app %zu's server", exit, a ? a->id : SIZE_MAX);
    sim_after(s, s->sc->delay_us + WAKE_US, connect_now, v, !a || a->plan.kind == APP_REFUSED);
}

static void target_output(void *world, struct target *t)
{
    struct server *v = target_io(t);
    (void)world;
    if (v && v->app)
        pull_later(v);
}

static void target_resume(void *world, struct target *t)
{
    struct server *v = target_io(t);
    (void)world;
    if (v && v->app)
        push_later(v, 0);
}

static void target_hangup(void *world, struct target *t)
{
    struct server *v = target_io(t);
    size_t len;
    const uint8_t *bytes;
    (void)world;
    if (!v)
        return;
    if (v->app && v->connected && (bytes = target_out(t, &len)))
        take_bytes(v, bytes, len);
    v->target = NULL;
    target_set_io(t, NULL);
}

const struct node_world sim_node_world = {
    .dial = dial,
    .output = output,
    .hangup = hangup,
    .resume = resume,
    .measures = measures,
    .target_dial = target_dial,
    .target_output = target_output,
    .target_resume = target_resume,
    .target_hangup = target_hangup,
};

void server_free_all(struct sim *s)
{
    while (s->servers) {
        struct server *v = s->servers;
        s->servers = v->next;
        free(v);
    }
}
