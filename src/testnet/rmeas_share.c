/* What clients may carry while a relay is measured, in rounds of a tenth of a second, and what the
 * coordinator is told of it. 316: their traffic is kept to the share r of all that the relay
 * carries, as it were if it carried 10 Mbit/s at least. */
#include "testnet/node_int.h"

enum {
    READ_ABOUT = 32 * 1024, /* what may come when it is too late to stop reading */
    MARGIN = 32,            /* one part in so many of their share is left alone */
};

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes of clients' since the run began: what came or what went, whichever is more. */
static uint64_t carried(const struct rmeas *m)
{
    const struct node_counts *n = &m->node->counts;
    return most(n->client_in - m->client_in, n->client_out - m->client_out);
}

static void hold(struct rmeas *m)
{
    struct nlink *nl;
    m->held = true;
    DL_FOREACH (m->node->links, nl) {
        if (!nl->measures)
            nlink_hold(nl, true);
    }
}

static void release(struct rmeas *m)
{
    struct node *n = m->node;
    struct nlink *nl;
    m->held = false;
    DL_FOREACH (n->links, nl) {
        if (!nl->measures)
            nlink_hold(nl, false);
    }
    for (struct rcirc *c = n->circs, *next; c; c = next) {
        next = c->next;
        rcirc_wake_streams(c);
        if (next && next->over)
            next = n->circs; /* it took others with it */
    }
}

/* The coordinator believes of each second what its echoes allow: what clients have left over of one
 * is not theirs in the next. A debt stays. */
static void next_round(void *arg)
{
    struct rmeas *m = arg;
    uint64_t x = m->echoed - m->round_echoed[m->round_at];
    uint64_t share = measurable_share(&m->terms, x);
    int64_t used = (int64_t)carried(m);
    /* What came back in this second may be a little less than in the last. */
    int64_t more =
        (int64_t)most(share - share / MARGIN, measurable_floor(&m->terms)) / RMEAS_ROUNDS;
    m->round_echoed[m->round_at] = m->echoed;
    m->round_at = (m->round_at + 1) % RMEAS_ROUNDS;
    if (m->rounds++ % RMEAS_ROUNDS == 0 && m->allowed > used)
        m->allowed = used;
    m->allowed += more;
    m->early = more / 2 < READ_ABOUT ? more / 2 : READ_ABOUT;
    timerq_arm(&m->node->env->timers, &m->round,
               m->began_us + m->rounds * (uint64_t)RMEAS_ROUND_MS * US_PER_MS);
    if (m->held && used < m->allowed - m->early)
        release(m);
}

void rmeas_share_spend(struct node *n)
{
    struct rmeas *m = &n->meas;
    if (m->state == RMEAS_RUNNING && !m->held && (int64_t)carried(m) >= m->allowed - m->early &&
        misdeed_limit(n))
        hold(m);
}

struct meas_bg rmeas_share_second(struct rmeas *m)
{
    const struct node_counts *n = &m->node->counts;
    uint64_t sent = n->client_out - m->told_out, recv = n->client_in - m->told_in;
    m->told_out = n->client_out;
    m->told_in = n->client_in;
    return (struct meas_bg){.sent = sent < UINT32_MAX ? (uint32_t)sent : UINT32_MAX,
                            .recv = recv < UINT32_MAX ? (uint32_t)recv : UINT32_MAX};
}

void rmeas_share_init(struct rmeas *m)
{
    timer_init(&m->round, next_round, m);
}

void rmeas_share_begin(struct rmeas *m)
{
    const struct node_counts *n = &m->node->counts;
    m->client_in = m->told_in = n->client_in;
    m->client_out = m->told_out = n->client_out;
    m->round_at = 0;
    for (unsigned i = 0; i < RMEAS_ROUNDS; i++)
        m->round_echoed[i] = m->echoed;
    m->allowed = 0;
    m->rounds = 0;
    next_round(m);
    rmeas_share_spend(m->node);
}

void rmeas_share_end(struct rmeas *m)
{
    timer_disarm(&m->round);
    if (m->held)
        release(m);
}
