/* A link without TLS, of either side, against a peer that plays a script: the input.
 *
 * Its first byte says which side the link is, at which stage and under which version it begins; the
 * second into which pieces what it reads is cut; the third what its circuits do. Then orders
 * follow, a byte each with what they need behind it: cells as the peer should say them (its
 * certificates are rightly signed, so that what comes after CERTS is reached), the same with a byte
 * changed, CERTS put together of certificates that are good or wrong in one thing, cells of
 * circuits, bytes as they are, acts of our own circuits, time, and a socket that takes some of the
 * output. */
#include "fuzz/link_peer.h"
#include "link/link_int.h"

enum { CIRCS = 4, ACCEPTS = 4 };

struct fuzz_circ {
    struct link_circ lc;
    bool first; /* of the link's circuits */
};

/* The input that is left. */
struct script {
    const uint8_t *at;
    size_t left;
};

static struct run {
    struct env env;
    uint64_t random;
    struct link *link;
    struct script in;
    size_t cut;
    uint8_t habits;
    unsigned opened, closed;
    struct fuzz_circ circs[CIRCS + ACCEPTS];
    size_t accepted;
} r;

static struct peer peer;

static uint8_t next_byte(void)
{
    if (!r.in.left)
        return 0;
    r.in.left--;
    return *r.in.at++;
}

/* ---- circuits ---- */

enum habit {
    HABIT_CLOSES = 1,
    HABIT_CLOSES_LINK = 2,
    HABIT_WRITES = 4,
    HABIT_COMES_BACK = 8,
    HABIT_REFUSES = 16,
    HABIT_LATE = 32, /* neither takes a new circuit nor declines it */
};

static void write_some(struct fuzz_circ *c, enum link_urgency urgency)
{
    uint8_t *body;
    for (int i = 0; i < 50 && (body = link_cell(&c->lc, CELL_RELAY_EARLY, urgency)); i++) {
        memset(body, i, CELL_BODY_LEN);
        link_cell_commit(&c->lc);
    }
}

static void on_cell(void *arg, uint8_t cmd, uint8_t *body)
{
    struct fuzz_circ *c = arg;
    memset(body, cmd, CELL_BODY_LEN);
    if (r.habits & HABIT_WRITES)
        write_some(c, LINK_DATA);
    if (r.habits & HABIT_CLOSES)
        link_circ_close(&c->lc, true, body[0]);
    if (c->first && r.habits & HABIT_CLOSES_LINK)
        link_close(r.link, OK, OR_DONE, NULL);
}

static void on_destroy(void *arg, uint8_t reason)
{
    struct fuzz_circ *c = arg;
    (void)reason;
    peer_must(!c->lc.link);
    if (r.habits & HABIT_COMES_BACK && link_circ_open(r.link, &c->lc) != OK)
        return;
}

static void on_link_closed(void *arg, const struct link_end *end)
{
    struct fuzz_circ *c = arg;
    peer_must(!c->lc.link && end->text[0] && !r.closed);
}

static void on_writable(void *arg)
{
    write_some(arg, LINK_DATA);
}

static const struct link_circ_ops circ_ops = {on_cell, on_destroy, on_link_closed, on_writable};

/* ---- the link's owner ---- */

static void on_end(void *arg, const struct link_end *end)
{
    (void)arg;
    r.closed++;
    peer_must(end->text[0] && !link_circuits(r.link));
}

/* Whatever was said, nobody but the peer has proved to be the peer. */
static void on_open(void *arg)
{
    /* Nobody here has the key that would prove it. */
    peer_must(r.link->side == LINK_INITIATOR || ed_id_is_zero(link_peer_ed(r.link)));
    (void)arg;
    r.opened++;
    if (r.link->side == LINK_INITIATOR)
        peer_must(rsa_id_equal(link_peer_rsa(r.link), &peer.rsa_id) &&
                  ed_id_equal(link_peer_ed(r.link), &peer.ed_id));
}

static void on_output(void *arg)
{
    (void)arg;
}

static void on_skew(void *arg, int64_t skew_s)
{
    (void)arg;
    peer_must(skew_s > LINK_SKEW_LEAST_S || skew_s < -LINK_SKEW_LEAST_S);
}

static void on_create(void *arg, uint32_t id, uint8_t cmd, uint8_t *body)
{
    (void)arg;
    peer_must(id && (cmd == CELL_CREATE2 || cmd == CELL_CREATE_FAST));
    memset(body, 0, CELL_BODY_LEN);
    if (r.habits & HABIT_LATE)
        return;
    struct fuzz_circ *c = &r.circs[CIRCS + r.accepted % ACCEPTS];
    bool taken =
        !(r.habits & HABIT_REFUSES) && !c->lc.link && link_circ_accept(r.link, &c->lc, id) == OK;
    if (taken)
        r.accepted++;
    else
        link_refuse(r.link, id, 5);
}

static const struct link_ops ops = {.on_open = on_open,
                                    .on_end = on_end,
                                    .on_output = on_output,
                                    .on_clock_skew = on_skew,
                                    .on_create = on_create};

/* Every cell that goes out is one that this side may say, on a circuit or not as its kind is. */
static void on_trace(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                     size_t len)
{
    (void)arg, (void)body;
    if (!out)
        return;
    bool server = r.link->side == LINK_RESPONDER;
    peer_must(chan_cmd_circ_id_ok(cmd, circ_id));
    peer_must(chan_cmd_is_variable(cmd) || len == CELL_BODY_LEN);
    peer_must(cmd == CELL_PADDING || cmd == CELL_DESTROY || cmd == CELL_VERSIONS ||
              cmd == CELL_NETINFO || cmd == CELL_RELAY_EARLY ||
              cmd == (server ? CELL_CERTS : CELL_PADDING_NEGOTIATE) ||
              cmd == (server ? CELL_AUTH_CHALLENGE : CELL_PADDING_NEGOTIATE));
}

static struct link *link_make(bool server, const struct link_config *config)
{
    const struct link_target target = {.reach.addr = {.ip = {.family = IP_V4, .b = {127, 0, 0, 2}}},
                                       .rsa = peer.rsa_id,
                                       .ed = peer.ed_id,
                                       .has_rsa = true,
                                       .has_ed = true};
    struct link *l = link_new(&r.env, config, &target, &ops, NULL);
    peer_must(l != NULL);
    if (!server)
        return l;
    l->side = LINK_RESPONDER;
    l->server = (struct link_server){.certs = &peer.good, .mine = target.reach.addr.ip};
    return l;
}

static err_t export_keys(void *arg, const char *label, const struct sha256 *context, uint8_t *out)
{
    (void)arg, (void)label;
    memcpy(out, context->b, sizeof context->b);
    return OK;
}

/* Stages before the one that it begins in count as passed. */
static void begin(struct link *l, enum link_stage stage, unsigned version)
{
    if (l->side == LINK_INITIATOR) {
        link_start_cells(l, &peer.tls_cert);
    } else {
        l->state = LINK_HANDSHAKING;
        const struct handshake_binding binding = {.export = export_keys};
        handshake_server_start(&l->hs, l->env, &peer.tls_cert, &binding);
    }
    if (stage == STAGE_VERSIONS)
        return;
    l->hs.version = version;
    l->hs.stage = stage;
    if (l->side == LINK_INITIATOR && stage > STAGE_UNVERIFIED)
        l->hs.proved = (struct certs_proved){.rsa = peer.rsa_id, .ed = peer.ed_id};
    if (stage == STAGE_OPEN)
        link_opened(l);
}

/* ---- what comes ---- */

static void read_piece(const uint8_t *in, size_t len)
{
    if (r.link->state == LINK_CLOSED)
        return;
    peer_must(buf_add(&r.link->in, in, len) == OK); /* it is drained, or the link is closed */
    link_handle_cells(r.link);
}

static void read_bytes(const uint8_t *in, size_t len)
{
    size_t cut = r.cut ? r.cut : len;
    for (size_t part; len; in += part, len -= part) {
        part = len < cut ? len : cut;
        read_piece(in, part);
    }
}

/* A cell as it should be said at this time. */
static void say(struct wr *w, unsigned which)
{
    size_t id_len = handshake_circ_id_len(&r.link->hs);
    switch (which % 6) {
    case 0:
        peer_say_versions(w, 3 + which / 6 % 3);
        break;
    case 1:
        peer_say_certs(w, id_len, r.link->side == LINK_RESPONDER ? &peer.initiator : &peer.good);
        break;
    case 2:
        peer_say_challenge(w, id_len);
        break;
    case 3:
        peer_say_netinfo(w, id_len);
        break;
    case 4:
        peer_say_authenticate(w, id_len);
        break;
    default:
        peer_say_padding_negotiate(w, id_len);
    }
}

static void order_good(unsigned arg)
{
    uint8_t storage[PEER_CELL_MAX];
    struct wr w = wr_over(storage, sizeof storage);
    say(&w, arg);
    read_bytes(storage, w.len);
}

static void order_bent(unsigned arg)
{
    uint8_t storage[PEER_CELL_MAX];
    struct wr w = wr_over(storage, sizeof storage);
    say(&w, arg);
    size_t at = next_byte();
    at = (at << 8 | next_byte()) % w.len;
    storage[at] ^= next_byte();
    read_bytes(storage, w.len);
}

static void order_certs(unsigned arg)
{
    uint8_t storage[CHAN_CERTS_MAX * 1100];
    struct wr w = wr_over(storage, sizeof storage);
    struct chan_certs certs = {.n = arg};
    for (size_t i = 0; i < certs.n; i++) {
        uint8_t which = next_byte();
        certs.c[i] = peer.certs[which % PEER_CERTS];
        if (which & 0x80)
            certs.c[i].type = next_byte();
    }
    peer_say_certs(&w, handshake_circ_id_len(&r.link->hs), &certs);
    read_bytes(storage, w.len);
}

/* The id of a circuit of ours, none, or one that nobody has. */
static uint32_t circuit_id(uint8_t which)
{
    size_t i = which % 16;
    uint32_t id = i < CIRCS + ACCEPTS ? r.circs[i].lc.id
                  : i == 8            ? 0
                                      : (uint32_t)which * 0x01010101u;
    return handshake_circ_id_len(&r.link->hs) == 4 ? id : id & 0xffff;
}

static void order_cell(unsigned arg)
{
    uint8_t storage[CHAN_HEAD_MAX + CELL_BODY_LEN];
    struct wr w = wr_over(storage, sizeof storage);
    size_t id_len = handshake_circ_id_len(&r.link->hs);
    uint32_t id = circuit_id(next_byte());
    size_t mark = chan_cell_open(&w, id_len, id, (uint8_t)arg);
    uint8_t n = next_byte() % 16;
    for (uint8_t i = 0; i < n; i++)
        wr_u8(&w, next_byte());
    peer_must(chan_cell_close(&w, id_len, mark) == OK);
    read_bytes(storage, w.len);
}

static void order_bytes(unsigned arg)
{
    size_t len = arg * 8;
    len = len < r.in.left ? len : r.in.left;
    const uint8_t *at = r.in.at;
    r.in.at += len;
    r.in.left -= len;
    read_bytes(at, len);
}

/* ---- what we do ---- */

static void order_circuit(unsigned arg)
{
    struct fuzz_circ *c = &r.circs[arg % CIRCS];
    switch (arg / CIRCS) {
    case 0:
    case 1:
        if (link_circ_open(r.link, &c->lc) != OK)
            return;
        break;
    case 2:
        write_some(c, LINK_DATA);
        break;
    case 3:
        write_some(c, LINK_URGENT);
        break;
    case 4:
        if (link_may_begin(&c->lc))
            write_some(c, LINK_URGENT);
        break;
    case 5:
        if (arg & 1)
            link_use_for_circuits(r.link);
        else
            link_set_padding(r.link, &(struct link_config){.keepalive_ms = 20000,
                                                           .padding = (enum link_padding)(arg & 2),
                                                           .nf_ito_low_ms = 1500,
                                                           .nf_ito_high_ms = 9500});
        break;
    case 6:
        r.habits = next_byte();
        break;
    default:
        if (arg == 31)
            link_retire(r.link);
        else
            link_circ_close(&c->lc, arg & 1, 9);
    }
}

static void order_time(unsigned arg)
{
    static const uint64_t ms[] = {0, 1, 150, 700, 1500, 10000, 61000, 200000};
    r.env.mono_us += ms[arg % 8] * US_PER_MS;
    r.env.wall_us += (int64_t)(ms[arg % 8] * US_PER_MS);
    env_run_timers(&r.env);
}

static void order_take(unsigned arg)
{
    size_t held;
    if (!link_seal(r.link, &held))
        return;
    peer_must(held <= LINK_OUT_OWN);
    size_t most = arg == 31 ? held : (size_t)arg * 600;
    link_sent(r.link, most < held ? most : held);
}

static void play(void)
{
    static void (*const orders[])(unsigned arg) = {order_good,    order_bent, order_certs,
                                                   order_cell,    order_cell, order_bytes,
                                                   order_circuit, order_time};
    while (r.in.left && r.link->state != LINK_CLOSED) {
        uint8_t order = next_byte();
        if (order >= 0xe0) /* of the time's orders, which are more than it needs */
            order_take(order & 31);
        else
            orders[order % 8](order % 8 == 4 ? next_byte() : order / 8);
    }
}

static void set_up(void)
{
    r = (struct run){.env = {.mono_us = US_PER_SEC,
                             .wall_us = PEER_NOW_S * (int64_t)US_PER_SEC,
                             .random = peer_random,
                             .random_arg = &r.random}};
    for (size_t i = 0; i < CIRCS + ACCEPTS; i++)
        r.circs[i] = (struct fuzz_circ){.lc = {.ops = &circ_ops, .arg = &r.circs[i]},
                                        .first = i % CIRCS == 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!peer.good.n)
        peer_make(&peer);
    if (size < 3)
        return 0;
    set_up();
    r.in = (struct script){data, size};
    uint8_t how = next_byte();
    const struct link_config config = {.connect_timeout_ms = 1000000,
                                       .handshake_timeout_ms = 1000000,
                                       .idle_timeout_ms = 300000,
                                       .keepalive_ms = 60000,
                                       .padding = how & 0x40 ? LINK_PADDING_ON : LINK_PADDING_AUTO,
                                       .reduced_padding = how & 0x80,
                                       .pad_late = how & 1,
                                       .nf_ito_low_ms = 1500,
                                       .nf_ito_high_ms = 9500};
    bool server = how & 1;
    enum link_stage stage = (enum link_stage)(how / 2 % 8 % LINK_STAGES);
    if (server && (stage == STAGE_UNVERIFIED || stage == STAGE_VERIFIED))
        stage = STAGE_CHALLENGED;
    r.cut = (size_t)next_byte() * 4;
    r.habits = next_byte();
    r.link = link_make(server, &config);
    link_set_trace(r.link, on_trace);
    begin(r.link, stage, 3 + how / 16 % 4 % 3);
    play();
    link_close(r.link, OK, OR_DONE, NULL);
    env_run_timers(&r.env);
    peer_must(r.closed == 1 && r.opened <= 1);
    link_free(r.link);
    return 0;
}
