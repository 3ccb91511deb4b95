#include "app/measure/coord.h"

#include "app/measure/coord_int.h"
#include "app/measure/figures.h"
#include "app/measure/planside.h"
#include "app/measure/relaysource.h"
#include "app/measure/tool.h"
#include "app/measure/upkeep.h"
#include "measure/pin.h"
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

/* ---- signals ---- */

static void reload(void *arg, const struct mconf *conf)
{
    struct coord_service *cs = arg;
    struct mconf_coord fresh;
    char why[MCONF_WHY];
    if (mconf_coord(conf, &fresh, why) != OK) {
        log_warn(&cs->s.log, "The configuration stays as it was: %s", why);
        return;
    }
    coord_move_source(cs, &fresh);
    coordinator_reconfigure(cs->c, &fresh);
    upkeep_reconfigure(cs->upkeep, &fresh);
    planside_reload(cs->plan, &fresh);
    log_notice(&cs->s.log,
               "Read again: %zu measurers are listed; addresses, keys and folders of our own "
               "are those of the start",
               fresh.n_measurers);
}

static void finish(void *arg)
{
    struct coord_service *cs = arg;
    coordinator_finish(cs->c);
}

/* ---- life ---- */

static int serve(struct coord_service *cs)
{
    char pin[PIN_TEXT_MAX];
    err_t e = coord_begin(cs);
    if (e == OK) {
        log_notice(&cs->s.log, "Coordinator %s serves %zu measurers on %s, and orders on %s",
                   pin_text(&cs->keys.pin, pin), cs->conf.n_measurers, listener_name(cs->listener),
                   cs->conf.ctrl_addr);
        if (!cs->conf.n_measurers)
            log_warn(&cs->s.log, "There is no line \"measurer = NAME PIN BW\" in [coord]: nobody "
                                 "may come, and nothing is measured");
        service_run(&cs->s);
    } else {
        log_err(&cs->s.log, "The coordinator did not start%s%s", e == ERR_NOMEM ? ": " : "",
                e == ERR_NOMEM ? err_text(e) : "");
    }
    coord_end(cs);
    return e == OK ? MEASURE_DONE : MEASURE_NOT_ALL;
}

/* What the start would not take. */
static err_t check(const struct mconf *conf, char why[MCONF_WHY])
{
    struct mconf_coord settled;
    TRY(mconf_coord(conf, &settled, why));
    return figures_check(&settled, why);
}

static err_t rehearse(struct net *net, struct log *log, const struct mconf *conf,
                      char why[KEYS_WHY])
{
    struct mconf_coord settled;
    struct keys keys;
    TRY(mconf_coord(conf, &settled, why));
    TRY(keys_read(net_env(net), settled.key, settled.identity, true, &keys, why));
    keys_free(&keys);
    TRY(planside_check(log, &settled));
    const struct relaysource_config source = {
        .log = log, .directory = settled.directory, .torrc = settled.torrc};
    return relaysource_check(&source);
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
    cs.s.rehearse = rehearse;
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
