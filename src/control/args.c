#include "control/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/confquote.h"
#include "control/reply.h"
#include "crypto/secret.h"

#define BLANKS " \t\r\v\n" /* as tor's kvline.c has them */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static err_t fail(char why[ARGS_WHY_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);
static err_t fail(char why[ARGS_WHY_MAX], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, ARGS_WHY_MAX, fmt, args);
    va_end(args);
    return ERR_MALFORMED;
}

/* ---- words by position ---- */

/* The next word of what is left, or, if it is the LAST one, all that is left; false at the end.
 * Words end at spaces only, and lose other blanks at both ends (smartlist_split_string()). */
static bool next_word(const char **rest, bool last, struct text *word)
{
    const char *at = *rest;
    while (is_space(*at))
        at++;
    size_t len = last ? strlen(at) : strcspn(at, " ");
    *rest = at + len;
    while (len > 0 && is_space(at[len - 1]))
        len--;
    *word = (struct text){at, len};
    return len > 0;
}

static size_t count_words(const char *line)
{
    struct text word;
    size_t n = 0;
    while (next_word(&line, false, &word))
        n++;
    return n;
}

/* ---- words behind them ---- */

/* Takes storage for LEN bytes and a NUL from *AT, which has enough. */
static char *keep(char **at, const char *bytes, size_t len)
{
    char *kept = *at;
    memcpy(kept, bytes, len);
    kept[len] = 0;
    *at += len + 1;
    return kept;
}

/* control-spec 2.1.1: "In a QuotedString, a backslash followed by any character represents that
 * character." A CString, with C's escapes, is conf_unquote()'s. NULL: it does not end. */
static const char *unquote(const char *text, char *out, size_t *len)
{
    *len = 0;
    for (text++; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (!*text)
            return NULL;
        out[(*len)++] = *text;
    }
    return text + 1;
}

static bool read_quoted(unsigned flags, const char **at, char **storage, const char **value)
{
    char *out = *storage;
    size_t len;
    if (!(flags & (ARGS_QUOTED | ARGS_QUOTED_STRING)))
        return false;
    const char *behind =
        flags & ARGS_QUOTED ? conf_unquote(*at, out, &len) : unquote(*at, out, &len);
    if (!behind)
        return false;
    out[len] = 0;
    *value = out;
    *storage = out + len + 1;
    *at = behind;
    return true;
}

/* K=V, K="V", K, V or "V", as FLAGS say. */
static bool read_keyword(unsigned flags, const char **at, char **storage, struct arg *arg)
{
    *arg = (struct arg){"", ""};
    size_t len = strcspn(*at, BLANKS "=");
    if (**at != '"' && ((*at)[len] == '=' || (flags & ARGS_OMIT_VALUES))) {
        bool alone = (*at)[len] != '=';
        arg->key = keep(storage, *at, len);
        *at += len + !alone;
        if (len == 0)
            return false;
        if (alone)
            return true;
    } else if (**at != '"' && !(flags & ARGS_OMIT_KEYS)) {
        return false;
    }
    if (**at == '"')
        return read_quoted(flags, at, storage, &arg->value);
    len = strcspn(*at, BLANKS);
    arg->value = keep(storage, *at, len);
    *at += len;
    return true;
}

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s >= 127 || *s == '\'' || *s == '"')
            return false;
    return true;
}

/* What kvline_can_encode_lines() of tor asks of what was read. */
static bool is_sound(unsigned flags, const struct arg *arg)
{
    if (flags & ARGS_QUOTED_STRING)
        return true;
    if (!*arg->key && !(flags & ARGS_OMIT_KEYS))
        return false;
    bool plain = is_plain(arg->value) && (*arg->key || (*arg->value && !strchr(arg->value, '=')));
    return (plain || (flags & ARGS_QUOTED)) && is_plain(arg->key);
}

static err_t check_keyword(const struct args_syntax *syntax, const char *key,
                           char why[ARGS_WHY_MAX])
{
    const char *const *known = syntax->keywords;
    if (!known)
        return OK;
    for (; *known; known++)
        if (strcasecmp(*known, key) == 0)
            return OK;
    struct text_out shown = text_out(ARGS_WHY_MAX);
    out_escaped(&shown, key);
    err_t e = fail(why, "Unrecognized keyword argument %s", out_text(&shown));
    out_free(&shown);
    return e;
}

static err_t read_keywords(const struct args_syntax *syntax, const char *at, char *storage,
                           struct args *a, char why[ARGS_WHY_MAX])
{
    size_t n = 0;
    for (const char *c = at; *c; c++)
        n += !is_space(*c) && (c == at || is_space(c[-1]) || c[-1] == '"');
    a->keyword = calloc(n + 1, sizeof *a->keyword);
    if (!a->keyword)
        return ERR_NOMEM;
    for (at += strspn(at, BLANKS); *at; at += strspn(at, BLANKS)) {
        struct arg *arg = &a->keyword[a->n_keywords];
        if (!read_keyword(syntax->flags, &at, &storage, arg) || !is_sound(syntax->flags, arg))
            return fail(why, "Cannot parse keyword argument(s)");
        a->n_keywords++;
    }
    for (size_t i = 0; i < a->n_keywords; i++)
        TRY(check_keyword(syntax, a->keyword[i].key, why));
    return OK;
}

/* ---- the whole ---- */

static err_t read_words(const struct args_syntax *syntax, struct args *a, char *storage,
                        char why[ARGS_WHY_MAX])
{
    const char *rest = a->line;
    size_t n = count_words(rest), most = syntax->most;
    struct text word;
    if (n < syntax->least)
        return fail(why, "Need at least %u argument(s)", syntax->least);
    if (n > most && !(syntax->flags & ARGS_KEYWORDS))
        return fail(why, "Cannot accept more than %u argument(s)", syntax->most);
    a->word = calloc((n < most ? n : most) + 1, sizeof *a->word);
    if (!a->word)
        return ERR_NOMEM;
    while (a->n < n && a->n < most && next_word(&rest, false, &word))
        a->word[a->n++] = keep(&storage, word.s, word.len);
    if (n <= most || !next_word(&rest, true, &word))
        return OK;
    const char *keywords = keep(&storage, word.s, word.len);
    return read_keywords(syntax, keywords, storage, a, why);
}

/* control-spec 2.4: "Leading periods on lines in the data are escaped with an additional leading
 * period". */
static err_t read_body(const char *text, size_t len, struct args *a)
{
    const char *end = text + len;
    char *to = a->body = malloc(len + 2);
    if (!to)
        return ERR_NOMEM;
    while (text < end) {
        text += *text == '.';
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((eol ? eol : end) - text);
        size_t kept = eol && n > 0 && text[n - 1] == '\r' ? n - 1 : n;
        memcpy(to, text, kept);
        to += kept;
        if (eol)
            *to++ = '\n';
        text += n + (eol != NULL);
    }
    *to = 0;
    a->body_len = (size_t)(to - a->body);
    return OK;
}

/* Copies of the command, its line, and room for what is read from the line. */
static char *make_storage(struct args *a, const char *command, const char *line, size_t line_len)
{
    size_t command_size = strlen(command) + 1;
    a->storage_size = command_size + 3 * (line_len + 2);
    char *at = a->storage = malloc(a->storage_size);
    if (!at)
        return NULL;
    a->command = keep(&at, command, command_size - 1);
    a->line = keep(&at, line, line_len);
    return at;
}

err_t args_parse(const struct args_syntax *syntax, const char *command, const char *text,
                 size_t len, struct args *out, char why[ARGS_WHY_MAX])
{
    struct args a = {0};
    const char *eol = memchr(text, '\n', len);
    size_t first = eol ? (size_t)(eol - text) + 1 : len;
    if (syntax->body && first == len)
        return fail(why, "Empty body");
    if (!syntax->body && first < len)
        return fail(why, "Unexpected body");
    char *storage = make_storage(&a, command, text, first);
    err_t e = storage ? read_words(syntax, &a, storage, why) : ERR_NOMEM;
    if (e == OK && syntax->body)
        e = read_body(text + first, len - first, &a);
    if (e != OK)
        args_free(&a);
    else
        *out = a;
    return e;
}

void args_free(struct args *a)
{
    if (a->storage)
        secret_wipe(a->storage, a->storage_size);
    if (a->body)
        secret_wipe(a->body, a->body_len);
    free(a->storage);
    free(a->body);
    free(a->word);
    free(a->keyword);
    *a = (struct args){0};
}

const char *args_keyword(const struct args *a, const char *key)
{
    for (size_t i = 0; i < a->n_keywords; i++)
        if (strcasecmp(a->keyword[i].key, key) == 0)
            return a->keyword[i].value;
    return NULL;
}

bool args_has_flag(const struct args *a, const char *key)
{
    const char *value = args_keyword(a, key);
    return value && !*value;
}
