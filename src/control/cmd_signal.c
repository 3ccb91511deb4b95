/* SIGNAL, DROPGUARDS and DROPTIMEOUTS (control-spec 3.7, 3.25, 3.34). */
#include <strings.h>

#include "client/client.h"
#include "client/steer.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/info.h"
#include "control/reply.h"
#include "control/session.h"

static struct client *client_of(const struct session *s)
{
    return control_client(session_control(s));
}

/* C tor, signal_table; the order is that of GETINFO signal/names. */
static const struct {
    const char *name;
    enum signal_what signal;
} signals[] = {
    {"RELOAD", SIGNAL_RELOAD},       {"HUP", SIGNAL_RELOAD},
    {"SHUTDOWN", SIGNAL_SHUTDOWN},   {"DUMP", SIGNAL_DUMP},
    {"USR1", SIGNAL_DUMP},           {"DEBUG", SIGNAL_DEBUG},
    {"USR2", SIGNAL_DEBUG},          {"HALT", SIGNAL_HALT},
    {"TERM", SIGNAL_HALT},           {"INT", SIGNAL_HALT},
    {"NEWNYM", SIGNAL_NEWNYM},       {"CLEARDNSCACHE", SIGNAL_CLEARDNSCACHE},
    {"HEARTBEAT", SIGNAL_HEARTBEAT}, {"ACTIVE", SIGNAL_ACTIVE},
    {"DORMANT", SIGNAL_DORMANT},
};

enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static bool is_the_clients(enum signal_what signal)
{
    return signal == SIGNAL_NEWNYM || signal == SIGNAL_CLEARDNSCACHE || signal == SIGNAL_ACTIVE ||
           signal == SIGNAL_DORMANT;
}

/* What nobody would carry out is not said to be known. */
static bool is_known(const struct control *c, enum signal_what signal)
{
    void *world;
    const struct control_world *ops = control_world(c, &world);
    return is_the_clients(signal) || ops->can_signal(world, signal);
}

static void run_signal(struct session *s, const struct args *a)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (strcasecmp(a->word[0], signals[i].name) == 0 &&
            is_known(session_control(s), signals[i].signal)) {
            reply_ok(s);
            steering_signal(control_steering(session_control(s)), signals[i].signal);
            return;
        }
    reply_end(s, 552, "Unrecognized signal code \"%s\"", a->word[0]);
}

static void warn_dangerous(const struct session *s, const char *command)
{
    log_warn(control_env(session_control(s))->log,
             "%s is dangerous; make sure you understand the risks before using it. It may be "
             "removed in a future version of Tor.",
             command);
}

static void dropguards(struct session *s, const struct args *a)
{
    warn_dangerous(s, a->command);
    client_drop_guards(client_of(s));
    reply_ok(s);
}

static void droptimeouts(struct session *s, const struct args *a)
{
    warn_dangerous(s, a->command);
    client_drop_timeouts(client_of(s));
    reply_ok(s);
}

const struct command_row control_signal_commands[] = {
    {"SIGNAL", {1, 1, .flags = 0}, run_signal},
    {"DROPGUARDS", {.most = 0}, dropguards},
    {"DROPTIMEOUTS", {.most = 0}, droptimeouts},
    {0},
};

/* ---- what there is to know of it ---- */

static err_t signal_names(struct control *c, const char *rest, struct text_out *out,
                          const char **why)
{
    const char *between = "";
    (void)rest, (void)why;
    for (size_t i = 0; i < N_SIGNALS; i++)
        if (is_known(c, signals[i].signal)) {
            out_printf(out, "%s%s", between, signals[i].name);
            between = " ";
        }
    return OK;
}

/* rep_hist_circbuilding_dormant(): nothing is expected, so nothing is built ahead. */
static err_t dormant(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    (void)rest, (void)why;
    out_char(out, client_expects_streams(control_client(c)) ? '0' : '1');
    return OK;
}

const struct info_row control_signal_info[] = {
    {"signal/names", false, "Signal names recognized by the SIGNAL command", signal_names},
    {"dormant", false, "Is Tor dormant (not building circuits because it's idle)?", dormant},
    {0},
};
