/* Routes: hears of the kernel (rtnetlink) that this computer's addresses, routes or interfaces have
 * changed. */
#ifndef TUNIC_NET_ROUTES_H
#define TUNIC_NET_ROUTES_H

#include "net/net.h"

struct routes;

/* FN is called soon after a change, once for changes that follow each other closely. NULL where the
 * kernel does not tell, or out of memory: then nothing is ever heard. */
struct routes *routes_new(struct net *n, void (*fn)(void *arg), void *arg);
void routes_free(struct routes *r); /* NULL is fine */

#endif
