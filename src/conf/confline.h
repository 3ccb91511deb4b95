/* Lines of configuration: the torrc lexer, %include, and the command line in the same form.
 *
 * A line is a keyword, a value, how it is meant (set, +append, /clear) and where it stands. Lists
 * are owned by whoever holds their head; conf_lines_free() frees all. */
#ifndef TUNIC_CONF_CONFLINE_H
#define TUNIC_CONF_CONFLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

enum conf_how {
    CONF_SET,    /* replaces what a file with less say holds */
    CONF_APPEND, /* "+Option": adds to it */
    CONF_CLEAR,  /* "/Option": empties it */
};

struct conf_line {
    char *key;
    char *value;
    char *where; /* "torrc:12", "command line", "default" */
    enum conf_how how;
    struct conf_line *next;
};

/* What `where` says of a controller's lines: "controller", or "controller:12" of its LOADCONF. */
#define CONF_FROM_CONTROLLER "controller"
bool conf_is_controllers(const char *where);
/* TEXT of a fault without such a place, which the controller knows. */
const char *conf_without_controller(const char *text);

enum {
    CONF_INCLUDE_DEPTH_MAX = 31,        /* C tor's bound on nested %include */
    CONF_FILE_MAX = 16 * 1024 * 1024,   /* bytes of one file */
    CONF_INCLUDE_FILES_MAX = 4096,      /* files of one %include pattern */
    CONF_TOTAL_LINES_MAX = 1024 * 1024, /* lines of one configuration */
};

/* What went wrong, as text for a log line or a control-port reply. */
enum { CONF_ERR_MAX = 1024 };
struct conf_err {
    char text[CONF_ERR_MAX];
};

/* Returns CODE, so that callers can write `return conf_fail(...)`. */
err_t conf_fail(struct conf_err *e, err_t code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* All that is wrong with a configuration: the first fault is kept, and as soon as there are two the
 * log has each of them. Begins as {.log = ...}. */
struct conf_faults {
    const struct log *log; /* or NULL */
    err_t code;            /* of the first; ERR_NOMEM if that came, and nothing can go on */
    struct conf_err first;
    unsigned n;
};

enum { CONF_FAULTS_SHOWN = 20 };

/* Both return OK, whatever CODE is: the next line may have its say; but ERR_NOMEM stays an error.
 * CODE of OK adds nothing. */
MUST_USE err_t conf_faults_add(struct conf_faults *f, err_t code, const struct conf_err *e);
MUST_USE err_t conf_faults_say(struct conf_faults *f, err_t code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The first one's code and text, which also says how many there are; OK if there is none. */
err_t conf_faults_end(const struct conf_faults *f, struct conf_err *e);

/* Adds a line at *TAIL (the address of the last next pointer) and moves *TAIL; copies the texts. */
MUST_USE err_t conf_line_add(struct conf_line ***tail, struct text key, struct text value,
                             const char *where, enum conf_how how);
MUST_USE err_t conf_lines_copy(const struct conf_line *from, struct conf_line **out);
bool conf_lines_equal(const struct conf_line *a, const struct conf_line *b); /* keys, values */
void conf_lines_free(struct conf_line *head);

/* How a text becomes lines. Reading of files goes through these, so that the lexer does no I/O;
 * host/disk.h has those of this computer. */
struct conf_source {
    /* Lists the files that PATTERN names (globs, folders) in order; the caller frees list and
     * names. NULL: %include is refused. */
    err_t (*expand)(void *arg, const char *pattern, char ***files, size_t *n);
    /* The whole file as a NUL-terminated string that the caller frees. ERR_MALFORMED: it holds a
     * NUL byte; ERR_LIMIT: too large. */
    err_t (*read)(void *arg, const char *path, char **content);
    void *arg;
    const struct log *log;
};

/* Reads TEXT as tor reads a torrc. NAME is what error messages call it. On success *OUT is the list
 * (NULL if there is nothing in it); *INCLUDED, if asked for, tells whether %include was used. */
MUST_USE err_t conf_lex(const struct conf_source *src, const char *name, const char *text,
                        struct conf_line **out, bool *included, struct conf_err *e);
/* The same, going on behind a line that is no line: *OUT is what could be read, also at ERR_NOMEM.
 */
MUST_USE err_t conf_lex_each(const struct conf_source *src, const char *name, const char *text,
                             struct conf_line **out, bool *included, struct conf_faults *faults);
/* What a conf_source's error means to whoever wrote the file: " It is too large.", or "". */
const char *conf_read_why(err_t err);

#endif
