/* A link as the machine behind a socket (conn.h): what all that have links on sockets do alike.
 * Each makes its struct conn_machine of these, and adds what is its own: how much is read in a
 * turn, when reading waits. LINK is a struct link. */
#ifndef TUNIC_NET_LINKSOCK_H
#define TUNIC_NET_LINKSOCK_H

#include <stddef.h>
#include <stdint.h>

#include "link/link.h"

uint8_t *linksock_in_room(void *link, size_t *room);
void linksock_in_done(void *link, size_t len);
void linksock_in_end(void *link, int errno_);
const uint8_t *linksock_out(void *link, size_t *len);
void linksock_sent(void *link, size_t len);
void linksock_connected(void *link);

/* What a world does for a link whose socket is its io (link_io()), or that has none. */
void linksock_output(void *world, struct link *l);
void linksock_hangup(void *world, struct link *l);

#endif
