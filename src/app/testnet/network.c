#include "app/testnet/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "app/testnet/orders.h"
#include "crypto/secret.h"
#include "faults/faults.h"
#include "testbed/page.h"
#include "testbed/world.h"

static const char PAGE_NAME[] = "hello.test";

err_t testnet_network_plan(struct testnet_network *n)
{
    n->plan = calloc(1, sizeof *n->plan);
    return n->plan ? plan_make(&n->args->wish, n->plan, n->why) : ERR_NOMEM;
}

/* ---- faults and orders ---- */

static err_t set_faults(struct testnet_network *n)
{
    char why[TESTNET_ORDERS_WHY];
    for (size_t i = 0; i < n->args->n_faults; i++)
        if (testnet_set_fault(n->testnet, n->args->faults[i], why) != OK) {
            snprintf(n->why, TESTNET_FILES_WHY, "--fault \"%.80s\": %.200s", n->args->faults[i],
                     why);
            return ERR_ARG;
        }
    return OK;
}

static err_t open_control(struct testnet_network *n)
{
    char path[TESTNET_DIR_MAX + 16];
    snprintf(path, sizeof path, "%s/control", n->dir->path);
    err_t e = testnet_orders_open(n->net, n->testnet, n->world, path, &n->orders);
    if (e == ERR_LIMIT) { /* a deep folder: all else works */
        log_warn(net_env(n->net)->log,
                 "No control socket: %.200s is too long a path for one. Take a --dir of at most "
                 "%zu bytes.",
                 path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof "/control");
        return OK;
    }
    if (e != OK)
        snprintf(n->why, TESTNET_FILES_WHY, "cannot listen on %.200s (see above)", path);
    return e;
}

/* ---- the network ---- */

static err_t make_ids(struct testnet_network *n)
{
    n->ids = calloc(n->plan->n_nodes, sizeof *n->ids);
    if (!n->ids)
        return ERR_NOMEM;
    for (size_t i = 0; i < n->plan->n_nodes; i++)
        TRY(identity_make(net_env(n->net), &n->ids[i]));
    return n->args->measurable ? identity_make(net_env(n->net), &n->coordinator) : OK;
}

static err_t open_listeners(struct testnet_network *n)
{
    uint16_t base = n->args->wish.base_port;
    if (testbed_page_open(n->net, n->plan, &n->page) != OK) {
        snprintf(n->why, TESTNET_FILES_WHY, "cannot listen on 127.0.0.1 (see above)");
        return ERR_IO;
    }
    err_t e = testbed_world_new(n->net, n->plan, &n->args->rules, &n->world);
    if (e == ERR_IO && base)
        snprintf(n->why, TESTNET_FILES_WHY,
                 "cannot listen on the ports from %u on (see above): choose another --base-port, "
                 "or leave it out for free ones",
                 base);
    else if (e != OK)
        snprintf(n->why, TESTNET_FILES_WHY, "cannot listen on the relays' addresses: %s",
                 err_text(e));
    return e;
}

static err_t make_network(struct testnet_network *n)
{
    struct testnet_args *a = n->args;
    a->hosts[a->n_hosts] = (struct node_host){
        .name = PAGE_NAME,
        .to = {{.family = IP_V4, .b = {127, 0, 0, 1}}, testbed_page_port(n->page)}};
    struct testnet_config config = {.plan = n->plan,
                                    .ids = n->ids,
                                    .hosts = a->hosts,
                                    .n_hosts = a->n_hosts + 1,
                                    .republish = true};
    if (a->measurable)
        config.measurable = (struct measurable){.allowed = {true, 1},
                                                .period_s = a->measure_period_s,
                                                .coordinators = &n->coordinator.ed.pub,
                                                .n_coordinators = 1};
    err_t e = testnet_new(net_env(n->net), &config, &testbed_world_ops, n->world, &n->testnet);
    if (e == OK)
        e = faults_attach(n->testnet);
    if (e != OK) {
        snprintf(n->why, TESTNET_FILES_WHY, "the network could not be made: %s", err_text(e));
        return e;
    }
    testbed_world_attach(n->world, n->testnet);
    TRY(set_faults(n));
    return open_control(n);
}

/* ---- the whole ---- */

/* The keys follow from the seed in any case, for they are kept as one; the rest only if asked. */
static err_t use_seed(struct testnet_network *n)
{
    crypto_random(NULL, &n->seed.value, sizeof n->seed.value);
    if (n->args->has_seed)
        n->seed.value = n->args->seed;
    else if (testnet_dir_seed(n->dir, &n->seed.value) != OK)
        log_info(net_env(n->net)->log, "A new seed for the keys");
    return testnet_seed_use(&n->seed, net_env(n->net));
}

err_t testnet_network_begin(struct testnet_network *n)
{
    TRY(open_listeners(n));
    snprintf(n->why, TESTNET_FILES_WHY, "the keys could not be made");
    TRY(use_seed(n));
    TRY(make_ids(n));
    TRY(make_network(n));
    if (!n->args->has_seed)
        testnet_seed_leave(net_env(n->net));
    return OK;
}

err_t testnet_network_write(const struct testnet_network *n, uint16_t socks_port)
{
    const struct testnet_facts facts = {.plan = n->plan,
                                        .ids = n->ids,
                                        .testnet = n->testnet,
                                        .seed = n->seed.value,
                                        .socks_port = socks_port,
                                        .page_port = testbed_page_port(n->page),
                                        .hosts = n->args->hosts,
                                        .n_hosts = n->args->n_hosts + 1,
                                        .coordinator =
                                            n->args->measurable ? &n->coordinator : NULL};
    return testnet_dir_write(n->dir, &facts, n->why);
}

void testnet_network_end(struct testnet_network *n)
{
    testnet_orders_close(n->orders);
    testnet_free(n->testnet);
    testbed_world_free(n->world);
    testbed_page_close(n->page);
    for (size_t i = 0; n->ids && i < n->plan->n_nodes; i++)
        identity_wipe(&n->ids[i]);
    free(n->ids);
    identity_wipe(&n->coordinator);
    free(n->plan);
    testnet_seed_end(&n->seed);
}
