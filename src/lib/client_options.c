/* Options of a client, from the program's text. */
#include <stdlib.h>
#include <string.h>

#include "lib/client.h"

struct reading {
    struct tunic *t;
    struct options *o;
    struct conf_faults faults; /* the first is E's at the end; the log has the others */
    struct conf_err e;
    err_t status;
};

static int fail(const struct reading *r, struct tunic_error *error)
{
    bool ours = r->status == ERR_NOMEM;
    return lib_error(error, ours ? TUNIC_SYSTEM : TUNIC_USAGE, TUNIC_STAGE_NONE, "%s",
                     ours ? err_text(r->status) : r->e.text);
}

static void warn_of_processes(const struct conf_line *lines, const struct log *log)
{
    for (; lines; lines = lines->next)
        opt_warn_of_process(lines->key, lines->where, log);
}

/* ---- sources ---- */

struct sources {
    struct conf_line *torrc, *set;
};

static err_t read_set(const char *const *set, struct conf_line **out, struct conf_err *e)
{
    struct conf_line **tail = out;
    for (; set && set[0]; set += 2) {
        const char *name = set[0] + (set[0][0] == '+');
        enum conf_how how = set[0][0] == '+' ? CONF_APPEND : CONF_SET;
        if (!set[1])
            return conf_fail(e, ERR_ARG, "options: %s has no value", name);
        TRY(conf_line_add(&tail, text_of(name), text_of(set[1]), "options", how));
    }
    return OK;
}

static err_t read_sources(const struct tunic_client_options *o, struct sources *s,
                          struct reading *r)
{
    if (o->torrc)
        TRY(conf_lex_each(NULL, "torrc", o->torrc, &s->torrc, NULL, &r->faults));
    return read_set(o->set, &s->set, &r->e);
}

static err_t assign(struct reading *r, const char *name, const char *value, unsigned flags,
                    const struct log *log)
{
    struct conf_line *line = NULL, **tail = &line;
    err_t e = conf_line_add(&tail, text_of(name), text_of(value), "options", CONF_SET);
    if (e == OK)
        e = options_assign(r->o, line, flags, log, &r->e);
    conf_lines_free(line);
    return e;
}

/* The library's own defaults, or those of a client that shares its directory. */
static err_t begin_with(struct reading *r, const struct options *base, bool testing)
{
    /* Folders, ports and files of which there is one. */
    static const char *const its_own[] = {"DataDirectory",        "ControlPort",
                                          "ControlSocket",        "ControlPortWriteToFile",
                                          "CookieAuthentication", "CookieAuthFile"};
    options_free(r->o);
    r->o = base ? options_dup(base) : options_new(testing);
    if (!r->o)
        return ERR_NOMEM;
    for (size_t i = 0; base && i < sizeof its_own / sizeof *its_own; i++)
        TRY(assign(r, its_own[i], "", ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS, NULL));
    return assign(r, "SocksPort", "0", ASSIGN_CLEAR_FIRST, NULL);
}

static err_t assign_sources(struct reading *r, const struct sources *s, const struct options *base,
                            bool testing, const struct log *log, struct conf_faults *faults)
{
    TRY(begin_with(r, base, testing));
    TRY(options_assign_each(r->o, s->torrc, 0, log, faults));
    return options_assign_each(r->o, s->set, 0, log, faults);
}

/* What TestingTorNetwork implies are defaults: they come before all that was said. */
static err_t assign_all(struct reading *r, const struct sources *s, const struct options *base)
{
    struct conf_faults told = {.log = NULL}; /* the first time */
    TRY(assign_sources(r, s, base, false, &r->t->log, &r->faults));
    if (!r->o->testing_tor_network || r->o->using_test_network_defaults)
        return OK;
    return assign_sources(r, s, base, true, NULL, &told);
}

/* ---- checks ---- */

const char *lib_home(void)
{
    const char *home = getenv("HOME");
    return home && *home ? home : ".";
}

static err_t check(struct reading *r)
{
    const struct options_env env = {lib_home(), QUIET_LIBRARY, &r->t->log};
    TRY(options_check_each(r->o, &env, &r->faults));
    TRY(conf_faults_end(&r->faults, &r->e));
    if (r->o->user || r->o->disable_all_swap)
        return conf_fail(&r->e, ERR_UNSUPPORTED,
                         "%s is about a process: a library cannot see to it",
                         r->o->user ? "User" : "DisableAllSwap");
    return OK;
}

static err_t check_same_network(struct reading *r, const struct options *base)
{
    if (conf_lines_equal(options_authorities(r->o), options_authorities(base)) &&
        conf_lines_equal(r->o->fallback_dir_lines, base->fallback_dir_lines) &&
        r->o->testing_tor_network == base->testing_tor_network)
        return OK;
    return conf_fail(&r->e, ERR_STATE,
                     "DirAuthority, FallbackDir and TestingTorNetwork cannot change");
}

static struct options *done(struct reading *r, struct tunic_error *error)
{
    if (r->status == OK)
        return r->o;
    fail(r, error);
    options_free(r->o);
    return NULL;
}

struct options *lib_client_options(struct tunic *t, const struct tunic_client_options *o,
                                   const struct options *base, struct tunic_error *error)
{
    struct reading r = {.t = t, .faults = {.log = &t->log}};
    struct sources s = {NULL, NULL};
    r.status = read_sources(o, &s, &r);
    if (r.status == OK)
        r.status = assign_all(&r, &s, base);
    warn_of_processes(s.torrc, &t->log);
    warn_of_processes(s.set, &t->log);
    conf_lines_free(s.torrc);
    conf_lines_free(s.set);
    if (r.status == OK)
        r.status = check(&r);
    if (r.status == OK && base)
        r.status = check_same_network(&r, base);
    return done(&r, error);
}

struct options *lib_client_options_set(struct tunic *t, const struct options *old, const char *name,
                                       const char *value, struct tunic_error *error)
{
    struct reading r = {.t = t, .o = options_dup(old), .faults = {.log = &t->log}};
    unsigned flags = ASSIGN_CLEAR_FIRST | (value ? 0u : ASSIGN_USE_DEFAULTS);
    const struct opt *opt = opt_find(name);
    opt_warn_of_process(name, "options", &t->log);
    if (opt && !value && opt == opt_find("SocksPort"))
        value = "0", flags = ASSIGN_CLEAR_FIRST;
    r.status = r.o ? assign(&r, name, value ? value : "", flags, &t->log) : ERR_NOMEM;
    if (r.status == OK)
        r.status = check(&r);
    if (r.status == OK)
        r.status = check_same_network(&r, old);
    return done(&r, error);
}
