#include "app/fetch/fetch.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app/fetch/job.h"
#include "app/fetch/list.h"
#include "app/fetch/output.h"
#include "app/fetch/progress.h"

enum { STALL_MOST_MS = 20000, STALL_LEAST_MS = 500 };

struct fetch {
    struct fetch_args args;
    struct hub hub;
    struct job job;
    struct output output;
    struct progress progress;
    bool interrupted;
};

static int complain(int status, const char *why)
{
    fprintf(stderr, "tunic fetch: %s\n", why);
    return status;
}

static void to_stderr(void *arg, enum log_level level, const char *line)
{
    (void)arg;
    job_wipe_line();
    fprintf(stderr, "tunic fetch: [%s] %s\n", log_level_name(level), line);
}

static void on_progress(void *arg)
{
    struct fetch *f = arg;
    progress_show(&f->progress, &f->job);
}

static void on_over(void *arg)
{
    struct fetch *f = arg;
    net_stop(f->hub.net);
}

static void on_signal(void *arg, int signum)
{
    struct fetch *f = arg;
    (void)signum;
    f->interrupted = true;
    net_stop(f->hub.net);
}

static int status_of(const struct fetch *f)
{
    static const int order[] = {FETCH_STATUS_FAILED, FETCH_STATUS_INVALID, FETCH_STATUS_UNREACHABLE,
                                FETCH_STATUS_NOT_FOUND};
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        for (size_t i = 0; i < f->args.n_wants; i++)
            if (f->job.items[i].status == order[k])
                return order[k];
    return FETCH_STATUS_DONE;
}

static void set_hub(struct fetch *f)
{
    uint64_t stall = (uint64_t)f->args.timeout_s * MS_PER_SEC / (f->args.retries + 1);
    f->hub.raw = f->args.raw;
    f->hub.accept = f->args.encoding;
    f->hub.stall_ms = stall > STALL_MOST_MS    ? STALL_MOST_MS
                      : stall < STALL_LEAST_MS ? STALL_LEAST_MS
                                               : stall;
}

static err_t begin(struct fetch *f, char why[SOURCES_WHY])
{
    struct tunic_error error = {.cls = TUNIC_OK};
    const struct log log = {.least = f->args.verbose ? LOG_NOTICE
                                     : f->args.quiet ? (enum log_level)(LOG_ERR + 1)
                                                     : LOG_WARN,
                            .sink = to_stderr};
    snprintf(why, SOURCES_WHY, "out of memory");
    err_t e = hub_init(&f->hub, &log, &error);
    if (e != OK) {
        snprintf(why, SOURCES_WHY, "%.250s", error.text);
        return e;
    }
    set_hub(f);
    if (f->args.anonymous)
        TRY(hub_start_client(&f->hub, &f->args.sources, f->args.data_directory, why));
    TRY(net_on_signal(f->hub.net, SIGINT, on_signal, f));
    TRY(net_on_signal(f->hub.net, SIGTERM, on_signal, f));
    return job_init(&f->job, &f->hub, &f->args, on_over, on_progress, f);
}

static int run(struct fetch *f)
{
    char why[SOURCES_WHY];
    struct output *output = &f->output;
    if (out_open(&output->to, f->args.output) != OK)
        return complain(FETCH_STATUS_FAILED, output->to.why);
    if (begin(f, why) != OK)
        return complain(FETCH_STATUS_FAILED, why);
    if (f->args.no_verify || f->args.raw)
        fprintf(stderr,
                "tunic fetch: WARNING: %s: nothing that follows has been verified; it may be "
                "forged, altered or out of date\n",
                f->args.raw ? "--raw" : "--no-verify");
    job_start(&f->job);
    net_run(f->hub.net);
    progress_wipe(&f->progress);
    if (f->interrupted)
        return complain(FETCH_STATUS_FAILED, "interrupted; nothing was written");
    output_hold_signals(output);
    err_t e = output_write(output, &f->job);
    if (output->interrupted)
        return complain(FETCH_STATUS_FAILED, output->to.to_folder
                                                 ? "interrupted; the rest was not written"
                                                 : "interrupted; nothing was written");
    if (e != OK)
        return complain(FETCH_STATUS_FAILED, output->to.why[0] ? output->to.why : err_text(e));
    progress_end(&f->progress, &f->job, output->written);
    return status_of(f);
}

int fetch_main(int argc, char **argv)
{
    struct fetch f = {.output = {.args = &f.args, .to = {.fd = -1}},
                      .progress = {.is_tty = isatty(STDERR_FILENO)}};
    char why[ARG_WHY];
    int status = FETCH_STATUS_DONE;
    /* A full pipe's end and a full quota are errors like others, so that no half file stays. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    err_t e = fetch_args_parse(argc, argv, &f.args, why);
    if (e != OK) {
        status = complain(e == ERR_ARG ? FETCH_STATUS_USAGE : FETCH_STATUS_FAILED, why);
    } else if (f.args.help) {
        fputs(fetch_help, stdout);
        if (fflush(stdout) != 0)
            status = FETCH_STATUS_FAILED;
    } else {
        status = f.args.check_fallbacks ? fetch_check_list(&f.args)
                 : f.args.print         ? fetch_print(&f.args)
                 : f.args.list_sources  ? fetch_list_sources(&f.args)
                                        : run(&f);
    }
    output_close(&f.output);
    job_free(&f.job);
    hub_free(&f.hub);
    fetch_args_free(&f.args);
    return status;
}
