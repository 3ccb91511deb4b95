/* A client of the network that sources name: what asks over circuits of its own. */
#ifndef TUNIC_APP_FETCH_CLIENT_H
#define TUNIC_APP_FETCH_CLIENT_H

#include "app/fetch/sources.h"
#include "conf/options.h"
#include "host/host.h"

/* With MORE options, names and values in turn up to NULL; it has no SocksPort. Begun, for
 * host_free() in any case. ERR_STATE: its DataDirectory is in use; ERR_IO and others: WHY. */
MUST_USE err_t fetch_client_begin(struct net *net, const struct sources *s, const char *const *more,
                                  struct host **out, struct conf_err *why);

#endif
