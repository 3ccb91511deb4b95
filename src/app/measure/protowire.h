/* Protowire: the sockets of connections between coordinator and measurers. */
#ifndef TUNIC_APP_MEASURE_PROTOWIRE_H
#define TUNIC_APP_MEASURE_PROTOWIRE_H

#include "measure/coord_proto.h"
#include "net/net.h"

/* As struct measurer_ops wants it: connects, and says how that ended. */
void protowire_dial(struct net *n, struct coord_proto *p, const struct ipport *to);
/* FD, which came in, is P's. ERR_NOMEM: it is closed. */
MUST_USE err_t protowire_accept(struct net *n, struct coord_proto *p, int fd);
void protowire_output(struct coord_proto *p);
void protowire_hangup(struct coord_proto *p);

#endif
