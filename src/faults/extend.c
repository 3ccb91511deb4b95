/* How a node breaks rules when circuits go on and end (list_extend.h). */
#include <string.h>

#include "base/rd.h"
#include "cell/reason.h"
#include "cell/relay_extend.h"
#include "faults/faulty.h"

static bool now(const struct rcirc *c, enum fault fault)
{
    return faulty_now(c->node, fault);
}

/* ---- EXTEND2 that it should follow ---- */

static bool has_unknown(const struct linkspecs *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->s[i].type > LINKSPEC_ED_ID)
            return true;
    return false;
}

static bool others_go_on(const struct rcirc *c)
{
    const struct rcirc *other;
    DL_FOREACH (c->node->circs, other) {
        if (other != c && other->next_state == NEXT_OPEN)
            return true;
    }
    return false;
}

static bool refuses(struct rcirc *c, const struct relay_extend2 *m)
{
    struct linkspec_relay r;
    linkspecs_read(&m->specs, &r);
    return (m->htype != HANDSHAKE_NTOR && now(c, FAULT_EXTEND_NTOR_ONLY)) ||
           (others_go_on(c) && now(c, FAULT_EXTEND_ONE)) ||
           (has_unknown(&m->specs) && now(c, FAULT_EXTEND_KNOWN_ONLY)) ||
           (!r.has_ed && now(c, FAULT_EXTEND_NEEDS_ED)) ||
           (r.has_ed && faulty_is_zero(r.ed.b, sizeof r.ed.b) && now(c, FAULT_EXTEND_ZERO_ED)) ||
           (c->cut && now(c, FAULT_TRUNCATE_FINAL));
}

static void lead_astray(struct rcirc *c, const struct linkspecs *specs, struct link_target *to)
{
    for (size_t i = specs->n; i-- && now(c, FAULT_EXTEND_LAST_ADDRESS);)
        if (specs->s[i].type == LINKSPEC_IPV4) {
            struct rd r = rd_over(specs->s[i].body, specs->s[i].len);
            rd_copy(&r, to->reach.addr.ip.b, 4);
            to->reach.addr.port = rd_u16(&r);
            break;
        }
    if (now(c, FAULT_EXTEND_ANY_RSA))
        to->has_rsa = false;
    if (now(c, FAULT_EXTEND_ANY_ED))
        to->has_ed = false;
}

/* ---- EXTEND2 that it should not follow ---- */

/* What is seen in a message, however broken it is. */
struct seen {
    unsigned announced, specs, rsa, ed, addresses;
    bool cut, bad_length, zero_rsa, own, port_zero;
    unsigned htype;
    size_t hlen, left;
};

static void see_spec(const struct identity *self, struct seen *s, uint8_t type, struct rd r)
{
    static const size_t lens[] = {6, 18, sizeof(struct rsa_id), sizeof(struct ed_id)};
    if (type > LINKSPEC_ED_ID)
        return;
    s->bad_length |= r.left != lens[type];
    s->addresses += type <= LINKSPEC_IPV6;
    s->rsa += type == LINKSPEC_RSA_ID;
    s->ed += type == LINKSPEC_ED_ID;
    if (s->bad_length)
        return;
    if (type == LINKSPEC_RSA_ID) {
        s->zero_rsa |= faulty_is_zero(r.at, r.left);
        s->own |= !memcmp(r.at, self->rsa_id.b, r.left);
    }
    if (type <= LINKSPEC_IPV6)
        s->port_zero |= faulty_is_zero(r.at + r.left - 2, 2);
}

static void see(const struct identity *self, const struct relay_msg *m, struct seen *s)
{
    struct rd r = rd_over(m->data, m->len);
    *s = (struct seen){.announced = rd_u8(&r)};
    for (unsigned i = 0; i < s->announced && !r.failed; i++) {
        uint8_t type = rd_u8(&r), len = rd_u8(&r);
        const uint8_t *at = rd_bytes(&r, len);
        if (at)
            see_spec(self, s, type, rd_over(at, len));
    }
    s->cut = r.failed;
    s->htype = rd_u16(&r);
    s->hlen = rd_u16(&r);
    s->left = r.left;
}

static enum fault flaw(const struct rcirc *c, const struct seen *s)
{
    if (c->next_state != NEXT_NONE)
        return FAULT_EXTEND_TWICE;
    if (s->cut || s->announced > LINKSPECS_MAX)
        return FAULT_EXTEND_CUT;
    if (s->bad_length)
        return FAULT_EXTEND_SPEC_LENGTH;
    if (s->hlen > s->left)
        return FAULT_EXTEND_LENGTH;
    if (s->htype == HANDSHAKE_TAP)
        return FAULT_EXTEND_TAP;
    if (s->htype == 1)
        return FAULT_EXTEND_RESERVED;
    if (s->rsa != 1)
        return s->rsa ? FAULT_EXTEND_TWO_RSA : FAULT_EXTEND_NO_RSA;
    if (s->ed > 1)
        return FAULT_EXTEND_TWO_ED;
    if (s->zero_rsa)
        return FAULT_EXTEND_ZERO_RSA;
    if (s->own)
        return FAULT_EXTEND_ITSELF;
    if (!s->addresses)
        return FAULT_EXTEND_NO_ADDRESS;
    return s->port_zero ? FAULT_EXTEND_PORT_ZERO : FAULT_EXTEND_BACK;
}

static bool answers_all_the_same(struct rcirc *c, const struct relay_msg *m)
{
    struct seen s;
    uint8_t data[2 + 64] = {0, 64};
    see(c->node->config.id, m, &s);
    if (!now(c, flaw(c, &s)))
        return false;
    env_random(c->node->env, data + 2, sizeof data - 2);
    faulty_say(c, RELAY_EXTENDED2, 0, data, sizeof data);
    return true;
}

/* ---- EXTEND2 and TRUNCATE ---- */

static void follow(struct rcirc *c, const struct relay_extend2 *ask, struct link_target *to)
{
    lead_astray(c, &ask->specs, to);
    struct nlink *nl = now(c, FAULT_EXTEND_REDIAL) ? NULL : nlink_find(c->node, to);
    rcirc_extend_over(c, ask, nl ? nl : nlink_dial(c->node, to));
}

enum judged fault_in_extend(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    struct relay_extend2 ask;
    struct link_target to;
    if (chan_cmd != CELL_RELAY_EARLY && !now(c, FAULT_EXTEND_LATE))
        return JUDGED_FINE;
    if (!rcirc_may_extend(c, m, &ask, &to))
        return answers_all_the_same(c, m) ? JUDGED_DROP : JUDGED_FINE;
    if (refuses(c, &ask))
        return JUDGED_BREACH;
    if (now(c, FAULT_CIRC_TRUNCATED_EMPTY))
        faulty_say(c, RELAY_TRUNCATED, 0, NULL, 0);
    else
        follow(c, &ask, &to);
    return JUDGED_DROP;
}

enum judged fault_in_truncate(struct rcirc *c)
{
    if (now(c, FAULT_TRUNCATE_SILENT) ||
        (c->next_state == NEXT_NONE && now(c, FAULT_TRUNCATE_LAST)))
        return JUDGED_DROP;
    rcirc_truncated(c, now(c, FAULT_TRUNCATE_REASON) ? DESTROY_NONE : DESTROY_REQUESTED);
    if (now(c, FAULT_TRUNCATE_ENDS))
        rcirc_close(c, DESTROY_REQUESTED);
    return JUDGED_DROP;
}

/* ---- cells that pass by ---- */

bool fault_in_passing_on(struct rcirc *c, uint8_t *cmd)
{
    struct circ_memo *memo = faulty_circ(c);
    if (memo)
        memo->passed_on = true;
    if (*cmd == CELL_RELAY_EARLY ? now(c, FAULT_EARLY_DEMOTE) : now(c, FAULT_EARLY_PROMOTE))
        *cmd = *cmd == CELL_RELAY ? CELL_RELAY_EARLY : CELL_RELAY;
    return !now(c, FAULT_EXTEND_NO_FORWARD);
}

/* RELAY_EARLY cells on all circuits of C's connection. */
static unsigned early_of_link(const struct rcirc *c)
{
    const struct rcirc *other;
    unsigned n = 0;
    DL_FOREACH (c->node->circs, other) {
        n += other->back.lc.link == c->back.lc.link ? other->early : 0;
    }
    return n;
}

/* A RELAY_EARLY cell has come: has the relay count one too few, or to the end. */
static void miscount(struct rcirc *c)
{
    if (c->early >= RCIRC_EARLY_MOST) {
        if (now(c, FAULT_EARLY_MANY))
            c->early = RCIRC_EARLY_MOST - 1;
    } else if ((c->early + 1 == RCIRC_EARLY_MOST && now(c, FAULT_EARLY_SEVEN)) ||
               (early_of_link(c) + 1 > RCIRC_EARLY_MOST && now(c, FAULT_EARLY_SHARED))) {
        c->early = RCIRC_EARLY_MOST;
    }
}

/* ---- cells that come ---- */

bool fault_in_cell_in(struct rcirc *c, enum rway way, uint8_t cmd, uint8_t *body)
{
    if (way == WAY_ON && cmd == CELL_RELAY_EARLY) {
        miscount(c);
    } else if (way == WAY_BACK && cmd == CELL_DESTROY) {
        if (now(c, FAULT_DESTROY_NEXT_SILENT))
            return false;
        if (!now(c, FAULT_DESTROY_NEXT_REASON))
            return true;
        rcirc_truncated(c, body[0]);
        return false;
    } else if (way == WAY_BACK && cmd == CELL_RELAY && c->next_state == NEXT_OPEN &&
               now(c, FAULT_EXTEND_BARE)) {
        rcirc_cell_as_is(c, WAY_BACK, cmd, body);
        return false;
    }
    return true;
}

/* ---- the end ---- */

static void close_others(const struct nlink *nl, uint32_t id)
{
    struct rcirc *c, *next;
    DL_FOREACH_SAFE (nl->node->circs, c, next) {
        if (c->back.lc.link == nl->link && c->back.lc.id != id)
            rcirc_close(c, DESTROY_DESTROYED);
    }
}

/* Cuts all circuits that go on over the connection that GONE went on over. */
static void cut_others(const struct node *n, const struct rcirc *gone)
{
    struct rcirc *c, *next;
    DL_FOREACH_SAFE (n->circs, c, next) {
        if (c != gone && gone->fwd.lc.link && c->fwd.lc.link == gone->fwd.lc.link)
            rcirc_truncated(c, DESTROY_DESTROYED);
    }
}

static enum link_rule misjudge_destroy(struct nlink *nl, struct link_memo *memo, uint32_t id,
                                       uint8_t reason)
{
    struct node *n = nl->node;
    struct rcirc *c = faulty_find(nl, id);
    if (!c)
        return memo->gone_id == id && faulty_now(n, FAULT_DESTROY_TWICE) ? RULE_CLOSE
                                                                         : RULE_CIRCUIT;
    memo->gone_id = id;
    if (faulty_now(n, FAULT_DESTROY_IGNORED) ||
        (reason > DESTROY_NOSUCHSERVICE && faulty_now(n, FAULT_DESTROY_REASON)))
        return RULE_IGNORE;
    if (c->streams && faulty_now(n, FAULT_DESTROY_END))
        target_end(c->streams, END_DESTROY);
    if (faulty_now(n, FAULT_DESTROY_ECHO))
        link_refuse(nl->link, id, DESTROY_DESTROYED);
    if (faulty_now(n, FAULT_DESTROY_ALL))
        close_others(nl, id);
    if (faulty_now(n, FAULT_DESTROY_NEXT_ALL))
        cut_others(n, c);
    return RULE_CIRCUIT;
}

enum link_rule fault_in_circuit_cell(struct nlink *nl, const struct chan_frame *cell)
{
    struct link_memo *memo = faulty_link(nl);
    if (!memo)
        return RULE_CIRCUIT;
    if (cell->cmd == CELL_DESTROY)
        return misjudge_destroy(nl, memo, cell->circ_id, cell->body[0]);
    if (memo->gone_id == cell->circ_id && !faulty_find(nl, cell->circ_id) &&
        faulty_now(nl->node, FAULT_DESTROY_DATA))
        link_refuse(nl->link, cell->circ_id, DESTROY_PROTOCOL);
    return RULE_CIRCUIT;
}
