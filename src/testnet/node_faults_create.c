/* How a node breaks rules when circuits are made (faults_create.h). */
#include <string.h>

#include "cell/ext.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "testnet/node_int.h"

enum {
    NTOR_KEY_AT = 20,
    NTOR_X_AT = 52,
    NTOR3_KEY_AT = 32,
    NTOR3_MUCH = 200,
    RELAY_CGO = 6,
};

static bool now(const struct rcirc *c, enum fault fault)
{
    return fault_now(&c->node->faults, fault);
}

/* ---- before a CREATE is looked at ---- */

static bool has_circuit(const struct nlink *nl)
{
    const struct rcirc *c;
    DL_FOREACH (nl->node->circs, c) {
        if (c->back.lc.link == nl->link)
            return true;
    }
    return false;
}

static bool in_use(const struct nlink *nl, uint32_t id)
{
    const struct rcirc *c;
    DL_FOREACH (nl->node->circs, c) {
        if (c->back.lc.link == nl->link && c->back.lc.id == id)
            return true;
    }
    return false;
}

static bool elsewhere(const struct nlink *nl, uint32_t id)
{
    const struct rcirc *c;
    DL_FOREACH (nl->node->circs, c) {
        if (c->back.lc.link != nl->link && c->back.lc.id == id)
            return true;
    }
    return false;
}

enum link_rule fault_in_create_cell(struct nlink *nl, struct chan_frame *cell)
{
    struct faults *f = &nl->node->faults;
    if (cell->cmd == CELL_CREATE && fault_now(f, FAULT_CREATE_OLD))
        cell->cmd = CELL_CREATE_FAST;
    return in_use(nl, cell->circ_id) && fault_now(f, FAULT_CREATE_USED_ID) ? RULE_CIRCUIT
                                                                           : RULE_CREATE;
}

/* Whether not all is zero behind what CMD needs. */
static bool is_padded(uint8_t cmd, const uint8_t *body)
{
    size_t at = cmd == CELL_CREATE_FAST ? FAST_SKIN_LEN : 4 + ((size_t)body[2] << 8 | body[3]);
    for (; at < CELL_BODY_LEN; at++)
        if (body[at])
            return true;
    return false;
}

bool fault_in_asking(struct nlink *nl, uint32_t id, uint8_t cmd, uint8_t *body)
{
    struct node *n = nl->node;
    struct faults *f = &n->faults;
    if (cmd == CELL_CREATE2 && body[1] == HANDSHAKE_NTOR && fault_now(f, FAULT_NTOR_KEY))
        memcpy(body + 4 + NTOR_KEY_AT, n->config.id->ntor_pub.b, X25519_LEN);
    return (fault_now(f, FAULT_CREATE_PADDING) && is_padded(cmd, body)) ||
           (fault_now(f, FAULT_CREATE_ONE) && has_circuit(nl)) ||
           (fault_now(f, FAULT_CREATE_IDS_SHARED) && elsewhere(nl, id)) ||
           (fault_now(f, FAULT_CREATE_REFUSED_ID) && id == nl->refused_id);
}

uint8_t fault_in_refusal(struct nlink *nl, uint32_t id, uint8_t reason)
{
    nl->refused_id = id;
    return fault_now(&nl->node->faults, FAULT_CREATE_NO_REASON) ? 0 : reason;
}

/* ---- what should be refused ---- */

static bool is_zero(const uint8_t *bytes, size_t len)
{
    while (len && !bytes[len - 1])
        len--;
    return !len;
}

static enum fault ntor_flaw(const struct identity *id, const uint8_t *skin, size_t len)
{
    if (len != NTOR_SKIN_LEN)
        return len < NTOR_SKIN_LEN ? FAULT_NTOR_SHORT : FAULT_NTOR_LONG;
    if (memcmp(skin, id->rsa_id.b, sizeof id->rsa_id.b) != 0)
        return FAULT_NTOR_ID;
    return is_zero(skin + NTOR_X_AT, X25519_LEN) ? FAULT_NTOR_ZERO : FAULT_NTOR_LOW_ORDER;
}

static enum fault ntor3_flaw(const struct identity *id, const uint8_t *skin, size_t len)
{
    if (len < NTOR_V3_SKIN_OVERHEAD)
        return FAULT_NTOR3_SHORT;
    if (memcmp(skin, id->ed.pub.b, sizeof id->ed.pub.b) != 0)
        return FAULT_NTOR3_ID;
    if (memcmp(skin + NTOR3_KEY_AT, id->ntor_pub.b, X25519_LEN) != 0)
        return FAULT_NTOR3_KEY;
    return FAULT_NTOR3_MAC;
}

/* What is wrong with a cell that was refused before its extensions were read. */
static enum fault flaw(const struct identity *id, const uint8_t *body)
{
    unsigned type = (unsigned)body[0] << 8 | body[1];
    size_t len = (size_t)body[2] << 8 | body[3];
    if (len > CREATE2_DATA_MAX)
        return FAULT_CREATE_LENGTH;
    switch (type) {
    case HANDSHAKE_TAP:
        return FAULT_CREATE_TAP;
    case 1:
        return FAULT_CREATE_RESERVED;
    case HANDSHAKE_NTOR:
        return ntor_flaw(id, body + 4, len);
    case HANDSHAKE_NTOR_V3:
        return ntor3_flaw(id, body + 4, len);
    default:
        return FAULT_CREATE_UNKNOWN;
    }
}

bool fault_in_refusing(struct rcirc *c, const uint8_t *body, struct create_reply *r)
{
    if (r->opened || !now(c, flaw(c->node->config.id, body)))
        return false;
    r->cmd = CELL_CREATED2;
    r->len = NTOR_REPLY_LEN;
    env_random(c->node->env, r->data, r->len);
    env_random(c->node->env, r->keys, sizeof r->keys);
    return true;
}

/* ---- what is answered ---- */

static void no_randomness(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 0x11, len);
}

struct env *fault_env(struct rcirc *c)
{
    struct node *n = c->node;
    if (!now(c, FAULT_CREATE_SAME_Y))
        return n->env;
    n->dull_env.random = no_randomness;
    return &n->dull_env;
}

void fault_in_keys(struct rcirc *c, struct create_reply *r)
{
    enum fault kind = c->fast     ? FAULT_CREATE_KEYS_SWAPPED
                      : r->opened ? FAULT_NTOR3_KEYS
                                  : FAULT_NTOR_KEYS;
    uint8_t *forward = r->keys + 2 * TOR1_DIGEST_SEED_LEN, *backward = forward + TOR1_KEY_LEN;
    uint8_t kept[TOR1_KEY_LEN];
    if (!now(c, kind))
        return;
    memcpy(kept, forward, sizeof kept);
    memcpy(forward, backward, sizeof kept);
    memcpy(backward, kept, sizeof kept);
}

/* ---- extensions of ntor-v3 ---- */

static bool has_unknown(const struct exts *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].type > CIRC_EXT_SUBPROTO)
            return true;
    return false;
}

static bool has_twice(const struct exts *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (exts_find(m, m->e[i].type) != &m->e[i])
            return true;
    return false;
}

/* Forgets that subprotocols were asked for. */
static void forget_subprotos(struct exts *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->e[i].type == CIRC_EXT_SUBPROTO)
            m->e[i].type = 0xff;
}

/* What it takes to say yes to such a request. */
static enum fault yes_to(const struct ext *request, bool cc)
{
    struct subproto_request ask;
    if (subproto_request_decode(rd_over(request->body, request->len), &ask) != OK)
        return FAULT_NTOR3_SUBPROTO_ODD;
    if (ask.c[0].protocol != SUBPROTO_RELAY || ask.c[0].capability != RELAY_CGO)
        return FAULT_NTOR3_SUBPROTO;
    if (ask.n > 1)
        return FAULT_NTOR3_SUBPROTO_AMONG;
    return cc ? FAULT_NTOR3_CGO : FAULT_NTOR3_CGO_ALONE;
}

err_t fault_in_exts(struct rcirc *c, size_t len, err_t e, struct exts *theirs)
{
    const struct ext *subprotos;
    if (e != OK && now(c, FAULT_NTOR3_CUT)) {
        theirs->n = 0;
        return OK;
    }
    if (e != OK)
        return e;
    if ((len > NTOR3_MUCH && now(c, FAULT_NTOR3_MOST)) ||
        (!theirs->n && now(c, FAULT_NTOR3_EMPTY)) ||
        (has_unknown(theirs) && now(c, FAULT_NTOR3_KNOWN_ONLY)) ||
        (has_twice(theirs) && now(c, FAULT_NTOR3_ONCE_ONLY)))
        return ERR_CIRC_HANDSHAKE;
    if (!(subprotos = exts_find(theirs, CIRC_EXT_SUBPROTO)))
        return OK;
    if (now(c, yes_to(subprotos, exts_find(theirs, CIRC_EXT_CC_REQUEST))))
        forget_subprotos(theirs);
    return OK;
}

bool fault_in_exts_said(struct rcirc *c, uint8_t *sendme_inc)
{
    if (now(c, FAULT_NTOR3_CC_INC))
        *sendme_inc = 0;
    return (c->congestion_control && !now(c, FAULT_NTOR3_CC_SILENT)) ||
           now(c, FAULT_NTOR3_CC_UNASKED);
}
