/* Commands that steer streams (control-spec 3.13, 3.15, 3.16); their words are those of C tor's
 * control_cmd.c. */
#include <limits.h>
#include <string.h>

#include "client/attach.h"
#include "client/steer.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session.h"

static struct client *client_of(const struct session *s)
{
    return control_client(session_control(s));
}

static bool read_stream(struct session *s, const char *word, uint64_t *id)
{
    if (text_u64(word, UINT64_MAX, id) == OK && client_has_stream(client_of(s), *id))
        return true;
    reply_end(s, 552, "Unknown stream \"%s\"", word);
    return false;
}

/* ---- ATTACHSTREAM ---- */

static void answer_attach(struct session *s, enum attach_result result, uint64_t hop)
{
    switch (result) {
    case ATTACH_DONE:
        reply_ok(s);
        return;
    case ATTACH_NOT_YOURS:
        reply_end(s, 555, "Connection is not managed by controller.");
        return;
    case ATTACH_NOT_OPEN:
        reply_end(s, 551, "Can't attach stream to non-open origin circuit");
        return;
    case ATTACH_ONE_HOP:
        reply_end(s, 551, "Can't attach stream to this one-hop circuit.");
        return;
    case ATTACH_NO_HOP:
        reply_end(s, 551, "Circuit doesn't have %d hops.", (int)hop);
        return;
    case ATTACH_NO_STREAM:
    case ATTACH_NO_CIRCUIT:
    case ATTACH_FAILED:
        break;
    }
    reply_end(s, 551, "Unable to attach stream");
}

static bool read_hop(struct session *s, const char *word, uint64_t *hop)
{
    *hop = 0;
    if (!word || text_u64(word, INT_MAX, hop) == OK)
        return true;
    reply_end(s, 552, "Bad value hop=%s", word);
    return false;
}

static void attachstream(struct session *s, const struct args *a)
{
    const char *word = a->word[1];
    uint64_t stream, circuit, hop = 0;
    if (!read_stream(s, a->word[0], &stream))
        return;
    if (text_u64(word, UINT32_MAX, &circuit) != OK ||
        (strcmp(word, "0") != 0 && !client_has_circuit(client_of(s), circuit)))
        reply_end(s, 552, "Unknown circuit \"%s\"", word);
    else if (!circuit || read_hop(s, args_keyword(a, "HOP"), &hop))
        answer_attach(s, client_attach(client_of(s), stream, circuit, (unsigned)hop), hop);
}

/* ---- REDIRECTSTREAM, CLOSESTREAM ---- */

static void redirectstream(struct session *s, const struct args *a)
{
    uint64_t stream, port = 0;
    if (!read_stream(s, a->word[0], &stream))
        return;
    if (a->n > 2 && (text_u64(a->word[2], UINT16_MAX, &port) != OK || !port)) {
        reply_end(s, 512, "Cannot parse port \"%s\"", a->word[2]);
        return;
    }
    client_redirect_stream(client_of(s), stream, a->word[1], (uint16_t)port);
    reply_ok(s);
}

static void closestream(struct session *s, const struct args *a)
{
    uint64_t stream, reason;
    if (!read_stream(s, a->word[0], &stream))
        return;
    if (text_u64(a->word[1], UINT8_MAX, &reason) != OK) {
        reply_end(s, 552, "Unrecognized reason \"%s\"", a->word[1]);
        return;
    }
    client_close_stream(client_of(s), stream, (uint8_t)reason);
    reply_ok(s);
}

static const char *const attach_keywords[] = {"HOP", NULL};

const struct command_row control_stream_commands[] = {
    {"ATTACHSTREAM", {2, 2, .flags = ARGS_KEYWORDS, .keywords = attach_keywords}, attachstream},
    {"REDIRECTSTREAM", {.least = 2, .most = ARGS_ANY}, redirectstream},
    {"CLOSESTREAM", {.least = 2, .most = ARGS_ANY}, closestream},
    {0},
};
