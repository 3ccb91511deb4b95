/* The end of a job of the coordinator: its line, who is told of it, what it gives back. */
#include <stdlib.h>
#include <string.h>

#include "measure/coordinator_int.h"

struct cjob *cjob_find(const struct coordinator *c, uint32_t meas_id)
{
    for (struct cjob *j = c->jobs; j; j = j->next)
        if (j->meas_id == meas_id)
            return j;
    return NULL;
}

void cjob_leave_relay(struct cjob *j, bool aborted)
{
    if (j->talk)
        j->coordinator->ops->hush(j->coordinator->arg, j->talk, aborted);
    j->talk = NULL;
}

void cjob_unprove(struct cjob *j)
{
    if (j->proving)
        j->coordinator->ops->unprove(j->coordinator->arg, j->proving);
    j->proving = NULL;
}

void cjob_free(struct cjob *j)
{
    struct coordinator *c = j->coordinator;
    struct cjob **at = &c->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    c->n_jobs--;
    cjob_leave_relay(j, true);
    cjob_unprove(j);
    cteam_give_back(j);
    run_free(j->run);
    free(j->proof);
    free(j->exit_proof);
    free(j);
}

static void log_result(const struct cjob *j, const struct result *r)
{
    struct log *log = j->coordinator->env->log;
    if (r->ok)
        log_notice(log, "Result of %s: %.1f Mbit/s, limited by %s", j->relay,
                   (double)r->bw * 8 / 1e6, r->limited_by);
    else
        log_notice(log, "No result of %s: %s%s%s", j->relay, r->why, *r->detail ? ", " : "",
                   r->detail);
}

/* The line goes to the results, to whoever follows the job, and to what is remembered. */
static void publish(struct cjob *j, char *gift_line)
{
    struct coordinator *c = j->coordinator;
    struct result r = {.ok = false};
    if (!gift_line || c->ops->record(c->arg, gift_line, false) != OK) {
        c->counts.unwritten++;
        log_warn(c->env->log, "The result of measurement %u could not be written", j->meas_id);
    }
    if (gift_line) {
        struct text line = {gift_line, strlen(gift_line) - 1};
        if (results_parse(line, &r) != OK || history_add(&c->history, &r) != OK)
            log_warn(c->env->log, "The result of measurement %u is not remembered", j->meas_id);
        gift_line[line.len] = 0;
        log_result(j, &r);
    }
    ccounts_result(&c->counts, &r);
    ctell_result(j, gift_line);
    free(gift_line);
}

void cjob_over(struct cjob *j, const char *why, uint64_t next_prior, char *gift_line)
{
    struct coordinator *c = j->coordinator;
    if (j->item)
        c->plan_ops->over(j, why, next_prior);
    publish(j, gift_line);
    cjob_free(j);
    env_arm_ms(c->env, &c->look, 0);
    if (c->finishing && !c->jobs)
        c->ops->on_idle(c->arg);
}

void cjob_refuse(struct cjob *j, const char *why, const char *detail)
{
    char *line = results_refused(&j->config, why, detail, env_wall_s(j->coordinator->env));
    cjob_over(j, why, 0, line);
}
