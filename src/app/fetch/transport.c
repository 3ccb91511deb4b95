#include "app/fetch/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch/dirport.h"
#include "app/fetch/tunnel.h"
#include "base/hash.h"
#include "host/host.h"
#include "lib/lib.h"

/* The least that counts as a sign of life; a trickle does not. */
enum { PROGRESS_LEAST = 1024 };

struct get {
    struct source *source;
    char *path;
    size_t most;
    void (*on_settled)(void *arg, struct get *g);
    void *arg;
    bool authority_only, settled;
    struct tunic_error error;
    struct tunic_dir_request *dir; /* one of these carries it, once the source is open */
    struct http http;
    struct dirport *port;
    struct dirtunnel *tunnel;
    size_t counted; /* bytes, when the stall timer was armed */
    struct timer stall, tell;
    struct get *prev, *next;
};

void hub_arm(struct hub *h, struct timer *t, uint64_t ms)
{
    /* The library runs on a clock of its own, so ours may have been read long ago. */
    net_enter(h->net);
    env_arm_ms(net_env(h->net), t, ms);
}

static void disarm(struct hub *h, struct timer *t)
{
    env_disarm(net_env(h->net), t);
}

/* ---- one request: its end ---- */

static void settle(struct get *g, const struct tunic_error *error)
{
    if (g->settled)
        return;
    g->settled = true;
    g->source->n_gets--;
    if (error)
        g->error = *error;
    disarm(g->source->hub, &g->stall);
    hub_arm(g->source->hub, &g->tell, 0);
}

static void tell(void *arg)
{
    struct get *g = arg;
    struct source *s = g->source;
    /* The source answered: it is there, whatever it said. */
    if (!g->error.cls || g->error.stage == TUNIC_STAGE_DIRECTORY)
        s->failures = g->error.cls == TUNIC_TIMEOUT ? s->failures + 1 : 0;
    g->on_settled(g->arg, g);
}

/* Takes off "within 0 ms", which is not how long the user waited. */
static void cut_zero(struct tunic_error *error)
{
    char *zero = strstr(error->text, " within 0 ms");
    if (zero)
        *zero = 0;
}

static bool is_connected(const struct get *g)
{
    return (g->port && dirport_is_connected(g->port)) ||
           (g->tunnel && dirtunnel_is_connected(g->tunnel));
}

/* How far the source is; false: it is there. */
static bool source_where(const struct source *s, struct tunic_error *error)
{
    if (s->state != SOURCE_OPENING)
        return false;
    int e = s->circuit ? tunic_circuit_wait(s->circuit, 0, error)
                       : tunic_relay_wait(s->relay, 0, error);
    cut_zero(error);
    return e != 0;
}

static bool dir_where(const struct get *g, struct tunic_error *error)
{
    if (!g->dir || tunic_dir_wait(g->dir, 0, error) == 0)
        return false;
    cut_zero(error);
    return true;
}

static void http_where(const struct get *g, struct tunic_error *error)
{
    enum tunic_stage stage = TUNIC_STAGE_NONE;
    const char *at = "not begun";
    if (is_connected(g)) {
        stage = TUNIC_STAGE_DIRECTORY;
        at = get_received(g) ? "the document is not all here yet" : "no answer to the request";
    } else if (g->port) {
        stage = TUNIC_STAGE_TCP;
        at = "no connection yet";
    } else if (g->tunnel) {
        stage = TUNIC_STAGE_CIRCUIT;
        at = "no circuit of three hops to a directory yet";
    }
    lib_error(error, TUNIC_TIMEOUT, stage, "%s", at);
}

void get_where(const struct get *g, const char *why, struct tunic_error *error)
{
    if (!source_where(g->source, error) && !dir_where(g, error))
        http_where(g, error);
    size_t len = strlen(error->text);
    snprintf(error->text + len, sizeof error->text - len, "; %s", why);
}

static void given_up(const struct hub *h, bool trickle, char out[64])
{
    snprintf(out, 64, "given up after %u s%s", (unsigned)((h->stall_ms + 999) / 1000),
             trickle ? " with next to nothing new" : "");
}

static void stalled(void *arg)
{
    struct get *g = arg;
    char why[64];
    struct tunic_error error;
    size_t now = get_received(g);
    if (now >= g->counted + PROGRESS_LEAST) {
        g->counted = now;
        hub_arm(g->source->hub, &g->stall, g->source->hub->stall_ms);
        return;
    }
    if (g->dir && tunic_dir_wait(g->dir, 0, &error) == 0)
        return; /* it has just come */
    given_up(g->source->hub, now > 0, why);
    get_where(g, why, &error);
    settle(g, &error);
}

/* ---- one request: its carriers ---- */

static void on_dir(void *arg, struct tunic_dir_request *request, enum tunic_event event)
{
    struct get *g = arg;
    if (event == TUNIC_EVENT_CLOSED)
        settle(g, tunic_dir_error(request));
    else if (event == TUNIC_EVENT_OPEN && !g->settled)
        hub_arm(g->source->hub, &g->stall, g->source->hub->stall_ms);
}

static void on_progress(void *arg)
{
    struct get *g = arg;
    if (!g->settled && !g->counted && !get_received(g)) /* connected */
        hub_arm(g->source->hub, &g->stall, g->source->hub->stall_ms);
}

static void on_http_settled(void *arg, const struct tunic_error *error)
{
    settle(arg, error->cls ? error : NULL);
}

static const struct http_ops http_ops = {.progress = on_progress, .settled = on_http_settled};

static bool begin_http(struct get *g)
{
    struct source *s = g->source;
    char host[IPPORT_TEXT_MAX];
    bool anonymous = s->spec->kind == SOURCE_ANONYMOUS;
    const struct http_ask ask = {
        .path = g->path,
        .host = anonymous ? "localhost" : ipport_text(&s->spec->addr, host),
        .accept = s->hub->accept,
        .anonymous = anonymous,
        .raw = s->hub->raw,
        .most = g->most,
    };
    const struct dirtunnel_wish wish = {
        .ask = &ask, .session = s->hub->sessions, .authority = g->authority_only};
    if (http_init(&g->http, &ask) != OK)
        return false;
    if (anonymous)
        g->tunnel = dirtunnel_new(net_env(s->hub->net), host_client(s->hub->host), &wish, &g->http,
                                  &http_ops, g);
    else
        g->port = dirport_new(s->hub->net, &s->spec->addr, &ask, &g->http, &http_ops, g);
    return g->port || g->tunnel;
}

/* The source is open. */
static void begin(struct get *g)
{
    struct tunic_error error = {.cls = TUNIC_OK};
    struct tunic_dir_options o = TUNIC_DIR_OPTIONS_INIT;
    net_enter(g->source->hub->net);
    if (g->source->spec->kind != SOURCE_ORPORT) {
        if (!begin_http(g))
            lib_error_of(&error, ERR_NOMEM, TUNIC_STAGE_NONE, "a new request");
    } else {
        o.path = g->path;
        o.accept = g->source->hub->accept;
        o.raw = g->source->hub->raw;
        o.most = g->most;
        o.callback = on_dir;
        o.callback_arg = g;
        g->dir = tunic_dir_start(g->source->circuit, &o, &error);
        if (!g->dir && error.cls == TUNIC_USAGE && error.stage == TUNIC_STAGE_CIRCUIT)
            error.cls = TUNIC_OK; /* it has just ended: the event that says why is on its way */
    }
    if (error.cls)
        settle(g, &error);
    else if (!g->tunnel) /* a client needs its directory first, and tries again by itself */
        hub_arm(g->source->hub, &g->stall, g->source->hub->stall_ms);
}

/* ---- sources ---- */

static void source_failed(struct source *s, const struct tunic_error *error)
{
    struct get *g;
    if (s->state == SOURCE_FAILED)
        return;
    s->state = SOURCE_FAILED;
    s->failures++;
    s->error = *error;
    disarm(s->hub, &s->stall);
    disarm(s->hub, &s->silent);
    DL_FOREACH (s->gets, g)
        settle(g, error);
}

static void source_stalled(void *arg)
{
    struct source *s = arg;
    char why[64];
    struct tunic_error error = {.cls = TUNIC_OK};
    if (!source_where(s, &error))
        return;
    given_up(s->hub, false, why);
    size_t len = strlen(error.text);
    snprintf(error.text + len, sizeof error.text - len, "; %s", why);
    source_failed(s, &error);
}

static void is_http(void *arg)
{
    struct source *s = arg;
    struct tunic_error error;
    if (s->state != SOURCE_OPENING)
        return;
    lib_error(&error, TUNIC_PROTOCOL, TUNIC_STAGE_TLS, "it answers in plain HTTP");
    source_failed(s, &error);
}

/* Connected, and silent: a directory port waits for the rest of a request. */
static void silent(void *arg)
{
    struct source *s = arg;
    struct tunic_error error;
    if (!s->suspected && source_where(s, &error) && error.stage == TUNIC_STAGE_TLS)
        s->suspected = suspect_new(s->hub->net, &s->spec->addr, is_http, s);
}

static void on_circuit(void *arg, struct tunic_circuit *circuit, enum tunic_event event)
{
    struct source *s = arg;
    struct get *g;
    if (event == TUNIC_EVENT_CLOSED && tunic_circuit_error(circuit))
        source_failed(s, tunic_circuit_error(circuit));
    if (event != TUNIC_EVENT_OPEN || s->state != SOURCE_OPENING)
        return;
    s->state = SOURCE_OPEN;
    disarm(s->hub, &s->stall);
    DL_FOREACH (s->gets, g)
        if (!g->settled)
            begin(g);
}

static void on_relay(void *arg, struct tunic_relay *relay, enum tunic_event event)
{
    struct source *s = arg;
    struct tunic_error error;
    struct tunic_circuit_options o = TUNIC_CIRCUIT_OPTIONS_INIT;
    if (event == TUNIC_EVENT_CLOSED && tunic_relay_error(relay))
        source_failed(s, tunic_relay_error(relay));
    if (event != TUNIC_EVENT_OPEN || s->state != SOURCE_OPENING)
        return;
    s->has_rsa = tunic_relay_rsa_id(relay, s->rsa.b) == 0;
    s->has_ed = tunic_relay_ed25519_id(relay, s->ed.b) == 0;
    o.callback = on_circuit;
    o.callback_arg = s;
    s->circuit = tunic_circuit_start(relay, &o, &error);
    if (!s->circuit || tunic_circuit_start_hop(s->circuit, TUNIC_CREATE_FAST, NULL, &error) != 0)
        source_failed(s, &error);
    else
        hub_arm(s->hub, &s->stall, s->hub->stall_ms);
}

static void source_open(struct source *s)
{
    char address[IP_TEXT_MAX];
    struct tunic_error error;
    struct tunic_relay_options o = TUNIC_RELAY_OPTIONS_INIT;
    s->state = s->spec->kind == SOURCE_ORPORT ? SOURCE_OPENING : SOURCE_OPEN;
    if (s->state == SOURCE_OPEN)
        return;
    o.address = ip_text(&s->spec->addr.ip, address);
    o.port = s->spec->addr.port;
    o.rsa_id = s->spec->has_rsa ? s->spec->rsa.b : NULL;
    o.ed25519_id = s->spec->has_ed ? s->spec->ed.b : NULL;
    o.callback = on_relay;
    o.callback_arg = s;
    s->relay = tunic_relay_start(s->hub->tunic, &o, &error);
    if (s->relay) {
        hub_arm(s->hub, &s->stall, s->hub->stall_ms);
        hub_arm(s->hub, &s->silent, SUSPECT_AFTER_MS);
    } else {
        source_failed(s, &error);
    }
}

void source_init(struct source *s, struct hub *h, const struct source_spec *spec)
{
    *s = (struct source){.hub = h, .spec = spec};
    timer_init(&s->stall, source_stalled, s);
    timer_init(&s->silent, silent, s);
}

void source_close(struct source *s)
{
    disarm(s->hub, &s->stall);
    disarm(s->hub, &s->silent);
    suspect_free(s->suspected);
    s->suspected = NULL;
    tunic_circuit_free(s->circuit);
    tunic_relay_free(s->relay);
    s->circuit = NULL;
    s->relay = NULL;
    s->state = SOURCE_NEW;
}

/* ---- requests ---- */

struct get *get_start(struct source *s, const struct get_ask *ask)
{
    struct get *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    *g = (struct get){.source = s,
                      .path = text_dup(text_of(ask->path)),
                      .most = ask->most,
                      .authority_only = ask->authority_only,
                      .on_settled = ask->settled,
                      .arg = ask->arg};
    if (!g->path) {
        free(g);
        return NULL;
    }
    timer_init(&g->stall, stalled, g);
    timer_init(&g->tell, tell, g);
    if (s->state == SOURCE_FAILED && !s->n_gets)
        source_close(s);
    if (s->state == SOURCE_NEW)
        source_open(s);
    DL_APPEND(s->gets, g);
    s->n_gets++;
    if (s->state == SOURCE_FAILED)
        settle(g, &s->error);
    else if (s->state == SOURCE_OPEN)
        begin(g);
    return g;
}

void get_free(struct get *g)
{
    if (!g)
        return;
    disarm(g->source->hub, &g->stall);
    disarm(g->source->hub, &g->tell);
    tunic_dir_request_free(g->dir);
    net_enter(g->source->hub->net);
    dirport_free(g->port);
    dirtunnel_free(g->tunnel);
    http_free(&g->http);
    DL_DELETE(g->source->gets, g);
    g->source->n_gets -= !g->settled;
    free(g->path);
    free(g);
}

struct source *get_source(const struct get *g)
{
    return g->source;
}

const struct tunic_error *get_error(const struct get *g)
{
    return g->error.cls ? &g->error : NULL;
}

struct text get_document(const struct get *g)
{
    struct text t = g->http.reply.body;
    if (g->dir)
        t.s = tunic_dir_document(g->dir, &t.len);
    return t.s && !g->error.cls ? t : (struct text){"", 0};
}

const char *get_encoding(const struct get *g)
{
    return g->dir ? tunic_dir_encoding(g->dir) : dir_encoding_name(g->http.reply.encoding);
}

size_t get_received(const struct get *g)
{
    if (g->dir)
        return tunic_dir_received(g->dir);
    return g->http.machine ? dirhttp_body_received(g->http.machine) : 0;
}

size_t get_expected(const struct get *g)
{
    if (g->dir)
        return tunic_dir_expected(g->dir);
    return g->http.machine ? dirhttp_body_length(g->http.machine) : 0;
}
