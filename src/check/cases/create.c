/* CREATE2 apart from what the handshakes are (tor-spec 5.1), and CREATE, which is gone. */
#include <string.h>

#include "cell/reason.h"
#include "check/pcreate.h"
#include "check/sections.h"

enum { TAP_SKIN = 186, HTYPE_RESERVED = 1, HTYPE_UNKNOWN = 0x4d4d };

/* CREATE2 with a skin that is right but for its type. */
static void type_is_refused(struct trial *t, uint16_t htype)
{
    struct ntor_client st;
    uint8_t skin[NTOR_SKIN_LEN];
    struct probe *p = probe_link(t);
    if (pcreate_ntor(t, &st, skin))
        (void)pcreate_refused(p, pcreate2(p, htype, sizeof skin, skin, sizeof skin));
}

static void unknown_type(struct trial *t)
{
    type_is_refused(t, HTYPE_UNKNOWN);
}

static void fast_in_create2(struct trial *t)
{
    const uint8_t x[FAST_SKIN_LEN] = {7};
    struct probe *p = probe_link(t);
    (void)pcreate_refused(p, pcreate2(p, HTYPE_RESERVED, sizeof x, x, sizeof x));
}

static void tap(struct trial *t)
{
    uint8_t skin[TAP_SKIN];
    struct probe *p = probe_link(t);
    memset(skin, 0x77, sizeof skin);
    (void)pcreate_refused(p, pcreate2(p, HANDSHAKE_TAP, sizeof skin, skin, sizeof skin));
}

/* The old cell can hold ntor too, behind a tag. */
static void create_cell(struct trial *t)
{
    struct ntor_client st;
    uint8_t body[16 + NTOR_SKIN_LEN] = "ntorNTORntorNTO";
    struct probe *p = probe_link(t);
    body[15] = 'R';
    if (!pcreate_ntor(t, &st, body + 16))
        return;
    uint32_t id = probe_new_id(p);
    probe_cell(p, id, CELL_CREATE, body, sizeof body);
    (void)pcreate_refused(p, id);
}

static void length_beyond_cell(struct trial *t)
{
    struct ntor_client st;
    uint8_t skin[NTOR_SKIN_LEN];
    struct probe *p = probe_link(t);
    if (pcreate_ntor(t, &st, skin))
        (void)pcreate_refused(p,
                              pcreate2(p, HANDSHAKE_NTOR, CREATE2_DATA_MAX + 1, skin, sizeof skin));
}

static void reason_is_protocol(struct trial *t)
{
    const uint8_t data[1] = {0};
    struct probe *p = probe_link(t);
    uint8_t reason = pcreate_refused(p, pcreate2(p, HTYPE_UNKNOWN, 1, data, 1));
    TRIAL_EXPECT(t, reason == DESTROY_PROTOCOL, "DESTROY says %s and not TORPROTOCOL",
                 destroy_reason_name(reason));
}

/* The id of a circuit that was refused is free. */
static void refused_id_is_free(struct trial *t)
{
    const uint8_t data[1] = {0}, x[FAST_SKIN_LEN] = {7};
    struct probe_cell cell;
    struct probe *p = probe_link(t);
    uint32_t id = pcreate2(p, HTYPE_UNKNOWN, 1, data, 1);
    (void)pcreate_refused(p, id);
    probe_cell(p, id, CELL_CREATE_FAST, x, sizeof x);
    if (probe_await(p, CELL_CREATED_FAST, &cell))
        TRIAL_EXPECT(t, cell.circ_id == id, "CREATED_FAST came for another circuit");
}

static const struct check_case cases[] = {
    {"create/unknown-type", CHECK_MUST, "tor-spec 5.1",
     "refuses a handshake type that it does not know with DESTROY", unknown_type, NEEDS_KEY},
    {"create/reserved-type", CHECK_MUST, "tor-spec 5.1",
     "refuses handshake type 1, which is reserved, in CREATE2", fast_in_create2, NEEDS_NOTHING},
    {"create/tap", CHECK_SHOULD, "prop 350", "refuses the TAP handshake, which is gone", tap,
     NEEDS_NOTHING},
    {"create/cell", CHECK_SHOULD, "prop 350", "refuses CREATE, which is gone, even with ntor in it",
     create_cell, NEEDS_KEY},
    {"create/length", CHECK_MUST, "tor-spec 5.1", "refuses CREATE2 whose HLEN is beyond the cell",
     length_beyond_cell, NEEDS_KEY},
    {"create/reason", CHECK_SHOULD, "tor-spec 5.4",
     "says PROTOCOL in the DESTROY that refuses a malformed CREATE2", reason_is_protocol,
     NEEDS_NOTHING},
    {"create/refused-id", CHECK_SHOULD, "tor-spec 5.4",
     "takes a circuit under the id of one that it has refused", refused_id_is_free, NEEDS_NOTHING},
};
const struct check_section check_create = {"create", "CREATE2", cases,
                                           sizeof cases / sizeof *cases};
