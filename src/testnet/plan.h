/* Plan: what a test network is made of, decided before anything runs. Plain data. */
#ifndef TUNIC_TESTNET_PLAN_H
#define TUNIC_TESTNET_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/ids.h"
#include "dirdoc/spread.h"

enum {
    PLAN_NODES_MOST = 120, /* each has a 127.x.0.1 of its own */
    PLAN_AUTHORITIES_MOST = 15,
    PLAN_PHANTOMS_MOST = 50000,
    PLAN_POLICY_MAX = 256,
    PLAN_WHY_MAX = 160
};

enum plan_role { PLAN_AUTHORITY, PLAN_GUARD, PLAN_MIDDLE, PLAN_EXIT };

struct plan_node {
    char nickname[NICKNAME_MAX + 1];
    enum plan_role role; /* the flag it gets; authorities are in no circuit but for the directory */
    struct ipport or_port;
    uint16_t dir_port;     /* on the same address; 0: none */
    uint32_t bandwidth_kb; /* in the consensus */
    unsigned family;       /* relays of one number declare each other as their family; 0: none */
    char policy[PLAN_POLICY_MAX]; /* exits: "reject *:25,accept *:*"; others: "reject *:*" */
};

struct plan {
    struct plan_node node[PLAN_NODES_MOST]; /* authorities first */
    size_t n_nodes, n_authorities;
    uint32_t phantoms; /* relays besides that are in the directory only */
    enum spread_kind spread;
    const char *params;  /* "name=value ..." or NULL; borrowed */
    const char *protos;  /* "Link=3-5 Relay=2-4 ...": what its relays say they speak; borrowed */
    uint32_t interval_s; /* a consensus is fresh for so long; valid for three times that */
};

struct plan_wish {
    unsigned authorities, relays, exits; /* RELAYS in all but authorities, EXITS of them exits */
    uint32_t phantoms;
    enum spread_kind spread; /* of the phantoms */
    const char *params;
    const char *protos; /* NULL: what they do speak */
    uint32_t interval_s;
    uint16_t base_port; /* 0: ports are 0 in the plan, to be filled in before documents are made */
    const char *exit_policy; /* NULL: accept *:* */
};

/* Every node gets 127.(11+i).0.1. WHY says in words what cannot be: ERR_ARG (0 exits, fewer relays
 * than a circuit needs, no authority, too many, params that are no parameters, protos that are no
 * list of protocols). */
MUST_USE err_t plan_make(const struct plan_wish *wish, struct plan *out, char why[PLAN_WHY_MAX]);

#endif
