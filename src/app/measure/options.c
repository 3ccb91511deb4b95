#include "app/measure/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "measure/alloc.h"
#include "measure/consent.h"
#include "measure/parts.h"
#include "measure/stock.h"

const char measure_run_help[] =
    "usage: tunic measure run RELAY... --local [OPTION]...\n"
    "\n"
    "Measures what relays carry, one after the other, from this computer: many links to each, "
    "cells\n"
    "that have to come back as they went out. RELAY is ADDRESS:PORT, a fingerprint or a nickname.\n"
    "Relays of this computer are free to be measured; any other has to agree to it.\n"
    "\n"
    "  --local               from here, without a coordinator elsewhere\n"
    "  --seconds N           how long (30)\n"
    "  --sockets N           links, with a circuit each (160)\n"
    "  --bw RATE             what this computer may give: 40mbit, 5MB (1000mbit)\n"
    "  --threads N           loops that measure, for as many processors (1)\n"
    "  --prior RATE          what the relay is thought to carry; it is raised as needed (32mbit)\n"
    "  --check P             the share of cells that is checked, 0 to 1 (1)\n"
    "  --background PERCENT  of the total that is believed of its clients (25)\n"
    "  --framed              echo cells are relay messages, as proposal 316 has them\n"
    "  --adaptive            ends early once it is clear\n"
    "  --paper               the paper's rule: nothing is raised, what is too much is refused\n"
    "  --data-directory DIR  where fingerprints and nicknames are looked up: a client's\n"
    "  --identity FILE       who we are to the relay\n"
    "\n"
    "Relays of unmodified tor:\n"
    "  --mode MODE           flashflow, for relays that know it; echo2, as usual for others; "
    "sink2,\n"
    "                        dir, drop, http\n"
    "  --hop ADDRESS:PORT    where the second hop listens for the relay (127.0.0.1, any port)\n"
    "  --control PORT        or ADDRESS:PORT: the control port of the relay's own tor, which tells "
    "\n"
    "                        what its clients have\n"
    "  --key NAME            whose pin stands in the relay's contact line: NAME.pem and NAME.id\n"
    "  --exit ADDRESS:PORT   http: the exit behind the relay\n"
    "  --server ADDRESS:PORT http: the web server behind the exit\n"
    "\n"
    "  --quiet               without a line each second\n"
    "  --help\n"
    "\n"
    "Exit status: 0 all were measured, 1 some were not, 2 wrong usage.\n"
    "  tunic testnet --measurable --rate 3MB -- tunic measure run --local guard1\n";

const char measure_probe_help[] =
    "usage: tunic measure probe RELAY... [OPTION]...\n"
    "\n"
    "Asks relays whether and under which limits they let themselves be measured. One link and one\n"
    "circuit each; nothing is started. RELAY is ADDRESS:PORT, a fingerprint or a nickname.\n"
    "\n"
    "  --data-directory DIR  where fingerprints and nicknames are looked up: a client's\n"
    "  --identity FILE       who we are to the relay\n"
    "  --help\n"
    "\n"
    "Exit status: 0 all would, 1 some would not, 2 wrong usage.\n";

/* ---- values ---- */

/* "40mbit", "5MB", "300KB": KB and MB by 1024, as in torrc. */
static err_t rate(const struct arg *a, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } units[] = {{"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000},
                 {"KB", 8192},   {"MB", 8388608},   {"GB", 8589934592u}};
    size_t digits = strspn(a->value, "0123456789");
    uint64_t n;
    if (digits && text_to_u64((struct text){a->value, digits}, 100000, &n) == OK && n)
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (text_is_nocase(text_of(a->value + digits), units[i].name)) {
                *out = n * units[i].bits / 8;
                return OK;
            }
    return arg_wrong(a, "must be a rate, like 500KB (bytes a second) or 40mbit");
}

static err_t p_bw(struct measure_options *o, const struct arg *a)
{
    return rate(a, &o->bw);
}

static err_t p_prior(struct measure_options *o, const struct arg *a)
{
    return rate(a, &o->prior);
}

static err_t p_seconds(struct measure_options *o, const struct arg *a)
{
    return arg_u32(a, 3, ESTIMATE_SECONDS_MOST, &o->dur);
}

static err_t p_mode(struct measure_options *o, const struct arg *a)
{
    o->mode_said = meas_mode_find(text_of(a->value), &o->mode);
    return o->mode_said ? OK : arg_wrong(a, "is no mode: flashflow, echo2, sink2, dir, drop, http");
}

static err_t at(const struct arg *a, struct ipport *out)
{
    char why[CONSENT_WHY_MAX];
    if (consent_address(a->value, out, why) != OK)
        return arg_wrong(a, "%s", why);
    return OK;
}

/* Port 0 is any that is free. */
static err_t p_hop(struct measure_options *o, const struct arg *a)
{
    if (ipport_parse(a->value, &o->hop) != OK)
        return arg_wrong(a, "must be ADDRESS:PORT, the address in numbers");
    return OK;
}

static err_t p_control(struct measure_options *o, const struct arg *a)
{
    uint64_t port;
    if (text_u64(a->value, UINT16_MAX, &port) != OK)
        return at(a, &o->control);
    o->control = (struct ipport){{.family = IP_V4, .b = {127, 0, 0, 1}}, (uint16_t)port};
    return port ? OK : arg_wrong(a, "must be a port, or ADDRESS:PORT");
}

static err_t p_exit(struct measure_options *o, const struct arg *a)
{
    return at(a, &o->exit);
}

static err_t p_server(struct measure_options *o, const struct arg *a)
{
    return at(a, &o->server);
}

static err_t p_key(struct measure_options *o, const struct arg *a)
{
    o->key = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a name");
}

static err_t p_sockets(struct measure_options *o, const struct arg *a)
{
    o->sockets_said = true;
    return arg_u32(a, 1, MEAS_CIRCS_MOST, &o->sockets);
}

static err_t p_threads(struct measure_options *o, const struct arg *a)
{
    return arg_u32(a, 1, PARTS_MOST, &o->threads);
}

static err_t p_background(struct measure_options *o, const struct arg *a)
{
    return arg_u32(a, 0, ESTIMATE_PERCENT_MOST, &o->percent);
}

static err_t p_check(struct measure_options *o, const struct arg *a)
{
    char *end;
    o->check = strtod(a->value, &end);
    if (*end || end == a->value || !(o->check >= 0 && o->check <= 1))
        return arg_wrong(a, "must be a share from 0 to 1");
    return OK;
}

static err_t p_folder(struct measure_options *o, const struct arg *a)
{
    o->folder = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a folder");
}

static err_t p_identity(struct measure_options *o, const struct arg *a)
{
    o->identity = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file");
}

static err_t p_flag(struct measure_options *o, const struct arg *a)
{
    o->local |= !strcmp(a->option, "--local");
    o->help |= !strcmp(a->option, "--help");
    o->quiet |= !strcmp(a->option, "--quiet");
    o->adaptive |= !strcmp(a->option, "--adaptive");
    o->paper |= !strcmp(a->option, "--paper");
    if (!strcmp(a->option, "--framed"))
        o->echo = MEAS_ECHO_FRAMED;
    return OK;
}

/* The first three are those of a probe, too. */
static const struct {
    struct arg_name name;
    err_t (*parse)(struct measure_options *o, const struct arg *a);
} options[] = {
    {{"--data-directory", true}, p_folder},
    {{"--identity", true}, p_identity},
    {{"--help", false}, p_flag},
    {{"--local", false}, p_flag},
    {{"--seconds", true}, p_seconds},
    {{"--sockets", true}, p_sockets},
    {{"--bw", true}, p_bw},
    {{"--threads", true}, p_threads},
    {{"--prior", true}, p_prior},
    {{"--check", true}, p_check},
    {{"--background", true}, p_background},
    {{"--framed", false}, p_flag},
    {{"--adaptive", false}, p_flag},
    {{"--paper", false}, p_flag},
    {{"--quiet", false}, p_flag},
    {{"--mode", true}, p_mode},
    {{"--hop", true}, p_hop},
    {{"--control", true}, p_control},
    {{"--key", true}, p_key},
    {{"--exit", true}, p_exit},
    {{"--server", true}, p_server},
};
enum { N_OPTIONS = sizeof options / sizeof *options, N_PROBE = 3 };

/* ---- the line ---- */

void measure_options_set_mode(struct measure_options *o, enum meas_mode mode)
{
    o->mode = mode;
    if (!o->sockets_said)
        o->sockets = mode == MEAS_FLASHFLOW ? ALLOC_SOCKETS
                     : mode == MEAS_SINK2   ? STOCK_SINK_SOCKETS
                                            : STOCK_SOCKETS;
}

static err_t take(struct measure_options *o, int argc, char *const *argv, int *i, bool probe,
                  char *why)
{
    struct arg a = {.why = why};
    size_t row;
    if (argv[*i][0] != '-') {
        if (o->n_relays == MEASURE_RELAYS_MOST)
            return arg_wrong(&a, "no more than %d relays at a time", MEASURE_RELAYS_MOST);
        o->relays[o->n_relays++] = argv[*i];
        return OK;
    }
    TRY(args_take(&options[0].name, probe ? N_PROBE : N_OPTIONS, sizeof options[0], argc, argv, i,
                  &a, &row));
    return options[row].parse(o, &a);
}

err_t measure_options_parse(int argc, char *const *argv, bool probe, struct measure_options *out,
                            char why[ARG_WHY])
{
    const struct arg none = {.why = why};
    *out = (struct measure_options){.dur = 30,
                                    .sockets = ALLOC_SOCKETS,
                                    .percent = 25,
                                    .threads = 1,
                                    .bw = 125000000,
                                    .prior = 4000000,
                                    .check = 1,
                                    .echo = MEAS_ECHO_RAW,
                                    .hop = {{.family = IP_V4, .b = {127, 0, 0, 1}}, 0}};
    for (int i = 1; i < argc; i++)
        TRY(take(out, argc, argv, &i, probe, why));
    if (!out->n_relays && !out->help)
        return arg_wrong(&none, "which relay? Say ADDRESS:PORT, a fingerprint or a nickname; see "
                                "--help");
    measure_options_set_mode(out, out->mode);
    if (out->mode == MEAS_HTTP && (!out->exit.port || !out->server.port))
        return arg_wrong(&none, "--mode http needs --exit and --server");
    if (!probe && !out->local && !out->help)
        return arg_wrong(&none, "from where? --local measures from this computer");
    return OK;
}
