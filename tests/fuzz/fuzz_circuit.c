/* An open circuit of three hops with streams on it, fed with relay messages in the clear: dispatch,
 * windows, streams in every state, half-closed ones, and what applications do meanwhile. Each input
 * comes twice: at a client, and at a service towards which the last hop begins streams.
 *
 * Input: a byte that says what the last hop was agreed on, then records of four bytes and a body.
 * Byte 0: hop, what the application does first, and whether time passes; byte 1: relay command;
 * byte 2: which stream; byte 3: length of the body. */
#include <stdlib.h>
#include <string.h>

#include "circuit/circ_int.h"
#include "circuit/vegas.h"
#include "circuit/window.h"
#include "link/link_int.h"
#include "stream/stream.h"

enum { HOPS = 3, STREAMS = 6, VISITS = 4 };

/* Of the first byte. CGO's format goes with congestion control alone. */
enum { TERMS_VEGAS = 1, TERMS_CGO = 2, VEGAS_INC = 4 /* DATA messages that a SENDME stands for */ };

static void fuzz_random(void *arg, void *out, size_t len)
{
    uint64_t *state = arg;
    for (size_t i = 0; i < len; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(*state >> 56);
    }
}

/* A layer that does nothing; the cell is for the hop that the input names. */
struct plain {
    struct layer layer;
    unsigned hop;
    const unsigned *want;
};

static err_t plain_pass(struct layer *l, uint8_t chan_cmd, uint8_t *body)
{
    (void)chan_cmd;
    memcpy(l->sent_tag, body, sizeof l->sent_tag);
    return OK;
}

static err_t plain_open(struct layer *l, uint8_t chan_cmd, uint8_t *body, bool *recognized)
{
    struct plain *p = (struct plain *)l;
    (void)chan_cmd, (void)body;
    *recognized = p->hop == *p->want;
    return OK;
}

static void plain_free(struct layer *l)
{
    free(l);
}

static const struct layer_kind plain_kind = {.format = RELAY_V0,
                                             .tag_len = 20,
                                             .originate = plain_pass,
                                             .wrap = plain_pass,
                                             .open = plain_open,
                                             .free = plain_free};

/* As CGO's. */
static const struct layer_kind plain_v1_kind = {.format = RELAY_V1,
                                                .tag_len = 16,
                                                .originate = plain_pass,
                                                .wrap = plain_pass,
                                                .open = plain_open,
                                                .free = plain_free};

struct app {
    struct stream *s; /* NULL once it ended */
    uint16_t id;
    bool closes, hoards;
};

struct world {
    struct env env;
    uint64_t random_state;
    struct circ_config config;
    struct link *l;
    struct circ *c;
    struct streams *set;
    struct app app[STREAMS + VISITS]; /* ours, then those of the other side */
    unsigned want_hop, closed;
};

static void close_app(struct app *a)
{
    struct stream *s = a->s;
    a->s = NULL;
    stream_close(s, END_MISC);
}

static void on_connected(void *arg, const struct ip *addr, uint32_t ttl_s)
{
    struct app *a = arg;
    (void)addr;
    (void)ttl_s;
    if (a->closes)
        close_app(a);
}

static void on_resolved(void *arg, const struct stream_answer *answers, size_t n)
{
    struct app *a = arg;
    if (n == 0 || n > STREAM_MAX_ANSWERS || answers[n - 1].kind == 0)
        abort();
    if (a->closes)
        close_app(a);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len)
{
    struct app *a = arg;
    if (len == 0 || len > RELAY_DATA_MAX || !bytes)
        abort();
    if (!a->hoards)
        stream_consumed(a->s, len);
    if (a->closes && bytes[0] & 1)
        close_app(a);
}

static void on_writable(void *arg)
{
    static const uint8_t bytes[3000];
    struct app *a = arg;
    if (stream_write(a->s, bytes, sizeof bytes) > sizeof bytes)
        abort();
}

static void on_end(void *arg, const struct stream_end *end)
{
    struct app *a = arg;
    (void)end;
    if (!a->s)
        abort(); /* told twice, or after it closed */
    a->s = NULL;
}

static const struct stream_ops app_ops = {on_connected, on_resolved, on_data,
                                          on_writable,  on_end,      NULL};

/* Every other port is refused, some are accepted at once and some when it is written to. */
static struct stream_verdict on_begin(void *arg, struct stream *s, const struct relay_begin *asked)
{
    struct world *w = arg;
    if (asked->host.len && !asked->host.s)
        abort();
    for (struct app *a = w->app + STREAMS; a < w->app + STREAMS + VISITS && !(asked->port & 1); a++)
        if (!a->s) {
            *a = (struct app){.s = s, .id = stream_id(s), .closes = asked->port & 4};
            if (asked->port & 2)
                stream_say_connected(s);
            return (struct stream_verdict){.ops = &app_ops, .arg = a};
        }
    return (struct stream_verdict){.refusal = END_EXITPOLICY};
}

static void circ_on_end(void *arg, const struct circ_end *end)
{
    struct world *w = arg;
    char text[100];
    (void)circ_end_text(end, text, sizeof text);
    w->closed++;
}

static const struct circ_ops circ_ops = {.on_end = circ_on_end};

static void ignore(void *arg)
{
    (void)arg;
}

static void ignore_end(void *arg, const struct link_end *end)
{
    (void)arg;
    (void)end;
}

static const struct link_ops link_ops = {
    .on_open = ignore, .on_end = ignore_end, .on_output = ignore};

static void open_link(struct world *w)
{
    static const struct sha256 tls_cert;
    struct link_config config = {.connect_timeout_ms = 1000000, .handshake_timeout_ms = 1000000};
    struct link_target target = {.reach.addr = {.ip = {.family = IP_V4}}};
    w->l = link_new(&w->env, &config, &target, &link_ops, NULL);
    if (!w->l)
        abort();
    link_start_cells(w->l, &tls_cert);
    w->l->hs.version = 5;
    w->l->hs.stage = STAGE_OPEN;
    link_opened(w->l);
}

static void add_hop(struct world *w, unsigned hop, unsigned terms)
{
    const struct flow_config *config = &w->config.flow;
    bool vegas = terms & TERMS_VEGAS, cgo = vegas && (terms & TERMS_CGO);
    struct plain *p = calloc(1, sizeof *p);
    struct hop h = {.flow = vegas ? vegas_kind.make(config, VEGAS_INC, CC_WAY_EXIT)
                                  : window_kind.make(config, CIRCWINDOW_INCREMENT, CC_WAY_EXIT)};
    if (!p || !h.flow)
        abort();
    *p = (struct plain){
        .layer = {.kind = cgo ? &plain_v1_kind : &plain_kind}, .hop = hop, .want = &w->want_hop};
    h.layer = &p->layer;
    tags_init(&h.tags, &w->env, h.flow->sendmes_most);
    if (onion_add(&w->c->onion, &h) != OK)
        abort();
}

static void open_circuit(struct world *w, unsigned terms)
{
    w->config = circ_config_defaults();
    w->c = circ_new(&w->env, w->l, &w->config, &circ_ops, w);
    if (!w->c)
        abort();
    for (unsigned hop = 1; hop <= HOPS; hop++)
        add_hop(w, hop, hop == HOPS ? terms : 0);
    w->c->wanted = HOPS;
    w->c->state = CIRC_OPEN;
    w->set = streams_new(&w->env, carrier_of_hop(w->c, HOPS));
    if (!w->set)
        abort();
}

static void open_app(struct world *w, unsigned i)
{
    static const enum stream_kind kinds[] = {STREAM_BEGIN, STREAM_RESOLVE, STREAM_BEGIN_DIR};
    struct stream_request req = {.kind = kinds[i % 3], .target = i % 3 ? "a.b" : "a.b:80"};
    struct app *a = &w->app[i];
    if (a->s)
        return;
    a->closes = i >= 3;
    a->hoards = i == 2;
    if (stream_open(w->set, &req, &app_ops, a, &a->s) == OK)
        a->id = stream_id(a->s);
}

static void application(struct world *w, struct app *a, unsigned what)
{
    if (what == 1 && a->s) {
        stream_say_connected(a->s);
        on_writable(a);
    }
    if (what == 2 && a->s)
        close_app(a);
    if (what == 3 && a < w->app + STREAMS)
        open_app(w, (unsigned)(a - w->app));
    if (what == 4 && a->s)
        stream_consumed(a->s, 100000);
    if (what == 5)
        env_run_timers(&w->env);
    if (what == 6)
        w->c->onion.hop[HOPS - 1].flow->room = 1; /* the circuit's window is nearly used up */
}

/* The message CMD about stream ID with DATA, which may say that it is LEN bytes long. */
static void encode(enum relay_format format, uint8_t cmd, uint16_t id, struct rd data, size_t len,
                   uint8_t *body)
{
    size_t at = relay_data_at(format, cmd);
    bool v1 = format == RELAY_V1;
    uint8_t *head = body + (v1 ? RELAY_V1_TAG_LEN : 0), *length = v1 ? head + 1 : body + 9;
    uint8_t *stream = v1 ? head + 3 : body + 3;
    head[0] = cmd;
    length[0] = (uint8_t)(len >> 8);
    length[1] = (uint8_t)len;
    if (!v1 || at == RELAY_V1_HEAD_STREAM_LEN) {
        stream[0] = (uint8_t)(id >> 8);
        stream[1] = (uint8_t)id;
    }
    if (data.left)
        memcpy(body + at, data.at, data.left);
}

/* One record; false when the input is used up. */
static bool step(struct world *w, struct rd *r)
{
    uint8_t body[CELL_BODY_LEN] = {0}, what = rd_u8(r), cmd = rd_u8(r), which = rd_u8(r);
    struct rd data = rd_sub(r, rd_u8(r));
    if (rd_ok(r) != OK)
        return false;
    struct app *a = &w->app[which % (STREAMS + VISITS)];
    uint16_t id = which < 240 ? a->id : (uint16_t)(which - 240);
    if (what & 32)
        w->env.mono_us += US_PER_SEC / 4;
    application(w, a, what / 4 % 8);
    w->want_hop = what % 4;
    bool is_hop = w->want_hop && w->want_hop <= w->c->onion.n;
    enum relay_format format =
        is_hop ? onion_layer(&w->c->onion, w->want_hop)->kind->format : RELAY_V0;
    encode(format, cmd, id, data, what & 128 ? relay_data_max(format, cmd) : data.left, body);
    if (w->c->lc.link)
        w->c->lc.ops->on_cell(w->c->lc.arg, what & 64 ? cmd : CELL_RELAY, body);
    size_t sent;
    if (link_seal(w->l, &sent))
        link_sent(w->l, sent);
    return true;
}

static void run(const uint8_t *data, size_t size, bool serves)
{
    struct world w = {.random_state = 1};
    w.env = (struct env){.mono_us = US_PER_SEC,
                         .wall_us = 1767225600 * (int64_t)US_PER_SEC,
                         .random = fuzz_random,
                         .random_arg = &w.random_state};
    struct rd r = rd_over(data, size);
    open_link(&w);
    open_circuit(&w, rd_u8(&r));
    for (unsigned i = 0; i < STREAMS; i++)
        open_app(&w, i);
    const struct stream_acceptor acceptor = {.on_begin = on_begin, .arg = &w};
    if (serves)
        streams_accept(w.set, &acceptor);
    while (step(&w, &r))
        ;
    circ_close(w.c, OK, DESTROY_FINISHED);
    env_run_timers(&w.env);
    if (w.closed != 1)
        abort();
    for (unsigned i = 0; i < STREAMS + VISITS; i++) {
        if (w.app[i].s)
            abort(); /* nobody told it of the end */
    }
    streams_free(w.set);
    circ_free(w.c);
    link_close(w.l, OK, OR_DONE, NULL);
    env_run_timers(&w.env);
    link_free(w.l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size, false);
    run(data, size, true);
    return 0;
}
