/* A rendezvous: two parties have circuits to one relay, which joins them, and each appends the
 * other as a hop that no EXTEND made, with keys that both have from here (hs-ntor is not there
 * yet). A stream goes from end to end, and the end of one circuit is the end of the other.
 *
 * The parties use the envs and the wires of the first two clients, and nothing else of theirs. */
#include <stdlib.h>
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_hs.h"
#include "circuit/circ.h"
#include "link/tls.h"
#include "sim/sim.h"
#include "stream/carrier.h"
#include "stream/stream.h"

enum side { GUEST, HOST }; /* the client, the service */
enum { HOPS = 2, PORT = 80, TOO_LATE_S = 300 };

struct party {
    struct sim_client *client;
    struct meeting *meeting;
    enum side side;
    struct tls_ctx *tls;
    struct link *link;
    struct circ *circ;
    struct streams *set;
    struct stream *stream; /* NULL: none yet, or over */
    uint64_t sent, got;
    bool open, over; /* its circuit */
};

struct meeting {
    struct sim *sim;
    struct party party[2];
    bool waiting, met; /* the guest is at the relay; the host has come */
};

static const uint8_t cookie[HS_COOKIE_LEN] = "a cookie for two....";
static const uint8_t keys[LAYER_KEYS_MAX] = {1, 2, 3, 5, 8, 13};

static void enter(struct party *p)
{
    sim_enter_client(p->client);
    memory.in_client = false; /* no allocation of ours is to fail */
}

/* ---- bytes ---- */

static uint8_t byte_at(enum side from, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) + from);
}

static void push(struct party *p)
{
    uint64_t all = p->meeting->sim->sc->meet_bytes;
    while (p->stream && p->sent < all) {
        uint8_t piece[2000];
        size_t len = all - p->sent < sizeof piece ? (size_t)(all - p->sent) : sizeof piece;
        for (size_t i = 0; i < len; i++)
            piece[i] = byte_at(p->side, p->sent + i);
        size_t done = stream_write(p->stream, piece, len);
        p->sent += done;
        if (done < len)
            return;
    }
}

static void consider_leaving(struct party *p)
{
    uint64_t all = p->meeting->sim->sc->meet_bytes;
    if (p->side == HOST || p->got < all || p->sent < all)
        return;
    stream_close(p->stream, END_DONE);
    p->stream = NULL;
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct party *p = arg;
    for (size_t i = 0; i < len; i++, p->got++)
        if (bytes[i] != byte_at(!p->side, p->got)) {
            sim_breach(p->meeting->sim, p->side == HOST ? "bytes-up" : "bytes-down",
                       "byte %llu of a rendezvous is another one", (unsigned long long)p->got);
            return;
        }
    stream_consumed(p->stream, len);
    consider_leaving(p);
}

static void on_writable(void *arg)
{
    push(arg);
    consider_leaving(arg);
}

static void guest_leaves(struct sim *s, void *arg, uint64_t x)
{
    struct party *p = arg;
    (void)x;
    enter(p);
    circ_close(p->circ, OK, DESTROY_FINISHED);
    sim_leave(s);
}

/* The guest has had all and says so; then all it sent is here. */
static void on_stream_end(void *arg, const struct stream_end *end)
{
    struct party *p = arg;
    struct sim *s = p->meeting->sim;
    p->stream = NULL;
    if (p->side == GUEST || !end->remote || p->got != s->sc->meet_bytes)
        sim_breach(s, "rendezvous", "the stream of the %s ended after %llu bytes: %s",
                   p->side == GUEST ? "guest" : "host", (unsigned long long)p->got,
                   err_text(end->why));
    else
        sim_after(s, SIM_MS, guest_leaves, &p->meeting->party[GUEST], 0);
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    (void)addr, (void)ttl_s;
    push(arg);
}

static const struct stream_ops stream_ops = {.on_connected = on_connected,
                                             .on_data = on_data,
                                             .on_writable = on_writable,
                                             .on_end = on_stream_end};

/* ---- the meeting ---- */

static void ride(struct party *p)
{
    const struct hop_terms terms = hop_terms_plain_hs();
    if (circ_add_hop(p->circ, &terms, keys, p->side == GUEST ? LAYER_CLIENT : LAYER_RELAY) != OK ||
        !(p->set = streams_new(&p->client->env, carrier_of_hop(p->circ, circ_hops(p->circ)))))
        abort();
}

static void host_answers(struct sim *s, void *arg, uint64_t x)
{
    struct party *p = arg;
    (void)x;
    enter(p);
    stream_say_connected(p->stream);
    push(p);
    sim_leave(s);
}

static struct stream_verdict on_begin(void *arg, struct stream *stream,
                                      const struct relay_begin *asked)
{
    struct party *p = arg;
    if (asked->port != PORT || p->stream)
        return (struct stream_verdict){.refusal = END_DONE};
    p->stream = stream;
    sim_after(p->meeting->sim, SIM_MS, host_answers, p, 0);
    return (struct stream_verdict){.ops = &stream_ops, .arg = p};
}

static void host_comes(struct sim *s, void *arg, uint64_t x)
{
    struct meeting *m = arg;
    struct party *p = &m->party[HOST];
    const struct stream_acceptor acceptor = {.on_begin = on_begin, .arg = p};
    uint8_t body[HS_COOKIE_LEN + HS_HANDSHAKE_LEN] = {0};
    (void)x;
    if (m->met || !m->waiting || !p->open)
        return;
    m->met = true;
    memcpy(body, cookie, sizeof cookie);
    enter(p);
    if (circ_send(p->circ, HOPS, RELAY_RENDEZVOUS1, 0, body, sizeof body) != OK)
        abort();
    ride(p);
    streams_accept(p->set, &acceptor);
    sim_leave(s);
}

static void guest_asks(struct party *p)
{
    const struct stream_request req = {.kind = STREAM_BEGIN, .target = "host:80"};
    ride(p);
    if (stream_open(p->set, &req, &stream_ops, p, &p->stream) != OK)
        abort();
}

static err_t on_control(void *arg, unsigned hop, const struct relay_msg *msg)
{
    struct party *p = arg;
    if (p->side == HOST || hop != HOPS)
        return ERR_CIRC_PROTO;
    if (msg->cmd == RELAY_RENDEZVOUS_ESTABLISHED) {
        p->meeting->waiting = true;
        sim_after(p->meeting->sim, SIM_MS, host_comes, p->meeting, 0);
        return OK;
    }
    if (msg->cmd != RELAY_RENDEZVOUS2)
        return ERR_CIRC_PROTO;
    guest_asks(p);
    return OK;
}

/* ---- circuits and links ---- */

static void on_open(void *arg)
{
    struct party *p = arg;
    p->open = true;
    circ_set_control(p->circ, on_control, p);
    if (p->side == HOST)
        sim_after(p->meeting->sim, SIM_MS, host_comes, p->meeting, 0);
    else if (circ_send(p->circ, HOPS, RELAY_ESTABLISH_RENDEZVOUS, 0, cookie, sizeof cookie) != OK)
        abort();
}

static void on_circ_end(void *arg, const struct circ_end *end)
{
    struct party *p = arg;
    struct sim *s = p->meeting->sim;
    sim_note(s, "the circuit of the %s ends", p->side == GUEST ? "guest" : "host");
    p->over = true;
    if (end->remote != (p->side == HOST) || end->why != OK)
        sim_breach(s, "rendezvous", "the circuit of the %s ended: %s",
                   p->side == GUEST ? "guest" : "host", err_text(end->why));
}

static const struct circ_ops circ_ops = {.on_open = on_open, .on_end = on_circ_end};

/* The N-th node of a role. */
static size_t node_of(const struct sim *s, enum plan_role role, size_t n)
{
    for (size_t i = 0; i < s->plan.n_nodes; i++)
        if (s->plan.node[i].role == role && n-- == 0)
            return i;
    abort();
}

static struct circ_hop_target hop_to(const struct sim *s, size_t node)
{
    const struct identity *id = &keys_identities(s->plan.n_nodes)[node];
    return (struct circ_hop_target){.rsa = id->rsa_id,
                                    .ed = id->ed.pub,
                                    .has_ed = true,
                                    .ntor_key = id->ntor_pub,
                                    .v4 = s->plan.node[node].or_port,
                                    .ntor_v3 = true};
}

static void on_link_open(void *arg)
{
    struct party *p = arg;
    struct sim *s = p->meeting->sim;
    const struct circ_config config = circ_config_defaults();
    const struct circ_hop_target path[HOPS] = {hop_to(s, node_of(s, PLAN_GUARD, p->side)),
                                               hop_to(s, node_of(s, PLAN_MIDDLE, 0))};
    p->circ = circ_new(&p->client->env, p->link, &config, &circ_ops, p);
    s->running = NULL; /* the oracle judges paths that clients choose */
    if (!p->circ || circ_build(p->circ, path, HOPS) != OK)
        abort();
}

static void on_link_end(void *arg, const struct link_end *end)
{
    struct party *p = arg;
    sim_breach(p->meeting->sim, "rendezvous", "a link ended: %s", end->text);
}

static void on_output(void *arg)
{
    wire_output(((struct party *)arg)->link);
}

static const struct link_ops link_ops = {
    .on_open = on_link_open, .on_end = on_link_end, .on_output = on_output};

static void set_out(struct sim *s, void *arg, uint64_t x)
{
    struct party *p = arg;
    const struct circ_hop_target guard = hop_to(s, node_of(s, PLAN_GUARD, p->side));
    (void)x;
    enter(p);
    if (tls_ctx_new_client(&p->tls) != OK)
        abort();
    const struct link_config config = {.tls = p->tls,
                                       .connect_timeout_ms = TOO_LATE_S * MS_PER_SEC,
                                       .handshake_timeout_ms = TOO_LATE_S * MS_PER_SEC};
    const struct link_target target = {
        .reach.addr = guard.v4, .rsa = guard.rsa, .ed = guard.ed, .has_rsa = true, .has_ed = true};
    p->link = link_new(&p->client->env, &config, &target, &link_ops, p);
    if (!p->link)
        abort();
    sim_leave(s);
    wire_dial(s, (int)p->client->id, 0, p->link, &guard.v4);
}

/* ---- for the scenario ---- */

static void too_late(struct sim *s, void *arg, uint64_t x)
{
    const struct meeting *m = arg;
    (void)x;
    if (!meet_is_over(s))
        sim_breach(s, "rendezvous", "after %d s the host has %llu bytes and the guest %llu",
                   (int)TOO_LATE_S, (unsigned long long)m->party[HOST].got,
                   (unsigned long long)m->party[GUEST].got);
}

void meet_begin(struct sim *s)
{
    struct meeting *m = s->sc->meet_bytes ? calloc(1, sizeof *m) : NULL;
    if (!m)
        return;
    s->meeting = m;
    m->sim = s;
    for (unsigned i = GUEST; i <= HOST; i++) {
        m->party[i] = (struct party){.client = &s->client[i], .meeting = m, .side = i};
        sim_after(s, SIM_MS, set_out, &m->party[i], 0);
    }
    sim_after(s, TOO_LATE_S * SIM_SECOND, too_late, m, 0);
}

bool meet_is_over(const struct sim *s)
{
    return !s->meeting || (s->meeting->party[GUEST].over && s->meeting->party[HOST].over);
}

void meet_free(struct sim *s)
{
    for (unsigned i = GUEST; s->meeting && i <= HOST; i++) {
        struct party *p = &s->meeting->party[i];
        enter(p);
        streams_free(p->set);
        circ_free(p->circ);
        if (p->link)
            wire_hangup(p->link);
        link_free(p->link);
        tls_ctx_free(p->tls);
        sim_leave(s);
    }
    free(s->meeting);
    s->meeting = NULL;
}
