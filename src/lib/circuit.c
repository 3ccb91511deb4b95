#include "lib/circuit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/stream.h"

/* ---- the circuit's callbacks ---- */

static void on_hop(void *arg, unsigned hops)
{
    struct tunic_circuit *c = arg;
    c->hops = hops;
    c->status = TUNIC_CIRC_STATUS_EXTENDED;
}

static void on_open(void *arg)
{
    struct tunic_circuit *c = arg;
    c->building = false;
    c->was_built = true;
    c->status = TUNIC_CIRC_STATUS_BUILT;
    handle_tell(&c->h, TUNIC_EVENT_OPEN);
}

static void drop_circ(struct tunic_circuit *c)
{
    streams_free(c->streams);
    circ_free(c->circ);
    c->streams = NULL;
    c->circ = NULL;
}

/* Streams have been told before; nothing of the circuit is on the stack. */
static void on_end(void *arg, const struct circ_end *end)
{
    struct tunic_circuit *c = arg;
    lib_error_of_circ(&c->error, end);
    if (c->building && c->error.stage == TUNIC_STAGE_CIRCUIT)
        c->error.hop++;
    c->building = false;
    c->status = c->was_built ? TUNIC_CIRC_STATUS_CLOSED : TUNIC_CIRC_STATUS_FAILED;
    drop_circ(c);
    handle_tell(&c->h, TUNIC_EVENT_CLOSED);
}

static const struct circ_ops circ_callbacks = {
    .on_hop = on_hop,
    .on_open = on_open,
    .on_end = on_end,
};

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_circuit *c = (struct tunic_circuit *)h;
    struct tunic_error why;
    later_cancel(net_env(h->t->net), &c->full);
    lib_error(&why, TUNIC_CLOSED, TUNIC_STAGE_CIRCUIT, "the program closed the circuit");
    why.hop = (int)c->hops;
    why.reason = TUNIC_CIRC_CLOSURE_REASON_REQUESTED;
    lib_streams_lose(&c->open, &why);
    drop_circ(c);
    lib_message_drop_all(c);
    free(c->own_ids);
    c->own_ids = NULL;
    if (c->error.cls == TUNIC_OK)
        c->status = TUNIC_CIRC_STATUS_CLOSED;
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_circuit *c = (struct tunic_circuit *)h;
    if (c->callback)
        c->callback(c->callback_arg, c, event);
}

static const struct handle_kind circuit_kind = {.end = end, .call = call};

static struct tunic_circuit *make(struct tunic_relay *relay, const struct tunic_circuit_options *o)
{
    struct env *env = net_env(relay->h.t->net);
    const struct circ_config config = circ_config_defaults();
    struct tunic_circuit *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->circ = circ_new(env, relay->link, &config, &circ_callbacks, c);
    if (!c->circ) {
        free(c);
        return NULL;
    }
    handle_init(&c->h, &circuit_kind, relay->h.t, &relay->h);
    later_init(&c->full, lib_message_too_many, c);
    circ_set_user(c->circ, &lib_message_user, c);
    circ_set_tap(c->circ, lib_message_tap, c);
    c->id = circ_id(c->circ);
    c->status = TUNIC_CIRC_STATUS_LAUNCHED;
    c->callback = o->callback;
    c->callback_arg = o->callback_arg;
    return c;
}

struct tunic_circuit *tunic_circuit_start(struct tunic_relay *relay,
                                          const struct tunic_circuit_options *options,
                                          struct tunic_error *error)
{
    struct tunic_circuit_options o = TUNIC_CIRCUIT_OPTIONS_INIT;
    if (!relay || !lib_enter(relay->h.t, error))
        return NULL;
    if (options)
        lib_options(&o, sizeof o, options);
    if (!tunic_relay_is_alive(relay)) {
        if (relay->error.cls)
            lib_error_copy(error, &relay->error);
        else
            lib_error(error, TUNIC_USAGE, TUNIC_STAGE_LINK, "the relay is not open yet");
        return NULL;
    }
    struct tunic_circuit *c = make(relay, &o);
    if (!c)
        lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_CIRCUIT,
                  "no memory, or no circuit id is free on this connection");
    return c;
}

void tunic_circuit_free(struct tunic_circuit *circuit)
{
    if (circuit)
        handle_free(&circuit->h);
}

/* ---- hops ---- */

static err_t read_address(const char *text, uint16_t port, enum ip_family family,
                          struct ipport *out)
{
    if (!text)
        return OK;
    if (ip_parse(text, true, &out->ip) != OK || out->ip.family != family || !port)
        return ERR_ARG;
    out->port = port;
    return OK;
}

/* What is wrong with it, or NULL. */
static const char *read_hop(const struct tunic_hop *h, enum tunic_handshake handshake, bool first,
                            struct circ_hop_target *out)
{
    memset(out, 0, sizeof *out);
    if (!h->rsa_id || !h->ntor_key)
        return "a hop needs its RSA identity and its onion key";
    if (handshake == TUNIC_NTOR_V3 && !h->ed25519_id)
        return "ntor-v3 needs the hop's Ed25519 identity";
    if (read_address(h->ipv4, h->ipv4_port, IP_V4, &out->v4) != OK ||
        read_address(h->ipv6, h->ipv6_port, IP_V6, &out->v6) != OK)
        return "the hop's address is no literal address with a port";
    if (!first && !out->v4.port && !out->v6.port)
        return "the hop needs an address";
    memcpy(out->rsa.b, h->rsa_id, sizeof out->rsa.b);
    memcpy(out->ntor_key.b, h->ntor_key, sizeof out->ntor_key.b);
    out->has_ed = h->ed25519_id;
    if (h->ed25519_id)
        memcpy(out->ed.b, h->ed25519_id, sizeof out->ed.b);
    out->ntor_v3 = handshake == TUNIC_NTOR_V3;
    return NULL;
}

static const char *check_hop(const struct tunic_circuit *c, enum tunic_handshake handshake,
                             const struct tunic_hop *hop)
{
    if (c->building)
        return "a hop is under way already";
    if (handshake == TUNIC_CREATE_FAST)
        return c->hops ? "CREATE_FAST is for the first hop" : NULL;
    if (handshake != TUNIC_NTOR && handshake != TUNIC_NTOR_V3)
        return "there is no such handshake";
    if (c->hops >= TUNIC_CIRCUIT_HOPS_MOST)
        return "the circuit has its most hops";
    return hop ? NULL : "no hop was given";
}

int tunic_circuit_start_hop(struct tunic_circuit *circuit, enum tunic_handshake handshake,
                            const struct tunic_hop *hop, struct tunic_error *error)
{
    struct tunic_hop h;
    struct circ_hop_target target;
    bool fast = handshake == TUNIC_CREATE_FAST;
    if (!circuit || !lib_enter(circuit->h.t, error))
        return -1;
    if (!circuit->circ || circ_state(circuit->circ) == CIRC_CLOSED)
        return lib_circuit_usable(circuit, error);
    const char *wrong = check_hop(circuit, handshake, hop);
    if (!wrong && !fast) {
        lib_options(&h, sizeof h, hop);
        wrong = read_hop(&h, handshake, circuit->hops == 0, &target);
    }
    if (wrong)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_CIRCUIT, "%s", wrong);
    circuit->building = true;
    err_t e = fast ? circ_build_fast(circuit->circ) : circ_build(circuit->circ, &target, 1);
    if (e == OK)
        return 0;
    circuit->building = circ_state(circuit->circ) == CIRC_CLOSED; /* its end tells of it */
    return lib_error_of(error, e, TUNIC_STAGE_CIRCUIT, "asking for a hop");
}

/* ---- waiting ---- */

static bool is_settled(const void *arg)
{
    const struct tunic_circuit *c = arg;
    return !c->building || c->error.cls != TUNIC_OK;
}

int tunic_circuit_wait(struct tunic_circuit *circuit, int timeout_ms, struct tunic_error *error)
{
    if (!circuit)
        return -1;
    int late = lib_wait_for(&circuit->h, timeout_ms, is_settled, error);
    if (late < 0)
        return -1;
    if (!late)
        return lib_circuit_usable(circuit, error);
    lib_error(error, TUNIC_TIMEOUT, TUNIC_STAGE_CIRCUIT, "no answer within %d ms", timeout_ms);
    if (error) {
        error->hop = (int)circuit->hops + 1;
        error->reason = TUNIC_CIRC_CLOSURE_REASON_TIMEOUT;
    }
    return -1;
}

int tunic_circuit_extend(struct tunic_circuit *circuit, enum tunic_handshake handshake,
                         const struct tunic_hop *hop, int timeout_ms, struct tunic_error *error)
{
    if (tunic_circuit_start_hop(circuit, handshake, hop, error) != 0)
        return -1;
    return tunic_circuit_wait(circuit, timeout_ms, error);
}

struct tunic_circuit *tunic_circuit_create(struct tunic_relay *relay,
                                           enum tunic_handshake handshake,
                                           const struct tunic_hop *hop, int timeout_ms,
                                           struct tunic_error *error)
{
    struct tunic_circuit *c = tunic_circuit_start(relay, NULL, error);
    if (!c || tunic_circuit_extend(c, handshake, hop, timeout_ms, error) == 0)
        return c;
    tunic_circuit_free(c);
    return NULL;
}

/* ---- what it is ---- */

enum tunic_circ_status tunic_circuit_status(const struct tunic_circuit *circuit)
{
    return circuit ? circuit->status : TUNIC_CIRC_STATUS_FAILED;
}

const struct tunic_error *tunic_circuit_error(const struct tunic_circuit *circuit)
{
    return circuit && circuit->error.cls ? &circuit->error : NULL;
}

int tunic_circuit_hops(const struct tunic_circuit *circuit)
{
    return circuit ? (int)circuit->hops : 0;
}

uint32_t tunic_circuit_id(const struct tunic_circuit *circuit)
{
    return circuit ? circuit->id : 0;
}
