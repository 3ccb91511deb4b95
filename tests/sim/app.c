/* The applications: each opens one tunnel, sends and reads, and knows every byte it must get. */
#include <stdio.h>
#include <string.h>

#include "cell/reason.h"
#include "sim/sim.h"

enum { PIECE = 4096, SOCKS_TIMEOUT_S = 120, SLACK_S = 40, IDLE_S = 150 };

/* ---- the bytes ---- */

uint8_t app_byte(const struct app *a, unsigned dir, uint64_t at)
{
    uint32_t x = (uint32_t)at * 0x9e3779b1u + (uint32_t)a->id * 0x85ebca6bu + dir * 0xc2b2ae35u;
    return (uint8_t)(x >> 15 ^ x >> 24);
}

void app_fill(const struct app *a, unsigned dir, uint64_t at, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = app_byte(a, dir, at + i);
}

bool app_same(const struct app *a, unsigned dir, uint64_t at, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != app_byte(a, dir, at + i))
            return false;
    return true;
}

/* ---- ending ---- */

static void over(struct app *a)
{
    struct sim *s = a->sim;
    if (a->state == APP_OVER)
        return;
    a->state = APP_OVER;
    a->ended_us = s->now_us;
    a->tunnel = NULL;
    app_judge(s, a);
}

static void close_now(struct app *a)
{
    struct sim *s = a->sim;
    if (!a->tunnel)
        return;
    sim_note(s, "app %zu closes after %llu bytes up, %llu down", a->id, (unsigned long long)a->sent,
             (unsigned long long)a->got);
    a->closed_by_us = true;
    struct tunnel *t = a->tunnel;
    a->tunnel = NULL;
    tunnel_close(t, END_DONE);
    over(a);
}

static void close_event(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    (void)x;
    if (!a->tunnel)
        return;
    sim_enter_client(&s->client[a->client]);
    close_now(a);
    sim_leave(s);
}

/* It has had enough; inside a callback. */
static void close_soon(struct app *a)
{
    if (a->plan.close_in_callback)
        close_now(a);
    else
        sim_after(a->sim, 1, close_event, a, 0);
}

static bool has_enough(const struct app *a)
{
    const struct app_plan *p = &a->plan;
    if (p->close_at)
        return (p->down || p->kind == APP_ECHO ? a->got : a->sent) >= p->close_at;
    return p->kind == APP_ECHO && a->got >= p->up;
}

/* ---- writing and reading ---- */

static void write_more(struct app *a);

static void write_event(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    (void)x;
    a->pausing = false;
    sim_enter_client(&s->client[a->client]);
    write_more(a);
    sim_leave(s);
}

static void write_more(struct app *a)
{
    const struct app_plan *p = &a->plan;
    uint8_t bytes[PIECE];
    uint64_t left = p->piece ? p->piece : UINT64_MAX;
    while (a->tunnel && a->state == APP_CONNECTED && !a->pausing && a->sent < p->up && left) {
        uint64_t n = p->up - a->sent;
        n = n < left ? n : left;
        n = n < sizeof bytes ? n : sizeof bytes;
        app_fill(a, 0, a->sent, bytes, (size_t)n);
        /* Its server may have them before this returns to us. */
        size_t took = tunnel_write(a->tunnel, bytes, (size_t)n);
        a->sent += took;
        left -= took;
        if (took)
            a->moved_us = a->sim->now_us;
        if (took < n)
            break; /* on_writable tells */
    }
    if (a->tunnel && p->close_at && has_enough(a)) {
        close_soon(a);
        return;
    }
    if (a->tunnel && !left && a->sent < p->up && !a->pausing) {
        a->pausing = true;
        sim_after(a->sim, p->pause_us + 1, write_event, a, 0);
    }
}

static void read_event(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    (void)x;
    a->consume_armed = false;
    if (!a->tunnel)
        return;
    size_t n = a->unconsumed < a->plan.read_piece ? (size_t)a->unconsumed : a->plan.read_piece;
    a->unconsumed -= n;
    a->moved_us = s->now_us;
    sim_enter_client(&s->client[a->client]);
    tunnel_consumed(a->tunnel, n);
    sim_leave(s);
    if (a->unconsumed) {
        a->consume_armed = true;
        sim_after(s, a->plan.read_us, read_event, a, 0);
    }
}

/* ---- what the tunnel says ---- */

static void on_connected(void *arg, const struct ip *addr)
{
    struct app *a = arg;
    (void)addr;
    sim_note(a->sim, "app %zu: connected", a->id);
    if (a->state != APP_OPENING)
        sim_breach(a->sim, "callbacks", "app %zu: connected in state %d", a->id, (int)a->state);
    a->state = APP_CONNECTED;
    a->connected_us = a->moved_us = a->sim->now_us;
    write_more(a);
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct app *a = arg;
    const uint8_t want[4] = {127, 200, (uint8_t)(a->id / 250), (uint8_t)(a->id % 250 + 1)};
    struct ip ip = ip_v4(want);
    sim_note(a->sim, "app %zu: resolved", a->id);
    if (a->plan.kind != APP_RESOLVE || a->answered)
        sim_breach(a->sim, "callbacks", "app %zu: an answer that it does not wait for", a->id);
    a->answered = true;
    if (n && answers[0].kind == ANSWER_IP && !ip_equal(&answers[0].ip, &ip))
        sim_breach(a->sim, "answer", "app %zu: resolved to another address", a->id);
    a->right_answer = n && answers[0].kind == ANSWER_IP;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct app *a = arg;
    struct sim *s = a->sim;
    unsigned dir = a->plan.kind == APP_ECHO ? 0 : 1;
    sim_hash(s, bytes, len);
    if (a->state != APP_CONNECTED)
        sim_breach(s, "callbacks", "app %zu: data in state %d", a->id, (int)a->state);
    if (!app_same(a, dir, a->got, bytes, len))
        sim_breach(s, "bytes-down", "app %zu: what it got from byte %llu on is not what was sent",
                   a->id, (unsigned long long)a->got);
    a->got += len;
    a->moved_us = s->now_us;
    if (a->plan.read_us) {
        a->unconsumed += len;
        if (a->unconsumed > STREAM_BYTES_MOST)
            sim_breach(s, "queue-cap", "app %zu: %llu bytes wait for it", a->id,
                       (unsigned long long)a->unconsumed);
        if (!a->consume_armed) {
            a->consume_armed = true;
            sim_after(s, a->plan.read_us, read_event, a, 0);
        }
    } else {
        tunnel_consumed(a->tunnel, len);
    }
    if (has_enough(a))
        close_soon(a);
}

static void on_writable(void *arg)
{
    write_more(arg);
}

static void on_end(void *arg, const struct tunnel_end *end)
{
    struct app *a = arg;
    sim_note(a->sim, "app %zu: end, stage %d, %s, reason %u: %s", a->id, (int)end->stage,
             err_name(end->why), end->reason, end->text);
    if (a->ended || a->closed_by_us)
        sim_breach(a->sim, "callbacks", "app %zu: a second end", a->id);
    told_tunnel_over(a->sim, a->client, tunnel_stream(a->tunnel));
    a->ended = true;
    a->end = *end;
    over(a);
}

static const struct tunnel_ops tunnel_ops = {
    .on_connected = on_connected,
    .on_resolved = on_resolved,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_end = on_end,
};

/* ---- its life ---- */

static bool tried_without(const struct app *a)
{
    const struct scenario *sc = a->sim->sc;
    for (size_t i = 0; i < sc->n_troubles; i++)
        if (sc->trouble[i].kind != TROUBLE_PORTS)
            return false;
    return true;
}

/* Work takes no time here; but what several clients ask for comes as soon as the first is served.
 */
static void judge_ways(struct sim *s, const struct app *a)
{
    uint64_t took_us = a->moved_us - s->client[a->client].started_us, way_us = s->sc->delay_us;
    uint64_t ways = (took_us + way_us / 2) / way_us, off_us = took_us - ways * way_us;
    if (ways != a->plan.ways || (int64_t)off_us > (int64_t)way_us / 5 ||
        (int64_t)off_us < -(int64_t)way_us / 5)
        sim_breach(s, "ways",
                   "app %zu: all was there after %.2f one-way delays from the start, not %u", a->id,
                   (double)took_us / (double)way_us, a->plan.ways);
}

void app_judge(struct sim *s, struct app *a)
{
    const struct app_plan *p = &a->plan;
    const struct tunnel_end *e = &a->end;
    bool orderly = a->ended && e->stage == TUNNEL_STAGE_NONE;
    if (p->kind == APP_RESOLVE)
        a->served = a->answered && a->right_answer;
    else if (p->kind == APP_REFUSED)
        a->served = a->ended && e->stage == TUNNEL_STAGE_STREAM;
    else if (a->closed_by_us)
        a->served = has_enough(a);
    else if (orderly)
        a->served = a->server_done && a->got == a->server_sent;
    else
        a->served = p->server_reset && a->ended && e->stage == TUNNEL_STAGE_STREAM;
    if (a->client_went)
        return;
    if (a->served && p->ways)
        judge_ways(s, a);
    if (orderly && p->kind != APP_RESOLVE && !s->lies && !a->served)
        sim_breach(s, "bytes-down",
                   "app %zu: an orderly end after %llu bytes, of %llu that its server %s", a->id,
                   (unsigned long long)a->got, (unsigned long long)a->server_sent,
                   a->server_done ? "sent before it closed" : "was still to close after");
    if (a->ended && !orderly && !e->text[0])
        sim_breach(s, "reason", "app %zu: failed without a reason (stage %d, %s, \"%s\")", a->id,
                   (int)e->stage, err_name(e->why), e->text);
    if (!a->served && tried_without(a))
        sim_breach(s, "served",
                   "app %zu was not served though nothing was wrong: stage %d, %s, reason %u: %s",
                   a->id, (int)e->stage, err_name(e->why), e->reason, e->text);
}

/* Looks whether it hangs, again and again while it lives. */
static void look(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    (void)x;
    if (a->state == APP_OVER || a->state == APP_WAITING)
        return;
    uint64_t limit =
        a->state == APP_OPENING ? (SOCKS_TIMEOUT_S + SLACK_S) * SIM_SECOND : IDLE_S * SIM_SECOND;
    uint64_t since = a->state == APP_OPENING ? a->opened_us : a->moved_us;
    if (s->now_us < since + limit) {
        sim_at(s, since + limit, look, a, 0);
        return;
    }
    if (a->state == APP_OPENING)
        sim_breach(s, "no-hang", "app %zu: no word of its tunnel in %u s", a->id,
                   SOCKS_TIMEOUT_S + SLACK_S);
    else if (!s->may_stall)
        sim_breach(s, "no-hang",
                   "app %zu: nothing moves since %u s (%llu of %llu bytes up, %llu of %llu down)",
                   a->id, IDLE_S, (unsigned long long)a->sent, (unsigned long long)a->plan.up,
                   (unsigned long long)a->got, (unsigned long long)a->plan.down);
    else
        close_event(s, a, 0); /* as an application's own time-out would */
}

static void set_isolation(const struct app *a, struct isolation *iso)
{
    char user[24];
    if (a->plan.isolation) {
        snprintf(user, sizeof user, "user%u", a->plan.isolation);
        isolation_set_auth(iso, text_of(user), text_of("word"));
    }
    iso->session = a->plan.place ? a->session : 1;
    iso->by_dest_port = a->plan.by_port;
    iso->by_dest_addr = a->plan.by_addr;
}

static void come_in(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    struct sim_client *c = &s->client[a->client];
    (void)x;
    if (c->client && a->plan.place)
        ports_accept(c, a);
}

static void begin(struct sim *s, void *arg, uint64_t x)
{
    struct app *a = arg;
    struct sim_client *c = &s->client[a->client];
    struct tunnel_request req = {
        .kind = a->plan.kind == APP_RESOLVE ? TUNNEL_RESOLVE : TUNNEL_CONNECT,
        .port = a->plan.kind == APP_RESOLVE ? 0 : a->plan.port,
        .ipv4_ok = true,
        .ipv6_ok = true,
    };
    if (!c->client) { /* not running just now: it tries again */
        if (x < 20)
            sim_after(s, 5 * SIM_SECOND, begin, a, x + 1);
        else
            a->client_went = true, over(a);
        return;
    }
    snprintf(req.host, sizeof req.host, "a%zu.sim", a->id);
    if (a->accepted != c->starts)
        come_in(s, a, 0);
    a->opened_mono_us = s->now_us + c->mono_off_us;
    set_isolation(a, &req.isolation);
    a->state = APP_OPENING;
    a->opened_us = a->moved_us = s->now_us;
    sim_note(s, "app %zu begins: kind %d, %llu up, %llu down", a->id, (int)a->plan.kind,
             (unsigned long long)a->plan.up, (unsigned long long)a->plan.down);
    sim_enter_client(c);
    a->tunnel = tunnel_open(c->client, &req, &tunnel_ops, a);
    sim_leave(s);
    if (!a->tunnel) {
        if (!memory.failed)
            sim_breach(s, "served", "app %zu: no tunnel could be opened", a->id);
        over(a);
        return;
    }
    sim_after(s, SIM_SECOND, look, a, 0);
}

struct app *app_add(struct sim *s, size_t client, const struct app_plan *plan, uint64_t at_us)
{
    if (s->n_apps == SIM_APPS)
        return NULL;
    struct app *a = &s->app[s->n_apps];
    *a = (struct app){.sim = s, .id = s->n_apps++, .plan = *plan, .client = client};
    if (plan->early_us)
        sim_at(s, at_us - plan->early_us, come_in, a, 0);
    sim_at(s, at_us, begin, a, 0);
    return a;
}

void app_client_gone(struct sim *s, size_t client)
{
    for (size_t i = 0; i < s->n_apps; i++) {
        struct app *a = &s->app[i];
        if (a->client == client && (a->state == APP_OPENING || a->state == APP_CONNECTED)) {
            a->client_went = true;
            over(a);
        }
    }
}
