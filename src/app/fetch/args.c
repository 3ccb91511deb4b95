#include "app/fetch/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char fetch_help[] =
    "usage: tunic fetch [OPTION]... WANT...\n"
    "\n"
    "Fetches documents of Tor's directory, verifies them and writes them out byte for byte.\n"
    "\n"
    "WANT is one of\n"
    "  consensus, consensus-microdesc[/FP+FP...]   signed by more than half of these authorities\n"
    "  consensus/next, consensus-signatures        what the authorities are about to agree on\n"
    "  vote/current/authority, vote/next/authority, vote/current/FP[+FP...]\n"
    "  keys/all, keys/authority, keys/fp/FP[+...], keys/sk/FP[+...], keys/fp-sk/FP-FP[+...]\n"
    "  server/all, server/authority (the asked relay's own), server/fp/FP[+...],\n"
    "  server/d/DIGEST[+...]; extra/... likewise\n"
    "  micro/d/BASE64[-BASE64...]                  microdescriptors\n"
    "  bandwidth                                   the bandwidth file behind the next vote\n"
    "  /tor/...                                    any path, not verified if it is none of these\n"
    "\n"
    "Whom to ask (the public network's authorities and fallbacks)\n"
    "  --from ADDR:PORT[,rsa=FP][,ed25519=BASE64]  an ORPort; may be repeated, as all of these\n"
    "  --dirport ADDR:PORT      over plain HTTP: neither encrypted nor anonymous\n"
    "  --fallbacks FILE         a list of fallbacks (fallback_dirs.inc, version 2)\n"
    "  --dir-authority LINE     another network's authority, as in torrc\n"
    "  --authorities-from FILE  such lines\n"
    "  -f FILE                  DirAuthority and FallbackDir of a torrc\n"
    "  --list-sources           print them instead of fetching\n"
    "  --check-fallbacks FILE   check such a list instead: its problems, and what is good of it\n"
    "  Only addresses: no name is looked up. With --from or --dirport nobody else is asked; who "
    "is\n"
    "  believed is still decided by the authorities.\n"
    "\n"
    "How\n"
    "  --anonymous              through three hops (otherwise one: the server sees who asks)\n"
    "  --data-directory DIR     keep guards and the directory there, with --anonymous\n"
    "  --encoding NAME          ask for x-zstd, x-tor-lzma, gzip, deflate or identity alone\n"
    "  --no-verify              write what comes, unchecked\n"
    "  --retries N              times a request is tried again, at other sources if there are (3)\n"
    "  --timeout SECONDS        for all of it (120); one attempt is given up when nothing comes\n"
    "                           for a fair share of that, at most 20 s\n"
    "\n"
    "Output\n"
    "  -o FILE, -o FOLDER/      to FILE, or each document to a file in FOLDER named by its "
    "digest;\n"
    "                           nothing is there by that name until it is whole\n"
    "  --json                   the parsed form\n"
    "  --print FILE             instead of fetching: the documents again of which FILE has that "
    "form\n"
    "  --annotate               \"@type\" lines before the documents, as CollecTor has them\n"
    "  --raw                    as it came, still compressed; not verified\n"
    "  -v, --verbose; -q, --quiet; -h, --help\n"
    "\n"
    "Exit status: 0 all fetched; 1 a failure here, such as a full disk; 2 wrong usage; 3 not "
    "found\n"
    "(whoever answered does not have it); 4 unreachable (nobody answered, or all were busy);\n"
    "5 invalid (what came does not verify, or is no answer). The first of 1, 5, 4, 3 that holds "
    "for\n"
    "any WANT; the other documents are written all the same.\n"
    "\n"
    "  tunic fetch -o consensus consensus-microdesc\n"
    "  tunic fetch --from 192.0.2.1:9001 --json server/authority\n"
    "  tunic fetch -f net/client.torrc -o docs/ consensus server/all\n";

/* ---- one parser an option ---- */

static err_t source(const struct arg *a, err_t e, const char *why)
{
    return e == ERR_ARG ? arg_wrong(a, "%s", why) : e;
}

static err_t p_from(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_add_orport(&o->sources, a->value, why), why);
}

static err_t p_dirport(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_add_dirport(&o->sources, a->value, why), why);
}

static err_t p_fallbacks(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_read_fallbacks(&o->sources, a->value, o->quiet, why), why);
}

static err_t p_dir_authority(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_add_authority(&o->sources, a->value, why), why);
}

static err_t p_authorities_from(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_read_authorities(&o->sources, a->value, why), why);
}

static err_t p_torrc(struct fetch_args *o, const struct arg *a)
{
    char why[SOURCES_WHY];
    return source(a, sources_read_torrc(&o->sources, a->value, why), why);
}

static err_t p_data_directory(struct fetch_args *o, const struct arg *a)
{
    o->data_directory = a->value;
    return *a->value ? OK : arg_wrong(a, "must be the name of a folder");
}

static err_t p_encoding(struct fetch_args *o, const struct arg *a)
{
    static const char *const names[] = {"x-zstd", "x-tor-lzma", "gzip", "deflate", "identity"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(a->value, names[i]) == 0) {
            o->encoding = names[i];
            return OK;
        }
    return arg_wrong(a, "must be x-zstd, x-tor-lzma, gzip, deflate or identity");
}

static err_t p_retries(struct fetch_args *o, const struct arg *a)
{
    return arg_u32(a, 0, FETCH_RETRIES_MOST, &o->retries);
}

static err_t p_timeout(struct fetch_args *o, const struct arg *a)
{
    return arg_u32(a, 1, 86400, &o->timeout_s);
}

static err_t p_output(struct fetch_args *o, const struct arg *a)
{
    o->output = a->value;
    return *a->value ? OK : arg_wrong(a, "must be the name of a file or folder");
}

static err_t p_check_fallbacks(struct fetch_args *o, const struct arg *a)
{
    o->check_fallbacks = a->value;
    return *a->value ? OK : arg_wrong(a, "must be the name of a file");
}

static err_t p_print(struct fetch_args *o, const struct arg *a)
{
    o->print = a->value;
    return *a->value ? OK : arg_wrong(a, "must be the name of a file");
}

#define FLAG(member)                                                   \
    static err_t p_##member(struct fetch_args *o, const struct arg *a) \
    {                                                                  \
        (void)a;                                                       \
        o->member = true;                                              \
        return OK;                                                     \
    }
FLAG(help)
FLAG(list_sources)
FLAG(anonymous)
FLAG(raw)
FLAG(no_verify)
FLAG(json)
FLAG(annotate)
FLAG(verbose)
FLAG(quiet)

static const struct {
    struct arg_name name;
    err_t (*parse)(struct fetch_args *o, const struct arg *a);
} options[] = {
    {{"--from", true}, p_from},
    {{"--dirport", true}, p_dirport},
    {{"--fallbacks", true}, p_fallbacks},
    {{"--dir-authority", true}, p_dir_authority},
    {{"--authorities-from", true}, p_authorities_from},
    {{"-f", true}, p_torrc},
    {{"--list-sources", false}, p_list_sources},
    {{"--check-fallbacks", true}, p_check_fallbacks},
    {{"--anonymous", false}, p_anonymous},
    {{"--data-directory", true}, p_data_directory},
    {{"--encoding", true}, p_encoding},
    {{"--no-verify", false}, p_no_verify},
    {{"--retries", true}, p_retries},
    {{"--timeout", true}, p_timeout},
    {{"-o", true}, p_output},
    {{"--output", true}, p_output},
    {{"--json", false}, p_json},
    {{"--print", true}, p_print},
    {{"--annotate", false}, p_annotate},
    {{"--raw", false}, p_raw},
    {{"-v", false}, p_verbose},
    {{"--verbose", false}, p_verbose},
    {{"-q", false}, p_quiet},
    {{"--quiet", false}, p_quiet},
    {{"-h", false}, p_help},
    {{"--help", false}, p_help},
};

/* ---- all of it ---- */

static err_t take_want(struct fetch_args *o, const char *word, char *why)
{
    char text[DOCS_WHY_MAX] = "";
    const struct arg a = {.option = "WANT", .value = word, .why = why};
    err_t e = docs_want_parse(word, &o->wants[o->n_wants], text);
    if (e != OK)
        return e == ERR_ARG ? arg_wrong(&a, "%s", text) : e;
    o->words[o->n_wants++] = word;
    return OK;
}

/* ARGV[*I], and what belongs to it. */
static err_t take(struct fetch_args *o, int argc, char *const *argv, int *i, char *why)
{
    struct arg a = {.why = why};
    size_t row;
    if (argv[*i][0] != '-')
        return take_want(o, argv[*i], why);
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    return options[row].parse(o, &a);
}

/* What does not go together. */
static err_t check_pairs(const struct fetch_args *o, char *why)
{
    const struct {
        bool both;
        const char *what;
    } pairs[] = {
        {o->anonymous && o->sources.n,
         "--anonymous chooses relays itself: leave out --from and --dirport"},
        {o->anonymous && o->encoding,
         "--encoding does not go with --anonymous: it would tell apart who asks"},
        {o->data_directory && !o->anonymous, "--data-directory is of use with --anonymous only"},
        {o->raw && o->json,
         "--raw and --json do not go together: JSON is of what was decompressed"},
        {o->raw && o->annotate, "--raw and --annotate do not go together"},
        {o->json && o->annotate, "--json and --annotate do not go together"},
        {o->check_fallbacks && (o->n_wants || o->list_sources),
         "--check-fallbacks fetches nothing: leave out WANT and --list-sources"},
        {o->print && (o->n_wants || o->list_sources || o->check_fallbacks || o->json),
         "--print fetches nothing: leave out WANT, --json and the like"},
        {o->quiet && o->verbose, "--quiet and --verbose do not go together"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].both) {
            snprintf(why, ARG_WHY, "%s", pairs[i].what);
            return ERR_ARG;
        }
    return OK;
}

static err_t take_all(int argc, char *const *argv, struct fetch_args *o, char *why)
{
    bool words_only = false;
    char text[SOURCES_WHY];
    for (int i = 1; i < argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0)
            words_only = true;
        else
            TRY(words_only ? take_want(o, argv[i], why) : take(o, argc, argv, &i, why));
    }
    if (o->help)
        return OK;
    TRY(check_pairs(o, why));
    if (o->check_fallbacks || o->print)
        return OK;
    if (!o->n_wants && !o->list_sources) {
        snprintf(why, ARG_WHY,
                 "what is to be fetched? \"tunic fetch consensus\", or see "
                 "--help");
        return ERR_ARG;
    }
    err_t e = sources_complete(&o->sources, o->anonymous && !o->list_sources, text);
    if (e == ERR_ARG)
        snprintf(why, ARG_WHY, "sources: %s", text);
    return e;
}

err_t fetch_args_parse(int argc, char *const *argv, struct fetch_args *out, char why[ARG_WHY])
{
    *out = (struct fetch_args){.retries = 3, .timeout_s = 120};
    snprintf(why, ARG_WHY, "out of memory");
    out->wants = calloc((size_t)argc + 1, sizeof *out->wants);
    out->words = calloc((size_t)argc + 1, sizeof *out->words);
    if (!out->wants || !out->words)
        return ERR_NOMEM;
    return take_all(argc, argv, out, why);
}

void fetch_args_free(struct fetch_args *a)
{
    for (size_t i = 0; i < a->n_wants; i++)
        docs_want_clear(&a->wants[i]);
    free(a->wants);
    free(a->words);
    sources_free(&a->sources);
    *a = (struct fetch_args){.wants = NULL};
}
