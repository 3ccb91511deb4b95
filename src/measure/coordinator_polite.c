/* Jobs and what relays are spared: polite.h has the rules. */
#include "measure/coordinator_plan.h"

/* Relays of one host that have one slot are measured at the same time, if they know measuring. */
static bool may_be_beside(const struct cjob *j, const struct cjob *other)
{
    return j->item && other->item && j->item->at.slot == other->item->at.slot &&
           j->config.mode == MEAS_FLASHFLOW && other->config.mode == MEAS_FLASHFLOW;
}

static bool is_same(const struct meas_relay *a, const struct meas_relay *b)
{
    return (a->has_fp && b->has_fp && rsa_id_equal(&a->fp, &b->fp)) ||
           (a->has_ed25519 && b->has_ed25519 && ed_id_equal(&a->ed25519, &b->ed25519));
}

bool cpolite_is_measured(const struct cjob *j)
{
    const struct meas_relay *r = &j->config.relay;
    for (const struct cjob *o = j->coordinator->jobs; o; o = o->next) {
        const struct meas_relay *other = &o->config.relay;
        bool beside = ip_equal(&other->addrs[0].ip, &r->addrs[0].ip) && !may_be_beside(j, o);
        if (o->run && (beside || is_same(r, other)))
            return true;
    }
    return false;
}

/* What is known of it, found at AT, which may be none. */
static err_t learn(struct cjob *j, const struct ipport *at, char why[POLITE_WHY_MAX])
{
    struct meas_relay r = j->config.relay;
    if (at && at->ip.family != IP_NONE)
        r.addrs[0] = *at;
    return polite_learn(j->coordinator->polite, j->polite, &r, why);
}

err_t cpolite_begin(struct cjob *j, char why[POLITE_WHY_MAX])
{
    bool beside = j->item && j->config.mode == MEAS_FLASHFLOW;
    TRY((beside ? polite_begin_beside : polite_begin)(j->coordinator->polite, &j->config.relay,
                                                      j->began_s, why, &j->polite));
    err_t e = learn(j, &j->reached, why);
    if (e != OK)
        cpolite_end(j, j->began_s, 0, false);
    return e;
}

void cpolite_counts(struct cjob *j)
{
    if (j->polite)
        polite_counts(j->polite);
}

void cpolite_met(struct cjob *j, const struct ipport *at)
{
    char why[POLITE_WHY_MAX];
    if (j->polite && learn(j, at, why) != OK)
        run_refused(j->run, MEAS_RESTING, why);
}

void cpolite_end(struct cjob *j, int64_t now_s, uint64_t bytes, bool sent_away)
{
    if (j->polite)
        polite_end(j->coordinator->polite, j->polite, now_s, bytes, sent_away);
    j->polite = NULL;
}
