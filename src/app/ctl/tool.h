/* What all commands of "tunic ctl" have: the command line, the connection, and how they speak to
 * both sides. */
#ifndef TUNIC_APP_CTL_TOOL_H
#define TUNIC_APP_CTL_TOOL_H

#include <jansson.h>
#include <stdio.h>

#include "app/ctl/args.h"
#include "app/ctl/login.h"
#include "app/ctl/words.h"

enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

struct ctl_tool {
    const struct ctl_args *args;
    struct ctl_conn *conn;
    struct ctl_place place; /* where CONN leads, and who said so */
    const char *from;
    struct ctl_login login;
};

/* A sentence on standard error; returns STATUS. */
int ctl_complain(int status, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What has become of the connection. */
int ctl_lost(const struct ctl_tool *t);
/* What a refusal says, after WHAT; always CTL_FAILED. */
int ctl_refused(const char *what, const struct ctl_message *m);

/* Sends LINE; 0 if that was done, else what is wrong has been said. */
MUST_USE int ctl_do(struct ctl_tool *t, const char *line);

/* GETINFO of N keys, each by itself: VALUES[i] is a text that the caller frees, lines of data with
 * "\n" between them, or NULL if it was refused. ERR_IO: the connection is lost. */
MUST_USE err_t ctl_get(struct ctl_tool *t, size_t n, const char *const *keys, char **values);
void ctl_free_values(size_t n, char **values);
/* The value in the reply to a GETINFO of one key; NULL: it was refused, or out of memory. */
char *ctl_value(const struct ctl_message *m);

/* T as it may be shown: to a terminal no byte that is not printable ASCII. */
void ctl_put(FILE *f, struct text t);
/* A JSON string; bytes that are no UTF-8 are taken for Latin-1. */
json_t *ctl_json_text(struct text t);
/* The value of a word of a line, without quotes and escapes. */
json_t *ctl_json_word(const struct ctl_word *w);
/* Prints VALUE, whose reference is taken, as indented text with a newline, or on one line. */
int ctl_print_json(json_t *value, size_t flags);

#endif
