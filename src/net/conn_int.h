/* What the loop needs of connections. */
#ifndef TUNIC_NET_CONN_INT_H
#define TUNIC_NET_CONN_INT_H

#include "net/conn.h"

/* Writes until the machine has no more or the socket takes no more. May close C. */
void conn_flush(struct conn *c);
void conn_undirty(struct conn *c);

#endif
