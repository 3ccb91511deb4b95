#include "app/cmdline.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

enum takes { TAKES_NOTHING, TAKES_ONE, TAKES_MAYBE };

/* What a flag does beside its command. */
enum effect { FX_NONE, FX_TORRC, FX_DEFAULTS, FX_IGNORE_MISSING, FX_ALLOW_MISSING };

struct flag {
    const char *name;
    enum takes takes;
    enum command command; /* CMD_RUN: leaves it alone */
    enum quiet quiet;
    enum effect effect;
};

static const struct flag FLAGS[] = {
    {"-f", TAKES_ONE, CMD_RUN, QUIET_NONE, FX_TORRC},
    {"--torrc-file", TAKES_ONE, CMD_RUN, QUIET_NONE, FX_TORRC},
    {"--defaults-torrc", TAKES_ONE, CMD_RUN, QUIET_NONE, FX_DEFAULTS},
    {"--ignore-missing-torrc", TAKES_NOTHING, CMD_RUN, QUIET_NONE, FX_IGNORE_MISSING},
    {"--allow-missing-torrc", TAKES_NOTHING, CMD_RUN, QUIET_NONE, FX_ALLOW_MISSING},
    {"--hush", TAKES_NOTHING, CMD_RUN, QUIET_HUSH, FX_NONE},
    {"--quiet", TAKES_NOTHING, CMD_RUN, QUIET_SILENT, FX_NONE},
    {"--verify-config", TAKES_NOTHING, CMD_VERIFY_CONFIG, QUIET_NONE, FX_NONE},
    {"--dump-config", TAKES_MAYBE, CMD_DUMP_CONFIG, QUIET_SILENT, FX_NONE},
    {"--version", TAKES_NOTHING, CMD_VERSION, QUIET_HUSH, FX_NONE},
    {"--help", TAKES_NOTHING, CMD_HELP, QUIET_HUSH, FX_NONE},
    {"-h", TAKES_NOTHING, CMD_HELP, QUIET_HUSH, FX_NONE},
    {"--list-torrc-options", TAKES_NOTHING, CMD_LIST_OPTIONS, QUIET_HUSH, FX_NONE},
    {"--list-deprecated-options", TAKES_NOTHING, CMD_LIST_DEPRECATED, QUIET_HUSH, FX_NONE},
    {"--list-modules", TAKES_NOTHING, CMD_LIST_MODULES, QUIET_HUSH, FX_NONE},
    {"--library-versions", TAKES_NOTHING, CMD_LIBRARY_VERSIONS, QUIET_HUSH, FX_NONE},
    {"--hash-password", TAKES_ONE, CMD_HASH_PASSWORD, QUIET_HUSH, FX_NONE},
    {"--list-fingerprint", TAKES_MAYBE, CMD_LIST_FINGERPRINT, QUIET_NONE, FX_NONE},
    {"--keygen", TAKES_NOTHING, CMD_RELAY_ONLY, QUIET_NONE, FX_NONE},
    {"--keygen-family", TAKES_ONE, CMD_RELAY_ONLY, QUIET_NONE, FX_NONE},
    {"--key-expiration", TAKES_MAYBE, CMD_RELAY_ONLY, QUIET_NONE, FX_NONE},
};

const char *const cmdline_programs[] = {"testnet", "fetch", "check", "forge",
                                        "measure", "ctl",   NULL};

static const struct flag *find_flag(const char *word)
{
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++)
        if (strcmp(FLAGS[i].name, word) == 0)
            return &FLAGS[i];
    return NULL;
}

static err_t set_text(char **at, const char *value)
{
    char *copy = strdup(value);
    if (!copy)
        return ERR_NOMEM;
    free(*at);
    *at = copy;
    return OK;
}

static err_t apply_flag(struct cmdline *c, const struct flag *f, const char *value,
                        const char **torrc_flag, const struct log *log)
{
    if (f->command != CMD_RUN) {
        c->command = f->command;
        if (value)
            TRY(set_text(&c->argument, value));
    }
    if (f->quiet > c->quiet)
        c->quiet = f->quiet;
    switch (f->effect) {
    case FX_TORRC:
        if (*torrc_flag && strcmp(*torrc_flag, f->name) != 0)
            c->torrc_given_twice = true;
        else if (c->torrc)
            log_warn(log, "Duplicate %s options on command line.", f->name);
        *torrc_flag = f->name;
        return set_text(&c->torrc, value);
    case FX_DEFAULTS:
        if (c->defaults_torrc)
            log_warn(log, "Duplicate %s options on command line.", f->name);
        return set_text(&c->defaults_torrc, value);
    case FX_IGNORE_MISSING:
        c->ignore_missing = true;
        break;
    case FX_ALLOW_MISSING:
        c->allow_missing = true;
        break;
    case FX_NONE:
        break;
    }
    return OK;
}

/* Names that mean something else on the command line than in a file. */
static const char *cmdline_name(const char *name)
{
    if (strcasecmp(name, "l") == 0)
        return "Log";
    if (strcasecmp(name, "HashedControlPassword") == 0)
        return "__HashedControlSessionPassword";
    return name;
}

static const char *without_dashes(const char *word)
{
    for (int i = 0; i < 2 && *word == '-'; i++)
        word++;
    return word;
}

/* Tries NAME; if it is nearer than what came before, *KIND is how it is written. */
static void try_near(struct nearest *n, const char *name, const char *how, const char **kind)
{
    size_t before = n->least;
    nearest_try(n, name);
    if (n->least < before)
        *kind = how;
}

const char *cmdline_hint(const char *word, char hint[CMDLINE_HINT])
{
    const char *name = without_dashes(word), *kind = "", *option = opt_nearest(name);
    struct nearest near = nearest_begin(name);
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++)
        try_near(&near, without_dashes(FLAGS[i].name), "--", &kind);
    for (size_t i = 0; cmdline_programs[i]; i++)
        try_near(&near, cmdline_programs[i], "tunic ", &kind);
    if (option)
        try_near(&near, option, "", &kind);
    if (near.best)
        snprintf(hint, CMDLINE_HINT, " Did you mean \"%s%s\"?", kind, near.best);
    else
        snprintf(hint, CMDLINE_HINT, " See tunic --help.");
    return hint;
}

/* "--Option value", "-Option value", "Option value", "+Option value", "/Option". As in tor a
 * missing value is said before a wrong name, but whoever mistyped a flag is told where to look. */
static err_t parse_option(const char *word, const char *next, struct conf_line ***tail, int *used,
                          struct conf_err *e)
{
    const char *name = without_dashes(word);
    enum conf_how how = CONF_SET;
    char hint[CMDLINE_HINT];
    if (*name == '+' || *name == '/')
        how = *name++ == '+' ? CONF_APPEND : CONF_CLEAR;
    bool known = opt_lookup(cmdline_name(name), NULL) != NULL;
    if (how == CONF_CLEAR)
        next = "";
    else if (!next)
        return conf_fail(e, known ? ERR_MALFORMED : ERR_NOT_FOUND,
                         "Command-line option '%s' with no value. Failing.%s", word,
                         known ? "" : cmdline_hint(name, hint));
    if (!known && opt_candidates(name, hint, sizeof hint) < 2)
        return conf_fail(e, ERR_NOT_FOUND,
                         "Failed to parse/validate config: Unknown option '%s'.  Failing.%s", name,
                         cmdline_hint(name, hint));
    *used = how == CONF_CLEAR ? 1 : 2;
    return conf_line_add(tail, text_of(cmdline_name(name)), text_of(next), "command line", how);
}

static err_t parse_all(struct cmdline *c, int argc, char *const *argv, const struct log *log,
                       struct conf_err *e)
{
    struct conf_line **tail = &c->options;
    const char *torrc_flag = NULL;
    for (int i = 1; i < argc;) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        const struct flag *f = find_flag(argv[i]);
        int used = 1;
        if (!f) {
            TRY(parse_option(argv[i], next, &tail, &used, e));
        } else {
            bool with_value =
                f->takes == TAKES_ONE || (f->takes == TAKES_MAYBE && next && next[0] != '-');
            if (with_value && !next)
                return conf_fail(e, ERR_MALFORMED,
                                 "Command-line option '%s' with no value. Failing.", argv[i]);
            TRY(apply_flag(c, f, with_value ? next : NULL, &torrc_flag, log));
            used = with_value ? 2 : 1;
        }
        i += used;
    }
    return OK;
}

err_t cmdline_parse(int argc, char *const *argv, const struct log *log, struct cmdline **out,
                    struct conf_err *e)
{
    struct cmdline *c = calloc(1, sizeof *c);
    conf_fail(e, OK, "out of memory");
    if (!c)
        return ERR_NOMEM;
    err_t err = parse_all(c, argc, argv, log, e);
    if (err != OK) {
        cmdline_free(c);
        return err;
    }
    *out = c;
    return OK;
}

enum quiet cmdline_quiet(int argc, char *const *argv)
{
    enum quiet quiet = QUIET_NONE;
    for (int i = 1; i < argc; i++) {
        const struct flag *f = find_flag(argv[i]);
        if (f && f->quiet > quiet)
            quiet = f->quiet;
        if (!f || f->takes == TAKES_ONE)
            i++; /* its value */
    }
    return quiet;
}

void cmdline_free(struct cmdline *c)
{
    if (!c)
        return;
    free(c->argument);
    free(c->torrc);
    free(c->defaults_torrc);
    conf_lines_free(c->options);
    free(c->stdin_text);
    free(c->torrc_path);
    free(c->defaults_path);
    free(c);
}

bool cmdline_reads_stdin(const struct cmdline *c)
{
    return c->torrc && strcmp(c->torrc, "-") == 0;
}
