/* Whether a port that is silent in the TLS handshake is a directory port: it answers plain HTTP. */
#ifndef TUNIC_APP_FETCH_SUSPECT_H
#define TUNIC_APP_FETCH_SUSPECT_H

#include "net/net.h"

/* A port is asked after so long without a TLS handshake. */
enum { SUSPECT_AFTER_MS = 2000 };

struct suspect;

/* Connects to TO; IS_HTTP is called once if HTTP answers there, and the suspect may be freed in it.
 * NULL out of memory. */
struct suspect *suspect_new(struct net *net, const struct ipport *to, void (*is_http)(void *arg),
                            void *arg);
void suspect_free(struct suspect *p); /* NULL is fine */

#endif
