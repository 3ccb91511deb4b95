/* Where a password comes from: a file, the environment, the terminal. Never the command line, which
 * everybody can read. */
#ifndef TUNIC_APP_CTL_PASSWORD_H
#define TUNIC_APP_CTL_PASSWORD_H

#include "app/ctl/login.h"

/* The variable that Tor Browser and its kin use. */
#define CTL_PASSWORD_VARIABLE "TOR_CONTROL_PASSWD"

/* The one of L->password_file, or of the environment, if there is one and none is known. ERR_ARG
 * and WHY: the file cannot be read. */
MUST_USE err_t password_given(struct ctl_login *l, char why[CTL_WHY]);
/* Whether there is a terminal to ask on. */
bool password_can_ask(void);
/* Asks for it on the terminal, which does not show it. ERR_ARG: nothing was said. */
MUST_USE err_t password_ask(struct ctl_login *l, char why[CTL_WHY]);

#endif
