#include "app/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/monitors.h"
#include "app/notify.h"
#include "app/process.h"
#include "app/sandbox.h"
#include "client/steer.h"
#include "crypto/secret.h"
#include "host/host.h"
#include "net/net.h"

enum { OWNER_POLL_MS = 15000, LOCK_WAIT_S = 5 };

struct running {
    struct app *app;
    struct process process;
    struct net *net;
    struct host *host;
    struct event_listener listener;
    struct monitors *monitors;
    struct port_front fronts[PORT_KINDS];
    int status;         /* of the process */
    struct timer owner; /* __OwningControllerProcess: is it still there? */
    struct timer watchdog;
    struct host_process around; /* what the host asks of this process */
    char *torrc, *defaults_torrc;
};

/* The configuration was read, and is right: tor's "Reading config failed" would mislead. */
static int fail(const struct app *app, const char *why)
{
    log_warn(app->log, "%s", why);
    log_err(app->log, "Tunic could not start--see warnings above.");
    return 1;
}

/* As tor: handle_missing_protocol_warning_impl(). */
static void end_obsolete(struct running *r)
{
    r->status = 1;
    net_stop(r->net);
}

static void on_event(void *arg, const struct event_record *e)
{
    if (e->status.what == STATUS_OBSOLETE)
        end_obsolete(arg);
}

/* The one that mattered may be among those that were lost. */
static void on_lost(void *arg, size_t n)
{
    struct running *r = arg;
    (void)n;
    if (client_obsolete(host_client(r->host)))
        end_obsolete(r);
}

/* ---- what a change of options asks of the process ---- */

static void tell_sandbox(const struct running *r)
{
    int fds[SANDBOX_FDS_MAX];
    sandbox_log_to(fds, logfile_fds(r->app->logfile, fds, SANDBOX_FDS_MAX));
}

/* What options say of the process alone, now and after a change. */
static void set_process(struct running *r)
{
    const struct options *o = host_options(r->host);
    tell_sandbox(r);
    monitors_set(r->monitors, r->host);
    net_set_socket_buffers(r->net, o->is.sock_bytes);
    if (o->owning_controller_process)
        env_arm_ms(net_env(r->net), &r->owner, 0);
    else
        env_disarm(net_env(r->net), &r->owner);
}

static void stop(struct running *r, const char *line)
{
    log_notice(r->app->log, "%s", line);
    notify_stopping(r->app->log);
    net_stop(r->net);
}

static void terminate(void *arg)
{
    stop(arg, "Catching signal TERM, exiting cleanly.");
}

static err_t on_prepare(void *arg, const struct options *fresh, struct conf_err *e)
{
    const struct running *r = arg;
    return process_raise_fd_limit(fresh->conn_limit, r->app->log, e);
}

static void on_changed(void *arg)
{
    set_process(arg);
}

static err_t on_load(void *arg, const char *text, struct options **out, struct conf_err *e)
{
    const struct running *r = arg;
    err_t err = load_text(r->app->cmdline, r->app->load, text, host_options(r->host), out, e);
    return err == OK || err == ERR_NOMEM ? err : ERR_MALFORMED;
}

static const char *on_torrc(void *arg, bool defaults)
{
    const struct running *r = arg;
    return defaults ? r->defaults_torrc : r->torrc;
}

/* ---- SIGHUP ---- */

static err_t load_again(struct running *r, struct conf_err *e)
{
    struct options *fresh;
    TRY(load_configuration(r->app->cmdline, r->app->load, &fresh, e));
    return host_change(r->host, fresh, HOST_RELOAD, e);
}

/* logrotate has moved the files away, whatever is the matter with torrc. */
static void reopen_logs(struct running *r)
{
    struct conf_err e;
    if (host_reopen_logs(r->host, &e) != OK)
        log_warn(r->app->log, "%s", e.text);
    tell_sandbox(r);
}

static void reload(struct running *r)
{
    struct conf_err e;
    notify_reloading(r->app->log);
    log_notice(r->app->log,
               "Received reload signal (hup). Reloading config and resetting internal state.");
    if (!host_options(r->host)->reload_torrc_on_sighup) {
        log_notice(r->app->log, "Not reloading config file: the controller told us not to.");
        reopen_logs(r);
    } else if (load_again(r, &e) != OK) {
        reopen_logs(r);
        log_warn(r->app->log, "%s", e.text);
        log_warn(r->app->log, "The configuration was not changed.");
    }
    client_refresh(host_client(r->host));
    notify_ready(r->app->log);
}

/* ---- signals ---- */

static void dump(const struct running *r)
{
    client_dump(host_client(r->host));
    log_notice(r->app->log, "%zu SOCKS connections", host_connections(r->host));
}

/* From the kernel or from a controller. */
static void on_wish(void *arg, enum signal_what what)
{
    struct running *r = arg;
    switch (what) {
    case SIGNAL_RELOAD:
        reload(r);
        break;
    case SIGNAL_SHUTDOWN:
        stop(r, "Interrupt: exiting cleanly.");
        return;
    case SIGNAL_HALT:
        terminate(r);
        return;
    case SIGNAL_DUMP:
        dump(r);
        break;
    case SIGNAL_DEBUG:
        logfile_debug(r->app->logfile);
        log_notice(r->app->log, "Switched to loglevel debug. Send HUP to change back.");
        break;
    default:
        return;
    }
    client_tell_signal(host_client(r->host), what);
}

static const struct {
    int signum;
    enum signal_what what;
} signals[] = {{SIGHUP, SIGNAL_RELOAD},
               {SIGINT, SIGNAL_SHUTDOWN},
               {SIGTERM, SIGNAL_HALT},
               {SIGUSR1, SIGNAL_DUMP},
               {SIGUSR2, SIGNAL_DEBUG}};

static void on_signal(void *arg, int signum)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (signals[i].signum == signum)
            on_wish(arg, signals[i].what);
}

static err_t watch_signals(struct running *r)
{
    if (host_options(r->host)->disable_signal_handlers)
        return OK;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        TRY(net_on_signal(r->net, signals[i].signum, on_signal, r));
    return OK;
}

static void check_owner(void *arg)
{
    struct running *r = arg;
    const char *pid = host_options(r->host)->owning_controller_process;
    if (process_alive((pid_t)strtol(pid, NULL, 10))) {
        env_arm_ms(net_env(r->net), &r->owner, OWNER_POLL_MS);
        return;
    }
    log_notice(r->app->log, "Monitored process %s is dead.", pid);
    log_notice(r->app->log, "Owning controller process has vanished -- exiting now.");
    terminate(r);
}

/* Twice as often as the service manager asks for. */
static void watchdog(void *arg)
{
    struct running *r = arg;
    uint64_t us = notify_watchdog_us();
    if (!us)
        return;
    notify_watchdog(r->app->log);
    env_arm_ms(net_env(r->net), &r->watchdog, us / 2 / US_PER_MS);
}

/* ---- what the host asks of the process ---- */

static err_t make_around(struct running *r, struct conf_err *e)
{
    const struct cmdline *c = r->app->cmdline;
    r->torrc = load_path(c, r->app->load, false);
    r->defaults_torrc = load_path(c, r->app->load, true);
    r->around = (struct host_process){.prepare = on_prepare,
                                      .changed = on_changed,
                                      .load = on_load,
                                      .torrc = on_torrc,
                                      .terminate = terminate,
                                      .signal = on_wish,
                                      .no_torrc = cmdline_reads_stdin(c),
                                      .arg = r};
    return r->torrc && r->defaults_torrc ? OK : conf_fail(e, ERR_NOMEM, "Out of memory");
}

/* ---- the run ---- */

static err_t make_host(struct running *r, struct conf_err *e)
{
    const struct app *app = r->app;
    if (crypto_init() != OK || net_new(app->log, NULL, &r->net) != OK)
        return conf_fail(e, ERR_NOMEM, "The event loop or the crypto library did not start");
    net_return_memory(r->net);
    logfile_set_env(app->logfile, net_env(r->net));
    TRY(make_around(r, e));
    r->monitors = monitors_new(r->net, r->fronts);
    if (!r->monitors)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    const struct host_place place = {.net = r->net,
                                     .logs = app->logfile,
                                     .default_folder = true,
                                     .lock_wait_s = LOCK_WAIT_S,
                                     .process = &r->around,
                                     .fronts = r->fronts,
                                     .home = app->load->home,
                                     .quiet = app->cmdline->quiet};
    struct options *o = app->options;
    r->app->options = NULL;
    TRY(host_new(&place, o, &r->host, e));
    r->listener = (struct event_listener){.on_event = on_event, .on_lost = on_lost, .arg = r};
    client_listen(host_client(r->host), &r->listener, EVENT_BIT(EVENT_STATUS));
    return OK;
}

/* The order is tor's: what needs privileges comes first, then they are given up. */
static err_t begin(struct running *r, struct conf_err *e)
{
    TRY(process_begin(&r->process, r->app->options, r->app->log, e));
    TRY(make_host(r, e));
    const struct options *o = host_options(r->host);
    TRY(process_settle(o, r->app->log, e));
    TRY(host_begin(r->host, e));
    TRY(process_mark(&r->process, o, e));
    if (watch_signals(r) != OK)
        return conf_fail(e, ERR_NOMEM, "Signals could not be watched");
    return OK;
}

static void end(struct running *r)
{
    if (r->net) {
        env_disarm(net_env(r->net), &r->owner);
        env_disarm(net_env(r->net), &r->watchdog);
    }
    monitors_free(r->monitors);
    host_free(r->host);
    logfile_set_env(r->app->logfile, NULL);
    net_free(r->net);
    free(r->torrc);
    free(r->defaults_torrc);
    process_end(&r->process);
}

int app_run(struct app *app)
{
    struct running r = {.app = app, .process = {.ready_fd = -1}};
    struct conf_err e;
    timer_init(&r.owner, check_owner, &r);
    timer_init(&r.watchdog, watchdog, &r);
    err_t err = begin(&r, &e);
    if (err == OK) {
        set_process(&r);
        err = host_options(r.host)->sandbox ? sandbox_enter(app->log, &e) : OK;
    }
    if (err != OK) {
        end(&r);
        return fail(app, e.text);
    }
    process_serving(&r.process);
    notify_ready(app->log);
    watchdog(&r);
    net_run(r.net);
    end(&r);
    return r.status;
}
