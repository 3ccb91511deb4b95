/* Options back to text: GETCONF, the dump, what differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/out.h"
#include "conf/confquote.h"
#include "conf/options_int.h"
#include "conf/optval.h"

enum { DUMP_MOST = 64 << 20 };

static err_t copy_named(const struct conf_line *from, const char *key, struct conf_line **out)
{
    struct conf_line *head = NULL, **tail = &head;
    err_t err = OK;
    for (; err == OK && from; from = from->next)
        if (!key || strcasecmp(from->key, key) == 0)
            err = conf_line_add(&tail, text_of(from->key), text_of(from->value), from->where,
                                CONF_SET);
    if (err != OK) {
        conf_lines_free(head);
        head = NULL;
    }
    *out = head;
    return err;
}

static err_t one_line(const struct opt *opt, const char *value, struct conf_line **out)
{
    struct conf_line **tail = out;
    *out = NULL;
    return value ? conf_line_add(&tail, text_of(opt->name), text_of(value), "", CONF_SET) : OK;
}

static err_t copy_group(const struct conf_line *from, const struct opt *group,
                        struct conf_line **out)
{
    struct conf_line *head = NULL, **tail = &head;
    err_t err = OK;
    for (; err == OK && from; from = from->next)
        if (opt_group_has(group, from->key))
            err = conf_line_add(&tail, text_of(from->key), text_of(from->value), from->where,
                                CONF_SET);
    *out = head;
    return err;
}

/* What is kept of an option that has no place, or its default. */
static err_t get_foreign(const struct options *o, const struct opt *opt, struct conf_line **out)
{
    if (opt->type == OPTT_VIRTUAL)
        return copy_group(o->kept, opt, out);
    TRY(copy_named(o->kept, opt->name, out));
    const char *initial = opt_initial(opt, o->using_test_network_defaults);
    if (!initial && (opt->type == OPTT_NODES || opt->type == OPTT_CSV))
        initial = ""; /* as the lists that have a place */
    if (*out || !initial || opt->kind == OPT_OBSOLETE || opt->type == OPTT_LINES)
        return OK;
    union optval v = {0};
    char why[OPTVAL_WHY_MAX], *text = NULL;
    err_t err = optval_parse(opt->type, initial, &v, why);
    if (err == OK)
        err = optval_text(opt->type, &v, &text);
    optval_clear(opt->type, &v);
    if (err == OK)
        err = one_line(opt, text, out);
    free(text);
    return err;
}

err_t options_get(const struct options *o, const struct opt *opt, struct conf_line **out)
{
    *out = NULL;
    if (!opt_has_place(opt))
        return get_foreign(o, opt, out);
    const void *at = opt_place(o, opt);
    if (opt->type == OPTT_VIRTUAL)
        return copy_named(*(struct conf_line *const *)at, NULL, out);
    if (opt->type == OPTT_LINES)
        return copy_named(*(struct conf_line *const *)at, opt->name, out);
    char *text = NULL;
    TRY(optval_text(opt->type, at, &text));
    err_t err = one_line(opt, text, out);
    free(text);
    return err;
}

err_t options_show(const struct options *o, const struct opt *opt, struct conf_line ***tail)
{
    struct conf_line *lines = NULL;
    err_t err = options_get(o, opt, &lines);
    if (err == OK && !lines)
        err = conf_line_add(tail, text_of(opt->name), text_of(""), "", CONF_CLEAR);
    for (const struct conf_line *l = lines; err == OK && l; l = l->next) {
        char *value = conf_quote(l->value);
        err =
            value ? conf_line_add(tail, text_of(l->key), text_of(value), "", CONF_SET) : ERR_NOMEM;
        free(value);
    }
    conf_lines_free(lines);
    return err;
}

static bool same(const struct options *a, const struct options *b, const struct opt *opt)
{
    struct conf_line *la = NULL, *lb = NULL;
    bool got = options_get(a, opt, &la) == OK && options_get(b, opt, &lb) == OK;
    bool equal = got && conf_lines_equal(la, lb);
    conf_lines_free(la);
    conf_lines_free(lb);
    return equal;
}

err_t options_check_transition(const struct options *old, const struct options *new_options,
                               struct conf_err *e)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++)
        if (table[i].flags & OPTF_IMMUTABLE && !same(old, new_options, &table[i]))
            return conf_fail(e, ERR_STATE, "While Tor is running, changing %s is not allowed",
                             table[i].name);
    return OK;
}

size_t options_diff(const struct options *a, const struct options *b, const struct opt **out,
                    size_t cap)
{
    size_t n, found = 0;
    const struct opt *table = opt_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (table[i].kind == OPT_OBSOLETE || table[i].type == OPTT_VIRTUAL || same(a, b, &table[i]))
            continue;
        if (found < cap)
            out[found] = &table[i];
        found++;
    }
    return found;
}

err_t options_changes(const struct options *old, const struct options *now, struct conf_line **out)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    struct conf_line *head = NULL, **tail = &head;
    err_t err = OK;
    for (size_t i = 0; err == OK && i < n; i++)
        if (table[i].kind != OPT_OBSOLETE && !(table[i].flags & OPTF_DEPENDENT) &&
            !same(old, now, &table[i]))
            err = options_show(now, &table[i], &tail);
    if (err != OK) {
        conf_lines_free(head);
        head = NULL;
    }
    *out = head;
    return err;
}

/* Whether the dump shows the option: not if another name shows the same lines. */
static bool dumped(const struct opt *opt)
{
    if (opt->kind == OPT_OBSOLETE || opt->flags & (OPTF_NODUMP | OPTF_HIDDEN))
        return false;
    return !opt_has_place(opt) ? opt->type != OPTT_VIRTUAL : !(opt->flags & OPTF_DEPENDENT);
}

static bool dump_lines(struct text_out *out, const struct conf_line *lines)
{
    for (; lines; lines = lines->next) {
        if (strncmp(lines->key, "__", 2) == 0)
            continue;
        char *value = conf_quote(lines->value);
        if (!value)
            return false;
        out_printf(out, "%s%s%s\n", lines->key, *value ? " " : "", value);
        free(value);
    }
    return true;
}

char *options_dump(const struct options *o, const struct options *defaults, enum dump how)
{
    size_t n;
    const struct opt *table = opt_table(&n);
    struct text_out out = text_out(DUMP_MOST);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        struct conf_line *lines = NULL;
        if (!dumped(&table[i]) || (how == DUMP_MINIMAL && same(o, defaults, &table[i])))
            continue;
        ok = options_get(o, &table[i], &lines) == OK && dump_lines(&out, lines);
        conf_lines_free(lines);
    }
    if (ok)
        return out_take(&out);
    out_free(&out);
    return NULL;
}

char *options_torrc(const struct options *o)
{
    if (o->base)
        return options_dump(o, o->base, DUMP_MINIMAL);
    struct options *defaults = options_new(o->using_test_network_defaults);
    char *text = defaults ? options_dump(o, defaults, DUMP_MINIMAL) : NULL;
    options_free(defaults);
    return text;
}
