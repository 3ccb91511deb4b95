#include "app/ctl/args.h"

#include <string.h>

enum { TIMEOUT_S = 10, TIMEOUT_S_MOST = 3600 };

const char ctl_help[] =
    "usage: tunic ctl [OPTION]... COMMAND [WORD]...\n"
    "       tunic ctl [OPTION]... 'CONTROL LINE'...\n"
    "       tunic ctl [OPTION]... --run FILE      or: ... | tunic ctl\n"
    "\n"
    "Steers a running Tunic or tor through its control port.\n"
    "\n"
    "  status                    version, bootstrap, circuits, traffic, and what is wrong, in "
    "words\n"
    "  circuits                  the circuits, with their relays and the countries of these\n"
    "  streams                   connections of applications, and where they lead\n"
    "  guards                    the entry guards\n"
    "  top                       all of it on a live screen; ? shows its keys\n"
    "  newnym                    a new identity: what is opened from now on takes new circuits;\n"
    "                            says if it is delayed (once in ten seconds); --wait waits for it\n"
    "  events TYPE...            shows events as they come (BW CIRC STREAM NOTICE...; ALL: every\n"
    "                            type there is) until Ctrl-C, or --count N of them\n"
    "  signal NAME               RELOAD, DUMP, DEBUG, HALT, SHUTDOWN, NEWNYM, DORMANT, ACTIVE...\n"
    "  close circuit ID...       ends circuits; --if-unused spares those in use\n"
    "  close stream ID...        ends streams\n"
    "  get KEY...                GETINFO: get version uptime traffic/read\n"
    "  conf NAME...              GETCONF: the value of options\n"
    "  conf NAME=VALUE...        RESETCONF: all of them, or none if one is wrong; NAME= resets it\n"
    "\n"
    "A control line is a quoted command of the control protocol, 'GETINFO version', whose answer\n"
    "is printed as it comes, as tor-prompt does. A file or a pipe has one a line; lines that\n"
    "are empty or begin with # are skipped, and a command that begins with + has a body, up to a\n"
    "line with a dot. After 'SETEVENTS TYPE' events are shown until Ctrl-C.\n"
    "\n"
    "  --control PLACE       the control port: a port, ADDRESS:PORT, a path. Else it is what\n"
    "                        TOR_CONTROL_PORT or TOR_CONTROL_IPC_PATH says. Else it is looked "
    "for:\n"
    "                        /etc/tor/torrc and ~/.torrc; what tunic and tor processes of yours\n"
    "                        run with; 9051; the socket /run/tor/control; 9151\n"
    "  --password-file FILE  where the first line is the password; \"-\" is standard input. Else "
    "it\n"
    "                        is TOR_CONTROL_PASSWD, or is asked for. A cookie needs none of this\n"
    "  --run FILE            control lines from FILE; \"-\" is standard input\n"
    "  --json                JSON: one value; of events and control lines one a line\n"
    "  --count N             events: ends after N\n"
    "  --wait                newnym: waits until it is done\n"
    "  --if-unused           close circuit: not if a stream uses it\n"
    "  --timeout SECONDS     how long an answer may take (10)\n"
    "  --verbose             says on standard error which control port was taken, and what was "
    "tried\n"
    "  --help\n"
    "\n"
    "Exit status: 0 done, 1 something failed (a command was refused, nobody answers), 2 wrong "
    "usage.\n";

static err_t p_control(struct ctl_args *o, const struct arg *a)
{
    o->control = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a port, ADDRESS:PORT or a path");
}

static err_t p_password_file(struct ctl_args *o, const struct arg *a)
{
    o->password_file = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file, or \"-\"");
}

static err_t p_run(struct ctl_args *o, const struct arg *a)
{
    o->run = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file, or \"-\"");
}

static err_t p_count(struct ctl_args *o, const struct arg *a)
{
    return arg_u32(a, 1, UINT32_MAX, &o->count);
}

static err_t p_timeout(struct ctl_args *o, const struct arg *a)
{
    return arg_u32(a, 1, TIMEOUT_S_MOST, &o->timeout_s);
}

static err_t p_flag(struct ctl_args *o, const struct arg *a)
{
    o->help |= !strcmp(a->option, "--help");
    o->json |= !strcmp(a->option, "--json");
    o->wait |= !strcmp(a->option, "--wait");
    o->verbose |= !strcmp(a->option, "--verbose");
    o->if_unused |= !strcmp(a->option, "--if-unused");
    return OK;
}

static const struct {
    struct arg_name name;
    err_t (*parse)(struct ctl_args *o, const struct arg *a);
} options[] = {
    {{"--control", true}, p_control}, {{"--password-file", true}, p_password_file},
    {{"--run", true}, p_run},         {{"--count", true}, p_count},
    {{"--timeout", true}, p_timeout}, {{"--help", false}, p_flag},
    {{"--json", false}, p_flag},      {{"--wait", false}, p_flag},
    {{"--verbose", false}, p_flag},   {{"--if-unused", false}, p_flag},
};

static err_t take(struct ctl_args *o, int argc, char *const *argv, int *i, char *why)
{
    struct arg a = {.why = why};
    size_t row;
    if (argv[*i][0] != '-' || !argv[*i][1]) {
        if (o->n == CTL_WORDS_MAX)
            return arg_wrong(&a, "too many words; --run takes any number of lines");
        o->words[o->n++] = argv[*i];
        return OK;
    }
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    return options[row].parse(o, &a);
}

err_t ctl_args_parse(int argc, char *const *argv, struct ctl_args *out, char why[ARG_WHY])
{
    const struct arg none = {NULL, NULL, why};
    *out = (struct ctl_args){.timeout_s = TIMEOUT_S};
    for (int i = 1; i < argc; i++)
        TRY(take(out, argc, argv, &i, why));
    if (out->run && out->n)
        return arg_wrong(&none, "--run has its commands in a file; leave \"%.60s\" out",
                         out->words[0]);
    return OK;
}
