#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/confline.h"
#include "conf/confquote.h"

/* One text being read. */
struct cursor {
    const char *at;
    unsigned line; /* of AT, from 1 */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void step(struct cursor *c)
{
    if (*c->at == '\n')
        c->line++;
    c->at++;
}

static void skip_blanks(struct cursor *c)
{
    while (*c->at == ' ' || *c->at == '\t')
        c->at++;
}

static void skip_comment(struct cursor *c) /* leaves the newline */
{
    while (*c->at && *c->at != '\n')
        c->at++;
}

static bool at_continuation(const struct cursor *c)
{
    return c->at[0] == '\\' && c->at[1] == '\n';
}

/* A value in quotes; AT is at the opening one. OUT has room for all that is left of the text's
 * line. */
static const char *lex_quoted(struct cursor *c, char *out, size_t *len)
{
    const char *behind = conf_unquote(c->at, out, len);
    if (!behind)
        return "Invalid escape sequence in quoted string";
    c->at = behind;
    skip_blanks(c);
    if (*c->at && *c->at != '#' && *c->at != '\n')
        return "Excess data after quoted string";
    return NULL;
}

/* Moves C behind a value without quotes; true if a line of it was continued. In that case comment
 * lines stand between its parts, too. */
static bool pass_plain(struct cursor *c)
{
    bool continued = false;
    while (*c->at && *c->at != '\n' && (*c->at != '#' || continued)) {
        if (at_continuation(c)) {
            continued = true;
            c->at++;
            step(c);
        } else if (*c->at == '#') {
            skip_comment(c);
            if (*c->at)
                step(c);
        } else {
            c->at++;
        }
    }
    return continued;
}

/* The value between FROM and END, where lines were continued, without what continues them. */
static void join_plain(const char *from, const char *end, char *out, size_t *len)
{
    while (from < end) {
        if (*from == '#') {
            while (from < end && *from != '\n')
                from++;
            from += from < end;
        } else if (*from == '\\' && from + 1 < end && from[1] == '\n') {
            from += 2;
        } else {
            out[(*len)++] = *from++;
        }
    }
}

/* A value without quotes, up to the end of its last line. Blanks at its end are cut off before
 * lines are joined, so that a backslash before nothing but blanks is a backslash, as in tor. */
static void lex_plain(struct cursor *c, char *out, size_t *len)
{
    const char *from = c->at;
    bool continued = pass_plain(c);
    const char *end = c->at;
    while (end > from && is_space(end[-1]))
        end--;
    if (continued) {
        join_plain(from, end, out, len);
    } else {
        memcpy(out, from, (size_t)(end - from));
        *len = (size_t)(end - from);
    }
}

/* The next line of the text: key and value, or nothing left (*FOUND false). KEY is a view of the
 * text, VALUE of SCRATCH. *AT_LINE is where the line begins. */
static const char *lex_line(struct cursor *c, char *scratch, struct text *key, struct text *value,
                            unsigned *at_line, bool *found)
{
    while (is_space(*c->at) || *c->at == '#') {
        if (*c->at == '#')
            skip_comment(c);
        else
            step(c);
    }
    *found = *c->at != 0;
    if (!*found)
        return NULL;
    *at_line = c->line;
    key->s = c->at;
    while (*c->at && !is_space(*c->at) && *c->at != '#' && !at_continuation(c))
        c->at++;
    key->len = (size_t)(c->at - key->s);
    skip_blanks(c);
    *value = (struct text){scratch, 0};
    if (*c->at == '"')
        return lex_quoted(c, scratch, &value->len);
    lex_plain(c, scratch, &value->len);
    return NULL;
}

/* A text with its place, or an %include whose files follow each other. */
struct frame {
    char **files; /* those of an %include; the first text has none */
    size_t n_files, next_file;
    const char *name; /* of the file being read */
    char *text;       /* of it; NULL: there is none to read */
    char *scratch;
    struct cursor at;
};

struct lexer {
    const struct conf_source *src;
    struct frame frames[CONF_INCLUDE_DEPTH_MAX];
    size_t depth; /* frames in use */
    struct conf_line *head, **tail;
    size_t n_lines;
    bool included;
    struct conf_faults *faults;
};

static void frame_free(struct frame *f)
{
    for (size_t i = 0; i < f->n_files; i++)
        free(f->files[i]);
    free(f->files);
    free(f->text);
    free(f->scratch);
    *f = (struct frame){0};
}

/* A copy without carriage returns: tor drops all of a file's (read_file_to_str()), so that a
 * backslash continues a line that ends in both. */
static char *without_returns(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *at = copy;
    if (!copy)
        return NULL;
    for (; *text; text++)
        if (*text != '\r')
            *at++ = *text;
    *at = 0;
    return copy;
}

static err_t frame_start(struct lexer *lx, struct frame *f, const char *name, const char *text)
{
    static const char mark[] = "\xef\xbb\xbf"; /* "byte order mark", which UTF-8 does not need */
    bool marked = strncmp(text, mark, sizeof mark - 1) == 0;
    if (marked)
        TRY(conf_faults_say(
            lx->faults, ERR_MALFORMED,
            "%s:1: the file begins with a byte order mark. Save it without one (\"UTF-8\", "
            "not \"UTF-8 with BOM\").",
            name));
    text += marked ? sizeof mark - 1 : 0;
    f->text = without_returns(text);
    f->scratch = malloc(strlen(text) + 1);
    f->name = name;
    f->at = (struct cursor){f->text, 1};
    return f->text && f->scratch ? OK : ERR_NOMEM;
}

const char *conf_read_why(err_t err)
{
    if (err == ERR_MALFORMED)
        return " It holds a NUL byte, so it is no plain text (an editor may have saved it as "
               "UTF-16).";
    return err == ERR_LIMIT ? " It is too large." : "";
}

/* Opens the next file of the innermost %include, or leaves it. */
static err_t next_file(struct lexer *lx)
{
    struct frame *f = &lx->frames[lx->depth - 1];
    if (f->next_file == f->n_files) {
        frame_free(f);
        lx->depth--;
        return OK;
    }
    const char *name = f->files[f->next_file++];
    char *content = NULL;
    free(f->text);
    free(f->scratch);
    f->text = f->scratch = NULL;
    err_t err = lx->src->read(lx->src->arg, name, &content);
    if (err != OK)
        return conf_faults_say(lx->faults, err,
                               "Error reading included configuration file or directory: \"%s\".%s",
                               name, conf_read_why(err));
    err = frame_start(lx, f, name, content);
    free(content);
    return err;
}

static err_t push_include(struct lexer *lx, const char *path, const char *where)
{
    if (!lx->src || !lx->src->expand)
        return conf_faults_say(lx->faults, ERR_MALFORMED, "%s: %%include cannot be used here.",
                               where);
    if (lx->depth == CONF_INCLUDE_DEPTH_MAX)
        return conf_faults_say(
            lx->faults, ERR_LIMIT,
            "%s: Error while parsing configuration: more than %d nested %%includes.", where,
            CONF_INCLUDE_DEPTH_MAX);
    log_notice(lx->src->log, "Processing configuration path \"%s\" at recursion level %zu.", path,
               lx->depth);
    struct frame f = {0};
    err_t err = lx->src->expand(lx->src->arg, path, &f.files, &f.n_files);
    if (err != OK)
        return conf_faults_say(
            lx->faults, err, "%s: Error reading included configuration file or directory: \"%s\".",
            where, path);
    lx->included = true;
    lx->frames[lx->depth++] = f;
    return next_file(lx);
}

static err_t add_line(struct lexer *lx, struct text key, struct text value, unsigned line)
{
    char where[512];
    snprintf(where, sizeof where, "%s:%u", lx->frames[lx->depth - 1].name, line);
    if (++lx->n_lines > CONF_TOTAL_LINES_MAX)
        return lx->n_lines == CONF_TOTAL_LINES_MAX + 1
                   ? conf_faults_say(lx->faults, ERR_LIMIT, "%s: too many lines of configuration.",
                                     where)
                   : OK;
    enum conf_how how = CONF_SET;
    if (key.len > 0 && (key.s[0] == '+' || key.s[0] == '/')) {
        how = key.s[0] == '+' ? CONF_APPEND : CONF_CLEAR;
        key = (struct text){key.s + 1, key.len - 1};
    }
    if (how == CONF_CLEAR)
        value.len = 0;
    if (text_is(key, "%include")) {
        char *path = text_dup(value);
        err_t err = path ? push_include(lx, path, where) : ERR_NOMEM;
        free(path);
        return err;
    }
    return conf_line_add(&lx->tail, key, value, where, how);
}

static err_t lex_all(struct lexer *lx)
{
    while (lx->depth > 0) {
        struct frame *f = &lx->frames[lx->depth - 1];
        struct text key, value;
        unsigned line = 0;
        bool found = false;
        const char *why = NULL;
        if (f->text) /* an %include that named no file has none */
            why = lex_line(&f->at, f->scratch, &key, &value, &line, &found);
        if (why) {
            skip_comment(&f->at); /* the rest of the line */
            TRY(conf_faults_say(lx->faults, ERR_MALFORMED,
                                "%s:%u: Error while parsing configuration: %s", f->name, line,
                                why));
        } else if (found)
            TRY(add_line(lx, key, value, line));
        else
            TRY(next_file(lx));
    }
    return OK;
}

err_t conf_lex_each(const struct conf_source *src, const char *name, const char *text,
                    struct conf_line **out, bool *included, struct conf_faults *faults)
{
    struct lexer lx = {.src = src, .depth = 1, .faults = faults};
    lx.tail = &lx.head;
    err_t err = frame_start(&lx, &lx.frames[0], name, text);
    if (err == OK)
        err = lex_all(&lx);
    while (lx.depth > 0)
        frame_free(&lx.frames[--lx.depth]);
    *out = lx.head;
    if (included)
        *included = lx.included;
    return err;
}

err_t conf_lex(const struct conf_source *src, const char *name, const char *text,
               struct conf_line **out, bool *included, struct conf_err *e)
{
    struct conf_faults faults = {.log = src ? src->log : NULL};
    conf_fail(e, OK, "out of memory");
    err_t err = conf_lex_each(src, name, text, out, included, &faults);
    if (err == OK)
        err = conf_faults_end(&faults, e);
    if (err == OK)
        return OK;
    conf_lines_free(*out);
    *out = NULL;
    return err;
}
