#include "app/measure/measurer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/measure/mjob.h"
#include "app/measure/protowire.h"
#include "app/measure/service.h"
#include "app/measure/threads.h"
#include "app/measure/tool.h"
#include "measure/measurer.h"
#include "measure/pin.h"

static const char HELP[] =
    "usage: tunic measure measurer [-c FILE] [--KEY VALUE]... [--dump-config]\n"
    "\n"
    "A measurer: sends and checks cells when its coordinator says so. FILE has the section\n"
    "[measurer]; each key is an option, too.\n"
    "\n"
    "  --name NAME              (measurer)\n"
    "  --datadir DIR            (data-measurer)\n"
    "  --keydir DIR, --key FILE, --identity FILE\n"
    "                           keys that `tunic measure keygen NAME` made (keys/NAME.pem, .id)\n"
    "  --coord-addr ADDR:PORT   (localhost:12934)\n"
    "  --coord-pin PIN          the coordinator's, sha256//...\n"
    "  --bw BW                  what this computer is good for, like 100MB or 1gbit\n"
    "  --sockets-max N          of all measurements (480)\n"
    "  --threads N              loops that measure, for as many processors (1)\n"
    "  --hop-addr ADDR:PORT     where a second hop listens, for relays of unmodified tor\n"
    "                           (localhost:0, any free port)\n"
    "  --http-server ADDR:PORT  in mode http what may be downloaded from, besides what is the "
    "exit's\n"
    "                           own machine's (none)\n"
    "  --dump-config            print what holds, and where it comes from; 2 if it is not usable\n"
    "\n"
    "SIGHUP reads FILE again; SIGTERM ends when what runs is over.\n";

enum { OWN_LINE_MAX = 256 };

struct measurer_service {
    struct service s;
    struct mconf_measurer_side conf;
    struct keys keys;
    struct tls_ctx *relay_tls;
    struct threads *threads; /* NULL: our own loop measures */
    struct measurer *m;
    bool fatal;
};

/* One measurement. */
struct job {
    struct measurer_service *ms;
    uint32_t meas_id;
    struct mjob *it;
};

/* ---- what a measurement tells ---- */

static void on_connected(void *arg, const struct connected_to_relay *c)
{
    struct job *j = arg;
    measurer_connected(j->ms->m, c);
}

static void on_report(void *arg, const struct bw_report *r)
{
    struct job *j = arg;
    measurer_report(j->ms->m, r);
}

static void on_end(void *arg, const struct meas_failure *failure)
{
    struct job *j = arg;
    measurer_ended(j->ms->m, j->meas_id, failure);
}

static const struct measurement_ops measurement_ops = {
    .on_connected = on_connected,
    .on_report = on_report,
    .on_end = on_end,
};

/* ---- what the measurer wants ---- */

static void dial(void *arg, struct coord_proto *p, const struct ipport *to)
{
    struct measurer_service *ms = arg;
    protowire_dial(ms->s.net, p, to);
}

static void hangup(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_hangup(p);
}

static void output(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_output(p);
}

static err_t begin(void *arg, const struct connect_to_relay *told, void **job,
                   char info[MEAS_INFO_MAX])
{
    struct measurer_service *ms = arg;
    struct job *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    *j = (struct job){.ms = ms, .meas_id = told->meas_id};
    (void)!link_identity_renew(net_env(ms->s.net), &ms->keys.identity); /* or it stays as it was */
    const struct mjob_config config = {
        .net = ms->s.net,
        .name = ms->conf.name,
        .tls = ms->relay_tls,
        .identity = &ms->keys.identity,
        .coord_pin = &ms->conf.coord_pin,
        .hop_addr = ms->conf.hop_addr,
        .threads = ms->threads,
    };
    err_t e = mjob_new(&config, told, &measurement_ops, j, &j->it, info);
    if (e != OK) {
        free(j);
        return e;
    }
    log_notice(&ms->s.log, "Measurement %u: %u links, %llu bytes/s", told->meas_id, told->n_circs,
               (unsigned long long)told->alloc_bw);
    *job = j;
    return OK;
}

static err_t go(void *arg, void *job)
{
    struct job *j = job;
    (void)arg;
    return mjob_go(j->it);
}

static void alloc(void *arg, void *job, uint64_t alloc_bw)
{
    struct job *j = job;
    (void)arg;
    mjob_alloc(j->it, alloc_bw);
}

static void stop(void *arg, void *job, enum meas_code code, const char *info)
{
    struct job *j = job;
    (void)arg;
    mjob_stop(j->it, code, info);
}

static void heard(void *arg, void *job)
{
    struct job *j = job;
    (void)arg;
    mjob_heard(j->it);
}

static void end_job(void *arg, void *job)
{
    struct job *j = job;
    (void)arg;
    mjob_free(j->it);
    free(j);
}

/* What the coordinator's file needs so that this one may come. */
static const char *line_of(const struct measurer_service *ms, char out[OWN_LINE_MAX])
{
    char pin[PIN_TEXT_MAX];
    snprintf(out, OWN_LINE_MAX, "measurer = %s %s %" PRIu64, ms->conf.name,
             pin_text(&ms->keys.pin, pin), ms->conf.bw);
    return out;
}

static void on_state(void *arg, enum measurer_state state, const char *text)
{
    struct measurer_service *ms = arg;
    char line[OWN_LINE_MAX];
    if (state == MEASURER_READY)
        log_notice(&ms->s.log, "Connected with the coordinator");
    else if (state == MEASURER_NONFATAL_ERROR && measurer_is_refused(ms->m))
        log_warn(&ms->s.log,
                 "No connection with the coordinator: %s. It is asked again, less and less often; "
                 "in its file, under [coord], there is to be: %s",
                 text, line_of(ms, line));
    else if (state == MEASURER_NONFATAL_ERROR)
        log_notice(&ms->s.log, "No connection with the coordinator: %s", text);
    if (state != MEASURER_FATAL_ERROR)
        return;
    log_err(&ms->s.log, "The coordinator will never have us: %s", text);
    ms->fatal = true;
    service_stop(&ms->s);
}

static void on_idle(void *arg)
{
    struct measurer_service *ms = arg;
    service_stop(&ms->s);
}

static const struct measurer_ops ops = {
    .dial = dial,
    .hangup = hangup,
    .output = output,
    .begin = begin,
    .go = go,
    .alloc = alloc,
    .stop = stop,
    .heard = heard,
    .end = end_job,
    .on_state = on_state,
    .on_idle = on_idle,
};

/* ---- signals ---- */

static void reload(void *arg, const struct mconf *conf)
{
    struct measurer_service *ms = arg;
    struct mconf_measurer_side fresh;
    char why[MCONF_WHY];
    if (mconf_measurer(conf, &fresh, why) != OK) {
        log_warn(&ms->s.log, "The configuration stays as it was: %s", why);
        return;
    }
    if (fresh.threads != ms->conf.threads)
        log_notice(&ms->s.log, "Threads: there are %u until the next start", ms->conf.threads);
    measurer_reconfigure(ms->m, &fresh);
    fresh.threads = ms->conf.threads;
    ms->conf = fresh; /* the next run's pin, and where its second hop listens */
}

static void finish(void *arg)
{
    struct measurer_service *ms = arg;
    measurer_finish(ms->m);
}

/* ---- life ---- */

static err_t start_threads(struct measurer_service *ms)
{
    const struct threads_config config = {
        .net = ms->s.net, .identity = &ms->keys.identity, .dead_man = true};
    return ms->conf.threads > 1 ? threads_new(&config, ms->conf.threads, &ms->threads) : OK;
}

static int serve(struct measurer_service *ms)
{
    char line[OWN_LINE_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    err_t e = tls_ctx_new_client(&ms->relay_tls);
    if (e == OK)
        e = start_threads(ms);
    if (e == OK)
        ms->m = measurer_new(net_env(ms->s.net), &ms->conf, ms->keys.tls, &ms->keys.identity.ed,
                             cores > 0 ? (unsigned)cores : 1, &ops, ms);
    if (ms->m) {
        log_notice(&ms->s.log, "Measurer %s; its line in the coordinator's file: %s", ms->conf.name,
                   line_of(ms, line));
        measurer_start(ms->m);
        service_run(&ms->s);
    } else {
        log_err(&ms->s.log, "The measurer did not start: %s", err_text(e == OK ? ERR_NOMEM : e));
    }
    bool good = ms->m && !ms->fatal;
    measurer_free(ms->m);
    threads_free(ms->threads);
    tls_ctx_free(ms->relay_tls);
    return good ? MEASURE_DONE : MEASURE_NOT_ALL;
}

static err_t rehearse(struct net *net, struct log *log, const struct mconf *conf,
                      char why[KEYS_WHY])
{
    struct mconf_measurer_side settled;
    struct keys keys;
    (void)log;
    TRY(mconf_measurer(conf, &settled, why));
    TRY(keys_read(net_env(net), settled.key, settled.identity, false, &keys, why));
    keys_free(&keys);
    return OK;
}

static int set_up(struct measurer_service *ms, const struct mconf *conf)
{
    char why[KEYS_WHY];
    if (mconf_measurer(conf, &ms->conf, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    int status = service_begin(&ms->s);
    if (status)
        return status;
    for (size_t i = 0; mconf_notice(conf, i); i++)
        log_notice(&ms->s.log, "%s", mconf_notice(conf, i));
    if (keys_read(net_env(ms->s.net), ms->conf.key, ms->conf.identity, false, &ms->keys, why) != OK)
        return tool_complain(MEASURE_NOT_ALL, why);
    return 0;
}

int measure_measurer_main(int argc, char **argv)
{
    struct measurer_service ms = {.s = {.name = "measurer", .section = "measurer", .help = HELP}};
    struct mconf *conf;
    ms.s.argc = argc;
    ms.s.argv = argv;
    ms.s.reload = reload;
    ms.s.finish = finish;
    ms.s.rehearse = rehearse;
    ms.s.arg = &ms;
    int status = service_read(&ms.s, &conf);
    if (status >= 0)
        return status;
    status = set_up(&ms, conf);
    mconf_free(conf);
    if (!status) {
        status = serve(&ms);
        keys_free(&ms.keys);
    }
    service_end(&ms.s);
    return status;
}
