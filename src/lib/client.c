#include "lib/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/relay.h"
#include "lib/stream.h"

enum { READY = 100 };

/* ---- the client's callbacks ---- */

static void on_bootstrap(struct tunic_client *c, const struct event_bootstrap *e)
{
    if (e->problem) {
        if (c->progress.percent < READY)
            lib_error_of_link(&c->error, &e->end);
        return;
    }
    c->progress.percent = e->step.percent;
    snprintf(c->progress.tag, sizeof c->progress.tag, "%s", e->step.tag);
    snprintf(c->progress.summary, sizeof c->progress.summary, "%s", e->step.summary);
    handle_tell(&c->h, e->step.percent == READY ? TUNIC_EVENT_OPEN : TUNIC_EVENT_PROGRESS);
}

static void catch_up(struct tunic_client *c)
{
    const struct event_bootstrap done = {.step = *client_bootstrap_step(c->client)};
    on_bootstrap(c, &done);
}

static void on_obsolete(struct tunic_client *c, const char *missing)
{
    if (c->obsolete)
        return;
    c->obsolete = true;
    lib_error(&c->error, TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
              "the network requires protocols that this version lacks: %.120s", missing);
    host_close_ports(c->host);
    handle_tell(&c->h, TUNIC_EVENT_CLOSED);
}

static void on_event(void *arg, const struct event_record *e)
{
    if (e->kind == EVENT_BOOTSTRAP)
        on_bootstrap(arg, &e->bootstrap);
    else if (e->kind == EVENT_STATUS && e->status.what == STATUS_OBSOLETE)
        on_obsolete(arg, e->status.text);
}

/* What records were lost is looked at: what there is now counts. */
static void on_lost(void *arg, size_t n)
{
    struct tunic_client *c = arg;
    const char *missing = client_obsolete(c->client);
    (void)n;
    if (missing)
        on_obsolete(c, missing);
    else if (client_is_ready(c->client) && c->progress.percent < READY)
        catch_up(c);
}

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_client *c = (struct tunic_client *)h;
    struct tunic_error why;
    lib_error(&why, TUNIC_CLOSED, TUNIC_STAGE_STREAM, "the program closed the client");
    lib_streams_lose(&c->open, &why);
    host_free(c->host);
    free(c->home);
    c->host = NULL;
    c->client = NULL;
    c->home = NULL;
}

static void call(struct handle *h, enum tunic_event event)
{
    struct tunic_client *c = (struct tunic_client *)h;
    if (c->callback)
        c->callback(c->callback_arg, c, event);
}

static const struct handle_kind client_kind = {.end = end, .call = call};

static int conf_error(struct tunic_error *error, err_t e, const char *why)
{
    bool ours = e == ERR_NOMEM || e == ERR_IO || e == ERR_STATE;
    return lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_USAGE, TUNIC_STAGE_NONE, "%s", why);
}

/* The error that host_new() or host_change() returned; ERR_IO is about listeners, for a library has
 * no log files. */
static int host_error(struct tunic_error *error, err_t e, const char *why)
{
    int sys_errno = errno;
    if (e != ERR_IO || !sys_errno)
        return conf_error(error, e == ERR_STATE ? ERR_ARG : e, why);
    lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_NONE,
              "a SocksPort or ControlPort could not be opened: %s", strerror(sys_errno));
    if (error)
        error->sys_errno = sys_errno;
    return -1;
}

static int begin(struct tunic_client *c, struct options *gift_options,
                 const struct tunic_client *other, struct tunic_error *error)
{
    const struct host_place place = {.net = c->h.t->net,
                                     .share = other ? other->host : NULL,
                                     .home = c->home,
                                     .quiet = QUIET_LIBRARY};
    struct conf_err why;
    err_t e = host_new(&place, gift_options, &c->host, &why);
    if (e != OK)
        return host_error(error, e, why.text);
    c->client = host_client(c->host);
    c->listener = (struct event_listener){.on_event = on_event, .on_lost = on_lost, .arg = c};
    client_listen(c->client, &c->listener, EVENT_BIT(EVENT_BOOTSTRAP) | EVENT_BIT(EVENT_STATUS));
    e = host_begin(c->host, &why);
    return e == OK ? 0 : conf_error(error, e, why.text);
}

/* A client to share with, or NULL; -1 if it cannot be. */
static int check_other(const struct tunic *t, const struct tunic_client *other,
                       struct tunic_error *error)
{
    if (!other || (other->h.t == t && other->host))
        return 0;
    return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE,
                     "share_with is a client of another instance");
}

struct tunic_client *tunic_client_start(struct tunic *t, const struct tunic_client_options *options,
                                        struct tunic_error *error)
{
    const struct tunic_client_options none = TUNIC_CLIENT_OPTIONS_INIT;
    struct tunic_client_options o;
    if (!t || !lib_enter(t, error))
        return NULL;
    lib_options(&o, sizeof o, options ? options : &none);
    if (check_other(t, o.share_with, error) != 0)
        return NULL;
    struct tunic_client *c = calloc(1, sizeof *c);
    if (!c) {
        lib_error_of(error, ERR_NOMEM, TUNIC_STAGE_NONE, "a new client");
        return NULL;
    }
    c->callback = o.callback;
    c->callback_arg = o.callback_arg;
    handle_init(&c->h, &client_kind, t, NULL);
    const struct options *base = o.share_with ? host_options(o.share_with->host) : NULL;
    struct options *chosen = lib_client_options(t, &o, base, error);
    c->home = strdup(lib_home());
    if (chosen && begin(c, chosen, o.share_with, error) == 0)
        return c;
    tunic_client_free(c);
    return NULL;
}

void tunic_client_free(struct tunic_client *client)
{
    if (client)
        handle_free(&client->h);
}

/* ---- waiting ---- */

static bool is_ready(const void *arg)
{
    const struct tunic_client *c = arg;
    return c->progress.percent == READY && !c->obsolete;
}

static bool is_settled(const void *arg)
{
    return ((const struct tunic_client *)arg)->obsolete || is_ready(arg);
}

static int late(const struct tunic_client *c, int timeout_ms, struct tunic_error *error)
{
    bool problem = c->error.cls != TUNIC_OK;
    lib_error(error, TUNIC_TIMEOUT, problem ? c->error.stage : TUNIC_STAGE_DIRECTORY,
              "not ready within %d ms: %d%% (%s)%s%.100s", timeout_ms, c->progress.percent,
              host_options(c->host)->disable_network ? "DisableNetwork" : c->progress.summary,
              problem ? "; " : "", c->error.text);
    if (error && problem)
        error->reason = c->error.reason;
    return -1;
}

int tunic_client_wait(struct tunic_client *client, int timeout_ms, struct tunic_error *error)
{
    if (!client || !lib_enter(client->h.t, error))
        return -1;
    int is_late = lib_wait_for(&client->h, timeout_ms, is_settled, error);
    if (is_late == 0 && client->obsolete)
        return lib_error_copy(error, &client->error);
    return is_late < 0 ? -1 : is_late ? late(client, timeout_ms, error) : 0;
}

struct tunic_client *tunic_client_open(struct tunic *t, const char *torrc, int timeout_ms,
                                       struct tunic_error *error)
{
    struct tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = torrc;
    struct tunic_client *c = tunic_client_start(t, &o, error);
    if (!c || tunic_client_wait(c, timeout_ms, error) == 0)
        return c;
    tunic_client_free(c);
    return NULL;
}

/* ---- what it is ---- */

void tunic_client_progress(const struct tunic_client *client, struct tunic_progress *out)
{
    if (out)
        *out = client ? client->progress : (struct tunic_progress){.percent = 0};
}

int tunic_client_is_ready(const struct tunic_client *client)
{
    return client && is_ready(client);
}

const struct tunic_error *tunic_client_error(const struct tunic_client *client)
{
    return client && client->error.cls ? &client->error : NULL;
}

uint16_t tunic_client_socks_port(const struct tunic_client *client)
{
    return client && client->host ? host_socks_port(client->host) : 0;
}

/* ---- options while it runs ---- */

int tunic_client_set(struct tunic_client *client, const char *name, const char *value,
                     struct tunic_error *error)
{
    struct tunic_client *c = client;
    if (!c || !lib_enter(c->h.t, error))
        return -1;
    if (!name)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "an option needs a name");
    struct options *fresh =
        lib_client_options_set(c->h.t, host_options(c->host), name, value, error);
    if (!fresh)
        return -1;
    struct conf_err why;
    err_t e = host_change(c->host, fresh, HOST_SET, &why);
    return e == OK ? 0 : host_error(error, e, why.text);
}

int tunic_client_get(const struct tunic_client *client, const char *name, char *out, size_t size)
{
    struct conf_line *lines;
    const struct opt *opt = client && client->host && name ? opt_find(name) : NULL;
    size_t len = 0;
    if (!opt || options_get(host_options(client->host), opt, &lines) != OK)
        return -1;
    size = out ? size : 0;
    if (size)
        out[0] = 0;
    for (const struct conf_line *l = lines; l; l = l->next) {
        size_t at = len < size ? len : size;
        len += (size_t)snprintf(out + at, size - at, "%s%s", len ? "\n" : "", l->value);
    }
    conf_lines_free(lines);
    return (int)len;
}

void tunic_client_new_identity(struct tunic_client *client)
{
    if (client && client->client && lib_enter(client->h.t, NULL))
        client_new_identity(client->client);
}
