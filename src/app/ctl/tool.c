#include "app/ctl/tool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Commands that are on their way at once: what fits into any socket's buffer. */
enum { WINDOW = 32 };

int ctl_complain(int status, const char *fmt, ...)
{
    va_list args;
    fputs("tunic ctl: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int ctl_lost(const struct ctl_tool *t)
{
    return ctl_complain(CTL_FAILED, "%s: %s", t->place.text, t->conn->why);
}

/* The key with all names that the command LINE can be about, if it is about names. */
static const char *names_for(const char *line)
{
    static const struct {
        const char *command, *key;
    } of[] = {{"GETINFO ", "info/names"},
              {"GETCONF ", "config/names"},
              {"RESETCONF ", "config/names"},
              {"SETEVENTS ", "events/names"},
              {"SIGNAL ", "signal/names"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (strncmp(line, of[i].command, strlen(of[i].command)) == 0)
            return of[i].key;
    return NULL;
}

int ctl_refused(const char *what, const struct ctl_message *m)
{
    char text[CTL_WHY];
    const char *names = strstr(ctl_end_text(m, text), "Unrecognized ") ? names_for(what) : NULL;
    return ctl_complain(CTL_FAILED, "%s: %s%s%s%s", what, text, names ? "; \"tunic ctl get " : "",
                        names ? names : "", names ? "\" lists what there is" : "");
}

int ctl_do(struct ctl_tool *t, const char *line)
{
    struct ctl_message m;
    if (ctl_ask(t->conn, line, &m) != OK)
        return ctl_lost(t);
    return ctl_is_ok(&m) ? CTL_DONE : ctl_refused(line, &m);
}

/* ---- GETINFO ---- */

static char *data_text(struct text data)
{
    struct text line;
    char *out = malloc(data.len + 1);
    size_t n = 0;
    while (out && ctl_data_line(&data, &line)) {
        if (n)
            out[n++] = '\n';
        memcpy(out + n, line.s, line.len);
        n += line.len;
    }
    if (out)
        out[n] = 0;
    return out;
}

char *ctl_value(const struct ctl_message *m)
{
    const struct ctl_line *line = &m->lines[0];
    const char *equals = line->text.len ? memchr(line->text.s, '=', line->text.len) : NULL;
    if (!ctl_is_ok(m) || !equals)
        return NULL;
    if (line->kind == '+')
        return data_text(line->data);
    equals++;
    return text_dup((struct text){equals, line->text.len - (size_t)(equals - line->text.s)});
}

static err_t send_get(struct ctl_tool *t, const char *key)
{
    char *line = text_printf("GETINFO %s", key);
    err_t e = line ? ctl_send(t->conn, line) : ERR_NOMEM;
    free(line);
    return e;
}

err_t ctl_get(struct ctl_tool *t, size_t n, const char *const *keys, char **values)
{
    struct ctl_message m;
    err_t e = OK;
    memset(values, 0, n * sizeof *values);
    for (size_t sent = 0, got = 0; e == OK && got < n;) {
        if (sent < n && sent - got < WINDOW)
            e = send_get(t, keys[sent++]);
        else if ((e = ctl_reply(t->conn, &m)) == OK)
            values[got++] = ctl_value(&m);
    }
    if (e != OK)
        ctl_free_values(n, values);
    return e;
}

void ctl_free_values(size_t n, char **values)
{
    for (size_t i = 0; i < n; i++) {
        free(values[i]);
        values[i] = NULL;
    }
}

/* ---- output ---- */

void ctl_put(FILE *f, struct text t)
{
    if (!isatty(fileno(f))) {
        fwrite(t.s, 1, t.len, f);
        return;
    }
    for (size_t i = 0; i < t.len; i++) {
        char c = t.s[i];
        if (c == '\n' || c == '\t' || (c >= ' ' && c <= '~'))
            fputc(c, f);
        else
            fprintf(f, "\\x%02x", (unsigned char)c);
    }
}

json_t *ctl_json_text(struct text t)
{
    json_t *value = json_stringn(t.s, t.len);
    char *utf8 = value ? NULL : malloc(2 * t.len + 1);
    size_t n = 0;
    if (!utf8)
        return value;
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.s[i];
        if (c >= 0x80)
            utf8[n++] = (char)(0xC0 | c >> 6);
        utf8[n++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
    }
    value = json_stringn(utf8, n);
    free(utf8);
    return value;
}

json_t *ctl_json_word(const struct ctl_word *w)
{
    char *plain = w->quoted ? malloc(w->value.len + 1) : NULL;
    if (plain)
        ctl_unquote(w->value, plain, w->value.len + 1);
    json_t *value = ctl_json_text(plain ? text_of(plain) : w->value);
    free(plain);
    return value;
}

int ctl_print_json(json_t *value, size_t flags)
{
    char *text = value ? json_dumps(value, flags | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (!text)
        return ctl_complain(CTL_FAILED, "out of memory");
    puts(text);
    free(text);
    return CTL_DONE;
}
