/* The client's consensus: that it is the network's, and that no liar keeps it old. */
#include <string.h>

#include "client/client_int.h"
#include "dir/consdiff.h"
#include "sim/sim.h"

/* Of the parts that are signed: the one that the network has now, or one that it had; or the one by
 * which the network itself does wrong. */
static bool is_the_networks(const struct sim *s, struct text consensus)
{
    struct netdocs *docs = testnet_docs(s->net);
    uint8_t digest[32];
    struct text evil;
    if (consdiff_digest(consensus, digest) == OK &&
        (netdocs_is_newest(docs, CONSDOC_MICRODESC, digest) ||
         netdocs_diff(docs, CONSDOC_MICRODESC, digest).len))
        return true;
    evil = netdocs_consensus(docs, CONSDOC_MICRODESC, NETDOCS_EVIL_ADDRESS);
    return evil.len == consensus.len && memcmp(evil.s, consensus.s, evil.len) == 0;
}

void news_stored(const struct sim_client *c, const char *name, struct text text)
{
    if (strcmp(name, "cached-microdesc-consensus") == 0 && !is_the_networks(c->sim, text))
        sim_breach(c->sim, "network", "client %zu believes a consensus that nobody signed", c->id);
}

static bool is_over(const struct sim_client *c, const struct netdir *nd)
{
    return netdir_consensus(nd)->valid_until_s + c->sim->sc->fresh_s <= env_wall_s(&c->env);
}

void news_step(struct sim *s)
{
    for (size_t i = 0; s->sc->fresh_s && i < s->sc->clients; i++) {
        struct sim_client *c = &s->client[i];
        const struct netdir *newest =
            c->client ? dirmgr_newest(directory_mgr(c->client->directory)) : NULL;
        c->informed |= newest != NULL;
        if (c->informed && c->client && (!newest || is_over(c, newest)))
            sim_breach(s, "fresh", "the consensus of client %zu has become old", i);
    }
}
