/* SOCKS: the hello machine of a SocksPort. It speaks SOCKS4, SOCKS4a and SOCKS5 with tor's
 * extensions (socks-extensions, proposals 304 and 351) until it knows what is asked for, and says
 * how that went; the pump (pump.h) does the rest. */
#ifndef TUNIC_SOCKS_SOCKS_H
#define TUNIC_SOCKS_SOCKS_H

#include "socks/front.h"
#include "socks/pump.h"

/* PEER is the application's address (family IP_NONE for a unix socket). CONFIG and OPS are
 * borrowed. NULL out of memory. */
struct pump *socks_new(struct env *env, struct client *client, const struct front_config *config,
                       const struct ipport *peer, const struct pump_ops *ops, void *arg);

#endif
