/* Logging in: a connection on which commands may be given (control-spec 3.5, 3.21, 3.24). */
#ifndef TUNIC_APP_CTL_LOGIN_H
#define TUNIC_APP_CTL_LOGIN_H

#include "app/ctl/conn.h"

enum { CTL_PASSWORD_MAX = 512 };

struct ctl_login {
    const char *password_file; /* or NULL; "-" is standard input */
    bool may_ask;              /* on the terminal */
    /* Who only has the old COOKIE names a file and is sent what is in it; so nobody but whom the
     * user named. SAFECOOKIE proves first that it is known there. */
    bool plain_cookie;
    uint32_t patience_ms;
    size_t most; /* bytes of one message */
    /* Kept for the next connection; wiped by ctl_login_forget(). */
    bool has_password;
    char password[CTL_PASSWORD_MAX];
};

/* Connects to PLACE and proves who we are: nothing if nothing is asked for, a password that was
 * given, the cookie, a password that is asked for. ERR_BAD_KEY: it is a control port that does not
 * let us in; ERR_ARG: the password cannot be read; other errors: it is none, or is not there. WHY
 * says it. */
MUST_USE err_t ctl_login(const struct ctl_place *place, struct ctl_login *l, struct ctl_conn **out,
                         char why[CTL_WHY]);
void ctl_login_forget(struct ctl_login *l);

#endif
