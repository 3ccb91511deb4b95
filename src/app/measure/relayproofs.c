#include "app/measure/relayproofs.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/measure/wires.h"
#include "measure/selfdesc.h"

struct proof {
    struct relayproofs *all;
    uint32_t meas_id;
    struct selfdesc *asking;
};

static void on_done(void *arg, const struct selfdesc_answer *a)
{
    struct proof *p = arg;
    coordinator_proved(*p->all->coordinator, p->meas_id, a->err, &a->relay, a->descriptor, a->why);
}

err_t relayproofs_ask(struct relayproofs *r, uint32_t meas_id, const struct meas_relay *relay,
                      void **out, char why[CONSENT_WHY_MAX])
{
    struct proof *p = calloc(1, sizeof *p);
    if (!p) {
        snprintf(why, CONSENT_WHY_MAX, "out of memory");
        return ERR_NOMEM;
    }
    *p = (struct proof){.all = r, .meas_id = meas_id};
    const struct selfdesc_config config = {
        .tls = r->tls, .sockets = &wires_world, .world = r->net, .relay = *relay};
    err_t e = selfdesc_new(net_env(r->net), &config, on_done, p, &p->asking, why);
    if (e == OK)
        *out = p;
    else
        free(p);
    return e;
}

void relayproofs_end(void *proof)
{
    struct proof *p = proof;
    selfdesc_free(p->asking);
    free(p);
}
