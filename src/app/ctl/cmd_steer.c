/* Commands that change something, or ask for one thing by name. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/commands.h"

/* ---- signals ---- */

/* The answer of a command without one of its own. */
static int said(const struct ctl_tool *t, const char *what, json_t *value)
{
    if (t->args->json)
        return ctl_print_json(value, JSON_INDENT(1));
    json_decref(value);
    puts(what);
    return CTL_DONE;
}

/* What came of a new identity, as events tell it. */
struct newnym {
    bool done;
    unsigned delay_s;
};

static void on_newnym(void *arg, const struct ctl_message *m)
{
    struct newnym *n = arg;
    char text[CTL_WHY];
    const char *delaying;
    ctl_printable(m->lines[0].text, text, sizeof text);
    n->done |= strcmp(text, "SIGNAL NEWNYM") == 0;
    if (strstr(text, "NEWNYM") && (delaying = strstr(text, "delaying by ")))
        n->delay_s = (unsigned)strtoul(delaying + strlen("delaying by "), NULL, 10);
}

/* Hears events until it is done, or delayed and nobody waits, or for MS. */
static err_t hear(struct ctl_tool *t, struct newnym *n, uint64_t ms)
{
    struct ctl_message m;
    uint64_t until = ctl_now_ms() + ms;
    for (;;) {
        uint64_t now = ctl_now_ms();
        err_t e = ctl_take(t->conn, &m);
        struct pollfd p = {t->conn->fd, POLLIN, 0};
        if (e == OK)
            on_newnym(n, &m);
        else if (e != ERR_MORE)
            return e;
        if (n->done || (n->delay_s && !t->args->wait) || now >= until)
            return OK;
        if (e == ERR_MORE)
            (void)poll(&p, 1, (int)(until - now));
    }
}

/* A NEWNYM that comes too soon is put off: only the log says so, and the SIGNAL event tells when it
 * is done (C tor: process_signal()). */
int ctl_cmd_newnym(struct ctl_tool *t)
{
    enum { SOON_MS = 1000, LONGEST_MS = 30000 };
    struct newnym n = {0};
    char text[96];
    int status;
    t->conn->on_event = on_newnym;
    t->conn->arg = &n;
    if ((status = ctl_do(t, "SETEVENTS SIGNAL NOTICE")) || (status = ctl_do(t, "SIGNAL NEWNYM")))
        return status;
    if (hear(t, &n, t->args->wait ? LONGEST_MS : SOON_MS) != OK)
        return ctl_lost(t);
    if (t->args->wait && !n.done)
        return ctl_complain(CTL_FAILED, "no new identity within %d s", LONGEST_MS / 1000);
    if (n.done || !n.delay_s)
        snprintf(text, sizeof text, "New identity: what is opened from now on takes new circuits.");
    else
        snprintf(text, sizeof text, "New identity: delayed by %u s, for the last one was just now.",
                 n.delay_s);
    return said(t, text,
                json_pack("{s:b, s:i}", "done", n.done, "delay_s", n.done ? 0 : (int)n.delay_s));
}

static bool is_word(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

int ctl_cmd_signal(struct ctl_tool *t)
{
    char line[128];
    const char *name = t->args->words[1];
    if (!is_word(name) || strlen(name) > 60)
        return ctl_complain(CTL_USAGE, "a signal is one word");
    snprintf(line, sizeof line, "SIGNAL %s", name);
    int status = ctl_do(t, line);
    snprintf(line, sizeof line, "Signal %s was sent.", name);
    return status ? status : said(t, line, json_pack("{s:s}", "signal", name));
}

/* ---- close ---- */

int ctl_cmd_close(struct ctl_tool *t)
{
    const struct ctl_args *a = t->args;
    bool circuit = strcmp(a->words[1], "circuit") == 0;
    char line[128];
    int status = CTL_DONE;
    if (!circuit && strcmp(a->words[1], "stream") != 0)
        return ctl_complain(CTL_USAGE, "close what? \"close circuit ID\" or \"close stream ID\"");
    for (size_t i = 2; i < a->n; i++) {
        if (!is_word(a->words[i]) || strlen(a->words[i]) > CTL_WORDS_MAX / 4)
            return ctl_complain(CTL_USAGE, "an id is one word; see \"tunic ctl circuits\"");
        /* Reason 1 is MISC: what tor's controllers say who have no other. */
        snprintf(line, sizeof line, "%s %s%s", circuit ? "CLOSECIRCUIT" : "CLOSESTREAM",
                 a->words[i],
                 !circuit       ? " 1"
                 : a->if_unused ? " IfUnused"
                                : "");
        status |= ctl_do(t, line);
    }
    if (status)
        return CTL_FAILED;
    return said(t, "Closed.", json_pack("{s:i}", "closed", (int)(a->n - 2)));
}

/* ---- get ---- */

/* Prints the value of KEY, with its name if NAMED, or adds it to ALL. *LOST: nothing more can be
 * asked. */
static int get_one(struct ctl_tool *t, const char *key, bool named, json_t *all, bool *lost)
{
    struct ctl_message m;
    char line[512];
    if (!is_word(key) || strlen(key) > 400)
        return ctl_complain(CTL_USAGE, "a key is one word: get version uptime");
    snprintf(line, sizeof line, "GETINFO %s", key);
    if (ctl_ask(t->conn, line, &m) != OK) {
        *lost = true;
        return ctl_lost(t);
    }
    char *value = ctl_value(&m);
    if (!value)
        return ctl_refused(line, &m);
    if (all) {
        json_object_set_new(all, key, ctl_json_text(text_of(value)));
    } else {
        printf("%s%s", named ? key : "", named ? "=" : "");
        ctl_put(stdout, text_of(value));
        putchar('\n');
    }
    free(value);
    return CTL_DONE;
}

int ctl_cmd_get(struct ctl_tool *t)
{
    const struct ctl_args *a = t->args;
    json_t *all = a->json ? json_object() : NULL;
    int status = CTL_DONE;
    bool lost = false;
    for (size_t i = 1; i < a->n && !lost; i++) {
        int one = get_one(t, a->words[i], a->n > 2, all, &lost);
        status = one > status ? one : status;
    }
    int printed = all ? ctl_print_json(all, JSON_INDENT(1)) : CTL_DONE;
    return status ? status : printed;
}

/* ---- conf ---- */

/* "name=value" of a GETCONF; a line without "=" has tor's own value. */
static void put_conf(const struct ctl_line *line, json_t *all)
{
    const char *equals = line->text.len ? memchr(line->text.s, '=', line->text.len) : NULL;
    size_t n = equals ? (size_t)(equals - line->text.s) : line->text.len;
    char name[128];
    ctl_printable((struct text){line->text.s, n}, name, sizeof name);
    if (!all) {
        ctl_put(stdout, line->text);
        putchar('\n');
        return;
    }
    json_t *values = json_object_get(all, name);
    if (!values) {
        values = json_array();
        json_object_set_new(all, name, values);
    }
    if (equals)
        json_array_append_new(values,
                              ctl_json_text((struct text){equals + 1, line->text.len - n - 1}));
}

static int get_conf(struct ctl_tool *t, const char *line)
{
    struct ctl_message m;
    json_t *all = t->args->json ? json_object() : NULL;
    if (ctl_ask(t->conn, line, &m) != OK) {
        json_decref(all);
        return ctl_lost(t);
    }
    int status = ctl_is_ok(&m) ? CTL_DONE : ctl_refused(line, &m);
    for (size_t i = 0; !status && i < m.n; i++)
        put_conf(&m.lines[i], all);
    if (all && status)
        json_decref(all);
    return all && !status ? ctl_print_json(all, JSON_INDENT(1)) : status;
}

/* Adds WORD of "conf NAME=VALUE" to what is sent: ' NAME="VALUE"', or ' NAME' if it is to be reset.
 */
static bool add_setting(FILE *f, const char *word)
{
    size_t n = strcspn(word, "=");
    char *value = word[n] && word[n + 1] ? ctl_quote(text_of(word + n + 1)) : NULL;
    bool good = value || !word[n] || !word[n + 1];
    fprintf(f, " %.*s", (int)n, word);
    if (value)
        fprintf(f, "=%s", value);
    free(value);
    return good;
}

/* The command that WORDS come to: one, so that all of it is done or nothing. */
static char *conf_line(const struct ctl_args *a, bool set)
{
    char *line = NULL;
    size_t len;
    bool good = true;
    FILE *f = open_memstream(&line, &len);
    if (!f)
        return NULL;
    /* RESETCONF does both: a NAME without a value goes back to the default (control-spec 3.2). */
    fputs(set ? "RESETCONF" : "GETCONF", f);
    for (size_t i = 1; i < a->n; i++)
        good &= add_setting(f, a->words[i]);
    if (fclose(f) == 0 && good)
        return line;
    free(line);
    return NULL;
}

int ctl_cmd_conf(struct ctl_tool *t)
{
    const struct ctl_args *a = t->args;
    size_t n_set = 0;
    for (size_t i = 1; i < a->n; i++) {
        size_t n = strcspn(a->words[i], "=");
        n_set += a->words[i][n] == '=';
        if (!n || strcspn(a->words[i], " \t\"") < n)
            return ctl_complain(CTL_USAGE, "\"%.60s\" is no NAME or NAME=VALUE", a->words[i]);
    }
    if (n_set && n_set < a->n - 1)
        return ctl_complain(CTL_USAGE, "either ask for options (NAME) or set them (NAME=VALUE)");
    char *line = conf_line(a, n_set > 0);
    if (!line)
        return ctl_complain(CTL_USAGE, "a value has one line");
    int status = n_set ? ctl_do(t, line) : get_conf(t, line);
    free(line);
    if (n_set && !status)
        return said(t, "Set.", json_pack("{s:i}", "set", (int)n_set));
    return status;
}
