/* What a run of the coordinator's came to. */
#include "measure/coordinator_int.h"

uint64_t cjob_bytes(const struct cjob *j)
{
    uint64_t sum = 0;
    for (unsigned sec = 1; run_summed(j->run, sec); sec++)
        for (size_t k = 0; k < j->config.n_members; k++) {
            const struct bw_report *r = run_reported(j->run, k, sec);
            sum += r ? r->wire_in + r->wire_out : 0;
        }
    return sum;
}

void cjob_compare(const struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    uint64_t recv[RUN_MEMBERS_MOST] = {0}, all_recv = 0, all_alloc = 0;
    for (size_t k = 0; k < j->config.n_members; k++) {
        for (unsigned sec = 1; run_summed(j->run, sec); sec++)
            recv[k] += run_reported(j->run, k, sec) ? run_reported(j->run, k, sec)->recv : 0;
        all_recv += recv[k];
        all_alloc += run_alloc(j->run, k);
    }
    for (size_t k = 0; k < j->config.n_members && j->config.n_members > 1; k++) {
        const char *name = j->config.members[k].name;
        agree_add(&c->agree, name, run_alloc(j->run, k), all_alloc, recv[k], all_recv);
        if (agree_is_odd(&c->agree, name))
            log_warn(c->env->log,
                     "Measurer %s has in nearly every run another part than the rest of the team: "
                     "%u%% of what it was to have. Its line is slow, or its word is wrong",
                     name, agree_percent(&c->agree, name));
    }
}

/* ---- counts ---- */

const char *const coordinator_reasons[COORDINATOR_REASONS] = {
    "unsupported",    "refused",       "no_consent", "unreachable",  "handshake_failed",
    "wrong_identity", "timeout",       "cheat",      "no_circuits",  "protocol_error",
    "relay_lost",     "measurer_lost", "cancelled",  "inconclusive", "offline",
    "resting",        "other"};

void ccounts_result(struct coordinator_counts *counts, const struct result *r)
{
    size_t i = 0;
    if (r->ok) {
        counts->measured++;
        return;
    }
    while (i < COORDINATOR_REASONS - 1 && strcmp(coordinator_reasons[i], r->why) != 0)
        i++;
    counts->failed[i]++;
}
