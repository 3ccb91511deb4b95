#include "client/hop_target.h"

#include "client/cc_settings.h"

/* C tor, should_include_ed25519_id_extend_cells() */
static bool names_ed(const struct netdir *nd, enum config_choice choice)
{
    if (choice != CONFIG_AUTO)
        return choice == CONFIG_YES;
    return netdir_param(nd, "ExtendByEd25519ID", 0, 0, 1) != 0;
}

/* A relay where streams end is asked for congestion control if it has it, and the consensus wants
 * it (extend_info_t.exit_supports_congestion_control). */
static bool asks_cc(const struct netdir *nd, const struct router *r, enum hop_place place)
{
    return place == HOP_AT_THE_END && router_can(r, PROTO_FLOWCTRL_2) &&
           router_can(r, PROTO_RELAY_4) && cc_settings_are_on(nd);
}

/* C tor, proto_flags.supports_cgo */
static bool speaks_cgo(const struct router *r)
{
    return router_can(r, PROTO_FLOWCTRL_2) && router_can(r, PROTO_RELAY_5) &&
           router_can(r, PROTO_RELAY_6);
}

/* C tor, client_circ_negotiation_message(): CGO is asked for where congestion control is. */
static struct hop_ask ask_for(const struct netdir *nd, const struct router *r, enum hop_place place)
{
    bool cc = asks_cc(nd, r, place);
    return (struct hop_ask){.cc = cc, .cgo = cc && speaks_cgo(r)};
}

/* C tor has two reasons to say ntor-v3: what it asks for, and a relay that speaks CGO, wherever it
 * stands (enable_cgo, though it is asked for at the end alone). To all others it says ntor, though
 * they understand ntor-v3. */
static bool says_ntor_v3(const struct router *r, const struct hop_ask *ask)
{
    return speaks_cgo(r) || ask->cc;
}

struct circ_hop_target hop_target(const struct netdir *nd, const struct router *r,
                                  enum hop_place place, enum config_choice extend_by_ed)
{
    struct hop_ask ask = ask_for(nd, r, place);
    return (struct circ_hop_target){
        .rsa = r->rsa,
        .ed = r->ed,
        .has_ed = true,
        .ntor_key = r->ntor,
        /* circuit_send_intermediate_onion_skin(): that IPv6 is named by relays only */
        .v4 = router_orport(r),
        .ntor_v3 = says_ntor_v3(r, &ask),
        .ask = ask,
        .ed_unsaid = !names_ed(nd, extend_by_ed) || !router_can(r, PROTO_LINKAUTH_3),
    };
}
