#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/confline.h"

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

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes what follows a backslash. A NUL byte cannot stand in a value: false. */
static bool lex_escape(struct cursor *c, char *out)
{
    static const char from[] = "ntr\"\\'", to[] = "\n\t\r\"\\'";
    const char *simple = *c->at ? strchr(from, *c->at) : NULL;
    if (simple) {
        *out = to[simple - from];
        c->at++;
        return true;
    }
    unsigned byte = 0;
    if (*c->at == 'x') {
        int hi = hex_value(c->at[1]), lo = hi < 0 ? -1 : hex_value(c->at[2]);
        if (lo < 0)
            return false;
        byte = (unsigned)(hi * 16 + lo);
        c->at += 3;
    } else {
        size_t n = 0;
        for (; n < 3 && *c->at >= '0' && *c->at <= '7'; n++)
            byte = byte * 8 + (unsigned)(*c->at++ - '0');
        if (n == 0)
            return false;
    }
    if (byte == 0 || byte > 255)
        return false;
    *out = (char)(unsigned char)byte;
    return true;
}

/* A value in quotes; AT is at the opening one. OUT has room for all that is left of the text's
 * line. */
static const char *lex_quoted(struct cursor *c, char *out, size_t *len)
{
    c->at++;
    while (*c->at != '"') {
        if (*c->at == 0 || *c->at == '\n')
            return "Invalid escape sequence in quoted string";
        if (*c->at == '\\') {
            c->at++;
            if (!lex_escape(c, out + *len))
                return "Invalid escape sequence in quoted string";
        } else {
            out[*len] = *c->at++;
        }
        (*len)++;
    }
    c->at++;
    skip_blanks(c);
    if (*c->at == '\r' && c->at[1] == '\n')
        c->at++;
    if (*c->at && *c->at != '#' && *c->at != '\n')
        return "Excess data after quoted string";
    return NULL;
}

/* A value without quotes, up to the end of its last line. Once a line was continued, comment lines
 * between its parts are left out. */
static void lex_plain(struct cursor *c, char *out, size_t *len)
{
    bool continued = false;
    while (*c->at && *c->at != '\n') {
        if (at_continuation(c)) {
            continued = true;
            c->at++;
            step(c);
        } else if (*c->at == '#') {
            if (!continued)
                break;
            skip_comment(c);
            if (*c->at)
                step(c);
        } else {
            out[(*len)++] = *c->at++;
        }
    }
    while (*len > 0 && is_space(out[*len - 1]))
        (*len)--;
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
    char *content;    /* owned; NULL before the first file and for the first text */
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
    struct conf_err *e;
};

static void frame_free(struct frame *f)
{
    for (size_t i = 0; i < f->n_files; i++)
        free(f->files[i]);
    free(f->files);
    free(f->content);
    free(f->scratch);
    *f = (struct frame){0};
}

static err_t frame_start(struct frame *f, const char *name, const char *text)
{
    free(f->scratch);
    f->scratch = malloc(strlen(text) + 1);
    f->name = name;
    f->at = (struct cursor){text, 1};
    return f->scratch ? OK : ERR_NOMEM;
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
    free(f->content);
    f->content = NULL;
    err_t err = lx->src->read(lx->src->arg, name, &f->content);
    if (err != OK)
        return conf_fail(lx->e, err,
                         "Error reading included configuration file or directory: "
                         "\"%s\".",
                         name);
    return frame_start(f, name, f->content);
}

static err_t push_include(struct lexer *lx, const char *path, const char *where)
{
    if (!lx->src || !lx->src->expand)
        return conf_fail(lx->e, ERR_MALFORMED, "%s: %%include cannot be used here.", where);
    if (lx->depth == CONF_INCLUDE_DEPTH_MAX)
        return conf_fail(lx->e, ERR_LIMIT,
                         "%s: Error while parsing configuration: more than %d nested %%includes.",
                         where, CONF_INCLUDE_DEPTH_MAX);
    log_notice(lx->src->log, "Processing configuration path \"%s\" at recursion level %zu.", path,
               lx->depth);
    struct frame f = {0};
    err_t err = lx->src->expand(lx->src->arg, path, &f.files, &f.n_files);
    if (err != OK)
        return conf_fail(lx->e, err,
                         "%s: Error reading included configuration file or directory: \"%s\".",
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
        return conf_fail(lx->e, ERR_LIMIT, "%s: too many lines of configuration.", where);
    if (text_is(key, "%include")) {
        char *path = text_dup(value);
        if (!path)
            return ERR_NOMEM;
        err_t err = push_include(lx, path, where);
        free(path);
        return err;
    }
    enum conf_how how = CONF_SET;
    if (key.len > 0 && (key.s[0] == '+' || key.s[0] == '/')) {
        how = key.s[0] == '+' ? CONF_APPEND : CONF_CLEAR;
        key = (struct text){key.s + 1, key.len - 1};
    }
    if (how == CONF_CLEAR)
        value.len = 0;
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
        if (f->scratch) /* an %include that named no file has none */
            why = lex_line(&f->at, f->scratch, &key, &value, &line, &found);
        if (why)
            return conf_fail(lx->e, ERR_MALFORMED, "%s:%u: Error while parsing configuration: %s",
                             f->name, line, why);
        if (found)
            TRY(add_line(lx, key, value, line));
        else
            TRY(next_file(lx));
    }
    return OK;
}

err_t conf_lex(const struct conf_source *src, const char *name, const char *text,
               struct conf_line **out, bool *included, struct conf_err *e)
{
    struct lexer *lx = calloc(1, sizeof *lx);
    if (!lx)
        return conf_fail(e, ERR_NOMEM, "out of memory");
    lx->src = src;
    lx->tail = &lx->head;
    lx->e = e;
    lx->depth = 1;
    conf_fail(e, OK, "out of memory");
    err_t err = frame_start(&lx->frames[0], name, text);
    if (err == OK)
        err = lex_all(lx);
    while (lx->depth > 0)
        frame_free(&lx->frames[--lx->depth]);
    if (err == OK)
        *out = lx->head;
    else
        conf_lines_free(lx->head);
    if (included)
        *included = lx->included;
    free(lx);
    return err;
}
