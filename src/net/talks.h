/* Talks: connections that came in through ports of one kind, each a socket around a byte machine
 * (base/talk.h). One set for each kind. */
#ifndef TUNIC_NET_TALKS_H
#define TUNIC_NET_TALKS_H

#include "base/talk.h"
#include "net/ports.h"

struct talks;

/* KIND and ARG, which its make() is given, are borrowed. NULL out of memory. */
struct talks *talks_new(struct net *n, const struct talk_kind *kind, void *arg);
/* Ends the connections. NULL is fine. */
void talks_free(struct talks *t);

/* A port_front's accept(), with a struct talks as its argument. */
void talks_accept(void *talks, int fd, const struct ipport *peer, struct port_config *config);

#endif
