/* What the coordinator's machine asks of its surroundings. */
#include "app/measure/coord_int.h"
#include "app/measure/orders.h"
#include "app/measure/planside.h"
#include "app/measure/protowire.h"
#include "app/measure/relaytalks.h"
#include "app/measure/resultsdir.h"
#include "measure/relay_talk.h"

static void output(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_output(p);
}

static void hangup(void *arg, struct coord_proto *p)
{
    (void)arg;
    protowire_hangup(p);
}

static err_t talk(void *arg, uint32_t meas_id, const struct meas_relay *relay,
                  const struct meas_params *params, void **out)
{
    struct coord_service *cs = arg;
    (void)!link_identity_renew(net_env(cs->s.net), &cs->keys.identity); /* or it stays as it was */
    return relaytalks_talk(cs->talks, meas_id, relay, params, out);
}

static void hush(void *arg, void *it, bool aborted)
{
    struct coord_service *cs = arg;
    relaytalks_hush(cs->talks, it, aborted);
}

static err_t prove(void *arg, uint32_t meas_id, const struct meas_relay *relay, void **out,
                   char why[CONSENT_WHY_MAX])
{
    struct coord_service *cs = arg;
    return relayproofs_ask(&cs->proofs, meas_id, relay, out, why);
}

static void unprove(void *arg, void *it)
{
    (void)arg;
    relayproofs_end(it);
}

static err_t record(void *arg, const char *line, bool synced)
{
    struct coord_service *cs = arg;
    return resultsdir_append(cs->results, line, synced, env_wall_s(net_env(cs->s.net)));
}

static err_t keep(void *arg, const char *lines, bool fresh)
{
    struct coord_service *cs = arg;
    return planside_keep(cs->plan, lines, fresh);
}

static void on_event(void *arg, uint32_t meas_id, const char *json, bool over)
{
    struct coord_service *cs = arg;
    if (cs->orders)
        orders_event(cs->orders, meas_id, json, over);
}

static void on_idle(void *arg)
{
    struct coord_service *cs = arg;
    service_stop(&cs->s);
}

const struct coordinator_ops coord_ops = {
    .output = output,
    .hangup = hangup,
    .talk = talk,
    .hush = hush,
    .prove = prove,
    .unprove = unprove,
    .record = record,
    .keep = keep,
    .on_event = on_event,
    .on_idle = on_idle,
    .talk_ms = RELAY_TALK_MOST_MS,
};
