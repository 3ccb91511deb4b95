#include "app/measure/coord.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/measure/ctlplace.h"
#include "app/measure/figures.h"
#include "app/measure/orders.h"
#include "app/measure/planside.h"
#include "app/measure/protowire.h"
#include "app/measure/relayproofs.h"
#include "app/measure/relaysource.h"
#include "app/measure/relaytalks.h"
#include "app/measure/resultsdir.h"
#include "app/measure/service.h"
#include "app/measure/tool.h"
#include "app/measure/upkeep.h"
#include "measure/pin.h"
#include "measure/relay_talk.h"
#include "net/listen.h"

static const char HELP[] =
    "usage: tunic measure coord [-c FILE] [--KEY VALUE]... [--dump-config]\n"
    "\n"
    "The coordinator: has relays measured by its measurers, and writes results. FILE has the\n"
    "sections [coord], [meas_params] and [v3bw]; each key is an option, too.\n"
    "\n"
    "  --datadir DIR            (data-coord)\n"
    "  --keydir DIR, --key FILE, --identity FILE\n"
    "                           keys that `tunic measure keygen coord` made (keys/coord.pem, .id)\n"
    "  --resultsdir DIR         a file a day (results)\n"
    "  --listen-addr ADDR:PORT  for measurers (localhost:12934)\n"
    "  --ctrl-addr PATH         the unix socket for `tunic measure ctl` (ctl)\n"
    "  --directory fetch|DIR    relays of the network: fetched each hour by a client in\n"
    "                           datadir/directory, or of a client's DataDirectory (none)\n"
    "  --torrc FILE             whose network: its DirAuthority, FallbackDir (the public one)\n"
    "  --measurer \"NAME PIN BW\" who may come, and what it is good for; may be repeated\n"
    "  --meas-duration S        (30)     --sockets N       of a team (160)\n"
    "  --bg-percent R           (0.25)   --check P         share of cells looked at (1)\n"
    "  --echo raw|framed        (raw)    --prior BW        of a relay nobody knows (104mbit)\n"
    "  --adaptive yes           may end early    --paper yes   the paper's fixed rule\n"
    "  --relays FILE            those that have opted in, for the schedule\n"
    "  --secret FILE, --share K/N   of schedules; which of N coordinators with it this one is\n"
    "  --compact yes            slots back to back       --slot S    (60, or twice meas-duration)\n"
    "  --multiplier M           of what is allotted (2.25)   --max-tries N   a day and relay (2)\n"
    "  --keep D, --compress D   days after which results go (60), and are compressed before (1)\n"
    "  --v3bw PATH              the link to the newest bandwidth file (data-coord/v3bw/v3bw)\n"
    "  --every S                how often there is a new one (3600; 0: only by `ctl bwfile`)\n"
    "  --v3bw-keep D            days after which those go (7)    --round DIGITS   of bw\n"
    "  --metrics ADDR:PORT      figures for Prometheus, to this computer, or to whom\n"
    "  --metrics-policy RULES   lets in, as tor's MetricsPortPolicy does: \"accept 192.0.2.7\"\n"
    "  --max-results-age S      of those that count (604800)     --country CC\n"
    "  --dump-config            print what holds, and where it comes from; 2 if it is not usable\n"
    "\n"
    "SIGHUP reads FILE again; SIGTERM ends when what runs is over.\n";

struct coord_service {
    struct service s;
    struct mconf_coord conf;
    struct keys keys;
    struct tls_ctx *relay_tls;
    struct coordinator *c;
    struct relaytalks *talks;
    struct relayproofs proofs;
    struct resultsdir *results;
    struct listing *listing;
    struct relaysource *source;
    struct listener *listener;
    struct orders *orders;
    struct upkeep *upkeep;
    struct planside *plan;
    struct figures *figures;
};

static void output(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_output(p);
}

static void hangup(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_hangup(p);
}

static err_t talk(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                  const struct meas_params *params, void **out)
{
    struct coord_service *cs = arg;
    (void)!link_identity_renew(net_env(cs->s.net), &cs->keys.identity); /* or it stays as it was */
    return relaytalks_talk(cs->talks, meas_id, relay, params, out);
}

static void hush(void *arg, void *it, bool aborted)
{
    struct coord_service *cs = arg;
    relaytalks_hush(cs->talks, it, aborted);
}

static err_t prove(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **out,
                   char why[CONSENT_WHY_MAX])
{
    struct coord_service *cs = arg;
    return relayproofs_ask(&cs->proofs, meas_id, relay, out, why);
}

static void unprove(void *arg, void *it)
{
    (void)arg;
    relayproofs_end(it);
}

static err_t record(void *arg, const char *line, bool synced)
{
    struct coord_service *cs = arg;
    return resultsdir_append(cs->results, line, synced, env_wall_s(net_env(cs->s.net)));
}

static err_t keep(void *arg, const char *lines, bool fresh)
{
    struct coord_service *cs = arg;
    return planside_keep(cs->plan, lines, fresh);
}

static void on_event(void *arg, uint32_t meas_id, const char *json, bool over)
{
    struct coord_service *cs = arg;
    if (cs->orders)
        orders_event(cs->orders, meas_id, json, over);
}

static void on_idle(void *arg)
{
    struct coord_service *cs = arg;
    service_stop(&cs->s);
}

static const struct coordinator_ops ops = {
    .output = output,
    .hangup = hangup,
    .talk = talk,
    .hush = hush,
    .prove = prove,
    .unprove = unprove,
    .record = record,
    .keep = keep,
    .on_event = on_event,
    .on_idle = on_idle,
    .talk_ms = RELAY_TALK_MOST_MS,
};

/* ---- signals and orders ---- */

static void reload(void *arg, const struct mconf *conf)
{
    struct coord_service *cs = arg;
    struct mconf_coord fresh;
    char why[MCONF_WHY];
    if (mconf_coord(conf, &fresh, why) != OK) {
        log_warn(&cs->s.log, "The configuration stays as it was: %s", why);
        return;
    }
    coordinator_reconfigure(cs->c, &fresh);
    upkeep_reconfigure(cs->upkeep, &fresh);
    planside_reload(cs->plan);
    log_notice(&cs->s.log,
               "Read again: %zu measurers are listed; addresses, keys and folders are "
               "those of the start",
               fresh.n_measurers);
}

static void finish(void *arg)
{
    struct coord_service *cs = arg;
    coordinator_finish(cs->c);
}

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
    struct coord_proto *p = coordinator_accept(cs->c);
    (void)peer;
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
                                 .shutdown = shut_down,
                                 .bwfile = bwfile,
                                 .arg = cs};
    err_t e = orders_open(cs->s.net, path, &of, &cs->orders);
    if (e == ERR_LIMIT)
        log_err(&cs->s.log, "The path %s is too long for a unix socket: say another ctrl_addr",
                path);
    return e;
}

static err_t open_source(struct coord_service *cs)
{
    const struct relaysource_config config = {.net = cs->s.net,
                                              .log = &cs->s.log,
                                              .listing = cs->listing,
                                              .directory = cs->conf.directory,
                                              .torrc = cs->conf.torrc,
                                              .datadir = cs->conf.datadir};
    return relaysource_open(&config, &cs->source);
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

static err_t begin(struct coord_service *cs)
{
    struct env *env = net_env(cs->s.net);
    const struct port_at at = {.tcp = cs->conf.listen_addr};
    char path[CTLPLACE_MAX];
    TRY(ctlplace_make(&cs->conf, &cs->s.log, path));
    TRY(tls_ctx_new_client(&cs->relay_tls));
    TRY(resultsdir_open(cs->conf.resultsdir, &cs->s.log, &cs->results));
    const struct link_config link = {.tls = cs->relay_tls, .identity = &cs->keys.identity};
    cs->proofs = (struct relayproofs){cs->s.net, cs->relay_tls, &cs->c};
    cs->talks = relaytalks_new(cs->s.net, &link, &cs->c);
    cs->listing = listing_new(&cs->keys.pin);
    cs->c = coordinator_new(env, &cs->conf, cs->keys.tls, &cs->keys.pin, &ops, cs);
    if (!cs->talks || !cs->c || !cs->listing)
        return ERR_NOMEM;
    coordinator_use(cs->c, cs->listing);
    TRY(resultsdir_each(cs->results, env_wall_s(env), recalled_days(&cs->conf), recall, cs));
    TRY(open_plan(cs));
    TRY(coordinator_recalled(cs->c));
    TRY(listener_open(cs->s.net, "measurer", &at, on_accept, cs, &cs->listener));
    TRY(open_orders(cs, path));
    TRY(open_source(cs));
    TRY(planside_begin(cs->plan));
    return open_files(cs);
}

static void end(struct coord_service *cs)
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

static int serve(struct coord_service *cs)
{
    char pin[PIN_TEXT_MAX];
    err_t e = begin(cs);
    if (e == OK) {
        log_notice(&cs->s.log, "Coordinator %s serves %zu measurers on %s, and orders on %s",
                   pin_text(&cs->keys.pin, pin), cs->conf.n_measurers, listener_name(cs->listener),
                   cs->conf.ctrl_addr);
        service_run(&cs->s);
    } else {
        log_err(&cs->s.log, "The coordinator did not start%s%s", e == ERR_NOMEM ? ": " : "",
                e == ERR_NOMEM ? err_text(e) : "");
    }
    end(cs);
    return e == OK ? MEASURE_DONE : MEASURE_NOT_ALL;
}

/* What the start would not take. */
static err_t check(const struct mconf *conf, char why[MCONF_WHY])
{
    struct mconf_coord settled;
    TRY(mconf_coord(conf, &settled, why));
    return figures_check(&settled, why);
}

static int set_up(struct coord_service *cs, const struct mconf *conf)
{
    char why[KEYS_WHY];
    if (check(conf, why) != OK || mconf_coord(conf, &cs->conf, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    int status = service_begin(&cs->s);
    if (status)
        return status;
    for (size_t i = 0; mconf_notice(conf, i); i++)
        log_notice(&cs->s.log, "%s", mconf_notice(conf, i));
    if (keys_read(net_env(cs->s.net), cs->conf.key, cs->conf.identity, true, &cs->keys, why) != OK)
        return tool_complain(MEASURE_NOT_ALL, why);
    return 0;
}

int measure_coord_main(int argc, char **argv)
{
    struct coord_service cs = {.s = {.name = "coord", .section = "coord", .help = HELP}};
    struct mconf *conf;
    cs.s.argc = argc;
    cs.s.argv = argv;
    cs.s.reload = reload;
    cs.s.finish = finish;
    cs.s.check = check;
    cs.s.arg = &cs;
    int status = service_read(&cs.s, &conf);
    if (status >= 0)
        return status;
    status = set_up(&cs, conf);
    mconf_free(conf);
    if (!status) {
        status = serve(&cs);
        keys_free(&cs.keys);
    }
    service_end(&cs.s);
    return status;
}
