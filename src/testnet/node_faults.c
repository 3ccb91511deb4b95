/* How a node breaks rules, one function for each place where the honest way asks. Whether it does
 * is up to its switches (faults.h). */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_flow.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "testnet/node_int.h"

static bool now(const struct rcirc *c, enum fault fault)
{
    return fault_now(&c->node->faults, fault);
}

/* ---- circuits ---- */

bool fault_in_create(struct rcirc *c, uint8_t *reply, size_t *len)
{
    if (now(c, FAULT_CIRC_DESTROY)) {
        rcirc_close(c, DESTROY_PROTOCOL);
        return true;
    }
    if (now(c, FAULT_CIRC_SILENT))
        return true;
    if (now(c, FAULT_CIRC_BAD_AUTH)) /* AUTH, or KH of CREATED_FAST */
        reply[c->fast ? FAST_REPLY_LEN - 1 : 40] ^= 1;
    if (!c->fast && now(c, *len == NTOR_REPLY_LEN ? FAULT_NTOR_AUTH : FAULT_NTOR3_AUTH))
        reply[40] ^= 1;
    if (now(c, FAULT_CIRC_SHORT_REPLY) && !c->fast)
        *len /= 2;
    return false;
}

void fault_in_message(struct rcirc *c, uint8_t *body)
{
    enum { STREAM_ID_AT = 3, LENGTH_AT = 9 };
    if (body[0] == RELAY_DATA && now(c, FAULT_STREAM_ZERO_ID))
        memset(body + STREAM_ID_AT, 0, 2);
    if (now(c, FAULT_CIRC_UNKNOWN_COMMAND))
        body[0] = 200;
    if (now(c, FAULT_CIRC_BAD_LENGTH))
        body[LENGTH_AT] = 0xff;
}

void fault_in_cell(struct rcirc *c, uint8_t *body)
{
    if (now(c, FAULT_CIRC_BAD_DIGEST))
        body[CELL_BODY_LEN / 2] ^= 0x40;
}

/* A SENDME that is about to answer DATA; true if none is sent. */
bool fault_in_sendme(struct rcirc *c, uint8_t *body, size_t *len)
{
    if (now(c, FAULT_CIRC_SENDME_V0))
        *len = 0;
    else if (now(c, FAULT_CIRC_SENDME_WRONG_TAG))
        body[*len - 1] ^= 1;
    return now(c, FAULT_CIRC_NO_SENDME);
}

void fault_before_data(struct rcirc *c)
{
    static const uint8_t tag[SENDME_TAG_V0] = {1};
    struct relay_sendme m = {.version = 1, .tag_len = sizeof tag, .tag = tag};
    uint8_t body[RELAY_DATA_MAX];
    struct wr w = wr_over(body, sizeof body);
    if (now(c, FAULT_CIRC_SENDME_EARLY) && relay_sendme_encode(&w, &m) == OK)
        rcirc_send(c, RELAY_SENDME, 0, body, w.len);
}

/* ---- streams ---- */

bool fault_in_begin(struct rcirc *c, uint16_t id)
{
    uint32_t reason = c->node->faults.n[FAULT_STREAM_END_REASON];
    uint8_t body[1] = {(uint8_t)reason};
    if (reason)
        rcirc_send(c, RELAY_END, id, body, sizeof body);
    return reason || now(c, FAULT_STREAM_SILENT);
}

static void flood(struct rcirc *c)
{
    uint64_t n = (uint64_t)c->node->faults.n[FAULT_CIRC_FLOOD] * 1000;
    c->node->faults.seen[FAULT_CIRC_FLOOD]++;
    while (n-- && rcirc_send(c, RELAY_DROP, 0, NULL, 0))
        continue;
}

bool fault_in_connected(struct target *t)
{
    static const uint8_t address[] = {127, 0, 0, 1, 0, 0, 0, 60}, junk[] = "before its time",
                         no_cell[] = {0, 0, 0}, nonce[50] = {1};
    struct rcirc *c = t->circ;
    if (t->kind == TARGET_DIR)
        return fault_in_dir_connected(t);
    if (now(c, FAULT_CIRC_EXTENDED_UNASKED))
        rcirc_send(c, RELAY_EXTENDED2, 0, no_cell, 2);
    if (now(c, FAULT_CIRC_CONFLUX))
        rcirc_send(c, RELAY_CONFLUX_LINKED, 0, nonce, sizeof nonce);
    if (now(c, FAULT_STREAM_DATA_FIRST))
        rcirc_send(c, RELAY_DATA, t->id, junk, sizeof junk);
    if (now(c, FAULT_STREAM_CONNECTED_TWICE))
        rcirc_send(c, RELAY_CONNECTED, t->id, address, sizeof address);
    if (now(c, FAULT_STREAM_XOFF))
        rcirc_send(c, RELAY_XOFF, t->id, no_cell, 1);
    if (now(c, FAULT_STREAM_WRONG_ID))
        rcirc_send(c, RELAY_CONNECTED, (uint16_t)(t->id ^ 0x5555), address, sizeof address);
    if (c->node->faults.n[FAULT_CIRC_FLOOD])
        flood(c);
    if (!now(c, FAULT_STREAM_CONNECTED_SHORT))
        return c->over;
    rcirc_send(c, RELAY_CONNECTED, t->id, address, 3);
    return true;
}

void fault_before_resolved(struct rcirc *c, uint16_t id)
{
    static const uint8_t version[] = {0};
    if (now(c, FAULT_STREAM_RESOLVE_XOFF))
        rcirc_send(c, RELAY_XOFF, id, version, sizeof version);
}

/* Under a fault END goes out otherwise, or something after it. */
bool fault_in_end(struct target *t)
{
    static const uint8_t internal[] = {END_PRIVATE}, done[] = {END_DONE}, junk[] = "after the end";
    struct rcirc *c = t->circ;
    if (t->kind == TARGET_DIR)
        return fault_in_dir_end(t);
    if (now(c, FAULT_STREAM_END_EMPTY))
        return rcirc_send(c, RELAY_END, t->id, NULL, 0) || true;
    if (now(c, FAULT_STREAM_END_INTERNAL))
        return rcirc_send(c, RELAY_END, t->id, internal, 1) || true;
    if (!now(c, FAULT_STREAM_DATA_AFTER_END))
        return false;
    rcirc_send(c, RELAY_END, t->id, done, 1);
    rcirc_send(c, RELAY_DATA, t->id, junk, sizeof junk);
    return true;
}
