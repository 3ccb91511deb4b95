/* How a node breaks rules when circuits are made (list_create.h). */
#include <string.h>

#include "cell/ext.h"
#include "cell/reason.h"
#include "circuit/cgo.h"
#include "circuit/fast.h"
#include "circuit/ntor.h"
#include "circuit/ntor_v3.h"
#include "circuit/tor1.h"
#include "faults/faulty.h"

enum {
    NTOR_KEY_AT = 20,
    NTOR_X_AT = 52,
    NTOR3_KEY_AT = 32,
    NTOR3_MUCH = 200,
};

static bool now(const struct rcirc *c, enum fault fault)
{
    return faulty_now(c->node, fault);
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

static bool elsewhere(const struct nlink *nl, uint32_t id)
{
    const struct rcirc *c;
    DL_FOREACH (nl->node->circs, c) {
        if (c->back.lc.link != nl->link && c->back.lc.id == id)
            return true;
    }
    return false;
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

/* Whether a CREATE, which may be changed, is refused though nothing is wrong with it. */
static bool refuses(struct nlink *nl, const struct chan_frame *cell)
{
    struct node *n = nl->node;
    const struct link_memo *memo = nl->memo;
    if (cell->cmd == CELL_CREATE2 && cell->body[1] == HANDSHAKE_NTOR &&
        faulty_now(n, FAULT_NTOR_KEY))
        memcpy(cell->body + 4 + NTOR_KEY_AT, n->config.id->ntor_pub.b, X25519_LEN);
    return (faulty_now(n, FAULT_CREATE_PADDING) && is_padded(cell->cmd, cell->body)) ||
           (faulty_now(n, FAULT_CREATE_ONE) && has_circuit(nl)) ||
           (faulty_now(n, FAULT_CREATE_IDS_SHARED) && elsewhere(nl, cell->circ_id)) ||
           (faulty_now(n, FAULT_CREATE_REFUSED_ID) && memo && cell->circ_id == memo->refused_id);
}

/* The reason that is told for REASON. */
static uint8_t refusal_of(struct nlink *nl, uint32_t id, uint8_t reason)
{
    struct link_memo *memo = faulty_link(nl);
    if (memo)
        memo->refused_id = id;
    return faulty_now(nl->node, FAULT_CREATE_NO_REASON) ? DESTROY_NONE : reason;
}

enum link_rule fault_in_create_cell(struct nlink *nl, struct chan_frame *cell)
{
    bool used = faulty_find(nl, cell->circ_id) != NULL;
    if (cell->cmd == CELL_CREATE && faulty_now(nl->node, FAULT_CREATE_OLD))
        cell->cmd = CELL_CREATE_FAST;
    if (used && faulty_now(nl->node, FAULT_CREATE_USED_ID))
        return RULE_CIRCUIT;
    if (used || cell->cmd == CELL_CREATE || !refuses(nl, cell))
        return RULE_CREATE;
    link_refuse(nl->link, cell->circ_id, refusal_of(nl, cell->circ_id, DESTROY_PROTOCOL));
    return RULE_IGNORE;
}

bool fault_in_refusal(struct rcirc *c, struct nlink *nl, uint32_t id, uint8_t *reason)
{
    if (nl) {
        *reason = refusal_of(nl, id, *reason);
        return true;
    }
    if (*reason == DESTROY_CONNECTFAILED && now(c, FAULT_EXTEND_SILENT))
        return false;
    if (now(c, FAULT_EXTEND_NO_REASON))
        *reason = DESTROY_NONE;
    return true;
}

/* ---- what should be refused ---- */

static enum fault ntor_flaw(const struct identity *id, const uint8_t *skin, size_t len)
{
    if (len != NTOR_SKIN_LEN)
        return len < NTOR_SKIN_LEN ? FAULT_NTOR_SHORT : FAULT_NTOR_LONG;
    if (memcmp(skin, id->rsa_id.b, sizeof id->rsa_id.b) != 0)
        return FAULT_NTOR_ID;
    return faulty_is_zero(skin + NTOR_X_AT, X25519_LEN) ? FAULT_NTOR_ZERO : FAULT_NTOR_LOW_ORDER;
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

/* ---- what is answered ---- */

static void make_up(struct rcirc *c, struct create_reply *r)
{
    r->cmd = CELL_CREATED2;
    r->len = NTOR_REPLY_LEN;
    env_random(c->node->env, r->data, r->len);
    env_random(c->node->env, r->keys, sizeof r->keys);
}

static void no_randomness(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 0x11, len);
}

static struct env *dull_env(const struct rcirc *c)
{
    struct faulty *f = node_misdeeds(c->node);
    f->dull_env.random = no_randomness;
    return &f->dull_env;
}

static void swap_keys(const struct layer_kind *kind, struct create_reply *r)
{
    bool cgo = kind == &cgo_kind;
    size_t len = cgo ? CGO_WAY_KEYS_LEN : TOR1_KEY_LEN;
    uint8_t *forward = cgo ? r->keys : r->keys + 2 * TOR1_DIGEST_SEED_LEN;
    uint8_t kept[CGO_WAY_KEYS_LEN];
    memcpy(kept, forward, len);
    memcpy(forward, forward + len, len);
    memcpy(forward + len, kept, len);
}

err_t fault_in_reply(struct rcirc *c, uint8_t cmd, const uint8_t *body, err_t e,
                     struct create_reply *r)
{
    if (e != OK && !r->opened && now(c, flaw(c->node->config.id, body))) {
        make_up(c, r);
        e = OK;
    }
    if (e != OK)
        return e;
    if (now(c, FAULT_CREATE_SAME_Y))
        TRY(rcirc_answer(c, dull_env(c), cmd, body, r));
    if (now(c, c->fast     ? FAULT_CREATE_KEYS_SWAPPED
               : r->opened ? FAULT_NTOR3_KEYS
                           : FAULT_NTOR_KEYS))
        swap_keys(c->kind, r);
    return OK;
}

/* Puts the cell's answer out of order: AUTH of CREATED2, or KH of CREATED_FAST, and its length. */
static void garble(struct rcirc *c, bool fast, uint8_t *body)
{
    enum { AUTH_AT = 2 + 40 };
    size_t len = (size_t)body[0] << 8 | body[1];
    if (now(c, FAULT_CIRC_BAD_AUTH))
        body[fast ? FAST_REPLY_LEN - 1 : AUTH_AT] ^= 1;
    if (fast)
        return;
    if (now(c, len == NTOR_REPLY_LEN ? FAULT_NTOR_AUTH : FAULT_NTOR3_AUTH))
        body[AUTH_AT] ^= 1;
    if (now(c, FAULT_CIRC_SHORT_REPLY)) {
        memset(body + 2 + len / 2, 0, CELL_BODY_LEN - 2 - len / 2);
        body[0] = (uint8_t)(len / 2 >> 8);
        body[1] = (uint8_t)(len / 2);
    }
}

bool fault_in_created(struct rcirc *c, uint8_t cmd, uint8_t *body)
{
    if (now(c, FAULT_CIRC_DESTROY)) {
        rcirc_close(c, DESTROY_PROTOCOL);
        return false;
    }
    if (now(c, FAULT_CIRC_SILENT))
        return false;
    garble(c, cmd == CELL_CREATED_FAST, body);
    if (now(c, FAULT_CIRC_CREATED_TWICE))
        rcirc_cell_as_is(c, WAY_MADE, cmd, body);
    return !c->over;
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
    if (ask.c[0].protocol != SUBPROTO_RELAY || ask.c[0].capability != SUBPROTO_RELAY_CGO)
        return FAULT_NTOR3_SUBPROTO;
    if (ask.n > 1)
        return FAULT_NTOR3_SUBPROTO_AMONG;
    return cc ? FAULT_NTOR3_CGO : FAULT_NTOR3_CGO_ALONE;
}

/* THEIRS was decoded, with E, from LEN bytes. */
static err_t misread(struct rcirc *c, size_t len, err_t e, struct exts *theirs)
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

/* What is said about congestion control. */
static err_t misstate(struct rcirc *c, struct exts *ours)
{
    static const uint8_t zero[] = {0};
    if (c->congestion_control && now(c, FAULT_NTOR3_CC_SILENT))
        ours->n = 0;
    if (!ours->n && now(c, FAULT_NTOR3_CC_UNASKED))
        TRY(exts_add(ours, CIRC_EXT_CC_RESPONSE, &c->sendme_inc, 1));
    if (ours->n && now(c, FAULT_NTOR3_CC_INC))
        ours->e[0].body = zero;
    return OK;
}

err_t fault_in_extensions(struct rcirc *c, struct rd asked, err_t e, struct exts *ours)
{
    struct exts theirs;
    size_t len = asked.left;
    e = misread(c, len, exts_decode(&asked, &theirs), &theirs);
    if (e == OK)
        e = rcirc_grant(c, &theirs, ours);
    return e == OK ? misstate(c, ours) : e;
}
