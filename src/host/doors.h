/* Doors: the listeners of a host, of every kind, with what stands behind each, and the connections
 * of applications that came in by them. */
#ifndef TUNIC_HOST_DOORS_H
#define TUNIC_HOST_DOORS_H

#include "host/host.h"
#include "net/ports.h"

struct doors;

/* PLACE and CLIENT are borrowed, and so is O, which holds until doors_commit(). CONTROL stands
 * behind control ports, and place->fronts behind kinds that a host has nothing of its own for. Unix
 * sockets are made for User. ERR_IO: there is no such user; ERR_NOMEM; E says so. */
MUST_USE err_t doors_new(const struct host_place *place, struct client *client,
                         const struct options *o, struct port_front control, struct doors **out,
                         struct conf_err *e);
/* Closes all, and ends the connections of applications. NULL is fine. */
void doors_free(struct doors *d);

/* As ports_prepare(), for what O asks for; E says it in tor's words. */
MUST_USE err_t doors_prepare(struct doors *d, const struct options *o, struct conf_err *e);
void doors_commit(struct doors *d, const struct options *o); /* O: borrowed, until the next */
void doors_roll_back(struct doors *d);

void doors_close(struct doors *d);   /* no new connections */
void doors_hang_up(struct doors *d); /* ends those of applications */

const struct ports *doors_ports(const struct doors *d);
size_t doors_connections(const struct doors *d); /* of applications */

#endif
