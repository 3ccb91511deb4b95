/* Locals: applications' connections, each a socket around a pump (socks/pump.h) that a front end
 * has made. One set for each front end. */
#ifndef TUNIC_NET_LOCALS_H
#define TUNIC_NET_LOCALS_H

#include "client/client.h"
#include "net/ports.h"
#include "socks/pump.h"

struct locals;

/* Makes the pump of one connection, as socks_new() does. */
typedef struct pump *front_new_fn(struct env *env, struct client *client,
                                  const struct front_config *config, const struct ipport *peer,
                                  const struct pump_ops *ops, void *arg);

/* Whether SocksPolicy lets an application at PEER in. */
typedef bool locals_policy_fn(void *arg, const struct ipport *peer);

struct locals *locals_new(struct net *n, struct client *c, front_new_fn *front,
                          locals_policy_fn *policy, void *arg);
/* Ends the connections. NULL is fine. */
void locals_free(struct locals *l);
void locals_hang_up(struct locals *l);

/* A port_front's accept(), with a struct locals as its argument. */
void locals_accept(void *locals, int fd, const struct ipport *peer, struct port_config *config);

size_t locals_count(const struct locals *l);

#endif
