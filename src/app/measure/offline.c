#include "app/measure/offline.h"

#include <string.h>

#include "base/text.h"
#include "measure/bwfile.h"

const char offline_bwfile_help[] =
    "usage: tunic measure bwfile [RESULTS] [OPTION]...\n"
    "\n"
    "Makes the bandwidth file that directory authorities vote by, from the results of\n"
    "measurements. RESULTS is their folder, or one of its files (results).\n"
    "\n"
    "  --out DIR             a file there, and the link \"v3bw\" to it; else standard output\n"
    "  --data-directory DIR  a client's or relay's, that has the consensus and descriptors\n"
    "  --consensus FILE      the consensus: what relays there are\n"
    "  --certificates FILE   the authorities' keys, which the consensus is verified by, as `tunic\n"
    "                        fetch keys/all` writes them (cached-certs of --data-directory)\n"
    "  --torrc FILE          whose network that is: its DirAuthority lines (the public one)\n"
    "  --descriptors FILE    their server descriptors, as `tunic fetch server/all` writes them:\n"
    "                        no relay gets more than it says that it gives\n"
    "  --max-results-age S   seconds after which a result counts no more (604800)\n"
    "  --round DIGITS        significant digits, 2 or 3: smaller differences between consensuses\n"
    "  --country CC          where the measurers are\n"
    "  --help\n"
    "\n"
    "Without recent results no file is made; with results for less than 60% of the consensus, or\n"
    "without one, all lines say that nobody is to vote by them.\n"
    "Exit status: 0 a file that counts, 1 one that does not, or none, 2 wrong usage.\n";

const char offline_report_help[] =
    "usage: tunic measure report [RESULTS] --relay RELAY [OPTION]...\n"
    "       tunic measure report [RESULTS] --classic\n"
    "       tunic measure report [RESULTS] --out DIR [OPTION]...\n"
    "\n"
    "What results say. RESULTS is their folder, or one of its files (results).\n"
    "\n"
    "  --relay RELAY         why a relay has the figure that it has, in words: a fingerprint, an\n"
    "                        address with its port, or a nickname of the consensus\n"
    "  --classic             FlashFlow's lines\n"
    "  --out DIR             a page and tables of all relays there, and plots if gnuplot is here;\n"
    "                        with --relay that one first, and its runs\n"
    "  --data-directory DIR  a client's or relay's, that has the consensus and descriptors\n"
    "  --consensus FILE      for consensus weights and nicknames\n"
    "  --certificates FILE   the authorities' keys, which the consensus is verified by, as `tunic\n"
    "                        fetch keys/all` writes them (cached-certs of --data-directory)\n"
    "  --torrc FILE          whose network that is: its DirAuthority lines (the public one)\n"
    "  --descriptors FILE    for what relays say of themselves\n"
    "  --votes FILE|FOLDER   for what each authority says, as `tunic fetch -o FOLDER/\n"
    "                        vote/current/...` writes them\n"
    "  --truth FILE          with --out: what relays carry in truth, a line a relay, "
    "\"FINGERPRINT\n"
    "                        BYTES_PER_SECOND\", \"#\" begins a comment: for the error of it all\n"
    "  --schedule FILE       with --out: a coordinator's plan (schedule.jsonl of its datadir), for "
    "the\n"
    "                        slots of the day\n"
    "  --max-results-age S   seconds after which a result is left out (2592000)\n"
    "  --help\n"
    "\n"
    "Exit status: 0 done, 1 nothing is known of that, 2 wrong usage.\n";

static err_t p_text(const struct arg *a, const char **to)
{
    *to = a->value;
    return *a->value ? OK : arg_wrong(a, "must not be empty");
}

static err_t p_folder(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->folder);
}

static err_t p_consensus(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->consensus);
}

static err_t p_descriptors(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->descriptors);
}

static err_t p_certificates(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->certificates);
}

static err_t p_torrc(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->torrc);
}

static err_t p_votes(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->votes);
}

static err_t p_schedule(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->schedule);
}

static err_t p_truth(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->truth);
}

static err_t p_out(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->out);
}

static err_t p_relay(struct offline_options *o, const struct arg *a)
{
    return p_text(a, &o->relay);
}

static err_t p_country(struct offline_options *o, const struct arg *a)
{
    o->country = a->value;
    return strlen(a->value) == 2 && text_is_alnum(text_of(a->value))
               ? OK
               : arg_wrong(a, "must be two letters");
}

static err_t p_round(struct offline_options *o, const struct arg *a)
{
    uint32_t digits;
    TRY(arg_u32(a, BWFILE_DIGITS_LEAST, BWFILE_DIGITS_MOST, &digits));
    o->digits = digits;
    return OK;
}

static err_t p_age(struct offline_options *o, const struct arg *a)
{
    return arg_u32(a, 1, 10 * 365 * 24 * 3600, &o->max_age_s);
}

static err_t p_flag(struct offline_options *o, const struct arg *a)
{
    o->help |= !strcmp(a->option, "--help");
    o->classic |= !strcmp(a->option, "--classic");
    return OK;
}

static const struct {
    struct arg_name name;
    unsigned parts;
    err_t (*parse)(struct offline_options *o, const struct arg *a);
} options[] = {
    {{"--help", false}, OFFLINE_BWFILE | OFFLINE_REPORT, p_flag},
    {{"--out", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_out},
    {{"--data-directory", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_folder},
    {{"--consensus", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_consensus},
    {{"--descriptors", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_descriptors},
    {{"--certificates", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_certificates},
    {{"--torrc", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_torrc},
    {{"--max-results-age", true}, OFFLINE_BWFILE | OFFLINE_REPORT, p_age},
    {{"--round", true}, OFFLINE_BWFILE, p_round},
    {{"--country", true}, OFFLINE_BWFILE, p_country},
    {{"--relay", true}, OFFLINE_REPORT, p_relay},
    {{"--classic", false}, OFFLINE_REPORT, p_flag},
    {{"--votes", true}, OFFLINE_REPORT, p_votes},
    {{"--truth", true}, OFFLINE_REPORT, p_truth},
    {{"--schedule", true}, OFFLINE_REPORT, p_schedule},
};

static err_t take(enum offline_part part, int argc, char *const *argv, int *i,
                  struct offline_options *o, char why[ARG_WHY])
{
    struct arg a = {.why = why};
    size_t row;
    if (argv[*i][0] != '-') {
        if (o->results)
            return arg_wrong(&a, "there is one RESULTS, and \"%.100s\" is another", argv[*i]);
        o->results = argv[*i];
        return OK;
    }
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    if (!(options[row].parts & part))
        return arg_wrong(&a, "is of another part; see --help");
    return options[row].parse(o, &a);
}

err_t offline_parse(enum offline_part part, int argc, char *const *argv,
                    struct offline_options *out, char why[ARG_WHY])
{
    const struct arg none = {.why = why};
    *out = (struct offline_options){.max_age_s = part == OFFLINE_BWFILE ? BWFILE_AGE_S
                                                                        : OFFLINE_REPORT_AGE_S};
    for (int i = 1; i < argc; i++)
        TRY(take(part, argc, argv, &i, out, why));
    bool some = out->relay || out->out;
    if (part == OFFLINE_REPORT && some == out->classic && !out->help)
        return arg_wrong(&none, "of what? Say --relay, --classic or --out; see --help");
    if ((out->truth || out->schedule) && !out->out)
        return arg_wrong(&none, "--truth and --schedule are for --out");
    if (!out->results)
        out->results = "results";
    return OK;
}
