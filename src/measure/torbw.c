#include "measure/torbw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

enum { QUEUE_CAP = 64 * 1024 };

PRINTF_LIKE(3, 4)
static err_t fail(struct torbw *t, err_t e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(t->why, sizeof t->why, fmt, args);
    va_end(args);
    t->step = TORBW_FAILED;
    return e;
}

static err_t say(struct torbw *t, const char *line)
{
    err_t e = buf_add(&t->out, line, strlen(line));
    return e == OK ? OK : fail(t, e, "%s", err_text(e));
}

void torbw_init(struct torbw *t, struct env *env, const struct torbw_ops *ops, void *arg)
{
    *t = (struct torbw){.env = env, .ops = ops, .arg = arg};
    buf_init(&t->in, QUEUE_CAP);
    buf_init(&t->out, QUEUE_CAP);
    (void)say(t, "PROTOCOLINFO 1\r\n");
}

void torbw_free(struct torbw *t)
{
    buf_free(&t->in);
    buf_free(&t->out);
    secret_wipe(t->cookie, sizeof t->cookie);
}

/* ---- PROTOCOLINFO ---- */

/* The value of KEY="...", with its escapes: \\ and \" alone. False: it is not there, or too long.
 */
static bool quoted(struct text line, const char *key, char *out, size_t size)
{
    size_t len = strlen(key), at = 0, n = 0;
    while (at + len <= line.len && memcmp(line.s + at, key, len) != 0)
        at++;
    for (at += len; at < line.len && line.s[at] != '"' && n + 1 < size; at++) {
        if (line.s[at] == '\\' && at + 1 < line.len)
            at++;
        out[n++] = line.s[at];
    }
    out[n] = '\0';
    return n && at < line.len && line.s[at] == '"';
}

static bool has_method(struct text line, const char *method)
{
    struct text word, methods, one;
    while (text_token(&line, &word)) {
        if (!text_starts(word, "METHODS="))
            continue;
        methods = (struct text){word.s + strlen("METHODS="), word.len - strlen("METHODS=")};
        while (text_split(&methods, ',', &one))
            if (text_is(one, method))
                return true;
    }
    return false;
}

static void note_methods(struct torbw *t, struct text line)
{
    t->no_proof = has_method(line, "NULL");
    if (!has_method(line, "SAFECOOKIE") || !quoted(line, "COOKIEFILE=\"", t->path, sizeof t->path))
        t->path[0] = '\0';
}

static err_t prove(struct torbw *t)
{
    char hex[HEX_SIZE(sizeof t->nonce)], line[sizeof hex + 40];
    t->step = t->no_proof ? TORBW_PROVING : TORBW_CHALLENGED;
    if (t->no_proof)
        return say(t, "AUTHENTICATE\r\n");
    if (!t->path[0])
        return fail(t, ERR_UNSUPPORTED,
                    "tor's control port wants a password; CookieAuthentication 1 would do");
    if (!t->ops->cookie(t->arg, t->path, t->cookie))
        return fail(t, ERR_STATE, "tor's cookie in \"%.120s\" cannot be read", t->path);
    env_random(t->env, t->nonce, sizeof t->nonce);
    snprintf(line, sizeof line, "AUTHCHALLENGE SAFECOOKIE %s\r\n",
             hex_lower(t->nonce, sizeof t->nonce, hex));
    return say(t, line);
}

static bool take_hex(struct text line, const char *key, uint8_t *out, size_t len)
{
    struct text word;
    while (text_token(&line, &word))
        if (text_starts(word, key)) {
            const struct text hex = {word.s + strlen(key), word.len - strlen(key)};
            return hex_decode_exact(hex, out, len) == OK;
        }
    return false;
}

/* "250 AUTHCHALLENGE SERVERHASH=... SERVERNONCE=..." */
static err_t answer_challenge(struct torbw *t, struct text line)
{
    uint8_t said[SHA256_LEN], theirs[SAFECOOKIE_NONCE_LEN];
    char hex[HEX_SIZE(SHA256_LEN)], out[sizeof hex + 32];
    struct safecookie right;
    if (!take_hex(line, "SERVERHASH=", said, sizeof said) ||
        !take_hex(line, "SERVERNONCE=", theirs, sizeof theirs))
        return fail(t, ERR_MALFORMED, "tor's control port does not answer the challenge");
    if (safecookie(t->cookie, t->nonce, sizeof t->nonce, theirs, &right) != OK)
        return fail(t, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    if (!secret_equal(said, right.server, sizeof said))
        return fail(t, ERR_STATE,
                    "what answers does not know the cookie in \"%.120s\" that it names", t->path);
    t->step = TORBW_PROVING;
    snprintf(out, sizeof out, "AUTHENTICATE %s\r\n",
             hex_lower(right.client, sizeof right.client, hex));
    return say(t, out);
}

/* ---- lines ---- */

/* "650 BW 1000 2000", and whatever a later tor adds. */
static void told(struct torbw *t, struct text rest)
{
    struct text code, bw, in, out;
    uint64_t read, written;
    if (text_token(&rest, &code) && text_token(&rest, &bw) && text_is(bw, "BW") &&
        text_token(&rest, &in) && text_token(&rest, &out) &&
        text_to_u64(in, UINT64_MAX, &read) == OK && text_to_u64(out, UINT64_MAX, &written) == OK)
        t->ops->on_bw(t->arg, read, written);
}

/* The last line of an answer. */
static err_t answered(struct torbw *t, struct text line)
{
    if (!text_starts(line, "250 "))
        return fail(t, ERR_STATE, "tor's control port says: %.*s",
                    line.len < 120 ? (int)line.len : 120, line.s);
    if (t->step == TORBW_ASKED)
        return prove(t);
    if (t->step == TORBW_CHALLENGED)
        return answer_challenge(t, line);
    if (t->step == TORBW_PROVING) {
        t->step = TORBW_SUBSCRIBING;
        return say(t, "SETEVENTS BW\r\n");
    }
    if (t->step == TORBW_SUBSCRIBING) {
        t->step = TORBW_READY;
        t->ops->on_ready(t->arg);
    }
    return OK;
}

static err_t take_line(struct torbw *t, struct text line)
{
    static const char digits[] = "0123456789";
    if (line.len < 4 || !strchr(digits, line.s[0]) || memchr(line.s, '\0', line.len))
        return fail(t, ERR_MALFORMED, "what answers is no control port");
    if (text_starts(line, "650")) {
        if (t->step == TORBW_READY)
            told(t, line);
        return OK;
    }
    if (text_starts(line, "250-AUTH ") && t->step == TORBW_ASKED)
        note_methods(t, line);
    return line.s[3] == ' ' ? answered(t, line) : OK;
}

err_t torbw_feed(struct torbw *t, const void *bytes, size_t len)
{
    if (t->step == TORBW_FAILED)
        return ERR_STATE;
    if (buf_add(&t->in, bytes, len) != OK)
        return fail(t, ERR_LIMIT, "tor's control port says too much");
    for (;;) {
        const char *at = (const char *)buf_at(&t->in);
        const char *end = t->in.len ? memchr(at, '\n', t->in.len) : NULL;
        size_t n = end ? (size_t)(end - at) : t->in.len;
        if (n > TORBW_LINE_MAX)
            return fail(t, ERR_LIMIT, "tor's control port says too long a line");
        if (!end)
            return OK;
        struct text line = {at, n && at[n - 1] == '\r' ? n - 1 : n};
        TRY(take_line(t, line));
        buf_drain(&t->in, n + 1);
    }
}
