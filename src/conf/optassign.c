/* Lines put into options: which are taken, kept, refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/options_int.h"
#include "conf/optlists.h"
#include "conf/optval.h"

/* Drops the lines of LIST that give way to OPT: those of the same option, or the same group. */
static void drop_lines(struct conf_line **list, const struct opt *opt)
{
    const struct opt *group = opt_group(opt);
    while (*list) {
        struct conf_line *line = *list;
        if (group ? opt_group_has(group, line->key) : strcasecmp(line->key, opt->name) == 0) {
            *list = line->next;
            line->next = NULL;
            conf_lines_free(line);
        } else {
            list = &line->next;
        }
    }
}

static err_t append_line(struct conf_line **list, const struct opt *opt, const char *value,
                         const char *where)
{
    while (*list)
        list = &(*list)->next;
    return conf_line_add(&list, text_of(opt->name), text_of(value), where, CONF_SET);
}

/* A value in its canonical form ("3600" for "1 hour"), checked; lines stay as they are. */
static err_t canonical(const struct opt *opt, const char *value, char **out,
                       char why[OPTVAL_WHY_MAX])
{
    if (opt->type == OPTT_LINES) {
        *out = strdup(value);
        return *out ? OK : ERR_NOMEM;
    }
    union optval v = {0};
    err_t err = optval_parse(opt->type, value, &v, why);
    if (err == OK)
        err = optval_text(opt->type, &v, out);
    optval_clear(opt->type, &v);
    return err;
}

/* State of one options_assign(). */
struct assigning {
    struct options *o;
    unsigned flags;
    const struct log *log;
    struct conf_err *e;
    bool *seen; /* by index in the table: this source has set it already */
};

/* The options that share a list (SocksPort, __SocksPort) share a mark, too. */
static bool *seen_mark(const struct assigning *a, const struct opt *opt)
{
    const struct opt *group = opt_group(opt);
    return &a->seen[opt_index(group ? group : opt)];
}

static bool is_list(const struct opt *opt)
{
    return opt->type == OPTT_LINES || opt->type == OPTT_NODES || opt->type == OPTT_VIRTUAL;
}

/* An option that is kept as text, and was emptied: 0, or nothing. */
static err_t keep_zero(struct options *o, const struct opt *opt)
{
    union optval zero = {0};
    char *text = NULL;
    optval_clear(opt->type, &zero);
    TRY(optval_text(opt->type, &zero, &text));
    err_t err = text ? append_line(&o->kept, opt, text, "") : OK;
    free(text);
    return err;
}

static err_t reset(struct options *o, const struct opt *opt, bool to_default)
{
    if (!opt_has_place(opt)) {
        drop_lines(&o->kept, opt);
        return to_default || is_list(opt) ? OK : keep_zero(o, opt);
    }
    if (to_default)
        return options_set_initial(o, opt);
    optval_clear(opt->type, opt_place(o, opt));
    return OK;
}

/* What KEY, which is no option, may have meant; or nothing. */
static void say_meant(const char *key, char *out, size_t size)
{
    char names[128];
    const char *near = opt_nearest(key);
    out[0] = 0;
    if (opt_candidates(key, names, sizeof names) > 1)
        snprintf(out, size, " It may be short for %s.", names);
    else if (near)
        snprintf(out, size, " Did you mean \"%s\"?", near);
}

/* tor's words, which controllers look for, between the place and what may have been meant. */
static err_t unknown(const struct assigning *a, const struct conf_line *line)
{
    char meant[192] = "";
    if (!conf_is_controllers(line->where))
        say_meant(line->key, meant, sizeof meant);
    return conf_fail(a->e, ERR_NOT_FOUND, "%s: Unknown option '%s'.  Failing.%s", line->where,
                     line->key, meant);
}

static err_t bad_value(const struct assigning *a, const struct opt *opt,
                       const struct conf_line *line, const char *why)
{
    if (opt->type == OPTT_VIRTUAL)
        return conf_fail(a->e, ERR_MALFORMED, "%s: %s", line->where, why);
    return conf_fail(a->e, ERR_MALFORMED, "%s: Could not parse %s: %s", line->where, opt->name,
                     why);
}

/* The value that one may write who wants the thing off; NULL if only the line's absence says so. */
static const char *off_value(const struct opt *opt)
{
    return opt->initial && opt->type != OPTT_LINES ? opt->initial : opt->off;
}

/* Refuses an option that does not work yet: what is missing, and what to write to run without it.
 */
static err_t refuse(const struct assigning *a, const struct opt *opt, const struct conf_line *line)
{
    const char *off = off_value(opt);
    if (conf_is_controllers(line->where))
        return conf_fail(a->e, ERR_UNSUPPORTED, "%s: %s: %s.", line->where, opt->name, opt->reason);
    return conf_fail(a->e, ERR_UNSUPPORTED,
                     "%s: %s \"%s\": %s. To run without it, remove the line%s%s%s%s%s.",
                     line->where, opt->name, line->value, opt->reason, off ? " or write \"" : "",
                     off ? opt->name : "", off ? " " : "", off ? off : "", off ? "\"" : "");
}

/* What is to be said of a value, other than the default and "off", that has no effect. */
static err_t judge(const struct assigning *a, const struct opt *opt, const struct conf_line *line)
{
    if (opt->flags & OPTF_RULED)
        return OK;
    if (opt->kind == OPT_NOT_YET)
        return refuse(a, opt, line);
    if (*seen_mark(a, opt))
        return OK; /* one word a list */
    if (opt->kind == OPT_KEPT || opt->flags & OPTF_WOULD_RELAY)
        log_warn(a->log, "%s: %s has no effect: %s.", line->where, opt->name, opt->reason);
    else
        log_info(a->log, "%s: %s does not matter to a client: %s.", line->where, opt->name,
                 opt->reason);
    return OK;
}

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static err_t keep(struct assigning *a, const struct opt *opt, const struct conf_line *line,
                  const char *value)
{
    bool *seen = seen_mark(a, opt);
    if (!is_list(opt) || (!*seen && line->how != CONF_APPEND))
        drop_lines(&a->o->kept, opt);
    *seen = true;
    return append_line(&a->o->kept, opt, value, line->where);
}

/* An option that does not work: its value is checked, and kept to be shown again. */
static err_t assign_foreign(struct assigning *a, const struct opt *opt,
                            const struct conf_line *line)
{
    char why[OPTVAL_WHY_MAX] = "";
    char *value = NULL, *initial = NULL;
    const char *text = opt_initial(opt, a->o->using_test_network_defaults);
    err_t err = canonical(opt, line->value, &value, why);
    if (err == ERR_MALFORMED)
        return bad_value(a, opt, line, why);
    if (err == OK && text)
        err = canonical(opt, text, &initial, why);
    if (err == OK && !same_text(value, initial) && !same_text(value, opt->off))
        err = judge(a, opt, line);
    if (err == OK)
        err = keep(a, opt, line, value);
    free(value);
    free(initial);
    return err;
}

static err_t assign_lines(struct assigning *a, const struct opt *opt, const struct conf_line *line)
{
    struct conf_line **list = opt_place(a->o, opt);
    bool *seen = seen_mark(a, opt);
    if (!*seen && line->how != CONF_APPEND) {
        conf_lines_free(*list);
        *list = NULL;
    }
    *seen = true;
    return append_line(list, opt, line->value, line->where);
}

static err_t assign_nodes(struct assigning *a, const struct opt *opt, const struct conf_line *line)
{
    char **list = opt_place(a->o, opt), why[OPTVAL_WHY_MAX];
    bool *seen = seen_mark(a, opt);
    TRY(nodes_check(opt->name, line->where, line->value, a->e));
    if (!*list || (!*seen && line->how != CONF_APPEND)) {
        *seen = true;
        return optval_parse(OPTT_NODES, line->value, list, why);
    }
    *seen = true;
    char *joined = text_printf("%s,%s", *list, line->value);
    err_t err = joined ? optval_parse(OPTT_NODES, joined, list, why) : ERR_NOMEM;
    free(joined);
    return err;
}

static err_t assign_own(struct assigning *a, const struct opt *opt, const struct conf_line *line)
{
    char why[OPTVAL_WHY_MAX] = "";
    if (opt->type == OPTT_LINES)
        return assign_lines(a, opt, line);
    if (opt->type == OPTT_NODES)
        return assign_nodes(a, opt, line);
    bool *seen = seen_mark(a, opt);
    if (*seen)
        log_warn(a->log, "Option '%s' used more than once; all but the last value will be ignored.",
                 opt->name);
    *seen = true;
    err_t err = optval_parse(opt->type, line->value, opt_place(a->o, opt), why);
    if (err == ERR_MALFORMED)
        return bad_value(a, opt, line, why);
    char **where = &a->o->where[opt_index(opt)];
    free(*where);
    *where = strdup(line->where); /* NULL is fine: a message will lack it */
    return err;
}

static err_t obsolete(const struct assigning *a, const struct opt *opt,
                      const struct conf_line *line)
{
    log_warn(a->log, "Skipping obsolete configuration option \"%s\".", opt->name);
    if (strcmp(opt->name, "SocksListenAddress") == 0)
        log_warn(a->log, "%s: write \"SocksPort ADDRESS:PORT\" instead of SocksListenAddress.",
                 line->where);
    return OK;
}

static err_t assign_line(struct assigning *a, const struct conf_line *line)
{
    const struct opt *opt = opt_lookup(line->key, a->log);
    if (!opt || opt->flags & OPTF_HIDDEN)
        return unknown(a, line);
    if (opt->kind == OPT_OBSOLETE)
        return obsolete(a, opt, line);
    if (opt->type == OPTT_VIRTUAL && !(a->flags & ASSIGN_CLEAR_FIRST && line->value[0] == 0))
        return bad_value(a, opt, line, "Cannot assign directly to virtual option.");
    if (line->value[0] == 0) {
        if (a->flags & ASSIGN_CLEAR_FIRST)
            return OK;
        if (is_list(opt) && line->how != CONF_CLEAR) {
            log_warn(a->log, "Linelist option '%s' has no value. Skipping.", opt->name);
            return OK;
        }
        return reset(a->o, opt, false);
    }
    return opt_has_place(opt) ? assign_own(a, opt, line) : assign_foreign(a, opt, line);
}

static err_t clear_named(struct assigning *a, const struct conf_line *lines)
{
    for (; lines; lines = lines->next) {
        const struct opt *opt = opt_lookup(lines->key, NULL);
        if (opt && opt->kind != OPT_OBSOLETE && !(opt->flags & OPTF_HIDDEN)) {
            TRY(reset(a->o, opt, a->flags & ASSIGN_USE_DEFAULTS));
            *seen_mark(a, opt) = is_list(opt);
        }
    }
    return OK;
}

err_t options_assign_each(struct options *o, const struct conf_line *lines, unsigned flags,
                          const struct log *log, struct conf_faults *faults)
{
    size_t n;
    struct conf_err e;
    (void)opt_table(&n);
    struct assigning a = {o, flags, log, &e, calloc(n, sizeof(bool))};
    err_t err = a.seen ? OK : ERR_NOMEM;
    if (err == OK && flags & ASSIGN_CLEAR_FIRST)
        err = clear_named(&a, lines);
    conf_fail(&e, OK, "out of memory");
    for (; err == OK && lines; lines = lines->next)
        err = conf_faults_add(faults, assign_line(&a, lines), &e);
    free(a.seen);
    return err;
}

err_t options_assign(struct options *o, const struct conf_line *lines, unsigned flags,
                     const struct log *log, struct conf_err *e)
{
    struct conf_faults faults = {.log = log};
    conf_fail(e, OK, "out of memory");
    TRY(options_assign_each(o, lines, flags, log, &faults));
    return conf_faults_end(&faults, e);
}
