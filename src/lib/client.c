#include "lib/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bootstrap.h"
#include "host/apply.h"
#include "host/folder.h"
#include "lib/relay.h"
#include "lib/stream.h"

enum { READY = 100 };

/* ---- the client's callbacks ---- */

static void on_progress(void *arg)
{
    struct tunic_client *c = arg;
    const struct bootstrap *b = client_bootstrap(c->client);
    c->progress.percent = b->percent;
    snprintf(c->progress.tag, sizeof c->progress.tag, "%s", b->tag);
    snprintf(c->progress.summary, sizeof c->progress.summary, "%s", b->summary);
    handle_tell(&c->h, b->percent == READY ? TUNIC_EVENT_OPEN : TUNIC_EVENT_PROGRESS);
}

static void on_problem(void *arg, const struct link_end *end)
{
    struct tunic_client *c = arg;
    if (c->progress.percent < READY)
        lib_error_of_link(&c->error, end);
}

static void on_obsolete(void *arg, const char *missing)
{
    struct tunic_client *c = arg;
    c->obsolete = true;
    lib_error(&c->error, TUNIC_PROTOCOL, TUNIC_STAGE_DIRECTORY,
              "the network requires protocols that this version lacks, upgrade: %.120s", missing);
    lib_streams_lose(&c->open, &c->error);
    socksports_free(c->socks);
    c->socks = NULL;
    handle_tell(&c->h, TUNIC_EVENT_CLOSED);
}

static const struct bootstrap_watch watch = {
    .progress = on_progress, .problem = on_problem, .obsolete = on_obsolete};

static bool socks_policy(void *arg, const struct ipport *peer)
{
    const struct tunic_client *c = arg;
    return addr_policy_accepts(&c->options->is.socks_policy, &peer->ip, peer->port);
}

/* ---- life ---- */

static void end(struct handle *h)
{
    struct tunic_client *c = (struct tunic_client *)h;
    struct tunic_error why;
    lib_error(&why, TUNIC_CLOSED, TUNIC_STAGE_STREAM, "the program closed the client");
    lib_streams_lose(&c->open, &why);
    socksports_free(c->socks);
    client_free(c->client);
    files_close(c->world.files);
    if (c->lock_fd >= 0)
        close(c->lock_fd);
    options_free(c->options);
    c->client = NULL;
    c->options = NULL;
    c->socks = NULL;
    c->lock_fd = -1;
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

static int open_folder(struct tunic_client *c, struct tunic_error *error)
{
    const struct options *o = c->options;
    struct conf_err why;
    if (!o->data_directory)
        return 0;
    err_t e = folder_make_private(o->is.data_dir, true, o->data_directory_group_readable, NULL,
                                  &c->h.t->log, &why);
    if (e == OK)
        e = folder_lock(o->is.data_dir, &c->lock_fd, &why);
    if (e != OK)
        return conf_error(error, e, why.text);
    if (files_open(o->is.data_dir, &c->h.t->log, &c->world.files) != OK)
        return lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_NONE, "DataDirectory %s: %s",
                         o->is.data_dir, strerror(errno));
    return 0;
}

static int make_client(struct tunic_client *c, const struct tunic_client *other,
                       struct tunic_error *error)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "out of memory";
    err_t e = apply_client(c->options, &a);
    if (e == OK) {
        e = client_new_sharing(other ? other->client : NULL, net_env(c->h.t->net), &a.config,
                               &world_ops, &c->world, &c->client, why);
        applied_free(&a);
    }
    if (e != OK)
        return conf_error(error, e, why);
    client_set_watch(c->client, &watch, c);
    return 0;
}

static int open_ports(struct tunic_client *c, struct tunic_error *error)
{
    struct socksport_spec *specs = NULL;
    size_t n;
    if (!c->socks && !c->options->is.n_socks_ports)
        return 0;
    if (!c->socks)
        c->socks = socksports_new(c->h.t->net, c->client, socks_policy, c);
    err_t e = c->socks ? apply_ports(c->options, &c->warnings, &specs, &n) : ERR_NOMEM;
    errno = 0;
    if (e == OK)
        e = socksports_prepare(c->socks, specs, c->options->disable_network ? 0 : n);
    int why = errno;
    free(specs);
    if (e == OK) {
        socksports_commit(c->socks);
        return 0;
    }
    conf_error(error, e, "a SocksPort could not be opened");
    if (error && e == ERR_IO && why) {
        error->sys_errno = why;
        snprintf(error->text, sizeof error->text, "a SocksPort could not be opened: %s",
                 strerror(why));
    }
    return -1;
}

/* What options say of the world outside, at the start and when they change. */
static int take_effect(struct tunic_client *c, struct tunic_error *error)
{
    c->world.bind_v4 = c->options->is.bind_or_v4;
    c->world.bind_v6 = c->options->is.bind_or_v6;
    if (open_ports(c, error) != 0)
        return -1;
    if (!c->started && !c->options->disable_network) {
        c->started = true;
        client_start(c->client);
    }
    return 0;
}

static int begin(struct tunic_client *c, const struct tunic_client *other,
                 struct tunic_error *error)
{
    if (open_folder(c, error) != 0 || make_client(c, other, error) != 0)
        return -1;
    if (world_load(&c->world, c->client) != OK)
        return lib_error(error, TUNIC_SYSTEM, TUNIC_STAGE_NONE,
                         "the file \"state\" in DataDirectory %s is there and cannot be read",
                         c->options->is.data_dir);
    return take_effect(c, error);
}

/* A client to share with, or NULL; -1 if it cannot be. */
static int check_other(const struct tunic *t, const struct tunic_client *other,
                       struct tunic_error *error)
{
    if (!other || (other->h.t == t && other->client))
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
    c->lock_fd = -1;
    c->world.net = t->net;
    c->callback = o.callback;
    c->callback_arg = o.callback_arg;
    handle_init(&c->h, &client_kind, t, NULL);
    c->options = lib_client_options(t, &o, o.share_with ? o.share_with->options : NULL, error);
    if (c->options && begin(c, o.share_with, error) == 0)
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
              c->options->disable_network ? "DisableNetwork" : c->progress.summary,
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
    return client && client->socks ? socksports_first(client->socks) : 0;
}

/* ---- options while it runs ---- */

static int reconfigure(struct tunic_client *c, const struct options *o, struct tunic_error *error)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "out of memory";
    err_t e = apply_client(o, &a);
    if (e == OK) {
        e = client_reconfigure(c->client, &a.config, why);
        applied_free(&a);
    }
    return e == OK ? 0 : conf_error(error, e, why);
}

int tunic_client_set(struct tunic_client *client, const char *name, const char *value,
                     struct tunic_error *error)
{
    struct tunic_client *c = client;
    if (!c || !lib_enter(c->h.t, error))
        return -1;
    if (!name)
        return lib_error(error, TUNIC_USAGE, TUNIC_STAGE_NONE, "an option needs a name");
    struct options *old = c->options;
    struct options *fresh = lib_client_options_set(c->h.t, old, name, value, error);
    if (!fresh)
        return -1;
    if (reconfigure(c, fresh, error) != 0) {
        options_free(fresh);
        return -1;
    }
    c->options = fresh;
    int status = take_effect(c, error);
    if (status == 0) {
        options_free(old);
        return 0;
    }
    /* A SocksPort would not open: the old ones are still there. */
    c->options = old;
    (void)!reconfigure(c, old, NULL);
    options_free(fresh);
    return -1;
}

int tunic_client_get(const struct tunic_client *client, const char *name, char *out, size_t size)
{
    struct conf_line *lines;
    const struct opt *opt = client && client->options && name ? opt_find(name) : NULL;
    size_t len = 0;
    if (!opt || options_get(client->options, opt, &lines) != OK)
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
