/* What a coordinator serves with: opened in its order, and closed. */
#include <unistd.h>

#include "app/measure/coord_int.h"
#include "app/measure/ctlplace.h"
#include "app/measure/figures.h"
#include "app/measure/orders.h"
#include "app/measure/planside.h"
#include "app/measure/protowire.h"
#include "app/measure/relaysource.h"
#include "app/measure/relaytalks.h"
#include "app/measure/resultsdir.h"
#include "app/measure/upkeep.h"
#include "net/listen.h"

/* ---- orders ---- */

static void shut_down(void *arg)
{
    struct coord_service *cs = arg;
    cs->s.finishing = true;
    log_notice(&cs->s.log, "Ending, since `tunic measure ctl shutdown` says so");
    coordinator_finish(cs->c);
}

static unsigned bwfile(void *arg)
{
    struct coord_service *cs = arg;
    return upkeep_ask(cs->upkeep);
}

static void upkeep_done(void *arg, unsigned number, const char *json)
{
    struct coord_service *cs = arg;
    if (cs->orders)
        orders_bwfile(cs->orders, number, json);
}

/* ---- start ---- */

static void on_accept(void *arg, int fd, const struct ipport *peer)
{
    struct coord_service *cs = arg;
    struct coord_proto *p = coordinator_accept(cs->c, &peer->ip);
    if (!p)
        close(fd);
    else if (protowire_accept(cs->s.net, p, fd) != OK)
        log_warn(&cs->s.log, "A connection was dropped: out of memory");
}

/* What is read again at a start, before anything is served: no relay may be measured oftener than
 * it should since we forgot, and the longest period that there is (FFMeasurementPeriod) is a month.
 * A relay that was not measured for so long begins like one that nobody knows. */
enum { RECALLED_DAYS = 32 };

static unsigned recalled_days(const struct mconf_coord *conf)
{
    return conf->keep_days < RECALLED_DAYS ? conf->keep_days : RECALLED_DAYS;
}

static void recall(void *arg, struct text line)
{
    struct coord_service *cs = arg;
    if (coordinator_recall(cs->c, line) != OK)
        log_notice(&cs->s.log, "A line of the results is none, and is skipped: %.60s", line.s);
}

static err_t open_orders(struct coord_service *cs, const char *path)
{
    const struct orders_of of = {.coordinator = cs->c,
                                 .resultsdir = cs->conf.resultsdir,
                                 .listing = cs->listing,
                                 .shutdown = shut_down,
                                 .bwfile = bwfile,
                                 .arg = cs};
    err_t e = orders_open(cs->s.net, path, &of, &cs->orders);
    if (e == ERR_LIMIT)
        log_err(&cs->s.log, "The path %s is too long for a unix socket: say another ctrl_addr",
                path);
    return e;
}

static err_t open_plan(struct coord_service *cs)
{
    const struct planside_config config = {.net = cs->s.net,
                                           .log = &cs->s.log,
                                           .coordinator = cs->c,
                                           .listing = cs->listing,
                                           .conf = &cs->conf};
    return planside_open(&config, &cs->plan);
}

static err_t open_files(struct coord_service *cs)
{
    const struct upkeep_ops upkeep = {upkeep_done, cs};
    cs->upkeep = upkeep_new(cs->s.net, &cs->conf, cs->listing, &upkeep);
    const struct figures_of figures = {cs->c, cs->upkeep, &cs->conf};
    return cs->upkeep ? figures_open(cs->s.net, &figures, &cs->figures) : ERR_NOMEM;
}

err_t coord_begin(struct coord_service *cs)
{
    struct env *env = net_env(cs->s.net);
    const struct port_at at = {.tcp = cs->conf.listen_addr};
    char path[CTLPLACE_MAX];
    TRY(ctlplace_make(&cs->conf, &cs->s.log, path));
    TRY(tls_ctx_new_client(&cs->relay_tls));
    TRY(resultsdir_open(cs->conf.resultsdir, &cs->s.log, &cs->results));
    TRY(resultsdir_lock(cs->results));
    const struct link_config link = {.tls = cs->relay_tls, .identity = &cs->keys.identity};
    cs->proofs = (struct relayproofs){cs->s.net, cs->relay_tls, &cs->c};
    cs->talks = relaytalks_new(cs->s.net, &link, &cs->c);
    cs->listing = listing_new(&cs->keys.pin);
    cs->c = coordinator_new(env, &cs->conf, cs->keys.tls, &cs->keys.pin, &coord_ops, cs);
    if (!cs->talks || !cs->c || !cs->listing)
        return ERR_NOMEM;
    coordinator_use(cs->c, cs->listing);
    TRY(resultsdir_each(cs->results, env_wall_s(env), recalled_days(&cs->conf), recall, cs));
    TRY(open_plan(cs));
    TRY(coordinator_recalled(cs->c));
    TRY(listener_open(cs->s.net, "measurer", &at, on_accept, cs, &cs->listener));
    TRY(open_orders(cs, path));
    TRY(coord_open_source(cs));
    TRY(planside_begin(cs->plan));
    return open_files(cs);
}

void coord_end(struct coord_service *cs)
{
    orders_close(cs->orders);
    cs->orders = NULL;
    figures_close(cs->figures);
    upkeep_free(cs->upkeep);
    listener_close(cs->listener);
    relaysource_close(cs->source);
    coordinator_free(cs->c);
    planside_close(cs->plan);
    listing_free(cs->listing);
    relaytalks_free(cs->talks);
    resultsdir_close(cs->results);
    tls_ctx_free(cs->relay_tls);
}
