/* A directory request through three hops, on a tunnel of a client. */
#ifndef TUNIC_APP_FETCH_TUNNEL_H
#define TUNIC_APP_FETCH_TUNNEL_H

#include "app/fetch/http.h"
#include "client/client.h"

struct dirtunnel;

struct dirtunnel_wish {
    const struct http_ask *ask;
    int32_t session; /* requests of the same one may share a circuit */
    bool authority;  /* the last hop must be one */
};

/* Asks, as soon as there is a circuit; what comes goes to H, which is borrowed. NULL out of memory.
 */
struct dirtunnel *dirtunnel_new(struct env *env, struct client *client,
                                const struct dirtunnel_wish *wish, struct http *h,
                                const struct http_ops *ops, void *arg);
void dirtunnel_free(struct dirtunnel *d); /* NULL is fine */
bool dirtunnel_is_connected(const struct dirtunnel *d);

#endif
