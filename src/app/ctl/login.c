#include "app/ctl/login.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cookiefile.h"
#include "app/ctl/password.h"
#include "app/ctl/words.h"
#include "crypto/encode.h"
#include "crypto/safecookie.h"
#include "crypto/secret.h"

enum {
    COOKIE_LEN = SAFECOOKIE_LEN,
    NONCE_LEN = SAFECOOKIE_NONCE_LEN,
    PATH_SIZE = 4096,
    REPLY_MAX = 4096
};

/* What PROTOCOLINFO said of the ways in. */
struct ways {
    bool null, password, cookie, safecookie;
    char cookie_file[PATH_SIZE];
};

/* ---- what it wants ---- */

static void read_methods(struct text list, struct ways *w)
{
    struct text method;
    while (text_split(&list, ',', &method)) {
        w->null |= text_is(method, "NULL");
        w->password |= text_is(method, "HASHEDPASSWORD");
        w->cookie |= text_is(method, "COOKIE");
        w->safecookie |= text_is(method, "SAFECOOKIE");
    }
}

/* "250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/tor/control.authcookie"" */
static err_t read_ways(const struct ctl_message *m, struct ways *w)
{
    static const char auth[] = "AUTH ";
    *w = (struct ways){0};
    if (!ctl_is_ok(m) || !text_starts(m->lines[0].text, "PROTOCOLINFO"))
        return ERR_MALFORMED;
    for (size_t i = 0; i < m->n; i++) {
        struct text t = m->lines[i].text;
        if (!text_starts(t, auth))
            continue;
        read_methods(ctl_value_of(t, "METHODS"), w);
        ctl_unquote(ctl_value_of(t, "COOKIEFILE"), w->cookie_file, sizeof w->cookie_file);
    }
    return OK;
}

/* ---- the ways ---- */

/* "514 Authentication required.", "515 ...": it says no. */
static err_t answer(struct ctl_conn *c, const char *line)
{
    char text[CTL_WHY];
    struct ctl_message m;
    TRY(ctl_ask(c, line, &m));
    if (ctl_is_ok(&m))
        return OK;
    return ctl_fail(c->why, ERR_BAD_KEY, "it does not let us in: %.400s", ctl_end_text(&m, text));
}

static err_t with_password(struct ctl_conn *c, const struct ctl_login *l)
{
    char line[2 * CTL_PASSWORD_MAX + 32];
    char *quoted = ctl_quote(text_of(l->password));
    if (!quoted)
        return ctl_fail(c->why, ERR_ARG, "a password has one line");
    snprintf(line, sizeof line, "AUTHENTICATE %s", quoted);
    err_t e = answer(c, line);
    secret_wipe(quoted, strlen(quoted));
    free(quoted);
    secret_wipe(line, sizeof line);
    return e;
}

static err_t read_cookie(struct ctl_conn *c, const char *path, uint8_t cookie[COOKIE_LEN])
{
    char shown[301];
    err_t e = cookiefile_read(path, cookie);
    int error = errno;
    ctl_printable(text_of(path), shown, sizeof shown);
    if (e == ERR_MALFORMED)
        return ctl_fail(c->why, ERR_BAD_KEY, "%s is no cookie: it must have %d bytes", shown,
                        COOKIE_LEN);
    if (e != OK)
        return ctl_fail(c->why, ERR_BAD_KEY, "cannot read its cookie %s: %s%s", shown,
                        strerror(error),
                        error == EACCES ? "; are you in its group (debian-tor), or root?" : "");
    return OK;
}

static err_t with_safecookie(struct ctl_conn *c, const uint8_t cookie[COOKIE_LEN])
{
    uint8_t ours[NONCE_LEN], theirs[NONCE_LEN], said[SHA256_LEN];
    struct safecookie right;
    char line[64 + HEX_SIZE(SHA256_LEN)], hex[HEX_SIZE(SHA256_LEN)];
    struct ctl_message m;
    crypto_random(NULL, ours, sizeof ours);
    snprintf(line, sizeof line, "AUTHCHALLENGE SAFECOOKIE %s", hex_upper(ours, sizeof ours, hex));
    TRY(ctl_ask(c, line, &m));
    struct text t = m.lines[0].text;
    if (!ctl_is_ok(&m) ||
        hex_decode_exact(ctl_value_of(t, "SERVERHASH"), said, sizeof said) != OK ||
        hex_decode_exact(ctl_value_of(t, "SERVERNONCE"), theirs, sizeof theirs) != OK)
        return ctl_fail(c->why, ERR_BAD_KEY, "it does not answer the challenge of SAFECOOKIE");
    if (safecookie(cookie, ours, sizeof ours, theirs, &right) != OK)
        return ctl_fail(c->why, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    if (!secret_equal(said, right.server, sizeof right.server))
        return ctl_fail(c->why, ERR_BAD_KEY,
                        "it does not know the cookie that it names: another "
                        "program's, or an old file");
    snprintf(line, sizeof line, "AUTHENTICATE %s",
             hex_upper(right.client, sizeof right.client, hex));
    return answer(c, line);
}

static err_t with_cookie(struct ctl_conn *c, const struct ways *w)
{
    uint8_t cookie[COOKIE_LEN];
    char hex[HEX_SIZE(COOKIE_LEN)], line[32 + HEX_SIZE(COOKIE_LEN)];
    TRY(read_cookie(c, w->cookie_file, cookie));
    err_t e;
    if (w->safecookie) {
        e = with_safecookie(c, cookie);
    } else {
        snprintf(line, sizeof line, "AUTHENTICATE %s", hex_upper(cookie, sizeof cookie, hex));
        e = answer(c, line);
        secret_wipe(hex, sizeof hex);
        secret_wipe(line, sizeof line);
    }
    secret_wipe(cookie, sizeof cookie);
    return e;
}

/* ---- all of it ---- */

static err_t open_and_ask(const struct ctl_place *place, const struct ctl_login *l,
                          struct ctl_conn **out, struct ways *w, char why[CTL_WHY])
{
    struct ctl_message m;
    TRY(ctl_conn_open(place, l->patience_ms, l->most, out, why));
    err_t e = ctl_ask(*out, "PROTOCOLINFO 1", &m);
    if (e == OK && (e = read_ways(&m, w)) != OK)
        (void)ctl_fail((*out)->why, e, "what answers there is no control port");
    if (e == OK)
        return OK;
    memcpy(why, (*out)->why, CTL_WHY);
    ctl_conn_close(*out);
    *out = NULL;
    return e;
}

enum way { WAY_NULL, WAY_GIVEN, WAY_COOKIE, WAY_ASKED, WAYS };

static bool is_open(enum way way, const struct ways *w, const struct ctl_login *l)
{
    switch (way) {
    case WAY_NULL:
        return w->null;
    case WAY_GIVEN:
        return w->password && l->has_password;
    case WAY_COOKIE:
        return (w->safecookie || (w->cookie && l->plain_cookie)) && w->cookie_file[0];
    case WAY_ASKED:
        return w->password && !l->has_password && l->may_ask && password_can_ask();
    case WAYS:
        break;
    }
    return false;
}

static err_t go(struct ctl_conn *c, enum way way, const struct ways *w, struct ctl_login *l)
{
    err_t e = OK;
    if (way == WAY_NULL)
        return answer(c, "AUTHENTICATE");
    if (way == WAY_COOKIE)
        return with_cookie(c, w);
    if (way == WAY_ASKED)
        e = password_ask(l, c->why);
    return e == OK ? with_password(c, l) : e;
}

/* If there is no way in. */
static const char *what_it_wants(const struct ways *w)
{
    if (w->password)
        return "it wants a password: --password-file FILE, or a terminal";
    if (w->cookie)
        return "it wants its cookie in clear: name it with --control if you trust it";
    return "it wants a proof that is not known here";
}

/* After a refusal the server hangs up, so each way has a connection of its own. */
err_t ctl_login(const struct ctl_place *place, struct ctl_login *l, struct ctl_conn **out,
                char why[CTL_WHY])
{
    struct ways w;
    struct ctl_conn *c;
    TRY(password_given(l, why));
    TRY(open_and_ask(place, l, &c, &w, why));
    err_t e = ctl_fail(why, ERR_BAD_KEY, "%s", what_it_wants(&w));
    for (enum way way = 0; way < WAYS; way++) {
        if (!is_open(way, &w, l))
            continue;
        if (!c)
            TRY(open_and_ask(place, l, &c, &w, why));
        if ((e = go(c, way, &w, l)) == OK) {
            *out = c;
            return OK;
        }
        memcpy(why, c->why, CTL_WHY);
        ctl_conn_close(c);
        c = NULL;
    }
    ctl_conn_close(c);
    return e;
}

void ctl_login_forget(struct ctl_login *l)
{
    secret_wipe(l->password, sizeof l->password);
    l->has_password = false;
}
