/* The votes and the consensus of a test network's authorities, and lies about it. All authorities
 * say the same, and their votes don't speak of phantoms: votes are read by people and by tests, and
 * stay small so. */
#include "testnet/netdocs_int.h"

#include <string.h>

enum { VOTING_DELAY_S = 2 }; /* the least that clients take, for votes and for signatures */

static struct consdoc consensus_at(struct netdocs *d, const struct netdocs_times *t)
{
    return (struct consdoc){.valid_after_s = t->valid_after_s,
                            .fresh_until_s = t->fresh_until_s,
                            .valid_until_s = t->valid_until_s,
                            .vote_s = VOTING_DELAY_S,
                            .dist_s = VOTING_DELAY_S,
                            .params = d->params,
                            .authority = d->authority,
                            .n_authorities = netdocs_authority_count(d),
                            .relay = d->rows,
                            .n_relays = d->n_relays};
}

err_t netdocs_make_votes(struct netdocs *d, const struct netdocs_times *t)
{
    struct consdoc c = consensus_at(d, t);
    size_t head_len;
    c.relay = d->node_rows;
    c.n_relays = d->n_node_rows;
    for (size_t i = 0; i < c.n_authorities; i++) {
        struct docw *w = &d->authority_docs[i].vote;
        docw_free(w);
        d->authority[i].cert = docw_part(&d->certs, d->authority_docs[i].cert);
        consdoc_write_vote(w, &c, &d->authority[i], &head_len);
        consdoc_sign_vote(w, &d->authority[i]);
        TRY(w->err);
    }
    return OK;
}

/* Changes a digit of the last relay's weight, which stands before END. */
static void forge(struct docw *w, size_t end)
{
    struct text word = TEXT_LIT("w Bandwidth=");
    if (w->err != OK)
        return;
    char *at = w->s + end;
    while (memcmp(at, word.s, word.len) != 0)
        at--;
    at += word.len;
    *at = *at == '9' ? '8' : '9';
}

err_t netdocs_write_consensus(struct netdocs *d, enum consdoc_flavor flavor, enum netdocs_lie lie,
                              const struct netdocs_times *t, struct docw *out, size_t *signed_len)
{
    struct consdoc_authority strangers[PLAN_AUTHORITIES_MOST];
    struct consdoc c = consensus_at(d, t);
    size_t head_len;
    c.nowhere = lie == NETDOCS_EVIL_ADDRESS;
    if (lie == NETDOCS_STRANGERS) {
        for (size_t i = 0; i < c.n_authorities; i++) {
            strangers[i] = c.authority[i];
            strangers[i].identity.b[19] ^= 1;
        }
        c.authority = strangers;
    }
    consdoc_write(out, &c, flavor, &head_len);
    consdoc_sign(out, &c, flavor, lie == NETDOCS_UNKNOWN_DIGEST ? "sha3-512" : NULL,
                 lie == NETDOCS_ONE_SIGNATURE ? 1 : c.n_authorities, signed_len);
    if (lie == NETDOCS_FORGED)
        forge(out, *signed_len);
    return out->err;
}
