/* EXTEND2 (tor-spec 5.1.2, 5.3): to a relay that the relay under test knows, by way of every part
 * of the message, right or wrong. */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_extend.h"
#include "check/pcirc.h"
#include "check/sections.h"
#include "circuit/tor1.h"

enum { HTYPE_RESERVED = 1, CLOSED_PORT = 1, TAP_SKIN = 186 };

/* An EXTEND2 in the making, over a circuit of one hop. */
struct ask {
    struct trial *t;
    struct pcirc *c;
    struct check_next next;
    struct ntor_client st;
    uint8_t skin[NTOR_SKIN_LEN];
    uint8_t body[RELAY_DATA_MAX];
    struct wr w;
};

static bool begin_on(struct ask *a, struct trial *t, struct pcirc *c)
{
    *a = (struct ask){.t = t, .c = c, .w = wr_over(a->body, sizeof a->body)};
    if (!c || !pcirc_find_next(t, &a->next))
        return false;
    ntor_client_begin(t->run->env, &a->next.rsa, &a->next.ntor, &a->st, a->skin);
    wr_u8(&a->w, 0);
    return trial_goes_on(t);
}

static bool begin(struct ask *a, struct trial *t)
{
    return begin_on(a, t, pcirc_fast(t));
}

/* ---- its parts ---- */

static void spec(struct ask *a, uint8_t type, const void *bytes, size_t len)
{
    wr_u8(&a->w, type);
    wr_u8(&a->w, (uint8_t)len);
    wr_bytes(&a->w, bytes, len);
    a->body[0]++;
}

static void address(struct ask *a, const struct ipport *at)
{
    uint8_t bytes[18];
    struct wr w = wr_over(bytes, sizeof bytes);
    wr_bytes(&w, at->ip.b, ip_len(&at->ip));
    wr_u16(&w, at->port);
    spec(a, at->ip.family == IP_V4 ? LINKSPEC_IPV4 : LINKSPEC_IPV6, bytes, w.len);
}

static void rsa_id(struct ask *a, const struct rsa_id *id)
{
    spec(a, LINKSPEC_RSA_ID, id->b, sizeof id->b);
}

static void ed_id(struct ask *a, const struct ed_id *id)
{
    spec(a, LINKSPEC_ED_ID, id->b, sizeof id->b);
}

/* All three specifiers of the relay to extend to. */
static void specs(struct ask *a)
{
    address(a, &a->next.addr);
    rsa_id(a, &a->next.rsa);
    if (a->next.has_ed)
        ed_id(a, &a->next.ed);
}

static void handshake(struct ask *a, uint16_t htype, size_t hlen, const void *data, size_t len)
{
    wr_u16(&a->w, htype);
    wr_u16(&a->w, (uint16_t)hlen);
    wr_bytes(&a->w, data, len);
}

static void ntor(struct ask *a)
{
    handshake(a, HANDSHAKE_NTOR, sizeof a->skin, a->skin, sizeof a->skin);
}

static void send(struct ask *a)
{
    pcirc_send_early(a->c, a->c->onion.n, RELAY_EXTEND2, a->body, a->w.len);
}

static void extends(struct ask *a)
{
    ntor(a);
    send(a);
    (void)pcirc_await_extended(a->c, &a->st);
}

static void refused(struct ask *a)
{
    ntor(a);
    send(a);
    (void)pcirc_await_cut(a->c);
}

/* ---- what works ---- */

static void to_next(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    extends(&a);
}

static void end_to_end(struct trial *t)
{
    struct pcirc *c = pcirc_two_hops(t);
    struct pmsg m;
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 2, RELAY_BEGIN_DIR, id, NULL, 0);
    if (pcirc_await(c, RELAY_CONNECTED, id, &m))
        TRIAL_EXPECT(t, m.hop == 2, "the relay under test answers for the next");
}

static void first_hop_listens(struct trial *t)
{
    (void)pcirc_needs_dir(t);
    struct pcirc *c = pcirc_two_hops(t);
    struct pmsg m;
    uint16_t id = pcirc_new_stream(c);
    pcirc_send(c, 1, RELAY_BEGIN_DIR, id, NULL, 0);
    if (pcirc_await(c, RELAY_CONNECTED, id, &m))
        TRIAL_EXPECT(t, m.hop == 1, "the next relay answers for the one under test");
}

static void ntor_v3(struct trial *t)
{
    static const uint8_t message[] = {1, 0xf0, 64, [66] = 0};
    struct ntor_v3_client st;
    struct relay_extended2 reply;
    struct pmsg m;
    uint8_t skin[CREATE2_DATA_MAX], said[NTOR_V3_MSG_MAX], keys[TOR1_KEYS_LEN];
    struct wr w = wr_over(skin, sizeof skin), SM = wr_over(said, sizeof said);
    struct ask a;
    if (!begin(&a, t))
        return;
    if (!a.next.has_ed ||
        ntor_v3_client_begin(t->run->env, &a.next.ed, &a.next.ntor, NTOR_V3_CIRC_VERIFICATION,
                             message, sizeof message, &st, &w) != OK) {
        trial_skip(t, "the relay to extend to has no Ed25519 identity");
        return;
    }
    specs(&a);
    handshake(&a, HANDSHAKE_NTOR_V3, w.len, skin, w.len);
    send(&a);
    if (pcirc_await(a.c, RELAY_EXTENDED2, 0, &m))
        TRIAL_EXPECT(t,
                     relay_extended2_decode(rd_over(m.data, m.len), &reply) == OK &&
                         ntor_v3_client_finish(&st, NTOR_V3_CIRC_VERIFICATION, reply.hdata,
                                               reply.hlen, &SM, keys, sizeof keys) == OK,
                     "EXTENDED2 does not hold what the next relay has answered");
}

static void several(struct trial *t)
{
    struct pcirc *one = pcirc_two_hops(t);
    struct pcirc *two = one ? pcirc_fast_on(one->p) : NULL;
    struct check_next next;
    if (!pcirc_find_next(t, &next))
        return;
    pcirc_extend(two, &next);
    pcirc_await_alive(one);
    pcirc_await_alive(two);
}

static void unknown_specifier(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    spec(&a, 0x4d, "what is this?", 13);
    specs(&a);
    spec(&a, 0x4e, "", 0);
    extends(&a);
}

/* The second address of a family leads nowhere. */
static void two_addresses(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    struct ipport nowhere = a.next.addr;
    nowhere.port = CLOSED_PORT;
    specs(&a);
    address(&a, &nowhere);
    extends(&a);
}

static void without_ed(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &a.next.addr);
    rsa_id(&a, &a.next.rsa);
    extends(&a);
}

static void zero_ed(struct trial *t)
{
    const struct ed_id zero = {{0}};
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &a.next.addr);
    rsa_id(&a, &a.next.rsa);
    ed_id(&a, &zero);
    extends(&a);
}

/* Once it has a connection to the next relay, it needs no address that works. */
static void canonical(struct trial *t)
{
    struct pcirc *one = pcirc_two_hops(t);
    struct ask a;
    if (!one || !begin_on(&a, t, pcirc_fast_on(one->p)))
        return;
    struct ipport nowhere = a.next.addr;
    nowhere.port = CLOSED_PORT;
    address(&a, &nowhere);
    rsa_id(&a, &a.next.rsa);
    if (a.next.has_ed)
        ed_id(&a, &a.next.ed);
    extends(&a);
}

/* ---- where it does not go ---- */

static void not_early(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    handshake(&a, 0x4d4d, 1, "", 1); /* would be refused, if it were followed */
    pcirc_send(a.c, 1, RELAY_EXTEND2, 0, a.body, a.w.len);
    pcirc_extend(a.c, &a.next);
}

static void itself(struct trial *t)
{
    const struct check_run *run = t->run;
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &run->config->reach.addr);
    rsa_id(&a, &run->rsa);
    ed_id(&a, &run->ed);
    refused(&a);
}

static void zero_rsa(struct trial *t)
{
    const struct rsa_id zero = {{0}};
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &a.next.addr);
    rsa_id(&a, &zero);
    if (a.next.has_ed)
        ed_id(&a, &a.next.ed);
    refused(&a);
}

static void without_rsa(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &a.next.addr);
    if (a.next.has_ed)
        ed_id(&a, &a.next.ed);
    refused(&a);
}

static void two_rsa(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    rsa_id(&a, &a.next.rsa);
    refused(&a);
}

static void two_ed(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    address(&a, &a.next.addr);
    rsa_id(&a, &a.next.rsa);
    ed_id(&a, &a.next.ed);
    ed_id(&a, &a.next.ed);
    refused(&a);
}

static void other_rsa(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    struct rsa_id other = a.next.rsa;
    other.b[0] ^= 1;
    address(&a, &a.next.addr);
    rsa_id(&a, &other);
    if (a.next.has_ed)
        ed_id(&a, &a.next.ed);
    refused(&a);
}

static void other_ed(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    struct ed_id other = a.next.ed;
    other.b[0] ^= 1;
    address(&a, &a.next.addr);
    rsa_id(&a, &a.next.rsa);
    ed_id(&a, &other);
    refused(&a);
}

static void without_address(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    rsa_id(&a, &a.next.rsa);
    if (a.next.has_ed)
        ed_id(&a, &a.next.ed);
    refused(&a);
}

static void port_zero(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    a.next.addr.port = 0;
    specs(&a);
    refused(&a);
}

static void short_address(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    spec(&a, LINKSPEC_IPV4, a.next.addr.ip.b, 5);
    rsa_id(&a, &a.next.rsa);
    refused(&a);
}

static void specifiers_cut(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    a.body[0] = 200;
    refused(&a);
}

static void length_beyond(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    handshake(&a, HANDSHAKE_NTOR, sizeof a.skin + 1, a.skin, sizeof a.skin);
    send(&a);
    (void)pcirc_await_cut(a.c);
}

static void refuses_type(struct trial *t, uint16_t htype, size_t len)
{
    static const uint8_t data[TAP_SKIN] = {0x77};
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    handshake(&a, htype, len, data, len);
    send(&a);
    (void)pcirc_await_cut(a.c);
}

static void tap(struct trial *t)
{
    refuses_type(t, HANDSHAKE_TAP, TAP_SKIN);
}

static void fast(struct trial *t)
{
    refuses_type(t, HTYPE_RESERVED, FAST_SKIN_LEN);
}

/* The relay under test as the fourth of a circuit is asked to go back to the third. */
static void back(struct trial *t)
{
    const struct check_run *run = t->run;
    struct check_next third;
    struct ask a;
    struct pcirc *c = pcirc_know_key(t) && pcirc_find_third(t, &third) ? pcirc_two_hops(t) : NULL;
    if (!c)
        return;
    const struct check_next self = {.known = true,
                                    .addr = run->config->reach.addr,
                                    .rsa = run->rsa,
                                    .ed = run->ed,
                                    .has_ed = run->has_ed,
                                    .ntor = run->ntor};
    pcirc_extend(c, &third);
    pcirc_extend(c, &self);
    if (c->onion.n == 2 || c->onion.n == 3) { /* it is they who did not, not the relay under test */
        trial_skip_after_all(t, "other relays do not extend to this one at the address given");
        return;
    }
    if (!begin_on(&a, t, c))
        return;
    size_t len = pcirc_extend_body(c, &third, &a.st, a.body);
    pcirc_send_early(c, c->onion.n, RELAY_EXTEND2, a.body, len);
    (void)pcirc_await_cut(c);
}

static void twice(struct trial *t)
{
    struct ask a;
    struct pcirc *c = pcirc_two_hops(t);
    if (!c || !begin_on(&a, t, c))
        return;
    specs(&a);
    ntor(&a);
    pcirc_send_early(c, 1, RELAY_EXTEND2, a.body, a.w.len);
    (void)pcirc_await_cut(c);
}

/* Nobody is there, and nobody has that identity. The relay's own address, if it has a public one:
 * other relays' ports are not for us to try, and may swallow what they refuse. */
static uint8_t nobody(struct trial *t)
{
    const struct rsa_id rsa = {{0x11, 0x22, 0x33}};
    struct ask a;
    if (!begin(&a, t))
        return 0;
    if (!ip_is_internal(&t->run->config->reach.addr.ip))
        a.next.addr.ip = t->run->config->reach.addr.ip;
    a.next.addr.port = CLOSED_PORT;
    address(&a, &a.next.addr);
    rsa_id(&a, &rsa);
    ntor(&a);
    send(&a);
    return pcirc_await_cut(a.c);
}

static void unreachable(struct trial *t)
{
    (void)nobody(t);
}

static void unreachable_reason(struct trial *t)
{
    uint8_t reason = nobody(t);
    TRIAL_EXPECT(t, reason == DESTROY_CONNECTFAILED || reason == DESTROY_CHANNEL_CLOSED,
                 "the reason is %s, and neither CONNECTFAILED nor CHANNEL_CLOSED",
                 destroy_reason_name(reason));
}

static void malformed_reason(struct trial *t)
{
    struct ask a;
    if (!begin(&a, t))
        return;
    specs(&a);
    a.body[0] = 200;
    ntor(&a);
    send(&a);
    uint8_t reason = pcirc_await_cut(a.c);
    TRIAL_EXPECT(t, reason == DESTROY_PROTOCOL, "the reason is %s and not TORPROTOCOL",
                 destroy_reason_name(reason));
}

static const struct check_case cases[] = {
    {"extend/next", CHECK_MUST, "tor-spec 5.3",
     "extends to another relay, and hands its CREATED2 back as EXTENDED2", to_next, NEEDS_NEXT},
    {"extend/end-to-end", CHECK_MUST, "tor-spec 5.5",
     "passes cells on to the next relay, and back under its own layer", end_to_end, NEEDS_NEXT},
    {"extend/first-hop", CHECK_MUST, "tor-spec 5.5.2.2",
     "answers what is meant for it, though the circuit goes on", first_hop_listens, NEEDS_NEXT},
    {"extend/ntor-v3", CHECK_MUST, "tor-spec 5.3", "passes on handshakes of any kind and length",
     ntor_v3, NEEDS_NEXT},
    {"extend/several", CHECK_MUST, "tor-spec 5.3", "extends several circuits to the same relay",
     several, NEEDS_NEXT},
    {"extend/unknown-specifier", CHECK_MUST, "tor-spec 5.1.2",
     "ignores link specifiers that it does not know", unknown_specifier, NEEDS_NEXT},
    {"extend/two-addresses", CHECK_MUST, "tor-spec 5.1.2",
     "accepts several addresses, and goes to the first", two_addresses, NEEDS_NEXT},
    {"extend/no-ed25519", CHECK_MUST, "tor-spec 5.3", "extends without an Ed25519 identity, too",
     without_ed, NEEDS_NEXT},
    {"extend/zero-ed25519", CHECK_SHOULD, "tor-spec 5.3",
     "takes an Ed25519 identity of zeros for none", zero_ed, NEEDS_NEXT},
    {"extend/canonical", CHECK_SHOULD, "tor-spec 5.3.1",
     "uses the connection that it has to that relay, whatever address is given", canonical,
     NEEDS_NEXT},
    {"extend/not-early", CHECK_SHOULD, "tor-spec 5.6",
     "does not follow EXTEND2 that is not in RELAY_EARLY", not_early, NEEDS_NEXT},
    {"extend/itself", CHECK_MUST, "tor-spec 5.3", "does not extend to itself", itself, NEEDS_NEXT},
    {"extend/zero-rsa", CHECK_MUST, "tor-spec 5.3",
     "takes the circuit down if the RSA identity is all zeros", zero_rsa, NEEDS_NEXT},
    {"extend/no-rsa", CHECK_SHOULD, "tor-spec 5.1.2", "refuses EXTEND2 without an RSA identity",
     without_rsa, NEEDS_NEXT},
    {"extend/two-rsa", CHECK_SHOULD, "tor-spec 5.1.2", "refuses EXTEND2 with two RSA identities",
     two_rsa, NEEDS_NEXT},
    {"extend/two-ed25519", CHECK_SHOULD, "tor-spec 5.1.2",
     "refuses EXTEND2 with two Ed25519 identities", two_ed, NEEDS_NEXT},
    {"extend/other-rsa", CHECK_MUST, "tor-spec 5.1.2",
     "does not extend to a relay that has another RSA identity", other_rsa, NEEDS_NEXT},
    {"extend/other-ed25519", CHECK_MUST, "tor-spec 5.1.2",
     "does not extend to a relay that has another Ed25519 identity", other_ed, NEEDS_NEXT},
    {"extend/no-address", CHECK_MUST, "tor-spec 5.1.2", "refuses EXTEND2 without an address",
     without_address, NEEDS_NEXT},
    {"extend/port-zero", CHECK_MUST, "tor-spec 5.1.2", "refuses EXTEND2 to port 0", port_zero,
     NEEDS_NEXT},
    {"extend/short-address", CHECK_MUST, "tor-spec 5.1.2",
     "refuses an IPv4 link specifier of 5 bytes", short_address, NEEDS_NEXT},
    {"extend/specifiers-cut", CHECK_MUST, "tor-spec 5.1.2",
     "refuses EXTEND2 with more link specifiers announced than there are", specifiers_cut,
     NEEDS_NEXT},
    {"extend/length", CHECK_MUST, "tor-spec 5.1.2",
     "refuses EXTEND2 whose HLEN is beyond the message", length_beyond, NEEDS_NEXT},
    {"extend/tap", CHECK_SHOULD, "prop 350", "refuses EXTEND2 with a TAP handshake", tap,
     NEEDS_NEXT},
    {"extend/reserved-type", CHECK_MUST, "tor-spec 5.1",
     "refuses EXTEND2 with handshake type 1, which is reserved", fast, NEEDS_NEXT},
    {"extend/twice", CHECK_SHOULD, "tor-spec 5.1.2",
     "refuses EXTEND2 if it is not the last relay of the circuit", twice, NEEDS_NEXT},
    {"extend/back", CHECK_MUST, "tor-spec 5.3",
     "does not extend back to the relay that the circuit comes from", back,
     NEEDS_KEY | NEEDS_NEXT | NEEDS_THIRD},
    {"extend/unreachable", CHECK_MUST, "tor-spec 5.4",
     "tells the client if the next relay cannot be reached", unreachable, NEEDS_NEXT},
    {"extend/unreachable-reason", CHECK_SHOULD, "tor-spec 5.4",
     "says why, if the next relay cannot be reached", unreachable_reason, NEEDS_NEXT},
    {"extend/malformed-reason", CHECK_SHOULD, "tor-spec 5.4",
     "says PROTOCOL if EXTEND2 is malformed", malformed_reason, NEEDS_NEXT},
};
const struct check_section check_extend = {"extend", "EXTEND2", cases,
                                           sizeof cases / sizeof *cases};
