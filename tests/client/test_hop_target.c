/* What circuits say to whom, by what relays say they speak and what the consensus says. */
#include "client/hop_target.h"

#include <string.h>

#include "support/test.h"

static struct {
    int32_t cc_alg, extend_by_ed;
} params;

int32_t netdir_param(const struct netdir *nd, const char *name, int32_t fallback, int32_t least,
                     int32_t most)
{
    (void)nd, (void)least, (void)most;
    int32_t said = strcmp(name, "cc_alg") == 0 ? params.cc_alg : params.extend_by_ed;
    return said < 0 ? fallback : said;
}

struct ipport router_orport(const struct router *r)
{
    return (struct ipport){ip_v4(r->v4), r->orport};
}

/* A relay that lists PROTOS, as C tor of some version does. */
static struct router relay(const char *protos)
{
    struct router r = {.v4 = {192, 0, 2, 1}, .orport = 9001, .orport6 = 9002, .v6 = {0x20, 1}};
    ck_ok(protover_parse(text_of(protos), &r.protos));
    return r;
}

static struct circ_hop_target target(const char *protos, enum hop_place place)
{
    struct router r = relay(protos);
    return hop_target(NULL, &r, place, CONFIG_AUTO);
}

#define TOR_0_4_9 "FlowCtrl=1-2 LinkAuth=3 Relay=2-6"
#define TOR_0_4_8 "FlowCtrl=1-2 LinkAuth=3 Relay=2-4"
#define TOR_0_4_5 "FlowCtrl=1 LinkAuth=3 Relay=2-3"

/* circuit_pick_create_handshake() */
START_TEST(test_hop_target_says_ntor_v3_where_tor_does)
{
    static const struct {
        const char *protos;
        int32_t cc_alg;
        bool on_the_way, at_the_end; /* ntor-v3 */
        bool asks_cc, asks_cgo;
    } cases[] = {
        {TOR_0_4_9, -1, true, true, true, true},
        {TOR_0_4_8, -1, false, true, true, false},
        {TOR_0_4_5, -1, false, false, false, false},
        {TOR_0_4_9, 0, true, true, false, false},
        {TOR_0_4_8, 0, false, false, false, false},
        {TOR_0_4_8, 2, false, true, true, false},
        {"Relay=2-6", -1, false, false, false, false}, /* without FlowCtrl=2 there is no CGO */
        {"FlowCtrl=1-2 Relay=2-5", -1, false, true, true, false},
        {"FlowCtrl=1-2 Relay=2-4,6", -1, false, true, true, false},
        {"FlowCtrl=2 Relay=5-6", -1, true, true, false, false},
        {"FlowCtrl=2 Relay=4-6", -1, true, true, true, true},
        {"", -1, false, false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        params.cc_alg = cases[i].cc_alg;
        struct circ_hop_target end = target(cases[i].protos, HOP_AT_THE_END);
        ck_assert_msg(end.ask.cc == cases[i].asks_cc, "%s (%d): congestion control",
                      cases[i].protos, cases[i].cc_alg);
        ck_assert_msg(end.ask.cgo == cases[i].asks_cgo, "%s (%d): CGO", cases[i].protos,
                      cases[i].cc_alg);
        ck_assert(!target(cases[i].protos, HOP_ON_THE_WAY).ask.cc);
        ck_assert(!target(cases[i].protos, HOP_ON_THE_WAY).ask.cgo);
        ck_assert_msg(target(cases[i].protos, HOP_ON_THE_WAY).ntor_v3 == cases[i].on_the_way,
                      "%s (%d), on the way", cases[i].protos, cases[i].cc_alg);
        ck_assert_msg(end.ntor_v3 == cases[i].at_the_end, "%s (%d), at the end", cases[i].protos,
                      cases[i].cc_alg);
    }
}
END_TEST

/* circuit_send_intermediate_onion_skin(): IPv6 in an EXTEND2 would say that we are no tor. */
START_TEST(test_hop_target_names_no_ipv6)
{
    struct circ_hop_target t = target(TOR_0_4_9, HOP_ON_THE_WAY);
    ck_assert_uint_eq(t.v4.port, 9001);
    ck_assert_uint_eq(t.v6.port, 0);
}
END_TEST

START_TEST(test_hop_target_names_ed25519_where_the_consensus_says_so)
{
    struct router r = relay(TOR_0_4_9);
    for (int32_t said = 0; said <= 1; said++) {
        params.extend_by_ed = said;
        ck_assert(hop_target(NULL, &r, HOP_ON_THE_WAY, CONFIG_AUTO).ed_unsaid == !said);
        ck_assert(hop_target(NULL, &r, HOP_ON_THE_WAY, CONFIG_NO).ed_unsaid);
        ck_assert(!hop_target(NULL, &r, HOP_ON_THE_WAY, CONFIG_YES).ed_unsaid);
    }
    /* Who cannot prove an identity is not named by it (extend_info_from_node()). */
    r = relay("Relay=2-6");
    ck_assert(hop_target(NULL, &r, HOP_ON_THE_WAY, CONFIG_YES).ed_unsaid);
}
END_TEST

TESTS("client/hop_target", test_hop_target_says_ntor_v3_where_tor_does,
      test_hop_target_names_no_ipv6, test_hop_target_names_ed25519_where_the_consensus_says_so)
