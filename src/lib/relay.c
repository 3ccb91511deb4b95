#include "lib/relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "cell/chan.h"
#include "cell/chan_link.h"
#include "lib/circuit.h"

enum { TIMEOUT_MS = 60 * 1000 };

void lib_options(void *out, size_t size, const void *given)
{
    size_t known;
    memcpy(&known, given, sizeof known);
    memset(out, 0, size);
    memcpy(out, given, known < size ? known : size);
}

/* ---- the link's callbacks ---- */

static void on_open(void *arg)
{
    struct tunic_relay *r = arg;
    r->status = TUNIC_OR_STATUS_CONNECTED;
    r->since_ms = net_env(r->h.t->net)->wall_us / US_PER_MS;
    r->version = link_version(r->link);
    r->rsa = *link_peer_rsa(r->link);
    r->ed = *link_peer_ed(r->link);
    r->tls_cert = *link_peer_tls_cert(r->link);
    handle_tell(&r->h, TUNIC_EVENT_OPEN);
}

static void on_end(void *arg, const struct link_end *end)
{
    struct tunic_relay *r = arg;
    bool open = r->status == TUNIC_OR_STATUS_CONNECTED;
    r->status = open ? TUNIC_OR_STATUS_CLOSED : TUNIC_OR_STATUS_FAILED;
    lib_error_of_link(&r->error, end);
    later_ask(net_env(r->h.t->net), &r->reap);
    handle_tell(&r->h, TUNIC_EVENT_CLOSED);
}

static void on_output(void *arg)
{
    struct tunic_relay *r = arg;
    world_ops.output(&r->world, r->link);
}

static void on_trace(void *arg, bool out, uint32_t circ_id, uint8_t cmd, const uint8_t *body,
                     size_t len)
{
    struct tunic_relay *r = arg;
    if (cmd == CELL_CERTS && !out && !r->certs && len && (r->certs = malloc(len))) {
        memcpy(r->certs, body, len);
        r->certs_len = len;
    }
    if (r->h.t->trace_fn)
        lib_trace_cell(r, out, circ_id, cmd, body, len);
}

static const struct link_ops link_callbacks = {
    .on_open = on_open,
    .on_end = on_end,
    .on_output = on_output,
};

/* ---- life ---- */

static void drop_link(struct tunic_relay *r)
{
    if (!r->link)
        return;
    world_ops.hangup(&r->world, r->link);
    link_free(r->link);
    r->link = NULL;
}

static void reap(void *arg)
{
    drop_link(arg);
}

static void end(struct handle *h)
{
    struct tunic_relay *r = (struct tunic_relay *)h;
    later_cancel(net_env(h->t->net), &r->reap);
    free(r->certs);
    r->certs = NULL;
    if (r->link) /* what circuits have to say goes out first */
        link_close(r->link, OK, OR_DONE, "closed by the program");
    drop_link(r);
    if (r->status == TUNIC_OR_STATUS_LAUNCHED || r->status == TUNIC_OR_STATUS_CONNECTED)
        r->status = TUNIC_OR_STATUS_CLOSED;
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_relay *r = (struct tunic_relay *)h;
    if (r->callback)
        r->callback(r->callback_arg, r, event);
}

static const struct handle_kind relay_kind = {.end = end, .call = call};

static uint64_t or_default(int timeout_ms)
{
    return timeout_ms > 0 ? (uint64_t)timeout_ms : TIMEOUT_MS;
}

static err_t read_target(const struct tunic_relay_options *o, struct link_target *target)
{
    memset(target, 0, sizeof *target);
    if (!o->address || ip_parse(o->address, true, &target->reach.addr.ip) != OK || !o->port)
        return ERR_ARG;
    target->reach.addr.port = o->port;
    target->has_rsa = o->rsa_id;
    if (o->rsa_id)
        memcpy(target->rsa.b, o->rsa_id, sizeof target->rsa.b);
    target->has_ed = o->ed25519_id;
    if (o->ed25519_id)
        memcpy(target->ed.b, o->ed25519_id, sizeof target->ed.b);
    return OK;
}

static struct tunic_relay *launch(struct tunic *t, const struct tunic_relay_options *o,
                                  const struct link_target *target)
{
    const struct link_config config = {
        .tls = t->tls,
        .connect_timeout_ms = or_default(o->connect_timeout_ms),
        .handshake_timeout_ms = or_default(o->handshake_timeout_ms),
        .padding = LINK_PADDING_AUTO,
        .nf_ito_low_ms = 1500, /* padding-spec 2.2: the defaults of nf_ito_low and _high */
        .nf_ito_high_ms = 9500,
    };
    struct tunic_relay *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->link = link_new(net_env(t->net), &config, target, &link_callbacks, r);
    if (!r->link) {
        free(r);
        return NULL;
    }
    link_set_trace(r->link, on_trace);
    handle_init(&r->h, &relay_kind, t, NULL);
    r->world.net = t->net;
    r->callback = o->callback;
    r->callback_arg = o->callback_arg;
    r->status = TUNIC_OR_STATUS_LAUNCHED;
    later_init(&r->reap, reap, r);
    world_ops.dial(&r->world, r->link, &target->reach);
    return r;
}

struct tunic_relay *tunic_relay_start(struct tunic *t, const struct tunic_relay_options *options,
                                      struct tunic_error *error)
{
    static const struct tunic_relay_options none = TUNIC_RELAY_OPTIONS_INIT;
    struct tunic_relay_options o;
    struct link_target target;
    if (!t || !lib_enter(t, error))
        return NULL;
    lib_options(&o, sizeof o, options ? options : &none);
    if (read_target(&o, &target) != OK) {
        lib_error(error, TUNIC_USAGE, TUNIC_STAGE_DNS,
                  "\"%.60s\" port %u is not an address and a port (names are never looked up)",
                  o.address ? o.address : "", o.port);
        return NULL;
    }
    struct tunic_relay *r = launch(t, &o, &target);
    if (!r)
        lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_TCP, "a new connection");
    return r;
}

void tunic_relay_free(struct tunic_relay *relay)
{
    if (relay)
        handle_free(&relay->h);
}

/* ---- waiting ---- */

static bool is_settled(const void *arg)
{
    const struct tunic_relay *r = arg;
    return r->status != TUNIC_OR_STATUS_LAUNCHED;
}

static int not_in_time(const struct tunic_relay *r, int timeout_ms, struct tunic_error *error)
{
    static const char *const awaited[] = {[LINK_CONNECTING] = "no TCP connection",
                                          [LINK_TLS] = "TLS handshake not done",
                                          [LINK_HANDSHAKING] = "link handshake not done"};
    enum link_state state = link_state(r->link);
    if (state >= LINK_OPEN)
        state = LINK_HANDSHAKING;
    lib_error(error, TUNIC_TIMEOUT, lib_link_stage(state), "%s within %d ms", awaited[state],
              timeout_ms);
    if (error)
        error->reason = TUNIC_OR_CLOSURE_REASON_TIMEOUT;
    return -1;
}

int tunic_relay_wait(struct tunic_relay *relay, int timeout_ms, struct tunic_error *error)
{
    if (!relay)
        return -1;
    int late = lib_wait_for(&relay->h, timeout_ms, is_settled, error);
    if (late < 0)
        return -1;
    if (late)
        return not_in_time(relay, timeout_ms, error);
    return relay->status == TUNIC_OR_STATUS_CONNECTED ? 0 : lib_error_copy(error, &relay->error);
}

struct tunic_relay *tunic_relay_connect(struct tunic *t, const struct tunic_relay_options *options,
                                        int timeout_ms, struct tunic_error *error)
{
    struct tunic_relay *r = tunic_relay_start(t, options, error);
    if (!r)
        return NULL;
    handle_hold(&r->h); /* its callback may free it */
    bool bad = tunic_relay_wait(r, timeout_ms, error) != 0;
    if (bad && !r->h.ended)
        tunic_relay_free(r);
    handle_let_go(&r->h);
    return bad ? NULL : r;
}

/* ---- what it is ---- */

enum tunic_or_status tunic_relay_status(const struct tunic_relay *relay)
{
    return relay ? relay->status : TUNIC_OR_STATUS_FAILED;
}

const struct tunic_error *tunic_relay_error(const struct tunic_relay *relay)
{
    return relay && relay->error.cls ? &relay->error : NULL;
}

int tunic_relay_is_alive(const struct tunic_relay *relay)
{
    return relay && relay->status == TUNIC_OR_STATUS_CONNECTED;
}

int64_t tunic_relay_since_ms(const struct tunic_relay *relay)
{
    return relay ? relay->since_ms : 0;
}

int tunic_relay_link_version(const struct tunic_relay *relay)
{
    return relay ? (int)relay->version : 0;
}

int tunic_relay_rsa_id(const struct tunic_relay *relay, uint8_t out[TUNIC_RSA_ID_LEN])
{
    if (!relay || !out || !relay->since_ms)
        return -1;
    memcpy(out, relay->rsa.b, sizeof relay->rsa.b);
    return 0;
}

int tunic_relay_ed25519_id(const struct tunic_relay *relay, uint8_t out[TUNIC_ED25519_ID_LEN])
{
    if (!relay || !out || !relay->since_ms || ed_id_is_zero(&relay->ed))
        return -1;
    memcpy(out, relay->ed.b, sizeof relay->ed.b);
    return 0;
}

int tunic_relay_tls_sha256(const struct tunic_relay *relay, uint8_t out[TUNIC_SHA256_LEN])
{
    if (!relay || !out || !relay->since_ms)
        return -1;
    memcpy(out, relay->tls_cert.b, sizeof relay->tls_cert.b);
    return 0;
}

int tunic_relay_certificate(const struct tunic_relay *relay, int i, struct tunic_certificate *out)
{
    struct chan_certs certs;
    if (!relay || !out || i < 0 || !relay->certs ||
        chan_certs_decode(rd_over(relay->certs, relay->certs_len), &certs) != OK ||
        (size_t)i >= certs.n)
        return -1;
    *out = (struct tunic_certificate){
        .type = certs.c[i].type, .bytes = certs.c[i].body, .len = certs.c[i].len};
    return 0;
}
