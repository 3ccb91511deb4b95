#include "measure/local.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure/relay_talk.h"

struct local {
    struct env *env;
    struct local_config config;
    const struct local_ops *ops;
    void *arg;
    struct run *run;
    struct relay_talk *talk; /* NULL: the relay has not been asked */
    /* NULL, all of them: nobody has been told to connect. */
    struct measurement *meas;
    void *handed;        /* the hands' */
    struct stock *stock; /* in modes for relays that do not know measuring */
};

/* ---- what the run asks of the relay ---- */

static void on_granted(void *arg, const struct meas_ext *limits)
{
    struct local *l = arg;
    run_reached(l->run, relay_talk_at(l->talk));
    run_proved(l->run, relay_talk_peer_rsa(l->talk), relay_talk_peer(l->talk));
    run_granted(l->run, limits);
}

static void on_bg(void *arg, const struct meas_bg *bg)
{
    struct local *l = arg;
    run_bg(l->run, bg);
}

static void on_talk_end(void *arg, enum meas_code code, const char *text)
{
    struct local *l = arg;
    run_refused(l->run, code, text);
}

static void ask(void *arg, const struct meas_params *params)
{
    static const struct relay_talk_ops ops = {on_granted, on_bg, on_talk_end};
    struct local *l = arg;
    const struct relay_talk_config config = {
        .link = l->config.link,
        .ops_world = l->config.ops_world,
        .world = l->config.world,
        .relay = l->config.run.relay,
        .params = *params,
    };
    err_t e = relay_talk_new(l->env, &config, &ops, l, &l->talk);
    if (e != OK)
        run_refused(l->run, MEAS_RESOURCES, err_text(e));
}

static void leave(void *arg, bool aborted)
{
    struct local *l = arg;
    if (l->talk)
        relay_talk_leave(l->talk, aborted);
}

/* ---- what it asks of the measurer ---- */

static void on_connected(void *arg, const struct connected_to_relay *m)
{
    struct local *l = arg;
    run_connected(l->run, 0, m);
}

static void on_report(void *arg, const struct bw_report *m)
{
    struct local *l = arg;
    run_report(l->run, 0, m);
}

static void on_meas_end(void *arg, const struct meas_failure *failure)
{
    struct local *l = arg;
    if (failure)
        run_failed(l->run, 0, failure);
}

static const struct measurement_ops meas_ops = {on_connected, on_report, on_meas_end};

static err_t begin_meas(struct local *l, size_t k, const struct connect_to_relay *told)
{
    const struct local_hands *h = l->config.hands;
    if (h)
        return h->begin(l->config.hands_arg, l->config.run.members[k].name, told, &meas_ops, l,
                        &l->handed);
    const struct measurement_config config = {
        .name = l->config.run.members[k].name,
        .link = l->config.link,
        .ops_world = l->config.ops_world,
        .world = l->config.world,
        .open_over_ms = LOCAL_OPEN_OVER_MS,
    };
    return measurement_new(l->env, &config, told, &meas_ops, l, &l->meas);
}

static err_t begin_stock(struct local *l, size_t k, const struct connect_to_relay *told,
                         char why[CONSENT_WHY_MAX])
{
    const struct local_stock *more = &l->config.stock;
    const struct stock_config config = {
        .told = *told,
        .name = l->config.run.members[k].name,
        .tls = l->config.link.tls,
        .sockets = l->config.ops_world,
        .world = l->config.world,
        .pin = more->pin,
        .hop = more->hop,
        .next = more->next,
        .next_proof = more->next_proof,
        .server = more->server,
        .bytes_most = more->bytes_most,
    };
    return stock_new(l->env, &config, &meas_ops, l, &l->stock, why);
}

/* That nobody has agreed is the measurer's word, too. */
static void connect_(void *arg, size_t k, const struct connect_to_relay *told)
{
    struct local *l = arg;
    char why[CONSENT_WHY_MAX] = "";
    err_t e = told->mode == MEAS_FLASHFLOW ? begin_meas(l, k, told) : begin_stock(l, k, told, why);
    struct meas_failure failure = {.code = MEAS_NO_CONSENT, .meas_id = told->meas_id};
    snprintf(failure.info, sizeof failure.info, "%.*s", MEAS_INFO_MAX - 1, why);
    if (e != OK && e != ERR_NOMEM && why[0])
        run_failed(l->run, k, &failure);
    else if (e != OK)
        run_lost(l->run, k, err_text(e));
}

static void go(void *arg, size_t k, uint32_t meas_id)
{
    struct local *l = arg;
    (void)meas_id;
    err_t e = l->stock    ? stock_go(l->stock)
              : l->handed ? l->config.hands->go(l->handed)
                          : measurement_go(l->meas);
    if (e != OK)
        run_lost(l->run, k, "it is not ready");
}

static void alloc(void *arg, size_t k, uint32_t meas_id, uint64_t alloc_bw)
{
    struct local *l = arg;
    (void)k, (void)meas_id;
    if (l->stock)
        stock_alloc(l->stock, alloc_bw);
    else if (l->handed)
        l->config.hands->alloc(l->handed, alloc_bw);
    else
        measurement_set_alloc(l->meas, alloc_bw);
}

static void cancel(void *arg, size_t k, uint32_t meas_id)
{
    struct local *l = arg;
    (void)k, (void)meas_id;
    if (l->meas)
        measurement_stop(l->meas, MEAS_CANCELLED, "the run is over");
    if (l->handed)
        l->config.hands->stop(l->handed, MEAS_CANCELLED, "the run is over");
    if (l->stock)
        stock_stop(l->stock, MEAS_CANCELLED, "the run is over");
}

/* ---- whoever asked ---- */

static void on_state(void *arg, enum run_state state)
{
    struct local *l = arg;
    if (l->ops->on_state)
        l->ops->on_state(l->arg, state);
}

static void on_second(void *arg, const struct run_second *s)
{
    struct local *l = arg;
    if (l->ops->on_second)
        l->ops->on_second(l->arg, s);
}

static void on_end(void *arg, const struct run_result *result)
{
    struct local *l = arg;
    l->ops->on_end(l->arg, result);
}

static const struct run_ops run_ops = {ask,    leave,    connect_,  go,    alloc,
                                       cancel, on_state, on_second, on_end};

/* ---- life ---- */

err_t local_new(struct env *env, const struct local_config *config, const struct local_ops *ops,
                void *arg, struct local **out)
{
    if (config->run.n_members != 1)
        return ERR_ARG;
    struct local *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    *l = (struct local){.env = env, .config = *config, .ops = ops, .arg = arg};
    l->config.run.patience_ms = RELAY_TALK_MOST_MS;
    err_t e = run_new(env, &l->config.run, &run_ops, l, &l->run);
    if (e != OK) {
        free(l);
        return e;
    }
    *out = l;
    run_start(l->run);
    return OK;
}

void local_free(struct local *l)
{
    if (!l)
        return;
    measurement_free(l->meas);
    if (l->handed)
        l->config.hands->free(l->handed);
    stock_free(l->stock);
    relay_talk_free(l->talk);
    run_free(l->run);
    free(l);
}

void local_cancel(struct local *l, const char *why)
{
    run_cancel(l->run, why);
}

const struct run *local_run(const struct local *l)
{
    return l->run;
}

void local_proved(const struct local *l, struct meas_relay *relay)
{
    const struct rsa_id *rsa = l->talk ? relay_talk_peer_rsa(l->talk) : NULL;
    const struct ed_id *ed = l->talk ? relay_talk_peer(l->talk) : NULL;
    if (rsa) {
        relay->fp = *rsa;
        relay->has_fp = true;
    }
    if (ed) {
        relay->ed25519 = *ed;
        relay->has_ed25519 = true;
    }
}
