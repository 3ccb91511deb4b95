/* A log that remembers what was written, and lines made from a literal. */
#ifndef TUNIC_TESTS_CONF_CAPTURE_H
#define TUNIC_TESTS_CONF_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/options.h"
#include "support/test.h"

struct capture {
    struct log log;
    char text[16384]; /* "[level] line\n"... */
};

static inline void capture_sink(void *arg, enum log_level level, const char *line)
{
    struct capture *c = arg;
    size_t len = strlen(c->text);
    snprintf(c->text + len, sizeof c->text - len, "[%s] %s\n", log_level_name(level), line);
}

static inline struct capture *capture_new(void)
{
    struct capture *c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    c->log = (struct log){.least = LOG_DEBUG, .sink = capture_sink, .arg = c};
    return c;
}

static inline struct conf_line *lines_of(const char *torrc)
{
    struct conf_line *lines = NULL;
    struct conf_err e = {""};
    err_t err = conf_lex(NULL, "torrc", torrc, &lines, NULL, &e);
    ck_assert_msg(err == OK, "%s: %s", err_name(err), e.text);
    return lines;
}

/* Options from one torrc, assigned and checked; on failure NULL and E tells. */
static inline struct options *options_from(const char *torrc, const struct log *log,
                                           struct conf_err *e)
{
    const struct options_env env = {"/home/u", QUIET_NONE, log};
    struct conf_line *lines = lines_of(torrc);
    bool testing = strstr(torrc, "TestingTorNetwork 1") != NULL;
    struct options *o = options_new(testing);
    ck_assert_ptr_nonnull(o);
    err_t err = options_assign(o, lines, 0, log, e);
    if (err == OK)
        err = options_check(o, &env, e);
    conf_lines_free(lines);
    if (err == OK)
        return o;
    options_free(o);
    return NULL;
}

static inline struct options *good_options(const char *torrc)
{
    struct conf_err e = {""};
    struct options *o = options_from(torrc, NULL, &e);
    ck_assert_msg(o != NULL, "%s\n%s", torrc, e.text);
    return o;
}

static inline void assert_refused(const char *torrc, const char *want)
{
    struct conf_err e = {""};
    struct options *o = options_from(torrc, NULL, &e);
    ck_assert_msg(o == NULL, "not refused: %s", torrc);
    ck_assert_msg(strstr(e.text, want) != NULL, "%s\nsays \"%s\"\nnot \"%s\"", torrc, e.text, want);
}

#endif
