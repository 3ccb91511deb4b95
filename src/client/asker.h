/* Asker: what is known of the application behind a stream. Nothing is decided by it (isolation.h
 * decides): it is for whoever listens (events.h). */
#ifndef TUNIC_CLIENT_ASKER_H
#define TUNIC_CLIENT_ASKER_H

#include <stdint.h>

#include "base/addr.h"
#include "base/text.h"

/* A user name and a password as they were said; counted, and wiped when the last lets go. */
struct login;

enum { LOGIN_PART_MAX = 255 }; /* bytes of each of the two that are kept, as many as SOCKS5 has */

/* Both are copied. NULL if both are empty, or out of memory: then nobody is told of them. */
struct login *login_new(struct text user, struct text pass);
struct login *login_hold(struct login *l); /* returns L; NULL is fine */
void login_release(struct login **l);      /* the same */
struct text login_user(const struct login *l);
struct text login_pass(const struct login *l);

struct asker {
    struct ipport source; /* SOURCE_ADDR; port 0: not known, or a unix socket's */
    uint8_t protocol;     /* CLIENT_PROTOCOL: as the front end numbers it (front.h); 0: none */
    uint32_t isolated_by; /* ISO_FIELDS: enum port_isolation, or'ed */
    struct login *login;  /* or NULL; who keeps an asker holds it */
};

#endif
