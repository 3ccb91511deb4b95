/* One directory request to a DirPort, over plain HTTP. */
#ifndef TUNIC_APP_FETCH_DIRPORT_H
#define TUNIC_APP_FETCH_DIRPORT_H

#include "app/fetch/http.h"
#include "net/net.h"

struct dirport;

/* Connects to TO and asks for ASK; what comes goes to H, which is borrowed. NULL out of memory. */
struct dirport *dirport_new(struct net *net, const struct ipport *to, const struct http_ask *ask,
                            struct http *h, const struct http_ops *ops, void *arg);
void dirport_free(struct dirport *d); /* NULL is fine */
bool dirport_is_connected(const struct dirport *d);

#endif
