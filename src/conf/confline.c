#include "conf/confline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONTROLLER_LEN = sizeof CONF_FROM_CONTROLLER - 1 };

bool conf_is_controllers(const char *where)
{
    return strncmp(where, CONF_FROM_CONTROLLER, CONTROLLER_LEN) == 0 &&
           (where[CONTROLLER_LEN] == 0 || where[CONTROLLER_LEN] == ':');
}

const char *conf_without_controller(const char *text)
{
    if (strncmp(text, CONF_FROM_CONTROLLER, CONTROLLER_LEN) != 0)
        return text;
    const char *at = text + CONTROLLER_LEN;
    if (at[0] == ':' && at[1] != ' ')
        at += 1 + strspn(at + 1, "0123456789");
    return strncmp(at, ": ", 2) == 0 ? at + 2 : text;
}

err_t conf_fail(struct conf_err *e, err_t code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return code;
}

err_t conf_faults_add(struct conf_faults *f, err_t code, const struct conf_err *e)
{
    if (code == OK)
        return OK;
    if (f->n == 0 || code == ERR_NOMEM) {
        f->code = code;
        f->first = *e;
    }
    if (++f->n == 2)
        log_warn(f->log, "%s", f->first.text);
    if (f->n > 1 && f->n <= CONF_FAULTS_SHOWN)
        log_warn(f->log, "%s", e->text);
    return code == ERR_NOMEM ? ERR_NOMEM : OK;
}

err_t conf_faults_say(struct conf_faults *f, err_t code, const char *fmt, ...)
{
    struct conf_err e;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e.text, sizeof e.text, fmt, ap);
    va_end(ap);
    return conf_faults_add(f, code, &e);
}

err_t conf_faults_end(const struct conf_faults *f, struct conf_err *e)
{
    if (f->n < 2) {
        *e = f->first;
        return f->code;
    }
    struct conf_err first = f->first;
    first.text[sizeof first.text - 64] = 0;
    if (f->n > CONF_FAULTS_SHOWN)
        return conf_fail(e, f->code, "%s (the first of %u faults; the log names %d)", first.text,
                         f->n, CONF_FAULTS_SHOWN);
    return conf_fail(e, f->code, "%s (the first of %u faults; the log names all)", first.text,
                     f->n);
}

err_t conf_line_add(struct conf_line ***tail, struct text key, struct text value, const char *where,
                    enum conf_how how)
{
    struct conf_line *line = calloc(1, sizeof *line);
    if (!line)
        return ERR_NOMEM;
    line->key = text_dup(key);
    line->value = text_dup(value);
    line->where = text_dup(text_of(where));
    line->how = how;
    if (!line->key || !line->value || !line->where) {
        conf_lines_free(line);
        return ERR_NOMEM;
    }
    **tail = line;
    *tail = &line->next;
    return OK;
}

err_t conf_lines_copy(const struct conf_line *from, struct conf_line **out)
{
    struct conf_line *head = NULL, **tail = &head;
    for (; from; from = from->next) {
        err_t err =
            conf_line_add(&tail, text_of(from->key), text_of(from->value), from->where, from->how);
        if (err != OK) {
            conf_lines_free(head);
            return err;
        }
    }
    *out = head;
    return OK;
}

bool conf_lines_equal(const struct conf_line *a, const struct conf_line *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (strcasecmp(a->key, b->key) != 0 || strcmp(a->value, b->value) != 0)
            return false;
    return !a && !b;
}

void conf_lines_free(struct conf_line *head)
{
    while (head) {
        struct conf_line *next = head->next;
        free(head->key);
        free(head->value);
        free(head->where);
        free(head);
        head = next;
    }
}
