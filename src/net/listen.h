/* Listening sockets: made, announced, and accepted from. */
#ifndef TUNIC_NET_LISTEN_H
#define TUNIC_NET_LISTEN_H

#include "base/addr.h"
#include "base/port.h"
#include "net/net.h"

struct listener;

/* FD is the new connection, non-blocking; PEER's family is IP_NONE for a unix socket. */
typedef void accept_fn(void *arg, int fd, const struct ipport *peer);

/* WHAT names it in the log: "Opening Socks listener on 127.0.0.1:9050". ERR_IO (logged). */
MUST_USE err_t listener_open(struct net *n, const char *what, const struct port_at *at,
                             accept_fn *fn, void *arg, struct listener **out);
/* The same where a port in use is no news: ERR_IO with EADDRINUSE is not logged. */
MUST_USE err_t listener_try(struct net *n, const char *what, const struct port_at *at,
                            accept_fn *fn, void *arg, struct listener **out);
/* Removes a unix socket's file. NULL is fine. */
void listener_close(struct listener *l);
/* The port it listens on, also where any free one was asked for; 0 for a unix socket. */
uint16_t listener_port(const struct listener *l);
/* Whether the folder of a unix socket AT is private enough for it; WHAT as above. ERR_IO (logged).
 */
MUST_USE err_t listen_check_folder(const char *what, const struct port_at *at,
                                   const struct log *log);
const char *listener_name(const struct listener *l); /* "127.0.0.1:9050", or the path */
/* What it was opened with, or last set to. */
const struct port_at *listener_at(const struct listener *l);
/* Gives L, which is at the path of AT, the permissions that AT asks for. On ERR_IO (logged) it has
 * those that it had. */
MUST_USE err_t listener_set_mode(struct listener *l, const struct port_at *at);
/* L gives its port up for a successor, and takes it again if that one cannot be had: 0.0.0.0:9050
 * and 127.0.0.1:9050 cannot be bound at once. ERR_IO (logged): it cannot be taken any more. */
void listener_stand_down(struct listener *l);
MUST_USE err_t listener_stand_up(struct listener *l);

#endif
