#include "app/measure/keygen.h"

#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/measure/keys.h"
#include "app/measure/tool.h"
#include "crypto/encode.h"
#include "crypto/secret.h"
#include "measure/msg.h"
#include "measure/pin.h"

static const char HELP[] =
    "usage: tunic measure keygen NAME [--out DIR]\n"
    "\n"
    "Makes the keys of a coordinator or a measurer: DIR/NAME.pem, which it "
    "shows to the other side,\n"
    "and DIR/NAME.id, which it proves to relays. Prints the line that each "
    "other side has to paste.\n"
    "\n"
    "  --out DIR  the folder (.); made if it is not there, with those that lead to it (0700)\n";

struct wish {
    const char *name, *out;
    bool help;
};

static const struct {
    struct arg_name name;
    enum { OPT_OUT, OPT_HELP } what;
} OPTIONS[] = {
    {{"--out", true}, OPT_OUT}, {{"--help", false}, OPT_HELP}, {{"-h", false}, OPT_HELP}};

static err_t parse(int argc, char *const *argv, struct wish *out, char why[ARG_WHY])
{
    struct arg a = {.why = why};
    *out = (struct wish){.out = "."};
    for (int i = 1; i < argc; i++) {
        size_t row;
        if (argv[i][0] != '-') {
            if (out->name)
                return arg_wrong(&a, "one NAME at a time");
            out->name = argv[i];
            continue;
        }
        TRY(ARGS_TAKE(OPTIONS, argc, argv, &i, &a, &row));
        if (OPTIONS[row].what == OPT_OUT)
            out->out = a.value;
        else
            out->help = true;
    }
    a.option = NULL;
    if (!out->help && (!out->name || !msg_name_valid(text_of(out->name))))
        return arg_wrong(&a, "say a NAME of at most %d letters, digits, \"-\", \"_\" and \".\"",
                         MSG_NAME_MAX);
    return OK;
}

static void tell(const struct wish *w, const struct sha256 *pin, const struct ed_id *ed)
{
    char p[PIN_TEXT_MAX], e[BASE64_SIZE(sizeof ed->b)];
    (void)pin_text(pin, p);
    (void)base64_encode(ed->b, sizeof ed->b, false, e);
    printf("# %s/%s.pem and %s/%s.id are made. To paste:\n", w->out, w->name, w->out, w->name);
    printf("# a measurer, into the coordinator's [coord], with what it is good for:\n"
           "measurer = %s %s 1gbit\n",
           w->name, p);
    printf("# a coordinator, into each measurer's [measurer]:\ncoord_pin = %s\n", p);
    printf("# a coordinator, for relays that know measuring: who may measure them\n"
           "FFAllowedCoordinators %s\n",
           e);
    printf("# a coordinator, for relays of unmodified tor: into their contact line\n"
           "ContactInfo ... tunic-measure:%s\n",
           p);
}

int measure_keygen_main(int argc, char **argv)
{
    struct wish w;
    char why[ARG_WHY], keys_why[KEYS_WHY];
    struct sha256 pin;
    struct ed_id ed;
    struct net *net;
    if (parse(argc, argv, &w, why) != OK)
        return tool_complain(MEASURE_USAGE, why);
    if (w.help) {
        fputs(HELP, stdout);
        return MEASURE_DONE;
    }
    struct log log = {.least = LOG_ERR + 1};
    if (crypto_init() != OK || net_new(&log, NULL, &net) != OK)
        return tool_complain(MEASURE_NOT_ALL, "the event loop or the crypto library did not start");
    net_enter(net);
    err_t e = keys_make(net_env(net), w.out, w.name, &pin, &ed, keys_why);
    net_free(net);
    if (e != OK)
        return tool_complain(MEASURE_NOT_ALL, keys_why);
    tell(&w, &pin, &ed);
    return fflush(stdout) == 0 ? MEASURE_DONE : MEASURE_NOT_ALL;
}
