#include "client/hop_target.h"

enum { CC_ALG_SENDME, CC_ALG_VEGAS = 2, CC_ALG_MOST = 3 };

/* C tor, should_include_ed25519_id_extend_cells() */
static bool names_ed(const struct netdir *nd, enum config_choice choice)
{
    if (choice != CONFIG_AUTO)
        return choice == CONFIG_YES;
    return netdir_param(nd, "ExtendByEd25519ID", 0, 0, 1) != 0;
}

/* C tor has two reasons to say ntor-v3: congestion control with who is at the end
 * (extend_info_t.exit_supports_congestion_control), and a relay that speaks CGO, wherever it stands
 * (enable_cgo, though it is asked for at the end alone). To all others it says ntor, though they
 * understand ntor-v3. */
static bool says_ntor_v3(const struct netdir *nd, const struct router *r, enum hop_place place)
{
    bool congestion_control = router_can(r, PROTO_FLOWCTRL_2) && router_can(r, PROTO_RELAY_4);
    bool cgo = router_can(r, PROTO_FLOWCTRL_2) && router_can(r, PROTO_RELAY_5) &&
               router_can(r, PROTO_RELAY_6);
    bool is_on = netdir_param(nd, "cc_alg", CC_ALG_VEGAS, CC_ALG_SENDME, CC_ALG_MOST) != 0;
    return cgo || (place == HOP_AT_THE_END && congestion_control && is_on);
}

struct circ_hop_target hop_target(const struct netdir *nd, const struct router *r,
                                  enum hop_place place, enum config_choice extend_by_ed)
{
    return (struct circ_hop_target){
        .rsa = r->rsa,
        .ed = r->ed,
        .has_ed = true,
        .ntor_key = r->ntor,
        /* circuit_send_intermediate_onion_skin(): that IPv6 is named by relays only */
        .v4 = router_orport(r),
        .ntor_v3 = says_ntor_v3(nd, r, place),
        .ed_unsaid = !names_ed(nd, extend_by_ed) || !router_can(r, PROTO_LINKAUTH_3),
    };
}
