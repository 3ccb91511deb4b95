#include "control/control_int.h"

#include <stdlib.h>

#include "control/ev.h"
#include "crypto/secret.h"

struct control *control_new(struct env *env, struct client *client, const struct control_world *ops,
                            void *world)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    *c = (struct control){.env = env, .client = client, .ops = ops, .world = world};
    pace_init(&c->pace, env, control_send_waiting, c);
    teller_init(&c->teller, c, ev_rows);
    steering_init(&c->steering, c);
    mdtexts_init(&c->mdtexts, env);
    return c;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    teller_want(&c->teller, 0);
    steering_end(&c->steering);
    mdtexts_end(&c->mdtexts);
    pace_end(&c->pace);
    secret_wipe(c->cookie, sizeof c->cookie);
    free(c);
}
