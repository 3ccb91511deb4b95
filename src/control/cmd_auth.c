/* Commands that are about the session itself (control-spec 3.4, 3.5, 3.19, 3.21, 3.23, 3.24, 3.33).
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/version.h"
#include "control/auth.h"
#include "control/commands.h"
#include "control/control.h"
#include "control/reply.h"
#include "control/session_int.h"
#include "crypto/encode.h"
#include "crypto/secret.h"

/* The last word to somebody who is not let in. */
static void refuse(struct session *s, int code, const char *why)
{
    reply_end(s, code, "%s", why);
    session_end(s);
}

/* ---- PROTOCOLINFO ---- */

static void bad_protocol_version(struct session *s, const char *version)
{
    struct text_out shown = text_out(SESSION_COMMAND_MOST * 4 + 2);
    out_escaped(&shown, version);
    reply_end(s, 513, "No such version %s", out_text(&shown));
    out_free(&shown);
    if (!session_is_open(s)) /* no patience with those who may not speak yet */
        session_end(s);
}

/* control-spec 3.21: COOKIEFILE "is provided iff the METHODS field contains the method "COOKIE"
 * and/or "SAFECOOKIE"". */
static void reply_methods(struct session *s)
{
    const struct options *o = control_options(s->control);
    struct text_out line = text_out(SESSION_COMMAND_MOST);
    auth_methods(o, &line);
    if (o->cookie_authentication) {
        out_str(&line, " COOKIEFILE=");
        out_escaped(&line, o->is.cookie_file);
    }
    reply_mid(s, 250, "AUTH METHODS=%s", out_text(&line));
    out_free(&line);
}

/* control-spec 3.21: PIVERSION "should always be "1"", and which of them a controller lists does
 * not matter: "Tor MAY select a version that the controller does not support". */
static void protocolinfo(struct session *s, const struct args *a)
{
    uint64_t version;
    s->had_protocolinfo = true;
    for (size_t i = 0; i < a->n; i++)
        if (text_u64(a->word[i] + (a->word[i][0] == '+'), INT64_MAX, &version) != OK) {
            bad_protocol_version(s, a->word[i]);
            return;
        }
    reply_mid(s, 250, "PROTOCOLINFO 1");
    reply_methods(s);
    reply_mid(s, 250, "VERSION Tor=\"%s\"", TOR_COMPAT_VERSION);
    reply_ok(s);
}

/* ---- AUTHENTICATE, AUTHCHALLENGE ---- */

/* control-spec 3.5: "either a quoted ASCII string, or [...] an unquoted hexadecimal encoding of
 * that same string". The bytes are from malloc(); it may be empty. */
static err_t read_secret(const struct args *a, uint8_t **bytes, size_t *len, bool *quoted)
{
    const char *value = a->n_keywords ? a->keyword[0].value : "";
    size_t size = strlen(value);
    *quoted = strchr(a->line, '"') != NULL;
    *bytes = malloc(size + 1);
    if (!*bytes)
        return ERR_NOMEM;
    *len = size;
    if (*quoted) {
        memcpy(*bytes, value, size);
        return OK;
    }
    err_t e = hex_decode(text_of(value), *bytes, size + 1, len);
    if (e != OK)
        free(*bytes);
    return e;
}

static void discard_secret(uint8_t *bytes, size_t len)
{
    secret_wipe(bytes, len);
    free(bytes);
}

/* control-spec 3.24: "the only authentication string which that AUTHENTICATE command will accept"
 * after a challenge is the hash of it. */
static const char *safecookie_refusal(struct session *s, const struct auth_offer *offer,
                                      struct text_out *logged)
{
    if (offer->len != sizeof s->expected) {
        out_printf(logged, "Got safe cookie authentication response with wrong length (%zu)",
                   offer->len);
        return "Wrong length for safe cookie response.";
    }
    if (!secret_equal(s->expected, offer->bytes, sizeof s->expected)) {
        out_str(logged, "Got incorrect safe cookie authentication response");
        return "Safe cookie response did not match expected value.";
    }
    s->challenged = false;
    return NULL;
}

/* control-spec 3.5: "the AUTHENTICATE command is still required even if all authentication methods
 * in Tor are disabled", and "Tor closes the connection on an authentication failure". */
static void judge(struct session *s, const struct auth_offer *offer)
{
    const struct control *c = s->control;
    struct text_out logged = text_out(ARGS_WHY_MAX);
    const char *why = s->challenged
                          ? safecookie_refusal(s, offer, &logged)
                          : auth_refusal(control_options(c), control_cookie(c), offer, &logged);
    if (logged.len)
        log_warn(control_env(c)->log, "%s", out_text(&logged));
    out_free(&logged);
    if (why) {
        reply_end(s, 515, "Authentication failed: %s", why);
        session_end(s);
        return;
    }
    log_info(control_env(c)->log, "Authenticated control connection");
    s->state = SESSION_OPEN;
    reply_ok(s);
}

static void authenticate(struct session *s, const struct args *a)
{
    uint8_t *bytes;
    struct auth_offer offer;
    if (a->n_keywords > 1) {
        refuse(s, 512, "Too many arguments to AUTHENTICATE.");
        return;
    }
    if (a->n_keywords && *a->keyword[0].key) {
        refuse(s, 512, "AUTHENTICATE does not accept keyword arguments.");
        return;
    }
    err_t e = read_secret(a, &bytes, &offer.len, &offer.quoted);
    if (e != OK) {
        refuse(s, 551,
               e == ERR_NOMEM ? "Internal error"
                              : "Invalid hexadecimal encoding.  Maybe you tried a plain text "
                                "password?  If so, the standard requires that you put it in double "
                                "quotes.");
        return;
    }
    offer.bytes = bytes;
    judge(s, &offer);
    discard_secret(bytes, offer.len);
}

/* What is wrong with an AUTHCHALLENGE, but for its nonce; 0: nothing. */
static int challenge_fault(const struct session *s, const struct args *a, const char **why)
{
    if (strcasecmp(a->word[0], "SAFECOOKIE") != 0) {
        *why = "AUTHCHALLENGE only supports SAFECOOKIE authentication";
        return 513;
    }
    if (!control_options(s->control)->cookie_authentication || !control_cookie(s->control)) {
        *why = "Cookie authentication is disabled";
        return 515;
    }
    *why = a->n_keywords == 1 ? "AUTHCHALLENGE does not accept keyword arguments."
                              : "Wrong number of arguments for AUTHCHALLENGE";
    return a->n_keywords == 1 && !*a->keyword[0].key ? 0 : 512;
}

static void challenge(struct session *s, const uint8_t *nonce, size_t len)
{
    struct safecookie hashes;
    uint8_t ours[SAFECOOKIE_NONCE_LEN]; /* "ServerNonce MUST be 32 bytes long." */
    char hash_hex[HEX_SIZE(SHA256_LEN)], nonce_hex[HEX_SIZE(SAFECOOKIE_NONCE_LEN)];
    env_random(control_env(s->control), ours, sizeof ours);
    if (safecookie(control_cookie(s->control), nonce, len, ours, &hashes) != OK) {
        refuse(s, 551, "Internal error");
        return;
    }
    memcpy(s->expected, hashes.client, sizeof s->expected);
    s->challenged = true;
    reply_end(s, 250, "AUTHCHALLENGE SERVERHASH=%s SERVERNONCE=%s",
              hex_upper(hashes.server, sizeof hashes.server, hash_hex),
              hex_upper(ours, sizeof ours, nonce_hex));
    secret_wipe(&hashes, sizeof hashes);
}

static void authchallenge(struct session *s, const struct args *a)
{
    const char *why;
    uint8_t *nonce;
    size_t len;
    bool quoted;
    int code = challenge_fault(s, a, &why);
    if (code) {
        refuse(s, code, why);
    } else if (read_secret(a, &nonce, &len, &quoted) != OK) {
        refuse(s, 513, "Invalid base16 client nonce");
    } else {
        challenge(s, nonce, len);
        discard_secret(nonce, len);
    }
}

/* ---- SETEVENTS, USEFEATURE ---- */

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

/* ---- TAKEOWNERSHIP, DROPOWNERSHIP ---- */

/* control-spec 3.23: "Tor will shut down when any of those connections closes", so each session
 * remembers it for itself. */
static void takeownership(struct session *s, const struct args *a)
{
    (void)a;
    s->is_owner = true;
    log_info(control_env(s->control)->log, "A control connection has taken ownership");
    reply_ok(s);
}

static void dropownership(struct session *s, const struct args *a)
{
    (void)a;
    s->is_owner = false;
    log_info(control_env(s->control)->log, "A control connection has dropped ownership");
    reply_ok(s);
}

const struct command_row control_auth_commands[] = {
    {"PROTOCOLINFO", {.most = ARGS_ANY}, protocolinfo},
    {"AUTHENTICATE",
     {.most = 0, .flags = ARGS_KEYWORDS | ARGS_OMIT_KEYS | ARGS_QUOTED_STRING},
     authenticate},
    {"AUTHCHALLENGE",
     {.least = 1, .most = 1, .flags = ARGS_KEYWORDS | ARGS_OMIT_KEYS | ARGS_QUOTED_STRING},
     authchallenge},
    {"TAKEOWNERSHIP", {.most = ARGS_ANY}, takeownership},
    {"DROPOWNERSHIP", {.most = ARGS_ANY}, dropownership},
    {"SETEVENTS", {.most = ARGS_ANY}, setevents},
    {"USEFEATURE", {.most = ARGS_ANY}, usefeature},
    {0},
};
