#include <stdio.h>

#include "app/measure/run.h"
#include "app/measure/tool.h"
#include "app/measure/wires.h"
#include "measure/relay_talk.h"

struct session {
    struct tool tool;
    struct whom whom; /* the one that is asked */
    struct relay_talk *talk;
    bool agreed;
};

static void over(struct session *s)
{
    fflush(stdout);
    net_stop(s->tool.net);
}

static void on_granted(void *arg, const struct meas_ext *limits)
{
    struct session *s = arg;
    s->agreed = true;
    printf("%s lets itself be measured", s->whom.name);
    if (limits->has_limits)
        printf(": up to %u s, its clients at %u%% of the total and %.1f Mbit/s at least",
               (unsigned)limits->seconds_most, (unsigned)limits->background_percent,
               limits->background_floor * 8 / 1e6);
    printf("\n");
    over(s);
}

static void on_bg(void *arg, const struct meas_bg *bg)
{
    (void)arg, (void)bg; /* nothing has begun of which it could speak */
}

static void on_end(void *arg, enum meas_code code, const char *text)
{
    struct session *s = arg;
    const char *what = code == MEAS_REFUSED       ? "does not let itself be measured"
                       : code == MEAS_UNSUPPORTED ? "does not know measuring"
                                                  : "could not be asked";
    printf("%s %s: %s\n", s->whom.name, what, text);
    if (code == MEAS_UNSUPPORTED)
        printf("  As one of tor's: tunic measure run --local --mode echo2 %s%s%s%s\n",
               s->tool.options.folder ? "--data-directory " : "",
               s->tool.options.folder ? s->tool.options.folder : "",
               s->tool.options.folder ? " " : "", s->whom.name);
    over(s);
}

static void interrupted(void *arg)
{
    struct session *s = arg;
    net_stop(s->tool.net);
}

static bool ask(struct session *s, const char *word)
{
    static const struct relay_talk_ops ops = {on_granted, on_bg, on_end};
    char why[WHOM_WHY];
    s->agreed = false;
    if (whom_find(word, s->tool.folder, &s->whom, why) != OK) {
        (void)tool_complain(0, why);
        return false;
    }
    net_enter(s->tool.net);
    struct relay_talk_config config = {.link = tool_link(&s->tool),
                                       .ops_world = &wires_world,
                                       .world = s->tool.net,
                                       .relay = s->whom.relay};
    config.params.ext.has_form = true;
    config.params.ext.version = MEAS_VERSION;
    config.params.ext.echo = MEAS_ECHO_RAW;
    err_t e = relay_talk_new(net_env(s->tool.net), &config, &ops, s, &s->talk);
    if (e == OK)
        net_run(s->tool.net);
    else
        (void)tool_complain(0, err_text(e));
    relay_talk_free(s->talk);
    s->talk = NULL;
    return s->agreed;
}

int measure_probe_main(int argc, char **argv)
{
    struct session s = {.agreed = false};
    char why[ARG_WHY];
    bool all = true;
    if (measure_options_parse(argc, argv, true, &s.tool.options, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (s.tool.options.help)
        return fputs(measure_probe_help, stdout) < 0;
    int status = tool_begin(&s.tool, interrupted, &s);
    for (size_t i = 0; !status && i < s.tool.options.n_relays && !s.tool.signum; i++)
        all &= ask(&s, s.tool.options.relays[i]);
    if (!status && s.tool.signum)
        status = MEASURE_SIGNAL + s.tool.signum;
    tool_end(&s.tool);
    return status ? status : all ? MEASURE_DONE : MEASURE_NOT_ALL;
}
