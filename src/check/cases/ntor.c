/* The ntor handshake (tor-spec 5.1.4). */
#include <string.h>

#include "check/pcreate.h"
#include "check/sections.h"
#include "circuit/tor1.h"

enum { ID_AT = 0, KEY_AT = 20, X_AT = 52 };

static void proves_key(struct trial *t)
{
    (void)pcirc_ntor(t);
}

static void keys_work(struct trial *t)
{
    pcirc_await_alive(pcirc_ntor(t));
}

/* An answer to SKIN, which is copied to OUT. */
static void ask(struct probe *p, const uint8_t *skin, uint8_t out[NTOR_REPLY_LEN])
{
    size_t len;
    uint32_t id = pcreate2(p, HANDSHAKE_NTOR, NTOR_SKIN_LEN, skin, NTOR_SKIN_LEN);
    const uint8_t *reply = pcreate_answered(p, id, &len);
    if (!reply)
        return;
    TRIAL_EXPECT(p->t, len == NTOR_REPLY_LEN, "CREATED2 holds %zu bytes, not %u", len,
                 (unsigned)NTOR_REPLY_LEN);
    if (trial_goes_on(p->t))
        memcpy(out, reply, NTOR_REPLY_LEN);
}

static void y_is_fresh(struct trial *t)
{
    struct ntor_client st;
    uint8_t skin[NTOR_SKIN_LEN], one[NTOR_REPLY_LEN] = {0}, two[NTOR_REPLY_LEN] = {1};
    struct probe *p = probe_link(t);
    if (!pcreate_ntor(t, &st, skin))
        return;
    ask(p, skin, one);
    ask(p, skin, two);
    TRIAL_EXPECT(t, memcmp(one, two, X25519_LEN) != 0, "both answers have the same Y");
}

static void padding_is_ignored(struct trial *t)
{
    struct ntor_client st;
    uint8_t data[CREATE2_DATA_MAX], keys[TOR1_KEYS_LEN];
    size_t len;
    struct probe *p = probe_link(t);
    memset(data, 0x5a, sizeof data);
    if (!pcreate_ntor(t, &st, data))
        return;
    uint32_t id = pcreate2(p, HANDSHAKE_NTOR, NTOR_SKIN_LEN, data, sizeof data);
    const uint8_t *reply = pcreate_answered(p, id, &len);
    if (reply)
        TRIAL_EXPECT(
            t, len == NTOR_REPLY_LEN && ntor_client_finish(&st, reply, keys, sizeof keys) == OK,
            "the relay's side of the handshake is wrong");
}

/* A skin with one of its parts replaced. */
static void refuses(struct trial *t, size_t at, const void *bytes, size_t len)
{
    struct ntor_client st;
    uint8_t skin[NTOR_SKIN_LEN];
    struct probe *p = probe_link(t);
    if (!pcreate_ntor(t, &st, skin))
        return;
    memcpy(skin + at, bytes, len);
    (void)pcreate_refused(p, pcreate2(p, HANDSHAKE_NTOR, sizeof skin, skin, sizeof skin));
}

static void other_identity(struct trial *t)
{
    struct rsa_id other = t->run->rsa;
    other.b[0] ^= 1;
    refuses(t, ID_AT, other.b, sizeof other.b);
}

static void zero_x(struct trial *t)
{
    static const uint8_t zero[X25519_LEN];
    refuses(t, X_AT, zero, sizeof zero);
}

/* A point of order 8: any secret key makes zero of it. */
static void low_order_x(struct trial *t)
{
    static const uint8_t point[X25519_LEN] = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae,
                                              0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                                              0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd,
                                              0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
    refuses(t, X_AT, point, sizeof point);
}

/* As tor, a relay may answer with a key that is nobody's, so as not to tell which it has. What it
 * may not do is to take its own key for the one that was asked for. */
static void other_onion_key(struct trial *t)
{
    struct ntor_client st;
    struct probe_cell cell;
    struct chan_created2 m;
    uint8_t skin[NTOR_SKIN_LEN], keys[TOR1_KEYS_LEN];
    struct probe *p = probe_link(t);
    if (!pcreate_ntor(t, &st, skin))
        return;
    skin[KEY_AT] ^= 1;
    (void)pcreate2(p, HANDSHAKE_NTOR, sizeof skin, skin, sizeof skin);
    trial_awaits(t, "DESTROY, or CREATED2 that proves nothing");
    if (!probe_next(p, &cell) || cell.cmd == CELL_DESTROY)
        return;
    TRIAL_EXPECT(t,
                 cell.cmd == CELL_CREATED2 &&
                     chan_created2_decode(rd_over(cell.body, cell.len), &m) == OK &&
                     m.hlen == NTOR_REPLY_LEN,
                 "what came is neither");
    TRIAL_EXPECT(t, ntor_client_finish(&st, m.hdata, keys, sizeof keys) != OK,
                 "the handshake was done with another key than the one asked for");
}

/* A skin of LEN bytes. */
static void refuses_length(struct trial *t, size_t len)
{
    struct ntor_client st;
    uint8_t data[NTOR_SKIN_LEN + 1] = {0};
    struct probe *p = probe_link(t);
    if (pcreate_ntor(t, &st, data))
        (void)pcreate_refused(p, pcreate2(p, HANDSHAKE_NTOR, len, data, len));
}

static void too_short(struct trial *t)
{
    refuses_length(t, NTOR_SKIN_LEN - 1);
}

static void too_long(struct trial *t)
{
    refuses_length(t, NTOR_SKIN_LEN + 1);
}

static const struct check_case cases[] = {
    {"ntor/auth", CHECK_MUST, "tor-spec 5.1.4",
     "proves in CREATED2 that it holds the onion key of its descriptor", proves_key, NEEDS_KEY},
    {"ntor/keys", CHECK_MUST, "tor-spec 5.2.2",
     "uses the keys of the handshake, each in its direction", keys_work, NEEDS_KEY},
    {"ntor/fresh-y", CHECK_MUST, "tor-spec 5.1.4", "chooses a new Y for each handshake", y_is_fresh,
     NEEDS_KEY},
    {"ntor/padding", CHECK_MUST, "tor-spec 3", "ignores the bytes after HDATA in CREATE2",
     padding_is_ignored, NEEDS_KEY},
    {"ntor/identity", CHECK_MUST, "tor-spec 5.1.4",
     "refuses a handshake that is meant for another identity", other_identity, NEEDS_KEY},
    {"ntor/onion-key", CHECK_MUST, "tor-spec 5.1.4",
     "does not complete a handshake that is meant for another onion key", other_onion_key,
     NEEDS_KEY},
    {"ntor/zero-x", CHECK_MUST, "tor-spec 5.1.4", "refuses an X of all zeros", zero_x, NEEDS_KEY},
    {"ntor/low-order-x", CHECK_MUST, "tor-spec 5.1.4",
     "refuses an X of low order, which makes the shared secret zero", low_order_x, NEEDS_KEY},
    {"ntor/short", CHECK_MUST, "tor-spec 5.1.4", "refuses a handshake of 83 bytes", too_short,
     NEEDS_KEY},
    {"ntor/long", CHECK_SHOULD, "tor-spec 5.1.4", "refuses a handshake of 85 bytes", too_long,
     NEEDS_KEY},
};
const struct check_section check_ntor = {"ntor", "the ntor handshake", cases,
                                         sizeof cases / sizeof *cases};
