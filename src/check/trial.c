#include "check/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What the relay says gets into these texts, and from there into terminals and reports. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static PRINTF_LIKE(3, 0) void decide(struct trial *t, enum check_verdict verdict, const char *fmt,
                                     va_list ap)
{
    if (!trial_goes_on(t))
        return;
    t->verdict = verdict;
    vsnprintf(t->why, sizeof t->why, fmt, ap);
    make_printable(t->why);
}

void trial_fail(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    decide(t, CHECK_FAIL, fmt, ap);
    va_end(ap);
}

void trial_skip(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    decide(t, CHECK_SKIP, fmt, ap);
    va_end(ap);
}

void trial_skip_after_all(struct trial *t, const char *why)
{
    t->verdict = CHECK_PASS;
    trial_skip(t, "%s", why);
}

bool trial_said_it_needs(struct trial *t, enum check_needs needs)
{
    if (trial_goes_on(t) && !(t->c->needs & needs))
        trial_fail(t, "the case's row does not say what it needs");
    return trial_goes_on(t);
}

void trial_awaits(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (trial_goes_on(t))
        vsnprintf(t->awaited, sizeof t->awaited, fmt, ap);
    make_printable(t->awaited);
    va_end(ap);
}

/* A text that is full ends in "...". */
static PRINTF_LIKE(2, 0) void append(char *text, const char *fmt, va_list ap)
{
    size_t len = strlen(text), cap = TRIAL_TEXT_MAX;
    if (len + sizeof ", ..." >= cap)
        return;
    if (len)
        len += (size_t)snprintf(text + len, cap - len, ", ");
    int n = vsnprintf(text + len, cap - len, fmt, ap);
    if (n < 0 || len + (size_t)n + sizeof ", ..." >= cap)
        memcpy(text + cap - sizeof ", ...", ", ...", sizeof ", ...");
    make_printable(text);
}

void trial_sent(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    append(t->sent, fmt, ap);
    va_end(ap);
}

void trial_saw(struct trial *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    append(t->seen, fmt, ap);
    va_end(ap);
}

void trial_set_mark(const struct trial *t, struct trial_mark *out)
{
    memcpy(out->sent, t->sent, sizeof out->sent);
    memcpy(out->seen, t->seen, sizeof out->seen);
}

void trial_back_to(struct trial *t, const struct trial_mark *m)
{
    if (!trial_goes_on(t))
        return;
    memcpy(t->sent, m->sent, sizeof t->sent);
    memcpy(t->seen, m->seen, sizeof t->seen);
}
