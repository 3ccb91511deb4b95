/* Controllers: sessions of the control port beside the applications, which ask for what comes to
 * their mind, slowly or not at all read what they are told, and go when they like. Watchers change
 * nothing, so everything that is promised without them holds; steerers do what they can until all
 * troubles are over, and then the client must work again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/session.h"
#include "crypto/encode.h"
#include "sim/sim.h"
#include "support/commands.h"
#include "support/quietworld.h"

enum { CONNS = 3, SAYS_MOST = 4000, OUT_MOST = 80 << 20 };

struct conn {
    void *session; /* NULL: nobody is connected */
    bool ended, deaf;
    unsigned asked;
    struct reading reading;
};

static struct steered {
    struct sim *sim;
    size_t client;
    struct rng rng;
    struct quiet_world world;
    struct control *control; /* NULL: none */
    struct conn conn[CONNS];
} steered[SIM_CLIENTS];

static uint64_t below(void *arg, uint64_t bound)
{
    struct steered *t = arg;
    return rng_below(&t->rng, bound);
}

/* A relay of the network by fingerprint, or by nickname. */
static const char *relay(void *arg, uint64_t x)
{
    static char name[64];
    const struct steered *t = arg;
    size_t i = x % t->sim->plan.n_nodes;
    char hex[HEX_SIZE(20)];
    hex_upper(keys_identities(t->sim->plan.n_nodes)[i].rsa_id.b, 20, hex);
    if (x % 3 == 0)
        return t->sim->plan.node[i].nickname;
    snprintf(name, sizeof name, "%s%s", x % 3 == 1 ? "$" : "", hex);
    return name;
}

/* ---- one controller ---- */

static void on_output(void *holder)
{
    (void)holder;
}

static void on_end(void *holder)
{
    struct conn *c = holder;
    c->ended = true;
}

static const struct talk_ops ops = {on_output, on_output, on_end};

static void begin(struct steered *t, struct conn *c)
{
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    *c = (struct conn){.deaf = rng_one_in(&t->rng, 4)};
    c->session = session_talk.make(t->control, &nowhere, &ops, c);
    if (!c->session && !memory.failed)
        sim_breach(t->sim, "control", "nobody is let in");
}

static void finish(struct conn *c)
{
    if (c->session && !c->ended)
        session_talk.gone(c->session);
    if (c->session)
        session_talk.free(c->session);
    c->session = NULL;
}

/* As much of TEXT as it takes, in pieces. */
static void say(struct steered *t, struct conn *c, const char *text, size_t len)
{
    size_t room;
    uint8_t *to;
    while (len > 0 && !c->ended && (to = session_talk.in_room(c->session, &room))) {
        size_t n = (size_t)rng_between(&t->rng, 1, len);
        n = n < room ? n : room;
        memcpy(to, text, n);
        session_talk.in_done(c->session, n);
        text += n;
        len -= n;
    }
}

static void hear(struct steered *t, struct conn *c)
{
    size_t len;
    const uint8_t *out = session_talk.out(c->session, &len);
    if (len > OUT_MOST)
        sim_breach(t->sim, "queue-cap", "%zu bytes wait for a controller", len);
    if (c->deaf || !out)
        return;
    size_t n = (size_t)rng_between(&t->rng, 1, len);
    sim_hash(t->sim, out, n);
    read_replies(&c->reading, out, n);
    session_talk.sent(c->session, n);
    if (c->reading.fault)
        sim_breach(t->sim, "control", "client %zu: %s: %.8s", t->client, c->reading.fault,
                   c->reading.line);
}

static void ask(struct steered *t, struct conn *c)
{
    const struct drawing d = {below, t, relay, .harmless = t->sim->sc->watched};
    struct text_out command = text_out(SAYS_MOST);
    if (c->asked++ == 0 && !rng_one_in(&t->rng, 10))
        out_str(&command, "AUTHENTICATE\r\n");
    else
        draw_command(&d, &command);
    sim_note(t->sim, "client %zu is asked: %.60s", t->client, out_text(&command));
    if (strncmp(out_text(&command), "ATTACHSTREAM", sizeof "ATTACHSTREAM" - 1) == 0)
        t->sim->client[t->client].attached = true;
    say(t, c, out_text(&command), command.len);
    out_free(&command);
}

static void act(struct steered *t, struct conn *c)
{
    if (!c->session) {
        begin(t, c);
    } else if (c->ended || rng_one_in(&t->rng, 30)) {
        finish(c);
    } else {
        if (rng_one_in(&t->rng, 3))
            ask(t, c);
        hear(t, c);
    }
}

/* ---- all of them ---- */

static err_t on_change(void *arg, const struct options *fresh)
{
    struct steered *t = arg;
    bool ours = memory.in_client;
    err_t e = host_set_unattached(t->sim, t->client, fresh->leave_streams_unattached);
    memory.in_client = ours;
    return e;
}

static void turn(struct sim *s, void *arg, uint64_t starts)
{
    struct steered *t = arg;
    struct sim_client *c = &s->client[t->client];
    if (!t->control || c->starts != starts)
        return;
    if (s->now_us > s->calm_us && s->now_us > s->sc->lasts_us) {
        steer_ends(s, t->client);
        host_set_unattached(s, t->client, false);
        return;
    }
    sim_enter_client(c);
    act(t, &t->conn[rng_below(&t->rng, CONNS)]);
    sim_leave(s);
    sim_after(s, rng_between(&t->rng, 1, 300) * SIM_MS, turn, t, starts);
}

void steer_begins(struct sim *s, size_t client)
{
    struct steered *t = &steered[client];
    struct sim_client *c = &s->client[client];
    if (!s->sc->steered && !s->sc->watched)
        return;
    *t = (struct steered){.sim = s, .client = client, .rng = {s->sc->seed + client + c->starts}};
    sim_enter_client(c);
    if (quiet_begin(&t->world)) {
        t->world.change = on_change;
        t->world.arg = t;
        t->control = control_new(&c->env, c->client, &quiet_ops, &t->world);
        if (!t->control)
            quiet_end(&t->world);
    }
    sim_leave(s);
    sim_after(s, SIM_MS, turn, t, c->starts);
}

void steer_ends(struct sim *s, size_t client)
{
    struct steered *t = &steered[client];
    if (!t->control || t->sim != s)
        return;
    sim_enter_client(&s->client[client]);
    for (size_t i = 0; i < CONNS; i++)
        finish(&t->conn[i]);
    control_free(t->control);
    quiet_end(&t->world);
    t->control = NULL;
    sim_leave(s);
}
