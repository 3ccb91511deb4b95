#include "app/measure/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/measure/bwmake.h"
#include "app/metrics_process.h"
#include "conf/optlists.h"
#include "measure/coordinator_figures.h"
#include "monitor/metrics_text.h"
#include "monitor/visit.h"
#include "net/listen.h"
#include "net/talks.h"

#define NAME(what) "tunic_measure_" what

struct figures {
    struct figures_of of;
    struct net *net;
    struct addr_policy policy;
    struct visits visits;
    struct talks *talks;
    struct listener *listener;
};

/* ---- who may read ---- */

/* In the words of MetricsPortPolicy; what no rule lets in stays outside. */
static err_t read_policy(const char *text, struct addr_policy *out, char why[MCONF_WHY])
{
    static const char this_computer[] = "accept 127.0.0.0/8,accept6 [::1]";
    const struct addr_rule reject = {.net = {.ip = {.family = IP_NONE}}, .port_max = UINT16_MAX};
    struct conf_line line = {.key = (char *)(uintptr_t) "metrics_policy",
                             .value = (char *)(uintptr_t)(*text ? text : this_computer),
                             .where = (char *)(uintptr_t) "coord"};
    struct conf_faults faults = {.log = NULL};
    struct conf_err error;
    TRY(policy_parse(&line, false, out, &faults));
    err_t e = conf_faults_end(&faults, &error);
    if (e != OK)
        snprintf(why, MCONF_WHY, "%.*s", MCONF_WHY - 1, error.text);
    return e == OK ? policy_add(out, reject) : e;
}

err_t figures_check(const struct mconf_coord *conf, char why[MCONF_WHY])
{
    struct addr_policy policy = {.n = 0};
    err_t e = read_policy(conf->metrics_policy, &policy, why);
    free(policy.rules);
    return e;
}

static bool is_welcome(void *arg, const struct ipport *peer)
{
    const struct figures *f = arg;
    return addr_policy_accepts(&f->policy, &peer->ip, peer->port);
}

/* ---- the text ---- */

static void results(const struct coordinator_figures *x, struct text_out *out)
{
    static const char failed[] = NAME("failed_total");
    metrics_value(out, METRICS_COUNTER, NAME("measured_total"), "Measurements with a figure",
                  x->counts.measured);
    metrics_family(out, METRICS_COUNTER, failed, "Measurements without one");
    for (size_t i = 0; i < COORDINATOR_REASONS; i++)
        metrics_labelled(out, failed, "reason", coordinator_reasons[i], x->counts.failed[i]);
    metrics_value(out, METRICS_COUNTER, NAME("results_unwritten_total"),
                  "Results that could not be written to their file", x->counts.unwritten);
    metrics_value(out, METRICS_COUNTER, NAME("cells_checked_total"),
                  "Cells that came back and were looked at", x->counts.checked);
    metrics_value(out, METRICS_COUNTER, NAME("cells_bad_total"),
                  "Of them: that were not as they went out", x->counts.bad);
    metrics_value(out, METRICS_COUNTER, NAME("wire_bytes_total"),
                  "Bytes between measurers and relays, both ways", x->counts.bytes);
}

static void now(const struct coordinator_figures *x, struct text_out *out)
{
    static const char use[] = NAME("capacity_use_ratio");
    metrics_value(out, METRICS_GAUGE, NAME("running"), "Measurements that run", x->running);
    metrics_value(out, METRICS_GAUGE, NAME("waiting"), "Measurements that wait", x->waiting);
    metrics_value(out, METRICS_GAUGE, NAME("measurers_listed"), "Measurers that may come",
                  x->measurers_listed);
    metrics_value(out, METRICS_GAUGE, NAME("measurers_up"), "Measurers that are connected",
                  x->measurers_up);
    metrics_value(out, METRICS_GAUGE, NAME("capacity_bytes_per_second"),
                  "What connected measurers have", x->bw);
    metrics_value(out, METRICS_GAUGE, NAME("reserved_bytes_per_second"),
                  "Of it: what measurements that run may use", x->reserved_bw);
    metrics_family(out, METRICS_GAUGE, use, "Share of it");
    out_printf(out, "%s %.6f\n", use, x->bw ? (double)x->reserved_bw / (double)x->bw : 0);
    metrics_value(out, METRICS_GAUGE, NAME("relays"), "Relays that have results", x->relays);
    metrics_value(out, METRICS_GAUGE, NAME("relays_measured"), "Of them: that have a figure",
                  x->relays_measured);
}

/* Of a schedule that is followed, else nothing. */
static void schedule(const struct coordinator_figures *x, struct text_out *out)
{
    static const char relays[] = NAME("schedule_relays"), use[] = NAME("slot_use_ratio");
    const char *word;
    metrics_family(out, METRICS_GAUGE, relays, "Relays of the schedule");
    for (size_t i = 0; x->slots && (word = coordinator_scheduled_word(i)); i++)
        metrics_labelled(out, relays, "state", word, x->scheduled[i]);
    metrics_value(out, METRICS_GAUGE, NAME("slots"), "Slots of the schedule", x->slots);
    metrics_value(out, METRICS_GAUGE, NAME("slot"), "Number of the slot that runs", x->slot);
    metrics_family(out, METRICS_GAUGE, use, "Share of the team that is allotted in it");
    out_printf(out, "%s %.6f\n", use,
               x->slot_most ? (double)x->slot_given / (double)x->slot_most : 0);
}

/* Nothing at all, if there is none. */
static void age(struct text_out *out, const char *name, const char *help, int64_t then_s,
                int64_t now_s)
{
    metrics_family(out, METRICS_GAUGE, name, help);
    if (then_s)
        out_printf(out, "%s %" PRId64 "\n", name, now_s > then_s ? now_s - then_s : 0);
}

static void write_figures(void *arg, struct text_out *out)
{
    const struct figures *f = arg;
    struct coordinator_figures x;
    int64_t now_s = env_wall_s(net_env(f->net));
    coordinator_figures(f->of.coordinator, &x);
    results(&x, out);
    now(&x, out);
    schedule(&x, out);
    age(out, NAME("newest_result_age_seconds"), "Age of the newest figure", x.newest_s, now_s);
    age(out, NAME("newest_file_age_seconds"), "Age of the bandwidth file",
        bwmake_newest_s(f->of.conf->v3bw.path), now_s);
    metrics_value(out, METRICS_COUNTER, NAME("files_failed_total"),
                  "Bandwidth files that could not be made", upkeep_failures(f->of.upkeep));
    metrics_process_write(out);
}

/* ---- life ---- */

static void on_accept(void *talks, int fd, const struct ipport *peer)
{
    talks_accept(talks, fd, peer, NULL);
}

static err_t open_it(struct figures *f)
{
    const struct port_at at = {.tcp = f->of.conf->metrics};
    char why[MCONF_WHY];
    TRY(read_policy(f->of.conf->metrics_policy, &f->policy, why));
    f->talks = talks_new(f->net, &visit_talk, &f->visits);
    return f->talks ? listener_open(f->net, "Metrics", &at, on_accept, f->talks, &f->listener)
                    : ERR_NOMEM;
}

err_t figures_open(struct net *n, const struct figures_of *of, struct figures **out)
{
    *out = NULL;
    if (!of->conf->metrics.port)
        return OK;
    struct figures *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    *f = (struct figures){.of = *of, .net = n};
    f->visits = (struct visits){
        .env = net_env(n), .is_welcome = is_welcome, .write = write_figures, .arg = f};
    err_t e = open_it(f);
    if (e == OK)
        *out = f;
    else
        figures_close(f);
    return e;
}

void figures_close(struct figures *f)
{
    if (!f)
        return;
    talks_free(f->talks);
    listener_close(f->listener);
    free(f->policy.rules);
    free(f);
}
