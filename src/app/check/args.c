#include "app/check/args.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "crypto/encode.h"

enum { RATE = 10, ANSWER_S_MOST = 600 };

const char check_help[] =
    "usage: tunic check ADDRESS:PORT [OPTION]...\n"
    "\n"
    "Tries a Tor relay rule by rule: connects to its ORPort some 400 times, keeps and breaks the\n"
    "protocol on purpose, and says of each rule whether the relay keeps it. For relays that you\n"
    "run yourself: others' logs would fill with warnings about you. All of it takes about 80\n"
    "seconds; --only and --rate make that less.\n"
    "\n"
    "  --rsa FINGERPRINT     who it must be: 40 hex digits\n"
    "  --ed25519 ID          and its Ed25519 identity, in base64 or hex\n"
    "  --ntor KEY            its onion key, if it is no directory that would tell it\n"
    "  --only LIST           sections and cases, with commas: tls,ntor/auth\n"
    "  --next ADDRESS:PORT,rsa=FINGERPRINT,ntor=KEY[,ed25519=ID]\n"
    "                        a relay to extend to (one that the relay's consensus names)\n"
    "  --consensus FILE      an older microdescriptor consensus, to ask for a diff from it\n"
    "  --identity FILE       who we are to a relay that lets us measure it (measure/coord.id of\n"
    "                        tunic testnet --measurable)\n"
    "  --rate N              at most so many connections a second (10)\n"
    "  --timeout SECONDS     how long an answer may take (5)\n"
    "  --json FILE           a report in JSON; \"-\" is standard output, without TAP\n"
    "  --junit FILE          a report in JUnit's XML, as CI servers read it\n"
    "  --verbose             what was sent and seen of passed cases too\n"
    "  --quiet               failed cases and the sum only\n"
    "  --list                the cases there are, without a relay\n"
    "  --help\n"
    "\n"
    "Standard output is TAP. Exit status: 0 all MUSTs are kept, 1 one is not, 2 wrong usage, 3 "
    "the\n"
    "relay cannot be reached or is another one.\n"
    "  tunic testnet --base-port 5000 -- tunic check 127.14.0.1:5000\n";

/* ---- values ---- */

static bool is_hex_or_base64(struct text t, void *out, size_t len)
{
    return hex_decode_exact(t, out, len) == OK ||
           base64_decode_exact(t, BASE64_EITHER, out, len) == OK;
}

static err_t p_rsa(struct check_args *o, const struct arg *a)
{
    struct text t = text_of(a->value);
    if (t.len && t.s[0] == '$')
        t = (struct text){t.s + 1, t.len - 1};
    o->config.has_rsa = true;
    if (hex_decode_exact(t, o->config.rsa.b, sizeof o->config.rsa.b) != OK)
        return arg_wrong(a, "a fingerprint is 40 hex digits");
    return OK;
}

static err_t p_ed25519(struct check_args *o, const struct arg *a)
{
    o->config.has_ed = true;
    if (!is_hex_or_base64(text_of(a->value), o->config.ed.b, sizeof o->config.ed.b))
        return arg_wrong(a, "an Ed25519 identity is 32 bytes, in base64 or hex");
    return OK;
}

static err_t p_ntor(struct check_args *o, const struct arg *a)
{
    o->config.has_ntor = true;
    if (!is_hex_or_base64(text_of(a->value), o->config.ntor.b, sizeof o->config.ntor.b))
        return arg_wrong(a, "an onion key is 32 bytes, in base64 or hex");
    return OK;
}

static err_t next_part(struct check_next *n, struct text key, struct text value, bool *has_rsa,
                       bool *has_ntor)
{
    if (text_is(key, "rsa"))
        return *has_rsa = true, hex_decode_exact(value, n->rsa.b, sizeof n->rsa.b);
    if (text_is(key, "ntor"))
        return *has_ntor = true,
               is_hex_or_base64(value, n->ntor.b, sizeof n->ntor.b) ? OK : ERR_ARG;
    if (text_is(key, "ed25519"))
        return n->has_ed = true, is_hex_or_base64(value, n->ed.b, sizeof n->ed.b) ? OK : ERR_ARG;
    return ERR_ARG;
}

static err_t p_next(struct check_args *o, const struct arg *a)
{
    struct check_next *n = &o->config.next;
    struct text rest = text_of(a->value), part, key;
    char addr[IPPORT_TEXT_MAX];
    bool has_rsa = false, has_ntor = false;
    if (!text_split(&rest, ',', &part) || part.len >= sizeof addr)
        return arg_wrong(a, "begins with ADDRESS:PORT");
    snprintf(addr, sizeof addr, "%.*s", TEXT_ARG(part));
    if (ipport_parse(addr, &n->addr) != OK || !n->addr.port)
        return arg_wrong(a, "begins with ADDRESS:PORT, the address in numbers");
    while (text_split(&rest, ',', &part))
        if (!text_split(&part, '=', &key) || next_part(n, key, part, &has_rsa, &has_ntor) != OK)
            return arg_wrong(
                a, "\"%.*s\" is not understood; known are rsa=, ntor= and ed25519=", TEXT_ARG(key));
    if (!has_rsa || !has_ntor)
        return arg_wrong(a, "rsa= and ntor= are needed to extend to it");
    n->known = true;
    return OK;
}

static err_t p_only(struct check_args *o, const struct arg *a)
{
    const char *bad = check_unknown(a->value);
    if (!*a->value)
        return arg_wrong(a, "names no case; see tunic check --list");
    if (bad)
        return arg_wrong(a, "there is no section or case \"%.*s\"; see tunic check --list",
                         (int)strcspn(bad, ","), bad);
    o->config.only = a->value;
    return OK;
}

static err_t p_rate(struct check_args *o, const struct arg *a)
{
    uint64_t n;
    TRY(arg_u64(a, 1, CHECK_RATE_MOST, &n));
    o->config.pace_ms = (uint32_t)(MS_PER_SEC / n);
    return OK;
}

static err_t p_timeout(struct check_args *o, const struct arg *a)
{
    uint64_t n;
    TRY(arg_u64(a, 1, ANSWER_S_MOST, &n));
    o->config.answer_ms = (uint32_t)(n * MS_PER_SEC);
    return OK;
}

static err_t p_consensus(struct check_args *o, const struct arg *a)
{
    o->consensus = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file");
}

static err_t p_identity(struct check_args *o, const struct arg *a)
{
    o->identity = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file");
}

static err_t p_json(struct check_args *o, const struct arg *a)
{
    o->json = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file, or \"-\"");
}

static err_t p_junit(struct check_args *o, const struct arg *a)
{
    o->junit = a->value;
    return *a->value ? OK : arg_wrong(a, "must be a file, or \"-\"");
}

static err_t p_flag(struct check_args *o, const struct arg *a)
{
    o->help |= !strcmp(a->option, "--help");
    o->list |= !strcmp(a->option, "--list");
    o->quiet |= !strcmp(a->option, "--quiet");
    o->verbose |= !strcmp(a->option, "--verbose");
    return OK;
}

static const struct {
    struct arg_name name;
    err_t (*parse)(struct check_args *o, const struct arg *a);
} options[] = {
    {{"--rsa", true}, p_rsa},
    {{"--ed25519", true}, p_ed25519},
    {{"--ntor", true}, p_ntor},
    {{"--next", true}, p_next},
    {{"--consensus", true}, p_consensus},
    {{"--only", true}, p_only},
    {{"--identity", true}, p_identity},
    {{"--rate", true}, p_rate},
    {{"--timeout", true}, p_timeout},
    {{"--json", true}, p_json},
    {{"--junit", true}, p_junit},
    {{"--help", false}, p_flag},
    {{"--list", false}, p_flag},
    {{"--quiet", false}, p_flag},
    {{"--verbose", false}, p_flag},
};

/* ---- the line ---- */

static err_t take_addr(struct check_args *o, const char *text, char *why)
{
    const struct arg a = {"relay", text, why};
    if (o->has_addr)
        return arg_wrong(&a, "one relay at a time");
    if (ipport_parse(text, &o->config.reach.addr) != OK || !o->config.reach.addr.port)
        return arg_wrong(&a,
                         "must be ADDRESS:PORT, the address in numbers: names are never looked up");
    o->has_addr = true;
    return OK;
}

/* ARGV[*I], and what belongs to it. */
static err_t take(struct check_args *o, int argc, char *const *argv, int *i, char *why)
{
    struct arg a = {.why = why};
    size_t row;
    if (argv[*i][0] != '-')
        return take_addr(o, argv[*i], why);
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    return options[row].parse(o, &a);
}

err_t check_args_parse(int argc, char *const *argv, struct check_args *out, char why[ARG_WHY])
{
    const struct arg none = {NULL, NULL, why};
    *out = (struct check_args){.config.pace_ms = MS_PER_SEC / RATE};
    for (int i = 1; i < argc; i++)
        TRY(take(out, argc, argv, &i, why));
    if (!out->has_addr && !out->help && !out->list)
        return arg_wrong(&none, "which relay? Say ADDRESS:PORT; see tunic check --help");
    if (out->json && out->junit && !strcmp(out->json, "-") && !strcmp(out->junit, "-"))
        return arg_wrong(&none, "--json - and --junit - cannot both go to standard output");
    return OK;
}
