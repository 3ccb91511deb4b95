#include "host/host_int.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/queue.h"
#include "client/steer.h"
#include "host/controllers.h"
#include "host/doors.h"
#include "host/memory.h"

const struct log *host_log(const struct host *h)
{
    return net_env(h->place.net)->log;
}

/* ---- what is done at the start and at a change ---- */

err_t host_apply(struct host *h, const struct options *o, struct applied *a, struct conf_err *e)
{
    struct geoip *geoip;
    TRY(geo_read_for_nodes(&h->geo, o, &geoip, e));
    if (apply_client(o, a) != OK)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    a->config.geoip = geoip;
    return OK;
}

void host_set_network(struct host *h)
{
    if (!h->options->disable_network) {
        client_start(h->client);
        return;
    }
    log_notice(host_log(h), "DisableNetwork is set. Tunic will not make or accept non-control "
                            "network connections. Shutting down all existing connections.");
    doors_hang_up(h->doors);
    client_stop(h->client);
}

void host_set_binding(struct host *h)
{
    h->world.bind_v4 = h->options->is.bind_or_v4;
    h->world.bind_v6 = h->options->is.bind_or_v6;
}

void host_set_limit(struct host *h)
{
    const struct options *o = h->options;
    const struct limit_rule rule = {.rate = o->bandwidth_rate,
                                    .burst = o->bandwidth_burst,
                                    .step_ms = (uint32_t)o->token_bucket_refill_ms,
                                    .counts_private = o->count_private_bandwidth};
    limit_set(h->world.limit, &rule);
}

void host_set_memory(struct host *h)
{
    queues_set_most(net_env(h->place.net),
                    memory_for_queues(h->options->max_mem_in_queues, memory_of_machine()));
}

err_t host_open_logs(struct host *h, enum host_why why, struct conf_err *e)
{
    if (!h->place.logs)
        return OK;
    TRY(logfile_prepare(h->place.logs, h->options, e));
    logfile_commit(h->place.logs, h->options, why == HOST_RELOAD);
    return OK;
}

/* ---- a change ---- */

/* All or nothing, and the last thing that may fail: it is not taken back. */
static err_t change_client(struct host *h, const struct options *o, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    TRY(host_apply(h, o, &a, e));
    err_t err = client_reconfigure(h->client, &a.config, why);
    applied_free(&a);
    return err == OK ? OK : conf_fail(e, err, "%s", why);
}

static err_t prepare_with_ports(struct host *h, const struct options *fresh, struct conf_err *e)
{
    err_t err = doors_prepare(h->doors, fresh, e);
    if (err == OK) {
        err = change_client(h, fresh, e);
        if (err != OK)
            doors_roll_back(h->doors);
    }
    if (err != OK)
        controllers_roll_back(h->controllers);
    return err;
}

/* Makes ready what can be taken back, and then asks the client, which cannot. */
static err_t prepare(struct host *h, const struct options *fresh, struct conf_err *e)
{
    const struct host_process *process = h->place.process;
    TRY(options_check_transition(h->options, fresh, e));
    if (process)
        TRY(process->prepare(process->arg, fresh, e));
    if (h->place.logs)
        TRY(logfile_prepare(h->place.logs, fresh, e));
    err_t err = controllers_prepare(h->controllers, fresh, e);
    if (err == OK)
        err = prepare_with_ports(h, fresh, e);
    if (err != OK && h->place.logs)
        logfile_roll_back(h->place.logs);
    return err;
}

err_t host_change(struct host *h, struct options *gift_fresh, enum host_why why, struct conf_err *e)
{
    struct options *old = h->options;
    err_t err = prepare(h, gift_fresh, e);
    if (err != OK) {
        options_free(gift_fresh);
        return err;
    }
    h->options = gift_fresh;
    if (h->place.logs)
        logfile_commit(h->place.logs, gift_fresh, why == HOST_RELOAD);
    doors_commit(h->doors, gift_fresh);
    controllers_commit(h->controllers, gift_fresh, doors_ports(h->doors));
    host_set_binding(h);
    host_set_limit(h);
    host_set_memory(h);
    heartbeat_set(&h->heartbeat, (unsigned)gift_fresh->heartbeat_period_s);
    if (gift_fresh->disable_network != old->disable_network)
        host_set_network(h);
    if (h->place.process)
        h->place.process->changed(h->place.process->arg);
    controllers_changed(h->controllers, old, gift_fresh);
    options_free(old);
    return OK;
}

err_t host_reopen_logs(struct host *h, struct conf_err *e)
{
    return host_open_logs(h, HOST_RELOAD, e);
}

void host_close_ports(struct host *h)
{
    doors_close(h->doors);
    doors_hang_up(h->doors);
}

void host_free(struct host *h)
{
    if (!h)
        return;
    if (h->heartbeat.net)
        heartbeat_set(&h->heartbeat, 0);
    doors_free(h->doors);
    controllers_free(h->controllers);
    routes_free(h->routes);
    client_free(h->client);
    limit_free(h->world.limit);
    geo_free(&h->geo);
    files_close(h->world.files);
    files_close(h->world.cache);
    if (h->lock_fd >= 0)
        close(h->lock_fd);
    options_free(h->options);
    free(h);
}

void host_say_heartbeat(struct host *h)
{
    heartbeat_say(&h->heartbeat);
    client_tell_signal(h->client, SIGNAL_HEARTBEAT);
}

const struct options *host_options(const struct host *h)
{
    return h->options;
}

const struct host_place *host_place_of(const struct host *h)
{
    return &h->place;
}

struct client *host_client(const struct host *h)
{
    return h->client;
}

uint16_t host_socks_port(const struct host *h)
{
    return ports_first(doors_ports(h->doors), PORT_SOCKS);
}

size_t host_connections(const struct host *h)
{
    return doors_connections(h->doors);
}

void host_each_port(const struct host *h, enum port_kind kind,
                    void (*fn)(void *arg, const char *name, bool is_unix), void *arg)
{
    ports_each(doors_ports(h->doors), kind, fn, arg);
}

struct geoip *host_geoip(struct host *h, enum ip_family family)
{
    struct geoip *g;
    return geo_read(&h->geo, h->options, family, &g) == OK ? g : NULL;
}

void host_facts(const struct host *h, struct control_process *out)
{
    facts_tell(&h->facts, net_env(h->place.net), out);
}
