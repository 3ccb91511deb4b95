/* Listening sockets: made, announced, and accepted from. */
#ifndef TUNIC_NET_LISTEN_H
#define TUNIC_NET_LISTEN_H

#include "base/addr.h"
#include "net/net.h"

struct listener;

struct listen_at {
    const char *unix_path;                               /* or NULL: TCP at... */
    struct ipport tcp;                                   /* port 0: any free one */
    bool group_writable, world_writable, relax_dir_mode; /* of a unix socket */
};

/* FD is the new connection, non-blocking; PEER's family is IP_NONE for a unix socket. */
typedef void accept_fn(void *arg, int fd, const struct ipport *peer);

/* WHAT names it in the log: "Opening Socks listener on 127.0.0.1:9050". ERR_IO (logged). */
MUST_USE err_t listener_open(struct net *n, const char *what, const struct listen_at *at,
                             accept_fn *fn, void *arg, struct listener **out);
/* Removes a unix socket's file. NULL is fine. */
void listener_close(struct listener *l);
/* The port it listens on, also where any free one was asked for; 0 for a unix socket. */
uint16_t listener_port(const struct listener *l);
/* Whether L listens at AT: the same address and port, or the same path whatever its permissions. */
bool listener_is_at(const struct listener *l, const struct listen_at *at);
/* Gives L, which is at AT, the permissions that AT asks for. */
void listener_set_mode(struct listener *l, const struct listen_at *at);

#endif
