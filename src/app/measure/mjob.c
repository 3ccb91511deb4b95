#include "app/measure/mjob.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/measure/hopdoor.h"
#include "app/measure/threads.h"
#include "app/measure/wires.h"
#include "measure/polite.h"
#include "measure/stock.h"

enum { HOP_SPARE_MS = 120 * 1000 };

struct mjob {
    /* One of them. */
    struct measurement *measurement;
    struct threaded *threaded;
    struct stock *stock;
    struct hopdoor *door;
};

static err_t begin_measurement(struct mjob *j, const struct mjob_config *c,
                               const struct connect_to_relay *told,
                               const struct measurement_ops *ops, void *arg)
{
    const struct measurement_config config = {
        .name = c->name,
        .link = {.tls = c->tls, .identity = c->identity},
        .ops_world = &wires_world,
        .world = c->net,
        .dead_man = true,
    };
    if (c->threads)
        return threaded_new(c->threads, c->name, told, ops, arg, &j->threaded);
    return measurement_new(net_env(c->net), &config, told, ops, arg, &j->measurement);
}

static err_t open_door(struct mjob *j, const struct mjob_config *c,
                       const struct connect_to_relay *told, struct circ_hop_target *next,
                       char why[CONSENT_WHY_MAX])
{
    unsigned every = told->mode == MEAS_SINK2 ? STOCK_SINK_EVERY : 1;
    uint64_t life_ms = (uint64_t)told->dur * MS_PER_SEC + HOP_SPARE_MS;
    TRY(hopdoor_open(c->net, &c->hop_addr, every, life_ms, &j->door, why));
    *next = hopdoor_target(j->door);
    return consent_hop(&told->relay.addrs[0], next->v4.port ? &next->v4 : &next->v6, why);
}

static err_t begin_stock(struct mjob *j, const struct mjob_config *c,
                         const struct connect_to_relay *told, const struct measurement_ops *ops,
                         void *arg, char why[CONSENT_WHY_MAX])
{
    struct stock_config config = {
        .told = *told,
        .name = c->name,
        .tls = c->tls,
        .sockets = &wires_world,
        .world = c->net,
        .dead_man = true,
        .pin = c->coord_pin,
        .bytes_most = POLITE_BYTES_A_DAY,
    };
    if (told->mode == MEAS_HTTP) {
        TRY(stock_exit(&told->exit, &config.next, why));
        config.next_proof = told->exit.proof;
        config.server = told->exit.server;
    }
    if (told->mode == MEAS_ECHO2 || told->mode == MEAS_SINK2) {
        TRY(open_door(j, c, told, &config.next, why));
        config.hop = hopdoor_hop(j->door);
    }
    return stock_new(net_env(c->net), &config, ops, arg, &j->stock, why);
}

err_t mjob_new(const struct mjob_config *config, const struct connect_to_relay *told,
               const struct measurement_ops *ops, void *arg, struct mjob **out,
               char info[MEAS_INFO_MAX])
{
    char why[CONSENT_WHY_MAX] = "it cannot be begun";
    struct mjob *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    err_t e = told->mode == MEAS_FLASHFLOW ? begin_measurement(j, config, told, ops, arg)
                                           : begin_stock(j, config, told, ops, arg, why);
    if (e == OK) {
        *out = j;
        return OK;
    }
    snprintf(info, MEAS_INFO_MAX, "%.*s", MEAS_INFO_MAX - 1, why);
    mjob_free(j);
    return e;
}

void mjob_free(struct mjob *j)
{
    if (!j)
        return;
    measurement_free(j->measurement);
    threaded_free(j->threaded);
    stock_free(j->stock);
    hopdoor_free(j->door);
    free(j);
}

err_t mjob_go(struct mjob *j)
{
    if (j->threaded)
        return threaded_go(j->threaded);
    return j->stock ? stock_go(j->stock) : measurement_go(j->measurement);
}

void mjob_alloc(struct mjob *j, uint64_t alloc_bw)
{
    if (j->threaded)
        threaded_alloc(j->threaded, alloc_bw);
    else if (j->stock)
        stock_alloc(j->stock, alloc_bw);
    else
        measurement_set_alloc(j->measurement, alloc_bw);
}

void mjob_stop(struct mjob *j, enum meas_code code, const char *info)
{
    if (j->threaded)
        threaded_stop(j->threaded, code, info);
    else if (j->stock)
        stock_stop(j->stock, code, info);
    else
        measurement_stop(j->measurement, code, info);
}

void mjob_heard(struct mjob *j)
{
    if (j->threaded)
        threaded_heard(j->threaded);
    else if (j->stock)
        stock_heard(j->stock);
    else
        measurement_heard(j->measurement);
}
