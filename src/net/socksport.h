/* SocksPorts: listeners, and the local connections that come in through them. */
#ifndef TUNIC_NET_SOCKSPORT_H
#define TUNIC_NET_SOCKSPORT_H

#include "client/client.h"
#include "net/listen.h"
#include "net/net.h"
#include "socks/socks.h"

struct socksports;

struct socksport_spec {
    struct listen_at at;
    struct socks_port_config config; /* port lists are copied; its warnings outlive the set */
};

/* Whether SocksPolicy lets an application at PEER in. */
typedef bool socks_policy_fn(void *arg, const struct ipport *peer);

struct socksports *socksports_new(struct net *n, struct client *c, socks_policy_fn *policy,
                                  void *arg);
/* Closes listeners and connections. NULL is fine. */
void socksports_free(struct socksports *p);

/* Makes the listeners those of SPECS: what is there already stays (with its new settings), what is
 * not listed any more closes for new connections. Each is announced with tor's lines. On error all
 * is as it was: ERR_IO (logged: which port and why), ERR_NOMEM. */
MUST_USE err_t socksports_set(struct socksports *p, const struct socksport_spec *specs, size_t n);

/* The TCP port of the first of them, which tells what "any free one" became; 0: there is none. */
uint16_t socksports_first(const struct socksports *p);

/* No new connections; those that are there go on. */
void socksports_close(struct socksports *p);
size_t socksports_connections(const struct socksports *p);

#endif
