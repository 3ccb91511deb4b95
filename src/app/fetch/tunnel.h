/* A directory request through three hops, on a tunnel of a client. */
#ifndef TUNIC_APP_FETCH_TUNNEL_H
#define TUNIC_APP_FETCH_TUNNEL_H

#include "app/fetch/http.h"
#include "client/client.h"

struct dirtunnel;

/* As of a DirPort: DIRPORT_OPS. SESSION: requests of the same one may share a circuit. AUTHORITY:
 * the last hop must be one. NULL out of memory. */
struct dirtunnel *dirtunnel_new(struct env *env, struct client *client, int32_t session,
                                bool authority, struct http *h, const struct dirport_ops *ops,
                                void *arg);
void dirtunnel_free(struct dirtunnel *d); /* NULL is fine */
bool dirtunnel_is_connected(const struct dirtunnel *d);

#endif
