#include "app/measure/run.h"

#include <stdio.h>
#include <unistd.h>

#include "app/measure/past.h"
#include "app/measure/stockside.h"
#include "app/measure/threads.h"
#include "app/measure/tool.h"
#include "app/measure/verdict.h"
#include "app/measure/wires.h"
#include "measure/local.h"

/* What became of a relay at one address. */
enum outcome { OVER, UNREACHED, UNSUPPORTED };

struct session {
    struct tool tool;
    struct whom whom; /* the one that is measured, at one of its addresses */
    bool last_address;
    struct local *local;
    struct local_config config; /* of LOCAL */
    struct threads *threads;    /* NULL: this loop measures */
    struct stockside stock;     /* modes other than flashflow */
    struct past past;           /* of relays that are not of this computer */
    uint64_t prior, next_prior; /* bytes a second; 0: nothing is gained by another try */
    enum outcome outcome;
    bool measured;
};

/* A line that the next one takes the place of, on a terminal. */
static void show(const struct session *s, const char *line)
{
    if (s->tool.options.quiet)
        return;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s: %s", s->whom.name, line);
    else
        fprintf(stderr, "%s: %s\n", s->whom.name, line);
}

static struct results_of results_of(const struct session *s)
{
    return (struct results_of){local_run(s->local), &s->config.run};
}

/* Links are opened from now on, in the next wake-up. */
static void note_begin(struct session *s)
{
    const struct results_of of = results_of(s);
    char why[PAST_WHY];
    local_proved(s->local, &s->config.run.relay);
    if (past_begin(&s->past, &of, env_wall_s(net_env(s->tool.net)), why) != OK)
        local_cancel(s->local, why);
}

static void on_state(void *arg, enum run_state state)
{
    static const char *const words[] = {"asking", "opening links and circuits", "measuring"};
    struct session *s = arg;
    if (state < sizeof words / sizeof *words)
        show(s, words[state]);
    if (state == RUN_CONNECTING && s->local)
        note_begin(s);
}

static void on_second(void *arg, const struct run_second *second)
{
    struct session *s = arg;
    char line[VERDICT_LINE_MAX];
    stockside_second(&s->stock);
    show(s, verdict_second(second, local_run(s->local), line));
}

/* Whether another address, or another mode, may do better: then there is no verdict yet. */
static enum outcome outcome_of(const struct session *s, const struct run_result *result)
{
    enum meas_code code = result->failure.code;
    if (result->state != RUN_FAILED || s->tool.signum)
        return OVER;
    if (code == MEAS_UNSUPPORTED && !s->tool.options.mode_said)
        return UNSUPPORTED;
    bool unreached = (code == MEAS_RELAY_LOST || code == MEAS_TIMEOUT ||
                      code == MEAS_LAUNCH_CIRCS || code == MEAS_UNREACHABLE ||
                      code == MEAS_HANDSHAKE_FAILED || code == MEAS_WRONG_IDENTITY) &&
                     !result->ready_circs;
    return unreached && !s->last_address ? UNREACHED : OVER;
}

static void say_verdict(const struct session *s, const struct run_result *result)
{
    if (!s->tool.options.quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (s->outcome == UNREACHED)
        fprintf(stderr, "tunic measure: %s: %s: its next address is tried\n", s->whom.name,
                result->failure.info);
    else if (s->outcome == UNSUPPORTED)
        fprintf(stderr,
                "tunic measure: %s does not know measuring: it is measured as one of unmodified "
                "tor (--mode echo2)\n",
                s->whom.name);
    else if (s->stock.tool)
        stockside_verdict(&s->stock, stdout, s->whom.name, result, local_run(s->local));
    else
        verdict_write(stdout, s->whom.name, result, local_run(s->local));
    fflush(stdout);
}

static void on_end(void *arg, const struct run_result *result)
{
    struct session *s = arg;
    const struct results_of of = results_of(s);
    past_end(&s->past, &of, result, env_wall_s(net_env(s->tool.net)));
    s->outcome = outcome_of(s, result);
    say_verdict(s, result);
    s->measured = !run_why(result);
    s->next_prior = result->next_prior;
    net_stop(s->tool.net);
}

static void interrupted(void *arg)
{
    struct session *s = arg;
    if (s->local)
        local_cancel(s->local, "it was interrupted");
    else
        net_stop(s->tool.net);
}

static struct local_config config_of(struct session *s)
{
    const struct measure_options *o = &s->tool.options;
    struct local_config config = {
        .run = {.relay = s->whom.relay,
                .mode = o->mode,
                .echo = o->echo,
                .dur = o->dur,
                .percent = o->percent,
                .prior = s->prior,
                .sockets = o->sockets,
                .check = o->check,
                .paper = o->paper,
                .adaptive = o->adaptive,
                .n_members = 1},
        .link = tool_link(&s->tool),
        .ops_world = &wires_world,
        .world = s->tool.net,
        .hands = s->threads ? &threads_hands : NULL,
        .hands_arg = s->threads,
    };
    struct run_member *m = &config.run.members[0];
    config.run.meas_id = 1 + (uint32_t)env_random_below(net_env(s->tool.net), UINT32_MAX);
    snprintf(m->name, sizeof m->name, "local");
    m->free_bw = o->bw;
    m->sockets_free = o->sockets;
    if (s->tool.has_identity)
        m->identity = s->tool.identity.ed;
    if (s->stock.tool)
        stockside_fill(&s->stock, &config,
                       past_bytes_left(&s->past, env_wall_s(net_env(s->tool.net))));
    return config;
}

static void run(struct session *s)
{
    static const struct local_ops ops = {on_state, on_second, on_end};
    s->config = config_of(s);
    err_t e = local_new(net_env(s->tool.net), &s->config, &ops, s, &s->local);
    if (e == OK)
        net_run(s->tool.net);
    else
        (void)tool_complain(0, err_text(e));
    local_free(s->local);
    s->local = NULL;
}

static void measure_it(struct session *s)
{
    char why[PAST_WHY];
    net_enter(s->tool.net);
    s->outcome = OVER;
    s->next_prior = 0;
    if (past_take(&s->past, &s->tool.log, &s->whom.relay, env_wall_s(net_env(s->tool.net)), why) ==
        OK)
        run(s);
    else
        printf("%s was not measured: %s (resting)\n", s->whom.name, why);
    past_leave(&s->past);
    fflush(stdout);
}

static void measure_in(struct session *s, enum meas_mode mode)
{
    measure_options_set_mode(&s->tool.options, mode);
    if (mode == MEAS_FLASHFLOW || stockside_begin(&s->stock, &s->tool, &s->whom))
        measure_it(s);
    else
        s->outcome = stockside_unreached(&s->stock) ? UNREACHED : OVER;
    /* A relay lets itself be measured twice: if more has to be given than a run can be raised by,
     * then there is this one more. */
    if (s->next_prior && mode == MEAS_FLASHFLOW && !s->tool.signum) {
        s->prior = s->next_prior;
        fprintf(stderr,
                "tunic measure: %s: it is measured once more, with --prior %.0fmbit: that is its "
                "second run of the day.\n",
                s->whom.name, (double)s->prior * 8 / 1e6);
        measure_it(s);
    }
    stockside_end(&s->stock);
}

/* One address after the other, until somebody is reached. */
static bool measure(struct session *s, const char *word)
{
    char why[WHOM_WHY];
    struct whom all;
    enum meas_mode said = s->tool.options.mode_said ? s->tool.options.mode : MEAS_FLASHFLOW;
    s->measured = false;
    if (whom_find(word, s->tool.folder, &all, why) != OK) {
        (void)tool_complain(0, why);
        return false;
    }
    for (size_t i = 0; i < all.relay.n_addrs && !s->tool.signum; i++) {
        s->whom = all;
        s->whom.relay.addrs[0] = all.relay.addrs[i];
        s->whom.relay.n_addrs = 1;
        s->last_address = i + 1 == all.relay.n_addrs;
        s->prior = s->tool.options.prior;
        measure_in(s, said);
        if (s->outcome == UNSUPPORTED && !s->tool.signum)
            measure_in(s, MEAS_ECHO2);
        if (s->outcome != UNREACHED)
            break;
    }
    return s->measured;
}

static int start_threads(struct session *s)
{
    const struct threads_config config = {.net = s->tool.net,
                                          .identity =
                                              s->tool.has_identity ? &s->tool.identity : NULL,
                                          .open_over_ms = LOCAL_OPEN_OVER_MS};
    err_t e = s->tool.options.threads > 1
                  ? threads_new(&config, s->tool.options.threads, &s->threads)
                  : OK;
    return e == OK ? 0 : tool_complain(MEASURE_NOT_ALL, err_text(e));
}

int measure_run_main(int argc, char **argv)
{
    struct session s = {.measured = false};
    char why[ARG_WHY];
    bool all = true;
    if (measure_options_parse(argc, argv, false, &s.tool.options, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (s.tool.options.help)
        return fputs(measure_run_help, stdout) < 0;
    int status = tool_begin(&s.tool, interrupted, &s);
    if (!status)
        status = start_threads(&s);
    for (size_t i = 0; !status && i < s.tool.options.n_relays && !s.tool.signum; i++)
        all &= measure(&s, s.tool.options.relays[i]);
    if (!status && s.tool.signum)
        status = MEASURE_SIGNAL + s.tool.signum;
    threads_free(s.threads);
    tool_end(&s.tool);
    return status ? status : all ? MEASURE_DONE : MEASURE_NOT_ALL;
}
