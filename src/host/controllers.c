#include "host/controllers.h"

#include <stdlib.h>

#include "control/control.h"
#include "control/ev_conf.h"
#include "control/session.h"
#include "host/controlled.h"
#include "host/handout.h"
#include "net/talks.h"

struct controllers {
    struct control *control;
    struct talks *talks;
    struct handout handout;
};

struct controllers *controllers_new(struct host *h, struct net *n, struct client *client)
{
    struct controllers *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->handout.env = net_env(n);
    c->control = control_new(net_env(n), client, &controlled_ops, h);
    c->talks = c->control ? talks_new(n, &session_talk, c->control) : NULL;
    if (!c->talks) {
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
