#include "app/forge/args.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dir/doc.h"
#include "dirdoc/exitpolicy.h"

static err_t port(const struct arg *a, uint32_t least, uint16_t *out)
{
    uint32_t n = 0;
    TRY(arg_u32(a, least, UINT16_MAX, &n));
    *out = (uint16_t)n;
    return OK;
}

/* The largest time that still has four digits of a year. */
#define LAST_S UINT64_C(253402300799)

static err_t a_time(const struct arg *a, int64_t *out)
{
    struct text rest = text_of(a->value), date, clock;
    uint64_t s;
    if (text_u64(a->value, LAST_S, &s) == OK) {
        *out = (int64_t)s;
        return OK;
    }
    if (text_token(&rest, &date) && text_token(&rest, &clock) && !text_strip(rest).len &&
        doc_time(date, clock, out) == OK)
        return OK;
    return arg_wrong(a,
                     "must be a time in UTC like \"2026-01-31 12:00:00\", or seconds since 1970");
}

/* A value that becomes a part of a line. */
static err_t one_line(const struct arg *a, const char **out)
{
    if (!*a->value || strpbrk(a->value, "\n\r"))
        return arg_wrong(a, "must be one line, and not empty");
    *out = a->value;
    return OK;
}

/* ---- one parser an option ---- */

static err_t p_set(struct forge_args *o, const struct arg *a)
{
    if (o->n_edits == EDITS_MOST)
        return arg_wrong(a, "there can be %d changes at most", EDITS_MOST);
    if (edit_set(a->value, &o->edit[o->n_edits]) != OK)
        return arg_wrong(a, "must be one line, \"KEYWORD VALUE\", and perhaps an object under it");
    o->n_edits++;
    return OK;
}

static err_t p_drop(struct forge_args *o, const struct arg *a)
{
    if (o->n_edits == EDITS_MOST)
        return arg_wrong(a, "there can be %d changes at most", EDITS_MOST);
    if (edit_drop(a->value, &o->edit[o->n_edits]) != OK)
        return arg_wrong(a, "must be a keyword, like contact");
    o->n_edits++;
    return OK;
}

static err_t p_no_sign(struct forge_args *o, const struct arg *a)
{
    (void)a;
    o->unsigned_only = true;
    return OK;
}

static err_t p_help(struct forge_args *o, const struct arg *a)
{
    (void)a;
    o->help = true;
    return OK;
}

static err_t p_seed(struct forge_args *o, const struct arg *a)
{
    o->seed = a->value;
    return OK;
}

static err_t folder(const struct arg *a, const char **out)
{
    if (!*a->value)
        return arg_wrong(a, "must be the name of a folder");
    *out = a->value;
    return OK;
}

static err_t p_out(struct forge_args *o, const struct arg *a)
{
    return folder(a, &o->out);
}

static err_t p_keys(struct forge_args *o, const struct arg *a)
{
    return folder(a, &o->keys);
}

static err_t p_published(struct forge_args *o, const struct arg *a)
{
    return a_time(a, &o->published_s);
}

static err_t p_count(struct forge_args *o, const struct arg *a)
{
    return arg_u32(a, 1, FORGE_COUNT_MOST, &o->count);
}

static err_t p_phantom(struct forge_args *o, const struct arg *a)
{
    return arg_u32(a, 1, CONSENSUS_RELAYS_MAX, &o->phantoms);
}

static err_t p_spread(struct forge_args *o, const struct arg *a)
{
    if (spread_kind_parse(a->value, &o->spread) != OK)
        return arg_wrong(a, "must be alike, light or live");
    return OK;
}

static err_t p_nickname(struct forge_args *o, const struct arg *a)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(a->value);
    if (!len || len > NICKNAME_MAX || strspn(a->value, letters) != len)
        return arg_wrong(a, "must be 1 to %d letters and digits", NICKNAME_MAX);
    o->relay.nickname = a->value;
    return OK;
}

static err_t p_address(struct forge_args *o, const struct arg *a)
{
    if (ip_parse(a->value, false, &o->relay.or_port.ip) != OK ||
        o->relay.or_port.ip.family != IP_V4)
        return arg_wrong(a,
                         "must be an IPv4 address; for IPv6 say --set \"or-address [IPV6]:PORT\"");
    return OK;
}

static err_t p_or_port(struct forge_args *o, const struct arg *a)
{
    return port(a, 1, &o->relay.or_port.port);
}

static err_t p_dir_port(struct forge_args *o, const struct arg *a)
{
    return port(a, 0, &o->relay.dir_port);
}

static err_t p_bandwidth(struct forge_args *o, const struct arg *a)
{
    return arg_u32(a, 1, UINT32_MAX, &o->relay.bandwidth_bytes);
}

static err_t p_exit_policy(struct forge_args *o, const struct arg *a)
{
    if (exitpolicy_check(a->value) != OK)
        return arg_wrong(a,
                         "must be rules like \"accept *:80,accept 192.0.2.0/24:443,reject *:*\"");
    o->relay.policy = a->value;
    return OK;
}

static err_t p_contact(struct forge_args *o, const struct arg *a)
{
    return one_line(a, &o->relay.contact);
}

static err_t p_platform(struct forge_args *o, const struct arg *a)
{
    return one_line(a, &o->relay.platform);
}

static err_t p_proto(struct forge_args *o, const struct arg *a)
{
    return one_line(a, &o->relay.protos);
}

static err_t p_relays(struct forge_args *o, const struct arg *a)
{
    if (o->n_relay_files == FORGE_FILES_MOST)
        return arg_wrong(a, "there can be %d files at most; put them into one", FORGE_FILES_MOST);
    if (!*a->value)
        return arg_wrong(a, "must be the name of a file, or - for standard input");
    o->relay_file[o->n_relay_files++] = a->value;
    return OK;
}

static err_t p_authorities(struct forge_args *o, const struct arg *a)
{
    return arg_u32(a, 1, CONSDOC_AUTHORITIES_MOST, &o->authorities);
}

static err_t p_authority_keys(struct forge_args *o, const struct arg *a)
{
    if (o->n_authority_dirs == CONSDOC_AUTHORITIES_MOST)
        return arg_wrong(a, "there can be %d authorities at most", CONSDOC_AUTHORITIES_MOST);
    TRY(folder(a, &o->authority_dir[o->n_authority_dirs]));
    o->n_authority_dirs++;
    return OK;
}

/* "RELAY=..." begins another override; what stands behind "=". */
static err_t override_for(struct forge_args *o, const struct arg *a, struct forge_override **out,
                          struct text *value)
{
    struct text rest = text_of(a->value), relay;
    if (!text_split(&rest, '=', &relay) || !relay.len || relay.len == strlen(a->value)) /* no "=" */
        return arg_wrong(a, "must be RELAY=VALUE; RELAY is a nickname, a fingerprint or *");
    if (o->n_overrides == FORGE_OVERRIDES_MOST)
        return arg_wrong(a, "there can be %d of these at most", FORGE_OVERRIDES_MOST);
    *out = &o->override[o->n_overrides++];
    **out = (struct forge_override){.relay = relay};
    *value = rest;
    return OK;
}

static err_t p_flags(struct forge_args *o, const struct arg *a)
{
    struct forge_override *to;
    struct text value, bad;
    TRY(override_for(o, a, &to, &value));
    to->has_flags = true;
    if (forge_flags(value, &to->flags, &bad) != OK)
        return arg_wrong(a,
                         "\"%.*s\" is no flag; there are Authority, BadExit, Exit, Fast, Guard, "
                         "HSDir, MiddleOnly, Running, Stable, StaleDesc, Sybil, V2Dir, Valid",
                         (int)(bad.len < 40 ? bad.len : 40), bad.s);
    return OK;
}

static err_t p_weight(struct forge_args *o, const struct arg *a)
{
    struct forge_override *to;
    struct text value;
    uint64_t n;
    TRY(override_for(o, a, &to, &value));
    if (text_to_u64(value, INT32_MAX, &n) != OK)
        return arg_wrong(a, "must be RELAY=KILOBYTES, a whole number");
    to->has_bandwidth = true;
    to->bandwidth_kb = (uint32_t)n;
    return OK;
}

static bool is_integer(struct text t)
{
    uint64_t n;
    if (t.len && t.s[0] == '-')
        t = (struct text){t.s + 1, t.len - 1};
    return text_to_u64(t, INT32_MAX, &n) == OK;
}

static err_t p_params(struct forge_args *o, const struct arg *a)
{
    struct text rest = text_of(a->value), word, name;
    while (text_token(&rest, &word))
        if (!text_split(&word, '=', &name) || !name.len || !is_integer(word))
            return arg_wrong(a, "must be \"NAME=NUMBER NAME=NUMBER\"");
    if (strpbrk(a->value, "\n\r"))
        return arg_wrong(a, "must be one line");
    o->params = a->value;
    return OK;
}

static err_t p_valid_after(struct forge_args *o, const struct arg *a)
{
    return a_time(a, &o->valid_after_s);
}

static err_t p_fresh_until(struct forge_args *o, const struct arg *a)
{
    return a_time(a, &o->fresh_until_s);
}

static err_t p_valid_until(struct forge_args *o, const struct arg *a)
{
    return a_time(a, &o->valid_until_s);
}

static err_t p_expires(struct forge_args *o, const struct arg *a)
{
    return a_time(a, &o->expires_s);
}

static err_t p_voting_delay(struct forge_args *o, const struct arg *a)
{
    struct text rest = text_of(a->value), vote, dist;
    uint64_t v, d;
    if (!text_token(&rest, &vote) || !text_token(&rest, &dist) || text_strip(rest).len ||
        text_to_u64(vote, INT32_MAX, &v) != OK || text_to_u64(dist, INT32_MAX, &d) != OK)
        return arg_wrong(a, "must be two numbers of seconds, like \"300 300\"");
    o->vote_s = (uint32_t)v;
    o->dist_s = (uint32_t)d;
    return OK;
}

static err_t p_flavor(struct forge_args *o, const struct arg *a)
{
    if (strcmp(a->value, "ns") != 0 && strcmp(a->value, "microdesc") != 0)
        return arg_wrong(a, "must be ns or microdesc");
    o->flavor = *a->value == 'n' ? CONSDOC_NS : CONSDOC_MICRODESC;
    return OK;
}

static err_t p_signatures(struct forge_args *o, const struct arg *a)
{
    o->has_signatures = true;
    return arg_u32(a, 0, CONSDOC_AUTHORITIES_MOST, &o->signatures);
}

enum {
    PUBLISHED = FORGE_SERVER | FORGE_EXTRA_INFO,
    NETWORK = FORGE_CONSENSUS | FORGE_VOTE,
    RELAYS = PUBLISHED | FORGE_MICRODESC | NETWORK,
    ALL = RELAYS | FORGE_KEY_CERT,
};

static const struct {
    struct arg_name name;
    unsigned kinds;
    err_t (*parse)(struct forge_args *o, const struct arg *a);
} options[] = {
    {{"--help", false}, ALL, p_help},
    {{"-h", false}, ALL, p_help},
    {{"--set", true}, ALL, p_set},
    {{"--drop", true}, ALL, p_drop},
    {{"--no-sign", false}, ALL, p_no_sign},
    {{"--seed", true}, ALL, p_seed},
    {{"--out", true}, ALL, p_out},
    {{"--published", true}, ALL, p_published},
    {{"--count", true}, RELAYS, p_count},
    {{"--keys", true}, PUBLISHED | FORGE_MICRODESC, p_keys},
    {{"--nickname", true}, RELAYS, p_nickname},
    {{"--address", true}, RELAYS, p_address},
    {{"--or-port", true}, RELAYS, p_or_port},
    {{"--dir-port", true}, RELAYS, p_dir_port},
    {{"--bandwidth", true}, RELAYS, p_bandwidth},
    {{"--exit-policy", true}, RELAYS, p_exit_policy},
    {{"--contact", true}, RELAYS, p_contact},
    {{"--platform", true}, RELAYS, p_platform},
    {{"--proto", true}, RELAYS, p_proto},
    {{"--relays", true}, FORGE_MICRODESC | NETWORK, p_relays},
    {{"--phantom", true}, NETWORK, p_phantom},
    {{"--spread", true}, NETWORK, p_spread},
    {{"--authorities", true}, NETWORK | FORGE_KEY_CERT, p_authorities},
    {{"--authority-keys", true}, NETWORK, p_authority_keys},
    {{"--flags", true}, NETWORK, p_flags},
    {{"--weight", true}, NETWORK, p_weight},
    {{"--params", true}, NETWORK, p_params},
    {{"--valid-after", true}, NETWORK, p_valid_after},
    {{"--fresh-until", true}, NETWORK, p_fresh_until},
    {{"--valid-until", true}, NETWORK, p_valid_until},
    {{"--voting-delay", true}, NETWORK, p_voting_delay},
    {{"--flavor", true}, FORGE_CONSENSUS, p_flavor},
    {{"--signatures", true}, FORGE_CONSENSUS, p_signatures},
    {{"--expires", true}, FORGE_KEY_CERT, p_expires},
};

/* ---- all of it ---- */

static const struct {
    const char *name;
    enum forge_kind kind;
} kinds[] = {
    {"server", FORGE_SERVER},       {"extra-info", FORGE_EXTRA_INFO},
    {"microdesc", FORGE_MICRODESC}, {"consensus", FORGE_CONSENSUS},
    {"vote", FORGE_VOTE},           {"key-certificate", FORGE_KEY_CERT},
};

/* ARGV[*I], and what belongs to it. */
static err_t take(struct forge_args *o, int argc, char *const *argv, int *i, char *why)
{
    struct arg a = {.option = argv[*i], .why = why};
    size_t row;
    if (argv[*i][0] != '-')
        return arg_wrong(&a, "what is this? Options begin with --; see --help");
    TRY(ARGS_TAKE(options, argc, argv, i, &a, &row));
    if (!(options[row].kinds & o->kind)) {
        a.value = NULL;
        return arg_wrong(&a, "is not for this kind of document; see --help");
    }
    return options[row].parse(o, &a);
}

/* What does not go together. */
static err_t check(const struct forge_args *o, char *why)
{
    struct arg a = {.why = why};
    if (o->keys && o->count > 1) {
        a.option = "--keys";
        return arg_wrong(&a, "one relay's keys are for one relay; leave --count out");
    }
    if (o->keys && o->n_relay_files) {
        a.option = "--keys";
        return arg_wrong(&a, "the descriptors of --relays have keys; leave one of the two out");
    }
    if (o->relay.nickname && o->count > 1) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%u", o->count);
        a.option = "--nickname";
        a.value = o->relay.nickname;
        if (strlen(a.value) + (size_t)n > NICKNAME_MAX)
            return arg_wrong(&a, "with numbers up to %u behind it, it is longer than %d", o->count,
                             NICKNAME_MAX);
    }
    if (o->authorities + o->n_authority_dirs > CONSDOC_AUTHORITIES_MOST) {
        a.option = "--authorities";
        return arg_wrong(&a, "with --authority-keys there are more than %d",
                         CONSDOC_AUTHORITIES_MOST);
    }
    return OK;
}

err_t forge_args_parse(int argc, char *const *argv, struct forge_args *out, char why[ARG_WHY])
{
    enum { DELAY_S = 300 };
    const char *name = argc > 1 ? argv[1] : "";
    struct arg a = {.option = name, .why = why};
    memset(out, 0, sizeof *out);
    out->vote_s = out->dist_s = DELAY_S;
    out->spread = SPREAD_LIVE;
    out->published_s = out->expires_s = INT64_MIN;
    out->valid_after_s = out->fresh_until_s = out->valid_until_s = INT64_MIN;
    out->help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            out->kind = kinds[i].kind;
    if (out->help)
        return OK;
    if (!out->kind) {
        a.option = *name ? name : "what";
        return arg_wrong(&a,
                         "say what to forge first: server, extra-info, microdesc, consensus, vote "
                         "or key-certificate");
    }
    for (int i = 2; i < argc; i++)
        TRY(take(out, argc, argv, &i, why));
    return out->help ? OK : check(out, why);
}
