#include "control/session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/commands.h"
#include "control/control.h"
#include "control/refuse.h"
#include "control/reply.h"
#include "control/session_int.h"
#include "crypto/secret.h"

enum { READ_AT_ONCE = 4096 };

/* ---- what comes in ---- */

/* control-spec 3.5: "Before the client has authenticated, no command other than PROTOCOLINFO,
 * AUTHCHALLENGE, AUTHENTICATE, or QUIT is valid"; of the first two each "(but only once!)", and
 * after a challenge "the next command sent on the connection must be an AUTHENTICATE command"
 * (3.24; C tor, is_valid_initial_command()). */
static bool may_run(const struct session *s, const char *command)
{
    if (s->state == SESSION_OPEN || strcasecmp(command, "AUTHENTICATE") == 0)
        return true;
    if (strcasecmp(command, "PROTOCOLINFO") == 0)
        return !s->had_protocolinfo && !s->challenged;
    return strcasecmp(command, "AUTHCHALLENGE") == 0 && !s->challenged;
}

static void run(struct session *s, const struct command_row *row, const char *command,
                const char *text, size_t len)
{
    struct args a = {0};
    char why[ARGS_WHY_MAX];
    err_t e = args_parse(&row->syntax, command, text, len, &a, why);
    if (e == OK)
        row->run(s, &a);
    else if (e == ERR_MALFORMED)
        reply_end(s, 512, "Bad arguments to %s: %s", command, why);
    else
        reply_end(s, 551, "Internal error");
    args_free(&a);
}

static void dispatch(struct session *s, const char *command, const char *text, size_t len)
{
    const struct command_row *row = command_find(command);
    if (strcasecmp(command, "QUIT") == 0) {
        reply_end(s, 250, "closing connection");
        session_end(s);
    } else if (!may_run(s, command)) { /* "Tor sends an error reply and closes the connection" */
        reply_end(s, 514, "Authentication required.");
        session_end(s);
    } else if (!row) {
        reply_end(s, 510, "Unrecognized command \"%s\"", command);
    } else {
        run(s, row, command, text, len);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Splits the command's word from the rest of LINE, which ends in NUL at LEN. */
static void take_command(struct session *s, char *line, size_t len)
{
    char *rest = line, *end = line + len;
    bool has_body = *line == '+';
    while (rest < end && !is_blank(*rest))
        rest++;
    char *word_end = rest;
    /* What follows the first line of one with a body is no argument. */
    while (rest < end && (has_body ? *rest == ' ' || *rest == '\t' : is_blank(*rest)))
        rest++;
    char *command = malloc((size_t)(word_end - line) + 1);
    if (!command) {
        session_end(s);
        return;
    }
    memcpy(command, line, (size_t)(word_end - line));
    command[word_end - line] = 0;
    session_hold(s);
    dispatch(s, command, rest, (size_t)(end - rest));
    free(command);
    session_release(s);
}

/* control-spec 2.2: "whose data section ends with a single "." on a line of its own"; 2.1: "Tor MAY
 * also accept LF" for CRLF. */
static bool is_end_of_body(const uint8_t *line, size_t len)
{
    return (len == 2 && memcmp(line, ".\n", 2) == 0) || (len == 3 && memcmp(line, ".\r\n", 3) == 0);
}

/* Looks for the end of the first command. *LEN is what belongs to it, *TAKEN its bytes with the "."
 * behind a body. False: it is not complete. */
static bool find_command(struct session *s, size_t *len, size_t *taken)
{
    const uint8_t *in = buf_at(&s->in), *eol;
    while ((eol = s->scanned < s->in.len ? memchr(in + s->scanned, '\n', s->in.len - s->scanned)
                                         : NULL)) {
        size_t at = s->line_at;
        s->line_at = s->scanned = *taken = (size_t)(eol - in) + 1;
        *len = in[0] == '+' ? at : *taken;
        if (in[0] != '+' || (at > 0 && is_end_of_body(in + at, *taken - at)))
            return true;
    }
    s->scanned = s->in.len;
    return false;
}

static void take_one(struct session *s, size_t len, size_t taken)
{
    char *line = malloc(len + 1);
    if (!line) {
        session_end(s);
        return;
    }
    memcpy(line, buf_at(&s->in), len);
    line[len] = 0;
    buf_drain(&s->in, taken);
    s->line_at = s->scanned = 0;
    take_command(s, line, len);
    secret_wipe(line, len);
    free(line);
}

/* control-spec 2.1 has "no limits on line length". tor's is 1 MB, and so is ours, but for those who
 * have not authenticated: many of them must not cost much memory. */
static size_t command_most(const struct session *s)
{
    return s->state == SESSION_OPEN ? SESSION_COMMAND_MOST : SESSION_GREETING_MOST;
}

static bool is_paused(const struct session *s)
{
    return s->out.len > SESSION_PAUSE;
}

static void take_input(struct session *s)
{
    size_t len, taken;
    if (s->state == SESSION_NEEDS_AUTH && refuse_protocol(s, buf_at(&s->in), s->in.len))
        return;
    while (s->state != SESSION_ENDED && !is_paused(s) && find_command(s, &len, &taken))
        take_one(s, len, taken);
    if (s->state != SESSION_ENDED && !is_paused(s) && s->in.len >= command_most(s)) {
        reply_end(s, 500, "Line too long.");
        session_end(s);
    }
    if (s->in.len == 0)
        buf_wipe(&s->in); /* it may have been a password */
}

/* ---- the machine ---- */

static void lose_owner(struct session *s)
{
    if (s->is_owner)
        control_lose_owner(s->control);
    s->is_owner = false;
}

static void resume(void *arg)
{
    struct session *s = arg;
    take_input(s);
    if (!is_paused(s))
        s->ops->on_input_wanted(s->holder);
}

static struct session *begin(struct control *c, const struct talk_ops *ops, void *holder)
{
    struct session *s = control_has_room(c) ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    *s = (struct session){.control = c, .ops = ops, .holder = holder};
    buf_init(&s->in, SESSION_COMMAND_MOST);
    buf_init(&s->out, SESSION_PAUSE + SESSION_EVENTS_MOST + SESSION_REPLY_MOST);
    s->held = text_out(SESSION_EVENTS_MOST);
    later_init(&s->resume, resume, s);
    control_add(c, s);
    return s;
}

static void *make(void *arg, const struct ipport *peer, const struct talk_ops *ops, void *holder)
{
    struct session *s = begin(arg, ops, holder);
    if (s)
        control_say_opened(arg, &peer->ip);
    return s;
}

/* For a connection that the owner of the process gave it. */
static void *make_owner(void *arg, const struct ipport *peer, const struct talk_ops *ops,
                        void *holder)
{
    struct session *s = begin(arg, ops, holder);
    (void)peer;
    if (s) {
        s->state = SESSION_OPEN;
        s->is_owner = true;
    }
    return s;
}

static void gone(void *talk)
{
    session_end(talk);
    lose_owner(talk);
}

static void session_free(void *talk)
{
    struct session *s = talk;
    if (s->state == SESSION_ENDED)
        lose_owner(s);
    later_cancel(control_env(s->control), &s->resume);
    control_remove(s->control, s);
    buf_wipe(&s->in);
    buf_wipe(&s->out);
    out_free(&s->held);
    secret_wipe(s->expected, sizeof s->expected);
    free(s);
}

static uint8_t *in_room(void *talk, size_t *room)
{
    struct session *s = talk;
    size_t space = buf_space(&s->in);
    if (s->state == SESSION_ENDED || is_paused(s) || space == 0)
        return NULL;
    *room = space < READ_AT_ONCE ? space : READ_AT_ONCE;
    return buf_room(&s->in, *room);
}

static void in_done(void *talk, size_t len)
{
    struct session *s = talk;
    buf_commit(&s->in, len);
    take_input(s);
}

static const uint8_t *out(void *talk, size_t *len)
{
    struct session *s = talk;
    *len = s->out.len;
    return s->out.len ? buf_at(&s->out) : NULL;
}

static void sent(void *talk, size_t len)
{
    struct session *s = talk;
    bool was_paused = is_paused(s);
    buf_drain(&s->out, len);
    buf_trim(&s->out);
    /* Not before the owner has the answer to its QUIT. */
    if (s->state == SESSION_ENDED && s->out.len == 0)
        lose_owner(s);
    if (was_paused && !is_paused(s) && s->state != SESSION_ENDED)
        later_ask(control_env(s->control), &s->resume);
}

#define SESSION_TALK(make_)                                                                \
    {                                                                                      \
        .make = (make_), .in_room = in_room, .in_done = in_done, .out = out, .sent = sent, \
        .gone = gone, .free = session_free                                                 \
    }
const struct talk_kind session_talk = SESSION_TALK(make);
const struct talk_kind session_owner_talk = SESSION_TALK(make_owner);
