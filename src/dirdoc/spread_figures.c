/* Figures of the microdesc consensus of 2026-06-27 04:00 (9,609 relays), counted; policies and the
 * sizes of families as 200 microdescriptors of 2025 and 2026 had them. */
#include "dirdoc/spread_int.h"

#include "dir/consensus.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

#define FAST   ROUTER_FAST
#define STABLE ROUTER_STABLE
#define V2DIR  ROUTER_V2DIR
#define HSDIR  ROUTER_HSDIR
#define GUARD  ROUTER_GUARD
#define STALE  ROUTER_STALEDESC
/* Authorities that know what is wrong with a relay's exits give it both. */
#define KEPT_BACK (ROUTER_BADEXIT | ROUTER_MIDDLEONLY)

const struct spread_flags spread_other_flags[] = {
    {2920, FAST | STABLE | V2DIR | GUARD | HSDIR},
    {1435, FAST | STABLE | V2DIR | GUARD},
    {598, FAST | STABLE},
    {590, FAST | STABLE | V2DIR | HSDIR},
    {537, FAST | V2DIR},
    {441, FAST | STABLE | V2DIR},
    {171, STABLE | V2DIR},
    {111, FAST},
    {54, FAST | STABLE | KEPT_BACK},
    {46, V2DIR},
    {31, STABLE},
    {15, FAST | KEPT_BACK},
    {13, FAST | STABLE | V2DIR | GUARD | HSDIR | STALE},
    {7, 0},
    {6, FAST | V2DIR | STALE},
    {4, FAST | STABLE | V2DIR | GUARD | STALE},
};
const size_t n_spread_other_flags = COUNT(spread_other_flags);

const struct spread_flags spread_exit_flags[] = {
    {1048, ROUTER_EXIT | FAST | STABLE},
    {802, ROUTER_EXIT | FAST | STABLE | V2DIR | GUARD},
    {445, ROUTER_EXIT | FAST | STABLE | V2DIR | GUARD | HSDIR},
    {165, ROUTER_EXIT | FAST | STABLE | V2DIR},
    {68, ROUTER_EXIT | FAST | V2DIR},
    {44, ROUTER_EXIT | FAST | STABLE | V2DIR | HSDIR},
    {15, ROUTER_EXIT | STABLE | V2DIR},
    {9, ROUTER_EXIT | FAST},
    {6, ROUTER_EXIT | V2DIR},
    {4, ROUTER_EXIT | FAST | STABLE | V2DIR | GUARD | HSDIR | STALE},
    {3, ROUTER_EXIT | STABLE},
    {3, ROUTER_EXIT | ROUTER_BADEXIT | FAST | STABLE | V2DIR | GUARD | HSDIR},
    {2, ROUTER_EXIT | ROUTER_BADEXIT | FAST | STABLE | V2DIR | HSDIR},
};
const size_t n_spread_exit_flags = COUNT(spread_exit_flags);

/* tor's ReducedExitPolicy, as it comes out short, and what operators make of it */
#define REDUCED_HEAD "accept 20-23,43,53,79-81,88,110,143,194,220,389,443,464"
#define REDUCED_TAIL                                                                              \
    ",531,543-544,554,563,636,706,749,873,902-904,981,989-995,1194,1220,1293,1500,1533,1677,1723" \
    ",1755,1863,2082-2083,2086-2087,2095-2096,2102-2104,3128,3389,3690,4321,4643,5050,5190"       \
    ",5222-5223,5228,5900,6660-6669,6679,6697,8000,8008,8074,8080,8087-8088,8332-8333,8443,8888"  \
    ",9418,9999-10000,11371,19294,19638,50002,64738"

const struct spread_text spread_policies[] = {
    {300, REDUCED_HEAD REDUCED_TAIL},
    {120, "accept 20-21,43,53,79-81,88,194,220,389,443" REDUCED_TAIL},
    {60, REDUCED_HEAD "-465" REDUCED_TAIL},
    {200, "accept 1-65535"},
    {150, "reject 25,119,135-139,445,563,1214,4661-4666,6346-6429,6699,6881-6999"},
    {80, "reject 22,25,465,587,2525"},
    {60, "accept 53,80,443"},
    {40, "accept 80,443"},
    {30, "accept 20-21,43,53,80-81,443,5222-5223,6667-7000,8008,8082,8332-8333,8888,9418"
         ",18080-18081,50002,64738"},
    {20, "accept 21-23,53,80-81,111,135,139,443,445,1080,3000,3306,3389,5900,8080,8443,8888"},
    {10, "accept 80,443,6660-6667"},
};
const size_t n_spread_policies = COUNT(spread_policies);

/* Of relays without the Exit flag: they let out too little for it, or it was taken from them. */
const struct spread_text spread_odd_policies[] = {
    {4, "accept 443"},     {3, "accept 22,443"},    {2, "accept 6660-6669,6697"},
    {2, "accept 1-65535"}, {1, "accept 5222-5223"},
};
const size_t n_spread_odd_policies = COUNT(spread_odd_policies);

#define PROTOS_049                                                                    \
    "Conflux=1 Cons=1-2 Desc=1-4 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=" \
    "1-2 Link=3-5 LinkAuth=3 Microdesc=1-3 Padding=2 Relay=2-6"
#define PROTOS_048                                                                    \
    "Conflux=1 Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=" \
    "1-2 Link=1-5 LinkAuth=1,3 Microdesc=1-2 Padding=2 Relay=1-4"
#define PROTOS_047                                                                     \
    "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 Link=1-" \
    "5 LinkAuth=1,3 Microdesc=1-2 Padding=2 Relay=1-4"

const struct spread_version spread_versions[] = {
    {3044, "Tor 0.4.9.9", PROTOS_049},          {2015, "Tor 0.4.9.10", PROTOS_049},
    {1821, "Tor 0.4.9.8", PROTOS_049},          {845, "Tor 0.4.9.11", PROTOS_049},
    {561, "Tor 0.4.9.6", PROTOS_049},           {470, "Tor 0.4.8.21", PROTOS_048},
    {266, "Tor 0.4.9.5", PROTOS_049},           {178, "Tor 0.4.8.10", PROTOS_048},
    {124, "Tor 0.5.0.0-alpha-dev", PROTOS_049}, {540, "Tor 0.4.8.16", PROTOS_048},
    {4, "Tor 0.4.8.1-alpha-dev", PROTOS_047},
};
const size_t n_spread_versions = COUNT(spread_versions);

const struct spread_operators spread_operators[] = {
    {4550, 1, 1},   {800, 2, 2},   {900, 3, 5},    {800, 6, 12},
    {1200, 13, 30}, {800, 31, 60}, {450, 61, 120}, {500, 200, 350},
};
const size_t n_spread_operators = COUNT(spread_operators);

const struct spread_family spread_families[] = {
    {58, FAMILY_LISTS},
    {24, FAMILY_BOTH},
    {6, FAMILY_IDS},
    {12, FAMILY_GAPS},
};
const size_t n_spread_families = COUNT(spread_families);

const uint32_t spread_quantiles[SPREAD_QUANTILES] = {0,   10,  50,  100, 250, 500,
                                                     750, 900, 950, 990, 999, 1000};
const uint32_t spread_bandwidths[][SPREAD_QUANTILES] = {
    [SPREAD_GUARD] = {20, 1000, 2100, 3100, 5700, 15000, 42000, 71000, 91000, 130000, 180000,
                      270000},
    [SPREAD_EXIT] = {1, 4, 790, 4100, 19000, 33000, 43000, 51000, 55000, 66000, 96000, 110000},
    [SPREAD_BOTH] = {590, 1500, 2800, 4000, 5700, 15000, 32000, 54000, 80000, 150000, 240000,
                     260000},
    [SPREAD_PLAIN] = {1, 20, 110, 150, 380, 1100, 4700, 22000, 37000, 71000, 170000, 260000},
    [SPREAD_SLOW] = {0, 0, 1, 1, 3, 10, 25, 55, 64, 42000, 69000, 69000},
};

const unsigned spread_nets[] = {794, 659, 360, 231, 163, 158, 158, 123, 102, 90, 77, 72, 52,
                                52,  51,  46,  43,  41,  40,  40,  39,  36,  35, 34, 31};
const size_t n_spread_nets = COUNT(spread_nets);
