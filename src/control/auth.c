#include "control/auth.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/s2k.h"
#include "crypto/secret.h"

static bool wants_password(const struct options *o)
{
    return o->hashed_password_lines || o->hashed_session_password_lines;
}

static bool matches_any(const struct conf_line *line, const struct auth_offer *offer)
{
    uint8_t hashed[S2K_LEN];
    for (; line; line = line->next)
        if (s2k_decode(text_of(line->value), hashed) == OK &&
            s2k_matches(hashed, offer->bytes, offer->len))
            return true;
    return false;
}

static const char *cookie_refusal(const uint8_t cookie[COOKIE_LEN], const struct auth_offer *offer,
                                  struct text_out *logged)
{
    if (offer->len != COOKIE_LEN) { /* 3.21: "All authentication cookies are 32 bytes long." */
        out_printf(logged, "Got authentication cookie with wrong length (%zu)", offer->len);
        return "Wrong length on authentication cookie.";
    }
    if (!cookie || !secret_equal(cookie, offer->bytes, COOKIE_LEN)) {
        out_str(logged, "Got mismatched authentication cookie");
        return "Authentication cookie did not match expected value.";
    }
    return NULL;
}

static const char *password_refusal(const struct options *o, const struct auth_offer *offer)
{
    if (matches_any(o->hashed_password_lines, offer) ||
        matches_any(o->hashed_session_password_lines, offer))
        return NULL;
    return offer->quoted
               ? "Password did not match HashedControlPassword value from configuration"
               : "Password did not match HashedControlPassword value from configuration. Maybe you "
                 "tried a plain text password? If so, the standard requires that you put it in "
                 "double quotes.";
}

const char *auth_refusal(const struct options *o, const uint8_t cookie[COOKIE_LEN],
                         const struct auth_offer *offer, struct text_out *logged)
{
    if (!o->cookie_authentication)
        return wants_password(o) ? password_refusal(o, offer) : NULL;
    struct text_out of_cookie = text_out(logged->most);
    bool password = wants_password(o);
    const char *why = cookie_refusal(cookie, offer, password ? &of_cookie : logged);
    out_free(&of_cookie);
    if (!why || !password)
        return why;
    if (!password_refusal(o, offer))
        return NULL;
    out_str(logged, "Bad password or authentication cookie on controller.");
    return "Password did not match HashedControlPassword *or* authentication cookie.";
}

void auth_methods(const struct options *o, struct text_out *out)
{
    bool password = wants_password(o);
    if (o->cookie_authentication)
        out_str(out, "COOKIE,SAFECOOKIE");
    if (password)
        out_str(out, o->cookie_authentication ? ",HASHEDPASSWORD" : "HASHEDPASSWORD");
    if (!o->cookie_authentication && !password)
        out_str(out, "NULL");
}
