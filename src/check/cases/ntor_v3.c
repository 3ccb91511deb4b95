/* The ntor-v3 handshake (proposal 332) and its extensions. */
#include <string.h>

#include "cell/ext.h"
#include "check/pcreate.h"
#include "check/sections.h"
#include "circuit/cgo.h"
#include "circuit/tor1.h"
#include "dir/protover.h"

enum { EXT_UNKNOWN = 0xf0, RELAY_UNKNOWN = 200, SENDME_INC_MOST = 254, ANSWER_MAX = 512 };

/* Whether the relay says that it can; if not, the trial is skipped. */
static bool needs(struct trial *t, enum proto p, const char *name)
{
    if (pcirc_know_key(t) && !(t->run->protos & PROTO_BIT(p)))
        trial_skip(t, "the relay's descriptor does not list %s", name);
    return trial_goes_on(t);
}

/* ---- handshakes that are right ---- */

/* What the relay answers: views into STORAGE. */
struct said {
    struct exts exts;
    uint8_t storage[ANSWER_MAX];
};

static struct pcirc *make_kind(struct trial *t, const struct layer_kind *kind, const void *message,
                               size_t len, struct said *said)
{
    struct wr w = wr_over(said->storage, sizeof said->storage);
    said->exts.n = 0;
    if (!needs(t, PROTO_RELAY_4, "Relay=4"))
        return NULL;
    struct pcirc *c = pcirc_ntor_v3_on(probe_link(t), kind, message, len, &w);
    if (c && trial_goes_on(t)) {
        struct rd r = rd_over(said->storage, w.len);
        TRIAL_EXPECT(t, exts_decode(&r, &said->exts) == OK, "its list of extensions is malformed");
    }
    return c;
}

static struct pcirc *make(struct trial *t, const void *message, size_t len, struct said *said)
{
    return make_kind(t, &tor1_kind, message, len, said);
}

static void no_extensions(struct trial *t)
{
    static const uint8_t none[] = {0};
    struct said said;
    (void)make(t, none, sizeof none, &said);
}

static void keys_work(struct trial *t)
{
    static const uint8_t none[] = {0};
    struct said said;
    pcirc_await_alive(make(t, none, sizeof none, &said));
}

static void unknown_extension(struct trial *t)
{
    static const uint8_t message[] = {1, EXT_UNKNOWN, 3, 'a', 'b', 'c'};
    struct said said;
    (void)make(t, message, sizeof message, &said);
    TRIAL_EXPECT(t, !exts_find(&said.exts, EXT_UNKNOWN), "the unknown extension is answered");
}

static void most_bytes(struct trial *t)
{
    enum { SKIN_ROOM = CREATE2_DATA_MAX - NTOR_V3_SKIN_OVERHEAD, SECOND_AT = 3 + 255 };
    uint8_t message[SKIN_ROOM];
    struct said said;
    memset(message, 'x', sizeof message);
    memcpy(message, (const uint8_t[]){2, EXT_UNKNOWN, 255}, 3);
    message[SECOND_AT] = EXT_UNKNOWN + 1;
    message[SECOND_AT + 1] = SKIN_ROOM - SECOND_AT - 2;
    (void)make(t, message, sizeof message, &said);
}

static void congestion_control(struct trial *t)
{
    static const uint8_t message[] = {1, CIRC_EXT_CC_REQUEST, 0};
    struct said said;
    uint8_t inc = 0;
    if (!needs(t, PROTO_FLOWCTRL_2, "FlowCtrl=2"))
        return;
    (void)make(t, message, sizeof message, &said);
    const struct ext *e = exts_find(&said.exts, CIRC_EXT_CC_RESPONSE);
    TRIAL_EXPECT(t, e, "it is not answered");
    TRIAL_EXPECT(t, !e || (ext_cc_response_decode(e, &inc) == OK && inc <= SENDME_INC_MOST),
                 "sendme_inc is not one byte from 1 to %u", (unsigned)SENDME_INC_MOST);
}

static void congestion_control_unasked(struct trial *t)
{
    static const uint8_t none[] = {0};
    struct said said;
    (void)make(t, none, sizeof none, &said);
    TRIAL_EXPECT(t, !exts_find(&said.exts, CIRC_EXT_CC_RESPONSE), "it comes unasked");
}

static void extension_twice(struct trial *t)
{
    static const uint8_t message[] = {2, CIRC_EXT_CC_REQUEST, 0, CIRC_EXT_CC_REQUEST, 0};
    struct said said;
    if (!needs(t, PROTO_FLOWCTRL_2, "FlowCtrl=2"))
        return;
    (void)make(t, message, sizeof message, &said);
    TRIAL_EXPECT(t, exts_find(&said.exts, CIRC_EXT_CC_RESPONSE), "it is not answered");
}

/* ---- handshakes that are wrong ---- */

/* A skin for identity ID and onion key B; its length. */
static size_t skin_of(struct trial *t, const struct ed_id *ID, const struct x25519_pub *B,
                      const void *message, size_t len, uint8_t out[CREATE2_DATA_MAX])
{
    struct wr w = wr_over(out, CREATE2_DATA_MAX);
    struct ntor_v3_client st;
    if (!needs(t, PROTO_RELAY_4, "Relay=4"))
        return 0;
    if (ntor_v3_client_begin(t->run->env, ID, B, NTOR_V3_CIRC_VERIFICATION, message, len, &st,
                             &w) != OK)
        trial_fail(t, "no handshake can be made for that key");
    return trial_goes_on(t) ? w.len : 0;
}

static size_t good_skin(struct trial *t, const void *message, size_t len,
                        uint8_t out[CREATE2_DATA_MAX])
{
    return skin_of(t, &t->run->ed, &t->run->ntor, message, len, out);
}

static void refused(struct probe *p, const uint8_t *skin, size_t len)
{
    if (len)
        (void)pcreate_refused(p, pcreate2(p, HANDSHAKE_NTOR_V3, len, skin, len));
}

static void refuses_message(struct trial *t, const void *message, size_t len)
{
    uint8_t skin[CREATE2_DATA_MAX];
    struct probe *p = probe_link(t);
    refused(p, skin, good_skin(t, message, len, skin));
}

static void other_identity(struct trial *t)
{
    static const uint8_t none[] = {0};
    uint8_t skin[CREATE2_DATA_MAX];
    struct ed_id other = t->run->ed;
    struct probe *p = probe_link(t);
    other.b[0] ^= 1;
    refused(p, skin, skin_of(t, &other, &t->run->ntor, none, sizeof none, skin));
}

static void other_onion_key(struct trial *t)
{
    static const uint8_t none[] = {0};
    uint8_t skin[CREATE2_DATA_MAX];
    struct x25519_pub other = t->run->ntor;
    struct probe *p = probe_link(t);
    other.b[0] ^= 1;
    refused(p, skin, skin_of(t, &t->run->ed, &other, none, sizeof none, skin));
}

static void wrong_mac(struct trial *t)
{
    static const uint8_t none[] = {0};
    uint8_t skin[CREATE2_DATA_MAX] = {0};
    struct probe *p = probe_link(t);
    size_t len = good_skin(t, none, sizeof none, skin);
    skin[len ? len - 1 : 0] ^= 1;
    refused(p, skin, len);
}

static void too_short(struct trial *t)
{
    static const uint8_t none[] = {0};
    uint8_t skin[CREATE2_DATA_MAX];
    struct probe *p = probe_link(t);
    if (good_skin(t, none, sizeof none, skin))
        refused(p, skin, NTOR_V3_SKIN_OVERHEAD - 1);
}

static void fresh_y(struct trial *t)
{
    static const uint8_t none[] = {0};
    uint8_t skin[CREATE2_DATA_MAX], y[2][X25519_LEN] = {{0}, {1}};
    struct probe *p = probe_link(t);
    size_t len = good_skin(t, none, sizeof none, skin), got;
    for (size_t i = 0; len && i < 2; i++) {
        uint32_t id = pcreate2(p, HANDSHAKE_NTOR_V3, len, skin, len);
        const uint8_t *reply = pcreate_answered(p, id, &got);
        TRIAL_EXPECT(t, got >= NTOR_V3_REPLY_OVERHEAD, "CREATED2 is too short");
        if (reply && trial_goes_on(t))
            memcpy(y[i], reply, X25519_LEN);
    }
    TRIAL_EXPECT(t, memcmp(y[0], y[1], X25519_LEN) != 0, "both answers have the same Y");
}

static void extensions_cut(struct trial *t)
{
    static const uint8_t message[] = {1, EXT_UNKNOWN, 10, 'a', 'b', 'c'};
    refuses_message(t, message, sizeof message);
}

static void unknown_subprotocol(struct trial *t)
{
    static const uint8_t message[] = {1, CIRC_EXT_SUBPROTO, 2, SUBPROTO_RELAY, RELAY_UNKNOWN};
    if (needs(t, PROTO_RELAY_5, "Relay=5"))
        refuses_message(t, message, sizeof message);
}

/* A relay that knows the one refuses the other all the same. */
static void one_unknown_subprotocol(struct trial *t)
{
    static const uint8_t message[] = {2,
                                      CIRC_EXT_CC_REQUEST,
                                      0,
                                      CIRC_EXT_SUBPROTO,
                                      4,
                                      SUBPROTO_RELAY,
                                      SUBPROTO_RELAY_CGO,
                                      SUBPROTO_RELAY,
                                      RELAY_UNKNOWN};
    if (needs(t, PROTO_RELAY_5, "Relay=5"))
        refuses_message(t, message, sizeof message);
}

static void unsorted_subprotocols(struct trial *t)
{
    static const uint8_t message[] = {2,
                                      CIRC_EXT_CC_REQUEST,
                                      0,
                                      CIRC_EXT_SUBPROTO,
                                      4,
                                      SUBPROTO_RELAY,
                                      SUBPROTO_RELAY_CGO,
                                      SUBPROTO_RELAY,
                                      SUBPROTO_RELAY_CGO};
    if (needs(t, PROTO_RELAY_5, "Relay=5"))
        refuses_message(t, message, sizeof message);
}

/* CGO (counter galois onion), whose cells go with congestion control only: a message there and one
 * back show its layer and its format. */
static void cgo(struct trial *t)
{
    static const uint8_t message[] = {
        2, CIRC_EXT_CC_REQUEST, 0, CIRC_EXT_SUBPROTO, 2, SUBPROTO_RELAY, SUBPROTO_RELAY_CGO};
    struct said said;
    if (!needs(t, PROTO_RELAY_5, "Relay=5"))
        return;
    if (t->run->protos & PROTO_BIT(PROTO_RELAY_6))
        pcirc_await_alive(make_kind(t, &cgo_kind, message, sizeof message, &said));
    else
        refuses_message(t, message, sizeof message);
}

static void cgo_alone(struct trial *t)
{
    static const uint8_t message[] = {1, CIRC_EXT_SUBPROTO, 2, SUBPROTO_RELAY, SUBPROTO_RELAY_CGO};
    if (needs(t, PROTO_RELAY_5, "Relay=5"))
        refuses_message(t, message, sizeof message);
}

static void malformed_subprotocols(struct trial *t)
{
    static const uint8_t message[] = {1, CIRC_EXT_SUBPROTO, 1, SUBPROTO_RELAY};
    if (needs(t, PROTO_RELAY_5, "Relay=5"))
        refuses_message(t, message, sizeof message);
}

static const struct check_case cases[] = {
    {"ntor-v3/auth", CHECK_MUST, "prop 332 A.1",
     "answers a handshake without extensions, and proves its onion key", no_extensions, NEEDS_KEY},
    {"ntor-v3/keys", CHECK_MUST, "prop 332 A.1",
     "uses the keys of the handshake, each in its direction", keys_work, NEEDS_KEY},
    {"ntor-v3/fresh-y", CHECK_MUST, "prop 332", "chooses a new Y for each handshake", fresh_y,
     NEEDS_KEY},
    {"ntor-v3/identity", CHECK_MUST, "prop 332",
     "refuses a handshake that is meant for another Ed25519 identity", other_identity, NEEDS_KEY},
    {"ntor-v3/onion-key", CHECK_MUST, "prop 332",
     "refuses a handshake that is meant for another onion key", other_onion_key, NEEDS_KEY},
    {"ntor-v3/mac", CHECK_MUST, "prop 332", "refuses a handshake with a wrong MAC", wrong_mac,
     NEEDS_KEY},
    {"ntor-v3/short", CHECK_MUST, "prop 332", "refuses a handshake of less than 128 bytes",
     too_short, NEEDS_KEY},
    {"ntor-v3/unknown-extension", CHECK_MUST, "prop 332 A.2",
     "ignores extensions of types that it does not know", unknown_extension, NEEDS_KEY},
    {"ntor-v3/extension-twice", CHECK_MUST, "prop 332 A.2",
     "ignores all extensions of a type but the first", extension_twice, NEEDS_KEY},
    {"ntor-v3/extensions-cut", CHECK_MUST, "prop 332 A.2",
     "refuses a list whose last extension is longer than the message", extensions_cut, NEEDS_KEY},
    {"ntor-v3/longest", CHECK_MUST, "prop 332 A.2", "takes a message as long as CREATE2 can hold",
     most_bytes, NEEDS_KEY},
    {"ntor-v3/congestion-control", CHECK_SHOULD, "prop 324 10.3",
     "answers a request for congestion control with sendme_inc", congestion_control, NEEDS_KEY},
    {"ntor-v3/cc-unasked", CHECK_MUST, "prop 324 10.3",
     "says nothing of congestion control unless it is asked", congestion_control_unasked,
     NEEDS_KEY},
    {"ntor-v3/subprotocol", CHECK_MUST, "prop 346",
     "refuses a circuit that asks for a subprotocol it does not know", unknown_subprotocol,
     NEEDS_KEY},
    {"ntor-v3/subprotocol-among", CHECK_MUST, "prop 346",
     "refuses a circuit that asks for a subprotocol it does not know, among others",
     one_unknown_subprotocol, NEEDS_KEY},
    {"ntor-v3/subprotocols-order", CHECK_SHOULD, "prop 346",
     "refuses subprotocols that are not in strictly ascending order", unsorted_subprotocols,
     NEEDS_KEY},
    {"ntor-v3/cgo", CHECK_MUST, "prop 359",
     "speaks CGO if its descriptor lists Relay=6, and refuses it if not", cgo, NEEDS_KEY},
    {"ntor-v3/cgo-alone", CHECK_SHOULD, "prop 359",
     "refuses CGO without congestion control, which it does not go without", cgo_alone, NEEDS_KEY},
    {"ntor-v3/subprotocols-malformed", CHECK_MUST, "prop 346",
     "refuses a malformed list of subprotocols", malformed_subprotocols, NEEDS_KEY},
};
const struct check_section check_ntor_v3 = {"ntor-v3", "the ntor-v3 handshake", cases,
                                            sizeof cases / sizeof *cases};
