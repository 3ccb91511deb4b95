#include "app/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/process.h"
#include "client/bootstrap.h"
#include "crypto/secret.h"
#include "host/apply.h"
#include "net/net.h"
#include "net/socksport.h"
#include "net/world.h"

enum { OWNER_POLL_MS = 15000 };

struct running {
    struct app *app;
    struct process process;
    struct net *net;
    struct world world;
    struct client *client;
    struct socksports *socks;
    struct socks_warnings warnings;
    bool started;       /* not with DisableNetwork */
    int status;         /* of the process */
    struct timer owner; /* __OwningControllerProcess: is it still there? */
};

static bool socks_policy(void *arg, const struct ipport *peer)
{
    struct running *r = arg;
    return addr_policy_accepts(&r->app->options->is.socks_policy, &peer->ip, peer->port);
}

static int fail(const struct app *app, const char *why)
{
    log_warn(app->log, "%s", why);
    log_err(app->log, "Reading config failed--see warnings above.");
    return 1;
}

/* As tor: handle_missing_protocol_warning_impl(). */
static void on_obsolete(void *arg, const char *missing)
{
    struct running *r = arg;
    (void)missing;
    r->status = 1;
    net_stop(r->net);
}

static const struct bootstrap_watch watch = {.obsolete = on_obsolete};

/* ---- options into effect ---- */

static err_t open_ports(struct running *r, struct conf_err *e)
{
    struct socksport_spec *specs;
    size_t n;
    if (apply_ports(r->app->options, &r->warnings, &specs, &n) != OK)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    if (r->app->options->disable_network)
        n = 0;
    err_t status = socksports_prepare(r->socks, specs, n);
    if (status == OK)
        socksports_commit(r->socks);
    free(specs);
    return status == OK ? OK : conf_fail(e, status, "Failed to bind one of the listener ports.");
}

static err_t new_client(struct running *r, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    err_t status = apply_client(r->app->options, &a);
    if (status == OK)
        status = client_new(net_env(r->net), &a.config, &world_ops, &r->world, &r->client, why);
    if (status != OK)
        return conf_fail(e, status, "%s", why);
    applied_free(&a);
    client_set_watch(r->client, &watch, r);
    return OK;
}

static err_t reconfigure_client(struct running *r, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    err_t status = apply_client(r->app->options, &a);
    if (status != OK)
        return conf_fail(e, status, "%s", why);
    status = client_reconfigure(r->client, &a.config, why);
    applied_free(&a);
    return status == OK ? OK : conf_fail(e, status, "%s", why);
}

static void set_binding(struct running *r)
{
    r->world.bind_v4 = r->app->options->is.bind_or_v4;
    r->world.bind_v6 = r->app->options->is.bind_or_v6;
    net_set_socket_buffers(r->net, r->app->options->is.sock_bytes);
}

static void start_client(struct running *r)
{
    if (r->started || r->app->options->disable_network)
        return;
    r->started = true;
    client_start(r->client);
}

/* ---- SIGHUP ---- */

static err_t read_again(struct running *r, struct options **out, struct conf_err *e)
{
    TRY(cmdline_load(r->app->cmdline, r->app->load, out, NULL, e));
    err_t status = apply_check(*out, e);
    if (status == OK)
        status = options_check_transition(r->app->options, *out, e);
    if (status != OK)
        options_free(*out);
    return status;
}

static err_t take_effect(struct running *r, const struct options *old, struct conf_err *e)
{
    TRY(logfile_open(r->app->logfile, r->app->options, old, e));
    set_binding(r);
    TRY(reconfigure_client(r, e));
    TRY(open_ports(r, e));
    start_client(r);
    return OK;
}

static void reload(struct running *r)
{
    struct conf_err e;
    struct options *fresh, *old = r->app->options;
    log_notice(r->app->log,
               "Received reload signal (hup). Reloading config and resetting internal state.");
    if (read_again(r, &fresh, &e) != OK) {
        log_warn(r->app->log, "%s", e.text);
        log_warn(r->app->log, "The configuration was not changed.");
        return;
    }
    r->app->options = fresh;
    if (take_effect(r, old, &e) != OK)
        log_warn(r->app->log, "Not all of the new configuration took effect: %s", e.text);
    options_free(old);
}

/* ---- signals ---- */

static void stop(struct running *r, const char *line)
{
    log_notice(r->app->log, "%s", line);
    net_stop(r->net);
}

static void on_signal(void *arg, int signum)
{
    struct running *r = arg;
    switch (signum) {
    case SIGHUP:
        reload(r);
        break;
    case SIGINT:
        stop(r, "Interrupt: exiting cleanly.");
        break;
    case SIGTERM:
        stop(r, "Catching signal TERM, exiting cleanly.");
        break;
    case SIGUSR1:
        client_dump(r->client);
        log_notice(r->app->log, "%zu SOCKS connections", socksports_connections(r->socks));
        break;
    case SIGUSR2:
        logfile_debug(r->app->logfile);
        log_notice(r->app->log, "Switched to loglevel debug. Send HUP to change back.");
        break;
    default:
        break;
    }
}

static err_t watch_signals(struct running *r)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    if (r->app->options->disable_signal_handlers)
        return OK;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        TRY(net_on_signal(r->net, signals[i], on_signal, r));
    return OK;
}

static void check_owner(void *arg)
{
    struct running *r = arg;
    const char *pid = r->app->options->owning_controller_process;
    if (!process_alive((pid_t)strtol(pid, NULL, 10)))
        stop(r, "Owning controller process has vanished: exiting now.");
    else
        env_arm_ms(net_env(r->net), &r->owner, OWNER_POLL_MS);
}

/* ---- the run ---- */

static err_t make_parts(struct running *r, struct conf_err *e)
{
    if (crypto_init() != OK || net_new(r->app->log, NULL, &r->net) != OK)
        return conf_fail(e, ERR_NOMEM, "The event loop or the crypto library did not start");
    r->world.net = r->net;
    set_binding(r);
    TRY(new_client(r, e));
    r->socks = socksports_new(r->net, r->client, socks_policy, r);
    return r->socks ? OK : conf_fail(e, ERR_NOMEM, "Out of memory");
}

static err_t settle_down(struct running *r, struct conf_err *e)
{
    const struct options *o = r->app->options;
    TRY(process_settle(&r->process, o, r->app->log, e));
    TRY(logfile_open(r->app->logfile, o, NULL, e));
    if (files_open(o->is.data_dir, r->app->log, &r->world.files) != OK)
        return conf_fail(e, ERR_IO, "Cannot open DataDirectory %s: %s", o->is.data_dir,
                         strerror(errno));
    return OK;
}

/* The order is tor's: what needs privileges comes first, then they are given up. */
static err_t begin(struct running *r, struct conf_err *e)
{
    TRY(process_begin(&r->process, r->app->options, r->app->log, e));
    TRY(make_parts(r, e));
    if (!r->app->options->disable_network)
        TRY(open_ports(r, e));
    TRY(settle_down(r, e));
    if (world_load(&r->world, r->client) != OK)
        return conf_fail(e, ERR_IO, "The state of the last run cannot be read.");
    if (watch_signals(r) != OK)
        return conf_fail(e, ERR_NOMEM, "Signals could not be watched");
    return OK;
}

static void end(struct running *r)
{
    socksports_free(r->socks);
    client_free(r->client);
    files_close(r->world.files);
    if (r->net)
        env_disarm(net_env(r->net), &r->owner);
    net_free(r->net);
    process_end(&r->process);
}

int app_run(struct app *app)
{
    struct running r = {.app = app, .process = {.ready_fd = -1, .lock_fd = -1}};
    struct conf_err e;
    if (begin(&r, &e) != OK) {
        end(&r);
        return fail(app, e.text);
    }
    timer_init(&r.owner, check_owner, &r);
    if (app->options->owning_controller_process)
        env_arm_ms(net_env(r.net), &r.owner, 0);
    start_client(&r);
    process_serving(&r.process);
    net_run(r.net);
    end(&r);
    return r.status;
}
