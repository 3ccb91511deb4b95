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
    /* Port lists are copied; its warnings outlive the set; its session is SESSION_OWN or a group.
     */
    struct socks_port_config config;
};

/* Whether SocksPolicy lets an application at PEER in. */
typedef bool socks_policy_fn(void *arg, const struct ipport *peer);

struct socksports *socksports_new(struct net *n, struct client *c, socks_policy_fn *policy,
                                  void *arg);
/* Closes listeners and connections. NULL is fine. */
void socksports_free(struct socksports *p);

/* A change in two steps. The first makes ready that the listeners become those of SPECS: opens what
 * is new (with tor's lines, and while what leaves still listens), checks what stays. On error all
 * is as it was: ERR_IO (logged: which port and why; errno is set), ERR_NOMEM. After OK, exactly one
 * of the other two, before the loop turns. */
MUST_USE err_t socksports_prepare(struct socksports *p, const struct socksport_spec *specs,
                                  size_t n);
/* What stays takes on its new settings for new connections and keeps its session number unless its
 * line says a group; what is not listed any more closes. Connections that are there go on. */
void socksports_commit(struct socksports *p);
void socksports_roll_back(struct socksports *p);

/* The TCP port of the first of them, which tells what "any free one" became; 0: there is none. */
uint16_t socksports_first(const struct socksports *p);

/* No new connections; those that are there go on. */
void socksports_close(struct socksports *p);
/* Ends the connections that are there; listeners stay. */
void socksports_hang_up(struct socksports *p);
size_t socksports_connections(const struct socksports *p);

#endif
