/* Commands that are about the session itself. */
#include <strings.h>

#include "base/version.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session_int.h"

static void bad_protocol_version(struct session *s, const char *version)
{
    struct text_out shown = text_out(SESSION_COMMAND_MOST * 4 + 2);
    out_escaped(&shown, version);
    reply_end(s, 513, "No such version %s", out_text(&shown));
    out_free(&shown);
    if (!session_is_open(s)) /* no patience with those who may not speak yet */
        session_end(s);
}

static void protocolinfo(struct session *s, const struct args *a)
{
    uint64_t version;
    s->had_protocolinfo = true;
    for (size_t i = 0; i < a->n; i++)
        if (text_u64(a->word[i], INT64_MAX, &version) != OK) {
            bad_protocol_version(s, a->word[i]);
            return;
        }
    reply_mid(s, 250, "PROTOCOLINFO 1");
    reply_mid(s, 250, "AUTH METHODS=NULL");
    reply_mid(s, 250, "VERSION Tor=\"%s\"", TOR_COMPAT_VERSION);
    reply_ok(s);
}

static void authenticate(struct session *s, const struct args *a)
{
    (void)a;
    s->state = SESSION_OPEN;
    reply_ok(s);
}

static void setevents(struct session *s, const struct args *a)
{
    uint64_t wanted = 0;
    for (size_t i = 0; i < a->n; i++) {
        enum told told = told_find(a->word[i]);
        if (strcasecmp(a->word[i], "EXTENDED") == 0 ||
            strcasecmp(a->word[i], "AUTHDIR_NEWDESCS") == 0) {
            log_warn(control_env(s->control)->log,
                     "The \"%s\" SETEVENTS argument is no longer supported.", a->word[i]);
            continue;
        }
        if (told == TOLD_KINDS) {
            reply_end(s, 552, "Unrecognized event \"%s\"", a->word[i]);
            return;
        }
        wanted |= TOLD_BIT(told);
    }
    session_set_told(s, wanted);
    reply_ok(s);
}

/* Both are on at all times (control-spec 3.19). */
static void usefeature(struct session *s, const struct args *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcasecmp(a->word[i], "VERBOSE_NAMES") != 0 &&
            strcasecmp(a->word[i], "EXTENDED_EVENTS") != 0) {
            reply_end(s, 552, "Unrecognized feature \"%s\"", a->word[i]);
            return;
        }
    reply_ok(s);
}

const struct command_row control_auth_commands[] = {
    {"PROTOCOLINFO", {.most = ARGS_ANY}, protocolinfo},
    {"AUTHENTICATE",
     {.most = 0, .flags = ARGS_KEYWORDS | ARGS_OMIT_KEYS | ARGS_QUOTED_STRING},
     authenticate},
    {"SETEVENTS", {.most = ARGS_ANY}, setevents},
    {"USEFEATURE", {.most = ARGS_ANY}, usefeature},
    {0},
};
