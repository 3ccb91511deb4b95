#include "app/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/optlists.h"
#include "host/disk.h"

static bool is_file(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/* What keeps PATH from being read. */
static const char *file_trouble(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return "It is a folder.";
    return access(path, R_OK) == 0 ? "It cannot be read." : strerror(errno);
}

/* Where torrc (or torrc-defaults) is if nobody says so. NULL out of memory. */
static char *default_path(const struct load_env *env, bool defaults)
{
    char *path = text_printf("%s/%s", env->config_dir, defaults ? "torrc-defaults" : "torrc");
    if (defaults || is_file(path) || !env->home)
        return path;
    char *own = text_printf("%s/.torrc", env->home);
    if (own && !is_file(own)) {
        free(own);
        return path;
    }
    free(path);
    return own;
}

/* A file's text, or "" where a missing one is fine (*FOUND tells). One that is there and cannot be
 * understood is never fine. */
static err_t read_config(const struct cmdline *c, const struct load_env *env, bool defaults,
                         const char *path, bool named, char **text, bool *found, struct conf_err *e)
{
    err_t err = is_file(path) ? env->source.read(env->source.arg, path, text) : ERR_NOT_FOUND;
    const char *why = conf_read_why(err);
    *found = err == OK;
    if (err == OK) {
        log_notice(env->log, "Read configuration file \"%s\".", path);
        return OK;
    }
    if (*why || (named && !defaults && !c->ignore_missing)) {
        conf_fail(e, ERR_IO, "Unable to open configuration file \"%s\".%s%s", path, *why ? "" : " ",
                  *why ? why : file_trouble(path));
        if (*why || !c->allow_missing)
            return ERR_IO;
        log_warn(env->log, "%s", e->text);
    } else if (!defaults) {
        log_notice(env->log, "Configuration file \"%s\" not present, using reasonable defaults.",
                   path);
    }
    *text = strdup("");
    return *text ? OK : ERR_NOMEM;
}

static char *path_of(const struct load_env *env, bool defaults, const char *given,
                     const char *kept_path)
{
    char *path = kept_path ? strdup(kept_path)
                 : given   ? path_expand(given, env->home)
                           : default_path(env, defaults);
    return path_absolute(path); /* RunAsDaemon leaves the folder */
}

char *load_path(const struct cmdline *c, const struct load_env *env, bool defaults)
{
    const char *given = defaults ? c->defaults_torrc : cmdline_reads_stdin(c) ? NULL : c->torrc;
    return path_of(env, defaults, given, defaults ? c->defaults_path : c->torrc_path);
}

/* What one source says. */
struct source {
    struct conf_line *lines;
    bool included;
};

/* One file's lines; *KEPT_PATH is remembered so that a reload reads the same file. */
static err_t load_file(struct cmdline *c, const struct load_env *env, bool defaults,
                       char **kept_path, struct source *out, struct conf_faults *faults)
{
    struct conf_err e;
    const char *given = defaults ? c->defaults_torrc : c->torrc;
    bool found = false;
    char *text = NULL;
    char *path = path_of(env, defaults, given, *kept_path);
    if (!path)
        return ERR_NOMEM;
    err_t err = read_config(c, env, defaults, path, given || *kept_path, &text, &found, &e);
    if (err == OK)
        err = conf_lex_each(&env->source, path, text, &out->lines, &out->included, faults);
    else
        err = conf_faults_add(faults, err, &e);
    free(text);
    if (err == OK && found && !*kept_path) {
        *kept_path = path;
        path = NULL;
    }
    free(path);
    return err;
}

static err_t load_stdin(struct cmdline *c, const struct load_env *env, struct source *out,
                        struct conf_faults *faults)
{
    if (!c->stdin_text) {
        err_t err = disk_read_stream(env->in, &c->stdin_text);
        if (err != OK)
            return conf_faults_say(faults, ERR_IO,
                                   "Unable to read the configuration from standard input.%s",
                                   conf_read_why(err));
    }
    return conf_lex_each(&env->source, "standard input", c->stdin_text, &out->lines, &out->included,
                         faults);
}

/* What is read, one over the other, below the command line. */
struct sources {
    struct source defaults, torrc;
};

static err_t load_sources(struct cmdline *c, const struct load_env *env, struct sources *s,
                          struct conf_faults *faults)
{
    if (c->torrc_given_twice)
        return conf_faults_say(faults, ERR_IO, "-f and --torrc-file cannot be used together.");
    TRY(load_file(c, env, true, &c->defaults_path, &s->defaults, faults));
    if (cmdline_reads_stdin(c))
        return load_stdin(c, env, &s->torrc, faults);
    return load_file(c, env, false, &c->torrc_path, &s->torrc, faults);
}

/* Reads all sources into fresh options, whatever is wrong with them. */
static err_t assign_sources(const struct cmdline *c, const struct sources *s, bool testing,
                            const struct log *log, struct options **out, struct conf_faults *faults)
{
    struct options *o = options_new(testing);
    *out = o;
    if (!o)
        return ERR_NOMEM;
    TRY(options_assign_each(o, s->defaults.lines, 0, log, faults));
    o->base = options_dup(o);
    if (!o->base)
        return ERR_NOMEM;
    o->include_used = s->torrc.included;
    TRY(options_assign_each(o, s->torrc.lines, 0, log, faults));
    return options_assign_each(o, c->options, 0, log, faults);
}

/* Whether the sources, all together, set TestingTorNetwork; quietly. */
static bool wants_testing(const struct cmdline *c, const struct sources *s)
{
    struct conf_faults ignored = {.log = NULL};
    struct options *o = NULL;
    err_t err = assign_sources(c, s, false, NULL, &o, &ignored);
    bool testing = err == OK && o->testing_tor_network;
    options_free(o);
    return testing;
}

static err_t make_options(const struct cmdline *c, const struct load_env *env,
                          const struct sources *s, struct options **o, struct conf_faults *faults)
{
    const struct options_env check_env = {env->home, c->quiet, env->log};
    TRY(assign_sources(c, s, wants_testing(c, s), env->log, o, faults));
    return options_check_each(*o, &check_env, faults);
}

/* What is wrong with a line gets tor's words around it; a file that cannot be read says so. */
static err_t failed(const struct conf_faults *faults, struct conf_err *e)
{
    struct conf_err inner = {""};
    err_t err = conf_faults_end(faults, &inner);
    if (err == OK || err == ERR_IO) {
        *e = inner;
        return err;
    }
    inner.text[sizeof inner.text - 64] = 0;
    return conf_fail(e, err, "Failed to parse/validate config: %s", inner.text);
}

/* The end of both ways to load: frees the sources, and the options if anything went wrong. */
static err_t loaded(err_t err, struct sources *s, struct options *o, struct options **out)
{
    conf_lines_free(s->defaults.lines);
    conf_lines_free(s->torrc.lines);
    if (err == OK)
        *out = o;
    else
        options_free(o);
    return err;
}

err_t load_configuration(struct cmdline *c, const struct load_env *env, struct options **out,
                         struct conf_err *e)
{
    struct sources s = {.torrc = {.lines = NULL}};
    struct conf_faults faults = {.log = env->log};
    struct options *o = NULL;
    conf_fail(e, OK, "out of memory");
    err_t err = load_sources(c, env, &s, &faults);
    if (err == OK)
        err = make_options(c, env, &s, &o, &faults);
    if (err == OK)
        err = failed(&faults, e);
    return loaded(err, &s, o, out);
}

static err_t rebase(struct options *o, const struct options *old)
{
    options_free(o->base);
    o->base = options_dup(old->base);
    return o->base ? OK : ERR_NOMEM;
}

err_t load_text(struct cmdline *c, const struct load_env *env, const char *text,
                const struct options *old, struct options **out, struct conf_err *e)
{
    struct sources s = {.torrc = {.lines = NULL}};
    struct conf_faults faults = {.log = env->log};
    struct options *o = NULL;
    conf_fail(e, OK, "out of memory");
    err_t err = conf_lex_each(&env->source, CONF_FROM_CONTROLLER, text, &s.torrc.lines,
                              &s.torrc.included, &faults);
    if (err == OK)
        err = make_options(c, env, &s, &o, &faults);
    if (err == OK)
        err = rebase(o, old);
    if (err == OK)
        err = conf_faults_end(&faults, e);
    return loaded(err, &s, o, out);
}
