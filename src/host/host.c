#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/steer.h"
#include "host/apply.h"
#include "host/controllers.h"
#include "host/doors.h"
#include "host/facts.h"
#include "host/folder.h"
#include "host/geo.h"
#include "host/heartbeat.h"
#include "net/limit.h"
#include "net/world.h"

enum { LOCK_TRIES_A_SECOND = 10 };

struct host {
    struct host_place place;
    struct options *options;
    struct world world;
    struct client *client;
    struct controllers *controllers;
    struct doors *doors;
    struct heartbeat heartbeat;
    struct geo geo;
    struct facts facts;
    int lock_fd; /* of DataDirectory; -1 */
};

static const struct log *log_of(const struct host *h)
{
    return net_env(h->place.net)->log;
}

/* ---- the client ---- */

static err_t apply(struct host *h, const struct options *o, struct applied *a, struct conf_err *e)
{
    struct geoip *geoip;
    TRY(geo_read_for_nodes(&h->geo, o, &geoip, e));
    if (apply_client(o, a) != OK)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    a->config.geoip = geoip;
    return OK;
}

static err_t make_client(struct host *h, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    const struct host *other = h->place.share;
    TRY(apply(h, h->options, &a, e));
    err_t err = client_new_sharing(other ? other->client : NULL, net_env(h->place.net), &a.config,
                                   &world_ops, &h->world, &h->client, why);
    applied_free(&a);
    return err == OK ? OK : conf_fail(e, err, "%s", why);
}

/* All or nothing, and the last thing that may fail: it is not taken back. */
static err_t change_client(struct host *h, const struct options *o, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    TRY(apply(h, o, &a, e));
    err_t err = client_reconfigure(h->client, &a.config, why);
    applied_free(&a);
    return err == OK ? OK : conf_fail(e, err, "%s", why);
}

static err_t make_doors(struct host *h, struct conf_err *e)
{
    h->controllers = controllers_new(h, h->place.net, h->client);
    if (!h->controllers)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    return doors_new(h, h->client, controllers_front(h->controllers), &h->doors, e);
}

/* ---- what needs no preparation ---- */

static void set_network(struct host *h)
{
    if (!h->options->disable_network) {
        client_start(h->client);
        return;
    }
    log_notice(log_of(h), "DisableNetwork is set. Tunic will not make or accept non-control "
                          "network connections. Shutting down all existing connections.");
    doors_hang_up(h->doors);
    client_stop(h->client);
}

static void set_binding(struct host *h)
{
    h->world.bind_v4 = h->options->is.bind_or_v4;
    h->world.bind_v6 = h->options->is.bind_or_v6;
}

static void set_limit(struct host *h)
{
    const struct options *o = h->options;
    const struct limit_rule rule = {.rate = o->bandwidth_rate,
                                    .burst = o->bandwidth_burst,
                                    .step_ms = (uint32_t)o->token_bucket_refill_ms,
                                    .counts_private = o->count_private_bandwidth};
    limit_set(h->world.limit, &rule);
}

static err_t make_limit(struct host *h, struct conf_err *e)
{
    h->world.limit = limit_new(h->place.net);
    if (!h->world.limit)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    set_limit(h);
    return OK;
}

/* ---- the start ---- */

static err_t open_files(struct host *h, const char *dir, bool group_readable, struct files **out,
                        struct conf_err *e)
{
    int fd;
    TRY(folder_open(dir, group_readable, h->options->user, log_of(h), &fd, e));
    err_t err = files_open(fd, dir, net_env(h->place.net)->log, out);
    return err == OK ? OK : conf_fail(e, err, "Out of memory");
}

/* A process that is about to end gets some time for it. */
static err_t lock_patiently(struct host *h, struct conf_err *e)
{
    const char *dir = h->options->is.data_dir;
    err_t err = folder_lock(files_fd(h->world.files), dir, &h->lock_fd, e);
    if (err != ERR_STATE || !h->place.lock_wait_s)
        return err;
    log_warn(log_of(h),
             "It looks like another Tor process is running with the same data directory.  "
             "Waiting %u seconds to see if it goes away.",
             h->place.lock_wait_s);
    for (unsigned i = 0; i < LOCK_TRIES_A_SECOND * h->place.lock_wait_s && err == ERR_STATE; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000000 / LOCK_TRIES_A_SECOND}, NULL);
        err = folder_lock(files_fd(h->world.files), dir, &h->lock_fd, e);
    }
    return err == ERR_STATE ? conf_fail(e, err, "No, it's still there.  Exiting.") : err;
}

static bool keeps_files(const struct host *h)
{
    return h->place.default_folder || h->options->data_directory;
}

/* tor(1), CacheDirectoryGroupReadable: "If the option is 'auto', then we use the setting for
 * DataDirectoryGroupReadable when the CacheDirectory is the same as the DataDirectory, and 0
 * otherwise." */
static bool cache_group_readable(const struct options *o)
{
    if (o->cache_directory_group_readable != AUTO)
        return o->cache_directory_group_readable == YES;
    return strcmp(o->is.data_dir, o->is.cache_dir) == 0 && o->data_directory_group_readable;
}

static err_t open_folders(struct host *h, struct conf_err *e)
{
    const struct options *o = h->options;
    if (!keeps_files(h))
        return OK;
    TRY(open_files(h, o->is.data_dir, o->data_directory_group_readable, &h->world.files, e));
    TRY(open_files(h, o->is.cache_dir, cache_group_readable(o), &h->world.cache, e));
    return lock_patiently(h, e);
}

static err_t open_logs(struct host *h, enum host_why why, struct conf_err *e)
{
    if (!h->place.logs)
        return OK;
    TRY(logfile_prepare(h->place.logs, h->options, e));
    logfile_commit(h->place.logs, h->options, why == HOST_RELOAD);
    return OK;
}

err_t host_new(const struct host_place *place, struct options *gift_options, struct host **out,
               struct conf_err *e)
{
    struct host *h = calloc(1, sizeof *h);
    if (!h) {
        options_free(gift_options);
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    }
    *h = (struct host){
        .place = *place, .options = gift_options, .world = {.net = place->net}, .lock_fd = -1};
    h->geo.log = log_of(h);
    set_binding(h);
    err_t err = make_limit(h, e);
    if (err == OK)
        err = make_client(h, e);
    if (err == OK)
        err = make_doors(h, e);
    if (err == OK)
        err = doors_prepare(h->doors, h->options, e);
    if (err != OK) {
        int error = errno;
        host_free(h);
        errno = error;
        return err;
    }
    doors_commit(h->doors);
    heartbeat_init(&h->heartbeat, place->net, h->client);
    *out = h;
    return OK;
}

err_t host_begin(struct host *h, struct conf_err *e)
{
    facts_settle(&h->facts, net_env(h->place.net));
    TRY(open_folders(h, e));
    TRY(open_logs(h, HOST_RELOAD, e));
    TRY(controllers_prepare(h->controllers, h->options, e));
    controllers_commit(h->controllers, h->options, doors_ports(h->doors));
    if (h->place.process)
        TRY(controllers_adopt(h->controllers, h->options, e));
    if (world_load(&h->world, h->client) != OK)
        return conf_fail(e, ERR_IO, "The file \"state\" in %s is there and cannot be read.",
                         h->options->is.data_dir);
    heartbeat_set(&h->heartbeat, (unsigned)h->options->heartbeat_period_s);
    set_network(h);
    return OK;
}

/* ---- a change ---- */

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
    doors_commit(h->doors);
    controllers_commit(h->controllers, gift_fresh, doors_ports(h->doors));
    set_binding(h);
    set_limit(h);
    heartbeat_set(&h->heartbeat, (unsigned)gift_fresh->heartbeat_period_s);
    if (gift_fresh->disable_network != old->disable_network)
        set_network(h);
    if (h->place.process)
        h->place.process->changed(h->place.process->arg);
    controllers_changed(h->controllers, old, gift_fresh);
    options_free(old);
    return OK;
}

err_t host_reopen_logs(struct host *h, struct conf_err *e)
{
    return open_logs(h, HOST_RELOAD, e);
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

/* ---- options of those who have no torrc ---- */

static err_t assign(struct options *o, const char *const *pairs, struct conf_err *e)
{
    struct conf_line *lines = NULL, **tail = &lines;
    err_t err = OK;
    for (; err == OK && *pairs; pairs += 2)
        err = conf_line_add(&tail, text_of(pairs[0]), text_of(pairs[1]), "options", CONF_SET);
    if (err == OK)
        err = options_assign(o, lines, 0, NULL, e);
    conf_lines_free(lines);
    return err;
}

err_t host_options_of(const char *const *pairs, bool testing, struct options **out,
                      struct conf_err *e)
{
    const struct options_env env = {.home = ".", .quiet = QUIET_LIBRARY};
    struct options *o = options_new(testing);
    conf_fail(e, OK, "Out of memory");
    if (!o)
        return ERR_NOMEM;
    err_t err = assign(o, pairs, e);
    if (err == OK)
        err = options_check(o, &env, e);
    if (err != OK) {
        options_free(o);
        return err;
    }
    *out = o;
    return OK;
}
