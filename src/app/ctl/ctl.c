#include "app/ctl/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ctl/commands.h"
#include "app/ctl/find.h"
#include "app/ctl/top.h"
#include "base/nearest.h"
#include "crypto/secret.h"

static const struct command {
    const char *name;
    size_t least, most; /* words behind it */
    int (*run)(struct ctl_tool *t);
    const char *usage;
} commands[] = {
    {"status", 0, 0, ctl_cmd_status, "status"},
    {"circuits", 0, 0, ctl_cmd_circuits, "circuits"},
    {"streams", 0, 0, ctl_cmd_streams, "streams"},
    {"guards", 0, 0, ctl_cmd_guards, "guards"},
    {"top", 0, 0, ctl_cmd_top, "top"},
    {"newnym", 0, 0, ctl_cmd_newnym, "newnym [--wait]"},
    {"events", 1, CTL_WORDS_MAX, ctl_cmd_events, "events TYPE...; ALL: every type there is"},
    {"signal", 1, 1, ctl_cmd_signal, "signal NAME"},
    {"close", 2, CTL_WORDS_MAX, ctl_cmd_close, "close circuit|stream ID..."},
    {"get", 1, CTL_WORDS_MAX, ctl_cmd_get, "get KEY..."},
    {"conf", 1, CTL_WORDS_MAX, ctl_cmd_conf, "conf NAME... or conf NAME=VALUE..."},
};
enum { COMMANDS = sizeof commands / sizeof *commands, LOOK_MS = 2000 };

/* ---- what is asked for ---- */

static const struct command *find_command(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

/* "GETINFO version", "+POSTDESCRIPTOR", "QUIT": a command of the protocol. */
static bool is_control_line(const char *word)
{
    if (strchr(word, ' '))
        return true;
    for (; *word; word++)
        if (!isupper((unsigned char)*word) && !strchr("+_", *word))
            return false;
    return true;
}

static bool are_control_lines(const struct ctl_args *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (!is_control_line(a->words[i]))
            return false;
    return a->n > 0;
}

/* What is run: a command of the table, lines, or a file. */
struct job {
    const struct command *command; /* or NULL */
    const char *file;              /* or NULL: lines */
};

static int no_command(const char *word)
{
    struct nearest near = nearest_begin(word);
    for (size_t i = 0; i < COMMANDS; i++)
        nearest_try(&near, commands[i].name);
    if (near.best)
        return ctl_complain(CTL_USAGE, "there is no command \"%.60s\". Did you mean \"%s\"?", word,
                            near.best);
    return ctl_complain(CTL_USAGE, "there is no command \"%.60s\"; see tunic ctl --help", word);
}

static int choose(const struct ctl_args *a, struct job *job)
{
    *job = (struct job){.file = a->run};
    if (a->run)
        return 0;
    if (!a->n && isatty(STDIN_FILENO))
        return ctl_complain(CTL_USAGE, "what is to be done? See tunic ctl --help");
    if (!a->n) {
        job->file = "-";
        return 0;
    }
    job->command = find_command(a->words[0]);
    if (job->command && a->n - 1 >= job->command->least && a->n - 1 <= job->command->most)
        return 0;
    if (job->command)
        return ctl_complain(CTL_USAGE, "usage: tunic ctl %s", job->command->usage);
    if (are_control_lines(a))
        return 0;
    if (a->n > 1 || access(a->words[0], R_OK) != 0)
        return no_command(a->words[0]);
    job->file = a->words[0];
    return 0;
}

/* ---- where ---- */

static void say_tried(const struct ctl_candidate *c)
{
    (void)ctl_complain(0, "%s (%s): %s", c->place.text, c->from, c->why);
}

/* A control port is there, or we are at fault: no other place is tried. */
static bool is_last_word(err_t e)
{
    return e == ERR_BAD_KEY || e == ERR_ARG || e == ERR_NOMEM;
}

/* The first of LIST that is a control port. What was tried is said if none is, or if it is asked
 * for. */
static int connect_to_one(struct ctl_tool *t, struct ctl_candidates *list)
{
    bool verbose = t->args->verbose;
    for (size_t i = 0; i < list->n; i++) {
        struct ctl_candidate *c = &list->list[i];
        t->place = c->place;
        t->from = c->from;
        err_t e = ctl_login(&c->place, &t->login, &t->conn, c->why);
        if (e == OK && verbose)
            (void)ctl_complain(0, "control port %s (%s)", c->place.text, c->from);
        if (e == OK)
            return CTL_DONE;
        if (verbose || is_last_word(e))
            say_tried(c);
        if (is_last_word(e))
            return CTL_FAILED;
    }
    if (list->n > 1)
        (void)ctl_complain(0, "no control port was found%s", verbose ? "" : "; tried:");
    for (size_t i = 0; !verbose && i < list->n; i++)
        say_tried(&list->list[i]);
    return CTL_FAILED;
}

static int no_place(const char *who, const char *text)
{
    return ctl_complain(
        CTL_USAGE,
        "%s \"%.100s\": must be a port, ADDRESS:PORT in numbers, or a path of up to "
        "107 bytes",
        who, text);
}

static int find(struct ctl_tool *t, struct ctl_candidates *list)
{
    const struct ctl_args *a = t->args;
    struct ctl_place place;
    const char *variable;
    if (!a->control) {
        if (ctl_find(list, &variable) != OK)
            return no_place(variable, getenv(variable));
        /* Where nobody said that there is one, nobody is waited for long. */
        t->login.patience_ms = LOOK_MS < t->login.patience_ms ? LOOK_MS : t->login.patience_ms;
        return connect_to_one(t, list);
    }
    list->n = 0;
    if (ctl_place_parse(a->control, &place) != OK)
        return no_place("--control", a->control);
    ctl_candidate_add(list, &place, "--control");
    return connect_to_one(t, list);
}

/* ---- all ---- */

static int run(struct ctl_tool *t, const struct job *job)
{
    if (job->command)
        return job->command->run(t);
    return job->file ? ctl_cmd_file(t, job->file) : ctl_cmd_lines(t);
}

static int find_and_run(struct ctl_tool *t, const struct job *job)
{
    struct ctl_candidates *list = malloc(sizeof *list);
    uint32_t patience_ms = t->args->timeout_s * 1000;
    t->login = (struct ctl_login){.password_file = t->args->password_file,
                                  .may_ask = true,
                                  .plain_cookie = t->args->control != NULL,
                                  .patience_ms = patience_ms,
                                  .most = CTL_MESSAGE_MOST};
    int status = list ? find(t, list) : ctl_complain(CTL_FAILED, "out of memory");
    if (!status) {
        t->conn->patience_ms = patience_ms;
        status = run(t, job);
    }
    ctl_conn_close(t->conn);
    ctl_login_forget(&t->login);
    free(list);
    return status;
}

int ctl_main(int argc, char **argv)
{
    struct ctl_args args;
    struct ctl_tool t = {.args = &args};
    struct job job;
    char why[ARG_WHY];
    if (ctl_args_parse(argc, argv, &args, why) != OK)
        return ctl_complain(CTL_USAGE, "%s", why);
    if (args.help)
        return fputs(ctl_help, stdout) < 0;
    int status = choose(&args, &job);
    if (status)
        return status;
    if (crypto_init() != OK)
        return ctl_complain(CTL_FAILED, "the crypto library does not start");
    status = find_and_run(&t, &job);
    /* Whoever reads may have gone; what was done is done. */
    return fflush(stdout) != 0 && errno != EPIPE && !status ? CTL_FAILED : status;
}
