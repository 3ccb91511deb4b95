#include "host/controllers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "control/ev_conf.h"
#include "control/session.h"
#include "host/handout.h"
#include "net/talks.h"

struct controllers {
    struct control *control;
    struct talks *talks;
    struct talks *owner; /* the connection of __OwningControllerFD */
    struct handout handout;
};

struct controllers *controllers_new(struct net *n, struct client *client,
                                    const struct control_world *ops, void *world)
{
    struct controllers *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->handout.env = net_env(n);
    c->control = control_new(net_env(n), client, ops, world);
    if (c->control) {
        c->talks = talks_new(n, &session_talk, c->control);
        c->owner = talks_new(n, &session_owner_talk, c->control);
    }
    if (!c->talks || !c->owner) {
        controllers_free(c);
        return NULL;
    }
    return c;
}

void controllers_free(struct controllers *c)
{
    if (!c)
        return;
    talks_free(c->talks);
    talks_free(c->owner);
    control_free(c->control);
    handout_end(&c->handout);
    free(c);
}

struct port_front controllers_front(struct controllers *c)
{
    return (struct port_front){"Control", talks_accept, c->talks};
}

err_t controllers_prepare(struct controllers *c, const struct options *fresh, struct conf_err *e)
{
    return handout_prepare(&c->handout, fresh, e);
}

void controllers_commit(struct controllers *c, const struct options *fresh,
                        const struct ports *ports)
{
    handout_commit(&c->handout, fresh);
    control_set_cookie(c->control, handout_cookie(&c->handout));
    handout_ports(&c->handout, fresh, ports);
}

void controllers_changed(struct controllers *c, const struct options *old,
                         const struct options *now)
{
    control_tell_conf_changed(c->control, old, now);
}

void controllers_roll_back(struct controllers *c)
{
    handout_roll_back(&c->handout);
}

/* FD as a connection has to be; false: it is none, and errno says why. */
static bool make_ready(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

err_t controllers_adopt(struct controllers *c, const struct options *o, struct conf_err *e)
{
    static const struct ipport nowhere = {.ip = {.family = IP_NONE}};
    uint64_t fd = o->owning_controller_fd;
    if (fd == UINT64_MAX)
        return OK;
    if (fd > INT_MAX || !make_ready((int)fd))
        return conf_fail(e, ERR_IO, "Could not add local controller connection with given FD. %s",
                         fd > INT_MAX ? strerror(EBADF) : strerror(errno));
    talks_accept(c->owner, (int)fd, &nowhere, NULL);
    return OK;
}
