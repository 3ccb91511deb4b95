#include "path/state.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct line {
    char *key, *value;
};

struct state {
    struct line *lines;
    size_t n, cap;
};

struct state *state_new(void)
{
    return calloc(1, sizeof(struct state));
}

static void line_free(struct line *l)
{
    free(l->key);
    free(l->value);
    *l = (struct line){0};
}

void state_free(struct state **s)
{
    if (!*s)
        return;
    for (size_t i = 0; i < (*s)->n; i++)
        line_free(&(*s)->lines[i]);
    free((*s)->lines);
    free(*s);
    *s = NULL;
}

static err_t line_make(struct text key, struct text value, struct line *out)
{
    out->key = text_dup(key);
    out->value = text_dup(value);
    if (out->key && out->value)
        return OK;
    line_free(out);
    return ERR_NOMEM;
}

/* Room for MORE lines behind the last one. */
static err_t state_reserve(struct state *s, size_t more)
{
    if (more > STATE_LINES_MAX - s->n)
        return ERR_LIMIT;
    if (s->n + more <= s->cap)
        return OK;
    size_t cap = s->n + more + 32;
    struct line *grown = realloc(s->lines, cap * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    s->lines = grown;
    s->cap = cap;
    return OK;
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Such bytes are never written, so a line that has them is damaged; a newline would be a new line.
 */
static bool has_control(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.s[i] < ' ' && t.s[i] != '\t')
            return true;
    return false;
}

static err_t state_parse_line(struct state *s, struct text text)
{
    text = text_strip(text);
    if (!text.len || text.s[0] == '#')
        return OK;
    if (has_control(text))
        return ERR_MALFORMED;
    struct text rest = text, key;
    text_token(&rest, &key);
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_char(key.s[i]))
            return ERR_MALFORMED;
    TRY(state_reserve(s, 1));
    TRY(line_make(key, text_strip(rest), &s->lines[s->n]));
    s->n++;
    return OK;
}

/* Where a Guard line begins behind another line that lost its newline, or the end. */
static size_t torn_at(struct text line)
{
    static const char guard[] = "Guard in=", id[] = " rsa_id=";
    const char *at = memmem(line.s + 1, line.len - 1, guard, sizeof guard - 1);
    if (line.s[0] == '#' || !at)
        return line.len;
    size_t before = (size_t)(at - line.s);
    return memmem(at, line.len - before, id, sizeof id - 1) ? before : line.len;
}

/* A damaged line costs itself. */
static err_t state_parse_lines(struct state *s, struct text text, size_t *damaged)
{
    struct text line;
    while (text_line(&text, &line))
        while (line.len) {
            size_t torn = torn_at(line);
            err_t e = state_parse_line(s, (struct text){line.s, torn});
            if (e != OK && e != ERR_MALFORMED)
                return e;
            *damaged += e == ERR_MALFORMED || torn < line.len;
            line.s += torn;
            line.len -= torn;
        }
    return OK;
}

err_t state_parse(struct text text, struct state **out, size_t *damaged)
{
    *damaged = 0;
    if (text.len > STATE_TEXT_MAX)
        return ERR_LIMIT;
    struct state *s = state_new();
    if (!s)
        return ERR_NOMEM;
    err_t e = state_parse_lines(s, text, damaged);
    if (e != OK) {
        state_free(&s);
        return e;
    }
    *out = s;
    return OK;
}

const char *state_get(const struct state *s, const char *key, size_t nth)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcasecmp(s->lines[i].key, key) == 0 && nth-- == 0)
            return s->lines[i].value;
    return NULL;
}

size_t state_count(const struct state *s, const char *key)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += strcasecmp(s->lines[i].key, key) == 0;
    return n;
}

/* What state_set() writes, made before anything is taken away. */
static err_t lines_make(const char *key, const char *const *values, size_t n, struct line *out)
{
    for (size_t i = 0; i < n; i++) {
        err_t e = OK;
        if (has_control(text_of(values[i])))
            e = ERR_ARG;
        else if (strlen(key) + strlen(values[i]) >= STATE_LINE_MAX)
            e = ERR_LIMIT;
        else
            e = line_make(text_of(key), text_of(values[i]), &out[i]);
        if (e != OK) {
            while (i > 0)
                line_free(&out[--i]);
            return e;
        }
    }
    return OK;
}

err_t state_set(struct state *s, const char *key, const char *const *values, size_t n)
{
    TRY(state_reserve(s, n));
    struct line *fresh = calloc(n + 1, sizeof *fresh);
    if (!fresh)
        return ERR_NOMEM;
    err_t e = lines_make(key, values, n, fresh);
    if (e != OK) {
        free(fresh);
        return e;
    }
    size_t kept = 0, at = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        if (strcasecmp(s->lines[i].key, key) == 0) {
            at = at == SIZE_MAX ? kept : at;
            line_free(&s->lines[i]);
        } else {
            s->lines[kept++] = s->lines[i];
        }
    }
    s->n = kept;
    at = at == SIZE_MAX ? kept : at;
    if (n) {
        memmove(s->lines + at + n, s->lines + at, (kept - at) * sizeof *s->lines);
        memcpy(s->lines + at, fresh, n * sizeof *fresh);
        s->n += n;
    }
    free(fresh);
    return OK;
}

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar, and back, by eras of 400
 * years that begin on 1 March. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *y, int64_t *m, int64_t *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *d = of_year - (153 * month + 2) / 5 + 1;
    *m = month < 10 ? month + 3 : month - 9;
    *y = year + era * 400 + (*m <= 2);
}

/* The end of 9999, the last year of four digits. */
static const int64_t time_last = INT64_C(253402300799);

static void time_text(int64_t t, char sep, char out[STATE_TIME_MAX])
{
    if (t < 0)
        t = 0;
    if (t > time_last)
        t = time_last;
    int64_t y, mo, d, s = t % 86400;
    date_of(t / 86400, &y, &mo, &d);
    const int64_t fields[] = {y, mo, d, s / 3600, s / 60 % 60, s % 60};
    const char seps[] = {0, '-', '-', sep, ':', ':'};
    char *at = out;
    for (size_t i = 0; i < 6; i++) {
        if (seps[i])
            *at++ = seps[i];
        int64_t unit = i ? 10 : 1000;
        for (; unit; unit /= 10)
            *at++ = (char)('0' + fields[i] / unit % 10);
    }
    *at = 0;
}

const char *state_time_text(int64_t t, char out[STATE_TIME_MAX])
{
    time_text(t, 'T', out);
    return out;
}

err_t state_time_parse(struct text t, int64_t *out)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd";
    static const int64_t most[] = {9999, 12, 31, 23, 59, 59};
    static const int64_t least[] = {1970, 1, 1, 0, 0, 0};
    int64_t f[6] = {0};
    if (t.len != sizeof shape - 1)
        return ERR_MALFORMED;
    size_t field = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (shape[i] != 'd') {
            if (t.s[i] != shape[i])
                return ERR_MALFORMED;
            field++;
        } else {
            if (t.s[i] < '0' || t.s[i] > '9')
                return ERR_MALFORMED;
            f[field] = f[field] * 10 + (t.s[i] - '0');
        }
    }
    for (size_t i = 0; i < 6; i++)
        if (f[i] < least[i] || f[i] > most[i])
            return ERR_MALFORMED;
    int64_t days = days_of(f[0], f[1], f[2]), y, m, d;
    date_of(days, &y, &m, &d);
    if (m != f[1] || d != f[2]) /* such as 31 April */
        return ERR_MALFORMED;
    *out = days * 86400 + f[3] * 3600 + f[4] * 60 + f[5];
    return OK;
}

err_t state_write(struct state *s, int64_t now_s, const char *version, char **out, size_t *len)
{
    char now[STATE_TIME_MAX];
    time_text(now_s, ' ', now);
    TRY(state_set(s, "LastWritten", (const char *const[]){now}, 1));
    TRY(state_set(s, "TorVersion", &version, 1));
    static const char head[] = "# Tor state file last generated on %s UTC\n"
                               "# Other times below are in UTC\n"
                               "# You *do not* need to edit this file.\n\n";
    size_t size = sizeof head + sizeof now;
    for (size_t i = 0; i < s->n; i++)
        size += strlen(s->lines[i].key) + strlen(s->lines[i].value) + 2;
    char *text = malloc(size);
    if (!text)
        return ERR_NOMEM;
    size_t at = (size_t)snprintf(text, size, head, now);
    for (size_t i = 0; i < s->n; i++)
        at += (size_t)snprintf(text + at, size - at, "%s %s\n", s->lines[i].key, s->lines[i].value);
    *out = text;
    *len = at;
    return OK;
}
