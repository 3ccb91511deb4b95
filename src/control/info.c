#include "control/info.h"

#include <stdlib.h>
#include <string.h>

#include "control/commands.h"
#include "control/reply.h"
#include "control/session.h"
#include "control/session_int.h"
#include "control/told.h"

/* clang-format off */
static const struct info_row *const ROOMS[] = {
    control_circuit_info,
    control_conf_info,
    control_docs_info,
    control_downloads_info,
    control_map_info,
    control_names_info,
    control_ns_info,
    control_onion_info,
    control_process_info,
    control_signal_info,
    control_status_info,
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What stands behind the row's name in KEY; NULL: KEY is another. */
static const char *match(const struct info_row *row, const char *key)
{
    size_t len = strlen(row->name);
    if (strncmp(row->name, key, len) != 0 || (!row->is_prefix && key[len]))
        return NULL;
    return key + len;
}

err_t info_get(struct control *c, const char *key, struct text_out *out, const char **why)
{
    *why = NULL;
    for (size_t i = 0; i < COUNT(ROOMS); i++)
        for (const struct info_row *row = ROOMS[i]; row->name; row++) {
            const char *rest = row->get ? match(row, key) : NULL;
            if (rest)
                return row->get(c, rest, out, why);
        }
    return ERR_NOT_FOUND;
}

/* ---- GETINFO ---- */

/* The answers, and the refusals of keys that there are not: of the two only one is sent. */
struct answers {
    struct text_out good;
    struct text_out bad;
    size_t last_bad; /* where its last line begins */
};

static void refuse(struct answers *all, const char *key, const char *why)
{
    all->last_bad = all->bad.len;
    if (why)
        out_reply_mid(&all->bad, 552, "%s", why);
    else
        out_reply_mid(&all->bad, 552, "Unrecognized key \"%s\"", key);
}

/* False: it was answered with an error that ends the command. */
static bool answer_key(struct session *s, const char *key, struct answers *all)
{
    struct text_out value = text_out(SESSION_REPLY_MOST);
    const char *why;
    err_t e = info_get(session_control(s), key, &value, &why);
    if (e == OK)
        e = out_end(&value);
    if (e == OK)
        out_reply_value(&all->good, 250, key, out_text(&value));
    else if (e == ERR_NOT_FOUND)
        refuse(all, key, why);
    out_free(&value);
    if (e == OK || e == ERR_NOT_FOUND)
        return true;
    reply_end(s, 551, "%s", why ? why : "Internal error");
    return false;
}

/* False: there is no reply to be had, which ends the session: no further key is looked at. */
static bool fits(const struct answers *all)
{
    return out_end(&all->good) == OK && out_end(&all->bad) == OK;
}

static void getinfo(struct session *s, const struct args *a)
{
    struct answers all = {.good = text_out(SESSION_REPLY_MOST),
                          .bad = text_out(SESSION_REPLY_MOST)};
    bool goes_on = true;
    for (size_t i = 0; i < a->n && goes_on && fits(&all); i++)
        goes_on = answer_key(s, a->word[i], &all);
    if (goes_on && all.bad.len) {
        if (out_end(&all.bad) == OK)
            all.bad.s[all.last_bad + 3] = ' ';
        session_say(s, &all.bad);
    } else if (goes_on) {
        out_str(&all.good, "250 OK\r\n");
        session_say(s, &all.good);
    }
    out_free(&all.good);
    out_free(&all.bad);
}

const struct command_row control_info_commands[] = {
    {"GETINFO", {.most = ARGS_ANY}, getinfo},
    {0},
};

/* ---- what there is to ask for ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t described(char **lines)
{
    size_t n = 0;
    for (size_t i = 0; i < COUNT(ROOMS); i++)
        for (const struct info_row *row = ROOMS[i]; row->name; row++) {
            if (!row->text)
                continue;
            if (lines)
                lines[n] =
                    text_printf("%s%s -- %s\n", row->name, row->is_prefix ? "*" : "", row->text);
            n++;
        }
    return n;
}

static err_t info_names(struct control *c, const char *rest, struct text_out *out, const char **why)
{
    size_t n = described(NULL);
    char **lines = calloc(n + 1, sizeof *lines);
    bool whole = lines != NULL;
    (void)c, (void)rest, (void)why;
    for (size_t i = lines ? described(lines) : 0; i-- > 0;)
        whole = whole && lines[i];
    if (whole)
        qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; lines && i < n; i++) {
        if (whole)
            out_str(out, lines[i]);
        free(lines[i]);
    }
    free(lines);
    return whole ? OK : ERR_NOMEM;
}

static err_t events_names(struct control *c, const char *rest, struct text_out *out,
                          const char **why)
{
    (void)c, (void)rest, (void)why;
    for (int i = 0; i < TOLD_KINDS; i++)
        out_printf(out, "%s%s", i ? " " : "", told_name((enum told)i));
    return OK;
}

static err_t features_names(struct control *c, const char *rest, struct text_out *out,
                            const char **why)
{
    (void)c, (void)rest, (void)why;
    out_str(out, "VERBOSE_NAMES EXTENDED_EVENTS");
    return OK;
}

const struct info_row control_names_info[] = {
    {"info/names", false, "List of GETINFO options, types, and documentation.", info_names},
    {"events/names", false, "Events that the controller can ask for with SETEVENTS.", events_names},
    {"features/names", false, "What arguments can USEFEATURE take?", features_names},
    {0},
};
