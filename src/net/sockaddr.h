/* Addresses as the system has them. */
#ifndef TUNIC_NET_SOCKADDR_H
#define TUNIC_NET_SOCKADDR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/addr.h"

/* Fills OUT and returns its length. */
socklen_t sockaddr_of(const struct ipport *ap, struct sockaddr_storage *out);
/* Family IP_NONE for anything but IPv4 and IPv6. */
struct ipport sockaddr_to_ipport(const struct sockaddr_storage *ss);
/* Whether this computer still has the address that the connected socket FD is bound to. */
bool sockaddr_is_ours(int fd);

#endif
