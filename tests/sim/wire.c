#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cell/chan.h"
#include "link/limits.h"
#include "link/link.h"
#include "sim/plain_tls.h"
#include "sim/sim.h"

enum { RETRANSMIT_LEAST_US = 1000000, STALL_US = 2500000 };

enum { UNDER_WAY_CAP = 4 * 1024 * 1024, PLAIN_CAP = 2 * 1024 * 1024, CELL_HEAD = 5 };

static void enter(struct sim *s, const struct wire_end *e)
{
    if (e->client >= 0)
        sim_enter_client(&s->client[e->client]);
    else
        sim_enter_net(s);
}

static void check(err_t e)
{
    if (e != OK)
        abort(); /* the simulator's own memory */
}

/* ---- breaking ---- */

static void drop_bytes(struct wire *w)
{
    for (unsigned d = 0; d < 2; d++) {
        buf_free(&w->flow[d].under_way);
        buf_free(&w->flow[d].arrived);
        buf_free(&w->flow[d].cells);
        buf_free(&w->flow[d].put_by);
    }
}

static void tell_failed(struct wire *w, unsigned side, int errno_)
{
    struct wire_end *e = &w->end[side];
    if (!e->link)
        return;
    enter(w->sim, e);
    link_tcp_failed(e->link, errno_);
    sim_leave(w->sim);
}

void wire_cut(struct wire *w, int errno_)
{
    if (w->cut)
        return;
    sim_note(w->sim, "wire %zu: cut", w->id);
    w->cut = true;
    drop_bytes(w);
    tell_failed(w, 0, errno_);
    tell_failed(w, 1, errno_);
}

void wire_cut_node(struct sim *s, size_t node)
{
    for (struct wire *w = s->wires; w; w = w->next)
        if ((w->end[0].client < 0 && w->end[0].node == node) || w->end[1].node == node)
            wire_cut(w, ECONNRESET);
}

void wire_cut_all(struct sim *s)
{
    for (struct wire *w = s->wires; w; w = w->next)
        wire_cut(w, ENETUNREACH);
}

void wire_free_all(struct sim *s)
{
    while (s->wires) {
        struct wire *w = s->wires;
        s->wires = w->next;
        drop_bytes(w);
        free(w);
    }
}

/* ---- how much a relay carries ---- */

void wire_rates_begin(struct sim *s)
{
    sim_enter_net(s);
    for (size_t i = 0; i < s->plan.n_nodes; i++) {
        throttle_init(&s->rate[i].reads, &s->net_env, s->sc->relay_rate, s->sc->relay_burst);
        throttle_init(&s->rate[i].writes, &s->net_env, s->sc->relay_rate, s->sc->relay_burst);
    }
    sim_leave(s);
}

void wire_rates_end(struct sim *s)
{
    for (size_t i = 0; i < s->plan.n_nodes; i++) {
        throttle_end(&s->rate[i].reads);
        throttle_end(&s->rate[i].writes);
    }
}

static bool is_limited(const struct wire_end *e)
{
    return e->client < 0 && e->wire->sim->sc->relay_rate && e->node < PLAN_NODES_MOST;
}

static void leave_rate(struct wire_end *e)
{
    if (!is_limited(e))
        return;
    throttle_leave(&e->wire->sim->rate[e->node].reads, &e->reads);
    throttle_leave(&e->wire->sim->rate[e->node].writes, &e->writes);
}

/* Of LEN bytes those that the node may read or write now. */
static size_t may_read(struct wire_end *e, size_t len)
{
    return is_limited(e) ? throttle_allow(&e->wire->sim->rate[e->node].reads, &e->reads, len) : len;
}

static size_t may_write(struct wire_end *e, size_t len)
{
    return is_limited(e) ? throttle_allow(&e->wire->sim->rate[e->node].writes, &e->writes, len)
                         : len;
}

static void have_read(struct wire_end *e, size_t len)
{
    if (is_limited(e))
        throttle_spend(&e->wire->sim->rate[e->node].reads, &e->reads, len);
}

static void have_written(struct wire_end *e, size_t len)
{
    if (is_limited(e))
        throttle_spend(&e->wire->sim->rate[e->node].writes, &e->writes, len);
}

void wire_measures(struct link *l, bool measures)
{
    struct wire_end *e = link_io(l);
    if (!e || !is_limited(e))
        return;
    throttle_yield(&e->wire->sim->rate[e->node].reads, &e->reads, measures);
    throttle_yield(&e->wire->sim->rate[e->node].writes, &e->writes, measures);
}

/* ---- arriving ---- */

/* How many of these bytes the link takes. */
static size_t hand_over(struct wire *w, unsigned d, const uint8_t *bytes, size_t len)
{
    struct sim *s = w->sim;
    struct wire_end *to = &w->end[1 - d];
    size_t taken = 0;
    while (len && to->link) {
        size_t room;
        enter(s, to);
        uint8_t *at = link_in_room(to->link, &room);
        if (at && !(room = may_read(to, room < len ? room : len)))
            at = NULL;
        if (at) {
            memcpy(at, bytes, room);
            have_read(to, room);
            link_in_done(to->link, room);
            bytes += room;
            taken += room;
            len -= room;
        }
        sim_leave(s);
        if (!at)
            break;
    }
    return taken;
}

static bool is_held(const struct wire *w, unsigned d)
{
    const struct wire_end *to = &w->end[1 - d];
    return w->flow[d].put_by.len || (to->link && link_holds_input(to->link)) || to->reads.waiting;
}

static void give(struct wire *w, unsigned d, const uint8_t *bytes, size_t len)
{
    sim_hash(w->sim, bytes, len);
    size_t taken = is_held(w, d) ? 0 : hand_over(w, d, bytes, len);
    if (taken < len && !w->cut && is_held(w, d))
        check(buf_add(&w->flow[d].put_by, bytes + taken, len - taken));
}

/* What was put by, to a link that is held no more. */
static void on_room(struct sim *s, void *arg, uint64_t d)
{
    struct wire *w = arg;
    struct lane *f = &w->flow[d];
    struct buf bytes = f->put_by;
    if (w->cut || !bytes.len || !w->end[1 - d].link || link_holds_input(w->end[1 - d].link))
        return;
    buf_init(&f->put_by, UNDER_WAY_CAP);
    size_t taken = hand_over(w, (unsigned)d, buf_at(&bytes), bytes.len);
    if (taken < bytes.len && !w->cut && is_held(w, (unsigned)d))
        check(buf_add(&f->put_by, buf_at(&bytes) + taken, bytes.len - taken));
    buf_free(&bytes);
    w->dirty[d] = s->wires_dirty = true;
}

void wire_resume(struct link *l)
{
    struct wire_end *e = link_io(l);
    if (e)
        sim_at(e->wire->sim, e->wire->sim->now_us, on_room, e->wire, 1 - e->side);
}

static void may_read_on(void *end)
{
    struct wire_end *e = end;
    sim_at(e->wire->sim, e->wire->sim->now_us, on_room, e->wire, 1 - e->side);
}

static void may_write_on(void *end)
{
    struct wire_end *e = end;
    e->wire->dirty[e->side] = e->wire->sim->wires_dirty = true;
}

static void give_record(struct wire *w, unsigned d, const uint8_t *cell, size_t len)
{
    static uint8_t record[PLAIN_HEAD_LEN + LINK_VPADDING_MOST + 7];
    struct sim *s = w->sim;
    record[0] = PLAIN_DATA;
    record[1] = (uint8_t)(len >> 16);
    record[2] = (uint8_t)(len >> 8);
    record[3] = (uint8_t)len;
    memcpy(record + PLAIN_HEAD_LEN, cell, len);
    len += PLAIN_HEAD_LEN;
    if (s->sc->fragments && rng_one_in(&s->rng, s->sc->fragments)) {
        size_t first = (size_t)rng_between(&s->rng, 1, len - 1);
        give(w, d, record, first);
        give(w, d, record + first, len - first);
    } else {
        give(w, d, record, len);
    }
}

/* The trouble that strikes this cell, or NULL. */
static struct trouble *cell_trouble(struct wire *w, unsigned d)
{
    struct sim *s = w->sim;
    for (size_t i = 0; i < s->sc->n_troubles; i++) {
        struct trouble *t = &s->trouble[i];
        if (!s->trouble_on[i] || t->kind < TROUBLE_FLIP || t->kind > TROUBLE_SWAP)
            continue;
        if (t->client_links && (w->end[0].client < 0 || t->to_client != (d == 1)))
            continue;
        if (--t->n > 0)
            continue;
        s->trouble_on[i] = false;
        return t;
    }
    return NULL;
}

static void flip(struct wire *w, uint8_t *cell, size_t len, uint64_t where)
{
    size_t at = (size_t)(where % len);
    sim_note(w->sim, "wire %zu: bit of byte %zu changed", w->id, at);
    cell[at] ^= (uint8_t)(1u << (where / len % 8));
}

static void note_circuit(struct wire *w, unsigned d, const uint8_t *cell, bool first)
{
    struct sim *s = w->sim;
    s->at_wire = w;
    s->at_dir = d;
    s->at_circ = first ? 0
                       : (uint32_t)cell[0] << 24 | (uint32_t)cell[1] << 16 |
                             (uint32_t)cell[2] << 8 | cell[3];
}

static void on_cell(struct wire *w, unsigned d, uint8_t *cell, size_t len, bool first)
{
    static const char *const names[] = {"changed", "lost", "doubled", "swapped"};
    struct sim *s = w->sim;
    struct lane *f = &w->flow[d];
    struct trouble *t = cell_trouble(w, d);
    f->n_cells++;
    note_circuit(w, d, cell, first);
    if (!first && d == 0 && (cell[4] == CELL_CREATE2 || cell[4] == CELL_CREATE_FAST))
        oracle_circuit_begins(s, w->id, s->at_circ);
    if (t) {
        sim_note(s, "wire %zu: cell %llu of direction %u (command %u) %s", w->id,
                 (unsigned long long)f->n_cells, d, cell[first ? 2 : 4],
                 names[t->kind - TROUBLE_FLIP]);
        s->may_stall = true;
        if (t->kind == TROUBLE_DROP)
            return;
        if (t->kind == TROUBLE_FLIP)
            flip(w, cell, len, t->m);
        if (t->kind == TROUBLE_TWICE)
            give_record(w, d, cell, len);
        if (t->kind == TROUBLE_SWAP && len <= sizeof f->held && !f->held_len) {
            memcpy(f->held, cell, len);
            f->held_len = len;
            return;
        }
    }
    give_record(w, d, cell, len);
    if (f->held_len) {
        size_t held = f->held_len;
        f->held_len = 0;
        note_circuit(w, d, f->held, false);
        give_record(w, d, f->held, held);
    }
}

/* How long the cell at the front is; 0: more is needed to know, or there is none; -1: no cells. */
static int64_t cell_len(const struct lane *f)
{
    const uint8_t *at = buf_at(&f->cells);
    size_t id_len = f->versions_passed ? 4 : 2;
    if (f->cells.len < id_len + 1)
        return 0;
    uint8_t cmd = at[id_len];
    if (!f->versions_passed && cmd != CELL_VERSIONS)
        return -1;
    if (cmd < 128 && cmd != CELL_VERSIONS)
        return CELL_HEAD + CELL_BODY_LEN;
    if (f->cells.len < id_len + 3)
        return 0;
    return (int64_t)(id_len + 3) + (at[id_len + 1] << 8 | at[id_len + 2]);
}

static void take_cells(struct wire *w, unsigned d)
{
    struct lane *f = &w->flow[d];
    int64_t len;
    while (!w->cut && (len = cell_len(f)) != 0 && (len < 0 || (size_t)len <= f->cells.len)) {
        static uint8_t cell[LINK_VPADDING_MOST + 7];
        bool first = !f->versions_passed;
        if (len < 0) { /* a peer that leaves out VERSIONS: no cells to be told apart */
            f->opaque = true;
            len = (int64_t)f->cells.len;
            give_record(w, d, buf_at(&f->cells), (size_t)len);
            buf_drain(&f->cells, (size_t)len);
            return;
        }
        f->versions_passed = true;
        memcpy(cell, buf_at(&f->cells), (size_t)len);
        buf_drain(&f->cells, (size_t)len);
        on_cell(w, d, cell, (size_t)len, first);
    }
}

/* One piece of what has arrived; false: more is needed. */
static bool take_piece(struct wire *w, unsigned d)
{
    struct lane *f = &w->flow[d];
    uint8_t *at = buf_at(&f->arrived);
    if (w->cut || !f->arrived.len)
        return false;
    if (!f->hello_passed) {
        uint8_t hello[PLAIN_HELLO_LEN];
        if (f->arrived.len < sizeof hello)
            return false;
        memcpy(hello, at, sizeof hello);
        buf_drain(&f->arrived, sizeof hello);
        f->hello_passed = true;
        give(w, d, hello, sizeof hello);
        return true;
    }
    if (!f->record_left) {
        uint8_t head[PLAIN_HEAD_LEN];
        if (f->arrived.len < sizeof head)
            return false;
        memcpy(head, at, sizeof head);
        buf_drain(&f->arrived, sizeof head);
        f->record_left = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (head[0] != PLAIN_DATA)
            give(w, d, head, sizeof head);
        return true;
    }
    size_t part = f->record_left < f->arrived.len ? f->record_left : f->arrived.len;
    check(buf_add(&f->cells, at, part));
    buf_drain(&f->arrived, part);
    f->record_left -= part;
    if (f->opaque) {
        give_record(w, d, buf_at(&f->cells), f->cells.len);
        buf_drain(&f->cells, f->cells.len);
    } else {
        take_cells(w, d);
    }
    return true;
}

/* Whether a trouble cuts W before byte *LEN of what arrives now; *LEN is then what still does. */
static bool cut_here(struct wire *w, size_t *len)
{
    struct sim *s = w->sim;
    for (size_t i = 0; i < s->sc->n_troubles; i++) {
        struct trouble *t = &s->trouble[i];
        if (!s->trouble_on[i] || t->kind != TROUBLE_CUT ||
            (t->client_links && w->end[0].client < 0))
            continue;
        if (t->n >= (int64_t)*len) {
            t->n -= (int64_t)*len;
            continue;
        }
        *len = (size_t)t->n;
        s->trouble_on[i] = false;
        return true;
    }
    return false;
}

static void stall(struct wire *w, bool stalled)
{
    if (!w->end[0].link)
        return;
    enter(w->sim, &w->end[0]);
    link_stall(w->end[0].link, stalled);
    sim_leave(w->sim);
}

static bool is_silent(const struct wire *w)
{
    return w->end[0].client >= 0 && w->end[0].node < 32 && (w->sim->silent >> w->end[0].node & 1);
}

/* As TCP has it: what is lost is sent again after intervals that double. */
static void try_again(struct wire *w, uint64_t since_us, sim_fn *fn, uint64_t x)
{
    uint64_t for_us = w->sim->now_us - since_us;
    sim_after(w->sim, for_us < RETRANSMIT_LEAST_US ? RETRANSMIT_LEAST_US : for_us, fn, w, x);
}

static void on_arrive(struct sim *s, void *arg, uint64_t x);

/* The first of what was lost in direction D is sent again; once it arrives so does all the rest. */
static void on_retransmit(struct sim *s, void *arg, uint64_t d)
{
    struct wire *w = arg;
    uint64_t since_us = w->held_us[d], len = w->held[d];
    if (w->cut)
        return;
    if (is_silent(w)) {
        try_again(w, since_us, on_retransmit, d);
        if (d == 0 && s->now_us - since_us >= STALL_US)
            stall(w, true);
        return;
    }
    w->held_us[d] = w->held[d] = 0;
    if (d == 0)
        stall(w, false);
    on_arrive(s, w, len << 1 | d);
}

static bool is_lost(struct wire *w, unsigned d, size_t len)
{
    if (!is_silent(w) && !w->held_us[d])
        return false;
    if (!w->held_us[d]) {
        w->held_us[d] = w->sim->now_us;
        try_again(w, w->held_us[d], on_retransmit, d);
    }
    w->held[d] += len;
    return true;
}

static void on_arrive(struct sim *s, void *arg, uint64_t x)
{
    struct wire *w = arg;
    unsigned d = x & 1;
    size_t len = (size_t)(x >> 1);
    struct lane *f = &w->flow[d];
    if (w->cut || is_lost(w, d, len))
        return;
    bool cut = cut_here(w, &len);
    check(buf_add(&f->arrived, buf_at(&f->under_way), len));
    buf_drain(&f->under_way, len);
    f->bytes += len;
    w->dirty[d] = s->wires_dirty = true; /* there is room again */
    sim_note(s, "wire %zu dir %u: %zu bytes", w->id, d, len);
    while (take_piece(w, d))
        continue;
    s->at_wire = NULL;
    if (cut)
        wire_cut(w, ECONNRESET);
}

static void on_eof(struct sim *s, void *arg, uint64_t x)
{
    struct wire *w = arg;
    unsigned d = (unsigned)x;
    if (w->cut)
        return;
    if (is_silent(w) || w->held_us[d] || w->flow[d].put_by.len) { /* behind what is to come */
        sim_after(s, RETRANSMIT_LEAST_US, on_eof, w, x);
        return;
    }
    sim_note(s, "wire %zu dir %u: end", w->id, d);
    tell_failed(w, 1 - d, 0);
    if (w->end[0].link || w->end[1].link)
        return;
    w->cut = true; /* what is still under way arrives nowhere */
    drop_bytes(w);
}

/* ---- leaving ---- */

static uint64_t travel_us(struct sim *s)
{
    return s->sc->delay_us + rng_below(&s->rng, s->sc->jitter_us + 1);
}

static void send_off(struct wire *w, unsigned d, size_t len)
{
    struct sim *s = w->sim;
    struct lane *f = &w->flow[d];
    uint64_t due = s->now_us + travel_us(s);
    if (s->sc->bytes_per_ms)
        due += len * SIM_MS / s->sc->bytes_per_ms;
    f->last_due_us = due > f->last_due_us ? due : f->last_due_us;
    sim_at(s, f->last_due_us, on_arrive, w, (uint64_t)len << 1 | d);
}

static void take_from(struct wire *w, unsigned d, size_t cap)
{
    struct sim *s = w->sim;
    struct wire_end *from = &w->end[d];
    struct lane *f = &w->flow[d];
    for (;;) {
        size_t len;
        if (!from->link || w->cut || !w->connected || f->under_way.len + f->put_by.len >= cap)
            return;
        enter(s, from);
        const uint8_t *bytes = link_seal(from->link, &len);
        bool was_in_client = memory.in_client;
        memory.in_client = false;
        size_t space = cap - f->under_way.len - f->put_by.len;
        if (bytes && !(len = may_write(from, len < space ? len : space)))
            bytes = NULL;
        if (bytes) {
            have_written(from, len);
            check(buf_add(&f->under_way, bytes, len));
            send_off(w, d, len);
            memory.in_client = was_in_client;
            link_sent(from->link, len);
        }
        sim_leave(s);
        if (!bytes)
            return;
    }
}

void wire_pump(struct sim *s)
{
    if (!s->wires_dirty)
        return;
    s->wires_dirty = false;
    for (struct wire *w = s->wires; w; w = w->next)
        for (unsigned d = 0; d < 2; d++)
            if (w->dirty[d]) {
                w->dirty[d] = false;
                take_from(w, d, s->sc->wire_cap);
            }
}

void wire_output(struct link *l)
{
    struct wire_end *e = link_io(l);
    if (e)
        e->wire->dirty[e->side] = e->wire->sim->wires_dirty = true;
}

void wire_hangup(struct link *l)
{
    struct wire_end *e = link_io(l);
    if (!e)
        return;
    struct wire *w = e->wire;
    struct sim *s = w->sim;
    size_t len;
    const uint8_t *bytes;
    if (!w->cut && w->connected) {
        if ((bytes = link_seal(l, &len))) { /* its last words */
            check(buf_add(&w->flow[e->side].under_way, bytes, len));
            send_off(w, e->side, len);
        }
        sim_at(s, w->flow[e->side].last_due_us, on_eof, w, e->side);
    }
    link_set_io(l, NULL);
    leave_rate(e);
    e->link = NULL;
}

/* ---- beginning ---- */

static void on_connect(struct sim *s, void *arg, uint64_t x)
{
    struct wire *w = arg;
    struct node *n = x < testnet_nodes(s->net) ? testnet_node(s->net, (size_t)x) : NULL;
    if (w->cut || !w->end[0].link)
        return;
    if (is_silent(w)) {
        if (!w->dialled_us)
            w->dialled_us = s->now_us;
        try_again(w, w->dialled_us, on_connect, x);
        return;
    }
    if (s->net_down || !n) {
        tell_failed(w, 0, s->net_down ? ENETUNREACH : ECONNREFUSED);
        return;
    }
    struct ipport peer = {.port = (uint16_t)(40000 + w->id % 20000)};
    const uint8_t ip[4] = {127, 1, 0, (uint8_t)(w->end[0].client + 1)};
    peer.ip = w->end[0].client >= 0 ? ip_v4(ip) : s->plan.node[w->end[0].node].or_port.ip;
    sim_enter_net(s);
    struct link *l = node_accept(n, &peer);
    sim_leave(s);
    sim_note(s, "wire %zu: %s", w->id, l ? "connected" : "refused");
    if (!l) {
        tell_failed(w, 0, ECONNREFUSED);
        return;
    }
    w->connected = true;
    w->end[1].link = l;
    link_set_io(l, &w->end[1]);
    w->dirty[1] = s->wires_dirty = true;
    enter(s, &w->end[0]);
    link_tcp_open(w->end[0].link);
    sim_leave(s);
}

static size_t node_at(struct sim *s, const struct ipport *to)
{
    for (size_t i = 0; i < s->plan.n_nodes; i++)
        if (ipport_equal(&s->plan.node[i].or_port, to))
            return i;
    return SIZE_MAX;
}

void wire_dial(struct sim *s, int client, size_t node, struct link *l, const struct ipport *to)
{
    struct wire *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->sim = s;
    w->id = s->n_wires++;
    size_t target = node_at(s, to);
    for (unsigned d = 0; d < 2; d++) {
        w->end[d] = (struct wire_end){.wire = w, .side = d, .client = -1};
        w->end[d].reads = (struct throttle_turn){.ready = may_read_on, .arg = &w->end[d]};
        w->end[d].writes = (struct throttle_turn){.ready = may_write_on, .arg = &w->end[d]};
        buf_init(&w->flow[d].under_way, UNDER_WAY_CAP);
        buf_init(&w->flow[d].arrived, UNDER_WAY_CAP);
        buf_init(&w->flow[d].cells, PLAIN_CAP);
        buf_init(&w->flow[d].put_by, UNDER_WAY_CAP);
    }
    w->end[0].client = client;
    w->end[0].node = client >= 0 ? target : node;
    w->end[0].link = l;
    w->end[1].node = target;
    w->next = s->wires;
    s->wires = w;
    link_set_io(l, &w->end[0]);
    sim_note(s, "wire %zu: %s %zu dials node %zu", w->id, client >= 0 ? "client" : "node",
             client >= 0 ? (size_t)client : node, target);
    sim_after(s, 2 * travel_us(s) + 10, on_connect, w, target);
}
