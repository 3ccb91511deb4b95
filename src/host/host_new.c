#include "host/host_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/controlled.h"
#include "host/controllers.h"
#include "host/doors.h"
#include "host/folder.h"

enum { LOCK_TRIES_A_SECOND = 10 };

/* ---- the parts ---- */

static err_t make_client(struct host *h, struct conf_err *e)
{
    struct applied a;
    char why[CLIENT_WHY_MAX] = "Out of memory";
    const struct host *other = h->place.share;
    TRY(host_apply(h, h->options, &a, e));
    err_t err = client_new_sharing(other ? other->client : NULL, net_env(h->place.net), &a.config,
                                   &world_ops, &h->world, &h->client, why);
    applied_free(&a);
    return err == OK ? OK : conf_fail(e, err, "%s", why);
}

static err_t make_doors(struct host *h, struct conf_err *e)
{
    h->controllers = controllers_new(h->place.net, h->client, &controlled_ops, h);
    if (!h->controllers)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    return doors_new(&h->place, h->client, h->options, controllers_front(h->controllers), &h->doors,
                     e);
}

static err_t make_limit(struct host *h, struct conf_err *e)
{
    h->world.limit = limit_new(h->place.net);
    if (!h->world.limit)
        return conf_fail(e, ERR_NOMEM, "Out of memory");
    host_set_limit(h);
    host_set_memory(h);
    return OK;
}

static void network_changed(void *arg)
{
    struct host *h = arg;
    client_network_changed(h->client);
}

/* ---- folders and files ---- */

static err_t open_files(struct host *h, const char *dir, bool group_readable, struct files **out,
                        struct conf_err *e)
{
    int fd;
    TRY(folder_open(dir, group_readable, h->options->user, host_log(h), &fd, e));
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
    log_warn(host_log(h),
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

/* ---- the start ---- */

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
    h->geo.log = host_log(h);
    host_set_binding(h);
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
    doors_commit(h->doors, h->options);
    heartbeat_init(&h->heartbeat, place->net, h->client);
    h->routes = routes_new(place->net, network_changed, h);
    *out = h;
    return OK;
}

err_t host_begin(struct host *h, struct conf_err *e)
{
    facts_settle(&h->facts, net_env(h->place.net));
    TRY(open_folders(h, e));
    TRY(host_open_logs(h, HOST_RELOAD, e));
    TRY(controllers_prepare(h->controllers, h->options, e));
    controllers_commit(h->controllers, h->options, doors_ports(h->doors));
    if (h->place.process)
        TRY(controllers_adopt(h->controllers, h->options, e));
    if (world_load(&h->world, h->client) != OK)
        return conf_fail(e, ERR_IO, "The file \"state\" in %s is there and cannot be read.",
                         h->options->is.data_dir);
    heartbeat_set(&h->heartbeat, (unsigned)h->options->heartbeat_period_s);
    host_set_network(h);
    return OK;
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
