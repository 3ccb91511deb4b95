/* The far side of a circuit at a relay: EXTEND2 to the next node, and its end. */
#include <string.h>

#include "cell/reason.h"
#include "cell/relay_extend.h"
#include "testnet/node_int.h"

enum { HANDSHAKE_RESERVED = 1 };

void rcirc_leave_next(struct rcirc *c, uint8_t reason)
{
    nlink_wait_no_more(&c->wait);
    link_circ_close(&c->fwd.lc, true, reason);
    buf_free(&c->fwd.queue);
    c->next_state = NEXT_NONE;
}

/* ---- EXTEND2 ---- */

static bool is_zero(const struct rsa_id *id)
{
    static const struct rsa_id zero;
    return rsa_id_equal(id, &zero);
}

/* tor-spec 5.3: "all zero keys SHOULD be accepted", for none. */
static bool is_ed_given(const struct linkspec_relay *r)
{
    static const struct ed_id zero;
    return r->has_ed && !ed_id_equal(&r->ed, &zero);
}

/* Nodes dial from addresses of their own. Tor asks of the previous hop's identity, so it never
 * refuses to go back to who proved none; that is any program of this computer, at its usual
 * address: a second hop of who measures may be one. */
static bool is_where_it_came_from(const struct rcirc *c, const struct ip *ip)
{
    static const struct ip anybody = {.family = IP_V4, .b = {127, 0, 0, 1}};
    return ip_equal(ip, &c->from) && !ip_equal(ip, &anybody);
}

/* Where to, if a relay may go there: as tor, neither to itself, nor back to where the circuit comes
 * from, nor to an all-zero identity; and here to loopback only. */
static bool next_target(const struct rcirc *c, const struct relay_extend2 *m,
                        struct link_target *out)
{
    const struct identity *self = c->node->config.id;
    struct linkspec_relay r;
    linkspecs_read(&m->specs, &r);
    *out = (struct link_target){.reach.addr = r.v4.ip.family != IP_NONE ? r.v4 : r.v6,
                                .rsa = r.rsa,
                                .ed = r.ed,
                                .has_rsa = r.has_rsa,
                                .has_ed = is_ed_given(&r)};
    return r.has_rsa && !is_zero(&r.rsa) && !rsa_id_equal(&r.rsa, &self->rsa_id) &&
           !(r.has_ed && ed_id_equal(&r.ed, &self->ed.pub)) && out->reach.addr.port &&
           ip_is_loopback(&out->reach.addr.ip) && !is_where_it_came_from(c, &out->reach.addr.ip);
}

/* CREATE_FAST is for first hops only, and TAP is gone; what it does not know is up to the next. */
static bool is_passed_on(const struct relay_extend2 *m)
{
    return m->htype != HANDSHAKE_TAP && m->htype != HANDSHAKE_RESERVED;
}

bool rcirc_may_extend(const struct rcirc *c, const struct relay_msg *m, struct relay_extend2 *ask,
                      struct link_target *to)
{
    return c->next_state == NEXT_NONE &&
           relay_extend2_decode(rd_over(m->data, m->len), ask) == OK && is_passed_on(ask) &&
           ask->hlen <= sizeof c->hdata && next_target(c, ask, to);
}

/* ---- the next node ---- */

static void next_failed(void *arg)
{
    struct rcirc *c = arg;
    c->next_state = NEXT_NONE;
    rcirc_refuse(c, DESTROY_CONNECTFAILED);
}

static bool send_create(struct rcirc *c)
{
    uint8_t *body = link_cell(&c->fwd.lc, CELL_CREATE2, LINK_URGENT);
    struct wr w = wr_over(body, body ? CELL_BODY_LEN : 0);
    if (!body)
        return false;
    memset(body, 0, CELL_BODY_LEN);
    if (chan_create2_encode(&w, &c->asked) != OK)
        return false; /* does not happen: it came in no larger */
    link_cell_commit(&c->fwd.lc);
    return true;
}

static void next_is_open(void *arg, struct nlink *nl)
{
    struct rcirc *c = arg;
    if (link_circ_open(nl->link, &c->fwd.lc) != OK || !send_create(c)) {
        rcirc_close(c, DESTROY_RESOURCELIMIT);
        return;
    }
    c->next_state = NEXT_CREATING;
    rcirc_trace_extend(c);
}

void rcirc_extend_over(struct rcirc *c, const struct relay_extend2 *ask, struct nlink *nl)
{
    if (!nl) {
        rcirc_close(c, DESTROY_RESOURCELIMIT);
        return;
    }
    c->asked = (struct chan_create2){.htype = ask->htype, .hlen = ask->hlen, .hdata = c->hdata};
    memcpy(c->hdata, ask->hdata, ask->hlen);
    c->next_state = NEXT_DIALLING;
    if (link_state(nl->link) == LINK_OPEN) {
        next_is_open(c, nl);
        return;
    }
    c->wait = (struct nlink_wait){.open = next_is_open, .failed = next_failed, .arg = c};
    nlink_wait(nl, &c->wait);
}

/* An internal path of C tor's clients, and so of ours, may end at its own guard: in a small network
 * its middle hop is often asked to go back. tor's relays refuse, and log it as a protocol warning,
 * which is info. */
static bool leads_back(const struct rcirc *c, const struct link_target *to)
{
    return to->has_rsa && (rsa_id_equal(&to->rsa, &c->node->config.id->rsa_id) ||
                           is_where_it_came_from(c, &to->reach.addr.ip));
}

/* tor-spec 5.6: "relays should reject any EXTEND/EXTEND2 cell not received in a RELAY_EARLY cell";
 * tor drops them. */
void rcirc_extend(struct rcirc *c, uint8_t chan_cmd, const struct relay_msg *m)
{
    struct relay_extend2 ask;
    struct link_target to = {.has_rsa = false};
    if (chan_cmd != CELL_RELAY_EARLY)
        return;
    if (!rcirc_may_extend(c, m, &ask, &to)) {
        if (leads_back(c, &to)) {
            log_info(c->node->env->log, "%s: a circuit is to go back where it came from",
                     c->node->config.plan->nickname);
            rcirc_refuse(c, DESTROY_PROTOCOL);
            return;
        }
        rcirc_broken(c, "EXTEND2 that cannot be followed");
        return;
    }
    struct nlink *nl = nlink_find(c->node, &to);
    rcirc_extend_over(c, &ask, nl ? nl : nlink_dial(c->node, &to));
}

/* ---- its answer ---- */

void rcirc_created(struct rcirc *c, const uint8_t *body)
{
    struct chan_created2 m;
    uint8_t data[RELAY_DATA_MAX];
    struct wr w = wr_over(data, sizeof data);
    if (c->next_state != NEXT_CREATING ||
        chan_created2_decode(rd_over(body, CELL_BODY_LEN), &m) != OK) {
        rcirc_close(c, DESTROY_PROTOCOL);
        return;
    }
    struct relay_extended2 said = {.hlen = m.hlen, .hdata = m.hdata};
    c->next_state = NEXT_OPEN;
    if (c->back.lc.link)
        link_use_for_circuits(c->back.lc.link);
    if (relay_extended2_encode(&w, &said) != OK) {
        rcirc_close(c, DESTROY_INTERNAL);
        return;
    }
    rcirc_send(c, RELAY_EXTENDED2, 0, data, w.len);
}

/* ---- its end ---- */

void rcirc_truncated(struct rcirc *c, uint8_t reason)
{
    struct relay_truncated m = {.reason = reason};
    uint8_t data[1];
    struct wr w = wr_over(data, sizeof data);
    rcirc_leave_next(c, reason);
    c->cut = true;
    if (relay_truncated_encode(&w, &m) == OK)
        rcirc_send(c, RELAY_TRUNCATED, 0, data, w.len);
}
