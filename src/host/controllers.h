/* Controllers: the control side of a host, what its controllers find to come in by, and what it
 * serves them (control/world.h). */
#ifndef TUNIC_HOST_CONTROLLERS_H
#define TUNIC_HOST_CONTROLLERS_H

#include "client/client.h"
#include "conf/options.h"
#include "control/world.h"
#include "net/ports.h"

struct controllers;

/* CLIENT, OPS and WORLD are borrowed. NULL out of memory. */
struct controllers *controllers_new(struct net *n, struct client *client,
                                    const struct control_world *ops, void *world);
/* Ends their connections; takes away what was laid down for them. NULL is fine. */
void controllers_free(struct controllers *c);
/* What stands behind a control port. */
struct port_front controllers_front(struct controllers *c);

/* Takes the connection that __OwningControllerFD names for the owner's. ERR_IO. */
MUST_USE err_t controllers_adopt(struct controllers *c, const struct options *o,
                                 struct conf_err *e);

/* A change of options, as far as controllers see it in files: the first makes ready, and may fail
 * as host_change(); then one of the other two. PORTS are those that are open then. */
MUST_USE err_t controllers_prepare(struct controllers *c, const struct options *fresh,
                                   struct conf_err *e);
void controllers_commit(struct controllers *c, const struct options *fresh,
                        const struct ports *ports);
void controllers_roll_back(struct controllers *c);
/* NOW hold in place of OLD: controllers are told. */
void controllers_changed(struct controllers *c, const struct options *old,
                         const struct options *now);

#endif
