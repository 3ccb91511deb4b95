/* What clients tell of their circuits and streams (client/events.h): each begins once, under an id
 * that is the next, and ends once, and nothing is told of it before or after. */
#include <string.h>

#include "cell/reason.h"
#include "client/events.h"
#include "sim/sim.h"

enum { IDS_MOST = 1 << 14 }; /* beyond this, nobody looks */
enum stage { UNKNOWN, BEGUN, UP, OVER };

struct ids {
    uint64_t last;
    size_t live;
    uint8_t stage[IDS_MOST]; /* enum stage */
};

static struct told {
    struct sim *sim;
    size_t client;
    struct event_listener listener;
    struct ids circuits, streams;
    bool lost; /* memory was short: it may have missed some */
} told[SIM_CLIENTS];

static void breach(const struct told *t, const char *what, uint64_t id, const char *why)
{
    if (!t->lost)
        sim_breach(t->sim, "told", "client %zu, %s %llu: %s", t->client, what,
                   (unsigned long long)id, why);
}

static uint8_t *stage_of(struct ids *ids, uint64_t id)
{
    static uint8_t beyond;
    beyond = BEGUN;
    return id < IDS_MOST ? &ids->stage[id] : &beyond;
}

static bool is_live(struct ids *ids, uint64_t id)
{
    uint8_t stage = *stage_of(ids, id);
    return stage == BEGUN || stage == UP;
}

static void begins(struct told *t, struct ids *ids, const char *what, uint64_t id)
{
    /* An id is spent, and not told, if there is no memory for what was to have it. */
    if (id <= ids->last || (id > ids->last + 1 && !memory.failed))
        breach(t, what, id, "its id is not the next");
    ids->last = id;
    ids->live++;
    *stage_of(ids, id) = BEGUN;
}

static void goes_on(struct told *t, struct ids *ids, const char *what, uint64_t id)
{
    if (!is_live(ids, id))
        breach(t, what, id, "is spoken of before its beginning, or after its end");
}

static void ends(struct told *t, struct ids *ids, const char *what, uint64_t id, bool failed)
{
    /* A controller may have had it extended once more. */
    if (failed && *stage_of(ids, id) == UP && !t->sim->sc->steered)
        breach(t, what, id, "fails after it had come about");
    *stage_of(ids, id) = OVER;
    ids->live--;
}

static void on_circuit(struct told *t, const struct event_circuit *c)
{
    struct ids *ids = &t->circuits;
    bool pathless = c->status == CIRCUIT_FAILED && c->reason == DESTROY_NOPATH && !c->remote;
    if (c->status == CIRCUIT_LAUNCHED || pathless)
        begins(t, ids, "circuit", c->id);
    if (c->status == CIRCUIT_LAUNCHED)
        return;
    goes_on(t, ids, "circuit", c->id);
    if (c->status == CIRCUIT_BUILT || c->status == CIRCUIT_GUARD_WAIT)
        *stage_of(ids, c->id) = UP;
    if (c->status == CIRCUIT_CLOSED && *stage_of(ids, c->id) != UP)
        breach(t, "circuit", c->id, "closes, and was not built");
    if (c->status == CIRCUIT_FAILED || c->status == CIRCUIT_CLOSED)
        ends(t, ids, "circuit", c->id, c->status == CIRCUIT_FAILED);
}

static void on_stream(struct told *t, const struct event_stream *s)
{
    struct ids *ids = &t->streams;
    if (s->status == STREAM_NEW || s->status == STREAM_NEWRESOLVE) {
        begins(t, ids, "stream", s->id);
        return;
    }
    goes_on(t, ids, "stream", s->id);
    if (s->status == STREAM_SENTCONNECT || s->status == STREAM_SENTRESOLVE)
        if (*stage_of(&t->circuits, s->circuit) != UP)
            breach(t, "stream", s->id, "goes onto a circuit that is not there");
    if (s->status == STREAM_SUCCEEDED) {
        if (*stage_of(ids, s->id) == UP)
            breach(t, "stream", s->id, "succeeds twice");
        *stage_of(ids, s->id) = UP;
    }
    if (s->status == STREAM_FAILED || s->status == STREAM_CLOSED)
        ends(t, ids, "stream", s->id, s->status == STREAM_FAILED);
}

static void on_event(void *arg, const struct event_record *e)
{
    struct told *t = arg;
    sim_note(t->sim, "client %zu tells: %s %llu", t->client, event_name(e),
             (unsigned long long)(e->kind == EVENT_CIRCUIT ? e->circuit.id : e->stream.id));
    if (e->kind == EVENT_CIRCUIT)
        on_circuit(t, &e->circuit);
    else
        on_stream(t, &e->stream);
}

static void on_lost(void *arg, size_t n)
{
    struct told *t = arg;
    if (!memory.failed)
        breach(t, "events", n, "were lost, and memory was not short");
    t->lost = true;
}

void told_begins(struct sim *s, size_t client)
{
    struct told *t = &told[client];
    *t = (struct told){.sim = s, .client = client};
    t->listener = (struct event_listener){.on_event = on_event, .on_lost = on_lost, .arg = t};
    client_listen(s->client[client].client, &t->listener,
                  EVENT_BIT(EVENT_CIRCUIT) | EVENT_BIT(EVENT_STREAM));
}

void told_look(struct sim *s)
{
    for (size_t i = 0; i < SIM_CLIENTS; i++) {
        struct told *t = &told[i];
        if (!s->client[i].client || t->sim != s)
            continue;
        size_t n = client_circuits(s->client[i].client);
        if (t->circuits.live != n)
            breach(t, "circuits", t->circuits.live, "are there for all that was told, but not so");
    }
}

void told_tunnel_over(struct sim *s, size_t client, uint64_t stream)
{
    struct told *t = &told[client];
    if (t->sim == s && *stage_of(&t->streams, stream) != OVER && stream < IDS_MOST)
        breach(t, "stream", stream, "is over, and nobody was told");
}
