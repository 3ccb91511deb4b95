/* Inside of spread: the public network's figures, and which operator has which relays. */
#ifndef TUNIC_DIRDOC_SPREAD_INT_H
#define TUNIC_DIRDOC_SPREAD_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirdoc/spread.h"

/* Rows of a table are drawn by their weight; the weights of a table add up to anything. */
struct spread_flags {
    unsigned weight;
    unsigned flags; /* besides Running and Valid */
};
extern const struct spread_flags spread_exit_flags[], spread_other_flags[];
extern const size_t n_spread_exit_flags, n_spread_other_flags;

struct spread_text {
    unsigned weight;
    const char *text;
};
extern const struct spread_text spread_policies[], spread_odd_policies[];
extern const size_t n_spread_policies, n_spread_odd_policies;

struct spread_version {
    unsigned weight;
    const char *version, *protos;
};
extern const struct spread_version spread_versions[];
extern const size_t n_spread_versions;

/* Operators: WEIGHT is the share of relays that belong to such as have LEAST to MOST of them. */
struct spread_operators {
    unsigned weight, least, most;
};
extern const struct spread_operators spread_operators[];
extern const size_t n_spread_operators;

/* How an operator's relays say that they belong together. */
enum family_kind { FAMILY_NONE, FAMILY_LISTS, FAMILY_BOTH, FAMILY_IDS, FAMILY_GAPS };
struct spread_family {
    unsigned weight;
    enum family_kind kind;
};
extern const struct spread_family spread_families[];
extern const size_t n_spread_families;

/* The weights of a class of relays: the quantiles at spread_quantiles. */
enum { SPREAD_QUANTILES = 12 };
enum spread_class { SPREAD_GUARD, SPREAD_EXIT, SPREAD_BOTH, SPREAD_PLAIN, SPREAD_SLOW };
extern const uint32_t spread_quantiles[SPREAD_QUANTILES]; /* thousandths */
extern const uint32_t spread_bandwidths[][SPREAD_QUANTILES];

/* How many relays of 10,000 the fullest /16s have. */
extern const unsigned spread_nets[];
extern const size_t n_spread_nets;

/* ---- what is drawn ---- */

enum {
    NETS = 15 << 8, /* /16s in 240.0.0.0/4, but for 255.0.0.0/8 */
    WHOLE = 10000,
    FAMILY_ID_SIZE = 64,
    BASE_NAME_MAX = 13, /* with a number of five digits behind it, a nickname */
};

/* An operator: who has relays FIRST to FIRST + N - 1. */
struct spread_owner {
    uint32_t first, n;
    bool exits;
    enum family_kind family;
    char id[FAMILY_ID_SIZE]; /* FAMILY_BOTH, FAMILY_IDS: "ed25519:..." */
    char other_id[FAMILY_ID_SIZE];
    char name[BASE_NAME_MAX + 1];
    bool same_name;
    uint16_t net, net6;
    bool ipv6;
    const char *policy;
    uint16_t or_port;
};

struct spread {
    struct env *env;
    enum spread_kind kind;
    uint32_t n;
    struct rsa_id *rsa;
    uint32_t *owner_of;
    struct spread_owner *owners;
    size_t n_owners;
    uint32_t hosts[NETS]; /* that have been given out */
    uint32_t fresh_nets;
};

/* Uniform below N; true so many times in 10,000. */
uint64_t spread_below(struct spread *s, uint64_t n);
bool spread_happens(struct spread *s, unsigned permyriad);
/* A row of a table of N rows of SIZE bytes that begin with their weight, by weight. */
const void *spread_row(struct spread *s, const void *table, size_t n, size_t size);
#define SPREAD_ROW(s, table) spread_row(s, table, n_##table, sizeof(table)[0])

/* Gives all relays to operators. */
void spread_owners_make(struct spread *s);

#endif
