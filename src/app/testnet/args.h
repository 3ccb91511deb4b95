/* The command line of "tunic testnet". */
#ifndef TUNIC_APP_TESTNET_ARGS_H
#define TUNIC_APP_TESTNET_ARGS_H

#include "app/args.h"
#include "base/log.h"
#include "testbed/shape.h"
#include "testnet/node.h"
#include "testnet/plan.h"

enum {
    TESTNET_HOSTS_MOST = 64,
    TESTNET_FAULTS_MOST = 64,
    TESTNET_STATUS_FAILED = 1,
    TESTNET_STATUS_USAGE = 2
};

struct testnet_args {
    struct plan_wish wish;
    struct shape_rules rules;
    uint64_t seed;
    bool has_seed, help, list_faults, no_client, quiet;
    bool measurable;
    struct measurable_option measure_period_s;      /* FFMeasurementPeriod of its relays */
    const char *dir;                                /* NULL: a temporary one */
    struct node_host hosts[TESTNET_HOSTS_MOST + 1]; /* names from malloc(); one is left for us */
    size_t n_hosts;
    const char *faults[TESTNET_FAULTS_MOST]; /* NODE:fault[=N] */
    size_t n_faults;
    uint16_t socks_port; /* 0: any free one */
    uint32_t timeout_s;  /* for the client to bootstrap */
    enum log_level level;
    char *const *command; /* NULL: none */
};

/* WHY says what is wrong with which argument, and what to do: ERR_ARG, ERR_NOMEM. */
MUST_USE err_t testnet_args_parse(int argc, char *const *argv, struct testnet_args *out,
                                  char why[ARG_WHY]);
void testnet_args_free(struct testnet_args *a);

extern const char testnet_help[];
void testnet_list_faults(void); /* to standard output */

#endif
