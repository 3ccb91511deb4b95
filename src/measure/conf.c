#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "measure/conf_int.h"

const struct mconf_key mconf_keys[MCONF_IDS] = {
#define X(id, section, key, value) [id] = {section, key, value},
    MCONF_KEYS(X)
#undef X
};

/* Keys of FlashFlow's that have no meaning here, and why; "*" ends a beginning. */
static const struct {
    const char *section, *key, *why;
} unused[] = {
    {"coord", "tor_*", "no tor runs behind Tunic"},
    {"coord", "torrc_extra_lines", "no tor runs behind Tunic"},
    {"coord", "results_log", "each second is in the results, in resultsdir"},
    {"ctrl", "*", "orders go through the unix socket ctrl_addr of [coord]"},
    {"tor", "*", "no tor runs behind Tunic"},
    {"measurer", "tor_*", "no tor runs behind Tunic"},
    {"measurer", "torrc_extra_lines", "no tor runs behind Tunic"},
    {"measurer", "coord_cert", "the coordinator is known by coord_pin"},
    {"measurer", "coord_key", "the coordinator is known by coord_pin"},
};

/* ---- values ---- */

const char *mconf_raw(const struct mconf *c, enum mconf_id id)
{
    return c->values[id].text ? c->values[id].text : mconf_keys[id].value;
}

const char *mconf_where(const struct mconf *c, enum mconf_id id)
{
    return c->values[id].where ? c->values[id].where : "default";
}

static void value_free(struct mconf_value *v)
{
    free(v->text);
    free(v->where);
    *v = (struct mconf_value){NULL, NULL};
}

static err_t value_set(struct mconf_value *v, const char *text, const char *where)
{
    struct mconf_value copy = {strdup(text), strdup(where)};
    if (!copy.text || !copy.where) {
        value_free(&copy);
        return ERR_NOMEM;
    }
    value_free(v);
    *v = copy;
    return OK;
}

static err_t wrong(char why[MCONF_WHY], const char *fmt, ...) PRINTF_LIKE(2, 3);
static err_t wrong(char why[MCONF_WHY], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, MCONF_WHY, fmt, args);
    va_end(args);
    return ERR_MALFORMED;
}

static err_t add_notice(struct mconf *c, char *gift_text)
{
    char **more = gift_text ? realloc(c->notices, (c->n_notices + 1) * sizeof *more) : NULL;
    if (!more) {
        free(gift_text);
        return ERR_NOMEM;
    }
    c->notices = more;
    c->notices[c->n_notices++] = gift_text;
    return OK;
}

const char *mconf_notice(const struct mconf *c, size_t k)
{
    return k < c->n_notices ? c->notices[k] : NULL;
}

struct mconf *mconf_new(void)
{
    return calloc(1, sizeof(struct mconf));
}

void mconf_free(struct mconf *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < MCONF_IDS; i++)
        value_free(&c->values[i]);
    for (size_t i = 0; i < c->n_measurers; i++)
        value_free(&c->measurers[i]);
    for (size_t i = 0; i < c->n_notices; i++)
        free(c->notices[i]);
    free(c->notices);
    free(c);
}

/* ---- a file ---- */

struct reading {
    struct mconf *conf;
    const char *name;
    struct text rest;
    unsigned line;
    err_t err;
    char *why;
};

static const char *why_unused(const char *section, const char *key)
{
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
        const char *pattern = unused[i].key;
        size_t len = strcspn(pattern, "*");
        if (strcmp(section, unused[i].section) == 0 && strncmp(key, pattern, len) == 0 &&
            (pattern[len] == '*' || !key[len]))
            return unused[i].why;
    }
    return NULL;
}

static enum mconf_id find(const char *section, const char *key)
{
    for (size_t i = 0; i < MCONF_IDS; i++)
        if (strcmp(mconf_keys[i].section, section) == 0 && strcmp(mconf_keys[i].key, key) == 0)
            return (enum mconf_id)i;
    return MCONF_IDS;
}

/* Another section that has KEY; NULL: none does. */
static const char *section_with(const char *key)
{
    for (size_t i = 0; i < MCONF_IDS; i++)
        if (strcmp(mconf_keys[i].key, key) == 0)
            return mconf_keys[i].section;
    return NULL;
}

static err_t no_such(struct reading *r, const char *section, const char *key)
{
    struct nearest near = nearest_begin(key);
    const char *other = section_with(key);
    if (other)
        return wrong(r->why, "%s:%u: there is no key \"%.60s\" in [%.60s]; it belongs in [%s]",
                     r->name, r->line, key, section, other);
    for (size_t i = 0; i < MCONF_IDS; i++)
        if (strcmp(mconf_keys[i].section, section) == 0)
            nearest_try(&near, mconf_keys[i].key);
    return wrong(r->why, "%s:%u: there is no key \"%.60s\" in [%.60s]%s%s%s", r->name, r->line, key,
                 section, near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                 near.best ? "\"?" : "");
}

static err_t add_measurer(struct mconf *c, const char *value, const char *where)
{
    if (c->n_measurers == MCONF_MEASURERS_MOST)
        return ERR_LIMIT;
    TRY(value_set(&c->measurers[c->n_measurers], value, where));
    c->n_measurers++;
    return OK;
}

/* What is shown as a file says the same when it is read. inih takes ";" behind white space for the
 * beginning of a comment, but not right behind "=". */
static err_t check_value(const char *where, const char *value, char why[MCONF_WHY])
{
    if (strlen(value) >= MCONF_TEXT_MAX)
        return wrong(why, "%s: the value is too long", where);
    if (strpbrk(value, "\r\n"))
        return wrong(why, "%s: the value is of more than one line", where);
    for (const char *at = value; (at = strchr(at, ';')); at++)
        if (at == value || strchr(" \t\v\f", at[-1]))
            return wrong(why, "%s: \";\" begins a comment, so no value can have it there", where);
    return OK;
}

static err_t take(struct reading *r, const char *section, const char *key, const char *value)
{
    char where[MCONF_WHY];
    struct mconf *c = r->conf;
    const char *no_use = why_unused(section, key);
    enum mconf_id id = find(section, key);
    snprintf(where, sizeof where, "%s:%u", r->name, r->line);
    if (no_use)
        return add_notice(c, text_printf("%s: %.60s has no meaning here: %s", where, key, no_use));
    if (id == MCONF_IDS)
        return no_such(r, section, key);
    if (id == COORD_CTRL_ADDR && !strchr(value, '/'))
        return add_notice(c, text_printf("%s: orders are not taken over TCP, where anybody could "
                                         "give them: %s is the path of a unix socket here",
                                         where, key));
    TRY(check_value(where, value, r->why));
    if (id == COORD_MEASURER)
        return add_measurer(c, value, where);
    if (c->values[id].text)
        return wrong(r->why, "%s: %s is there a second time; first at %s", where, key,
                     c->values[id].where);
    return value_set(&c->values[id], value, where);
}

static int on_value(void *reading, const char *section, const char *key, const char *value)
{
    struct reading *r = reading;
    if (r->err == OK)
        r->err = take(r, section, key, value ? value : "");
    if (r->err == ERR_LIMIT)
        r->err =
            wrong(r->why, "%s:%u: more than %d measurers", r->name, r->line, MCONF_MEASURERS_MOST);
    return r->err == OK;
}

/* As fgets(). What would not fit is not read in two: the second half would be a line of its own. */
static char *next_line(char *out, int room, void *reading)
{
    struct reading *r = reading;
    struct text line;
    if (r->err != OK || !text_line(&r->rest, &line))
        return NULL;
    r->line++;
    if (line.len + 2 > (size_t)room) {
        r->err =
            wrong(r->why, "%s:%u: a line of more than %d characters", r->name, r->line, room - 2);
        return NULL;
    }
    if (memchr(line.s, 0, line.len)) {
        r->err = wrong(r->why, "%s:%u: there is a zero byte", r->name, r->line);
        return NULL;
    }
    memcpy(out, line.s, line.len);
    memcpy(out + line.len, "\n", 2);
    return out;
}

err_t mconf_read(struct mconf *c, struct text text, const char *name, char why[MCONF_WHY])
{
    struct reading r = {.conf = c, .name = name, .rest = text, .why = why};
    int line = ini_parse_stream(next_line, &r, on_value, &r);
    if (r.err == ERR_NOMEM)
        snprintf(why, MCONF_WHY, "out of memory");
    if (r.err == OK && line)
        return wrong(why, "%s:%d: this is neither [section] nor key = value", name, line);
    return r.err;
}

/* ---- an option ---- */

/* KEY of SECTION, or of those that go with a coordinator's; "v3bw_keep" is keep of v3bw. */
static enum mconf_id find_around(const char *section, const char *key)
{
    static const char *const more[] = {"meas_params", "v3bw"};
    enum mconf_id id = find(section, key);
    if (strcmp(section, "coord") != 0)
        return id;
    for (size_t i = 0; id == MCONF_IDS && i < sizeof more / sizeof *more; i++)
        id = find(more[i], key);
    return id == MCONF_IDS && strncmp(key, "v3bw_", 5) == 0 ? find("v3bw", key + 5) : id;
}

/* "--listen-addr" is listen_addr. */
static enum mconf_id find_option(const char *section, const char *option)
{
    char key[64];
    size_t len = strlen(option);
    if (len < 3 || len - 2 >= sizeof key || strncmp(option, "--", 2) != 0)
        return MCONF_IDS;
    for (size_t i = 0; i <= len - 2; i++)
        key[i] = option[i + 2] == '-' ? '_' : option[i + 2];
    return find_around(section, key);
}

err_t mconf_option(struct mconf *c, const char *section, const char *option, const char *value,
                   char why[MCONF_WHY])
{
    enum mconf_id id = find_option(section, option);
    if (id == MCONF_IDS) {
        (void)wrong(why, "there is no option %.60s", option);
        return ERR_NOT_FOUND;
    }
    TRY(check_value(option, value, why));
    if (id != COORD_MEASURER)
        return value_set(&c->values[id], value, option);
    if (!c->measurers_by_option)
        while (c->n_measurers)
            value_free(&c->measurers[--c->n_measurers]);
    c->measurers_by_option = true;
    err_t e = add_measurer(c, value, option);
    return e == ERR_LIMIT ? wrong(why, "more than %d measurers", MCONF_MEASURERS_MOST) : e;
}
