/* Who may come in (control-spec 3.5, 3.24): a cookie, which whoever can read its file has, a
 * password of which options have the hash, or anybody, if options ask for neither. */
#ifndef TUNIC_CONTROL_AUTH_H
#define TUNIC_CONTROL_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "conf/options.h"
#include "crypto/safecookie.h"

enum { COOKIE_LEN = SAFECOOKIE_LEN };

/* What was offered with AUTHENTICATE. */
struct auth_offer {
    const uint8_t *bytes;
    size_t len;
    bool quoted; /* as a quoted string, not in hex */
};

/* NULL: OFFER is good. Else why not, in tor's words, and LOGGED is what the log is to say of it, if
 * anything. COOKIE: NULL if there is none. */
const char *auth_refusal(const struct options *o, const uint8_t cookie[COOKIE_LEN],
                         const struct auth_offer *offer, struct text_out *logged);

/* "COOKIE,SAFECOOKIE,HASHEDPASSWORD": what PROTOCOLINFO says can be offered. */
void auth_methods(const struct options *o, struct text_out *out);

#endif
