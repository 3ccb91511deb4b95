/* The torrc lexer, the options and the rules over them: any text is either refused with a message
 * or gives options whose dump reads back as the same options. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/options.h"

/* TEXT as a controller's SETCONF or RESETCONF over O: what differs then is told. */
static void check_set(const struct options *o, const char *text, unsigned flags)
{
    struct conf_faults faults = {.log = NULL};
    struct conf_line *lines = NULL, *changes = NULL;
    struct options *fresh = options_dup(o);
    const struct opt *differ;
    if (fresh) {
        assert(options_diff(o, fresh, &differ, 1) == 0);
        assert(options_changes(o, fresh, &changes) != OK || !changes);
        if (conf_lex_each(NULL, CONF_FROM_CONTROLLER, text, &lines, NULL, &faults) == OK)
            (void)!options_assign_each(fresh, lines, ASSIGN_CLEAR_FIRST | flags, NULL, &faults);
        assert(options_changes(o, fresh, &changes) != OK || changes ||
               options_diff(o, fresh, &differ, 1) == 0);
    }
    conf_lines_free(lines);
    conf_lines_free(changes);
    options_free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t no_expand(void *arg, const char *pattern, char ***files, size_t *n)
{
    const char *self = arg; /* every %include reads the same text again: the depth is bounded */
    *files = NULL;
    *n = 0;
    if (pattern[0] != 's')
        return ERR_IO;
    *files = calloc(1, sizeof **files);
    if (*files && ((*files)[0] = strdup(self)))
        *n = 1;
    return *n ? OK : ERR_NOMEM;
}

static err_t self_read(void *arg, const char *path, char **content)
{
    (void)arg;
    *content = strdup(path);
    return *content ? OK : ERR_NOMEM;
}

static struct options *read_options(const struct conf_source *src, const char *text, unsigned flags,
                                    struct conf_err *e)
{
    const struct options_env env = {"/home/u", QUIET_NONE, NULL};
    struct conf_line *lines = NULL;
    struct options *o = options_new(strlen(text) % 2 == 1);
    struct conf_faults faults = {.log = NULL}; /* all go on behind a fault, as in the program */
    err_t err = o ? conf_lex_each(src, "torrc", text, &lines, NULL, &faults) : ERR_NOMEM;
    if (err == OK)
        err = options_assign_each(o, lines, flags, NULL, &faults);
    if (err == OK)
        err = options_check_each(o, &env, &faults);
    conf_lines_free(lines);
    if (err == OK)
        err = conf_faults_end(&faults, e);
    if (err == OK)
        return o;
    assert(memchr(e->text, 0, sizeof e->text) && e->text[0]);
    options_free(o);
    return NULL;
}

/* The dump of O lexes, and its values are taken as they were said. */
static void check_dump(const struct options *o)
{
    struct conf_err e = {""};
    struct options *defaults = options_new(o->using_test_network_defaults);
    struct options *again = options_new(o->using_test_network_defaults);
    struct conf_line *lines = NULL;
    char *text = defaults && again ? options_dump(o, defaults, DUMP_MINIMAL) : NULL;
    if (text) {
        assert(conf_lex(NULL, "dump", text, &lines, NULL, &e) == OK);
        err_t err = options_assign(again, lines, 0, NULL, &e);
        assert(err == OK);
        char *text2 = options_dump(again, defaults, DUMP_MINIMAL);
        assert(!text2 || strcmp(text, text2) == 0);
        free(text2);
    }
    conf_lines_free(lines);
    free(text);
    options_free(again);
    options_free(defaults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_err e = {"?"};
    if (size == 0 || size > 4096)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    struct conf_source src = {no_expand, self_read, text, NULL};
    struct options *o = read_options(data[0] & 4 ? &src : NULL, text, data[0] & 3, &e);
    if (o) {
        check_dump(o);
        if (data[0] & 8)
            check_set(o, text + (size - 1) / 2, data[0] & ASSIGN_USE_DEFAULTS);
    }
    options_free(o);
    free(text);
    return 0;
}
