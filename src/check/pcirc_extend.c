/* Circuits over a second relay, which the relay under test is asked to reach. */
#include <string.h>

#include "cell/relay_extend.h"
#include "check/pcirc.h"
#include "check/words.h"
#include "circuit/tor1.h"
#include "crypto/secret.h"

size_t pcirc_extend_body(struct pcirc *c, const struct check_next *next, struct ntor_client *st,
                         uint8_t out[RELAY_DATA_MAX])
{
    const struct linkspec_relay relay = {
        .v4 = next->addr.ip.family == IP_V4 ? next->addr : (struct ipport){.port = 0},
        .v6 = next->addr.ip.family == IP_V6 ? next->addr : (struct ipport){.port = 0},
        .has_rsa = true,
        .has_ed = next->has_ed,
        .rsa = next->rsa,
        .ed = next->ed};
    uint8_t storage[LINKSPECS_STORAGE], skin[NTOR_SKIN_LEN];
    struct relay_extend2 m = {.htype = HANDSHAKE_NTOR, .hlen = sizeof skin, .hdata = skin};
    struct wr w = wr_over(out, RELAY_DATA_MAX);
    if (!c || !trial_goes_on(c->p->t))
        return 0;
    ntor_client_begin(c->p->t->run->env, &next->rsa, &next->ntor, st, skin);
    linkspecs_make(&relay, storage, &m.specs);
    if (relay_extend2_encode(&w, &m) != OK)
        trial_fail(c->p->t, "EXTEND2 cannot be made");
    return w.len;
}

void pcirc_send_early(struct pcirc *c, unsigned hop, uint8_t cmd, const void *data, size_t len)
{
    if (!c)
        return;
    c->by_early = true;
    pcirc_send(c, hop, cmd, 0, data, len);
    c->by_early = false;
}

bool pcirc_await_extended(struct pcirc *c, const struct ntor_client *st)
{
    uint8_t keys[TOR1_KEYS_LEN];
    struct relay_extended2 reply;
    struct pmsg m;
    if (!pcirc_await(c, RELAY_EXTENDED2, 0, &m))
        return false;
    if (relay_extended2_decode(rd_over(m.data, m.len), &reply) != OK)
        trial_fail(c->p->t, "EXTENDED2 is malformed");
    else if (reply.hlen != NTOR_REPLY_LEN ||
             ntor_client_finish(st, reply.hdata, keys, sizeof keys) != OK)
        trial_fail(c->p->t, "EXTENDED2 does not hold the next relay's side of the handshake");
    else
        pcirc_add_hop(c, &tor1_kind, keys);
    secret_wipe(keys, sizeof keys);
    return trial_goes_on(c->p->t);
}

uint8_t pcirc_await_cut(struct pcirc *c)
{
    struct pmsg m;
    if (!c || !trial_goes_on(c->p->t))
        return 0;
    struct trial *t = c->p->t;
    trial_awaits(t, "DESTROY or TRUNCATED");
    err_t e = pcirc_poll(c, t->run->answer_ms, &m);
    if (e == OK && m.cmd == RELAY_TRUNCATED && m.len)
        return m.data[0];
    if (e == ERR_CIRC_PROTO && c->other.cmd == CELL_DESTROY && c->other.circ_id == c->id)
        return c->other.body[0];
    if (e == OK)
        trial_fail(t, "%s came", words_relay_cmd(m.cmd));
    else if (e == ERR_MORE)
        trial_fail(t, "nothing came for %u ms", (unsigned)t->run->answer_ms);
    else
        trial_fail(t, "neither came");
    return 0;
}

void pcirc_cut(struct pcirc *c, unsigned hop)
{
    while (c && c->onion.n > hop)
        hop_free(&c->onion.hop[--c->onion.n]);
}

void pcirc_extend(struct pcirc *c, const struct check_next *next)
{
    uint8_t body[RELAY_DATA_MAX];
    struct ntor_client st;
    size_t len = pcirc_extend_body(c, next, &st, body);
    if (!len)
        return;
    pcirc_send_early(c, c->onion.n, RELAY_EXTEND2, body, len);
    (void)pcirc_await_extended(c, &st);
    secret_wipe(&st, sizeof st);
}

bool pcirc_find_next(struct trial *t, struct check_next *out)
{
    if (trial_said_it_needs(t, NEEDS_NEXT) && !t->run->next.known)
        trial_skip(t,
                   "no other relay is known to extend to: the relay has no consensus; see --next");
    *out = t->run->next;
    return trial_goes_on(t);
}

bool pcirc_find_third(struct trial *t, struct check_next *out)
{
    if (trial_said_it_needs(t, NEEDS_THIRD) && !t->run->third.known)
        trial_skip(t, "the relay's consensus names no third relay");
    *out = t->run->third;
    return trial_goes_on(t);
}

struct pcirc *pcirc_two_hops(struct trial *t)
{
    struct check_next next;
    if (!pcirc_find_next(t, &next))
        return NULL;
    struct pcirc *c = pcirc_fast(t);
    pcirc_extend(c, &next);
    return c;
}
