#include "app/ctl/show.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The lines of DATA, as a list. */
static json_t *data_json(struct text data)
{
    json_t *lines = json_array();
    struct text line;
    while (ctl_data_line(&data, &line))
        json_array_append_new(lines, ctl_json_text(line));
    return lines;
}

static bool print_line(json_t *value)
{
    return ctl_print_json(value, JSON_COMPACT) == CTL_DONE && fflush(stdout) == 0;
}

/* ---- events ---- */

/* The words of an event behind its type: those by themselves in order, the others by name. */
static json_t *event_json(const struct ctl_message *m)
{
    const struct ctl_line *first = &m->lines[0];
    struct text rest = first->text, type = {"", 0};
    struct ctl_word w;
    json_t *words = json_array(), *fields = json_object(), *more = json_array();
    (void)text_token(&rest, &type);
    while (ctl_word(&rest, &w)) {
        char key[64];
        ctl_printable(w.key, key, sizeof key);
        if (w.key.len)
            json_object_set_new(fields, key, ctl_json_word(&w));
        else
            json_array_append_new(words, ctl_json_word(&w));
    }
    for (size_t i = 1; i < m->n; i++)
        json_array_append_new(more, ctl_json_text(m->lines[i].text));
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "time", (int)time(NULL), "type",
                     ctl_json_text(type), "text", ctl_json_text(first->text), "words", words,
                     "fields", fields, "data", data_json(first->data), "lines", more);
}

static void put_data(struct text data)
{
    struct text line;
    while (ctl_data_line(&data, &line)) {
        ctl_put(stdout, line);
        putchar('\n');
    }
}

bool ctl_show_event(const struct ctl_message *m, bool json)
{
    if (json)
        return print_line(event_json(m));
    for (size_t i = 0; i < m->n; i++) {
        /* "650 OK" ends an event that has data. */
        if (i && i + 1 == m->n && text_is(m->lines[i].text, "OK"))
            break;
        ctl_put(stdout, m->lines[i].text);
        putchar('\n');
        put_data(m->lines[i].data);
    }
    return fflush(stdout) == 0;
}

/* ---- replies ---- */

static json_t *reply_json(const char *command, const struct ctl_message *m)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < m->n; i++) {
        const struct ctl_line *l = &m->lines[i];
        json_t *line =
            json_pack("{s:i, s:o}", "code", (int)l->code, "text", ctl_json_text(l->text));
        if (line && l->kind == '+')
            json_object_set_new(line, "data", data_json(l->data));
        json_array_append_new(lines, line);
    }
    return json_pack("{s:o, s:b, s:i, s:o}", "command", ctl_json_text(text_of(command)), "ok",
                     ctl_is_ok(m), "code", (int)m->lines[m->n - 1].code, "lines", lines);
}

bool ctl_show_reply(const char *command, const struct ctl_message *m, bool json)
{
    struct text raw = m->raw, line;
    if (json)
        return print_line(reply_json(command, m));
    while (text_line(&raw, &line)) {
        ctl_put(stdout, line);
        putchar('\n');
    }
    putchar('\n');
    return fflush(stdout) == 0;
}
