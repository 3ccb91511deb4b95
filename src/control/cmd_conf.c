/* Commands about options: GETCONF, SETCONF, RESETCONF, SAVECONF, LOADCONF (control-spec 3.1 to 3.3,
 * 3.6, 3.22), in C tor's words. */
#include <stdlib.h>
#include <string.h>

#include "conf/confline.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session.h"

/* ---- GETCONF ---- */

/* One line of a reply for each of LINES, of which the last ends it. */
static void say_lines(struct session *s, int code, const struct conf_line *lines)
{
    for (; lines; lines = lines->next) {
        const char *equals = lines->how == CONF_CLEAR ? "" : "=";
        if (lines->next)
            reply_mid(s, code, "%s%s%s", lines->key, equals, lines->value);
        else
            reply_end(s, code, "%s%s%s", lines->key, equals, lines->value);
    }
}

static err_t add_unknown(struct conf_line ***tail, const char *name)
{
    char *text = text_printf("Unrecognized configuration key \"%s\"", name);
    err_t err = text ? conf_line_add(tail, text_of(text), text_of(""), "", CONF_CLEAR) : ERR_NOMEM;
    free(text);
    return err;
}

/* What LINES take in memory, about. */
static size_t size_of(const struct conf_line *lines)
{
    size_t size = 0;
    for (; lines; lines = lines->next)
        size += sizeof *lines + strlen(lines->value);
    return size;
}

/* Goes no further than what fits an answer: a long value may be asked for again and again. */
static err_t look_up(const struct options *o, const struct args *a, struct conf_line **known,
                     struct conf_line **unknown)
{
    struct conf_line **known_tail = known, **unknown_tail = unknown;
    size_t size = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct opt *opt = opt_lookup(a->word[i], NULL);
        struct conf_line **fresh = known_tail;
        TRY(opt ? options_show(o, opt, &known_tail) : add_unknown(&unknown_tail, a->word[i]));
        size += size_of(*fresh);
        if (size > SESSION_REPLY_MOST)
            return ERR_FULL;
    }
    return OK;
}

static void getconf(struct session *s, const struct args *a)
{
    struct conf_line *known = NULL, *unknown = NULL;
    err_t err = look_up(control_options(session_control(s)), a, &known, &unknown);
    if (err != OK)
        reply_end(s, 551, "%s", err_text(err));
    else if (unknown)
        say_lines(s, 552, unknown);
    else if (known)
        say_lines(s, 250, known);
    else
        reply_ok(s);
    conf_lines_free(known);
    conf_lines_free(unknown);
}

/* ---- SETCONF, RESETCONF, LOADCONF ---- */

/* What was refused, in one line: a value may hold what would end it. */
static void refuse(struct session *s, int code, const char *what, const char *prefix,
                   struct conf_err *e)
{
    for (char *c = e->text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    reply_end(s, code, "%s: %s%s", what, prefix, conf_without_controller(e->text));
}

static void answer_set(struct session *s, err_t err, struct conf_err *e)
{
    if (err == OK) {
        reply_ok(s);
        return;
    }
    log_warn(control_env(session_control(s))->log,
             "Controller gave us config lines that didn't validate: %s",
             conf_without_controller(e->text));
    if (err == ERR_NOT_FOUND)
        refuse(s, 552, "Unrecognized option", "", e);
    else if (err == ERR_MALFORMED || err == ERR_UNSUPPORTED)
        refuse(s, 513, "Unacceptable option value", "", e);
    else if (err == ERR_STATE)
        refuse(s, 553, "Transition not allowed", "", e);
    else
        refuse(s, 553, "Unable to set option", "", e);
}

static err_t lines_of(const struct args *a, struct conf_line **out)
{
    struct conf_line **tail = out;
    *out = NULL;
    for (size_t i = 0; i < a->n_keywords; i++)
        TRY(conf_line_add(&tail, text_of(a->keyword[i].key), text_of(a->keyword[i].value),
                          CONF_FROM_CONTROLLER, CONF_SET));
    return OK;
}

/* Nobody has so many; each may cost a look at all others. */
enum { LINES_MOST = 4096 };

static bool too_many(struct session *s, const struct args *a, size_t lines)
{
    if (lines > LINES_MOST)
        reply_end(s, 512, "Bad arguments to %s: Cannot accept more than %d lines", a->command,
                  LINES_MOST);
    return lines > LINES_MOST;
}

static void set(struct session *s, const struct args *a, unsigned flags)
{
    if (too_many(s, a, a->n_keywords))
        return;
    void *world;
    const struct control_world *ops = control_world(session_control(s), &world);
    struct conf_line *lines;
    struct conf_err e = {"out of memory"};
    err_t err = lines_of(a, &lines);
    if (err == OK && lines)
        err = ops->set_options(world, lines, flags, &e);
    conf_lines_free(lines);
    answer_set(s, err, &e);
}

static void setconf(struct session *s, const struct args *a)
{
    set(s, a, ASSIGN_CLEAR_FIRST);
}

static void resetconf(struct session *s, const struct args *a)
{
    set(s, a, ASSIGN_CLEAR_FIRST | ASSIGN_USE_DEFAULTS);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    while ((text = strchr(text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

static void loadconf(struct session *s, const struct args *a)
{
    static const char prefix[] = "Failed to parse/validate config: ";
    void *world;
    const struct control_world *ops = control_world(session_control(s), &world);
    struct conf_err e = {"out of memory"};
    if (too_many(s, a, count_lines(a->body)))
        return;
    err_t err = ops->load_options(world, a->body, &e);
    if (err == OK) {
        reply_ok(s);
        return;
    }
    log_warn(control_env(session_control(s))->log,
             "Controller gave us config file that didn't validate: %s%s", prefix, e.text);
    if (err == ERR_MALFORMED)
        refuse(s, 552, "Invalid config file", prefix, &e);
    else if (err == ERR_STATE)
        refuse(s, 553, "Transition not allowed", prefix, &e);
    else if (err == ERR_UNSUPPORTED)
        refuse(s, 550, "Unable to load config", "", &e);
    else
        refuse(s, 553, "Unable to set option", prefix, &e);
}

/* ---- SAVECONF ---- */

static void saveconf(struct session *s, const struct args *a)
{
    void *world;
    const struct control_world *ops = control_world(session_control(s), &world);
    if (ops->save_options(world, args_has_flag(a, "FORCE")) == OK)
        reply_ok(s);
    else
        reply_end(s, 551, "Unable to write configuration to disk.");
}

const struct command_row control_conf_commands[] = {
    {"GETCONF", {.most = ARGS_ANY}, getconf},
    {"SETCONF", {.flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES | ARGS_QUOTED}, setconf},
    {"RESETCONF", {.flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES | ARGS_QUOTED}, resetconf},
    {"SAVECONF", {.flags = ARGS_KEYWORDS | ARGS_OMIT_VALUES}, saveconf},
    {"+LOADCONF", {.body = true}, loadconf},
    {0},
};
