#include "host/controlled.h"

#include "control/control.h"
#include "host/setconf.h"

static const struct options *options_now(void *world)
{
    return host_options(world);
}

static err_t set_options(void *world, const struct conf_line *lines, unsigned flags,
                         struct conf_err *e)
{
    return setconf_assign(world, lines, flags, e);
}

static err_t load_options(void *world, const char *text, struct conf_err *e)
{
    return setconf_load(world, text, e);
}

static err_t save_options(void *world, bool force)
{
    return setconf_save(world, force);
}

static bool can_save_options(void *world)
{
    return setconf_can_save(world);
}

static const char *torrc(void *world, bool defaults)
{
    return setconf_torrc(world, defaults);
}

/* A library's program is not the controllers' to end. */
static void terminate(void *arg)
{
    const struct host_process *process = host_place_of(arg)->process;
    if (process)
        process->terminate(process->arg);
}

static bool can_signal(void *arg, enum signal_what what)
{
    return what == SIGNAL_HEARTBEAT || host_place_of(arg)->process;
}

static void send_signal(void *arg, enum signal_what what)
{
    const struct host_process *process = host_place_of(arg)->process;
    if (what == SIGNAL_HEARTBEAT)
        host_say_heartbeat(arg);
    else if (process)
        process->signal(process->arg, what);
}

static void process(void *world, struct control_process *out)
{
    host_facts(world, out);
}

static void list_port(void *arg, const char *name, bool is_unix)
{
    struct text_out *out = arg;
    out_printf(out, "%s\"%s%s\"", out->len ? " " : "", is_unix ? "unix:" : "", name);
}

static void listeners(void *world, enum port_kind kind, struct text_out *out)
{
    host_each_port(world, kind, list_port, out);
}

static struct geoip *geoip(void *world, enum ip_family family)
{
    return host_geoip(world, family);
}

static void hear_line(void *arg, enum log_level level, const char *line)
{
    control_log(arg, level, line);
}

static void want_lines(void *world, struct control *c, bool any, enum log_level least)
{
    struct logfile *logs = host_place_of(world)->logs;
    if (logs)
        logfile_tee(logs, any ? hear_line : NULL, c, least);
}

const struct control_world controlled_ops = {
    .terminate = terminate,
    .want_lines = want_lines,
    .signal = send_signal,
    .can_signal = can_signal,
    .options = options_now,
    .set_options = set_options,
    .load_options = load_options,
    .save_options = save_options,
    .can_save_options = can_save_options,
    .torrc = torrc,
    .process = process,
    .listeners = listeners,
    .geoip = geoip,
};
